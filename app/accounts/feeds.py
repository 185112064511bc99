"""The address of a person's private calendar: shown to them, revocable, and good for reading that calendar only."""

from __future__ import annotations

import secrets

from app.accounts.models import CalendarFeed, Person
from app.core import audit
from app.core.clock import now
from app.core.db import db, lock
from app.core.ids import decode_id, encode_id
from app.core.tokens import keyed_hash, new_token

_ID_LENGTH = 13


def find_feed_token(person_id: int) -> str | None:
    """What the person's calendar address carries, or None when they have none."""
    feed = db.session.get(CalendarFeed, person_id)
    return None if feed is None else _token(feed)


def find_feed_person(token: str) -> Person | None:
    """The active person whose calendar address carries `token` now, or None."""
    person_id = decode_id(token[:_ID_LENGTH])
    feed = None if person_id is None else db.session.get(CalendarFeed, person_id)
    if feed is None or not secrets.compare_digest(_token(feed).encode(), token.encode()):
        return None
    person = db.session.get(Person, feed.person_id)
    return person if person is not None and person.is_active else None


def renew_feed(person_id: int, *, by: Person) -> str:
    """A new calendar address for the person; the one before, if there was any, is dead at once. Returns its token."""
    lock(Person, person_id)
    feed = db.session.get(CalendarFeed, person_id)
    if feed is None:
        feed = CalendarFeed(person_id=person_id)
        db.session.add(feed)
    feed.secret, feed.created_at = new_token(), now()
    db.session.flush()
    audit.record("person.calendar_renewed", subject=by, by=by)
    return _token(feed)


def revoke_feed(person_id: int, *, by: Person) -> None:
    """No calendar address any more."""
    lock(Person, person_id)
    feed = db.session.get(CalendarFeed, person_id)
    if feed is not None:
        db.session.delete(feed)
        db.session.flush()
        audit.record("person.calendar_revoked", subject=by, by=by)


def _token(feed: CalendarFeed) -> str:
    return encode_id(feed.person_id) + keyed_hash("calendar", feed.secret)[:40]
