"""What a list of needs may be asked for, read from a URL (N2): the same words on the page, in the API and in feeds."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import math
from collections.abc import Callable

from app.accounts.skills import find_skill
from app.core.i18n import _
from app.core.places import Place, find_place
from app.core.search import query_words
from app.needs.models import URGENCIES
from app.organizations.causes import find_cause

SORTS = ("best", "soonest", "nearest", "newest", "urgent")
WANTS = ("time", "items")
DEFAULT_RADIUS_KM = 25.0
MAXIMUM_RADIUS_KM = 500.0
MAXIMUM_CHOICES = 20  # of one list of skills or causes
_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0"})

find_place_again = functools.lru_cache(4096)(find_place)  # the gazetteer does not change while we run


@dataclasses.dataclass(frozen=True)
class NeedFilters:
    """A list of needs, as asked for. Empty means no such filter; `from_on` and `to_on` are days in the zone of the place.

    `place` is the point that `near` names; a radius is in kilometres on the great circle. `words` are folded.
    """

    words: tuple[str, ...] = ()
    place: Place | None = None
    radius_km: float = DEFAULT_RADIUS_KM
    skills: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    from_on: dt.date | None = None
    to_on: dt.date | None = None
    urgency: tuple[str, ...] = ()
    remote: bool | None = None
    sort: str = "best"
    cursor: str = ""

    def digest(self) -> str:
        """What a cursor belongs to: everything but the cursor itself (N2)."""
        point = None if self.place is None else (self.place.latitude, self.place.longitude)
        inputs = (
            self.words, point, self.radius_km, sorted(self.skills), sorted(self.causes), sorted(self.wants), self.from_on,
            self.to_on, sorted(self.urgency), self.remote, self.sort,
        )  # fmt: skip
        return hashlib.blake2b(repr(inputs).encode(), digest_size=6).hexdigest()

    def from_start(self) -> NeedFilters:
        """The same list from its first page."""
        return dataclasses.replace(self, cursor="")


def parse(values: Callable[[str], list[str]], country: str | None = None) -> tuple[NeedFilters, dict[str, str]]:
    """The filters of a URL and, by field, what is wrong with those that were ignored. Never raises.

    `values(name)` gives every value of a parameter; lists may also be separated by commas. `country` is where the asker
    is at home (core.places.find_place).
    """
    errors: dict[str, str] = {}

    def one(name: str) -> str:
        return (values(name) or [""])[0].strip()

    def many(name: str) -> list[str]:
        parts = [part.strip() for value in values(name) for part in value.split(",")]
        return list(dict.fromkeys(part for part in parts if part))

    words = tuple(query_words(one("q")))
    if one("q") and not words:
        errors["q"] = _("Type at least one word with letters or digits")
    place = _read_place(one("near"), country, errors)
    filters = NeedFilters(
        words=words,
        place=place,
        radius_km=_read_radius(one("radius_km"), errors),
        skills=_known("skills", many("skills"), lambda slug: find_skill(slug) is not None, errors),
        causes=_known("causes", many("causes"), lambda slug: find_cause(slug) is not None, errors),
        wants=_known("wants", many("wants"), WANTS.__contains__, errors),
        from_on=_read_day("from", one("from"), errors),
        to_on=_read_day("to", one("to"), errors),
        urgency=_known("urgency", many("urgency"), URGENCIES.__contains__, errors),
        remote=_read_choice("remote", one("remote"), errors),
        sort=one("sort") or "best",
        cursor=one("cursor"),
    )
    if filters.from_on and filters.to_on and filters.from_on > filters.to_on:
        errors["to"] = _("The last day must not be before the first day")
        filters = dataclasses.replace(filters, to_on=None)
    if filters.sort not in SORTS:
        errors["sort"] = _("Choose one of these orders: %(orders)s", orders=", ".join(SORTS))
        filters = dataclasses.replace(filters, sort="best")
    elif filters.sort == "nearest" and place is None:
        if "near" not in errors:
            errors["near"] = _("Say near which place, to see the nearest first")
        filters = dataclasses.replace(filters, sort="best")
    return filters, errors


def _read_place(text: str, country: str | None, errors: dict[str, str]) -> Place | None:
    if not text:
        return None
    place = find_place_again(text[:200], country)
    if place is None:
        errors["near"] = _(
            "We do not know “%(place)s”. Try a town with its state or country, a postal code, or coordinates such as"
            " 40.71,-74.01",
            place=text[:80],
        )
    return place


def _read_radius(text: str, errors: dict[str, str]) -> float:
    if not text:
        return DEFAULT_RADIUS_KM
    try:
        radius = float(text)
    except ValueError:
        radius = math.nan
    if not 0 < radius <= MAXIMUM_RADIUS_KM:  # false for NaN too
        errors["radius_km"] = _("Choose a distance of more than 0 and at most %(most)s km", most=int(MAXIMUM_RADIUS_KM))
        return DEFAULT_RADIUS_KM
    return radius


def _known(name: str, given: list[str], known: Callable[[str], bool], errors: dict[str, str]) -> tuple[str, ...]:
    unknown = [word for word in given if not known(word)]
    if unknown:
        errors[name] = _("We do not know “%(word)s”", word=unknown[0][:60])
    return tuple([word for word in given if known(word)][:MAXIMUM_CHOICES])


def _read_day(name: str, text: str, errors: dict[str, str]) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        errors[name] = _("Write the day as year-month-day, for example 2026-12-24")
        return None


def _read_choice(name: str, text: str, errors: dict[str, str]) -> bool | None:
    word = text.lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    if word:
        errors[name] = _("Answer yes or no")
    return None
