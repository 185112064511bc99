"""Changing a place in one step, several shifts in one go, and people whom the staff write down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts.models import NO_MAILBOX, Person
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.messages.operations import choose_mail
from app.needs.models import Position, Shift
from app.signups.calendar import calendar_file
from app.signups.checks import check_capacity
from app.signups.models import Signup
from app.signups.operations import cancel_signup, change_signup, sign_up
from app.signups.staff import cancel_place
from tests.conftest import CheckingClient
from tests.factories import ADULT, make_member, make_need, make_organization, make_person, make_shift
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


def taken(shift: Shift) -> int:
    return db.session.query(Position.taken).filter_by(shift_id=shift.id).scalar() or 0


def sequence_of(signup: Signup) -> int:
    file = calendar_file(signup, base_url="http://localhost", sender="help@example.org")
    assert file is not None
    [line] = [line for line in file.decode().splitlines() if line.startswith("SEQUENCE:")]
    return int(line.partition(":")[2])


def test_people_and_shift_change_in_one_step_and_the_calendar_follows(
    app: Flask, sign_in: SignIn, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    need = make_need()
    one, two = make_shift(need, days=3, sequence=4), make_shift(need, days=5, capacity=4)
    person = make_person()
    with transaction():
        signup = sign_up(one.id, by=person, party_size=2)
    before = sequence_of(signup)
    sign_in(person)
    page = f"/signups/{encode_id(signup.id)}/change"
    assert "You and a guest" in client.get(page).text
    place = f"{encode_id(two.id)}.{encode_id(two.positions[0].id)}"
    sent = client.post(page, data={"place": place, "party_size": "4", "note": "With a car"})
    assert sent.status_code == 303
    assert (signup.shift_id, signup.party_size, signup.note) == (two.id, 4, "With a car")
    assert (taken(one), taken(two)) == (0, 4)
    assert sequence_of(signup) > before
    work_off()
    assert len(mailbox.to(person.email)) == 2
    assert check_capacity()[1] == []
    # Nor does the panel beside it show a place that was given back.
    assert client.post(f"/signups/{encode_id(signup.id)}/cancel").status_code == 303
    gone = client.get(page).text
    assert "cannot be changed any more" in gone
    assert "You and" not in gone


def test_the_place_one_has_is_always_a_choice_however_many_shifts_come_before_it(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.signups.views.own.MOST_SHIFTS", 2)
    need = make_need()
    _before = [make_shift(need, days=days) for days in (1, 2, 3)]
    own = make_shift(need, days=5)
    person = make_person()
    with transaction():
        signup = sign_up(own.id, by=person, party_size=2)
    client = sign_in(person)
    page = f"/signups/{encode_id(signup.id)}/change"
    place = f"{encode_id(own.id)}.{encode_id(own.positions[0].id)}"
    text = client.get(page).text
    assert text.count('name="place"') == 3
    assert f'value="{place}"' in text
    assert client.post(page, data={"place": place, "party_size": "3"}).status_code == 303
    assert (signup.shift_id, signup.party_size) == (own.id, 3)


@pytest.mark.rule("S1")
@pytest.mark.rule("S3")
def test_a_change_that_the_gate_refuses_changes_nothing(app: Flask, sign_in: SignIn, client: CheckingClient) -> None:
    need = make_need()
    one, two = make_shift(need, days=3), make_shift(need, days=5, capacity=1)
    elsewhere = make_shift(starts_at=two.starts_at, ends_at=two.ends_at)
    person = make_person()
    with transaction():
        signup = sign_up(one.id, by=person, party_size=2)
        sign_up(elsewhere.id, by=person)
    with pytest.raises(Refused) as refused, transaction():
        change_signup(signup.id, by=person, shift_id=two.id, party_size=2)
    assert {reason.code for reason in refused.value.reasons} == {"full", "overlap"}
    db.session.expire_all()
    assert (signup.shift_id, signup.party_size, taken(one), taken(two)) == (one.id, 2, 2, 0)
    sign_in(person)
    place = f"{encode_id(one.id)}.{encode_id(one.positions[0].id)}"
    wrong = client.post(f"/signups/{encode_id(signup.id)}/change", data={"place": place, "party_size": "11"})
    assert wrong.status_code == 409
    assert 'value="11"' in wrong.text
    assert taken(one) == 2
    # More digits than a number may have are none (A4).
    assert 'value="2"' in client.get(f"/signups/{encode_id(signup.id)}/change?people={'9' * 5000}").text


def test_more_people_fit_where_only_ones_own_places_are_in_the_way(app: Flask) -> None:
    shift, person = make_shift(capacity=3), make_person()
    with transaction():
        signup = sign_up(shift.id, by=person, party_size=2)
    with transaction():
        change_signup(signup.id, by=person, party_size=3)
    assert (signup.party_size, taken(shift)) == (3, 3)


def test_a_place_changes_to_shifts_of_its_own_need_only_and_while_it_stands(app: Flask) -> None:
    shift, foreign, person = make_shift(), make_shift(), make_person()
    with transaction():
        signup = sign_up(shift.id, by=person)
    with pytest.raises(Refused), transaction():
        change_signup(signup.id, by=person, shift_id=foreign.id, party_size=1)
    with transaction():
        cancel_signup(signup.id, by=person)
    with pytest.raises(Refused), transaction():
        change_signup(signup.id, by=person, party_size=2)
    assert taken(shift) == taken(foreign) == 0


def test_several_shifts_in_one_go_all_or_none(app: Flask, sign_in: SignIn, client: CheckingClient) -> None:
    need = make_need()
    one, two, full = make_shift(need, days=3), make_shift(need, days=4), make_shift(need, days=5, capacity=0)
    same_time = make_shift(need, starts_at=one.starts_at, ends_at=one.ends_at)
    person = make_person()
    sign_in(person)
    page = f"/needs/{encode_id(need.id)}/sign-up"
    assert "This shift is full." in client.get(page).text
    overlapping = [encode_id(shift.id) for shift in (one, same_time)]
    refused = client.post(page, data={"shifts": overlapping, "party_size": "1"})
    assert refused.status_code == 409
    assert "another commitment" in refused.text
    assert db.session.query(Signup).count() == 0
    sent = client.post(page, data={"shifts": [encode_id(one.id), encode_id(two.id)], "party_size": "2"})
    assert sent.status_code == 303
    assert (taken(one), taken(two), taken(full)) == (2, 2, 0)
    assert client.post(page, data={"party_size": "1"}).status_code == 422


def test_what_can_be_taken_stands_beside_what_cannot(app: Flask, sign_in: SignIn, client: CheckingClient) -> None:
    need = make_need()
    full, free = make_shift(need, days=3, capacity=0), make_shift(need, days=4)
    closed = make_shift(need, days=5, contact="children")
    page = f"/shifts/{encode_id(full.id)}/sign-up"
    for browser in (client, sign_in(make_person())):
        text = browser.get(page).text
        assert "Shifts you can take" in text
        assert f"/shifts/{encode_id(free.id)}/sign-up" in text
        assert f"/shifts/{encode_id(closed.id)}/sign-up" not in text


def test_staff_write_down_who_telephones_and_who_walks_in(
    app: Flask, sign_in: SignIn, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    organization = make_organization()
    coordinator, viewer = make_member(organization, "coordinator"), make_member(organization, "viewer")
    shift = make_shift(make_need(organization), capacity=3)
    page = f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/volunteers/new"
    sign_in(viewer)
    assert client.get(page).status_code == 404
    sign_in(coordinator)
    assert client.get(page).status_code == 200
    gus = {"name": "Gus", "birth_date": "1960-01-02", "party_size": "1", "phone": "555 0100", "note": "Knows the van"}
    assert client.post(page, data=gus).status_code == 303
    place = db.session.query(Signup).one()
    assert place.person.email.endswith(NO_MAILBOX)
    assert place.note == "Telephone: 555 0100\nKnows the van"
    assert "Gus" in client.get(f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/roster").text
    # With an address they are written to, and can cancel by the mail's link without an account.
    assert client.post(page, data={**gus, "name": "Gail", "email": "gail@example.org"}).status_code == 303
    work_off()
    assert [message["To"] for message in mailbox.messages] == ["gail@example.org"]
    assert "/places/" in text_of(mailbox.messages[0])
    assert client.post(page, data={**gus, "birth_date": ""}).status_code == 422


@pytest.mark.rule("S1")
@pytest.mark.rule("G1")
def test_whom_the_staff_write_down_passes_the_gate_like_everybody(
    app: Flask, sign_in: SignIn, client: CheckingClient
) -> None:
    organization = make_organization()
    need = make_need(organization)
    full, contact = make_shift(need, capacity=0), make_shift(need, contact="children")
    old = make_shift(need, minimum_age=18)
    sign_in(make_member(organization, "owner"))
    young = {"name": "Gus", "birth_date": "2012-01-02", "party_size": "1"}
    for shift, said in (
        (full, "full"),
        (contact, "not been approved yet for work with children"),
        (old, "aged 18"),
        (make_shift(need), "guardian"),
    ):
        page = f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/volunteers/new"
        answer = client.post(page, data=young)
        assert answer.status_code == 409
        assert said in answer.text
    assert db.session.query(Signup).count() == 0
    assert db.session.query(Person).filter_by(name="Gus").count() == 0


@pytest.mark.rule("S3")
def test_staff_are_not_told_what_a_person_with_an_account_does_elsewhere(
    app: Flask, sign_in: SignIn, client: CheckingClient
) -> None:
    organization = make_organization()
    shift = make_shift(make_need(organization))
    busy = make_person(birth_date=ADULT)
    elsewhere = make_shift(starts_at=shift.starts_at, ends_at=shift.ends_at)
    with transaction():
        sign_up(elsewhere.id, by=busy)
    sign_in(make_member(organization, "owner"))
    page = f"/manage/{organization.slug}/shifts/{encode_id(shift.id)}/volunteers/new"
    answer = client.post(page, data={"name": "B", "birth_date": "1990-05-17", "email": busy.email, "party_size": "1"})
    assert answer.status_code == 409
    assert "Ask them to sign up themselves" in answer.text
    assert "commitment" not in answer.text


def test_staff_hear_at_once_of_what_they_chose(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    organization = make_organization()
    eager, calm = make_member(organization, "owner"), make_member(organization, "manager")
    viewer = make_member(organization, "viewer")
    with transaction():
        choose_mail(eager.id, by=eager, choices={"staff_signups": "at_once"}, quiet=(0, 0))
        choose_mail(calm.id, by=calm, choices={"staff_cancellations": "never"}, quiet=(0, 0))
        choose_mail(viewer.id, by=viewer, choices={"staff_signups": "at_once"}, quiet=(0, 0))
    shift, person = make_shift(make_need(organization, title="Sort"), capacity=4), make_person(name="Gail")
    with transaction():
        signup = sign_up(shift.id, by=person, party_size=2)
    work_off()
    [told] = mailbox.to(eager.email)
    assert told["Subject"] == "Gail comes: Sort"
    assert "2 of 4 places are taken" in text_of(told)
    assert told["List-Unsubscribe"] is not None
    with transaction():
        cancel_signup(signup.id, by=person)
    work_off()
    assert [message["Subject"] for message in mailbox.to(eager.email)][1:] == ["Gail does not come: Sort"]
    assert mailbox.to(calm.email) == mailbox.to(viewer.email) == []
    # Nobody is written to about what they did themselves.
    other = make_member(organization, "manager")
    for which in (eager, other):
        with transaction():
            choose_mail(which.id, by=which, choices={"staff_signups": "never"}, quiet=(0, 0))
    hal = make_person(name="Hal")
    with transaction():
        again = sign_up(shift.id, by=hal)
    with transaction():
        cancel_place(again.id, by=other, reason="no_longer_needed")
    work_off()
    assert "Hal does not come: Sort" in [message["Subject"] for message in mailbox.to(eager.email)]
    assert mailbox.to(other.email) == []
