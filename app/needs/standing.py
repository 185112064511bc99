"""Where a need stands, computed from facts and never stored: what is given, promised and open, and whether it is filled."""

from __future__ import annotations

import dataclasses
import decimal
from collections.abc import Sequence

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
    """Places taken of those there are; None when none can be counted (roles for as many as come)."""
    counted = [(shift.capacity, shift.taken) for shift in shifts if shift.capacity is not None]
    if not counted:
        return None
    goal, taken = sum(capacity for capacity, _taken in counted), sum(taken for _capacity, taken in counted)
    return Standing(taken, 0, goal, sum(max(0, capacity - taken) for capacity, taken in counted))


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
