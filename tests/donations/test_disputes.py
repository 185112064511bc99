"""Disputes, early warnings and evidence (F5; MONEY.md 8), through HTTP with the real package."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations import checks, money_queries, reconciling
from app.donations.money_facts import BalanceFacts, DisputeFacts
from app.donations.money_models import Dispute, FraudWarning, MoneyMismatch, Refund
from app.donations.operations.disputes import _taken, note_dispute
from app.donations.operations.mismatches import mark_seen, note_mismatch
from app.donations.operations.payouts import find_owners
from tests.conftest import CheckingClient
from tests.donations.back import FORM, Back, follow
from tests.donations.conftest import Giving, WorkOff, ledger_table
from tests.donations.test_ledger_verify import verify
from tests.smtp import Mailbox


@pytest.fixture
def back(giving: Giving, work_off: WorkOff) -> Back:
    """Money that goes back."""
    return Back(giving, work_off)


def agrees(back: Back) -> bool:
    """The ledger is what Stripe says, in everything."""
    outcome = json.loads(verify(back.giving, "--with-stripe").stdout.splitlines()[-1])
    assert outcome["problems"] == []
    return bool(outcome["ok"])


def entries(kind: str) -> list[Any]:
    return [row[2] for row in ledger_table() if row[1] == kind]


@pytest.mark.rule("F5")
def test_a_dispute_takes_is_answered_and_is_won(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay(message="For the backpacks")
    owner = back.staff(given)
    made = back.at_stripe(given, "dispute", reason="unrecognized")
    back.hear()
    [row] = back.rows(Dispute)
    assert (row.status, row.amount_minor, row.withdrawn_minor, row.reason) == (
        "needs_response", 2500, 2500, "unrecognized",
    )  # fmt: skip
    assert entries("dispute") == [(("disputes", 2500, "USD"), ("stripe_clearing", -2500, "USD"))]
    assert entries("dispute_fee") == [(("fees", 1500, "USD"), ("stripe_clearing", -1500, "USD"))]
    [standing] = money_queries.list_standings(row.organization_id)
    assert (standing.held_by_banks, standing.went_back) == (2500, 0)
    assert (back.raised(given), back.donation(given).disputed_minor) == (0, 2500)
    [mail] = [mail for mail in mailbox.messages if mail["Subject"] == "A bank takes back $25"]
    assert mail["To"] == owner.email
    assert "Answer by" in mail.as_string()
    client = sign_in(owner)
    slug = back.address(given).split("/")[2]
    address = f"/manage/{slug}/disputes/{encode_id(row.id)}"
    # What the bank holds cannot be given back as well.
    assert client.post(back.address(given, "refund"), data={**FORM, "amount": "1"}).status_code == 409
    page = client.get(address).get_data(as_text=True)
    for shown in (
        "Answer by",
        "does not recognise this payment",
        "rosa@example.org",
        "For the backpacks",
        "A donation of $25",
    ):
        assert shown in page
    assert "Answer the bank" in client.get(f"/manage/{slug}/money").get_data(as_text=True)
    # A part of its own (MONEY.md 13), and what is still open is the same wherever it is said.
    fundraiser = back.donation(given).fundraiser
    public = f"/fundraisers/{fundraiser.slug}"
    for shown in (f"/manage/{slug}{public}", public):
        page = client.get(shown).text
        assert re.search(r"disputed, a donor.s bank holds it</dt><dd>\$25</dd>", page)
        assert re.search(r"still open</dt><dd>\$975</dd>", page)
    for shown in ("/fundraisers", f"/embed{public}"):
        assert "<b>$975 still open</b> of $1,000" in client.get(shown).text
    raised = client.get(f"/api/v1{public}").json["raised"]
    assert [raised[part]["amount_minor"] for part in ("settled", "disputed")] == [0, 2500]
    # Sent once, whatever is pressed and whatever gets lost.
    back.server.requests.clear()
    back.server.hook("POST", "faults", {"mode": "drop", "method": "POST", "path": "/disputes", "times": 2})
    said = follow(client, client.post(address + "/evidence", data={"words": "She is our neighbour."}))
    assert "Press the button again" in said
    said = follow(client, client.post(address + "/evidence", data={"words": "She is our neighbour."}))
    assert "The bank has it now" in said
    posts = [post for post in back.server.posts() if "/disputes/" in post.path]
    assert len({post.headers["Idempotency-Key"] for post in posts}) == 1
    assert posts[-1].path == f"/v1/disputes/{made['id']}"
    assert posts[-1].form["submit"] == "true"
    assert posts[-1].form["evidence[customer_email_address]"] == "rosa@example.org"
    assert posts[-1].form["evidence[uncategorized_text]"].endswith("She is our neighbour.")
    assert "She is our neighbour." in client.get(address).get_data(as_text=True)
    assert client.post(address + "/evidence", data={"words": "More"}).status_code in (303, 409)
    assert len([post for post in back.server.posts() if "/disputes/" in post.path]) == len(posts)
    back.server.hook("POST", f"disputes/{made['id']}/win", {"fee_back": True})
    back.hear()
    [row] = back.rows(Dispute)
    assert (row.status, row.withdrawn_minor, row.submitted_by_id) == ("won", 0, owner.id)
    assert (back.raised(given), back.donation(given).disputed_minor) == (2500, 0)
    assert "Dispute won: $25 stay yours" in [mail["Subject"] for mail in mailbox.messages]
    assert agrees(back)
    assert back.server.refused() == []


@pytest.mark.rule("F3")
@pytest.mark.rule("F5")
def test_a_partial_dispute_is_lost_in_whatever_order_its_events_come(back: Back) -> None:
    given = back.pay()
    made = back.at_stripe(given, "dispute", amount=900)
    back.server.hook("POST", f"disputes/{made['id']}/lose", {})
    events = back.server.events()
    assert set(back.giving.deliver(*reversed(events), *events)) == {200}
    back.work_off()
    [row] = back.rows(Dispute)
    assert (row.status, row.withdrawn_minor) == ("lost", 900)
    [standing] = money_queries.list_standings(row.organization_id)
    assert (standing.held_by_banks, standing.went_back) == (0, 900)  # it does not come again
    assert (back.raised(given), back.donation(given).disputed_minor) == (1600, 900)
    # The rest may still go back, and no more.
    back.at_stripe(given, "refund", amount=1600) if made["is_charge_refundable"] else None
    back.hear()
    assert agrees(back)


@pytest.mark.rule("F5")
def test_an_inquiry_takes_nothing_and_ends_with_a_refund(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay()
    client = sign_in(back.staff(given))
    made = back.at_stripe(given, "dispute", inquiry=True)
    back.hear()
    assert "A bank asks about a gift of $25" in [mail["Subject"] for mail in mailbox.messages]
    assert (back.raised(given), back.donation(given).disputed_minor) == (2500, 0)
    [row] = back.rows(Dispute)
    page = client.get(f"/manage/{back.address(given).split('/')[2]}/disputes/{encode_id(row.id)}").get_data(
        as_text=True
    )
    assert "nothing was taken" in page
    # It may grow into a dispute that takes.
    back.server.hook("POST", f"disputes/{made['id']}/escalate", {})
    back.hear()
    assert (back.raised(given), back.rows(Dispute)[0].status) == (0, "needs_response")
    assert agrees(back)


def test_the_owners_are_reminded_before_the_deadline_unless_they_answered(back: Back, mailbox: Mailbox) -> None:
    given, other = back.pay(), back.pay("30")
    back.staff(given)
    back.at_stripe(given, "dispute")
    back.at_stripe(other, "dispute")
    back.hear()
    answered, open_still = back.rows(Dispute)
    with transaction():
        db.session.execute(sa.update(Dispute).where(Dispute.id == answered.id).values(submitted_at=now()))
    due = db.session.scalars(sa.select(Outbox.due_at).where(Outbox.kind == "dispute_due")).all()
    assert sorted(due) == sorted(row.respond_by - dt.timedelta(days=3) for row in (answered, open_still))
    with time_machine.travel(open_still.respond_by - dt.timedelta(days=2), tick=True):
        back.work_off()
        back.work_off()
    reminders = [mail for mail in mailbox.messages if mail["Subject"].startswith("Answer the bank by")]
    assert len(reminders) == 1
    assert encode_id(open_still.id) in reminders[0].as_string().replace("=\n", "")
    # In the list whatever has a deadline comes first, on either database.
    with transaction():
        db.session.execute(sa.update(Dispute).where(Dispute.id == answered.id).values(respond_by=None))
    listed = money_queries.list_disputes(answered.organization_id)
    assert [row.id for row in listed] == [open_still.id, answered.id]


def test_an_early_warning_is_told_once_and_leads_to_the_refund(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay()
    client = sign_in(back.staff(given))
    back.at_stripe(given, "warn")
    for _again in range(2):
        back.hear()
    assert [row.actionable for row in back.rows(FraudWarning)] == [True]
    assert [mail["Subject"] for mail in mailbox.messages].count("A gift of $25 may be fraud") == 1
    assert "may be fraud" in client.get(back.address(given)).get_data(as_text=True)
    assert client.post(back.address(given, "refund"), data={**FORM, "reason": "fraudulent"}).status_code == 303
    assert back.rows(Refund)[0].reason == "fraudulent"


@pytest.mark.rule("F5")
def test_a_total_is_never_negative_even_when_a_bank_takes_what_went_back_already(back: Back) -> None:
    """Stripe does not do it, banks have: facts are booked as they are, the page's total loses no more than was given."""
    given = back.pay()
    back.pay("5")
    back.at_stripe(given, "refund", amount=2000)
    back.hear()
    at, donation = now(), back.donation(given)

    def facts(status: str, *signed: int) -> DisputeFacts:
        moved = tuple(
            BalanceFacts(f"txn_x{number}", "adjustment", Money(minor, "USD"), Money(0, "USD"), "du_x", at)
            for number, minor in enumerate(signed)
        )
        charge, payment = donation.stripe_charge_id, donation.stripe_payment_intent_id
        return DisputeFacts(
            "du_x", status, "fraudulent", Money(2500, "USD"), charge, payment, None, False, False, moved, False, at
        )

    for status, signed, raised in (("needs_response", (-2500,), 500), ("won", (-2500, 2500), 1000)):
        with transaction():
            note_dispute(given.donation_id, facts(status, *signed), fetched_at=now())
        assert back.raised(given) == raised
        assert raised + back.disputed(given) == 1000  # no more comes again than was left of the gift
        assert checks.check_returned()[1] == []
        assert checks.check_ledger()[1] == []
    # An answer that was asked for earlier, and comes late, changes no status.
    with transaction():
        note_dispute(given.donation_id, facts("needs_response", -2500), fetched_at=at - dt.timedelta(seconds=1))
    assert back.rows(Dispute)[0].status == "won"


