"""Reads of clearances, exemptions, codes of conduct and guardians, for pages and the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db
from app.core.paging import Page, cut, newest_first, newest_page
from app.learning.courses.models import CourseVersion
from app.organizations.models import Organization
from app.organizations.queries import public
from app.safeguarding.models import (
    Clearance,
    ClearanceShare,
    ConductVersion,
    ContactPermission,
    Exemption,
    GuardianConfirmation,
    GuardianShare,
    Guardianship,
    RequirementProfile,
)

# Who holds something that ends within so many days is shown first.
ENDS_WITHIN = dt.timedelta(days=60)
# Whether a completion still counts is on the row of its course.
_WITH_COURSE = (joinedload(Clearance.course_version).joinedload(CourseVersion.course),)


def find_clearance(clearance_id: int) -> Clearance | None:
    """The clearance in any state, with its person and organization, or None."""
    query = sa.select(Clearance).options(
        joinedload(Clearance.person), joinedload(Clearance.organization), *_WITH_COURSE
    )
    return db.session.scalar(query.where(Clearance.id == clearance_id))


def list_clearances_of(person_id: int) -> Sequence[Clearance]:
    """Everything recorded about a person, for that person, the latest first."""
    return db.session.scalars(
        sa.select(Clearance)
        .options(joinedload(Clearance.organization), *_WITH_COURSE)
        .where(Clearance.person_id == person_id)
        .order_by(Clearance.created_at.desc(), Clearance.id)
        .limit(500)
    ).all()


def page_clearances_of(person_id: int, cursor: str | None, *, limit: int) -> Page[Clearance]:
    """The same in pages (N2). Raises BadCursor."""
    query = sa.select(Clearance).options(
        joinedload(Clearance.organization), joinedload(Clearance.person), *_WITH_COURSE
    )
    query = newest_first(query.where(Clearance.person_id == person_id), Clearance, cursor, limit)
    return cut(db.session.scalars(query).all(), limit)


def list_shares(clearance_id: int) -> Sequence[ClearanceShare]:
    """With which organizations a clearance is shared."""
    query = sa.select(ClearanceShare).options(joinedload(ClearanceShare.organization))
    return db.session.scalars(query.where(ClearanceShare.clearance_id == clearance_id)).all()


def list_shares_of(person_id: int) -> Sequence[ClearanceShare]:
    """With which organizations a person shares which clearances."""
    return db.session.scalars(
        sa.select(ClearanceShare)
        .join(Clearance, Clearance.id == ClearanceShare.clearance_id)
        .options(joinedload(ClearanceShare.organization))
        .where(Clearance.person_id == person_id)
    ).all()


def find_training(person_id: int, course_id: int) -> Clearance | None:
    """The latest completion of a course that the person holds, in any version and whether or not it still counts, or
    None."""
    return db.session.scalar(
        sa.select(Clearance)
        .join(CourseVersion, CourseVersion.id == Clearance.course_version_id)
        .options(joinedload(Clearance.course_version).joinedload(CourseVersion.course))
        .where(Clearance.person_id == person_id, CourseVersion.course_id == course_id)
        .where(Clearance.organization_id.is_(None), Clearance.revoked_at.is_(None))
        .order_by(Clearance.created_at.desc(), Clearance.id)
        .limit(1)
    )


def list_told_of_training(person_id: int, course_id: int) -> Sequence[Organization]:
    """Public organizations with which the person shares a completion of the course, by name."""
    told = (
        sa.select(ClearanceShare.organization_id)
        .join(Clearance, Clearance.id == ClearanceShare.clearance_id)
        .join(CourseVersion, CourseVersion.id == Clearance.course_version_id)
        .where(Clearance.person_id == person_id, CourseVersion.course_id == course_id)
    )
    query = sa.select(Organization).where(public(), Organization.id.in_(told))
    return db.session.scalars(query.order_by(Organization.name, Organization.id).limit(100)).all()


def _known_to(organization_id: int) -> sa.ColumnElement[bool]:
    """What an organization may see: its own records, and what people share with it."""
    shared = sa.select(ClearanceShare.clearance_id).where(ClearanceShare.organization_id == organization_id)
    return sa.or_(Clearance.organization_id == organization_id, Clearance.id.in_(shared))


def list_clearances_for(
    organization_id: int, cursor: str | None = None, *, email: str = "", person_id: int | None = None, limit: int = 50
) -> Page[Clearance]:
    """What an organization recorded or was shared, the latest first (N2); with `email` or `person_id` of that person only.
    Raises BadCursor."""
    query = (
        sa.select(Clearance)
        .join(Person, Person.id == Clearance.person_id)
        .options(joinedload(Clearance.person), joinedload(Clearance.organization), joinedload(Clearance.recorded_by))
        .options(*_WITH_COURSE)
        .where(_known_to(organization_id))
    )
    if email:
        query = query.where(Person.email == email.strip().lower())
    if person_id is not None:
        query = query.where(Clearance.person_id == person_id)
    return newest_page(query, Clearance, cursor, limit)


def find_known_clearance(organization_id: int, clearance_id: int) -> Clearance | None:
    """The clearance in any state with its person, when the organization recorded it or was shared it, else None."""
    query = sa.select(Clearance).options(joinedload(Clearance.person))
    return db.session.scalar(query.where(Clearance.id == clearance_id, _known_to(organization_id)))


def list_ending(organization: Organization) -> Sequence[Clearance]:
    """Clearances of the organization that end within sixty days or ended within the last thirty, the soonest first."""
    day = today(organization.time_zone)
    return db.session.scalars(
        sa.select(Clearance)
        .options(joinedload(Clearance.person))
        .where(_known_to(organization.id), Clearance.revoked_at.is_(None), Clearance.outcome == "accepted")
        .where(Clearance.expires_on <= day + ENDS_WITHIN, Clearance.expires_on >= day - dt.timedelta(days=30))
        .order_by(Clearance.expires_on, Clearance.id)
        .limit(100)
    ).all()


def list_objected(organization_id: int) -> Sequence[Clearance]:
    """Clearances of the organization that somebody says are wrong and that still hold."""
    return db.session.scalars(
        sa.select(Clearance)
        .options(joinedload(Clearance.person))
        .where(Clearance.organization_id == organization_id, Clearance.objected_at.is_not(None))
        .where(Clearance.revoked_at.is_(None))
        .order_by(Clearance.objected_at)
        .limit(100)
    ).all()


def find_exemption(exemption_id: int) -> Exemption | None:
    """The exemption with its organization, or None."""
    query = sa.select(Exemption).options(joinedload(Exemption.organization), joinedload(Exemption.person))
    return db.session.scalar(query.where(Exemption.id == exemption_id))


def list_exemptions(organization: Organization) -> Sequence[Exemption]:
    """Exemptions of the organization that wait for the second person or hold, the latest asked first."""
    return db.session.scalars(
        sa.select(Exemption)
        .options(joinedload(Exemption.person), joinedload(Exemption.asked_by), joinedload(Exemption.agreed_by))
        .where(Exemption.organization_id == organization.id, Exemption.ended_at.is_(None))
        .where(Exemption.ends_on >= today(organization.time_zone))
        .order_by(Exemption.asked_at.desc(), Exemption.id)
        .limit(100)
    ).all()


def list_exemptions_of(person_id: int) -> Sequence[Exemption]:
    """What is waived for a person by two people and not ended, for that person."""
    return db.session.scalars(
        sa.select(Exemption)
        .options(joinedload(Exemption.organization))
        .where(Exemption.person_id == person_id, Exemption.ended_at.is_(None), Exemption.agreed_at.is_not(None))
        .where(Exemption.ends_on >= today("Etc/GMT+12"))
        .order_by(Exemption.ends_on, Exemption.id)
        .limit(100)
    ).all()


def find_profile(organization_id: int) -> tuple[str, ...]:
    """What the organization requires on each shift with contact, as it is kept."""
    row = db.session.get(RequirementProfile, organization_id)
    return () if row is None else tuple(row.requirements)


def find_conduct(organization_id: int) -> ConductVersion | None:
    """The latest version of the organization's code of conduct, or None."""
    return db.session.scalar(
        sa.select(ConductVersion)
        .options(joinedload(ConductVersion.organization))
        .where(ConductVersion.organization_id == organization_id)
        .order_by(ConductVersion.version.desc())
        .limit(1)
    )


