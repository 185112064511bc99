"""Signposts to official services, by country. They are a file of the application and need no database: the page must be
there when nothing else is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.clock import today
from app.core.i18n import lazy

FILE = Path(__file__).parent / "data" / "signposts.toml"
# In DATA_DIR: when moderators last looked at the services' own pages.
CHECKS = "signposts-checked.json"
NOTHING_CHECKED: dict[str, dt.date] = {}
# A plain page that everybody visits, for whoever has to leave at once.
ELSEWHERE = "https://www.wikipedia.org/"
# Older than this, the page says so and moderators have it to check.
FRESH_FOR = dt.timedelta(days=180)
# ISO 3166 of the countries with services of their own here, the European Union, and any other country.
COUNTRIES = ("US", "GB", "CA", "AU", "EU", "ZZ")
_EU = frozenset(
    (
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
        "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    )
)  # fmt: skip
# A language alone says less than a region; these are spoken in one of the countries above for the most part.
_EU_LANGUAGES = frozenset(
    (
        "bg", "cs", "da", "de", "el", "et", "fi", "fr", "ga", "hr", "hu", "it", "lt", "lv", "mt", "nl", "pl", "ro", "sk",
        "sl", "sv",
    )
)  # fmt: skip

HEADINGS: dict[str, tuple[Any, Any]] = {
    "danger": (lazy("Somebody is in danger now"), lazy("Call the emergency number, at any hour.")),
    "child_exploited": (
        lazy("A child is being exploited, online or offline"),
        lazy("Images, grooming, threats over images, or trafficking of anyone under 18. You need not be sure."),
    ),
    "images": (
        lazy("You came upon images of child sexual abuse"),
        lazy("Send the address of the page only. You can stay anonymous."),
    ),
    "picture_of_me": (
        lazy("An intimate picture of you as a child is online"),
        lazy("For pictures taken when you were under 18. They help to have it removed."),
    ),
    "trafficked": (
        lazy("Somebody of any age is being trafficked"),
        lazy("For labor or for sex. Help for you or whoever it happens to, and a place for what you noticed."),
    ),
    "worried": (lazy("You are an adult and worried about a child"), lazy("They listen, advise and act.")),
    "young": (lazy("You are young and want to talk"), lazy("You can ask first what they would have to pass on.")),
    "young_anywhere": (lazy("You are young and want to talk"), lazy("Its pages name child helplines by country.")),
    "counselor": (
        lazy("You want to talk with a counselor first"),
        lazy("In a crisis over a child who is harmed, by call or text. They advise; they do not take reports."),
    ),
    "missing": (lazy("A child is missing or at risk"), lazy("One number in many countries of Europe.")),
}
# What every country's page must lead to: a signpost of any country with this heading stands among a country's own, unless it
# has one of these headings itself that can be reached.
EVERYWHERE: dict[str, tuple[str, ...]] = {"images": ("images", "child_exploited"), "young_anywhere": ("young",)}
# The part of the page that texts link to, where two headings are about the same.
ANCHORS = {"young_anywhere": "young"}
NOTES: dict[str, Any] = {
    "operator_changed": lazy("Its operator changed, so we are checking the phone number again"),
    "path_unseen": lazy("We have not seen its form for reports: begin at its first page"),
    "number_unseen": lazy("We have not seen its number in its own words, so it is not here"),
}


@dataclasses.dataclass(frozen=True)
class Signpost:
    """One service. `note` names what is not certain, "" when nothing is; contacts are as the service writes them."""

    key: str
    country: str
    heading: str
    name: str
    checked_on: dt.date
    web: str = ""
    phone: str = ""
    text: str = ""
    text_word: str = ""
    hours: str = ""
    note: str = ""
    source: str = ""

    @property
    def is_stale(self) -> bool:
        """True when nobody has checked it for half a year."""
        return today("UTC") - self.checked_on > FRESH_FOR


@functools.cache
def list_signposts() -> tuple[Signpost, ...]:
    """Every signpost in the order of the file. Raises ValueError for a row that the page could not show."""
    rows = tuple(Signpost(**row) for row in tomllib.loads(FILE.read_text())["service"])
    for row in rows:
        if row.country not in COUNTRIES or row.heading not in HEADINGS or (row.note and row.note not in NOTES):
            raise ValueError(f"a signpost says what the page does not know: {row.key}")
    return rows


def list_signposts_of(country: str, checked: Mapping[str, dt.date] = NOTHING_CHECKED) -> list[Signpost]:
    """Those of one of COUNTRIES, the emergency number first; `checked` as `list_signposts_checked`."""
    return [row for row in list_signposts_checked(checked) if row.country == country]


def divide_signposts(
    country: str, checked: Mapping[str, dt.date] = NOTHING_CHECKED
) -> tuple[list[Signpost], list[Signpost]]:
    """What the page of one of COUNTRIES shows as its services, and what is left for another country. Among the first are
    those of any country where it has nothing of its own to reach: a young person finds somebody to talk to on each page."""
    own = list_signposts_of(country, checked)
    if country == "ZZ":
        return own, []
    reached = {row.heading for row in own if row.web or row.phone}
    anywhere = list_signposts_of("ZZ", checked)
    needed = [row for row in anywhere if row.heading in EVERYWHERE and reached.isdisjoint(EVERYWHERE[row.heading])]
    return own + needed, [row for row in anywhere if row not in needed]


def find_signpost(key: str) -> Signpost | None:
    """The signpost with this key, or None."""
    return next((row for row in list_signposts() if row.key == key), None)


def list_signposts_checked(checked: Mapping[str, dt.date]) -> list[Signpost]:
    """Every signpost, with the day on which a moderator looked at the service's own page where that is later than the
    file's. `checked`: that day by key."""
    return [
        dataclasses.replace(row, checked_on=max(row.checked_on, checked.get(row.key, row.checked_on)))
        for row in list_signposts()
    ]


# --- what moderators checked since, kept beside the database ---------------------------------------------------------


def write_checks(folder: Path, checked: Mapping[str, dt.date]) -> None:
    """Keep the days of checks in a file of `folder`, for a page that asks no database. Whoever reads it meanwhile reads the
    one before."""
    partial = folder / f"{CHECKS}.{os.getpid()}"
    partial.write_text(json.dumps({key: day.isoformat() for key, day in sorted(checked.items())}))
    partial.replace(folder / CHECKS)


def read_checks(folder: Path) -> dict[str, dt.date]:
    """The days of checks, none where there is no such file."""
    path = folder / CHECKS
    try:
        return _read_checks(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return {}


@functools.lru_cache(maxsize=8)
def _read_checks(path: Path, _changed_at: int) -> dict[str, dt.date]:
    return {key: dt.date.fromisoformat(day) for key, day in json.loads(path.read_text()).items()}


def guess_country(languages: list[str]) -> str:
    """One of COUNTRIES by the languages a browser asks for, best first ("en-GB", "fr"): nothing else is looked at."""
    for language in languages:
        name, _dash, region = language.replace("_", "-").partition("-")
        region = region.rpartition("-")[2].upper()
        if region in COUNTRIES and region not in ("EU", "ZZ"):
            return region
        if region in _EU or (not region and name.lower() in _EU_LANGUAGES):
            return "EU"
    return "ZZ"
