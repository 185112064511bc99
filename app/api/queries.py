"""Reads of the API that no page has: lists of rows by when they were made, whole needs by id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app.core.db import db, lock
from app.core.paging import BadCursor, Page, decode_cursor, encode_cursor, newest_page
from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import SHOWN
from app.imports.models import ImportBatch
from app.needs.models import Item, Need, Shift
from app.organizations.models import Organization
from app.pledges.models import LIVE_STATUSES, Delivery, Pledge
from app.signups.models import Signup
from app.signups.places import lock_shift
from app.signups.queries import with_everything

WHOLE_FUNDRAISER = (
    joinedload(Fundraiser.organization),
    joinedload(Fundraiser.started_by),
    joinedload(Fundraiser.team),
)


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
    """Places on one shift, or of one person, or both, with all that the gate looks at; newest first."""
    query = with_everything()
    if shift_id is not None:
        query = query.where(Signup.shift_id == shift_id)
    if person_id is not None:
        query = query.where(Signup.person_id == person_id)
    return newest_page(query, Signup, cursor, limit)


def list_pledges(
    *, item_id: int | None = None, person_id: int | None = None, cursor: str | None, limit: int
) -> Page[Pledge]:
    """Promises of one item, or of one person, or both; newest first."""
    query = sa.select(Pledge).options(joinedload(Pledge.person))
    if item_id is not None:
        query = query.where(Pledge.item_id == item_id)
    if person_id is not None:
        query = query.where(Pledge.person_id == person_id)
    return newest_page(query, Pledge, cursor, limit)


def list_arrivals(
    organization_id: int, seen: sa.ColumnElement[bool], *, status: str | None, cursor: str | None, limit: int
) -> Page[Pledge]:
    """Live promises to the needs of an organization that are `seen` (of one status, when given), by the day they
    come; those without a day last. Raises BadCursor."""
    day = sa.func.coalesce(Pledge.deliver_by, sa.literal(dt.date.max, sa.Date))
    query = (
        sa.select(Pledge)
        .join(Item, Item.id == Pledge.item_id)
        .join(Need, Need.id == Item.need_id)
        .options(contains_eager(Pledge.item), joinedload(Pledge.person))
        .where(Need.organization_id == organization_id, seen)
        .where(Pledge.status.in_(LIVE_STATUSES) if status is None else Pledge.status == status)
    )
    if cursor:
        said, last = decode_cursor(cursor, str, int)
        try:
            after = dt.date.fromisoformat(said)
        except ValueError as error:
            raise BadCursor(cursor[:20]) from error
        query = query.where(sa.or_(day > after, sa.and_(day == after, Pledge.id > last)))
    rows = db.session.scalars(query.order_by(day, Pledge.id).limit(limit + 1)).all()
    ends = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor((ends.deliver_by or dt.date.max).isoformat(), ends.id) if ends else None
    return Page(list(rows[:limit]), following)


def list_deliveries(
    organization_id: int, seen: sa.ColumnElement[bool], *, cursor: str | None, limit: int
) -> Page[Delivery]:
    """What came for the needs of an organization that are `seen`, newest first. Raises BadCursor."""
    query = (
        sa.select(Delivery)
        .join(Item, Item.id == Delivery.item_id)
        .join(Need, Need.id == Item.need_id)
        .options(contains_eager(Delivery.item), joinedload(Delivery.pledge).joinedload(Pledge.person))
        .where(Need.organization_id == organization_id, seen)
    )
    return newest_page(query, Delivery, cursor, limit)


def find_last_delivery(pledge_id: int) -> int | None:
    """The id of what came last of a promise and was not undone, or None."""
    query = sa.select(Delivery.id).where(Delivery.pledge_id == pledge_id, Delivery.undone_at.is_(None))
    return db.session.scalar(query.order_by(Delivery.created_at.desc(), Delivery.id).limit(1))


def find_signup(signup_id: int) -> Signup | None:
    """A place by its key."""
    return db.session.get(Signup, signup_id)


def locked_place(signup_id: int) -> int:
    """The sequence of a place, read under its lock: its version for If-Match. Call it inside the transaction.

    Person, need and shift are locked first, in the order in which every act locks. Raises Refused when it is gone.
    """
    found = db.session.get_one(Signup, signup_id)
    lock_shift(found.person_id, found.shift_id)
    row = lock(Signup, signup_id)
    return 0 if row is None else row.sequence


def find_batch(batch_id: int) -> ImportBatch | None:
    """An import with its organization, by its key."""
    return db.session.get(ImportBatch, batch_id, options=[joinedload(ImportBatch.organization)])


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
    """Fundraisers with their organization, starter and team, in the order of `fundraiser_ids`."""
    found = db.session.scalars(
        sa.select(Fundraiser).where(Fundraiser.id.in_(fundraiser_ids)).options(*WHOLE_FUNDRAISER)
    )
    by_id = {row.id: row for row in found}
    return [by_id[key] for key in fundraiser_ids if key in by_id]


def list_fundraisers(person_id: int, *, cursor: str | None, limit: int) -> Page[Fundraiser]:
    """What one person started, in any state, newest first. Raises BadCursor."""
    query = sa.select(Fundraiser).options(*WHOLE_FUNDRAISER).where(Fundraiser.started_by_id == person_id)
    return newest_page(query, Fundraiser, cursor, limit)


def list_of_organization(
    organization_id: int, *, status: str | None, cursor: str | None, limit: int
) -> Page[Fundraiser]:
    """What is raised for an organization, of one status or in any, newest first. Raises BadCursor."""
    query = sa.select(Fundraiser).options(*WHOLE_FUNDRAISER).where(Fundraiser.organization_id == organization_id)
    if status is not None:
        query = query.where(Fundraiser.status == status)
    return newest_page(query, Fundraiser, cursor, limit)


def list_of_team(team_id: int, *, any_state: bool, cursor: str | None, limit: int) -> Page[Fundraiser]:
    """Pages of a team that were public, or in `any_state`, newest first. Raises BadCursor."""
    query = sa.select(Fundraiser).options(*WHOLE_FUNDRAISER).where(Fundraiser.team_id == team_id)
    if not any_state:
        query = query.where(Fundraiser.status.in_(SHOWN))
    return newest_page(query, Fundraiser, cursor, limit)


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
