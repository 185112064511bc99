"""P1 against the running server: twelve processes promise, change, send, take back, receive, refuse, undo, and say anew how
much is wanted, at random while promises run out. What was accepted, in its order, is told to a model written from the rules
alone (promises.py).

The same is turned on a server whose claim takes whatever is asked for, where it must fail.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.clock import today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Item
from app.pledges.checks import check_pledges
from app.pledges.models import LIVE_STATUSES, Delivery, Pledge
from app.pledges.operations import chase
from tests.conftest import ENGINES
from tests.factories import make_item, make_member, make_need, make_organization, make_person
from tests.races.conftest import UNGUARDED, Running, start
from tests.races.crowd import equip
from tests.races.promises import Things

SCRIPT = Path(__file__).parent / "pledger.py"
SUPPORTERS, STAFF, ACTS, WANTED = 9, 3, 20, "20"
SEVERAL = 5


@pytest.fixture(scope="module", params=ENGINES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The application as it is."""
    yield from start(request, tmp_path_factory.mktemp("pledging"), "wsgi:app", people=0)


@pytest.fixture(scope="module", params=ENGINES)
def unguarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The application without its guard against promising more than is wanted."""
    yield from start(request, tmp_path_factory.mktemp("unguarded_pledging"), UNGUARDED, people=0)


def act_at_random(running: Running, seed: int) -> None:
    """Everybody acts; then the model is told what happened, and the counts that are shown are the model's."""
    with running.app.app_context():
        organization = make_organization()
        item = make_item(make_need(organization), quantity=WANTED)
        people = [make_person() for _number in range(SUPPORTERS)]
        people += [make_member(organization, "manager") for _number in range(STAFF)]
        item_id = item.id
        task = {
            "port": running.port,
            "acts": ACTS,
            "item": encode_id(item_id),
            "need": encode_id(item.need_id),
            "slug": organization.slug,
        }
        tasks = [
            {**task, "cookie": one.cookie, "token": one.token, "seed": seed + number, "staff": number >= SUPPORTERS}
            for number, one in enumerate(equip(running.app, people))
        ]
        db.session.rollback()
        accepted, statuses = run(tasks, item_id)
        things, happened = replay(item_id)
        assert not [status for status in statuses if int(status) >= 500], statuses
        assert accepted == happened
        item = db.session.get_one(Item, item_id, populate_existing=True)
        shown = (item.received, item.reserved + item.in_transit, item.still_wanted, item.surplus)
        assert tuple(Fraction(one or 0) for one in shown) == (
            things.received,
            things.promised,
            things.still_wanted,
            things.surplus,
        )
        assert check_pledges()[1] == []
        assert happened > SUPPORTERS
        db.session.rollback()


def run(tasks: list[dict[str, Any]], item_id: int) -> tuple[int, collections.Counter[str]]:
    """How many acts were accepted, those that ran out included, and the statuses that were answered."""
    processes = [
        subprocess.Popen([sys.executable, "-S", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _task in tasks
    ]
    try:
        for process, task in zip(processes, tasks, strict=True):
            tell(process, json.dumps(task))
        for process in processes:
            assert hear(process) == "ready"
        for process in processes:
            tell(process, "go")
        accepted = 0
        statuses: collections.Counter[str] = collections.Counter()
        # Meanwhile some run out.
        while any(process.poll() is None for process in processes):
            accepted += let_one_run_out(item_id)
        for process in processes:
            told = json.loads(hear(process))
            accepted += told["accepted"]
            statuses.update(told["statuses"])
        return accepted, statuses
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def let_one_run_out(item_id: int) -> int:
    """The first promise when there are several, as if it had been made long ago; 1 when it ran out here."""
    live = sa.select(Pledge.id).where(Pledge.item_id == item_id, Pledge.status.in_(LIVE_STATUSES))
    open_ids = db.session.scalars(live.order_by(Pledge.created_at)).all()
    db.session.rollback()
    if len(open_ids) < SEVERAL:
        return 0
    pledge_id = open_ids[0]
    with transaction():
        past = today("UTC").replace(year=2020)
        db.session.execute(sa.update(Pledge).where(Pledge.id == pledge_id).values(deliver_by=past))
    before = count_expired(pledge_id)
    with transaction():
        chase(pledge_id)
    return count_expired(pledge_id) - before


def count_expired(pledge_id: int) -> int:
    query = sa.select(sa.func.count()).where(AuditEvent.subject_id == pledge_id, AuditEvent.action == "pledge.expired")
    found = db.session.scalar(query) or 0
    db.session.rollback()
    return found


def replay(item_id: int) -> tuple[Things, int]:
    """The model after everything that happened to the item, in the order of its lock; how much that was."""
    things = Things(Fraction(WANTED))
    keys = [
        item_id,
        *db.session.scalars(sa.select(Pledge.id).where(Pledge.item_id == item_id)),
        *db.session.scalars(sa.select(Delivery.id).where(Delivery.item_id == item_id)),
    ]
    events = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.subject_id.in_(keys)).order_by(AuditEvent.id)
    ).all()
    assert {"pledge.made", "pledge.changed", "pledge.received", "item.edited"} <= {event.action for event in events}
    for event in events:
        things.happen(event.action, event.subject_id, event.actor_id, event.data)
    return things, len(events)


@pytest.mark.rule("P1")
@pytest.mark.rule("P2")
@pytest.mark.rule("P4")
@pytest.mark.parametrize("seed", [1, 100])
def test_whatever_many_do_at_once_the_quantities_stay_true(running: Running, seed: int) -> None:
    act_at_random(running, seed)


def test_without_the_guard_the_same_is_not_true(unguarded: Running) -> None:
    with pytest.raises(AssertionError, match="promised beyond what is wanted"):
        act_at_random(unguarded, 1)
