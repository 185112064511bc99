"""Gifts in person and sponsors by the API: as the pages do it, with the same names hidden."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.donations.operations.giving import start_donation
from app.donations.page_parts import totals_of
from app.fundraisers.models import Fundraiser
from tests.api.test_main_job import Caller
from tests.factories import make_fundraiser, make_member, make_organization, make_person


def dollars(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "USD"}


@pytest.fixture
def page(app: Flask) -> tuple[Fundraiser, Caller, Caller]:
    """A fundraiser, the program of whoever started it, and an owner's."""
    starter, organization = make_person(), make_organization()
    fundraiser = make_fundraiser(organization, started_by_id=starter.id)
    return fundraiser, Caller(app, starter), Caller(app, make_member(organization, "owner"))


@pytest.mark.rule("F9")
def test_what_the_starter_records_counts_once_staff_confirm_it(page: tuple[Fundraiser, Caller, Caller]) -> None:
    fundraiser, starter, owner = page
    key, path = fundraiser.id, f"/fundraisers/{fundraiser.slug}/gifts-in-person"
    body = {"amount": dollars(2000), "name": "The bake sale", "email": "gus@example.org"}
    made = starter("POST", path, body, **{"Idempotency-Key": "k"})
    assert made.status_code == 201
    assert starter("POST", path, body, **{"Idempotency-Key": "k"}).json == made.json
    gift = made.json
    assert (gift["status"], gift["amount"], gift["confirmed_at"]) == ("recorded", dollars(2000), None)
    assert gift["received_on"] == today(fundraiser.organization.time_zone).isoformat()
    assert (gift["name"], gift["email"]) == (
        "The bake sale",
        None,
    )  # who wrote the name down knows it; the address is staff's
    assert totals_of(key).offline.amount_minor == 0
    one = f"/gifts-in-person/{gift['id']}"
    assert starter("POST", f"{one}/confirm").status_code == 404
    confirmed = owner("POST", f"{one}/confirm").json
    assert (confirmed["status"], confirmed["email"]) == ("paid", "gus@example.org")
    assert totals_of(key).offline.amount_minor == 2000
    refused = starter("POST", f"{one}/undo")
    assert (refused.status_code, refused.json["code"]) == (409, "confirmed")
    undone = owner("POST", f"{one}/undo").json
    assert (undone["status"], owner("GET", one).json) == ("cancelled", undone)
    assert owner("POST", f"{one}/confirm").json["code"] == "taken_back"
    assert totals_of(key).offline.amount_minor == 0
    by_staff = owner("POST", path, body | {"name": "A neighbor"}).json
    assert (by_staff["status"], totals_of(key).offline.amount_minor) == ("paid", 2000)
    waiting = starter("POST", path, body | {"amount": dollars(300)}).json

    def listed(caller: Caller, query: str = "") -> list[Any]:
        return [(row["id"], row["name"], row["email"]) for row in caller("GET", path + query).json["data"]]

    # Whoever started the page reads the names they wrote down, and no others (F9).
    assert listed(starter) == [
        (waiting["id"], "The bake sale", None), (by_staff["id"], None, None), (gift["id"], "The bake sale", None),
    ]  # fmt: skip
    assert listed(owner, "?status=recorded") == [(waiting["id"], "The bake sale", "gus@example.org")]
    assert [row[0] for row in listed(owner, "?status=cancelled")] == [gift["id"]]


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": dollars(0)}, "amount"),
        ({"amount": {"amount_minor": 2000, "currency": "EUR"}}, "amount"),
        ({"received_on": "2031-05-05"}, "received_on"),
        ({"email": "nobody"}, "email"),
        ({"name": ""}, "name"),
        ({"status": "paid"}, "status"),
    ],
)
def test_what_cannot_be_recorded_is_said_at_its_field(
    page: tuple[Fundraiser, Caller, Caller], changes: dict[str, Any], field: str
) -> None:
    fundraiser, starter, _owner = page
    body = {"amount": dollars(2000), "name": "Gus", **changes}
    answer = starter("POST", f"/fundraisers/{fundraiser.slug}/gifts-in-person", body)
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])


