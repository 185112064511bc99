"""Going on with a gift that was not paid: the same page while it lives, else a new one, and never two that can be paid."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core import jobs
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import decode_id, encode_id
from app.core.money import Money
from app.donations import checkout, gateway
from app.donations.checks import compare_with_stripe
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.money_models import MoneyMismatch
from app.donations.operations.giving import promise_to_expire
from app.donations.queries import list_stale
from app.fundraisers.operations import approve_fundraiser, decline_fundraiser, end_fundraiser
from app.organizations.models import Organization
from tests.donations.conftest import Given, Giving, WorkOff, ledger_table
from tests.donations.ledger_model import Gift
from tests.donations.test_concurrency import at_once
from tests.factories import make_person


def go_on(giving: Giving, given: Given, amount: str = "25") -> Any:
    """Press the button on the donor's own page."""
    return giving.client.post(f"/donations/{given.token}", data={"amount": amount})


def page_of(giving: Giving, given: Given, query: str = "") -> str:
    """The donor's own page."""
    response = giving.client.get(f"/donations/{given.token}{query}")
    assert response.status_code == 200
    return response.get_data(as_text=True)


def open_sessions(giving: Giving) -> list[dict[str, Any]]:
    """What can be paid at Stripe now."""
    return [session for session in giving.server.sessions() if session["status"] == "open"]


def follow(giving: Giving, given: Given, response: Any) -> Given:
    """The gift at the page that `response` leads to; what the model must hold of it from now on."""
    assert response.status_code == 303, response.get_data(as_text=True)
    given.session_id = response.headers["Location"].rpartition("/")[2]
    given.model.acts.clear()
    given.model.amount = giving.donation(given).amount_minor
    return given


def test_coming_back_by_cancel_says_what_was_about_to_be_given_and_goes_on_at_the_same_page(
    giving: Giving, work_off: WorkOff
) -> None:
    given = giving.give("25")
    page = page_of(giving, given, "?from=checkout")
    assert "You came back from the payment page. Nothing was taken." in page
    assert "You were about to give $25" in page
    assert "Go on to the payment page" in page
    assert 'value="25"' in page
    posts = len(giving.server.posts())
    response = go_on(giving, given)
    assert response.headers["Location"] == giving.donation(given).checkout_url
    assert len(giving.server.posts()) == posts
    giving.act(follow(giving, given, response), "pay")
    giving.settle()
    giving.deliver_all()
    work_off()
    giving.check()


@pytest.mark.rule("F6")
def test_another_amount_closes_the_first_page_before_the_second_opens(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give("25")
    first = given.session_id
    response = go_on(giving, given, "40")
    follow(giving, given, response)
    assert given.session_id != first
    assert [(session["id"], session["amount_total"]) for session in open_sessions(giving)] == [(given.session_id, 4000)]
    keys = [post.headers["Idempotency-Key"] for post in giving.server.posts()]
    number = given.donation_id
    assert keys == [
        f"manyhands-checkout-{number}", f"manyhands-expire-{number}", f"manyhands-checkout-{number}-2",
    ]  # fmt: skip
    assert go_on(giving, given, "40").headers["Location"] == response.headers["Location"]
    giving.act(given, "pay")
    giving.settle()
    giving.deliver_all()  # the first page's "expired" among them
    work_off()
    giving.check()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Donation)) == 1
    assert compare_with_stripe() == (1, [])


@pytest.mark.parametrize("how", ["expire", "pay_later,bank_refuses", "cancel"])
def test_what_was_not_paid_is_gone_on_with_at_a_new_page(giving: Giving, work_off: WorkOff, how: str) -> None:
    given = giving.give("25")
    if how == "cancel":
        assert giving.client.post(f"/donations/{given.token}/cancel").status_code == 303
        assert "You cancelled this gift" in page_of(giving, given)
        assert not open_sessions(giving)
    else:
        giving.act(given, *how.split(","))
        giving.deliver_all()
        work_off()
    old = giving.server.events()
    follow(giving, given, go_on(giving, given, "30"))
    assert giving.donation(given).status == "pending"
    assert len(open_sessions(giving)) == 1
    giving.deliver(*old)  # late, and of the page before
    work_off()
    assert giving.donation(given).stripe_session_id == given.session_id
    assert giving.donation(given).status == "pending"
    giving.act(given, "pay")
    giving.settle()
    giving.deliver_all()
    work_off()
    giving.check()
    assert "Thank you" in page_of(giving, given)


