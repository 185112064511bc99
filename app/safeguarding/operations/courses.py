"""Taking a course: what learning judges becomes a clearance of the person here, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping

from app.accounts.models import Person
from app.core.db import lock
from app.core.errors import Refused, refuse
from app.core.i18n import _
from app.learning.courses import operations as learning
from app.learning.courses.models import CourseAttempt
from app.learning.courses.queries import find_version
from app.organizations.models import Organization
from app.safeguarding.models import Clearance
from app.safeguarding.operations.clearances import grant_training
from app.safeguarding.operations.shared import locked_person
from app.safeguarding.standing import guardian_needed, lacks_guardian


def begin_course(slug: str, *, by: Person, came_for: Organization | None = None, came_from: str = "") -> CourseAttempt:
    """Begin a course, or go on with it. `came_for`: the organization whose shift led here; `came_from`: the path of ours to
    go back to. Raises Refused (`not_offered`, `not_active`, `guardian_consent`: a minor does nothing before, G4)."""
    person = _learner(by)
    if lacks_guardian(person):
        raise Refused([guardian_needed()])
    return learning.begin_attempt(
        slug, by=person, came_for_id=None if came_for is None else came_for.id, came_from=came_from
    )


def answer_course(
    attempt_id: int, position: int, chosen: Mapping[int, int], *, by: Person, issuer: str
) -> tuple[CourseAttempt, Clearance | None]:
    """Answer the questions of one lesson: question -> option. When that was the last one and the course is passed, the
    person holds the training from this moment on, shared with nobody yet. `issuer`: the platform's name.

    Raises InvalidInput at "questions", Refused (`not_found`, `not_active`, `newer_version`, `guardian_consent`).
    """
    person = _learner(by)
    attempt = lock(CourseAttempt, attempt_id)
    was_open = attempt is not None and attempt.finished_at is None
    if was_open and lacks_guardian(person):
        raise Refused([guardian_needed()])
    attempt = learning.answer_lesson(attempt_id, position, chosen, by=person)
    version = find_version(attempt.version_id)
    if not was_open or not attempt.passed or version is None:
        return attempt, None
    return attempt, grant_training(person, version, issuer=issuer)


def _learner(by: Person) -> Person:
    person = locked_person(by.id)
    if not person.is_active:
        raise refuse(
            "not_active",
            _("You cannot do this at the moment."),
            _("Write to the people who run this site: they can tell you more."),
        )
    return person
