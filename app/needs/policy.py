"""Who may see and change a need (N1), and who of the staff works on it. The predicates stand beside their SQL twins."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from app.accounts.models import Person
from app.core.db import db
from app.core.i18n import lazy
from app.core.rights import known_to
from app.needs.models import Need, NeedAssignment
from app.organizations import policy as organizations
from app.organizations.acting import acts
from app.organizations.models import Membership
from app.organizations.queries import public as organization_public

NOT_ASSIGNED = lazy("This need is not assigned to you. An owner or manager of the organization can assign it to you.")


def is_visible(need: Need) -> bool:
    """True while the public may see it: open, of an organization that is verified and active (N1)."""
    return need.status == "open" and need.organization.is_public


def visible() -> sa.ColumnElement[bool]:
    """The SQL twin of is_visible, over Need joined with its Organization."""
    return sa.and_(Need.status == "open", organization_public())


def can_see_need(person: Person | None, need: Need) -> bool:
    """The public while it is visible; the organization's members always, coordinators of assigned needs of these."""
    return is_visible(need) or can_see_staff_page(person, need)


def can_edit_need(person: Person | None, need: Need) -> bool:
    """Owners and managers of its organization."""
    return organizations.can_manage_listings(person, need.organization)


def is_outside_assigned(person: Person | None, need: Need) -> bool:
    """True for a coordinator of assigned needs to whom this one of their organization is not assigned, while everybody may
    see it: they may know that it is there, and open none of it. Of a draft, or what is paused or closed, they may not even
    know that (A1)."""
    if not is_visible(need):
        return False
    return organizations.can_see_staff_pages(person, need.organization) and _role_on(person, need) is None


@known_to(is_outside_assigned, NOT_ASSIGNED)
def can_see_staff_page(person: Person | None, need: Need) -> bool:
    """Members of its organization who work on it: its rosters, what arrives, its exact address, and what it says on the
    day. A coordinator of assigned needs only of these."""
    return _role_on(person, need) is not None


@known_to(is_outside_assigned, NOT_ASSIGNED)
def can_receive(person: Person | None, need: Need) -> bool:
    """Whoever keeps its rosters and receives its deliveries: owners, managers and the coordinators who work on it."""
    return _role_on(person, need) in organizations.RECEIVING_ROLES


def works_on(
    need_id: int | sa.SQLColumnExpression[int], member: type[Membership] = Membership
) -> sa.ColumnElement[bool]:
    """The SQL of it for a need (its id, or a column that is), over Membership of its organization; `member`: an alias of it,
    where the query around has memberships of its own."""
    assigned = sa.exists().where(NeedAssignment.need_id == need_id, NeedAssignment.person_id == member.person_id)
    return sa.or_(member.all_needs, assigned)


def seen_by_staff(person: Person, organization_id: int) -> sa.ColumnElement[bool]:
    """The SQL twin of can_see_staff_page for an active member of the organization, over its Need rows."""
    every = sa.exists().where(
        Membership.organization_id == organization_id, Membership.person_id == person.id, Membership.all_needs
    )
    return sa.or_(every, Need.id.in_(_assigned_to(person.id)))


def list_worked_on(needs: Collection[Need], person: Person) -> set[int]:
    """Ids of those of `needs` whose staff page the person may see, as can_see_staff_page says, in one statement."""
    if not needs or not acts(person):
        return set()
    found = (
        sa.select(Need.id)
        .join(Membership, Membership.organization_id == Need.organization_id)
        .where(Need.id.in_([need.id for need in needs]), Membership.person_id == person.id)
        .where(sa.or_(Membership.all_needs, Need.id.in_(_assigned_to(person.id))))
    )
    return set(db.session.scalars(found))


def _assigned_to(person_id: int) -> sa.Select[int]:
    return sa.select(NeedAssignment.need_id).where(NeedAssignment.person_id == person_id)


def _role_on(person: Person | None, need: Need) -> str | None:
    """The role of a person who acts (organizations.acting) and works on the need, or None."""
    if person is None or not acts(person):
        return None
    mine = sa.select(Membership.role).where(
        Membership.organization_id == need.organization_id, Membership.person_id == person.id
    )
    return db.session.scalar(mine.where(works_on(need.id)))
