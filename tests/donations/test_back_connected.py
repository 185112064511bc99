"""Money that goes back on the organizations' own accounts, of single and of monthly gifts, in whatever order we hear of it."""

from __future__ import annotations

import collections
import datetime as dt
import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.accounts.models import Person
from app.core.clock import moved_to, now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.donations import accounts, going_back, reconciling
from app.donations.models import Donation, LedgerEntry
from app.donations.money_models import Dispute, FraudWarning, Payout, PayoutLine, Refund
from app.donations.money_queries import refundable
from app.donations.operations.refunds import start_refund
from app.donations.page_checks import check_tallies
from app.organizations.models import Membership
from tests.conftest import CheckingClient
from tests.donations.back import FORM
from tests.donations.conftest import WorkOff
from tests.donations.connecting import Connecting, connecting
from tests.donations.test_ledger_verify import verify
from tests.donations.test_monthly import Monthly
from tests.factories import make_member
from tests.smtp import Mailbox, text_of

__all__ = ["connecting"]


def agrees(connecting: Connecting) -> None:
    """Our ledger is what Stripe says, in every account."""
    outcome = json.loads(verify(connecting, "--with-stripe").stdout.splitlines()[-1])
    assert outcome["problems"] == []
    assert outcome["checked"]["balance"] > 0
    assert check_tallies()[1] == []
    db.session.rollback()


@pytest.mark.rule("F3")
@pytest.mark.rule("F5")
@pytest.mark.parametrize("month", ["first", "later"])
def test_a_month_that_went_back_before_we_heard_of_it(connecting: Connecting, work_off: WorkOff, month: str) -> None:
    gift = Monthly(connecting, work_off, amount="120")
    server, account = connecting.server, gift.account
    if month == "first":
        server.act(gift.given.session_id, "pay")
    else:
        gift.begin().renew()
    server.settle()
    charge = server.call("GET", "/v1/charges?limit=1", account=account)["data"][0]
    server.hook("POST", f"charges/{charge['id']}/refund", {"amount": 500})
    server.hook("POST", f"charges/{charge['id']}/dispute", {"amount": 700})
    server.hook("POST", f"charges/{charge['id']}/warn", {})
    for paid_out in server.hook("POST", "pay_out", {"account": account})["data"]:
        server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
    events = server.events(account)
    back = ("charge.refunded", "refund.", "charge.dispute.", "radar.", "payout.")
    assert {connecting.knock(event) for event in events if event["type"].startswith(back)} == {200}
    server.hook("POST", "faults", {"mode": "500", "method": "GET", "path": "/v1/events", "times": 100})
    work_off()  # nothing tells of the payment yet
    server.hook("DELETE", "faults")
    if month == "first":
        assert list(db.session.scalars(sa.select(Refund))) == []
    assert {connecting.knock(event) for event in reversed(events)} == {200}
    for _again in range(2):
        assert work_off()["failed"] == 0
    db.session.rollback()
    rows = db.session.execute(sa.select(Donation.refunded_minor, Donation.disputed_minor)).all()
    assert sorted(tuple(row) for row in rows) == [(0, 0)] * (month == "later") + [(500, 700)]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(FraudWarning)) == 1
    assert [row.account for table in (Refund, Dispute, Payout) for row in db.session.scalars(sa.select(table))] == [
        account,
        account,
        account,
    ]
    agrees(connecting)
    # Everything was paid out: nothing of it is left at Stripe, there and here.
    clearing = sa.select(sa.func.sum(LedgerEntry.amount_minor)).where(LedgerEntry.account == "stripe_clearing")
    balance = server.call("GET", "/v1/balance_transactions?limit=100", account=account)["data"]
    assert db.session.scalar(clearing) == sum(one["net"] for one in balance) == 0


@pytest.mark.rule("F5")
@pytest.mark.rule("F6")
def test_staff_give_back_on_the_organizations_own_account(
    connecting: Connecting, work_off: WorkOff, sign_in: Callable[..., CheckingClient]
) -> None:
    given = connecting.give()
    account = connecting.account_of(given)
    connecting.act(given, "pay")
    connecting.settle()
    connecting.deliver_connected()
    work_off()
    organization = connecting.donation(given).fundraiser.organization
    make_member(organization, "manager")
    manager = db.session.scalars(
        sa.select(Person).join(Membership, Membership.person_id == Person.id).where(Membership.role == "manager")
    ).one()
    connecting.server.requests.clear()
    address = f"/manage/{organization.slug}/donations/{encode_id(given.donation_id)}/refund"
    assert sign_in(manager).post(address, data={**FORM, "amount": "7"}).status_code == 303
    [asked] = connecting.server.posts()
    assert asked.headers["Stripe-Account"] == account
    assert asked.headers["Idempotency-Key"].startswith("manyhands-refund-")
    connecting.deliver_connected()
    work_off()
    agrees(connecting)
    assert connecting.server.refused() == []


