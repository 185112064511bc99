"""A small money storm (`make storm` is the large one): nothing is lost, doubled or wrong, whoever dies meanwhile."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

import pytest

from app import create_app
from tests.conftest import ENGINES, close, create_database, make_settings, migrate
from tests.donations.stripe_server import running_server
from tests.storm.storm import DUPLICATES, Storm, settings_of

pytestmark = pytest.mark.crash
DELIVERIES = 3000
KILLS = 20
GIFTS = 45


@pytest.mark.rule("F2", "F3", "F7")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_storm_of_webhooks_and_kills_loses_and_doubles_nothing(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'storm.db'}"
    if engine == "postgresql":
        server_url = request.getfixturevalue("postgresql_server")
        url = create_database(server_url, f"storm_{secrets.token_hex(4)}")
    with contextlib.ExitStack() as running:
        server = running.enter_context(running_server(tmp_path))
        server.reset()
        app = create_app(make_settings(tmp_path, url, **settings_of(server)))
        running.callback(close, app)
        migrate(app)
        with app.app_context():
            storm = Storm(app, tmp_path, server, deliveries=DELIVERIES, kills=KILLS, gifts=GIFTS)
            outcome = storm.run(waves=3)
            # The application asked nothing that Stripe refuses, and nothing without a key of its own.
            refused, unkeyed = storm.refused(), server.unkeyed()
    assert outcome.problems == []
    assert (outcome.deliveries, sum(outcome.kills.values())) == (DELIVERIES, KILLS)
    assert outcome.gifts > GIFTS  # months of monthly gifts among them
    assert outcome.duplicates >= outcome.deliveries * DUPLICATES * 0.9
    assert outcome.dropped >= 3
    assert outcome.astray > outcome.dropped
    assert min(outcome.went_back, outcome.payouts) >= 3  # two months of each wave, and each wave pays out
    for rare in ("away", "both", "dashboard first", "bank", "month late", "end", "amount"):
        assert outcome.met.get(rare), (rare, outcome.met)
    assert outcome.events > outcome.deliveries / 2
    assert outcome.ledger > GIFTS
    assert outcome.receipts > GIFTS / 2
    assert (refused, unkeyed) == ([], [])


def test_the_eye_of_the_storm_sees_what_is_missing(tmp_path: Path) -> None:
    """The control: what is not delivered yet is a problem, and so is a gift that Stripe knows as paid and we do not."""
    with contextlib.ExitStack() as running:
        server = running.enter_context(running_server(tmp_path))
        server.reset()
        app = create_app(make_settings(tmp_path, f"sqlite:///{tmp_path / 'storm.db'}", **settings_of(server)))
        running.callback(close, app)
        migrate(app)
        with app.app_context():
            storm = Storm(app, tmp_path, server, deliveries=10, kills=0, gifts=8)
            storm.history.open_accounts()
            storm.history.go_on(8)
            storm.sent |= {event["id"] for event in storm.history.new_events()}
            text = "\n".join(storm.problems())
    for word in ("lost: evt_", "is pending here and paid at Stripe", "books of acct_"):
        assert word in text, text
