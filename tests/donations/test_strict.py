"""What Stripe does and a kind server would not: unusual answers, and nothing asked that it has to refuse (F3, F6)."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import outbox
from app.core.clock import moved_to, now
from app.core.db import db, transaction
from app.core.money import Money
from app.donations import checkout, doctor, events, gateway, gateway_monthly, going_back, monthly
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.money_models import Dispute
from app.donations.operations.disputes import save_evidence
from app.donations.operations.refunds import start_refund
from app.donations.sweeping import ask_each
from tests.donations.conftest import WorkOff
from tests.donations.connecting import Connecting, connecting, note_of
from tests.donations.test_monthly import Monthly

__all__ = ["connecting"]


@pytest.fixture
def gift(connecting: Connecting, work_off: WorkOff) -> Monthly:
    return Monthly(connecting, work_off)


@pytest.mark.rule("F6")
@pytest.mark.parametrize("mode", ["500-kept", "500-done"])
def test_an_error_that_stripe_keeps_under_the_key_is_looked_behind_and_tried_under_another(
    connecting: Connecting, work_off: WorkOff, mode: str
) -> None:
    """Under the same key it would be the same error for a day. Whether it was done in the middle or not: it is made once."""
    server = connecting.server

    def fails(path: str, times: int = 1) -> None:
        server.hook("POST", "faults", {"mode": mode, "method": "POST", "path": path, "times": times})

    fails("/v1/accounts")
    fails("/v1/account_links")
    fundraiser = connecting.fundraiser()
    account, owner = connecting.accounts[fundraiser.organization_id], fundraiser.started_by
    fails("/v1/checkout/sessions")
    fails("/v1/billing_portal/configurations")
    gift = Monthly(connecting, work_off).begin()
    assert connecting.client.post(gift.url("/card")).status_code == 303
    paid, left = connecting.give(), connecting.give("30")
    fails("/expire")
    assert checkout.cancel(left.donation_id) == "expired"
    connecting.act(paid, "pay")
    server.settle()
    gift.hear()
    fails("/v1/refunds", 2)
    with transaction():
        refund_id = start_refund(paid.donation_id, amount=Money(700, "USD"), by=owner, mode="demo").id
    if mode == "500-kept":  # twice: the worker goes on, under the third key
        with pytest.raises(GatewayError) as failed:
            going_back.ask_refund(refund_id)
        assert failed.value.passing
    assert going_back.ask_refund(refund_id) == "succeeded"
    server.hook("DELETE", "faults")
    charge = connecting.donation(paid).stripe_charge_id
    server.hook("POST", f"charges/{charge}/dispute", {"amount": 300})
    gift.hear()
    with transaction():
        dispute_id = db.session.scalars(sa.select(Dispute.id)).one()
        save_evidence(dispute_id, {"product_description": "A gift"}, by=owner)
    fails("/v1/disputes/")
    going_back.send_evidence(dispute_id, by=owner)
    going_back.send_evidence(dispute_id, by=owner)
    gift.hear()
    made = {name: len(server.call("GET", f"/v1/{name}?limit=100", account=account)["data"]) for name in (
        "checkout/sessions", "refunds",
    )}  # fmt: skip
    assert made == {"checkout/sessions": 3, "refunds": 1}
    assert len(server.call("GET", "/v1/accounts?limit=100")["data"]) == 1
    assert server.refused() == []


@pytest.mark.rule("F3")
@pytest.mark.parametrize("days", [0, 2])
def test_what_was_asked_while_an_account_was_doubted_is_done_once_it_is_back(
    gift: Monthly, connecting: Connecting, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """An operator puts in another platform's key, for minutes or for days: a donor's stop, and news, are not lost."""
    gift.begin()
    paid = next(one for one in connecting.server.events(gift.account) if one["type"] == "invoice.paid")

    def not_yours(*_about: object, **_named: object) -> object:
        raise GatewayError(gateway.ACCOUNT_GONE, passing=False)

    with monkeypatch.context() as wrong, moved_to(now() + dt.timedelta(minutes=5)):
        for module, name in ((gateway_monthly, "fetch_subscription"), (gateway_monthly, "fetch_invoice"),
                             (gateway, "fetch_account")):  # fmt: skip
            wrong.setattr(module, name, not_yours)
        assert connecting.client.post(gift.url("/stop")).status_code == 303
        assert "has not confirmed that yet" in gift.page()
        assert connecting.knock({**paid, "id": "evt_doubted"}) == 200
        work_off()
        assert note_of("evt_doubted")[0] == "received"
        if days:
            with moved_to(now() + dt.timedelta(days=days)):
                assert work_off()["failed"] == 0
            assert (note_of("evt_doubted")[0], gift.row().ended_by) == ("handled", "account")
    with moved_to(now() + dt.timedelta(days=days, hours=3)):
        work_off()
        assert work_off()["failed"] == 0
    assert note_of("evt_doubted")[0] == "handled"
    assert (gift.subscription()["status"], gift.row().status, gift.row().ended_by) == ("canceled", "ended", "donor")
    assert connecting.server.refused() == []


@pytest.mark.rule("F3")
def test_what_is_gone_at_stripe_is_let_go_of_a_day_later_and_the_operator_reads_it(
    gift: Monthly, connecting: Connecting, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test clock or a customer that was deleted, or a wrong key for a while: both answer that there is no such thing."""
    gift.begin()
    server, begun = connecting.server, now()
    invoices = [gift.renew()["id"] for _month in range(2)]
    paid = [one for one in server.events(gift.account) if one["type"] in ("invoice.paid", "invoice_payment.paid")]
    told = [[one for one in paid if invoice in str(one)] for invoice in invoices]
    back, lost = ({one["data"]["object"]["id"] for one in some} for some in told)
    assert (len(back), len(lost)) == (2, 2)
    for one in (*told[0], *told[1]):
        assert connecting.knock(one) == 200

    def fails(_event: object) -> None:
        raise ZeroDivisionError

    def notes() -> list[set[tuple[str, str]]]:
        return [{note_of(one["id"]) for one in some} for some in told]

    def said() -> dict[str, tuple[str, str]]:
        db.session.rollback()
        return {one.title: (one.level, one.text) for one in doctor.look_at_inbox()}

    with server.without(*lost):
        with server.without(*back):
            for hours in (0, 2):
                with moved_to(begun + dt.timedelta(hours=hours)):
                    assert work_off()["failed"] == 0
            assert notes() == [{("received", "")}] * 2
            with moved_to(begun + dt.timedelta(hours=2)):
                assert "4 events speak" in said()["Not found at Stripe"][1]
                assert "Events that wait" not in said()  # neither that none waits
            # It is known after all, and something of ours fails: these wait, and the day begins anew.
            with moved_to(begun + dt.timedelta(hours=3)), monkeypatch.context() as ours:
                ours.setattr(events, "ACTS", (("invoice", fails),))
                assert work_off()["failed"] == 4
                assert "Not found at Stripe" not in said()
                assert said()["Events that wait"][0] == "bad"
        with moved_to(begun + dt.timedelta(hours=4)):
            assert work_off()["failed"] == 0
        assert notes() == [{("handled", "")}, {("received", "")}]
        with moved_to(begun + dt.timedelta(hours=26)):  # a day after it was said first, and not since
            assert work_off()["failed"] == 0
            assert notes()[1] == {("received", "")}
        with moved_to(begun + dt.timedelta(hours=30)):
            assert work_off()["failed"] == 0
            assert "Not found at Stripe" not in said()
            level, text = said()["Gone at Stripe"]
    assert (level, text.count(gift.account)) == ("look", 2)
    assert [one for one in lost if one not in text] == []
    assert notes() == [{("handled", "")}, {("ignored", "gone at Stripe")}]
    assert gift.months() == [("paid", 2500)] * 2
    # It was the key: the operator lets Stripe send them again, and they count.
    for one in told[1]:
        assert connecting.knock(one) == 200
    assert notes()[1] == {("received", "")}
    with moved_to(begun + dt.timedelta(hours=32)):
        assert work_off()["failed"] == 0
        assert "Gone at Stripe" not in said()
    assert notes() == [{("handled", "")}] * 2
    assert gift.months() == [("paid", 2500)] * 3


