"""The same need again: what a copy keeps, what it leaves, and its days (S7)."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from decimal import Decimal

import pytest
import time_machine
from flask import Flask

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import DayFacts, Need, PrivateAddress
from app.needs.operations import cancel_shift, duplicate_need, edit_need
from app.pledges.operations import pledge
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


def test_a_copy_has_what_was_asked_for_and_nothing_of_what_was_promised(
    app: Flask, sign_in: SignIn, client: CheckingClient
) -> None:
    organization = make_organization()
    owner, helper = make_member(organization, "owner"), make_person()
    need = make_need(organization, title="Sort", causes=["food"], private_address=True)
    kept, cancelled = make_shift(need, name="Driver", capacity=4, minimum_age=18), make_shift(need, days=9)
    make_shift(need, flexible=True, capacity=None)
    item = make_item(need, quantity="10", priority="first")
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="12 Hidden Lane", postal_code="07199"))
        edit_need(need.id, by=owner, meeting_point="Blue door", bring="Shoes", step_free=False)
        sign_up(kept.id, by=helper)
        pledge(item.id, by=helper, quantity=Decimal(3))
        cancel_shift(cancelled.id, by=owner)
    sign_in(owner)
    manage = f"/manage/{organization.slug}/needs/{encode_id(need.id)}"
    assert "Ask for the same again" in client.get(manage).text
    sent = client.post(f"{manage}/duplicate")
    assert sent.status_code == 303
    copy = db.session.query(Need).filter(Need.id != need.id).one()
    assert sent.location == f"/manage/{organization.slug}/needs/{encode_id(copy.id)}/edit"
    assert client.get(sent.location).status_code == 200
    assert (copy.status, copy.title, copy.causes, copy.bring, copy.step_free) == (
        "draft",
        "Sort",
        ["food"],
        "Shoes",
        False,
    )
    assert (copy.latitude, copy.city, copy.private_address) == (need.latitude, need.city, True)
    assert db.session.get_one(PrivateAddress, copy.id).address == "12 Hidden Lane"
    assert db.session.get_one(DayFacts, copy.id).meeting_point == "Blue door"
    places = {(shift.flexible, shift.positions[0].capacity, shift.positions[0].taken) for shift in copy.shifts}
    assert places == {(False, 4, 0), (True, None, 0)}
    assert {(shift.minimum_age, shift.contact) for shift in copy.shifts} == {(18, "none"), (None, "none")}
    [again] = copy.items
    assert (again.quantity, again.reserved, again.received, again.priority) == (10, 0, 0, "first")
    assert kept.positions[0].taken == 1


@pytest.mark.rule("S7")
def test_shifts_of_a_copy_keep_weekday_and_clock_across_the_change_of_clocks(app: Flask) -> None:
    owner = make_person()
    need = make_need(time_zone="America/New_York")
    start = dt.datetime(2031, 3, 4, 9, tzinfo=NEW_YORK)  # a Tuesday before clocks go forward on the 9th
    make_shift(need, starts_at=start, ends_at=start + dt.timedelta(hours=3))
    make_shift(need, starts_at=start + dt.timedelta(days=2), ends_at=start + dt.timedelta(days=2, hours=12))
    with time_machine.travel(dt.datetime(2031, 3, 11, 15, tzinfo=NEW_YORK)), transaction():
        copy = duplicate_need(need.id, by=owner)
    local = sorted(
        (shift.starts_at.astimezone(NEW_YORK), shift.ends_at - shift.starts_at)
        for shift in copy.shifts
        if shift.starts_at and shift.ends_at
    )
    assert [(moment.strftime("%a %d %H:%M"), lasts) for moment, lasts in local] == [
        ("Tue 18 09:00", dt.timedelta(hours=3)),
        ("Thu 20 09:00", dt.timedelta(hours=12)),
    ]
