"""What every form's view does with the answer of an operation: messages go to their fields, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import Form
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs

from app.core.errors import InvalidInput, Refused


def show_errors(form: Form, invalid: InvalidInput) -> None:
    """Put the messages of an operation at their fields; those of fields the form has not, at its first."""
    for name, message in invalid.errors.items():
        field = form[name] if name in form else next(iter(form))
        field.errors = [*field.errors, message]


def show_reasons(form: Form, refused: Refused) -> None:
    """Say why an act was refused, each reason with how to meet it, at the form's first field."""
    field = next(iter(form))
    field.errors = [*field.errors, *(f"{reason.message} {reason.remedy}".strip() for reason in refused.reasons)]


def choices(pairs: Iterable[tuple[str, Any]]) -> list[Any]:
    """The options of a choice field from (value, label); labels may be lazy translations."""
    return [SelectChoice(value, label) for value, label in pairs]