@pytest.mark.rule("F4")
def test_an_event_of_an_earlier_page_cannot_be_taken_for_the_new_one(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give("25")
    first = given.session_id
    giving.act(given, "expire")
    giving.server.hook("POST", "faults", {"mode": "500", "method": "POST", "path": "/sessions", "times": 2})
    assert go_on(giving, given, "30").status_code == 503  # the new try began, its page is not open yet
    donation = giving.donation(given)
    assert (donation.attempt, donation.stripe_session_id, donation.status) == (2, None, "pending")
    assert checkout.fulfil(given.donation_id, session_id=first) == "pending"
    assert giving.donation(given).stripe_session_id is None
    follow(giving, given, go_on(giving, given, "30"))
    assert len(open_sessions(giving)) == 1


@pytest.mark.rule("F6")
@pytest.mark.parametrize("mode", ["drop", "500"])
def test_a_page_whose_address_was_lost_is_closed_before_another_opens(giving: Giving, mode: str) -> None:
    giving.server.hook("POST", "faults", {"mode": mode, "method": "POST", "path": "/sessions", "times": 2})
    assert giving.post(giving.fundraiser(), giving.form()).status_code == 503
    donation = db.session.scalars(sa.select(Donation)).one()
    lost = [session["id"] for session in giving.server.sessions()]
    address = checkout.resume(donation.id, Money(4000, "USD"))
    assert [session["url"] for session in open_sessions(giving)] == [address]
    assert not {session["id"] for session in open_sessions(giving)} & set(lost)


def wait_for(look: Callable[[], Any], seconds: float = 10) -> Any:
    """What `look` gives as soon as it gives something, or nothing after that long."""
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def hang(giving: Giving, method: str = "") -> None:
    """Stripe takes the next request and keeps quiet, longer than anybody waits; what comes after it would be answered."""
    giving.server.requests.clear()
    giving.server.hook("POST", "faults", {"mode": "delay", "method": method, "path": "/sessions", "seconds": 60})


@pytest.mark.rule("F6")
def test_while_stripe_hangs_a_page_asks_once_says_what_is_true_and_the_gift_stays_one(
    giving: Giving, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACT_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(gateway, name, 0.5)
    form = giving.form()
    hang(giving, "POST")
    silent = giving.post(giving.fundraiser(), form)
    assert silent.status_code == 503
    assert "Nothing was taken. Press Donate again" in silent.text
    assert len(giving.server.requests) == 1  # not three times as long
    # Its answer was lost: Stripe makes the page all the same, and the next press gets that one.
    giving.server.hook("DELETE", "faults")
    monkeypatch.setattr(gateway, "ACT_SECONDS", 8.0)
    assert wait_for(giving.server.sessions)
    donation = db.session.scalars(sa.select(Donation)).one()
    donation_id = donation.id
    location = giving.post(giving.fundraiser(), form).headers["Location"]
    assert [session["url"] for session in giving.server.sessions()] == [location]
    given = Given(donation_id, giving.server.sessions()[0]["id"], Gift(encode_id(donation_id), 2500, "USD"))
    giving.given.append(given)
    giving.act(given, "pay")
    giving.settle()
    # What the donor did there is not known yet: no page says that nothing was taken, and none asks a second time.
    monkeypatch.setattr(gateway, "ACT_SECONDS", 0.5)
    for act in ("", "?from=stripe", "/cancel", "go on"):
        hang(giving)
        if act == "go on":
            response = go_on(giving, given, "40")
        elif act == "/cancel":
            response = giving.client.post(f"/donations/{given.token}/cancel")
        else:
            response = giving.client.get(f"/donations/{given.token}{act}")
        assert response.status_code == (503 if act in ("/cancel", "go on") else 200)
        assert "Do not pay a second time" in response.text
        assert "Nothing was taken" not in response.text
        assert len(giving.server.requests) == 1
        giving.server.hook("DELETE", "faults")
    # The worker has more patience than a page: two answers that are lost do not stop it.
    giving.server.hook("POST", "faults", {"mode": "drop-before", "path": "/sessions", "times": 2})
    checkout.fulfil(donation_id)
    work_off()
    giving.check()
    assert "Thank you" in page_of(giving, given)


@pytest.mark.rule("F6")
def test_an_organization_that_is_renamed_meanwhile_is_asked_for_by_the_name_that_stripe_knows(giving: Giving) -> None:
    """The same key with other words is refused by Stripe, and taken for a page that was never made."""
    giving.server.hook("POST", "faults", {"mode": "drop", "method": "POST", "path": "/sessions", "times": 2})
    form = giving.form(cover_fee="y")
    fundraiser = giving.fundraiser()
    assert giving.post(fundraiser, form).status_code == 503
    donation = db.session.scalars(sa.select(Donation)).one()
    with transaction():
        db.session.execute(sa.update(Organization).values(name="Another Name"))
    assert giving.post(fundraiser, form).status_code == 303
    assert giving.server.mistakes == []
    assert len(open_sessions(giving)) == 1
    # Should Stripe refuse all the same, the page that it made is found in its list, and closed before another opens.
    with transaction():
        values = {"stripe_session_id": None, "checkout_url": None, "checkout_title": "Other words"}
        db.session.execute(sa.update(Donation).values(**values))
    address = checkout.resume(donation.id, Money(4000, "USD"))
    assert [session["url"] for session in open_sessions(giving)] == [address]
    assert len(giving.server.mistakes) == 1
    giving.server.mistakes.clear()  # that one was meant


@pytest.mark.rule("F6")
def test_going_on_never_pays_twice_when_it_was_paid_in_another_tab(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give("25")
    giving.act(given, "pay")
    giving.settle()
    response = go_on(giving, given, "40")
    assert response.headers["Location"] == f"/donations/{given.token}"
    assert not open_sessions(giving)
    giving.check()
    waiting = giving.give("30")
    giving.act(waiting, "pay_later")
    assert go_on(giving, waiting, "40").headers["Location"] == f"/donations/{waiting.token}"
    assert "on its way" in page_of(giving, waiting)
    giving.check()


def test_a_payment_at_the_very_moment_of_cancelling_stays_a_payment(
    giving: Giving, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = giving.give("25")
    real = checkout.gateway.expire_session

    def paid_first(session_id: str, key: str, *, account: str | None) -> Any:
        giving.act(given, "pay")
        return real(session_id, key, account=account)

    monkeypatch.setattr(checkout.gateway, "expire_session", paid_first)
    giving.client.post(f"/donations/{given.token}/cancel")
    giving.settle()
    assert checkout.fulfil(given.donation_id) == "paid"
    giving.check()
    assert "Thank you" in page_of(giving, given)


@pytest.mark.rule("F6")
def test_many_at_once_with_many_amounts_leave_one_page_that_can_be_paid(giving: Giving) -> None:
    given = giving.give("25")

    def press(number: int) -> str | None:
        with contextlib.suppress(GatewayError, Refused):
            return checkout.resume(given.donation_id, Money(3000 + 100 * (number % 3), "USD"))
        return None

    at_once(giving, press)
    live = open_sessions(giving)
    assert len(live) <= 1  # none when the last to close a page gave up, told to try again
    assert {session["id"] for session in live} <= {giving.donation(given).stripe_session_id}
    address = checkout.resume(given.donation_id, Money(5000, "USD"))
    assert [(session["url"], session["amount_total"]) for session in open_sessions(giving)] == [(address, 5000)]


@pytest.mark.rule("F6")
@pytest.mark.parametrize("name", ["_close", "fulfil", "_make_session"])
def test_who_is_slower_with_another_amount_reads_what_the_gift_went_on_with(
    giving: Giving, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Overtaken before the page before is closed, before the next try is begun, or before its page is there."""
    given = giving.give("25")
    real, pages = getattr(checkout, name), []

    def press(slower: str, faster: int) -> Any:
        """Go on with `slower`, while another press with `faster` dollars overtakes it."""

        def overtaken(*about: Any, **named: Any) -> Any:
            monkeypatch.setattr(checkout, name, real)
            found = real(*about, **named) if name == "fulfil" else None
            pages.append(checkout.resume(given.donation_id, Money(100 * faster, "USD")))
            return found or real(*about, **named)

        monkeypatch.setattr(checkout, name, overtaken)
        return go_on(giving, given, slower)

    told = press("30", 40)
    assert (told.status_code, told.headers["Location"]) == (303, f"/donations/{given.token}")
    assert [(one["url"], one["amount_total"]) for one in open_sessions(giving)] == [(pages[0], 4000)]
    page = page_of(giving, given)
    assert "At the same moment this gift went on with another amount: $40" in page
    assert "did not answer" not in page
    assert 'value="40"' in page
    # Pressed once more it goes on; and who meant the same as the other is led to the same page.
    follow(giving, given, go_on(giving, given, "30"))
    assert [one["amount_total"] for one in open_sessions(giving)] == [3000]
    assert press("50", 50).headers["Location"] == pages[1] == open_sessions(giving)[0]["url"]
    assert len(open_sessions(giving)) == 1


@pytest.mark.rule("F6")
def test_a_form_whose_gift_goes_on_meanwhile_leads_to_the_gift(giving: Giving, monkeypatch: pytest.MonkeyPatch) -> None:
    real = checkout._make_session

    def overtaken(asked: Any, account: str | None) -> Any:
        monkeypatch.setattr(checkout, "_make_session", real)
        assert checkout.resume(decode_id(asked.donation) or 0, Money(4000, "USD"))
        return real(asked, account)

    monkeypatch.setattr(checkout, "_make_session", overtaken)
    led = giving.post(giving.fundraiser(), giving.form())
    assert led.status_code == 303
    assert "You were about to give $40" in giving.client.get(led.headers["Location"]).text
    assert [one["amount_total"] for one in open_sessions(giving)] == [4000]


@pytest.mark.rule("F6")
def test_a_double_click_on_going_on_is_one_new_page(giving: Giving) -> None:
    given = giving.give("25")
    giving.act(given, "expire")
    checkout.fulfil(given.donation_id)
    addresses = {
        address
        for address in at_once(giving, lambda _number: checkout.resume(given.donation_id, Money(2500, "USD")))
        if address
    }
    assert addresses == {session["url"] for session in open_sessions(giving)}
    assert len(addresses) == 1
    assert len(giving.server.sessions()) == 2


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=False)
def test_control_without_closing_the_page_before_two_can_be_paid(
    giving: Giving, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = giving.give("25")
    monkeypatch.setattr(checkout, "_close", lambda *_arguments: None)
    monkeypatch.setattr(checkout, "fulfil", lambda _key: "expired")
    with transaction():  # what believing the session to be closed, unasked, would do
        db.session.execute(sa.update(Donation).values(status="expired"))
    checkout.resume(given.donation_id, Money(4000, "USD"))
    assert len(open_sessions(giving)) == 2


@pytest.mark.rule("F3")
def test_a_page_paid_after_it_was_believed_closed_is_put_before_a_person(giving: Giving, work_off: WorkOff) -> None:
    """Stripe promises that this cannot happen; if it ever does, nobody is silent about it."""
    given = giving.give("25")
    with transaction():
        db.session.execute(sa.update(Donation).values(status="expired"))
    checkout.resume(given.donation_id, Money(4000, "USD"))
    giving.server.act(given.session_id, "pay")
    sessions = {session["id"]: session for session in giving.server.sessions()}
    assert sessions[given.session_id]["payment_status"] == "paid"
    giving.deliver_all()
    work_off()
    donation = giving.donation(given)
    assert donation.status == "pending"
    assert "is paid as well" in donation.note
    new_page = str(donation.stripe_session_id)
    assert not ledger_table()
    _compared, problems = compare_with_stripe()
    assert len(problems) == 1
    # Paid on its new page as well: that counts, and what is too much stays on the list.
    giving.server.act(new_page, "pay")
    giving.deliver_all()
    work_off()
    assert giving.donation(given).status == "paid"
    assert len(ledger_table()) == 1
    [row] = db.session.scalars(sa.select(MoneyMismatch))
    assert (row.kind, row.donation_id, row.seen_at) == ("second_payment", given.donation_id, None)
    assert row.subject == sessions[given.session_id]["payment_intent"]


def test_back_to_the_form_with_another_amount_closes_the_checkout_before(giving: Giving, work_off: WorkOff) -> None:
    form = giving.form(amount="25")
    fundraiser = giving.fundraiser()
    giving.post(fundraiser, form)
    second = giving.post(fundraiser, {**form, "amount": "40"}).headers["Location"]
    work_off()
    assert [session["url"] for session in open_sessions(giving)] == [second]
    other = giving.post(fundraiser, giving.form(amount="25")).headers["Location"]  # another form is another gift
    work_off()
    assert {session["url"] for session in open_sessions(giving)} == {second, other}


def test_back_and_forth_between_two_amounts_the_last_one_can_be_paid(giving: Giving, work_off: WorkOff) -> None:
    form, fundraiser = giving.form(amount="25"), giving.fundraiser()
    first = giving.post(fundraiser, form).headers["Location"]
    giving.post(fundraiser, {**form, "amount": "40"})
    assert giving.post(fundraiser, form).headers["Location"] == first
    work_off()
    assert [session["url"] for session in open_sessions(giving)] == [first]


def test_a_late_promise_to_close_a_try_leaves_the_next_one_open(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give("25")
    with transaction():
        promise_to_expire(given.donation_id, 1)
    follow(giving, given, go_on(giving, given, "40"))
    work_off()
    assert [session["id"] for session in open_sessions(giving)] == [given.session_id]


def test_the_first_form_sent_again_after_the_amount_was_changed_leads_to_the_gift(giving: Giving) -> None:
    form = giving.form(amount="25")
    giving.post(giving.fundraiser(), form)
    donation = db.session.scalars(sa.select(Donation)).one()
    checkout.resume(donation.id, Money(4000, "USD"))
    again = giving.post(giving.fundraiser(), form)
    assert again.headers["Location"].startswith("/donations/")
    assert [session["amount_total"] for session in open_sessions(giving)] == [4000]


@pytest.mark.rule("F8")
def test_a_closed_fundraiser_is_not_gone_on_with_and_says_so(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    with transaction():
        end_fundraiser(giving.fundraiser().id, by=None)
    work_off()
    assert not open_sessions(giving)
    page = page_of(giving, given)
    assert "takes no more gifts" in page
    assert "<input" not in page
    assert go_on(giving, given, "40").headers["Location"] == f"/donations/{given.token}"
    with pytest.raises(Refused):
        checkout.resume(given.donation_id, Money(2500, "USD"))
    assert not open_sessions(giving)


@pytest.mark.rule("F8")
def test_a_second_try_is_closed_with_its_fundraiser_as_the_first_was(giving: Giving, work_off: WorkOff) -> None:
    given, fundraiser, staff = giving.give(), giving.fundraiser(), make_person()
    for _time in range(2):
        with transaction():
            decline_fundraiser(fundraiser.id, by=staff, reason="wait")
        jobs.work_off(giving.app.extensions["outbox_handlers"], ())  # by its promise, not by the sweep
        assert not open_sessions(giving)
        assert giving.donation(given).status == "expired"
        with transaction():
            approve_fundraiser(fundraiser.id, by=staff)
        assert go_on(giving, given).status_code == 303
        assert len(open_sessions(giving)) == 1


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Type an amount"),
        ("0.49", "Give $0.50 or more"),
        ("-5", "Enter an amount above zero"),
        ("1000000", "Give $999,999.99 or less"),
        ("9" * 60, "as a number"),
        ("lots", "as a number"),
    ],
)
def test_an_amount_that_cannot_be_charged_is_refused_and_the_first_page_stays(
    giving: Giving, typed: str, message: str
) -> None:
    given = giving.give("25")
    response = go_on(giving, given, typed)
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert message in page
    assert "<title>Error:" in page
    assert [session["id"] for session in open_sessions(giving)] == [given.session_id]


def test_when_stripe_is_silent_nothing_is_claimed_and_the_page_looks_again_with_an_end(giving: Giving) -> None:
    given = giving.give("25")
    giving.server.hook("POST", "faults", {"mode": "500", "method": "GET", "times": 100})
    page = page_of(giving, given)
    assert "We do not know yet" in page
    assert "Do not pay a second time" in page
    assert "Nothing was taken" not in page
    assert "Go on to the payment page" not in page
    refresh = re.search(r'http-equiv="refresh" content="4; url=([^"]+)"', page)
    assert refresh is not None
    assert refresh[1].endswith("look=1")
    for look in ("15", "99999", "x", "-1", "²"):
        assert "refresh" not in page_of(giving, given, f"?look={look}")
    response = go_on(giving, given, "40")
    assert response.status_code == 503
    assert "Nothing was taken" not in response.get_data(as_text=True)  # it may have been paid on the page that is open
    assert giving.client.post(f"/donations/{given.token}/cancel").status_code == 503
    giving.server.hook("DELETE", "faults")
    assert "refresh" not in page_of(giving, given)
    assert [session["id"] for session in open_sessions(giving)] == [given.session_id]


def test_what_the_bank_has_to_confirm_is_looked_at_again_now_and_then(giving: Giving) -> None:
    given = giving.give("25")
    giving.act(given, "pay_later")
    page = page_of(giving, given)
    assert 'content="60; url=' in page
    assert "You need not do anything" in page
    assert "<input" not in page
    assert "refresh" not in page_of(giving, given, "?look=10")


def test_a_declined_card_is_named_and_forgotten_when_another_pays(giving: Giving) -> None:
    given = giving.give("25")
    giving.act(given, "decline")
    page = page_of(giving, given, "?from=checkout")
    assert "Your payment did not go through" in page
    assert "The bank declined the card and did not say why. Nothing was taken." in page
    assert "Go on to the payment page" in page
    follow(giving, given, go_on(giving, given))
    giving.act(given, "pay")
    assert "Thank you" in page_of(giving, given)
    assert giving.donation(given).problem == ""


def test_after_a_month_a_new_gift_is_started_instead(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "expire")
    giving.deliver_all()
    work_off()
    with time_machine.travel(now() + dt.timedelta(days=31), tick=False):
        page = page_of(giving, given)
        assert "Start a new gift" in page
        assert "<input" not in page
        assert go_on(giving, given).headers["Location"] == f"/donations/{given.token}"


def test_a_gift_of_a_demonstration_is_not_gone_on_with_in_earnest(giving: Giving) -> None:
    given = giving.give()
    with transaction():
        db.session.execute(sa.update(Donation).values(mode="test"))
    requests = len(giving.server.requests)
    assert "Go on" not in page_of(giving, given)
    go_on(giving, given)
    assert list_stale(now() + dt.timedelta(days=1), mode="demo") == []
    assert len(giving.server.requests) == requests


def test_every_try_is_in_the_audit_trail(giving: Giving) -> None:
    given = giving.give("25")
    go_on(giving, given, "40")
    giving.client.post(f"/donations/{given.token}/cancel")
    db.session.rollback()
    actions = list(db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)))
    assert [action for action in actions if action.startswith("donation.")] == [
        "donation.started", "donation.expired", "donation.resumed", "donation.expired", "donation.cancelled",
    ]  # fmt: skip


def test_only_the_link_itself_goes_on_or_cancels(giving: Giving, new_client: Callable[[], Any]) -> None:
    given = giving.give()
    guess = given.token[:-1] + ("0" if given.token[-1] != "0" else "1")
    stranger = new_client()
    assert stranger.post(f"/donations/{guess}", data={"amount": "1"}).status_code == 404
    assert stranger.post(f"/donations/{guess}/cancel").status_code == 404
    assert giving.client.post(f"/donations/{given.token}/cancel", csrf=False).status_code == 400
    assert len(open_sessions(giving)) == 1
