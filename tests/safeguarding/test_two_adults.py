"""Two cleared adults (G2): with fewer a shift with contact cannot run, at once within a day of its start, whoever asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.core.web import settings
from app.moderation.operations import withdraw_contact
from app.needs.models import PrivateAddress, Shift
from app.needs.operations import assign_need, take_need
from app.needs.operations.closing import close_need
from app.needs.operations.inputs import PositionInput, ShiftInput
from app.needs.operations.shifts import edit_shift
from app.organizations.members import remove_member
from app.organizations.models import Organization
from app.pages.my_help import calendar_feed_of, list_my_help
from app.safeguarding.models import Clearance, Exemption
from app.signups import operations, two_adults
from app.signups.calendar import calendar_file
from app.signups.jobs import mail_reminder
from app.signups.models import Signup
from app.signups.queries import find_exact_address
from app.signups.volunteers import add_volunteer
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import make_clearance, make_guardian, make_member, make_person, make_shift
from tests.safeguarding.common import (
    DAY,
    HOUR,
    approved_organization,
    cleared_person,
    codes,
    contact_shift,
    do,
    place,
    promised,
    refused,
    status,
)
from tests.smtp import Mailbox, text_of

WorkOff = Callable[[], dict[str, int]]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person(name="Olga Owner")


@pytest.fixture
def organization(owner: Person) -> Organization:
    return approved_organization(owner)


def two_on(shift: Shift, organization: Organization) -> tuple[Person, Person]:
    one, other = cleared_person(organization), cleared_person(organization)
    place(shift, one)
    place(shift, other)
    return one, other


def give_back(shift: Shift, person: Person) -> None:
    signup = db.session.scalar(
        sa.select(Signup).where(
            Signup.shift_id == shift.id,
            Signup.person_id == person.id,
            Signup.status == "confirmed",
        )
    )
    do(operations.cancel_signup, signup.id, by=person)


def mails(mailbox: Mailbox, words: str) -> list[str]:
    return sorted(mail["To"].rpartition("<")[2].rstrip(">") for mail in mailbox.messages if words in text_of(mail))


@pytest.mark.rule("G2")
@pytest.mark.rule("G7")
def test_one_of_two_cancels_within_a_day(
    app: Flask, organization: Organization, owner: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    shift = contact_shift(organization, private=True, days=0.9)
    with transaction():
        db.session.add(PrivateAddress(need_id=shift.need_id, address="7 Canary Row"))
    one, other = two_on(shift, organization)
    need = db.session.get_one(Shift, shift.id).need
    assert find_exact_address(need, one) is not None
    work_off()
    mailbox.messages.clear()
    before = len(promised("shift_cannot_run", shift_id=shift.id))
    give_back(shift, other)
    assert status(shift) == "cannot_run", "in the same act"
    left = db.session.scalars(sa.select(Signup).where(Signup.person_id == one.id)).one()
    assert b"STATUS:TENTATIVE" in (calendar_file(left, base_url="", sender="a@example.org") or b"")
    assert find_exact_address(db.session.get_one(Shift, shift.id).need, one) is None
    assert len(promised("shift_cannot_run", shift_id=shift.id)) == before + 1, "the promise commits with it"
    work_off()
    work_off()
    assert mails(mailbox, "Please do not go there") == [one.email]
    assert mails(mailbox, "Ask somebody whose clearances") == [owner.email]
    mailbox.messages.clear()
    third = cleared_person(organization)
    place(shift, third)
    assert status(shift) == "scheduled", "it comes back"
    assert find_exact_address(db.session.get_one(Shift, shift.id).need, third) is not None
    work_off()
    assert mails(mailbox, "Your place stands.") == sorted([one.email, third.email])
    assert mails(mailbox, "Everybody on it was told.") == [owner.email]
    assert b"STATUS:CONFIRMED" in (calendar_file(left, base_url="", sender="a@example.org") or b"")
    shown = app.test_client().get(f"/api/v1/shifts/{encode_id(shift.id)}").json
    with transaction():
        db.session.execute(sa.update(Clearance).where(Clearance.person_id == third.id).values(revoked_at=now()))
    assert status(shift) == "scheduled", "nobody has looked yet"
    later = app.test_client().get(f"/api/v1/shifts/{encode_id(shift.id)}").json
    assert shown is not None
    assert later is not None
    assert (shown["status"], later["status"]) == ("scheduled", "cannot_run"), "asked live"
    need_page, not_yet = f"/needs/{encode_id(shift.need_id)}", "cannot take place yet"
    assert not_yet in app.test_client().get(need_page).text
    assert "cannot take place as it stands" in app.test_client().get(f"/shifts/{encode_id(shift.id)}/sign-up").text
    left = db.session.get_one(Signup, left.id)
    assert b"STATUS:TENTATIVE" in (calendar_file(left, base_url="", sender="a@example.org") or b"")
    person = db.session.get_one(Person, one.id)
    feed = calendar_feed_of(person, settings())
    assert (feed.count(b"STATUS:TENTATIVE"), feed.count(b"STATUS:CONFIRMED")) == (1, 0)
    (mine,) = list_my_help(person).ahead
    assert mine.next_step.startswith("Two cleared adults are needed"), mine.next_step
    assert mine.known is None
    assert status(shift) == "scheduled", "all of that without anybody having looked"


def test_were_one_adult_enough_the_same_cancellation_would_stop_nothing(
    organization: Organization, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard off: what the test above reads would be otherwise."""
    monkeypatch.setattr(two_adults, "ADULTS_NEEDED", 1)
    shift = contact_shift(organization, private=True, days=0.9)
    with transaction():
        db.session.add(PrivateAddress(need_id=shift.need_id, address="7 Canary Row"))
    one, other = two_on(shift, organization)
    give_back(shift, other)
    work_off()
    assert status(shift) == "scheduled"
    assert promised("shift_cannot_run", shift_id=shift.id) == []
    assert find_exact_address(db.session.get_one(Shift, shift.id).need, one) is not None


