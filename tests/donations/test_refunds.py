"""Money that goes back: refunds by staff and from Stripe's dashboard (F5, F6; MONEY.md 8), through HTTP with the real package."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.clock import moved_to, now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.donations import checks, gateway_money, going_back, money_queries, stale_queries
from app.donations.models import Donation
from app.donations.money_models import Refund
from app.donations.operations import refunds
from app.donations.operations.refunds import note_refunds
from tests.conftest import CheckingClient
from tests.donations.back import FORM, Back, follow
from tests.donations.conftest import Giving, WorkOff, ledger_table
from tests.donations.test_crash import die
from tests.donations.test_ledger_verify import verify
from tests.smtp import Mailbox

ROOT = Path(__file__).parents[2]


@pytest.fixture
def back(giving: Giving, work_off: WorkOff) -> Back:
    """Money that goes back."""
    return Back(giving, work_off)


def refunds_at_stripe(back: Back) -> list[dict[str, Any]]:
    return list(back.server.call("GET", "/v1/refunds?limit=100")["data"])


def refund_entries(label: str, *signed: int) -> list[Any]:
    """The ledger's transactions of refunds: positive goes back, negative did not arrive."""
    kinds = {True: "refund", False: "refund_failed"}
    return sorted(
        (label, kinds[minor > 0], (("refunds", minor, "USD"), ("stripe_clearing", -minor, "USD"))) for minor in signed
    )


def problems(back: Back) -> list[str]:
    """What comparing everything with Stripe finds."""
    return list(json.loads(verify(back.giving, "--with-stripe").stdout.splitlines()[-1])["problems"])


def in_ledger(*kinds: str) -> list[Any]:
    return [row for row in ledger_table() if row[1] in kinds]


@pytest.mark.rule("F5")
@pytest.mark.rule("F6")
def test_staff_give_back_a_part_then_the_rest(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay()
    owner = back.staff(given)
    client, address = sign_in(owner), back.address(given, "refund")
    assert "at most $25" in client.get(address).get_data(as_text=True)
    back.server.requests.clear()
    assert client.post(address, data={**FORM, "amount": "10"}).status_code == 303
    [asked] = back.server.posts()
    [row] = back.rows(Refund)
    assert asked.form == {
        "payment_intent": back.donation(given).stripe_payment_intent_id,
        "amount": "1000",
        "reason": "requested_by_customer",
        "metadata[donation_id]": encode_id(given.donation_id),
        "metadata[refund_id]": encode_id(row.id),
        "expand[0]": "balance_transaction",
        "expand[1]": "failure_balance_transaction",
    }
    assert asked.headers["Idempotency-Key"] == f"manyhands-refund-{row.id}"
    assert (row.status, row.amount_minor, row.note, row.asked_by_id) == ("succeeded", 1000, "She gave twice", owner.id)
    assert (back.raised(given), back.donation(given).refunded_minor) == (1500, 1000)
    back.work_off()
    [mail] = [mail for mail in mailbox.messages if "go back to you" in mail["Subject"]]
    assert mail["To"] == "rosa@example.org"
    assert "She gave twice" not in mail.as_string()
    # More than is left is refused at its field, what was typed is kept.
    refused = client.post(address, data={**FORM, "amount": "15.01", "nonce": "m"})
    assert refused.status_code == 409
    assert "At most $15 of this gift can go back" in refused.get_data(as_text=True)
    assert 'value="15.01"' in refused.get_data(as_text=True)
    for bad in ("0", "-3", "x", "1.001"):
        assert client.post(address, data={**FORM, "amount": bad}).status_code in (409, 422)
    assert client.post(address, data={**FORM, "note": " "}).status_code == 422
    assert client.post(address, data={**FORM, "amount": "15", "nonce": "m"}).status_code == 303
    back.hear()  # the events of it all, later
    assert in_ledger("refund", "refund_failed") == refund_entries(encode_id(given.donation_id), 1000, 1500)
    assert (back.raised(given), len(refunds_at_stripe(back))) == (0, 2)
    assert "can be given back here" in client.get(address).get_data(as_text=True)
    page = client.get(back.address(given)).get_data(as_text=True)
    assert "Given back" in page
    assert "She gave twice" in page
    actions = set(db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.subject_id == given.donation_id)))
    assert {"donation.refund_asked", "donation.refunded"} <= actions
    outcome = json.loads(verify(back.giving, "--with-stripe").stdout.splitlines()[-1])
    assert outcome["ok"], outcome
    assert outcome["checked"]["balance"] == 3
    assert back.server.refused() == []


