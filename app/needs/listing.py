"""A list of needs in words: what the page `/needs` shows of filters, counts and rows. URLs here are paths with a query."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask_babel import format_decimal, get_locale
from markupsafe import Markup

from app.accounts.skills import find_skill
from app.core import when
from app.core.clock import local_date, now
from app.core.drawing import MOST_FINGERS, draw_hands, draw_strip
from app.core.i18n import _, dots, ngettext
from app.core.ids import encode_id
from app.core.text import line
from app.needs.facets import MOST_COUNTED, Facets
from app.needs.filters import DEFAULT_RADIUS_KM, NeedFilters
from app.needs.rows import NeedRow
from app.organizations.causes import CAUSES, find_cause

LISTS = ("skills", "causes", "wants", "urgency")
RADII_KM = (5, 10, 25, 50, 100, 250, 500)
MOST_CAUSES = 6  # chips shown before "more"
MOST_DAYS_COUNTED = 14  # to the day of what is urgent


@dataclasses.dataclass(frozen=True, slots=True)
class Chip:
    """A filter that a link turns on or off."""

    text: str
    href: str
    count: str | None = None
    on: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """One row in words; `measures` are pictures with the words that say the same."""

    href: str
    title: str
    organization: str
    verified: str
    is_claimed: bool
    before: str
    weekday: str
    day: str
    iso: str | None
    facts: Markup
    urgency: str
    why: Markup | str
    measures: tuple[tuple[Markup, Markup], ...]
    filled: str = ""


@dataclasses.dataclass(frozen=True)
class Query:
    """The parameters of the list as given, and links that change one of them. A changed filter starts at the first page."""

    given: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, items: Sequence[tuple[str, str]]) -> Query:
        """From the pairs of a query string; lists separated by commas become pairs of their own."""
        pairs: list[tuple[str, str]] = []
        for name, value in items:
            parts = value.split(",") if name in LISTS else [value]
            pairs += [(line(name) or "", part) for part in (line(part) for part in parts) if part]
        return cls(tuple(dict.fromkeys(pairs)))

    def from_start(self) -> Query:
        """The same without the cursor."""
        return Query(tuple(self.others()))

    def value(self, name: str) -> str:
        """The value of a parameter as it was typed, or ""."""
        return next((value for key, value in self.given if key == name), "")

    def has(self, name: str, value: str) -> bool:
        """True when the parameter has this value among its values."""
        return (name, value) in self.given

    def others(self, *names: str) -> list[tuple[str, str]]:
        """All pairs but those of these names and the cursor: what a form has to carry along."""
        return [(name, value) for name, value in self.given if name not in names and name != "cursor"]

    def beyond_first(self, *names: str) -> list[tuple[str, str]]:
        """Further values of parameters whose field shows only the first: a form carries them along."""
        return [pair for name in names for pair in [pair for pair in self.given if pair[0] == name][1:]]

    def with_(self, name: str, value: str) -> str:
        """The link that sets the parameter to `value` only ("" removes it)."""
        return self._link([*self.others(name), (name, value)] if value else self.others(name))

    def toggle(self, name: str, value: str) -> str:
        """The link that adds this value to the parameter's, or takes it away."""
        pairs = [pair for pair in self.others() if pair != (name, value)]
        return self._link(pairs if self.has(name, value) else [*pairs, (name, value)])

    def page(self, cursor: str) -> str:
        """The link to the page after `cursor`."""
        return self._link([*self.others(), ("cursor", cursor)] if cursor else self.others())

    def feed(self, ending: str) -> str:
        """The address of what is found as a feed (".atom") or a calendar (".ics")."""
        return self._link(self.others(), ending)

    @staticmethod
    def _link(pairs: list[tuple[str, str]], ending: str = "") -> str:
        return f"/needs{ending}?{urlencode(pairs)}" if pairs else f"/needs{ending}"


def sorts() -> list[tuple[str, str]]:
    """The orders and what they are called."""
    return [
        ("best", _("Best fit")), ("soonest", _("Soonest")), ("nearest", _("Nearest")), ("newest", _("Newest")),
        ("urgent", _("Most urgent")),
    ]  # fmt: skip


def urgencies() -> list[tuple[str, str]]:
    """The levels and what they are called."""
    return [("critical", _("Critical")), ("high", _("Needed soon")), ("normal", _("Normal")), ("low", _("Low"))]


def count_in_words(n: int) -> str:
    """A count, or "1,000+" for anything larger: large sets are not counted to the last."""
    return _number(str(get_locale()), min(n, MOST_COUNTED)) + ("+" if n > MOST_COUNTED else "")


@functools.lru_cache(4096)
def _number(_locale: str, n: float) -> str:
    return str(format_decimal(n))


