"""What the editor does besides saving: a preview, its own places, messages while somebody types, and ways out that lose
nothing."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Need, Shift
from app.organizations.models import Location, Organization
from app.organizations.operations import add_location, remove_location
from tests.conftest import CheckingClient
from tests.needs.test_editor import DAY, edit_path, fields, item_row, only_need, owner, sent, shift_row

__all__ = ["owner"]
NEW = "/manage/pantry/needs/new"


def add(owner: Person, name: str, address: str, *, private: bool = False, place: str = "Newark, NJ") -> str:
    """A location of the pantry; its key in the select."""
    organization = db.session.query(Organization).one()
    with transaction():
        made = add_location(organization.id, by=owner, name=name, address=address, place=place, private=private)
        return encode_id(made.id)


def beside(text: str) -> str:
    """What stands beside the form, as words."""
    aside = re.search(r'<aside id="beside">.*?</aside>', text, re.DOTALL)
    assert aside is not None
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", aside[0])).split())


# --- preview --------------------------------------------------------------------------------------------------------


def test_a_preview_of_a_draft_saves_it_and_leads_back(client: CheckingClient, owner: Person) -> None:
    data = sent(**shift_row(), **item_row(0, name=""), act="preview")
    page = client.post(NEW, data=data)
    need = only_need()
    assert (page.status_code, page.headers["Location"]) == (303, f"/needs/{encode_id(need.id)}")
    page = client.get(page.headers["Location"])
    for words in ("This is a preview", "Dinner at the shelter", "1 shift or item is not complete", edit_path(need)):
        assert words in page.text, words
    shown = fields(client.get(edit_path(need)).text)
    assert (shown["shifts-0-day"], shown["items-0-quantity"]) == (DAY, "12")
    # What is wrong is said, and nothing typed is lost.
    page = client.post(edit_path(need), data={**shown, "shifts-0-day": "soon", "act": "preview"})
    assert page.status_code == 422
    assert fields(page.text)["shifts-0-day"] == "soon"


@pytest.mark.rule("A4")
def test_a_preview_of_an_open_need_saves_nothing_and_gives_all_of_it_back(
    client: CheckingClient, owner: Person
) -> None:
    client.post(NEW, data=sent(**shift_row(), act="publish"))
    need = only_need()
    data = {
        **fields(client.get(edit_path(need)).text), "title": "Breakfast <b>& tea</b>", "shifts-0-start": "07:00",
        **item_row(), "causes": ["food", "health"], "act": "preview",
    }  # fmt: skip
    page = client.post(edit_path(need), data=data)
    assert page.status_code == 200
    for words in (
        "This is a preview",
        "Nothing of it is saved yet",
        "Breakfast &lt;b&gt;&amp; tea",
        "Blankets",
        "7:00 am",
    ):
        assert words in page.text, words
    assert ">Sign up</a>" not in page.text
    assert (only_need().title, only_need().items, only_need().version) == (need.title, [], need.version)
    carried: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text):
        carried.setdefault(html.unescape(name), []).append(html.unescape(value))
    back = client.post(edit_path(need), data={**carried, "back": "1"})
    assert back.status_code == 200
    shown = fields(back.text)
    assert (shown["title"], shown["shifts-0-start"], shown["items-0-name"]) == (data["title"], "07:00", "Blankets")
    assert sorted(shown["causes"]) == ["food", "health"]
    wrong = client.post(edit_path(need), data={**data, "title": ""})
    assert (wrong.status_code, wrong.text.count("Enter a title")) == (422, 2)


# --- places ---------------------------------------------------------------------------------------------------------


def test_a_new_need_begins_at_the_only_place(client: CheckingClient, owner: Person) -> None:
    assert 'name="location"' not in client.get(NEW).text  # there is none to choose
    key = add(owner, "The house", "1 Broad Street", private=True)
    shown = fields(client.get(NEW).text)
    assert (shown["location"], shown["located"], shown["address"]) == (key, key, "1 Broad Street")
    assert shown["private_address"] == ["y"]
    client.post(NEW, data={**shown, **sent(place=shown["place"], address=shown["address"]), "remote": ""})
    need = only_need()
    assert (need.city, need.private_address, need.address) == ("Newark", True, None)
    add(owner, "The annex", "2 Broad Street")
    assert fields(client.get(NEW).text)["address"] == ""  # which of the two is for people to say


def test_a_place_that_is_chosen_fills_in_and_what_is_typed_then_wins(client: CheckingClient, owner: Person) -> None:
    house, annex = (
        add(owner, "House", "1 Broad Street", private=True),
        add(owner, "Annex", "2 Elm", place="Trenton, NJ"),
    )
    shown = fields(client.get(NEW).text)
    page = client.post(NEW, data={**shown, "location": house, "row": "add:item"})
    shown = fields(page.text)
    assert (shown["place"][:10], shown["address"], shown["private_address"]) == ("Newark, NJ", "1 Broad Street", ["y"])
    assert (shown["location"], shown["located"]) == (house, house)
    shown.pop("private_address")
    shown = fields(client.post(NEW, data={**shown, "address": "1 Broad Street, back door", "row": "add:item"}).text)
    assert (shown["location"], shown["address"]) == ("", "1 Broad Street, back door")
    page = client.post(NEW, data={**shown, "location": annex, "title": "Beds", "act": "save"})
    assert page.status_code == 303
    need = only_need()
    assert (need.city, need.address, need.private_address) == ("Trenton", "2 Elm", False)
    shown = fields(client.get(edit_path(need)).text)
    assert shown["location"] == annex
    assert client.post(NEW, data={**sent(), "location": "nowhere"}).status_code == 422


def test_a_place_that_is_forgotten_changes_no_need(client: CheckingClient, owner: Person) -> None:
    key = add(owner, "House", "1 Broad Street")
    client.post(NEW, data=sent(place="Newark, NJ", address="1 Broad Street", location=key, located=""))
    with transaction():
        remove_location(db.session.query(Location).one().id, by=owner)
    need = only_need()
    data = {**fields(client.get(edit_path(need)).text), "act": "save"}
    assert client.post(edit_path(need), data=data).status_code == 303
    assert only_need().address == "1 Broad Street"


# --- beside the form ------------------------------------------------------------------------------------------------


def test_beside_the_form_is_what_supporters_will_see(client: CheckingClient, owner: Person) -> None:
    data = sent(
        **shift_row(), **shift_row(1, start="21:30", end="07:00", contact="children"), **item_row(),
        **item_row(1, name="Cots", quantity="3"), row="add:item",
    )  # fmt: skip
    page = client.post(NEW, data=data).text
    assert "&lt;br&gt;" not in page, "no markup is read as words"
    seen = beside(page)
    for words in (
        "5 of 5 ready", "2 shifts, 2 items", "As supporters see it", "Dinner at the shelter",
        "6:00 – 9:30 pm", "Newark, NJ", "with children", "8 places open", "12 still wanted : Blankets", "and 1 other item",
    ):  # fmt: skip
        assert words in seen, (words, seen)
    # What cannot be read yet is left out.
    rough = sent(
        title="", place="", time_zone="Mars", **shift_row(0, day="soon", **{"positions-0-capacity": "many"}),
        **item_row(0, quantity="1e400"), row="",
    )  # fmt: skip
    seen = beside(client.post(NEW, data=rough).text)
    for words in ("Without a title", "Blankets : as much as you can bring"):
        assert words in seen, (words, seen)
    assert "Any time" not in seen
    assert "Any time" in beside(client.post(NEW, data=sent(**{"shifts-0-kind": "flexible"}, row="")).text)
    role = sent(**{"shifts-0-kind": "flexible", "shifts-0-due_on": DAY}, remote="y", row="")
    seen = beside(client.post(NEW, data=role).text)
    assert "by" in seen
    assert "From home" in seen
    assert "Everybody is welcome" in seen


# --- while somebody types -------------------------------------------------------------------------------------------


def test_looking_says_what_saving_would_say_and_saves_nothing(client: CheckingClient, owner: Person) -> None:
    data = sent(place="Atlantis-on-Sea", **shift_row(), look="1")
    page = client.post(NEW, data=data)
    assert (page.status_code, page.text.count("We do not know this place")) == (200, 2)
    assert db.session.query(Need).count() == 0
    fine = client.post(NEW, data=sent(**shift_row(), look="1", act="publish"))
    assert "There is a problem" not in fine.text
    assert db.session.query(Need).count() == 0
    client.post(NEW, data=sent(**shift_row(), act="publish"))
    need = only_need()
    shown = fields(client.get(edit_path(need)).text)
    page = client.post(edit_path(need), data={**shown, "shifts-0-day": "2020-01-01", "title": "New", "look": "1"})
    assert page.text.count("This time is over") == 2
    assert (only_need().title, only_need().version) == (need.title, need.version)


# --- ways out -------------------------------------------------------------------------------------------------------


def test_leaving_for_a_shift_or_an_item_saves_first(client: CheckingClient, owner: Person) -> None:
    client.post(NEW, data=sent(**shift_row(), **item_row()))
    need = only_need()
    shift, item = encode_id(need.shifts[0].id), encode_id(need.items[0].id)
    page = client.get(edit_path(need))
    for act in (f"cancel-shift:{shift}", f"remove-item:{item}"):
        assert f'value="{act}"' in page.text
        kind, _sign, key = act.partition(":")
        where = f"/manage/pantry/{kind.partition('-')[2]}s/{key}/{kind.partition('-')[0]}"
        data = {**fields(client.get(edit_path(need)).text), "title": f"Changed for {kind}", "act": act}
        assert client.post(edit_path(need), data=data).headers["Location"] == where
        assert only_need().title == f"Changed for {kind}"
        assert client.get(where).status_code == 200
    for act in ("cancel-shift:", "cancel-shift:x", "remove-item:²", "fly"):
        data = {**fields(client.get(edit_path(need)).text), "act": act}
        assert (
            client.post(edit_path(need), data=data).headers["Location"] == f"/manage/pantry/needs/{encode_id(need.id)}"
        )
    assert db.session.get_one(Shift, need.shifts[0].id).status == "scheduled"
