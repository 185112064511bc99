"""Connected accounts at the demo payment server, through the real stripe package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from stripe.params import AccountCreateParams, AccountLinkCreateParams, AccountUpdateParams

from deploy.demo_payments import specs
from tests.demo_payments import CONNECT_SECRET, SECRET, DemoServer, Receiver
from tests.money.test_demo_payment_server import browse, declared, page, params

LINK: Any = {
    "type": "account_onboarding",
    "return_url": "http://localhost:8000/manage/roof/payments",
    "refresh_url": "http://localhost:8000/manage/roof/payments/again",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with DemoServer(tmp_path_factory.mktemp("demo")) as started:
        yield started


def acting(account: str) -> stripe.RequestOptions:
    return {"stripe_account": account}


def code_of(error: stripe.StripeError) -> str:
    """Stripe's code; the package keeps none for what is forbidden."""
    body: Any = error.json_body
    return str(body["error"]["code"])


def refused(call: Any, *arguments: Any) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as caught:
        call(*arguments)
    return caught.value


def test_an_account_begins_with_everything_due_and_is_set_up_on_its_page(server: DemoServer) -> None:
    client = server.client()
    made = client.v1.accounts.create(
        {
            "country": "GB",
            "email": "treasurer@example.org",
            "controller": {
                "fees": {"payer": "account"},
                "losses": {"payments": "stripe"},
                "stripe_dashboard": {"type": "full"},
            },
            "capabilities": {"card_payments": {"requested": True}, "transfers": {"requested": True}},
            "business_profile": {"name": "Riverside Food Bank"},
            "metadata": {"organization": "o1"},
        },
        {"idempotency_key": "account-1"},
    )
    assert set(made.to_dict()) - declared(stripe.Account) == set()
    assert declared(stripe.Account) - set(made.to_dict()) == {"deleted", "company", "individual", "groups"}
    assert (made.charges_enabled, made.payouts_enabled, made.details_submitted) == (False, False, False)
    assert (made.default_currency, made.country, made.type) == ("gbp", "GB", "standard")
    assert made.requirements is not None
    assert made.requirements.disabled_reason == "requirements.past_due"
    assert "external_account" in (made.requirements.currently_due or [])
    error = refused(client.v1.checkout.sessions.create, params(), acting(made.id))
    assert (error.http_status, error.code) == (400, "account_invalid")

    link = client.v1.account_links.create({"account": made.id, **LINK})
    assert set(link.to_dict()) == declared(stripe.AccountLink)
    assert "Set up payments for Riverside Food Bank" in page(link.url)
    status, _text, headers = browse(link.url, {"act": "ready"})
    assert (status, headers["Location"]) == (303, LINK["return_url"])
    ready = client.v1.accounts.retrieve(made.id)
    assert (ready.charges_enabled, ready.payouts_enabled, ready.details_submitted) == (True, True, True)
    assert ready.capabilities is not None
    assert ready.capabilities.card_payments == "active"
    # A link is good once; after that it leads where another is made.
    status, _text, headers = browse(link.url)
    assert (status, headers["Location"]) == (303, LINK["refresh_url"])
    changed = client.v1.accounts.update(made.id, {"metadata": {"organization": "o2"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"organization": "o2"}


def test_what_accounts_are_asked_is_what_the_package_knows() -> None:
    assert set(specs.CREATE_ACCOUNT.of) <= set(AccountCreateParams.__annotations__)
    assert set(specs.UPDATE_ACCOUNT.of) <= set(AccountUpdateParams.__annotations__)
    assert set(specs.ACCOUNT_LINK.of) <= set(AccountLinkCreateParams.__annotations__)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"type": "express", "controller": {"stripe_dashboard": {"type": "express"}}}, None),
        ({"controller": {"losses": {"payments": "application"}}}, "controller[fees][payer]"),
        ({"controller": {"requirement_collection": "application"}}, "controller[requirement_collection]"),
        ({"controller": {"stripe_dashboard": {"type": "half"}}}, "controller[stripe_dashboard][type]"),
        ({"country": "XX"}, "country"),
        ({"name": "Riverside"}, "name"),
    ],
)
def test_an_account_that_cannot_be_is_refused(server: DemoServer, asked: Any, param: str | None) -> None:
    error = refused(server.client().v1.accounts.create, asked)
    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.http_status, error.param) == (400, param)
    assert server.refused()[-1] == ("POST", "/v1/accounts", 400, param)


