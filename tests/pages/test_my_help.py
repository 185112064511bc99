"""My help: everything promised by date, the address when it opens, what was given before, the empty state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core import when
from app.core.clock import today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import PrivateAddress
from app.pledges.operations import pledge
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_item, make_need, make_organization, make_person, make_shift

SignIn = Callable[..., CheckingClient]


def test_a_visitor_signs_in_first(client: CheckingClient) -> None:
    assert client.get("/my-help").headers["Location"] == "/sign-in?next=%2Fmy-help"


def test_with_nothing_promised_there_is_one_next_step(client: CheckingClient, sign_in: SignIn) -> None:
    sign_in(make_person())
    page = client.get("/my-help")
    assert "You have promised nothing yet" in page.text
    assert 'href="/needs"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.rule("T1")
def test_everything_is_listed_by_date_in_the_zone_of_the_place(client: CheckingClient, sign_in: SignIn) -> None:
    person = make_person()
    moment = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    with time_machine.travel(moment, tick=False):
        late = make_shift(
            make_need(title="Late in Los Angeles", time_zone="America/Los_Angeles"),
            # 03:30 UTC on 1 December is still Monday evening in California.
            starts_at=dt.datetime(2026, 12, 1, 3, 30, tzinfo=dt.UTC),
            ends_at=dt.datetime(2026, 12, 1, 5, 30, tzinfo=dt.UTC),
        )
        soon = make_shift(
            make_need(title="Soon in Newark"),
            starts_at=dt.datetime(2026, 11, 24, 22, 30, tzinfo=dt.UTC),
            ends_at=dt.datetime(2026, 11, 25, 1, 30, tzinfo=dt.UTC),
        )
        item = make_item(make_need(title="Beds", ends_on=dt.date(2026, 11, 28)), name="Sheets")
        role = make_shift(make_need(title="Any time at all"), flexible=True)
        for shift in (late, role, soon):
            with transaction():
                sign_up(shift.id, by=person)
        with transaction():
            pledge(item.id, by=person, quantity=Decimal("1.5"))
        sign_in(person)
        page = client.get("/my-help").text
    titles = ["Soon in Newark", "1.5 × box of Sheets", "Late in Los Angeles", "Any time at all"]
    assert [page.index(title) for title in titles] == sorted(page.index(title) for title in titles)
    assert "5:30 – 8:30 pm EST" in page
    assert "7:30 – 9:30 pm PST" in page
    assert "<b>Mon</b> Nov 30" in page
    assert page.count("Today") == 1


@pytest.mark.rule("N6")
@pytest.mark.rule("G7")
def test_a_private_address_appears_when_it_opens_and_goes_with_the_end(client: CheckingClient, sign_in: SignIn) -> None:
    need = make_need(make_organization(), private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="12 Hidden Lane", postal_code="07199"))
    shift = make_shift(need, days=9)
    person = make_person()
    with transaction():
        sign_up(shift.id, by=person)
    sign_in(person)
    page = client.get("/my-help").text
    assert "Hidden" not in page
    assert "from 48 hours before the start" in page
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    with time_machine.travel(shift.starts_at - dt.timedelta(hours=47), tick=False):
        assert "12 Hidden Lane, Newark" in client.get("/my-help").text
    with time_machine.travel(shift.ends_at, tick=False):
        page = client.get("/my-help").text
        assert "Hidden" not in page
        assert "Given before" in page


@pytest.mark.rule("G7")
def test_a_role_says_when_its_private_address_opens_and_is_over_after_its_day(
    client: CheckingClient, sign_in: SignIn
) -> None:
    need, person = make_need(make_organization(), title="Paint the hall", private_address=True), make_person()
    day = today("America/New_York") + dt.timedelta(days=9)
    role = make_shift(need, flexible=True, due_on=day)
    never = make_shift(make_need(make_organization(), private_address=True), flexible=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="12 Hidden Lane", postal_code="07199"))
        for shift in (role, never):
            sign_up(shift.id, by=person)
    sign_in(person)
    page = client.get("/my-help").text
    assert f"You see it here from 48 hours before the end of {when.full_day(day)}." in page
    assert "this role has no day from which you see it here" in page
    assert "before the start" not in page
    assert "end of the day by which it is done" in client.get(f"/needs/{encode_id(need.id)}").text
    noon = dt.datetime.combine(day, dt.time(12), ZoneInfo("America/New_York"))
    with time_machine.travel(noon, tick=False):
        page = client.get("/my-help").text
        assert "12 Hidden Lane, Newark" in page
        assert "The organization expects you" in page
    with time_machine.travel(noon + dt.timedelta(days=1), tick=False):
        page = client.get("/my-help").text
        assert "expects you" not in page
        assert "Hidden" not in page
        assert page.index("Paint the hall") > page.index("Given before") > page.index("What you promised")


def test_the_number_of_queries_does_not_grow(client: CheckingClient, sign_in: SignIn, count_queries: list[str]) -> None:
    person = make_person()
    sign_in(person)

    def queries_with(count: int) -> int:
        for _number in range(count):
            shift = make_shift(flexible=True)
            with transaction():
                sign_up(shift.id, by=person)
            item = make_item()
            with transaction():
                pledge(item.id, by=person, quantity=Decimal(1))
        count_queries.clear()
        client.get("/my-help")
        return len(count_queries)

    # Three of them ask again whether each place stands (G1), one which course one is in, one what one follows, one what one
    # gives every month, one in which years one gave.
    assert queries_with(2) == queries_with(10) <= 16
