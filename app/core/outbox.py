"""Promised work (M1): rows written with the fact that caused them, kept by a worker at least once, idempotently.

A row is claimed by a lease and a commit; its handler runs outside that transaction; then the row is marked done.
Whoever dies in between leaves a lease that runs out, or that the next worker on the same host frees at once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.core import audit
from app.core.clock import now
from app.core.db import Base, BigInt, changed_one, db, in_transaction, transaction, uses_sqlite
from app.core.paging import Page, newest_page

LEASE = dt.timedelta(seconds=120)
MAXIMUM_ATTEMPTS = 10
# A worker that is killed takes what it held with it once or twice in its life; a row held at every death is suspect.
DEATHS_WITHOUT_WAITING = 2
# How often somebody is asked again who did not answer twice.
ASK_AGAIN = dt.timedelta(minutes=5)
# How long a promise that was kept is tried to be marked so while the database does not answer.
COMPLETION_TRIES = 60
KEEP_DONE = dt.timedelta(days=30)
# A statement has at most 32,766 values in SQLite; a row has five.
_ROWS_AT_ONCE = 1000
log = structlog.get_logger(__name__)

Handler = Callable[[dict[str, Any]], None]


class Outbox(Base):
    """One promise. `key` makes the same promise only once; `payload` holds ids, never personal data."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(
            "ix_outbox_due",
            "due_at",
            sqlite_where=sa.text("done_at IS NULL AND given_up_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL AND given_up_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(sa.String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    created_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    leased_by: Mapped[str | None] = mapped_column(sa.String(120))
    leased_until: Mapped[dt.datetime | None]
    done_at: Mapped[dt.datetime | None]
    given_up_at: Mapped[dt.datetime | None]
    last_error: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")


@dataclasses.dataclass(frozen=True)
class Claim:
    """A row this worker holds until its lease ends."""

    id: int
    kind: str
    key: str
    payload: dict[str, Any]
    attempts: int


class Postponed(Exception):
    """A handler asks to be called again after `delay`; this is no failure (something else must happen first)."""

    def __init__(self, delay: dt.timedelta) -> None:
        self.delay = delay
        super().__init__(f"again in {delay}")


class Unanswered(Exception):
    """A handler asked somebody who does not answer now: it is tried again until they do, however long that takes. Says a code.
    What is promised of the kinds `along` would ask the same, and waits as long."""

    def __init__(self, code: str, *, along: Sequence[str] = ()) -> None:
        self.along = along
        super().__init__(code)


class GivenUp(Exception):
    """A handler knows that trying again would change nothing: the promise ends where staff can see it."""


def enqueue(kind: str, payload: dict[str, Any], *, key: str, due_at: dt.datetime | None = None) -> bool:
    """Promise work in the transaction of its cause; the same `key` a second time changes nothing. True when it is promised by
    this call, False when it was before.

    `payload` is JSON of ids and codes; `due_at` (aware) defaults to now. Raises RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError("a promise commits with the fact that caused it")
    values = {"kind": kind, "payload": payload, "key": key, "created_at": now(), "due_at": due_at or now()}
    # Without the option, what a driver said of an INSERT is not kept.
    made: Any = db.session.execute(_insertion(uses_sqlite()), values, execution_options={"preserve_rowcount": True})
    return bool(made.rowcount == 1)


@functools.cache
def _insertion(on_sqlite: bool) -> Any:
    """The statement, made once: of the table and not of the class, with its values apart, it is compiled once as well."""
    insert = sqlite.insert if on_sqlite else postgresql.insert
    return insert(Base.metadata.tables[Outbox.__tablename__]).on_conflict_do_nothing(index_elements=["key"])


def promise_from(kind: str, rows: sa.Select[Any]) -> Any:
    """The statement that promises work of one kind, due at once, for each row of `rows` (payload, key and the instant of the
    promise), as `enqueue` does: for an act that has to be one statement (core.db.write_alone). One that was kept is promised
    anew: whoever gives a row for it has found that it is to be done once more."""
    insert = sqlite.insert if uses_sqlite() else postgresql.insert
    payload, key, at = rows.selected_columns
    values = rows.with_only_columns(sa.literal(kind, sa.String), payload, key, at, at)
    names = ["kind", "payload", "key", "created_at", "due_at"]
    table = Base.metadata.tables[Outbox.__tablename__]
    made: Any = insert(table).from_select(names, values, include_defaults=False)
    anew = {name: made.excluded[name] for name in ("payload", "created_at", "due_at")}
    anew |= {"done_at": None, "attempts": 0, "leased_by": None, "leased_until": None}
    return made.on_conflict_do_update(index_elements=["key"], set_=anew, where=table.c.done_at.is_not(None))


def enqueue_all(kind: str, promises: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Promise work of one kind, due now, for each (payload, key) of `promises`, as `enqueue` does; one statement for a
    thousand of them. Raises RuntimeError outside a transaction."""
    if not in_transaction():
        raise RuntimeError("a promise commits with the fact that caused it")
    insert, at = (sqlite.insert if uses_sqlite() else postgresql.insert), now()
    rows = [{"kind": kind, "payload": payload, "key": key, "created_at": at, "due_at": at} for payload, key in promises]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = insert(Outbox).values(rows[start : start + _ROWS_AT_ONCE])
        db.session.execute(some.on_conflict_do_nothing(index_elements=["key"]))


def withdraw(key: str) -> bool:
    """Take back a promise that nobody has begun to keep (a reminder of a cancelled place); whether there was one."""
    waiting = (Outbox.key == key, Outbox.done_at.is_(None), Outbox.leased_until.is_(None))
    return db.session.execute(sa.delete(Outbox).where(*waiting).returning(Outbox.id)).first() is not None


def note_kept(due_before: dt.datetime, *, key: str | None = None) -> None:
    """Take promises that were due before (all, or the one of that `key`) as kept when they were due, without keeping them:
    nobody waits for the mails of a past that was made up, as the demonstration's is."""
    due = (Outbox.due_at < due_before, Outbox.done_at.is_(None), Outbox.given_up_at.is_(None))
    which = sa.true() if key is None else Outbox.key == key
    db.session.execute(sa.update(Outbox).where(*due, which).values(done_at=Outbox.due_at))


def _boot_ticks(pid: int) -> str:
    """When the process started (field 22 of /proc/<pid>/stat), so that a reused pid is not taken for it. "" if gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""


def this_worker() -> str:
    """The name leases carry: host, process and when that process began."""
    return f"{socket.gethostname()}:{os.getpid()}:{_boot_ticks(os.getpid())}"


def _is_dead(worker: str) -> bool:
    """True when `worker` ran on this host and is gone; another host's workers are given the benefit of their lease."""
    host, pid, ticks = worker.rsplit(":", 2)
    return host == socket.gethostname() and bool(ticks) and _boot_ticks(int(pid)) != ticks


def free_dead_leases() -> int:
    """Return the rows of workers of this host that no longer run; returns how many workers that were.

    A row that was held when several workers died waits like any other failure, so that it cannot keep the rest from being
    done, and is given up at last: it may be what kills them.
    """
    open_rows = (Outbox.done_at.is_(None), Outbox.given_up_at.is_(None), Outbox.leased_by.is_not(None))
    holders = db.session.scalars(sa.select(Outbox.leased_by).where(*open_rows).distinct()).all()
    dead = [holder for holder in holders if holder and _is_dead(holder)]
    if not dead:
        return 0
    with transaction():
        held = db.session.execute(
            sa.select(Outbox.id, Outbox.kind, Outbox.attempts)
            .where(Outbox.leased_by.in_(dead), *open_rows)
            .with_for_update()
        ).all()
        for key, kind, attempts in held:
            values: dict[str, Any] = {"leased_by": None, "leased_until": None}
            if attempts > DEATHS_WITHOUT_WAITING:
                values |= {"due_at": now() + backoff(attempts), "last_error": "worker died"}
            if attempts >= MAXIMUM_ATTEMPTS:
                values["given_up_at"] = now()
                log.error("outbox.given_up", kind=kind, row=key, attempts=attempts, error="worker died")
            changed_one(sa.update(Outbox).where(Outbox.id == key).values(**values))
    return len(dead)


def claim(*, ignore_backoff: bool = False, except_ids: frozenset[int] = frozenset()) -> Claim | None:
    """Lease the row that is due first, or None. With `ignore_backoff`, retries that wait count as due."""
    at = now()
    due = sa.or_(Outbox.due_at <= at, Outbox.attempts > 0) if ignore_backoff else Outbox.due_at <= at
    candidate = (
        sa.select(Outbox.id)
        .where(Outbox.done_at.is_(None), Outbox.given_up_at.is_(None), due)
        .where(sa.or_(Outbox.leased_until.is_(None), Outbox.leased_until < at))
        .order_by(Outbox.due_at, Outbox.id)
        .limit(1)
    )
    if except_ids:
        candidate = candidate.where(Outbox.id.not_in(except_ids))
    # Looking first costs no lock while there is nothing to do.
    if db.session.execute(candidate).first() is None:
        db.session.rollback()
        return None
    with transaction():
        found = db.session.scalar(candidate.with_for_update(skip_locked=True))
        if found is None:
            return None
        taken = db.session.execute(
            sa.update(Outbox)
            .where(Outbox.id == found)
            .values(leased_by=this_worker(), leased_until=at + LEASE, attempts=Outbox.attempts + 1)
            .returning(Outbox.id, Outbox.kind, Outbox.key, Outbox.payload, Outbox.attempts),
            execution_options={"synchronize_session": False},
        ).one()
    return Claim(*taken)


def _held(held: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    """The row, while this worker still holds it and nobody else took it over."""
    return (Outbox.id == held.id, Outbox.leased_by == this_worker(), Outbox.attempts == held.attempts)


def is_last_try(key: str) -> bool:
    """True while the promise of this `key` is tried for the last time: if it fails now, it is given up."""
    query = sa.select(Outbox.attempts).where(Outbox.key == key, Outbox.done_at.is_(None))
    return (db.session.scalar(query) or 0) >= MAXIMUM_ATTEMPTS


def complete(held: Claim) -> None:
    """The promise is kept."""
    with transaction():
        changed_one(sa.update(Outbox).where(*_held(held)).values(done_at=now(), leased_by=None, leased_until=None))


def give_back(held: Claim, *, delay: dt.timedelta = dt.timedelta(0), counts: bool = False, error: str = "") -> None:
    """Return a row: to be tried after `delay`. When it `counts` as a failure too often, give up where staff can see it."""
    values: dict[str, Any] = {
        "leased_by": None,
        "leased_until": None,
        "due_at": now() + delay,
        "last_error": error[:200],
    }
    if not counts:
        values["attempts"] = held.attempts - 1
    elif held.attempts >= MAXIMUM_ATTEMPTS:
        values["given_up_at"] = now()
        log.error("outbox.given_up", kind=held.kind, row=held.id, attempts=held.attempts, error=error)
    with transaction():
        changed_one(sa.update(Outbox).where(*_held(held)).values(**values))


def _wait_for_answer(held: Claim, error: str, *, along: Sequence[str] = ()) -> None:
    """Soon again, then every few minutes. However often that is, it uses up one try at most: an outage ends no promise. What is
    due of the kinds `along` waits with it, so that the worker has time for everything else."""
    first = held.attempts == 1
    due = now() + (backoff(1) if first else ASK_AGAIN)
    values: dict[str, Any] = {"leased_by": None, "leased_until": None, "attempts": max(held.attempts - 1, 1)}
    values |= {"due_at": due, "last_error": error[:200]}
    waiting = (Outbox.done_at.is_(None), Outbox.given_up_at.is_(None), Outbox.leased_by.is_(None))
    with transaction():
        changed_one(sa.update(Outbox).where(*_held(held)).values(**values))
        if along:
            tried = sa.case((Outbox.attempts < 1, 1), else_=Outbox.attempts)
            db.session.execute(
                sa.update(Outbox)
                .where(Outbox.kind.in_(along), Outbox.due_at < due, *waiting)
                # A little before: what failed comes last, so that one that always fails holds up nothing for ever.
                .values(due_at=due - dt.timedelta(seconds=1), attempts=tried, last_error=error[:200]),
                execution_options={"synchronize_session": False},
            )


def give_up(held: Claim, *, error: str) -> None:
    """End a promise that cannot be kept, where staff can see it."""
    log.error("outbox.given_up", kind=held.kind, row=held.id, attempts=held.attempts, error=error)
    with transaction():
        changed_one(
            sa.update(Outbox)
            .where(*_held(held))
            .values(leased_by=None, leased_until=None, given_up_at=now(), last_error=error[:200])
        )


def give_back_all() -> None:
    """Return everything this worker holds, as if it had never been tried: it has to go."""
    with transaction():
        db.session.execute(
            sa.update(Outbox)
            .where(Outbox.leased_by == this_worker(), Outbox.done_at.is_(None), Outbox.given_up_at.is_(None))
            .values(leased_by=None, leased_until=None, attempts=Outbox.attempts - 1),
            execution_options={"synchronize_session": False},
        )


def backoff(attempts: int) -> dt.timedelta:
    """How long to wait after the `attempts`-th failure: 10 s, doubling, at most six hours."""
    return min(dt.timedelta(seconds=10 * 2 ** (attempts - 1)), dt.timedelta(hours=6))


def run(held: Claim, handlers: dict[str, Handler]) -> bool:
    """Keep one promise; returns whether it was kept. A failure is logged by kind and type, never with its data."""
    try:
        handler = handlers[held.kind]
        handler({**held.payload, "outbox_key": held.key})
    except Postponed as postponed:
        db.session.rollback()
        give_back(held, delay=postponed.delay)
        return True
    except Unanswered as silence:
        db.session.rollback()
        log.warning("outbox.unanswered", kind=held.kind, row=held.id, code=str(silence))
        _wait_for_answer(held, str(silence), along=silence.along)
        return False
    except GivenUp as given_up:
        db.session.rollback()
        give_up(held, error=str(given_up))
        return False
    except Exception as error:  # whatever a handler raises must leave the row retryable, and visible
        db.session.rollback()
        log.warning("outbox.failed", kind=held.kind, row=held.id, attempts=held.attempts, error=type(error).__name__)
        give_back(held, delay=backoff(held.attempts), counts=True, error=type(error).__name__)
        return False
    _complete_patiently(held)
    return True


def _complete_patiently(held: Claim) -> None:
    """Mark a kept promise even when the database is away for a moment: forgetting it would mean keeping it twice."""
    for tries_left in reversed(range(COMPLETION_TRIES)):
        try:
            db.session.rollback()
            complete(held)
        except sa.exc.OperationalError:
            # The connection is gone: it cannot even be rolled back.
            db.session().invalidate()
            if not tries_left:
                raise
            time.sleep(1)
        else:
            return


def count_due() -> int:
    """Rows that should have been kept by now (future ones and given-up ones do not count)."""
    return (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(Outbox)
            .where(Outbox.done_at.is_(None), Outbox.given_up_at.is_(None))
            .where(sa.or_(Outbox.due_at <= now(), Outbox.attempts > 0))
        )
        or 0
    )


@dataclasses.dataclass(frozen=True)
class OpenCounts:
    """How many promises are due, fail for now, and were given up."""

    due: int
    failing: int
    given_up: int


def count_open() -> OpenCounts:
    """How the promises stand that are not kept."""
    is_open = Outbox.done_at.is_(None)
    given_up = Outbox.given_up_at.is_not(None)
    counted = sa.func.count()
    row = db.session.execute(
        sa.select(
            counted.filter(sa.not_(given_up), Outbox.due_at <= now(), Outbox.attempts == 0),
            counted.filter(sa.not_(given_up), Outbox.attempts > 0),
            counted.filter(given_up),
        )
        .select_from(Outbox)
        .where(is_open)
    ).one()
    return OpenCounts(*row)


def oldest_due() -> dt.timedelta:
    """For how long the oldest promise that could be kept now has waited; nothing when there is none."""
    waits = sa.select(sa.func.min(Outbox.due_at)).where(Outbox.done_at.is_(None), Outbox.given_up_at.is_(None))
    oldest = db.session.scalar(waits)
    return max(dt.timedelta(0), now() - oldest) if oldest is not None else dt.timedelta(0)


def list_given_up(cursor: str | None, *, limit: int = 50) -> Page[Outbox]:
    """Promises that were given up, latest made first. Raises BadCursor."""
    query = sa.select(Outbox).where(Outbox.given_up_at.is_not(None))
    return newest_page(query, Outbox, cursor, limit)


def find_given_up(promise_id: int) -> Outbox | None:
    """The promise while it is given up, or None."""
    row = db.session.get(Outbox, promise_id)
    return row if row is not None and row.given_up_at is not None else None


def retry(promise_id: int, *, by: audit.HasKey) -> None:
    """Let a promise that was given up be tried again, from the beginning."""
    row = db.session.get_one(Outbox, promise_id)
    changed_one(
        sa.update(Outbox)
        .where(Outbox.id == promise_id, Outbox.given_up_at.is_not(None))
        .values(given_up_at=None, attempts=0, due_at=now())
    )
    audit.record("outbox.retried", subject=row, by=by)


def promise_again(kind: str, promises: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Promise anew what nobody keeps any more although it is still to be done: a promise (payload, key) that was given up is
    tried from the beginning, one that is gone is made. Those that are being kept, or were, stay as they are. Raises
    RuntimeError outside a transaction."""
    enqueue_all(kind, promises)
    ended = (Outbox.given_up_at.is_not(None), Outbox.done_at.is_(None))
    for _payload, key in promises:
        db.session.execute(
            sa.update(Outbox).where(Outbox.key == key, *ended).values(given_up_at=None, attempts=0, due_at=now()),
            execution_options={"synchronize_session": False},
        )


def bring_forward(key: str) -> None:
    """Let the promise of `key` be kept now, when there is one: before it was due, or once more."""
    again = {
        "due_at": now(),
        "done_at": None,
        "given_up_at": None,
        "attempts": 0,
        "leased_by": None,
        "leased_until": None,
    }
    db.session.execute(
        sa.update(Outbox).where(Outbox.key == key).values(**again), execution_options={"synchronize_session": False}
    )


def forget_done() -> None:
    """Sweep: remove promises kept long ago."""
    with transaction():
        db.session.execute(sa.delete(Outbox).where(Outbox.done_at < now() - KEEP_DONE))
