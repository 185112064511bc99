"""Becoming one of those who run an organization: a minor does not before a guardian answers for them, and is none of them
any more when nobody does (G4). Acts of `organizations`, which knows of no guardians; whoever acts for themselves comes this
way."""

from __future__ import annotations

from typing import Any

from app.accounts.models import Person
from app.core.errors import Reason, Refused
from app.organizations import claims, invitations, operations
from app.organizations.members import end_membership, list_organizations_run_by, lock_organization
from app.organizations.models import Claim, Invitation, Membership, Organization
from app.safeguarding.operations.shared import end_contact_permission, locked_person
from app.safeguarding.standing import guardian_needed, lacks_guardian, list_unguarded


def require_guarded(person: Person) -> None:
    """Raise Refused (`guardian_consent`) for a known minor for whom nobody answers."""
    if reasons := _unguarded(person):
        raise Refused(reasons)


def _unguarded(person: Person) -> list[Reason]:
    return [guardian_needed()] if lacks_guardian(person) else []


def register_organization(*, by: Person, **values: Any) -> Organization:
    """`organizations.operations.register_organization` of one's own; `values` are its other arguments. Raises InvalidInput,
    Refused (`guardian_consent`)."""
    require_guarded(by)
    return operations.register_organization(by=by, owner=by, **values)


def reasons_not_to_claim(organization: Organization, person: Person) -> list[Reason]:
    """Everything that stands in the way of claiming it, each with its remedy."""
    return [*_unguarded(person), *claims.reasons_not_to_claim(organization, person)]


def claim_organization(organization_id: int, *, by: Person, **values: str) -> Claim:
    """`organizations.claims.claim_organization`. Raises InvalidInput, Refused as it does and `guardian_consent`."""
    require_guarded(by)
    return claims.claim_organization(organization_id, by=by, **values)


def answer_claim(claim_id: int, *, grant: bool, by: Person | None, reason: str) -> Claim:
    """`organizations.claims.answer_claim`. What moderators looked at before was other people: whoever claims an organization asks
    nobody to contact by it (G3)."""
    claim = claims.answer_claim(claim_id, grant=grant, by=by, reason=reason)
    if grant:
        end_contact_permission(claim.organization, by=by)
    return claim


def reasons_not_to_accept(invitation: Invitation, person: Person) -> list[Reason]:
    """Everything that stands in the way of this person taking the role, each with its remedy."""
    return [*_unguarded(person), *invitations.reasons_not_to_accept(invitation, person)]


def accept_invitation(token: str, *, by: Person) -> Membership:
    """`organizations.invitations.accept_invitation`. Raises Refused as it does and `guardian_consent`."""
    require_guarded(by)
    return invitations.accept_invitation(token, by=by)


def list_run_unguarded(person: Person) -> list[int]:
    """Ids of the organizations that a minor runs for whom nobody answers; none of anybody else, nor while a guardian is asked."""
    return list_organizations_run_by(person.id) if _is_unguarded(person) else []


def _is_unguarded(person: Person) -> bool:
    """A role that ended does not come back: while somebody is asked to answer for the minor, that they do not act is enough."""
    return bool(list_unguarded([person]))


def end_unguarded(organization_id: int, person_id: int) -> Organization | None:
    """The minor runs the organization no longer, unless somebody answers for them, or is asked to, by now. When nobody
    owns it any more, the word of two moderators that it may ask people to contact was about people who are gone, and ends, too
    (G3). Gives the organization that nobody stands behind any more, else None."""
    organization = lock_organization(organization_id)
    if not _is_unguarded(locked_person(person_id)):
        return None
    end_membership(organization, person_id)
    if organization.is_claimed:
        return None
    end_contact_permission(organization, by=None)
    return organization
