"""What the staff's first page counts, and what it asks them to do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.drawing import Column, draw_columns
from app.core.ids import encode_id
from app.needs.models import Position, Shift
from app.organizations.models import Organization
from app.pages.overview import overview_of
from app.pledges.models import Pledge
from app.pledges.operations import pledge
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import (
    make_fundraiser,
    make_item,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.safeguarding.common import approved_organization, cleared_person, contact_shift, place

PAGE = "/manage/kitchen/"


def test_what_waits_is_said_with_the_way_to_do_it(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    owner, helper = make_person(), make_person()
    organization = make_organization(owner, slug="kitchen", name="The Kitchen")
    need = make_need(organization, title="Cook soup", confirm_by=today("America/New_York") + dt.timedelta(days=3))
    empty, past = make_shift(need, days=2), make_shift(need, days=4)
    item = make_item(need, quantity="10", name="Onions")
    page = make_fundraiser(organization, status="awaiting_approval", title="A new stove", started_by_id=helper.id)
    with transaction():
        sign_up(past.id, by=helper, party_size=2)
        promised = pledge(item.id, by=helper, quantity=Decimal(4))
        db.session.get_one(Pledge, promised.id).deliver_by = today("America/New_York")
        over = db.session.get_one(Shift, past.id)
        over.starts_at, over.ends_at = now() - dt.timedelta(hours=9), now() - dt.timedelta(hours=7)
    sign_in(owner)
    text = client.get(PAGE).text
    for said in (
        "This week at The Kitchen",
        "Nobody comes yet: Cook soup",
        "<b>1 need</b> pauses itself after",
        "<b>1 drop-off</b> is expected by today: Onions.",
        "<b>2 people</b> had places on shifts that are over",
        "<b>A new stove</b> waits for your approval.",
        f"/manage/kitchen/shifts/{encode_id(past.id)}/roster",
        f"/manage/kitchen/shifts/{encode_id(empty.id)}/roster",
        f"/manage/kitchen/fundraisers/{page.slug}",
        "6 wanted",
    ):
        assert said in text, said


def test_a_viewer_reads_and_is_offered_nothing_they_may_not_do(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    organization = make_organization(make_person(), slug="kitchen")
    make_need(organization, confirm_by=today("America/New_York"))
    make_fundraiser(organization, title="A new stove")
    sign_in(make_member(organization, "viewer"))
    text = client.get(PAGE).text
    assert "1 need</b> pauses itself" in text
    assert not any(word in text for word in ("Confirm the need", "Post a need", "A new stove", "First steps"))


def test_weeks_are_those_of_the_place_and_add_up(app: Flask) -> None:
    organization = make_organization(time_zone="Pacific/Auckland")
    need = make_need(organization)
    monday = today("Pacific/Auckland")
    monday -= dt.timedelta(days=monday.weekday())
    with transaction():
        for days, taken in ((-7, 3), (-49, 5), (-56, 7), (7, 9)):
            begins = dt.datetime.combine(monday + dt.timedelta(days=days), dt.time(0, 30), dt.UTC) - dt.timedelta(
                hours=12
            )
            shift = make_shift_at(need.id, begins)
            shift.positions[0].taken = taken
    weeks = overview_of(db.session.get_one(Organization, organization.id), sa.true()).weeks
    assert [(week.begins_on, week.given, week.promised, week.open) for week in weeks if week.given] == [
        (monday - dt.timedelta(days=49), 5, 0, 5),
        (monday - dt.timedelta(days=7), 3, 0, 7),
    ]


def make_shift_at(need_id: int, begins: dt.datetime) -> Shift:
    from app.needs.models import Position

    shift = Shift(
        need_id=need_id, starts_at=begins, ends_at=begins + dt.timedelta(hours=2), time_zone="UTC", contact="none"
    )
    db.session.add(shift)
    db.session.flush()
    db.session.add(Position(shift_id=shift.id, name="", capacity=10))
    db.session.flush()
    db.session.refresh(shift)
    return shift


def test_first_steps_are_computed_hidden_and_shown_again(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    owner = make_person()
    organization = make_organization(owner, slug="kitchen", description="")
    sign_in(owner)
    assert "0 of 5 done" in client.get(PAGE).text
    make_need(organization)
    make_member(organization, "viewer")
    assert "2 of 5 done" in client.get(PAGE).text
    assert client.post("/manage/kitchen/first-steps/hide").status_code == 303
    page = client.get(PAGE).text
    assert "2 of 5 done" not in page
    assert "/manage/kitchen/first-steps/show" in page
    assert client.post("/manage/kitchen/first-steps/show").status_code == 303
    assert "2 of 5 done" in client.get(PAGE).text


def test_shifts_are_listed_by_their_names_and_in_short(
    client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    with time_machine.travel(dt.datetime(2031, 5, 12, 14, tzinfo=dt.UTC), tick=False):
        owner = make_person()
        organization = make_organization(owner, slug="kitchen")
        shelter = make_need(organization, title="Open the shelter")
        shift = make_shift(shelter, days=1, name="Cook dinner")
        with transaction():
            db.session.add(Position(shift_id=shift.id, name="Wash up", capacity=2, sort=1))
            db.session.add(Position(shift_id=shift.id, name="Nobody any more", capacity=0, sort=2))
        make_shift(shelter, days=2)
        make_shift(shelter, days=3, name="Unload", time_zone="America/Chicago")
        sign_in(owner)
        rows = client.get(PAGE).text.partition('aria-label="Next shifts"')[2].split("<tr>")[2:5]
        assert ["Tue, May 13, 10:00 am<" in rows[0], ">Cook dinner, Wash up</a>" in rows[0]] == [True, True]
        assert ">Open the shelter</a>" in rows[1]
        # Elsewhere than the head of the table says, its zone is named (T1).
        assert ["Thu, May 15, 9:00 am CDT<" in rows[2], ">Unload</a>" in rows[2]] == [True, True]


@pytest.mark.rule("G2")
def test_a_shift_that_wants_cleared_adults_says_so_before_and_after_it_is_decided(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], work_off: Callable[[], dict[str, int]]
) -> None:
    owner = make_person()
    organization = approved_organization(owner, slug="kitchen")
    near = contact_shift(organization, days=2, name="Read aloud")
    place(near, cleared_person(organization))
    contact_shift(organization, days=20, name="Far away")
    sign_in(owner)
    text = client.get(PAGE).text
    assert re.search(r"<b>Read aloud, \w+, [^<]+</b> has 1 cleared adult\. With fewer than two by \w+", text)
    assert ("1, needs 2" in text, "0, needs 2" in text, "Nobody comes yet" in text) == (True, True, False)
    assert "Far away, " not in re.sub(r"(?s)<table.*</table>", "", text)
    with time_machine.travel(near.starts_at - dt.timedelta(hours=20)):
        work_off()
        sign_in(owner)
        text = client.get(PAGE).text
        assert db.session.get_one(Shift, near.id).status == "cannot_run"
        assert "has 1 cleared adult. It cannot run until there are two." in text
        assert f"/manage/kitchen/shifts/{encode_id(near.id)}/roster" in text
        place(near, cleared_person(organization))
        assert "2, needs 2" in client.get(PAGE).text


def test_it_asks_the_database_no_more_for_many_needs_than_for_one(
    client: CheckingClient, sign_in: Callable[..., CheckingClient], count_queries: list[str]
) -> None:
    owner = make_person()
    organization = approved_organization(owner, slug="kitchen")
    sign_in(owner)
    counts = []
    for _time in range(2):
        for _number in range(4):
            need = make_need(organization, confirm_by=today("America/New_York"))
            make_shift(need)
            contact_shift(organization, days=6)
            make_item(need)
            make_fundraiser(organization)
        client.get(PAGE)
        count_queries.clear()
        client.get(PAGE)
        counts.append(len(count_queries))
    assert counts[0] == counts[1]


def test_the_scale_of_the_picture_is_round_and_holds_everything() -> None:
    drawn = draw_columns((Column(31, 6, 19), Column(0, 0, 0)), ("Nov 23", "<b>"))
    assert all(f">{at}</text>" in drawn for at in (0, 15, 30, 45, 60))
    assert "&lt;b&gt;" in drawn
    assert drawn.count('<path class="given"') == 1
