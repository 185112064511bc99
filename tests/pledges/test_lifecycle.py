"""A promise from its day to its end (P3), changed on the way, and what comes written down and undone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
import time_machine
from flask import Flask

from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.messages.operations import choose_mail
from app.needs.models import Item
from app.needs.operations import ItemInput, edit_item, pause_need
from app.pledges import dates
from app.pledges.checks import check_pledges
from app.pledges.jobs import chase_overdue
from app.pledges.models import Delivery, Pledge
from app.pledges.operations import (
    cancel_pledge,
    change_pledge,
    expire_pledge,
    pledge,
    receive_pledge,
    undo_cancel,
    undo_delivery,
)
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person
from tests.smtp import Mailbox, text_of

Work = Callable[[], dict[str, int]]
SignIn = Callable[..., CheckingClient]
ZONE = "America/New_York"


def counts(item: Item) -> tuple[Decimal, Decimal, Decimal]:
    db.session.expire_all()
    return item.reserved, item.in_transit, item.received


def day(number: int) -> dt.date:
    return today(ZONE) + dt.timedelta(days=number)


def at_noon(number: int) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(17), dt.UTC)


@pytest.mark.rule("P3")
def test_what_does_not_come_by_its_day_is_reminded_asked_about_and_wanted_again(
    app: Flask, mailbox: Mailbox, work_off: Work
) -> None:
    organization = make_organization()
    owner, person = make_member(organization, "owner"), make_person()
    item = make_item(make_need(organization), quantity="10")
    with transaction():
        for known in (owner, person):
            choose_mail(known.id, by=known, choices={}, quiet=(0, 0))
        made = pledge(item.id, by=person, quantity=Decimal(4), deliver_by=day(10))
    work_off()
    subjects: list[list[str]] = []
    for passed in (7, 8, 10, 11, 13, 14, 15):
        with time_machine.travel(at_noon(passed), tick=False):
            before = len(mailbox.to(person.email))
            work_off()
            work_off()
            subjects.append([str(mail["Subject"]) for mail in mailbox.to(person.email)[before:]])
    assert subjects == [
        [],
        ["Reminder: Diapers"],
        [],
        ["Does it still come? Diapers"],
        [],
        ["Wanted again: Diapers"],
        [],
    ]
    assert (made.status, counts(item)) == ("expired", (0, 0, 0))
    assert item.still_wanted == 10
    assert "does not bring" in mailbox.to(owner.email)[-1]["Subject"]
    assert check_pledges()[1] == []


@pytest.mark.rule("P3")
def test_what_came_in_part_keeps_what_came_and_what_is_on_its_way_has_longer(app: Flask) -> None:
    owner, one, two = make_person(), make_person(), make_person()
    item = make_item(quantity="10")
    with transaction():
        part = pledge(item.id, by=one, quantity=Decimal(4), deliver_by=day(1))
        sent = pledge(item.id, by=two, quantity=Decimal(3), deliver_by=day(1), way="send")
        receive_pledge(part.id, by=owner, received=Decimal(1))
        change_pledge(sent.id, by=two, quantity=Decimal(3), way="send", on_its_way=True)
    assert counts(item) == (3, 3, 1)
    with time_machine.travel(at_noon(6), tick=False):
        chase_overdue()
    assert (part.status, sent.status, counts(item)) == ("received", "in_transit", (0, 3, 1))
    with time_machine.travel(at_noon(20), tick=False):
        chase_overdue()
        chase_overdue()
    assert (sent.status, counts(item)) == ("expired", (0, 0, 1))
    assert check_pledges()[1] == []


@pytest.mark.rule("P3")
def test_another_day_moves_the_reminder_and_the_end(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    person, item = make_person(), make_item()
    with transaction():
        choose_mail(person.id, by=person, choices={}, quiet=(0, 0))
        made = pledge(item.id, by=person, quantity=Decimal(4), deliver_by=day(5))
        change_pledge(made.id, by=person, quantity=Decimal(4), deliver_by=day(20))
    with time_machine.travel(at_noon(9), tick=False):
        work_off()
        assert not [mail for mail in mailbox.to(person.email) if "Reminder" in mail["Subject"]]
        with transaction():
            assert not expire_pledge(made.id)
    with time_machine.travel(at_noon(18), tick=False):
        work_off()
    assert [mail["Subject"] for mail in mailbox.to(person.email)].count("Reminder: Diapers") == 1


def test_the_day_is_bounded_by_today_and_the_last_day_of_the_need(app: Flask) -> None:
    person = make_person()
    item = make_item(make_need(ends_on=day(7)))
    assert dates.usual_day(item.need) == day(7)
    for wrong in (day(-1), day(8)):
        with pytest.raises(InvalidInput), transaction():
            pledge(item.id, by=person, quantity=Decimal(1), deliver_by=wrong)
    endless = make_item()
    assert dates.usual_day(endless.need) == day(14)
    with pytest.raises(InvalidInput), transaction():
        pledge(endless.id, by=person, quantity=Decimal(1), deliver_by=day(400))


@pytest.mark.rule("P1")
def test_a_promise_changes_in_one_step_and_never_beyond_what_is_wanted(
    app: Flask, sign_in: SignIn, client: CheckingClient
) -> None:
    person, other, item = make_person(), make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
        pledge(item.id, by=other, quantity=Decimal(3))
    sign_in(person)
    page = f"/pledges/{encode_id(made.id)}/change"
    assert client.get(page).status_code == 200
    values = {"quantity": "7", "way": "send", "on_its_way": "y", "deliver_by": day(3).isoformat(), "note": "By post"}
    assert client.post(page, data=values).status_code == 303
    assert (made.quantity, made.way, made.deliver_by, made.note) == (7, "send", day(3), "By post")
    assert counts(item) == (3, 7, 0)
    sign_in(make_member(item.need.organization, "coordinator"))
    listed = client.get(f"/manage/{item.need.organization.slug}/needs/{encode_id(item.need_id)}").text
    assert "It is sent" in listed
    assert "on its way" in listed
    assert "It is sent" in client.get(f"/pledges/{encode_id(made.id)}/receive").text
    sign_in(person)
    too_much = client.post(page, data={**values, "quantity": "8"})
    assert too_much.status_code == 409
    assert 'value="8"' in too_much.text
    assert client.post(page, data={**values, "quantity": "none"}).status_code == 422
    assert client.post(page, data={**values, "deliver_by": day(-2).isoformat()}).status_code == 422
    assert counts(item) == (3, 7, 0)
    assert check_pledges()[1] == []


@pytest.mark.rule("P1")
def test_a_promise_taken_back_stands_again_while_it_is_wanted(app: Flask) -> None:
    person, other, item = make_person(), make_person(), make_item(quantity="5")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
    with transaction():
        cancel_pledge(made.id, by=person)
    with transaction():
        undo_cancel(made.id, by=person)
    assert (made.status, counts(item)) == ("reserved", (4, 0, 0))
    with transaction():
        cancel_pledge(made.id, by=person)
        pledge(item.id, by=other, quantity=Decimal(2))
    with pytest.raises(Refused, match="more_than_wanted"), transaction():
        undo_cancel(made.id, by=person)
    with time_machine.travel(now() + dt.timedelta(minutes=16)), pytest.raises(Refused), transaction():
        undo_cancel(made.id, by=person)
    assert counts(item) == (2, 0, 0)


@pytest.mark.rule("P4")
def test_a_receipt_is_undone_as_if_it_had_not_been(app: Flask, sign_in: SignIn, client: CheckingClient) -> None:
    organization = make_organization()
    coordinator, person = make_member(organization, "coordinator"), make_person()
    item = make_item(make_need(organization), quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(6))
        receive_pledge(made.id, by=coordinator, received=Decimal(2))
        receive_pledge(made.id, by=coordinator, received=Decimal(3), rejected=Decimal(1), reason="wet")
    assert (made.status, counts(item)) == ("received", (0, 0, 5))
    first, second = db.session.query(Delivery).order_by(Delivery.created_at).all()
    with pytest.raises(Refused), transaction():
        undo_delivery(first.id, by=coordinator)
    sign_in(coordinator)
    url = f"/manage/{organization.slug}/deliveries/{encode_id(second.id)}/undo"
    assert url in client.get(f"/manage/{organization.slug}/needs/{encode_id(item.need_id)}").text
    assert client.post(url).status_code == 303
    assert (made.status, made.received, made.rejected, counts(item)) == ("reserved", 2, 0, (4, 0, 2))
    assert client.post(url).status_code == 409
    assert check_pledges()[1] == []


@pytest.mark.rule("P1")
def test_a_receipt_of_a_promise_that_was_taken_back_since_is_undone_without_reviving_it(app: Flask) -> None:
    owner, person, item = make_person(), make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(8))
        receive_pledge(made.id, by=owner, received=Decimal(3))
    with transaction():
        cancel_pledge(made.id, by=person)
    assert (made.status, counts(item)) == ("received", (0, 0, 3))
    with transaction():
        undo_delivery(db.session.query(Delivery).one().id, by=owner)
    assert (made.status, counts(item), item.still_wanted) == ("cancelled", (0, 0, 0), 10)
    # Nobody is thanked for what did not come.
    assert not db.session.query(Outbox).filter_by(kind="pledge_received").all()
    assert check_pledges()[1] == []


@pytest.mark.rule("P1")
def test_what_came_of_a_promise_taken_back_and_the_taking_back_are_undone_in_any_order(app: Flask) -> None:
    owner, person, item = make_person(), make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(8))
        cancel_pledge(made.id, by=person)
        receive_pledge(made.id, by=owner, received=Decimal(2), more=True)
    with transaction():
        undo_cancel(made.id, by=person)
    assert (made.status, counts(item)) == ("reserved", (6, 0, 2))
    with transaction():
        undo_delivery(db.session.query(Delivery).one().id, by=owner)
    assert (made.status, counts(item)) == ("reserved", (8, 0, 0))
    assert check_pledges()[1] == []
    with transaction():
        cancel_pledge(made.id, by=person)
        receive_pledge(made.id, by=owner, received=Decimal(9), more=True)
    with pytest.raises(Refused, match="undo_too_late"), transaction():
        undo_cancel(made.id, by=person)
    assert (made.status, counts(item)) == ("received", (0, 0, 9))
    assert check_pledges()[1] == []


def test_a_promise_grows_only_while_its_need_is_open(app: Flask) -> None:
    organization = make_organization()
    owner, person = make_member(organization, "owner"), make_person()
    item = make_item(make_need(organization), quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
    with transaction():
        pause_need(item.need_id, by=owner)
    with pytest.raises(Refused), transaction():
        change_pledge(made.id, by=person, quantity=Decimal(5))
    with transaction():
        change_pledge(made.id, by=person, quantity=Decimal(3), on_its_way=True)
    assert counts(item) == (0, 3, 0)


@pytest.mark.rule("P2")
def test_a_second_promise_says_its_day_and_way_too(app: Flask) -> None:
    person, item = make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4), deliver_by=day(5), way="send")
        pledge(item.id, by=person, quantity=Decimal(1), mode="add")
    assert (made.quantity, made.deliver_by, made.way) == (5, day(5), "send")
    with transaction():
        pledge(item.id, by=person, quantity=Decimal(2), mode="replace", deliver_by=day(9), way="drop_off")
    assert (made.quantity, made.deliver_by, made.way) == (2, day(9), "drop_off")


@pytest.mark.rule("P1")
def test_undoing_a_receipt_never_takes_what_others_promised_meanwhile(app: Flask) -> None:
    owner, person, other, item = make_person(), make_person(), make_person(), make_item(quantity="5")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(5))
        receive_pledge(made.id, by=owner, received=Decimal(2), rejected=Decimal(3), reason="wet")
        pledge(item.id, by=other, quantity=Decimal(3))
    delivery = db.session.query(Delivery).one()
    with pytest.raises(Refused, match="more_than_wanted"), transaction():
        undo_delivery(delivery.id, by=owner)
    assert counts(item) == (3, 0, 2)
    # A surplus that staff made by editing is no reason against going back to it.
    with transaction():
        edit_item(item.id, ItemInput(name="Things", unit="box", quantity=Decimal(1)), by=owner)
    assert check_pledges()[1] == []


@pytest.mark.rule("P1")
def test_what_nobody_promised_counts_too_and_can_be_undone(app: Flask, sign_in: SignIn, client: CheckingClient) -> None:
    organization = make_organization()
    coordinator, viewer = make_member(organization, "coordinator"), make_member(organization, "viewer")
    item = make_item(make_need(organization), quantity="4")
    page = f"/manage/{organization.slug}/items/{encode_id(item.id)}/arrivals/new"
    sign_in(viewer)
    assert client.get(page).status_code == 404
    sign_in(coordinator)
    assert client.get(page).status_code == 200
    assert client.post(page, data={"received": "5", "note": "A neighbour"}).status_code == 303
    assert (counts(item), item.surplus) == ((0, 0, 5), 1)
    assert check_pledges()[1] == []
    assert client.post(page, data={"received": "-1"}).status_code == 422
    delivery = db.session.query(Delivery).one()
    with transaction():
        undo_delivery(delivery.id, by=coordinator)
    assert counts(item) == (0, 0, 0)
    assert check_pledges()[1] == []


@pytest.mark.rule("P4")
def test_what_comes_after_the_end_of_a_promise_counts_when_staff_say_so(
    app: Flask, sign_in: SignIn, client: CheckingClient
) -> None:
    organization = make_organization()
    coordinator, person = make_member(organization, "coordinator"), make_person()
    item = make_item(make_need(organization), quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(2))
        receive_pledge(made.id, by=coordinator, received=Decimal(2))
    with pytest.raises(Refused, match="not_live"), transaction():
        receive_pledge(made.id, by=coordinator, received=Decimal(2))
    sign_in(coordinator)
    page = client.get(f"/pledges/{encode_id(made.id)}/receive").text
    assert re.search(r'name="more"[^>]*value="1"', page)
    sent = client.post(f"/pledges/{encode_id(made.id)}/receive", data={"received": "3", "rejected": "", "more": "1"})
    assert sent.status_code == 303
    assert (made.quantity, made.received, counts(item)) == (2, 5, (0, 0, 5))
    last = db.session.query(Delivery).order_by(Delivery.created_at.desc()).first()
    assert last is not None
    with transaction():
        undo_delivery(last.id, by=coordinator)
    assert (made.status, made.received, counts(item)) == ("received", 2, (0, 0, 2))
    assert check_pledges()[1] == []


def test_the_link_in_the_mail_takes_a_promise_back_and_that_back_without_a_session(
    app: Flask, client: CheckingClient, mailbox: Mailbox, work_off: Work
) -> None:
    person, item = make_person(), make_item(quantity="10")
    with transaction():
        made = pledge(item.id, by=person, quantity=Decimal(4))
    work_off()
    found = re.search(r"http://localhost(/promises/\S+)", text_of(mailbox.to(person.email)[0]))
    assert found is not None
    link = found.group(1)
    assert "Take it back" in client.get(link).text
    assert client.post(f"{link}/cancel", csrf=False).status_code == 303
    assert (made.status, counts(item)) == ("cancelled", (0, 0, 0))
    assert "Undo" in client.get(link).text
    assert client.post(f"{link}/undo", csrf=False).status_code == 303
    assert (made.status, counts(item)) == ("reserved", (4, 0, 0))
    assert client.get(link.replace(".", ".x")).status_code == 404


def test_staff_hear_of_a_promise_as_they_chose(app: Flask, mailbox: Mailbox, work_off: Work) -> None:
    organization = make_organization()
    owner, person = make_member(organization, "owner"), make_person(name="Gail")
    item = make_item(make_need(organization))
    with transaction():
        choose_mail(owner.id, by=owner, choices={"staff_pledges": "at_once"}, quiet=(0, 0))
        pledge(item.id, by=person, quantity=Decimal(4))
    work_off()
    [told] = mailbox.to(owner.email)
    assert told["Subject"] == "Gail brings: Diapers"
    assert "4 × box" in text_of(told)
    assert db.session.query(Pledge).count() == 1
