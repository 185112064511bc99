"""Reads of courses."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.core.db import db
from app.learning.courses.models import (
    Course,
    CourseAnswer,
    CourseAttempt,
    CourseVersion,
    Lesson,
    LessonOption,
    LessonQuestion,
    level_of,
)


@dataclasses.dataclass(frozen=True)
class Offered:
    """A course that can be taken now, by the version that is current."""

    slug: str
    title: str
    summary: str
    minutes: int
    number: int
    validity_months: int

    @property
    def level(self) -> str:
        """The level of training that completing it is."""
        return level_of(self.slug)


def _current() -> sa.ColumnElement[bool]:
    """This version is the latest published one of its course."""
    latest = (
        sa.select(sa.func.max(CourseVersion.number))
        .where(CourseVersion.course_id == Course.id, CourseVersion.status == "published")
        .correlate(Course)
        .scalar_subquery()
    )
    return sa.and_(CourseVersion.status == "published", CourseVersion.number == latest)


def list_offered() -> list[Offered]:
    """Every course that can be taken, by title (at most two hundred), in one statement."""
    rows = db.session.execute(
        sa.select(
            Course.slug,
            CourseVersion.title,
            CourseVersion.summary,
            CourseVersion.minutes,
            CourseVersion.number,
            CourseVersion.validity_months,
        )
        .join(CourseVersion, CourseVersion.course_id == Course.id)
        .where(Course.retired_at.is_(None), _current())
        .order_by(CourseVersion.title, Course.slug)
        .limit(200)
    )
    return [Offered(*row) for row in rows]


def is_level(level: str) -> bool:
    """True when this level of training is a course of this site that was ever published."""
    found = sa.select(Course.id).join(CourseVersion, CourseVersion.course_id == Course.id)
    query = found.where(Course.slug == level.replace("_", "-"), CourseVersion.status == "published")
    return db.session.scalar(query.limit(1)) is not None


def find_course(slug: str) -> Course | None:
    """The course, in any state, or None."""
    return db.session.scalar(sa.select(Course).where(Course.slug == slug))


def _whole(query: sa.Select[CourseVersion]) -> sa.Select[CourseVersion]:
    return query.options(
        joinedload(CourseVersion.course),
        selectinload(CourseVersion.sources),
        selectinload(CourseVersion.lessons).selectinload(Lesson.sources),
        selectinload(CourseVersion.lessons).selectinload(Lesson.questions).selectinload(LessonQuestion.options),
    )


def find_current(slug: str) -> CourseVersion | None:
    """The version that is taken now, with all that it says; None for a course that is not offered."""
    query = sa.select(CourseVersion).join(Course, Course.id == CourseVersion.course_id)
    return db.session.scalar(_whole(query).where(Course.slug == slug, Course.retired_at.is_(None), _current()))


def find_version(version_id: int) -> CourseVersion | None:
    """The version in any state, with all that it says, or None."""
    return db.session.scalar(_whole(sa.select(CourseVersion)).where(CourseVersion.id == version_id))


def find_open_attempt(person_id: int, course_id: int) -> CourseAttempt | None:
    """What the person is in the middle of, or None."""
    query = sa.select(CourseAttempt).options(joinedload(CourseAttempt.came_for), joinedload(CourseAttempt.version))
    return db.session.scalar(
        query.where(
            CourseAttempt.person_id == person_id,
            CourseAttempt.course_id == course_id,
            CourseAttempt.finished_at.is_(None),
        )
    )


def find_last_attempt(person_id: int, course_id: int) -> CourseAttempt | None:
    """What the person finished last, passed or not, or None."""
    return db.session.scalar(
        sa.select(CourseAttempt)
        .options(joinedload(CourseAttempt.came_for), joinedload(CourseAttempt.version))
        .where(CourseAttempt.person_id == person_id, CourseAttempt.course_id == course_id)
        .where(CourseAttempt.finished_at.is_not(None))
        .order_by(CourseAttempt.finished_at.desc(), CourseAttempt.id)
        .limit(1)
    )


def list_open_attempts(person_id: int) -> Sequence[CourseAttempt]:
    """The courses a person is in the middle of, the latest first."""
    return db.session.scalars(
        sa.select(CourseAttempt)
        .options(joinedload(CourseAttempt.version).joinedload(CourseVersion.course))
        .join(Course, Course.id == CourseAttempt.course_id)
        .where(CourseAttempt.person_id == person_id, CourseAttempt.finished_at.is_(None), Course.retired_at.is_(None))
        .order_by(CourseAttempt.last_at.desc(), CourseAttempt.id)
        .limit(50)
    ).all()


def list_answers(attempt_id: int) -> dict[int, int]:
    """Question -> the option chosen."""
    rows = db.session.execute(
        sa.select(CourseAnswer.question_id, CourseAnswer.option_id).where(CourseAnswer.attempt_id == attempt_id)
    )
    return {row[0]: row[1] for row in rows}


def count_answered(attempt_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Of each attempt: how many lessons have all their questions answered, and how many lessons there are; one statement."""
    if not attempt_ids:
        return {}
    answered = sa.func.count(CourseAnswer.question_id)
    per_lesson = (
        sa.select(
            CourseAttempt.id.label("attempt_id"),
            sa.case((answered == sa.func.count(LessonQuestion.id), 1), else_=0).label("done"),
        )
        .join(Lesson, Lesson.version_id == CourseAttempt.version_id)
        .join(LessonQuestion, LessonQuestion.lesson_id == Lesson.id)
        .outerjoin(
            CourseAnswer,
            sa.and_(CourseAnswer.attempt_id == CourseAttempt.id, CourseAnswer.question_id == LessonQuestion.id),
        )
        .where(CourseAttempt.id.in_(attempt_ids))
        .group_by(CourseAttempt.id, Lesson.id)
        .subquery()
    )
    rows = db.session.execute(
        sa.select(per_lesson.c.attempt_id, sa.func.sum(per_lesson.c.done), sa.func.count()).group_by(
            per_lesson.c.attempt_id
        )
    )
    return {attempt: (int(done), lessons) for attempt, done, lessons in rows}


