"""A sponsor doubles gifts up to a cap and within days: claimed once for each gift, never beyond the cap, given back with the
gift, in the ledger, and said honestly on the page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db, transaction, uses_sqlite
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.core.money import Money, format_money
from app.donations import ledger, matching
from app.donations.checks import check_ledger
from app.donations.models import Donation
from app.donations.operations.offline import record_offline, undo_offline
from app.donations.page_checks import check_matches, check_tallies
from app.donations.queries import totals
from app.donations.tally_models import MatchClaim
from app.fundraisers.matching import end_match, promise_match
from app.fundraisers.models import Fundraiser, MatchingGift
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_member, make_organization

PROCESSES, EACH = 3, 3
ZONE = "America/New_York"


def give(fundraiser: Fundraiser, owner: Person, minor: int) -> Donation:
    """A gift in person, which counts at once."""
    day = today(fundraiser.organization.time_zone)
    with transaction():
        return record_offline(
            fundraiser.id, by=owner, amount=Money(minor, "USD"), name="Rosa", received_on=day, mode="test"
        )


def promise(fundraiser: Fundraiser, owner: Person, cap: int = 10_000, *, first: int = 0, last: int = 5) -> int:
    """A sponsor's promise from today on."""
    day = today(fundraiser.organization.time_zone)
    with transaction():
        return promise_match(
            fundraiser.id, by=owner, sponsor="Corner Bakery", cap=Money(cap, "USD"),
            starts_on=day + dt.timedelta(days=first), ends_on=day + dt.timedelta(days=last),
        ).id  # fmt: skip


def begin() -> tuple[Fundraiser, Person]:
    organization = make_organization()
    return make_fundraiser(organization), make_member(organization, "owner")


def matched(fundraiser: Fundraiser) -> int:
    db.session.rollback()
    return totals([fundraiser.id])[fundraiser.id].matched.amount_minor


def check() -> None:
    assert [*check_ledger()[1], *check_matches()[1], *check_tallies()[1]] == []


@pytest.mark.rule("F2")
def test_gifts_are_doubled_up_to_the_cap_and_given_back_with_them(app: Flask, count_queries: list[str]) -> None:
    fundraiser, owner = begin()
    give(fundraiser, owner, 700)  # before anybody promised
    key = promise(fundraiser, owner, 1000)
    first, second = give(fundraiser, owner, 600), give(fundraiser, owner, 600)
    assert matched(fundraiser) == 1000
    claims = {row.donation_id: row.amount_minor for row in db.session.scalars(sa.select(MatchClaim))}
    assert claims == {first.id: 600, second.id: 400}
    held = ledger.balances(fundraiser.organization_id)
    assert (held["match_promised", "USD"], held["matches", "USD"]) == (1000, -1000)
    with transaction():
        matching.gift_paid(first)  # a second time changes nothing
    assert matched(fundraiser) == 1000
    with transaction():
        undo_offline(first.id, by=owner)
    assert matched(fundraiser) == 400
    third = give(fundraiser, owner, 900)  # what was given back is there for the next
    assert matched(fundraiser) == 1000
    check()
    count_queries.clear()
    with transaction():
        matching.record_match_paid(key, by=owner, total=Money(1000, "USD"))
    # The page before the promise, as a gift that claims it: two who wait for each other would wait for ever.
    locked = [re.findall(r"FROM (\w+)", query)[0] for query in count_queries if "FOR UPDATE" in query]
    assert locked == ([] if uses_sqlite() else ["fundraiser", "matching_gift"])
    held = ledger.balances(fundraiser.organization_id)
    assert held["match_promised", "USD"] == 0
    with transaction():
        undo_offline(third.id, by=owner)  # after the sponsor had paid: it paid more than it matches
    assert db.session.get_one(MatchingGift, key).paid_minor == 1000
    assert matched(fundraiser) == 400
    check()


@pytest.mark.rule("F2")
def test_what_a_members_page_is_matched_with_is_on_the_teams_page_too(app: Flask) -> None:
    organization = make_organization()
    team = make_fundraiser(organization, is_team=True)
    member, owner = make_fundraiser(organization, team_id=team.id), make_member(organization, "owner")
    promise(member, owner, 1000)
    first = give(member, owner, 600)
    assert (matched(member), matched(team)) == (600, 600)
    promise(team, owner, 500)  # the team's own promise is the team's alone
    second = give(member, owner, 300)
    assert (matched(member), matched(team)) == (900, 1200)
    check()
    for gift in (first, second):
        with transaction():
            undo_offline(gift.id, by=owner)
    assert (matched(member), matched(team)) == (0, 0)
    check()


