"""Signposts to official services, by country. They are a file of the application and need no database: the page must be
there when nothing else is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import tomllib
from pathlib import Path
from typing import Any

from app.core.clock import today
from app.core.i18n import lazy

FILE = Path(__file__).parent / "data" / "signposts.toml"
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
        lazy("For labor or for sex. Help for the person, and a place for what you noticed."),
    ),
    "worried": (lazy("You are an adult and worried about a child"), lazy("They listen, advise and act.")),
    "young": (lazy("You are young and want to talk"), lazy("About anything. You need not say who you are.")),
    "counselor": (
        lazy("You want to talk with a counselor first"),
        lazy("Call or text about any worry over a child. They advise; they do not take reports."),
    ),
    "missing": (lazy("A child is missing or at risk"), lazy("One number in many countries of Europe.")),
}
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


def list_signposts_of(country: str) -> list[Signpost]:
    """Those of one of COUNTRIES, the emergency number first."""
    return [row for row in list_signposts() if row.country == country]


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
