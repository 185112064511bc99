"""One row of a CSV of needs as what it says: checked, placed and dated, before the database is asked anything."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
import hashlib
import html
import math
import re
import zoneinfo
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from app.accounts.skills import SKILLS
from app.core.clock import is_time_zone
from app.core.i18n import _
from app.core.ids import ALPHABET
from app.core.places import Place, find_place, nearest_place
from app.core.text import block, line
from app.imports.splitter import split_items, split_volunteers
from app.needs.models import URGENCIES
from app.organizations.causes import CAUSES

COLUMNS = (
    "external_id", "organization", "title", "site", "description", "causes", "skills", "urgency", "address", "city",
    "region", "postal_code", "country", "latitude", "longitude", "remote", "starts_at", "ends_at", "time_zone",
    "capacity", "flexible", "contact", "items", "items_text", "volunteers_text", "ends_on",
)  # fmt: skip
TITLE, DESCRIPTION = 160, 20_000
YES, NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n", ""})
MAXIMUM_CAPACITY = 100_000
# Of one cell that holds a list, so many faults are named: a column that is something else altogether has no end of them.
MOST_OF_ONE = 5
_SKILLS = {word.casefold(): skill.slug for skill in SKILLS for word in (skill.slug, str(skill.name._args[0]))}
_CAUSES = {word.casefold(): cause.slug for cause in CAUSES for word in (cause.slug, str(cause.name._args[0]))}
T = TypeVar("T")
# The gazetteer's place, latitude and longitude, and how exact they are.
_Where = tuple[Place | None, float | None, float | None, str | None]
_find = functools.lru_cache(4096)(find_place)
_nearest = functools.lru_cache(4096)(nearest_place)


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with a row: in which of our columns (or "", its shape), and why, for whoever mends the file."""

    column: str
    message: str

    def __str__(self) -> str:
        return f"{self.column}: {self.message}" if self.column else self.message


class Rejected(Exception):
    """A row that cannot be taken, with all that is wrong with it; `column` and `message` are of the first fault."""

    def __init__(self, column: str, message: str, *more: Fault) -> None:
        self.column, self.message = column, message
        self.faults = (Fault(column, message), *more)
        super().__init__("; ".join(map(str, self.faults)))

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> Rejected:
        """All of these, of which there is at least one."""
        return cls(faults[0].column, faults[0].message, *faults[1:])


