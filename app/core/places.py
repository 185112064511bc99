"""Places offline (N3): from what people type to a point, from a point to its city, region, country and time zone.

Cities of 15,000 people and more everywhere, and every ZIP code and its town in the United States. No network.
Degrees are WGS 84, latitude -90..90, longitude -180..180; distances are metres on the great circle.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from pathlib import Path
from typing import Any

from app.core import gazetteer
from app.core.gazetteer import TOWN_POPULATION, fold, on_sphere, qualifier_key

# GeoNames' licence (CC BY 4.0) asks for this credit wherever its places are used; the public footer's page shows it.
CREDIT = "Places: GeoNames (geonames.org), CC BY 4.0"

# The mean radius of the Earth (IUGG): great circles on it are within 0.6% of the ellipsoid's.
EARTH_RADIUS_M = 6_371_008.8
# A name means the one at home unless a namesake abroad is this many times as large: in the United States
# "Birmingham" is in Alabama, but "Paris" is not in Texas.
HOME_ADVANTAGE = 50
# Farther than this from every place (open sea, ice) the zone follows the longitude, as ships' time does.
REMOTE_M = 1_000_000.0
# Farther than this a point does not belong to the nearest city by name.
NEARBY_M = 200_000.0
MAXIMUM_TEXT = 200

_COORDINATES = re.compile(
    r"\s*([+-]?\d{1,2}(?:\.\d{1,15})?)\s*°?\s*([NS])?\s*([,;]|\s)\s*([+-]?\d{1,3}(?:\.\d{1,15})?)\s*°?\s*([EW])?\s*",
    re.IGNORECASE,
)
_ZIP = re.compile(r"(?<![\w-])(\d{5})(?:-\d{4})?(?![\w-])", re.ASCII)
_COLUMNS = "place.id, city, region, country, postal_code, latitude, longitude, population, time_zone"


@dataclasses.dataclass(frozen=True)
class Place:
    """A point and what it is called. `precision` says what the point is the middle of (or that it is exact)."""

    city: str
    region: str | None
    country: str | None
    postal_code: str | None
    latitude: float
    longitude: float
    time_zone: str
    precision: str  # "coordinates" | "postal_code" | "city"

    @property
    def label(self) -> str:
        """What to call it on a page, in the language of its own name: "Newark, NJ", "Berlin, DE"; else the degrees."""
        if not self.city:
            return f"{self.latitude:.4f}, {self.longitude:.4f}"
        return f"{self.city}, {self.region or self.country}"


def init(data_dir: Path) -> None:
    """Say where the gazetteer's file is kept (built at first use, about 15 MB)."""
    gazetteer.init(data_dir)


def find_region(country: str, text: str) -> str | None:
    """The code of the state or province of that ISO country (the gazetteer knows those of the United States and Canada)
    whose code or name `text` is; None for anything else."""
    codes = {region for its, region in _areas(qualifier_key(text)) if its == country and region}
    return codes.pop() if len(codes) == 1 else None


@functools.lru_cache(maxsize=1000)
def region_at(country: str, latitude: float, longitude: float) -> str | None:
    """The code of the state or province of the nearest place to a point (degrees); None where that is in another ISO country,
    too far away to belong to it, or not within what `find_region` knows. Raises ValueError as nearest_place."""
    near = locate(latitude, longitude)
    return find_region(country, near.region or "") if near.country == country else None


def distance_m(latitude_1: float, longitude_1: float, latitude_2: float, longitude_2: float) -> float:
    """Great-circle distance in metres between two points in degrees (haversine formula, which keeps short ones exact)."""
    phi_1, phi_2 = math.radians(latitude_1), math.radians(latitude_2)
    across = math.sin(math.radians(longitude_2 - longitude_1) / 2)
    along = math.sin((phi_2 - phi_1) / 2)
    h = along * along + math.cos(phi_1) * math.cos(phi_2) * across * across
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))


def find_place(text: str, country: str | None = None) -> Place | None:
    """The place that `text` names, or None when nothing here is called that.

    `text` is a city ("Newark", "Newark, NJ", "Springfield, Illinois, US", "London Canada", "São Paulo"), a US ZIP code
    with or without its town ("07102-1234", "Newark, NJ 07102"), an address that ends in one of these, or coordinates
    in degrees ("40.71,-74.0"). `country` (ISO 3166, two letters) is where the asker is at home: among namesakes it
    counts HOME_ADVANTAGE-fold, and a bare five-digit code is read as a ZIP code only there or when it is None.
    """
    text = " ".join(text.replace("\x00", " ").split())[:MAXIMUM_TEXT]
    home = country.strip().upper() if country else None
    if point := _read_coordinates(text):
        return locate(*point)
    if zips := _ZIP.findall(text):
        return _find_by_zip(text, zips[-1], home)
    return _find_by_name(text, home)


