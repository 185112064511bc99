"""Reads of one need and what it asks for. None of them touches private_address."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.clock import now
from app.core.db import db
from app.needs.models import Item, Need, Position, Shift
from app.needs.policy import visible
from app.organizations.models import Organization


def find_need(need_id: int) -> Need | None:
    """The need in any state, with its organization, or None."""
    query = sa.select(Need).options(joinedload(Need.organization)).where(Need.id == need_id)
    return db.session.scalar(query)


def find_visible_need(need_id: int) -> Need | None:
    """The need while the public may see it (N1), or None."""
    query = (
        sa.select(Need)
        .join(Organization, Organization.id == Need.organization_id)
        .options(contains_eager(Need.organization))
        .where(Need.id == need_id, visible())
    )
    return db.session.scalar(query)


def find_shift(shift_id: int) -> Shift | None:
    """The shift in any state, with its need and organization, or None."""
    query = sa.select(Shift).options(joinedload(Shift.need).joinedload(Need.organization)).where(Shift.id == shift_id)
    return db.session.scalar(query)


def find_item(item_id: int) -> Item | None:
    """The item, with its need and organization, or None."""
    query = sa.select(Item).options(joinedload(Item.need).joinedload(Need.organization)).where(Item.id == item_id)
    return db.session.scalar(query)


@dataclasses.dataclass(frozen=True)
class NeedLine:
    """One need in a list of its organization."""

    id: int
    title: str
    status: str
    urgency: str
    city: str | None
    region: str | None
    time_zone: str
    starts_at: dt.datetime | None
    capacity: int | None
    taken: int


def list_open_needs_of(organization_id: int, *, any_status: bool = False, limit: int = 50) -> list[NeedLine]:
    """The organization's needs with their next shift and places, soonest first; `any_status` for its staff only.

    The caller has asked whether the organization is public (N1).
    """
    at = now()
    upcoming = sa.and_(Shift.status == "scheduled", sa.or_(Shift.ends_at.is_(None), Shift.ends_at > at))
    starts = sa.func.min(Shift.starts_at).label("starts_at")
    query = (
        sa.select(
            Need.id,
            Need.title,
            Need.status,
            Need.urgency,
            Need.city,
            Need.region,
            Need.time_zone,
            starts,
            sa.func.sum(Position.capacity).label("capacity"),
            sa.func.coalesce(sa.func.sum(Position.taken), 0).label("taken"),
        )
        .outerjoin(Shift, sa.and_(Shift.need_id == Need.id, upcoming))
        .outerjoin(Position, Position.shift_id == Shift.id)
        .where(Need.organization_id == organization_id)
        .group_by(Need.id)
        .order_by(starts.is_(None), starts, Need.created_at.desc(), Need.id)
        .limit(limit)
    )
    if not any_status:
        query = query.where(Need.status == "open")
    return [NeedLine(**row._mapping) for row in db.session.execute(query)]


def count_by_status(organization_id: int) -> dict[str, int]:
    """How many needs the organization has in each status."""
    query = sa.select(Need.status, sa.func.count()).where(Need.organization_id == organization_id).group_by(Need.status)
    return dict(db.session.execute(query).tuples().all())
