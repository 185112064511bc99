"""Demonstration data: organizations of different kinds in several cities and zones, needs in every state, people in every
role, and gifts where payments are on. `demo_data` is what it says, `demo_story` makes it happen."""

from __future__ import annotations

from flask import current_app

from app.accounts.queries import find_person_by_email
from app.core.clock import now
from app.core.db import transaction
from app.pages import demo_gifts
from app.pages.demo_data import shape
from app.pages.demo_data.organizations import ORGANIZATIONS
from app.pages.demo_data.people import PEOPLE
from app.pages.demo_story import PASSWORD, Story


def is_loaded() -> bool:
    """True when the demonstration data is there."""
    return find_person_by_email(shape.email_of(PEOPLE[0].first)) is not None


def sign_ins() -> list[dict[str, str]]:
    """Who can be signed in as, for the screen that `make run` prints."""
    return [
        {"email": person.email, "password": PASSWORD, "role": person.shown_as} for person in PEOPLE if person.shown_as
    ]


def load() -> None:
    """Make it all in one transaction: whoever ends this half-way leaves nothing behind. Then what other features add, and
    the gifts where payments are on, one after the other; called again, only those that are missing."""
    if not is_loaded():
        with transaction():
            Story(now(), PEOPLE, ORGANIZATIONS).play()
    for add in current_app.extensions["demonstrations"]:
        add()
    demo_gifts.give(ORGANIZATIONS)
