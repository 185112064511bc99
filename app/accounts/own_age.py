"""Asking somebody for their birth date with an act that only adults do (G4)."""

from __future__ import annotations

import datetime as dt

from app.accounts.models import Person
from app.accounts.operations import edit_profile
from app.accounts.policy import is_known_adult
from app.accounts.under_age import keep_no_other
from app.core.db import transaction
from app.core.errors import InvalidInput


def is_asked(person: Person) -> bool:
    """True while it is not known whether they are an adult: a form asks for it with the act."""
    return person.birth_date is None and not is_known_adult(person)


def keep_age(person: Person, birth_date: dt.date | None) -> None:
    """What somebody says of their age is theirs from then on, whatever becomes of the act, outside of whose transaction this is
    called: who is refused by it does not try another. Of an age under 13 nothing is kept, and no other is taken next. Raises
    InvalidInput at "birth_date"."""
    try:
        with transaction():
            edit_profile(person.id, by=person, birth_date=birth_date)
    except InvalidInput as invalid:
        keep_no_other(person.id, invalid)
        raise
