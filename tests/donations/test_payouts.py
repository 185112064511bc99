"""Payouts and reconciliation: which gift is in which payout, and what differs between Stripe and the ledger."""

from __future__ import annotations

import datetime as dt
import html
import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.audit import AuditEvent
from app.core.clock import moved_to, now
from app.core.db import db
from app.core.ids import encode_id
from app.core.templating import money
from app.donations import going_back, money_queries, reconciling
from app.donations.models import LedgerTransaction
from app.donations.money_models import MoneyMismatch, Payout, PayoutLine, Reconciliation
from app.donations.operations import payouts
from tests.conftest import CheckingClient
from tests.donations.back import Back
from tests.donations.conftest import Giving, WorkOff, ledger_table
from tests.donations.stripe_server import KEY
from tests.donations.test_ledger_verify import open_ledger, verify
from tests.smtp import Mailbox


@pytest.fixture
def back(giving: Giving, work_off: WorkOff) -> Back:
    """Money that goes back, and out."""
    return Back(giving, work_off)


def problems(back: Back) -> list[str]:
    """What comparing everything with Stripe finds."""
    return list(json.loads(verify(back.giving, "--with-stripe").stdout.splitlines()[-1])["problems"])


def moves(kind: str) -> list[Any]:
    return [row[2] for row in ledger_table() if row[1] == kind]


