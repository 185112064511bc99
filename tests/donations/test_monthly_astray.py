"""Monthly gifts that went astray: paid on the page of an earlier try, or on an account that was taken from us. Nothing goes on
being charged unseen (F3, F4); through HTTP, with the real package."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.clock import moved_to, now
from app.core.db import db, transaction
from app.core.money import Money
from app.core.outbox import withdraw
from app.donations import checkout, checks, doctor, gateway, gateway_monthly, monthly, monthly_queries
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.money_models import MoneyMismatch, Refund
from app.donations.monthly_models import MonthlyGift
from app.donations.operations import giving
from app.donations.operations import monthly as operations
from app.donations.queries import donation_token
from app.fundraisers.models import Fundraiser
from tests.donations.conftest import WorkOff, ledger_table
from tests.donations.connecting import Connecting, connecting, note_of
from tests.donations.test_monthly import Monthly
from tests.smtp import Mailbox, text_of

__all__ = ["connecting"]


@pytest.fixture
def gift(connecting: Connecting, work_off: WorkOff) -> Monthly:
    return Monthly(connecting, work_off)


def audited(*prefixes: str) -> list[str]:
    """What the audit trail says of `prefixes`, in its order."""
    db.session.rollback()
    found = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id))
    return [action for action in found if action.startswith(prefixes)]


@pytest.mark.rule("F4")
@pytest.mark.parametrize("hours", [0, 3])
def test_a_page_whose_answer_was_lost_and_that_was_paid_is_found_before_another_is_made(
    gift: Monthly, connecting: Connecting, hours: int
) -> None:
    """Within its time it is asked for again under its key; later it is looked for among those of that time."""
    with transaction():
        row = db.session.get_one(Donation, gift.given.donation_id)
        row.stripe_session_id = row.checkout_url = None
    connecting.server.act(gift.given.session_id, "pay")
    with moved_to(now() + dt.timedelta(hours=hours)):
        assert checkout.resume(gift.given.donation_id, Money(3000, "USD")) is None
    assert (gift.row().status, gift.months()) == ("active", [("paid", 2500)])
    assert len(connecting.server.sessions(gift.account)) == 1
    assert connecting.server.refused() == []


def _again(gift: Monthly) -> str:
    """The next try begins although the page of the first can be paid still; the session of the next."""
    with transaction():
        row = db.session.get_one(Donation, gift.given.donation_id)
        row.stripe_session_id, row.status = None, "expired"
        assert giving.begin_attempt(
            row.id, attempt=1, amount=Money(3000, "USD"), mode="demo", connect=True, cover_fee=False
        )
    return checkout.open_checkout(gift.given.donation_id).rpartition("/")[2]


@pytest.mark.rule("F3")
@pytest.mark.rule("F5")
@pytest.mark.parametrize(
    ("first", "told_by"),
    [
        ("old page", ""),
        ("only old page", ""),
        ("new page", "checkout.session."),
        ("new page", "invoice."),
        ("new page", "customer.subscription."),
    ],
)
def test_what_is_paid_on_the_page_of_an_earlier_try_ends_and_goes_back(
    gift: Monthly, connecting: Connecting, work_off: WorkOff, mailbox: Mailbox, first: str, told_by: str
) -> None:
    server, session = connecting.server, _again(gift)
    pages = {"old page": [gift.given.session_id, session], "new page": [session, gift.given.session_id]}
    for page in pages.get(first, [gift.given.session_id]):
        server.act(page, "pay")
    server.settle()
    old = server.call("GET", f"/v1/checkout/sessions/{gift.given.session_id}", account=gift.account)["subscription"]
    for event in server.events(gift.account):
        kept = not told_by or event["data"]["object"]["id"] in (session,) or event["type"].startswith(told_by)
        if kept and event["type"] != "charge.refunded":
            assert connecting.knock(event) == 200
    assert work_off()["failed"] == 0
    gift.hear()
    gift.hear()  # and once more
    # The subscription nobody wanted asks for nothing any more, and what it took went back, through the books.
    subscription = server.call("GET", f"/v1/subscriptions/{old}", account=gift.account)
    assert subscription["status"] == "canceled"
    assert gift.row().stripe_subscription_id != old
    assert gift.months() == [("pending" if first == "only old page" else "paid", 3000)]
    db.session.rollback()
    [astray] = db.session.scalars(sa.select(Donation).where(Donation.monthly_gift_id.is_(None)))
    assert (astray.amount_minor, astray.refunded_minor, astray.status) == (2500, 2500, "paid")
    [refund] = db.session.scalars(sa.select(Refund))
    assert (refund.donation_id, refund.amount_minor, refund.status) == (astray.id, 2500, "succeeded")
    kinds = [kind for _label, kind, _entries in ledger_table()]
    assert (kinds.count("gift"), kinds.count("refund")) == ((1, 1) if first == "only old page" else (2, 1))
    assert audited("monthly_gift.astray", "donation.refund") == [
        "monthly_gift.astray", "donation.refund_asked", "donation.refunded",
    ]  # fmt: skip
    db.session.rollback()
    assert checks.compare_with_stripe()[1] == []
    assert checks.check_returned()[1] == []
    db.session.rollback()
    told = [mail for mail in mailbox.messages if "go back to you" in mail["Subject"]]
    assert len(told) == 1
    assert "replaced" in told[0].as_string()
    thanks = [mail for mail in mailbox.messages if "thank you" in mail["Subject"]]
    assert len(thanks) == (0 if first == "only old page" else 1)
    # The gift itself goes on as if nothing had been.
    if first != "only old page":
        gift.renew()
        gift.hear()
        assert gift.months() == [("paid", 3000)] * 2
    else:
        server.act(session, "pay")
        gift.hear()
        assert (gift.row().status, gift.months()) == ("active", [("paid", 3000)])
    assert server.refused() == []


@pytest.mark.rule("F3")
def test_a_month_that_was_charged_before_it_could_be_ended_goes_back_too(
    gift: Monthly, connecting: Connecting, work_off: WorkOff
) -> None:
    server, session = connecting.server, _again(gift)
    server.act(session, "pay")
    gift.hear()
    server.act(gift.given.session_id, "pay")
    old = server.call("GET", f"/v1/checkout/sessions/{gift.given.session_id}", account=gift.account)["subscription"]
    server.hook("POST", f"subscriptions/{old}/renew", {})
    server.hook("POST", "faults", {"mode": "500", "method": "DELETE", "path": "/v1/subscriptions", "times": 3})
    gift.connecting.deliver_connected()
    work_off()
    with moved_to(now() + dt.timedelta(hours=1)):
        work_off()
    db.session.rollback()
    astray = db.session.scalars(sa.select(Donation).where(Donation.monthly_gift_id.is_(None))).all()
    assert [(one.amount_minor, one.refunded_minor) for one in astray] == [(2500, 2500)] * 2
    assert server.call("GET", f"/v1/subscriptions/{old}", account=gift.account)["status"] == "canceled"


def taken(gift: Monthly) -> dict[str, Any]:
    """The organization takes its account from us: what Stripe tells of that."""
    gift.connecting.server.act_on_account(gift.account, "deauthorize")
    return {
        "id": "evt_taken", "object": "event", "type": "account.application.deauthorized", "account": gift.account,
        "livemode": False, "created": int(now().timestamp()), "data": {"object": {"id": "ca_x", "object": "application"}},
    }  # fmt: skip


@pytest.mark.parametrize("found_by", ["event", "sweep", "stop"])
def test_an_account_that_was_taken_from_us_ends_its_monthly_gifts_and_everybody_is_told(
    gift: Monthly, connecting: Connecting, work_off: WorkOff, mailbox: Mailbox, found_by: str
) -> None:
    gift.begin()
    events, subscription = connecting.server.events(gift.account), gift.row().stripe_subscription_id
    event = taken(gift)
    if found_by == "event":
        assert connecting.knock(event) == 200
    elif found_by == "sweep":
        with moved_to(now() + dt.timedelta(days=2)):
            monthly.check_monthly()
            assert work_off()["failed"] == 0
        assert gift.row().status == "active"  # an answer alone is not believed at once
        with moved_to(now() + dt.timedelta(days=3, hours=1)):
            assert work_off()["failed"] == 0
    else:
        assert connecting.client.post(gift.url("/stop")).status_code == 303
        assert "has not confirmed that yet" in gift.page()
        with moved_to(now() + dt.timedelta(days=1, hours=1)):
            assert work_off()["failed"] == 0
    assert work_off()["failed"] == 0
    assert (gift.row().status, gift.row().ended_by) == ("ended", "account")
    organization_id = gift.row().organization_id
    assert connecting.row(organization_id).state == "deauthorized"
    [mail] = [mail for mail in mailbox.messages if "monthly" in mail["Subject"]]
    text = text_of(mail)
    assert "cannot stop it from here" in text
    assert "your bank" in text
    assert "No further payment is asked for" not in text
    page = gift.page()
    assert "cannot stop it from here" in page
    assert "No further payment is asked for" not in page
    # The doctor names it, to the organization and to the operator.
    for findings in (doctor.of_organization(connecting.fundraiser().organization), doctor.look_at_books()):
        [said] = [one for one in findings if "monthly gift" in one.text]
        assert said.level == "bad"
        assert "dashboard" in said.remedy
    assert audited("monthly_gift.ended") == ["monthly_gift.ended"]
    # A month that is told of all the same is kept and shown, though nothing can be asked about it.
    paid = next(one for one in events if one["type"] == "invoice.paid")
    late = {**paid, "id": "evt_late", "data": {"object": {**paid["data"]["object"], "id": "in_late"}}}
    connecting.server.requests.clear()
    with moved_to(now() + dt.timedelta(days=5)):
        assert connecting.knock(late) == 200
        assert connecting.knock({**late, "id": "evt_late_2"}) == 200
        assert work_off()["failed"] == 0
        assert checkout.cancel(gift.given.donation_id) == "paid"
    asked = [one.path for one in connecting.server.requests if one.headers.get("Stripe-Account") == gift.account]
    assert asked == []  # Stripe would have to refuse it
    assert note_of("evt_late")[0] == "handled"
    db.session.rollback()
    [mismatch] = db.session.scalars(sa.select(MoneyMismatch))
    assert (mismatch.kind, mismatch.subject, mismatch.organization_id) == ("account_gone", "in_late", organization_id)
    assert "invoice.paid" in mismatch.detail
    # What was counted before it was disconnected, and is only told of now, is no difference.
    told = [one for one in events if one["type"] in ("checkout.session.completed", "invoice.paid")]
    assert len(told) == 2
    with moved_to(now() + dt.timedelta(days=5)):
        for number, one in enumerate(told):
            assert connecting.knock({**one, "id": f"evt_again_{number}"}) == 200
        assert work_off()["failed"] == 0
    assert [note_of(f"evt_again_{number}")[0] for number in (0, 1)] == ["handled"] * 2
    db.session.rollback()
    assert db.session.scalars(sa.select(MoneyMismatch.subject)).all() == ["in_late"]
    assert subscription is not None
    assert monthly_queries.find_monthly_id(subscription, "", gift.account) == gift.id


def test_another_platforms_key_ends_nothing(
    gift: Monthly, connecting: Connecting, work_off: WorkOff, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator who puts in the wrong key is answered as if every organization had gone: what they began stays."""
    gift.begin()

    def not_yours(*_about: object, **_named: object) -> object:
        raise GatewayError(gateway.ACCOUNT_GONE, passing=False)

    with monkeypatch.context() as wrong, moved_to(now() + dt.timedelta(days=2)):
        assert monthly_queries.list_unchecked(gateway.mode(), now()) == [gift.id]
        wrong.setattr(gateway_monthly, "fetch_subscription", not_yours)
        wrong.setattr(gateway, "fetch_account", not_yours)
        assert work_off()["failed"] == 0
        assert connecting.row(gift.row().organization_id).state == "deauthorized"
        # What answers nothing does not stand before what would.
        assert monthly_queries.list_unchecked(gateway.mode(), now()) == []
    with moved_to(now() + dt.timedelta(days=3, hours=1)):
        assert work_off()["failed"] == 0
    assert gift.row().status == "active"
    assert connecting.row(gift.row().organization_id).can_charge
    assert audited("payment_account.deauthorized", "payment_account.there_again") == [
        "payment_account.deauthorized", "payment_account.there_again",
    ]  # fmt: skip
    assert [mail for mail in mailbox.messages if "has ended" in mail["Subject"]] == []


