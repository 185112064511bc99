"""What an operation may say no with: a domain refusal with every reason (S11), or input that cannot be read."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Reason:
    """One rule that stands in the way: `code` for programs, `message` and `remedy` for people (already translated).

    `about`, for programs: which of several things that one act is about this one is (its public id).
    """

    code: str
    message: str
    remedy: str = ""
    url: str = ""
    about: str = ""


class Refused(Exception):
    """A rule of the domain forbids the act. `reasons` lists every one, not only the first (S11)."""

    def __init__(self, reasons: list[Reason]) -> None:
        if not reasons:
            raise ValueError("a refusal names its reasons")
        self.reasons = reasons
        super().__init__("; ".join(reason.code for reason in reasons))


class InvalidInput(Exception):
    """Values that passed their form's types but cannot be used; `errors` maps a field's name to its message."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(", ".join(errors))


def refuse(code: str, message: str, remedy: str = "", url: str = "") -> Refused:
    """A refusal with a single reason, to be raised by the caller."""
    return Refused([Reason(code, message, remedy, url)])