def in_order(attempt: CourseAttempt, things: Sequence[Any]) -> list[Any]:
    """Questions, or options of one, in the order of this attempt: another one in the next, the same at every look."""

    def place(thing: Any) -> bytes:
        return hashlib.sha256(f"{attempt.id}:{thing.id}".encode()).digest()

    return sorted(things, key=place)


@dataclasses.dataclass(frozen=True)
class VersionRow:
    """A version as moderators see it; `completions`: how often it was passed, `takers`: how many are in the middle of it."""

    version: CourseVersion
    completions: int
    takers: int
    lessons: int
    questions: int


def list_versions() -> list[VersionRow]:
    """Every version of every course, by slug, the latest first (at most five hundred)."""

    def count(*where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
        counted = sa.select(sa.func.count(CourseAttempt.id)).where(CourseAttempt.version_id == CourseVersion.id, *where)
        return counted.correlate(CourseVersion).scalar_subquery()

    lessons = sa.select(sa.func.count(Lesson.id)).where(Lesson.version_id == CourseVersion.id)
    questions = (
        sa.select(sa.func.count(LessonQuestion.id))
        .join(Lesson, Lesson.id == LessonQuestion.lesson_id)
        .where(Lesson.version_id == CourseVersion.id)
    )
    rows = db.session.execute(
        sa.select(
            CourseVersion,
            count(CourseAttempt.passed.is_(True)),
            count(CourseAttempt.finished_at.is_(None)),
            lessons.correlate(CourseVersion).scalar_subquery(),
            questions.correlate(CourseVersion).scalar_subquery(),
        )
        .join(Course, Course.id == CourseVersion.course_id)
        .options(joinedload(CourseVersion.course))
        .order_by(Course.slug, CourseVersion.number.desc())
        .limit(500)
    )
    return [VersionRow(*row) for row in rows]


def find_right(question_ids: Sequence[int]) -> dict[int, int]:
    """Question -> its right option. For judging, and for telling after it was answered."""
    rows = db.session.execute(
        sa.select(LessonOption.question_id, LessonOption.id).where(
            LessonOption.question_id.in_(question_ids), LessonOption.is_right.is_(True)
        )
    )
    return {row[0]: row[1] for row in rows}