def wants_chips(query: Query, facets: Facets) -> list[Chip]:
    """What somebody can give."""
    given = [("wants", "time", _("Time"), facets.time), ("wants", "items", _("Items"), facets.items)]
    chips = [
        Chip(text, query.toggle(name, value), count_in_words(n), query.has(name, value))
        for name, value, text, n in given
    ]
    return [*chips, Chip(_("From home"), query.toggle("remote", "yes"), None, query.has("remote", "yes"))]


def cause_chips(query: Query, facets: Facets) -> tuple[list[Chip], list[Chip]]:
    """The causes that there are needs for, most needs first: those shown at once, and the rest. Chosen ones come first."""
    counts = dict(facets.causes)
    chips = [
        (not query.has("causes", cause.slug), -counts.get(cause.number, 0), cause.number, cause)
        for cause in CAUSES
        if counts.get(cause.number) or query.has("causes", cause.slug)
    ]
    made = [
        Chip(str(cause.name), query.toggle("causes", cause.slug), count_in_words(-n), not off)
        for off, n, _number, cause in sorted(chips, key=lambda chip: chip[:3])
    ]
    return made[:MOST_CAUSES], made[MOST_CAUSES:]


def active_chips(query: Query, filters: NeedFilters) -> list[Chip]:
    """Every filter that is on, as a link that takes it away."""
    chips: list[Chip] = []
    if filters.words:
        chips.append(Chip(_("“%(words)s”", words=query.value("q")[:60]), query.with_("q", "")))
    if filters.place is not None:
        text = _(
            "%(km)s km around %(place)s", km=_number(str(get_locale()), filters.radius_km), place=filters.place.label
        )
        chips.append(Chip(text, query.with_("near", "")))
    names = {"time": _("Time"), "items": _("Items")}
    chips += [Chip(names[word], query.toggle("wants", word)) for word in filters.wants]
    for slug in filters.causes:
        chips.append(Chip(_cause_name(slug), query.toggle("causes", slug)))
    for slug in filters.skills:
        chips.append(Chip(_skill_name(slug), query.toggle("skills", slug)))
    levels = dict(urgencies())
    chips += [Chip(levels[word], query.toggle("urgency", word)) for word in filters.urgency]
    if filters.from_on is not None:
        chips.append(Chip(_("from %(day)s", day=when.full_day(filters.from_on)), query.with_("from", "")))
    if filters.to_on is not None:
        chips.append(Chip(_("until %(day)s", day=when.full_day(filters.to_on)), query.with_("to", "")))
    if filters.remote is not None:
        text = _("From home") if filters.remote else _("On site")
        chips.append(Chip(text, query.with_("remote", "")))
    return chips


@dataclasses.dataclass(frozen=True)
class Finder:
    """Everything above the rows: the heading, the form and the chips."""

    title: str
    wants: list[Chip]
    causes: list[Chip]
    further_causes: list[Chip]
    active: list[Chip]
    filters_on: int
    radii: list[tuple[str, str, bool]]
    sorts: list[tuple[str, str]]
    urgencies: list[tuple[str, str]]
    wider: tuple[str, str] | None


def finder(query: Query, filters: NeedFilters, facets: Facets) -> Finder:
    """What stands above the rows; made once for the same question and counts, in each language."""
    return _finder(str(get_locale()), query.from_start(), filters.from_start(), facets)


@functools.lru_cache(512)
def _finder(_locale: str, query: Query, filters: NeedFilters, facets: Facets) -> Finder:
    causes, further = cause_chips(query, facets)
    active = active_chips(query, filters)
    return Finder(
        title=title_of(filters),
        wants=wants_chips(query, facets),
        causes=causes,
        further_causes=further,
        active=active,
        # What the fields above say themselves is not counted.
        filters_on=len(active) - bool(filters.words) - (filters.place is not None),
        radii=shown_radius(query, filters),
        sorts=sorts(),
        urgencies=urgencies(),
        wider=wider(query, filters),
    )


def wider(query: Query, filters: NeedFilters) -> tuple[str, str] | None:
    """The one next action when nothing was found: its words and its link. None when nothing restricts the list."""
    if filters.place is not None and filters.radius_km < RADII_KM[-1]:
        radius = next(km for km in RADII_KM if km > filters.radius_km)
        return _("Look within %(km)s km", km=radius), query.with_("radius_km", str(radius))
    if active_chips(query, filters):
        return _("Clear all filters"), "/needs"
    return None


def _cause_name(slug: str) -> str:
    cause = find_cause(slug)
    return slug if cause is None else str(cause.name)


def _skill_name(slug: str) -> str:
    skill = find_skill(slug)
    return slug if skill is None else str(skill.name)


