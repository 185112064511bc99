"""Several shifts in one go: what one would do on each, every remedy, all of it back in one step; and what can be taken
instead, wherever something is refused."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Need, Position, Shift
from app.signups.checks import check_capacity
from app.signups.holds import confirm_token, hold_places
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from app.signups.policy import place_token
from tests.conftest import CheckingClient
from tests.factories import ADULT, make_need, make_person, make_shift
from tests.smtp import Mailbox

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]


@pytest.fixture
def need(app: Flask) -> Need:
    return make_need(title="Sort boxes")


def add_position(shift: Shift, name: str, capacity: int) -> Position:
    with transaction():
        position = Position(shift_id=shift.id, name=name, capacity=capacity, sort=1)
        db.session.add(position)
    return position


def page(need: Need) -> str:
    return f"/needs/{encode_id(need.id)}/sign-up"


def undo_of(text: str) -> str:
    [found] = re.findall(r'action="([^"]*undo-sign-up[^"]*)"', text)
    return str(found)


def held(person_id: int) -> list[Signup]:
    query = sa.select(Signup).where(Signup.person_id == person_id, Signup.status == "confirmed")
    return list(db.session.scalars(query.order_by(Signup.shift_id)))


def test_each_shift_asks_what_one_would_do(sign_in: SignIn, client: CheckingClient, need: Need) -> None:
    one, two = make_shift(need, days=3, name="Driver", capacity=2), make_shift(need, days=4)
    packer = add_position(one, "Packer", 5)
    person = make_person()
    sign_in(person)
    shown = client.get(page(need)).text
    assert shown.count("What would you do?") == 1
    field = f"position_{encode_id(one.id)}"
    typed = {"shifts": [encode_id(one.id), encode_id(two.id)], "party_size": "1", field: encode_id(packer.id)}
    wrong = client.post(page(need), data={**typed, field: "x"})
    assert wrong.status_code == 422
    assert held(person.id) == []
    assert client.post(page(need), data=typed).status_code == 303
    assert {signup.position_id for signup in held(person.id)} == {packer.id, two.positions[0].id}


@pytest.mark.rule("S1")
def test_all_of_them_are_taken_back_in_one_step_without_a_mail(
    sign_in: SignIn, client: CheckingClient, need: Need, mailbox: Mailbox, work_off: Work
) -> None:
    shifts = [make_shift(need, days=days) for days in (3, 4, 5)]
    person = make_person()
    sign_in(person)
    typed = {"shifts": [encode_id(shift.id) for shift in shifts], "party_size": "2"}
    assert client.post(page(need), data=typed).status_code == 303
    told = client.get("/my-help").text
    assert "3 places on “Sort boxes” are confirmed" in told
    undo = undo_of(told)
    assert client.post(undo).status_code == 303
    assert held(person.id) == []
    work_off()
    assert mailbox.messages == []
    assert check_capacity()[1] == []
    assert client.post(undo).status_code == 409, "sent twice, it changes nothing"


def test_the_way_back_of_several_is_ones_own_and_not_for_ever(
    sign_in: SignIn, client: CheckingClient, need: Need, mailbox: Mailbox, work_off: Work
) -> None:
    shifts = [make_shift(need, days=days) for days in (3, 4)]
    person = make_person()
    sign_in(person)
    typed = {"shifts": [encode_id(shift.id) for shift in shifts], "party_size": "1"}
    client.post(page(need), data=typed)
    undo = undo_of(client.get("/my-help").text)
    work_off()
    sign_in(make_person())
    assert client.post(undo).status_code == 409
    sign_in(person)
    with time_machine.travel(now() + dt.timedelta(minutes=16)):
        late = client.post(undo)
    assert late.status_code == 409
    assert 'href="/my-help">Each place can still be cancelled on My help.' in late.text
    assert len(held(person.id)) == 2
    assert client.post(undo).status_code == 303
    work_off()
    assert [str(mail["Subject"]).partition(":")[0] for mail in mailbox.to(person.email)] == ["Your place"] * 2 + [
        "Your place is cancelled"
    ] * 2


@pytest.mark.rule("S11")
def test_refusals_of_several_come_with_every_remedy(sign_in: SignIn, client: CheckingClient, need: Need) -> None:
    one = make_shift(need, days=3)
    same_time = make_shift(need, starts_at=one.starts_at, ends_at=one.ends_at)
    make_shift(need, days=5, capacity=0)
    make_shift(need, days=6, minimum_age=21)
    person = make_person(birth_date=None)
    sign_in(person)
    shown = client.get(page(need)).text
    assert "This shift is full." in shown
    assert "Look for another time on the same page." in shown
    assert 'href="/profile">Add your birth date to your profile.' in shown
    both = client.post(page(need), data={"shifts": [encode_id(s.id) for s in (one, same_time)], "party_size": "1"})
    assert both.status_code == 409
    assert "another commitment" in both.text
    assert 'href="/my-help">Cancel it on My help, or choose another time.' in both.text
    assert both.text.count(" checked") == 2, "what was chosen stays chosen"


@pytest.mark.rule("S11")
def test_what_was_chosen_and_cannot_be_taken_any_more_stays_chosen_with_its_reasons(
    sign_in: SignIn, client: CheckingClient, need: Need
) -> None:
    person = make_person()
    one, two = make_shift(need, days=3), make_shift(need, days=4)
    sign_in(person)
    with transaction():
        sign_up(one.id, by=person)
    both = [encode_id(one.id), encode_id(two.id)]
    answer = client.post(page(need), data={"shifts": both, "party_size": "1"})
    assert answer.status_code == 409
    assert "You already have a place on this shift" in answer.text
    checked = [box for box in re.findall(r"<input[^>]*>", answer.text) if 'name="shifts"' in box and " checked" in box]
    assert len(checked) == 2
    assert len(held(person.id)) == 1


@pytest.mark.rule("S11")
def test_whoever_must_prove_their_address_is_led_to_a_new_link_and_back(
    sign_in: SignIn, client: CheckingClient, need: Need
) -> None:
    shift = make_shift(need)
    sign_in(make_person(email_verified_at=None))
    shown = client.get(f"/shifts/{encode_id(shift.id)}/sign-up").text
    way = f"/verify-email?next=/shifts/{encode_id(shift.id)}/sign-up"
    assert f'href="{way}">Follow the link in the email we sent you' in shown


@pytest.mark.rule("S11")
def test_what_can_be_taken_stands_beside_every_refusal(sign_in: SignIn, client: CheckingClient, need: Need) -> None:
    shift, other = make_shift(need, days=3, capacity=2), make_shift(need, days=5)
    instead = f"/shifts/{encode_id(other.id)}/sign-up"
    # A guest whose place was taken away meanwhile.
    with transaction():
        hold = hold_places(shift.id, name="Gail", email="gail@example.org", birth_date=ADULT)
        token = confirm_token(hold)
    with transaction():
        db.session.get_one(Shift, shift.id).status = "cancelled"
    refused = client.post(f"/guests/confirm/{token}", csrf=False)
    assert refused.status_code == 409
    assert "Shifts you can take" in refused.text
    assert instead in refused.text
    # Places that cannot be taken back, by the page and by the link.
    with transaction():
        db.session.get_one(Shift, shift.id).status = "scheduled"
    person = make_person()
    with transaction():
        signup = sign_up(shift.id, by=person)
    with transaction():
        cancel_signup(signup.id, by=person)
    late = make_person()
    with transaction():
        sign_up(shift.id, by=late, party_size=1)
    sign_in(person)
    for address in (f"/signups/{encode_id(signup.id)}/undo-cancel", f"/places/{place_token(signup)}/undo"):
        again = client.post(address, csrf=address.startswith("/signups"))
        assert again.status_code == 409, address
        assert "This shift is full." in again.text
        assert instead in again.text
    with transaction():
        mine = sign_up(other.id, by=late, party_size=1)
    third = make_shift(need, days=8)
    sign_in(late)
    place = f"{encode_id(shift.id)}.{encode_id(shift.positions[0].id)}"
    changed = client.post(f"/signups/{encode_id(mine.id)}/change", data={"place": place, "party_size": "1"})
    assert changed.status_code == 409
    assert f"/shifts/{encode_id(third.id)}/sign-up" in changed.text


def test_a_full_shift_on_the_page_of_its_need_leads_on(client: CheckingClient, need: Need) -> None:
    full = make_shift(need, days=3, capacity=0)
    shown = client.get(f"/needs/{encode_id(need.id)}").text
    assert "Similar needs</a>" in shown, "nothing else to take here"
    other = make_shift(need, days=5)
    shown = client.get(f"/needs/{encode_id(need.id)}?again=1").text
    assert f'href="/shifts/{encode_id(full.id)}/sign-up">Other shifts</a>' in shown
    led_to = client.get(f"/shifts/{encode_id(full.id)}/sign-up").text
    assert "Shifts you can take" in led_to
    assert f"/shifts/{encode_id(other.id)}/sign-up" in led_to
