"""What saving an edit means for people is said in exact numbers before it is saved; without consequences, no extra step."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from app.accounts.models import Person
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Item, Need, Shift
from app.pledges.operations import pledge
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from app.signups.safety_jobs import review_standing
from tests.conftest import CheckingClient
from tests.factories import make_item, make_need, make_organization, make_person, make_shift
from tests.needs.test_editor import fields
from tests.smtp import Mailbox

SignIn = Callable[..., CheckingClient]


@pytest.fixture
def need(sign_in: SignIn) -> Need:
    """Of the organization whose owner is signed in: a shift and an item."""
    owner = make_person()
    sign_in(owner)
    found = make_need(make_organization(owner), causes=["food", "housing"])
    make_shift(found, days=9)
    make_item(found, quantity="10")
    return found


def path(need: Need) -> str:
    return f"/manage/{need.organization.slug}/needs/{encode_id(need.id)}/edit"


def carried(page: str) -> dict[str, list[str]]:
    """What the step between carries along."""
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(html.unescape(value))
    found.pop("csrf_token")
    return found


def later(typed: dict[str, str], days: int = 1) -> dict[str, str]:
    day = dt.date.fromisoformat(typed["shifts-0-day"]) + dt.timedelta(days=days)
    return {**typed, "shifts-0-day": day.isoformat(), "act": "save"}


def holders(need: Need, number: int) -> list[Person]:
    people = [make_person() for _one in range(number)]
    with transaction():
        for person in people:
            sign_up(need.shifts[0].id, by=person)
    return people


@pytest.mark.rule("S6")
def test_a_moved_shift_says_whom_it_concerns_and_saves_only_then(
    client: CheckingClient, need: Need, work_off: Callable[[], dict[str, int]], mailbox: Mailbox
) -> None:
    people = holders(need, 3)
    clash = make_shift(days=10)
    with transaction():
        # Whoever has another commitment at the new time cannot keep the place.
        shift = db.session.get_one(Shift, need.shifts[0].id)
        other = db.session.get_one(Shift, clash.id)
        assert shift.starts_at is not None
        assert shift.ends_at is not None
        other.starts_at, other.ends_at = shift.starts_at + dt.timedelta(days=1), shift.ends_at + dt.timedelta(days=1)
    with transaction():
        sign_up(clash.id, by=people[0])
    work_off()
    mailbox.messages.clear()
    was = db.session.get_one(Shift, need.shifts[0].id).starts_at
    typed = later(fields(client.get(path(need)).text))
    typed["causes"] = ["food", "housing"]  # type: ignore[assignment]  # several values of one name
    step = client.post(path(need), data=typed)
    assert step.status_code == 200
    for words in ("This concerns 3 people", "2 people keep their place and are told", "1 person cannot keep the place"):
        assert words in step.text
    db.session.expire_all()
    assert db.session.get_one(Shift, need.shifts[0].id).starts_at == was, "nothing is saved yet"
    again = client.post(path(need), data={**carried(step.text), "back": "1"})
    assert fields(again.text)["shifts-0-day"] == typed["shifts-0-day"], "what was typed comes back"
    assert client.post(path(need), data=carried(step.text)).status_code == 303
    # The sweep that comes between asks every place again; the other one of the two at one time is not theirs to end.
    review_standing()
    assert db.session.query(Signup).filter_by(shift_id=clash.id).one().status == "confirmed"
    db.session.rollback()
    work_off()
    saved = db.session.get_one(Need, need.id)
    assert saved.shifts[0].starts_at == was + dt.timedelta(days=1)
    assert saved.causes == ["food", "housing"]
    # Staff are told of the place that ended too, at once or when their night is over.
    told = [mail["To"] for mail in mailbox.messages if mail["Manyhands-Mail"] != "signups/staff_cancelled"]
    assert sorted(told) == sorted(person.email for person in people)
    standing = [place.status for place in db.session.query(Signup).filter_by(shift_id=saved.shifts[0].id)]
    assert sorted(standing) == ["cancelled", "confirmed", "confirmed"]


@pytest.mark.rule("S6")
def test_who_came_meanwhile_is_said_before_it_is_saved(client: CheckingClient, need: Need) -> None:
    [first] = holders(need, 1)
    step = client.post(path(need), data=later(fields(client.get(path(need)).text)))
    assert "This concerns 1 person" in step.text
    holders(need, 1)
    more = client.post(path(need), data=carried(step.text))
    assert "This concerns 2 people" in more.text
    with transaction():
        for place in db.session.query(Signup).all():
            cancel_signup(place.id, by=first)
    assert client.post(path(need), data=carried(more.text)).status_code == 303, "now it concerns nobody"


def test_without_consequences_there_is_no_step(client: CheckingClient, need: Need) -> None:
    typed = fields(client.get(path(need)).text)
    assert client.post(path(need), data=later(typed)).status_code == 303
    holders(need, 2)
    typed = fields(client.get(path(need)).text)
    assert client.post(path(need), data={**typed, "title": "Other words", "act": "save"}).status_code == 303
    typed = fields(client.get(path(need)).text)
    more = {**typed, "shifts-0-positions-0-capacity": "20", "items-0-quantity": "12", "act": "save"}
    assert client.post(path(need), data=more).status_code == 303


@pytest.mark.rule("P1")
def test_less_than_is_promised_is_said_and_promises_stay(client: CheckingClient, need: Need) -> None:
    person = make_person()
    item_id = need.items[0].id
    with transaction():
        pledge(item_id, by=person, quantity=Decimal(8))
    typed = {**fields(client.get(path(need)).text), "items-0-quantity": "5", "act": "save"}
    step = client.post(path(need), data=typed)
    assert "1 person has promised it. The promise stays" in step.text
    assert "3 more than you would want" in step.text
    assert client.post(path(need), data=carried(step.text)).status_code == 303
    item = db.session.get_one(Item, item_id)
    assert (item.quantity, item.reserved, item.surplus) == (5, 8, 3)


@pytest.mark.rule("S6")
def test_another_place_concerns_who_comes_and_who_brings(
    client: CheckingClient, need: Need, work_off: Callable[[], dict[str, int]], mailbox: Mailbox
) -> None:
    both = holders(need, 2)[0]
    with transaction():
        pledge(need.items[0].id, by=both, quantity=Decimal(1))
    work_off()
    mailbox.messages.clear()
    typed = {**fields(client.get(path(need)).text), "place": "Trenton, NJ", "act": "save"}
    step = client.post(path(need), data=typed)
    assert "This concerns 2 people" in step.text
    assert "1 person who promised items is told by email that the place changed." in step.text
    assert client.post(path(need), data=carried(step.text)).status_code == 303
    work_off()
    subjects = sorted(str(mail["Subject"]).split(":")[0] for mail in mailbox.messages)
    assert len(subjects) == 3
    assert subjects.count("Bring it somewhere else") == 1


@pytest.mark.rule("S1")
def test_fewer_than_are_taken_is_refused_with_the_choice(client: CheckingClient, need: Need) -> None:
    holders(need, 3)
    typed = {**fields(client.get(path(need)).text), "shifts-0-positions-0-capacity": "2", "act": "save"}
    refused = client.post(path(need), data=typed)
    assert refused.status_code == 422
    assert (
        "3 places are taken, so there cannot be fewer. Keep at least 3, or let the latest move to the waitlist"
        in refused.text
    )
