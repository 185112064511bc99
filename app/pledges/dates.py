"""By when a promise comes, when one is reminded of it, and when it has run out (P3). Days are the place's own."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from app.core import outbox
from app.core.clock import now, today
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.needs.models import Need
from app.pledges.models import Pledge

USUAL = dt.timedelta(days=14)
LONGEST = dt.timedelta(days=366)
REMIND_BEFORE = dt.timedelta(days=2)
# After its day a promise is asked about once, and stands a little longer; what was sent may be slow.
GRACE = {"reserved": dt.timedelta(days=3), "in_transit": dt.timedelta(days=14)}
MORNING = dt.time(9)


def usual_day(need: Need) -> dt.date:
    """By when, when nobody says: in two weeks, or on the need's last day when that is earlier."""
    day = today(need.time_zone) + USUAL
    return min(day, need.ends_on) if need.ends_on and need.ends_on >= today(need.time_zone) else day


def check_day(need: Need, day: dt.date) -> dt.date:
    """`day` when a promise may come by it. Raises InvalidInput at "deliver_by"."""
    first = today(need.time_zone)
    if day < first:
        raise InvalidInput({"deliver_by": _("This day is over")})
    if need.ends_on is not None and day > need.ends_on:
        raise InvalidInput({"deliver_by": _("It is needed earlier than that: the need ends before")})
    if day > first + LONGEST:
        raise InvalidInput({"deliver_by": _("Choose a day within a year")})
    return day


def promise_reminder(pledge: Pledge, need: Need) -> None:
    """Promise to remind of the day two days before; none when that is past, or the day is not known."""
    if pledge.deliver_by is None:
        return
    due = dt.datetime.combine(pledge.deliver_by - REMIND_BEFORE, MORNING, zoneinfo.ZoneInfo(need.time_zone))
    if due > now():
        day = pledge.deliver_by.isoformat()
        outbox.enqueue(
            "pledge_reminder",
            {"pledge_id": pledge.id, "deliver_by": day},
            key=f"pledge_reminder:{pledge.id}:{day}",
            due_at=due,
        )


def is_overdue(pledge: Pledge, need: Need) -> bool:
    """True once its day is over where it should come."""
    return pledge.deliver_by is not None and pledge.deliver_by < today(need.time_zone)


def runs_out_on(pledge: Pledge) -> dt.date | None:
    """The last day on which it still stands; None for a promise that is not chased."""
    return None if pledge.deliver_by is None else pledge.deliver_by + GRACE[pledge.status]


def has_run_out(pledge: Pledge, need: Need) -> bool:
    """True once its day and the days of grace are over."""
    last = runs_out_on(pledge)
    return last is not None and last < today(need.time_zone)
