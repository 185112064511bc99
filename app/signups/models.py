"""The table of signups."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, HasId
from app.needs.models import Position, Shift

SIGNUP_STATUSES = (
    "requested",
    "offered",
    "waitlisted",
    "confirmed",
    "checked_in",
    "completed",
    "no_show",
    "cancelled",
    "declined",
    "expired",
)
LIVE_STATUSES = ("requested", "offered", "waitlisted", "confirmed", "checked_in")
# These count against the capacity of their position (S1).
TAKING_STATUSES = ("confirmed", "checked_in", "completed", "no_show")
MAXIMUM_PARTY_SIZE = 50
# A flexible role may take weeks; more than this is a slip of the keyboard.
MAXIMUM_MINUTES = 500 * 60


class Signup(HasId, Base):
    """One supporter's place (party size >= 1) on one shift."""

    __tablename__ = "signup"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {SIGNUP_STATUSES}", name="status"),
        sa.CheckConstraint(f"party_size BETWEEN 1 AND {MAXIMUM_PARTY_SIZE}", name="party_size"),
        sa.Index(
            "uq_signup_live",
            "shift_id",
            "person_id",
            unique=True,
            sqlite_where=sa.text(f"status IN {LIVE_STATUSES}"),
            postgresql_where=sa.text(f"status IN {LIVE_STATUSES}"),
        ),
        sa.CheckConstraint(f"minutes IS NULL OR minutes BETWEEN 1 AND {MAXIMUM_MINUTES}", name="minutes"),
        sa.CheckConstraint(
            "hours_approved_by_id IS NULL OR hours_approved_by_id != person_id", name="hours_by_another"
        ),
        sa.Index("ix_signup_person_id_status", "person_id", "status"),
    )

    shift_id: Mapped[int] = mapped_column(sa.ForeignKey("shift.id"))
    position_id: Mapped[int] = mapped_column(sa.ForeignKey("position.id"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    party_size: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(sa.String(16))
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    created_at: Mapped[dt.datetime]
    cancelled_at: Mapped[dt.datetime | None]
    # Raised with every change, so that calendars follow (M3).
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    checked_in_at: Mapped[dt.datetime | None]
    # The time each person of the party gave. It counts once somebody of the staff who is not that person said so (S9).
    minutes: Mapped[int | None]
    hours_approved_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    shift: Mapped[Shift] = relationship()
    position: Mapped[Position] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
