"""What goes wrong on purpose, so that tests can lose answers, wait, and be refused for a while."""

from __future__ import annotations

import dataclasses
import random
import threading

MODES = ("drop", "drop-before", "delay", "timeout", "500", "500-kept", "500-done", "429", "400")
# What a POST under a key meets once it is begun; the answer stays under that key.
KEPT = ("500-kept", "500-done")


@dataclasses.dataclass
class Fault:
    """`times` requests of `method` (or any) whose path contains `path` go wrong in this way.

    drop: done, and never answered. drop-before: neither. delay: done after `seconds`, or when the faults are cleared.
    timeout: done at once, and the answer kept back for as long, so that whoever asks gives up. 500, 429: refused for
    now, not done. 500-kept, 500-done: a POST fails in the middle, before it was done or after, and that answer is kept under
    its key, as Stripe's own are. 400: refused for good.
    With a `share` below 1 each request that fits meets it with that likelihood.
    """

    mode: str
    method: str = ""
    path: str = ""
    times: int = 1
    seconds: float = 0
    share: float = 1
    cleared: threading.Event = dataclasses.field(default_factory=threading.Event)


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._met: list[Fault] = []
        self._random = random.Random(1)  # noqa: S311  # repeatable trouble, no secret

    def add(self, fault: Fault) -> None:
        """Let it happen to the next requests that fit."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Let everything work again; what is delayed goes on at once."""
        with self._lock:
            for fault in self._met:
                fault.cleared.set()
            self._met.clear()
            self._waiting.clear()

    @property
    def waiting(self) -> int:
        """How many requests are still to go wrong."""
        with self._lock:
            return sum(fault.times for fault in self._waiting)

    @property
    def met(self) -> int:
        """How many requests have met a fault since the last `clear`."""
        with self._lock:
            return len(self._met)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, or None."""
        with self._lock:
            for fault in self._waiting:
                if fault.method in ("", method) and fault.path in path and self._random.random() < fault.share:
                    fault.times -= 1
                    self._met.append(fault)
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None


@dataclasses.dataclass(frozen=True)
class WebhookTrouble:
    """What goes wrong with events by themselves: shares from 0 to 1, and up to how many seconds one is late.

    duplicate: sent again although it arrived. drop: never sent. reorder: any that waits may come next.
    """

    duplicate: float = 0
    drop: float = 0
    reorder: bool = False
    delay: float = 0
