"""The way back: a promise that was changed or taken back a moment ago is as it was, on every path (P1, P2)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.messages.operations import choose_mail
from app.needs.models import Item
from app.pledges.checks import check_pledges
from app.pledges.earlier import can_undo_change
from app.pledges.models import Pledge
from app.pledges.operations import (
    cancel_pledge,
    change_pledge,
    pledge,
    receive_pledge,
    send_off,
    undo_cancel,
    undo_change,
)
from tests.conftest import CheckingClient
from tests.factories import make_item, make_need, make_person
from tests.smtp import Mailbox, html_of, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
ZONE = "America/New_York"


def counts(item: Item) -> tuple[Decimal, Decimal, Decimal]:
    db.session.expire_all()
    return item.reserved, item.in_transit, item.received


def day(number: int) -> dt.date:
    return today(ZONE) + dt.timedelta(days=number)


def only_pledge() -> Pledge:
    db.session.expire_all()
    return db.session.query(Pledge).one()


@pytest.mark.rule("P1")
def test_taking_back_what_is_on_its_way_and_undoing_that_leaves_it_on_its_way(app: Flask) -> None:
    person, item = make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
        send_off(made.id, by=person)
    with transaction():
        cancel_pledge(made.id, by=person)
    assert counts(item) == (0, 0, 0)
    with transaction():
        undo_cancel(made.id, by=person)
    assert (made.status, counts(item)) == ("in_transit", (0, 4, 0))
    assert check_pledges()[1] == []


@pytest.mark.rule("P1")
def test_a_change_is_undone_as_if_it_had_not_been(app: Flask) -> None:
    person, item = make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(6), note="Blue ones", deliver_by=day(5))
    with transaction():
        change_pledge(
            made.id, by=person, quantity=Decimal("2.5"), deliver_by=day(9), way="send", on_its_way=True, note="Red ones"
        )
    assert counts(item) == (0, Decimal("2.5"), 0)
    with transaction():
        undo_change(made.id, by=person)
    assert (made.quantity, made.deliver_by, made.way, made.note, made.status) == (
        6, day(5), "drop_off", "Blue ones", "reserved",
    )  # fmt: skip
    assert counts(item) == (6, 0, 0)
    assert check_pledges()[1] == []
    with pytest.raises(Refused, match="undo_too_late"), transaction():
        undo_change(made.id, by=person)


@pytest.mark.rule("P1")
def test_a_change_is_undone_only_as_far_as_it_is_still_wanted(app: Flask) -> None:
    person, other, item = make_person(), make_person(), make_item(quantity="6")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(6))
        change_pledge(made.id, by=person, quantity=Decimal(2))
        pledge(item.id, by=other, quantity=Decimal(3))
    with pytest.raises(Refused, match="more_than_wanted"), transaction():
        undo_change(made.id, by=person)
    assert (only_of(person), counts(item)) == (2, (5, 0, 0))


def only_of(person: Person) -> Decimal:
    db.session.expire_all()
    return db.session.query(Pledge).filter_by(person_id=person.id).one().quantity


@pytest.mark.parametrize("what", ["late", "received", "cancelled", "cancelled and back"])
def test_after_a_quarter_of_an_hour_or_when_something_else_happened_a_change_stays(app: Flask, what: str) -> None:
    owner, person, item = make_person(), make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(6))
        change_pledge(made.id, by=person, quantity=Decimal(4))
    assert can_undo_change(made)
    later = now() + (dt.timedelta(minutes=15) if what == "late" else dt.timedelta(minutes=1))
    with time_machine.travel(later, tick=False):
        with transaction():
            if what == "received":
                receive_pledge(made.id, by=owner, received=Decimal(1))
            elif what != "late":
                cancel_pledge(made.id, by=person)
        if what == "cancelled and back":
            with transaction():
                undo_cancel(made.id, by=person)
        with pytest.raises(Refused), transaction():
            undo_change(made.id, by=person)
        assert not can_undo_change(only_pledge())
    assert only_pledge().quantity == 4
    assert check_pledges()[1] == []


@pytest.mark.rule("P2")
def test_the_note_of_a_second_promise_is_kept(app: Flask) -> None:
    person, item = make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(1), note="I ring twice")
        pledge(item.id, by=person, quantity=Decimal(1), mode="add")
    assert made.note == "I ring twice"
    with transaction():
        pledge(item.id, by=person, quantity=Decimal(1), mode="add", note="One box is open")
    assert made.note == "I ring twice\nOne box is open"
    with transaction():
        pledge(item.id, by=person, quantity=Decimal(1), mode="replace", note="By post")
    assert made.note == "By post"
    with transaction():
        undo_change(made.id, by=person)
    assert (made.quantity, made.note) == (3, "I ring twice\nOne box is open")
    with pytest.raises(InvalidInput) as refused, transaction():
        pledge(item.id, by=person, quantity=Decimal(1), mode="add", note="x" * 490)
    assert list(refused.value.errors) == ["note"]


@pytest.mark.rule("P2")
def test_adding_to_a_promise_keeps_the_note_and_its_undo_takes_back_what_was_added(
    client: CheckingClient, sign_in: SignIn
) -> None:
    item, person = make_item(quantity="10"), make_person()
    path = f"/items/{encode_id(item.id)}/pledge"
    sign_in(person)
    client.post(path, data={"quantity": "3", "note": "On Friday"})
    asked = client.post(path, data={"quantity": "2", "note": "The lid is blue"})
    assert asked.status_code == 409
    assert 'name="note" value="The lid is blue"' in asked.text
    client.post(path, data={"quantity": "2", "note": "The lid is blue", "mode": "add"})
    made = only_pledge()
    assert (made.quantity, made.note) == (5, "On Friday\nThe lid is blue")
    undo = f"/pledges/{encode_id(made.id)}/undo-change"
    assert f'action="{undo}"' in client.get("/my-help").text
    assert client.post(undo).status_code == 303
    assert (only_pledge().quantity, only_pledge().note, only_pledge().status) == (3, "On Friday", "reserved")
    too_long = client.post(path, data={"quantity": "2", "note": "x" * 495, "mode": "add"})
    assert too_long.status_code == 422
    assert "Write less" in too_long.text


def test_the_page_of_a_promise_taken_back_has_the_way_back_while_there_is_one(
    client: CheckingClient, sign_in: SignIn
) -> None:
    item, person = make_item(quantity="10"), make_person()
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
        cancel_pledge(made.id, by=person)
    sign_in(person)
    page, undo = f"/pledges/{encode_id(made.id)}/cancel", f"/pledges/{encode_id(made.id)}/undo-cancel"
    assert f'action="{undo}"' in client.get(page).text
    with time_machine.travel(now() + dt.timedelta(minutes=16), tick=False):
        late = client.get(page).text
        assert undo not in late
        assert "Pledge again" in late
        assert client.post(undo).status_code == 409
    assert client.post(undo).status_code == 303
    assert counts(item) == (4, 0, 0)


def test_one_press_says_that_it_is_on_its_way_and_one_takes_that_back(client: CheckingClient, sign_in: SignIn) -> None:
    item, person = make_item(quantity="10"), make_person()
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4), way="send", note="By post")
    sign_in(person)
    sent = f"/pledges/{encode_id(made.id)}/on-its-way"
    assert f'action="{sent}"' in client.get("/my-help").text
    assert client.post(sent).headers["Location"] == "/my-help"
    assert (made.way, made.note, counts(item)) == ("send", "By post", (0, 4, 0))
    page = client.get("/my-help").text
    assert sent not in page
    assert "It is on its way" in page
    with transaction():
        send_off(made.id, by=person)  # said twice
    assert client.post(f"/pledges/{encode_id(made.id)}/undo-change").status_code == 303
    assert counts(item) == (4, 0, 0)


def test_the_mails_about_it_lead_back_without_a_session(
    app: Flask, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    person, item = make_person(), make_item(make_need(), quantity="10")
    with transaction():
        choose_mail(person.id, by=person, choices={}, quiet=(0, 0))
        made = pledge(item.id, by=person, quantity=Decimal(4))
    work_off()
    with transaction():
        change_pledge(made.id, by=person, quantity=Decimal(1))
    work_off()
    mail = mailbox.to(person.email)[-1]
    assert "Undo the change until" in text_of(mail)
    link = leads_to(text_of(mail))
    assert link in html_of(mail)
    assert "Undo the change" in client.get(link).text
    assert client.post(f"{link}/undo-change", csrf=False).status_code == 303
    assert counts(item) == (4, 0, 0)
    assert "Undo the change" not in client.get(link).text
    with transaction():
        cancel_pledge(made.id, by=person)
    work_off()
    mail = mailbox.to(person.email)[-1]
    assert "Undo it until" in text_of(mail)
    assert client.post(f"{leads_to(text_of(mail))}/undo", csrf=False).status_code == 303
    assert counts(item) == (4, 0, 0)
    with transaction():
        cancel_pledge(made.id, by=person)
    with time_machine.travel(now() + dt.timedelta(minutes=20), tick=False):
        work_off()
    assert "/promises/" not in text_of(mailbox.to(person.email)[-1]), "no way back is offered that is none"


def leads_to(text: str) -> str:
    """The path of the first link about a promise."""
    found = re.search(r"http://localhost(/promises/\S+)", text)
    assert found is not None
    return found.group(1)


def test_a_change_undone_before_its_mail_was_sent_sends_none_about_it(app: Flask) -> None:
    person, item = make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
        change_pledge(made.id, by=person, quantity=Decimal(3))
        undo_change(made.id, by=person)
    [promised] = db.session.query(Outbox).filter_by(kind="pledge_changed").all()
    assert ":4:" in promised.key