class _Reading:
    """Reads cells one by one, and remembers what is wrong with each instead of ending at the first."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def read(self, otherwise: T, reader: Callable[..., T], *arguments: Any) -> T:
        """What `reader` makes of its arguments, or `otherwise` where it rejects them."""
        try:
            return reader(*arguments)
        except Rejected as rejected:
            self.faults += rejected.faults
            return otherwise

    def reject(self, column: str, message: str) -> None:
        """Remember one more fault."""
        self.faults.append(Fault(column, message))

    def is_right(self, *columns: str) -> bool:
        """True when nothing is wrong with these columns so far."""
        return not any(fault.column in columns for fault in self.faults)


@dataclasses.dataclass(frozen=True)
class ItemLine:
    """An item of a row; quantity None is open."""

    name: str
    quantity: decimal.Decimal | None = None
    unit: str = ""
    do_not_bring: bool = False


@dataclasses.dataclass(frozen=True)
class NeedLine:
    """What a row says. `external_id` empty: it has none of its own, and `key` stands for it."""

    external_id: str
    organization: str
    title: str
    description: str
    causes: tuple[str, ...]
    skills: tuple[str, ...]
    urgency: str
    address: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    latitude: float | None
    longitude: float | None
    precision: str | None
    remote: bool
    time_zone: str
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    capacity: int | None
    flexible: bool
    contact: str
    ends_on: dt.date | None
    items: tuple[ItemLine, ...]

    @property
    def asks_for_time(self) -> bool:
        """True when it has a shift or a flexible role."""
        return self.flexible or self.starts_at is not None

    @property
    def asks_for_anything(self) -> bool:
        """False makes it a draft."""
        return self.asks_for_time or any(not item.do_not_bring for item in self.items)

    @property
    def is_placed(self) -> bool:
        """True when people can find it: somewhere, or from anywhere."""
        return self.remote or self.latitude is not None

    def is_past(self, at: dt.datetime) -> bool:
        """True when its time or its last day is over."""
        if self.ends_at is not None and self.ends_at <= at:
            return True
        return self.ends_on is not None and self.ends_on < at.astimezone(zoneinfo.ZoneInfo(self.time_zone)).date()

    def key(self) -> str:
        """What a row without an id of its own is known by: what it is called, where and when."""
        parts = (self.title, self.address, self.city, self.postal_code, self.starts_at, self.ends_on)
        return "~" + _letters(repr(parts), 20)

    def digest(self) -> str:
        """What was imported: the same row again changes nothing."""
        return _letters(repr(dataclasses.astuple(self)), 24)


def _letters(text: str, length: int) -> str:
    raw = hashlib.blake2b(text.encode(), digest_size=length).digest()
    return "".join(ALPHABET[byte % 32] for byte in raw)


def parse(cells: dict[str, str], *, shift_days: int, zone: str, country: str) -> NeedLine:
    """The row as what it says. `zone` and `country` are the installation's, where the row and its place say none;
    `shift_days` moves every date. Raises Rejected with everything that is wrong with it."""
    cells = {name: html.unescape(cell).strip() for name, cell in cells.items()}
    reading = _Reading()
    title = line(cells.get("title")) or line(cells.get("site")) or ""
    if not title:
        reading.reject("title", _("Fill this in"))
    description = block(cells.get("description")) or ""
    if len(title) > TITLE:
        # Nothing of it is lost: the whole title begins the description.
        description = f"{title}\n\n{description}"
        title = title[: TITLE - 1].rsplit(" ", 1)[0] + "…"
    nowhere: _Where = (None, None, None, None)
    place, latitude, longitude, precision = reading.read(nowhere, _place, cells, country)
    time_zone = reading.read(zone, _zone, cells, place, zone)
    starts_at = reading.read(None, _instant, cells, "starts_at", time_zone, shift_days)
    ends_at = reading.read(None, _instant, cells, "ends_at", time_zone, shift_days)
    flexible = reading.read(False, _boolean, cells, "flexible")
    capacity = reading.read(None, _capacity, cells)
    _check_times(reading, starts_at, ends_at, capacity, flexible=flexible)
    volunteers = split_volunteers(cells.get("volunteers_text", ""))
    if volunteers and starts_at is None:
        flexible = True
    if volunteers:
        description = f"{description}\n\n{volunteers}".strip()
    none: tuple[str, ...] = ()
    need = NeedLine(
        external_id=(line(cells.get("external_id")) or "")[:80],
        organization=(line(cells.get("organization")) or "")[:TITLE],
        title=title,
        description=description[:DESCRIPTION],
        causes=reading.read(none, _words, cells, "causes", _CAUSES),
        skills=reading.read(none, _words, cells, "skills", _SKILLS),
        urgency=reading.read("normal", _urgency, cells),
        address=reading.read(None, _text, cells, "address", 200),
        city=reading.read(None, _town, cells, place) or (place.city if place else None),
        region=reading.read(None, _text, cells, "region", 120) or (place.region if place else None),
        postal_code=reading.read(None, _text, cells, "postal_code", 16),
        country=(reading.read(None, _country, cells) or (place.country if place else None) or country).upper(),
        latitude=latitude,
        longitude=longitude,
        precision=precision,
        remote=reading.read(False, _boolean, cells, "remote"),
        time_zone=time_zone,
        starts_at=starts_at,
        ends_at=ends_at,
        capacity=capacity,
        flexible=flexible,
        contact=reading.read("not_stated", _contact, cells),
        ends_on=reading.read(None, _date, cells, "ends_on", shift_days),
        items=reading.read((), _items, cells),
    )
    if reading.faults:
        raise Rejected.of(reading.faults)
    return need


def _check_times(
    reading: _Reading,
    starts_at: dt.datetime | None,
    ends_at: dt.datetime | None,
    capacity: int | None,
    *,
    flexible: bool,
) -> None:
    """What start, end, people and flexibility must be to one another; nothing is said of a cell for what another one lacks."""
    if not reading.is_right("starts_at"):
        return
    if starts_at is None:
        if ends_at is not None:
            reading.reject("starts_at", _("There is an end without a start"))
        return
    if flexible:
        reading.reject("flexible", _("It says yes, but the row has a start: a flexible role has no times"))
    if not reading.is_right("ends_at"):
        pass
    elif ends_at is None:
        reading.reject("ends_at", _("Fill this in: there is a start"))
    elif ends_at <= starts_at:
        reading.reject("ends_at", _("The end must be after the start"))
    if capacity is None and reading.is_right("capacity", "flexible"):
        reading.reject("capacity", _("Say how many people are needed: only a flexible role takes as many as come"))


def _text(cells: dict[str, str], name: str, most: int) -> str | None:
    text = line(cells.get(name)) or None
    if text is not None and len(text) > most:
        raise Rejected(name, _("Write %(most)s characters or fewer", most=most))
    return text


def _town(cells: dict[str, str], place: Place | None) -> str | None:
    """The town, without the region when its cell names that too ("Newark, NJ") and no other cell does."""
    town = _text(cells, "city", 120)
    if town is None or place is None or not place.region or cells.get("region"):
        return town
    name, _comma, region = town.rpartition(",")
    return name.strip() or town if region.strip().casefold() == place.region.casefold() else town


def _country(cells: dict[str, str]) -> str | None:
    text = line(cells.get("country")) or None
    if text is not None and len(text) > 2:
        raise Rejected(
            "country", _("We do not know this country: %(text)s. Write two letters such as US", text=text[:40])
        )
    return text


def _boolean(cells: dict[str, str], name: str) -> bool:
    word = cells.get(name, "").casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise Rejected(name, _("This is neither yes nor no: %(text)s", text=word[:40]))


def _number(cells: dict[str, str], name: str, most: float) -> float | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not -most <= number <= most:  # false for NaN too
        raise Rejected(name, _("This is no coordinate: %(text)s", text=text[:40]))
    return number


def _place(cells: dict[str, str], country: str) -> _Where:
    """The gazetteer's place, and where exactly: the row's coordinates, else its code's or town's."""
    reading = _Reading()
    latitude = reading.read(None, _number, cells, "latitude", 90)
    longitude = reading.read(None, _number, cells, "longitude", 180)
    if reading.faults:
        raise Rejected.of(reading.faults)
    if (latitude is None) != (longitude is None):
        raise Rejected("longitude" if longitude is None else "latitude", _("Latitude and longitude go together"))
    if latitude is not None and longitude is not None:
        return _nearest(latitude, longitude), latitude, longitude, "coordinates"
    home = (cells.get("country") or country)[:2].upper()
    town = ", ".join(part for part in (cells.get("city", ""), cells.get("region", "")) if part)
    for text in (cells.get("postal_code", ""), town):
        if text and (found := _find(text[:200], home)) is not None:
            return found, found.latitude, found.longitude, found.precision
    return None, None, None, None


def _zone(cells: dict[str, str], place: Place | None, zone: str) -> str:
    said = cells.get("time_zone", "")
    if said and not is_time_zone(said):
        raise Rejected("time_zone", _("Write a time zone such as America/New_York, not %(text)s", text=said[:40]))
    return said or (place.time_zone if place is not None else "") or zone


def _instant(cells: dict[str, str], name: str, zone: str, shift_days: int) -> dt.datetime | None:
    """An ISO instant; without an offset it is what clocks at the place show (S7)."""
    text = cells.get(name, "")
    if not text:
        return None
    if not re.search(r"\d[T ]\d", text):
        raise Rejected(name, _("Write a day and a time, such as 2026-12-24 18:30, not %(text)s", text=text[:40]))
    try:
        read = dt.datetime.fromisoformat(text)
        moved = read + dt.timedelta(days=shift_days)
        return (moved if moved.tzinfo else moved.replace(tzinfo=zoneinfo.ZoneInfo(zone))).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise Rejected(
            name, _("Write a day and a time, such as 2026-12-24 18:30, not %(text)s", text=text[:40])
        ) from error


def _date(cells: dict[str, str], name: str, shift_days: int) -> dt.date | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text[:10]) + dt.timedelta(days=shift_days)
    except (ValueError, OverflowError) as error:
        raise Rejected(name, _("Write a date such as 2026-12-24, not %(text)s", text=text[:40])) from error


def _capacity(cells: dict[str, str]) -> int | None:
    text = cells.get("capacity", "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 6 or int(text) > MAXIMUM_CAPACITY:
        raise Rejected(
            "capacity", _("Write a number between 0 and %(most)s, not %(text)s", most=MAXIMUM_CAPACITY, text=text[:40])
        )
    return int(text)


def _contact(cells: dict[str, str]) -> str:
    word = cells.get("contact", "").casefold().replace(" ", "_") or "not_stated"
    if word not in ("none", "children", "adults_at_risk", "not_stated"):
        raise Rejected("contact", _("Write none, children or adults_at_risk, not %(text)s", text=word[:40]))
    return word


def _urgency(cells: dict[str, str]) -> str:
    word = cells.get("urgency", "").casefold() or "normal"
    if word not in URGENCIES:
        raise Rejected("urgency", _("Write low, normal, high or critical, not %(text)s", text=word[:40]))
    return word


def _words(cells: dict[str, str], name: str, known: dict[str, str]) -> tuple[str, ...]:
    """Slugs of a list separated by semicolons or commas, given as slugs or names."""
    words = [word.strip() for word in re.split(r"[;,]", cells.get(name, "")) if word.strip()]
    strange = [word for word in words if word.casefold() not in known]
    if strange:
        raise Rejected.of([Fault(name, _("We do not know %(text)s", text=word[:60])) for word in strange[:MOST_OF_ONE]])
    return tuple(sorted({known[word.casefold()] for word in words}))


_STRUCTURED = re.compile(r"(?P<name>[^:]+?)\s*(?::\s*(?P<quantity>\d+(?:\.\d{1,3})?)\s*(?P<unit>[^:]*))?", re.ASCII)


def _item(text: str) -> ItemLine | None:
    match = _STRUCTURED.fullmatch(text)
    if match is None:
        raise Rejected("items", _("Write each as name: quantity unit, not %(text)s", text=text[:60]))
    quantity = decimal.Decimal(match["quantity"]) if match["quantity"] else None
    if quantity is not None and not 0 < quantity <= 1_000_000_000:
        raise Rejected("items", _("There is no such quantity: %(text)s", text=text[:60]))
    return ItemLine(match["name"][:160], quantity, (match["unit"] or "").strip()[:40])


def _items(cells: dict[str, str]) -> tuple[ItemLine, ...]:
    """`items` ("diapers size 3: 40 box; water") and the free text of `items_text`, each thing once."""
    found: dict[str, ItemLine] = {}
    reading = _Reading()
    for part in cells.get("items", "").split(";"):
        if text := line(part):
            item = reading.read(None, _item, text)
            if item is not None:
                found.setdefault(item.name.casefold(), item)
    if reading.faults:
        raise Rejected.of(reading.faults[:MOST_OF_ONE])
    for split in split_items(cells.get("items_text", "")):
        found.setdefault(split.name.casefold(), ItemLine(split.name, do_not_bring=split.do_not_bring))
    return tuple(found.values())
