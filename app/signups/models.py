"""Tables of signups and of places held for guests."""

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
# Whose place counts, now or when it is over.
TAKING_STATUSES = ("confirmed", "checked_in", "completed", "no_show")
# These count against the capacity of their position (S1): an offered place is kept for whoever it is offered to (S5).
COUNTED_STATUSES = (*TAKING_STATUSES, "offered")
# In line for a place, or asked whether they take it: neither is confirmed.
WAITING_STATUSES = ("waitlisted", "offered")
# Over without having been used.
ENDED_STATUSES = ("cancelled", "declined", "expired")
MAXIMUM_PARTY_SIZE = 50
HOLD_STATUSES = ("held", "confirmed", "expired", "replaced")
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
        sa.CheckConstraint("status != 'offered' OR offer_expires_at IS NOT NULL", name="offer_has_end"),
        sa.Index("ix_signup_person_id_status", "person_id", "status"),
        sa.Index(
            "ix_signup_offer_expires_at",
            "offer_expires_at",
            sqlite_where=sa.text("status = 'offered'"),
            postgresql_where=sa.text("status = 'offered'"),
        ),
    )

    shift_id: Mapped[int] = mapped_column(sa.ForeignKey("shift.id"))
    position_id: Mapped[int] = mapped_column(sa.ForeignKey("position.id"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    party_size: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(sa.String(16))
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    created_at: Mapped[dt.datetime]
    cancelled_at: Mapped[dt.datetime | None]
    # Who gave it back: the person, or staff for them; None: the shift ended it. And how it stood before its last turn;
    # "added": staff wrote the person down.
    cancelled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    was: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")
    # Up to when the place is kept for them while it is offered (S5); afterwards, up to when the last offer was.
    offer_expires_at: Mapped[dt.datetime | None]
    # Raised with every change, so that calendars follow (M3).
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    checked_in_at: Mapped[dt.datetime | None]
    # The time each person of the party gave. It counts once somebody of the staff who is not that person said so (S9).
    minutes: Mapped[int | None]
    hours_approved_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    shift: Mapped[Shift] = relationship()
    position: Mapped[Position] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class ShiftStaff(Base):
    """Somebody of the organization who is on a shift beside those who signed up, cleared like everybody (G2)."""

    __tablename__ = "shift_staff"

    shift_id: Mapped[int] = mapped_column(sa.ForeignKey("shift.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True, index=True)
    named_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[dt.datetime]

    shift: Mapped[Shift] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class GuestHold(HasId, Base):
    """Places held for somebody without an account until they follow the link in their mail (S10).

    While `held` its party counts in `position.taken`. What the guest typed about themselves is erased as soon as it ends:
    confirmed, it is a person with a signup; otherwise it is nobody's business any more.
    """

    __tablename__ = "guest_hold"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {HOLD_STATUSES}", name="status"),
        sa.CheckConstraint("party_size >= 1", name="party_size"),
        sa.CheckConstraint("status = 'held' OR (email = '' AND birth_date IS NULL)", name="erased"),
        sa.Index(
            "uq_guest_hold_live",
            "shift_id",
            "email",
            unique=True,
            sqlite_where=sa.text("status = 'held'"),
            postgresql_where=sa.text("status = 'held'"),
        ),
        sa.Index(
            "ix_guest_hold_expires_at",
            "expires_at",
            sqlite_where=sa.text("status = 'held'"),
            postgresql_where=sa.text("status = 'held'"),
        ),
    )

    shift_id: Mapped[int] = mapped_column(sa.ForeignKey("shift.id"))
    position_id: Mapped[int] = mapped_column(sa.ForeignKey("position.id"), index=True)
    signup_id: Mapped[int | None] = mapped_column(sa.ForeignKey("signup.id"), index=True)
    status: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(120))
    email: Mapped[str] = mapped_column(sa.String(254))
    birth_date: Mapped[dt.date | None]
    locale: Mapped[str | None] = mapped_column(sa.String(16))
    party_size: Mapped[int]
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    # The mail with the link has not reached them: since when. The staff see it as they see it of everybody on the roster.
    mail_failed_at: Mapped[dt.datetime | None]

    shift: Mapped[Shift] = relationship()
    position: Mapped[Position] = relationship()
    signup: Mapped[Signup | None] = relationship()