@pytest.mark.rule("F5")
@pytest.mark.parametrize("first", ["what was disputed", "what it costs"])
def test_of_one_second_and_without_a_rate_the_most_that_was_taken_is_what_was_disputed(first: str) -> None:
    disputed, cost = (
        BalanceFacts(f"txn_{minor}", "adjustment", Money(-minor, "EUR"), Money(0, "EUR"), "du_x", now())
        for minor in (2300, 1380)
    )
    cost = dataclasses.replace(cost, created_at=disputed.created_at)
    listed = [disputed, cost] if first == "what was disputed" else [cost, disputed]
    dispute = Dispute(amount_minor=2500, currency="USD")
    assert [_taken(dispute, one, listed) for one in (disputed, cost)] == [2500, 1500]


@pytest.mark.rule("F5")
@pytest.mark.parametrize("category", ["fee", "dispute"])
@pytest.mark.parametrize("settles_in", ["usd", "eur"])
def test_a_dispute_whose_fee_stands_apart_and_whose_money_comes_back_in_another_amount(
    back: Back, settles_in: str, category: str
) -> None:
    """Currencies move between the two (https://docs.stripe.com/api/disputes/object#dispute_object-amount)."""
    settle = {"account": None, "currency": settles_in}
    back.server.hook("POST", "settles_in", settle | {"rate": "0.9137"})
    given = back.pay()
    made = back.at_stripe(given, "dispute", amount=2000, fee_apart=category)
    for _again in range(2):
        back.hear()
    cost = 1500 if settles_in == "usd" else 2000
    assert [sum(minor for name, minor, _of in row if name == "fees") for row in entries("dispute_fee")] == [cost]
    [row] = back.rows(Dispute)
    assert (row.withdrawn_minor, back.donation(given).disputed_minor, back.raised(given)) == (2000, 2000, 500)
    assert agrees(back)
    back.server.hook("POST", "settles_in", settle | {"rate": "0.9521"})
    back.server.hook("POST", f"disputes/{made['id']}/win", {"amount": 2010})
    for _again in range(2):
        back.hear()
    [row] = back.rows(Dispute)
    # What came back beyond what was taken is the organization's alone: no page has it, and nothing is below zero.
    assert (row.status, row.withdrawn_minor) == ("won", -10)
    assert (back.donation(given).disputed_minor, back.raised(given)) == (0, 2500)
    assert agrees(back)
    assert (checks.check_returned()[1], checks.check_ledger()[1]) == ([], [])
    # The rest of the gift is as it was.
    assert money_queries.refundable(back.donation(given)) == Money(2500, "USD")
    db.session.rollback()


