"""Courses: read by everybody, a lesson a page; answered by whoever is signed in; and what passing one is worth, which the
person shares with the organizations they choose."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import Person
from app.accounts.session import current_person, find_current_person
from app.core.clock import today
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.text import line
from app.core.web import UNSEEN_HEADERS, public, safe_next, settings, signed_in
from app.learning.courses import queries as courses_of
from app.learning.courses.models import CourseAttempt, CourseVersion, Lesson, LessonOption, LessonQuestion
from app.learning.marks import has_fold
from app.learning.rendering import render
from app.learning.signposts import ELSEWHERE
from app.organizations.models import Organization
from app.organizations.queries import find_public_remaining
from app.safeguarding import operations, queries
from app.safeguarding.forms import ShareTrainingForm, answers_form
from app.safeguarding.views.blueprint import courses
from app.safeguarding.views.words import state_of
from app.signups import relations


@dataclasses.dataclass(frozen=True)
class Step:
    """A lesson, in the version that its reader takes, and how far they are in it."""

    version: CourseVersion
    lesson: Lesson
    attempt: CourseAttempt | None
    answers: Mapping[int, int]

    @property
    def is_answered(self) -> bool:
        """True when every question of the lesson was answered in this attempt."""
        return all(question.id in self.answers for question in self.lesson.questions)

    @property
    def next_position(self) -> int | None:
        """The lesson that follows, None after the last."""
        position = self.lesson.position + 1
        return position if position <= len(self.version.lessons) else None


@dataclasses.dataclass(frozen=True)
class Told:
    """A question after it was answered: what was chosen, and what is right."""

    question: LessonQuestion
    lesson: Lesson
    chosen: LessonOption
    right: LessonOption

    @property
    def is_right(self) -> bool:
        """True when the answer chosen is the right one."""
        return self.chosen.id == self.right.id


def _find_open(version: CourseVersion) -> CourseAttempt | None:
    """What whoever reads is in the middle of, unless a newer version asks everybody again."""
    person = find_current_person()
    attempt = None if person is None else courses_of.find_open_attempt(person.id, version.course_id)
    return None if attempt is None or attempt.version.number < version.course.counts_from else attempt


def _find_step(slug: str, position: int) -> Step | None:
    version = courses_of.find_current(slug)
    if version is None:
        return None
    attempt = _find_open(version)
    if attempt is not None and attempt.version_id != version.id:
        # A minor version came out meanwhile: what was begun is read and answered as it was.
        version = courses_of.find_version(attempt.version_id) or version
    lesson = next((each for each in version.lessons if each.position == position), None)
    answers = {} if attempt is None else courses_of.list_answers(attempt.id)
    return None if lesson is None else Step(version, lesson, attempt, answers)


@courses.get("/learn/courses")
@public
def index() -> ResponseReturnValue:
    """The courses there are."""
    return render_template("courses/index.html", offered=courses_of.list_offered())


@courses.get("/learn/courses/<slug>")
@public(load=courses_of.find_current)
def show(version: CourseVersion) -> ResponseReturnValue:
    """What a course is, whom it is for, how long it takes, and on which public documents it rests."""
    person = find_current_person()
    attempt = _find_open(version)
    answered = {} if attempt is None else courses_of.count_answered([attempt.id])
    return render_template(
        "courses/show.html",
        version=version,
        attempt=attempt,
        done=answered.get(attempt.id, (0, 0))[0] if attempt else 0,
        held=None if person is None else queries.find_training(person.id, version.course_id),
        state_of=lambda clearance: state_of(clearance, today("UTC")),
        asking=find_public_remaining(line(request.args.get("for")) or ""),
        begin_url=url_for("courses.begin", slug=version.course.slug, **_way()),
        this_page=url_for("courses.show", slug=version.course.slug, **_way()),
    )


def _way() -> dict[str, Any]:
    """Whose shift led here and where to go back to, as far as the address says so."""
    found = {"for": line(request.args.get("for")) or "", "next": safe_next(request.args.get("next"), "")}
    return {name: value for name, value in found.items() if value}


@courses.post("/learn/courses/<slug>/begin")
@signed_in(load=courses_of.find_current)
def begin(version: CourseVersion) -> ResponseReturnValue:
    """Begin, or go on at the first lesson whose questions are not answered yet."""
    way = _way()
    with transaction():
        attempt = operations.begin_course(
            version.course.slug,
            by=current_person(),
            came_for=find_public_remaining(way.get("for", "")),
            came_from=way.get("next", ""),
        )
        version_id, attempt_id = attempt.version_id, attempt.id
    taken = courses_of.find_version(version_id)
    answers = courses_of.list_answers(attempt_id)
    lessons = [] if taken is None else taken.lessons
    ahead = (each.position for each in lessons if any(question.id not in answers for question in each.questions))
    return redirect(url_for("courses.lesson", slug=version.course.slug, position=next(ahead, 1)), code=303)


@courses.get("/learn/courses/<slug>/lessons/<int:position>")
@public(load=_find_step)
def lesson(step: Step) -> ResponseReturnValue:
    """One lesson to read: open to everybody, with or without taking the course. One that folds something sensitive has the
    way out, and is kept by no browser (G13)."""
    parts = render(step.lesson.body, {}).parts
    return _page("courses/lesson.html", [step.lesson], step=step, parts=parts, **_names(step))


def _names(step: Step) -> dict[str, Any]:
    return {"version": step.version, "slug": step.version.course.slug, "lesson": step.lesson}


def _page(template: str, lessons: Iterable[Lesson], status: int = 200, **values: Any) -> Response:
    """A page about these lessons; when one of them folds something sensitive, what is asked about it is as sensitive."""
    sensitive = any(has_fold(lesson.body) for lesson in lessons)
    page = render_template(template, sensitive=sensitive, leave_url=ELSEWHERE, **values)
    response = make_response(page, status)
    if sensitive:
        response.headers.update(UNSEEN_HEADERS)
    return response


@courses.route("/learn/courses/<slug>/lessons/<int:position>/questions", methods=["GET", "POST"])
@signed_in(load=_find_step)
def questions(step: Step) -> ResponseReturnValue:
    """The questions of a lesson; once answered, what is right and why. Nothing on this page tells before."""
    slug, position = step.version.course.slug, step.lesson.position
    if step.attempt is None:
        return redirect(url_for("courses.show", slug=slug), code=303)
    asked = [
        (question, courses_of.in_order(step.attempt, question.options))
        for question in courses_of.in_order(step.attempt, step.lesson.questions)
    ]
    if step.is_answered:
        told = _tell(step.version, step.answers, step.lesson)
        return _page("courses/answered.html", [step.lesson], step=step, told=told, **_names(step))
    form = answers_form([(question.text, [option.text for option in options]) for question, options in asked])
    if form.validate_on_submit():
        chosen = {
            question.id: options[int(form[f"question_{number}"].data)].id
            for number, (question, options) in enumerate(asked, start=1)
        }
        try:
            with transaction():
                attempt, _clearance = operations.answer_course(
                    step.attempt.id, position, chosen, by=current_person(), issuer=settings().platform_name
                )
                finished = attempt.finished_at is not None
        except InvalidInput as invalid:
            form.form_errors = [*form.form_errors, *invalid.errors.values()]
        else:
            if finished:
                return redirect(url_for("courses.result", slug=slug), code=303)
            return redirect(url_for("courses.questions", slug=slug, position=position), code=303)
    status = 422 if form.errors else 200
    return _page("courses/questions.html", [step.lesson], status, step=step, form=form, **_names(step))


def _tell(version: CourseVersion, answers: Mapping[int, int], only: Lesson | None = None) -> list[Told]:
    """The questions that were answered, each with its right answer, in the order of the course."""
    found = []
    for lesson in version.lessons if only is None else [only]:
        for question in lesson.questions:
            options = {option.id: option for option in question.options}
            right = next(option for option in question.options if option.is_right)
            if question.id in answers:
                found.append(Told(question, lesson, options[answers[question.id]], right))
    return found


@dataclasses.dataclass(frozen=True)
class Result:
    """What somebody finished last, of a course that need not be offered any more."""

    attempt: CourseAttempt
    version: CourseVersion
    slug: str


def _find_result(slug: str) -> Result | None:
    person, course = find_current_person(), courses_of.find_course(slug)
    attempt = None if person is None or course is None else courses_of.find_last_attempt(person.id, course.id)
    version = None if attempt is None else courses_of.find_version(attempt.version_id)
    return None if attempt is None or version is None else Result(attempt, version, slug)


@courses.get("/learn/courses/<slug>/result")
@signed_in(load=_find_result)
def result(found: Result) -> ResponseReturnValue:
    """Passed, with what it is worth and who may see it; or not yet, with what to read again."""
    return _result_page(found, None)


def _result_page(found: Result, form: ShareTrainingForm | None) -> ResponseReturnValue:
    attempt, person = found.attempt, current_person()
    told = _tell(found.version, courses_of.list_answers(attempt.id))
    held = queries.find_training(person.id, attempt.course_id) if attempt.passed else None
    offered = _offered(person, attempt) if held is not None else {}
    shared = [] if held is None else [share.organization for share in queries.list_shares(held.id)]
    left = {slug: each for slug, each in offered.items() if each.id not in {one.id for one in shared}}
    if form is None:
        form = ShareTrainingForm(organizations=_ticked(left, person, attempt))
    form.offer(left)
    return _page(
        "courses/result.html",
        found.version.lessons,
        422 if form.errors else 200,
        attempt=attempt,
        version=found.version,
        slug=found.slug,
        again=[each for each in told if not each.is_right],
        needed=-(-found.version.pass_mark * attempt.asked_count // 100),
        held=held,
        state=None if held is None else state_of(held, today("UTC")),
        shared=shared,
        form=form,
        offered=left,
        back=safe_next(attempt.came_from, ""),
        is_offered=courses_of.find_current(found.slug) is not None,
    )


def _offered(person: Person, attempt: CourseAttempt) -> dict[str, Organization]:
    """The organizations that may be let know: those where the person has a place or belongs, those that knew of an earlier
    completion, and the one whose shift led here, first."""
    found = [*queries.list_told_of_training(person.id, attempt.course_id), *relations.list_organizations_of(person)]
    if attempt.came_for is not None and attempt.came_for.is_public:
        found.insert(0, attempt.came_for)
    return {each.slug: each for each in found}


def _ticked(offered: Mapping[str, Organization], person: Person, attempt: CourseAttempt) -> list[str]:
    """Nobody's mind is made up for them: ticked is the organization whose shift asks for it, and whoever they let know of an
    earlier completion of this course."""
    told = {each.id for each in queries.list_told_of_training(person.id, attempt.course_id)}
    return [slug for slug, each in offered.items() if each.id == attempt.came_for_id or each.id in told]


@courses.post("/learn/courses/<slug>/share")
@signed_in(load=_find_result)
def share(found: Result) -> ResponseReturnValue:
    """Let organizations know of the completion, then go back to the shift that led here."""
    person, attempt = current_person(), found.attempt
    held = queries.find_training(person.id, attempt.course_id) if attempt.passed else None
    if held is None:
        return redirect(url_for("courses.result", slug=found.slug), code=303)
    form, offered = ShareTrainingForm(), _offered(person, attempt)
    form.offer(offered)
    if not form.validate_on_submit():
        return _result_page(found, form)
    chosen = [offered[slug] for slug in form.organizations.data or []]
    with transaction():
        for organization in chosen:
            operations.share_clearance(held.id, organization.id, by=person)
    names = ", ".join(organization.name for organization in chosen)
    flash(_("Shared with: %(organizations)s.", organizations=names), "done")
    return redirect(safe_next(attempt.came_from, url_for("courses.result", slug=found.slug)), code=303)
