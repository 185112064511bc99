"""Throttles of what can be guessed (A5): counted in the database, so that every process and every restart knows.

Keys are keyed hashes: the table tells neither an address nor an IP. What anybody can do about somebody else's account is counted
for the address from one network address, so that a stranger who tries keeps nobody out but himself; the limit for the address
from everywhere is far wider, and what a network address is refused is not counted towards it. LIMITS says how many in what time.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts.models import Throttle
from app.core.clock import now
from app.core.db import db, uses_sqlite
from app.core.limits import network
from app.core.tokens import keyed_hash

_QUARTER, _HOUR = dt.timedelta(minutes=15), dt.timedelta(hours=1)
# An action, what it is counted by ("here": an address from one network address), how often, and in what time.
LIMITS = {
    "sign_in.here": (10, _QUARTER),
    "sign_in.network": (100, _QUARTER),
    "sign_in.email": (100, _QUARTER),
    "link.here": (5, _HOUR),
    "link.network": (20, _HOUR),
    "link.email": (20, _HOUR),
    "register.here": (5, _HOUR),
    "register.network": (20, _HOUR),
    "register.email": (20, _HOUR),
    "guest.here": (6, _HOUR),
    "guest.network": (30, _HOUR),
    "guest.email": (20, _HOUR),
    "asked_claim.network": (10, _HOUR),
    "asked_claim.email": (3, _HOUR),
    "follow.here": (6, _HOUR),
    "follow.network": (20, _HOUR),
    "follow.email": (20, _HOUR),
    "invitation.email": (5, _HOUR),
    "claim.person": (5, _HOUR),
    "claim.organization": (50, _HOUR),
}


def count_claim(organization_id: int, person_id: int) -> dt.timedelta | None:
    """Count one claim of an organization, as `count` does: by this person, and by everybody."""
    by_person = count("claim.person", f"{organization_id} {person_id}")
    return count("claim.organization", str(organization_id)) if by_person is None else by_person


def count_about(action: str, email: str) -> dt.timedelta | None:
    """Count one try of `action` about the account of `email`, as `count` does: for it from where the request comes from, for
    whatever comes from there, and for it from everywhere."""
    here = network()
    for by, value in (("here", f"{here} {email}"), ("network", here), ("email", email)):
        wait = count(f"{action}.{by}", value)
        if wait is not None:
            return wait
    return None


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
