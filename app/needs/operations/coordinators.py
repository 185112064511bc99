"""Who coordinates which needs: assignments of those coordinators who work on assigned needs alone, made and ended under the
organization's lock, together with the memberships that they stand beside. Whoever is assigned is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db
from app.core.errors import InvalidInput, refuse
from app.core.i18n import _
from app.core.ids import new_id
from app.needs.models import Need, NeedAssignment
from app.needs.operations.shared import gone
from app.organizations import members
from app.organizations.models import Membership


def assign_need(need_id: int, person_id: int, *, by: Person) -> None:
    """Let a coordinator of assigned needs work on this one. Twice is once.

    Raises Refused (`not_found`, `merged`, `not_a_coordinator`, `all_needs`).
    """
    need = _in_locked_organization(need_id)
    member = members.find_membership(need.organization_id, person_id)
    if member is None or member.role != "coordinator":
        raise refuse(
            "not_a_coordinator",
            _("This person is not a coordinator of the organization."),
            _("Give them the role first, on the page of people."),
        )
    if member.all_needs:
        raise refuse("all_needs", _("This person coordinates all needs already."))
    if _assign(need, person_id, by):
        _tell([need], person_id, by)


def take_need(need_id: int, person_id: int, *, by: Person) -> None:
    """End that a person coordinates this need; they open nothing of it from now on. Twice is once. Raises Refused
    (`not_found`, `merged`)."""
    need = _in_locked_organization(need_id)
    row = db.session.get(NeedAssignment, (need_id, person_id), populate_existing=True)
    if row is not None:
        _end(row, need.organization_id, by)


def change_role(
    organization_id: int,
    person_id: int,
    *,
    by: Person,
    role: str,
    all_needs: bool | None = None,
    need_ids: Collection[int] | None = None,
) -> Membership:
    """Change what a member may do, as members.change_role says; what was assigned to another role ends. `need_ids`: a
    coordinator of just these needs of the organization.

    Raises InvalidInput at "needs" for needs of others and for another role; Refused as members.change_role.
    """
    if need_ids is not None:
        if role != "coordinator":
            raise InvalidInput({"needs": _("Only coordinators work on some of the needs")})
        all_needs = False
    members.lock_organization(organization_id)
    # What was left of an earlier membership does not come back with this one.
    end_idle_assignments(organization_id, by=by)
    member = members.change_role(organization_id, person_id, by=by, role=role, all_needs=all_needs)
    end_idle_assignments(organization_id, by=by)
    if need_ids is not None:
        _set_needs(member, set(need_ids), by)
    return member


def remove_member(organization_id: int, person_id: int, *, by: Person) -> None:
    """End a membership, as members.remove_member says, and what was assigned to it."""
    members.remove_member(organization_id, person_id, by=by)
    end_idle_assignments(organization_id, by=by)


def leave(organization_id: int, *, by: Person, successor_id: int | None = None) -> None:
    """End one's own membership, as members.leave says, and what was assigned to it and to the successor."""
    members.leave(organization_id, by=by, successor_id=successor_id)
    end_idle_assignments(organization_id, by=by)


def end_idle_assignments(organization_id: int, *, by: Person | None) -> None:
    """End every assignment on the organization's needs that stands beside no membership for assigned needs. Under the
    organization's lock. `by` None: nobody's act."""
    beside = sa.exists().where(
        Membership.organization_id == organization_id,
        Membership.person_id == NeedAssignment.person_id,
        Membership.all_needs.is_(False),
    )
    for row in list(db.session.scalars(_of(organization_id).where(~beside))):
        _end(row, organization_id, by)


def end_assignments(organization_id: int, *, by: Person) -> None:
    """End every assignment on the organization's needs, under its lock."""
    for row in list(db.session.scalars(_of(organization_id))):
        _end(row, organization_id, by)


def end_assignments_of(need: Need, *, by: Person) -> None:
    """End every assignment on a need that goes. The caller holds the need."""
    rows = sa.select(NeedAssignment).where(NeedAssignment.need_id == need.id).order_by(NeedAssignment.person_id)
    for row in list(db.session.scalars(rows)):
        _end(row, need.organization_id, by)


def copy_assignments(source: Need, copy: Need, *, by: Person) -> None:
    """Whoever coordinates a need coordinates its copy, too. The caller holds the organization, so that no membership ends
    meanwhile."""
    rows = sa.select(NeedAssignment).where(NeedAssignment.need_id == source.id).order_by(NeedAssignment.person_id)
    for row in list(db.session.scalars(rows)):
        if _assign(copy, row.person_id, by):
            _tell([copy], row.person_id, by)


def _in_locked_organization(need_id: int) -> Need:
    """The need as it is under its organization's lock. The need's own lock is not asked for: nothing here depends on what
    changes with it."""
    found = db.session.get(Need, need_id)
    if found is None:
        raise gone()
    members.lock_organization(found.organization_id)
    return db.session.get_one(Need, need_id, populate_existing=True)


def _set_needs(member: Membership, need_ids: set[int], by: Person) -> None:
    needs = db.session.scalars(
        sa.select(Need).where(Need.id.in_(need_ids), Need.organization_id == member.organization_id).order_by(Need.id)
    ).all()
    if len(needs) != len(need_ids):
        raise InvalidInput({"needs": _("Only needs of this organization")})
    for row in list(
        db.session.scalars(_of(member.organization_id).where(NeedAssignment.person_id == member.person_id))
    ):
        if row.need_id not in need_ids:
            _end(row, member.organization_id, by)
    _tell([need for need in needs if _assign(need, member.person_id, by)], member.person_id, by)


def _of(organization_id: int) -> sa.Select[NeedAssignment]:
    return (
        sa.select(NeedAssignment)
        .join(Need, Need.id == NeedAssignment.need_id)
        .where(Need.organization_id == organization_id)
        .order_by(NeedAssignment.need_id, NeedAssignment.person_id)
    )


def _assign(need: Need, person_id: int, by: Person) -> bool:
    """True when it was not so before."""
    if db.session.get(NeedAssignment, (need.id, person_id), populate_existing=True) is not None:
        return False
    db.session.add(NeedAssignment(need_id=need.id, person_id=person_id, created_at=now()))
    db.session.flush()
    data = {"person_id": person_id}
    audit.record("need.coordinator_added", subject=need, by=by, organization_id=need.organization_id, data=data)
    return True


def _tell(needs: Sequence[Need], person_id: int, by: Person) -> None:
    """Promise one mail about all that are assigned in one act."""
    if needs and person_id != by.id:
        payload = {"need_ids": [need.id for need in needs], "person_id": person_id, "by_id": by.id}
        outbox.enqueue("mail_need_assigned", payload, key=f"need_assigned:{new_id()}")


def _end(row: NeedAssignment, organization_id: int, by: Person | None) -> None:
    need, data = db.session.get_one(Need, row.need_id), {"person_id": row.person_id}
    db.session.delete(row)
    db.session.flush()
    audit.record("need.coordinator_removed", subject=need, by=by, organization_id=organization_id, data=data)
