"""Reads of promises of items: one's own, and what staff receive."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db
from app.needs.models import Item, Need
from app.pledges.models import LIVE_STATUSES, Delivery, Pledge

DONE_SHOWN = 100


@dataclasses.dataclass(frozen=True)
class DeliveryRow:
    """One live promise of an item, for the staff who receive it. Quantities in the item's unit."""

    pledge_id: int
    item_id: int
    item: str
    unit: str
    name: str
    person_id: int
    quantity: decimal.Decimal
    outstanding: decimal.Decimal
    note: str
    status: str
    deliver_by: dt.date | None
    way: str
    mail_failed: bool


def _with_everything() -> sa.Select[Pledge]:
    return sa.select(Pledge).options(
        joinedload(Pledge.item).joinedload(Item.need).joinedload(Need.organization), joinedload(Pledge.person)
    )


def find_pledge(pledge_id: int) -> Pledge | None:
    """A promise with its item, need and organization, or None."""
    return db.session.scalar(_with_everything().where(Pledge.id == pledge_id))


def list_live_pledges_of(person_id: int) -> Sequence[Pledge]:
    """What a person has promised and not brought yet, oldest first."""
    return db.session.scalars(
        _with_everything()
        .where(Pledge.person_id == person_id, Pledge.status.in_(LIVE_STATUSES))
        .order_by(Pledge.created_at, Pledge.id)
    ).all()


def list_over_pledges_of(person_id: int) -> Sequence[Pledge]:
    """What a person brought, took back, or what ended otherwise, latest first (the last hundred)."""
    return db.session.scalars(
        _with_everything()
        .where(Pledge.person_id == person_id, Pledge.status.not_in(LIVE_STATUSES))
        .order_by(Pledge.updated_at.desc(), Pledge.id)
        .limit(DONE_SHOWN)
    ).all()


def list_overdue(*, limit: int = 500) -> Sequence[Pledge]:
    """Live promises whose day may be over (a day is over earlier in the east: who calls looks again), longest first."""
    return db.session.scalars(
        _with_everything()
        .where(Pledge.status.in_(LIVE_STATUSES), Pledge.deliver_by < today("Pacific/Kiritimati"))
        .order_by(Pledge.deliver_by, Pledge.id)
        .limit(limit)
    ).all()


def find_delivery(delivery_id: int) -> Delivery | None:
    """What came at one time, with its item, need and organization, or None."""
    return db.session.scalar(
        sa.select(Delivery)
        .options(
            joinedload(Delivery.item).joinedload(Item.need).joinedload(Need.organization),
            joinedload(Delivery.pledge).joinedload(Pledge.person),
        )
        .where(Delivery.id == delivery_id)
    )


def list_received(need_id: int, *, limit: int = 30) -> Sequence[Delivery]:
    """What came for a need and was not undone, latest first. For staff only: the caller's guard makes sure."""
    return db.session.scalars(
        sa.select(Delivery)
        .join(Item, Item.id == Delivery.item_id)
        .options(joinedload(Delivery.item), joinedload(Delivery.pledge).joinedload(Pledge.person))
        .where(Item.need_id == need_id, Delivery.undone_at.is_(None))
        .order_by(Delivery.created_at.desc(), Delivery.id)
        .limit(limit)
    ).all()


def list_live_ids(need_id: int) -> list[int]:
    """The ids of the live promises of a need's items."""
    query = sa.select(Pledge.id).join(Item, Item.id == Pledge.item_id).where(Item.need_id == need_id)
    return list(db.session.scalars(query.where(Pledge.status.in_(LIVE_STATUSES)).order_by(Pledge.id)))


def list_live_ids_at(organization_id: int) -> list[int]:
    """The ids of the live promises of items to an organization."""
    query = sa.select(Pledge.id).join(Item, Item.id == Pledge.item_id).join(Need, Need.id == Item.need_id)
    query = query.where(Need.organization_id == organization_id, Pledge.status.in_(LIVE_STATUSES))
    return list(db.session.scalars(query.order_by(Pledge.id)))


def list_helpers(need_id: int) -> list[int]:
    """The people who helped a need with things: brought some, or promised and not taken back."""
    return list(
        db.session.scalars(
            sa.select(Pledge.person_id)
            .join(Item, Item.id == Pledge.item_id)
            .where(Item.need_id == need_id)
            .where(sa.or_(Pledge.status.in_((*LIVE_STATUSES, "received")), Pledge.received > 0))
            .distinct()
            .order_by(Pledge.person_id)
        )
    )


def list_deliveries(need_id: int) -> list[DeliveryRow]:
    """Every live promise of a need's items, by item and name. For staff only: the caller's guard makes sure."""
    rows = db.session.execute(
        sa.select(
            Pledge.id.label("pledge_id"),
            Item.id.label("item_id"),
            Item.name.label("item"),
            Item.unit,
            Person.name,
            Pledge.person_id,
            Pledge.quantity,
            (Pledge.quantity - Pledge.received - Pledge.rejected).label("outstanding"),
            Pledge.note,
            Pledge.status,
            Pledge.deliver_by,
            Pledge.way,
            Person.mail_failed_at.is_not(None).label("mail_failed"),
        )
        .join(Item, Item.id == Pledge.item_id)
        .join(Person, Person.id == Pledge.person_id)
        .where(Item.need_id == need_id, Pledge.status.in_(LIVE_STATUSES))
        .order_by(Item.sort, Item.id, sa.func.lower(Person.name), Pledge.id)
    )
    return [DeliveryRow(**row) for row in rows.mappings()]
