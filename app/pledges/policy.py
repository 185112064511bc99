"""Who may see a promise of items, take it back and receive what it brought."""

from __future__ import annotations

import secrets

from app.accounts.mailbox import address_mark
from app.accounts.models import Person
from app.core.rights import known_to
from app.core.tokens import seal
from app.needs.models import Item
from app.needs.policy import NOT_ASSIGNED, can_receive, can_see_need, can_see_staff_page, is_outside_assigned
from app.pledges.models import Delivery, Pledge


def can_see_item(person: Person, item: Item) -> bool:
    """Whoever may see the need may look at the way to promise its items."""
    return can_see_need(person, item.need)


def _is_outside_pledge(person: Person, pledge: Pledge) -> bool:
    return is_outside_assigned(person, pledge.item.need)


def _is_outside_item(person: Person, item: Item) -> bool:
    return is_outside_assigned(person, item.need)


def _is_outside_delivery(person: Person, delivery: Delivery) -> bool:
    return is_outside_assigned(person, delivery.item.need)


@known_to(_is_outside_pledge, NOT_ASSIGNED)
def can_see_pledge(person: Person, pledge: Pledge) -> bool:
    """The person who promised it, and the staff who work on the need."""
    return is_own_pledge(person, pledge) or can_see_staff_page(person, pledge.item.need)


def is_own_pledge(person: Person, pledge: Pledge) -> bool:
    """The person who promised it."""
    return pledge.person_id == person.id


@known_to(_is_outside_pledge, NOT_ASSIGNED)
def can_cancel_pledge(person: Person, pledge: Pledge) -> bool:
    """The person who promised it, and whoever receives what comes, for those who telephone."""
    return is_own_pledge(person, pledge) or can_receive_pledge(person, pledge)


def pledge_token(pledge: Pledge) -> str:
    """What the link in a mail about a promise carries: it shows the promise and takes it back, without a session. It dies
    with the address that it was sent to."""
    return seal("pledge", [pledge.id, address_mark(pledge.person)])


def is_token_of(pledge: Pledge, mark: str) -> bool:
    """True when a link with `mark` was sent to the address that the person has now."""
    return secrets.compare_digest(address_mark(pledge.person), mark)


@known_to(_is_outside_item, NOT_ASSIGNED)
def can_receive_item(person: Person, item: Item) -> bool:
    """Staff who receive what comes for the need."""
    return can_receive(person, item.need)


@known_to(_is_outside_delivery, NOT_ASSIGNED)
def can_undo_delivery(person: Person, delivery: Delivery) -> bool:
    """The same: whoever receives can say that it was a mistake."""
    return can_receive_item(person, delivery.item)


@known_to(_is_outside_pledge, NOT_ASSIGNED)
def can_receive_pledge(person: Person, pledge: Pledge) -> bool:
    """Staff who receive what comes for the need."""
    return can_receive(person, pledge.item.need)
