"""Any history of gifts, refunds, disputes, payouts and failures, heard of in any order, gives what the independent model says,
and the ledger is what Stripe's own books say (F2, F3, F5)."""

from __future__ import annotations

import json
import os

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.db import db
from app.donations.models import LedgerEntry
from app.donations.page_checks import check_tallies
from tests.donations.back import Back
from tests.donations.back_model import History
from tests.donations.conftest import Given, Giving, WorkOff
from tests.donations.test_ledger_verify import verify

DOINGS = ("give", "refund", "refund", "fail", "dispute", "win", "lose", "pay_out", "arrive", "sink", "deliver", "work")
STEPS = st.lists(
    st.tuples(st.sampled_from(DOINGS), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=5, max_size=16
)


class Play:
    """Does the steps at Stripe, and notes in the model what each means."""

    def __init__(self, back: Back) -> None:
        self.back, self.server = back, back.server
        self.gifts: list[tuple[Given, History]] = []
        self.payouts: dict[str, str] = {}
        self.open: dict[str, tuple[str, History]] = {}

    def step(self, what: str, one: int, two: int) -> None:
        """One step; what cannot happen now does not."""
        if what == "give" or not self.gifts:
            made = self.back.pay(("25", "7.77", "120")[one % 3])
            self.gifts.append((made, History(made.model.amount)))
            return
        gift, history = self.gifts[one % len(self.gifts)]
        if what == "refund" and history.left and not history.disputed:
            minor = two % history.left + 1
            history.refunds[self.back.at_stripe(gift, "refund", amount=minor)["id"]] = minor
        elif what == "fail" and history.refunds:
            name = sorted(history.refunds)[two % len(history.refunds)]
            self.server.hook("POST", f"refunds/{name}/fail", {})
            del history.refunds[name]
        elif what == "dispute" and history.left and not any(of is history for _name, of in self.open.values()):
            if history.disputed:
                return
            minor = two % history.left + 1
            name = self.back.at_stripe(gift, "dispute", amount=minor)["id"]
            history.disputed[name] = minor
            self.open[name] = (name, history)
        elif what in ("win", "lose") and self.open:
            name, of = self.open.pop(sorted(self.open)[two % len(self.open)])
            self.server.hook("POST", f"disputes/{name}/{what}", {"fee_back": bool(two % 2)})
            if what == "win":
                of.disputed[name] = 0
        elif what == "pay_out":
            self.payouts |= dict.fromkeys(
                (made["id"] for made in self.server.hook("POST", "pay_out", {"account": None})["data"]), "in_transit"
            )
        elif what in ("arrive", "sink"):
            waiting = sorted(name for name, state in self.payouts.items() if state == "in_transit")
            if waiting:
                name = waiting[two % len(waiting)]
                self.server.hook("POST", f"payouts/{name}/{'arrive' if what == 'arrive' else 'fail'}", {})
                self.payouts[name] = what
        elif what == "deliver":
            events = self.server.events()
            self.back.giving.deliver(*(events[(one + place * two) % len(events)] for place in range(3)))
        elif what == "work":
            self.back.work_off()


@pytest.mark.rule("F2")
@pytest.mark.rule("F3")
@pytest.mark.rule("F5")
@settings(
    max_examples=2 * int(os.environ.get("MANYHANDS_EXAMPLES", "1")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(steps=STEPS)
def test_any_history_of_what_goes_back_gives_what_the_model_says(
    giving: Giving, work_off: WorkOff, steps: list[tuple[str, int, int]]
) -> None:
    giving.empty()
    giving.server.reset()
    giving.given.clear()
    play = Play(Back(giving, work_off))
    for what, one, two in [("give", 0, 0), *steps]:
        play.step(what, one, two)
    for name, state in play.payouts.items():
        if state == "in_transit":
            giving.server.hook("POST", f"payouts/{name}/arrive", {})
    giving.deliver(*reversed(giving.server.events()))
    for _again in range(2):
        work_off()
    for gift, history in play.gifts:
        row = giving.donation(gift)
        assert (row.refunded_minor, row.disputed_minor) == (history.refunded, history.taken)
    assert play.back.raised(play.gifts[0][0]) == sum(history.left for _gift, history in play.gifts)
    outcome = json.loads(verify(giving, "--with-stripe").stdout.splitlines()[-1])
    assert outcome["problems"] == []
    assert check_tallies()[1] == []
    clearing = sa.select(sa.func.sum(LedgerEntry.amount_minor)).where(LedgerEntry.account == "stripe_clearing")
    balance = giving.server.call("GET", "/v1/balance_transactions?limit=100")["data"]
    assert (db.session.scalar(clearing) or 0) == sum(one["net"] for one in balance)
    assert giving.server.refused() == []
    db.session.rollback()
