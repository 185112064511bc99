"""Decisions about organizations. Each locks the organization, writes what was decided, and moves the index with it."""

from __future__ import annotations

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.needs import index
from app.organizations import claims
from app.organizations.members import lock_organization
from app.organizations.models import Claim, Organization, Verification
from app.organizations.queries import find_role
from app.safeguarding.models import ContactPermission
from app.safeguarding.operations import staffing
from app.safeguarding.operations.shared import end_contact_permission, require_adult, tell_rules_changed
from app.safeguarding.standing import list_unowned


def verify_organization(organization_id: int, *, by: Person | None, checked: str) -> Verification:
    """The organization is what it says: `checked` tells what was looked at. `by` None is the operator's recorded act.

    Raises InvalidInput at "checked" when it is empty, Refused when a moderator decides about an organization of their own.
    """
    organization = lock_organization(organization_id)
    require_not_ones_own(organization, by)
    decision = _decide(organization, "verified", by, checked)
    organization.verified_at = organization.verified_at or decision.decided_at
    _finish(organization)
    return decision


def decline_organization(organization_id: int, *, by: Person, checked: str) -> Verification:
    """It stays unverified; `checked` tells what was looked at and what is missing."""
    organization = lock_organization(organization_id)
    require_not_ones_own(organization, by)
    decision = _decide(organization, "declined", by, checked)
    organization.verified_at = None
    _finish(organization)
    return decision


def withdraw_verification(organization_id: int, *, by: Person, checked: str) -> Verification:
    """It is verified no longer: everything of it is out of sight at once (N1)."""
    organization = lock_organization(organization_id)
    require_not_ones_own(organization, by)
    decision = _decide(organization, "withdrawn", by, checked)
    organization.verified_at = None
    end_contact_permission(organization, by=by)
    _finish(organization)
    return decision


def grant_contact(organization_id: int, *, by: Person, checked: str) -> ContactPermission:
    """A moderator says that the organization may ask people to contact with children or adults at risk; it may once a
    second, different one says so too (G3). `checked` tells what was looked at: its safeguarding policy, who is responsible.

    Raises InvalidInput at "checked"; Refused (`own_organization`, `age_unknown`, `not_an_adult`, `not_verified`, `unclaimed`,
    `second_moderator`, `granted`).
    """
    organization = lock_organization(organization_id)
    require_not_ones_own(organization, by)
    require_adult(by, organization, moderates=True)
    if not organization.is_public:
        raise refuse("not_verified", _("This organization is not verified."), _("Verify it first."))
    if not organization.is_claimed or list_unowned([organization.id]):
        # What is looked at is the people who run it: whoever claims it later would have it unseen.
        raise refuse("unclaimed", _("Nobody runs this organization yet."), _("Somebody of it claims it first."))
    permission = db.session.get(ContactPermission, organization.id, populate_existing=True)
    if permission is not None and permission.second_at is not None:
        raise refuse("granted", _("Two moderators have agreed already."))
    if permission is not None and permission.first_by_id == by.id:
        raise refuse("second_moderator", _("You have agreed already."), _("A second moderator decides now."))
    decision = "contact_proposed" if permission is None else "contact_granted"
    decided = _decide(organization, decision, by, checked)
    if permission is None:
        permission = ContactPermission(organization_id=organization.id, first_by_id=by.id, first_at=decided.decided_at)
        db.session.add(permission)
    else:
        permission.second_by_id, permission.second_at = by.id, decided.decided_at
        tell_rules_changed(organization.id)
    _finish(organization)
    return permission


def withdraw_contact(organization_id: int, *, by: Person, checked: str) -> None:
    """The organization may not ask people to contact any more: nobody is placed there from this moment on, places that
    stand end, and its shifts with contact cannot run. One moderator is enough for that."""
    organization = lock_organization(organization_id)
    require_not_ones_own(organization, by)
    _decide(organization, "contact_ended", by, checked)
    end_contact_permission(organization, by=by)
    _finish(organization)


def suspend_organization(organization_id: int, *, by: Person, reason: str) -> Organization:
    """Out of sight until it is resumed, verified or not. Raises InvalidInput at "checked" without a reason."""
    return _set_status(organization_id, "suspended", by, reason)


def resume_organization(organization_id: int, *, by: Person, reason: str) -> Organization:
    """End a suspension."""
    return _set_status(organization_id, "active", by, reason)


def decide_claim(claim_id: int, *, by: Person, grant: bool, checked: str) -> Claim:
    """A moderator grants or declines what somebody claims. Raises InvalidInput at "checked" when it is empty, Refused when
    the claim is the moderator's own, decided already or of an organization that somebody runs."""
    if not checked.strip():
        raise InvalidInput({"checked": _("Say what was checked")})
    claim = claims.find_claim(claim_id)
    if claim is not None and claim.person_id == by.id:
        raise refuse("own_claim", _("This claim is yours."), _("Another moderator decides about it."))
    return staffing.answer_claim(claim_id, grant=grant, by=by, reason=checked)


def _set_status(organization_id: int, status: str, by: Person, reason: str) -> Organization:
    organization = lock_organization(organization_id)
    require_not_ones_own(organization, by)
    if not reason.strip():
        raise InvalidInput({"checked": _("Say why, for whoever looks at this later")})
    if organization.status != status:
        _decide(organization, "suspended" if status == "suspended" else "resumed", by, reason)
        organization.status = status
        tell_rules_changed(organization.id)
        _finish(organization)
    return organization


def require_not_ones_own(organization: Organization, by: Person | None) -> None:
    """Raise Refused (`own_organization`) when the moderator belongs to it."""
    if by is not None and find_role(by, organization.id) is not None:
        raise refuse(
            "own_organization", _("You belong to this organization."), _("Another moderator decides about it.")
        )


def _decide(organization: Organization, decision: str, by: Person | None, checked: str) -> Verification:
    if not checked.strip():
        raise InvalidInput({"checked": _("Say what was checked")})
    row = Verification(
        organization_id=organization.id,
        decided_by_id=None if by is None else by.id,
        decision=decision,
        checked=checked.strip(),
        decided_at=now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record(f"organization.{decision}", subject=organization, by=by, organization_id=organization.id)
    outbox.enqueue("mail_verification_decided", {"verification_id": row.id}, key=f"verification_decided:{row.id}")
    return row


def _finish(organization: Organization) -> None:
    organization.version += 1
    db.session.flush()
    index.reindex_organization(organization.id)
