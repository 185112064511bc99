"""Reads of fundraisers. Public ones select named columns of what the public may see (F8, N1, G6)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload, undefer

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db
from app.core.money import Money
from app.core.paging import Page, cut, newest_first
from app.fundraisers.models import Fundraiser, FundraiserPicture, MatchingGift
from app.fundraisers.policy import visible
from app.needs.models import Need
from app.needs.policy import visible as need_visible
from app.organizations.models import Logo, Membership, Organization
from app.organizations.policy import LISTING_ROLES
from app.organizations.queries import LOGO_COLUMNS, LogoMark, logo_mark

PAGE_SIZE = 20


@dataclasses.dataclass(frozen=True)
class FundraiserRow:
    """What a list and the public page say about a fundraiser. `starter` is None unless they chose to be named (G6)."""

    id: int
    slug: str
    title: str
    goal: Money
    ends_on: dt.date | None
    status: str
    created_at: dt.datetime
    organization_id: int
    organization_slug: str
    organization_name: str
    time_zone: str
    need_id: int | None
    need_title: str | None
    starter: str | None
    by_organization: bool
    goal_kind: str
    goal_donors: int | None
    item_name: str
    item_minor: int | None

    @property
    def goal_minor(self) -> int:
        """The goal's sum of money in minor units; 0 when donors alone are counted."""
        return self.goal.amount_minor

    @property
    def currency(self) -> str:
        """What money is raised in."""
        return self.goal.currency

    @property
    def has_ended(self) -> bool:
        """True when it was ended or its last day is over where the organization is."""
        return self.status == "ended" or (self.ends_on is not None and self.ends_on < today(self.time_zone))


@dataclasses.dataclass(frozen=True)
class PublicFundraiser(FundraiserRow):
    """The whole public page; `story` and `outcome` (once it is over) are Markdown."""

    story: str
    suggested_minor: list[int]
    outcome: str
    ended_at: dt.datetime | None
    logo: LogoMark | None


_COLUMNS = (
    Fundraiser.id,
    Fundraiser.slug,
    Fundraiser.title,
    Fundraiser.goal_minor,
    Fundraiser.currency,
    Fundraiser.ends_on,
    Fundraiser.status,
    Fundraiser.created_at,
    Fundraiser.organization_id,
    Organization.slug.label("organization_slug"),
    Organization.name.label("organization_name"),
    Organization.time_zone,
    Need.id.label("need_id"),
    Need.title.label("need_title"),
    sa.case((Fundraiser.show_starter, Person.name), else_=None).label("starter"),
    Fundraiser.by_organization,
    Fundraiser.goal_kind,
    Fundraiser.goal_donors,
    Fundraiser.item_name,
    Fundraiser.item_minor,
)


_WHOLE = (Fundraiser.story, Fundraiser.suggested_minor, Fundraiser.outcome, Fundraiser.ended_at, *LOGO_COLUMNS)


def _select(*more: Any) -> sa.Select[Any]:
    """Fundraisers with their organization, their starter, and the need as long as the public may see it (N1)."""
    return (
        sa.select(*_COLUMNS, *more)
        .join(Organization, Organization.id == Fundraiser.organization_id)
        .join(Person, Person.id == Fundraiser.started_by_id)
        .outerjoin(Need, sa.and_(Need.id == Fundraiser.need_id, need_visible()))
    )


def _values(row: Any) -> dict[str, Any]:
    values = dict(row._mapping)
    values["goal"] = Money(values.pop("goal_minor"), values.pop("currency"))
    return values