# Words of dates are asked for again and again and take long to make.


@functools.lru_cache(4096)
def _day_words(_locale: str, day: dt.date) -> tuple[str, str]:
    return when.weekday(day), when.short_day(day)


@functools.lru_cache(8192)
def _times(_locale: str, starts_at: dt.datetime, ends_at: dt.datetime, zone: str) -> str:
    return when.times(starts_at, ends_at, zone)


@functools.lru_cache(4096)
def _kilometres(_locale: str, tenths: int) -> str:
    # Places are known by their town or postal code: nearer than that is not known.
    return str(_("%(n)s km", n=format_decimal(tenths / 10)) if tenths >= 10 else _("less than 1 km"))


def cards(rows: Sequence[NeedRow], filters: NeedFilters) -> list[Card]:
    """The rows in words. Why a row is where it is is said to whoever asked for something of their own: near a place, words,
    skills. For everybody else the order is the same, and the head of the list explains it once."""
    # To the minute: the same row says the same within it.
    locale, at = str(get_locale()), now().replace(second=0, microsecond=0)
    explained = filters.sort == "best" and bool(filters.place or filters.words or filters.skills)
    return [_card(row, explained, locale, at) for row in rows]


@functools.lru_cache(4096)
def _card(row: NeedRow, explained: bool, locale: str, at: dt.datetime) -> Card:
    before, iso = "", None
    facts: list[str] = []
    if row.starts_at is not None and row.ends_at is not None:
        day = local_date(row.starts_at, row.time_zone)
        (weekday, short), iso = _day_words(locale, day), day.isoformat()
        facts.append(_times(locale, row.starts_at, row.ends_at, row.time_zone))
    elif row.due_on is not None:
        before, (weekday, short), iso = _("by"), _day_words(locale, row.due_on), row.due_on.isoformat()
    else:
        weekday, short = _("Any time"), ""
    if row.flexible:
        facts.append(_("Flexible role"))
    if row.city:
        facts.append(f"{row.city}, {row.region}" if row.region else row.city)
    if row.remote:
        facts.append(_("From home"))
    if row.km is not None:
        facts.append(_kilometres(locale, round(row.km * 10)))
    facts += [_skill_name(slug) for slug in row.skills[:2]]
    why: Markup | str = ""
    if explained:
        why = Markup(_("<b>Why you see this:</b> %(why)s")) % {"why": _why(row, locale, at)}  # noqa: S704  # escaped by %
    return Card(
        href=f"/needs/{encode_id(row.id)}", title=row.title, organization=row.organization,
        verified=_("Verified") if row.is_claimed else _("Not claimed yet"), is_claimed=row.is_claimed,
        before=before, weekday=weekday, day=short, iso=iso, facts=dots(facts), why=why, measures=_measures(row, locale),
        urgency="" if row.is_filled else _urgency(row, at), filled=_("Filled") if row.is_filled else "",
    )  # fmt: skip


def _urgency(row: NeedRow, at: dt.datetime) -> str:
    """By when it is needed, of what is urgent; without a day, or with one that is far, only that it is."""
    if row.urgency not in ("high", "critical"):
        return ""
    day = local_date(row.starts_at, row.time_zone) if row.starts_at is not None else row.due_on
    days = None if day is None else max((day - local_date(at, row.time_zone)).days, 0)
    if row.urgency == "critical":
        if days is None or days > MOST_DAYS_COUNTED:
            return _("Critical")
        return (
            _("Critical: today") if days == 0 else ngettext("Critical: in %(n)s day", "Critical: in %(n)s days", days)
        )
    if days is None or days > MOST_DAYS_COUNTED:
        return _("Needed soon")
    return _("Needed today") if days == 0 else ngettext("Needed in %(n)s day", "Needed in %(n)s days", days)


def _measures(row: NeedRow, locale: str) -> tuple[tuple[Markup, Markup], ...]:
    measures: list[tuple[Markup, Markup]] = []
    if row.asks_for_time:
        measures.append(_places(locale, row.capacity, row.taken))
    if row.item is not None:
        arrived = row.item_quantity is not None and row.item_given >= row.item_quantity
        words = _item_words(
            locale, row.item, row.item_unit, row.item_wanted, row.item_quantity, row.item_count, arrived=arrived
        )
        measures.append((draw_strip(row.item_given, row.item_promised, row.item_quantity), words))
    return tuple(measures)