def test_each_account_sees_its_own_and_nothing_else(server: DemoServer) -> None:
    client = server.client().v1
    one, other = server.account(), server.account()
    session = client.checkout.sessions.create(params(), {**acting(one), "idempotency_key": "gift"})
    # Keys belong to an account, too.
    assert client.checkout.sessions.create(params(), {**acting(other), "idempotency_key": "gift"}).id != session.id
    server.act(session.id, "pay")
    server.settle()
    paid = client.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}, acting(one)
    )
    intent: Any = paid.payment_intent
    assert (paid.payment_status, intent.latest_charge.balance_transaction.fee) == ("paid", 103)
    assert intent.application == intent.latest_charge.application == "ca_DemoPlatform"
    for options in ({}, acting(other)):
        options: stripe.RequestOptions
        for fetch, object_id in (
            (client.checkout.sessions.retrieve, session.id),
            (client.payment_intents.retrieve, intent.id),
            (client.charges.retrieve, intent.latest_charge.id),
        ):
            assert refused(fetch, object_id, {}, options).code == "resource_missing"
        assert session.id not in [found.id for found in client.checkout.sessions.list({"limit": 100}, options)]
        assert refused(client.checkout.sessions.expire, session.id, {}, options).http_status == 404
    # People find an account without a name by what is paid to it.
    assert "Account of Gift to Riverside Food Bank" in page(f"{server.base_url}/accounts/{one}")
    events = client.events.list({"limit": 100}, acting(one))
    assert {event.account for event in events} == {one}
    assert "charge.updated" in {event.type for event in events}
    assert events.data[0].id not in {event.id for event in client.events.list({"limit": 100})}
    assert client.accounts.retrieve_current(options=acting(one)).id == one


@pytest.mark.parametrize("account", ["acct_unknown", ""])
def test_an_account_of_nobody_is_refused(server: DemoServer, account: str) -> None:
    error = refused(server.client().v1.events.list, {}, {"headers": {"Stripe-Account": account}})
    assert isinstance(error, stripe.PermissionError)
    assert (error.http_status, code_of(error)) == (403, "account_invalid")


def test_an_account_loses_and_regains_what_it_can_do_and_leaves(tmp_path: Path) -> None:
    with (
        Receiver() as own,
        Receiver() as connect,
        DemoServer(tmp_path, own.url, connect_url=connect.url) as server,
    ):
        client = server.client().v1
        account = server.account(act="")
        for act, charges, payouts in (("ready", True, True), ("restrict", False, False), ("due", True, False)):
            found = server.act_on_account(account, act)
            assert (found["charges_enabled"], found["payouts_enabled"]) == (charges, payouts)
            shown = page(f"{server.base_url}/accounts/{account}")
            assert ("can come in" if charges else "cannot come in") in shown
        assert browse(f"{server.base_url}/accounts/{account}", {"act": "deauthorize"})[0] == 303
        connect.wait_for("account.application.deauthorized")
        assert connect.types() == [*["account.updated"] * 3, "account.application.deauthorized"]
        for headers, body in connect.received:
            event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], CONNECT_SECRET)
            assert event.account == account
            with pytest.raises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
        first = json.loads(connect.received[0][1])["data"]
        assert first["object"]["charges_enabled"] is True
        assert first["previous_attributes"]["charges_enabled"] is False
        told = json.loads(connect.received[-1][1])["data"]["object"]
        assert (told["object"], told["id"][:3]) == ("application", "ca_")
        assert code_of(refused(client.accounts.retrieve, account)) == "account_invalid"
        assert code_of(refused(client.events.list, {}, acting(account))) == "account_invalid"
        assert own.received == []
        # What happens on the platform's own account goes to its own endpoint.
        session = client.checkout.sessions.create(params())
        client.checkout.sessions.expire(session.id)
        own.wait_for("checkout.session.expired")
        assert len(connect.received) == 4
        endpoints = client.webhook_endpoints.list()
        assert [(found.url, found.api_version) for found in endpoints] == [
            (own.url, stripe.api_version),
            (connect.url, stripe.api_version),
        ]
