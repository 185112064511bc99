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


class Fundraiser(HasId, Base):
    """A page that raises money. `goal_minor` is in minor units of `currency` (F1)."""

    __tablename__ = "fundraiser"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {FUNDRAISER_STATUSES}", name="status"),
        sa.CheckConstraint("goal_minor > 0", name="goal_positive"),
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
