"""What My help says of one's own gifts in each state, with the way to each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import now
from app.core.db import db, transaction
from app.donations.models import Donation
from tests.donations.conftest import Giving, WorkOff
from tests.factories import make_person

SAID = {
    "": ("Not paid yet", "Go on with it"),
    "pay": ("Paid", "See the gift"),
    "pay_later": ("The bank is clearing it", "See the gift"),
    "pay_later,bank_refuses": ("Failed", "Go on with it"),
    "expire": ("Not paid in time", "Go on with it"),
    "cancel": ("Cancelled", "Go on with it"),
}


@pytest.mark.rule("F4")
@pytest.mark.parametrize("acts", list(SAID))
def test_my_help_says_what_is_known_of_a_gift_and_leads_to_it(
    giving: Giving, work_off: WorkOff, sign_in: Callable[..., Any], acts: str
) -> None:
    sign_in(make_person())
    given = giving.give("25")
    if acts == "cancel":
        giving.client.post(f"/donations/{given.token}/cancel")
    elif acts:
        giving.act(given, *acts.split(","))
    giving.deliver_all()
    work_off()
    page = giving.client.get("/my-help").text
    state, act = SAID[acts]
    assert state in page
    assert act in page
    assert f"/donations/{given.token}" in page
    assert giving.client.get(f"/donations/{given.token}").status_code == 200


def test_somebody_elses_gifts_are_not_listed_and_old_unpaid_ones_neither(
    giving: Giving, work_off: WorkOff, sign_in: Callable[..., Any], new_client: Callable[[], Any]
) -> None:
    sign_in(make_person())
    given = giving.give("25")
    giving.act(given, "expire")
    giving.deliver_all()
    work_off()
    other = sign_in(make_person(), new_client())
    assert given.token not in other.get("/my-help").text
    assert given.token in giving.client.get("/my-help").text
    with transaction():
        db.session.execute(sa.update(Donation).values(created_at=now() - dt.timedelta(days=8)))
    assert given.token not in giving.client.get("/my-help").text


def test_a_gift_without_an_account_is_in_nobodys_list(giving: Giving, sign_in: Callable[..., Any]) -> None:
    person = make_person(email="rosa@example.org")
    given = giving.give("25", email="rosa@example.org")
    sign_in(person)
    assert given.token not in giving.client.get("/my-help").text
    with time_machine.travel(now() + dt.timedelta(days=1), tick=False):
        assert giving.client.get(f"/donations/{given.token}").status_code == 200
