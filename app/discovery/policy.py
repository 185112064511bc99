"""Who may follow, and whose follows are whose."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.errors import Reason
from app.discovery.models import Follow, Follower
from app.needs.promises import check_person


def reasons_not_to_follow(person: Person) -> list[Reason]:
    """What stands in the way of following and of being written to: an account that is held, an address that is not proved,
    a minor for whom nobody answers (G4)."""
    return check_person(person)


def is_own_follow(person: Person | None, follow: Follow) -> bool:
    """True for whoever has the account it belongs to, or has proved the address that it was confirmed with."""
    return person is not None and is_follower(person, follow.follower)


def is_follower(person: Person, follower: Follower) -> bool:
    """True when the follower is this person, by account or by the address that they proved."""
    if follower.person_id is not None:
        return follower.person_id == person.id
    return person.is_email_verified and follower.email == person.email


def followed_by(person: Person) -> sa.ColumnElement[bool]:
    """The SQL twin of is_follower, over Follower."""
    own = Follower.person_id == person.id
    return sa.or_(own, Follower.email == person.email) if person.is_email_verified else own