def test_only_gifts_in_person_are_confirmed_here(app: Flask, page: tuple[Fundraiser, Caller, Caller]) -> None:
    fundraiser, starter, owner = page
    made = starter("POST", f"/fundraisers/{fundraiser.slug}/gifts-in-person", {"amount": dollars(500), "name": "Gus"})
    other = make_member(make_organization(), "owner")
    for who in (Caller(app, other), Caller(app, make_member(fundraiser.organization, "viewer"))):
        assert who("GET", f"/gifts-in-person/{made.json['id']}").status_code == 404
    online = given(fundraiser, other)
    for act in ("confirm", "undo"):
        assert owner("POST", f"/gifts-in-person/{online}/{act}").status_code == 404


def given(fundraiser: Fundraiser, by: Person) -> str:
    """The id of a gift that waits to be paid online."""
    with transaction():
        made = start_donation(
            fundraiser.id, amount=Money(2500, "USD"), name="Dee", email="dee@example.org", mode="demo", by=by
        )
        return encode_id(made.id)


def test_a_sponsor_doubles_gifts_and_what_it_paid_is_noted(app: Flask, page: tuple[Fundraiser, Caller, Caller]) -> None:
    fundraiser, starter, owner = page
    path, day = f"/fundraisers/{fundraiser.slug}/matches", today(fundraiser.organization.time_zone).isoformat()
    body = {"sponsor": "Corner Bakery", "cap": dollars(3000), "ends_on": day}
    assert starter("POST", path, body).status_code == 404
    made = owner("POST", path, body)
    assert (made.status_code, made.json["open"], made.json["starts_on"]) == (201, True, day)
    unclaimed = owner("POST", path, body | {"sponsor": "A neighbor"}).json
    gifts = f"/fundraisers/{fundraiser.slug}/gifts-in-person"
    first = owner("POST", gifts, {"amount": dollars(2000), "name": "Gus"}).json
    owner("POST", f"/matches/{unclaimed['id']}/end")
    second = owner("POST", gifts, {"amount": dollars(2500), "name": "Dee"}).json
    one = f"/matches/{made.json['id']}"
    claimed = owner("GET", f"{one}/gifts").json["data"]
    assert [(row["donation"], row["amount"]["amount_minor"]) for row in claimed] == [
        (second["id"], 1000), (first["id"], 2000),
    ]  # fmt: skip
    assert starter("GET", f"{one}/gifts").status_code == 404
    too_much = owner("POST", f"{one}/paid", {"paid": dollars(3001)})
    assert (too_much.status_code, too_much.json["errors"][0]["field"]) == (422, "paid")
    paid = owner("POST", f"{one}/paid", {"paid": dollars(500)}).json
    assert [paid[name]["amount_minor"] for name in ("cap", "matched", "left", "paid", "owed")] == [
        3000, 3000, 0, 500, 2500,
    ]  # fmt: skip
    ended = owner("POST", f"{one}/end").json
    assert (ended["open"], ended["ended"]) == (False, True)
    assert owner("POST", f"{one}/end").json == ended
    # What ended before anything was matched is told no more; the rest is public.
    shown = Caller(app, None)("GET", path).json["data"]
    assert [row["sponsor"] for row in shown] == ["A neighbor", "Corner Bakery"]
    assert shown[1] == ended


def test_a_promise_that_nothing_claimed_is_told_no_more(page: tuple[Fundraiser, Caller, Caller]) -> None:
    fundraiser, _starter, owner = page
    path, day = f"/fundraisers/{fundraiser.slug}/matches", today(fundraiser.organization.time_zone).isoformat()
    made = owner("POST", path, {"sponsor": "Corner Bakery", "cap": dollars(3000), "ends_on": day}).json
    assert [row["id"] for row in owner("GET", path).json["data"]] == [made["id"]]
    owner("POST", f"/matches/{made['id']}/end")
    assert owner("GET", path).json["data"] == []
    wrong = owner("POST", path, {"sponsor": "x", "cap": dollars(1), "starts_on": "2020-01-01", "ends_on": "2019-01-01"})
    assert {error["field"] for error in wrong.json["errors"]} == {"starts_on", "ends_on"}