@pytest.mark.rule("G2")
def test_there_and_back_before_anybody_was_told_tells_what_is_so(
    organization: Organization, work_off: WorkOff, mailbox: Mailbox
) -> None:
    shift = contact_shift(organization, days=0.9)
    one, other = two_on(shift, organization)
    work_off()
    mailbox.messages.clear()
    give_back(shift, other)
    place(shift, third := cleared_person(organization))
    give_back(shift, third)
    assert status(shift) == "cannot_run"
    work_off()
    assert mails(mailbox, "Please do not go there") == [one.email], "once"
    assert mails(mailbox, "Your place stands.") == []


@pytest.mark.rule("G2")
def test_earlier_than_a_day_before_the_sweep_decides_when_the_day_comes(
    organization: Organization, work_off: WorkOff
) -> None:
    shift = contact_shift(organization, days=3)
    assert shift.starts_at is not None
    starts_at = shift.starts_at
    _one, other = two_on(shift, organization)
    give_back(shift, other)
    assert status(shift) == "scheduled"
    with time_machine.travel(starts_at - DAY - dt.timedelta(seconds=1), tick=False):
        work_off()
        assert status(shift) == "scheduled"
    with time_machine.travel(starts_at - DAY, tick=False):
        work_off()
        assert status(shift) == "cannot_run"
        place(shift, cleared_person(organization))
        assert status(shift) == "scheduled"


def young(**changes: Any) -> Person:
    return make_person(birth_date=today("UTC") - 17 * 365 * DAY, **changes)


