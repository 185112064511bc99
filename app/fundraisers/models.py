"""The table of fundraisers."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, BigInt, HasId
from app.needs.models import Need
from app.organizations.models import Organization

FUNDRAISER_STATUSES = ("awaiting_approval", "live", "declined", "ended")
# What a goal counts: money, how many give, or how many of a thing the money buys.
GOAL_KINDS = ("money", "donors", "items")


class Fundraiser(HasId, Base):
    """A page that raises money. `goal_minor` is in minor units of `currency` (F1); where donors are the goal it is a sum that
    is hoped for besides, or 0 for none (see goals.py)."""

    __tablename__ = "fundraiser"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {FUNDRAISER_STATUSES}", name="status"),
        sa.CheckConstraint("goal_minor > 0 OR (goal_minor = 0 AND goal_kind = 'donors')", name="goal_positive"),
        sa.CheckConstraint(f"goal_kind IN {GOAL_KINDS}", name="goal_kind"),
        sa.CheckConstraint("(goal_kind = 'donors') = (goal_donors IS NOT NULL)", name="goal_of_donors"),
        sa.CheckConstraint("(goal_kind = 'items') = (item_minor IS NOT NULL)", name="goal_of_items"),
        sa.CheckConstraint("goal_donors > 0", name="goal_donors_positive"),
        sa.CheckConstraint("item_minor > 0", name="item_price_positive"),
        # A member's page is no team's, and a team is not part of another.
        sa.CheckConstraint("NOT (is_team AND team_id IS NOT NULL)", name="one_level"),
        # The public list: newest first.
        sa.Index("ix_fundraiser_status_created_at", "status", "created_at", "id"),
    )

    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    need_id: Mapped[int | None] = mapped_column(sa.ForeignKey("need.id"), index=True)
    started_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    story: Mapped[str]
    goal_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))
    # Up to four amounts to choose from when giving, in minor units of `currency`; empty: the usual ones.
    suggested_minor: Mapped[list[int]] = mapped_column(sa.JSON, default=list, server_default="[]")
    ends_on: Mapped[dt.date | None]
    # The organization speaks, not the person who typed it.
    by_organization: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # A team's page, which others join with pages of their own; whoever started it, or was handed it, is its captain.
    is_team: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # The team this page is part of now. A gift stays with the team it was begun for (donation.team_id).
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fundraiser.id"), index=True)
    goal_kind: Mapped[str] = mapped_column(sa.String(8), default="money", server_default="money")
    goal_donors: Mapped[int | None]
    # The thing that the money buys, and what one costs in minor units.
    item_name: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    item_minor: Mapped[int | None] = mapped_column(BigInt)
    # Whether the largest gifts, and the pages of a team by what they raised, are listed.
    leaderboard: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    # The highest of 25, 50, 75 and 100 % that the starter was told of.
    milestone: Mapped[int] = mapped_column(default=0, server_default="0")
    # The starter chose to be named; otherwise the public reads "a supporter" (G6).
    show_starter: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    status: Mapped[str] = mapped_column(sa.String(20), default="awaiting_approval")
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    decided_at: Mapped[dt.datetime | None]
    declined_reason: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    # Thanks, and what came of the money, in Markdown: shown once the page has ended.
    outcome: Mapped[str] = mapped_column(default="", server_default="")
    ended_at: Mapped[dt.datetime | None]
    # When what was paid first reached the goal, whatever the goal became later: its starter is told once.
    goal_reached_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    # When title or story changed last, so that staff see what they have not read yet.
    edited_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    organization: Mapped[Organization] = relationship()
    need: Mapped[Need | None] = relationship()
    started_by: Mapped[Person] = relationship(foreign_keys=[started_by_id])
    team: Mapped[Fundraiser | None] = relationship(remote_side="Fundraiser.id")

    @property
    def changed_since_read(self) -> bool:
        """True when it is live with a title, a story or pictures that its organization has not read."""
        read_at = self.decided_at
        return self.status == "live" and self.edited_at is not None and (read_at is None or self.edited_at > read_at)


class FundraiserUpdate(HasId, Base):
    """News of a fundraiser, in Markdown: on its page, and in the mail of whoever follows it."""

    __tablename__ = "fundraiser_update"
    __table_args__ = (sa.Index("ix_fundraiser_update_fundraiser_id_created_at", "fundraiser_id", "created_at", "id"),)

    fundraiser_id: Mapped[int] = mapped_column(sa.ForeignKey("fundraiser.id"))
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    body: Mapped[str]
    created_at: Mapped[dt.datetime]
    # Taken back: nobody reads it any more.
    withdrawn_at: Mapped[dt.datetime | None]

    fundraiser: Mapped[Fundraiser] = relationship()


class FundraiserPicture(HasId, Base):
    """A picture of a fundraiser's page, as core.pictures drew it anew (G8). One that shows children who can be recognized
    has a consent; withdrawn, the picture and what was noted of the consent are gone, and that it was withdrawn stays."""

    __tablename__ = "fundraiser_picture"
    __table_args__ = (
        sa.CheckConstraint("NOT shows_children OR consent_at IS NOT NULL", name="children_with_consent"),
        sa.CheckConstraint("(removed_at IS NULL) = (content IS NOT NULL)", name="gone_when_removed"),
        sa.Index("ix_fundraiser_picture_fundraiser_id_digest", "fundraiser_id", "digest"),
    )

    fundraiser_id: Mapped[int] = mapped_column(sa.ForeignKey("fundraiser.id"))
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    # Only the route that sends the picture asks for it.
    content: Mapped[bytes | None] = mapped_column(deferred=True, deferred_raiseload=True)
    digest: Mapped[str] = mapped_column(sa.String(32))
    width: Mapped[int]
    height: Mapped[int]
    # What is to be seen, for whoever does not see it.
    alt: Mapped[str] = mapped_column(sa.String(200))
    shows_children: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # Who agreed and how; for the organization's staff alone.
    consent: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    consent_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    removed_at: Mapped[dt.datetime | None]
    consent_withdrawn: Mapped[bool] = mapped_column(default=False, server_default=sa.false())

    fundraiser: Mapped[Fundraiser] = relationship()


class MatchingGift(HasId, Base):
    """A sponsor's promise to give as much as is given to a fundraiser, up to `cap_minor` and within its days (in the zone of
    the organization). `claimed_minor` is what gifts have claimed of it, changed in the claim's own statement."""

    __tablename__ = "matching_gift"
    __table_args__ = (
        sa.CheckConstraint("cap_minor > 0", name="cap_positive"),
        sa.CheckConstraint("claimed_minor >= 0 AND claimed_minor <= cap_minor", name="claimed_within_cap"),
        sa.CheckConstraint("paid_minor >= 0", name="paid_not_negative"),
        sa.CheckConstraint("ends_on >= starts_on", name="days_in_order"),
    )

    fundraiser_id: Mapped[int] = mapped_column(sa.ForeignKey("fundraiser.id"), index=True)
    sponsor: Mapped[str] = mapped_column(sa.String(120))
    cap_minor: Mapped[int] = mapped_column(BigInt)
    currency: Mapped[str] = mapped_column(sa.String(3))
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    claimed_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    # What the sponsor has paid of it, as staff recorded.
    paid_minor: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    created_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    created_at: Mapped[dt.datetime]
    # Ended by staff before its last day: what was claimed stays promised.
    ended_at: Mapped[dt.datetime | None]

    fundraiser: Mapped[Fundraiser] = relationship()
