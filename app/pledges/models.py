"""The table of pledges."""

from __future__ import annotations

import datetime as dt
import decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, HasId
from app.needs.models import Item

PLEDGE_STATUSES = ("reserved", "in_transit", "received", "rejected", "cancelled", "expired")
LIVE_STATUSES = ("reserved", "in_transit")


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
    )

    item_id: Mapped[int] = mapped_column(sa.ForeignKey("item.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    quantity: Mapped[decimal.Decimal]
    received: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    rejected: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    rejected_reason: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    status: Mapped[str] = mapped_column(sa.String(16))
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]

    item: Mapped[Item] = relationship()
    person: Mapped[Person] = relationship()
