"""How sweeps ask Stripe about many things: one that fails holds up no other, now or the next time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from app.core.clock import now
from app.core.db import db, transaction
from app.donations.gateway import UNREACHABLE, GatewayError

log = structlog.get_logger(__name__)


Key = TypeVar("Key", int, str)


def ask_each(
    name: str, keys: Iterable[Key], act: Callable[[Key], object], looked_at: Callable[[Key, dt.datetime], object]
) -> None:
    """Do `act`, which asks Stripe, for each of `keys`, outside any transaction.

    Of one that fails, whatever it raises, `looked_at` notes, in a transaction, that it was asked about at that instant: lists
    begin with what was not looked at longest, so what always fails comes after what would answer. When nobody can be reached
    at all the sweep `name` ends: the next would wait as long.
    """
    for key in keys:
        at = now()
        try:
            act(key)
        except GatewayError as error:
            log.warning("sweep.passed_over", sweep=name, code=error.code)
            if error.code == UNREACHABLE:
                _note(name, key, at, looked_at)
                return
        except Exception as error:  # a row that nobody thought of: whatever it raises must not stand before the others
            db.session.rollback()
            log.error("sweep.failed_for_one", sweep=name, error=type(error).__name__)
        else:
            continue
        _note(name, key, at, looked_at)


def _note(name: str, key: Key, at: dt.datetime, looked_at: Callable[[Key, dt.datetime], object]) -> None:
    try:
        with transaction():
            looked_at(key, at)
    except Exception as error:  # the same row, and the same reason
        db.session.rollback()
        log.error("sweep.not_noted", sweep=name, error=type(error).__name__)
