"""The door Stripe knocks at and what follows (F2-F4, F6): through HTTP, with the real package, against a separate process."""

from __future__ import annotations

import datetime as dt
import json
import random
import time

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.clock import moved_to, now
from app.core.db import db, transaction
from app.core.outbox import ASK_AGAIN, MAXIMUM_ATTEMPTS, Outbox
from app.donations import checkout, events, queries
from app.donations.models import Donation, StripeEvent
from app.donations.queries import totals
from tests.donations.conftest import Giving, WorkOff, count_events, ledger_table
from tests.donations.ledger_model import raised
from tests.donations.stripe_server import sign

# One gift of every fate; together they make some 25 events.
FATES = (
    ("25", "USD", ("pay",)),
    ("0.50", "USD", ("decline", "pay")),
    ("100", "USD", ("pay_later", "bank_confirms")),
    ("70", "USD", ("pay_later", "bank_refuses")),
    ("40", "USD", ("pay_later",)),
    ("30", "USD", ("decline",)),
    ("15", "USD", ("expire",)),
    ("500", "JPY", ("pay",)),
)


def live_all_fates(giving: Giving) -> None:
    """Every gift is given and meets its fate at Stripe; nothing is delivered."""
    for number, (amount, currency, acts) in enumerate(FATES):
        giving.act(giving.give(amount, currency, email=f"donor{number}@example.org"), *acts)
    giving.settle()


def check_everything(giving: Giving) -> None:
    """Ledger, statuses, totals, thanks and audit are what happened, each once."""
    giving.check()
    models = [given.model for given in giving.given]
    for currency in ("USD", "JPY"):
        fundraiser = giving.fundraiser(currency)
        shown = totals([fundraiser.id])[fundraiser.id]
        assert (shown.settled.amount_minor, shown.processing.amount_minor) == raised(models, currency)
    paid = [given.donation_id for given in giving.given if given.model.state == "paid"]
    thanked = db.session.scalars(sa.select(Outbox.payload).where(Outbox.kind == "mail_donation_thanks"))
    assert sorted(payload["donation_id"] for payload in thanked) == sorted(paid)
    audited = db.session.scalars(sa.select(AuditEvent.subject_id).where(AuditEvent.action == "donation.paid"))
    assert sorted(audited) == sorted(paid)
    assert totals([giving.fundraiser().id])[giving.fundraiser().id].donor_count == 3


@pytest.mark.rule("F3")
@pytest.mark.rule("F4")
def test_events_in_order_make_the_ledger_the_model_expects(giving: Giving, work_off: WorkOff) -> None:
    live_all_fates(giving)
    for event in giving.server.events():
        assert giving.deliver(event) == [200]
        assert work_off()["failed"] == 0
    check_everything(giving)


@pytest.mark.rule("F3")
def test_every_event_twice_changes_nothing(giving: Giving, work_off: WorkOff) -> None:
    live_all_fates(giving)
    for event in giving.server.events():
        assert giving.deliver(event, event) == [200, 200]
    work_off()
    giving.deliver_all()
    work_off()
    assert count_events() == len(giving.server.events())
    check_everything(giving)


@pytest.mark.rule("F3")
def test_events_in_reverse_make_the_same_ledger(giving: Giving, work_off: WorkOff) -> None:
    live_all_fates(giving)
    for event in reversed(giving.server.events()):
        giving.deliver(event)
        work_off()
    check_everything(giving)


@pytest.mark.rule("F3")
@pytest.mark.parametrize("seed", range(4))
def test_shuffled_repeated_and_late_events_make_the_same_ledger(giving: Giving, work_off: WorkOff, seed: int) -> None:
    chance = random.Random(seed)
    pending: list[dict[str, object]] = []
    for number, (amount, currency, acts) in enumerate(chance.sample(FATES, len(FATES))):
        given = giving.give(amount, currency, email=f"donor{number}@example.org")
        for act in acts:  # some news overtakes the next act, some comes long after it
            giving.act(given, act)
            if chance.random() < 0.4:
                giving.deliver(*chance.choices(giving.server.events(), k=3))
                work_off()
    giving.settle()
    pending = [event for event in giving.server.events() for _time in range(chance.choice((1, 1, 2)))]
    chance.shuffle(pending)
    giving.deliver(*pending)
    work_off()
    giving.check()


@pytest.mark.rule("F3")
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_what_was_never_delivered_is_found_by_the_sweep(giving: Giving, work_off: WorkOff, share: float) -> None:
    chance = random.Random(7)
    live_all_fates(giving)
    giving.deliver(*(event for event in giving.server.events() if chance.random() >= share))
    work_off()
    check_everything(giving)
    before = ledger_table()
    work_off()
    assert ledger_table() == before


