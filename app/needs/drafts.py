"""What a draft may hold that a need may not: lines that lack something, a street without its town, no title yet. They are
kept as they were typed until they are complete, so that a draft can be put away at every step; publishing says at each
field what is missing.

The shape kept in `unfinished.typed`: `title` "" while the title is our own working one, `address`, `private_address`,
`shifts` and `items` (rows of the form as plain values; `id` of a saved row that was made incomplete, else a mark of its
own).
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from typing import Any

from wtforms import FieldList, Form

from app.core.errors import Reason
from app.core.i18n import _
from app.core.text import block
from app.needs.forms import ItemRow, NeedForm, ShiftRow
from app.needs.models import MARK

LONGEST_WORKING_TITLE = 60
ROWS = ("shifts", "items")
# Where the reasons against publishing are said, and what they are about.
FIELDS = {"title": "title", "description": "description", "place": "place", "past": "ends_on"}


# --- what is incomplete


def lacks(row: ShiftRow | ItemRow) -> dict[str, str]:
    """What a line lacks before it can be a shift or an item: messages by field, a position's as "positions-<number>"."""
    if isinstance(row, ItemRow):
        return {} if row.name.data else {"name": _("Enter a name")}
    if row.kind.data == "flexible":
        return {}
    found = {
        name: message
        for name, message in (
            ("day", _("Enter the day")), ("start", _("Enter when it starts")), ("end", _("Enter when it ends")),
        )
        if row[name].data is None
    }  # fmt: skip
    for number, entry in enumerate(row.positions.entries):
        if entry.form.capacity.data is None and (number == 0 or not entry.form.is_blank):
            found[f"positions-{number}"] = _("Say how many people are needed")
    return found


def is_nothing(form: NeedForm) -> bool:
    """True when nothing at all was typed that a draft could be made of; where the organization is fills itself in."""
    rows = [entry.form for entry in (*form.shifts.entries, *form["items"].entries)]
    words = ("title", "description", "address", "bring", "suits", "parking", "meeting_point", "day_contact")
    chosen = ("causes", "skills", "ends_on", "step_free", "remote")
    return all(row.is_blank for row in rows) and not any(form[name].data for name in words + chosen)


def working_title(form: NeedForm) -> str:
    """What an untitled draft is called in lists until somebody names it: its first task, item or words."""
    tasks = (position.form.name.data for shift in form.shifts.entries for position in shift.form.positions.entries)
    items = (item.form.name.data for item in form["items"].entries)
    words = " ".join((block(form.description.data) or "").split())
    title: str = next((text for text in (*tasks, *items, words) if text), "") or _("Untitled need")
    return title if len(title) <= LONGEST_WORKING_TITLE else title[: LONGEST_WORKING_TITLE - 1].rstrip() + "…"


# --- to what is kept, and back


def keep_row(row: Form) -> dict[str, Any]:
    """A row of the form as plain values."""
    kept: dict[str, Any] = {}
    for field in row:
        name = field.short_name
        if isinstance(field, FieldList):
            kept[name] = [keep_row(entry.form) for entry in field.entries]
        elif isinstance(field.data, dt.date):
            kept[name] = field.data.isoformat()
        elif isinstance(field.data, dt.time):
            kept[name] = field.data.isoformat("minutes")
        else:
            kept[name] = field.data
    if isinstance(row, ShiftRow | ItemRow):
        kept["id"] = kept["id"] or f"{MARK}{secrets.token_hex(4)}"
    return kept


def _shown_row(kept: dict[str, Any]) -> dict[str, Any]:
    """What the form shows of a kept row."""
    shown = dict(kept)
    for name in ("day", "last_day", "due_on"):
        if shown.get(name):
            shown[name] = dt.date.fromisoformat(shown[name])
    for name in ("start", "end"):
        if shown.get(name):
            shown[name] = dt.time.fromisoformat(shown[name])
    return shown


def lay_over(saved: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """What the form shows: what is saved, and over it what was typed and is not complete yet. A line about a saved shift
    or item that is gone since goes with it."""
    shown = saved | {name: value for name, value in typed.items() if name not in ROWS}
    for name in ROWS:
        kept = {row["id"]: _shown_row(row) for row in typed.get(name, ())}
        rows = [kept.pop(row["id"], row) for row in saved[name]]
        shown[name] = rows + [row for key, row in kept.items() if key.startswith(MARK)]
    return shown


# --- what is missing


def say_missing(form: NeedForm, reasons: Iterable[Reason]) -> None:
    """Say at its field what stands between the need in the form and its publication; what no field can mend, above all of
    them. `reasons` are those of `operations.reasons_not_to_publish`."""
    rows = [entry.form for entry in (*form.shifts.entries, *form["items"].entries)]
    incomplete = [(row, missing) for row in rows if not row.is_blank and (missing := lacks(row))]
    for row, missing in incomplete:
        for name, message in missing.items():
            group, _dash, number = name.partition("-")
            _add(row[group].entries[int(number)].form.capacity if number else row[group], message)
    for reason in reasons:
        text = f"{reason.message} {reason.remedy}".strip()
        if reason.code in FIELDS:
            _add(form[FIELDS[reason.code]], text)
        elif reason.code == "contact_not_stated":
            for shift in form.shifts.entries:
                if not shift.form.contact.data:
                    _add(shift.form.contact, text)
        elif reason.code == "asks_nothing":
            if not form.shifts.entries:
                form.grow("shift")
            _add(form.shifts.entries[0].form.positions.entries[0].form.name, text)
        elif reason.code != "unfinished" or not incomplete:
            form.form_errors = [*form.form_errors, text]


def _add(field: Any, message: str) -> None:
    field.errors = [*field.errors, message]
