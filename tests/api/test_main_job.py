"""The main job by API: a need posted and published, a place taken, items promised and received, a fundraiser started."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.accounts.models import Person
from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Need
from tests.factories import make_item, make_need, make_organization, make_person, make_shift


class Caller:
    """A program that sends one person's token."""

    def __init__(self, app: Flask, person: Person | None, scopes: list[str] | None = None) -> None:
        self.client = app.test_client()
        self.headers: dict[str, str] = {}
        if person is not None:
            with transaction():
                token = create_token(person, scopes=list(SCOPES) if scopes is None else scopes)
            self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        options = {} if body is None else {"json": body}
        return self.client.open(f"/api/v1{path}", method=method, headers={**self.headers, **named}, **options)


def soon(hours: float) -> str:
    return (now() + dt.timedelta(days=2, hours=hours)).isoformat()


@pytest.mark.rule("N1")
def test_a_need_is_posted_completed_published_and_found(app: Flask) -> None:
    owner = make_person()
    slug = make_organization(owner).slug
    staff, public = Caller(app, owner), Caller(app, None)
    body = {
        "organization": slug,
        "title": "Sort food",
        "description": "Gloves are there",
        "place": {"city": "Newark", "region": "NJ"},
    }
    made = staff("POST", "/needs", body)
    assert made.status_code == 201
    need = f"/needs/{made.json['id']}"
    assert (made.json["status"], made.json["place"]["city"]) == ("draft", "Newark")
    assert public("GET", need).status_code == 404
    refused = staff("POST", f"{need}/publish")
    assert refused.status_code == 409
    assert refused.content_type == "application/problem+json"
    assert "asks_nothing" in {reason["code"] for reason in refused.json["reasons"]}
    shift = staff(
        "POST", f"{need}/shifts", {"starts_at": soon(0), "ends_at": soon(2), "capacity": 3, "contact": "none"}
    )
    assert (shift.status_code, shift.json["free"], len(shift.json["positions"])) == (201, 3, 1)
    item = staff("POST", f"{need}/items", {"name": "Rice", "unit": "bag", "quantity": "2.5"})
    assert (item.status_code, item.json["still_wanted"]) == (201, "2.5")
    assert staff("POST", f"{need}/publish").json["status"] == "open"
    found = public("GET", "/needs?near=Newark, NJ").json["data"]
    assert [row["title"] for row in found] == ["Sort food"]
    assert found[0]["starts_at"].endswith("Z")
    for act, status in (("pause", "paused"), ("reopen", "open"), ("confirm", "open"), ("close", "closed")):
        assert staff("POST", f"{need}/{act}", {}).json["status"] == status
    assert public("GET", "/needs?near=Newark, NJ").json["data"] == []


@pytest.mark.rule("S1", "S2", "S11")
def test_a_place_is_taken_once_and_a_full_shift_says_so(app: Flask) -> None:
    shift = make_shift(capacity=1)
    path = f"/shifts/{encode_id(shift.id)}/signups"
    first, second = Caller(app, make_person()), Caller(app, make_person())
    made = first("POST", path, {"party_size": 1})
    assert (made.status_code, made.json["status"]) == (201, "confirmed")
    assert "already_signed_up" in {reason["code"] for reason in first("POST", path, {}).json["reasons"]}
    full = second("POST", path, {})
    assert (full.status_code, full.json["code"]) == (409, "full")
    assert [row["id"] for row in first("GET", "/me/signups").json["data"]] == [made.json["id"]]
    assert second("GET", f"/signups/{made.json['id']}").status_code == 404
    assert first("POST", f"/signups/{made.json['id']}/cancel").json["status"] == "cancelled"
    assert second("POST", path, {}).status_code == 201


@pytest.mark.rule("P2", "P4", "P5")
def test_items_are_promised_added_to_replaced_and_received(app: Flask) -> None:
    owner = make_person()
    item = make_item(make_need(make_organization(owner)), quantity="10")
    path = f"/items/{encode_id(item.id)}/pledges"
    supporter, staff = Caller(app, make_person()), Caller(app, owner)
    made = supporter("POST", path, {"quantity": "2"})
    assert (made.status_code, made.json["quantity"]) == (201, "2")
    assert supporter("POST", path, {"quantity": "3"}).json["code"] == "already_pledged"
    assert supporter("POST", path, {"quantity": "3", "mode": "add"}).json["quantity"] == "5"
    assert supporter("POST", path, {"quantity": "4", "mode": "replace"}).json["quantity"] == "4"
    for bad in ("0", "-1", "many", "1.2345", "1e9999", ""):
        answer = supporter("POST", path, {"quantity": bad, "mode": "add"})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "quantity")
    received = staff("POST", f"/pledges/{made.json['id']}/receive", {"received": "3", "rejected": "1", "reason": "wet"})
    assert (received.json["status"], received.json["received"], received.json["quantity"]) == ("received", "3", "4")
    assert supporter("GET", f"/items/{encode_id(item.id)}").json["received"] == "3"