@pytest.mark.rule("F3")
def test_a_fee_that_comes_later_is_added_once(giving: Giving, work_off: WorkOff) -> None:
    giving.act(giving.give(), "pay")
    giving.deliver_all()
    work_off()
    giving.check()
    assert [kind for _label, kind, _entries in ledger_table()] == ["gift"]
    giving.settle()
    giving.deliver_all()
    giving.deliver_all()
    work_off()
    giving.check()
    assert [kind for _label, kind, _entries in ledger_table()] == ["fee", "gift"]


@pytest.mark.rule("F3")
def test_a_type_nobody_knows_is_stored_and_answered_200(giving: Giving, work_off: WorkOff) -> None:
    event = {
        "id": "evt_unknown",
        "object": "event",
        "type": "customer.tail.wagged",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": "tail_1", "object": "tail"}},
    }
    assert giving.deliver(event, event) == [200, 200]
    stored = db.session.scalars(sa.select(StripeEvent)).one()
    assert (stored.stripe_id, stored.type, stored.status) == ("evt_unknown", "customer.tail.wagged", "ignored")
    # Some of what events speak of has no id.
    nameless = event | {"id": "evt_nameless", "data": {"object": {"id": None, "object": "tail"}}}
    assert giving.deliver(nameless) == [200]
    assert work_off()["failed"] == 0


@pytest.mark.rule("F3")
def test_an_event_of_the_other_mode_is_kept_and_left_alone(giving: Giving, work_off: WorkOff) -> None:
    giving.act(giving.give(), "pay")
    live = [{**event, "livemode": True} for event in giving.server.events()]
    assert set(giving.deliver(*live)) == {200}
    assert {(row.status, row.note) for row in db.session.scalars(sa.select(StripeEvent))} == {
        ("ignored", "wrong livemode")
    }
    assert not ledger_table()


@pytest.mark.rule("F3")
def test_an_event_of_somebody_else_changes_nothing(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "pay")
    with transaction():  # this installation never had that donation
        db.session.execute(sa.delete(Donation))
    giving.deliver_all()
    assert work_off()["failed"] == 0
    assert {row.status for row in db.session.scalars(sa.select(StripeEvent))} == {"ignored"}
    assert not ledger_table()


def forged_headers(body: bytes) -> dict[str, str | None]:
    """Every way a webhook can be not from Stripe, by name."""
    now = int(time.time())
    good = sign(body)
    return {
        "missing": None,
        "empty": "",
        "no_scheme": f"t={now}",
        "no_time": good.split(",")[1],
        "not_hex": f"t={now},v1=zz",
        "wrong_secret": sign(body, secret="whsec_of_somebody_else"),
        "no_secret": sign(body, secret=""),
        "v0_only": sign(body, scheme="v0"),
        "stale": sign(body, at=now - 301),
        "time_changed": good.replace(f"t={now}", f"t={now + 1}"),
        "time_not_a_number": good.replace(f"t={now}", "t=soon"),
        "not_ascii": f"t={now},v1=\u00e9",
        "nonsense": "=,=,=",
        "signature_of_another_body": sign(body + b" "),
    }


@pytest.mark.rule("F3")
@pytest.mark.parametrize("forgery", sorted(forged_headers(b"")))
def test_a_forged_event_is_refused_and_nothing_is_stored(giving: Giving, work_off: WorkOff, forgery: str) -> None:
    giving.act(giving.give(), "pay")
    body = json.dumps(giving.server.events()[-1]).encode()
    header = forged_headers(body)[forgery]
    headers = {} if header is None else {"Stripe-Signature": header}
    response = giving.client.post("/stripe/webhook", data=body, content_type="application/json", headers=headers)
    assert response.status_code == 400
    assert count_events() == 0
    assert not ledger_table()


@pytest.mark.rule("F3")
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"object":"event"}', b'"event"', b"{"])
def test_a_signed_body_that_is_no_event_is_refused(giving: Giving, body: bytes) -> None:
    headers = {"Stripe-Signature": sign(body) if body != b"\xff\xfe" else "t=1,v1=00"}
    assert giving.client.post("/stripe/webhook", data=body, headers=headers).status_code == 400
    assert count_events() == 0


@pytest.mark.rule("F3")
def test_one_tampered_byte_is_refused(giving: Giving) -> None:
    giving.act(giving.give(), "pay")
    body = json.dumps(giving.server.events()[-1]).encode()
    tampered = body.replace(b"evt_", b"evx_", 1)
    response = giving.client.post("/stripe/webhook", data=tampered, headers={"Stripe-Signature": sign(body)})
    assert response.status_code == 400
    assert count_events() == 0


