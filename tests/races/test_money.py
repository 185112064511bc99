"""Money at one moment, by separate processes against the running server: the same webhooks at both doors, donors who come back
while a sponsor doubles, receipts are numbered and counters rise, and staff who give back more than there is.

The same assertions are turned on a server without the guard (unguarded_money.py), where they must fail.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations import accounts, checkout, queries
from app.donations.accounts_models import PaymentAccount
from app.donations.checks import CHECKS
from app.donations.models import Donation, LedgerTransaction, StripeEvent
from app.donations.operations.giving import start_donation
from app.donations.operations.inbox import HANDLED_TYPES
from app.donations.page_checks import check_matches, check_tallies
from app.donations.receipt_models import Receipt
from app.donations.tally_models import FundraiserTally, MatchClaim
from app.fundraisers.matching import promise_match
from app.fundraisers.models import Fundraiser
from tests.donations.stripe_server import CONNECT_SECRET, SECRET, StripeServer, sign
from tests.factories import make_fundraiser, make_member, make_organization, make_person
from tests.races.conftest import Running
from tests.races.crowd import all_at_once, equip

GIFTS, EACH, CAP, PROCESSES = 8, 2500, 11_000, 8
POSTGRESQL = pytest.mark.parametrize("unguarded", ["postgresql"], indirect=True)


def stripe_of(running: Running) -> StripeServer:
    assert running.stripe is not None
    return running.stripe


def begin(running: Running, *, cap: int = 0) -> Fundraiser:
    """A fundraiser whose organization can be paid, and whose gifts a sponsor doubles up to `cap`."""
    owner = make_person()
    fundraiser = make_fundraiser(make_organization(owner))
    accounts.onboard(fundraiser.organization, by=owner)
    query = sa.select(PaymentAccount.stripe_account_id)
    account = db.session.scalar(query.where(PaymentAccount.organization_id == fundraiser.organization_id)) or ""
    db.session.rollback()
    stripe_of(running).act_on_account(account, "ready")
    accounts.refresh(account)
    if cap:
        day = today(fundraiser.organization.time_zone)
        with transaction():
            promise_match(
                fundraiser.id, by=owner, sponsor="Corner Bakery", cap=Money(cap, "USD"), starts_on=day,
                ends_on=day + dt.timedelta(days=5),
            )  # fmt: skip
    return fundraiser


def pay(running: Running, fundraiser: Fundraiser, count: int) -> list[int]:
    """So many gifts that were paid at Stripe, of which nobody told us yet."""
    fundraiser_id, paid = fundraiser.id, []
    for number in range(count):
        with transaction():
            key = start_donation(
                fundraiser_id, amount=Money(EACH, "USD"), name="Rosa", email=f"d{number}@example.org", mode="test", connect=True
            ).id  # fmt: skip
        checkout.open_checkout(key)
        session = db.session.scalar(sa.select(Donation.stripe_session_id).where(Donation.id == key)) or ""
        db.session.rollback()
        stripe_of(running).act(session, "pay")
        paid.append(key)
    return paid


# --- donors come back -----------------------------------------------------------------------------------------------

RIGHT = {
    "answers": {200},
    "entries": GIFTS,
    "settled": GIFTS * EACH,
    "donors": GIFTS,
    "claimed": CAP,
    "matched": CAP,
    "receipts": list(range(1, GIFTS + 1)),
    "thanks": GIFTS,
}


def come_back(running: Running, without: str = "") -> tuple[dict[str, Any], list[str]]:
    """Every donor opens their page twice at one moment, before any webhook; what was written, and what verify finds."""
    with running.app.app_context():
        fundraiser = begin(running, cap=CAP)
        paid = pay(running, fundraiser, GIFTS)
        people = [
            {
                "path": f"/donations/{queries.donation_token(key)}", "method": "GET", "body": "",
                "headers": {"X-Without": without},
            }
            for key in paid for _tab in range(2)
        ]  # fmt: skip
        answers = {status for status, _told in all_at_once(running.port, people, PROCESSES)}
        shown = db.session.get(FundraiserTally, fundraiser.id)
        mine = LedgerTransaction.donation_id.in_(paid)
        claims = sa.select(sa.func.coalesce(sa.func.sum(MatchClaim.amount_minor), 0))
        numbers = sa.select(Receipt.number).where(Receipt.organization_id == fundraiser.organization_id)
        thanks = sa.select(sa.func.count()).where(Outbox.key.in_([f"donation_thanks:{key}" for key in paid]))
        found = {
            "answers": answers,
            "entries": db.session.scalar(sa.select(sa.func.count()).where(mine, LedgerTransaction.kind == "gift")),
            "settled": 0 if shown is None else shown.settled_minor,
            "donors": 0 if shown is None else shown.donor_count,
            "claimed": db.session.scalar(claims.where(MatchClaim.donation_id.in_(paid))),
            "matched": 0 if shown is None else shown.matched_minor,
            "receipts": list(db.session.scalars(numbers.order_by(Receipt.number))),
            "thanks": db.session.scalar(thanks),
        }
        problems = [problem for check in (*CHECKS.values(), check_matches, check_tallies) for problem in check()[1]]
        db.session.rollback()
    return found, problems


@pytest.mark.rule("F2")
@pytest.mark.rule("F3")
@pytest.mark.rule("F7")
def test_gifts_paid_at_one_moment_are_each_counted_once_matched_to_the_cap_and_numbered_without_a_gap(
    running: Running,
) -> None:
    found, problems = come_back(running)
    assert found == RIGHT
    assert problems == []


def test_without_the_counter_held_receipts_get_in_each_others_way(unguarded: Running) -> None:
    found, _problems = come_back(unguarded, "numbers")
    assert found["receipts"] != RIGHT["receipts"] or found["answers"] != RIGHT["answers"]


@POSTGRESQL
def test_without_the_claim_a_cap_is_exceeded(unguarded: Running) -> None:
    """PostgreSQL alone: SQLite lets one writer in at a time. What is left of the guard is to look first and hope."""
    assert come_back(unguarded, "cap")[0]["claimed"] > CAP


@POSTGRESQL
def test_without_the_lock_gifts_are_lost_from_the_counters(unguarded: Running) -> None:
    """PostgreSQL alone, as above."""
    assert come_back(unguarded, "counters")[0]["settled"] < RIGHT["settled"]


# --- staff give back ------------------------------------------------------------------------------------------------


def give_back(running: Running, without: str = "") -> tuple[list[int], int]:
    """Four of the staff give back 10 of 25 at once: what each was answered, and what went back at Stripe."""
    with running.app.app_context():
        fundraiser = begin(running)
        [key] = pay(running, fundraiser, 1)
        checkout.fulfil(key)
        organization = fundraiser.organization
        path = f"/manage/{organization.slug}/donations/{encode_id(key)}/refund"
        staff = equip(running.app, [make_member(organization, role) for role in ("owner", "manager") * 2])
        form = {"amount": "10", "reason": "requested_by_customer", "note": "Twice", "confirmed": ""}
        people = [
            {
                "path": path, "cookie": one.cookie, "fields": {**form, "nonce": f"n{number}"},
                "headers": {"X-Without": without},
            }
            for number, one in enumerate(staff)
        ]  # fmt: skip
        answers = sorted(status for status, _told in all_at_once(running.port, people, len(people)))
        account = db.session.scalar(sa.select(Donation.account).where(Donation.id == key))
        db.session.rollback()
    refunds = stripe_of(running).call("GET", "/v1/refunds?limit=100", account=account)["data"]
    return answers, sum(refund["amount"] for refund in refunds)


@pytest.mark.rule("F5")
def test_refunds_at_once_never_exceed_the_gift(running: Running) -> None:
    assert give_back(running) == ([303, 303, 409, 409], 2000)


def test_without_the_check_under_the_lock_all_are_promised(unguarded: Running) -> None:
    """The control: what is left is looked at before the lock. Stripe is the last guard then, and refuses the rest."""
    answers, went_back = give_back(unguarded, "left")
    assert answers.count(303) > 2, "more than there is"
    assert went_back == 2000


# --- webhooks -------------------------------------------------------------------------------------------------------


def knock(running: Running, without: str = "") -> tuple[set[int], dict[str, tuple[int, int]], list[str]]:
    """The same signed events come by many processes at once, each at its door: what was answered, how often each is stored and
    how often its handling was promised, and the names of those that were sent."""
    with running.app.app_context():
        fundraiser = begin(running)
        [key] = pay(running, fundraiser, 1)
        account = db.session.scalar(sa.select(Donation.account).where(Donation.id == key))
        db.session.rollback()
        events = [event for event in stripe_of(running).events(account) if event["type"] in HANDLED_TYPES]
        own = {**events[-1], "id": f"evt_own_{key}", "type": "account.updated", "account": None}
        people = []
        for event in (*events, own):
            body, secret = json.dumps(event), SECRET if event is own else CONNECT_SECRET
            person = {
                "path": "/stripe/webhook" if event is own else "/stripe/webhook/connect", "method": "POST", "body": body,
                "headers": {
                    "Stripe-Signature": sign(body.encode(), secret=secret), "Content-Type": "application/json",
                    "X-Without": without,
                },
            }  # fmt: skip
            people += [person] * PROCESSES  # one by each process
        answers = {status for status, _told in all_at_once(running.port, people, PROCESSES)}
        names = [str(event["id"]) for event in (*events, own)]
        counted = {
            name: (_count(StripeEvent.stripe_id, name), _count(Outbox.key, f"stripe_event:{name}")) for name in names
        }
        db.session.rollback()
    return answers, counted, names


def _count(column: Any, begins: str) -> int:
    return db.session.scalar(sa.select(sa.func.count()).where(column.startswith(begins, autoescape=True))) or 0


@pytest.mark.rule("F3")
def test_the_same_webhooks_by_many_at_once_are_stored_once_at_both_doors(running: Running) -> None:
    answers, counted, names = knock(running)
    assert len(names) >= 3
    assert (answers, counted) == ({200}, dict.fromkeys(names, (1, 1)))


def test_without_the_unique_name_they_are_stored_more_than_once(unguarded: Running) -> None:
    answers, counted, names = knock(unguarded, "once")
    assert answers == {200}
    assert counted != dict.fromkeys(names, (1, 1))
