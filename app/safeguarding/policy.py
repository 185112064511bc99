"""Who may see and record what decides about people."""

from __future__ import annotations

import datetime as dt

from app.accounts.models import Person
from app.accounts.policy import adult_everywhere_from, adult_from
from app.core.clock import today
from app.core.tokens import seal, unseal
from app.organizations.models import Organization
from app.organizations.policy import can_manage_people
from app.safeguarding.models import Clearance, Guardianship
from app.safeguarding.queries import list_shares


def can_keep_clearances(person: Person | None, organization: Organization) -> bool:
    """Owners and managers record clearances and see those recorded or shared with their organization, while it is not
    suspended."""
    return organization.status == "active" and can_manage_people(person, organization)


def can_keep_clearance(person: Person, clearance: Clearance) -> bool:
    """Owners and managers of the organization that recorded it, about anybody but themselves."""
    organization = clearance.organization
    return organization is not None and clearance.person_id != person.id and can_keep_clearances(person, organization)


def can_see_clearance(person: Person | None, clearance: Clearance) -> bool:
    """Owners and managers of the organization that recorded it, and of those the person shares it with."""
    organizations = [clearance.organization, *(share.organization for share in list_shares(clearance.id))]
    return any(each is not None and can_keep_clearances(person, each) for each in organizations)


def is_own_clearance(person: Person, clearance: Clearance) -> bool:
    """The person it is about."""
    return clearance.person_id == person.id


def guardian_token(guardianship: Guardianship) -> str:
    """What the link in a guardian's mail carries: it answers and takes back for this minor, and nothing else. It is dead
    once the minor names somebody else."""
    return seal("guardian", [guardianship.id])


def needed_until(guardianship: Guardianship) -> dt.date:
    """The day from which nobody needs this guardian: of age at home; named later, for a place whose law says otherwise, of
    age everywhere. Of somebody whose age is not known any more: when the guardian was named."""
    born, person = guardianship.person.birth_date, guardianship.person
    named_on = guardianship.created_at.date()
    if born is None:
        return named_on
    at_home = adult_from(born, person.country)
    return at_home if named_on < at_home else adult_everywhere_from(born)


def is_needed(guardianship: Guardianship) -> bool:
    """True while the person it is about may be a minor where they help (G4)."""
    return today("Etc/GMT+12") < needed_until(guardianship)


def read_guardian_token(token: str) -> int | None:
    """The id of the guardianship a link is about, or None."""
    values = unseal("guardian", token)
    return values[0] if values and isinstance(values[0], int) else None
