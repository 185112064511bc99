"""What a need asks of people, as its staff choose it. Types and lengths, no queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms import FieldList, FormField, HiddenField, SelectMultipleField
from wtforms.validators import Optional

from app.core.forms import PageForm, PartForm, choices
from app.core.i18n import lazy
from app.core.text import line

# Tasks that the page shows; those of more shifts stay as they are.
SHOWN_TASKS = 40


def _requirements(label: Any) -> SelectMultipleField:
    return SelectMultipleField(label, choices=[], validators=[Optional()])


class TaskRow(PartForm):
    """One task of a shift (a position, by its id)."""

    id = HiddenField(filters=[line])
    requirements = _requirements(lazy("What this task asks besides"))


class RequirementsForm(PageForm):
    """What is required of everybody, and besides of single tasks."""

    requirements = _requirements(lazy("Required of everybody"))
    tasks = FieldList(FormField(TaskRow), max_entries=SHOWN_TASKS)

    def offer(self, names: Mapping[str, str]) -> None:
        """What can be chosen: how a profile writes it -> its name."""
        for field in (self.requirements, *(entry.form.requirements for entry in self.tasks)):
            field.choices = choices(names.items())
