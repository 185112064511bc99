"""Who may see and change a need (N1). The predicate stands beside its SQL twin."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.models import Person
from app.needs.models import Need
from app.organizations import policy as organizations
from app.organizations.queries import public as organization_public


def is_visible(need: Need) -> bool:
    """True while the public may see it: open, of an organization that is verified and active (N1)."""
    return need.status == "open" and need.organization.is_public


def visible() -> sa.ColumnElement[bool]:
    """The SQL twin of is_visible, over Need joined with its Organization."""
    return sa.and_(Need.status == "open", organization_public())


def can_see_need(person: Person | None, need: Need) -> bool:
    """The public while it is visible; the organization's members always."""
    return is_visible(need) or organizations.can_see_staff_pages(person, need.organization)


def can_edit_need(person: Person | None, need: Need) -> bool:
    """Owners and managers of its organization."""
    return organizations.can_manage_listings(person, need.organization)


def can_see_staff_page(person: Person | None, need: Need) -> bool:
    """Members of its organization."""
    return organizations.can_see_staff_pages(person, need.organization)
