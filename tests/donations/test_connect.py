"""Every organization is paid through its own account (MONEY rule 7): through HTTP, with the real package."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from app.core import db as core_db
from app.core.audit import AuditEvent
from app.core.clock import moved_to, now
from app.core.db import db, transaction, uses_sqlite
from app.core.errors import Refused
from app.core.outbox import Outbox
from app.donations import accounts, checkout, events, gateway, payees, queries
from app.donations.accounts_models import PaymentAccount
from app.donations.gateway import GatewayError
from app.donations.models import StripeEvent
from app.donations.money_models import MoneyMismatch
from app.donations.operations import inbox
from app.donations.operations.accounts import note_deauthorized
from app.organizations.models import Organization
from tests.donations.conftest import Giving, WorkOff, count_events
from tests.donations.connecting import Connecting, connecting, note_of
from tests.donations.stripe_server import CONNECT_SECRET, SECRET, Request
from tests.factories import make_fundraiser, make_organization, make_person

__all__ = ["connecting"]


def about_gifts(requests: list[Request]) -> list[Request]:
    """What was asked about gifts: not about accounts, nor the list of the installation's own events."""
    kept = [request for request in requests if not request.path.startswith("/v1/account")]
    return [request for request in kept if not request.path.startswith("/v1/events?")]


@pytest.mark.rule("F3")
@pytest.mark.rule("F6")
def test_a_gift_is_paid_through_its_organizations_own_account(connecting: Connecting, work_off: WorkOff) -> None:
    given = connecting.give("25")
    account = connecting.account_of(given)
    connecting.act(given, "pay")
    connecting.settle()
    connecting.deliver_connected()
    assert work_off()["failed"] == 0
    connecting.check()
    asked = about_gifts(connecting.server.requests)
    assert len(asked) >= 4
    assert {request.headers.get("Stripe-Account") for request in asked} == {account}
    assert all("Idempotency-Key" in request.headers for request in connecting.server.posts())
    # The installation's own account has seen nothing of it.
    assert connecting.server.sessions() == []
    assert connecting.server.refused() == []


@pytest.mark.rule("F3")
def test_what_happened_on_an_account_is_found_in_its_own_list(connecting: Connecting, work_off: WorkOff) -> None:
    given, other = connecting.give("25"), connecting.give("500", "JPY")
    connecting.act(given, "pay")
    connecting.act(other, "pay")
    assert work_off()["failed"] == 0
    assert [connecting.donation(one).status for one in (given, other)] == ["paid", "paid"]
    listed = {
        request.headers.get("Stripe-Account")
        for request in connecting.server.requests
        if request.path.startswith("/v1/events?")
    }
    assert listed == {None, *connecting.accounts.values()}


