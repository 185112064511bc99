"""Feeds for programs: Atom (RFC 4287) and JSON Feed 1.1 (jsonfeed.org/version/1.1) of the same entries."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree  # nosec B405  # it writes XML, and reads none

ATOM, JSON = "application/atom+xml", "application/feed+json"
_NAMESPACE = "http://www.w3.org/2005/Atom"


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing in a feed. `path` is its page and, with the site's address, its id for ever; instants are aware."""

    path: str
    title: str
    summary: str
    published_at: dt.datetime | None
    updated_at: dt.datetime
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Feed:
    """What a feed says of itself: the paths of its own address without the ending (`query` after it, with its question mark)
    and of the page that shows the same, its title, whose it is, and when it last changed (aware)."""

    path: str
    page: str
    title: str
    author: str
    changed: dt.datetime
    base_url: str
    language: str
    query: str = ""

    def address(self, ending: str) -> str:
        """The feed's own whole address, with `ending`."""
        return f"{self.base_url}{self.path}{ending}{self.query}"


def write_atom(feed: Feed, entries: Sequence[Entry]) -> str:
    """The feed as RFC 4287 has it, its entries in the order given."""
    root = ElementTree.Element("feed", {"xmlns": _NAMESPACE, "xml:lang": feed.language})
    _add(root, "id", feed.address(".atom"))
    _add(root, "title", feed.title)
    _add(root, "updated", iso(feed.changed))
    _add(root, "link", rel="self", type=ATOM, href=feed.address(".atom"))
    _add(root, "link", rel="alternate", type="text/html", href=feed.base_url + feed.page)
    _add(_add(root, "author"), "name", feed.author)
    for entry in entries:
        element = _add(root, "entry")
        _add(element, "id", feed.base_url + entry.path)
        _add(element, "title", entry.title)
        if entry.published_at is not None:
            _add(element, "published", iso(entry.published_at))
        _add(element, "updated", iso(entry.updated_at))
        _add(element, "link", rel="alternate", type="text/html", href=feed.base_url + entry.path)
        if entry.summary:
            _add(element, "summary", entry.summary, type="text")
        for tag in entry.tags:
            _add(element, "category", term=tag)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = text or None
    return element


def write_json(feed: Feed, entries: Sequence[Entry]) -> str:
    """The same as JSON Feed 1.1."""
    items: list[dict[str, Any]] = [
        {
            "id": feed.base_url + entry.path,
            "url": feed.base_url + entry.path,
            "title": entry.title,
            "content_text": entry.summary,
            "date_modified": iso(entry.updated_at),
            **({"date_published": iso(entry.published_at)} if entry.published_at is not None else {}),
            **({"tags": list(entry.tags)} if entry.tags else {}),
        }
        for entry in entries
    ]
    written = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.base_url + feed.page,
        "feed_url": feed.address(".json"),
        "language": feed.language,
        "authors": [{"name": feed.author}],
        "items": items,
    }
    return json.dumps(written, ensure_ascii=False)


def iso(at: dt.datetime) -> str:
    """RFC 3339, to the second, in UTC."""
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