def suggest_places(prefix: str, limit: int = 10, country: str | None = None) -> list[Place]:
    """Places whose name (or ZIP code) begins with `prefix`, the likeliest first; none for fewer than two characters."""
    start = fold(prefix[:MAXIMUM_TEXT])
    if len(start) < 2:
        return []
    if start.isascii() and start.isdigit():
        found = gazetteer.rows(
            f"SELECT {_COLUMNS} FROM place WHERE postal_code >= ? AND postal_code < ? ORDER BY postal_code LIMIT ?",
            (start, start + ":", limit),
        )
        return [_place(row) for row in found]
    found = gazetteer.rows(
        f"SELECT {_COLUMNS}, max(weight) FROM name JOIN place ON place.id = name.place_id WHERE key >= ? AND key < ?"
        " GROUP BY place.id",
        (start, start + "\U0010ffff"),
    )
    home = country.strip().upper() if country else None
    return [_place(row) for row in sorted(found, key=lambda row: (-_score(row, home), row[0]))[:limit]]


@functools.lru_cache(maxsize=300)
def main_zone(country: str) -> str:
    """The time zone of the largest town of the ISO country: whose clock to use where nothing better is known. UTC for a
    country that has none here."""
    largest = "SELECT time_zone FROM place WHERE country = ? ORDER BY population DESC LIMIT 1"
    found = gazetteer.rows(largest, (country.upper(),))
    return str(found[0][0]) if found else "UTC"


def nearest_place(latitude: float, longitude: float) -> Place:
    """The nearest city or ZIP code's town, at its own point; its zone is the one to use at the point asked for.

    Right at the poles and across the antimeridian. Farther than REMOTE_M from every place the zone is the nautical one
    of the longitude ("Etc/GMT+8"). Raises ValueError for what are no coordinates.
    """
    row = _nearest(latitude, longitude)
    place = _place(row)
    zone = place.time_zone
    if distance_m(latitude, longitude, place.latitude, place.longitude) > REMOTE_M:
        zone = _nautical_zone(longitude)
    return dataclasses.replace(place, postal_code=None, precision="city", time_zone=zone)


def locate(latitude: float, longitude: float) -> Place:
    """The point itself, called after the nearest place when that is within NEARBY_M. Raises ValueError as nearest_place."""
    near = nearest_place(latitude, longitude)
    named = distance_m(latitude, longitude, near.latitude, near.longitude) <= NEARBY_M
    return Place(
        city=near.city if named else "",
        region=near.region if named else None,
        country=near.country if named else None,
        postal_code=None,
        latitude=latitude,
        longitude=longitude,
        time_zone=near.time_zone,
        precision="coordinates",
    )


def _place(row: tuple[Any, ...]) -> Place:
    _, city, region, country, postal_code, latitude, longitude, _, zone = row[:9]
    precision = "postal_code" if postal_code else "city"
    return Place(city, region or None, country, postal_code, latitude, longitude, zone, precision)


def _score(row: tuple[Any, ...], home: str | None) -> float:
    """How likely this one is meant: its people, more at home, less by an alternate name (the last column)."""
    people: float = float(row[7] or TOWN_POPULATION) * float(row[9])
    return people * HOME_ADVANTAGE if home is not None and row[3] == home else people


def _read_coordinates(text: str) -> tuple[float, float] | None:
    match = _COORDINATES.fullmatch(text.replace(",", ".") if ";" in text else text)
    if match is None:
        return None
    first, south, separator, second, west = match.groups()
    if separator.isspace() and not ("." in first and "." in second):
        return None  # "12 34" is rather a house and a street
    latitude, longitude = float(first), float(second)
    if (south or "").upper() == "S":
        latitude = -latitude
    if (west or "").upper() == "W":
        longitude = -longitude
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _find_by_zip(text: str, code: str, home: str | None) -> Place | None:
    """A ZIP code, unless what stands around it is a place elsewhere ("10115 Berlin")."""
    rows = gazetteer.rows(f"SELECT {_COLUMNS} FROM place WHERE postal_code = ?", (code,))
    around = _ZIP.sub(" ", text).strip(" ,;")
    named = _find_by_name(around, home) if fold(around) else None
    if not rows:
        return named
    found = _place(rows[0])
    if not fold(around):
        return found if home in (None, found.country) else None
    if named is None:
        qualifiers = _split(around)
        said = all(_matches(rows[0], part) for part in qualifiers[-1:])
        return found if said or home in (None, found.country) else None
    return found if (named.country, named.region) == (found.country, found.region) else named


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"[,;|/\n]+", text) if fold(part)]


