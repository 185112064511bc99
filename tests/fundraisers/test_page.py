"""What a fundraiser's page says in each of its states: begun, over its goal, ended, waiting, declined, out of sight."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.money import Money
from app.donations import ledger, tally
from app.donations.models import Donation
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import decline_fundraiser, end_fundraiser, say_outcome
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_organization, make_person

SignIn = Callable[..., CheckingClient]


def make_gift(
    fundraiser: Fundraiser, amount: int, *, status: str = "paid", at: dt.datetime | None = None, **values: Any
) -> int:
    """A gift as Stripe's word would have left it; its id."""
    with transaction():
        gift = Donation(
            fundraiser_id=fundraiser.id, organization_id=fundraiser.organization_id, amount_minor=amount, currency="USD",
            status=status, mode="test", created_at=at or now(), paid_at=now() if status == "paid" else None,
            **{"name": "Rosa", "email": "rosa@example.org", "anonymous": True, **values},
        )  # fmt: skip
        db.session.add(gift)
        db.session.flush()
        if status == "paid":
            ledger.post_gift(
                organization_id=fundraiser.organization_id, fundraiser_id=fundraiser.id, donation_id=gift.id,
                payment_id=f"pi_{gift.id}", amount=Money(amount, "USD"),
            )  # fmt: skip
            tally.gift_paid(gift)
        tally.moved(gift, "pending")
        return gift.id


def page_of(client: CheckingClient, fundraiser: Fundraiser, query: str = "") -> str:
    """The public page."""
    return client.get(f"/fundraisers/{fundraiser.slug}{query}").text


def test_the_organization_s_page_says_what_is_still_open(client: CheckingClient) -> None:
    fundraiser = make_fundraiser(goal_minor=10000)
    make_gift(fundraiser, 2500)
    card = client.get(f"/organizations/{fundraiser.organization.slug}").text.partition(fundraiser.title)[2]
    assert "<b>$75 still open</b> of $100" in card
    assert 'class="strip"' in card


@pytest.mark.rule("F9")
def test_who_gave_is_anonymous_unless_they_chose_to_be_named(client: CheckingClient) -> None:
    fundraiser = make_fundraiser()
    make_gift(fundraiser, 2500, name="Hidden Person", message="For the beds")
    make_gift(fundraiser, 4000, name="Ayo Bello", anonymous=False)
    page = page_of(client, fundraiser)
    assert "<h3>Anonymous</h3>" in page
    assert "For the beds" in page
    assert "Ayo Bello" in page
    assert "Hidden" not in page


def test_what_the_bank_clears_is_told_beside_and_never_added(client: CheckingClient) -> None:
    fundraiser = make_fundraiser(goal_minor=10000)
    make_gift(fundraiser, 3000, status="processing")
    page = page_of(client, fundraiser)
    assert "Nobody has given yet" in page
    assert "The first gift is on its way" in page
    assert "on its way, the bank is clearing it" in page
    assert "0% of the goal" in page


def test_over_the_goal_the_page_says_so_and_still_takes_gifts(client: CheckingClient) -> None:
    fundraiser = make_fundraiser(goal_minor=5000)
    make_gift(fundraiser, 5900)
    page = page_of(client, fundraiser)
    assert "118% of the goal of $50" in page
    assert "Goal reached" in page
    assert "118%" in client.get("/fundraisers").text


