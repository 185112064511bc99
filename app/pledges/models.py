"""Tables of pledges and of what came."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, HasId
from app.needs.models import Item

PLEDGE_STATUSES = ("reserved", "in_transit", "received", "rejected", "cancelled", "expired")
LIVE_STATUSES = ("reserved", "in_transit")
# How it comes: brought to the place, or sent there.
WAYS = ("drop_off", "send")


class Pledge(HasId, Base):
    """A promise of `quantity` (exact decimal of the item's unit). Receiving never changes what was pledged (P4)."""

    __tablename__ = "pledge"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {PLEDGE_STATUSES}", name="status"),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.CheckConstraint("received >= 0 AND rejected >= 0", name="never_negative"),
        sa.Index(
            "uq_pledge_live",
            "item_id",
            "person_id",
            unique=True,
            sqlite_where=sa.text(f"status IN {LIVE_STATUSES}"),
            postgresql_where=sa.text(f"status IN {LIVE_STATUSES}"),
        ),
        sa.Index("ix_pledge_person_id_status", "person_id", "status"),
        sa.CheckConstraint(f"way IN {WAYS}", name="way"),
        sa.Index(
            "ix_pledge_deliver_by",
            "deliver_by",
            sqlite_where=sa.text(f"status IN {LIVE_STATUSES}"),
            postgresql_where=sa.text(f"status IN {LIVE_STATUSES}"),
        ),
    )

    item_id: Mapped[int] = mapped_column(sa.ForeignKey("item.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    quantity: Mapped[decimal.Decimal]
    received: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    rejected: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    rejected_reason: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    status: Mapped[str] = mapped_column(sa.String(16))
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    # By when it comes, on the calendar of the place; None: promised before dates were asked for, and not chased.
    deliver_by: Mapped[dt.date | None]
    way: Mapped[str] = mapped_column(sa.String(16), default="drop_off", server_default="drop_off")
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    # When what was outstanding was taken back, by whom (the person, or staff for them), and how it stood before; for the way
    # back.
    cancelled_at: Mapped[dt.datetime | None]
    cancelled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    was: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")
    # When the person changed it last and what it said before, as long as nothing else has happened to it; for the way back.
    changed_at: Mapped[dt.datetime | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    item: Mapped[Item] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class Delivery(HasId, Base):
    """What came at one time, in the item's unit: of a pledge, or without one (`pledge_id` None). An undone one counts no
    more. `freed` is how much of the promise it answered, and `was` how the promise stood before."""

    __tablename__ = "delivery"
    __table_args__ = (
        sa.CheckConstraint("received >= 0 AND rejected >= 0 AND freed >= 0", name="never_negative"),
        sa.CheckConstraint("pledge_id IS NOT NULL OR (rejected = 0 AND freed = 0)", name="unpledged"),
    )

    item_id: Mapped[int] = mapped_column(sa.ForeignKey("item.id"), index=True)
    pledge_id: Mapped[int | None] = mapped_column(sa.ForeignKey("pledge.id"), index=True)
    received: Mapped[decimal.Decimal]
    rejected: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    freed: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    was: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")
    note: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[dt.datetime]
    undone_at: Mapped[dt.datetime | None]

    item: Mapped[Item] = relationship()
    pledge: Mapped[Pledge | None] = relationship()
