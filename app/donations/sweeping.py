"""How sweeps ask Stripe about many things: one that fails holds up no other, now or the next time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from app.core.clock import now
from app.core.db import transaction
from app.donations.gateway import UNREACHABLE, GatewayError

log = structlog.get_logger(__name__)


Key = TypeVar("Key", int, str)


def ask_each(
    name: str, keys: Iterable[Key], act: Callable[[Key], object], looked_at: Callable[[Key, dt.datetime], object]
) -> None:
    """Do `act`, which asks Stripe, for each of `keys`, outside any transaction.

    Of one that fails `looked_at` notes, in a transaction, that it was asked about at that instant: lists begin with what was
    not looked at longest, so what always fails comes after what would answer. When nobody can be reached at all the sweep
    `name` ends: the next would wait as long.
    """
    for key in keys:
        at = now()
        try:
            act(key)
        except GatewayError as error:
            log.warning("sweep.passed_over", sweep=name, code=error.code)
            if error.code == UNREACHABLE:
                return
            with transaction():
                looked_at(key, at)
