"""Builders of real rows. Each opens its own transaction and gives the row back, committed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.money import Money
from app.donations import ledger, tally
from app.donations.models import Donation
from app.donations.operations.receipts import issue
from app.donations.receipt_models import Receipt
from app.fundraisers.models import Fundraiser
from app.learning import operations as learning
from app.learning.courses.files import FOLDER, CourseFile, read_course
from app.learning.courses.models import CourseAttempt, CourseVersion
from app.learning.courses.operations import publish_version, store_version
from app.learning.courses.queries import find_version
from app.learning.models import Article, Fact, Question, Topic
from app.messages.models import QuietHours
from app.needs import index
from app.needs.models import Item, Need, Position, Shift
from app.organizations.models import Membership, Organization
from app.safeguarding.models import Clearance, ContactPermission, GuardianConfirmation, Guardianship
from app.safeguarding.operations import answer_course, begin_course, share_clearance

_numbers = itertools.count(1)
ADULT = dt.date(1990, 5, 17)


def make_person(**changes: Any) -> Person:
    """An active adult with a verified address."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "email": f"person{number}@example.org",
        "name": f"Person {number}",
        "email_verified_at": now(),
        "birth_date": ADULT,
        "created_at": now(),
    }
    with transaction():
        person = Person(**{**values, **changes})
        db.session.add(person)
    return person


def wake(*people: Person) -> None:
    """Let these people's mail come at any hour: a test of what they hear of does not depend on the hour it runs at."""
    with transaction():
        db.session.add_all(QuietHours(person_id=person.id, begins=0, ends=0) for person in people)


def make_organization(owner: Person | None = None, **changes: Any) -> Organization:
    """A verified, claimed organization in Newark; `owner` becomes its owner."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "slug": f"organization-{number}",
        "name": f"Organization {number}",
        "name_key": f"organization {number}",
        "description": "We help our neighbours.",
        "country": "US",
        "currency": "USD",
        "time_zone": "America/New_York",
        "city": "Newark",
        "region": "NJ",
        "verified_at": now(),
        "claimed_at": now(),
        "created_at": now(),
    }
    with transaction():
        organization = Organization(**{**values, **changes})
        db.session.add(organization)
        db.session.flush()
        if owner is not None:
            db.session.add(
                Membership(organization_id=organization.id, person_id=owner.id, role="owner", created_at=now())
            )
    return organization


def make_member(organization: Organization, role: str, *, all_needs: bool = True, **changes: Any) -> Person:
    """A person with `role` in `organization`; `all_needs` False: a coordinator of the needs assigned to them."""
    person = make_person(**changes)
    with transaction():
        member = Membership(
            organization_id=organization.id, person_id=person.id, role=role, all_needs=all_needs, created_at=now()
        )
        db.session.add(member)
    return person


def make_need(organization: Organization | None = None, **changes: Any) -> Need:
    """An open need in Newark that asks for nothing yet."""
    organization = organization or make_organization()
    number = next(_numbers)
    values: dict[str, Any] = {
        "organization_id": organization.id,
        "title": f"Need {number}",
        "description": "What we need and why.",
        "status": "open",
        "causes": [],
        "skills": [],
        "city": "Newark",
        "region": "NJ",
        "country": "US",
        "postal_code": "07102",
        "latitude": 40.7357,
        "longitude": -74.1724,
        "precision": "city",
        "time_zone": "America/New_York",
        "published_at": now(),
        "created_at": now(),
        "updated_at": now(),
    }
    with transaction():
        need = Need(**{**values, **changes})
        db.session.add(need)
        db.session.flush()
        index.reindex([need.id])
    return need


def make_shift(
    need: Need | None = None,
    *,
    capacity: int | None = 10,
    name: str = "",
    days: float = 7,
    hours: float = 3,
    **changes: Any,
) -> Shift:
    """A scheduled shift without contact, `days` from now, with one position of `capacity`; flexible=True for a role."""
    need = need or make_need()
    starts_at = (now() + dt.timedelta(days=days)).replace(second=0, microsecond=0)
    values: dict[str, Any] = {
        "need_id": need.id,
        "starts_at": starts_at,
        "ends_at": starts_at + dt.timedelta(hours=hours),
        "time_zone": need.time_zone,
        "contact": "none",
    }
    if changes.get("flexible"):
        values |= {"starts_at": None, "ends_at": None}
    with transaction():
        shift = Shift(**{**values, **changes})
        db.session.add(shift)
        db.session.flush()
        db.session.add(Position(shift_id=shift.id, name=name, capacity=capacity))
        db.session.flush()
        index.reindex([need.id])
    return shift


def allow_contact(organization: Organization) -> None:
    """Two moderators have agreed that the organization may ask people to contact (G3)."""
    first, second = (make_person(platform_role="moderator") for _one in range(2))
    with transaction():
        db.session.add(
            ContactPermission(
                organization_id=organization.id,
                first_by_id=first.id,
                first_at=now(),
                second_by_id=second.id,
                second_at=now(),
            )
        )


def make_clearance(
    person: Person, organization: Organization | None, kind: str = "background_check", **changes: Any
) -> Clearance:
    """An accepted clearance of yesterday that ends in a year; a background check is the level that contact asks for in
    the United States. `organization` None is the platform's own."""
    values: dict[str, Any] = {
        "person_id": person.id,
        "organization_id": None if organization is None else organization.id,
        "kind": kind,
        "level": "us_fitness" if kind == "background_check" else "",
        "issued_on": today("UTC") - dt.timedelta(days=1),
        "expires_on": today("UTC") + dt.timedelta(days=365),
        "created_at": now(),
    }
    with transaction():
        clearance = Clearance(**{**values, **changes})
        db.session.add(clearance)
    return clearance