@pytest.mark.rule("F5")
def test_a_large_refund_is_looked_at_once_more(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given = back.pay("250")
    client, address = sign_in(back.staff(given)), back.address(given, "refund")
    assert client.post(address, data={**FORM, "amount": "99.99"}).status_code == 303  # below the limit: at once
    asked = client.post(address, data={**FORM, "amount": "120", "nonce": "b"})
    assert asked.status_code == 200
    assert "Give back $120?" in asked.get_data(as_text=True)
    # Another amount than the one that was looked at is asked for again.
    assert client.post(address, data={**FORM, "amount": "110", "nonce": "b", "confirmed": "12000"}).status_code == 200
    assert len(back.rows(Refund)) == 1
    assert client.post(address, data={**FORM, "amount": "120", "nonce": "b", "confirmed": "12000"}).status_code == 303
    assert [row.amount_minor for row in back.rows(Refund)] == [9999, 12000]


@pytest.mark.rule("F6")
def test_a_double_click_and_a_lost_answer_give_back_once(
    back: Back, sign_in: Callable[..., CheckingClient], tmp_path: Path
) -> None:
    given = back.pay()
    client, address = sign_in(back.staff(given)), back.address(given, "refund")
    # Stripe does it, and the answer is lost each time: the row waits, the page says so, the worker asks again.
    back.server.hook("POST", "faults", {"mode": "drop", "method": "POST", "path": "/refunds", "times": 2})
    assert "Stripe does not answer now" in follow(client, client.post(address, data={**FORM, "amount": "10"}))
    assert [row.status for row in back.rows(Refund)] == ["asked"]
    assert client.post(address, data={**FORM, "amount": "10"}).status_code == 303  # the second click
    # Killed as soon as Stripe has answered, and then once more with the answer in hand.
    assert len(back.rows(Refund)) == 1
    back.hear()
    assert [row.status for row in back.rows(Refund)] == ["succeeded"]
    assert [refund["amount"] for refund in refunds_at_stripe(back)] == [1000]
    back.server.hook("DELETE", "faults")
    # A page that never came to asking, because it was killed: the promise is kept by the worker.
    back.server.hook("POST", "faults", {"mode": "drop-before", "method": "POST", "path": "/refunds", "times": 2})
    assert client.post(address, data={**FORM, "amount": "5", "nonce": "x"}).status_code == 303
    die(back.giving, tmp_path, "after", "app.donations.gateway_money:create_refund", "work-off")
    back.work_off()
    assert [row.status for row in back.rows(Refund)] == ["succeeded", "succeeded"]
    assert sorted(refund["amount"] for refund in refunds_at_stripe(back)) == [500, 1000]
    assert back.raised(given) == 1000
    # After a day Stripe has forgotten the key: its list says that the refund was made.
    back.server.hook("DELETE", "faults")
    back.server.hook("POST", "faults", {"mode": "drop", "method": "POST", "path": "/refunds", "times": 2})
    client.post(address, data={**FORM, "amount": "1", "nonce": "y"})
    with db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE refund SET created_at = '2026-01-01' WHERE status = 'asked'"))
    back.server.requests.clear()
    back.work_off()
    assert back.server.posts() == []
    assert [row.status for row in back.rows(Refund)] == ["succeeded"] * 3
    assert checks.check_returned()[1] == []


@pytest.mark.rule("F5")
def test_refunds_of_the_dashboard_waiting_failing_and_shuffled(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay()
    label, owner = encode_id(given.donation_id), back.staff(given)
    back.server.hook("POST", "refund_outcome", {"outcome": "pending"})
    unheard = back.at_stripe(given, "refund", amount=200)
    back.server.hook("POST", f"refunds/{unheard['id']}/fail", {})
    back.hear()  # it had failed when we first heard of it: Stripe's balance moved twice, and so does the ledger
    back.hear()
    assert in_ledger("refund", "refund_failed") == refund_entries(label, 200, -200)
    assert (back.raised(given), back.donation(given).refunded_minor) == (2500, 0)
    made = [back.at_stripe(given, "refund", amount=minor) for minor in (700, 300)]
    back.hear()
    heard = {row.amount_minor: (row.status, row.asked_by_id) for row in back.rows(Refund)}
    assert heard == {200: ("failed", None), 700: ("pending", None), 300: ("pending", None)}
    assert back.raised(given) == 1500
    back.server.hook("POST", f"refunds/{made[0]['id']}/succeed", {})
    back.server.hook("POST", f"refunds/{made[1]['id']}/fail", {})
    events = back.server.events()
    # Everything again, the last first: a late "pending" changes nothing.
    assert set(back.giving.deliver(*reversed(events), *events)) == {200}
    back.work_off()
    assert {row.amount_minor: row.status for row in back.rows(Refund)} == {
        700: "succeeded",
        300: "failed",
        200: "failed",
    }
    assert in_ledger("refund", "refund_failed") == refund_entries(label, 200, -200, 700, 300, -300)
    assert (back.raised(given), back.donation(given).refunded_minor) == (1800, 700)
    subjects = [mail["Subject"] for mail in mailbox.messages]
    assert subjects.count("$3 did not reach you") == 1  # the donor
    assert subjects.count("A refund of $3 did not arrive") == 1  # the owner
    assert {mail["To"] for mail in mailbox.messages if "A refund of" in mail["Subject"]} == {owner.email}
    # What did not arrive stands first, though it is the older one, and the doctor leads to it.
    with transaction():
        failed = sa.update(Refund).where(Refund.status == "failed")
        db.session.execute(failed.values(created_at=now() - dt.timedelta(days=1)))
    organization = back.donation(given).fundraiser.organization
    assert [row.status for row in money_queries.list_refunds(organization.id)] == ["failed", "failed", "succeeded"]
    browser = sign_in(owner)
    page = browser.get(f"/manage/{organization.slug}/money").text
    assert f'href="/manage/{organization.slug}/money#refunds">Open the gift' in page
    assert 'id="refunds"' in page
    assert "The card has expired or was cancelled" in browser.get(back.address(given)).text  # not Stripe's code
    # Even one that was called done may come back.
    back.server.hook("POST", f"refunds/{made[0]['id']}/fail", {})
    back.hear()
    assert back.raised(given) == 2500
    assert json.loads(verify(back.giving, "--with-stripe").stdout.splitlines()[-1])["problems"] == []


@pytest.mark.rule("F3")
@pytest.mark.rule("F5")
@pytest.mark.parametrize("known", [True, False], ids=["booked before", "failed when first heard of"])
def test_refunds_of_one_second_count_once_in_whatever_order_they_are_listed(back: Back, known: bool) -> None:
    """The first failed, the second is of the whole gift as well: Stripe promises no order among equals."""
    gifts = [back.pay(), back.pay()]
    for order, given in zip(("newest", "oldest"), gifts, strict=True):
        label = encode_id(given.donation_id)
        first = back.at_stripe(given, "refund")
        if known:
            back.hear()
        back.server.hook("POST", f"refunds/{first['id']}/fail", {})
        back.server.hook("POST", "clock", {"at": first["created"]})
        back.at_stripe(given, "refund")
        back.server.hook("POST", "ties", {"order": order})
        going_back.refresh_refunds(given.donation_id)
        signed = [minor for row in in_ledger("refund", "refund_failed") if row[0] == label for minor in row_of(row)]
        assert sorted(signed) == [-2500, 2500, 2500]
        assert back.donation(given).refunded_minor == 2500
    assert back.raised(gifts[0]) == 0
    assert (checks.check_returned()[1], checks.check_ledger()[1]) == ([], [])


def row_of(row: Any) -> list[int]:
    """What of a transaction changed the refunds."""
    return [minor for account, minor, _currency in row[2] if account == "refunds"]


@pytest.mark.rule("F5")
def test_a_refund_that_failed_and_is_heard_of_after_another_one_was_booked(back: Back) -> None:
    given = back.pay()
    failed = back.at_stripe(given, "refund", amount=2000)
    back.server.hook("POST", f"refunds/{failed['id']}/fail", {})
    second = back.at_stripe(given, "refund", amount=1500)
    facts = gateway_money.fetch_refund(second["id"], account=None)
    with transaction():  # as the answer to asking for it says: of this one alone
        note_refunds(given.donation_id, [facts])
    assert back.donation(given).refunded_minor == 1500
    for _again in range(2):
        going_back.refresh_refunds(given.donation_id)
    booked = sorted(minor for row in in_ledger("refund", "refund_failed") for minor in row_of(row))
    assert booked == [-1000, -1000, 1000, 1000, 1500]  # the part of the page and what is beyond it, both ways
    assert (back.raised(given), back.donation(given).refunded_minor) == (1000, 1500)
    assert (checks.check_returned()[1], checks.check_ledger()[1]) == ([], [])


@pytest.mark.rule("F2")
def test_what_an_earlier_version_wrote_when_a_refund_was_asked_for_stays_written(back: Back) -> None:
    given = back.pay()
    back.server.hook("POST", "refund_outcome", {"outcome": "held"})
    made = back.at_stripe(given, "refund", amount=1000)["id"]
    going_back.refresh_refunds(given.donation_id)
    assert in_ledger("refund", "refund_failed") == []
    with transaction():
        donation = db.session.get_one(Donation, given.donation_id)
        movement = refunds.move_back(donation, 1000)
        refunds.book(donation, movement, account="refunds", kind="refund", source=f"refund:{made}")
        db.session.scalars(sa.select(Refund)).one().booked_minor = 1000
    written = refund_entries(encode_id(given.donation_id), 1000)
    for act in ("", "book"):
        if act:
            back.server.hook("POST", f"refunds/{made}/{act}", {})
        going_back.refresh_refunds(given.donation_id)
        assert (in_ledger("refund", "refund_failed"), back.donation(given).refunded_minor) == (written, 1000)
    assert problems(back) == []


@pytest.mark.rule("F5")
def test_a_refund_takes_from_the_books_when_it_leaves_stripes_balance(
    back: Back, sign_in: Callable[..., CheckingClient]
) -> None:
    """Stripe has no balance transaction for it: it waits for money or for the donor's bank, or was not booked yet."""
    given = back.pay()
    client = sign_in(back.staff(given))

    def hear() -> list[tuple[int, str]]:
        going_back.refresh_refunds(given.donation_id)
        assert problems(back) == []
        return sorted((row.amount_minor, row.status) for row in back.rows(Refund))

    made = {}
    for minor, outcome in ((100, "requires_action"), (200, "held"), (300, "held"), (400, "requires_action")):
        back.server.hook("POST", "refund_outcome", {"outcome": outcome})
        made[minor] = back.at_stripe(given, "refund", amount=minor)["id"]
    assert hear() == [(100, "requires_action"), (200, "pending"), (300, "pending"), (400, "requires_action")]
    assert (in_ledger("refund", "refund_failed"), back.raised(given)) == ([], 2500)
    assert "at most $15" in client.get(back.address(given, "refund")).text  # they are on their way all the same
    for minor, act in ((100, "book"), (200, "fail"), (300, "cancel"), (400, "cancel")):
        back.server.hook("POST", f"refunds/{made[minor]}/{act}", {})
    assert hear() == [(100, "pending"), (200, "failed"), (300, "canceled"), (400, "canceled")]
    label = encode_id(given.donation_id)
    assert in_ledger("refund", "refund_failed") == refund_entries(label, 100)
    assert back.raised(given) == 2400
    # What failed had left after all: Stripe books both when nobody expects it, and no event tells.
    back.server.hook("POST", f"refunds/{made[200]}/book", {})
    # What is called done counts at once; Stripe books it later, and here nobody is told either.
    back.server.hook("POST", "settles_in", {"account": None, "currency": "eur", "rate": "0.9"})
    back.server.hook("POST", "refund_outcome", {"outcome": "unbooked"})
    unbooked = back.at_stripe(given, "refund", amount=600)["id"]
    back.hear()
    assert back.raised(given) == 1800
    back.server.hook("POST", f"refunds/{unbooked}/book", {})
    assert problems(back) != []
    with moved_to(now() + dt.timedelta(hours=7)):
        going_back.check_stale()
        assert problems(back) == []
        back.server.requests.clear()
        going_back.check_stale()
        assert back.server.requests == []  # not all the time
    assert in_ledger("refund", "refund_failed") == refund_entries(label, 100, 200, -200, 600)
    assert len(in_ledger("exchange")) == 1
    with moved_to(now() + stale_queries.BOOKED_WITHIN + dt.timedelta(days=1)):
        [waits] = [row.id for row in back.rows(Refund) if row.status == "pending"]
        assert stale_queries.list_refunds_to_check(mode="demo") == [waits]
    assert back.server.refused() == []


@pytest.mark.rule("F5")
def test_what_stripe_refuses_is_told_and_nothing_is_counted(
    back: Back, mailbox: Mailbox, sign_in: Callable[..., CheckingClient]
) -> None:
    given = back.pay()
    owner, address = back.staff(given), back.address(given, "refund")
    client = sign_in(owner)
    back.server.hook("POST", "faults", {"mode": "400", "method": "POST", "path": "/refunds"})
    page = follow(client, client.post(address, data={**FORM, "amount": "5", "nonce": "refused"}))
    assert "Stripe did not make this refund" in page
    assert ([row.status for row in back.rows(Refund)], back.raised(given)) == (["refused"], 2500)
    # What we have not heard of yet is looked at first, and counts at once; what Stripe would refuse is not asked.
    back.at_stripe(given, "refund", amount=2000)
    asked = {"more": {**FORM, "amount": "10"}, "rest": {**FORM, "amount": "5", "nonce": "rest"}}
    page = follow(client, client.post(address, data=asked["more"]))
    assert "Less than that is left of the gift" in page
    assert back.raised(given) == 500
    assert client.post(address, data=asked["rest"]).status_code == 303
    assert sorted(row.status for row in back.rows(Refund)) == ["refused", "refused", "succeeded", "succeeded"]
    assert back.raised(given) == 0
    back.work_off()
    told = [mail for mail in mailbox.messages if mail["Subject"] == "A refund of $10 was not made"]
    assert [mail["To"] for mail in told] == [owner.email]
    disputed = back.pay()
    back.at_stripe(disputed, "dispute")
    page = follow(client, client.post(back.address(disputed, "refund"), data={**FORM, "nonce": "disputed"}))
    assert "bank has taken the payment back" in page
    assert back.server.refused() == []


@pytest.mark.rule("F5")
def test_a_wrong_key_or_a_limit_refuses_no_refund(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given = back.pay()
    client, settings = sign_in(back.staff(given)), back.giving.app.config["SETTINGS"]
    back.giving.app.config["SETTINGS"] = dataclasses.replace(settings, stripe_secret_key="sk_test_mistyped")
    back.giving.app.extensions.pop("stripe_client", None)
    page = follow(client, client.post(back.address(given, "refund"), data=FORM))
    assert "Stripe does not answer now" in page
    back.giving.app.config["SETTINGS"] = settings
    back.giving.app.extensions.pop("stripe_client", None)
    assert [row.status for row in back.rows(Refund)] == ["asked"]
    back.work_off()
    assert ([row.status for row in back.rows(Refund)], back.raised(given)) == (["succeeded"], 0)


@pytest.mark.rule("F5")
@pytest.mark.parametrize("answer", ["known", "lost"])
def test_the_news_of_a_refund_before_that_of_the_gift(back: Back, answer: str) -> None:
    given = back.giving.give()
    back.giving.act(given, "pay")
    if answer == "lost":  # we do not know its page, and find it by its metadata alone
        with transaction():
            db.session.execute(sa.update(Donation).values(stripe_session_id=None, checkout_url=None))
    [charge] = back.server.call("GET", "/v1/charges?limit=1")["data"]
    back.server.hook("POST", f"charges/{charge['id']}/refund", {"amount": 400})
    assert set(back.giving.deliver(*reversed(back.server.events()))) == {200}
    back.work_off()
    assert (back.raised(given), back.donation(given).refunded_minor) == (2100, 400)
    assert json.loads(verify(back.giving, "--with-stripe").stdout.splitlines()[-1])["problems"] == []


@pytest.mark.rule("F5")
def test_a_refund_that_nobody_told_us_of_is_asked_about(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given = back.pay()
    back.server.hook("POST", "refund_outcome", {"outcome": "pending"})
    sign_in(back.staff(given)).post(back.address(given, "refund"), data=FORM)
    [refund] = back.rows(Refund)
    back.server.hook("POST", f"refunds/{refund.stripe_refund_id}/fail", {})
    back.server.hook("POST", "faults", {"mode": "500", "method": "GET", "path": "/events", "times": 100})
    with db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE refund SET checked_at = '2026-01-01'"))
    back.work_off()
    assert [row.status for row in back.rows(Refund)] == ["failed"]
    assert back.raised(given) == 2500


@pytest.mark.rule("A1")
@pytest.mark.rule("F5")
def test_who_may_give_back(back: Back, sign_in: Callable[..., CheckingClient]) -> None:
    given, other = back.pay(), back.pay("30", "EUR")
    address = back.address(given, "refund")
    for person in (back.staff(other), back.staff(given, "coordinator"), back.staff(given, "viewer")):
        assert sign_in(person).post(address, data=FORM).status_code == 404
    # A gift of another organization under one's own address.
    theirs = back.address(given, "refund").replace(encode_id(given.donation_id), encode_id(other.donation_id))
    assert sign_in(back.staff(given)).post(theirs, data=FORM).status_code == 404
    assert back.rows(Refund) == []
    assert sign_in(back.staff(given, "manager")).post(address, data=FORM).status_code == 303
