"""Organizations with accounts of their own at the demo payment server."""

from __future__ import annotations

import collections
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.db import db
from app.donations import accounts
from app.donations.accounts_models import PaymentAccount
from app.donations.models import StripeEvent
from app.fundraisers.models import Fundraiser
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.donations.conftest import Given, Giving, turn_on
from tests.donations.stripe_server import CONNECT_SECRET, KEY, StripeServer, sign


class Connecting(Giving):
    """Giving, where every organization is paid through its own account."""

    def __init__(self, app: Flask, server: StripeServer, client: CheckingClient) -> None:
        super().__init__(app, server, client)
        self.accounts: dict[int, str] = {}
        # How often `deliver_news` delivered each event.
        self.told: collections.Counter[str] = collections.Counter()

    def fundraiser(self, currency: str = "USD") -> Fundraiser:
        """A live fundraiser whose organization's account is ready."""
        found = super().fundraiser(currency)
        if found.organization_id not in self.accounts:
            self.open_account(found.organization, found.started_by)
        return found

    def open_account(self, organization: Organization, by: Person, act: str = "ready") -> str:
        """The organization's account, begun by us and then as `act` leaves it at Stripe ("" leaves it begun)."""
        organization_id = organization.id
        accounts.onboard(organization, by=by)
        account = self.row(organization_id).stripe_account_id
        assert account is not None
        if act:
            self.server.act_on_account(account, act)
            accounts.refresh(account)
        self.accounts[organization_id] = account
        return account

    def _expire(self, given: Given) -> None:
        self.raw_post(f"/v1/checkout/sessions/{given.session_id}/expire", {}, account=self.account_of(given))

    def settle(self) -> None:
        """Let Stripe book every charge, and tell the model what each cost."""
        self.server.settle()
        for given in self.given:
            account = self.account_of(given)
            found = self.server.call("GET", "/v1/charges?limit=100&expand[]=data.balance_transaction", account=account)
            mine = [charge for charge in found["data"] if charge["metadata"]["donation_id"] == given.model.label]
            given.model.fee = mine[0]["balance_transaction"]["fee"] if mine else None

    def raw_post(self, path: str, form: dict[str, str], *, account: str) -> Any:
        """A request to Stripe as somebody else makes it, with the account's own key."""
        request = urllib.request.Request(
            self.server.address + path,
            method="POST",
            data=urllib.parse.urlencode(form).encode(),
            headers={"Authorization": f"Bearer {KEY}", "Stripe-Account": account},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def row(self, organization_id: int) -> PaymentAccount:
        """The organization's account as we hold it."""
        db.session.rollback()
        query = sa.select(PaymentAccount).where(PaymentAccount.organization_id == organization_id)
        return db.session.scalars(query).one()

    def account_of(self, given: Given) -> str:
        """The account a gift is paid through."""
        account = self.donation(given).account
        assert account is not None
        return account

    def knock(
        self, event: dict[str, Any], *, secret: str = CONNECT_SECRET, path: str = "/stripe/webhook/connect"
    ) -> int:
        """Deliver an event of a connected account; the status answered."""
        body = json.dumps(event).encode()
        headers = {"Stripe-Signature": sign(body, secret=secret)}
        return self.client.post(path, data=body, content_type="application/json", headers=headers).status_code

    def deliver_connected(self) -> None:
        """Everything of every account once, in order."""
        for account in self.accounts.values():
            for event in self.server.events(account):
                assert self.knock(event) == 200

    def deliver_news(self) -> None:
        """What happened on every account, in order: each event once when it is new and once more the next time, as Stripe may
        repeat it after others, but not as often as there are next times."""
        for account in self.accounts.values():
            for event in self.server.events(account):
                if self.told[event["id"]] < 2:
                    assert self.knock(event) == 200
                    self.told[event["id"]] += 1


def note_of(stripe_id: str) -> tuple[str, str]:
    """Status and note of a stored event."""
    db.session.rollback()
    event = db.session.scalars(sa.select(StripeEvent).where(StripeEvent.stripe_id == stripe_id)).one()
    return event.status, event.note


@pytest.fixture
def connecting(app: Flask, stripe_server: StripeServer, client: CheckingClient) -> Iterator[Connecting]:
    """The application with STRIPE_CONNECT."""
    before = app.config["SETTINGS"]
    turn_on(app, stripe_server, stripe_connect=True, stripe_connect_webhook_secret=CONNECT_SECRET)
    yield Connecting(app, stripe_server, client)
    app.config["SETTINGS"] = before
    app.extensions.pop("stripe_client", None)


__all__ = ["Connecting", "connecting", "note_of"]
