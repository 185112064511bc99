"""A draft may be put away at every step: what is incomplete is kept as it was typed, and publishing says what is missing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs import operations
from app.needs.models import MARK, Need, PrivateAddress, Unfinished
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift
from tests.needs.test_editor import DAY, SignIn, edit_path, fields, item_row, only_need, owner, sent, shift_row

__all__ = ["owner"]
NEW = "/manage/pantry/needs/new"
EMPTY = {"title": "", "description": "", "place": "Newark, NJ"}


def saved(client: CheckingClient, path: str = NEW, **data: Any) -> dict[str, Any]:
    """Save what is typed as a draft; what the editor shows then."""
    page = client.post(path, data=data)
    assert page.status_code == 303, page.text
    return fields(client.get(edit_path(only_need())).text)


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    "typed",
    [
        shift_row(0, day="", start="", end=""),
        shift_row(0, day="", start="", end="", **{"positions-0-name": "", "positions-0-capacity": "4"}),
        shift_row(0, start=""),
        shift_row(0, end="", contact=None, minimum_age="16"),
        shift_row(0, **{"positions-0-name": "", "positions-0-capacity": ""}),
        shift_row(0, **{"positions-1-name": "Driver", "positions-1-capacity": ""}),
        shift_row(0, day="", last_day="2031-01-05"),
        item_row(0, name="", quantity="2"),
        item_row(0, name="", quantity="", unit="kg"),
        item_row(0, name="", quantity="", unit="", accepted_condition="new", first="y"),
        {"description": "Families arrive at six."},
        {"title": "Beds"},
        {"address": "5 Quiet Lane", "place": "", "private_address": "y"},
        {"bring": "Gloves", "ends_on": DAY},
    ],
)
def test_every_step_can_be_put_away_and_comes_back_as_it_was(
    client: CheckingClient, owner: Person, typed: dict[str, str]
) -> None:
    shown = saved(client, **sent(**{**EMPTY, **typed}))
    wanted = {name: value for name, value in typed.items() if not (name.endswith("due_on") and not value)}
    got = {name: shown.get(name) for name in wanted}
    assert got == {name: ["y"] if value == "y" else value for name, value in wanted.items()}
    need = only_need()
    assert (need.status, need.shifts, need.items) == ("draft", [], [])
    assert need.title
    # Saved again, it is the same.
    again = saved(client, edit_path(need), **{**shown, "act": "save"})
    assert {**again, "version": ""} == {**shown, "version": ""}


def test_nothing_at_all_is_no_draft(client: CheckingClient, owner: Person) -> None:
    page = client.post(NEW, data=sent(**EMPTY))
    assert page.status_code == 422
    assert page.text.count("Enter a title") == 2
    assert db.session.query(Need).count() == 0


def test_an_untitled_draft_has_a_working_title_until_it_is_named(client: CheckingClient, owner: Person) -> None:
    untitled = {**EMPTY, "description": "So many\n\nfamilies came this week that our shelves are empty once more"}
    shown = saved(client, **sent(**untitled))
    assert only_need().title == "So many families came this week that our shelves are empty…"
    assert shown["title"] == ""
    assert "Until you give it a title it is called “So many families" in client.get(edit_path(only_need())).text
    path = edit_path(only_need())
    shown = saved(client, path, **{**shown, **item_row(), "act": "save"})
    assert (only_need().title, shown["title"]) == ("Blankets", "")
    assert operations.is_untitled(only_need())
    shown = saved(client, path, **{**shown, "title": "Blankets", "act": "save"})
    assert (shown["title"], operations.is_untitled(only_need())) == ("Blankets", False)
    # Named by a program, it is named, too.
    saved(client, path, **{**shown, "title": "", "act": "save"})
    with transaction():
        operations.edit_need(only_need().id, by=owner, title="Warm blankets")
    assert fields(client.get(path).text)["title"] == "Warm blankets"


def test_complete_lines_become_real_as_soon_as_they_are(client: CheckingClient, owner: Person) -> None:
    shown = saved(client, **sent(**shift_row(0, day=""), **item_row(0, name="")))
    assert shown["shifts-0-id"].startswith(MARK)
    shown = saved(client, edit_path(only_need()), **{**shown, "shifts-0-day": DAY, "act": "save"})
    need = only_need()
    assert (len(need.shifts), need.items) == (1, [])
    assert shown["shifts-0-id"] == encode_id(need.shifts[0].id)
    saved(client, edit_path(need), **{**shown, "items-0-name": "Cots", "act": "save"})
    assert [item.name for item in only_need().items] == ["Cots"]
    assert db.session.query(Unfinished).count() == 0


def test_a_saved_shift_that_loses_its_day_is_kept_both_ways(client: CheckingClient, owner: Person) -> None:
    shown = saved(client, **sent(**shift_row(), **item_row()))
    path, before = edit_path(only_need()), only_need().shifts[0].starts_at
    shown = saved(client, path, **{**shown, "shifts-0-day": "", "items-0-name": "", "act": "save"})
    assert (shown["shifts-0-day"], shown["shifts-0-start"], shown["items-0-name"]) == ("", "18:00", "")
    need = only_need()
    assert (need.shifts[0].starts_at, need.items[0].name) == (before, "Blankets")
    assert [reason.code for reason in operations.reasons_not_to_publish(need)] == ["unfinished"]
    assert operations.unfinished_rows(need) == 2
    # A shift that is cancelled and an item that is taken away take along what was typed about them.
    with transaction():
        operations.cancel_shift(need.shifts[0].id, by=owner)
        operations.remove_item(need.items[0].id, by=owner)
    assert operations.unfinished_rows(only_need()) == 0
    assert "shifts-0-day" not in fields(client.get(path).text)


def test_publishing_says_all_that_is_missing_at_its_field(client: CheckingClient, owner: Person) -> None:
    data = sent(
        title="",
        description="",
        place="",
        **shift_row(0, day="", contact=None, **{"positions-0-capacity": ""}),
        **item_row(0, name=""),
        act="publish",
    )
    page = client.post(NEW, data=data)
    assert page.status_code == 303
    need = only_need()
    assert need.status == "draft"
    page = client.get(page.headers["Location"])
    assert page.status_code == 200
    summary, _end, form = page.text.partition("<h1>")
    assert "Before it can be published" in summary
    for field, message in (
        ("title", "The title is empty"),
        ("description", "The description is empty"),
        ("place", "Nobody knows where it is"),
        ("shifts-0-day", "Enter the day"),
        ("shifts-0-positions-0-capacity", "Say how many people are needed"),
        ("items-0-name", "Enter a name"),
    ):
        assert f'<a href="#{field}">{message}' in summary, field
        assert f'id="{field}-error"' in form, field
        assert message in form, field
    assert "not complete" not in summary  # each of them is said by itself
    # What is not in the form is said by the need's page and to programs.
    assert "2 shifts or items are not complete." in client.get(f"/manage/pantry/needs/{encode_id(need.id)}").text
    data = {
        **fields(page.text), "title": "Beds", "description": "Because.", "place": "Newark, NJ", "shifts-0-day": DAY,
        "shifts-0-positions-0-capacity": "2", "items-0-name": "Cots", "act": "publish",
    }  # fmt: skip
    page = client.get(client.post(edit_path(need), data=data).headers["Location"])
    assert '<a href="#shifts-0-contact-0">A shift does not say' in page.text
    data = {**fields(page.text), "shifts-0-contact": "none", "act": "publish"}
    assert client.post(edit_path(need), data=data).headers["Location"].endswith(encode_id(need.id))
    need = only_need()
    assert (need.status, len(need.shifts), len(need.items)) == ("open", 1, 1)


def test_a_role_without_times_is_something_already(client: CheckingClient, owner: Person) -> None:
    shown = saved(client, **sent(**EMPTY, **{"shifts-0-kind": "flexible"}))
    assert shown["shifts-0-kind"] == "flexible"
    assert only_need().shifts[0].flexible


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"title": ""}, "Enter a title"),
        ({"place": "", "address": "Elm Street 1"}, "Enter the town or postal code of this street"),
        (shift_row(1, day=""), "Enter the day"),
        (shift_row(1, start=""), "Enter when it starts"),
        (shift_row(1, end=""), "Enter when it ends"),
        (shift_row(1, **{"positions-0-capacity": ""}), "Say how many people are needed"),
        (item_row(0, name=""), "Enter a name"),
    ],
)
def test_a_need_that_people_see_is_never_half_saved(
    client: CheckingClient, owner: Person, typed: dict[str, str], message: str
) -> None:
    client.post(NEW, data=sent(**shift_row(), act="publish"))
    need = only_need()
    assert need.status == "open"
    page = client.post(edit_path(need), data={**fields(client.get(edit_path(need)).text), **typed, "act": "save"})
    assert page.status_code == 422
    assert page.text.count(message) == 2
    assert (only_need().version, len(only_need().shifts)) == (need.version, 1)


@pytest.mark.rule("N6")
def test_a_street_waits_for_its_town_and_stays_private(client: CheckingClient, owner: Person) -> None:
    shown = saved(client, **sent(place="", address="5 Quiet Lane", private_address="y", remote="y", **item_row()))
    need = only_need()
    assert need.address is None
    assert [reason.code for reason in operations.reasons_not_to_publish(need)] == ["place"]
    preview = client.get(f"/needs/{encode_id(need.id)}")
    assert "Quiet Lane" not in preview.text
    saved(client, edit_path(need), **{**shown, "place": "Newark, NJ", "act": "save"})
    need = only_need()
    assert (need.private_address, need.address) == (True, None)
    assert db.session.get_one(PrivateAddress, need.id).address == "5 Quiet Lane"
    assert db.session.query(Unfinished).count() == 0


def test_the_same_again_takes_what_is_incomplete_along(client: CheckingClient, owner: Person) -> None:
    shown = saved(client, **sent(title="", **shift_row(), **item_row(0, name="")))
    saved(client, edit_path(only_need()), **{**shown, "shifts-0-end": "", "act": "save"})
    need = only_need()
    with transaction():
        copy = operations.duplicate_need(need.id, by=owner)
    shown = fields(client.get(edit_path(copy)).text)
    assert (shown["shifts-0-id"], shown["shifts-0-end"]) == (encode_id(copy.shifts[0].id), "")
    assert (shown["items-0-quantity"], shown["title"]) == ("12", "")


def test_lines_that_somebody_else_put_away_meanwhile_stay(client: CheckingClient, owner: Person) -> None:
    mine = saved(client, **sent(**shift_row(0, day="")))
    need = only_need()
    saved(client, edit_path(need), **{**mine, **item_row(0, name="", quantity="7"), "act": "save"})
    page = client.post(edit_path(need), data={**mine, "shifts-0-start": "17:00", "act": "save"})
    assert page.status_code == 422
    assert "Somebody added items meanwhile" in page.text
    shown = saved(client, edit_path(need), **{**fields(page.text), "act": "save"})
    assert (shown["shifts-0-start"], shown["items-0-quantity"]) == ("17:00", "7")
    assert "shifts-1-kind" not in shown


def test_what_is_incomplete_is_for_those_who_edit(client: CheckingClient, owner: Person, sign_in: SignIn) -> None:
    saved(client, **sent(title="", **shift_row(0, day="", **{"positions-0-name": "Secret task"})))
    need = only_need()
    sign_in(make_member(need.organization, "coordinator"))
    assert client.get(edit_path(need)).status_code == 404
    sign_in(make_member(make_organization(), "owner"))
    for path in (edit_path(need), f"/needs/{encode_id(need.id)}", "/needs?q=secret"):
        assert "Secret task" not in client.get(path).text


def test_a_draft_that_is_removed_leaves_nothing(client: CheckingClient, owner: Person) -> None:
    saved(client, **sent(**shift_row(0, day="")))
    with transaction():
        db.session.execute(Need.__table__.delete())
    assert db.session.query(Unfinished).count() == 0


def test_other_lines_and_other_people_change_nothing(client: CheckingClient, owner: Person) -> None:
    """A hostile id is a row of its own, and never somebody else's shift."""
    other = make_shift(make_need(make_organization(make_person())))
    item = make_item(other.need)
    data = sent(**shift_row(0, id=encode_id(other.id), day=""), **item_row(0, id=encode_id(item.id), name=""))
    made = client.post(NEW, data=data)
    assert made.status_code == 303
    assert "shifts-0-day" not in fields(client.get(f"{made.headers['Location']}/edit").text)
    assert db.session.get_one(Need, other.need_id).version == other.need.version


def test_days_and_times_come_back_as_such(client: CheckingClient, owner: Person) -> None:
    typed = shift_row(
        0, start="", last_day=(dt.date.fromisoformat(DAY) + dt.timedelta(days=2)).isoformat(), end="07:30"
    )
    shown = saved(client, **sent(**typed))
    assert (shown["shifts-0-day"], shown["shifts-0-end"]) == (DAY, "07:30")
    assert shown["shifts-0-last_day"] == typed["shifts-0-last_day"]
