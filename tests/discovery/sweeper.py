"""A worker's sweep in a process of its own, told by its standard input when to run, and without which of its guards.

Started by test_two_sweeps.py; never reachable from the application.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import sqlalchemy as sa

from app.core import outbox
from app.core.db import db
from app.discovery import digests, jobs
from app.discovery.models import Follower
from tests import forks

_guards: dict[str, Any] = {
    "enqueue_all": outbox.enqueue_all, "next_morning": digests.next_morning, "_hold": digests._hold,
}  # fmt: skip


def take_out(which: list[str]) -> None:
    """Without "key" a promise is another one in each process; without "hold" nobody is held, and whoever is due stays due."""
    outbox.enqueue_all = _enqueue_own if "key" in which else _guards["enqueue_all"]
    digests.next_morning = _stay_due if "hold" in which else _guards["next_morning"]
    digests._hold = _look if "hold" in which else _guards["_hold"]
    # In small batches the sweeps meet between them, too.
    digests.BATCH = 1000 if "hold" in which else 4


def _enqueue_own(kind: str, promises: Any) -> None:
    _guards["enqueue_all"](kind, [(payload, f"{key}:{os.getpid()}") for payload, key in promises])


def _stay_due(_frequency: str, _zone: str, after: Any) -> Any:
    return after


def _look(follower_ids: Any) -> list[Follower]:
    return list(db.session.scalars(sa.select(Follower).where(Follower.id.in_(follower_ids))))


if __name__ == "__main__":
    with forks.application(sys.argv[1]).app_context():
        print("ready", flush=True)  # noqa: T201  # the parent reads it
        for line in sys.stdin:
            take_out(line.split())
            jobs.promise_digests()
            print("done", flush=True)  # noqa: T201  # the parent reads it
