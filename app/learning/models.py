"""Tables of what can be learned: topics, articles, facts with their sources, questions, and what each said before."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import Base, BigInt, HasId

ARTICLE_STATUSES = ("draft", "published", "withdrawn")
FACT_STATUSES = ("verified", "contested", "withdrawn")
AUDIENCES = ("everyone", "supporters", "organizations", "parents")
KINDS = ("article", "fact", "question")
# A page whose sources nobody checked for longer says so (L1).
FRESH_FOR = dt.timedelta(days=365)


class Topic(HasId, Base):
    """What articles, facts and questions are about."""

    __tablename__ = "topic"

    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    summary: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    # The order in which topics are shown.
    position: Mapped[int] = mapped_column(default=0, server_default="0")


class Kept(HasId):
    """What an article, a fact and a question have in common."""

    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    topic_id: Mapped[int] = mapped_column(sa.ForeignKey("topic.id"), index=True)
    status: Mapped[str] = mapped_column(sa.String(16))
    # It speaks of abuse or disaster: read with care, and shared after a pause.
    sensitive: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # The day on which somebody last looked at its sources, and who, in words the public reads.
    checked_on: Mapped[dt.date]
    checked_by: Mapped[str] = mapped_column(sa.String(160))
    withdrawn_at: Mapped[dt.datetime | None]
    withdrawn_because: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    updated_at: Mapped[dt.datetime]
    # Rises with each revision.
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    @property
    def sources_checked_on(self) -> dt.date:
        """The day since which every source of its own has been checked."""
        return self.checked_on

    @property
    def is_stale(self) -> bool:
        """True when its sources were not checked within a year (L1)."""
        return today("UTC") - self.sources_checked_on > FRESH_FOR


class Article(Kept, Base):
    """A text of a few hundred words. `body` and `left_out` are Markdown with the marks of learning.marks."""

    __tablename__ = "article"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {ARTICLE_STATUSES}", name="status"),
        sa.CheckConstraint(f"audience IN {AUDIENCES}", name="audience"),
        sa.CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
        sa.CheckConstraint("status = 'draft' OR published_at IS NOT NULL", name="published"),
    )

    title: Mapped[str] = mapped_column(sa.String(160))
    summary: Mapped[str] = mapped_column(sa.String(400))
    body: Mapped[str]
    # "What we left out, and why"; "" when there is nothing to say.
    left_out: Mapped[str] = mapped_column(default="", server_default="")
    audience: Mapped[str] = mapped_column(sa.String(16), default="everyone", server_default="everyone")
    published_at: Mapped[dt.datetime | None]
    # The one to read instead of it, once it is withdrawn.
    replaced_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("article.id"))

    topic: Mapped[Topic] = relationship()
    replaced_by: Mapped[Article | None] = relationship(remote_side="Article.id")


class Fact(Kept, Base):
    """One claim, how well it is known, and its sources (L1)."""

    __tablename__ = "fact"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {FACT_STATUSES}", name="status"),
        sa.CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
    )

    claim: Mapped[str] = mapped_column(sa.String(500))
    # How well it is known, in a sentence or two.
    note: Mapped[str] = mapped_column(sa.String(600), default="", server_default="")
    replaced_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fact.id"))

    topic: Mapped[Topic] = relationship()
    replaced_by: Mapped[Fact | None] = relationship(remote_side="Fact.id")
    sources: Mapped[list[FactSource]] = relationship(
        back_populates="fact", order_by="FactSource.position", cascade="all, delete-orphan"
    )

    @property
    def sources_checked_on(self) -> dt.date:
        """The day since which every source has been checked: of its sources the one that was looked at least lately says it,
        as each says its own day beside it."""
        return min((source.checked_on for source in self.sources), default=self.checked_on)


class FactSource(HasId, Base):
    """Where a fact was read."""

    __tablename__ = "fact_source"
    __table_args__ = (sa.UniqueConstraint("fact_id", "position"),)

    fact_id: Mapped[int] = mapped_column(sa.ForeignKey("fact.id"))
    position: Mapped[int]
    publisher: Mapped[str] = mapped_column(sa.String(160))
    title: Mapped[str] = mapped_column(sa.String(300))
    # When it was published; None where the document does not say.
    year: Mapped[int | None]
    url: Mapped[str] = mapped_column(sa.String(500))
    # The page, section or paragraph.
    page: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    # The document itself: the statute, the study, the body's own count.
    primary: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    checked_on: Mapped[dt.date]

    fact: Mapped[Fact] = relationship(back_populates="sources")


class Question(Kept, Base):
    """A question people ask, with an answer in Markdown; its sources are those of the facts that it cites."""

    __tablename__ = "question"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {ARTICLE_STATUSES}", name="status"),
        sa.CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
    )

    question: Mapped[str] = mapped_column(sa.String(300))
    answer: Mapped[str]
    replaced_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("question.id"))

    topic: Mapped[Topic] = relationship()
    replaced_by: Mapped[Question | None] = relationship(remote_side="Question.id")


class Citation(Base):
    """An article or a question rests on a fact: computed from its text whenever that is saved."""

    __tablename__ = "citation"

    fact_id: Mapped[int] = mapped_column(sa.ForeignKey("fact.id"), primary_key=True)
    # Of an article or a question; ids are random, so one number never means two things.
    subject_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False, index=True)


class Revision(HasId, Base):
    """What an article, a fact or a question said from `at` on, whole, and why it was changed."""

    __tablename__ = "revision"
    __table_args__ = (
        sa.CheckConstraint(f"subject_type IN {KINDS}", name="subject_type"),
        sa.UniqueConstraint("subject_id", "version"),
    )

    subject_type: Mapped[str] = mapped_column(sa.String(16))
    subject_id: Mapped[int] = mapped_column(BigInt)
    version: Mapped[int]
    snapshot: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    # None: it came with the application.
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    at: Mapped[dt.datetime]
    reason: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")

    by: Mapped[Person | None] = relationship()


class SignpostCheck(HasId, Base):
    """A moderator looked at a service's own page on that day; the latest counts."""

    __tablename__ = "signpost_check"
    __table_args__ = (sa.Index("ix_signpost_check_key_checked_on", "key", "checked_on"),)

    # Of app/learning/data/signposts.toml.
    key: Mapped[str] = mapped_column(sa.String(60))
    checked_on: Mapped[dt.date]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    at: Mapped[dt.datetime]
