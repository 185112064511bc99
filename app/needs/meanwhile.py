"""Two people change the same need at once: the second is told, field by field, what is saved now, and keeps what they
typed. Saving once more, they know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from wtforms import Field, FieldList, Form, FormField

from app.core import when
from app.core.i18n import _
from app.needs.forms import NeedForm
from app.needs.models import MARK

# What the form carries besides what people type.
SILENT = ("version", "id", "csrf_token", "location", "located", "below_taken")


def show_difference(form: NeedForm, saved: dict[str, Any]) -> None:
    """Say at each field of `form` what is saved there now where it differs, and let the next save pass.

    `saved` is what the form would show of the need as it is.
    """
    form.form_errors = [
        *form.form_errors,
        _(
            "Somebody else changed this need meanwhile. Nothing you typed is lost: where it differs, the field says what "
            "is saved now. Save again to keep yours"
        ),
    ]
    form.version.data = saved["version"]
    for field in form:
        _compare(field, saved.get(field.short_name))
    _tell_of_new_rows(form, saved)


def _compare(field: Field, saved: Any) -> None:
    if field.short_name in SILENT:
        return
    if isinstance(field, FieldList):
        rows = {row["id"]: row for row in saved or ()}
        for entry in field.entries:
            key = entry.form.id.data
            if key and key in rows:
                for part in entry.form:
                    _compare(part, rows[key].get(part.short_name))
            elif key:
                _add(_first(entry.form), _("Somebody else took this away meanwhile. Saving again adds it anew"))
    elif _plain(field.data) != _plain(saved):
        _add(field, _("Saved meanwhile: %(value)s", value=_in_words(field, saved)))


def _tell_of_new_rows(form: NeedForm, saved: dict[str, Any]) -> None:
    """Rows that the other editor added are not in this form; saving it leaves them as they are."""
    for rows, name in ((form.shifts, "shifts"), (form["items"], "items")):
        here = {entry.form.id.data for entry in rows.entries}
        added = [row for row in saved[name] if row["id"] not in here]
        for row in added:
            if row["id"].startswith(MARK):  # not complete, so only this form holds it from now on
                rows.append_entry(row)
        if added and name == "shifts":
            form.form_errors = [*form.form_errors, _("Somebody added a shift meanwhile. It stays when you save")]
        elif added:
            names = ", ".join(row["name"] or _("without a name") for row in added)
            message = _("Somebody added items meanwhile: %(names)s. They stay when you save", names=names)
            form.form_errors = [*form.form_errors, message]


def _add(field: Field, message: str) -> None:
    field.errors = [*field.errors, message]


def _first(form: Form) -> Field:
    """The first field of a row that can be seen."""
    for field in _visible(form):
        return field
    return next(iter(form))


def _visible(form: Form) -> Iterator[Field]:
    for field in form:
        if isinstance(field, FieldList):
            for entry in field.entries:
                yield from _visible(entry.form)
        elif field.short_name not in SILENT and not isinstance(field, FormField):
            yield field


def _plain(value: Any) -> Any:
    """Nothing is nothing, and the order of ticks means nothing."""
    if isinstance(value, list):
        return sorted(value) or None
    return None if value in ("", False) else value


def _in_words(field: Field, value: Any) -> str:
    if value in (None, "", []):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dt.date):
        return when.full_day(value)
    if isinstance(value, dt.time):
        return value.strftime("%H:%M")
    names = {choice[0]: str(choice[1]) for choice in field.iter_choices()} if hasattr(field, "iter_choices") else {}
    if isinstance(value, list):
        return ", ".join(names.get(part, str(part)) for part in value)
    return names.get(value, str(value))
