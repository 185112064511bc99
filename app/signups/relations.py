"""Who has to do with which organization: through places, promises of the code of conduct, and what is recorded or shared."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.accounts.policy import is_known_minor
from app.core.clock import now
from app.core.db import db
from app.needs.models import Need, Shift
from app.organizations.models import Membership, Organization
from app.organizations.queries import public
from app.safeguarding.models import Clearance, ClearanceShare, ContactPermission, GuardianConfirmation, Guardianship
from app.signups.models import LIVE_STATUSES, Signup


@dataclasses.dataclass(frozen=True)
class KnownGuardian:
    """Who answers for a minor that has to do with an organization; `confirmed`: its staff have spoken to them."""

    guardianship: Guardianship
    confirmed: GuardianConfirmation | None


def list_guardians(organization_id: int) -> list[KnownGuardian]:
    """Guardians who agreed, of minors with a place ahead at the organization or with something recorded by it, shared with
    it or accepted of it (its code of conduct), or whom its staff have spoken to: those still to be spoken to first (G4)."""
    ahead = sa.or_(Shift.ends_at.is_(None), Shift.ends_at > now())
    coming = (
        sa.select(Signup.person_id)
        .join(Shift, Shift.id == Signup.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .where(Need.organization_id == organization_id, Signup.status.in_(LIVE_STATUSES), ahead)
    )
    shared = sa.select(ClearanceShare.clearance_id).where(ClearanceShare.organization_id == organization_id)
    # What the organization recorded by itself says that minors want to come only where two moderators looked at it (G3).
    approved = sa.select(ContactPermission.organization_id).where(ContactPermission.second_at.is_not(None))
    own = sa.and_(
        Clearance.organization_id == organization_id,
        sa.or_(Clearance.kind == "code_of_conduct", Clearance.organization_id.in_(approved)),
    )
    known = sa.select(Clearance.person_id).where(sa.or_(own, Clearance.id.in_(shared)))
    rows = db.session.execute(
        sa.select(Guardianship, GuardianConfirmation)
        .join(Person, Person.id == Guardianship.person_id)
        .outerjoin(
            GuardianConfirmation,
            sa.and_(
                GuardianConfirmation.guardianship_id == Guardianship.id,
                GuardianConfirmation.organization_id == organization_id,
            ),
        )
        .options(joinedload(Guardianship.person))
        .where(Guardianship.status == "consented", Person.status == "active")
        .where(
            sa.or_(
                GuardianConfirmation.confirmed_at.is_not(None),
                Guardianship.person_id.in_(coming),
                Guardianship.person_id.in_(known),
            )
        )
        .order_by(GuardianConfirmation.confirmed_at.is_not(None), Person.name, Guardianship.id)
        .limit(200)
    )
    return [KnownGuardian(one, confirmed) for one, confirmed in rows if is_known_minor(one.person)]


def list_organizations_of(person: Person) -> Sequence[Organization]:
    """Public organizations where the person has or had a place, or belongs, by name (at most a hundred)."""
    helped = (
        sa.select(Need.organization_id)
        .join(Shift, Shift.need_id == Need.id)
        .join(Signup, Signup.shift_id == Shift.id)
        .where(Signup.person_id == person.id)
    )
    mine = sa.select(Membership.organization_id).where(Membership.person_id == person.id)
    found = sa.select(Organization).where(public(), sa.or_(Organization.id.in_(helped), Organization.id.in_(mine)))
    return db.session.scalars(found.order_by(Organization.name, Organization.id).limit(100)).all()
