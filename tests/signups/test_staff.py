"""What staff do for somebody who telephones: give a place back, change it, take back that they were written down; who may,
what the person is told, and the way back of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.needs.models import Need, Position, Shift
from app.organizations.models import Organization
from app.signups import operations, staff
from app.signups.checks import check_capacity
from app.signups.models import Signup
from app.signups.volunteers import add_volunteer
from tests.conftest import CheckingClient
from tests.factories import (
    ADULT,
    allow_contact,
    make_clearance,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


@pytest.fixture
def organization(app: Flask) -> Organization:
    return make_organization(make_person())


@pytest.fixture
def need(organization: Organization) -> Need:
    return make_need(organization, title="Sort boxes")


@pytest.fixture
def shift(need: Need) -> Shift:
    return make_shift(need, capacity=4)


def telephoned(shift: Shift, **changes: object) -> Signup:
    owner = make_member(shift.need.organization, "coordinator")
    values = {"name": "Walt Ferris", "birth_date": ADULT, "by": owner, **changes}
    with transaction():
        return add_volunteer(shift.id, **values)  # type: ignore[arg-type]  # as the fields of the form


def placed(shift: Shift, **changes: object) -> Signup:
    person = make_person(**changes)
    with transaction():
        return operations.sign_up(shift.id, by=person)


def taken(shift: Shift) -> int:
    return db.session.scalar(sa.select(Position.taken).where(Position.shift_id == shift.id)) or 0


def act(signup: Signup, what: str) -> str:
    return f"/manage/{signup.shift.need.organization.slug}/signups/{encode_id(signup.id)}/{what}"


def roster(shift: Shift) -> str:
    return f"/manage/{shift.need.organization.slug}/shifts/{encode_id(shift.id)}/roster"


def undo_of(page: str, what: str) -> str:
    """Where the button that undoes leads, as the toast has it."""
    found = [part.partition('"')[0] for part in page.split('action="') if what in part.partition('"')[0]]
    assert len(found) == 1, found
    return found[0].replace("&amp;", "&")


@pytest.mark.rule("S6")
def test_a_telephone_volunteer_without_mail_is_cancelled_by_staff_and_back(
    sign_in: SignIn, client: CheckingClient, shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    signup = telephoned(shift, party_size=2)
    sign_in(make_member(shift.need.organization, "coordinator"))
    asked = client.get(act(signup, "cancel"))
    assert "tell them yourself" in asked.text
    without = client.post(act(signup, "cancel"), data={})
    assert without.status_code == 422
    assert "Choose why" in without.text
    sent = client.post(act(signup, "cancel"), data={"reason": "no_longer_needed"})
    assert sent.status_code == 303
    assert taken(shift) == 0
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "signup.cancelled")).one()
    assert event.data["reason"] == "no_longer_needed"
    shown = client.get(roster(shift)).text
    assert "Walt Ferris</bdi>" not in shown
    assert client.post(undo_of(shown, "undo-cancel")).status_code == 303
    assert (signup.status, taken(shift)) == ("confirmed", 2)
    work_off()
    assert mailbox.messages == []
    assert check_capacity()[1] == []


@pytest.mark.rule("S6")
@pytest.mark.parametrize(
    ("reason", "said"), [("asked_by_them", "you asked"), ("no_longer_needed", "does not need you at this shift")]
)
def test_whoever_has_mail_is_told_why(shift: Shift, mailbox: Mailbox, work_off: Work, reason: str, said: str) -> None:
    signup = placed(shift)
    work_off()
    keeper = make_member(shift.need.organization, "manager")
    with transaction():
        staff.cancel_place(signup.id, by=keeper, reason=reason)
    work_off()
    last = mailbox.to(signup.person.email)[-1]
    assert said in " ".join(text_of(last).split())
    assert "METHOD:CANCEL" in last.as_string() or any(
        part.get_content_type() == "text/calendar" for part in last.walk()
    )
    with transaction():
        staff.undo_cancel(signup.id, by=keeper)
    work_off()
    assert "Your place: Sort boxes" in str(mailbox.to(signup.person.email)[-1]["Subject"])


def test_a_reason_is_one_of_the_list(shift: Shift) -> None:
    signup = placed(shift)
    keeper = make_member(shift.need.organization, "owner")
    with pytest.raises(InvalidInput), transaction():
        staff.cancel_place(signup.id, by=keeper, reason="rude")
    assert taken(shift) == 1


def test_each_takes_back_only_what_they_did(shift: Shift) -> None:
    own, theirs = placed(shift), placed(shift)
    keeper = make_member(shift.need.organization, "owner")
    with transaction():
        operations.cancel_signup(own.id, by=own.person)
        staff.cancel_place(theirs.id, by=keeper, reason="no_longer_needed")
    # Nobody is placed again who gave their place back; nobody comes back by themselves whom the staff do not need.
    with pytest.raises(Refused) as staffs, transaction():
        staff.undo_cancel(own.id, by=keeper)
    with pytest.raises(Refused) as persons, transaction():
        operations.undo_cancel(theirs.id, by=theirs.person)
    for refused in (staffs, persons):
        assert [reason.code for reason in refused.value.reasons] == ["undo_too_late"]
    with time_machine.travel(now() + dt.timedelta(minutes=16)), pytest.raises(Refused), transaction():
        staff.undo_cancel(theirs.id, by=keeper)
    other = make_member(shift.need.organization, "coordinator")
    with transaction():
        staff.undo_cancel(theirs.id, by=other)
    assert taken(shift) == 1


@pytest.mark.rule("S1")
def test_staff_change_people_and_shift_and_take_that_back(
    sign_in: SignIn, client: CheckingClient, need: Need, shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    later = make_shift(need, days=9, capacity=3)
    signup = telephoned(shift, party_size=2, phone="555 0100")
    note = signup.note
    sign_in(make_member(need.organization, "coordinator"))
    assert client.get(act(signup, "change")).status_code == 200
    place = f"{encode_id(later.id)}.{encode_id(later.positions[0].id)}"
    full = client.post(act(signup, "change"), data={"place": place, "party_size": "4"})
    assert full.status_code == 409
    assert (signup.shift_id, taken(shift), taken(later)) == (shift.id, 2, 0)
    sent = client.post(act(signup, "change"), data={"place": place, "party_size": "3"})
    assert sent.status_code == 303
    assert (signup.shift_id, signup.party_size, taken(shift), taken(later)) == (later.id, 3, 0, 3)
    assert signup.note == note, "the number to call stays"
    shown = client.get(sent.headers["Location"]).text
    assert client.post(undo_of(shown, "undo-change")).status_code == 303
    assert (signup.shift_id, signup.party_size, taken(shift), taken(later)) == (shift.id, 2, 2, 0)
    assert client.post(act(signup, "undo-change") + "?place=x&people=2").status_code == 404
    known, keeper = placed(shift), make_member(need.organization, "owner")
    work_off()
    with transaction():
        staff.change_place(
            known.id,
            by=keeper,
            party_size=2,
            shift_id=later.id,
            position_id=later.positions[0].id,
        )
    work_off()
    last = mailbox.to(known.person.email)[-1]
    assert "Your place is changed" in str(last["Subject"])
    assert "changed your place for you" in " ".join(text_of(last).split())


@pytest.mark.rule("S3")
def test_staff_are_not_told_what_somebody_does_elsewhere(need: Need, shift: Shift) -> None:
    later = make_shift(need, days=9)
    busy = make_shift(starts_at=later.starts_at, ends_at=later.ends_at)
    signup = placed(shift)
    with transaction():
        operations.sign_up(busy.id, by=signup.person)
    keeper = make_member(need.organization, "owner")
    with pytest.raises(Refused) as refused, transaction():
        staff.change_place(
            signup.id,
            by=keeper,
            party_size=1,
            shift_id=later.id,
            position_id=later.positions[0].id,
        )
    assert [reason.code for reason in refused.value.reasons] == ["ask_them"]


@pytest.mark.rule("G3")
def test_who_works_with_rosters_learns_of_no_record_by_adding_somebody(app: Flask) -> None:
    """Nothing recorded, revoked, ending too early: one answer, whoever has an account. A newcomer has no record to hide."""
    organization = make_organization()
    allow_contact(organization)
    shift = make_shift(make_need(organization), contact="children", days=5)
    coordinator = make_member(organization, "coordinator")
    nothing, revoked, early = (make_person() for _one in range(3))
    make_clearance(revoked, organization, revoked_at=now(), revoked_reason="by_person")
    make_clearance(early, organization, expires_on=today("UTC") + dt.timedelta(days=1))
    answers = []
    for person in (nothing, revoked, early):
        with pytest.raises(Refused) as refused, transaction():
            add_volunteer(shift.id, by=coordinator, name=person.name, birth_date=person.birth_date, email=person.email)
        answers.append(refused.value.reasons)
    assert answers[0] == answers[1] == answers[2]
    assert [reason.code for reason in answers[0]] == ["requirements"]
    with pytest.raises(Refused) as refused, transaction():
        add_volunteer(shift.id, by=coordinator, name="Walter", birth_date=dt.date(1980, 1, 1))
    said = {reason.code: reason.message for reason in refused.value.reasons}
    assert "Background check" in said["background_check_required"]


def test_adding_somebody_is_undone_without_a_word(
    sign_in: SignIn, client: CheckingClient, shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    sign_in(make_member(shift.need.organization, "coordinator"))
    page = f"/manage/{shift.need.organization.slug}/shifts/{encode_id(shift.id)}/volunteers/new"
    typed = {"name": "Gus", "birth_date": "1990-05-17", "party_size": "2", "email": "gus@example.org"}
    assert client.post(page, data=typed).status_code == 303
    assert taken(shift) == 2
    undo = undo_of(client.get(roster(shift)).text, "undo-add")
    assert client.post(undo).status_code == 303
    assert taken(shift) == 0
    work_off()
    assert mailbox.messages == []
    assert client.post(undo).status_code == 409


def test_whoever_had_been_told_of_the_place_is_told_that_it_was_a_mistake(
    shift: Shift, mailbox: Mailbox, work_off: Work
) -> None:
    signup = telephoned(shift, email="gus@example.org")
    work_off()
    keeper = make_member(shift.need.organization, "owner")
    with transaction():
        staff.undo_add(signup.id, by=keeper)
    work_off()
    told = [" ".join(text_of(mail).split()) for mail in mailbox.to("gus@example.org")]
    assert len(told) == 2
    assert "by mistake" in told[1]


def test_only_what_staff_added_can_be_undone_so_and_not_for_ever(shift: Shift) -> None:
    keeper = make_member(shift.need.organization, "owner")
    own, added = placed(shift), telephoned(shift)
    with pytest.raises(Refused), transaction():
        staff.undo_add(own.id, by=keeper)
    with time_machine.travel(now() + dt.timedelta(minutes=16)), pytest.raises(Refused), transaction():
        staff.undo_add(added.id, by=keeper)
    assert taken(shift) == 2


@pytest.mark.rule("A1")
def test_viewers_and_others_cannot_and_a_shift_that_is_over_stays(
    sign_in: SignIn, client: CheckingClient, need: Need, shift: Shift
) -> None:
    signup = placed(shift)
    sign_in(make_member(need.organization, "viewer"))
    assert client.post(act(signup, "cancel"), data={"reason": "asked_by_them"}).status_code == 404
    assert "Cancel the place" not in client.get(roster(shift)).text
    keeper = make_member(need.organization, "owner")
    with time_machine.travel(now() + dt.timedelta(days=8)), pytest.raises(Refused) as refused, transaction():
        staff.cancel_place(signup.id, by=keeper, reason="asked_by_them")
    assert [reason.code for reason in refused.value.reasons] == ["past"]


def test_the_activity_says_who_did_it_for_whom(sign_in: SignIn, client: CheckingClient, shift: Shift) -> None:
    signup = placed(shift, name="Ada Gomez")
    keeper = make_member(shift.need.organization, "owner")
    with transaction():
        staff.cancel_place(signup.id, by=keeper, reason="asked_by_them")
    sign_in(keeper)
    shown = client.get(f"/manage/{shift.need.organization.slug}/activity").text
    assert "The place of Ada Gomez was given back for them" in shown