@pytest.mark.rule("G2")
@pytest.mark.parametrize(
    "who",
    ["minor", "minor by the law of the place", "exempt", "held", "uncleared", "no birth date", "party", "elsewhere"],
)
def test_who_never_counts_among_those_with_a_place(organization: Organization, owner: Person, who: str) -> None:
    noon = (now() + DAY).astimezone(dt.UTC).replace(hour=16, minute=0, second=0, microsecond=0)
    with time_machine.travel(noon - 20 * HOUR, tick=False):
        shift = contact_shift(organization, starts_at=noon, ends_at=noon + 2 * HOUR)
        place(shift, cleared_person(organization))
        person = cleared_person(organization)
        signup = place(shift, person)
        assert two_adults.count_cleared_adults(db.session.get_one(Shift, shift.id)) == 2
        with transaction():
            row, found = db.session.get_one(Person, person.id), db.session.get_one(Shift, shift.id)
            if who == "minor":
                row.birth_date = today("UTC") - 17 * 365 * DAY
            elif who == "minor by the law of the place":
                row.birth_date, found.need.country = today("UTC") - 19 * 366 * DAY, "SG"
            elif who == "no birth date":
                row.birth_date = None
            elif who == "held":
                row.status = "held"
            elif who == "uncleared":
                db.session.execute(
                    sa.update(Clearance).where(Clearance.person_id == person.id).values(revoked_at=now())
                )
            elif who == "party":
                db.session.get_one(Signup, signup.id).party_size = 2
            elif who == "exempt":
                found.positions[0].requirements = ["driving"]
        if who == "minor by the law of the place":
            for each in db.session.scalars(sa.select(Signup.person_id)).all():
                make_clearance(db.session.get_one(Person, each), organization, level="certificate")
        if who == "minor":
            make_guardian(person, confirmed_by=organization)
        elif who == "exempt":
            for each in db.session.scalars(sa.select(Signup.person_id)).all():
                if each != person.id:
                    make_clearance(db.session.get_one(Person, each), organization, "driving")
            first = make_person()
            day = today("UTC")
            with transaction():
                db.session.add(
                    Exemption(
                        person_id=person.id, organization_id=organization.id, kind="driving", reason="x",
                        starts_on=day - 2 * DAY, ends_on=day + 9 * DAY, asked_by_id=first.id, asked_at=now(),
                        agreed_by_id=owner.id, agreed_at=now(),
                    )
                )  # fmt: skip
        elif who == "elsewhere":
            # Another shift was moved into this one's time.
            other = contact_shift(organization, starts_at=noon + 3 * HOUR, ends_at=noon + 5 * HOUR)
            place(other, person)
            with transaction():
                db.session.get_one(Shift, other.id).starts_at = noon + HOUR
        db.session.rollback()
        assert two_adults.count_cleared_adults(db.session.get_one(Shift, shift.id)) == 1
        assert not two_adults.runs(db.session.get_one(Shift, shift.id))


def member(organization: Organization, role: str = "coordinator", **changes: Any) -> Person:
    person = make_member(organization, role, **changes)
    make_clearance(person, organization)
    return person


@pytest.mark.rule("G2")
def test_staff_named_on_it_count_when_they_are_cleared_like_everybody(
    organization: Organization, owner: Person, mailbox: Mailbox, work_off: WorkOff
) -> None:
    shift = contact_shift(organization, days=0.9)
    place(shift, cleared_person(organization))
    work_off()
    assert status(shift) == "cannot_run"
    name = two_adults.name_staff
    assert refused(name, shift.id, cleared_person(organization).id, by=owner) == ["not_a_member"]
    assert refused(name, shift.id, owner.id, by=owner) == ["background_check_required"]
    assert refused(name, shift.id, member(organization, email_verified_at=None).id, by=owner) == ["email_unverified"]
    assert refused(name, shift.id, member(organization, status="held").id, by=owner) == ["not_active"]
    assert "guardian_consent" in refused(
        name, shift.id, member(organization, birth_date=today("UTC") - 15 * 366 * DAY).id, by=owner
    )
    some = member(organization, all_needs=False)
    assert refused(name, shift.id, some.id, by=owner) == ["not_assigned"]
    do(assign_need, shift.need_id, some.id, by=owner)
    do(name, shift.id, some.id, by=owner)
    assert two_adults.runs(db.session.get_one(Shift, shift.id))
    do(take_need, shift.need_id, some.id, by=owner)
    assert not two_adults.runs(db.session.get_one(Shift, shift.id)), "whoever may not know where it is does not come"
    at_its_time = contact_shift(organization, days=0.9)
    do(assign_need, at_its_time.need_id, some.id, by=owner)
    assert codes(at_its_time, some) == [], "a name that counts nowhere binds nobody"
    do(name, at_its_time.id, some.id, by=owner)
    for act, counted, reasons in ((assign_need, 0, ["overlap"]), (take_need, 1, [])):
        do(act, shift.need_id, some.id, by=owner)
        assert codes(at_its_time, some) == reasons
        assert two_adults.count_cleared_adults(db.session.get_one(Shift, at_its_time.id)) == counted
    staff = member(organization)
    do(name, shift.id, staff.id, by=owner)
    assert status(shift) == "scheduled"
    do(two_adults.remove_staff, shift.id, staff.id, by=owner)
    assert status(shift) == "cannot_run"
    do(name, shift.id, staff.id, by=owner)
    do(remove_member, organization.id, staff.id, by=owner)
    assert not two_adults.runs(db.session.get_one(Shift, shift.id)), "nobody of the organization any more"
    work_off()
    assert status(shift) == "cannot_run"
    assert not any("/my-help" in text_of(mail) for mail in mailbox.to(some.email)), (
        "they have no place, and are not on it"
    )


