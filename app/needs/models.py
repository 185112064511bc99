"""Tables of needs, shifts, positions and items.

`position.taken` and `item.reserved / in_transit / received` are facts of higher rooms kept here because lists read
them live; only the claim statements of signups and pledges change them, together with their row.
"""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.clock import now, today
from app.core.db import Base, HasId
from app.needs import index_models  # noqa: F401  # the tables of the index belong to this feature's metadata
from app.organizations.models import Organization

NEED_STATUSES = ("draft", "open", "paused", "filled", "closed")
URGENCIES = ("low", "normal", "high", "critical")
SHIFT_STATUSES = ("scheduled", "cannot_run", "cancelled")
CONTACTS = ("not_stated", "none", "children", "adults_at_risk")
PRIORITIES = ("normal", "first")
# Begins the id of a row that is kept but not complete (`Unfinished`): it is no saved shift or item.
MARK = "~"


class Need(HasId, Base):
    """One page that says what is wanted, why, where and until when. The place columns are what the public may see."""

    __tablename__ = "need"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {NEED_STATUSES}", name="status"),
        sa.CheckConstraint(f"urgency IN {URGENCIES}", name="urgency"),
        sa.CheckConstraint("NOT private_address OR address IS NULL", name="private_has_no_public_address"),
        sa.CheckConstraint("remote OR latitude IS NOT NULL OR status = 'draft' OR status = 'closed'", name="placed"),
        sa.UniqueConstraint("organization_id", "external_id"),
        sa.Index("ix_need_organization_id_status", "organization_id", "status"),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    title: Mapped[str] = mapped_column(sa.String(160))
    description: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str] = mapped_column(sa.String(16), default="draft", server_default="draft")
    urgency: Mapped[str] = mapped_column(sa.String(16), default="normal", server_default="normal")
    causes: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    skills: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    # What everybody who takes a place on it must hold, written as in safeguarding.requirements.
    requirements: Mapped[list[str]] = mapped_column(sa.JSON, default=list, server_default="[]")
    remote: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    private_address: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    address: Mapped[str | None] = mapped_column(sa.String(200))
    city: Mapped[str | None] = mapped_column(sa.String(120))
    region: Mapped[str | None] = mapped_column(sa.String(120))
    postal_code: Mapped[str | None] = mapped_column(sa.String(16))
    country: Mapped[str | None] = mapped_column(sa.String(2))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    precision: Mapped[str | None] = mapped_column(sa.String(16))
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    # What everybody may know before they come. Access without steps: None is not said.
    bring: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    suits: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    parking: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    step_free: Mapped[bool | None]
    ends_on: Mapped[dt.date | None]
    confirm_by: Mapped[dt.date | None]
    published_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    # What it was before it was closed, so that a slip of the finger is taken back whole.
    closed_from: Mapped[str | None] = mapped_column(sa.String(16))
    # What came of it, for everybody who helped: never on a public page. `thanks` is the staff's own line.
    outcome: Mapped[str] = mapped_column(sa.String(2000), default="", server_default="")
    people_helped: Mapped[int | None]
    thanks: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    # An imported row's own id, and the digest of what was imported last: the same row again changes nothing.
    external_id: Mapped[str | None] = mapped_column(sa.String(80))
    import_digest: Mapped[str | None] = mapped_column(sa.String(32))

    organization: Mapped[Organization] = relationship()
    shifts: Mapped[list[Shift]] = relationship(back_populates="need", order_by="Shift.starts_at, Shift.id")
    items: Mapped[list[Item]] = relationship(back_populates="need", order_by="Item.sort, Item.id")


