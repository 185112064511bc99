"""Requests are limited per caller, and the API says in its headers where one stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.core.limits import FORM_LIMIT
from tests.conftest import close, make_settings, migrate

MOST_FORMS = int(FORM_LIMIT.split()[0])


def make_limited(tmp_path: Path, **changes: object) -> Flask:
    settings = make_settings(tmp_path, f"sqlite:///{tmp_path / 'limits.db'}", **changes)
    app = create_app(dataclasses.replace(settings, testing=False))
    app.test_client_class = FlaskClient
    migrate(app)
    return app


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Flask]:
    """An installation as people run it, limits on."""
    app = make_limited(tmp_path)
    yield app
    close(app)


def test_the_api_says_how_much_is_left(limited: Flask) -> None:
    browser = limited.test_client()
    first = browser.get("/api/v1/organizations")
    assert first.status_code == 200
    assert int(first.headers["X-RateLimit-Limit"]) > int(first.headers["X-RateLimit-Remaining"])


def test_forms_sent_too_often_are_told_to_wait(limited: Flask) -> None:
    browser = limited.test_client()
    answers = [browser.post("/sign-out").status_code for _time in range(MOST_FORMS + 1)]
    assert answers[-1] == 429
    assert 429 not in answers[:-1]
    assert browser.get("/sign-out").status_code == 200


def test_a_redis_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    app = make_limited(tmp_path, redis_url="redis://127.0.0.1:9/0")
    assert app.test_client().get("/api/v1/organizations").status_code == 200
    close(app)


def test_limits_are_off_where_that_is_allowed(tmp_path: Path) -> None:
    app = make_limited(tmp_path, rate_limits=False)
    browser = app.test_client()
    assert {browser.post("/sign-out").status_code for _time in range(MOST_FORMS + 5)} == {400}
    close(app)
