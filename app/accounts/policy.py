"""What a person's own facts allow."""

from __future__ import annotations

from app.accounts.models import Person
from app.core.clock import age_on, today

# Majority where it comes latest among the countries this platform begins in; a table by country refines it (G4).
ADULT_AGE = 18


def is_known_minor(person: Person) -> bool:
    """True when the birth date says so wherever on earth it is still yesterday. Unknown is not known to be a minor, and
    never taken for an adult either: rules that need an age ask for it themselves."""
    return person.birth_date is not None and age_on(person.birth_date, today("Etc/GMT+12")) < ADULT_AGE