def _find_by_name(text: str, home: str | None) -> Place | None:
    parts = _split(text)
    while parts:
        if found := _among(_named(parts[0], parts[1:]), home):
            return found
        if len(parts) == 1 and (found := _find_unpunctuated(parts[0], home)):
            return found
        if len(parts) > 1 and (found := _find_unpunctuated(" ".join(parts), home)):
            return found
        # An address: what comes before the city has a number in it ("12 Main St, Newark, NJ").
        if not any(character.isdigit() for character in parts[0]):
            return None
        parts = parts[1:]
    return None


def _find_unpunctuated(text: str, home: str | None) -> Place | None:
    """ "Newark NJ", "London Canada", "Newark New Jersey USA": the shortest ending that is a region or country."""
    words = text.split()
    for taken in range(1, min(4, len(words) - 1) + 1):
        if found := _among(_named(" ".join(words[:-taken]), [" ".join(words[-taken:])]), home):
            return found
    return None


def _named(name: str, qualifiers: list[str]) -> list[tuple[Any, ...]]:
    found = gazetteer.rows(
        f"SELECT {_COLUMNS}, weight FROM name JOIN place ON place.id = name.place_id WHERE key = ?",
        (fold(name),),
    )
    return [row for row in found if all(_matches(row, part) for part in qualifiers)]


def _matches(row: tuple[Any, ...], qualifier: str) -> bool:
    """Whether the place is in the region or country that `qualifier` says, in one ("NJ") or two of them ("NJ USA")."""
    words = qualifier.split()
    for cut in range(len(words), 0, -1):
        areas = _areas(qualifier_key(" ".join(words[:cut])))
        if any(row[3] == country and region in ("", row[2]) for country, region in areas):
            return cut == len(words) or _matches(row, " ".join(words[cut:]))
    return False


@functools.lru_cache(maxsize=512)
def _areas(key: str) -> frozenset[tuple[str, str]]:
    """The (country, region or "") pairs that go by this key."""
    return frozenset(gazetteer.rows("SELECT country, region FROM qualifier WHERE key = ?", (key,)))


def _among(rows: list[tuple[Any, ...]], home: str | None) -> Place | None:
    return _place(max(rows, key=lambda row: (_score(row, home), -row[0]))) if rows else None


def _nearest(latitude: float, longitude: float) -> tuple[Any, ...]:
    """The place nearest by great circle, which is the nearest by straight line through the sphere."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError("latitude is within -90..90 and longitude within -180..180")
    x, y, z = on_sphere(latitude, longitude)
    reach = 0.002  # of the Earth's radius: about 13 km
    while True:
        rows = gazetteer.rows(
            f"SELECT {_COLUMNS} FROM point JOIN place ON place.id = point.id"
            " WHERE x1 >= ? AND x0 <= ? AND y1 >= ? AND y0 <= ? AND z1 >= ? AND z0 <= ?",
            (x - reach, x + reach, y - reach, y + reach, z - reach, z + reach),
        )
        nearest = min(((math.dist((x, y, z), on_sphere(row[5], row[6])), row[0], row) for row in rows), default=None)
        if nearest and nearest[0] <= reach:
            return nearest[2]
        # What lies beyond the ball of this reach might be nearer than a corner of the box, and is no farther than what
        # stands there. Each step is small: at sea the box that first meets land holds thousands that all are measured.
        reach = nearest[0] if nearest else min(reach * 1.5, 2.1)


def _nautical_zone(longitude: float) -> str:
    """The zone of the open sea; POSIX counts westwards, so Etc/GMT+5 is five hours behind UTC."""
    offset = round(longitude / 15)
    return "Etc/UTC" if offset == 0 else f"Etc/GMT{-offset:+d}"
