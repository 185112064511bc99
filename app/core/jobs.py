"""The worker: keeps the outbox's promises and runs the periodic sweeps until it is told to stop.

Truth is in the outbox, so there is no broker: the loop asks for the next due row and sleeps when there is none
(docs/adr/0002). On TERM it finishes what it holds; what does not finish within the grace goes back to the outbox.
"""

from __future__ import annotations

import dataclasses
import signal
import threading
import time
import types
from collections.abc import Callable

import sqlalchemy as sa
import structlog

from app.core import audit, outbox
from app.core.db import db, transaction

IDLE_SECONDS = 0.5
# A worker that is told to end gives back what it holds before whoever started it kills it (deploy.supervise).
GRACE_SECONDS = 1.5
log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Work that is due by the clock and not by a row: `run` is idempotent and opens its own transactions."""

    name: str
    every_seconds: int
    run: Callable[[], object]


class _GraceIsOver(BaseException):
    """Raised in the running handler when TERM came and it did not finish in time."""


def seal_audit() -> None:
    """Chain what has been committed since the last time."""
    with transaction():
        audit.seal()


CORE_SWEEPS = (
    Sweep("audit.seal", 20, seal_audit),
    Sweep("outbox.free_dead_leases", 5, outbox.free_dead_leases),
    Sweep("outbox.forget_done", 3600, outbox.forget_done),
)


def run_sweep(sweep: Sweep) -> bool:
    """Run one sweep; a failing one is logged and does not stop the others. Returns whether it succeeded."""
    try:
        sweep.run()
        db.session.rollback()
    except Exception as error:  # one broken sweep must not stop the promises
        # The connection may be what is broken: then it cannot even be rolled back.
        db.session().invalidate()
        log.error("sweep.failed", sweep=sweep.name, error=type(error).__name__)
        return False
    return True


def work(handlers: dict[str, outbox.Handler], sweeps: tuple[Sweep, ...]) -> None:
    """Work until TERM or INT."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: types.FrameType | None) -> None:
        stopping.set()
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def grace_is_over(_signal: int, _frame: types.FrameType | None) -> None:
        raise _GraceIsOver

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGALRM, grace_is_over)
    next_run = {sweep.name: 0.0 for sweep in sweeps}
    log.info("worker.started")
    try:
        while not stopping.is_set():
            for sweep in sweeps:
                if next_run[sweep.name] <= time.monotonic() and not stopping.is_set():
                    run_sweep(sweep)
                    next_run[sweep.name] = time.monotonic() + sweep.every_seconds
            if not stopping.is_set() and not _run_next(handlers):
                stopping.wait(IDLE_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except _GraceIsOver:
        db.session.rollback()
        # Whatever it was doing, even between taking a row and knowing it: nothing stays held.
        outbox.give_back_all()
    log.info("worker.stopped")


def _run_next(handlers: dict[str, outbox.Handler]) -> bool:
    """Keep the promise that is due first; False when there is none, or when the database does not answer just now."""
    try:
        held = outbox.claim()
        if held is None:
            return False
        outbox.run(held, handlers)
    except sa.exc.OperationalError as error:
        db.session().invalidate()
        log.error("worker.database_unavailable", error=type(error).__name__)
        return False
    return True


def work_off(handlers: dict[str, outbox.Handler], sweeps: tuple[Sweep, ...]) -> dict[str, int]:
    """Every sweep and every due row (retries that wait for backoff too) once; returns {"done","failed","left"}."""
    done = failed = 0
    for sweep in sweeps:
        if not run_sweep(sweep):
            failed += 1
    tried: set[int] = set()
    while (held := outbox.claim(ignore_backoff=True, except_ids=frozenset(tried))) is not None:
        tried.add(held.id)
        if outbox.run(held, handlers):
            done += 1
        else:
            failed += 1
    # What the rows did is sealed too.
    seal_audit()
    return {"done": done, "failed": failed, "left": outbox.count_due()}
