"""What the demonstration tells of safeguarding: moderators who agree, clearances, a code of conduct, guardians."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from app.core.web import settings
from app.learning.courses.queries import find_version
from app.learning.courses.seed import load_courses
from app.moderation.operations import grant_contact
from app.organizations.operations import name_key
from app.organizations.queries import find_organizations_by_key
from app.pages.demo_data.shape import DemoClearance, DemoPerson
from app.safeguarding import operations
from app.safeguarding.kinds import find_level
from app.safeguarding.queries import find_live_guardianship
from app.safeguarding.requirements import parse

if TYPE_CHECKING:
    from app.pages.demo_story import OrganizationStory, Story

MODERATORS = ("moderator", "admin")
DAY = dt.timedelta(days=1)
BASICS = "safeguarding-basics"
# The course is as new as its text. Who took it so many days ago, and how many of its six lessons; whoever passed shares it
# with the shelter.
PUBLISHED = 0.25
COURSES_TAKEN = (("grace", 0.2, 6), ("sam", 0.1, 3))
SHARED_WITH = "Lantern House Family Shelter"
CHECKED = "Safeguarding policy of this year read; who is responsible named and called; two adults are always there."


def tell_guardian(story: Story, given: DemoPerson) -> None:
    """A minor names a guardian on the day they join, who agrees on the next."""
    joined = story.ago(given.joined)
    story.tell(joined + DAY / 24, _ask, story, given)
    story.tell(joined + DAY, _agree, story, given)


def _ask(story: Story, given: DemoPerson) -> None:
    person = story.people[given.first]
    email = f"{given.guardian.split()[0].lower()}.{given.first}@example.org"
    operations.ask_guardian(person.id, by=person, name=given.guardian, email=email, phone="+1 555 0100")


def _agree(story: Story, given: DemoPerson) -> None:
    guardianship = find_live_guardianship(story.people[given.first].id)
    if guardianship is not None:
        operations.answer_guardianship(guardianship.id, consents=True)


def tell_courses(story: Story) -> None:
    """The course of safeguarding basics is published; one passes it and shares that, one is in the middle of it."""
    story.tell(story.ago(PUBLISHED), load_courses, publish=True)
    for first, ago, lessons in COURSES_TAKEN:
        story.tell(story.ago(ago), _take_course, story, first, lessons)


def _take_course(story: Story, first: str, lessons: int) -> None:
    person = story.people[first]
    attempt = operations.begin_course(BASICS, by=person)
    version = find_version(attempt.version_id)
    for lesson in [] if version is None else version.lessons[:lessons]:
        chosen = {
            question.id: next(one.id for one in question.options if one.is_right) for question in lesson.questions
        }
        _attempt, clearance = operations.answer_course(
            attempt.id, lesson.position, chosen, by=person, issuer=settings().platform_name
        )
        if clearance is not None:
            key = name_key(SHARED_WITH)
            operations.share_clearance(clearance.id, find_organizations_by_key([key])[key].id, by=person)


def tell_safety(parent: OrganizationStory) -> None:
    """What an organization does before people of it meet children or adults at risk, and who it recorded."""
    story, given = parent.story, parent.given
    verified = [decision.ago for decision in given.decisions if decision.decision == "verified"]
    if given.has_contact and verified:
        for number, first in enumerate(MODERATORS, start=1):
            story.tell(story.ago(verified[0]) + parent.later + number * DAY / 2, _grant, parent, first)
    if given.requires:
        story.tell(story.ago(verified[0]) + parent.later + 2 * DAY, _require, parent)
    if given.conduct is not None:
        published = story.ago(given.conduct.ago) + parent.later
        story.tell(published, _publish, parent)
        for number, first in enumerate(given.conduct.accepted.split(), start=1):
            story.tell(published + number * DAY / 8, _accept, parent, first)
    for clearance in given.clearances:
        story.tell(story.ago(clearance.ago) + parent.later, _record, parent, clearance)
    for first in given.confirmed_guardians.split():
        story.tell(story.ago(40) + parent.later, _confirm, parent, first)


def _grant(parent: OrganizationStory, first: str) -> None:
    grant_contact(parent.id, by=parent.person(first), checked=CHECKED)


def _require(parent: OrganizationStory) -> None:
    operations.set_profile(parent.id, parse(parent.given.requires), by=parent.person(parent.given.owner))


def _publish(parent: OrganizationStory) -> None:
    if parent.given.conduct is not None:
        operations.publish_conduct(parent.id, parent.given.conduct.text, by=parent.person(parent.given.owner))


def _accept(parent: OrganizationStory, first: str) -> None:
    operations.accept_conduct(parent.id, 1, by=parent.person(first))


def _record(parent: OrganizationStory, given: DemoClearance) -> None:
    story, owner = parent.story, parent.person(parent.given.owner)
    level = find_level(given.kind, given.level)
    issued = story.day(-round(given.ago) - 3, parent.made.get().time_zone)
    clearance = operations.record_clearance(
        parent.id,
        by=owner,
        email=story.given[given.first].email,
        kind=given.kind,
        level=given.level,
        issuer=given.issuer,
        reference=given.reference,
        issued_on=issued,
        expires_on=None if given.left is None else story.day(given.left, parent.made.get().time_zone),
        consented_on=issued - DAY if level is not None and level.consent_first else None,
    )
    if given.shared_with:
        key = name_key(given.shared_with)
        other = find_organizations_by_key([key])[key]
        operations.share_clearance(clearance.id, other.id, by=parent.person(given.first))
    if given.revoked:
        operations.revoke_clearance(clearance.id, by=owner, reason=given.revoked)


def _confirm(parent: OrganizationStory, first: str) -> None:
    guardianship = find_live_guardianship(parent.person(first).id)
    if guardianship is not None:
        owner = parent.person(parent.given.owner)
        operations.confirm_guardian(guardianship.id, parent.id, by=owner, means="telephone")
