"""Ages (G4): who is a minor in which country, and what a minor may do at which age.

A child is everybody under 18 (UN Convention on the Rights of the Child, article 1); where majority comes later, the table
says so, of states and provinces, too (accounts.policy).
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from app.accounts.policy import ADULT_AGE, MINIMUM_AGE, majority_age
from app.core.clock import age_on

__all__ = ["ADULT_AGE", "MINIMUM_AGE", "Limits", "find_limits", "is_adult_on", "is_minor_on", "majority_age"]


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a minor of a band may do: how long a shift lasts at most, and between which local times it lies."""

    from_age: int
    longest: dt.timedelta
    earliest: dt.time
    latest: dt.time


# Volunteering is no employment; what the law lets minors of an age do for pay is the most that is asked of them here.
# United States: 29 CFR 570.35 (14 and 15: three hours on a school day, 7 am to 7 pm). European Union: directive 94/33/EC,
# articles 8 and 9 (adolescents eight hours, none between 10 pm and 6 am). United Kingdom: Children and Young Persons Act
# 1933, s. 18 (two hours on a school day, 7 am to 7 pm).
_DEFAULT = (
    Limits(13, dt.timedelta(hours=3), dt.time(7), dt.time(19)),
    Limits(16, dt.timedelta(hours=8), dt.time(6), dt.time(22)),
)
_BY_COUNTRY = {
    "GB": (
        Limits(13, dt.timedelta(hours=2), dt.time(7), dt.time(19)),
        Limits(16, dt.timedelta(hours=8), dt.time(6), dt.time(22)),
    ),
}


def is_adult_on(birth_date: dt.date | None, day: dt.date, majority: int) -> bool:
    """True when somebody born then is an adult on `day` where one is from that age. Unknown is no (G1)."""
    return birth_date is not None and age_on(birth_date, day) >= majority


def is_minor_on(birth_date: dt.date | None, day: dt.date, majority: int) -> bool:
    """True when somebody is known to be a minor on `day` where one is an adult from that age. Unknown is neither."""
    return birth_date is not None and age_on(birth_date, day) < majority


def find_limits(birth_date: dt.date, day: dt.date, country: str | None) -> Limits:
    """The limits for a minor of that age on `day`, by the ISO country of the place."""
    age = age_on(birth_date, day)
    bands = _BY_COUNTRY.get(country or "", _DEFAULT)
    return next((band for band in reversed(bands) if age >= band.from_age), bands[0])
