"""Refunds, disputes, payouts and the balance at the demo payment server, through the real stripe package."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe.params import DisputeUpdateParams, RefundCreateParams

from deploy.demo_payments import disputes, refunds, specs
from tests.demo_payments import DemoServer
from tests.money.test_demo_connect import acting, refused
from tests.money.test_demo_payment_server import browse, declared, page, params


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with DemoServer(tmp_path_factory.mktemp("demo")) as started:
        yield started


class Trial:
    """One account with a gift that has been paid and booked."""

    def __init__(self, server: DemoServer, *, method: str = "pay", **changes: Any) -> None:
        self.server = server
        self.account = server.account()
        self.options: stripe.RequestOptions = {"stripe_account": self.account}
        self.v1 = server.client().v1
        session = self.v1.checkout.sessions.create(params(**changes), self.options)
        server.act(session.id, method)
        if method == "pay_later":
            server.act(session.id, "bank_confirms")
        server.settle()
        paid: Any = self.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]}, self.options)
        self.intent: str = paid.payment_intent.id
        self.charge: str = paid.payment_intent.latest_charge

    def refund(self, **asked: Any) -> stripe.Refund:
        return self.v1.refunds.create({"payment_intent": self.intent, **asked}, self.options)

    def hook(self, path: str, **body: Any) -> Any:
        return self.server.request(f"/_demo/{path}", body)

    def charge_now(self) -> stripe.Charge:
        return self.v1.charges.retrieve(self.charge, {"expand": ["refunds"]}, self.options)

    def types(self) -> list[str]:
        """Types of the account's events since the gift was booked, oldest first."""
        found = [event.type for event in self.v1.events.list({"limit": 100}, self.options).auto_paging_iter()][::-1]
        return found[found.index("charge.updated") + 1 :]

    def book(self, **filters: Any) -> list[tuple[str, int, int, str]]:
        """(type, amount, fee, reporting category) of the balance transactions, oldest first."""
        found = self.v1.balance_transactions.list({"limit": 100, **filters}, self.options)
        return [(one.type, one.amount, one.fee, one.reporting_category) for one in found][::-1]


GIFT = ("charge", 2500, 103, "charge")


