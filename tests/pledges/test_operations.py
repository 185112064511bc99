"""Promising items: the equation, the question of a second promise, quantities that are none, receiving."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.needs.models import Item
from app.needs.operations import ItemInput, edit_item
from app.pledges import checks
from app.pledges.models import Pledge
from app.pledges.operations import cancel_pledge, pledge, receive_pledge
from app.pledges.quantities import format_quantity, read_quantity
from app.pledges.queries import list_deliveries
from tests.factories import make_item, make_member, make_need, make_organization, make_person


def promise(item: Item, person: Person, quantity: str, **values: Any) -> Pledge:
    with transaction():
        return pledge(item.id, by=person, quantity=Decimal(quantity), **values)


def refusal(item: Item, person: Person, quantity: str, **values: Any) -> Refused:
    with pytest.raises(Refused) as refused, transaction():
        pledge(item.id, by=person, quantity=Decimal(quantity), **values)
    return refused.value


def counts(item: Item) -> tuple[str, ...]:
    item = db.session.get_one(Item, item.id, populate_existing=True)
    numbers = (item.reserved, item.received, item.still_wanted, item.surplus)
    return tuple("open" if number is None else format_quantity(number) for number in numbers)


@pytest.mark.rule("P1")
def test_no_more_is_promised_than_is_wanted(app: Flask) -> None:
    item = make_item(quantity="10")
    promise(item, make_person(), "7.5")
    refused = refusal(item, make_person(), "2.501")
    assert str(refused) == "more_than_wanted"
    assert "2.5 × box" in refused.reasons[0].message
    promise(item, make_person(), "2.5")
    assert counts(item) == ("10", "0", "0", "0")
    assert "All of this has been promised" in refusal(item, make_person(), "1").reasons[0].message


@pytest.mark.rule("P1")
def test_an_open_item_takes_any_quantity(app: Flask) -> None:
    item = make_item(quantity=None)
    promise(item, make_person(), "1000000")
    assert counts(item) == ("1000000", "0", "open", "0")


@pytest.mark.rule("P2")
def test_a_second_promise_asks_and_changes_nothing_until_told(app: Flask) -> None:
    item, person = make_item(quantity="10"), make_person()
    promise(item, person, "2")
    refused = refusal(item, person, "3")
    assert str(refused) == "already_pledged"
    assert counts(item)[0] == "2"
    promise(item, person, "3", mode="add")
    assert counts(item)[0] == "5"
    promise(item, person, "4", mode="replace")
    assert counts(item)[0] == "4"
    assert str(refusal(item, person, "7", mode="add")) == "more_than_wanted"
    assert str(refusal(item, person, "11", mode="replace")) == "more_than_wanted"
    promise(item, person, "10", mode="replace")
    assert counts(item) == ("10", "0", "0", "0")
    assert db.session.query(Pledge).count() == 1


@pytest.mark.rule("P2")
def test_a_mode_without_an_earlier_promise_just_promises(app: Flask) -> None:
    item = make_item()
    promise(item, make_person(), "2", mode="add")
    promise(item, make_person(), "3", mode="replace")
    assert counts(item)[0] == "5"


@pytest.mark.rule("P5")
@pytest.mark.parametrize(
    "typed",
    ["", " ", "0", "0.000", "-1", "−2", "two",
      "1e3", "1,5", "1 000", "NaN", "inf", "1.0001", "99999999999", "9" * 300, "٣", "0x10"],
)  # fmt: skip
def test_what_is_no_quantity_is_refused_with_a_message(app: Flask, typed: str) -> None:
    with pytest.raises(InvalidInput) as invalid:
        read_quantity(typed)
    assert invalid.value.errors["quantity"]


@pytest.mark.rule("P5")
@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "0.0001", "1000000001"])
def test_an_operation_refuses_them_too(app: Flask, quantity: str) -> None:
    item, person = make_item(), make_person()
    with pytest.raises(InvalidInput), transaction():
        pledge(item.id, by=person, quantity=Decimal(quantity))


def test_whoever_may_not_promise_is_told_why(app: Flask) -> None:
    assert str(refusal(make_item(), make_person(status="held", email_verified_at=None), "1")) == "not_active"
    assert str(refusal(make_item(), make_person(email_verified_at=None), "1")) == "email_unverified"
    assert str(refusal(make_item(make_need(status="paused")), make_person(), "1")) == "need_not_open"
    unclaimed = make_need(make_organization(claimed_at=None))
    assert str(refusal(make_item(unclaimed), make_person(), "1")) == "organization_unclaimed"
    assert str(refusal(make_item(quantity=None, do_not_bring=True), make_person(), "1")) == "do_not_bring"


@pytest.mark.rule("P4")
def test_receiving_in_part_in_full_rejected_and_more(app: Flask) -> None:
    staff, person, item = make_person(), make_person(), make_item(quantity="10")
    made = promise(item, person, "6")
    with transaction():
        receive_pledge(made.id, by=staff, received=Decimal("2.5"))
    assert (made.status, counts(item)) == ("reserved", ("3.5", "2.5", "4", "0"))
    with transaction():
        receive_pledge(made.id, by=staff, received=Decimal(0), rejected=Decimal("0.5"), reason="wet")
    assert (made.status, counts(item)) == ("reserved", ("3", "2.5", "4.5", "0"))
    with transaction():
        receive_pledge(made.id, by=staff, received=Decimal(9))
    assert (made.status, counts(item)) == ("received", ("0", "11.5", "0", "1.5"))
    assert (made.quantity, made.received, made.rejected, made.rejected_reason) == (
        Decimal(6),
        Decimal("11.5"),
        Decimal("0.5"),
        "wet",
    )
    with pytest.raises(Refused, match="not_live"), transaction():
        receive_pledge(made.id, by=staff, received=Decimal(1))
    assert checks.check_pledges() == (1, [])


@pytest.mark.rule("P4")
def test_what_is_rejected_in_full_is_wanted_again(app: Flask) -> None:
    made = promise(item := make_item(quantity="10"), make_person(), "6")
    staff = make_person()
    with transaction():
        receive_pledge(made.id, by=staff, received=Decimal(0), rejected=Decimal(6), reason="expired")
    assert (made.status, counts(item)) == ("rejected", ("0", "0", "10", "0"))


@pytest.mark.rule("P4")
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"received": "0"}, "received"),
        ({"received": "-1"}, "received"),
        ({"received": "1", "rejected": "-1", "reason": "x"}, "rejected"),
        ({"received": "0", "rejected": "1"}, "reason"),
        ({"received": "0", "rejected": "7", "reason": "x"}, "rejected"),
        ({"received": "NaN"}, "received"),
        ({"received": "0.0005"}, "received"),
    ],
)
def test_receiving_what_cannot_be_is_refused(app: Flask, values: dict[str, str], field: str) -> None:
    made = promise(make_item(), make_person(), "6")
    staff = make_person()
    given: dict[str, Any] = {name: value if name == "reason" else Decimal(value) for name, value in values.items()}
    with pytest.raises(InvalidInput) as invalid, transaction():
        receive_pledge(made.id, by=staff, **given)
    assert list(invalid.value.errors) == [field]


def test_taking_back_frees_only_what_was_not_brought(app: Flask) -> None:
    staff, person, item = make_person(), make_person(), make_item(quantity="10")
    made = promise(item, person, "6")
    with transaction():
        receive_pledge(made.id, by=staff, received=Decimal(2))
    with transaction():
        cancel_pledge(made.id, by=person)
    assert (made.status, counts(item)) == ("received", ("0", "2", "8", "0"))
    with pytest.raises(Refused, match="not_live"), transaction():
        cancel_pledge(made.id, by=person)
    promise(item, person, "8")
    assert counts(item) == ("8", "2", "0", "0")


@pytest.mark.rule("P1")
def test_editing_below_what_is_promised_makes_a_surplus(app: Flask) -> None:
    organization = make_organization()
    owner = make_member(organization, "owner")
    item = make_item(make_need(organization), quantity="10")
    promise(item, make_person(), "6")
    with transaction():
        edit_item(item.id, ItemInput(name="Diapers", unit="box", quantity=Decimal(4)), by=owner)
    assert counts(item) == ("6", "0", "0", "2")
    assert str(refusal(item, make_person(), "1")) == "more_than_wanted"


@pytest.mark.rule("A2")
def test_every_act_is_in_the_audit_trail_without_names(app: Flask) -> None:
    staff, person, item = make_person(), make_person(name="Nora Name"), make_item(quantity="10")
    made = promise(item, person, "2", note="call Nora Name")
    promise(item, person, "3", mode="replace")
    with transaction():
        receive_pledge(made.id, by=staff, received=Decimal(1))
    with transaction():
        cancel_pledge(made.id, by=person)
    events = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [event.action for event in events] == [
        "pledge.made",
        "pledge.changed",
        "pledge.received",
        "pledge.cancelled",
    ]
    assert [event.actor_id for event in events] == [person.id, person.id, staff.id, person.id]
    assert all("Nora" not in str(event.data) for event in events)


@pytest.mark.rule("P1")
def test_verify_finds_an_item_whose_counts_are_not_its_promises(app: Flask) -> None:
    item = make_item(quantity="10")
    promise(item, make_person(), "2.125")
    assert checks.check_pledges()[1] == []
    with transaction():
        db.session.execute(sa.update(Item).where(Item.id == item.id).values(reserved=Decimal("2.126")))
    [problem] = checks.check_pledges()[1]
    assert "2.126" in problem
    assert "2.125" in problem


def test_staff_see_what_is_on_its_way(app: Flask) -> None:
    need = make_need()
    sheets, open_item = make_item(need, name="Sheets"), make_item(need, name="Soap", quantity=None, unit="")
    staff, ana = make_person(), make_person(name="Ana")
    made = promise(sheets, ana, "4.5", note="Friday")
    promise(open_item, ana, "2")
    with transaction():
        receive_pledge(made.id, by=staff, received=Decimal(1))
    rows = {row.item: row for row in list_deliveries(need.id)}
    assert (rows["Sheets"].name, rows["Sheets"].note, rows["Sheets"].unit) == ("Ana", "Friday", "box")
    assert (rows["Sheets"].quantity, rows["Sheets"].outstanding) == (Decimal("4.5"), Decimal("3.5"))
    assert rows["Soap"].outstanding == 2