@pytest.mark.rule("G2")
def test_nobody_is_the_second_adult_of_a_shift_without_hearing_of_it(
    organization: Organization, owner: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    """A coordinator who wants to be alone with children names somebody who will not come."""
    shift, absent, gone, self_named = contact_shift(organization), *(member(organization) for _one in range(3))
    for person, by in ((absent, owner), (absent, owner), (gone, owner), (self_named, self_named)):
        do(two_adults.name_staff, shift.id, person.id, by=by)
    do(two_adults.remove_staff, shift.id, gone.id, by=owner)
    work_off()
    assert mails(mailbox, "you are named as one of those") == [absent.email]


@pytest.mark.rule("G2")
def test_staff_are_cleared_for_a_position_that_there_is(organization: Organization, owner: Person) -> None:
    shift, staff = contact_shift(organization, days=0.9), member(organization)
    with transaction():
        db.session.get_one(Shift, shift.id).positions[0].requirements = ["training:first_aid"]
    assert refused(two_adults.name_staff, shift.id, staff.id, by=owner) == ["training_required"]
    make_clearance(staff, organization, "training", level="first_aid")
    do(two_adults.name_staff, shift.id, staff.id, by=owner)


@pytest.mark.rule("G2")
def test_the_same_person_twice_is_one(organization: Organization, owner: Person) -> None:
    shift, staff = contact_shift(organization, days=0.9), member(organization)
    place(shift, staff)
    do(two_adults.name_staff, shift.id, staff.id, by=owner)
    assert two_adults.count_cleared_adults(db.session.get_one(Shift, shift.id)) == 1


@pytest.mark.rule("G2")
def test_a_named_minor_is_welcome_and_does_not_count(organization: Organization, owner: Person) -> None:
    noon = (now() + DAY).replace(hour=16, minute=0, second=0, microsecond=0)
    with time_machine.travel(noon - 20 * HOUR, tick=False):
        shift = contact_shift(organization, starts_at=noon, ends_at=noon + 2 * HOUR)
        staff = member(organization, birth_date=today("UTC") - 17 * 365 * DAY)
        make_guardian(staff, confirmed_by=organization)
        do(two_adults.name_staff, shift.id, staff.id, by=owner)
        assert two_adults.count_cleared_adults(db.session.get_one(Shift, shift.id)) == 0


# --- nobody overrides


@pytest.fixture
def beginning(organization: Organization) -> tuple[Shift, int]:
    """A shift that begins in an hour with one adult on it, and that adult's place."""
    shift = contact_shift(organization, days=1 / 24)
    one, other = two_on(shift, organization)
    give_back(shift, other)
    signup = db.session.scalars(sa.select(Signup).where(Signup.person_id == one.id)).one()
    return shift, signup.id


@pytest.mark.rule("G2")
@pytest.mark.parametrize("who", ["owner", "manager", "coordinator", "moderator", "administrator"])
def test_no_role_has_a_route_that_overrides(
    app: Flask, client: CheckingClient, sign_in: Callable[..., CheckingClient], organization: Organization,
    beginning: tuple[Shift, int], who: str,
) -> None:  # fmt: skip
    shift, signup_id = beginning
    assert status(shift) == "cannot_run"
    is_staff = who in ("owner", "manager", "coordinator")
    person = make_member(organization, who) if is_staff else make_person(platform_role=who)
    sign_in(person)
    base = f"/manage/{organization.slug}/signups/{encode_id(signup_id)}"
    assert client.post(f"{base}/check-in").status_code == (409 if is_staff else 404)
    with time_machine.travel(now() + 2 * HOUR, tick=False):
        for path, form in ((f"{base}/check-in", {}), (f"{base}/hours", {"hours": "1"}), (f"{base}/no-show", {})):
            assert client.post(path, data=form).status_code in (409, 404, 422)
    roster = client.get(f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/roster")
    if is_staff:
        assert "Check in</" not in roster.text
    assert status(shift) == "cannot_run"
    assert db.session.get_one(Signup, signup_id).status == "confirmed"
    # Every route that takes a shift: none of them takes a status.
    assert refused(operations.check_in, signup_id, by=person) == ["shift_cannot_run"]


@pytest.mark.rule("G2")
def test_the_api_takes_no_status_of_a_shift(
    app: Flask, organization: Organization, owner: Person, beginning: tuple[Shift, int]
) -> None:
    shift, signup_id = beginning
    ask = Caller(app, owner)
    for body in ({"status": "scheduled"}, {"status": "scheduled", "capacity": 30}):
        answer = ask("PATCH", f"/shifts/{encode_id(shift.id)}", body)
        assert answer.status_code in (200, 422)
        assert status(shift) == "cannot_run"
    assert ask("POST", f"/signups/{encode_id(signup_id)}/check-in", {}).status_code == 409
    assert ask("POST", f"/signups/{encode_id(signup_id)}/hours", {"hours": "1"}).status_code == 409


@pytest.mark.rule("G2")
def test_hours_say_that_somebody_is_here_only_where_check_in_would(organization: Organization, owner: Person) -> None:
    shift = contact_shift(organization, days=1 / 24)
    one, other = two_on(shift, organization)
    assert shift.ends_at is not None
    ends_at = shift.ends_at
    first = db.session.scalars(sa.select(Signup).where(Signup.person_id == one.id)).one().id
    second = db.session.scalars(sa.select(Signup).where(Signup.person_id == other.id)).one().id
    with time_machine.travel(now() + 2 * HOUR, tick=False):
        do(operations.check_in, first, by=owner)
        with transaction():
            db.session.execute(sa.update(Clearance).where(Clearance.person_id == other.id).values(revoked_at=now()))
        found = refused(operations.record_hours, second, by=owner, minutes=60)
        assert found == ["background_check_required", "shift_cannot_run"]
    with time_machine.travel(ends_at + HOUR, tick=False):
        # Afterwards it is a record of what was, and grants nothing.
        assert do(operations.record_hours, second, by=owner, minutes=60).status == "completed"


@pytest.mark.rule("G2")
def test_a_walk_in_who_is_not_cleared_makes_no_second_adult(
    organization: Organization, owner: Person, beginning: tuple[Shift, int]
) -> None:
    shift, _signup = beginning
    values = {"name": "Gus", "birth_date": dt.date(1980, 1, 1), "by": owner}
    assert "background_check_required" in refused(add_volunteer, shift.id, **values)
    minor = {**values, "birth_date": today("UTC") - 17 * 365 * DAY}
    assert "shift_cannot_run" in refused(add_volunteer, shift.id, **minor)
    cleared = cleared_person(organization)
    do(add_volunteer, shift.id, **{**values, "email": cleared.email})
    assert status(shift) == "scheduled"


@pytest.mark.rule("G2")
def test_somebody_who_does_not_come_leaves_one(organization: Organization, owner: Person) -> None:
    shift = contact_shift(organization, days=1 / 24)
    one, _other = two_on(shift, organization)
    first = db.session.scalars(sa.select(Signup).where(Signup.person_id == one.id)).one().id
    with time_machine.travel(now() + 2 * HOUR, tick=False):
        do(operations.mark_no_show, first, by=owner)
        assert status(shift) == "cannot_run"


# --- the shift's truth


@pytest.mark.rule("G2")
@pytest.mark.rule("S6")
def test_closing_the_need_ends_a_shift_that_cannot_run_and_nobody_hears_that_it_runs_again(
    organization: Organization, owner: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    shift = contact_shift(organization, days=0.9)
    need_id = shift.need_id
    empty = make_shift(shift.need, days=0.9, contact="children")
    one, other = two_on(shift, organization)
    give_back(shift, other)
    assert status(shift) == "cannot_run"
    work_off()
    mailbox.messages.clear()
    with transaction():
        db.session.get_one(Shift, empty.id).status = "scheduled"
    do(close_need, need_id, by=owner)
    assert status(shift) == "cancelled"
    assert two_adults.list_turning() == []
    work_off()
    assert [str(mail["To"]) for mail in mailbox.messages if "ancelled" in str(mail["Subject"])] == [one.email]
    place_id = db.session.scalar(sa.select(Signup.id).where(Signup.person_id == one.id))
    assert db.session.get_one(Signup, place_id).status == "cancelled"
    with time_machine.travel(now() + HOUR):
        work_off()
    assert status(empty) == "scheduled"
    assert mails(mailbox, "Ask somebody whose clearances") == []


def edited(shift: Shift, **changes: Any) -> ShiftInput:
    position = shift.positions[0]
    values = {
        "positions": (PositionInput(id=position.id, name=position.name, capacity=position.capacity),),
        "starts_at": shift.starts_at, "ends_at": shift.ends_at, "contact": shift.contact, "time_zone": shift.time_zone,
    }  # fmt: skip
    return ShiftInput(**{**values, **changes})


@pytest.mark.rule("G2")
@pytest.mark.parametrize("change", ["later", "without contact", "flexible"])
def test_only_the_shifts_truth_can_be_changed(
    organization: Organization,
    owner: Person,
    beginning: tuple[Shift, int],
    work_off: WorkOff,
    mailbox: Mailbox,
    change: str,
) -> None:
    shift = db.session.get_one(Shift, beginning[0].id)
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    values = {
        "later": {"starts_at": shift.starts_at + 3 * DAY, "ends_at": shift.ends_at + 3 * DAY},
        "without contact": {"contact": "none"},
        "flexible": {"starts_at": None, "ends_at": None, "flexible": True, "due_on": today("UTC") + 5 * DAY},
    }[change]
    do(edit_shift, shift.id, edited(shift, **values), by=owner)
    outcome = work_off()
    assert outcome["failed"] == 0
    assert status(shift) == "scheduled"
    work_off()
    assert mails(mailbox, "Please do not go there") == []


@pytest.mark.rule("G2")
def test_a_shift_that_cannot_run_and_is_moved_tells_whoever_is_on_it(
    organization: Organization, owner: Person, beginning: tuple[Shift, int], work_off: WorkOff
) -> None:
    shift = db.session.get_one(Shift, beginning[0].id)
    assert shift.starts_at is not None
    do(edit_shift, shift.id, edited(shift, starts_at=shift.starts_at + HOUR / 2), by=owner)
    work_off()
    assert len(promised("signup_moved", signup_id=beginning[1])) == 1
    assert status(shift) == "cannot_run"


@pytest.mark.rule("G2")
def test_contact_stated_within_a_day_makes_it_so(organization: Organization, owner: Person, work_off: WorkOff) -> None:
    shift = contact_shift(organization, days=0.9, contact="none")
    two_on(shift, organization)
    uncleared = place(shift, make_person())
    do(edit_shift, shift.id, edited(db.session.get_one(Shift, shift.id), contact="children"), by=owner)
    work_off()
    assert (status(uncleared), status(shift)) == ("cancelled", "scheduled"), "two cleared ones are left"
    moderator = make_person(platform_role="moderator")
    do(withdraw_contact, organization.id, by=moderator, checked="a complaint")
    work_off()
    assert status(shift) == "cannot_run"


@pytest.mark.rule("G2")
def test_staff_are_warned_from_a_week_before_and_nobody_is_reminded_of_what_cannot_run(
    organization: Organization, owner: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    shift = contact_shift(organization, days=8)
    assert shift.starts_at is not None
    starts_at = shift.starts_at
    one = cleared_person(organization)
    place(shift, one)
    work_off()
    assert promised("adults_missing") == []
    told = []
    for before in (7 * DAY, 6 * DAY, 3 * DAY, 36 * HOUR, 30 * HOUR):
        with time_machine.travel(starts_at - before, tick=False):
            for _again in range(2):
                do(two_adults.promise_warnings)
            told.append(len(promised("adults_missing", shift_id=shift.id)))
    assert told == [1, 1, 2, 3, 3], "at most three times"
    mailbox.messages.clear()
    with time_machine.travel(starts_at - DAY, tick=False):
        # The reminder comes before the sweep has looked.
        reminder = db.session.scalars(sa.select(Outbox).where(Outbox.kind == "signup_reminder")).one()
        mail_reminder({**reminder.payload, "outbox_key": reminder.key})
        assert mailbox.messages == []
        work_off()
        assert status(shift) == "cannot_run"


@pytest.mark.rule("G2")
def test_a_warning_is_not_sent_when_somebody_came_meanwhile(
    organization: Organization, owner: Person, work_off: WorkOff, mailbox: Mailbox
) -> None:
    shift = contact_shift(organization, days=5)
    place(shift, cleared_person(organization))
    do(two_adults.promise_warnings)
    place(shift, cleared_person(organization))
    work_off()
    assert mails(mailbox, "a day before it starts") == []


@pytest.mark.rule("G2")
def test_it_is_open_to_whoever_would_be_the_second_adult_and_to_nobody_else(
    organization: Organization, beginning: tuple[Shift, int]
) -> None:
    shift, _signup = beginning
    assert codes(shift, cleared_person(organization)) == []
    assert codes(shift, make_person()) == ["background_check_required"]
    assert "shift_cannot_run" in codes(shift, young())
