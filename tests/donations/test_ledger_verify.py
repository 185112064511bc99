"""`flask ledger verify`: it proves the ledger, finds what was tampered with, and compares with Stripe (F2)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from app.core.db import db, transaction, uses_sqlite
from app.donations import checkout
from app.donations.models import Donation
from tests.donations.conftest import Giving, WorkOff, ledger_table
from tests.donations.test_inbox import live_all_fates


def verify(giving: Giving, *arguments: str) -> Result:
    """Run the command."""
    db.session.rollback()
    return giving.app.test_cli_runner().invoke(args=["ledger", "verify", *arguments])


def problems(result: Result) -> list[str]:
    """What the command found; it must have failed."""
    assert result.exit_code == 1
    found: list[str] = json.loads(result.stdout.strip().splitlines()[-1])["problems"]
    return found


@pytest.fixture
def paid(giving: Giving, work_off: WorkOff) -> Giving:
    """One paid gift with its fee in the ledger."""
    giving.act(giving.give(), "pay")
    giving.settle()
    giving.deliver_all()
    work_off()
    return giving


@contextlib.contextmanager
def open_ledger() -> Iterator[sa.Connection]:
    """The database without the triggers that keep the ledger, as somebody with its password has it; put back after."""
    with db.engine.begin() as connection:
        if uses_sqlite():
            triggers = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'ledger%'"
            ).all()
            for name, _sql in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection
        if uses_sqlite():
            for _name, sql in triggers:
                connection.exec_driver_sql(sql)


@pytest.mark.rule("F2")
def test_an_honest_ledger_is_proved_and_nothing_is_changed(giving: Giving, work_off: WorkOff) -> None:
    live_all_fates(giving)
    giving.deliver_all()
    work_off()
    before = ledger_table()
    for arguments in ((), ("--with-stripe",)):
        result = verify(giving, *arguments)
        assert result.exit_code == 0, result.output
        outcome = json.loads(result.stdout.strip().splitlines()[-1])
        assert outcome["ok"] is True
        assert outcome["problems"] == []
    assert outcome["checked"] == {"ledger": 16, "returned": 0, "stripe": 4, "balance": 4}
    assert ledger_table() == before


@pytest.mark.rule("F2")
@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE account = 'donations'", "is off by 1 USD"),
        ("UPDATE ledger_entry SET amount_minor = amount_minor * 2", "with another amount"),
        ("UPDATE ledger_entry SET currency = 'EUR'", "with another amount"),
        ("DELETE FROM ledger_entry WHERE account = 'donations'", "is off by 2500 USD"),
        ("DELETE FROM ledger_entry", "has no entries"),
        ("UPDATE ledger_transaction SET donation_id = NULL", "is paid and not in the ledger"),
    ],
)
def test_a_ledger_that_was_tampered_with_is_found(paid: Giving, statement: str, found: str) -> None:
    with open_ledger() as connection:
        connection.exec_driver_sql(statement)
    assert any(found in problem for problem in problems(verify(paid)))


@pytest.mark.rule("F2")
def test_a_gift_in_the_ledger_that_was_never_paid_is_found(paid: Giving) -> None:
    with transaction():
        db.session.execute(sa.update(Donation).values(status="failed"))
    assert any("is failed and in the ledger" in problem for problem in problems(verify(paid)))


@pytest.mark.rule("F2")
def test_a_fee_that_differs_from_stripes_is_found(paid: Giving) -> None:
    with open_ledger() as connection:
        connection.exec_driver_sql(
            "UPDATE ledger_entry SET amount_minor = CASE WHEN amount_minor > 0 THEN amount_minor + 1 ELSE"
            " amount_minor - 1 END WHERE transaction_id IN (SELECT id FROM ledger_transaction WHERE kind = 'fee')"
        )
    assert verify(paid).exit_code == 0
    assert any("the fee of donation" in problem for problem in problems(verify(paid, "--with-stripe")))


@pytest.mark.rule("F2")
def test_a_payment_that_only_stripe_has_is_found(giving: Giving) -> None:
    giving.act(giving.give(), "pay")
    assert verify(giving).exit_code == 0
    assert any("is paid, donation" in problem for problem in problems(verify(giving, "--with-stripe")))


@pytest.mark.rule("F2")
def test_a_payment_that_stripe_does_not_have_is_found(giving: Giving) -> None:
    given = giving.give()
    giving.act(given, "pay")
    checkout.fulfil(given.donation_id)
    with contextlib.closing(sqlite3.connect(giving.server._database, timeout=10)) as connection, connection:
        connection.execute("DELETE FROM object WHERE kind = 'payment_intent'")
    assert any("cannot be found" in problem for problem in problems(verify(giving, "--with-stripe")))


def test_when_stripe_does_not_answer_the_command_says_so_in_one_line(paid: Giving) -> None:
    paid.server.hook("POST", "faults", {"mode": "500", "method": "GET", "times": 100})
    result = verify(paid, "--with-stripe")
    assert result.exit_code == 1
    assert "Stripe did not answer" in result.stderr
    assert "Traceback" not in result.output


def test_with_payments_off_there_is_nothing_to_compare_with(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["ledger", "verify", "--with-stripe"])
    assert result.exit_code == 1
    assert "PAYMENTS_MODE is off" in result.stderr