@functools.lru_cache(4096)
def _places(_locale: str, capacity: int | None, taken: int) -> tuple[Markup, Markup]:
    """Hands and their words, as components/hand.html says them."""
    if capacity is None:
        picture = draw_hands(taken, 0, 0, 1) if taken < MOST_FINGERS else draw_strip(1, 0, None)
        return picture, Markup(_("<b>Everybody is welcome</b>"))  # noqa: S704  # our own words
    left = max(0, capacity - taken)
    picture = draw_hands(taken, 0, 0, left) if capacity else Markup("")
    if left == 0:
        return picture, Markup(_("<b>Full</b>"))  # noqa: S704  # our own words
    if left == capacity:
        words = ngettext("<b>%(num)s place open</b>", "<b>%(num)s places open</b>", left)
    else:
        words = ngettext(
            "<b>%(num)s place open</b> of %(capacity)s", "<b>%(num)s places open</b> of %(capacity)s", left,
            capacity=capacity,
        )  # fmt: skip
    return picture, Markup(words)  # noqa: S704  # our own words and numbers


@functools.lru_cache(4096)
def _item_words(
    _locale: str,
    item: str,
    unit: str,
    wanted: decimal.Decimal | None,
    goal: decimal.Decimal | None,
    count: int,
    *,
    arrived: bool,
) -> Markup:
    name = f"{item} ({unit})" if unit else item
    if wanted is None or goal is None:
        words = Markup(_("<b>%(item)s</b>: as much as you can bring")) % {"item": name}  # noqa: S704  # escaped by %
    elif not wanted:
        values = {"goal": format_decimal(goal), "item": name}
        if arrived:
            words = Markup(_("<b>All %(goal)s arrived</b>: %(item)s")) % values  # noqa: S704  # escaped by %
        else:
            words = Markup(_("<b>All %(goal)s promised</b>: %(item)s")) % values  # noqa: S704  # escaped by %
    elif wanted == goal:
        values = {"n": format_decimal(wanted), "item": name}
        words = Markup(_("<b>%(n)s still wanted</b>: %(item)s")) % values  # noqa: S704  # escaped by %
    else:
        values = {"n": format_decimal(wanted), "goal": format_decimal(goal), "item": name}
        words = Markup(_("<b>%(n)s still wanted</b> of %(goal)s: %(item)s")) % values  # noqa: S704  # escaped by %
    if count > 1:
        more = ngettext("and %(num)s other item", "and %(num)s other items", count - 1)
        words += Markup("<br>%s") % more
    return words


def _why(row: NeedRow, locale: str, at: dt.datetime) -> Markup:
    """What its place in the list is made of (N3), shortest words, most telling first."""
    parts: list[str] = []
    for code, value in row.reasons:
        if code == "title":
            parts.append(_("its title has your words"))
        elif code == "skills":
            parts.append(_("asks for %(skill)s", skill=_skill_name(value[0])))
        elif code == "distance":
            parts.append(_("%(km)s away", km=_kilometres(locale, round(value * 10))))
        elif code == "starts":
            parts.append(_starts_in(value, at, row.time_zone))
        elif code == "undated":
            parts.append(_("any time"))
        elif code == "urgency":
            parts.append(_("urgent, so listed sooner"))
    return dots(parts)


def _starts_in(starts_at: dt.datetime, at: dt.datetime, zone: str) -> str:
    if starts_at <= at:
        return _("has begun")
    days = (local_date(starts_at, zone) - local_date(at, zone)).days
    if days == 0:
        return _("starts today")
    return ngettext("starts in %(n)s day", "starts in %(n)s days", days)


def shown_radius(query: Query, filters: NeedFilters) -> list[tuple[str, str, bool]]:
    """The choices of distance: value, words, chosen. A distance of one's own is among them."""
    chosen = filters.radius_km if query.value("radius_km") else DEFAULT_RADIUS_KM
    choices = sorted({*map(float, RADII_KM), chosen})
    return [(f"{km:g}", _("%(n)s km", n=_number(str(get_locale()), km)), km == chosen) for km in choices]


def title_of(filters: NeedFilters) -> str:
    """The heading of the list."""
    if filters.place is not None:
        return _("Needs near %(place)s", place=filters.place.label)
    return _("Needs")


def facts_of(filters: NeedFilters, facets: Facets, *, first: bool, more: bool, shown: int) -> dict[str, Any]:
    """How many there are, as far as that is known: all of a short list, else those of the whole area, or everywhere."""
    if first and not more:
        return {"count": ngettext("%(n)s need", "%(n)s needs", shown), "of_area": False}
    total = count_in_words(facets.total)
    if filters.place is not None:
        return {"count": _("%(n)s needs in this area", n=total), "of_area": True}
    # The area is counted whatever else is asked for, so a part of it is never called the whole.
    is_part = filters.from_start() != NeedFilters(sort=filters.sort)
    return {"count": _("Some of %(n)s needs", n=total) if is_part else _("%(n)s needs", n=total), "of_area": True}