def test_the_same_key_and_body_give_the_same_answer_and_one_need(app: Flask) -> None:
    owner = make_person()
    slug = make_organization(owner).slug
    staff = Caller(app, owner)
    body = {"organization": slug, "title": "Once", "description": "", "remote": True}
    first = staff("POST", "/needs", body, Idempotency_Key="one")
    again = staff("POST", "/needs", body, Idempotency_Key="one")
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert staff("POST", "/needs", {**body, "title": "Other"}, Idempotency_Key="one").status_code == 409
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Need)) == 1


def test_an_answer_is_kept_for_a_day_and_then_the_key_acts_anew(app: Flask, work_off: Callable[[], Any]) -> None:
    owner = make_person()
    slug = make_organization(owner).slug
    body = {"organization": slug, "title": "Once", "description": "Kept", "remote": True}
    staff = Caller(app, owner)
    first = staff("POST", "/needs", body, Idempotency_Key="one").json["id"]
    for hours, kept in ((23, True), (25, False)):
        with time_machine.travel(now() + dt.timedelta(hours=hours)):
            work_off()
            assert (staff("POST", "/needs", body, Idempotency_Key="one").json["id"] == first) is kept


def test_a_change_of_what_was_read_before_somebody_elses_change_is_refused(app: Flask) -> None:
    owner = make_person()
    need = make_need(make_organization(owner))
    path, staff = f"/needs/{encode_id(need.id)}", Caller(app, owner)
    tag = staff("GET", path).headers["ETag"]
    assert staff("GET", path, If_None_Match=tag).status_code == 304
    assert staff("PATCH", path, {"title": "Mine"}, If_Match=tag).status_code == 200
    # The tag of another version, one that is empty, and what is no tag of ours.
    for sent in (tag, '""', 'W/""', '"x"', f'"", {tag}'):
        assert staff("PATCH", path, {"title": "Theirs"}, If_Match=sent).status_code == 412, sent
    for read in ('""', 'W/""', "*"):
        assert staff("GET", path, If_None_Match=read).status_code in (200, 304), read
    assert staff("GET", path).json["title"] == "Mine"
    # Through a proxy that compresses (nginx) the tag is weak; what it says of the version holds.
    weak = f"W/{staff('GET', path).headers['ETag']}"
    assert staff("PATCH", path, {"title": "Ours"}, If_Match=weak).status_code == 200
    assert staff("PATCH", path, {"title": "Theirs"}, If_Match=weak).status_code == 412


@pytest.mark.rule("N6")
def test_a_private_street_is_in_no_answer_but_the_staffs(app: Flask) -> None:
    owner = make_person()
    slug = make_organization(owner).slug
    staff, public = Caller(app, owner), Caller(app, make_person())
    place = {"city": "Newark", "region": "NJ", "address": "25 Sample Street"}
    body = {"organization": slug, "title": "Hidden", "description": "x", "place": place, "private_address": True}
    need = f"/needs/{staff('POST', '/needs', body).json['id']}"
    staff("POST", f"{need}/items", {"name": "Soap", "unit": ""})
    staff("POST", f"{need}/publish")
    assert staff("GET", need).json["address"] == "25 Sample Street"
    assert public("GET", need).json["address"] is None
    assert "Sample Street" not in public("GET", "/needs").get_data(as_text=True)


@pytest.mark.rule("A1")
def test_a_token_does_what_its_scopes_say_and_a_cookie_nothing(app: Flask, sign_in: Any, client: Any) -> None:
    person = make_person()
    narrow = Caller(app, person, ["me:read"])
    assert narrow("GET", "/me").json["email"] == person.email
    assert narrow("PATCH", "/me", {"name": "No"}).status_code == 403
    sign_in(person)
    assert client.get("/api/v1/me").status_code == 401
    assert Caller(app, None)("GET", "/me").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"x"', 422),
        (b'{"title": 1}', 422),
        (b"\xff\xfe", 400),
        (b'{"nothing": 1}', 422),
    ],
)
def test_bad_bodies_are_told_apart_and_never_our_fault(app: Flask, body: bytes, status: int) -> None:
    caller = Caller(app, make_person())
    answer = caller.client.post("/api/v1/needs", data=body, content_type="application/json", headers=caller.headers)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.json)


@pytest.mark.rule("N2")
def test_lists_go_on_after_the_last_row_shown(app: Flask) -> None:
    for _number in range(5):
        make_organization()
    public, seen, cursor = Caller(app, None), [], ""
    for _page in range(5):
        page = public("GET", f"/organizations?limit=2{cursor}").json
        seen += [row["slug"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 5
    assert public("GET", "/organizations?cursor=nonsense").status_code == 422
    assert public("GET", "/organizations?limit=101").status_code == 422
