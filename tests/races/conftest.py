"""The servers that are stormed: the application as it is, and the same without its guards. Started once for all."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.core.db import db
from tests.conftest import ENGINES, close, create_database, make_settings, migrate
from tests.donations.stripe_server import CONNECT_SECRET, KEY, SECRET, StripeServer, running_server
from tests.races.crowd import PEOPLE, Supporter, make_crowd
from tests.servers import web_server

UNGUARDED = "tests.races.unguarded:app"


@dataclasses.dataclass(frozen=True)
class Running:
    """A server, the application on the same database, and the crowd."""

    app: Flask
    port: int
    crowd: list[Supporter]
    stripe: StripeServer | None = None


def start(
    request: pytest.FixtureRequest, tmp: Path, wsgi: str, people: int = PEOPLE, stripe: StripeServer | None = None
) -> Iterator[Running]:
    """A server on a database of its own. With `stripe` it takes gifts in the test mode, which has receipts, and every
    organization is paid through its own account."""
    paying: dict[str, str] = {}
    if stripe is not None:
        paying = {
            "payments_mode": "test", "stripe_secret_key": KEY, "stripe_webhook_secret": SECRET,
            "stripe_connect_webhook_secret": CONNECT_SECRET, "stripe_api_base": stripe.api_base,
        }  # fmt: skip
    if request.param == "postgresql":
        url = create_database(request.getfixturevalue("postgresql_server"), f"race_{secrets.token_hex(4)}")
    else:
        url = f"sqlite:///{tmp / 'race.db'}"
    app = create_app(make_settings(tmp, url, stripe_connect=bool(paying), **paying))
    migrate(app)
    crowd = make_crowd(app, people)
    if wsgi == UNGUARDED and request.param == "postgresql":
        with app.app_context(), db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE position DROP CONSTRAINT ck_position_taken_within_capacity")
    close(app)
    with web_server(tmp, url, wsgi, **{name.upper(): value for name, value in paying.items()}) as port:
        yield Running(app, port, crowd, stripe)
    close(app)


@pytest.fixture(scope="package")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    """The demo payment server in a process of its own; it delivers nothing by itself."""
    with running_server(tmp_path_factory.mktemp("race_payments")) as server:
        server.hook("POST", "hold", {"hold": True})
        yield server


@pytest.fixture(scope="package", params=ENGINES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stripe: StripeServer
) -> Iterator[Running]:
    """The application as it is."""
    yield from start(request, tmp_path_factory.mktemp("race"), "wsgi:app", stripe=stripe)


@pytest.fixture(scope="package", params=ENGINES)
def unguarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stripe: StripeServer
) -> Iterator[Running]:
    """The application without its guards against overselling; those of money are out for whom a request says so."""
    yield from start(request, tmp_path_factory.mktemp("unguarded"), UNGUARDED, stripe=stripe)