def list_conduct(organization_id: int) -> Sequence[ConductVersion]:
    """Every version of the organization's code of conduct, the latest first (at most a hundred)."""
    return db.session.scalars(
        sa.select(ConductVersion)
        .where(ConductVersion.organization_id == organization_id)
        .order_by(ConductVersion.version.desc())
        .limit(100)
    ).all()


def find_acceptance(person_id: int, version: ConductVersion) -> Clearance | None:
    """That the person accepted this version, or None."""
    return db.session.scalar(
        sa.select(Clearance)
        .where(Clearance.person_id == person_id, Clearance.organization_id == version.organization_id)
        .where(Clearance.kind == "code_of_conduct", Clearance.level == str(version.version))
        .where(Clearance.revoked_at.is_(None))
        .limit(1)
    )


def find_contact_permission(organization_id: int) -> ContactPermission | None:
    """How far moderators have agreed that the organization may ask people to contact (G3), or None."""
    return db.session.get(ContactPermission, organization_id)


def list_unvetted(organization_ids: Collection[int]) -> set[int]:
    """Those of the organizations whose word counts nowhere else where people meet children or adults at risk (G3)."""
    if not organization_ids:
        return set()
    vetted = sa.select(ContactPermission.organization_id).where(
        ContactPermission.organization_id.in_(list(organization_ids)), ContactPermission.second_at.is_not(None)
    )
    return set(organization_ids) - set(db.session.scalars(vetted))