def test_a_balance_of_nothing_but_a_fee_is_written_once(back: Back) -> None:
    given = back.pay()
    donation, at = back.donation(given), now()
    fee_alone = BalanceFacts("txn_fee", "adjustment", Money(0, "USD"), Money(1500, "USD"), "du_x", at)
    facts = DisputeFacts(
        "du_x", "under_review", "fraudulent", Money(2500, "USD"), donation.stripe_charge_id,
        donation.stripe_payment_intent_id, None, False, False, (fee_alone,), False, at,
    )  # fmt: skip
    for _delivery in range(3):
        with transaction():
            note_dispute(given.donation_id, facts, fetched_at=now())
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert [action for action in actions if "dispute" in action] == ["donation.dispute_under_review"]
    assert entries("dispute_fee") == [(("fees", 1500, "USD"), ("stripe_clearing", -1500, "USD"))]
    assert (back.raised(given), checks.check_returned()[1]) == (2500, [])
    # The nightly comparison and a payout know whose it is.
    organization_id = donation.organization_id
    cause = reconciling._find_causes([fee_alone])["txn_fee"]
    assert (cause.donation_id, cause.organization_id) == (given.donation_id, organization_id)
    assert sum(reconciling._booked(cause.sources).values()) == fee_alone.net.amount_minor
    assert find_owners(["txn_fee"])["txn_fee"].donation_id == given.donation_id


