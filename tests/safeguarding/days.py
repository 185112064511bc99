"""The days and hours of the machine of test_model, as the clock of its one place shows them."""

from __future__ import annotations

import contextlib
import datetime as dt
import zoneinfo
from collections.abc import Iterator

import time_machine

from app.core.db import db

ZONE = "America/New_York"
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


@contextlib.contextmanager
def at(instant: dt.datetime) -> Iterator[None]:
    """Within, it is `instant`."""
    with time_machine.travel(instant, tick=False):
        db.session.rollback()
        db.session.expire_all()
        yield
    db.session.rollback()
    db.session.expire_all()


def wall(day: dt.date, hour: int, minute: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), zoneinfo.ZoneInfo(ZONE)).astimezone(dt.UTC)


def dates(today: dt.date, last: dt.date, choice: str) -> tuple[dt.date, dt.date | None]:
    """The first and last day of a clearance, each of the ways in which one can be right or wrong."""
    month = today - 30 * DAY
    return {
        "good": (month, None),
        "today": (today, last + 90 * DAY),
        "future": (today + DAY, None),
        "expired": (month, today - DAY),
        "last day": (month, last),
        "day before": (month, last - DAY),
        "day after": (month, last + DAY),
        "tomorrow": (month, today + DAY),
    }[choice]
