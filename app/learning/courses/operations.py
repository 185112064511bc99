"""Every write about courses: versions by the operator and moderators, attempts by whoever learns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.core.ids import new_id
from app.learning.courses.files import CourseFile
from app.learning.courses.models import (
    Course,
    CourseAnswer,
    CourseAttempt,
    CourseSource,
    CourseVersion,
    Lesson,
    LessonOption,
    LessonQuestion,
    LessonSource,
)
from app.learning.courses.queries import find_current, find_open_attempt, find_right, find_version, list_answers

# What nobody went on with is forgotten, and what was passed a year after the longest that it can hold.
KEPT_UNFINISHED = dt.timedelta(days=365)
KEPT_PASSED = dt.timedelta(days=3 * 366)


# --- versions -------------------------------------------------------------------------------------------------------


def store_version(read: CourseFile) -> tuple[CourseVersion, str]:
    """Keep a version as a draft: nobody takes it before it is published. Says besides "new", "changed" (a draft had other
    words) or "same".

    Raises Refused: `published` when that number says something else already, `older` when a higher one exists.
    """
    course = db.session.scalar(sa.select(Course).where(Course.slug == read.slug))
    if course is None:
        course = Course(slug=read.slug, counts_from=1, created_at=now())
        db.session.add(course)
        db.session.flush()
    course = lock(Course, course.id) or course
    known = list(db.session.scalars(sa.select(CourseVersion).where(CourseVersion.course_id == course.id)))
    same = next((version for version in known if version.number == read.version), None)
    if same is not None and same.digest == read.digest:
        return same, "same"
    if same is not None and same.status == "published":
        raise refuse(
            "published",
            _("Version %(number)s of %(slug)s is published with other words.", number=read.version, slug=read.slug),
            _("Give the changed text the next number."),
        )
    if any(version.number > read.version for version in known):
        raise refuse(
            "older", _("%(slug)s has a higher version already.", slug=read.slug), _("Give it the next number.")
        )
    if same is not None:
        _empty(same)
    version = same or CourseVersion(course_id=course.id, number=read.version, created_at=now())
    for name in ("title", "summary", "audience", "minutes", "pass_mark", "validity_months", "checked_on", "checked_by",
                 "note", "asks_again", "digest"):  # fmt: skip
        setattr(version, name, getattr(read, name))
    db.session.add(version)
    db.session.flush()
    _fill(version, read)
    return version, "new" if same is None else "changed"


def _empty(version: CourseVersion) -> None:
    lessons = sa.select(Lesson.id).where(Lesson.version_id == version.id)
    questions = sa.select(LessonQuestion.id).where(LessonQuestion.lesson_id.in_(lessons))
    for gone in (
        sa.delete(LessonOption).where(LessonOption.question_id.in_(questions)),
        sa.delete(LessonQuestion).where(LessonQuestion.lesson_id.in_(lessons)),
        sa.delete(LessonSource).where(LessonSource.lesson_id.in_(lessons)),
        sa.delete(Lesson).where(Lesson.version_id == version.id),
        sa.delete(CourseSource).where(CourseSource.version_id == version.id),
    ):
        db.session.execute(gone, execution_options={"synchronize_session": False})


def _fill(version: CourseVersion, read: CourseFile) -> None:
    sources = {
        source.key: CourseSource(
            id=new_id(),
            version_id=version.id,
            position=position,
            publisher=source.publisher,
            title=source.title,
            year=source.year,
            taken=source.taken,
        )
        for position, source in enumerate(read.sources, start=1)
    }
    db.session.add_all(sources.values())
    for position, written in enumerate(read.lessons, start=1):
        lesson = Lesson(id=new_id(), version_id=version.id, position=position, title=written.title, body=written.body)
        db.session.add(lesson)
        db.session.flush()
        db.session.add_all(LessonSource(lesson_id=lesson.id, source_id=sources[key].id) for key in written.sources)
        for place, asked in enumerate(written.questions, start=1):
            question = LessonQuestion(
                id=new_id(), lesson_id=lesson.id, position=place, text=asked.text, explanation=asked.explanation
            )
            db.session.add(question)
            db.session.flush()
            db.session.add_all(
                LessonOption(question_id=question.id, position=at, text=text, is_right=at == 1)
                for at, text in enumerate((asked.right, *asked.wrong), start=1)
            )
    db.session.flush()
    db.session.expire(version)


def publish_version(version_id: int, *, asks_again: bool, by: Person | None) -> CourseVersion:
    """From now on it is the one that is taken. With `asks_again` completions of earlier versions stop counting at this
    moment, and places that rest on them are asked again (G1); without, they hold until their date. Of a first version there
    is nothing to ask again.

    Raises Refused (`not_found`, `published`, `newer_version`).
    """
    version = find_version(version_id)
    if version is None:
        raise _gone()
    course = lock(Course, version.course_id)
    version = lock(CourseVersion, version_id)
    if course is None or version is None:
        raise _gone()
    if version.status == "published":
        raise refuse("published", _("This version is published already."))
    latest = db.session.scalar(
        sa.select(sa.func.max(CourseVersion.number)).where(
            CourseVersion.course_id == course.id, CourseVersion.status == "published"
        )
    )
    if latest is not None and latest > version.number:
        raise refuse("newer_version", _("A newer version is published already."))
    version.status, version.published_at = "published", now()
    version.published_by_id = None if by is None else by.id
    version.asks_again = asks_again and latest is not None
    _record("course.published", version, by, course_id=course.id, version=version.number, again=int(version.asks_again))
    if version.asks_again:
        course.counts_from = version.number
        outbox.enqueue(
            "course_asks_again",
            {"course_id": course.id, "version": version.number},
            key=f"course_asks_again:{course.id}:{version.number}",
        )
    return version


def retire_course(course_id: int, *, by: Person) -> Course:
    """Nobody begins it any more; completions count until they end. Raises Refused (`not_found`)."""
    course = _locked_course(course_id)
    if course.retired_at is None:
        course.retired_at = now()
        _record("course.retired", course, by)
    return course


def reopen_course(course_id: int, *, by: Person) -> Course:
    """It is offered again. Raises Refused (`not_found`)."""
    course = _locked_course(course_id)
    if course.retired_at is not None:
        course.retired_at = None
        _record("course.reopened", course, by)
    return course


def _locked_course(course_id: int) -> Course:
    course = lock(Course, course_id)
    if course is None:
        raise _gone()
    return course


# --- attempts -------------------------------------------------------------------------------------------------------


def begin_attempt(slug: str, *, by: Person, came_for_id: int | None = None, came_from: str = "") -> CourseAttempt:
    """Begin, or go on where `by` left off. What was begun in a version that does not count any more is begun anew.

    `came_for_id`: the organization whose shift led here; `came_from`: the page of ours to go back to, "" none. The caller
    holds the person. Raises Refused (`not_offered`).
    """
    version = find_current(slug)
    if version is None:
        raise refuse("not_offered", _("This course is not offered any more."), _("See the others."), "/learn/courses")
    attempt = find_open_attempt(by.id, version.course_id)
    if attempt is not None and attempt.version.number < version.course.counts_from:
        db.session.delete(attempt)
        db.session.flush()
        attempt = None
    if attempt is None:
        attempt = CourseAttempt(
            course_id=version.course_id, version_id=version.id, person_id=by.id, started_at=now(), last_at=now()
        )
        db.session.add(attempt)
    if came_for_id is not None or came_from:
        attempt.came_for_id, attempt.came_from = came_for_id, came_from[:200]
    db.session.flush()
    return attempt


def answer_lesson(attempt_id: int, position: int, chosen: Mapping[int, int], *, by: Person) -> CourseAttempt:
    """Judge what `by` answered to the questions of a lesson: question -> option. Once in an attempt; the same again changes
    nothing. With the last lesson the attempt is finished, and passed when the share that the version asks for was right.

    The caller holds the person. Raises InvalidInput at "questions" unless each question of the lesson has one of its own
    options; Refused (`not_found`, `newer_version`).
    """
    attempt = lock(CourseAttempt, attempt_id)
    if attempt is None or attempt.person_id != by.id:
        raise _gone()
    version = find_version(attempt.version_id)
    lesson = next((each for each in version.lessons if each.position == position), None) if version else None
    if version is None or lesson is None:
        raise _gone()
    answered = list_answers(attempt.id)
    if attempt.finished_at is not None or all(question.id in answered for question in lesson.questions):
        return attempt
    if version.number < version.course.counts_from:
        raise refuse(
            "newer_version",
            _("There is a newer version of this course by now, and it asks everybody again."),
            _("Begin the new version: it says what has changed in what we know."),
            f"/learn/courses/{version.course.slug}",
        )
    for question in lesson.questions:
        if chosen.get(question.id) not in {option.id for option in question.options}:
            raise InvalidInput({"questions": _("Choose an answer to each question")})
    db.session.add_all(
        CourseAnswer(attempt_id=attempt.id, question_id=question.id, option_id=chosen[question.id])
        for question in lesson.questions
    )
    attempt.last_at = now()
    answered |= {question.id: chosen[question.id] for question in lesson.questions}
    asked = [question.id for each in version.lessons for question in each.questions]
    if all(question in answered for question in asked):
        _finish(attempt, version, asked, answered)
    db.session.flush()
    return attempt


def _finish(attempt: CourseAttempt, version: CourseVersion, asked: list[int], answered: Mapping[int, int]) -> None:
    right = find_right(asked)
    attempt.finished_at = now()
    attempt.asked_count = len(asked)
    attempt.right_count = sum(answered[question] == right.get(question) for question in asked)
    attempt.passed = attempt.right_count * 100 >= version.pass_mark * attempt.asked_count
    if attempt.passed:
        _record("course.completed", attempt, None, person_id=attempt.person_id, version_id=version.id)


def purge_attempts() -> int:
    """Forget what was not gone on with for a year, and what was passed once it can hold no more (three years). Returns how
    many."""
    old = sa.or_(
        sa.and_(CourseAttempt.passed.is_(False), CourseAttempt.last_at < now() - KEPT_UNFINISHED),
        CourseAttempt.last_at < now() - KEPT_PASSED,
    )
    keys = db.session.scalars(sa.select(CourseAttempt.id).where(old).limit(500)).all()
    if keys:
        db.session.execute(sa.delete(CourseAnswer).where(CourseAnswer.attempt_id.in_(keys)))
        db.session.execute(sa.delete(CourseAttempt).where(CourseAttempt.id.in_(keys)))
    return len(keys)


def _gone() -> Refused:
    return refuse("not_found", _("This course is not there any more."), _("See the others."), "/learn/courses")


def _record(action: str, subject: audit.HasKey, by: Person | None, **data: int) -> None:
    db.session.flush()
    audit.record(action, subject=subject, by=by, data=data)