def make_guardian(person: Person, *, confirmed_by: Organization | None = None, **changes: Any) -> Guardianship:
    """A guardian who agreed; `confirmed_by` spoke to them by telephone."""
    values: dict[str, Any] = {
        "person_id": person.id,
        "name": "Their guardian",
        "email": f"guardian{next(_numbers)}@example.org",
        "status": "consented",
        "created_at": now(),
    }
    staff = make_person()
    with transaction():
        guardianship = Guardianship(**{**values, **changes})
        db.session.add(guardianship)
        db.session.flush()
        if confirmed_by is not None:
            db.session.add(
                GuardianConfirmation(
                    guardianship_id=guardianship.id,
                    organization_id=confirmed_by.id,
                    means="telephone",
                    confirmed_by_id=staff.id,
                    confirmed_at=now(),
                )
            )
    return guardianship


def read_basics(**changes: Any) -> CourseFile:
    """The course of safeguarding basics as it is written, as version 1, with `changes` (`slug`, `pass_mark` and so on)."""
    return dataclasses.replace(read_course(FOLDER / "safeguarding-basics"), **{"version": 1, **changes})


def make_course(*, asks_again: bool = False, publish: bool = True, **changes: Any) -> CourseVersion:
    """A version of the course of safeguarding basics, published; with every lesson, source and question."""
    with transaction():
        version, _how = store_version(read_basics(**changes))
        if publish and version.status == "draft":
            publish_version(version.id, asks_again=asks_again, by=None)
        key = version.id
    return find_version(key) or version


def answer_all(attempt_id: int, person: Person, *, wrong: int = 0, lessons: int | None = None) -> Clearance | None:
    """Answer an attempt, the first `wrong` questions wrongly; with `lessons` only so many of them. The clearance, if any."""
    attempt = db.session.get_one(CourseAttempt, attempt_id)
    version = find_version(attempt.version_id)
    assert version is not None
    made, asked = None, 0
    for lesson in version.lessons[:lessons]:
        chosen = {}
        for question in lesson.questions:
            asked += 1
            chosen[question.id] = next(one.id for one in question.options if one.is_right == (asked > wrong))
        with transaction():
            _attempt, made = answer_course(attempt_id, lesson.position, chosen, by=person, issuer="Manyhands")
    return made


def pass_course(
    person: Person, slug: str = "safeguarding-basics", *, share_with: Organization | None = None, **values: Any
) -> Clearance | None:
    """Take a course from its beginning to its end; the clearance, None when it was not passed (`wrong`)."""
    with transaction():
        attempt_id = begin_course(slug, by=person).id
    made = answer_all(attempt_id, person, **values)
    if made is not None and share_with is not None:
        with transaction():
            share_clearance(made.id, share_with.id, by=person)
    return made


