"""The only module that reads the clock (T1): instants are aware UTC datetimes, dates belong to a named zone."""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import functools
import zoneinfo
from collections.abc import Iterator

_moved_to: contextvars.ContextVar[dt.datetime | None] = contextvars.ContextVar("moved_to", default=None)


def now() -> dt.datetime:
    """The present instant, aware, in UTC."""
    return _moved_to.get() or dt.datetime.now(dt.UTC)


@contextlib.contextmanager
def moved_to(instant: dt.datetime) -> Iterator[None]:
    """Within, it is `instant` (aware) for this thread alone, standing still: how the demonstration gets a past that the
    real acts made, each at its own time."""
    token = _moved_to.set(instant.astimezone(dt.UTC))
    try:
        yield
    finally:
        _moved_to.reset(token)


def today(zone: str) -> dt.date:
    """The calendar date at this moment in the IANA time zone `zone`. Raises ZoneInfoNotFoundError for an unknown one."""
    return local_date(now(), zone)


def local_date(instant: dt.datetime, zone: str) -> dt.date:
    """The calendar date of `instant` (aware) in the IANA time zone `zone`."""
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).date()


def is_time_zone(name: str) -> bool:
    """True when `name` is an IANA time zone known here."""
    return name in _time_zones()


@functools.cache
def _time_zones() -> frozenset[str]:
    """Every zone known here: asking for them walks through the whole folder of zones, which a need's every edit would."""
    return frozenset(zoneinfo.available_timezones())


def age_on(birth_date: dt.date, day: dt.date) -> int:
    """Whole years lived on `day`; somebody born on 29 February has their birthday on 1 March in other years (G4)."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (0 if had_birthday else 1)


def last_birth_date(age: int, day: dt.date) -> dt.date:
    """The latest birth date of somebody who has lived `age` whole years on `day`: the twin of age_on for a query."""
    try:
        return day.replace(year=day.year - age)
    except ValueError:  # 29 February, in a year that has none
        return dt.date(day.year - age, 2, 28)