def test_a_refund_is_partial_then_whole_and_never_more(server: DemoServer) -> None:
    trial = Trial(server)
    options: stripe.RequestOptions = {**trial.options, "idempotency_key": "refund-1"}
    asked: Any = {
        "payment_intent": trial.intent,
        "amount": 700,
        "reason": "requested_by_customer",
        "metadata": {"r": "1"},
    }
    first, again = trial.v1.refunds.create(asked, options), trial.v1.refunds.create(asked, options)
    assert first.id == again.id
    assert (first.status, first.amount, first.charge, first.reason) == (
        "succeeded",
        700,
        trial.charge,
        "requested_by_customer",
    )
    assert set(first.to_dict()) - declared(stripe.Refund) == set()
    charge = trial.charge_now()
    assert (charge.amount_refunded, charge.refunded) == (700, False)
    assert charge.refunds is not None
    assert [refund.id for refund in charge.refunds.data] == [first.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        trial.refund(amount=1801)
    assert caught.value.param == "amount"
    assert trial.refund().amount == 1800
    assert trial.charge_now().refunded is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        trial.refund()
    assert caught.value.code == "charge_already_refunded"
    assert trial.types() == ["charge.refunded", "refund.created"] * 2
    assert trial.book() == [GIFT, ("refund", -700, 0, "refund"), ("refund", -1800, 0, "refund")]
    listed = trial.v1.refunds.list({"charge": trial.charge}, trial.options)
    assert [refund.amount for refund in listed] == [1800, 700]
    assert server.client().v1.refunds.list().data == []
    assert refused(trial.v1.refunds.create, {"charge": trial.charge}).code == "resource_missing"
    assert refused(trial.v1.refunds.create, {}, trial.options).code == "parameter_missing"


def test_a_refund_waits_arrives_or_fails(server: DemoServer) -> None:
    trial = Trial(server, method="pay_later")
    pending = trial.refund(amount=500)
    assert (pending.status, pending.pending_reason) == ("pending", "processing")
    assert trial.hook(f"refunds/{pending.id}/succeed")["status"] == "succeeded"
    with pytest.raises(urllib.error.HTTPError):
        trial.hook(f"refunds/{pending.id}/succeed")
    # Of what was called done, the donor's bank may still send it back.
    failed = trial.hook(f"refunds/{pending.id}/fail")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert trial.charge_now().amount_refunded == 0
    assert trial.types() == [
        "charge.refunded", "refund.created", "refund.updated", "charge.refund.updated",
        "charge.updated", "refund.failed", "refund.updated", "charge.refund.updated",
    ]  # fmt: skip
    assert [one[:2] for one in trial.book()] == [("payment", 2500), ("payment_refund", -500), ("refund_failure", 500)]
    server.request("/_demo/refund_outcome", {"outcome": "failed"})
    assert trial.refund().status == "failed"
    server.request("/_demo/refund_outcome", {"outcome": None})
    assert trial.refund().status == "pending"


def test_a_refund_may_have_no_balance_transaction_and_lists_show_equals_in_any_order(server: DemoServer) -> None:
    trial = Trial(server)
    found = {}
    for outcome in refunds.UNBOOKED:
        server.request("/_demo/refund_outcome", {"outcome": outcome})
        made = trial.refund(amount=100)
        assert made.balance_transaction is None
        found[outcome] = made.id
        assert set(made.to_dict()) - declared(stripe.Refund) == set()
    server.request("/_demo/refund_outcome", {"outcome": None})
    assert trial.book() == [GIFT]
    assert trial.hook(f"refunds/{found['requires_action']}/cancel")["status"] == "canceled"
    with pytest.raises(urllib.error.HTTPError):
        trial.hook(f"refunds/{found['unbooked']}/cancel")
    assert trial.hook(f"refunds/{found['held']}/fail")["status"] == "failed"
    assert trial.hook(f"refunds/{found['unbooked']}/book")["status"] == "succeeded"
    assert (trial.charge_now().amount_refunded, trial.book()) == (100, [GIFT, ("refund", -100, 0, "refund")])
    for order in ("oldest", "any", "newest"):
        server.request("/_demo/ties", {"order": order})
        listed = trial.v1.refunds.list({"charge": trial.charge, "limit": 1}, trial.options)
        assert {refund.id for refund in listed.auto_paging_iter()} == set(found.values())


def test_a_refund_from_the_pages_of_the_account(server: DemoServer) -> None:
    trial = Trial(server)
    assert trial.hook(f"charges/{trial.charge}/refund", amount=1000)["amount"] == 1000
    event = trial.v1.events.list({"type": "refund.created"}, trial.options).data[0]
    assert event.request is not None
    assert event.request.id is None


def test_a_dispute_is_answered_and_won(server: DemoServer) -> None:
    trial = Trial(server)
    opened = trial.hook(f"charges/{trial.charge}/dispute", amount=2000)
    found = trial.v1.disputes.retrieve(opened["id"], options=trial.options)
    assert set(found.to_dict()) - declared(stripe.Dispute) == set()
    assert (found.status, found.amount, found.is_charge_refundable) == ("needs_response", 2000, False)
    assert found.evidence_details.due_by is not None
    assert trial.charge_now().disputed is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        trial.refund()
    assert caught.value.code == "charge_disputed"
    update = trial.v1.disputes.update
    kept = update(found.id, {"evidence": {"product_description": "A gift"}, "submit": False}, trial.options)
    assert (kept.status, kept.evidence_details.has_evidence) == ("needs_response", True)
    sent = update(found.id, {"evidence": {"uncategorized_text": "She wrote to us."}, "submit": True}, trial.options)
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert sent.evidence.product_description == "A gift"
    assert refused(update, found.id, {"evidence": {"product_description": "More"}}, trial.options).http_status == 400
    won = trial.hook(f"disputes/{found.id}/win")
    assert (won["status"], [one["net"] for one in won["balance_transactions"]]) == ("won", [-3500, 2000])
    assert trial.types() == [
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.dispute.updated",
        "charge.dispute.funds_reinstated", "charge.dispute.closed",
    ]  # fmt: skip
    assert trial.book() == [
        GIFT,
        ("adjustment", -2000, 1500, "dispute"),
        ("adjustment", 2000, 0, "dispute_reversal"),
    ]
    assert trial.refund().amount == 2500


def test_a_dispute_is_lost_by_the_bank_by_acceptance_and_by_time(server: DemoServer) -> None:
    for ending in ("lose", "close", "time"):
        trial = Trial(server)
        dispute = trial.hook(f"charges/{trial.charge}/dispute", reason="duplicate")
        if ending == "lose":
            trial.hook(f"disputes/{dispute['id']}/lose")
        elif ending == "close":
            trial.v1.disputes.close(dispute["id"], options=trial.options)
        else:
            server.advance(disputes.DUE_AFTER + 1)
        lost = trial.v1.disputes.retrieve(dispute["id"], options=trial.options)
        assert (lost.status, lost.evidence_details.past_due) == ("lost", ending == "time")
        assert trial.types()[-1] == "charge.dispute.closed"
        assert len(trial.book(type="adjustment")) == 1
        assert refused(trial.v1.disputes.close, dispute["id"], {}, trial.options).http_status == 400


def test_an_inquiry_takes_nothing_before_it_becomes_a_dispute(server: DemoServer) -> None:
    trial = Trial(server)
    trial.hook(f"charges/{trial.charge}/warn")
    warning = trial.v1.radar.early_fraud_warnings.list({"charge": trial.charge}, trial.options).data[0]
    assert set(warning.to_dict()) == declared(stripe.radar.EarlyFraudWarning)
    assert warning.actionable is True
    inquiry = trial.hook(f"charges/{trial.charge}/dispute", inquiry=True)
    assert (inquiry["status"], inquiry["balance_transactions"]) == ("warning_needs_response", [])
    assert trial.hook(f"disputes/{inquiry['id']}/escalate")["status"] == "needs_response"
    assert trial.types() == [
        "radar.early_fraud_warning.created", "charge.dispute.created", "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
    ]  # fmt: skip


def test_a_payout_says_what_is_in_it_and_comes_back_when_the_bank_refuses(server: DemoServer) -> None:
    trial = Trial(server)
    trial.refund(amount=500)
    trial.hook("adjust", account=trial.account, type="stripe_fee", amount=-97, currency="usd")
    (made,) = trial.hook("pay_out", account=trial.account)["data"]
    payout = trial.v1.payouts.retrieve(made["id"], {"expand": ["balance_transaction"]}, trial.options)
    assert set(payout.to_dict()) - declared(stripe.Payout) == set()
    assert (payout.amount, payout.status, payout.automatic) == (2397 - 500 - 97, "in_transit", True)
    assert trial.book(payout=payout.id) == [
        GIFT,
        ("refund", -500, 0, "refund"),
        ("stripe_fee", -97, 0, "fee"),
        ("payout", -1800, 0, "payout"),
    ]
    assert trial.book(payout=payout.id, type="refund") == [("refund", -500, 0, "refund")]
    later = trial.v1.balance_transactions.list({"created": {"gt": made["created"] + 3600}}, trial.options)
    assert later.data == []
    assert trial.hook("pay_out", account=trial.account)["data"] == []
    assert trial.hook(f"payouts/{payout.id}/arrive")["status"] == "paid"
    failed = trial.hook(f"payouts/{payout.id}/fail")
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    assert trial.book()[-1] == ("payout_failure", 1800, 0, "payout_reversal")
    (second,) = trial.hook("pay_out", account=trial.account)["data"]
    assert second["amount"] == 1800
    assert [payout.id for payout in trial.v1.payouts.list({"status": "failed"}, trial.options)] == [payout.id]
    assert trial.types()[-4:] == ["payout.created", "payout.paid", "payout.failed", "payout.created"]
    found = trial.v1.balance.retrieve(options=trial.options)
    assert [(one.currency, one.amount) for one in [*found.available, *found.pending]] == [("usd", -2397), ("usd", 2397)]


def test_a_payout_is_made_listed_and_sent_one_after_the_other(server: DemoServer) -> None:
    trial = Trial(server)
    (made,) = trial.hook("pay_out", account=trial.account, pending=True)["data"]
    assert (made["status"], made["reconciliation_status"]) == ("pending", "in_progress")
    assert trial.book()[-1] == ("payout", -2397, 0, "payout")  # it has left the balance all the same
    assert trial.book(payout=made["id"]) == [GIFT]  # not all of it is listed
    for early in ("arrive", "fail"):
        with pytest.raises(urllib.error.HTTPError):
            trial.hook(f"payouts/{made['id']}/{early}")
    canceled = trial.hook(f"payouts/{made['id']}/cancel")
    assert (canceled["status"], trial.book()[-1]) == ("canceled", ("payout_cancel", 2397, 0, "payout_reversal"))
    (second,) = trial.hook("pay_out", account=trial.account, pending=True)["data"]
    assert trial.hook(f"payouts/{second['id']}/reconcile")["reconciliation_status"] == "completed"
    listed = [("payout_cancel", 2397, 0, "payout_reversal"), ("payout", -2397, 0, "payout")]
    assert trial.book(payout=second["id"]) == listed
    assert trial.hook(f"payouts/{second['id']}/send")["status"] == "in_transit"
    for late in ("cancel", "send", "reconcile"):
        with pytest.raises(urllib.error.HTTPError):
            trial.hook(f"payouts/{second['id']}/{late}")
    assert trial.hook(f"payouts/{second['id']}/arrive")["status"] == "paid"
    kinds = "created canceled created reconciliation_completed updated paid"
    assert trial.types() == [f"payout.{kind}" for kind in kinds.split()]
    trial.hook(f"charges/{trial.charge}/refund", amount=100)
    trial.hook("adjust", account=trial.account, type="adjustment", amount=1000, currency="usd")
    (instant,) = trial.hook("pay_out", account=trial.account, instant=True)["data"]
    assert refused(trial.v1.balance_transactions.list, {"payout": instant["id"]}, trial.options).param == "payout"


def test_an_account_may_settle_in_another_currency(server: DemoServer) -> None:
    account = server.account()
    server.request("/_demo/settles_in", {"account": account, "currency": "usd", "rate": "0.0067"})
    options = acting(account)
    v1 = server.client().v1
    session = v1.checkout.sessions.create(params(currency="jpy", unit_amount=5000), options)
    server.act(session.id, "pay")
    server.settle()
    paid: Any = v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}, options
    )
    booked = paid.payment_intent.latest_charge.balance_transaction
    assert (booked.amount, booked.currency, booked.fee, booked.exchange_rate) == (3350, "usd", 128, 0.0067)
    server.request("/_demo/settles_in", {"account": account, "currency": "usd", "rate": "0.0070"})
    refund = v1.refunds.create({"payment_intent": paid.payment_intent.id, "expand": ["balance_transaction"]}, options)
    assert isinstance(refund.balance_transaction, stripe.BalanceTransaction)
    assert (refund.amount, refund.currency) == (5000, "jpy")
    assert (refund.balance_transaction.amount, refund.balance_transaction.currency) == (-3500, "usd")


