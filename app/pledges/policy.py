"""Who may see a promise of items, take it back and receive what it brought."""

from __future__ import annotations

import secrets

from app.accounts.mailbox import address_mark
from app.accounts.models import Person
from app.core.tokens import seal
from app.needs.models import Item
from app.needs.policy import can_see_need
from app.organizations.policy import can_receive, can_see_staff_pages
from app.pledges.models import Delivery, Pledge


def can_see_item(person: Person, item: Item) -> bool:
    """Whoever may see the need may look at the way to promise its items."""
    return can_see_need(person, item.need)


def can_see_pledge(person: Person, pledge: Pledge) -> bool:
    """The person who promised it, and the staff of the organization it is for."""
    return is_own_pledge(person, pledge) or can_see_staff_pages(person, pledge.item.need.organization)


def is_own_pledge(person: Person, pledge: Pledge) -> bool:
    """The person who promised it."""
    return pledge.person_id == person.id


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


def can_receive_item(person: Person, item: Item) -> bool:
    """Staff of the organization who work with deliveries."""
    return can_receive(person, item.need.organization)


def can_undo_delivery(person: Person, delivery: Delivery) -> bool:
    """The same: whoever receives can say that it was a mistake."""
    return can_receive_item(person, delivery.item)


def can_receive_pledge(person: Person, pledge: Pledge) -> bool:
    """Staff of the organization who work with deliveries."""
    return can_receive(person, pledge.item.need.organization)
