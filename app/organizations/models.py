"""Tables of organizations and of who belongs to them."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, HasId

ROLES = ("owner", "manager", "coordinator", "viewer")
ORGANIZATION_STATUSES = ("active", "suspended", "merged")
INVITATION_STATUSES = ("waiting", "accepted", "declined", "withdrawn")
# Close to the start of a shift a place that comes free goes to the first who takes it (S5): so many hours before it.
FIRST_COME_HOURS = 12
FIRST_COME_CHOICES = (0, 2, 6, 12, 24, 48)
CLAIM_STATUSES = ("waiting", "granted", "declined")
DECISIONS = (
    "verified",
    "declined",
    "withdrawn",
    "suspended",
    "resumed",
    # The level at which it may ask people to contact with children or adults at risk takes two (G3).
    "contact_proposed",
    "contact_granted",
    "contact_ended",
)


class Organization(HasId, Base):
    """An organization. It is shown to the public only while verified and active."""

    __tablename__ = "organization"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {ORGANIZATION_STATUSES}", name="status"),
        sa.CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into"),
        sa.CheckConstraint("first_come_hours BETWEEN 0 AND 48", name="first_come_hours"),
    )

    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    name: Mapped[str] = mapped_column(sa.String(160))
    # Name in folded form, for finding the same organization again in an import.
    name_key: Mapped[str] = mapped_column(sa.String(160), index=True)
    description: Mapped[str] = mapped_column(default="", server_default="")
    website: Mapped[str | None] = mapped_column(sa.String(300))
    # Words of organizations.causes.
    causes: Mapped[list[str]] = mapped_column(sa.JSON, default=list, server_default="[]")
    country: Mapped[str] = mapped_column(sa.String(2))
    currency: Mapped[str] = mapped_column(sa.String(3))
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    city: Mapped[str | None] = mapped_column(sa.String(120))
    region: Mapped[str | None] = mapped_column(sa.String(120))
    status: Mapped[str] = mapped_column(sa.String(16), default="active", server_default="active")
    verified_at: Mapped[dt.datetime | None]
    # None: made by an import and nobody has claimed it; sign-up, pledge and fundraiser stay closed.
    claimed_at: Mapped[dt.datetime | None]
    # The one it was found to be a duplicate of: everything of it is there, and this row only leads on.
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    # Somebody of its staff does not want to be shown any more what to do first.
    first_steps_hidden: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    auto_approve_fundraisers: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # What becomes of money beyond a fundraiser's goal, in the organization's words; "" is the common rule.
    overflow_rule: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    first_come_hours: Mapped[int] = mapped_column(default=FIRST_COME_HOURS, server_default=str(FIRST_COME_HOURS))
    created_at: Mapped[dt.datetime]
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    logo: Mapped[Logo | None] = relationship(back_populates="organization")

    @property
    def is_public(self) -> bool:
        """True while the public may see it: verified, not suspended and not part of another (N1)."""
        return self.verified_at is not None and self.status == "active"

    @property
    def place(self) -> str:
        """Where it is as it is written: town and state or province, as far as they are said."""
        return ", ".join(part for part in (self.city, self.region) if part)

    @property
    def is_claimed(self) -> bool:
        """True once a person of the organization stands behind it; only then can anything be promised to it."""
        return self.claimed_at is not None


class Logo(Base):
    """An organization's picture, as core.pictures drew it anew (G8). Shown to whoever may see the organization."""

    __tablename__ = "logo"

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    # Only the route that sends the picture asks for it.
    content: Mapped[bytes] = mapped_column(deferred=True, deferred_raiseload=True)
    # Of the content; it is in the picture's address, so that a new picture has a new one.
    digest: Mapped[str] = mapped_column(sa.String(32))
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship(back_populates="logo")


