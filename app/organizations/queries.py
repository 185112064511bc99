"""Reads of organizations and of who belongs to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, undefer

from app.accounts.models import Person
from app.core.db import db
from app.core.paging import Page, decode_cursor, encode_cursor
from app.organizations.acting import acts, list_acting
from app.organizations.models import Location, Logo, Membership, Organization, Verification

PAGE_SIZE = 20


def public() -> sa.ColumnElement[bool]:
    """The SQL twin of Organization.is_public (N1)."""
    return sa.and_(Organization.verified_at.is_not(None), Organization.status == "active")


def find_organization(slug: str) -> Organization | None:
    """The organization in any state, or None."""
    return db.session.scalar(sa.select(Organization).where(Organization.slug == slug))


def find_remaining(organization: Organization) -> Organization:
    """The organization itself, or the one that a duplicate is part of now."""
    if organization.merged_into_id is None:
        return organization
    return db.session.get_one(Organization, organization.merged_into_id)


def find_organizations_by_key(keys: Iterable[str]) -> dict[str, Organization]:
    """Organizations by the folded form of their name (operations.name_key); of several the one that was first. A name
    that only duplicates had leads to what they are part of."""
    query = sa.select(Organization).where(Organization.name_key.in_(list(keys)))
    query = query.order_by(Organization.merged_into_id.is_(None), Organization.created_at.desc(), Organization.id)
    return {row.name_key: find_remaining(row) for row in db.session.scalars(query)}


def find_organizations_by_slug(slugs: Iterable[str]) -> dict[str, Organization]:
    """Organizations by their slug; a duplicate leads to what it is part of."""
    rows = db.session.scalars(sa.select(Organization).where(Organization.slug.in_(list(slugs))))
    return {row.slug: find_remaining(row) for row in rows}


def list_shared_name_keys(keys: Iterable[str]) -> set[str]:
    """Those of the folded names that more than one organization has: such a name means none of them."""
    query = sa.select(Organization.name_key).where(Organization.name_key.in_(list(keys)))
    return set(db.session.scalars(query.group_by(Organization.name_key).having(sa.func.count() > 1)))


def find_organization_by_id(organization_id: int) -> Organization | None:
    """The organization in any state, or None."""
    return db.session.get(Organization, organization_id)


@dataclasses.dataclass(frozen=True)
class LogoMark:
    """What a page needs to show a logo, for reads that select columns."""

    digest: str
    width: int
    height: int


# To be joined outside, by Logo.organization_id.
LOGO_COLUMNS = (Logo.digest.label("logo_digest"), Logo.width.label("logo_width"), Logo.height.label("logo_height"))


def logo_mark(digest: str | None, width: int, height: int) -> LogoMark | None:
    """From LOGO_COLUMNS of a row; None without a logo."""
    return None if digest is None else LogoMark(digest, width, height)


def find_logo(organization_id: int, digest: str) -> Logo | None:
    """The organization's logo with its content while it is that one, or None."""
    query = sa.select(Logo).options(undefer(Logo.content))
    return db.session.scalar(query.where(Logo.organization_id == organization_id, Logo.digest == digest))


def find_logo_content(organization_id: int) -> bytes | None:
    """The picture of the organization's logo, or None. The caller has asked whether it may be seen (N1)."""
    return db.session.scalar(sa.select(Logo.content).where(Logo.organization_id == organization_id))


def find_public_organization(slug: str) -> Organization | None:
    """The organization while the public may see it (N1), or None."""
    return db.session.scalar(sa.select(Organization).where(Organization.slug == slug, public()))


def find_public_remaining(slug: str) -> Organization | None:
    """The same; a duplicate leads to the organization that it is part of now, as links to it are still about."""
    found = find_organization(slug)
    remaining = None if found is None else find_remaining(found)
    return remaining if remaining is not None and remaining.is_public else None


def find_role(person: Person, organization_id: int) -> str | None:
    """The person's role in the organization now, or None."""
    return db.session.scalar(
        sa.select(Membership.role).where(
            Membership.organization_id == organization_id, Membership.person_id == person.id
        )
    )


def list_organizations_of(person: Person) -> list[Membership]:
    """Every membership of the person with its organization, by name."""
    query = (
        sa.select(Membership)
        .join(Membership.organization)
        .options(joinedload(Membership.organization))
        .where(Membership.person_id == person.id)
        .order_by(Organization.name, Organization.id)
    )
    return list(db.session.scalars(query))


def list_public_organizations(cursor: str | None = None, *, limit: int = PAGE_SIZE) -> Page[Organization]:
    """Public organizations by name (N2). Raises BadCursor."""
    query = sa.select(Organization).options(joinedload(Organization.logo)).where(public())
    if cursor:
        name, key = decode_cursor(cursor, str, int)
        query = query.where(
            sa.or_(Organization.name_key > name, sa.and_(Organization.name_key == name, Organization.id > key))
        )
    rows = list(db.session.scalars(query.order_by(Organization.name_key, Organization.id).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], encode_cursor(last.name_key, last.id) if last else None)


