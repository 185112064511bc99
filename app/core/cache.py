"""What was read, kept in the process as long as the database stays the same: whole answers for readers who are nobody in
particular, and facts that public lists read for everybody.

Nothing is used once anything at all was committed, by whichever process, so that what was withdrawn is gone at the next
request (N1). Asking costs one tiny statement. Answers carry an ETag; a proxy may keep them for a second.
"""

from __future__ import annotations

import collections
import datetime as dt
import hashlib
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, current_app, g, request
from flask_babel import get_locale
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import db, in_transaction, uses_sqlite
from app.core.web import viewer_was_asked

MOST_ENTRIES = 128
MOST_SECONDS = 5.0  # words such as "starts in two days" age without any commit
MOST_URL = 500
MOST_FACTS = 4096
_HTML = "text/html; charset=utf-8"


class PageCache:
    """The answers of one process, the least recently used given up first."""

    def __init__(self) -> None:
        self._entries: collections.OrderedDict[tuple[str, str], tuple[Any, float, bytes, str]] = (
            collections.OrderedDict()
        )
        self._lock = threading.Lock()
        self._generations = itertools.count(1)
        self._generation = 0
        self._facts: dict[str, dict[Any, Any]] = {}
        self._facts_at: Any = None

    def changed(self) -> None:
        """Something was committed."""
        self._generation = next(self._generations)

    def stamp(self) -> Any:
        """What the database is at now: equal stamps, equal content."""
        connection = db.session.connection()
        if not uses_sqlite():
            # Every commit of a change ends a transaction with a number, and so moves the snapshot; none comes twice.
            return connection.exec_driver_sql("SELECT CAST(pg_current_snapshot() AS text)").scalar()
        # The number is the connection's own and tells of other connections' commits only; `changed` tells of ours.
        version = connection.exec_driver_sql("PRAGMA data_version").scalar()
        info = connection.connection.info
        if info.get("data_version") != version:
            info["data_version"] = version
            self.changed()
        return self._generation

    def facts(self, name: str) -> dict[Any, Any]:
        """What was read since the last commit anywhere, in this minute; see `facts`."""
        at = (self.stamp(), now().replace(second=0, microsecond=0))
        with self._lock:
            if self._facts_at != at:
                self._facts, self._facts_at = {}, at
            kept = self._facts.setdefault(name, {})
            if len(kept) >= MOST_FACTS:
                kept = self._facts[name] = {}
        return kept

    def find(self, key: tuple[str, str]) -> tuple[bytes, str] | None:
        """The answer and its ETag, when it may still be given."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry[1] < time.monotonic():
                return None
            self._entries.move_to_end(key)
        return (entry[2], entry[3]) if entry[0] == self.stamp() else None

    def keep(self, key: tuple[str, str], stamp: Any, body: bytes, etag: str) -> None:
        """Remember an answer that was made after `stamp` was asked."""
        with self._lock:
            self._entries[key] = (stamp, time.monotonic() + MOST_SECONDS, body, etag)
            self._entries.move_to_end(key)
            while len(self._entries) > MOST_ENTRIES:
                self._entries.popitem(last=False)


def init_app(app: Flask) -> None:
    """Give `app` its cache, and let it hear of this process's own commits."""
    cache = app.extensions["page_cache"] = PageCache()

    @sa.event.listens_for(db.session, "after_commit")
    def committed(_session: Session) -> None:
        cache.changed()


def facts(name: str) -> dict[Any, Any]:
    """A dictionary for what public lists read again and again, empty after every commit and every minute.

    Ask for it before reading; put in only what was read from committed rows and is the same for everybody. Inside a
    transaction, which sees what nobody else does yet, it is a new one each time.
    """
    if in_transaction():
        return {}
    cache: PageCache = current_app.extensions["page_cache"]
    return cache.facts(name)


def anonymous_page(make: Callable[[], str], *, proxies: bool = True) -> Response:
    """The page that `make` renders. Without a session it is cached, revalidates by ETag and sets no cookie. `proxies`: one may
    keep it for a second."""
    if viewer_was_asked():
        return Response(make(), content_type=_HTML)
    response = _kept_answer(make, _HTML, proxies)
    response.vary.update(("Cookie", "Accept-Language"))
    response.make_conditional(request)
    return response


def public_document(
    make: Callable[[], str], content_type: str, changed: dt.datetime, *, proxies: bool = True
) -> Response:
    """What `make` writes for programs, the same for everybody who reads the language: cached, revalidates by ETag, or by the
    day and time `changed` (aware) where a program knows no ETag. `proxies`: one may keep it for a second."""
    response = _kept_answer(make, content_type, proxies)
    response.vary.add("Accept-Language")
    # HTTP's dates have no fractions: what changed this very second may change again within it (RFC 9110, 8.8.2.2).
    if changed < now() - dt.timedelta(seconds=2):
        response.last_modified = changed
    response.make_conditional(request)
    return response


def keep_nowhere() -> None:
    """Said while an answer is made: it tells of something that time alone changes and that must be true now, so that nobody keeps
    it, neither this process nor a proxy."""
    g.is_kept_nowhere = True


def _kept_answer(make: Callable[[], str], content_type: str, proxies: bool) -> Response:
    cache: PageCache = current_app.extensions["page_cache"]
    key = (request.full_path, str(get_locale()))
    found = cache.find(key) if len(key[0]) <= MOST_URL else None
    if found is None:
        stamp = cache.stamp()
        g.is_kept_nowhere = False
        body = make().encode()
        found = (body, hashlib.blake2b(body, digest_size=12).hexdigest())
        if g.is_kept_nowhere:
            proxies = False
        elif len(key[0]) <= MOST_URL:
            cache.keep(key, stamp, *found)
    response = Response(found[0], content_type=content_type)
    response.set_etag(found[1])
    response.headers["Cache-Control"] = "public, max-age=0, s-maxage=1" if proxies else "public, no-cache"
    return response