def list_half_permitted() -> Sequence[ContactPermission]:
    """Organizations that one moderator has spoken for and that wait for a second."""
    return db.session.scalars(
        sa.select(ContactPermission)
        .options(joinedload(ContactPermission.organization))
        .where(ContactPermission.second_at.is_(None))
        .order_by(ContactPermission.first_at)
        .limit(100)
    ).all()


def find_guardianship(guardianship_id: int) -> Guardianship | None:
    """The guardianship with its minor, or None."""
    query = sa.select(Guardianship).options(joinedload(Guardianship.person))
    return db.session.scalar(query.where(Guardianship.id == guardianship_id))


def find_live_guardianship(person_id: int) -> Guardianship | None:
    """The guardian who is asked or has agreed, or None."""
    return db.session.scalar(
        sa.select(Guardianship).where(
            Guardianship.person_id == person_id, Guardianship.status.in_(("asked", "consented"))
        )
    )


def list_guardian_shares(guardianship_id: int) -> Sequence[GuardianShare]:
    """The organizations that may speak to the guardian because the minor said so, by name (at most a hundred)."""
    query = sa.select(GuardianShare).join(GuardianShare.organization).options(joinedload(GuardianShare.organization))
    query = query.where(GuardianShare.guardianship_id == guardianship_id)
    return db.session.scalars(query.order_by(Organization.name, Organization.id).limit(100)).all()


def find_latest_guardianship(person_id: int) -> Guardianship | None:
    """Whom the minor named last, whatever they said, or None."""
    query = sa.select(Guardianship).where(Guardianship.person_id == person_id)
    return db.session.scalar(query.order_by(Guardianship.created_at.desc(), Guardianship.id).limit(1))


def find_confirmation(guardianship_id: int, organization_id: int) -> GuardianConfirmation | None:
    """That the organization's staff spoke to the guardian, or None."""
    return db.session.get(GuardianConfirmation, (guardianship_id, organization_id))
