"""What passing a course of this site is worth: it is the person's, counts where they share it, and never longer, never in an
older version than asked, never for somebody else (G1, G3)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from dateutil.relativedelta import relativedelta
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.learning.courses.models import CourseAttempt, CourseVersion
from app.needs.models import Need, Shift
from app.organizations.models import Organization
from app.safeguarding import operations as acts
from app.safeguarding import standing
from app.safeguarding.catalogue import list_courses, list_options
from app.safeguarding.jobs import mail_ends
from app.safeguarding.models import Clearance, ClearanceShare, RequirementProfile
from app.safeguarding.requirements import Requirement, check_profile, parse
from app.safeguarding.standing import Held, PersonFacts
from app.signups import gate, rules
from app.signups.models import Signup
from app.signups.queries import with_everything
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import (
    make_clearance,
    make_course,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
    pass_course,
)
from tests.safeguarding.common import codes, place, promised, refused, stands, status
from tests.smtp import Mailbox

SignIn = Callable[..., CheckingClient]
DAY = dt.timedelta(days=1)
BASICS = "training:safeguarding_basics"
HOME = "/learn/courses/safeguarding-basics"
ASKED = ["training_required"]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person(name="Olive Owner")


@pytest.fixture
def organization(owner: Person) -> Organization:
    return make_organization(owner, name="Lantern House")


@pytest.fixture
def course(app: Flask) -> CourseVersion:
    return make_course()


@pytest.fixture
def shift(organization: Organization, course: CourseVersion) -> Shift:
    return make_shift(make_need(organization, requirements=[BASICS]))


def share(clearance: Clearance | None, organization: Organization, person: Person, *, back: bool = False) -> None:
    assert clearance is not None
    act = acts.unshare_clearance if back else acts.share_clearance
    with transaction():
        act(clearance.id, organization.id, by=person)


def rule_of(shift: Shift, person: Person) -> rules.Rule:
    db.session.rollback()
    db.session.expire_all()
    return next(rule for rule in gate.list_rules(shift, person) if rule.code.startswith("training"))


def later(**span: int) -> Any:
    return time_machine.travel(now() + relativedelta(**span), tick=False)  # type: ignore[arg-type]  # by name


# --- it is the person's, and counts where they share it -------------------------------------------------------------


@pytest.mark.rule("G1")
def test_it_is_dated_by_the_day_of_whoever_passed_and_good_for_no_day_longer(
    organization: Organization, course: CourseVersion, owner: Person, client: CheckingClient, sign_in: SignIn
) -> None:
    """Where the day is later than at the date line, the page says the day it was there; what is kept is the earliest."""
    with transaction():
        acts.publish_conduct(organization.id, "Be kind.", by=owner)
    for zone in ("America/New_York", "Pacific/Kiritimati", None):
        person = make_person(time_zone=zone)
        with time_machine.travel(dt.datetime(2026, 11, 28, 8, 2, tzinfo=dt.UTC), tick=False):
            held = pass_course(person)
            with transaction():
                accepted = acts.accept_conduct(organization.id, 1, by=person)
            assert held is not None
            assert held.issued_on == accepted.issued_on == dt.date(2026, 11, 27)
            assert held.expires_on is not None
            assert held.expires_on <= held.issued_on + relativedelta(months=course.validity_months)
            sign_in(person)
            for page in (f"{HOME}/result", "/my-clearances"):
                text = client.get(page).text
                assert "November 28, 2026" in text, (zone, page)
                assert "November 27, 2026" not in text, (zone, page)
    # What somebody wrote down has the day on its paper.
    on_paper = make_clearance(person, organization, issued_on=dt.date(2026, 11, 20))
    assert on_paper.dated_on("Pacific/Kiritimati") == dt.date(2026, 11, 20)


@pytest.mark.rule("G1")
@pytest.mark.rule("G3")
def test_passed_and_shared_is_a_place_and_nothing_less(organization: Organization, shift: Shift) -> None:
    person, elsewhere = make_person(), make_organization()
    assert codes(shift, person) == ASKED
    assert pass_course(make_person(), share_with=organization) is not None
    assert codes(shift, person) == ASKED, "somebody else's"
    assert pass_course(person, wrong=3, share_with=organization) is None
    assert codes(shift, person) == ASKED, "a failed attempt"
    held = pass_course(person)
    assert codes(shift, person) == ASKED, "not shared"
    share(held, elsewhere, person)
    assert codes(shift, person) == ASKED, "shared with another organization"
    share(held, organization, person)
    assert codes(shift, person) == []
    signup = place(shift, person)
    assert stands(signup)
    share(held, organization, person, back=True)
    assert not stands(signup)
    assert held is not None
    assert refused(acts.share_clearance, held.id, organization.id, by=make_person()) == ["not_found"]


def test_what_is_kept_is_the_platforms_word_by_rule(course: CourseVersion) -> None:
    with time_machine.travel(dt.datetime(2027, 3, 2, 2, tzinfo=dt.UTC), tick=False):
        # The evening before in New York while it is the next day in UTC.
        person = make_person()
        held = pass_course(person)
        assert held is not None
        assert (held.kind, held.level, held.issuer, held.reference) == (
            "training", "safeguarding_basics", "Manyhands", "safeguarding-basics v1",
        )  # fmt: skip
        assert (held.organization_id, held.recorded_by_id, held.course_version_id) == (None, None, course.id)
        assert (held.issued_on, held.expires_on) == (dt.date(2027, 3, 1), dt.date(2029, 2, 28))
        assert held.purge_on == dt.date(2030, 2, 28)
    events = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    told = {event.action: event.data for event in events}
    assert told["clearance.recorded"] == {"person_id": person.id}
    assert told["course.completed"] == {"person_id": person.id, "version_id": course.id}
    assert db.session.scalars(sa.select(ClearanceShare)).all() == []
    assert len(promised("clearance_recorded")) == 1
    assert len(promised("clearance_ends")) == 3


def test_the_last_answer_twice_grants_one_clearance(course: CourseVersion) -> None:
    person = make_person()
    pass_course(person)
    [attempt] = db.session.scalars(sa.select(CourseAttempt)).all()
    last = course.lessons[-1]
    chosen = {question.id: question.options[0].id for question in last.questions}
    with transaction():
        again = acts.answer_course(attempt.id, last.position, chosen, by=person, issuer="Manyhands")
    assert again[1] is None
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Clearance)) == 1


def test_an_organization_may_record_its_own_training_of_that_level_as_before(
    organization: Organization, owner: Person, shift: Shift
) -> None:
    person = make_person()
    make_clearance(person, organization, "training", level="safeguarding_basics")
    assert codes(shift, person) == []
    make_course(version=2, asks_again=True)
    assert codes(shift, person) == [], "it is not of our version: its organization vouches for it"


# --- never longer, never in an older version ------------------------------------------------------------------------


@pytest.mark.rule("G1")
def test_a_new_version_that_asks_again_ends_places_and_tells_both_sides_and_a_minor_one_does_not(
    organization: Organization, shift: Shift, work_off: Callable[[], dict[str, int]]
) -> None:
    person = make_person()
    held = pass_course(person, share_with=organization)
    signup = place(shift, person)
    make_course(version=2, asks_again=False)
    work_off()
    assert stands(signup)
    assert promised("course_asks_again") == []
    make_course(version=3, asks_again=True)
    assert not stands(signup), "at the next read, before any promised work"
    assert codes(shift, person)[0] == "training_required"
    assert "newer version" in rule_of(shift, person).message
    work_off()
    assert status(signup) == "cancelled"
    assert len(promised("signup_ended", signup_id=signup.id)) == 1
    again = pass_course(person)
    assert codes(shift, person) == ASKED, "the new one is shared anew"
    share(again, organization, person)
    assert codes(shift, person) == []
    assert held is not None
    assert db.session.get_one(Clearance, held.id).is_outdated


@pytest.mark.rule("G1")
def test_it_holds_through_its_last_day_and_no_longer(organization: Organization, course: CourseVersion) -> None:
    person = make_person()
    held = pass_course(person, share_with=organization)
    assert held is not None
    assert held.expires_on is not None
    need = make_need(organization, requirements=[BASICS])
    noon = dt.datetime.combine(held.expires_on, dt.time(17), dt.UTC)
    with time_machine.travel(noon - DAY, tick=False):
        on_the_day, after = (make_shift(need, starts_at=at, ends_at=at + DAY / 24) for at in (noon, noon + DAY))
        assert codes(on_the_day, person) == []
        assert codes(after, person) == ASKED
        rule = rule_of(after, person)
        assert "before the shift does" in rule.message
        assert rule.url == f"{HOME}?for={organization.slug}"
        signup = place(on_the_day, person)
    with time_machine.travel(noon + DAY, tick=False):
        assert codes(after, person) == ASKED
    assert signup.id


# Each of these lacks one thing. With the guard for that one thing off, the place is given: the guard alone stands there.
def _not_shared(person: Person, organization: Organization) -> None:
    pass_course(person)


def _outdated(person: Person, organization: Organization) -> None:
    pass_course(person, share_with=organization)
    make_course(version=2, asks_again=True)


def _expired(person: Person, organization: Organization) -> None:
    held = pass_course(person, share_with=organization)
    assert held is not None
    with transaction():
        row = db.session.get_one(Clearance, held.id)
        row.issued_on, row.expires_on = today("UTC") - 800 * DAY, today("UTC") - 70 * DAY


def _without_sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = standing.load

    def load(people: Any, organizations: Any) -> Any:
        known = real(people, organizations)
        for key, facts in known.people.items():
            known.people[key] = dataclasses.replace(facts, clearances=facts.clearances + facts.unshared)
        return known

    monkeypatch.setattr(rules, "load_facts", load)


def _without_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Held.holds
    monkeypatch.setattr(Held, "holds", lambda self, *days: real(dataclasses.replace(self, outdated=False), *days))


def _without_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Held, "holds", lambda self, *_days: not self.revoked and not self.outdated)


@pytest.mark.rule("G1")
@pytest.mark.parametrize(
    ("lacks", "guard_off"),
    [(_not_shared, _without_sharing), (_outdated, _without_versions), (_expired, _without_dates)],
)
def test_with_the_guard_off_the_place_would_be_given(
    organization: Organization,
    shift: Shift,
    monkeypatch: pytest.MonkeyPatch,
    lacks: Callable[[Person, Organization], None],
    guard_off: Callable[[pytest.MonkeyPatch], None],
) -> None:
    person = make_person()
    lacks(person, organization)
    assert codes(shift, person) == ASKED
    guard_off(monkeypatch)
    assert codes(shift, person) == []


def test_judging_says_what_is_missing_of_a_course() -> None:
    on, end = dt.date(2027, 3, 1), dt.date(2027, 3, 20)
    wanted = Requirement("training", "safeguarding_basics")
    good = Held("training", "safeguarding_basics", "Manyhands", "", "accepted", on, on + 700 * DAY, False, False, 7)

    def judged(*shared: Held, unshared: tuple[Held, ...] = ()) -> tuple[str, int | None]:
        found = standing.judge(wanted, PersonFacts(shared, unshared=unshared), on=on, through=end)
        return found.code, found.clearance_id

    outdated, ended = dataclasses.replace(good, outdated=True), dataclasses.replace(good, expires_on=on)
    assert judged(good) == ("met", None)
    assert judged(unshared=(good,)) == judged(outdated, unshared=(good,)) == ("unshared", 7)
    assert judged(outdated) == judged(unshared=(outdated,)) == ("outdated", None)
    assert judged(outdated, good) == ("met", None)
    assert judged(unshared=(ended,)) == ("expires", None)
    assert judged(unshared=(dataclasses.replace(good, revoked=True),)) == ("revoked", None)
    assert judged(unshared=(dataclasses.replace(good, level="food_hygiene"),)) == ("missing", None)


# --- what may be required -------------------------------------------------------------------------------------------


def test_any_course_of_the_site_can_be_required_and_is_met_by_that_course_alone(
    organization: Organization, owner: Person, client: CheckingClient, sign_in: SignIn
) -> None:
    for wanted in ("training:safe_cooking", "training:unheard_of"):
        with pytest.raises(Exception, match="requirements"):
            check_profile(parse([wanted]))
    make_course()
    make_course(slug="safe-cooking", title="Safe cooking")
    assert [option.slug for option in list_courses()] == ["training:safe_cooking", BASICS]
    sign_in(owner)
    page = client.get(f"/manage/{organization.slug}/requirements").text
    assert page.count('value="training:safeguarding_basics"') == page.count('value="training:safe_cooking"') == 1
    asked = client.post(f"/manage/{organization.slug}/requirements", data={"requirements": ["training:safe_cooking"]})
    assert asked.status_code == 303
    assert db.session.get_one(RequirementProfile, organization.id).requirements == ["training:safe_cooking"]
    need = make_need(organization)
    shift = make_shift(need)
    page = client.get(f"/manage/{organization.slug}/needs/{encode_id(need.id)}/requirements").text
    assert page.count('value="training:safe_cooking"') == 2, "of everybody, and of the one task"
    sent = {"requirements": ["training:safe_cooking"], "tasks-0-id": encode_id(shift.positions[0].id)}
    saved = client.post(f"/manage/{organization.slug}/needs/{encode_id(need.id)}/requirements", data=sent)
    assert saved.status_code == 303
    assert db.session.get_one(Need, need.id, populate_existing=True).requirements == ["training:safe_cooking"]
    person = make_person()
    assert pass_course(person, share_with=organization) is not None
    assert codes(shift, person) == ASKED, "another course"
    rule = rule_of(shift, person)
    assert (rule.title, rule.url) == ("Training (safe cooking)", f"/learn/courses/safe-cooking?for={organization.slug}")
    assert pass_course(person, "safe-cooking", share_with=organization) is not None
    assert codes(shift, person) == []
    # Nobody of the staff can say it of somebody: only the course does. A record of the catalogue's own levels stays.
    sent = {"email": person.email, "what": "training:safe_cooking", "issued_on": "2026-01-05", "outcome": "accepted"}
    assert client.post(f"/manage/{organization.slug}/clearances/new", data=sent).status_code == 422
    # Retired meanwhile, it is required still, and can be taken off.
    with transaction():
        version = db.session.scalars(sa.select(CourseVersion).where(CourseVersion.title == "Safe cooking")).one()
        version.course.retired_at = now()
    groups = dict(list_options("US", courses=list_courses(), asked=["training:safe_cooking"]))
    assert [option.name for option in groups["Required now"]] == ["Training (safe cooking)"]
    assert rule_of(shift, make_person()).url == f"/my-clearances?for={organization.slug}"


# --- pages ----------------------------------------------------------------------------------------------------------


def test_from_the_shift_to_the_course_and_back_to_the_shift(
    organization: Organization, shift: Shift, client: CheckingClient, sign_in: SignIn
) -> None:
    page = f"/shifts/{encode_id(shift.id)}/sign-up"
    person = make_person()
    sign_in(person)

    def way() -> str:
        found = re.search(r'<a href="((?:/learn/courses/|/my-clearances)[^"]*)"', client.get(page).text)
        assert found is not None
        return found[1].replace("&amp;", "&")

    there = way()
    assert there.startswith(f"{HOME}?for={organization.slug}&next=")
    assert re.search(rf'<a class="button main" href="{HOME}[^"]*">Take the course</a>', client.get(page).text)
    home = client.get(there).text
    assert "Lantern House asks for this course" in home
    begin = re.search(r'<form method="post" action="([^"]*)"', home)
    assert begin is not None
    client.post(begin[1].replace("&amp;", "&"))
    assert pass_course(person) is not None
    result = client.get(f"{HOME}/result").text
    assert "Share and go back to the shift" in result
    assert re.search(rf'<input checked [^>]*value="{organization.slug}"', result), "the one that asks, and nobody else"
    assert result.count(" checked ") == 1
    shared = client.post(f"{HOME}/share", data={"organizations": [organization.slug]})
    assert (shared.status_code, shared.headers["Location"]) == (303, page)
    assert "You have it, valid until" in client.get(page).text
    client.post("/my-clearances/" + encode_id(_held(person).id) + "/unshare", data={"organization": organization.slug})
    # Later it is one step from the list of what the shift asks.
    there = way()
    assert there.startswith(f"/my-clearances/{encode_id(_held(person).id)}/share?for={organization.slug}&next=")
    assert "Let Lantern House know that you passed it" in client.get(page).text
    back = client.post(there, data={"organization": organization.slug})
    assert (back.status_code, back.headers["Location"]) == (303, page)
    assert codes(shift, person) == []


def _held(person: Person) -> Clearance:
    query = sa.select(Clearance).where(Clearance.person_id == person.id).order_by(Clearance.created_at.desc())
    return db.session.scalars(query.limit(1)).one()


def test_sharing_is_with_whom_one_chooses_and_has_to_do(
    organization: Organization, shift: Shift, client: CheckingClient, sign_in: SignIn
) -> None:
    person, hidden = make_person(), make_organization(name="Hidden", verified_at=None)
    stranger = make_organization(name="Stranger")
    held = pass_course(person, share_with=organization)
    assert held is not None
    sign_in(person)
    assert "No organization sees it yet" not in client.get(f"{HOME}/result").text
    for slugs in ([], [stranger.slug], [hidden.slug], ["nobody"]):
        assert client.post(f"{HOME}/share", data={"organizations": slugs}).status_code == 422
    kept = db.session.scalars(sa.select(ClearanceShare.organization_id)).all()
    assert kept == [organization.id]
    # Passed again: whom one let know before is offered, ticked, and not yet told.
    again = pass_course(person)
    assert again is not None
    assert re.search(rf'<input checked [^>]*value="{organization.slug}"', client.get(f"{HOME}/result").text)
    assert client.post(f"{HOME}/share", data={"organizations": [organization.slug]}).status_code == 303
    assert db.session.get(ClearanceShare, (again.id, organization.id)) is not None


def test_staff_learn_that_somebody_passed_only_when_it_is_shared(
    app: Flask, organization: Organization, owner: Person, shift: Shift, client: CheckingClient, sign_in: SignIn
) -> None:
    person = make_person(name="Sam Learns")
    coming = make_member(organization, "coordinator", name="Cora Staff")
    for one in (person, coming):
        pass_course(one)
    sign_in(owner)
    asked = f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}"
    sam = {"name": "Sam", "birth_date": "1990-05-17", "email": person.email}
    adding = client.post(f"{asked}/volunteers/new", data={**sam, "party_size": "1"})
    api = Caller(app, owner)("POST", f"/shifts/{encode_id(shift.id)}/volunteers", sam)
    desk = client.get(f"/manage/{organization.slug}/clearances")
    for answer in (adding, api, desk):
        assert "passed" not in answer.text.lower()
        assert "safeguarding-basics v1" not in answer.text
    assert (adding.status_code, api.status_code) == (409, 409)
    share(_held(person), organization, person)
    desk = client.get(f"/manage/{organization.slug}/clearances").text
    assert "Training (safeguarding basics)" in desk
    assert "Shared with you" in desk
    assert "Cora Staff" not in desk


def test_my_clearances_say_who_sees_it_and_lead_to_the_course_again(
    organization: Organization, course: CourseVersion, client: CheckingClient, sign_in: SignIn
) -> None:
    person = make_person()
    held = pass_course(person)
    sign_in(person)
    page = client.get("/my-clearances").text
    assert "safeguarding-basics v1" not in page, "a name of ours says nothing to people"
    assert "nobody: no organization sees it" in page
    assert f'href="{HOME}"' in page
    assert "Say what is wrong" not in page
    share(held, organization, person)
    assert "Lantern House" in client.get("/my-clearances").text
    with later(days=+680):
        sign_in(person)
        page = client.get("/my-clearances").text
        assert "Take the course again" in page
        assert "Ask Manyhands how to renew it" not in page
    sign_in(person)
    make_course(version=2, asks_again=True)
    assert "A newer version asks again" in client.get("/my-clearances").text


def test_warnings_lead_to_the_course_and_end_with_a_new_completion(
    course: CourseVersion, mailbox: Mailbox, app: Flask
) -> None:
    person = make_person()
    held = pass_course(person)
    assert held is not None

    def warn() -> list[str]:
        before = len(mailbox.messages)
        mail_ends({"clearance_id": held.id, "outbox_key": f"key{before}{now()}"})
        return [str(message) for message in mailbox.messages[before:]]

    [told] = warn()
    assert f"{HOME}" in told
    with later(days=+680):
        pass_course(person)
    assert warn() == [], "it was passed again"
    other = make_person()
    held = pass_course(other)
    make_course(version=2, asks_again=True)
    assert warn() == [], "it does not count any more"


@pytest.mark.rule("G1")
def test_the_gate_reads_courses_in_a_fixed_number_of_statements(
    organization: Organization, shift: Shift, count_queries: list[str]
) -> None:
    """Places of people who passed and share it no longer cost no more to judge for eight than for two."""
    counted = []
    for count in (2, 6):
        for person in [make_person() for _one in range(count)]:
            held = pass_course(person, share_with=organization)
            place(shift, person)
            share(held, organization, person, back=True)
        db.session.rollback()
        db.session.expire_all()
        rows = db.session.scalars(with_everything().where(Signup.shift_id == shift.id)).all()
        count_queries.clear()
        assert len(gate.list_refusals(rows)) == len(rows)
        counted.append(len(count_queries))
    assert len(rows) == 8
    assert counted[0] == counted[1]
