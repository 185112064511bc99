"""Where a need stands, computed from facts and never stored: what is given, promised and open, and whether it is filled."""

from __future__ import annotations

import dataclasses
import decimal
from collections.abc import Sequence

from app.needs.models import Need
from app.needs.queries import ItemLine, ShiftLine

ZERO = decimal.Decimal(0)


@dataclasses.dataclass(frozen=True)
class Standing:
    """Sums of one kind of help, in places or in items' units."""

    given: decimal.Decimal | int
    promised: decimal.Decimal | int
    goal: decimal.Decimal | int
    open: decimal.Decimal | int


def of_time(shifts: Sequence[ShiftLine]) -> Standing | None:
    """Places taken of those that can be counted, position by position: a role for as many as come beside a counted one
    neither fills it nor hides it. None when none can be counted."""
    counted = [shift.counted for shift in shifts if shift.counted is not None]
    if not counted:
        return None
    goal, taken = sum(places for places, _taken in counted), sum(taken for _places, taken in counted)
    return Standing(taken, 0, goal, goal - taken)


def of_items(items: Sequence[ItemLine]) -> Standing | None:
    """What was received and promised of what is wanted; None when nothing has a quantity. A surplus of one item is not
    counted for another."""
    counted = [(item, item.quantity) for item in items if item.quantity is not None and not item.do_not_bring]
    if not counted:
        return None
    given = sum((min(item.received, quantity) for item, quantity in counted), ZERO)
    still = sum((item.still_wanted or ZERO for item, _quantity in counted), ZERO)
    goal = sum((quantity for _item, quantity in counted), ZERO)
    return Standing(given, goal - given - still, goal, still)


def is_filled(shifts: Sequence[ShiftLine], items: Sequence[ItemLine]) -> bool:
    """True when it asks for something countable and all of that is filled; open quantities never fill (N5).

    `shifts` are those that can still be taken.
    """
    counted = [standing for standing in (of_time(shifts), of_items(items)) if standing is not None and standing.goal]
    return bool(counted) and all(standing.open == 0 for standing in counted)


def status_of(need: Need) -> str:
    """The status as people and programs are told it: "filled" of an open need while that is what its facts say (N5).

    Reads shifts, positions and items of `need`; `filled.list_filled` asks the same of many.
    """
    if need.status != "open":
        return need.status
    places = [
        (position.capacity, position.taken)
        for shift in need.shifts
        if shift.status == "scheduled" and not shift.is_over
        for position in shift.positions
        if position.capacity
    ]
    things = [item for item in need.items if item.quantity and not item.do_not_bring]
    is_open = any(capacity > taken for capacity, taken in places) or any(item.still_wanted for item in things)
    return "filled" if (places or things) and not is_open else "open"
