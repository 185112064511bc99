"""Reads of one need and what it asks for. None of them touches private_address."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.db import db
from app.needs.models import Item, Need, Shift
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
