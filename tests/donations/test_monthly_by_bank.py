"""Months that a bank has to confirm: what is said and counted at each step, through HTTP, with the real package (MONEY.md 11)."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from app.core.clock import moved_to, now
from app.core.db import db
from app.core.money import Money
from app.donations import checkout, checks, monthly, queries
from app.donations.monthly_models import MonthlyDecline
from tests.donations.back import follow
from tests.donations.conftest import WorkOff, ledger_table
from tests.donations.connecting import Connecting, connecting
from tests.donations.test_monthly import Monthly
from tests.donations.test_monthly_astray import taken
from tests.smtp import Mailbox, text_of

__all__ = ["connecting"]


@pytest.fixture
def gift(connecting: Connecting, work_off: WorkOff) -> Monthly:
    return Monthly(connecting, work_off)


def received(gift: Monthly) -> int:
    """What the fundraiser shows as received."""
    fundraiser_id = gift.connecting.fundraiser().id
    settled = queries.totals([fundraiser_id])[fundraiser_id].settled.amount_minor
    db.session.rollback()
    return settled


def invoice_of(gift: Monthly) -> str:
    """The invoice of the latest month."""
    return str(gift.subscription()["latest_invoice"])


def bank(gift: Monthly, word: str, invoice: str = "") -> None:
    """The bank confirms or refuses the latest month, and we hear of it."""
    gift.connecting.server.hook("POST", f"invoices/{invoice or invoice_of(gift)}/bank/{word}", {})
    gift.hear()


def first_page(gift: Monthly) -> str:
    """Its donor's page of the first month."""
    return gift.connecting.client.get(f"/donations/{queries.donation_token(gift.given.donation_id)}").text


def gifts_in_books() -> int:
    return [kind for _label, kind, _entries in ledger_table()].count("gift")


@pytest.mark.rule("F3")
@pytest.mark.rule("F4")
@pytest.mark.parametrize("begins", ["incomplete", "active"])
def test_a_first_month_that_a_bank_confirms_days_later_counts_only_then(
    gift: Monthly, mailbox: Mailbox, begins: str
) -> None:
    server = gift.connecting.server
    server.hook("POST", "bank_begins", {"status": begins})
    server.act(gift.given.session_id, "pay_later")
    gift.hear()
    monthly.refresh(gift.id)
    assert (gift.row().status, gift.months(), received(gift)) == ("pending", [("processing", 2500)], 0)
    assert "is on its way from your bank, so nothing is given yet" in gift.page()
    [mail] = [text_of(one) for one in mailbox.messages if one["Subject"].endswith("your gift of $25 is on its way")]
    assert (
        f"the first month of a gift of $25 every month. See it, or stop it: http://localhost{gift.url()}"
        in " ".join(mail.split())
    )
    assert "$25 every month" in first_page(gift)
    assert gift.subscription()["status"] == begins
    server.act(gift.given.session_id, "bank_confirms")
    server.settle()
    gift.hear()
    assert (gift.row().status, gift.months(), received(gift)) == ("active", [("paid", 2500)], 2500)
    assert gift.subscription()["status"] == "active"
    assert gifts_in_books() == 1
    # A later month is ordered: nothing is counted, and its donor is told neither that it came nor that it failed.
    gift.renew()
    gift.hear()
    monthly.refresh(gift.id)
    assert (gift.row().status, gift.months(), received(gift)) == ("active", [("paid", 2500)], 2500)
    assert gift.mails().count("monthly_failed") == 0
    bank(gift, "confirms")
    assert (gift.months(), received(gift)) == ([("paid", 2500)] * 2, 5000)
    # The next is refused. While it is ordered once more nobody is told that it failed: what is heard late says how it is now.
    gift.renew()
    third = invoice_of(gift)
    server.hook("POST", f"invoices/{third}/bank/refuses", {})
    server.hook("POST", f"invoices/{third}/retry", {})
    gift.hear()
    monthly.refresh(gift.id)
    assert (gift.months(), gift.mails().count("monthly_failed")) == ([("paid", 2500)] * 2, 0)
    bank(gift, "refuses", third)
    assert (gift.row().status, gift.months(), received(gift)) == ("past_due", [("paid", 2500)] * 2, 5000)
    [mail] = [one for one in mailbox.messages if "was not paid" in one["Subject"]]
    assert "Nothing was taken" in text_of(mail)
    assert "Your bank declined the last payment" in gift.page()
    server.hook("POST", f"customers/{gift.row().stripe_customer_id}/new_method", {"type": "card"})
    server.hook("POST", f"invoices/{third}/retry", {})
    gift.hear()
    assert (gift.row().status, gift.months(), received(gift)) == ("active", [("paid", 2500)] * 3, 7500)
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(MonthlyDecline)) == 1
    db.session.rollback()
    assert checks.compare_with_stripe()[1] == []
    assert server.refused() == []


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    ("begins", "then"),
    [("incomplete", "again"), ("active", "again"), ("active", "taken later"), ("active", "charged by staff")],
)
def test_a_first_month_that_a_bank_refuses_leaves_nothing_running_and_counts_when_it_is_taken_later(
    gift: Monthly, mailbox: Mailbox, begins: str, then: str
) -> None:
    server = gift.connecting.server
    server.hook("POST", "bank_begins", {"status": begins})
    server.act(gift.given.session_id, "pay_later")
    gift.hear()
    refused = gift.row().stripe_subscription_id
    server.act(gift.given.session_id, "bank_refuses")
    if then == "taken later":  # before we hear of it; the page's session stays unpaid
        server.hook("POST", f"customers/{gift.row().stripe_customer_id}/new_method", {"type": "card"})
        server.hook("POST", f"invoices/{invoice_of(gift)}/retry", {})
        gift.hear()
        assert (gift.row().status, gift.months(), received(gift)) == ("active", [("paid", 2500)], 2500)
        assert gift.mails().count("donation_failed") == 0
        assert server.refused() == []
        return
    gift.hear()
    assert (gift.row().status, gift.months(), received(gift)) == ("pending", [("failed", 2500)], 0)
    assert gifts_in_books() == 0
    assert (gift.mails().count("donation_failed"), gift.mails().count("monthly_failed")) == (1, 0)
    assert "has not arrived, so nothing is given yet" in gift.page()
    assert gift.subscription()["status"] == "canceled"
    if (
        then == "charged by staff"
    ):  # in the dashboard: it is paid, and it was we who ended what would have asked for more
        server.hook("POST", f"customers/{gift.row().stripe_customer_id}/new_method", {"type": "card"})
        server.hook("POST", f"invoices/{invoice_of(gift)}/retry", {})
        gift.hear()
        assert (gift.months(), received(gift)) == ([("paid", 2500)], 2500)
        monthly.refresh(gift.id)
        assert (gift.row().status, gift.row().ended_by) == ("ended", "payment")
        page = gift.page()
        assert "your bank declined the payment" in page
        assert "several times" not in page
        return
    # Its donor goes on with it, by card: another subscription, one gift.
    address = checkout.resume(gift.given.donation_id, Money(2500, "USD"))
    assert address is not None
    server.act(address.rpartition("/")[2], "pay")
    gift.hear()
    assert (gift.row().status, gift.months(), received(gift)) == ("active", [("paid", 2500)], 2500)
    assert gift.row().stripe_subscription_id not in (None, refused)
    assert server.refused() == []