@pytest.mark.rule("F2")
def test_a_payout_says_which_gifts_it_carries_and_may_come_back(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, second = back.pay(), back.pay("40")
    back.server.hook(
        "POST", "prefixes", {"refund": "rx_", "dispute": "dx_"}
    )  # what an id is of is not read from the id
    back.at_stripe(given, "refund", amount=500)
    back.at_stripe(second, "dispute", amount=1000)
    [paid_out] = back.server.hook("POST", "pay_out", {"account": None})["data"]
    # Refund and dispute are not known yet; what is on its way to the bank is no difference.
    assert sorted(problem.split()[1] for problem in problems(back)) == ["refund_unknown", "unknown"]
    back.server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
    # Only the news of the payout comes: what it carries is fetched.
    events = [event for event in back.server.events() if event["type"] == "payout.paid"]
    back.server.hook("POST", "faults", {"mode": "500", "method": "GET", "path": "/events", "times": 3})
    assert set(back.giving.deliver(*events)) == {200}
    back.work_off()
    [payout] = back.rows(Payout)
    assert (payout.status, payout.amount_minor, payout.is_complete) == ("paid", paid_out["amount"], True)
    lines = {(line.kind, line.donation_id, line.amount_minor) for line in back_lines()}
    assert lines == {
        ("charge", given.donation_id, 2500), ("charge", second.donation_id, 4000), ("refund", given.donation_id, -500),
        ("adjustment", second.donation_id, -1000),
    }  # fmt: skip
    amount = paid_out["amount"]
    assert moves("payout") == [(("in_transit_to_bank", amount, "USD"), ("stripe_clearing", -amount, "USD"))]
    assert problems(back) == []
    back.hear()
    assert problems(back) == []
    client, slug = sign_in(back.staff(given)), back.address(given).split("/")[2]
    address = f"/manage/{slug}/payouts/{encode_id(payout.id)}"
    page = client.get(address).get_data(as_text=True)
    assert "may carry more" not in page
    with monkeypatch.context() as few:
        few.setattr(money_queries, "MOST_LINES", 1)
        assert "may carry more lines than the 1" in client.get(address).get_data(as_text=True)
    for shown in ("Rosa Delgado", "Refund", "Dispute or correction", "Arrived"):
        assert shown in page
    assert paid_out["id"] in client.get(f"/manage/{slug}/money").get_data(as_text=True)
    assert "Arrived" in client.get(back.address(given)).get_data(as_text=True)
    fundraiser = back.donation(given).fundraiser
    [share] = money_queries.list_payouts_of_fundraiser(fundraiser.id)
    assert share.net.amount_minor == amount
    review = client.get(f"/manage/{slug}/fundraisers/{fundraiser.slug}").get_data(as_text=True)
    assert "Its way to the bank" in review
    assert client.get(f"/manage/{slug}/money/fees").status_code == 200
    # Everybody reads the days and the sums of its way there: no donor, and nothing of the account.
    visitor = back.giving.app.test_client()
    way = f"/fundraisers/{fundraiser.slug}/payouts"
    assert way in visitor.get(f"/fundraisers/{fundraiser.slug}").text
    public = visitor.get(way).text
    for words in ("Arrived", money(2500 + 4000 - 500 - 1000, "USD"), money(amount, "USD")):
        assert words in public
    for hidden in ("Rosa", paid_out["id"], "/manage/", "donations/"):
        assert hidden not in public
    # The bank sends it back, after it was called paid.
    back.server.hook("POST", f"payouts/{paid_out['id']}/fail", {})
    back.hear()
    assert back.rows(Payout)[0].status == "failed"
    came_back = back.server.call(
        "GET", f"/v1/payouts/{paid_out['id']}?expand[]=failure_balance_transaction", account=None
    )["failure_balance_transaction"]["created"]
    db.session.rollback()
    [written] = db.session.scalars(sa.select(LedgerTransaction).where(LedgerTransaction.kind == "payout_failed"))
    assert written.happened_at is not None
    assert written.happened_at.timestamp() == came_back
    assert moves("payout_failed") == [(("in_transit_to_bank", -amount, "USD"), ("stripe_clearing", amount, "USD"))]
    assert [mail["To"] for mail in mailbox.messages if "did not arrive at your bank" in mail["Subject"]]
    assert problems(back) == []
    assert "did not arrive" in client.get(f"/manage/{slug}/money").get_data(as_text=True)
    assert "Did not arrive" in visitor.get(way).text
    assert back.server.refused() == []


def on_the_way(back: Back) -> tuple[int, int]:
    """What is at Stripe and what is on its way to the bank, in dollars."""
    organization_id = back.donation(back.giving.given[0]).organization_id
    [row] = money_queries.list_standings(organization_id)
    db.session.rollback()
    return row.at_stripe, row.on_the_way


@pytest.mark.rule("F2")
def test_a_payout_is_in_the_books_from_when_it_is_made(back: Back) -> None:
    back.pay()
    [made] = back.server.hook("POST", "pay_out", {"pending": True})["data"]
    later = now() + reconciling.GRACE + dt.timedelta(minutes=10)
    assert problems(back) == []  # its news may be on their way
    with moved_to(later):
        assert [problem.split()[1] for problem in problems(back)] == ["payout_unknown"]
    back.hear()
    assert on_the_way(back) == (0, 2397)
    [payout] = back.rows(Payout)
    assert (payout.status, payout.is_complete, back_lines()) == ("pending", False, [])
    with moved_to(later):
        assert problems(back) == []
    back.server.hook("POST", f"payouts/{made['id']}/send", {})
    back.hear()
    assert back.rows(Payout)[0].status == "in_transit"
    # What it carries is listed later; when no event tells, it is asked for.
    back.server.hook("POST", f"payouts/{made['id']}/reconcile", {})
    with moved_to(now() + dt.timedelta(hours=7)):
        going_back.check_stale()
        assert {(line.kind, line.amount_minor) for line in back_lines()} == {("charge", 2500)}
        back.server.requests.clear()
        going_back.check_stale()
        assert back.server.requests == []
    assert back.rows(Payout)[0].is_complete
    # One that is called back before it is sent.
    back.pay("40")
    [second] = back.server.hook("POST", "pay_out", {"pending": True})["data"]
    back.hear()
    assert on_the_way(back) == (0, 2397 + second["amount"])
    back.server.hook("POST", f"payouts/{second['id']}/cancel", {})
    back.hear()
    assert on_the_way(back) == (second["amount"], 2397)
    assert {row.status for row in back.rows(Payout)} == {"in_transit", "canceled"}
    assert problems(back) == []
    assert back.server.refused() == []


@pytest.mark.rule("F2")
def test_money_of_a_payout_that_came_back_goes_on_with_the_next(back: Back) -> None:
    """The account has other business, too, which is in no ledger of ours."""
    server, given = back.server, back.pay()
    sell(back)
    [first] = server.hook("POST", "pay_out", {"pending": True})["data"]
    back.hear()
    whole, gifts = first["amount"], 2397
    assert whole > gifts
    assert on_the_way(back) == (gifts - whole, whole)  # what it carries is not listed yet
    # It is called back, and the next one takes its money along; of these two only the second is heard of.
    server.hook("POST", f"payouts/{first['id']}/cancel", {})
    [second] = server.hook("POST", "pay_out", {})["data"]
    going_back.refresh_payout(second["id"], account=None)
    assert {row.stripe_payout_id: row.status for row in back.rows(Payout)} == {
        first["id"]: "canceled", second["id"]: "in_transit",
    }  # fmt: skip
    assert [(line.kind, line.amount_minor) for line in back_lines()] == [("payout_cancel", whole)]
    assert on_the_way(back) == (gifts - whole, whole)
    assert problems(back) == []
    # When the lines of the first are known, they are those of the second.
    server.hook("POST", f"payouts/{first['id']}/reconcile", {})
    back.hear()
    assert on_the_way(back) == (0, gifts)
    assert all(row.is_complete for row in back.rows(Payout))
    assert trail(back, given.donation_id) == {first["id"]: gifts, second["id"]: gifts}
    assert problems(back) == []
    # And when they are known before, at once; through two that failed.
    for number in (3, 4):
        known = {row.stripe_payout_id for row in back.rows(Payout)}
        last = server.call("GET", "/v1/payouts?limit=1")["data"][0]["id"]
        server.hook("POST", f"payouts/{last}/fail", {})
        gifts += back.donation(back.pay("40")).amount_minor - 146
        [made] = server.hook("POST", "pay_out", {})["data"]
        back.hear()
        assert on_the_way(back) == (0, gifts)
        assert trail(back, given.donation_id) == dict.fromkeys([*known, made["id"]], 2397)
        assert len(back.rows(Payout)) == number
    assert problems(back) == []
    assert {line.kind for line in back_lines()} == {"charge"}
    assert back.server.refused() == []


def trail(back: Back, donation_id: int) -> dict[str, int]:
    """The payouts that carry a gift, and what of it each."""
    db.session.rollback()
    return {share.payout.stripe_payout_id: share.net.amount_minor for share in money_queries.list_trail(donation_id)}


@pytest.mark.rule("F2")
def test_only_gifts_and_what_is_kept_of_them_leave_the_books_with_a_payout(back: Back) -> None:
    """Somebody tops the account up, Stripe corrects something, and keeps a part back until the next payout."""
    back.pay()
    for kind, amount in (("topup", 5000), ("adjustment", -200), ("reserve_hold", -300)):
        back.server.hook("POST", "adjust", {"type": kind, "amount": amount, "currency": "usd", "description": kind})
    [first] = back.server.hook("POST", "pay_out", {})["data"]
    assert first["amount"] == 2397 + 5000 - 200 - 300
    back.hear()
    assert all(row.is_complete for row in back.rows(Payout))
    assert on_the_way(back) == (300, 2397 - 300)
    back.server.hook(
        "POST", "adjust", {"type": "reserve_release", "amount": 300, "currency": "usd", "description": "released"}
    )
    back.server.hook("POST", "pay_out", {})
    back.hear()
    assert on_the_way(back) == (0, 2397)
    assert {(line.kind, line.organization_id is None) for line in back_lines()} == {
        ("charge", False), ("topup", True), ("adjustment", True), ("reserve_hold", False), ("reserve_release", False),
    }  # fmt: skip


def sell(back: Back) -> None:
    """Somebody buys a T-shirt through the same account."""
    form = {
        "mode": "payment", "success_url": "http://localhost/", "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": "900",
        "line_items[0][price_data][product_data][name]": "A T-shirt",
    }  # fmt: skip
    request = urllib.request.Request(
        f"{back.server.address}/v1/checkout/sessions",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        back.server.act(json.load(response)["id"], "pay")
    back.server.settle()


def back_lines() -> list[PayoutLine]:
    """Every line of every payout."""
    db.session.rollback()
    return list(db.session.scalars(sa.select(PayoutLine)))


@pytest.mark.rule("F2")
def test_an_account_that_settles_in_another_currency(back: Back) -> None:
    back.server.hook("POST", "settles_in", {"account": None, "currency": "eur", "rate": "0.92"})
    given = back.pay("40")
    back.at_stripe(given, "refund", amount=1000)
    made = back.at_stripe(given, "dispute", amount=500)
    back.hear()
    assert back.raised(given) == 2500  # the page counts what donors gave, in their currency
    back.server.hook("POST", f"disputes/{made['id']}/win", {})
    for paid_out in back.server.hook("POST", "pay_out", {"account": None})["data"]:
        assert paid_out["currency"] == "eur"
        back.server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
    back.hear()
    assert problems(back) == []
    organization_id = back.donation(given).organization_id
    by_currency = {row.currency: row for row in money_queries.list_standings(organization_id)}
    # All dollars were exchanged: none is left at Stripe, and what is there in euros is what Stripe says.
    assert by_currency["USD"].at_stripe == 0
    there = sum(one["net"] for one in back.server.call("GET", "/v1/balance_transactions?limit=100")["data"])
    assert by_currency["EUR"].at_stripe == there


def reconcile_now(back: Back) -> None:
    """Let the night come."""
    with time_machine.travel(reconciling.now() + reconciling.GRACE * 2, tick=True):
        back.work_off()


@pytest.mark.rule("F2")
def test_what_differs_is_put_on_a_list_for_a_person_and_nothing_is_repaired(
    back: Back, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay()
    slug, owner = back.address(given).split("/")[2], back.staff(given)
    back.server.hook(
        "POST", "adjust", {"type": "adjustment", "amount": -200, "currency": "usd", "description": "Correction"}
    )
    with open_ledger() as connection:  # somebody took a dollar out of the ledger, evenly
        connection.exec_driver_sql(
            "UPDATE ledger_entry SET amount_minor = CASE WHEN amount_minor > 0 THEN amount_minor - 100 ELSE"
            " amount_minor + 100 END WHERE transaction_id IN (SELECT id FROM ledger_transaction WHERE kind = 'gift')"
        )
    back.giving.app.extensions["stray_writes"].clear()
    before = ledger_table()
    reconcile_now(back)
    reconcile_now(back)  # not twice a day
    found = {row.kind: row for row in back.rows(MoneyMismatch)}
    assert set(found) == {"amount", "other"}
    assert found["amount"].donation_id == given.donation_id
    assert "stripe 2397, ledger 2297 USD" in found["amount"].detail
    assert ledger_table() == before
    [ran] = db.session.scalars(sa.select(Reconciliation)).all()
    assert (ran.compared, ran.differing) == (2, 2)
    client = sign_in(owner)
    page = client.get(f"/manage/{slug}/money").get_data(as_text=True)
    assert "2 differences between Stripe and the ledger" in page
    address = f"/manage/{slug}/money/differences/{encode_id(found['other'].id)}"
    assert "A fee or a correction" in client.get(address).get_data(as_text=True)
    assert client.post(address, data={"note": ""}).status_code == 422
    assert client.post(address, data={"note": "Stripe's correction"}).status_code == 303
    assert "Stripe&#39;s correction" in client.get(address).get_data(as_text=True)
    assert "1 difference between Stripe and the ledger" in client.get(f"/manage/{slug}/money").get_data(as_text=True)
    assert len(problems(back)) >= 2


@pytest.mark.rule("F2")
def test_a_gift_and_a_refund_that_only_stripe_has_are_found(back: Back) -> None:
    given = back.pay()
    back.at_stripe(given, "refund", amount=300)
    other = back.giving.give("30")
    back.giving.act(other, "pay")
    back.giving.settle()
    assert sorted(problem.split()[1] for problem in problems(back) if "txn_" in problem) == [
        "gift_unknown", "refund_unknown",
    ]  # fmt: skip
    # And the other way round: what we have and Stripe does not list.
    with db.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE donation SET stripe_balance_transaction_id = 'txn_none' WHERE status = 'paid'")
        )
    assert any("not_at_stripe txn_none" in problem for problem in problems(back))


@pytest.mark.rule("F2")
def test_what_paying_out_at_once_costs_is_a_fee_and_no_difference(back: Back) -> None:
    given = back.pay()
    [paid_out] = back.server.hook("POST", "pay_out", {"account": None, "instant": True})["data"]
    back.server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
    back.hear()
    back.hear()
    [payout] = back.rows(Payout)
    assert (payout.automatic, payout.amount_minor) == (False, paid_out["amount"])
    [fee] = moves("payout_fee")
    cost = fee[0][1]
    assert fee == (("fees", cost, "USD"), ("stripe_clearing", -cost, "USD"))
    assert cost > 0
    assert problems(back) == []
    organization_id = back.donation(given).organization_id
    [row] = money_queries.list_standings(organization_id)
    assert row.at_stripe == 0
    db.session.rollback()


@pytest.mark.rule("F2")
def test_what_stripe_bills_apart_is_a_fee_of_no_fundraiser(
    back: Back, sign_in: Callable[..., CheckingClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = back.server

    def bill(minor: int, kind: str = "stripe_fee") -> str:
        asked = {"type": kind, "amount": -minor, "currency": "usd", "description": "Radar for Fraud Teams"}
        return str(server.hook("POST", "adjust", asked)["id"])

    server.hook("POST", "clock", {"at": int(now().timestamp()) - 3600})
    bill(150)  # before anything was given through this account
    server.hook("POST", "clock", {"at": None})
    given = back.pay()
    organization_id, slug = back.donation(given).organization_id, back.address(given).split("/")[2]
    bill(200)
    bill(-30)  # some of it is given back
    bill(42, "tax_fee")
    with monkeypatch.context() as before:  # a comparison that knew nothing of such fees
        before.setattr(payouts, "FEE_KINDS", ())
        reconcile_now(back)
        assert [row.kind for row in back.rows(MoneyMismatch)] == ["other"] * 4
        assert money_queries.count_mismatches() == 4
    # The night knows them, whether or not a payout has carried them; what was on the list for them leaves it.
    with moved_to(now() + dt.timedelta(days=1)):
        reconciling.reconcile(None)
        reconciling.reconcile(None)
    costs = sorted(fee[0][1] for fee in moves("billed_fee"))
    assert costs == [-30, 42, 200]
    assert problems(back) == []
    assert money_queries.count_mismatches() == 1  # what was billed before gifts came stays where it was put
    bill(11)
    [paid_out] = server.hook("POST", "pay_out", {"account": None})["data"]
    server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
    back.hear()
    back.hear()
    # To the cent: what arrived is what was given less every fee, and nothing of it is left at Stripe.
    [row] = money_queries.list_standings(organization_id)
    assert (row.at_stripe, row.on_the_way, row.fees) == (0, paid_out["amount"], 103 + 150 + 200 - 30 + 42 + 11)
    db.session.rollback()
    assert problems(back) == []
    assert money_queries.count_mismatches() == 0  # it was taken out of what gifts brought all the same
    with moved_to(now() + dt.timedelta(days=2)):
        assert reconciling.reconcile(None).differences == []
    client = sign_in(back.staff(given))
    until = (now() + dt.timedelta(days=2)).date()
    report = client.get(f"/manage/{slug}/money/fees?until={until}").text
    assert "Of no fundraiser" in report
    assert "$3.73" in report
    assert "$4.76" in report
    [payout] = back.rows(Payout)
    page = client.get(f"/manage/{slug}/payouts/{encode_id(payout.id)}").text
    assert html.unescape(page).count(">Stripe's fee<") == 5


@pytest.mark.rule("F2")
def test_a_gift_that_is_booked_late_leaves_the_list_by_itself(
    back: Back, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.giving.give()
    back.giving.act(given, "pay")
    back.hear()
    with moved_to(now() + dt.timedelta(days=6)):
        reconciling.reconcile(None)
    [found] = back.rows(MoneyMismatch)
    assert (found.kind, found.subject, found.seen_at) == ("never_booked", encode_id(given.donation_id), None)
    back.giving.settle()
    back.hear()
    [found] = back.rows(MoneyMismatch)
    assert found.seen_at is not None
    assert (found.seen_by_id, found.note) == (None, "")
    with moved_to(now() + dt.timedelta(days=7)):
        reconciling.reconcile(None)
    assert money_queries.count_mismatches() == 0
    owner, slug = back.staff(given), back.address(given).split("/")[2]
    assert "Closed by itself" in sign_in(owner).get(f"/manage/{slug}/money/differences/{encode_id(found.id)}").text
    actions = set(db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.subject_id == found.id)))
    assert actions == {"money.mismatch_found", "money.mismatch_resolved"}
