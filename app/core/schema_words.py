"""What marshmallow and webargs say of a field, in our catalogue: they speak English only."""

from __future__ import annotations

import re
from typing import Any

from app.core.i18n import lazy

_NAME = re.compile(r"%\((\w+)\)s")
_MESSAGES: tuple[Any, ...] = (
    lazy("Missing data for required field."),
    lazy("Field may not be null."),
    lazy("Unknown field."),
    lazy("Not an id of this installation."),
    lazy('Must be "all" or a list of ids of needs.'),
    lazy("Invalid value."),
    lazy("Invalid input."),
    lazy("Invalid input type."),
    lazy("Invalid type."),
    lazy("Invalid JSON body."),
    lazy("Not a valid string."),
    lazy("Not a valid utf-8 string."),
    lazy("Not a valid number."),
    lazy("Number too large."),
    lazy("Not a valid integer."),
    lazy("Special numeric values (nan or infinity) are not permitted."),
    lazy("Not a valid boolean."),
    lazy("Not a valid list."),
    lazy("Not a valid mapping type."),
    lazy("Not a valid date."),
    lazy("Not a valid datetime."),
    lazy("Not a valid aware datetime."),
    lazy("Not a valid URL."),
    lazy("Not a valid email address."),
    lazy("String does not match expected pattern."),
    lazy("Must be one of: %(choices)s."),
    # Those with two names before those with one, which would match as well.
    lazy("Must be greater than or equal to %(min)s and less than or equal to %(max)s."),
    lazy("Must be greater than or equal to %(min)s."),
    lazy("Must be greater than %(min)s."),
    lazy("Must be less than or equal to %(max)s."),
    lazy("Shorter than minimum length %(min)s."),
    lazy("Longer than maximum length %(max)s."),
    lazy("Length must be between %(min)s and %(max)s."),
    lazy("Length must be %(equal)s."),
)


def _pattern(message: str) -> re.Pattern[str]:
    """What finds `message` with its names filled in."""
    parts = _NAME.split(message)
    return re.compile("".join(re.escape(part) if at % 2 == 0 else f"(?P<{part}>.+?)" for at, part in enumerate(parts)))


# A lazy text keeps the literal it was made of.
_PATTERNS = tuple((_pattern(message._args[0]), message) for message in _MESSAGES)


def in_our_words(message: str) -> str:
    """`message` in the reader's language when it is one of theirs; ours come translated already."""
    for pattern, ours in _PATTERNS:
        if found := pattern.fullmatch(message):
            return str(ours) % found.groupdict() if found.groupdict() else str(ours)
    return message
