"""Many at once: threads that meet at a barrier, on both engines; and controls that show duplicates with the guards off."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import jobs
from app.core.db import db, transaction
from app.core.money import Money
from app.donations import checkout, ledger
from app.donations.models import Donation, LedgerTransaction
from app.donations.operations import fulfilling
from tests.donations.conftest import Giving, ledger_table
from tests.donations.test_inbox import live_all_fates

AT_ONCE = 6


def at_once(giving: Giving, act: Callable[[int], Any]) -> list[Any]:
    """Do `act(number)` in several threads that begin together; their results."""
    barrier = threading.Barrier(AT_ONCE)

    def run(number: int) -> Any:
        with giving.app.app_context():
            barrier.wait(30)
            try:
                return act(number)
            finally:
                db.session.remove()

    db.session.rollback()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


@pytest.mark.rule("F3")
def test_events_that_several_workers_answer_at_once_are_handled_once(giving: Giving) -> None:
    """That they are stored once, and that donors who come back meanwhile count nothing twice: tests/races/test_money.py."""
    live_all_fates(giving)
    giving.deliver_all()
    handlers, sweeps = giving.app.extensions["outbox_handlers"], giving.app.extensions["sweeps"]
    at_once(giving, lambda _number: jobs.work_off(handlers, sweeps))
    giving.check()


@pytest.mark.rule("F6")
def test_a_double_click_is_one_donation_and_one_session(giving: Giving, new_client: Callable[[], Any]) -> None:
    form, fundraiser = giving.form(), giving.fundraiser()
    browsers = [new_client() for _number in range(AT_ONCE)]
    slug = fundraiser.slug

    def press(number: int) -> tuple[int, str | None]:
        response = browsers[number].post(f"/fundraisers/{slug}/donate", data=form)
        return response.status_code, response.headers.get("Location")

    answers = at_once(giving, press)
    assert len(giving.server.sessions()) == 1
    assert {location for status, location in answers if status == 303} == {giving.server.sessions()[0]["url"]}
    assert all(status in (303, 503) for status, _location in answers)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Donation)) == 1


@contextlib.contextmanager
def without_guards(app: Any) -> Iterator[None]:
    """PostgreSQL only: no row lock, no look for the source, no unique key on it. Put back afterwards."""
    patch = pytest.MonkeyPatch()
    patch.setattr(fulfilling, "lock", lambda model, key: db.session.get(model, key, populate_existing=True))
    patch.setattr(ledger, "is_written", lambda _source: False)
    name = "uq_ledger_transaction_source"
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE ledger_transaction DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        patch.undo()
        db.session.rollback()
        with db.engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE ledger_transaction, ledger_entry CASCADE")
            connection.exec_driver_sql(f"ALTER TABLE ledger_transaction ADD CONSTRAINT {name} UNIQUE (source)")
        app.extensions["stray_writes"].clear()


def meet_after_the_check(patch: pytest.MonkeyPatch) -> None:
    """Let all threads look at the donation's status before any of them writes, as far as the guards let them."""
    barrier, real = threading.Barrier(AT_ONCE), fulfilling._next_status

    def meeting(*args: Any) -> str:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(1)
        return real(*args)

    patch.setattr(fulfilling, "_next_status", meeting)


@pytest.mark.rule("F3")
def test_the_worst_schedule_with_the_guards_on_counts_once(giving: Giving, monkeypatch: pytest.MonkeyPatch) -> None:
    given = giving.give()
    giving.act(given, "pay")
    meet_after_the_check(monkeypatch)
    at_once(giving, lambda _number: checkout.fulfil(given.donation_id))
    giving.check()


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=False)
def test_control_the_worst_schedule_without_the_guards_counts_more_than_once(
    giving: Giving, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = giving.give()
    giving.act(given, "pay")
    meet_after_the_check(monkeypatch)
    with without_guards(giving.app):
        at_once(giving, lambda _number: checkout.fulfil(given.donation_id))
        assert len(ledger_table()) > 1


@pytest.mark.rule("F3")
def test_a_source_is_written_once_whatever_the_status_says(giving: Giving, monkeypatch: pytest.MonkeyPatch) -> None:
    given = giving.give()
    giving.act(given, "pay")
    checkout.fulfil(given.donation_id)
    before = ledger_table()
    with transaction():  # a lost update: our row forgets, the ledger does not
        db.session.execute(sa.update(Donation).values(status="pending", stripe_payment_intent_id=None))
    checkout.fulfil(given.donation_id)
    assert ledger_table() == before
    # The control: without the look, the database's unique key refuses what would be the second.
    monkeypatch.setattr(ledger, "is_written", lambda _source: False)
    with transaction():
        db.session.execute(sa.update(Donation).values(status="pending", stripe_payment_intent_id=None))
    with pytest.raises(sa.exc.IntegrityError):
        checkout.fulfil(given.donation_id)
    assert ledger_table() == before


@pytest.mark.rule("F2")
def test_nothing_updates_or_deletes_an_entry(giving: Giving) -> None:
    given = giving.give()
    giving.act(given, "pay")
    checkout.fulfil(given.donation_id)
    before = ledger_table()
    for statement in ("UPDATE ledger_entry SET amount_minor = 1", "DELETE FROM ledger_entry"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction():
            db.session.execute(sa.text(statement))
    for statement in ("UPDATE ledger_transaction SET kind = 'x'", "DELETE FROM ledger_transaction"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction():
            db.session.execute(sa.text(statement))
    assert ledger_table() == before


@pytest.mark.rule("F2")
def test_postings_that_do_not_sum_to_zero_are_never_written(giving: Giving) -> None:
    fundraiser = giving.fundraiser()
    lines = [
        ledger.Posting("donations", Money(-100, "USD")),
        ledger.Posting("stripe_clearing", Money(60, "USD")),
        ledger.Posting("fees", Money(40, "EUR")),
    ]
    with pytest.raises(ledger.Unbalanced), transaction():
        ledger.post(
            organization_id=fundraiser.organization_id,
            donation_id=None,
            kind="gift",
            source="payment:x",
            postings=lines,
        )
    assert db.session.scalar(sa.select(sa.func.count()).select_from(LedgerTransaction)) == 0