@pytest.mark.rule("N2")
def test_donors_are_paged_and_none_is_lost_or_shown_twice(client: CheckingClient) -> None:
    fundraiser, begun = make_fundraiser(leaderboard=False), now()
    for number in range(45):
        make_gift(
            fundraiser, 100, name=f"Donor{number:02}.", anonymous=False, at=begun - dt.timedelta(minutes=number // 3)
        )
    seen: list[str] = []
    query = ""
    while True:
        page = page_of(client, fundraiser, query)
        seen += [f"Donor{number:02}." for number in range(45) if f"Donor{number:02}." in page]
        if "cursor=" not in page.split("donors", 1)[1].split("</main>")[0] or len(seen) >= 45:
            break
        cursor = page.rpartition("?cursor=")[2].partition("#")[0]
        query = f"?cursor={cursor}"
    assert sorted(seen) == [f"Donor{number:02}." for number in range(45)]


def test_an_ended_page_stays_with_thanks_and_outcome_and_takes_no_gifts(
    client: CheckingClient, sign_in: SignIn, new_client: Callable[[], Any]
) -> None:
    starter = make_person()
    fundraiser = make_fundraiser(make_organization(), started_by_id=starter.id, goal_minor=5000)
    slug = fundraiser.slug
    make_gift(fundraiser, 2000)
    make_gift(fundraiser, 1500, status="processing", email="other@example.org")
    sign_in(starter)
    response = client.post(f"/fundraisers/{slug}/end", data={"outcome": "We bought **eight beds**."})
    assert response.status_code == 303
    page = new_client().get(f"/fundraisers/{slug}").text
    assert "This fundraiser has ended" in page
    assert "1 person gave $20. Thank you." in page
    # Whoever comes now is led on, and nobody is asked to hang it up.
    assert f"See what {fundraiser.organization.name} needs now" in page
    assert "Poster to print" not in page
    assert "Poster to print" in new_client().get(f"/fundraisers/{make_fundraiser().slug}").text
    assert "$15 more are on its way" not in page
    assert "$15 more are on their way" in page
    assert "<strong>eight beds</strong>" in page
    assert "What came of it" in page
    assert "/donate" not in page
    changed = client.post(f"/fundraisers/{slug}/outcome", data={"outcome": "Nine <script>beds</script> it was."})
    assert changed.status_code == 303
    page = new_client().get(f"/fundraisers/{slug}").text
    assert "it was" in page
    assert "<script>beds" not in page
    assert "eight beds" not in page


def test_the_last_day_ends_a_page_before_the_sweep_does(client: CheckingClient) -> None:
    fundraiser = make_fundraiser(ends_on=now().date() + dt.timedelta(days=2))
    with time_machine.travel(now() + dt.timedelta(days=4), tick=False):
        page = page_of(client, fundraiser)
        assert "This fundraiser has ended" in page
        assert "/donate" not in page


def test_the_outcome_is_said_when_it_is_over_by_whoever_may(
    client: CheckingClient, sign_in: SignIn, new_client: Callable[[], Any]
) -> None:
    owner, starter = make_person(), make_person()
    fundraiser = make_fundraiser(make_organization(owner), started_by_id=starter.id)
    address = f"/fundraisers/{fundraiser.slug}/outcome"
    sign_in(starter)
    assert client.get(address).status_code == 404
    with pytest.raises(Refused), transaction():
        say_outcome(fundraiser.id, by=starter, outcome="x")
    with transaction():
        end_fundraiser(fundraiser.id, by=starter)
    assert client.get(address).status_code == 200
    assert client.post(address, data={"outcome": "x" * 5001}).status_code == 422
    assert sign_in(owner, new_client()).get(address).status_code == 200
    assert sign_in(make_person(), new_client()).get(address).status_code == 404
    assert "Thank everybody" in client.get(f"/fundraisers/{fundraiser.slug}").text


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("waiting", "It waits for the organization&#39;s approval"),
        ("declined", "Their reason: Please name nobody."),
        ("suspended", "The organization is suspended"),
        ("unverified", "The organization is not public at the moment"),
    ],
)
def test_out_of_sight_only_its_starter_reads_why(
    client: CheckingClient, sign_in: SignIn, new_client: Callable[[], Any], how: str, said: str
) -> None:
    starter, staff = make_person(), make_person()
    fundraiser = make_fundraiser(make_organization(), started_by_id=starter.id)
    slug = fundraiser.slug
    with transaction():
        if how == "declined":
            decline_fundraiser(fundraiser.id, by=staff, reason="Please name nobody.")
        elif how == "waiting":
            db.session.execute(sa.update(Fundraiser).values(status="awaiting_approval"))
        elif how == "suspended":
            db.session.execute(sa.update(Organization).values(status="suspended"))
        else:
            db.session.execute(sa.update(Organization).values(verified_at=None))
    assert new_client().get(f"/fundraisers/{slug}").status_code == 404
    page = sign_in(starter).get(f"/fundraisers/{slug}").text
    assert said.replace("&#39;", "'") in page.replace("&#39;", "'")
    assert "/donate" not in page
