"""The feed of what was published, changed and withdrawn, as Atom (RFC 4287)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from xml.etree import ElementTree  # nosec B405 # only written here, never parsed

from app.core.i18n import _
from app.core.paging import EPOCH
from app.learning.queries import Changed

TYPE = "application/atom+xml; charset=utf-8"
_PATHS = {"article": "/learn/", "fact": "/learn/facts/", "question": "/learn/questions/"}


def path_of(kind: str, slug: str) -> str:
    """The path of the page of an article, a fact or a question."""
    return _PATHS[kind] + slug


def write_atom(rows: Sequence[Changed], *, base_url: str, site: str, language: str) -> str:
    """The feed as RFC 4287 has it; the latest change first. What was withdrawn stays in it and says so, because readers
    keep what they fetched before. Summaries of what speaks of abuse or disaster are on the page only (G13)."""
    feed = ElementTree.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": language})
    _add(feed, "id", f"{base_url}/learn.atom")
    _add(feed, "title", _("%(site)s: what changed in Learn", site=site))
    _add(feed, "updated", _iso(max((row.updated_at for row in rows), default=EPOCH)))
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{base_url}/learn.atom")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{base_url}/learn")
    _add(_add(feed, "author"), "name", site)
    words = {"contested": _("Contested"), "verified": _("Verified"), "published": "", "withdrawn": _("Withdrawn")}
    for row in rows:
        entry, address = _add(feed, "entry"), base_url + path_of(row.kind, row.slug)
        withdrawn = row.status == "withdrawn"
        said = row.withdrawn_because if withdrawn else "" if row.sensitive else row.summary
        _add(entry, "id", address)
        _add(entry, "title", _("Withdrawn: %(title)s", title=row.title) if withdrawn else row.title)
        _add(entry, "updated", _iso(row.updated_at))
        _add(entry, "link", rel="alternate", type="text/html", href=address)
        _add(entry, "category", term=row.topic)
        if summary := ". ".join(part for part in (words[row.status], said) if part):
            _add(entry, "summary", summary, type="text")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(feed, encoding="unicode")


def _add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = text or None
    return element


def _iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
