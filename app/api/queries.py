"""Reads of the API that no page has: lists of rows by when they were made, whole needs by id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.core.db import db, lock
from app.core.paging import Page, cut, newest_first
from app.fundraisers.models import Fundraiser
from app.needs.models import Item, Need, Shift
from app.organizations.models import Organization
from app.pledges.models import Pledge
from app.signups.models import Signup


def whole_needs(need_ids: Sequence[int]) -> list[Need]:
    """Needs with their organization, shifts, positions and items, in the order of `need_ids`; four statements."""
    found = db.session.scalars(
        sa.select(Need)
        .where(Need.id.in_(need_ids))
        .options(
            joinedload(Need.organization),
            selectinload(Need.shifts).selectinload(Shift.positions),
            selectinload(Need.items),
        )
    ).unique()
    by_id = {need.id: need for need in found}
    return [by_id[key] for key in need_ids if key in by_id]


def list_signups(
    *, shift_id: int | None = None, person_id: int | None = None, cursor: str | None, limit: int
) -> Page[Signup]:
    """Places on one shift, or of one person, or both; newest first."""
    query = sa.select(Signup).options(
        joinedload(Signup.person),
        joinedload(Signup.shift).joinedload(Shift.need).joinedload(Need.organization),
        joinedload(Signup.shift).selectinload(Shift.positions),
    )
    if shift_id is not None:
        query = query.where(Signup.shift_id == shift_id)
    if person_id is not None:
        query = query.where(Signup.person_id == person_id)
    return cut(db.session.scalars(newest_first(query, Signup, cursor, limit)).all(), limit)


def list_pledges(
    *, item_id: int | None = None, person_id: int | None = None, cursor: str | None, limit: int
) -> Page[Pledge]:
    """Promises of one item, or of one person, or both; newest first."""
    query = sa.select(Pledge).options(joinedload(Pledge.person))
    if item_id is not None:
        query = query.where(Pledge.item_id == item_id)
    if person_id is not None:
        query = query.where(Pledge.person_id == person_id)
    return cut(db.session.scalars(newest_first(query, Pledge, cursor, limit)).all(), limit)


def find_signup(signup_id: int) -> Signup | None:
    """A place by its key."""
    return db.session.get(Signup, signup_id)


def find_pledge(pledge_id: int) -> Pledge | None:
    """A promise by its key."""
    return db.session.get(Pledge, pledge_id)


def whole_shift(shift_id: int) -> Shift | None:
    """A shift with its positions and its need."""
    query = sa.select(Shift).where(Shift.id == shift_id)
    return db.session.scalars(
        query.options(selectinload(Shift.positions), joinedload(Shift.need).joinedload(Need.organization))
    ).first()


def whole_item(item_id: int) -> Item | None:
    """An item with its need."""
    query = sa.select(Item).where(Item.id == item_id)
    return db.session.scalars(query.options(joinedload(Item.need).joinedload(Need.organization))).first()


def whole_fundraisers(fundraiser_ids: Sequence[int]) -> list[Fundraiser]:
    """Fundraisers with their organization, in the order of `fundraiser_ids`."""
    found = db.session.scalars(
        sa.select(Fundraiser).where(Fundraiser.id.in_(fundraiser_ids)).options(joinedload(Fundraiser.organization))
    )
    by_id = {row.id: row for row in found}
    return [by_id[key] for key in fundraiser_ids if key in by_id]


def locked_version(
    model: type[Need] | type[Fundraiser] | type[Shift] | type[Item] | type[Organization], key: int
) -> int:
    """The version of a row, read under its lock: what If-Match is compared with. Call it inside the transaction.

    The need of a shift or an item is locked first, in the order in which every act locks.
    """
    if model in (Shift, Item):
        found: Any = db.session.get(model, key)
        if found is None or lock(Need, found.need_id) is None:
            return 0
    row = lock(model, key)
    return 0 if row is None else row.version
