"""What was typed of a draft and is not complete: kept beside it, and gone once it is complete."""

from __future__ import annotations

from typing import Any

from app.core.db import db
from app.core.errors import Reason
from app.core.i18n import _, ngettext
from app.core.ids import encode_id
from app.needs.models import MARK, Need, Unfinished
from app.needs.operations.shared import changed, locked_need
from app.needs.queries import find_unfinished

ROWS = ("shifts", "items")


def keep_unfinished(need_id: int, typed: dict[str, Any]) -> None:
    """Keep what `drafts` says is not complete, in place of what was kept before; nothing keeps no row."""
    need = locked_need(need_id)
    row = db.session.get(Unfinished, need.id)
    if row is None and typed:
        db.session.add(Unfinished(need_id=need.id, typed=typed))
    elif row is not None and not typed:
        db.session.delete(row)
    elif row is not None and row.typed != typed:
        row.typed = typed
    else:
        return
    changed(need)


def copy_unfinished(source: Need, copy: Need, ids: dict[int, int]) -> None:
    """The copy is as incomplete as its source; `ids` says which shift or item of the copy is which of the source."""
    row = db.session.get(Unfinished, source.id)
    if row is None:
        return
    keys = {encode_id(old): encode_id(new) for old, new in ids.items()}
    typed = dict(row.typed)
    for name in ROWS:
        if name in typed:
            typed[name] = [{**kept, "id": keys.get(kept["id"], kept["id"])} for kept in typed[name]]
    keep_unfinished(copy.id, typed)


def unfinished_rows(need: Need, typed: dict[str, Any] | None = None) -> int:
    """How many lines are not complete yet; those about a saved shift or item count while that is there. `typed` when it
    was read already."""
    typed = find_unfinished(need) if typed is None else typed
    keys = [kept["id"] for name in ROWS for kept in typed.get(name, ())]
    if not keys:
        return 0
    there = {encode_id(shift.id) for shift in need.shifts if shift.status != "cancelled" and not shift.is_over}
    there |= {encode_id(item.id) for item in need.items}
    return sum(key in there or key.startswith(MARK) for key in keys)


def is_untitled(need: Need) -> bool:
    """True while its title is only a working one."""
    return "title" in find_unfinished(need)


def take_title(need: Need) -> None:
    """Somebody gave it a title: it is no working title any more."""
    row = db.session.get(Unfinished, need.id)
    if row is not None and "title" in row.typed:
        row.typed = {name: value for name, value in row.typed.items() if name != "title"}


def forget_unfinished(need: Need) -> None:
    """It is published: what is left of what was typed is about nothing."""
    row = db.session.get(Unfinished, need.id)
    if row is not None:
        db.session.delete(row)


def reasons_of_unfinished(need: Need, typed: dict[str, Any]) -> list[Reason]:
    """Lines that lack something, and a street whose town nobody knows, stand in the way."""
    found = []
    if rows := unfinished_rows(need, typed):
        message = ngettext("%(num)s shift or item is not complete.", "%(num)s shifts or items are not complete.", rows)
        found.append(Reason("unfinished", message, _("Fill in what is missing there, or take it away.")))
    if typed.get("address") and (need.remote or need.latitude is not None):
        found.append(Reason("place", _("A street is there without its town."), _("Enter the town or postal code.")))
    return found
