"""Who belongs to an organization: roles given, changed, handed over and ended. Under the organization's lock, so that it
always keeps an owner."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, hold, lock
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.ids import new_id
from app.organizations.acting import acts
from app.organizations.models import ROLES, Membership, Organization

MANAGED_BY_MANAGERS = ("manager", "coordinator", "viewer")


def change_role(
    organization_id: int, person_id: int, *, by: Person, role: str, all_needs: bool | None = None
) -> Membership:
    """Change a member's role; they are told. `all_needs` False makes a coordinator of assigned needs alone; None leaves a
    role that stays as it is, and is all needs with another. Raises Refused (`last_owner`) when nobody would own the
    organization any more."""
    organization = lock_organization(organization_id)
    member = _get(organization, person_id)
    if all_needs is None:
        all_needs = member.all_needs if member.role == role else True
    if (member.role, member.all_needs) == (role, all_needs or role != "coordinator"):
        return member
    require_may_give(organization, by, role)
    require_may_give(organization, by, member.role)
    _keep_an_owner(organization, member)
    _set_role(organization, member, role, by, all_needs=all_needs)
    return member


def remove_member(organization_id: int, person_id: int, *, by: Person) -> None:
    """End somebody's membership; they are told. Everybody may end their own. Raises Refused (`last_owner`)."""
    organization = lock_organization(organization_id)
    member = _get(organization, person_id)
    if person_id != by.id:
        require_may_give(organization, by, member.role)
    _keep_an_owner(organization, member)
    person, role = member.person, member.role
    db.session.delete(member)
    db.session.flush()
    audit.record("membership.removed", subject=person, by=by, organization_id=organization.id, data={"role": role})
    _tell(organization, person, "", by)


def remove_memberships(organization_id: int, *, by: Person) -> None:
    """End every membership of an organization that ends; whoever ends it tells them. Under the organization's lock."""
    members = sa.select(Membership).where(Membership.organization_id == organization_id).order_by(Membership.person_id)
    for member in list(db.session.scalars(members)):
        person, role = member.person, member.role
        db.session.delete(member)
        db.session.flush()
        audit.record("membership.removed", subject=person, by=by, organization_id=organization_id, data={"role": role})


def list_organizations_run_by(person_id: int) -> list[int]:
    """Ids of the organizations whose staff the person belongs to."""
    mine = sa.select(Membership.organization_id).where(Membership.person_id == person_id)
    return list(db.session.scalars(mine.order_by(Membership.organization_id)))


def end_membership(organization: Organization, person_id: int) -> None:
    """Nobody's act: this person may not run the organization any more; they are told. The caller holds it. Without another
    owner nobody stands behind it until somebody claims it: nothing is promised to it meanwhile, and whoever is left hears so."""
    member = find_membership(organization.id, person_id)
    if member is None:
        return
    person, role, was_last = member.person, member.role, is_last_owner(organization.id, person_id)
    db.session.delete(member)
    db.session.flush()
    audit.record("membership.removed", subject=person, by=None, organization_id=organization.id, data={"role": role})
    payload = {"organization_id": organization.id, "person_id": person.id, "role": ""}
    outbox.enqueue("mail_membership_changed", payload, key=f"membership_changed:{new_id()}")
    if was_last:
        organization.claimed_at = None
        organization.version += 1
        _tell_of_no_owner(organization)
        audit.record("organization.unclaimed", subject=organization, by=None, organization_id=organization.id)
        db.session.flush()


def _tell_of_no_owner(organization: Organization) -> None:
    """Everybody who still belongs to its staff, viewers too: one of them may be who claims it. And whoever has promised
    their time or things to it (`organization_unowned`, of signups and of pledges)."""
    for topic in ("organization_unowned", "organization_unowned_pledges"):
        outbox.enqueue(topic, {"organization_id": organization.id}, key=f"{topic}:{organization.id}:{new_id()}")
    left = sa.select(Membership.person_id).where(Membership.organization_id == organization.id)
    for person_id in db.session.scalars(left.order_by(Membership.person_id)):
        payload = {"organization_id": organization.id, "person_id": person_id}
        outbox.enqueue("mail_no_owner", payload, key=f"no_owner:{person_id}:{new_id()}")


