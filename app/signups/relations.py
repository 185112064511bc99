"""Who has to do with which organization: through places, promises of the code of conduct, and what is recorded or shared."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from app.accounts.models import Person
from app.accounts.policy import EVERYWHERE_ADULT_AGE
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db
from app.core.paging import Page, decode_cursor, encode_cursor
from app.needs.models import Need, Shift
from app.organizations.models import Membership, Organization
from app.organizations.queries import public
from app.safeguarding.models import (
    CONDUCT,
    Clearance,
    ClearanceShare,
    GuardianConfirmation,
    GuardianShare,
    Guardianship,
)
from app.safeguarding.policy import is_needed
from app.signups import gate
from app.signups.models import LIVE_STATUSES, TAKING_STATUSES, Signup
from app.signups.queries import list_resting_on_guardian

# How long after a shift its organization still sees whom to call about a minor who was there.
ASKED_ABOUT_FOR = dt.timedelta(days=30)


@dataclasses.dataclass(frozen=True)
class KnownGuardian:
    """Who answers for a minor that has to do with an organization; `confirmed`: its staff have spoken to them."""

    guardianship: Guardianship
    confirmed: GuardianConfirmation | None


def find_guardian(organization_id: int, guardianship_id: int) -> KnownGuardian | None:
    """One of those that `list_guardians` lists, or None."""
    rows = db.session.execute(_guardians(organization_id).where(Guardianship.id == guardianship_id)).all()
    answering = list_answering([one for one, _confirmed in rows], organization_id)
    return next((KnownGuardian(one, confirmed) for one, confirmed in rows if one.id in answering), None)


def list_guardians(organization_id: int, cursor: str | None = None, *, limit: int = 20) -> Page[KnownGuardian]:
    """Guardians who agreed, of minors who took a place at the organization themselves that is ahead or was over within
    ASKED_ABOUT_FOR, let it speak to them, shared a clearance with it or accepted its code of conduct: those still to be
    spoken to first, then by name (G4); of those who came of age at home, where such a place there rests on it yet. A page may
    be shorter than `limit` where others follow. Raises BadCursor."""
    is_confirmed = sa.case((GuardianConfirmation.confirmed_at.is_not(None), 1), else_=0)
    query = _guardians(organization_id)
    if cursor:
        # Of the last one's id, not their name: a cursor stands in the page's address.
        spoken, last = decode_cursor(cursor, int, int)
        minor, one_of_them = aliased(Person), aliased(Guardianship)
        of_last = sa.select(minor.name).join(one_of_them, one_of_them.person_id == minor.id)
        name = of_last.where(one_of_them.id == last).scalar_subquery()
        later = sa.or_(Person.name > name, sa.and_(Person.name == name, Guardianship.id > last))
        query = query.where(sa.or_(is_confirmed > spoken, sa.and_(is_confirmed == spoken, later)))
    rows = db.session.execute(query.order_by(is_confirmed, Person.name, Guardianship.id).limit(limit + 1)).all()
    following = None
    if len(rows) > limit:
        one, confirmed = rows[limit - 1]
        following = encode_cursor(int(confirmed is not None), one.id)
    answering = list_answering([one for one, _confirmed in rows[:limit]], organization_id)
    return Page([KnownGuardian(one, confirmed) for one, confirmed in rows[:limit] if one.id in answering], following)


def list_answering(guardianships: Sequence[Guardianship], organization_id: int | None = None) -> set[int]:
    """Ids of those who answer for somebody still: for a minor, and for whoever came of age at home as long as they have a place
    ahead where they are none yet, which rests on what their guardian agreed to (G4); with `organization_id` a place there, as
    nobody else has to speak to that guardian any more. No statement where all are minors."""
    needed = {one.id for one in guardianships if is_needed(one)}
    others = [one for one in guardianships if one.id not in needed and one.status == "consented"]
    resting = {
        place.person_id
        for place in list_resting_on_guardian([one.person_id for one in others])
        if organization_id is None or (place.shift.need.organization_id == organization_id and gate.has_place(place))
    }
    return needed | {one.id for one in others if one.person_id in resting}


def _guardians(organization_id: int) -> sa.Select[Guardianship, GuardianConfirmation]:
    """Of everybody who is young enough that a guardian may be needed somewhere; `list_answering` says of whom one is."""
    near = sa.or_(Shift.ends_at.is_(None), Shift.ends_at > now() - ASKED_ABOUT_FOR)
    # Only what the minor did counts: whatever the organization did by itself, a record or a place, is one person's word and a
    # guessed address. Who took a place is in the audit trail alone, as its row says only whose it is.
    by_themselves = sa.exists().where(
        AuditEvent.subject_id == Signup.id,
        AuditEvent.actor_id == Signup.person_id,
        AuditEvent.action.in_(("signup.confirmed", "signup.waitlisted")),
    )
    coming = (
        sa.select(Signup.person_id)
        .join(Shift, Shift.id == Signup.shift_id)
        .join(Need, Need.id == Shift.need_id)
        .where(Need.organization_id == organization_id, near, by_themselves)
        .where(Signup.status.in_((*LIVE_STATUSES, *TAKING_STATUSES)))
    )
    shared = sa.select(ClearanceShare.clearance_id).where(ClearanceShare.organization_id == organization_id)
    own = sa.and_(Clearance.organization_id == organization_id, Clearance.kind == CONDUCT)
    let_in = sa.select(GuardianShare.guardianship_id).where(GuardianShare.organization_id == organization_id)
    known = sa.select(Clearance.person_id).where(sa.or_(own, Clearance.id.in_(shared)), Clearance.revoked_at.is_(None))
    born_after = today("Etc/GMT+12") - dt.timedelta(days=EVERYWHERE_ADULT_AGE * 366)
    return (
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
        .where(Guardianship.status == "consented", Person.status == "active", Person.birth_date > born_after)
        .where(
            sa.or_(
                Guardianship.person_id.in_(coming),
                Guardianship.person_id.in_(known),
                Guardianship.id.in_(let_in),
            )
        )
    )


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