@pytest.mark.rule("F4")
@pytest.mark.parametrize("was", ["ordered", "refused", "refused and ended"])
def test_a_first_month_on_an_account_that_is_taken_from_us_ends_and_its_donor_is_told_what_may_be_taken(
    gift: Monthly, mailbox: Mailbox, was: str
) -> None:
    """Stripe runs the subscription, and nobody but its organization can end it any more; one that we had ended before takes
    nothing."""
    server, connecting = gift.connecting.server, gift.connecting
    server.hook("POST", "bank_begins", {"status": "active"})
    server.act(gift.given.session_id, "pay_later")
    gift.hear()
    if was != "ordered":
        server.act(gift.given.session_id, "bank_refuses")
    if was == "refused and ended":
        gift.hear()
    elif was == "refused":  # and what it began is not ended before the account is gone
        server.hook("POST", "faults", {"mode": "500", "method": "DELETE", "path": "/v1/subscriptions", "times": 9})
        connecting.deliver_connected()
        gift.work_off()
    assert connecting.knock(taken(gift)) == 200
    with moved_to(now() + dt.timedelta(hours=2)):
        gift.work_off()
        assert gift.work_off()["failed"] == 0
    mails = [text_of(mail) for mail in mailbox.messages if "monthly gift has ended" in mail["Subject"]]
    if was == "refused and ended":
        assert (gift.row().status, mails) == ("pending", [])
        return
    assert (gift.row().status, gift.row().ended_by) == ("ended", "account")
    assert gift.months() == [("expired" if was == "ordered" else "failed", 2500)]
    assert len(mails) == 1
    for text in (mails[0], gift.page()):
        assert "cannot stop it from here: the payment service may go on taking it" in " ".join(text.split())


def test_a_month_that_was_ordered_before_its_donor_stopped_it_counts_when_it_comes(
    gift: Monthly, connecting: Connecting, work_off: WorkOff
) -> None:
    server = gift.connecting.server
    first = Monthly(connecting, work_off)  # stopped before its first month has come
    server.act(first.given.session_id, "pay_later")
    first.hear()
    page = first.page()
    assert "is on its way from your bank" in page
    assert 'action="' + first.url("/stop") in page
    assert first.url("/pause") not in page
    assert "may still arrive" in follow(connecting.client, connecting.client.post(first.url("/stop")))
    assert first.subscription()["status"] == "canceled"
    assert "$25" in first_page(first)
    assert "every month" not in first_page(first)
    server.act(first.given.session_id, "bank_confirms")
    first.hear()
    assert (first.row().status, first.row().ended_by, first.months()) == ("ended", "donor", [("paid", 2500)])
    assert "No further payment is asked for" in first.page()
    assert "every month" not in first_page(first)
    gift.begin()
    server.hook("POST", f"customers/{gift.row().stripe_customer_id}/new_method", {"type": "us_bank_account"})
    for word in ("confirms", "refuses"):
        gift.renew()
        invoice = invoice_of(gift)
        if word == "refuses":
            assert gift.connecting.client.post(gift.url("/stop")).status_code == 303
        else:
            gift.hear()
            client = gift.connecting.client
            page = follow(client, client.post(gift.url("/pause")))
            assert page.count("No further payment is asked for until you resume it") == 2  # said, and where it stands
            assert "Nothing is taken" not in page
        bank(gift, word, invoice)
        if word == "confirms":
            assert gift.connecting.client.post(gift.url("/resume")).status_code == 303
    assert (gift.row().status, gift.row().ended_by, gift.months()) == ("ended", "donor", [("paid", 2500)] * 2)
    assert gift.mails().count("monthly_failed") == 0
    assert server.refused() == []
