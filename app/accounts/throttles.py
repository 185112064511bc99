"""Throttles of what can be guessed (A5): counted in the database, so that every process and every restart knows.

Keys are keyed hashes: the table tells neither an address nor an IP. Limits per window: sign-in 10 per address and 100 per
network address in 15 minutes; registration 20 and links by mail 5 (per address) or 20 (per network address) in an hour;
places held for guests 6 (per address) or 30 (per network address) in an hour; claims asked about 10 (per
network address) and mails about them 3 (per address) in an hour; asking to follow 6 (per address) or 20 (per network
address) in an hour.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts.models import Throttle
from app.core.clock import now
from app.core.db import db, uses_sqlite
from app.core.tokens import keyed_hash

LIMITS = {
    "sign_in.email": (10, dt.timedelta(minutes=15)),
    "sign_in.network": (100, dt.timedelta(minutes=15)),
    "register.network": (20, dt.timedelta(hours=1)),
    "guest.network": (30, dt.timedelta(hours=1)),
    "guest.email": (6, dt.timedelta(hours=1)),
    "asked_claim.network": (10, dt.timedelta(hours=1)),
    "asked_claim.email": (3, dt.timedelta(hours=1)),
    "follow.network": (20, dt.timedelta(hours=1)),
    "follow.email": (6, dt.timedelta(hours=1)),
    "link.email": (5, dt.timedelta(hours=1)),
    "link.network": (20, dt.timedelta(hours=1)),
}


def count(action: str, value: str) -> dt.timedelta | None:
    """Count one try of `action` by `value`; None while allowed, else how long to wait. In a transaction of its own.

    One statement counts and reads at once, so that tries at the same moment cannot slip through together.
    """
    if not current_app.config["SETTINGS"].rate_limits:
        return None
    limit, window = LIMITS[action]
    at = now()
    over = Throttle.window_started_at <= at - window
    insert = sqlite.insert if uses_sqlite() else postgresql.insert
    statement = insert(Throttle).values(key=keyed_hash(action, value.casefold()), window_started_at=at, count=1)
    counted = db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": sa.case((over, 1), else_=Throttle.count + 1),
                "window_started_at": sa.case((over, at), else_=Throttle.window_started_at),
            },
        ).returning(Throttle.count.label("tries"), Throttle.window_started_at.label("started_at"))
    ).one()
    if counted.tries <= limit:
        return None
    started_at: dt.datetime = counted.started_at
    return max(dt.timedelta(seconds=1), started_at + window - at)


def forget_old() -> None:
    """Remove windows that are over; called by a sweep, in its transaction."""
    longest = max(window for _limit, window in LIMITS.values())
    db.session.execute(sa.delete(Throttle).where(Throttle.window_started_at < now() - longest))
