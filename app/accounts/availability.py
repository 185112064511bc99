"""When in the week a person usually has time: the weekdays by three parts of the day.

It is for themselves alone: nobody else is shown it, and nothing is ranked or filtered by it. Where one chooses among
several shifts, those that fit are marked.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Collection
from typing import Any

from app.core.i18n import lazy

# In the order of dt.date.weekday().
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Each part begins at this hour of the local day and lasts until the next one, the last until midnight.
PARTS = {"morning": 0, "afternoon": 12, "evening": 17}
PART_NAMES: dict[str, Any] = {
    "morning": lazy("Morning"),
    "afternoon": lazy("Afternoon"),
    "evening": lazy("Evening"),
}
WEEKDAY_NAMES: dict[str, Any] = {
    "monday": lazy("Monday"),
    "tuesday": lazy("Tuesday"),
    "wednesday": lazy("Wednesday"),
    "thursday": lazy("Thursday"),
    "friday": lazy("Friday"),
    "saturday": lazy("Saturday"),
    "sunday": lazy("Sunday"),
}
TIMES = tuple(f"{day}_{part}" for day in WEEKDAYS for part in PARTS)


def time_name(day: str, part: str) -> Any:
    """What a part of the week is called."""
    return lazy("%(day)s, %(part)s", day=WEEKDAY_NAMES[day], part=PART_NAMES[part])


def week(first: int) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """The week as a table has it, beginning with the day of that number: the name of each day, and the word and the name
    of each part of it."""
    days = [*WEEKDAYS[first:], *WEEKDAYS[:first]]
    return [(WEEKDAY_NAMES[day], [(f"{day}_{part}", time_name(day, part)) for part in PARTS]) for day in days]


def fits(starts_at: dt.datetime, ends_at: dt.datetime, zone: str, times: Collection[str]) -> bool:
    """True when every part of the week that the span (aware instants, half open) touches on the clocks at the IANA time
    zone `zone` is among `times`; False when there are none."""
    place = zoneinfo.ZoneInfo(zone)
    at, end = (instant.astimezone(place).replace(tzinfo=None) for instant in (starts_at, ends_at))
    if not times or end <= at or end - at >= dt.timedelta(days=7):
        return False
    while at < end:
        part = max((name for name, hour in PARTS.items() if hour <= at.hour), key=PARTS.__getitem__)
        if f"{WEEKDAYS[at.weekday()]}_{part}" not in times:
            return False
        later = [hour for hour in PARTS.values() if hour > at.hour]
        midnight = dt.datetime.combine(at.date(), dt.time())
        at = midnight + dt.timedelta(hours=min(later, default=24))
    return True
