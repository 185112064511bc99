"""Feeds of what an organization asks for and of what can be learned about a topic: Atom (RFC 4287) and JSON Feed 1.1 of the
same entries. What the public may not see is in neither, from the next request on (N1, N6)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any
from xml.etree import ElementTree  # nosec B405  # it writes XML, and reads none

import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.db import db
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.markdown import render_markdown
from app.core.paging import EPOCH
from app.discovery.subjects import Subject
from app.learning.feed import path_of
from app.learning.models import Article, Fact, Question
from app.learning.queries import list_changed
from app.needs.models import Need
from app.needs.policy import visible
from app.organizations.models import Organization

ATOM, JSON = "application/atom+xml", "application/feed+json"
_NAMESPACE = "http://www.w3.org/2005/Atom"
MOST_ENTRIES = 50
_SUMMARY = 400


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing in a feed. `path` is its page and, with the site's address, its id for ever."""

    path: str
    title: str
    summary: str
    published_at: dt.datetime | None
    updated_at: dt.datetime
    tags: tuple[str, ...] = ()


def list_entries(subject: Subject) -> list[Entry]:
    """What the feed of `subject` says now, the newest first. The caller has asked whether it is public."""
    return _needs_of(subject.id) if subject.kind == "organization" else _learned_of(subject.slug)


def last_changed(subject: Subject) -> dt.datetime:
    """When anything last happened that the feed of `subject` may depend on, what went out of sight included."""
    if subject.kind == "organization":
        acts = sa.select(sa.func.max(AuditEvent.at)).where(AuditEvent.organization_id == subject.id)
        rows = sa.select(sa.func.max(Need.updated_at)).where(Need.organization_id == subject.id)
        found = [db.session.scalar(query) for query in (acts, rows)]
    else:
        tables: tuple[Any, ...] = (Article, Fact, Question)
        latest = [sa.select(sa.func.max(model.updated_at)).where(model.topic_id == subject.id) for model in tables]
        found = [db.session.scalar(query) for query in latest]
    return max((at for at in found if at is not None), default=EPOCH)


def _needs_of(organization_id: int) -> list[Entry]:
    query = (
        sa.select(
            Need.id, Need.title, Need.description, Need.remote, Need.city, Need.region, Need.causes, Need.published_at,
            Need.created_at, Need.updated_at,
        )
        .join(Organization, Organization.id == Need.organization_id)
        .where(Need.organization_id == organization_id, visible())
        .order_by(Need.published_at.desc(), Need.id)
        .limit(MOST_ENTRIES)
    )  # fmt: skip
    found = []
    for row in db.session.execute(query):
        area = ", ".join(part for part in (row.city, row.region) if part) or (_("From anywhere") if row.remote else "")
        summary = "\n\n".join(part for part in (area, _shortened(row.description)) if part)
        published_at = row.published_at or row.created_at
        path = f"/needs/{encode_id(row.id)}"
        found.append(Entry(path, row.title, summary, published_at, row.updated_at, tuple(row.causes)))
    return found


def _learned_of(slug: str) -> list[Entry]:
    """What was withdrawn stays in the feed and says so: readers keep what they fetched before. What speaks of abuse or
    disaster is told on its page only (G13)."""
    words = {"contested": _("Contested"), "verified": _("Verified"), "published": "", "withdrawn": _("Withdrawn")}
    found = []
    for row in list_changed(MOST_ENTRIES, topic=slug):
        withdrawn = row.status == "withdrawn"
        said = (
            row.withdrawn_because if withdrawn else _("Speaks of abuse or disaster") if row.sensitive else row.summary
        )
        title = _("Withdrawn: %(title)s", title=row.title) if withdrawn else row.title
        summary = ". ".join(part for part in (words[row.status], said) if part)
        found.append(Entry(path_of(row.kind, row.slug), title, summary, None, row.updated_at))
    return found


def _shortened(markdown: str) -> str:
    """The beginning of a text without its marks."""
    text = " ".join(render_markdown(markdown).striptags().split())
    return text if len(text) <= _SUMMARY else text[:_SUMMARY].rsplit(" ", 1)[0] + "…"


def write_atom(subject: Subject, entries: list[Entry], *, base_url: str, language: str, changed: dt.datetime) -> str:
    """The feed as RFC 4287 has it."""
    feed = ElementTree.Element("feed", {"xmlns": _NAMESPACE, "xml:lang": language})

    def add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
        element = ElementTree.SubElement(parent, tag, attributes)
        element.text = text or None
        return element

    add(feed, "id", f"{base_url}{subject.feed_path}.atom")
    add(feed, "title", title_of(subject))
    add(feed, "updated", _iso(changed))
    add(feed, "link", rel="self", type=ATOM, href=f"{base_url}{subject.feed_path}.atom")
    add(feed, "link", rel="alternate", type="text/html", href=f"{base_url}{subject.path}")
    add(add(feed, "author"), "name", subject.name)
    for entry in entries:
        element = add(feed, "entry")
        add(element, "id", base_url + entry.path)
        add(element, "title", entry.title)
        if entry.published_at is not None:
            add(element, "published", _iso(entry.published_at))
        add(element, "updated", _iso(entry.updated_at))
        add(element, "link", rel="alternate", type="text/html", href=base_url + entry.path)
        if entry.summary:
            add(element, "summary", entry.summary, type="text")
        for tag in entry.tags:
            add(element, "category", term=tag)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(feed, encoding="unicode")


def write_json(subject: Subject, entries: list[Entry], *, base_url: str, language: str) -> str:
    """The same as JSON Feed 1.1 (jsonfeed.org/version/1.1)."""
    items: list[dict[str, Any]] = [
        {
            "id": base_url + entry.path,
            "url": base_url + entry.path,
            "title": entry.title,
            "content_text": entry.summary,
            "date_modified": _iso(entry.updated_at),
            **({"date_published": _iso(entry.published_at)} if entry.published_at is not None else {}),
            **({"tags": list(entry.tags)} if entry.tags else {}),
        }
        for entry in entries
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title_of(subject),
        "home_page_url": f"{base_url}{subject.path}",
        "feed_url": f"{base_url}{subject.feed_path}.json",
        "language": language,
        "authors": [{"name": subject.name}],
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False)


def title_of(subject: Subject) -> str:
    """What the feed is called."""
    if subject.kind == "organization":
        return _("Needs of %(organization)s", organization=subject.name)
    return _("Learn: %(topic)s", topic=subject.name)


def _iso(at: dt.datetime) -> str:
    """RFC 3339, to the second."""
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
