"""The gazetteer's file: built once from app/core/data into a read-only SQLite database that every process shares.

Memory stays flat in the number of processes: nothing is loaded, the file is mapped. It is named for the digest of the
data, so a new release makes a new one and an old process keeps what it opened.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import math
import os
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
SCHEMA_VERSION = "1"
FILES = ("cities.tsv.gz", "zips.tsv.gz", "regions.tsv.gz", "countries.tsv.gz")

# What a town known only through its ZIP codes counts for beside cities, whose populations are known.
TOWN_POPULATION = 1_000
# An alternate name counts for less than a name: "Milford" is a city before it is a former name of Newark.
ALTERNATE_WEIGHT = 0.1

_SCHEMA = """
CREATE TABLE place (
    id INTEGER PRIMARY KEY, city TEXT NOT NULL, region TEXT NOT NULL, country TEXT NOT NULL, postal_code TEXT,
    latitude REAL NOT NULL, longitude REAL NOT NULL, population INTEGER NOT NULL, time_zone TEXT NOT NULL);
CREATE TABLE name (key TEXT NOT NULL, place_id INTEGER NOT NULL, weight REAL NOT NULL,
    PRIMARY KEY (key, place_id)) WITHOUT ROWID;
CREATE TABLE qualifier (key TEXT NOT NULL, country TEXT NOT NULL, region TEXT NOT NULL);
-- Points on the unit sphere: neither the antimeridian nor the poles are an edge there.
CREATE VIRTUAL TABLE point USING rtree(id, x0, x1, y0, y1, z0, z1);
"""

# Letters that Unicode does not take apart into a plain one and a mark.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d", "ħ": "h"})
_WORDS = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount"}
_COUNTRY_NAMES = {"US": ("usa", "america"), "GB": ("uk", "britain", "greatbritain"), "NL": ("holland",)}

_lock = threading.Lock()
_directory: Path | None = None
_opened: tuple[int, sqlite3.Connection] | None = None


def init(directory: Path) -> None:
    """Say where the file lives. Nothing is read or written before the first look-up."""
    global _directory
    _directory = directory


def rows(statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Answer `statement` from the gazetteer, building and opening it at first use. Raises RuntimeError before init()."""
    with _lock:
        return _connection().execute(statement, parameters).fetchall()


def _connection() -> sqlite3.Connection:
    """This process's connection; a forked child opens its own, as SQLite asks."""
    global _opened
    if _opened is None or _opened[0] != os.getpid():
        if _directory is None:
            raise RuntimeError("places.init(data_dir) comes before the first look-up")
        path = ensure_built(_directory)
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        connection.execute("PRAGMA mmap_size=67108864")
        connection.execute("PRAGMA cache_size=-256")
        _opened = (os.getpid(), connection)
    return _opened[1]


def ensure_built(directory: Path) -> Path:
    """The gazetteer's file in `directory`, built when it is not there. Safe from several processes at once."""
    digest = hashlib.sha256(SCHEMA_VERSION.encode())
    for name in FILES:
        digest.update((DATA / name).read_bytes())
    path = directory.resolve() / f"places-{digest.hexdigest()[:16]}.sqlite"
    if path.exists():
        return path
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "places.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            building = directory / "places.building"  # under the lock: what is left of a killed builder is overwritten
            building.unlink(missing_ok=True)
            _build(building)
            os.replace(building, path)
            for old in directory.glob("places-*.sqlite"):
                if old.name != path.name:
                    old.unlink(missing_ok=True)
    return path


def fold(text: str) -> str:
    """The form in which names are compared: no accents, case or punctuation; "St" is "Saint", "Ft" "Fort", "Mt" "Mount"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    plain = re.sub(r"['’ʻ`.]", "", plain)
    return " ".join(_WORDS.get(word, word) for word in re.sub(r"[\W_]+", " ", plain).split())


def qualifier_key(text: str) -> str:
    """The form in which regions and countries are compared: "D.C." and "New Jersey" are "dc" and "newjersey"."""
    return fold(text).replace(" ", "")


def on_sphere(latitude: float, longitude: float) -> tuple[float, float, float]:
    """The point of the unit sphere at these degrees."""
    phi, lam = math.radians(latitude), math.radians(longitude)
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


def _lines(name: str) -> Iterator[list[str]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n").split("\t")


def _build(path: Path) -> None:
    """Write the whole database to `path`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=OFF")
        database.execute("PRAGMA synchronous=OFF")
        database.executescript(_SCHEMA)
        database.execute("BEGIN")
        places, names = _places()
        database.executemany("INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", places)
        database.executemany("INSERT OR IGNORE INTO name VALUES (?, ?, ?)", names)
        database.executemany("INSERT INTO qualifier VALUES (?, ?, ?)", _qualifiers())
        points = ((row[0], on_sphere(row[5], row[6])) for row in places if row[7] or row[4])
        database.executemany(
            "INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?)", ((key, x, x, y, y, z, z) for key, (x, y, z) in points)
        )
        database.execute("CREATE INDEX place_postal_code ON place (postal_code) WHERE postal_code IS NOT NULL")
        database.execute("COMMIT")
        database.execute("ANALYZE")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _places() -> tuple[list[tuple[Any, ...]], list[tuple[str, int, float]]]:
    """Rows of `place` (population 0 and no postal code: a town known through its ZIP codes) and of `name`."""
    places: list[tuple[Any, ...]] = []
    names: list[tuple[str, int, float]] = []
    known: set[tuple[str, str]] = set()
    for city, region, country, latitude, longitude, population, zone, alternates in _lines("cities.tsv.gz"):
        key = len(places) + 1
        places.append(
            (key, city, region, country, None, float(latitude), float(longitude), max(int(population), 1), zone)
        )
        names.append((fold(city), key, 1.0))
        names += [(fold(other), key, ALTERNATE_WEIGHT) for other in alternates.split("|") if other]
        if country == "US":
            known.add((fold(city), region))
    states = {code for country, code, _ in _lines("regions.tsv.gz") if country == "US"}
    towns: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    zone = ""
    for code, city, region, latitude, longitude, zone_or_blank in _lines("zips.tsv.gz"):
        zone = zone_or_blank or zone  # in order of the codes, so the one before is a neighbour
        # The post also serves the Marshall Islands, Palau and Micronesia, which are countries.
        country, state = ("US", region) if region in states else (region, "")
        row = (len(places) + 1, city, state, country, code, float(latitude), float(longitude), 0, zone)
        places.append(row)
        if (fold(city), region) not in known:
            towns.setdefault((fold(city), region), []).append(row)
    for (name, _), parts in towns.items():
        key = len(places) + 1
        _, city, state, country, *_rest = parts[0]
        latitude_mean = sum(part[5] for part in parts) / len(parts)
        longitude_mean = sum(part[6] for part in parts) / len(parts)
        places.append((key, city, state, country, None, latitude_mean, longitude_mean, 0, parts[0][8]))
        names.append((name, key, 1.0))
    return places, names


def _qualifiers() -> Iterator[tuple[str, str, str]]:
    """What may stand behind a name: codes and names of regions and countries."""
    for country, code, name in _lines("regions.tsv.gz"):
        yield qualifier_key(code), country, code
        yield qualifier_key(name), country, code
    for code, code3, name in _lines("countries.tsv.gz"):
        for key in {code.casefold(), code3.casefold(), qualifier_key(name), *_COUNTRY_NAMES.get(code, ())}:
            yield key, code, ""
