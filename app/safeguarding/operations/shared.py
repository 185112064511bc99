"""What the acts about clearances begin and end with."""

from __future__ import annotations

from typing import Any

from app.accounts.models import Person
from app.accounts.operations import normal_email, shut_out_unproved
from app.accounts.policy import is_known_adult, lacks_province, majority_age_at
from app.accounts.queries import find_person_by_email
from app.core import audit, outbox
from app.core.db import db, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.ids import new_id
from app.organizations.members import find_membership
from app.organizations.models import Organization
from app.safeguarding.models import ContactPermission

# Whoever posts what asks for clearances records them, too; coordinators and viewers do not.
RECORDING_ROLES = ("owner", "manager")


def locked_person(person_id: int) -> Person:
    """The person, held until the transaction ends. Raises Refused (`not_found`)."""
    person = lock(Person, person_id)
    if person is None:
        raise refuse("not_found", _("This person is not there any more."))
    return person


def require_adult(by: Person, organization: Organization, *, moderates: bool = False) -> None:
    """Raise Refused (`age_unknown`, `not_an_adult`) unless `by` is known to be an adult, at home and where the organization is:
    nobody else vouches for people (G4). Unknown is no (G1). `moderates`: as a moderator, who has no part in the organization
    and reads what they can do."""
    if is_known_adult(by, majority_age_at(organization.country, organization.region)):
        return
    if by.birth_date is None:
        raise refuse(
            "age_unknown",
            _("Adults record this, and we do not know your birth date."),
            _("Add your birth date to your profile. It is not shown to anybody."),
            "/profile",
        )
    if is_known_adult(by) and lacks_province(organization.country, organization.region):
        raise refuse(
            "not_an_adult",
            _(
                "Adults record this, and we do not know in which state or province the organization is, which says who is one."
            ),
            _("An older owner or manager says in its settings where it is. Or another moderator decides about it.")
            if moderates
            else _(
                "An older owner or manager says in its settings where it is, the state or province is enough, or records this."
            ),
            "" if moderates else f"/manage/{organization.slug}/settings",
        )
    instead = _("Another moderator decides about it.") if moderates else _("Ask another owner or manager.")
    raise refuse("not_an_adult", _("Adults record this."), instead)


def require_recorder(organization: Organization, by: Person, *, vouches: bool = True) -> None:
    """Raise Refused unless `by` may record for the organization now, and it is verified: an organization nobody checked
    speaks for nobody. `vouches` False for what only takes away: nobody has to be known to be an adult for that."""
    mine = find_membership(organization.id, by.id) if by.is_active else None
    if mine is None or mine.role not in RECORDING_ROLES:
        raise refuse("not_yours", _("Owners and managers record this."), _("Ask one of them."))
    if vouches:
        require_adult(by, organization)
    if not organization.is_public:
        raise refuse(
            "not_verified", _("An organization records this once it is verified."), _("A moderator verifies it.")
        )


def require_another(person_id: int, by: Person) -> None:
    """Raise Refused (`own_clearance`) when somebody would vouch for themselves."""
    if person_id == by.id:
        raise refuse("own_clearance", _("Nobody records this about themselves."), _("Ask another owner or manager."))


def hold_whom_it_is_about(organization: Organization, email: str, by: Person) -> Person:
    """The person with this address, held until the transaction ends, of whom `by` says something for the organization.
    Whoever registered it and has not shown that it is theirs reads none of that: they are shut out.
    Raises InvalidInput at "email", Refused (`not_yours`, `age_unknown`, `not_an_adult`, `not_verified`, `own_clearance`,
    `not_found`)."""
    require_recorder(organization, by)
    found = find_person_by_email(normal_email(email))
    if found is None:
        raise InvalidInput({"email": _("Nobody with this address has an account. Ask them to register first")})
    person = locked_person(found.id)
    require_another(person.id, by)
    shut_out_unproved(person, by=by)
    return person


def tell_rules_changed(organization_id: int) -> None:
    """Promise that every place on a shift with contact of this organization is asked again (`organization_rules_changed`)."""
    outbox.enqueue(
        "organization_rules_changed",
        {"organization_id": organization_id},
        key=f"organization_rules_changed:{organization_id}:{new_id()}",
    )


def end_contact_permission(organization: Organization, *, by: Person | None) -> None:
    """It may not ask people to contact any more: places there end, and its shifts with contact cannot run (G3). `by` None:
    nobody's act. The caller holds the organization."""
    permission = db.session.get(ContactPermission, organization.id)
    if permission is not None:
        db.session.delete(permission)
        db.session.flush()
        audit.record("organization.contact_ended", subject=organization, by=by, organization_id=organization.id)
        tell_rules_changed(organization.id)


def record(action: str, subject: Any, by: Person | None, organization_id: int | None, **data: int | str) -> None:
    """One event of the audit trail, of ids and codes."""
    db.session.flush()
    audit.record(action, subject=subject, by=by, organization_id=organization_id, data=data)
