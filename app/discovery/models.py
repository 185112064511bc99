"""Tables of who follows what, and of requests that wait for their address to say yes."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, HasId
from app.fundraisers.models import Fundraiser
from app.learning.models import Topic
from app.organizations.models import Organization

FREQUENCIES = ("daily", "weekly")
FOLLOW_STATUSES = ("following", "stopped")
# Who ended it: the follower, or the mail server that knows no such address.
ENDED_BY = ("", "follower", "delivery")
REQUEST_STATUSES = ("waiting", "confirmed", "replaced")
ONE_SUBJECT = (
    "(CASE WHEN organization_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN topic_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN fundraiser_id IS NULL THEN 0 ELSE 1 END) = 1"
)


class Follower(HasId, Base):
    """Whose follows these are: somebody with an account, or an address alone."""

    __tablename__ = "follower"
    __table_args__ = (
        sa.CheckConstraint("(person_id IS NULL) <> (email IS NULL)", name="person_or_email"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint("failures >= 0", name="failures"),
    )

    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), unique=True)
    email: Mapped[str | None] = mapped_column(sa.String(254), unique=True)
    # The language of whoever has no account; a person's is on their profile.
    locale: Mapped[str | None] = mapped_column(sa.String(16))
    # On whose clock it is morning, as long as no profile says it.
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    # How many digests in a row did not arrive.
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[dt.datetime]

    person: Mapped[Person | None] = relationship()


class Follow(HasId, Base):
    """One follower hears of one organization or topic. A stopped one is kept for a while, so that it can be taken up again."""

    __tablename__ = "follow"
    __table_args__ = (
        sa.CheckConstraint(ONE_SUBJECT, name="one_subject"),
        sa.CheckConstraint(f"frequency IN {FREQUENCIES}", name="frequency"),
        sa.CheckConstraint(f"status IN {FOLLOW_STATUSES}", name="status"),
        sa.CheckConstraint(f"ended_by IN {ENDED_BY}", name="ended_by"),
        sa.CheckConstraint("(status = 'following') = (next_at IS NOT NULL)", name="next_at"),
        sa.CheckConstraint("(status = 'following') = (ended_at IS NULL)", name="ended_at"),
        sa.UniqueConstraint("follower_id", "organization_id"),
        sa.UniqueConstraint("follower_id", "topic_id"),
        sa.UniqueConstraint("follower_id", "fundraiser_id"),
        sa.Index(
            "ix_follow_due",
            "next_at",
            sqlite_where=sa.text("status = 'following'"),
            postgresql_where=sa.text("status = 'following'"),
        ),
    )

    follower_id: Mapped[int] = mapped_column(sa.ForeignKey("follower.id", ondelete="CASCADE"))
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    topic_id: Mapped[int | None] = mapped_column(sa.ForeignKey("topic.id"), index=True)
    fundraiser_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fundraiser.id"), index=True)
    frequency: Mapped[str] = mapped_column(sa.String(8))
    status: Mapped[str] = mapped_column(sa.String(16), default="following", server_default="following")
    # When the follower said yes, last.
    followed_at: Mapped[dt.datetime]
    # News up to then has been told, or was there before they followed.
    told_until: Mapped[dt.datetime]
    # The morning of the next digest it may be part of; None once it is stopped.
    next_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    ended_by: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")
    # The organization they chose, which is part of this one now: the next digest says so.
    carried_from_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    # The fundraiser they chose, which has ended: from then on they follow its organization, and the next digest says so.
    handed_from_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fundraiser.id"), index=True)

    follower: Mapped[Follower] = relationship()
    organization: Mapped[Organization | None] = relationship(foreign_keys=[organization_id])
    topic: Mapped[Topic | None] = relationship()
    fundraiser: Mapped[Fundraiser | None] = relationship(foreign_keys=[fundraiser_id])
    handed_from: Mapped[Fundraiser | None] = relationship(foreign_keys=[handed_from_id])
    carried_from: Mapped[Organization | None] = relationship(foreign_keys=[carried_from_id])


class FollowRequest(HasId, Base):
    """Somebody typed an address; whoever reads its mail says yes, or nothing follows. What was typed is kept no longer."""

    __tablename__ = "follow_request"
    __table_args__ = (
        sa.CheckConstraint(ONE_SUBJECT, name="one_subject"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.CheckConstraint(f"frequency IN {FREQUENCIES}", name="frequency"),
        sa.CheckConstraint(f"status IN {REQUEST_STATUSES}", name="status"),
        sa.CheckConstraint("(status = 'waiting') = (email <> '')", name="kept_while_waiting"),
        sa.Index("ix_follow_request_email", "email"),
    )

    # "" once it is answered.
    email: Mapped[str] = mapped_column(sa.String(254))
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    topic_id: Mapped[int | None] = mapped_column(sa.ForeignKey("topic.id"), index=True)
    fundraiser_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fundraiser.id"), index=True)
    frequency: Mapped[str] = mapped_column(sa.String(8))
    locale: Mapped[str | None] = mapped_column(sa.String(16))
    status: Mapped[str] = mapped_column(sa.String(16), default="waiting", server_default="waiting")
    # What it became, as long as that is kept.
    follow_id: Mapped[int | None] = mapped_column(sa.ForeignKey("follow.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]

    organization: Mapped[Organization | None] = relationship()
    topic: Mapped[Topic | None] = relationship()
    fundraiser: Mapped[Fundraiser | None] = relationship()
    follow: Mapped[Follow | None] = relationship()