@pytest.mark.parametrize(
    ("was", "by", "said"),
    [
        ("stopped", "donor", "You stopped"),
        ("stopped, then suspended", "donor", "You stopped"),
        ("ended", "fundraiser", "takes no more gifts"),
        ("suspended", "fundraiser", "takes no more gifts"),
        ("not paid", "payment", "Your bank declined the payment, so"),
        ("running", "", "was disconnected from this site for a while"),
        ("ended at Stripe", "organization", "has ended your monthly gift"),
    ],
)
def test_what_was_cut_off_says_who_stopped_it_once_it_is(
    gift: Monthly, mailbox: Mailbox, was: str, by: str, said: str
) -> None:
    gift.begin()
    subscription = gift.row().stripe_subscription_id or ""
    with transaction():
        row = db.session.get_one(MonthlyGift, gift.id)
        fundraiser = db.session.get_one(Fundraiser, row.fundraiser_id)
        if was == "suspended":
            fundraiser.organization.status = "suspended"
        if was.startswith("stopped") or by == "fundraiser":
            operations.ask_to_stop(gift.id, by)
        if was == "ended":
            assert row.stop_asked_at is not None
            fundraiser.status, fundraiser.ended_at = "ended", row.stop_asked_at - dt.timedelta(seconds=1)
        operations.cut_off(gift.id)
        if was == "stopped, then suspended":
            fundraiser.organization.status = "suspended"
    if was in ("ended at Stripe", "not paid"):
        key, unpaid = "manyhands-monthly-elsewhere", was == "not paid"
        why = gateway_monthly.NEVER_PAID if unpaid else ""
        gateway_monthly.cancel_subscription(subscription, key, account=gift.account, comment=why)
    with transaction():
        operations.promise_to_stop_again(gift.account)  # it answers again
    monthly.stop(gift.id)
    gift.work_off()
    assert (gift.row().ended_by, gift.subscription()["status"]) == (by, "canceled")
    ended = [text_of(mail) for mail in mailbox.messages if mail["Subject"].endswith("our monthly gift has ended")]
    assert len(ended) == 2
    assert said in " ".join(ended[1].split())
    # Who was told that it may go on is told that it does not.
    assert (gift.mails().count("monthly_ended"), audited("monthly_gift.ended")) == (2, ["monthly_gift.ended"] * 2)