@pytest.mark.rule("F4")
@pytest.mark.parametrize("column", ["amount_minor", "currency"])
def test_another_amount_or_currency_is_never_counted(giving: Giving, work_off: WorkOff, column: str) -> None:
    given = giving.give()
    values = {"amount_minor": 9900} if column == "amount_minor" else {"currency": "CAD"}
    with transaction():  # what was asked is no longer what Stripe was told
        db.session.execute(sa.update(Donation).values(**values))
    giving.act(given, "pay")
    giving.deliver_all()
    work_off()
    donation = giving.donation(given)
    assert donation.status == "mismatched"
    assert "2500 USD" in donation.note
    assert not ledger_table()
    assert totals([donation.fundraiser_id])[donation.fundraiser_id].settled.amount_minor == 0
    actions = set(db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.subject_id == donation.id)))
    assert {"donation.disagreement", "donation.mismatched"} <= actions


@pytest.mark.rule("F3")
def test_a_session_we_lost_is_found_by_its_metadata(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "pay")
    with transaction():  # the process died before it saved what Stripe had answered
        db.session.execute(sa.update(Donation).values(stripe_session_id=None, checkout_url=None))
    giving.deliver_all()
    work_off()
    giving.check()
    assert giving.donation(given).stripe_session_id == given.session_id


@pytest.mark.rule("F3")
def test_stripes_silence_uses_up_no_tries_and_what_was_given_up_is_asked_for_again(
    giving: Giving, work_off: WorkOff
) -> None:
    giving.act(giving.give(), "pay")
    [event] = [one for one in giving.server.events() if one["type"] == "checkout.session.completed"]
    giving.deliver(event)
    giving.server.hook("POST", "faults", {"mode": "500", "times": 1000})
    for _time in range(MAXIMUM_ATTEMPTS + 2):
        assert work_off()["failed"] >= 1
    query = sa.select(Outbox).where(Outbox.kind == "stripe_event")
    [promise] = db.session.scalars(query).all()
    assert (promise.attempts, promise.given_up_at, promise.last_error) == (1, None, "APIError")
    assert promise.due_at - now() <= ASK_AGAIN
    # Something that does not pass ended it: given up, or even gone. Who answers by then are neither pages nor other sweeps.
    with transaction():
        db.session.execute(sa.update(Outbox).where(Outbox.kind == "stripe_event").values(given_up_at=now()))
    events.ask_again()
    assert db.session.scalars(query).one().given_up_at is not None
    with moved_to(now() + dt.timedelta(hours=2)):
        events.ask_again()
        [promise] = db.session.scalars(query).all()
        assert (promise.attempts, promise.given_up_at) == (0, None)
        with transaction():
            db.session.execute(sa.delete(Outbox).where(Outbox.kind == "stripe_event"))
        giving.server.hook("DELETE", "faults")
        events.ask_again()
        events.ask_again()
        [promise] = db.session.scalars(query).all()
        db.session.rollback()
        events.handle(promise.payload["event_id"])
        events.ask_again()
    giving.check()


@pytest.mark.rule("F3")
def test_what_always_fails_does_not_stand_before_what_would_answer(giving: Giving) -> None:
    lost, other = giving.give(), giving.give(email="other@example.org")
    with transaction():
        db.session.execute(
            sa.update(Donation).where(Donation.id == lost.donation_id).values(stripe_session_id="cs_nowhere")
        )
    with moved_to(now() + dt.timedelta(hours=1)):
        due = [lost.donation_id, other.donation_id]
        assert queries.list_stale(now() - checkout.STALE, mode="demo") == due
        db.session.rollback()
        giving.server.hook("POST", "faults", {"mode": "drop-before", "method": "GET", "times": 3})
        giving.server.requests.clear()
        checkout.check_stale()  # nobody answers: the second is not asked, and comes first the next time
        assert len(giving.server.requests) == 3
        assert queries.list_stale(now() - checkout.STALE, mode="demo") == [other.donation_id]
        db.session.rollback()
        checkout.check_stale()
        assert queries.list_stale(now() - checkout.STALE, mode="demo") == []
        db.session.rollback()


@pytest.mark.rule("F6")
def test_every_post_to_stripe_carries_its_key_and_names_the_donation(giving: Giving, work_off: WorkOff) -> None:
    live_all_fates(giving)
    giving.deliver_all()
    work_off()
    posts = giving.server.posts()
    assert len(posts) == len(FATES)
    keys = {given.model.label: f"manyhands-checkout-{given.donation_id}" for given in giving.given}
    for post in posts:
        label = post.form["metadata[donation_id]"]
        assert post.headers["Idempotency-Key"] == keys.pop(label)
        assert post.form["payment_intent_data[metadata][donation_id]"] == label
        assert post.form["mode"] == "payment"
        assert post.form["submit_type"] == "donate"
        assert "Telemetry" not in " ".join(post.headers)
    assert not keys


def test_intake_makes_no_call_to_stripe(giving: Giving) -> None:
    giving.act(giving.give(), "pay")
    events = giving.server.events()
    giving.server.requests.clear()
    giving.deliver(*events)
    assert not giving.server.requests