def list_members(organization_id: int) -> list[Membership]:
    """Members with their person, in the order of the roles' rights and then by name (at most 500)."""
    order = sa.case({"owner": 0, "manager": 1, "coordinator": 2}, value=Membership.role, else_=3)
    query = (
        sa.select(Membership)
        .join(Membership.person)
        .options(joinedload(Membership.person))
        .where(Membership.organization_id == organization_id)
        .order_by(order, Person.name, Person.id)
        .limit(500)
    )
    return list(db.session.scalars(query))


def list_locations(organization_id: int) -> list[Location]:
    """Locations by name (at most 200)."""
    query = sa.select(Location).where(Location.organization_id == organization_id)
    return list(db.session.scalars(query.order_by(Location.name, Location.id).limit(200)))


@dataclasses.dataclass(frozen=True)
class ShownLocation:
    """As much of a location as the public may know: of a private one the area, and neither its name nor its street."""

    name: str
    address: str
    area: str
    private: bool


def list_shown_locations(organization_id: int) -> list[ShownLocation]:
    """Where the organization is, for its public page (N6): each area of private ones once."""
    shown = [
        ShownLocation(
            name="" if row.private else row.name,
            address="" if row.private else row.address,
            area=", ".join(part for part in (row.city, row.region) if part),
            private=row.private,
        )
        for row in list_locations(organization_id)
    ]
    return list(dict.fromkeys(shown))


@dataclasses.dataclass(frozen=True)
class OwnOrganization:
    """An organization that somebody belongs to, as menus name it."""

    slug: str
    name: str
    role: str
    all_needs: bool
    # False while nothing opens for them there, whatever the role: a minor for whom nobody answers (acting).
    acts: bool


def list_own_organizations(person: Person) -> list[OwnOrganization]:
    """Where the person belongs and as what, by name; one statement, and what is asked of minors."""
    query = (
        sa.select(Organization.slug, Organization.name, Membership.role, Membership.all_needs)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.person_id == person.id)
        .order_by(Organization.name, Organization.id)
    )
    found = db.session.execute(query).all()
    may_act = bool(found) and acts(person)
    return [OwnOrganization(*row, acts=may_act) for row in found]


def list_verifications(organization_id: int) -> list[Verification]:
    """Every decision about the organization, the latest first."""
    query = sa.select(Verification).where(Verification.organization_id == organization_id)
    return list(db.session.scalars(query.order_by(Verification.decided_at.desc(), Verification.id)))


def find_member(organization_id: int, person_id: int) -> Membership | None:
    """The membership with organization and person, or None."""
    query = sa.select(Membership).options(joinedload(Membership.organization), joinedload(Membership.person))
    return db.session.scalar(
        query.where(Membership.organization_id == organization_id, Membership.person_id == person_id)
    )


def find_location(location_id: int) -> Location | None:
    """The location with its organization, or None."""
    return db.session.scalar(
        sa.select(Location).options(joinedload(Location.organization)).where(Location.id == location_id)
    )


def find_verification(organization_id: int) -> Verification | None:
    """The latest decision about whether it is verified, or None."""
    about = Verification.decision.in_(("verified", "declined", "withdrawn"))
    query = sa.select(Verification).where(Verification.organization_id == organization_id, about)
    return db.session.scalar(query.order_by(Verification.decided_at.desc(), Verification.id).limit(1))


def list_waiting(limit: int = 200) -> list[Organization]:
    """Claimed organizations about which nobody has decided, longest waiting first."""
    decided = sa.select(Verification.id).where(Verification.organization_id == Organization.id).exists()
    query = sa.select(Organization).where(
        Organization.verified_at.is_(None), Organization.claimed_at.is_not(None), sa.not_(decided)
    )
    return list(db.session.scalars(query.order_by(Organization.created_at, Organization.id).limit(limit)))


def find_verification_by_id(verification_id: int) -> Verification | None:
    """The decision with its organization, or None."""
    query = sa.select(Verification).options(joinedload(Verification.organization))
    return db.session.scalar(query.where(Verification.id == verification_id))


def list_decider_names(organization_id: int) -> list[str]:
    """What the first few of the organization's owners and managers who act are called, owners first: whom a coordinator
    asks."""
    query = (
        sa.select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.organization_id == organization_id, Membership.role.in_(("owner", "manager")))
        .where(Person.status == "active")
        .order_by(Membership.role.desc(), Person.name, Person.id)
        .limit(8)
    )
    return [person.name for person in list_acting(db.session.scalars(query).all())[:4]]


def list_deciders(organization_id: int) -> list[int]:
    """Ids of the organization's owners and managers who act: who approves, confirms and is asked."""
    query = (
        sa.select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.organization_id == organization_id, Membership.role.in_(("owner", "manager")))
        .where(Person.status == "active")
        .order_by(Person.id)
    )
    return [person.id for person in list_acting(db.session.scalars(query).all())]
