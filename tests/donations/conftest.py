"""An application that takes gifts, and the demo payment server it talks to over HTTP with the real package."""

from __future__ import annotations

import dataclasses
import json
import random
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.core import jobs
from app.core.db import Base, db
from app.core.ids import encode_id
from app.donations.models import Donation, LedgerEntry, LedgerTransaction, StripeEvent
from app.donations.queries import donation_token
from app.fundraisers.models import Fundraiser
from tests.conftest import CheckingClient, empty_postgresql
from tests.donations.ledger_model import Gift, Transaction, transactions
from tests.donations.stripe_server import KEY, SECRET, StripeServer, running_server, sign
from tests.factories import make_fundraiser, make_organization

# Whose sweeps read or write what a gift leaves: the others find nothing in a test of money, and asking all of them a thousand
# times took a fifth of these tests. The worker of tests/crash/test_money_storm.py and of the journeys runs every one.
SWEEPING = frozenset({"audit", "outbox", "donations", "fundraisers", "organizations", "pages"})


@pytest.fixture
def sweeps(app: Flask) -> tuple[jobs.Sweep, ...]:
    """What `work_off` does besides keeping promises, of the features that know of gifts."""
    kept = tuple(sweep for sweep in app.extensions["sweeps"] if sweep.name.partition(".")[0] in SWEEPING)
    assert {sweep.name.partition(".")[0] for sweep in kept} == SWEEPING, "a feature was renamed"
    return kept


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    """One process of the demo payment server for the whole run."""
    with running_server(tmp_path_factory.mktemp("payments")) as server:
        yield server


@pytest.fixture
def stripe_server(stripe_process: StripeServer) -> Iterator[StripeServer]:
    """The server, emptied; it delivers nothing by itself and books charges only when told. Whatever a test is about, the
    application asks nothing that Stripe does not take (F6)."""
    stripe_process.reset()
    yield stripe_process
    assert stripe_process.mistakes == []


def turn_on(app: Flask, server: StripeServer, **changes: Any) -> None:
    """Let `app` take demonstration gifts through `server`."""
    app.config["SETTINGS"] = dataclasses.replace(
        app.config["SETTINGS"],
        payments_mode="demo",
        stripe_secret_key=KEY,
        stripe_webhook_secret=SECRET,
        stripe_api_base=server.api_base,
        mail_url="console:",
        **changes,
    )
    app.extensions.pop("stripe_client", None)


@pytest.fixture
def paying_app(app: Flask, stripe_server: StripeServer) -> Iterator[Flask]:
    """The application with PAYMENTS_MODE=demo."""
    before = app.config["SETTINGS"]
    turn_on(app, stripe_server)
    yield app
    app.config["SETTINGS"] = before
    app.extensions.pop("stripe_client", None)


@pytest.fixture
def giving(paying_app: Flask, stripe_server: StripeServer, client: CheckingClient) -> Giving:
    """The part of donors, of Stripe and of whoever looks at the ledger."""
    return Giving(paying_app, stripe_server, client)


@dataclasses.dataclass
class Given:
    """A gift on its way: our row, its session at Stripe, and what the model must hold of it."""

    donation_id: int
    session_id: str
    model: Gift

    @property
    def token(self) -> str:
        return donation_token(self.donation_id)


