"""Tables of courses. What was published stays as it is: whoever passed, passed that."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, HasId
from app.organizations.models import Organization

VERSION_STATUSES = ("draft", "published")


class Course(HasId, Base):
    """A course by its slug, whose latest published version is taken. `counts_from`: completions of earlier versions do not
    count any more. Retired, nobody begins it; completions count until they end."""

    __tablename__ = "course"

    slug: Mapped[str] = mapped_column(sa.String(40), unique=True)
    counts_from: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[dt.datetime]
    retired_at: Mapped[dt.datetime | None]

    @property
    def level(self) -> str:
        """The level of training that a completion is, as a requirement names it."""
        return level_of(self.slug)


def level_of(slug: str) -> str:
    """The level of training of the course with this slug."""
    return slug.replace("-", "_")


class CourseVersion(HasId, Base):
    """One version: what it says, who wrote it when, what share of the answers must be right (percent), and for how many
    months a completion holds. `asks_again`: since it was published, completions of earlier ones do not count."""

    __tablename__ = "course_version"
    __table_args__ = (
        sa.UniqueConstraint("course_id", "number"),
        sa.CheckConstraint(f"status IN {VERSION_STATUSES}", name="status"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("pass_mark BETWEEN 1 AND 100", name="pass_mark"),
        sa.CheckConstraint("validity_months BETWEEN 1 AND 24", name="validity"),
        sa.CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="published"),
    )

    course_id: Mapped[int] = mapped_column(sa.ForeignKey("course.id"))
    number: Mapped[int]
    status: Mapped[str] = mapped_column(sa.String(16), default="draft", server_default="draft")
    title: Mapped[str] = mapped_column(sa.String(80))
    summary: Mapped[str] = mapped_column(sa.String(300))
    audience: Mapped[str] = mapped_column(sa.String(300))
    minutes: Mapped[int]
    pass_mark: Mapped[int]
    validity_months: Mapped[int]
    # When the text was written or last compared, by whom, and how far its sources were read.
    checked_on: Mapped[dt.date]
    checked_by: Mapped[str] = mapped_column(sa.String(120))
    note: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    asks_again: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # Of all that it says: the same number is never stored with other words.
    digest: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[dt.datetime]
    published_at: Mapped[dt.datetime | None]
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    course: Mapped[Course] = relationship()
    lessons: Mapped[list[Lesson]] = relationship(order_by="Lesson.position", viewonly=True)
    sources: Mapped[list[CourseSource]] = relationship(order_by="CourseSource.position", viewonly=True)


class CourseSource(HasId, Base):
    """A public document that a version rests on, and what was taken from it (in words of ours)."""

    __tablename__ = "course_source"
    __table_args__ = (sa.UniqueConstraint("version_id", "position"),)

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("course_version.id"))
    position: Mapped[int]
    publisher: Mapped[str] = mapped_column(sa.String(160))
    title: Mapped[str] = mapped_column(sa.String(200))
    year: Mapped[int]
    taken: Mapped[str] = mapped_column(sa.String(300))


class Lesson(HasId, Base):
    """One page to read, in Markdown, and the questions about it."""

    __tablename__ = "lesson"
    __table_args__ = (sa.UniqueConstraint("version_id", "position"),)

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("course_version.id"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(80))
    body: Mapped[str]

    questions: Mapped[list[LessonQuestion]] = relationship(order_by="LessonQuestion.position", viewonly=True)
    sources: Mapped[list[CourseSource]] = relationship(
        secondary="lesson_source", order_by="CourseSource.position", viewonly=True
    )


class LessonSource(Base):
    """A lesson rests on this source of its version."""

    __tablename__ = "lesson_source"

    lesson_id: Mapped[int] = mapped_column(sa.ForeignKey("lesson.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("course_source.id"), primary_key=True)


class LessonQuestion(HasId, Base):
    """A question about a lesson, and why its right answer is right: told after it was answered."""

    __tablename__ = "lesson_question"
    __table_args__ = (sa.UniqueConstraint("lesson_id", "position"),)

    lesson_id: Mapped[int] = mapped_column(sa.ForeignKey("lesson.id"))
    position: Mapped[int]
    text: Mapped[str] = mapped_column(sa.String(400))
    explanation: Mapped[str] = mapped_column(sa.String(600))

    options: Mapped[list[LessonOption]] = relationship(order_by="LessonOption.position", viewonly=True)


class LessonOption(HasId, Base):
    """An answer to choose. At most one of a question is right (the loader refuses a question without one)."""

    __tablename__ = "lesson_option"
    __table_args__ = (
        sa.UniqueConstraint("question_id", "position"),
        sa.Index(
            "uq_lesson_option_right",
            "question_id",
            unique=True,
            sqlite_where=sa.text("is_right"),
            postgresql_where=sa.text("is_right"),
        ),
    )

    question_id: Mapped[int] = mapped_column(sa.ForeignKey("lesson_question.id"))
    position: Mapped[int]
    text: Mapped[str] = mapped_column(sa.String(300))
    is_right: Mapped[bool] = mapped_column(default=False, server_default=sa.false())


class CourseAttempt(HasId, Base):
    """One person's way through the questions of a version; one is open at a time. A passed one is a completion.

    `came_for_id` and `came_from`: the organization whose shift led here, and the page to go back to.
    """

    __tablename__ = "course_attempt"
    __table_args__ = (
        sa.CheckConstraint("passed = false OR finished_at IS NOT NULL", name="passed"),
        sa.Index(
            "uq_course_attempt_open",
            "person_id",
            "course_id",
            unique=True,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        ),
        sa.Index("ix_course_attempt_person_id_course_id", "person_id", "course_id"),
    )

    course_id: Mapped[int] = mapped_column(sa.ForeignKey("course.id"))
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("course_version.id"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    started_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    asked_count: Mapped[int] = mapped_column(default=0, server_default="0")
    right_count: Mapped[int] = mapped_column(default=0, server_default="0")
    passed: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    came_for_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    came_from: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")

    version: Mapped[CourseVersion] = relationship()
    came_for: Mapped[Organization | None] = relationship()


class CourseAnswer(Base):
    """What was chosen, once in an attempt."""

    __tablename__ = "course_answer"

    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("course_attempt.id", ondelete="CASCADE"), primary_key=True)
    question_id: Mapped[int] = mapped_column(sa.ForeignKey("lesson_question.id"), primary_key=True)
    option_id: Mapped[int] = mapped_column(sa.ForeignKey("lesson_option.id"))