def leave(organization_id: int, *, by: Person, successor_id: int | None = None) -> None:
    """End one's own membership. With `successor_id` that member becomes an owner in the same act, so that the last owner
    can go. Raises Refused (`last_owner`, `not_a_member`, `not_active`)."""
    organization = lock_organization(organization_id)
    if successor_id is not None and successor_id != by.id:
        require_may_give(organization, by, "owner")
        successor = _get(organization, successor_id)
        if not acts(successor.person):
            raise refuse(
                "not_active",
                _("This account is suspended, or theirs is that of a minor without a guardian."),
                _("Choose somebody else."),
            )
        if successor.role != "owner":
            _set_role(organization, successor, "owner", by)
    remove_member(organization_id, by.id, by=by)


def is_last_owner(organization_id: int, person_id: int) -> bool:
    """True while the organization would be without an owner if this person left."""
    owners = sa.select(Membership.person_id).where(
        Membership.organization_id == organization_id, Membership.role == "owner"
    )
    return list(db.session.scalars(owners.limit(2))) == [person_id]


def lock_organization(organization_id: int) -> Organization:
    """The organization for itself until the act ends. Raises Refused (`not_found`, `merged`)."""
    return _require_there(lock(Organization, organization_id))


def hold_organization(organization_id: int) -> Organization:
    """The organization for an act that adds something to it: it stays what it is until the act ends, and others may add at
    the same time. Raises Refused (`not_found`, `merged`)."""
    return _require_there(hold(Organization, organization_id))


def _require_there(organization: Organization | None) -> Organization:
    if organization is None:
        raise refuse("not_found", _("This organization is not there any more."))
    if organization.merged_into_id is not None:
        raise refuse("merged", _("This organization was a duplicate and is part of another one now."))
    return organization


def find_membership(organization_id: int, person_id: int) -> Membership | None:
    """The membership read afresh, or None."""
    return db.session.get(Membership, (organization_id, person_id), populate_existing=True)


def add_membership(organization: Organization, person: Person, role: str, *, all_needs: bool = True) -> Membership:
    """Write a membership that the caller has decided about, records and tells of."""
    member = Membership(
        organization_id=organization.id,
        person_id=person.id,
        role=role,
        all_needs=all_needs or role != "coordinator",
        created_at=now(),
    )
    db.session.add(member)
    db.session.flush()
    return member


def may_give(organization: Organization, by: Person, role: str) -> bool:
    """Owners give every role, managers every role but owner; nobody else, and nobody who does not act (acting)."""
    mine = find_membership(organization.id, by.id) if acts(by) else None
    return mine is not None and (mine.role == "owner" or (mine.role == "manager" and role in MANAGED_BY_MANAGERS))


def require_may_give(organization: Organization, by: Person, role: str) -> None:
    """Raise InvalidInput for no role, Refused (`not_yours_to_give`) unless `by` may give it now."""
    if role not in ROLES:
        raise InvalidInput({"role": _("Choose a role")})
    if not may_give(organization, by, role):
        raise refuse("not_yours_to_give", _("Only an owner can make or unmake owners."), _("Ask an owner."))


def _get(organization: Organization, person_id: int) -> Membership:
    member = find_membership(organization.id, person_id)
    if member is None:
        raise refuse("not_a_member", _("This person is not a member any more."))
    return member


def about_role(role: str, *, all_needs: bool) -> dict[str, Any]:
    """What the audit trail keeps of a role: also that it is for assigned needs alone."""
    return {"role": role} if all_needs else {"role": role, "all_needs": False}


def _set_role(organization: Organization, member: Membership, role: str, by: Person, *, all_needs: bool = True) -> None:
    member.role, member.all_needs = role, all_needs or role != "coordinator"
    db.session.flush()
    audit.record(
        "membership.changed",
        subject=member.person,
        by=by,
        organization_id=organization.id,
        data=about_role(role, all_needs=member.all_needs),
    )
    _tell(organization, member.person, role, by, all_needs=member.all_needs)


def _tell(organization: Organization, person: Person, role: str, by: Person, *, all_needs: bool = True) -> None:
    """Whoever did it to themselves knows; `role` "" is none any more."""
    if person.id != by.id:
        payload = {
            "organization_id": organization.id, "person_id": person.id, "role": role, "all_needs": all_needs,
        }  # fmt: skip
        outbox.enqueue("mail_membership_changed", payload, key=f"membership_changed:{new_id()}")


def _keep_an_owner(organization: Organization, member: Membership) -> None:
    """The organization's lock makes this true until the end of the act."""
    if member.role == "owner" and is_last_owner(organization.id, member.person_id):
        raise refuse("last_owner", _("An organization needs an owner."), _("Make somebody else an owner first."))
