"""The one page that grows: without JavaScript, nothing typed is lost, every message at its field."""

from __future__ import annotations

import datetime as dt
import html
import re
import zoneinfo
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs import operations
from app.needs.forms import local_instants
from app.needs.models import Item, Need, Position, PrivateAddress, Shift
from app.needs.operations import PlaceInput, PositionInput, ShiftInput
from app.organizations.models import Organization
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]
ZONE = zoneinfo.ZoneInfo("America/New_York")
DAY = (today("America/New_York") + dt.timedelta(days=10)).isoformat()


def shift_row(number: int = 0, **values: Any) -> dict[str, str]:
    """What a browser sends for one shift."""
    given: dict[str, Any] = {
        "kind": "times",
        "positions-0-name": "Cook",
        "positions-0-capacity": "4",
        "day": DAY,
        "start": "18:00",
        "end": "21:30",
        "contact": "none",
        "minimum_age": "",
        "due_on": "",
        **values,
    }
    return {f"shifts-{number}-{name}": str(value) for name, value in given.items() if value is not None}


def item_row(number: int = 0, **values: Any) -> dict[str, str]:
    """What a browser sends for one item."""
    given = {
        "name": "Blankets",
        "quantity": "12",
        "unit": "piece",
        "accepted_condition": "",
        "purchase_url": "",
        **values,
    }
    return {f"items-{number}-{name}": str(value) for name, value in given.items() if value is not None}


def sent(**values: Any) -> dict[str, Any]:
    """What a browser sends of the need itself."""
    given = {
        "title": "Dinner at the shelter",
        "description": "Families arrive at six.",
        "urgency": "high",
        "place": "Newark, NJ",
        "address": "",
        "time_zone": "",
        "ends_on": "",
        "act": "save",
    }
    return {**given, **values}


@pytest.fixture
def owner(sign_in: SignIn) -> Person:
    """Signed in, owner of the organization `pantry`."""
    person = make_person()
    make_organization(person, slug="pantry", name="Pantry")
    sign_in(person)
    return person


