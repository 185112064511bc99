"""What a person's own facts allow."""

from __future__ import annotations

import calendar
import datetime as dt

from app.accounts.models import Person
from app.core.clock import age_on, today

# Under this age nobody has an account, and nothing of them is kept (G4).
MINIMUM_AGE = 13
# A child is everybody under 18: UN Convention on the Rights of the Child, article 1.
ADULT_AGE = 18
# Where majority comes later: Korea's Civil Act, article 4; Thailand's Civil and Commercial Code, section 19; New Zealand's
# Age of Majority Act 1970, section 4; Singapore's common law.
_LATER_MAJORITY = {"KR": 19, "TH": 20, "NZ": 20, "SG": 21}

# From this age somebody is an adult wherever they go.
EVERYWHERE_ADULT_AGE = max(ADULT_AGE, *_LATER_MAJORITY.values())


def majority_age(country: str | None) -> int:
    """The age from which somebody is an adult in that ISO country (G4)."""
    return _LATER_MAJORITY.get(country or "", ADULT_AGE)


def adult_from(birth_date: dt.date, country: str | None) -> dt.date:
    """The day from which somebody born then is an adult in that ISO country; born on 29 February, 1 March in other years."""
    return _birthday(birth_date, majority_age(country))


def adult_everywhere_from(birth_date: dt.date) -> dt.date:
    """The day from which they are an adult wherever they go."""
    return _birthday(birth_date, EVERYWHERE_ADULT_AGE)


def _birthday(birth_date: dt.date, age: int) -> dt.date:
    year = birth_date.year + age
    if (birth_date.month, birth_date.day) == (2, 29) and not calendar.isleap(year):
        return dt.date(year, 3, 1)
    return birth_date.replace(year=year)


def may_be_minor_somewhere(person: Person) -> bool:
    """True when the birth date says that there is a country in which they may not be an adult yet: where a shift is, its
    own law counts, too."""
    day = today("Etc/GMT+12")
    return person.birth_date is not None and age_on(person.birth_date, day) < EVERYWHERE_ADULT_AGE


def is_known_adult(person: Person, country: str | None = None) -> bool:
    """True when the birth date says so by the law of their home and by that of the ISO country, wherever on earth it is still
    yesterday; without a birth date, when the operator who made the account answers for it. For acts by which somebody vouches
    for others: a place on a shift asks for the birth date itself."""
    if person.birth_date is None:
        return person.adult_stated_at is not None
    majority = max(majority_age(person.country), majority_age(country))
    return age_on(person.birth_date, today("Etc/GMT+12")) >= majority


def is_known_minor(person: Person) -> bool:
    """True when the birth date says so wherever on earth it is still yesterday. Unknown is not known to be a minor, and
    never taken for an adult either: rules that need an age ask for it themselves."""
    majority = majority_age(person.country)
    return person.birth_date is not None and age_on(person.birth_date, today("Etc/GMT+12")) < majority