def make_item(need: Need | None = None, *, quantity: str | None = "100", **changes: Any) -> Item:
    """An item wanted: 100 boxes, or an open quantity with quantity=None."""
    need = need or make_need()
    values: dict[str, Any] = {
        "need_id": need.id,
        "name": "Diapers",
        "unit": "box",
        "quantity": None if quantity is None else Decimal(quantity),
    }
    with transaction():
        item = Item(**{**values, **changes})
        db.session.add(item)
        db.session.flush()
        index.reindex([need.id])
    return item


def make_fundraiser(organization: Organization | None = None, **changes: Any) -> Fundraiser:
    """A live fundraiser with a goal of 1,000.00 in the organization's currency."""
    organization = organization or make_organization()
    number = next(_numbers)
    values: dict[str, Any] = {
        "slug": f"fundraiser-{number}",
        "organization_id": organization.id,
        "title": f"Fundraiser {number}",
        "story": "Why we raise money.",
        "goal_minor": 100_000,
        "currency": organization.currency,
        "status": "live",
        "created_at": now(),
    }
    if "started_by_id" not in changes:
        values["started_by_id"] = make_person().id
    with transaction():
        fundraiser = Fundraiser(**{**values, **changes})
        db.session.add(fundraiser)
    return fundraiser


def pay(donation: Donation) -> Receipt:
    """Within a transaction: `donation` as Stripe's word would leave it, paid and in the ledger; its receipt."""
    donation.status, donation.paid_at = "paid", now()
    ledger.post_gift(
        organization_id=donation.organization_id,
        fundraiser_id=donation.fundraiser_id,
        donation_id=donation.id,
        payment_id=f"pi_{donation.id}",
        amount=Money(donation.amount_minor, donation.currency),
    )
    tally.gift_paid(donation)
    receipt = issue(donation)
    assert receipt is not None
    return receipt


# --- what can be learned --------------------------------------------------------------------------------------------


def _letters(number: int) -> str:
    """`number` in letters: a digit in a text of the learn pages asks for its source."""
    return "".join("ABCDEFGHIJ"[int(digit)] for digit in str(number))


CHECKED: dict[str, Any] = {"checked_on": dt.date(2026, 11, 20), "checked_by": "the writers of this platform"}


def make_source(number: int = 1, **changes: Any) -> learning.SourceInput:
    """A source of a publisher of its own."""
    values: dict[str, Any] = {
        "publisher": f"Publisher {number}",
        "title": f"Report {number}",
        "url": f"https://example.org/report-{number}",
        "year": 2025,
        "checked_on": CHECKED["checked_on"],
    }
    return learning.SourceInput(**{**values, **changes})


def make_topic(**changes: Any) -> Topic:
    """A topic."""
    number = next(_numbers)
    values: dict[str, Any] = {"title": f"Topic {number}", "summary": "What it is about.", "position": number}
    with transaction():
        return learning.save_topic(changes.pop("slug", f"topic-{number}"), **{**values, **changes})


def make_fact(topic: Topic | None = None, *, by: Person | None = None, **changes: Any) -> Fact:
    """A verified fact with two sources."""
    topic, number = topic or make_topic(), next(_numbers)
    values: dict[str, Any] = {
        "slug": f"fact-{number}",
        "topic": topic.slug,
        "claim": f"{number} of 1,000 were counted.",
        "note": "Well known.",
        "sources": (make_source(1), make_source(2)),
        **CHECKED,
    }
    with transaction():
        return learning.add_fact(learning.FactInput(**{**values, **changes}), by=by)


def make_article(topic: Topic | None = None, *, by: Person | None = None, **changes: Any) -> Article:
    """A published article."""
    topic, number = topic or make_topic(), next(_numbers)
    values: dict[str, Any] = {
        "slug": f"article-{number}",
        "topic": topic.slug,
        "title": f"Article {_letters(number)}",
        "summary": "What it says.",
        "body": "Ask who says so.",
        **CHECKED,
    }
    with transaction():
        return learning.add_article(learning.ArticleInput(**{**values, **changes}), by=by)


def make_question(topic: Topic | None = None, *, by: Person | None = None, **changes: Any) -> Question:
    """A question with its answer."""
    topic, number = topic or make_topic(), next(_numbers)
    values: dict[str, Any] = {
        "slug": f"question-{number}",
        "topic": topic.slug,
        "question": f"Question {_letters(number)}?",
        "answer": "Nobody knows.",
        **CHECKED,
    }
    with transaction():
        return learning.add_question(learning.QuestionInput(**{**values, **changes}), by=by)