class NeedAssignment(Base):
    """A coordinator who works on the needs assigned to them works on this one. It opens nothing by itself: the membership
    that it stands beside is asked at every read."""

    __tablename__ = "need_assignment"

    need_id: Mapped[int] = mapped_column(sa.ForeignKey("need.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True, index=True)
    created_at: Mapped[dt.datetime]


class PrivateAddress(Base):
    """The exact place of a need marked private (N6). Read by staff forms and signups.queries.find_exact_address only."""

    __tablename__ = "private_address"

    need_id: Mapped[int] = mapped_column(sa.ForeignKey("need.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(sa.String(200))
    postal_code: Mapped[str | None] = mapped_column(sa.String(16))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class DayFacts(Base):
    """What only those who come need to know: where exactly they meet, and whom to call on the day. Read by staff forms and
    signups.queries.find_day_facts only."""

    __tablename__ = "day_facts"

    need_id: Mapped[int] = mapped_column(sa.ForeignKey("need.id", ondelete="CASCADE"), primary_key=True)
    meeting_point: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    contact: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")


class Unfinished(Base):
    """What was typed of a need and is no title, place, shift or item yet: kept as it stands until it is complete. Read by
    staff forms only, for the street of a private place may be in it (N6); its shape is drafts.py's."""

    __tablename__ = "unfinished"

    need_id: Mapped[int] = mapped_column(sa.ForeignKey("need.id", ondelete="CASCADE"), primary_key=True)
    typed: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


class Shift(HasId, Base):
    """A time at a place, or a flexible role (no fixed times, optionally a due date)."""

    __tablename__ = "shift"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {SHIFT_STATUSES}", name="status"),
        sa.CheckConstraint(f"contact IN {CONTACTS}", name="contact"),
        sa.CheckConstraint(
            "(flexible AND starts_at IS NULL AND ends_at IS NULL)"
            " OR (NOT flexible AND starts_at IS NOT NULL AND ends_at IS NOT NULL AND starts_at < ends_at)",
            name="times",
        ),
        sa.CheckConstraint("minimum_age IS NULL OR minimum_age BETWEEN 0 AND 120", name="minimum_age"),
        sa.Index("ix_shift_need_id_starts_at", "need_id", "starts_at"),
    )

    need_id: Mapped[int] = mapped_column(sa.ForeignKey("need.id"))
    starts_at: Mapped[dt.datetime | None]
    ends_at: Mapped[dt.datetime | None]
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    flexible: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    due_on: Mapped[dt.date | None]
    status: Mapped[str] = mapped_column(sa.String(16), default="scheduled", server_default="scheduled")
    contact: Mapped[str] = mapped_column(sa.String(16), default="not_stated", server_default="not_stated")
    minimum_age: Mapped[int | None]
    # Raised by every change that calendars must hear of (RFC 5545 SEQUENCE, M3).
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    need: Mapped[Need] = relationship(back_populates="shifts")
    positions: Mapped[list[Position]] = relationship(back_populates="shift", order_by="Position.sort, Position.id")

    @property
    def is_over(self) -> bool:
        """True once nobody can come any more: after its end; a flexible role after its due date or the need's last day."""
        if self.ends_at is not None:
            return self.ends_at <= now()
        last = self.due_on or self.need.ends_on
        return last is not None and last < today(self.time_zone)

    @property
    def is_running(self) -> bool:
        """True from its start to its end: whoever takes a place now comes at once."""
        return self.starts_at is not None and self.starts_at <= now() and not self.is_over


class Position(HasId, Base):
    """Places on a shift: `taken` people of `capacity` (None, only on a flexible role: as many as come)."""

    __tablename__ = "position"
    __table_args__ = (
        sa.CheckConstraint("taken >= 0", name="taken_not_negative"),
        sa.CheckConstraint("capacity IS NULL OR (capacity >= 0 AND taken <= capacity)", name="taken_within_capacity"),
    )

    shift_id: Mapped[int] = mapped_column(sa.ForeignKey("shift.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80), default="", server_default="")
    capacity: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    # What this task asks beside what the need asks, written as in safeguarding.requirements.
    requirements: Mapped[list[str]] = mapped_column(sa.JSON, default=list, server_default="[]")
    sort: Mapped[int] = mapped_column(default=0, server_default="0")

    shift: Mapped[Shift] = relationship(back_populates="positions")


class Item(HasId, Base):
    """A thing wanted. `quantity` None is open: as much as people can bring. Amounts are exact decimals of `unit` (P1)."""

    __tablename__ = "item"
    __table_args__ = (
        sa.CheckConstraint("quantity IS NULL OR quantity >= 0", name="quantity"),
        sa.CheckConstraint("received >= 0 AND reserved >= 0 AND in_transit >= 0", name="never_negative"),
        sa.CheckConstraint(f"priority IN {PRIORITIES}", name="priority"),
        sa.CheckConstraint("NOT do_not_bring OR (reserved = 0 AND in_transit = 0)", name="do_not_bring"),
    )

    need_id: Mapped[int] = mapped_column(sa.ForeignKey("need.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(160))
    category: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    unit: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    quantity: Mapped[decimal.Decimal | None]
    received: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    reserved: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    in_transit: Mapped[decimal.Decimal] = mapped_column(default=decimal.Decimal(0), server_default="0")
    priority: Mapped[str] = mapped_column(sa.String(16), default="normal", server_default="normal")
    accepted_condition: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    purchase_url: Mapped[str | None] = mapped_column(sa.String(500))
    do_not_bring: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    sort: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    need: Mapped[Need] = relationship(back_populates="items")

    @property
    def still_wanted(self) -> decimal.Decimal | None:
        """What nobody has promised or brought yet, in `unit`; None for an open quantity (P1)."""
        if self.quantity is None:
            return None
        return max(decimal.Decimal(0), self.quantity - self.received - self.reserved - self.in_transit)

    @property
    def surplus(self) -> decimal.Decimal:
        """What came or is promised beyond the quantity: only by receiving more or by editing, never by pledging (P1)."""
        if self.quantity is None:
            return decimal.Decimal(0)
        return max(decimal.Decimal(0), self.received + self.reserved + self.in_transit - self.quantity)