class Membership(Base):
    """One person's role in one organization."""

    __tablename__ = "membership"
    __table_args__ = (
        sa.CheckConstraint(f"role IN {ROLES}", name="role"),
        sa.CheckConstraint("all_needs OR role = 'coordinator'", name="all_needs"),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(sa.String(16))
    # False for a coordinator of those needs alone that `need_assignment` names; later ones are none of theirs either.
    all_needs: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    created_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship()
    person: Mapped[Person] = relationship()


class Invitation(HasId, Base):
    """Somebody is asked, at an email address, to take a role in an organization. Only who proves that address takes it,
    and only while whoever asked last may still give that role. It waits until it is answered, withdrawn or too old."""

    __tablename__ = "invitation"
    __table_args__ = (
        sa.CheckConstraint(f"role IN {ROLES}", name="role"),
        sa.CheckConstraint(f"status IN {INVITATION_STATUSES}", name="status"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("all_needs OR role = 'coordinator'", name="all_needs"),
        sa.Index(
            "uq_invitation_waiting",
            "organization_id",
            "email",
            unique=True,
            sqlite_where=sa.text("status = 'waiting'"),
            postgresql_where=sa.text("status = 'waiting'"),
        ),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    role: Mapped[str] = mapped_column(sa.String(16))
    # What the membership will say of it.
    all_needs: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    # Whoever sent it last: it holds as long as they may give the role.
    invited_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    status: Mapped[str] = mapped_column(sa.String(16), default="waiting", server_default="waiting")
    # How often it was sent: each sending has a link of its own, and only the latest works.
    sendings: Mapped[int] = mapped_column(default=1, server_default="1")
    token_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    answered_at: Mapped[dt.datetime | None]
    # Since when the mail of the present sending is known not to have arrived; whoever asked has to ask otherwise.
    mail_failed_at: Mapped[dt.datetime | None]

    organization: Mapped[Organization] = relationship()
    invited_by: Mapped[Person] = relationship()


class Location(HasId, Base):
    """A place the organization works from. `private` keeps the street for those who need it (N6)."""

    __tablename__ = "location"

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    address: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    city: Mapped[str] = mapped_column(sa.String(120))
    region: Mapped[str | None] = mapped_column(sa.String(120))
    postal_code: Mapped[str | None] = mapped_column(sa.String(16))
    country: Mapped[str] = mapped_column(sa.String(2))
    latitude: Mapped[float]
    longitude: Mapped[float]
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    private: Mapped[bool] = mapped_column(default=False, server_default=sa.false())

    organization: Mapped[Organization] = relationship()


class Verification(HasId, Base):
    """A moderator's decision about an organization, with what was checked. A new decision is a new row."""

    __tablename__ = "verification"
    __table_args__ = (sa.CheckConstraint(f"decision IN {DECISIONS}", name="decision"),)

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    # None: the operator's own recorded act on the command line.
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    decision: Mapped[str] = mapped_column(sa.String(16))
    checked: Mapped[str]
    decided_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship()


class DifferentOrganizations(Base):
    """A moderator looked at two organizations that look alike and found that they are two. The lower id comes first."""

    __tablename__ = "different_organizations"
    __table_args__ = (sa.CheckConstraint("first_id < second_id", name="order"),)

    first_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    second_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True, index=True)
    decided_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    decided_at: Mapped[dt.datetime]

    first: Mapped[Organization] = relationship(foreign_keys=[first_id])
    second: Mapped[Organization] = relationship(foreign_keys=[second_id])


class Claim(HasId, Base):
    """Somebody says they speak for an organization that an import made. It is proved by a link sent to a mailbox at the
    organization's own web domain, or decided by a moderator."""

    __tablename__ = "claim"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {CLAIM_STATUSES}", name="status"),
        sa.Index(
            "uq_claim_waiting",
            "organization_id",
            "person_id",
            unique=True,
            sqlite_where=sa.text("status = 'waiting'"),
            postgresql_where=sa.text("status = 'waiting'"),
        ),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    # Where the link goes; None when a moderator is to decide.
    mailbox: Mapped[str | None] = mapped_column(sa.String(254))
    token_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    evidence: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str] = mapped_column(sa.String(16), default="waiting", server_default="waiting")
    created_at: Mapped[dt.datetime]
    # What was checked, or why not; the claimant reads it.
    reason: Mapped[str] = mapped_column(default="", server_default="")
    decided_at: Mapped[dt.datetime | None]
    # None with a decision: somebody at the mailbox.
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    organization: Mapped[Organization] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
