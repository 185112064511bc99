"""Who may do what in an organization. Every predicate asks live facts: whether the person acts for anybody (acting) and
their role now."""

from __future__ import annotations

import dataclasses

from app.accounts.models import Person
from app.organizations.acting import acts
from app.organizations.models import ROLES, Organization
from app.organizations.queries import find_member, find_role

LISTING_ROLES = ("owner", "manager")
RECEIVING_ROLES = ("owner", "manager", "coordinator")


def _has_role(person: Person | None, organization: Organization, roles: tuple[str, ...]) -> bool:
    return person is not None and find_role(person, organization.id) in roles and acts(person)


def can_see_staff_pages(person: Person | None, organization: Organization) -> bool:
    """Every member reads the organization's staff pages."""
    return _has_role(person, organization, ROLES)


def can_manage_listings(person: Person | None, organization: Organization) -> bool:
    """Owners and managers post and change needs, and decide about fundraisers."""
    return _has_role(person, organization, LISTING_ROLES)


def can_manage_people(person: Person | None, organization: Organization) -> bool:
    """Owners and managers invite members and give them roles; only owners make or unmake owners (operations)."""
    return _has_role(person, organization, LISTING_ROLES)


@dataclasses.dataclass(frozen=True)
class Rights:
    """What a page may offer somebody: as can_manage_listings says, and needs.policy.can_receive of needs they work on."""

    manage_listings: bool
    receive: bool
    # False for a coordinator of assigned needs, who sees these alone.
    all_needs: bool


def rights_of(person: Person, organization: Organization) -> Rights:
    """What the person may do there now, asked once for a page that offers several things."""
    member = find_member(organization.id, person.id)
    if member is None or not acts(person):
        return Rights(manage_listings=False, receive=False, all_needs=False)
    return Rights(
        manage_listings=member.role in LISTING_ROLES,
        receive=member.role in RECEIVING_ROLES,
        all_needs=member.all_needs,
    )


def can_own(person: Person | None, organization: Organization) -> bool:
    """Owners only."""
    return _has_role(person, organization, ("owner",))
