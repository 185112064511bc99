"""What a predicate says of itself: whoever it refuses and may know all the same that the thing is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from werkzeug.exceptions import Forbidden


class NotYours(Forbidden):
    """Somebody may know that it is there, and may not open it. `why` says what stands in the way, and whom to ask."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


F = TypeVar("F", bound=Callable[..., bool])


def known_to(knows: Callable[[Any, Any], bool], why: Any) -> Callable[[F], F]:
    """Whom the predicate refuses while `knows(person, thing)` holds is answered 403 by a guard, and told `why` (a lazy
    translation); everybody else 404, as ever (A1)."""

    def mark(predicate: F) -> F:
        predicate.known_to = (knows, why)  # type: ignore[attr-defined]  # read by find_refusal
        return predicate

    return mark


def find_refusal(predicate: Any, person: Any, thing: Any) -> NotYours | None:
    """What to answer the person whom `predicate` refused when they may know that `thing` is there; else None."""
    knows, why = getattr(predicate, "known_to", (None, ""))
    return NotYours(str(why)) if knows is not None and knows(person, thing) else None
