"""The kinds of mail that a person may choose about (M2). Whatever answers their own act, or protects them, is none of
these: a confirmation, a changed shift, a link that was asked for are service messages."""

from __future__ import annotations

import dataclasses
from typing import Any

from app.core.i18n import lazy

AT_ONCE, DAILY, NEVER = "at_once", "daily", "never"
CHOICE_WORDS: dict[str, Any] = {AT_ONCE: lazy("At once"), DAILY: lazy("Once a day"), NEVER: lazy("Not by email")}
# Of a kind that comes or does not, when is no question.
YES_WORDS: dict[str, Any] = {AT_ONCE: lazy("By email"), DAILY: lazy("By email"), NEVER: lazy("Not")}


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind: its code, what people read, the choices there are, and the one that holds until somebody chooses."""

    code: str
    words: Any
    choices: tuple[str, ...] = (AT_ONCE, NEVER)
    default: str = AT_ONCE
    for_staff: bool = False


_STAFF = (AT_ONCE, DAILY, NEVER)
KINDS = (
    Kind("reminder", lazy("Reminders of what you promised")),
    Kind("thanks", lazy("Thanks, and what came of your help")),
    Kind("following", lazy("News of what you follow")),
    Kind("staff_signups", lazy("Somebody signs up"), _STAFF, DAILY, for_staff=True),
    Kind("staff_cancellations", lazy("Somebody cancels their place or pledge"), _STAFF, AT_ONCE, for_staff=True),
    Kind("staff_pledges", lazy("Somebody pledges something"), _STAFF, DAILY, for_staff=True),
    Kind("staff_assigned", lazy("A need is assigned to me"), for_staff=True),
    Kind("staff_digest", lazy("The summary of what I get once a day"), (DAILY, NEVER), DAILY, for_staff=True),
)
_BY_CODE = {kind.code: kind for kind in KINDS}


def find_kind(code: str) -> Kind | None:
    """The kind with this code, or None."""
    return _BY_CODE.get(code)


def get_kind(code: str) -> Kind:
    """The kind with this code. Raises KeyError for one that does not exist."""
    return _BY_CODE[code]
