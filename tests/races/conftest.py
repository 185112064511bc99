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
from tests.races.crowd import PEOPLE, Supporter, make_crowd
from tests.servers import web_server

UNGUARDED = "tests.races.unguarded:app"


@dataclasses.dataclass(frozen=True)
class Running:
    """A server, the application on the same database, and the crowd."""

    app: Flask
    port: int
    crowd: list[Supporter]


def start(request: pytest.FixtureRequest, tmp: Path, wsgi: str, people: int = PEOPLE) -> Iterator[Running]:
    if request.param == "postgresql":
        url = create_database(request.getfixturevalue("postgresql_server"), f"race_{secrets.token_hex(4)}")
    else:
        url = f"sqlite:///{tmp / 'race.db'}"
    app = create_app(make_settings(tmp, url))
    migrate(app)
    crowd = make_crowd(app, people)
    if wsgi == UNGUARDED and request.param == "postgresql":
        with app.app_context(), db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE position DROP CONSTRAINT ck_position_taken_within_capacity")
    close(app)
    with web_server(tmp, url, wsgi) as port:
        yield Running(app, port, crowd)
    close(app)


@pytest.fixture(scope="package", params=ENGINES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The application as it is."""
    yield from start(request, tmp_path_factory.mktemp("race"), "wsgi:app")


@pytest.fixture(scope="package", params=ENGINES)
def unguarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The application without its guards against overselling."""
    yield from start(request, tmp_path_factory.mktemp("unguarded"), UNGUARDED)
