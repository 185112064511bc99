"""The one transaction, its locks and the column types."""

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.cache import PageCache
from app.core.clock import now
from app.core.db import Base, changed_one, db, lock, transaction, uses_sqlite, write_alone
from app.needs.models import Item
from tests.factories import make_item, make_person


def add_person_and_fail() -> None:
    with transaction():
        db.session.add(Person(email="a@example.org", name="A", created_at=now()))
        db.session.flush()
        raise KeyError


def test_everything_in_a_transaction_commits_together_or_not_at_all(app: Flask) -> None:
    with pytest.raises(KeyError):
        add_person_and_fail()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0


def test_a_transaction_within_a_transaction_is_a_mistake(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="inside another"), transaction(), transaction():
        pass


def rename(*names: str | None) -> None:
    """Rename everybody, once for each of the names, as an act of its own."""
    person = sa.update(Base.metadata.tables["person"])
    write_alone([person.values(name=name) for name in names], {})


def test_what_is_written_alone_is_committed_when_it_returns(app: Flask) -> None:
    person = make_person(name="Before")
    rename("After")
    with db.engine.connect() as other:
        assert other.scalar(sa.select(Person.name).where(Person.id == person.id)) == "After"
    with pytest.raises(RuntimeError, match="inside another"), transaction():
        rename("Never")
    db.session.rollback()
    assert db.session.scalar(sa.select(Person.name)) == "After"
    # The connection that was lent commits for nobody else by itself.
    with pytest.raises(KeyError):
        add_person_and_fail()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 1


def test_what_is_written_alone_is_kept_or_lost_together(app: Flask) -> None:
    """On PostgreSQL it is one statement, or it would not be; on SQLite what fails takes with it what did not."""
    make_person(name="Before")
    if uses_sqlite():
        with pytest.raises(sqlite3.IntegrityError):
            rename("First", None)  # nobody is without a name
    else:
        with pytest.raises(RuntimeError, match="only one statement"):
            rename("First", "Second")
        with pytest.raises(psycopg.IntegrityError):
            rename(None)
    assert db.session.scalar(sa.select(Person.name)) == "Before"
    db.session.remove()
    rename("After")  # whoever comes next has a connection that works
    assert db.session.scalar(sa.select(Person.name)) == "After"


def test_what_this_process_keeps_hears_of_what_was_written_alone(app: Flask) -> None:
    """SQLite tells no connection of its own commits: whoever uses that connection next must not take the database for
    unchanged (N1)."""
    make_person()
    cache: PageCache = app.extensions["page_cache"]
    db.engine.dispose()
    before = cache.stamp()  # the one connection there is now
    db.session.remove()
    rename("After")
    after = cache.stamp()
    assert after != before
    if uses_sqlite():  # the control: what commits on that connection and does not say so is not noticed
        db.session.remove()
        with db.engine.begin() as connection:
            connection.execute(sa.update(Person).values(name="Unnoticed"))
        assert cache.stamp() == after


def test_a_change_made_outside_is_a_mistake(app: Flask) -> None:
    person = make_person()
    person.name = "Somebody else"
    with pytest.raises(RuntimeError, match="outside"), transaction():
        pass
    db.session.rollback()


def test_a_lock_reads_again_what_a_guard_had_read(app: Flask) -> None:
    person = make_person(name="Before")
    with db.engine.connect() as other:
        other.execute(sa.update(Person).values(name="After"))
        other.commit()
    with transaction():
        locked = lock(Person, person.id)
        assert locked is not None
        assert locked.name == "After"


def test_a_lock_needs_a_transaction(app: Flask) -> None:
    with pytest.raises(RuntimeError):
        lock(Person, 1)


@pytest.mark.rule("P1")
def test_quantities_are_exact_decimals_on_both_engines(app: Flask) -> None:
    item = make_item(quantity="0.3")
    with transaction():
        for _time in range(3):
            assert changed_one(
                sa.update(Item)
                .where(Item.id == item.id, Item.reserved + Decimal("0.1") <= Item.quantity)
                .values(reserved=Item.reserved + Decimal("0.1"))
            )
    item = db.session.get_one(Item, item.id, populate_existing=True)
    assert item.reserved == Decimal("0.3")
    assert item.still_wanted == 0


@pytest.mark.rule("P1")
def test_sums_of_quantities_are_quantities(app: Flask) -> None:
    item = make_item(quantity="10", received=Decimal(1), reserved=Decimal("7.5"))
    given = Item.received + Item.reserved + Item.in_transit
    assert db.session.scalar(sa.select(given)) == Decimal("8.5")
    assert db.session.scalar(sa.select(Item.quantity - given - Decimal("0.5"))) == 1
    for more, fits in (("1.5", True), ("1.501", False), ("2000", False)):
        room = sa.select(Item.id).where(given + Decimal(more) <= Item.quantity)
        assert db.session.scalar(room) == (item.id if fits else None)
    assert db.session.scalar(sa.select(Item.id).where(Item.quantity - given > Decimal("1.499"))) == item.id
    assert db.session.scalar(sa.select(Item.id).where(Item.quantity - given > Decimal("1.5"))) is None


@pytest.mark.rule("T1")
def test_an_instant_without_a_zone_is_refused_and_others_come_back_in_utc(app: Flask) -> None:
    eastern = dt.timezone(dt.timedelta(hours=-5))
    person = make_person(created_at=dt.datetime(2026, 1, 1, 7, tzinfo=eastern))
    again = db.session.get_one(Person, person.id, populate_existing=True)
    assert again.created_at == dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    assert again.created_at.tzinfo is dt.UTC
    with pytest.raises(sa.exc.StatementError, match="zone"):
        make_person(created_at=dt.datetime(2026, 1, 1, 7))  # noqa: DTZ001  # the mistake under test
