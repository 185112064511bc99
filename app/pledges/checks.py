"""What `flask verify` recomputes about pledges: each item's counts against the promises behind them (P1)."""

from __future__ import annotations

import decimal

import sqlalchemy as sa

from app.core.db import db
from app.core.ids import encode_id
from app.needs.models import Item
from app.pledges.models import LIVE_STATUSES, Delivery, Pledge

SHOWN = 20
ZERO = decimal.Decimal(0)


def check_pledges() -> tuple[int, list[str]]:
    """reserved, in transit and received of every item are the sums over its pledges, and the equation holds."""
    rest = Pledge.quantity - Pledge.received - Pledge.rejected
    outstanding = sa.case((rest > 0, rest), else_=sa.literal(ZERO, Pledge.quantity.type))
    sums = (
        sa.select(
            Pledge.item_id,
            sa.func.sum(sa.case((Pledge.status == "reserved", outstanding))).label("reserved"),
            sa.func.sum(sa.case((Pledge.status == "in_transit", outstanding))).label("in_transit"),
            sa.func.sum(Pledge.received).label("received"),
        )
        .group_by(Pledge.item_id)
        .subquery()
    )
    quantity = Pledge.quantity.type
    real = [
        sa.type_coerce(sa.func.coalesce(sa.cast(column, sa.BigInteger), 0), quantity)
        for column in (sums.c.reserved, sums.c.in_transit, sums.c.received)
    ]
    deliveries = db.session.execute(
        sa.select(Delivery.item_id, sa.func.sum(Delivery.received))
        .where(Delivery.pledge_id.is_(None), Delivery.undone_at.is_(None))
        .group_by(Delivery.item_id)
    )
    unpledged = {row[0]: row[1] for row in deliveries}
    rows = db.session.execute(sa.select(Item, *real).outerjoin(sums, sums.c.item_id == Item.id)).all()
    found = []
    for item, reserved, in_transit, brought in rows:
        received = brought + unpledged.get(item.id, ZERO)
        key = encode_id(item.id)
        if (item.reserved, item.in_transit, item.received) != (reserved, in_transit, received):
            found.append(
                f"pledges: item {key} says {item.reserved} reserved, {item.in_transit} in transit, {item.received}"
                f" received; its pledges and deliveries say {reserved}, {in_transit}, {received}"
            )
        given = item.received + item.reserved + item.in_transit
        if item.still_wanted is not None and item.quantity + item.surplus != given + item.still_wanted:
            found.append(f"pledges: the quantities of item {key} do not add up")
    return len(rows), found[:SHOWN] + _overdone()


def _overdone() -> list[str]:
    """Promises that are live although nothing of them is outstanding, or over although something is."""
    rest = Pledge.quantity - Pledge.received - Pledge.rejected
    wrong = sa.select(Pledge.id).where(Pledge.status.in_(LIVE_STATUSES), rest <= 0).limit(SHOWN)
    return [f"pledges: {encode_id(key)} is live and nothing of it is outstanding" for key in db.session.scalars(wrong)]


CHECKS = {"pledges": check_pledges}