@pytest.mark.rule("F5")
def test_of_one_second_what_was_disputed_counts_before_what_it_costs(back: Back) -> None:
    """Stripe promises no order within a second, and may report the cost as it does the dispute."""
    given = back.pay()
    donation, at = back.donation(given), now()
    both = [
        BalanceFacts(
            f"txn_{way}_{minor}",
            "adjustment",
            Money(way * minor, "USD"),
            Money(0, "USD"),
            "du_x",
            at,
            category="dispute",
        )
        for way in (-1, 1)
        for minor in (1500, 2500)
    ]
    for status, known, of_page, cost in (("under_review", both[:2], 0, 1500), ("won", both, 2500, 0)):
        facts = DisputeFacts(
            "du_x", status, "fraudulent", Money(2500, "USD"), donation.stripe_charge_id, donation.stripe_payment_intent_id,
            None, False, False, tuple(known), False, at,
        )  # fmt: skip
        with transaction():
            note_dispute(given.donation_id, facts, fetched_at=now())
        costs = sum(minor for row in entries("dispute_fee") for name, minor, _of in row if name == "fees")
        assert (back.raised(given), costs) == (of_page, cost)
    assert (back.rows(Dispute)[0].withdrawn_minor, checks.check_returned()[1], checks.check_ledger()[1]) == (0, [], [])


@pytest.mark.rule("A1")
def test_disputes_are_for_those_who_see_the_money(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given, other = back.pay(), back.pay("30", "EUR")
    back.at_stripe(given, "dispute")
    back.hear()
    [row] = back.rows(Dispute)
    slug, theirs = (back.address(one).split("/")[2] for one in (given, other))
    for person, where in (
        (back.staff(other), slug),
        (back.staff(other), theirs),
        (back.staff(given, "coordinator"), slug),
    ):
        client = sign_in(person)
        assert client.get(f"/manage/{where}/disputes/{encode_id(row.id)}").status_code == 404
        assert client.post(f"/manage/{where}/disputes/{encode_id(row.id)}/evidence", data={}).status_code == 404


@pytest.mark.rule("F5")
def test_a_dispute_of_another_payment_than_the_gifts_takes_nothing_from_it_and_is_told(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay()
    owner, due = back.staff(given), now() + dt.timedelta(days=9)
    balance = BalanceFacts("txn_other", "adjustment", Money(-2500, "USD"), Money(1500, "USD"), "du_other", now())
    with transaction():  # that it was paid is on the list already, and somebody has looked at it
        paid = note_mismatch(
            account=None, kind="second_payment", subject="pi_other", detail="2500 USD by cs_other",
            donation_id=given.donation_id, organization_id=back.donation(given).organization_id,
        )  # fmt: skip
        mark_seen(paid.id, note="She paid twice", by=owner)
    for status in ("needs_response", "needs_response", "under_review", "lost"):
        facts = DisputeFacts(
            "du_other", status, "fraudulent", Money(2500, "USD"), "ch_other", "pi_other", due, False, False, (balance,),
            False, now(),
        )  # fmt: skip
        with transaction():
            assert note_dispute(given.donation_id, facts, fetched_at=now()) is None
        back.work_off()
    assert back.rows(Dispute) == []
    assert (back.raised(given), entries("dispute"), checks.check_ledger()[1]) == (2500, [], [])
    found = {row.kind: (row.subject, row.detail, row.seen_at is None) for row in back.rows(MoneyMismatch)}
    assert found == {
        "second_payment": ("pi_other", "2500 USD by cs_other", False),
        "second_dispute": ("du_other", f"2500 USD of pi_other, answer by {due:%Y-%m-%d}", True),
    }
    told = [mail for mail in mailbox.messages if mail["To"] == owner.email and "25" in mail["Subject"]]
    assert [mail["Subject"] for mail in told] == ["A bank takes back $25", "Dispute lost: $25 went back"]
    text = told[0].get_body(("plain",)).get_content()
    assert "It is about a second payment of this gift" in text
    assert "Answer by" in text
    assert "one button" not in text
    [address] = re.findall(r"http://localhost(/manage/\S+/money/differences/\S+)", text)
    assert "du_other" in sign_in(owner).get(address).text
