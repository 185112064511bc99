"""Who may see a promise of items, take it back and receive what it brought."""

from __future__ import annotations

from app.accounts.models import Person
from app.needs.models import Item
from app.needs.policy import can_see_need
from app.organizations.policy import can_receive, can_see_staff_pages
from app.pledges.models import Pledge


def can_see_item(person: Person, item: Item) -> bool:
    """Whoever may see the need may look at the way to promise its items."""
    return can_see_need(person, item.need)


def can_see_pledge(person: Person, pledge: Pledge) -> bool:
    """The person who promised it, and the staff of the organization it is for."""
    return can_cancel_pledge(person, pledge) or can_see_staff_pages(person, pledge.item.need.organization)


def can_cancel_pledge(person: Person, pledge: Pledge) -> bool:
    """Only the person who promised it."""
    return pledge.person_id == person.id


def can_receive_pledge(person: Person, pledge: Pledge) -> bool:
    """Staff of the organization who work with deliveries."""
    return can_receive(person, pledge.item.need.organization)
