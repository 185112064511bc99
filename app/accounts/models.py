"""Tables of people and of what proves who they are."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.availability import TIMES
from app.core.db import Base, HasId
from app.core.ids import encode_id

PERSON_STATUSES = ("active", "suspended", "held")
PLATFORM_ROLES = ("moderator", "administrator", "safeguarding_lead")
# Ends the address of people without one (RFC 2606: such a name never exists).
NO_MAILBOX = "@nobody.invalid"
LINK_PURPOSES = ("verify_email", "reset_password", "sign_in", "change_email")


class Person(HasId, Base):
    """Somebody with an account. `birth_date` None means unknown, and unknown is never adult."""

    __tablename__ = "person"
    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint(f"status IN {PERSON_STATUSES}", name="status"),
        sa.CheckConstraint(f"platform_role IS NULL OR platform_role IN {PLATFORM_ROLES}", name="platform_role"),
    )

    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    email_verified_at: Mapped[dt.datetime | None]
    name: Mapped[str] = mapped_column(sa.String(120))
    password_hash: Mapped[str | None]
    birth_date: Mapped[dt.date | None]
    # Since when the operator, who made the account and stated no birth date, answers for it that this is an adult. It lets them
    # vouch for others while their birth date is unknown, and places them nowhere.
    adult_stated_at: Mapped[dt.datetime | None]
    place: Mapped[str | None] = mapped_column(sa.String(120))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    country: Mapped[str | None] = mapped_column(sa.String(2))
    time_zone: Mapped[str | None] = mapped_column(sa.String(64))
    # They said themselves which clock is theirs: it does not move with the place.
    time_zone_chosen: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    locale: Mapped[str | None] = mapped_column(sa.String(16))
    status: Mapped[str] = mapped_column(sa.String(16), default="active", server_default="active")
    platform_role: Mapped[str | None] = mapped_column(sa.String(32))
    # Raised to end every session of this person at once (changed password, suspension, hold).
    session_epoch: Mapped[int] = mapped_column(default=1, server_default="1")
    # Since when their mail server says that it knows no such address; empty again once a mail got through.
    mail_failed_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]

    skills: Mapped[list[PersonSkill]] = relationship(
        back_populates="person", cascade="all, delete-orphan", order_by="PersonSkill.skill"
    )
    free_times: Mapped[list[PersonTime]] = relationship(back_populates="person", cascade="all, delete-orphan")

    # What flask-login asks of a user, kept free of Flask.
    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """False while suspended or held: no session opens, every session that was open ends."""
        return self.status == "active"

    @property
    def is_moderator(self) -> bool:
        """True for the platform's moderators and administrators, while active."""
        return self.is_active and self.platform_role in ("moderator", "administrator")

    @property
    def is_email_verified(self) -> bool:
        """True once the person followed a link sent to this address (or an operator vouched for it)."""
        return self.email_verified_at is not None

    @property
    def has_mailbox(self) -> bool:
        """False for somebody the staff wrote down without an address: no mail is sent to them."""
        return not self.email.endswith(NO_MAILBOX)

    def get_id(self) -> str:
        """What the session cookie holds: the person and the epoch it was issued in."""
        return f"{encode_id(self.id)}.{self.session_epoch}"

    @property
    def availability(self) -> list[str]:
        """When in the week they usually have time (words of accounts.availability), Monday morning first. Shown to nobody
        but themselves."""
        own = {free.slot for free in self.free_times}
        return [time for time in TIMES if time in own]


class PersonSkill(Base):
    """A skill (a slug of accounts.skills) that a person says they have."""

    __tablename__ = "person_skill"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    skill: Mapped[str] = mapped_column(sa.String(40), primary_key=True)

    person: Mapped[Person] = relationship(back_populates="skills")


class PersonTime(Base):
    """A part of the week (a word of accounts.availability) in which a person usually has time."""

    __tablename__ = "person_time"
    __table_args__ = (sa.CheckConstraint(f"slot IN {TIMES}", name="slot"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[str] = mapped_column(sa.String(24), primary_key=True)

    person: Mapped[Person] = relationship(back_populates="free_times")


class ApiToken(HasId, Base):
    """A bearer token of the API; only its hash is kept."""

    __tablename__ = "api_token"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(80), default="", server_default="")
    scopes: Mapped[list[str]] = mapped_column(sa.JSON)
    created_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]


class CalendarFeed(Base):
    """The secret of a person's private calendar address: another one makes the old address dead. What the address
    carries is derived from it with a key that the database does not hold."""

    __tablename__ = "calendar_feed"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[dt.datetime]


class LinkToken(HasId, Base):
    """A link sent by mail: one purpose, used once, revocable, kept as a hash."""

    __tablename__ = "link_token"
    __table_args__ = (sa.CheckConstraint(f"purpose IN {LINK_PURPOSES}", name="purpose"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(sa.String(32))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # The address the link was sent to: a link must not verify an address it never reached.
    email: Mapped[str] = mapped_column(sa.String(254))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Throttle(Base):
    """How often something was tried in the current window, by a keyed hash of whom or where (never the value itself)."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    window_started_at: Mapped[dt.datetime]
    count: Mapped[int]
