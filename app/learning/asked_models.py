"""The table of what people asked to have checked. Its own file: nobody reads it but the queue of moderators."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, HasId
from app.learning.models import Question

ASKED_STATUSES = ("open", "taken", "answered", "declined", "merged")


class AskedClaim(HasId, Base):
    """A claim that somebody saw and asks about: in their own words, never on a public page. What they asked is answered by a
    question of the learn pages."""

    __tablename__ = "asked_claim"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {ASKED_STATUSES}", name="status"),
        sa.CheckConstraint("(status = 'answered') = (question_id IS NOT NULL)", name="answered"),
        sa.CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name="merged"),
        sa.CheckConstraint("(status = 'declined') = (decline_code <> '')", name="declined"),
        sa.CheckConstraint("status <> 'taken' OR taken_by_id IS NOT NULL", name="taken"),
        sa.CheckConstraint("merged_into_id IS NULL OR merged_into_id <> id", name="not_into_itself"),
        sa.Index("ix_asked_claim_status_created_at", "status", "created_at"),
    )

    status: Mapped[str] = mapped_column(sa.String(16), default="open", server_default="open")
    # "" once it was erased.
    text: Mapped[str] = mapped_column(sa.String(600))
    seen_where: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    created_at: Mapped[dt.datetime]
    # Who is told of the answer: a person of ours, or an address that its owner confirms, kept until it was told.
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    email: Mapped[str | None] = mapped_column(sa.String(254))
    email_confirmed_at: Mapped[dt.datetime | None]
    locale: Mapped[str | None] = mapped_column(sa.String(16))
    taken_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    decided_at: Mapped[dt.datetime | None]
    question_id: Mapped[int | None] = mapped_column(sa.ForeignKey("question.id"), index=True)
    # Of learning.asking.DECLINED, and a sentence of the moderator's own for whoever asked.
    decline_code: Mapped[str] = mapped_column(sa.String(32), default="", server_default="")
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("asked_claim.id"), index=True)

    asked_by: Mapped[Person | None] = relationship(foreign_keys=[asked_by_id])
    taken_by: Mapped[Person | None] = relationship(foreign_keys=[taken_by_id])
    question: Mapped[Question | None] = relationship()
    merged_into: Mapped[AskedClaim | None] = relationship(remote_side="AskedClaim.id")
