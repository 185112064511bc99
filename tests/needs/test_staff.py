"""Pages of an organization's staff about its needs: who comes, what is on its way, and what can be done now."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from app.accounts.models import Person
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs import queries
from app.needs.models import NEED_STATUSES, Item, Need, Position, Shift
from app.organizations.models import Organization
from app.pledges.operations import pledge
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]


@pytest.fixture
def pantry(sign_in: SignIn) -> Organization:
    """An organization whose owner is signed in."""
    organization = make_organization(slug="pantry", name="Pantry")
    sign_in(make_member(organization, "owner"))
    return organization


def manage(need: Need) -> str:
    return f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}"


def supporter(shift: Shift | None = None, item: Item | None = None, **changes: object) -> Person:
    """Somebody with a place, or with a promise of two."""
    person = make_person(**changes)
    with transaction():
        if shift is not None:
            sign_up(shift.id, by=person, party_size=1, note="I bring a ladder")
        if item is not None:
            pledge(item.id, by=person, quantity=Decimal(2))
    return person


def test_who_comes_and_what_is_on_its_way(client: CheckingClient, pantry: Organization) -> None:
    need = make_need(pantry)
    shift, item = make_shift(need, name="Porter", capacity=4), make_item(need, name="Cots", quantity="10")
    make_shift(need, name="Nobody yet")
    supporter(shift, name="Ada Lovelace")
    supporter(item=item, name="Grace Hopper")
    page = client.get(manage(need))
    for words in ("Ada Lovelace", "I bring a ladder", "Grace Hopper", "Cots", "Mark received", "Porter", "Nobody yet"):
        assert words in page.text, words
    assert page.headers["Cache-Control"] == "no-store"


def test_what_is_ahead_comes_first_and_no_column_says_what_the_row_says(
    client: CheckingClient, pantry: Organization
) -> None:
    need = make_need(pantry)
    over = make_shift(need, name="Clear the rooms", days=2)
    cook = make_shift(need, name="Cook", days=3)
    with transaction():
        db.session.add(Position(shift_id=cook.id, name="Wash up", capacity=2, sort=1))
    make_shift(need, name="Called off", days=4, status="cancelled")
    supporter(over, name="Ada")
    supporter(cook, name="Grace")
    with transaction():
        moved = db.session.get_one(Shift, over.id)
        moved.starts_at, moved.ends_at = now() - dt.timedelta(hours=5), now() - dt.timedelta(hours=2)
    text = client.get(manage(need)).text
    ahead, _words, behind = text.partition("2 shifts that are over or cancelled")
    assert [">Cook, Wash up</bdi>" in ahead, "Clear the rooms" in ahead, "Called off" in ahead] == [True, False, False]
    assert behind.index("Called off") < behind.index("Clear the rooms")  # the latest first
    headings = [re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table) for table in text.split("<thead>")[1:3]]
    assert headings == [["Name", "People", "What", "Note"], ["Name", "People", "Note"]]


@pytest.mark.rule("A1")
def test_what_each_role_may_do(client: CheckingClient, sign_in: SignIn) -> None:
    for role, may_edit, may_receive in (
        ("owner", True, True),
        ("manager", True, True),
        ("coordinator", False, True),
        ("viewer", False, False),
    ):
        need = make_need()
        make_shift(need)
        supporter(item=make_item(need))
        sign_in(make_member(need.organization, role))
        page = client.get(manage(need))
        assert page.status_code == 200
        assert (">Change</a>" in page.text) is may_edit
        assert ("Cancel this shift" in page.text) is may_edit
        assert ("Mark received" in page.text) is may_receive
        for act in ("publish", "pause", "reopen", "close"):
            status = client.post(f"{manage(need)}/{act}").status_code
            assert status == (303 if may_edit else 404), (role, act)
    sign_in(make_member(make_organization(), "owner"))
    assert client.get(manage(need)).status_code == 404
    assert client.get(f"/manage/{need.organization.slug}/needs").status_code == 404


def test_published_paused_closed_and_reopened_by_buttons(client: CheckingClient, pantry: Organization) -> None:
    need = make_need(pantry, status="draft", published_at=None, description="")
    make_shift(need)
    page = client.get(manage(need))
    assert "The description is empty" in page.text
    assert ">Publish</button>" not in page.text
    refused = client.post(f"{manage(need)}/publish")
    assert refused.status_code == 409
    assert "The description is empty" in refused.text
    with transaction():
        need.description = "Why"
    for button, act, status in (
        ("Publish", "publish", "open"),
        ("Pause", "pause", "paused"),
        ("Reopen", "reopen", "open"),
        ("Close", "close", "closed"),
        ("Reopen", "reopen", "open"),
    ):
        assert re.search(rf">\s*{button}</(button|a)>", client.get(manage(need)).text), button
        if act == "close":
            asked = client.get(f"{manage(need)}/close")
            assert "You can reopen it" in asked.text
            assert db.session.get_one(Need, need.id).status == "open"
        done = client.post(f"{manage(need)}/{act}")
        assert (done.status_code, done.headers["Location"]) == (303, manage(need))
        assert db.session.get_one(Need, need.id).status == status


def test_a_form_without_its_token_changes_nothing(client: CheckingClient, pantry: Organization) -> None:
    need = make_need(pantry)
    for act in ("pause", "close", "publish"):
        assert client.post(f"{manage(need)}/{act}", csrf=False).status_code == 400
    assert need.status == "open"


@pytest.mark.rule("S6")
def test_cancelling_a_shift_says_who_will_be_told(client: CheckingClient, pantry: Organization) -> None:
    shift = make_shift(make_need(pantry))
    supporter(shift)
    supporter(shift)
    path = f"/manage/pantry/shifts/{encode_id(shift.id)}/cancel"
    assert "2 people who have a place are told by email" in client.get(path).text
    assert shift.status == "scheduled"
    assert client.post(path).headers["Location"] == manage(shift.need)
    assert db.session.get_one(Shift, shift.id).status == "cancelled"
    over = make_shift(shift.need, days=-2)
    assert client.post(f"/manage/pantry/shifts/{encode_id(over.id)}/cancel").status_code == 409


@pytest.mark.rule("P1")
def test_an_item_that_is_promised_is_not_taken_away(client: CheckingClient, pantry: Organization) -> None:
    promised, free = make_item(need := make_need(pantry)), make_item(need)
    supporter(item=promised)
    for item, status in ((promised, 409), (free, 303)):
        path = f"/manage/pantry/items/{encode_id(item.id)}/remove"
        assert client.get(path).status_code == 200
        page = client.post(path)
        assert page.status_code == status
        assert ("People have promised to bring this" in page.text) is (status == 409)
    assert [item.id for item in db.session.query(Item)] == [promised.id]


@pytest.mark.rule("N2")
def test_the_list_shows_every_need_once(client: CheckingClient, pantry: Organization) -> None:
    made = [make_need(pantry, status=NEED_STATUSES[number % 5], title=f"Title {number}") for number in range(65)]
    make_need(make_organization(), title="Of another")
    seen: list[str] = []
    where: str | None = "/manage/pantry/needs"
    while where:
        page = client.get(where)
        seen += re.findall(r">(Title \d+)</a>", page.text)
        assert "Of another" not in page.text
        following = re.findall(r'href="([^"]*cursor=[^"]*)"', page.text)
        where = following[0].replace("&amp;", "&") if following else None
        # What is added meanwhile is above: nothing is shown twice or lost.
        make_need(pantry, title="Newer")
    assert sorted(seen) == sorted(need.title for need in made)
    drafts = client.get("/manage/pantry/needs?status=draft")
    assert len(re.findall(r">Title \d+</a>", drafts.text)) == 13
    assert client.get("/manage/pantry/needs?status=nonsense").status_code == 200
    assert client.get("/manage/pantry/needs?cursor=nonsense").status_code == 302
    assert queries.count_by_status(pantry.id)["paused"] == 13


def test_as_many_statements_for_fifty_rows_as_for_five(
    client: CheckingClient, pantry: Organization, count_queries: list[str]
) -> None:
    few, many = make_need(pantry), make_need(pantry)
    for need, number in ((few, 5), (many, 50)):
        for row in range(number):
            shift = make_shift(need, days=row + 1)
            make_item(need)
            if row % 5 == 0:
                supporter(shift)
    few_path, many_path = manage(few), manage(many)

    def cost(path: str) -> int:
        count_queries.clear()
        assert client.get(path).status_code == 200
        return len(count_queries)

    assert cost(few_path) == cost(many_path) <= 12
    with transaction():
        few.status = many.status = "paused"
    assert cost(few_path) == cost(many_path) <= 14  # what it lacks is looked for too
    assert cost("/manage/pantry/needs") <= 7