@pytest.mark.rule("F4")
def test_a_first_payment_of_another_amount_does_not_go_on_either(gift: Monthly) -> None:
    with transaction():
        db.session.get_one(Donation, gift.given.donation_id).amount_minor = 2600
    gift.begin()
    gift.hear()
    assert gift.months() == [("mismatched", 2600)]
    assert (gift.row().status, gift.subscription()["status"]) == ("ended", "canceled")


def test_what_has_ended_here_and_is_charged_at_stripe_all_the_same_is_ended_there_too(gift: Monthly) -> None:
    gift.begin()
    with transaction():
        operations.cut_off(gift.id)
    gift.renew()
    gift.hear()
    assert gift.months() == [("paid", 2500)] * 2  # what is paid is given, and counts
    newest = db.session.scalars(sa.select(Donation.id).order_by(Donation.created_at.desc())).first()
    gift.connecting.server.requests.clear()
    assert gift.connecting.client.post(f"/donations/{donation_token(newest or 0)}/cancel").status_code == 303
    assert gift.connecting.server.posts() == []  # a later month never had a page at Stripe, and gets none now
    assert (gift.row().ended_by, gift.subscription()["status"]) == ("", "canceled")  # by us


def test_a_first_payment_that_a_bank_refused_is_tried_again_with_one_subscription(
    gift: Monthly, connecting: Connecting, work_off: WorkOff
) -> None:
    # Stripe began a subscription with the first try, and days later the bank refused: another's stands in for it here.
    other = Monthly(connecting, work_off)
    connecting.server.act(other.given.session_id, "pay")
    [refused] = [one["subscription"] for one in connecting.server.sessions(gift.account) if one["subscription"]]
    facts = gateway_monthly.fetch_subscription(refused, account=gift.account)
    session = gateway.fetch_session(gift.given.session_id, account=gift.account)
    with transaction():
        donation = db.session.get_one(Donation, gift.given.donation_id)
        operations.note_session(donation, dataclasses.replace(session, subscription_id=refused, invoice_id="in_1"))
    assert gift.row().stripe_subscription_id == refused
    with transaction():  # told that it is over before the donor comes back: their gift is not
        operations.note_subscription(gift.id, dataclasses.replace(facts, status="incomplete_expired"), asked_at=now())
    assert gift.row().status == "pending"
    address = checkout.resume(gift.given.donation_id, Money(3000, "USD"))
    assert address is not None
    was = connecting.server.call("GET", f"/v1/subscriptions/{refused}", account=gift.account)
    assert (was["status"], gift.row().stripe_subscription_id) == ("canceled", None)
    with transaction():  # an answer about the try before, on its way since
        operations.note_subscription(gift.id, facts, asked_at=now())
        # It would be ended and what it took given back; here it is the other gift's.
        assert withdraw(f"end_astray_monthly:{refused}")
    assert gift.row().stripe_subscription_id is None
    connecting.server.act(address.rpartition("/")[2], "pay")
    gift.hear()
    assert (gift.row().status, gift.row().amount_minor, gift.months()) == ("active", 3000, [("paid", 3000)])
    assert gift.row().stripe_subscription_id not in (None, refused)
    with transaction():
        operations.note_subscription(gift.id, dataclasses.replace(facts, status="canceled"), asked_at=now())
    gift.renew()
    gift.hear()
    assert gift.months() == [("paid", 3000)] * 2
    assert gift.row().status == "active"
    assert connecting.client.post(gift.url("/stop")).status_code == 303
    assert (gift.row().status, gift.subscription()["status"]) == ("ended", "canceled")
    assert connecting.server.refused() == []