_OF_NEED = (
    _select()
    .where(visible(), Fundraiser.status == "live", Fundraiser.need_id == sa.bindparam("of_need"))
    .order_by(Fundraiser.created_at.desc(), Fundraiser.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def list_fundraisers_for(need_id: int, *, limit: int) -> list[FundraiserRow]:
    """Live fundraisers for a need that the public may see, newest first."""
    return [FundraiserRow(**_values(row)) for row in db.session.execute(_OF_NEED, {"of_need": need_id, "most": limit})]


def list_public_fundraisers(
    cursor: str | None = None, *, limit: int = PAGE_SIZE, organization_id: int | None = None
) -> Page[FundraiserRow]:
    """Live fundraisers the public may see, newest first. Raises BadCursor."""
    query = _select().where(visible(), Fundraiser.status == "live")
    if organization_id is not None:
        query = query.where(Fundraiser.organization_id == organization_id)
    page = cut(db.session.execute(newest_first(query, Fundraiser, cursor, limit)).all(), limit)
    return Page([FundraiserRow(**_values(row)) for row in page.rows], page.next_cursor)


def _find_whole(*where: sa.ColumnElement[bool]) -> PublicFundraiser | None:
    query = _select(*_WHOLE).outerjoin(Logo, Logo.organization_id == Organization.id).where(*where)
    row = db.session.execute(query).first()
    if row is None:
        return None
    values = _values(row)
    logo = logo_mark(values.pop("logo_digest"), values.pop("logo_width"), values.pop("logo_height"))
    return PublicFundraiser(**values, logo=logo)


def find_public_fundraiser(slug: str) -> PublicFundraiser | None:
    """The page of `slug` while the public may see it (F8), or None."""
    return _find_whole(Fundraiser.slug == slug, visible())


def find_page(slug: str) -> PublicFundraiser | None:
    """The page of `slug` in any state, for whoever `policy.can_see` it, or None."""
    return _find_whole(Fundraiser.slug == slug)


def find_fundraiser(slug: str) -> Fundraiser | None:
    """The fundraiser in any state with its organization, or None."""
    return db.session.scalar(
        sa.select(Fundraiser)
        .join(Fundraiser.organization)
        .options(contains_eager(Fundraiser.organization), joinedload(Fundraiser.started_by))
        .where(Fundraiser.slug == slug)
    )


def find_fundraiser_by_id(fundraiser_id: int) -> Fundraiser | None:
    """The fundraiser in any state with its organization, or None."""
    return db.session.get(Fundraiser, fundraiser_id, options=[joinedload(Fundraiser.organization)])


def find_fundraiser_of(organization_slug: str, slug: str) -> Fundraiser | None:
    """The fundraiser `slug` when it is of that organization, in any state, or None."""
    found = find_fundraiser(slug)
    return found if found is not None and found.organization.slug == organization_slug else None


def is_started_by_staff(fundraiser: Fundraiser) -> bool:
    """True when whoever started it is an owner or a manager of its organization now."""
    query = (
        sa.select(Membership.role)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.organization_id == fundraiser.organization_id, Person.id == fundraiser.started_by_id)
        .where(Membership.role.in_(LISTING_ROLES), Person.status == "active")
    )
    return db.session.scalar(query.limit(1)) is not None


def list_fundraisers_of(organization_id: int) -> list[Fundraiser]:
    """Every fundraiser of an organization for its staff: those that wait first, then the newest (at most 500)."""
    waiting = sa.case((Fundraiser.status == "awaiting_approval", 0), else_=1)
    query = (
        sa.select(Fundraiser)
        .options(joinedload(Fundraiser.started_by))
        .where(Fundraiser.organization_id == organization_id)
        .order_by(waiting, Fundraiser.created_at.desc(), Fundraiser.id.desc())
        .limit(500)
    )
    return list(db.session.scalars(query).unique())


def list_fundraisers_started_by(person_id: int) -> list[Fundraiser]:
    """What one person started, newest first (at most 100)."""
    query = (
        sa.select(Fundraiser)
        .options(joinedload(Fundraiser.organization))
        .where(Fundraiser.started_by_id == person_id)
        .order_by(Fundraiser.created_at.desc(), Fundraiser.id.desc())
        .limit(100)
    )
    return list(db.session.scalars(query).unique())


def list_due_to_end() -> list[int]:
    """Ids of live fundraisers whose last day is over where the organization is."""
    query = (
        sa.select(Fundraiser.id, Fundraiser.ends_on, Organization.time_zone)
        .join(Organization, Organization.id == Fundraiser.organization_id)
        # Somewhere on earth a day ends 12 hours before it does in UTC's calendar.
        .where(Fundraiser.status == "live", Fundraiser.ends_on < today("Pacific/Kiritimati"))
    )
    return [key for key, ends_on, zone in db.session.execute(query) if ends_on is not None and ends_on < today(zone)]


def find_picture_of(slug: str, picture_id: int) -> FundraiserPicture | None:
    """The picture when it is of the fundraiser `slug`, shown or not, without its content; or None."""
    found = db.session.get(FundraiserPicture, picture_id)
    return found if found is not None and found.fundraiser.slug == slug else None


def find_shown_picture(fundraiser_id: int, digest: str) -> FundraiserPicture | None:
    """The picture with its content while the page shows it, or None (G8)."""
    query = (
        sa.select(FundraiserPicture)
        .options(undefer(FundraiserPicture.content))
        .where(FundraiserPicture.fundraiser_id == fundraiser_id, FundraiserPicture.digest == digest)
        .where(FundraiserPicture.removed_at.is_(None))
    )
    return db.session.scalar(query.limit(1))


def find_match_of(slug: str, fundraiser: str, match_id: int) -> MatchingGift | None:
    """The sponsor's promise when it is to that fundraiser of that organization, or None."""
    found = db.session.get(MatchingGift, match_id)
    if found is None or found.fundraiser.slug != fundraiser or found.fundraiser.organization.slug != slug:
        return None
    return found