def test_pages_of_an_accounts_list_are_asked_of_that_account(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [connecting.give("25", email=f"d{number}@example.org") for number in range(3)]
    account = connecting.account_of(given[0])
    for one in given:
        connecting.act(one, "expire")
    connecting.server.requests.clear()
    monkeypatch.setattr(gateway, "PAGE", 1)
    found = gateway.list_events(now() - dt.timedelta(hours=1), ("checkout.session.expired",), account=account)
    assert len(found) == 3
    assert {event.account for event in found} == {account}
    assert len(connecting.server.requests) >= 3
    assert {request.headers["Stripe-Account"] for request in connecting.server.requests} == {account}


@pytest.mark.rule("F3")
def test_each_endpoint_proves_only_its_own_secret(connecting: Connecting, work_off: WorkOff) -> None:
    given = connecting.give("25")
    account = connecting.account_of(given)
    connecting.act(given, "pay")
    event = connecting.server.events(account)[-1]
    own = {**event, "id": "evt_own", "account": None}
    assert connecting.knock(event, secret=SECRET) == 400
    assert connecting.knock(own, secret=CONNECT_SECRET, path="/stripe/webhook") == 400
    connecting.app.config["SETTINGS"] = dataclasses.replace(
        connecting.app.config["SETTINGS"], stripe_connect_webhook_secret=""
    )
    assert connecting.knock(event, secret="") == 400  # a secret that everybody knows proves nothing
    assert count_events() == 0
    connecting.app.config["SETTINGS"] = dataclasses.replace(
        connecting.app.config["SETTINGS"], stripe_connect_webhook_secret=CONNECT_SECRET
    )
    # What is signed for the other door is stored there, and nobody acts upon it.
    assert connecting.knock(event, secret=SECRET, path="/stripe/webhook") == 200
    assert note_of(event["id"]) == ("ignored", "of a connected account")
    assert connecting.knock({**own}, secret=CONNECT_SECRET) == 200
    assert note_of("evt_own") == ("ignored", "of no connected account")
    # It comes to its own door yet, or is found in the list: then it counts, once.
    assert connecting.knock(own, secret=SECRET, path="/stripe/webhook") == 200
    assert note_of("evt_own") == ("received", "")
    checkout.list_missed_events()
    assert note_of(event["id"]) == ("received", "")
    for _again in range(2):
        assert connecting.knock(event) == 200
        assert connecting.knock(event, secret=SECRET, path="/stripe/webhook") == 200
        work_off()
        assert note_of(event["id"])[0] == "handled"
    assert connecting.donation(given).status == "paid"


@pytest.mark.rule("F3")
def test_an_account_that_is_not_ours_and_the_other_mode_are_kept_and_left_alone(
    connecting: Connecting, work_off: WorkOff
) -> None:
    given = connecting.give("25")
    connecting.act(given, "pay")
    event = connecting.server.events(connecting.account_of(given))[-1]
    assert connecting.knock({**event, "id": "evt_stranger", "account": "acct_stranger"}) == 200
    assert note_of("evt_stranger") == ("ignored", "of an account that is not ours")
    assert connecting.knock({**event, "id": "evt_live", "livemode": True}) == 200
    assert note_of("evt_live") == ("ignored", "wrong livemode")
    assert connecting.donation(given).status == "pending"
    assert connecting.knock(event) == 200  # the control: the same event as it was
    work_off()
    assert connecting.donation(given).status == "paid"


@pytest.mark.rule("F3")
def test_a_delivery_costs_one_statement_and_is_kept_once_with_its_promise(
    connecting: Connecting, count_queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At either door, new or not, ours or not: on PostgreSQL one question to the server, which commits it, on SQLite two."""
    account = connecting.account_of(connecting.give("25"))
    taken = db.session.scalars(sa.select(PaymentAccount)).one()
    with transaction():  # begun anew since: only a gift names the account still
        taken.stripe_account_id = "acct_another"
    if uses_sqlite():  # the driver is asked directly: what it is asked is counted

        def tell(driver: Any, statement: Any, values: Any) -> None:
            count_queries.append(str(statement))
            told(driver, statement, values)

        told = core_db._tell
        monkeypatch.setattr(core_db, "_tell", tell)
    else:

        def execute(cursor: psycopg.Cursor[Any], query: str, *rest: Any, **more: Any) -> Any:
            count_queries.append(query)
            return run(cursor, query, *rest, **more)

        run = psycopg.Cursor.execute
        monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    event = {"object": "event", "type": "charge.updated", "created": 1_790_000_000, "livemode": False,
             "data": {"object": {"id": "ch_1"}}}  # fmt: skip
    here = {"secret": SECRET, "path": "/stripe/webhook"}
    for number, (known, door) in enumerate(
        ((account, {}), ("acct_another", {}), ("acct_stranger", {}), (None, {}), (None, here), (None, here))
    ):
        sent = {**event, "id": f"evt_{min(number, 3)}", "account": known}
        count_queries.clear()
        assert connecting.knock(sent, **door) == 200
        assert len(count_queries) == (2 if uses_sqlite() else 1), count_queries
    kept = db.session.execute(
        sa.select(StripeEvent.stripe_id, StripeEvent.status).order_by(StripeEvent.stripe_id)
    ).all()
    wanted = ["received", "received", "ignored", "received"]
    assert [tuple(row) for row in kept] == [(f"evt_{number}", status) for number, status in enumerate(wanted)]
    promised = sa.select(Outbox.key).where(Outbox.kind == "stripe_event").order_by(Outbox.key)
    assert list(db.session.scalars(promised)) == [f"stripe_event:evt_{number}" for number in (0, 1, 3)]
    for row in db.session.scalars(sa.select(StripeEvent)):
        assert (row.handled_at is None) == (row.status == "received")


@pytest.mark.rule("F4")
@pytest.mark.parametrize("guarded", [True, False])
def test_an_organization_cannot_speak_of_anothers_gift(
    connecting: Connecting, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Whoever owns an account can write any metadata there. Without the guard the other's event is acted upon: what it speaks of
    is asked of the other's account, which does not know it, and that is no reason to let go of the event quietly."""
    given = connecting.give("25")
    thief = make_organization(make_person())
    foreign = connecting.open_account(thief, make_person())
    copied = dict(
        next(request for request in connecting.server.posts() if request.path == "/v1/checkout/sessions").form
    )
    made = connecting.raw_post("/v1/checkout/sessions", copied, account=foreign)
    connecting.server.act(made["id"], "pay")
    event = next(event for event in connecting.server.events(foreign) if event["type"] == "checkout.session.completed")
    if not guarded:
        monkeypatch.setattr(queries, "is_donation", lambda _key, _account: True)
    connecting.knock(event)
    assert connecting.donation(given).status == "pending"
    outcome = work_off()
    assert connecting.donation(given).status == "pending"
    if guarded:
        assert (note_of(event["id"]), outcome["failed"]) == (("ignored", "not ours"), 0)
    else:
        assert (note_of(event["id"])[0], outcome["failed"] > 0) == ("received", True)


@pytest.mark.rule("F8")
def test_a_restricted_account_turns_gifts_off_at_once_and_closes_its_checkouts(
    connecting: Connecting, work_off: WorkOff
) -> None:
    given = connecting.give("25")
    paid = connecting.give("30", email="other@example.org")
    account = connecting.account_of(given)
    connecting.act(paid, "pay")
    connecting.deliver_connected()
    work_off()
    fundraiser = connecting.fundraiser()
    address = f"/fundraisers/{fundraiser.slug}/donate"
    assert accounts.can_take_gifts(fundraiser.organization)
    assert b'name="email"' in connecting.client.get(address).data
    connecting.server.act_on_account(account, "restrict")
    connecting.deliver_connected()
    work_off()
    fundraiser = connecting.fundraiser()
    assert not accounts.can_take_gifts(fundraiser.organization)
    assert accounts.find_that_take_gifts([fundraiser.organization_id]) == set()
    assert b'name="email"' not in connecting.client.get(address).data
    assert connecting.post(fundraiser, connecting.form()).status_code == 200
    states = {session["id"]: session["status"] for session in connecting.server.sessions(account)}
    assert (states[given.session_id], states[paid.session_id]) == ("expired", "complete")
    assert [connecting.donation(one).status for one in (given, paid)] == ["expired", "paid"]
    with pytest.raises(Refused, match="payee_not_ready"):
        checkout.resume(given.donation_id, queries.Money(2500, "USD"))
    # What was restricted comes back, and with it the form.
    connecting.server.act_on_account(account, "ready")
    connecting.deliver_connected()
    work_off()
    assert b'name="email"' in connecting.client.get(address).data
    events = sa.select(AuditEvent.action).where(AuditEvent.action.like("payment_account.%")).order_by(AuditEvent.id)
    acts = db.session.scalars(events)
    ready, restricted = "payment_account.ready", "payment_account.restricted"
    assert list(acts) == ["payment_account.begun", ready, restricted, ready]


@pytest.mark.rule("F8")
def test_stripe_refuses_a_checkout_before_we_hear_why(connecting: Connecting) -> None:
    fundraiser = connecting.fundraiser()
    connecting.server.act_on_account(connecting.accounts[fundraiser.organization_id], "restrict")
    response = connecting.post(fundraiser, connecting.form())
    assert response.status_code == 409
    assert not accounts.can_take_gifts(connecting.fundraiser().organization)


def test_an_account_that_was_taken_from_us_is_believed_gone_and_begins_again(
    connecting: Connecting, work_off: WorkOff
) -> None:
    given = connecting.give("25")
    account, fundraiser = connecting.account_of(given), connecting.fundraiser()
    organization, by = fundraiser.organization, fundraiser.started_by
    connecting.server.act_on_account(account, "deauthorize")
    event: dict[str, Any] = {
        "id": "evt_gone", "object": "event", "type": "account.application.deauthorized", "account": account,
        "livemode": False, "created": int(now().timestamp()), "data": {"object": {"id": "ca_x", "object": "application"}},
    }  # fmt: skip
    assert [connecting.knock(event), connecting.knock(event)] == [200, 200]
    work_off()
    assert connecting.row(organization.id).state == "deauthorized"
    assert not accounts.can_take_gifts(organization)
    # Its page was open: it may be paid there all the same, and nobody says that it was not.
    [mismatch] = db.session.scalars(sa.select(MoneyMismatch))
    assert (mismatch.kind, mismatch.donation_id) == ("account_gone", given.donation_id)
    page = connecting.client.get(f"/donations/{given.token}").text
    assert "cannot learn whether" in page
    assert "Nothing was taken" not in page
    connecting.accounts.clear()
    again = connecting.open_account(organization, by)
    assert again != account
    assert accounts.can_take_gifts(organization)
    assert payees.is_known_account(account)  # its gifts name it still
    with pytest.raises(Refused, match="payee_not_ready"):
        checkout.resume(given.donation_id, queries.Money(2500, "USD"))


def test_what_no_event_told_is_asked_after_an_hour(connecting: Connecting, work_off: WorkOff) -> None:
    fundraiser = connecting.fundraiser()
    account = connecting.accounts[fundraiser.organization_id]
    connecting.server.act_on_account(account, "deauthorize")
    work_off()
    assert connecting.row(fundraiser.organization_id).can_charge
    with moved_to(now() + dt.timedelta(hours=2)):
        work_off()
    assert connecting.row(fundraiser.organization_id).state == "deauthorized"


def test_an_account_that_only_an_answer_called_gone_is_asked_for_before_another_begins_and_every_hour(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another platform's key is put in by mistake: nothing is left alone at Stripe, and gifts are taken again within the hour."""
    fundraiser = connecting.fundraiser()
    organization, by = fundraiser.organization, fundraiser.started_by
    account, began = connecting.accounts[organization.id], now()

    def not_yours(*_about: object, **_named: object) -> object:
        raise GatewayError(gateway.ACCOUNT_GONE, passing=False)

    def accounts_at(hours: float, *, right_key: bool) -> PaymentAccount:
        with monkeypatch.context() as key, moved_to(began + dt.timedelta(hours=hours)):
            if not right_key:
                key.setattr(gateway, "fetch_account", not_yours)
            accounts.check_accounts()
        return connecting.row(organization.id)

    assert accounts_at(2, right_key=False).state == "deauthorized"
    first = accounts_at(2.5, right_key=False).deauthorized_at
    assert first is not None
    with monkeypatch.context() as key, moved_to(began + dt.timedelta(hours=2.6)):
        key.setattr(gateway, "fetch_account", not_yours)
        with pytest.raises(Refused, match="account_unsure"):
            accounts.onboard(organization, by=by)
        assert connecting.row(organization.id).stripe_account_id == account
    # With the right key its owner's press, or the hour, has it back: it is the same one, and the only one.
    assert accounts_at(2.7, right_key=True).state == "deauthorized"  # asked a moment ago
    with moved_to(began + dt.timedelta(hours=2.8)):
        accounts.onboard(organization, by=by)
    assert (connecting.row(organization.id).stripe_account_id, connecting.row(organization.id).can_charge) == (
        account,
        True,
    )
    second = accounts_at(4, right_key=False).deauthorized_at
    assert accounts_at(5.5, right_key=True).can_charge
    assert len(connecting.server.call("GET", "/v1/accounts?limit=10")["data"]) == 1
    # What the first answer promised for a day later ends nothing when it has answered since, whatever it says then.
    third = accounts_at(25, right_key=False).deauthorized_at
    with monkeypatch.context() as key:
        key.setattr(gateway, "fetch_account", not_yours)
        there = [accounts.is_there_again(account, at.isoformat()) for at in (first, second, third) if at is not None]
    assert there == [True, True, False]
    # Believed for a day: then another account begins. And what Stripe's event says is asked about no more.
    with monkeypatch.context() as key, moved_to(began + dt.timedelta(hours=50)):
        key.setattr(gateway, "fetch_account", not_yours)
        accounts.onboard(organization, by=by)
    again = connecting.row(organization.id)
    assert (again.attempt, again.gone_told) == (2, False)
    with transaction():
        note_deauthorized(again.stripe_account_id or "", told=True)
    assert connecting.row(organization.id).gone_told
    assert accounts_at(90, right_key=True).state == "deauthorized"


def test_older_news_of_an_account_changes_nothing(connecting: Connecting) -> None:
    fundraiser = connecting.fundraiser()
    account, before = connecting.accounts[fundraiser.organization_id], now()
    with moved_to(before - dt.timedelta(minutes=5)):
        connecting.server.act_on_account(account, "restrict")
        accounts.refresh(account)
    assert connecting.row(fundraiser.organization_id).can_charge
    accounts.refresh(account)
    assert not connecting.row(fundraiser.organization_id).can_charge


@pytest.mark.rule("F6")
def test_an_answer_lost_on_the_way_makes_no_second_account(connecting: Connecting) -> None:
    organization, by = make_organization(), make_person()
    lost = {"mode": "drop", "method": "POST", "path": "/v1/accounts", "times": 3}  # the package tries so often
    connecting.server.hook("POST", "faults", lost)
    with pytest.raises(GatewayError):
        accounts.onboard(organization, by=by)
    assert connecting.row(organization.id).stripe_account_id is None
    first = accounts.onboard(organization, by=by)
    second = accounts.onboard(organization, by=by)
    assert first.url != second.url
    made = [request for request in connecting.server.posts() if request.path == "/v1/accounts"]
    assert len(made) == 3
    assert len(connecting.server.call("GET", "/v1/accounts?limit=10")["data"]) == 1
    assert len({request.headers["Idempotency-Key"] for request in made}) == 1
    keys = [r.headers["Idempotency-Key"] for r in connecting.server.posts() if r.path == "/v1/account_links"]
    assert len(set(keys)) == 2
    assert connecting.server.refused() == []


@pytest.mark.rule("F6")
def test_an_account_whose_answer_was_lost_is_found_after_stripe_forgot_the_key(connecting: Connecting) -> None:
    organization, by, other = make_organization(), make_person(), make_organization()
    connecting.open_account(other, by)
    lost = {"mode": "drop", "method": "POST", "path": "/v1/accounts", "times": 3}
    connecting.server.hook("POST", "faults", lost)
    with pytest.raises(GatewayError):
        accounts.onboard(organization, by=by)
    connecting.server.hook("POST", "clock", {"advance": 2 * 24 * 3600})
    with moved_to(now() + dt.timedelta(days=2)):
        accounts.onboard(organization, by=by)
    made = connecting.server.call("GET", "/v1/accounts?limit=10")["data"]
    assert len(made) == 2
    assert {connecting.row(one.id).stripe_account_id for one in (organization, other)} == {one["id"] for one in made}
    assert connecting.server.refused() == []


def set_status(organization_id: int, status: str) -> None:
    with transaction():
        db.session.get_one(Organization, organization_id).status = status


def test_without_accounts_of_their_own_only_one_organization_is_given_to(giving: Giving) -> None:
    """Outside the demonstration the installation's own account is one organization's, and stays its."""
    fundraiser = giving.fundraiser()
    giving.app.config["SETTINGS"] = dataclasses.replace(giving.app.config["SETTINGS"], payments_mode="test")
    assert accounts.can_take_gifts(fundraiser.organization)
    second = make_fundraiser(make_organization())
    assert not accounts.can_take_gifts(fundraiser.organization)  # nobody can know whose it is
    assert accounts.find_that_take_gifts([fundraiser.organization_id, second.organization_id]) == set()
    assert b'name="email"' not in giving.client.get(f"/fundraisers/{second.slug}/donate").data
    set_status(second.organization_id, "suspended")
    giving.give("25")
    set_status(second.organization_id, "active")
    assert accounts.can_take_gifts(fundraiser.organization)
    assert not accounts.can_take_gifts(second.organization)
    with pytest.raises(Refused, match="connect_off"):
        accounts.onboard(fundraiser.organization, by=fundraiser.started_by)


def test_every_type_that_is_stored_to_be_acted_upon_has_an_act() -> None:
    assert [t for t in inbox.HANDLED_TYPES if not any(t.startswith(prefix) for prefix, _act in events.ACTS)] == []


def test_words_of_an_account_follow_what_stripe_says() -> None:
    row = PaymentAccount(stripe_account_id="acct_1", charges_enabled=False, requirements=[], disabled_reason="")
    assert row.state == "begun"
    row.details_submitted = True
    assert row.state == "review"
    row.disabled_reason = "requirements.pending_verification"
    assert row.state == "review"
    row.requirements = ["external_account"]
    assert row.state == "restricted"
    row.requirements, row.disabled_reason = [], "rejected.fraud"
    assert row.state == "restricted"
    row.charges_enabled = True
    assert row.state == "ready"
    row.deauthorized_at = now()
    assert (row.state, row.can_charge) == ("deauthorized", False)
