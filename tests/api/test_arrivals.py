"""Things brought, by API: what is expected, what came, and each step back."""

from __future__ import annotations

import datetime as dt
import decimal

import pytest
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Item
from app.organizations.models import Organization
from app.pledges.checks import check_pledges
from app.pledges.models import Pledge
from app.pledges.operations import pledge
from tests.api.test_main_job import Caller
from tests.factories import make_item, make_member, make_need, make_organization, make_person

# Undo goes for a quarter of an hour.
LONG_AGO = dt.timedelta(minutes=15, seconds=1)


@pytest.fixture
def organization(app: Flask) -> Organization:
    """One that wants things."""
    return make_organization()


@pytest.fixture
def staff(app: Flask, organization: Organization) -> Caller:
    """Whoever receives there."""
    return Caller(app, make_member(organization, "coordinator"))


def promise(item: Item, person: Person, quantity: str, days: int | None = None) -> str:
    """The address of a new promise."""
    day = None if days is None else today("America/New_York") + dt.timedelta(days=days)
    with transaction():
        made = pledge(item.id, by=person, quantity=decimal.Decimal(quantity), deliver_by=day)
    return f"/pledges/{encode_id(made.id)}"


@pytest.mark.rule("A1")
def test_what_is_expected_comes_in_the_order_of_its_days(app: Flask, organization: Organization, staff: Caller) -> None:
    need = make_need(organization)
    rice, soap = make_item(need, name="Rice", unit="bag"), make_item(need, name="Soap", unit="")
    people = [make_person() for _number in range(4)]
    undated = promise(rice, people[0], "1")
    late, early = promise(rice, people[1], "2", days=5), promise(soap, people[2], "3", days=2)
    promise(make_item(), people[3], "9", days=1)  # of another organization
    with transaction():
        db.session.query(Pledge).filter_by(person_id=people[0].id).update({"deliver_by": None})
    Caller(app, people[1])("PATCH", late, {"in_transit": True})
    path = f"/organizations/{organization.slug}/arrivals"
    rows = staff("GET", path).json["data"]
    assert [f"/pledges/{row['id']}" for row in rows] == [early, late, undated]
    assert [(row["item_name"], row["unit"], row["outstanding"], row["name"]) for row in rows] == [
        ("Soap", "", "3", people[2].name),
        ("Rice", "bag", "2", people[1].name),
        ("Rice", "bag", "1", people[0].name),
    ]
    assert {row["need"] for row in rows} == {encode_id(need.id)}
    assert [row["id"] for row in staff("GET", f"{path}?status=in_transit").json["data"]] == [late.rpartition("/")[2]]
    seen, cursor = [], ""
    for _page in range(3):
        page = staff("GET", f"{path}?limit=1{cursor}").json
        seen += [row["id"] for row in page["data"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert (seen, page["next_cursor"]) == ([row["id"] for row in rows], None)
    assert staff("GET", f"{path}?cursor=nonsense").status_code == 422
    assert staff("GET", f"{path}?status=lost").status_code == 422
    assert Caller(app, make_member(organization, "viewer"))("GET", path).status_code == 200
    assert Caller(app, people[0])("GET", path).status_code == 404


@pytest.mark.rule("P1")
@pytest.mark.rule("P4")
def test_what_was_received_or_refused_by_mistake_is_taken_back(
    app: Flask, organization: Organization, staff: Caller
) -> None:
    item, person = make_item(make_need(organization), quantity="10"), make_person()
    path = promise(item, person, "5")
    assert staff("POST", f"{path}/undo-receive").json["code"] == "nothing_received"
    staff("POST", f"{path}/receive", {"received": "2"})
    staff("POST", f"{path}/receive", {"received": "0", "rejected": "3", "reason": "wet"})
    listed = staff("GET", f"/organizations/{organization.slug}/deliveries").json["data"]
    assert [(row["received"], row["rejected"], row["note"], row["name"]) for row in listed] == [
        ("0", "3", "wet", person.name),
        ("2", "0", "", person.name),
    ]
    back = staff("POST", f"{path}/undo-receive", {}, Idempotency_Key="slip")
    assert (back.status_code, back.json["rejected"], back.json["received"]) == (200, "0", "2")
    assert staff("POST", f"{path}/undo-receive", {}, Idempotency_Key="slip").json == back.json
    first = staff("POST", f"/deliveries/{listed[1]['id']}/undo")
    assert (first.status_code, bool(first.json["undone_at"]), first.json["pledge"]) == (
        200,
        True,
        path.rpartition("/")[2],
    )
    assert staff("POST", f"/deliveries/{listed[1]['id']}/undo").json["code"] == "changed_meanwhile"
    assert staff("POST", f"{path}/undo-receive").json["code"] == "nothing_received"
    now_is = staff("GET", path).json
    assert (now_is["status"], now_is["received"], now_is["rejected"]) == ("reserved", "0", "0")
    viewer = Caller(app, make_member(organization, "viewer"))
    for caller in (viewer, Caller(app, person)):
        assert caller("POST", f"{path}/undo-receive").status_code == 404
        assert caller("POST", f"/deliveries/{listed[0]['id']}/undo").status_code == 404
    assert check_pledges()[1] == []


@pytest.mark.rule("P1")
@pytest.mark.rule("P5")
def test_what_nobody_promised_is_written_down_and_taken_back(
    app: Flask, organization: Organization, staff: Caller
) -> None:
    item = make_item(make_need(organization), quantity="10")
    path = f"/items/{encode_id(item.id)}"
    made = staff("POST", f"{path}/deliveries", {"received": "12.5", "note": "A neighbour"}, Idempotency_Key="once")
    assert (made.status_code, made.json["received"], made.json["pledge"], made.json["name"]) == (
        201,
        "12.5",
        None,
        None,
    )
    assert staff(
        "POST", f"{path}/deliveries", {"received": "12.5", "note": "A neighbour"}, Idempotency_Key="once"
    ).json == (made.json)
    assert staff("GET", path).json["surplus"] == "2.5"
    undone = staff("POST", f"/deliveries/{made.json['id']}/undo")
    assert (undone.status_code, staff("GET", path).json["received"]) == (200, "0")
    for bad in ("0", "-1", "many", "1.2345", ""):
        answer = staff("POST", f"{path}/deliveries", {"received": bad})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "received")
    nothing_of_it = make_item(item.need, name="Glass", do_not_bring=True)
    refused = staff("POST", f"/items/{encode_id(nothing_of_it.id)}/deliveries", {"received": "1"})
    assert (refused.status_code, refused.json["code"]) == (409, "do_not_bring")
    assert check_pledges()[1] == []


@pytest.mark.rule("P1")
def test_a_promise_taken_back_stands_again_for_a_while(app: Flask, organization: Organization, staff: Caller) -> None:
    item, person = make_item(make_need(organization), quantity="5"), make_person()
    path, mine = promise(item, person, "4"), Caller(app, person)
    assert mine("POST", f"{path}/undo").json["code"] == "undo_too_late"
    mine("POST", f"{path}/cancel")
    again = mine("POST", f"{path}/undo")
    assert (again.status_code, again.json["status"], again.json["quantity"]) == (200, "reserved", "4")
    mine("POST", f"{path}/cancel")
    promise(item, make_person(), "3")
    assert mine("POST", f"{path}/undo").json["code"] == "more_than_wanted"
    with transaction():
        db.session.query(Pledge).filter_by(status="cancelled").update({"cancelled_at": now() - LONG_AGO})
    assert mine("POST", f"{path}/undo").json["code"] == "undo_too_late"
    assert staff("POST", f"{path}/undo").status_code == 409
    assert check_pledges()[1] == []
