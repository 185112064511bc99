"""Posting and changing needs, their shifts and items. Each act locks the need first, then reads again.

One file for each thing that is changed; callers say `needs.operations.add_shift`."""

from __future__ import annotations

from app.needs.operations.closing import (
    can_undo_close,
    close_need,
    promise_thanks,
    reopen_need,
    to_call_off,
    undo_close,
)
from app.needs.operations.coordinators import assign_need, end_idle_assignments, take_need
from app.needs.operations.copying import duplicate_need
from app.needs.operations.freshness import ask_to_confirm, confirm_need, pause_unconfirmed
from app.needs.operations.inputs import ItemInput, PlaceInput, PositionInput, ShiftInput
from app.needs.operations.items import add_item, edit_item, remove_item
from app.needs.operations.needs import (
    create_need,
    edit_need,
    pause_need,
    publish_need,
    reasons_not_to_publish,
)
from app.needs.operations.places import look_up
from app.needs.operations.shifts import add_shift, cancel_shift, edit_shift
from app.needs.operations.unfinished import is_untitled, keep_unfinished, unfinished_rows

__all__ = [
    "ItemInput",
    "PlaceInput",
    "PositionInput",
    "ShiftInput",
    "add_item",
    "add_shift",
    "ask_to_confirm",
    "assign_need",
    "can_undo_close",
    "cancel_shift",
    "close_need",
    "confirm_need",
    "create_need",
    "duplicate_need",
    "edit_item",
    "edit_need",
    "edit_shift",
    "end_idle_assignments",
    "is_untitled",
    "keep_unfinished",
    "look_up",
    "pause_need",
    "pause_unconfirmed",
    "promise_thanks",
    "publish_need",
    "reasons_not_to_publish",
    "remove_item",
    "reopen_need",
    "take_need",
    "to_call_off",
    "undo_close",
    "unfinished_rows",
]