class Giving:
    """Gives through the pages, pays at Stripe, delivers what Stripe says, compares with the model."""

    def __init__(self, app: Flask, server: StripeServer, client: CheckingClient) -> None:
        self.app = app
        self.server = server
        self.client = client
        self.given: list[Given] = []
        self._fundraisers: dict[str, Fundraiser] = {}

    def empty(self) -> None:
        """Forget every row, as a new test finds it (one example of a property after the other)."""
        db.session.rollback()
        with db.engine.begin() as connection:
            if db.engine.dialect.name == "sqlite":
                sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_no_%'"
                triggers = connection.exec_driver_sql(sql).all()
                connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
                for name, _sql in triggers:
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
                for table in reversed(Base.metadata.sorted_tables):
                    connection.execute(table.delete())
                for _name, sql in triggers:
                    connection.exec_driver_sql(sql)
            else:
                empty_postgresql(connection)
        self.app.extensions["stray_writes"].clear()
        self._fundraisers.clear()

    def fundraiser(self, currency: str = "USD") -> Fundraiser:
        """A live fundraiser in `currency`."""
        if currency not in self._fundraisers:
            self._fundraisers[currency] = make_fundraiser(make_organization(currency=currency))
        known = self._fundraisers[currency]
        if known not in db.session:  # a command of the application has closed the session
            self._fundraisers[currency] = db.session.get_one(Fundraiser, sa.inspect(known).identity)
        return self._fundraisers[currency]

    def form(self, **values: Any) -> dict[str, str]:
        """What a donor types."""
        return {
            "nonce": f"nonce-{random.getrandbits(64)}",
            "suggested": "",
            "amount": "25",
            "name": "Rosa Delgado",
            "email": "rosa@example.org",
            "anonymous": "yes",
            "message": "",
            **values,
        }

    def post(self, fundraiser: Fundraiser, form: dict[str, str]) -> TestResponse:
        """Press Donate."""
        return self.client.post(f"/fundraisers/{fundraiser.slug}/donate", data=form)

    def give(self, amount: str = "25", currency: str = "USD", **values: Any) -> Given:
        """Fill in the form and be led to the payment page."""
        response = self.post(self.fundraiser(currency), self.form(amount=amount, **values))
        assert response.status_code == 303, response.get_data(as_text=True)
        session_id = response.headers["Location"].rpartition("/")[2]
        donation = db.session.scalars(sa.select(Donation).where(Donation.stripe_session_id == session_id)).one()
        model = Gift(encode_id(donation.id), donation.amount_minor, donation.currency)
        made = Given(donation.id, session_id, model)
        self.given.append(made)
        return made

    def act(self, given: Given, *acts: str) -> None:
        """Press a payer's or a bank's buttons at Stripe, and note it in the model."""
        for act in acts:
            if act == "expire":
                self._expire(given)
            else:
                self.server.act(given.session_id, act)
            given.model.acts.append(act)

    def _expire(self, given: Given) -> None:
        request = urllib.request.Request(
            f"{self.server.address}/v1/checkout/sessions/{given.session_id}/expire",
            method="POST",
            data=b"",
            headers={"Authorization": f"Bearer {KEY}"},
        )
        with urllib.request.urlopen(request, timeout=20):
            pass

    def settle(self) -> None:
        """Let Stripe book every charge, and tell the model what each cost."""
        self.server.settle()
        fees = {}
        for charge in self.server.call("GET", "/v1/charges?limit=100&expand[]=data.balance_transaction")["data"]:
            if charge["balance_transaction"] is not None:
                fees[charge["metadata"].get("donation_id")] = charge["balance_transaction"]["fee"]
        for given in self.given:
            given.model.fee = fees.get(given.model.label)

    def deliver(self, *events: dict[str, Any], header: str | None = None) -> list[int]:
        """Send events as Stripe sends them; the statuses answered."""
        statuses = []
        for event in events:
            body = json.dumps(event).encode()
            response = self.client.post(
                "/stripe/webhook",
                data=body,
                content_type="application/json",
                headers={"Stripe-Signature": sign(body) if header is None else header},
            )
            statuses.append(response.status_code)
        return statuses

    def deliver_all(self) -> None:
        """Everything once, in order."""
        assert set(self.deliver(*self.server.events())) <= {200}

    def donation(self, given: Given) -> Donation:
        """Our row as it is now."""
        db.session.rollback()
        return db.session.get_one(Donation, given.donation_id, populate_existing=True)

    def check(self) -> None:
        """The whole ledger and every status are what the model says."""
        assert ledger_table() == transactions(given.model for given in self.given)
        for given in self.given:
            assert self.donation(given).status == given.model.status


def ledger_table() -> list[Transaction]:
    """Every row of both ledger tables, without what a rerun may number differently."""
    db.session.rollback()
    table: list[Transaction] = []
    entries: dict[int, list[tuple[str, int, str]]] = {}
    for entry in db.session.scalars(sa.select(LedgerEntry)):
        entries.setdefault(entry.transaction_id, []).append((entry.account, entry.amount_minor, entry.currency))
    for written in db.session.scalars(sa.select(LedgerTransaction)):
        label = "" if written.donation_id is None else encode_id(written.donation_id)
        table.append((label, written.kind, tuple(sorted(entries.pop(written.id, [])))))
    assert not entries, "entries without a transaction"
    db.session.rollback()
    return sorted(table)


def count_events() -> int:
    """How many events the inbox holds."""
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(StripeEvent)) or 0


WorkOff = Callable[[], dict[str, int]]
__all__ = ["Given", "Giving", "WorkOff", "count_events", "ledger_table", "turn_on"]
