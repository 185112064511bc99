"""The catalogue: what may be required of people, in which levels, and how long each holds.

Levels name what exists in each country; nothing here says that a check makes anybody safe. Sources of what comes from
outside stand beside it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from app.core.i18n import lazy

CONTACTS_WITH_PEOPLE = ("children", "adults_at_risk")
# Two different people must have spoken for somebody.
REFERENCES_NEEDED = 2


@dataclasses.dataclass(frozen=True)
class Level:
    """A level of a kind. `includes`: lower levels that it meets too. `contacts`: the law lets only roles with that contact
    ask for it; empty means any role. `consent_first`: the person must have agreed, and been told of their right to
    challenge the outcome, before the check."""

    code: str
    name: Any
    country: str | None = None
    includes: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    consent_first: bool = False


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of requirement. `validity`: how long a clearance holds at most after its issue date (None: until it is
    revoked). `retention`: how long it is kept after it ended, before it is purged (G3)."""

    code: str
    name: Any
    how: Any
    levels: tuple[Level, ...] = ()
    validity: dt.timedelta | None = None
    retention: dt.timedelta = dt.timedelta(days=365)


_YEAR = dt.timedelta(days=365)

# United States: a fitness determination by criminal history needs the person's signed consent and notice of the right to
# obtain and to challenge the record: 34 U.S.C. 40102(b)(1)-(2).
# United Kingdom: standard and enhanced certificates only for roles in the Exceptions Order 1975 to the Rehabilitation of
# Offenders Act 1974 and the Police Act 1997, ss. 113A-113BB; barred lists only for regulated activity.
# Canada: vulnerable sector verification only for positions of trust or authority: Criminal Records Act, s. 6.3(3).
# Australia: working with children checks are state law, and a police check is another thing.
_CHECKS = (
    Level("us_fitness", lazy("United States: fitness check by criminal history"), "US", consent_first=True),
    Level("uk_basic", lazy("United Kingdom: basic DBS check"), "GB"),
    Level("uk_standard", lazy("United Kingdom: standard DBS check"), "GB", ("uk_basic",), CONTACTS_WITH_PEOPLE),
    Level(
        "uk_enhanced",
        lazy("United Kingdom: enhanced DBS check"),
        "GB",
        ("uk_basic", "uk_standard"),
        CONTACTS_WITH_PEOPLE,
    ),
    Level(
        "uk_enhanced_children",
        lazy("United Kingdom: enhanced DBS check with the children’s barred list"),
        "GB",
        ("uk_basic", "uk_standard", "uk_enhanced"),
        ("children",),
    ),
    Level(
        "uk_enhanced_adults",
        lazy("United Kingdom: enhanced DBS check with the adults’ barred list"),
        "GB",
        ("uk_basic", "uk_standard", "uk_enhanced"),
        ("adults_at_risk",),
    ),
    Level("ca_criminal", lazy("Canada: criminal record check"), "CA"),
    Level(
        "ca_vulnerable_sector",
        lazy("Canada: vulnerable sector check"),
        "CA",
        ("ca_criminal",),
        CONTACTS_WITH_PEOPLE,
    ),
    Level("au_police", lazy("Australia: national police check"), "AU"),
    Level("au_children", lazy("Australia: working with children check"), "AU", (), ("children",)),
    Level("certificate", lazy("Certificate of good conduct of the country where the person lives")),
)
# What a role with contact asks for when its organization says nothing stricter, by the country of the place.
BASELINE_CHECKS = {
    ("US", "children"): "us_fitness",
    ("US", "adults_at_risk"): "us_fitness",
    ("GB", "children"): "uk_enhanced",
    ("GB", "adults_at_risk"): "uk_enhanced",
    ("CA", "children"): "ca_vulnerable_sector",
    ("CA", "adults_at_risk"): "ca_vulnerable_sector",
    ("AU", "children"): "au_children",
    ("AU", "adults_at_risk"): "au_police",
}

KINDS: tuple[Kind, ...] = (
    Kind(
        "identity",
        lazy("Identity seen"),
        lazy(
            "Show an official document with your picture to the organization. It notes that it saw it, and keeps no copy."
        ),
    ),
    Kind(
        "background_check",
        lazy("Background check"),
        lazy("The organization tells you how to apply, and notes the outcome, never the certificate."),
        _CHECKS,
        3 * _YEAR,
        # The DBS Code of Practice keeps what a certificate says no longer than six months.
        dt.timedelta(days=180),
    ),
    Kind(
        "reference",
        lazy("Two references"),
        lazy("Name two people who know you and are not relatives. The organization asks them."),
        (),
        3 * _YEAR,
    ),
    Kind(
        "training",
        lazy("Training"),
        lazy("Take the training that the organization names; it notes that you completed it."),
        (
            Level("", lazy("as the organization says")),
            Level("safeguarding_basics", lazy("safeguarding basics")),
            Level("food_hygiene", lazy("food hygiene")),
            Level("first_aid", lazy("first aid")),
        ),
        2 * _YEAR,
    ),
    Kind(
        "code_of_conduct",
        lazy("Code of conduct"),
        lazy("Read and accept the organization’s code of conduct: it takes a few minutes."),
    ),
    Kind(
        "driving",
        lazy("Driving licence seen"),
        lazy("Show a valid driving licence to the organization. It notes that it saw it."),
        (),
        _YEAR,
    ),
    Kind(
        "medical",
        lazy("Medical fitness"),
        lazy("Ask the organization which confirmation it needs. It notes only that you are fit for the role."),
        (),
        _YEAR,
    ),
)
_BY_CODE = {kind.code: kind for kind in KINDS}
TRAINING = _BY_CODE["training"]


def find_kind(code: str) -> Kind | None:
    """The kind with this code, or None."""
    return _BY_CODE.get(code)


def find_level(kind: str, level: str) -> Level | None:
    """The level of that kind, or None. Kinds without levels have the empty one only; a code of conduct's levels are the
    numbers of its versions and are not in the catalogue."""
    found = _BY_CODE.get(kind)
    if found is None:
        return None
    if not found.levels:
        return Level("", found.name) if level == "" else None
    return next((each for each in found.levels if each.code == level), None)


def baseline_check(country: str | None, contact: str) -> str:
    """The level of background check that contact asks for at least, by the ISO country of the place."""
    return BASELINE_CHECKS.get((country or "", contact), "certificate")
