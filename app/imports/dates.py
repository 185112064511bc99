"""Days and times as people write them in spreadsheets, made into what rows mean by ISO.

Whether 3/4 is in March or in April no value can say by itself: the order is said once for a file, guessed from its values.
What cannot be read is left as it is, and refused later with what it says.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata
from collections.abc import Iterable

from babel.dates import get_month_names

YEAR_FIRST, MONTH_FIRST, DAY_FIRST = "year_first", "month_first", "day_first"
ORDERS = (YEAR_FIRST, MONTH_FIRST, DAY_FIRST)
# Where 3/4 is the fourth of March.
_MONTH_FIRST_COUNTRIES = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "PW", "FM", "MH", "BZ"})
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")
_WEEKDAY = r"(?:[^\W\d_]{2,12}\.?,?\s+)?"
_NUMBERS = re.compile(_WEEKDAY + r"(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})(?!\d)", re.ASCII)
_NAMED = re.compile(
    _WEEKDAY + r"(?:(\d{1,2})(?:st|nd|rd|th|\.|º|er)?\s+(?:de\s+)?([^\W\d_]{3,12})\.?,?\s+(?:de\s+)?(\d{4}))"
)
_MONTH_NAMED_FIRST = re.compile(_WEEKDAY + r"([^\W\d_]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_TIME = re.compile(
    r"(\d{1,2})(?:\s?[:.h]\s?(\d{2})(?:[:.](\d{2}))?|(?=\s?[aphu]))\s?(?:(a|p)\.?\s?m\.?|h|uhr)?",
    re.IGNORECASE | re.ASCII,
)
_BETWEEN = re.compile(r"[\s,;tT–-]*(?:at|um|à|a\s+las|alle|om|às)?\s*", re.IGNORECASE)


@functools.cache
def _months() -> dict[str, int]:
    """The number of a month by its name, whole or short, without accents."""
    return {
        _plain(name): number
        for language in _LANGUAGES
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for number, name in get_month_names(width, context=context, locale=language).items()
    }


def _plain(word: str) -> str:
    folded = unicodedata.normalize("NFKD", word.casefold())
    return "".join(character for character in folded if not unicodedata.combining(character)).rstrip(".")


def _leading_date(text: str, order: str) -> tuple[dt.date, str] | None:
    """The day that `text` begins with, and what follows it."""
    if match := _NUMBERS.match(text):
        first, separator, second, third = match.groups()
        year = int(third) + (2000 if len(third) == 2 else 0)
        if len(first) == 4:
            parts = (int(first), int(second), int(third))
        elif len(first) > 2:
            return None
        elif order == MONTH_FIRST and separator != ".":
            parts = (year, int(first), int(second))
        else:
            parts = (year, int(second), int(first))
    elif match := _NAMED.match(text):
        parts = (int(match[3]), _months().get(_plain(match[2]), 0), int(match[1]))
    elif match := _MONTH_NAMED_FIRST.match(text):
        parts = (int(match[3]), _months().get(_plain(match[1]), 0), int(match[2]))
    else:
        return None
    try:
        return dt.date(*parts), text[match.end() :]
    except ValueError:
        return None


def read_time(text: str) -> dt.time | None:
    """A time of day: 18:30, 18.30, 18h30, 6 pm, 18 Uhr; None for what is none."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hour, half = int(match[1]), (match[4] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return dt.time(hour, int(match[2] or 0), int(match[3] or 0))
    except ValueError:
        return None


def iso_date(text: str, order: str) -> str:
    """The day in ISO, or the text as it is. A time after it counts for nothing."""
    found = _leading_date(text.strip(), order)
    return text if found is None else found[0].isoformat()


def iso_instant(text: str, order: str) -> str:
    """Day and time in ISO, without an offset: what clocks at the place show; or the text as it is."""
    found = _leading_date(text.strip(), order)
    if found is None:
        return text
    day, rest = found
    time = read_time(rest[len(between[0]) :]) if (between := _BETWEEN.match(rest)) else None
    return text if time is None else dt.datetime.combine(day, time).isoformat()


def join(day: str, time: str, order: str) -> str:
    """Day and time of two columns as one instant in ISO; what they say side by side when they cannot be read."""
    found, read = _leading_date(day.strip(), order), read_time(time)
    if found is None or read is None:
        return f"{day} {time}".strip()
    return dt.datetime.combine(found[0], read).isoformat()


def next_day_if_earlier(ends_at: str, starts_at: str) -> str:
    """The end of a shift whose end is a time only: before its start it is on the next day."""
    try:
        start, end = dt.datetime.fromisoformat(starts_at), dt.datetime.fromisoformat(ends_at)
        return ends_at if end > start else (end + dt.timedelta(days=1)).isoformat()
    except (ValueError, TypeError, OverflowError):
        return ends_at


def kind_of(values: Iterable[str]) -> str:
    """What the values of a column are: "time", "date", "instant" or "" (something else, or nothing). Most decide."""
    found = {"time": 0, "date": 0, "instant": 0, "": 0}
    for value in values:
        if not (text := value.strip()):
            continue
        leading = _leading_date(text, DAY_FIRST) or _leading_date(text, MONTH_FIRST)
        if leading is None:
            found["time" if read_time(text) is not None else ""] += 1
        else:
            rest = leading[1].strip()
            found["instant" if re.search(r"\d", rest) else "date"] += 1
    best = max(found, key=lambda kind: found[kind])
    return best if found[best] else ""


def guess_order(values: Iterable[str], country: str | None) -> str:
    """How the days of a file are written: what its values leave open, the country decides."""
    said: str | None = None
    for value in values:
        match = _NUMBERS.match(value.strip())
        if match is None:
            continue
        if len(match[1]) == 4:
            said = said or YEAR_FIRST
        elif match[2] == "." or int(match[1]) > 12:
            return DAY_FIRST
        elif int(match[3]) > 12:
            return MONTH_FIRST
        else:
            said = MONTH_FIRST if country in _MONTH_FIRST_COUNTRIES else DAY_FIRST
    return said or YEAR_FIRST
