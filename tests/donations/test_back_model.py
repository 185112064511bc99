"""Any history of gifts, months, refunds, disputes, payouts and failures, heard of in any order, gives what the independent
model says, and the ledger is what Stripe's own books say (F2, F3, F5)."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.money import Money
from app.donations.models import Donation, LedgerEntry
from app.donations.money_models import Payout, Refund
from app.donations.operations.refunds import start_refund
from app.donations.page_checks import check_tallies
from tests.donations.back import Back
from tests.donations.back_model import History
from tests.donations.conftest import Giving, WorkOff
from tests.donations.test_ledger_verify import verify
from tests.hostile import TIMES

DOINGS = (
    "give", "month", "month", "bank_month", "bank_says", "refund", "refund", "staff", "fail", "dispute", "win", "lose",
    "pay_out", "pay_out", "send", "arrive", "fails", "cancel", "reconcile", "deliver", "work", "silence",
)  # fmt: skip
# What may happen to a payout, by where it stands, and where it stands then.
PAYOUTS = {
    "send": {"pending": "in_transit"},
    "arrive": {"in_transit": "paid"},
    "fails": {"in_transit": "failed", "paid": "failed"},
    "cancel": {"pending": "canceled"},
}
STEPS = st.lists(
    st.tuples(st.sampled_from(DOINGS), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=5, max_size=16
)
# A refund and a dispute of months that nobody has told us of yet, a payout that carries them, and a Stripe that is silent
# meanwhile; two months by bank, of which one comes; and a gift that staff and the dashboard give back at once.
MONTH_BEFORE_ITS_NEWS = [
    ("month", 0, 0), ("bank_month", 0, 0), ("refund", 1, 149), ("month", 0, 0), ("bank_month", 0, 0), ("dispute", 2, 500),
    ("bank_says", 0, 0), ("pay_out", 0, 0), ("deliver", 3, 1), ("bank_says", 0, 1), ("silence", 0, 0), ("win", 0, 1),
    ("staff", 0, 41), ("work", 0, 0),
]  # fmt: skip


class Play:
    """Does the steps at Stripe, and notes in the model what each means."""

    def __init__(self, back: Back) -> None:
        self.back, self.server = back, back.server
        # Charges at Stripe, and what must be left of each: gifts, and months of one that is given monthly.
        self.gifts: list[tuple[str, History]] = []
        self.subscription = self.customer = ""
        self.at_bank: list[str] = []
        self.payouts: dict[str, str] = {}
        self.unlisted: list[str] = []
        self.open: dict[str, tuple[str, History]] = {}

    def step(self, what: str, one: int, two: int) -> None:
        """One step; what cannot happen now does not."""
        if what == "give" or not self.gifts:
            made = self.back.pay(("25", "7.77", "120")[one % 3])
            self.gifts.append((self.back.charge(made), History(made.model.amount)))
            return
        if what in ("month", "bank_month"):
            self.month(by_bank=what == "bank_month")
            return
        if what == "bank_says":
            if self.at_bank:
                invoice_id = self.at_bank.pop(one % len(self.at_bank))
                self.server.hook("POST", f"invoices/{invoice_id}/bank/{('refuses', 'confirms')[two % 2]}", {})
                if two % 2:
                    self.paid(invoice_id)
            return
        charge, history = self.gifts[one % len(self.gifts)]
        if what == "refund" and history.left and not history.disputed:
            minor = two % history.left + 1
            history.refunds[self.server.hook("POST", f"charges/{charge}/refund", {"amount": minor})["id"]] = minor
        elif what == "staff" and history.left > 1 and not history.disputed:
            self.staff_and_dashboard(charge, history, two % (history.left // 2) + 1)
        elif what == "fail" and history.refunds:
            name = sorted(history.refunds)[two % len(history.refunds)]
            self.server.hook("POST", f"refunds/{name}/fail", {})
            del history.refunds[name]
        elif what == "dispute" and history.left and not any(of is history for _name, of in self.open.values()):
            if history.disputed:
                return
            minor = two % history.left + 1
            name = self.server.hook("POST", f"charges/{charge}/dispute", {"amount": minor})["id"]
            history.disputed[name] = minor
            self.open[name] = (name, history)
        elif what in ("win", "lose") and self.open:
            name, of = self.open.pop(sorted(self.open)[two % len(self.open)])
            self.server.hook("POST", f"disputes/{name}/{what}", {"fee_back": bool(two % 2)})
            if what == "win":
                of.disputed[name] = 0
        elif what == "pay_out":
            for made in self.server.hook("POST", "pay_out", {"account": None, "pending": bool(two % 3)})["data"]:
                self.payouts[made["id"]] = made["status"]
                if made["reconciliation_status"] == "in_progress":
                    self.unlisted.append(made["id"])
        elif what == "reconcile" and self.unlisted:
            self.server.hook("POST", f"payouts/{self.unlisted.pop(two % len(self.unlisted))}/reconcile", {})
        elif what in PAYOUTS:
            able = [name for name, state in self.payouts.items() if state in PAYOUTS[what]]
            if able:
                name = able[two % len(able)]
                self.server.hook("POST", f"payouts/{name}/{'fail' if what == 'fails' else what}", {})
                self.payouts[name] = PAYOUTS[what][self.payouts[name]]
        elif what == "deliver":
            events = self.server.events()
            self.back.giving.deliver(*(events[(one + place * two) % len(events)] for place in range(3)))
        elif what == "work":
            self.back.work_off()
        elif what == "silence":  # Stripe answers nothing, ten times as often as the package asks
            self.server.hook("POST", "faults", {"mode": "500", "method": "GET", "times": 30})
            self.back.work_off()
            self.server.hook("DELETE", "faults")

    def staff_and_dashboard(self, charge: str, history: History, minor: int) -> None:
        """Staff give back `minor` of a gift that we know of, and somebody as much in the dashboard, of which nobody has heard."""
        donation_id = db.session.scalar(sa.select(Donation.id).where(Donation.stripe_charge_id == charge))
        db.session.rollback()
        if donation_id is None:
            return
        try:
            with transaction():
                refund_id = start_refund(donation_id, amount=Money(minor, "USD"), by=None, mode="demo").id
        except (Refused, InvalidInput):  # by what we know so far, too little is left
            return
        history.refunds[self.server.hook("POST", f"charges/{charge}/refund", {"amount": minor})["id"]] = minor
        self.back.work_off()
        history.refunds[str(db.session.get_one(Refund, refund_id).stripe_refund_id)] = minor
        db.session.rollback()

    def month(self, *, by_bank: bool) -> None:
        """A month of a monthly gift, which nobody has told us of yet: what goes back of it may be heard of before. One that is
        ordered from a bank has yet to come."""
        if not self.subscription:
            given = self.back.giving.give("9.50", frequency="monthly")
            self.server.act(given.session_id, "pay")
            session = self.server.call("GET", f"/v1/checkout/sessions/{given.session_id}")
            self.subscription, invoice_id, self.customer = (
                session["subscription"],
                session["invoice"],
                session["customer"],
            )
        else:
            kind = {"type": "us_bank_account" if by_bank else "card"}
            self.server.hook("POST", f"customers/{self.customer}/new_method", kind)
            invoice_id = self.server.hook("POST", f"subscriptions/{self.subscription}/renew", {})["invoice"]["id"]
            if by_bank:
                self.at_bank.append(invoice_id)
                return
        self.paid(invoice_id)

    def paid(self, invoice_id: str) -> None:
        """A month is paid at Stripe."""
        self.back.giving.settle()
        invoice = self.server.call("GET", f"/v1/invoices/{invoice_id}?expand[]=payments")
        payment = invoice["payments"]["data"][0]["payment"]["payment_intent"]
        charge = self.server.call("GET", f"/v1/payment_intents/{payment}")["latest_charge"]
        self.gifts.append((charge, History(950)))


@pytest.mark.rule("F2")
@pytest.mark.rule("F3")
@pytest.mark.rule("F5")
@settings(
    max_examples=2 * TIMES,
    deadline=None,
    derandomize=TIMES == 1,
    suppress_health_check=list(HealthCheck),
)
@example(steps=MONTH_BEFORE_ITS_NEWS)
@given(steps=STEPS)
def test_any_history_of_what_goes_back_gives_what_the_model_says(
    giving: Giving, work_off: WorkOff, steps: list[tuple[str, int, int]]
) -> None:
    giving.empty()
    giving.server.reset()
    giving.given.clear()
    giving.server.hook("POST", "ties", {"order": "any"})
    play = Play(Back(giving, work_off))
    for what, one, two in [("give", 0, 0), *steps]:
        play.step(what, one, two)
    # Some payouts are still on their way, or not listed: all of them have left Stripe's balance.
    giving.deliver(*reversed(giving.server.events()))
    for _again in range(2):
        work_off()
    db.session.rollback()
    rows = {row.stripe_charge_id: row for row in db.session.scalars(sa.select(Donation))}
    for charge, history in play.gifts:
        row = rows[charge]
        assert (row.refunded_minor, row.disputed_minor) == (history.refunded, history.taken)
    assert play.back.raised(giving.given[0]) == sum(history.left for _charge, history in play.gifts)
    db.session.rollback()
    assert dict(db.session.execute(sa.select(Payout.stripe_payout_id, Payout.status)).all()) == play.payouts
    outcome = json.loads(verify(giving, "--with-stripe").stdout.splitlines()[-1])
    assert outcome["problems"] == []
    assert check_tallies()[1] == []
    clearing = sa.select(sa.func.sum(LedgerEntry.amount_minor)).where(LedgerEntry.account == "stripe_clearing")
    balance = giving.server.call("GET", "/v1/balance_transactions?limit=100")["data"]
    assert (db.session.scalar(clearing) or 0) == sum(one["net"] for one in balance)
    assert giving.server.refused() == []
    db.session.rollback()