def test_what_is_asked_is_what_the_package_knows(server: DemoServer) -> None:
    assert set(specs.CREATE_REFUND.of) <= set(RefundCreateParams.__annotations__)
    assert set(specs.UPDATE_DISPUTE.of) <= set(DisputeUpdateParams.__annotations__)
    trial = Trial(server)
    for asked in ({"reason": "other"}, {"currency": "usd"}, {"refund_application_fee": True}, {"amount": 0}):
        with pytest.raises(stripe.InvalidRequestError):
            trial.refund(**asked)
    with pytest.raises(stripe.InvalidRequestError):
        Trial(server, currency="isk", unit_amount=60_000).refund(amount=10_050)


def test_people_let_it_happen_on_pages(server: DemoServer) -> None:
    trial = Trial(server)
    account, payment = f"{server.base_url}/accounts/{trial.account}", f"{server.base_url}/payments/{trial.charge}"
    assert f'href="/payments/{trial.charge}"' in page(account)

    def press(url: str, act: str, **form: str) -> int:
        return browse(url, {"act": act, **form})[0]

    assert press(payment, "refund", amount="4.20") == 303
    assert "Refund of 4.20 USD, succeeded" in page(payment)
    status, text, _headers = browse(payment, {"act": "refund", "amount": "four"})
    assert (status, 'value="four"' in text, "<title>Error:" in text) == (409, True, True)
    assert press(payment, "refund", amount="90") == 409
    assert press(payment, "dispute", amount="20") == 303
    (dispute,) = trial.v1.disputes.list({}, trial.options).data
    assert dispute.amount == 2000
    assert press(payment, "win", of=dispute.id) == 303
    assert "Dispute of 20.00 USD, won" in page(payment)
    assert press(payment, "win", of=dispute.id) == 409
    assert press(payment, "win", of="nothing") == 400
    assert press(payment, "warn") == 303
    assert press(account, "pay_out") == 303
    (payout,) = trial.v1.payouts.list({}, trial.options).data
    assert press(f"{server.base_url}/payouts/{payout.id}", "arrive") == 303
    assert "paid" in page(account)
    assert press(f"{server.base_url}/payouts/{payout.id}", "fail") == 303
    assert trial.v1.payouts.retrieve(payout.id, options=trial.options).status == "failed"
    assert browse(f"{server.base_url}/payments/ch_nothing")[0] == 404
    assert "The installation itself" in page(server.base_url + "/")
    assert "Let something happen" in page(f"{server.base_url}/accounts/acct_1DemoPlatform00")