def test_only_within_its_days_and_until_it_is_ended(app: Flask) -> None:
    fundraiser, owner = begin()
    promise(fundraiser, owner, first=1)
    give(fundraiser, owner, 500)
    assert matched(fundraiser) == 0
    key = promise(fundraiser, owner)
    assert promise(fundraiser, owner) == key  # the same sent twice is one
    give(fundraiser, owner, 500)
    with transaction():
        end_match(key, by=owner)
    give(fundraiser, owner, 500)
    assert matched(fundraiser) == 500
    for values, field in (
        ({"cap": Money(0, "USD")}, "cap"),
        ({"cap": Money(100, "EUR")}, "cap"),
        ({"ends_on": today(ZONE) - dt.timedelta(days=9)}, "ends_on"),
        ({"starts_on": today(ZONE) - dt.timedelta(days=9)}, "starts_on"),
    ):
        usual: dict[str, Any] = {
            "cap": Money(100, "USD"),
            "starts_on": today("Pacific/Kiritimati"),
            "ends_on": today("Pacific/Kiritimati"),
        }
        with pytest.raises(InvalidInput) as refused, transaction():
            promise_match(fundraiser.id, by=owner, sponsor="X", **usual | values)
        assert field in refused.value.errors
    with pytest.raises(InvalidInput), transaction():
        matching.record_match_paid(key, by=owner, total=Money(501, "USD"))
    with pytest.raises(Refused), transaction():
        matching.record_match_paid(1, by=owner, total=Money(1, "USD"))
    check()


def test_the_page_says_what_is_promised_and_what_is_paid(app: Flask, client: CheckingClient) -> None:
    fundraiser, owner = begin()
    key = promise(fundraiser, owner, 10_000)
    path = f"/fundraisers/{fundraiser.slug}"
    assert "<b>Corner Bakery doubles your gift</b>, up to $100 in all" in client.get(path).text
    give(fundraiser, owner, 2500)
    page = client.get(path).text
    assert "$25 matched, promised by Corner Bakery, not yet paid." in page
    assert "$75 are left." in page
    assert "matched, as sponsors promised" in page  # a part of the thermometer, with its words
    # Lists and frames leave as much open as the page does.
    still_open = f"<b>{format_money(Money(fundraiser.goal_minor - 5000, 'USD'), 'en')} still open</b>"
    for where in ("/fundraisers", f"/organizations/{fundraiser.organization.slug}", f"/embed{path}"):
        assert still_open in client.get(where).text, where
    for paid, words in ((1000, "$10 of it are paid."), (2500, "$25 matched and paid by Corner Bakery.")):
        with transaction():
            matching.record_match_paid(key, by=owner, total=Money(paid, "USD"))
        assert words in client.get(path).text


def test_what_a_sponsor_paid_is_refused_at_its_field_and_stays_typed(
    app: Flask, client: CheckingClient, sign_in: Callable[..., CheckingClient]
) -> None:
    fundraiser, owner = begin()
    promise(fundraiser, owner)
    key = promise(fundraiser, owner, 5_000, last=4)
    give(fundraiser, owner, 2500)
    browser, path = (
        sign_in(owner, client),
        f"/manage/{fundraiser.organization.slug}/fundraisers/{fundraiser.slug}/matching",
    )
    for typed, words in (("26", "at most what was matched"), ("many", "Enter an amount"), ("", "Enter what was paid")):
        page = browser.post(f"{path}/{encode_id(key)}/paid", data={"paid": typed})
        assert page.status_code == 422
        [field] = re.findall(r'<div class="field medium wrong">.*?</div>', page.text, re.DOTALL)
        assert words in field
        assert f'id="paid-{encode_id(key)}"' in field
        assert f'value="{typed}"' in field
        assert f'<a href="#paid-{encode_id(key)}">' in page.text  # the summary leads there
    assert browser.post(f"{path}/{encode_id(key)}/paid", data={"paid": "25"}).status_code == 303


def test_verify_finds_a_promise_that_is_off(app: Flask) -> None:
    fundraiser, owner = begin()
    promise(fundraiser, owner)
    give(fundraiser, owner, 600)
    assert check_matches()[1] == []
    with transaction():
        db.session.execute(sa.update(MatchingGift).values(claimed_minor=599))
    assert check_matches()[1]
