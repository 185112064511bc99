"""The whole way over HTTP: the demo server signs and delivers by itself to this application behind a real socket."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.conftest import CheckingClient
from tests.donations.conftest import Giving, WorkOff, turn_on
from tests.donations.stripe_server import running_server


@pytest.fixture
def delivering(app: Flask, tmp_path: Path, client: CheckingClient) -> Iterator[Giving]:
    """Donors of an application that listens, and a demo server that knows where."""
    before = app.config["SETTINGS"]
    listener = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.server_port}"
    try:
        with running_server(tmp_path, webhook_url=f"{address}/stripe/webhook") as server:
            server.hook("POST", "hold", {"hold": True})
            turn_on(app, server, base_url=address)
            yield Giving(app, server, client)
    finally:
        app.config["SETTINGS"] = before
        app.extensions.pop("stripe_client", None)
        listener.shutdown()
        thread.join()
        listener.server_close()


def ids(giving: Giving, *types: str) -> list[Any]:
    """Ids of the server's events, oldest first."""
    return [event["id"] for event in giving.server.events() if not types or event["type"] in types]


@pytest.mark.rule("F3")
def test_what_the_server_signs_and_delivers_is_taken_at_once_and_again(delivering: Giving, work_off: WorkOff) -> None:
    delivering.act(delivering.give(), "pay")
    delivering.act(delivering.give("40"), "pay_later")
    delivering.settle()
    every = ids(delivering)
    answered = delivering.server.hook("POST", "deliver", {"events": [*every, *every], "concurrently": True})
    assert answered["statuses"] == [200] * len(every) * 2
    assert work_off()["failed"] == 0
    delivering.check()
    delivering.server.hook("POST", "deliver", {"events": every[::-1]})
    work_off()
    delivering.check()


@pytest.mark.rule("F3")
def test_what_was_signed_with_another_secret_is_refused(delivering: Giving) -> None:
    delivering.act(delivering.give(), "pay")
    settings = delivering.app.config["SETTINGS"]

    delivering.app.config["SETTINGS"] = dataclasses.replace(settings, stripe_webhook_secret="whsec_rotated")
    answered = delivering.server.hook("POST", "deliver", {"events": ids(delivering)})
    assert set(answered["statuses"]) == {400}
