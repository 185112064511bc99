"""What a person's own facts allow."""

from __future__ import annotations

import calendar
import datetime as dt

from app.accounts.models import Person
from app.core.clock import age_on, today
from app.core.places import find_region, region_at

# Under this age nobody has an account, and nothing of them is kept (G4).
MINIMUM_AGE = 13
# A child is everybody under 18: UN Convention on the Rights of the Child, article 1.
ADULT_AGE = 18
# Where majority comes later: Korea's Civil Act, article 4; Thailand's Civil and Commercial Code, section 19; New Zealand's
# Age of Majority Act 1970, section 4; Singapore's common law; Puerto Rico's Civil Code of 2020, article 97.
_LATER_MAJORITY = {"KR": 19, "TH": 20, "NZ": 20, "SG": 21, "PR": 21}
# Where majority comes later in some states or provinces than in the others of their country.
_LATER_IN = {
    # Code of Alabama, section 26-1-1; Nebraska Revised Statutes, section 43-2101; Mississippi Code, section 1-3-27; Puerto Rico.
    "US": {"AL": 19, "NE": 19, "MS": 21, "PR": 21},
    # Age of Majority Acts: British Columbia, RSBC 1996, c 7; New Brunswick, RSNB 2011, c 103; Newfoundland and Labrador, SNL
    # 1995, c; Nova Scotia, RSNS 1989, c 4; Northwest Territories and Nunavut, RSNWT 1988, c A-2; Yukon, RSY 2002, c 2. In
    # the others it is 18 (Quebec: Civil Code, article 153).
    "CA": {"BC": 19, "NB": 19, "NL": 19, "NS": 19, "NT": 19, "NU": 19, "YT": 19},
}

# From this age somebody is an adult wherever they go.
EVERYWHERE_ADULT_AGE = max(ADULT_AGE, *_LATER_MAJORITY.values(), *(max(ages.values()) for ages in _LATER_IN.values()))


def majority_age(country: str | None) -> int:
    """The age from which somebody who lives in that ISO country is an adult (G4): in most of it, as nobody says in which province
    they live."""
    return _LATER_MAJORITY.get(country or "", ADULT_AGE)


Point = tuple[float | None, float | None]


def majority_age_at(country: str | None, region: str | None, point: Point = (None, None)) -> int:
    """The age from which somebody is an adult at a place in that ISO country and its state or province, by code or name, or
    where that says nothing by its latitude and longitude (G4). Where it is not known, and it matters, the highest."""
    later = _LATER_IN.get(country or "")
    if later is None:
        return majority_age(country)
    code = _find_province(country or "", region, point)
    return max(later.values()) if code is None else later.get(code, majority_age(country))


def lacks_province(country: str | None, region: str | None, point: Point = (None, None)) -> bool:
    """True where the age of majority depends on the state or province, and that is not known."""
    return (country or "") in _LATER_IN and _find_province(country or "", region, point) is None


def _find_province(country: str, region: str | None, point: Point) -> str | None:
    latitude, longitude = point
    code = find_region(country, region or "")
    if code is not None or latitude is None or longitude is None:
        return code
    return region_at(country, latitude, longitude)


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


def is_known_adult(person: Person, majority: int = ADULT_AGE) -> bool:
    """True when the birth date says so by the law of their home and with that age besides, wherever on earth it is still
    yesterday; without a birth date, when the operator who made the account answers for it. For acts by which somebody vouches
    for others: a place on a shift asks for the birth date itself."""
    if person.birth_date is None:
        return person.adult_stated_at is not None
    return age_on(person.birth_date, today("Etc/GMT+12")) >= max(majority_age(person.country), majority)


def is_known_minor(person: Person) -> bool:
    """True when the birth date says so wherever on earth it is still yesterday. Unknown is not known to be a minor, and
    never taken for an adult either: rules that need an age ask for it themselves."""
    majority = majority_age(person.country)
    return person.birth_date is not None and age_on(person.birth_date, today("Etc/GMT+12")) < majority