@pytest.mark.rule("F5")
def test_a_refund_on_an_account_that_was_taken_from_us_ends_and_says_what_to_do(
    connecting: Connecting, work_off: WorkOff, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = connecting.give()
    account = connecting.account_of(given)
    connecting.act(given, "pay")
    connecting.settle()
    connecting.deliver_connected()
    work_off()
    fundraiser = connecting.donation(given).fundraiser
    organization, owner = fundraiser.organization, make_member(fundraiser.organization, "owner")
    with transaction():
        refund_id = start_refund(given.donation_id, amount=Money(700, "USD"), by=owner, mode="demo").id
    connecting.server.act_on_account(account, "deauthorize")
    work_off()
    db.session.rollback()
    assert db.session.get_one(Refund, refund_id).status == "asked"  # an answer alone is not believed at once
    db.session.rollback()
    with moved_to(now() + dt.timedelta(days=1, hours=1)):
        assert work_off()["failed"] == 0
    db.session.rollback()
    row = db.session.get_one(Refund, refund_id)
    assert (row.status, row.problem, row.booked_minor) == ("refused", "account_gone", 0)
    assert refundable(connecting.donation(given)).amount_minor == 2500
    db.session.rollback()
    [mail] = [one for one in mailbox.messages if one["To"] == owner.email and "was not made" in one["Subject"]]
    assert "dashboard at Stripe" in text_of(mail)
    client, page = sign_in(owner), f"/manage/{organization.slug}/donations/{encode_id(given.donation_id)}"
    assert "unless it shows this refund already" in client.get(page).text
    # Nobody asks for one more once that is known, nor is Stripe asked again and again.
    accounts.refresh(account)
    refused = client.post(f"{page}/refund", data={**FORM, "amount": "7", "nonce": "again"})
    assert refused.status_code == 409
    assert "give it back in its dashboard at Stripe" in refused.text
    connecting.server.requests.clear()
    with moved_to(now() + dt.timedelta(days=1)):
        assert work_off()["failed"] == 0
    assert [one for one in connecting.server.requests if one.headers.get("Stripe-Account") == account] == []
    assert verify(connecting, "--with-stripe").exit_code == 0


@pytest.mark.rule("F2")
def test_what_else_an_account_takes_is_never_asked_about(connecting: Connecting, work_off: WorkOff) -> None:
    gift = Monthly(connecting, work_off, amount="120")
    server, account = connecting.server, gift.account
    template = {
        "mode": "payment", "success_url": "http://localhost/", "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": "900",
        "line_items[0][price_data][product_data][name]": "A T-shirt",
    }  # fmt: skip

    def sell(times: int, *, back: bool = True) -> None:
        """The organization's shop takes money by the same account, and gives some of it back."""
        for _each in range(times):
            made = connecting.raw_post("/v1/checkout/sessions", template, account=account)
            server.act(made["id"], "pay")
        if back:
            charge = server.call("GET", "/v1/charges?limit=1", account=account)["data"][0]
            server.hook("POST", f"charges/{charge['id']}/refund", {"amount": 100})
            server.hook("POST", f"charges/{charge['id']}/dispute", {"amount": 200})
        server.settle()

    def pay_out() -> str:
        [paid_out] = server.hook("POST", "pay_out", {"account": account})["data"]
        server.hook("POST", f"payouts/{paid_out['id']}/arrive", {})
        return str(paid_out["id"])

    def asked(do: Callable[[], object]) -> dict[str, int]:
        """How often what kind of thing was asked for."""
        server.requests.clear()
        do()
        paths = [request.path.partition("?")[0].removeprefix("/v1/") for request in server.requests]
        return dict(collections.Counter(path.partition("/")[0] for path in paths))

    def news(*kinds: str) -> None:
        events = server.events(account)
        server.hook("POST", "faults", {"mode": "500", "method": "GET", "path": "/v1/events", "times": 100})
        for event in events:
            if event["type"].startswith(kinds):
                assert connecting.knock(event) == 200
        work_off()  # nothing else is heard: the sweep that reads the list meets an error
        server.hook("DELETE", "faults")

    gift.begin()
    server.settle()
    gift.hear()
    sell(5)
    first = pay_out()
    # One payout costs two requests, whatever it carries.
    once = {"payouts": 1, "balance_transactions": 1}
    assert asked(lambda: going_back.refresh_payout(first, account=account)) == once
    assert asked(lambda: going_back.refresh_payout(first, account=account)) == once
    lines = {line.kind: line.organization_id for line in db.session.scalars(sa.select(PayoutLine))}
    assert lines.keys() == {"charge", "refund", "adjustment"}
    # A month whose news come after those of its payout: that payout is asked about again, and no other.
    gift.renew()
    sell(3, back=False)
    second = pay_out()
    news("payout.paid")
    server.requests.clear()
    news("invoice.paid", "charge.updated")
    payouts = [request.path for request in server.requests if request.path.startswith("/v1/payouts/")]
    assert {path.partition("?")[0] for path in payouts} == {f"/v1/payouts/{second}"}
    agrees(connecting)
    foreign = sa.select(sa.func.count()).select_from(PayoutLine).where(PayoutLine.organization_id.is_(None))
    assert db.session.scalar(foreign) == 5 + 2 + 3
    db.session.rollback()
    # Nor does the nightly comparison ask about each of them.
    assert asked(lambda: reconciling.compare(account)) == {"balance_transactions": 1}
    gift.renew()  # paid, and not known yet: nobody but Stripe's invoice says whose it is
    server.settle()
    assert asked(lambda: reconciling.compare(account)) == {"balance_transactions": 1}