@pytest.mark.rule("F4")
def test_a_month_marked_as_paid_outside_stripe_is_shown_to_staff_and_stops_no_other(gift: Monthly) -> None:
    gift.begin().card_works(False)
    invoice = gift.renew()["id"]
    gift.hear()
    gift.connecting.server.hook("POST", f"invoices/{invoice}/pay_outside", {})
    monthly.refresh(gift.id)
    assert gift.months() == [("paid", 2500), ("mismatched", 2500)]  # no charge stands for it: a person is to look
    gift.hear()
    gift.card_works(True)
    gift.renew()
    gift.hear()
    assert gift.months() == [("paid", 2500), ("mismatched", 2500), ("paid", 2500)]


@pytest.mark.rule("F4")
def test_a_month_at_any_amount_that_was_ever_asked_for_is_counted_and_no_other(gift: Monthly) -> None:
    """Its invoice stays open while its donor changes the amount twice and puts in another card. Whose clock is ahead does not
    matter: Stripe's is, here."""
    server = gift.begin().connecting.server
    server.hook("POST", "clock", {"advance": 3 * 24 * 3600})
    gift.card_works(False)
    invoice = gift.renew()["id"]
    gift.hear()
    for minor in (4000, 6000):
        monthly.change_amount(gift.id, Money(minor, "USD"))
    gift.card_works(True)
    server.hook("POST", f"invoices/{invoice}/retry", {})
    gift.hear()
    assert gift.months() == [("paid", 2500), ("paid", 2500)]
    assert (gift.row().amount_minor, gift.row().asked_minor) == (6000, [2500, 4000, 6000])
    with transaction():  # somebody changes it in the dashboard
        row = gift.row()  # once: asking for it again takes back what was said of it
        row.amount_minor, row.asked_minor = 4000, [2500, 4000]
    gift.renew()
    gift.hear()
    assert gift.months()[2:] == [("mismatched", 6000)]


