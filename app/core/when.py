"""Instants and dates in words (T1): in the zone of the place, which is named, and with the weekday said."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton, get_timezone_location, get_timezone_name
from flask_babel import get_locale

from app.core.clock import local_date, now
from app.core.i18n import _, ngettext


def _locale() -> Locale:
    return Locale.parse(str(get_locale() or "en"))


def _local(instant: dt.datetime, zone: str) -> dt.datetime:
    return instant.astimezone(zoneinfo.ZoneInfo(zone))


def _plain(text: str) -> str:
    """English writes am and pm small; every other language keeps what CLDR says. No exotic spaces."""
    text = text.replace("\u202f", " ").replace("\u2009", " ").replace("\u00a0", " ")
    return text.replace("AM", "am").replace("PM", "pm") if _locale().language == "en" else text


def _hours() -> str:
    """CLDR's skeleton of a time of day: twelve hours or twenty-four, as the language has it."""
    return "hm" if "a" in _locale().time_formats["short"].pattern else "Hm"


def local_day(instant: dt.datetime, zone: str) -> dt.date:
    """The calendar day of an instant at its place, for date blocks."""
    return local_date(instant, zone)


def weekday(day: dt.date) -> str:
    """The weekday in short: Sun."""
    return str(format_date(day, "EEE", locale=_locale()))


def short_day(day: dt.date) -> str:
    """Month and day in short: Nov 24."""
    return str(format_skeleton("MMMd", day, locale=_locale()))


def day_number(day: dt.date) -> str:
    """The day of the month alone: 24."""
    return str(format_date(day, "d", locale=_locale()))


def long_day(day: dt.date) -> str:
    """Weekday, month and day: Sunday, November 29."""
    name, rest = format_date(day, "EEEE", locale=_locale()), format_skeleton("MMMMd", day, locale=_locale())
    return _("%(weekday)s, %(day)s", weekday=name, day=rest)


def full_day(day: dt.date) -> str:
    """Weekday, month, day and year: Sunday, November 29, 2026."""
    return str(format_date(day, "full", locale=_locale()))


def dated(day: dt.date) -> str:
    """A day with its year, in few words: Nov 29, 2026."""
    return str(format_date(day, "medium", locale=_locale()))


def zone_name(instant: dt.datetime, zone: str) -> str:
    """What the zone is called at that instant: EST; where no letters are in use for it, whose time it is: Sao Paulo time."""
    local = _local(instant, zone)
    name = str(get_timezone_name(local, width="short", locale=_locale()))
    if name[:1].isalpha():
        return name
    short = local.tzname() or ""
    if short.isalpha():
        return short
    return f"UTC{local:%z}" if zone.startswith("Etc/") else _("%(place)s time", place=zone_place(zone))


def zone_place(zone: str) -> str:
    """The place a zone is named after, in the reader's language: New York."""
    return str(get_timezone_location(zone, locale=_locale(), return_city=True))


def clock_time(instant: dt.datetime, zone: str) -> str:
    """The time of day without its zone: 6:00 pm."""
    return _plain(str(format_skeleton(_hours(), _local(instant, zone), locale=_locale())))


def zoned_time(instant: dt.datetime, zone: str) -> str:
    """The time of day with its zone: 6:00 pm EST."""
    return _("%(time)s %(zone)s", time=clock_time(instant, zone), zone=zone_name(instant, zone))


def wall_time(time: dt.time) -> str:
    """A time of the clock that belongs to no day: 7:00 am."""
    return _plain(str(format_skeleton(_hours(), dt.datetime.combine(dt.date(2000, 1, 1), time), locale=_locale())))


def times(starts_at: dt.datetime, ends_at: dt.datetime, zone: str) -> str:
    """From when to when, with the zone: 5:30 – 8:30 pm EST; past midnight the second day is named."""
    start, end = _local(starts_at, zone), _local(ends_at, zone)
    name = zone_name(starts_at, zone)
    if start.date() != end.date():
        day = format_date(end.date(), "EEEE", locale=_locale())
        first, last = clock_time(starts_at, zone), clock_time(ends_at, zone)
        return _("%(start)s – %(day)s %(end)s %(zone)s", start=first, day=day, end=last, zone=name)
    span = format_interval(start.replace(tzinfo=None), end.replace(tzinfo=None), _hours(), locale=_locale())
    return f"{_plain(str(span))} {name}"


def table_day(day: dt.date) -> str:
    """A day in short with its weekday, for tables: Fri, Nov 27; of another year with the year."""
    skeleton = "MMMEd" if day.year == local_date(now(), "UTC").year else "yMMMEd"
    return str(format_skeleton(skeleton, day, locale=_locale()))


def short_moment(instant: dt.datetime, zone: str, *, named: bool = True) -> str:
    """Day and time in short, for tables: Fri, Nov 27, 9:00 pm EST. Not `named` where the zone stands above them all."""
    day, time = table_day(local_date(instant, zone)), clock_time(instant, zone)
    if not named:
        return _("%(day)s, %(time)s", day=day, time=time)
    return _("%(day)s, %(time)s %(zone)s", day=day, time=time, zone=zone_name(instant, zone))


def moment(instant: dt.datetime, zone: str) -> str:
    """Day and time with the zone: Monday, November 23, 6:00 pm EST."""
    return _(
        "%(day)s, %(time)s %(zone)s",
        day=long_day(local_date(instant, zone)),
        time=clock_time(instant, zone),
        zone=zone_name(instant, zone),
    )


def time_left(until: dt.datetime) -> str:
    """How long it is until then, rounded, for beside the instant itself: in 28 hours; in 45 minutes; now when it is over."""
    minutes = round((until - now()).total_seconds() / 60)
    if minutes <= 0:
        return _("now")
    if minutes < 120:
        return ngettext("in %(num)s minute", "in %(num)s minutes", minutes)
    hours = round(minutes / 60)
    return ngettext("in %(num)s hour", "in %(num)s hours", hours)
