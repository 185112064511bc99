"""Any history of payers, banks and messengers gives the ledger that the independent model works out (F2, F3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.donations.conftest import Given, Giving, WorkOff, ledger_table
from tests.donations.ledger_model import transactions
from tests.hostile import tries

# What may happen next to a gift in each state.
NEXT = {
    "open": ("pay", "decline", "pay_later", "expire"),
    "processing": ("bank_confirms", "bank_refuses"),
    "paid": (),
    "failed": (),
    "expired": (),
}
DOINGS = (
    "give", "act", "act", "act", "deliver", "deliver", "work", "come_back", "settle", "go_on", "go_on", "cancel",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(
        st.sampled_from(DOINGS),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
    ),
    min_size=4,
    max_size=18,
)


def go_on(giving: Giving, gift: Given, amount: int) -> None:
    """Go on with a gift on its donor's page: at the page it has, at a new one, or nowhere when it is paid or on its way."""
    response = giving.client.post(f"/donations/{gift.token}", data={"amount": str(amount // 100)})
    assert response.status_code == 303
    address, _slash, session_id = response.headers["Location"].rpartition("/")
    if not address.endswith("/c/pay"):
        assert gift.model.state in ("paid", "processing")
        return
    assert gift.model.state not in ("paid", "processing")
    if session_id != gift.session_id:
        gift.session_id, gift.model.amount = session_id, amount
        gift.model.acts.clear()
    assert [session["id"] for session in giving.server.sessions() if session["status"] == "open"].count(session_id) == 1


def play(giving: Giving, work_off: WorkOff, steps: list[tuple[str, int, int]]) -> None:
    """Do the steps; after each, the ledger balances and says nothing the model does not."""
    for step, one, two in steps:
        if step == "give" or not giving.given:
            giving.give(("25", "0.50", "999.99")[one % 3])
        elif step == "act":
            gift = giving.given[one % len(giving.given)]
            acts = NEXT[gift.model.state]
            if acts:
                giving.act(gift, acts[two % len(acts)])
        elif step == "deliver":
            events = giving.server.events()
            if events:
                giving.deliver(*(events[(one + place * two) % len(events)] for place in range(3)))
        elif step == "work":
            work_off()
        elif step == "come_back":
            assert giving.client.get(f"/donations/{giving.given[one % len(giving.given)].token}").status_code == 200
        elif step == "go_on":
            go_on(giving, giving.given[one % len(giving.given)], (2500, 4000)[two % 2])
        elif step == "cancel":
            gift = giving.given[one % len(giving.given)]
            assert giving.client.post(f"/donations/{gift.token}/cancel").status_code == 303
            if gift.model.state == "open":
                gift.model.acts.append("expire")
        elif step == "settle":
            giving.settle()
        told, known = ledger_table(), transactions(gift.model for gift in giving.given)
        assert all(sum(amount for _account, amount, _currency in entries) == 0 for _label, _kind, entries in told)
        assert set(told) <= set(known)
        assert len(set(told)) == len(told)
    giving.settle()
    giving.deliver_all()
    work_off()
    giving.check()


@pytest.mark.rule("F2")
@pytest.mark.rule("F3")
@tries(6)
@given(steps=STEPS)
def test_any_history_gives_the_ledger_of_the_model(
    giving: Giving, work_off: WorkOff, steps: list[tuple[str, int, int]]
) -> None:
    giving.given.clear()
    giving.server.reset()
    giving.empty()
    play(giving, work_off, steps)
