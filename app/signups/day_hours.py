"""How long a minor helps on one day (G4): what their places on it come to, whoever has them, against what their age allows. The
rules of one shift (signups.rules) know only how long that one lasts.

Of the places of a day, those that were taken first stand: when a shift is made longer, it is the last taken that goes.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.db import db
from app.core.errors import Reason
from app.core.i18n import _
from app.needs.models import Shift
from app.signups import rules
from app.signups.models import Signup

# Further apart, two shifts lie on the same local day nowhere (UTC-12 to UTC+14, and the day itself).
_REACH = dt.timedelta(hours=50)
_NOTHING = dt.timedelta()
# Held, or over: both were hours of the day.
_COUNTED = ("confirmed", "checked_in", "completed")


def check(shift: Shift, person: Person, *, ignore: Signup | None = None) -> list[Reason]:
    """Why this shift is too much for a minor beside what they took for its day; empty when it is not, and for anybody else.
    `ignore` is a place that does not count: the one that is asked about, or that is given up for this."""
    if rules.find_day_limit(shift, person) is None:
        return []
    others = _list_held([person.id], [shift])
    if ignore is not None:
        asked_again = ignore.shift_id == shift.id and ignore.status in _COUNTED
        others = [row for row in others if row.id != ignore.id and not (asked_again and _is_later(row, ignore))]
    return _reasons(shift, person, others)


def list_reasons(signups: Sequence[Signup]) -> dict[int, list[Reason]]:
    """The same of many places (held, or waiting for one) by their ids, in one statement, and in none where nobody is a minor.
    Each comes with its shift, need, organization and person."""
    minors = [signup for signup in signups if rules.find_day_limit(signup.shift, signup.person) is not None]
    if not minors:
        return {}
    held = _list_held([signup.person_id for signup in minors], [signup.shift for signup in minors])
    found = {}
    for signup in minors:
        holds = signup.status in _COUNTED
        others = [
            row
            for row in held
            if row.person_id == signup.person_id and row.id != signup.id and not (holds and _is_later(row, signup))
        ]
        if reasons := _reasons(signup.shift, signup.person, others):
            found[signup.id] = reasons
    return found


def _is_later(row: Any, signup: Signup) -> bool:
    return (row.created_at, row.id) > (signup.created_at, signup.id)


def _list_held(person_ids: Sequence[int], shifts: Sequence[Shift]) -> list[Any]:
    """The places that these people hold or kept at about the time of the shifts."""
    starts = [shift.starts_at for shift in shifts if shift.starts_at is not None]
    query = (
        sa.select(
            Signup.id,
            Signup.person_id,
            Signup.shift_id,
            Signup.created_at,
            Shift.starts_at,
            Shift.ends_at,
            Shift.time_zone,
        )
        .join(Shift, Shift.id == Signup.shift_id)
        .where(Signup.person_id.in_(set(person_ids)), Signup.status.in_(_COUNTED), Shift.status != "cancelled")
        .where(Shift.starts_at > min(starts) - _REACH, Shift.starts_at < max(starts) + _REACH)
    )
    return list(db.session.execute(query).all())


def _reasons(shift: Shift, person: Person, others: Sequence[Any]) -> list[Reason]:
    limit = rules.find_day_limit(shift, person)
    if limit is None or shift.starts_at is None or shift.ends_at is None:
        return []
    day = rules.start_day(shift)
    taken = sum(
        (
            row.ends_at - row.starts_at
            for row in others
            if row.shift_id != shift.id and row.starts_at.astimezone(zoneinfo.ZoneInfo(row.time_zone)).date() == day
        ),
        _NOTHING,
    )
    # A shift that is too long by itself is told so by its own rules.
    if taken == _NOTHING or taken + (shift.ends_at - shift.starts_at) <= limit:
        return []
    hours = int(limit.total_seconds() // 3600)
    return [
        Reason(
            "minor_hours",
            _("At your age: at most %(hours)s hours a day, with what you took for that day already.", hours=hours),
            _("Choose another day, or cancel the other place on My help."),
            "/my-help",
        )
    ]