def fields(text: str) -> dict[str, Any]:
    """What the form on a page would send if nothing were typed."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", text):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'([a-z-]+)="([^"]*)"', tag)}
        name, kind = attributes.get("name", ""), attributes.get("type", "text")
        if kind in ("checkbox", "radio") and not re.search(r"\schecked", tag):
            continue
        if kind == "checkbox":
            found.setdefault(name, []).append(attributes.get("value", "y"))
        else:
            found[name] = attributes.get("value", "")
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        found[name] = html.unescape(body.removeprefix("\r\n").removeprefix("\n"))
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.findall(r"<option selected value=\"([^\"]*)\"", body)
        found[name] = chosen[0] if chosen else ""
    found.pop("csrf_token", None)
    return found


def only_need() -> Need:
    return db.session.query(Need).one()


def edit_path(need: Need) -> str:
    return f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}/edit"


# --- posting --------------------------------------------------------------------------------------------------------


def test_posted_in_one_go(client: CheckingClient, owner: Person) -> None:
    page = client.get("/manage/pantry/needs/new")
    assert "1 of 5 ready" in page.text  # the place of the organization
    assert "Nobody sees it before you publish" in page.text
    data = sent(**shift_row(), **item_row(), causes=["food"], skills=["cooking"], act="publish")
    response = client.post("/manage/pantry/needs/new", data=data)
    need = only_need()
    assert (response.status_code, response.headers["Location"]) == (303, f"/manage/pantry/needs/{encode_id(need.id)}")
    assert (need.status, need.urgency, need.causes, need.skills) == ("open", "high", ["food"], ["cooking"])
    assert (need.city, need.region, need.time_zone) == ("Newark", "NJ", "America/New_York")
    shift, item = need.shifts[0], need.items[0]
    assert shift.starts_at == dt.datetime.combine(dt.date.fromisoformat(DAY), dt.time(18), ZONE)
    assert shift.ends_at == dt.datetime.combine(dt.date.fromisoformat(DAY), dt.time(21, 30), ZONE)
    assert [(position.name, position.capacity) for position in shift.positions] == [("Cook", 4)]
    assert (item.name, item.quantity, item.unit) == ("Blankets", 12, "piece")
    assert client.get("/sign-out").status_code < 500


def test_a_draft_needs_a_title_only_and_publishing_says_what_is_missing(client: CheckingClient, owner: Person) -> None:
    client.post("/manage/pantry/needs/new", data=sent(description="", place="", act="publish"))
    need = only_need()
    assert need.status == "draft"
    page = client.get(f"{edit_path(need)}?missing=1")
    for words in ("The description is empty", "Nobody knows where it is", "It asks for nothing yet"):
        assert words in page.text
    data = {**fields(page.text), "description": "Because.", "remote": "y", **shift_row(contact=None), "act": "publish"}
    assert client.post(edit_path(need), data=data).headers["Location"].endswith("missing=1")
    page = client.get(f"{edit_path(need)}?missing=1")
    assert "whether people meet children" in page.text
    data = {**fields(page.text), "shifts-0-contact": "none", "act": "publish"}
    assert client.post(edit_path(need), data=data).status_code == 303
    assert (only_need().status, only_need().remote) == ("open", True)


@pytest.mark.rule("A4")
def test_every_error_is_at_its_field_and_nothing_is_lost(client: CheckingClient, owner: Person) -> None:
    data = sent(
        place="Atlantis-on-Sea",
        **shift_row(0, day="soon", start="25:99", **{"positions-0-capacity": "many"}),
        **item_row(0, quantity="lots"),
    )
    page = client.post("/manage/pantry/needs/new", data=data)
    assert page.status_code == 422
    assert "<title>Error: " in page.text
    for message in (
        "Enter a day, like 2026-12-01",
        "Enter a time, like 18:30",
        "Enter a whole number",
    ):
        assert page.text.count(message) == 2, message  # once in the summary, once at the field
    for typed in ("Atlantis-on-Sea", "soon", "25:99", "many", "Families arrive at six."):
        assert typed in page.text
    data |= {"shifts-0-day": DAY, "shifts-0-start": "18:00", "shifts-0-positions-0-capacity": "3"}
    page = client.post("/manage/pantry/needs/new", data=data)
    assert page.text.count("We do not know this place") == 2
    page = client.post("/manage/pantry/needs/new", data={**data, "place": "Newark, NJ"})
    assert page.status_code == 422
    assert page.text.count("Enter a number, like 2 or 1.5") == 2
    assert db.session.query(Need).count() == 0  # the whole act was undone


@pytest.mark.rule("A4", "P5")
@pytest.mark.parametrize(
    ("row", "values", "message"),
    [
        ("shift", {"positions-0-capacity": "-1"}, "Enter a number between 0 and 100,000"),
        ("shift", {"minimum_age": "150"}, "Enter an age between 0 and 120"),
        ("shift", {"day": "2020-01-01"}, "This time is over"),
        ("shift", {"day": "9999-12-31"}, "Enter a day, like"),
        ("shift", {"last_day": "2026-01-01"}, "The end must be after the start"),
        ("item", {"quantity": "many"}, "Enter a number, like 2 or 1.5"),
        ("item", {"quantity": "many", "name": ""}, "Enter a number, like 2 or 1.5"),
        ("item", {"quantity": "1_0"}, "Enter a number, like 2 or 1.5"),
        ("item", {"quantity": "-2"}, "Enter a quantity of more than 0"),
        ("item", {"quantity": "0"}, "Enter a quantity of more than 0"),
        ("item", {"quantity": "0.0001"}, "Enter a smaller quantity, with at most three decimals"),
        ("item", {"purchase_url": "javascript:alert(1)"}, "Enter a link that begins with https://"),
    ],
)
def test_what_a_row_cannot_be(
    client: CheckingClient, owner: Person, row: str, values: dict[str, str], message: str
) -> None:
    make = shift_row if row == "shift" else item_row
    page = client.post("/manage/pantry/needs/new", data=sent(**make(0, **values)))
    assert page.status_code == 422
    assert page.text.count(message) >= 2, re.findall(r'class="error"[^>]*>.{0,300}', page.text, re.DOTALL)
    assert db.session.query(Need).count() == 0


def test_a_choice_nobody_offered_is_refused(client: CheckingClient, owner: Person) -> None:
    for values in ({"contact": "dogs"}, {"kind": "never"}):
        page = client.post("/manage/pantry/needs/new", data=sent(**shift_row(0, **values)))
        assert page.status_code == 422
    page = client.post("/manage/pantry/needs/new", data=sent(urgency="now", causes=["x"], skills=["flying"]))
    assert page.status_code == 422


# --- growing --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("A4")
def test_rows_come_and_go_and_everything_typed_stays(client: CheckingClient, owner: Person) -> None:
    data = sent(**shift_row(0, day="soon"), **item_row())
    data["row"] = "add:shift"
    page = client.post("/manage/pantry/needs/new", data=data)
    assert page.status_code == 200
    assert "There is a problem" not in page.text
    got = fields(page.text)
    assert got["title"] == "Dinner at the shelter"
    assert (got["shifts-0-day"], got["shifts-0-positions-0-name"], got["shifts-1-day"]) == ("soon", "Cook", "")
    assert got["items-0-name"] == "Blankets"
    page = client.post("/manage/pantry/needs/new", data={**got, "shifts-1-day": DAY, "row": "add:item"})
    got = fields(page.text)
    assert (got["shifts-1-day"], got["items-1-name"]) == (DAY, "")
    page = client.post("/manage/pantry/needs/new", data={**got, "row": "add:position-0"})
    got = fields(page.text)
    assert got["shifts-0-positions-1-name"] == ""
    data = {**got, "shifts-0-positions-1-name": "Driver", "row": "remove:position-0:0"}
    got = fields(client.post("/manage/pantry/needs/new", data=data).text)
    assert [value for name, value in got.items() if name.startswith("shifts-0-positions") and "name" in name] == [
        "Driver"
    ]
    got = fields(client.post("/manage/pantry/needs/new", data={**got, "row": "remove:shift:0"}).text)
    assert [value for name, value in got.items() if name.endswith("-day") and "last" not in name] == [DAY]
    got = fields(client.post("/manage/pantry/needs/new", data={**got, "row": "remove:item:0"}).text)
    assert got["title"] == "Dinner at the shelter"
    assert "items-0-name" not in got
    assert db.session.query(Need).count() == 0


def test_rows_end_somewhere_and_nonsense_changes_nothing(client: CheckingClient, owner: Person) -> None:
    many = {key: value for number in range(40) for key, value in item_row(number).items()}
    page = client.post("/manage/pantry/needs/new", data=sent(**many, row="add:item"))
    assert "items-39-name" in page.text
    assert "items-40-name" not in page.text
    for row in (
        "", "x", "add:", "add:x", "add:position-9", "add:position-x", "remove:shift:9", "remove:item:-1",
        "remove:item:99999999999", "remove:position-0:0", "add:position-99999999999999", "remove:shift:²",
    ):  # fmt: skip
        page = client.post("/manage/pantry/needs/new", data=sent(title="", **shift_row(), row=row))
        assert page.status_code in (200, 422), row
        assert 'value="Cook"' in page.text


def test_empty_rows_are_nothing(client: CheckingClient, owner: Person) -> None:
    empty = dict.fromkeys(("day", "start", "end", "positions-0-name", "positions-0-capacity", "contact"), "")
    data = sent(**shift_row(0, **empty), **item_row(0, name="", quantity=""))
    del data["shifts-0-contact"]
    assert client.post("/manage/pantry/needs/new", data=data).status_code == 303
    assert (only_need().shifts, only_need().items) == ([], [])


def test_a_role_for_as_many_as_come_needs_no_more_than_its_contact(client: CheckingClient, owner: Person) -> None:
    got = fields(client.post("/manage/pantry/needs/new", data=sent(row="add:role")).text)
    assert got["shifts-0-kind"] == "flexible"
    assert "shifts-0-day" not in got
    client.post("/manage/pantry/needs/new", data={**got, "shifts-0-contact": "none", "act": "publish"})
    [role] = only_need().shifts
    assert (only_need().status, role.flexible, role.positions[0].capacity) == ("open", True, None)


# --- changing -------------------------------------------------------------------------------------------------------


def test_saving_what_is_shown_changes_nothing(client: CheckingClient, owner: Person) -> None:
    organization = db.session.query(Organization).one()
    place = PlaceInput(address="5 Quiet Lane", city="Newark", region="NJ", latitude=40.735657, longitude=-74.172367)
    odd = dt.datetime.combine(dt.date.fromisoformat(DAY), dt.time(9, 15, 30), ZONE)
    with transaction():
        need = operations.create_need(
            organization.id, by=owner, title="Beds", description="A\n\nB", place=place, private_address=True,
            ends_on=odd.date() + dt.timedelta(days=30),
        )  # fmt: skip
        long = operations.add_shift(
            need.id,
            ShiftInput(
                (PositionInput("Cook", 2), PositionInput("Driver", 1)),
                starts_at=odd,
                ends_at=odd + dt.timedelta(days=2, hours=1),
                contact="children",
                minimum_age=18,
            ),
            by=owner,
        )
        operations.add_shift(
            need.id,
            ShiftInput((PositionInput(),), flexible=True, due_on=odd.date(), contact="none"),
            by=owner,
        )
        operations.add_item(
            need.id, operations.ItemInput("Rice", "kg", priority="first", purchase_url="https://example.org"), by=owner
        )
    before = (long.starts_at, long.ends_at, need.latitude, need.updated_at)
    page = client.get(edit_path(need))
    assert "5 Quiet Lane" in page.text
    assert client.post(edit_path(need), data={**fields(page.text), "act": "save"}).status_code == 303
    shift = db.session.get_one(Shift, long.id)
    assert (shift.starts_at, shift.ends_at, need.latitude) == before[:3]
    assert {(shift.version, shift.sequence) for shift in need.shifts} == {(1, 0)}
    assert need.items[0].version == 1
    assert [(p.name, p.capacity) for p in shift.positions] == [("Cook", 2), ("Driver", 1)]
    assert db.session.get_one(PrivateAddress, need.id).latitude == 40.735657


def test_what_the_page_has_no_room_for_and_what_is_over_stays(client: CheckingClient, owner: Person) -> None:
    need = make_need(db.session.query(Organization).one())
    for number in range(25):
        make_shift(need, days=number + 1)
    make_shift(need, days=-3)
    make_shift(need, status="cancelled")
    page = client.get(edit_path(need))
    assert "5 more shifts and items are not on this page" in page.text
    assert "shifts-19-day" in page.text
    assert "shifts-20-day" not in page.text
    assert client.post(edit_path(need), data={**fields(page.text), "act": "save"}).status_code == 303
    assert {shift.version for shift in only_need().shifts} == {1}


@pytest.mark.rule("S1")
def test_lowering_below_what_is_taken_is_said_at_the_field(client: CheckingClient, owner: Person) -> None:
    shift = make_shift(make_need(db.session.query(Organization).one()), capacity=5)
    supporter = make_person()
    with transaction():
        sign_up(shift.id, by=supporter, party_size=3)
    got = fields(client.get(edit_path(shift.need)).text)
    page = client.post(edit_path(shift.need), data={**got, "shifts-0-positions-0-capacity": "2", "act": "save"})
    assert page.status_code == 422
    assert "3 places are taken, so there cannot be fewer. Keep at least 3" in page.text
    assert fields(page.text)["shifts-0-positions-0-capacity"] == "2"
    assert db.session.query(Position).one().capacity == 5


def test_the_second_of_two_editors_is_told_what_is_saved_and_keeps_their_words(
    client: CheckingClient, owner: Person
) -> None:
    need = make_need(db.session.query(Organization).one(), title="Beds")
    shift, item = make_shift(need, capacity=5), make_item(need, name="Cots")
    got = fields(client.get(edit_path(need)).text)
    with transaction():
        operations.edit_need(need.id, by=owner, title="Beds for forty", urgency="critical")
        operations.remove_item(item.id, by=owner)
        operations.add_item(need.id, operations.ItemInput("Sheets"), by=owner)
        values = ShiftInput((PositionInput("Porter", 7),), shift.starts_at, shift.ends_at, contact="none")
        operations.edit_shift(shift.id, values, by=owner)
    mine = {**got, "title": "Beds, please", "act": "save"}
    page = client.post(edit_path(need), data=mine)
    assert page.status_code == 422
    assert "Somebody else changed this need meanwhile" in page.text
    for words in ("Beds for forty", "Critical", "Porter", "7", "Sheets"):
        assert words in html.unescape(page.text)
    assert "Saved meanwhile: Beds for forty" in page.text
    assert "took this away meanwhile" in page.text
    assert fields(page.text)["title"] == "Beds, please"
    assert only_need().title == "Beds for forty"
    assert client.post(edit_path(need), data={**fields(page.text), "act": "save"}).status_code == 303
    need = only_need()
    assert need.title == "Beds, please"
    assert sorted(item.name for item in need.items) == ["Cots", "Sheets"]


def test_a_version_that_nobody_gave_is_an_old_one(client: CheckingClient, owner: Person) -> None:
    need = make_need(db.session.query(Organization).one())
    for version in ("", "x", "-1", "9" * 40, "²"):
        data = sent(version=version, place="Newark, NJ 07102")
        assert client.post(edit_path(need), data=data).status_code == 422
    assert only_need().title == need.title


def test_a_place_can_be_moved_made_private_and_taken_away(client: CheckingClient, owner: Person) -> None:
    client.post("/manage/pantry/needs/new", data=sent(address="1 Broad Street"))
    path = edit_path(only_need())

    def save(**values: str) -> Need:
        data = {**fields(client.get(path).text), **values, "act": "save"}
        assert client.post(path, data={k: v for k, v in data.items() if v is not None}).status_code == 303
        return only_need()

    assert save(private_address="y").address is None
    assert db.session.query(PrivateAddress).one().address == "1 Broad Street"
    need = save(place="Los Angeles, CA")
    assert (need.city, need.time_zone, need.private_address) == ("Los Angeles", "America/Los_Angeles", True)
    assert save(time_zone="America/Denver").time_zone == "America/Denver"
    assert save(title="Another").time_zone == "America/Denver"
    need = save(place="", address="")
    assert (need.city, need.latitude, need.private_address) == (None, None, False)
    assert db.session.query(PrivateAddress).count() == 0
    assert save(address="2 Broad Street").address is None
    assert fields(client.get(path).text)["address"] == "2 Broad Street"
    page = client.post(path, data={**fields(client.get(path).text), "time_zone": "Mars", "act": "save"})
    assert "Choose a time zone such as America/New_York" in page.text


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("S7")
def test_a_shift_may_span_midnight_or_days(client: CheckingClient, owner: Person) -> None:
    day = dt.date.fromisoformat(DAY)
    later = (day + dt.timedelta(days=2)).isoformat()
    data = sent(**shift_row(0, start="21:00", end="07:00"), **shift_row(1, start="09:00", end="17:00", last_day=later))
    client.post("/manage/pantry/needs/new", data=data)
    camp, night = sorted(only_need().shifts, key=lambda shift: shift.starts_at or now())
    assert night.ends_at == dt.datetime.combine(day + dt.timedelta(days=1), dt.time(7), ZONE)
    assert camp.ends_at == dt.datetime.combine(day + dt.timedelta(days=2), dt.time(17), ZONE)
    got = fields(client.get(edit_path(only_need())).text)
    assert sorted(value for name, value in got.items() if name.endswith("last_day")) == ["", later]


@pytest.mark.rule("S7", "T1")
def test_hours_that_do_not_exist_or_come_twice() -> None:
    zone = "America/New_York"
    assert local_instants(dt.date(2027, 3, 14), dt.time(2, 30), zone) == ()
    [only] = local_instants(dt.date(2027, 3, 14), dt.time(3), zone)
    first, second = local_instants(dt.date(2027, 11, 7), dt.time(1, 30), zone)
    assert only == dt.datetime(2027, 3, 14, 7, tzinfo=dt.UTC)
    assert second - first == dt.timedelta(hours=1)
    # A whole day that Samoa skipped, and half an hour on Lord Howe Island.
    assert local_instants(dt.date(2011, 12, 30), dt.time(12), "Pacific/Apia") == ()
    assert len(local_instants(dt.date(2027, 4, 4), dt.time(1, 45), "Australia/Lord_Howe")) == 2


@pytest.mark.rule("S7")
def test_the_skipped_hour_is_refused_and_of_the_double_one_people_choose(client: CheckingClient, owner: Person) -> None:
    year = today("UTC").year + 1
    spring = next(day for day in march(year) if not local_instants(day, dt.time(2, 30), ZONE.key))
    autumn = next(day for day in november(year) if len(local_instants(day, dt.time(1, 30), ZONE.key)) == 2)
    page = client.post("/manage/pantry/needs/new", data=sent(**shift_row(0, day=spring, start="02:30", end="06:00")))
    assert page.text.count("Clocks skip this hour on that day") == 2
    row = shift_row(0, day=autumn, start="00:30", end="01:30")
    page = client.post("/manage/pantry/needs/new", data=sent(**row))
    assert page.text.count("show this hour twice. Choose which one you mean") == 2
    data = {**fields(page.text), "shifts-0-fold": "second", "act": "save"}
    assert client.post("/manage/pantry/needs/new", data=data).status_code == 303
    shift = only_need().shifts[0]
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    assert shift.ends_at - shift.starts_at == dt.timedelta(hours=2)
    got = fields(client.get(edit_path(only_need())).text)
    assert got["shifts-0-fold"] == "second"
    client.post(edit_path(only_need()), data={**got, "title": "Another title", "act": "save"})
    assert only_need().shifts[0].version == 1
    client.post(
        edit_path(only_need()), data={**fields(client.get(edit_path(only_need())).text), "shifts-0-fold": "first"}
    )
    shift = only_need().shifts[0]
    assert shift.starts_at is not None
    assert shift.ends_at == shift.starts_at + dt.timedelta(hours=1)


def march(year: int) -> list[dt.date]:
    return [dt.date(year, 3, day) for day in range(1, 32)]


def november(year: int) -> list[dt.date]:
    return [dt.date(year, 11, day) for day in range(1, 31)]


@pytest.mark.rule("T1")
def test_moving_a_draft_keeps_what_the_clocks_show(client: CheckingClient, owner: Person) -> None:
    client.post("/manage/pantry/needs/new", data=sent(**shift_row()))
    path = edit_path(only_need())
    data = {**fields(client.get(path).text), "place": "Los Angeles, CA", "act": "save"}
    assert client.post(path, data=data).status_code == 303
    shift = only_need().shifts[0]
    there = zoneinfo.ZoneInfo("America/Los_Angeles")
    assert shift.time_zone == there.key
    assert shift.starts_at == dt.datetime.combine(dt.date.fromisoformat(DAY), dt.time(18), there)
    got = fields(client.get(path).text)
    assert (got["shifts-0-start"], got["shifts-0-end"]) == ("18:00", "21:30")


# --- who ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("A1")
def test_only_owners_and_managers_edit(client: CheckingClient, sign_in: SignIn) -> None:
    need = make_need()
    item = make_item(need)
    paths = [f"/manage/{need.organization.slug}/needs/new", edit_path(need)]
    for person, status in (
        (make_member(need.organization, "manager"), 200),
        (make_member(need.organization, "coordinator"), 404),
        (make_member(need.organization, "viewer"), 404),
        (make_member(make_organization(), "owner"), 404),
        (make_person(), 404),
    ):
        sign_in(person)
        assert [client.get(path).status_code for path in paths] == [status, status]
        assert client.post(edit_path(need), data=sent()).status_code == (422 if status == 200 else 404)
    # A need of one organization is not reached through another's address.
    other = make_organization()
    sign_in(make_member(other, "owner"))
    assert client.get(f"/manage/{other.slug}/needs/{encode_id(need.id)}/edit").status_code == 404
    assert client.get(f"/manage/{other.slug}/items/{encode_id(item.id)}/remove").status_code == 404


def test_without_its_token_a_form_changes_nothing_and_loses_nothing(client: CheckingClient, owner: Person) -> None:
    page = client.post("/manage/pantry/needs/new", data=sent(**shift_row()), csrf=False)
    assert page.status_code in (400, 422)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Need)) == 0
    assert db.session.query(Item).count() == 0