def test_a_subscription_that_counts_what_is_used_has_no_quantity(
    gift: Monthly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An organization's own, on its account: it is none of ours, and its events are answered."""
    import stripe

    shown = gift.begin().subscription()
    del shown["items"]["data"][0]["quantity"]
    facts = gateway_monthly._subscription_facts(stripe.Subscription.construct_from(shown, None))
    assert facts.amount.amount_minor == 2500


def test_what_fails_in_a_sweep_holds_up_no_other(app: Flask) -> None:
    asked: list[int] = []
    noted: list[int] = []
    problems = {1: LookupError("gone"), 2: GatewayError("api_error", passing=True), 3: ZeroDivisionError()}

    def act(key: int) -> None:
        asked.append(key)
        if key in problems:
            raise problems[key]

    def looked_at(key: int, _at: dt.datetime) -> None:
        noted.append(key)

    ask_each("trial", [1, 2, 3, 4], act, looked_at)
    assert (asked, noted) == ([1, 2, 3, 4], [1, 2, 3])
    problems[2] = GatewayError("unreachable", passing=True)
    ask_each("trial", [1, 2, 3, 4], act, looked_at)
    assert asked[4:] == [1, 2]  # nobody answers: the next would wait as long
    assert noted[3:] == [1, 2]  # and whoever always keeps us waiting comes last the next time


@pytest.mark.rule("F3")
def test_how_things_stand_is_asked_before_stripe_would_have_to_refuse(gift: Monthly, connecting: Connecting) -> None:
    server, client = gift.begin().connecting.server, connecting.client
    fundraiser, form = connecting.fundraiser(), connecting.form()
    # Ended in the dashboard, and the news of it is late.
    server.call("DELETE", f"/v1/subscriptions/{gift.row().stripe_subscription_id}", account=gift.account)
    for act in ("/pause", "/amount", "/card"):
        assert client.post(gift.url(act), data={"amount": "40"}).status_code == 303
        assert (gift.row().status, gift.row().ended_by) == ("ended", "organization")
    server.act_on_account(gift.account, "restrict")
    with transaction():  # asked about a minute ago
        connecting.row(fundraiser.organization_id).checked_at = now() - dt.timedelta(minutes=1)
    assert connecting.post(fundraiser, form).status_code == 409
    assert not connecting.row(fundraiser.organization_id).can_charge
    assert server.refused() == []


@pytest.mark.rule("F4")
def test_what_stripe_does_not_take_of_a_donor_is_said_at_its_field(connecting: Connecting, work_off: WorkOff) -> None:
    server, fundraiser = connecting.server, connecting.fundraiser()
    refused = connecting.post(fundraiser, connecting.form(email="ros\u00e1@example.org"))
    assert refused.status_code == 422
    assert "plain Latin letters" in refused.text
    assert connecting.post(fundraiser, connecting.form(email="rosa@ex\u00e4mple.org")).status_code == 303
    assert server.posts()[-1].form["customer_email"] == "rosa@xn--exmple-cua.org"
    yen = connecting.fundraiser("JPY")
    account = connecting.accounts[yen.organization_id]
    server.hook("POST", "settles_in", {"account": account, "currency": "usd", "rate": "0.0065"})
    small = connecting.post(yen, connecting.form(amount="60"))
    assert small.status_code == 422
    assert "less than the payment service takes" in small.text
    db.session.rollback()
    assert [one.status for one in db.session.scalars(sa.select(Donation).where(Donation.currency == "JPY"))] == [
        "expired"
    ]
    assert connecting.post(yen, connecting.form(amount="600")).status_code == 303
    monthly_yen = Monthly(connecting, work_off, currency="JPY", amount="600").begin()
    small = connecting.client.post(monthly_yen.url("/amount"), data={"amount": "60"})
    assert small.status_code == 422
    assert "less than the payment service takes" in small.text
    row = monthly_yen.row()
    assert (row.status, row.amount_minor, row.wanted_minor) == ("active", 600, None)


def test_no_account_waits_for_another_whose_list_of_events_fails(
    gift: Monthly, connecting: Connecting, work_off: WorkOff
) -> None:
    gift.begin()
    gift.renew()  # nothing is delivered, and the list of the installation's own account fails
    connecting.server.hook("POST", "faults", {"mode": "500", "method": "GET", "path": "/v1/events", "times": 3})
    checkout.list_missed_events()
    work_off()
    assert gift.months() == [("paid", 2500)] * 2


def test_while_nobody_answers_what_would_ask_waits_together_and_the_rest_is_done(app: Flask) -> None:
    done: list[str] = []

    def asks(payload: dict[str, str]) -> None:
        done.append(payload["outbox_key"])
        raise outbox.Unanswered("unreachable", along=("asks", "asks_too"))

    with transaction():
        for kind, key in (("asks", "a"), ("asks_too", "b"), ("asks", "c"), ("mail", "d")):
            outbox.enqueue(kind, {}, key=key)
    handlers = {"asks": asks, "asks_too": asks, "mail": lambda payload: done.append(payload["outbox_key"])}
    while (held := outbox.claim()) is not None:
        outbox.run(held, handlers)
    assert done == ["a", "d"]
    with moved_to(now() + dt.timedelta(hours=1)):
        assert outbox.count_due() == 3  # none is lost
        held = [outbox.claim() for _number in range(3)]
        assert [one.key for one in held if one is not None] == ["b", "c", "a"]  # what always fails comes last
