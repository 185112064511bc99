"""Who may see a place and give it back."""

from __future__ import annotations

import secrets

from app.accounts.mailbox import address_mark
from app.accounts.models import Person
from app.core.rights import known_to
from app.core.tokens import seal
from app.needs.models import Shift
from app.needs.policy import NOT_ASSIGNED, can_receive, can_see_need, can_see_staff_page, is_outside_assigned
from app.signups.models import Signup


def can_see_shift(person: Person, shift: Shift) -> bool:
    """Whoever may see the need may look at the way to a place on its shift; the gate says who gets one."""
    return can_see_need(person, shift.need)


def place_token(signup: Signup) -> str:
    """What the link in a mail about a place carries: it shows the place and gives it back, without a session. It dies
    with the address that it was sent to."""
    return seal("place", [signup.id, address_mark(signup.person)])


def is_token_of(signup: Signup, mark: str) -> bool:
    """True when a link with `mark` was sent to the address that the person has now."""
    return secrets.compare_digest(address_mark(signup.person), mark)


def is_own_signup(person: Person, signup: Signup) -> bool:
    """The person whose place it is."""
    return signup.person_id == person.id


def _is_outside_place(person: Person, signup: Signup) -> bool:
    return is_outside_assigned(person, signup.shift.need)


def _is_outside_shift(person: Person, shift: Shift) -> bool:
    return is_outside_assigned(person, shift.need)


@known_to(_is_outside_place, NOT_ASSIGNED)
def can_see_signup(person: Person, signup: Signup) -> bool:
    """The person whose place it is, and the staff who work on the need."""
    return is_own_signup(person, signup) or can_see_staff_page(person, signup.shift.need)


@known_to(_is_outside_place, NOT_ASSIGNED)
def can_cancel_signup(person: Person, signup: Signup) -> bool:
    """The person whose place it is, and whoever keeps the roster, for those who telephone."""
    return is_own_signup(person, signup) or can_keep_roster(person, signup)


@known_to(_is_outside_shift, NOT_ASSIGNED)
def can_see_roster(person: Person, shift: Shift) -> bool:
    """Every member of the organization who works on the need."""
    return can_see_staff_page(person, shift.need)


@known_to(_is_outside_shift, NOT_ASSIGNED)
def can_add_volunteer(person: Person, shift: Shift) -> bool:
    """Whoever keeps the roster writes down who telephones or walks in."""
    return can_receive(person, shift.need)


@known_to(_is_outside_place, NOT_ASSIGNED)
def can_keep_roster(person: Person, signup: Signup) -> bool:
    """Owners, managers and the need's coordinators say who comes, who came and for how long; viewers only read."""
    return can_receive(person, signup.shift.need)
