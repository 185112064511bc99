"""Two workers sweep at one moment, from separate processes: everybody is promised one digest (M1).

Two guards see to it, and each is enough: a follower is held while the next morning is written, and the promise is keyed by
follower and day. Without both (sweeper.py) the same count fails.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.core.clock import now
from app.core.db import db, transaction
from app.core.outbox import Outbox
from app.discovery.models import Follow, Follower
from tests import forks
from tests.conftest import ENGINES, close, create_database, make_settings, migrate
from tests.discovery.common import open_need
from tests.factories import make_organization

WORKERS = 2
FOLLOWERS = 24


class Sweepers:
    """The processes, and the application on the same database."""

    def __init__(self, app: Flask, processes: list[forks.Forked]) -> None:
        self.app, self.processes = app, processes

    def sweep(self, without: str) -> int:
        """All at once, everybody being due; how many digests were promised."""
        with transaction():
            db.session.execute(sa.delete(Outbox))
            db.session.execute(sa.update(Follow).values(next_at=now() - dt.timedelta(minutes=1)))
        for process in self.processes:
            process.stdin.write(f"{without}\n")
            process.stdin.flush()
        for process in self.processes:
            assert process.stdout.readline() == "done\n"
        db.session.rollback()
        return db.session.scalar(sa.select(sa.func.count()).select_from(Outbox)) or 0


@pytest.fixture(params=ENGINES)
def sweepers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sweepers]:
    if request.param == "postgresql":
        url = create_database(request.getfixturevalue("postgresql_server"), f"sweep_{secrets.token_hex(4)}")
    else:
        url = f"sqlite:///{tmp_path / 'sweep.db'}"
    app = create_app(make_settings(tmp_path, url))
    migrate(app)
    with app.app_context(), contextlib.ExitStack() as stack:
        organization = make_organization()
        open_need(organization, "Sort coats")
        yesterday = now() - dt.timedelta(days=1)
        with transaction():
            for number in range(FOLLOWERS):
                follower = Follower(email=f"follower{number}@example.org", time_zone="UTC", created_at=yesterday)
                db.session.add(follower)
                db.session.flush()
                db.session.add(
                    Follow(
                        follower_id=follower.id, organization_id=organization.id, frequency="daily", status="following",
                        followed_at=yesterday, told_until=yesterday, next_at=now(),
                    )
                )  # fmt: skip
        processes = [forks.start(app, tmp_path, "tests.discovery.sweeper", []) for _one in range(WORKERS)]
        for process in processes:
            stack.callback(process.communicate, 60)
            assert process.stdout.readline() == "ready\n"
        yield Sweepers(app, processes)
        db.session.remove()
    close(app)


@pytest.mark.rule("M1")
def test_sweeps_at_one_moment_promise_one_digest_each_and_without_their_guards_more(sweepers: Sweepers) -> None:
    for _round in range(2):
        assert sweepers.sweep("") == FOLLOWERS
    assert sweepers.sweep("key") == FOLLOWERS
    assert sweepers.sweep("hold") == FOLLOWERS
    assert sweepers.sweep("key hold") > FOLLOWERS
