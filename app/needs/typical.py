"""Typical needs to start from: words, positions and items as most organizations write them, to be changed by whoever posts.

None of them has a day, a place or a number of people that could be published unread."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from app.core.i18n import lazy


@dataclasses.dataclass(frozen=True)
class Typical:
    """One typical need: `shift` is (start, end) on the clock of the place, None when it asks for no time; `positions`
    its tasks with how many people; `items` (name, quantity, unit), quantity "" for as much as people can bring."""

    code: str
    title: Any
    description: Any
    causes: tuple[str, ...] = ()
    shift: tuple[dt.time, dt.time] | None = None
    positions: tuple[tuple[Any, int], ...] = ()
    items: tuple[tuple[Any, str, Any], ...] = ()
    bring: Any = ""


def _at(start: int, end: int) -> tuple[dt.time, dt.time]:
    return dt.time(start), dt.time(end)


TYPICAL = (
    Typical(
        "food-sorting",
        lazy("Sort and pack food"),
        lazy(
            "We sort what came in, check dates and pack boxes for families. You stand most of the time; lifting is shared."
        ),
        ("food",),
        _at(9, 12),
        ((lazy("Sorting and packing"), 6),),
        bring=lazy("Closed shoes, clothes that may get dusty"),
    ),
    Typical(
        "community-dinner",
        lazy("Cook and serve the community dinner"),
        lazy("We cook for our neighbours and eat together. Cooks begin, servers and dishwashers stay until the end."),
        ("food",),
        _at(16, 20),
        ((lazy("Cook"), 3), (lazy("Server"), 4), (lazy("Dishes"), 2)),
    ),
    Typical(
        "drivers",
        lazy("Drivers for deliveries"),
        lazy(
            "You pick up boxes and bring them to homes nearby, about two hours with your own car. A helper may ride along."
        ),
        ("food",),
        _at(10, 12),
        ((lazy("Driver with a car"), 4), (lazy("Helper in the car"), 2)),
    ),
    Typical(
        "winter-clothes",
        lazy("Winter coats and blankets"),
        lazy("For people who come to us in the cold months. Everything should be clean and whole."),
        ("housing",),
        items=(
            (lazy("Winter coat, any size"), "", ""),
            (lazy("Blanket"), "30", ""),
            (lazy("Pair of warm socks"), "100", ""),
        ),
    ),
    Typical(
        "school-supplies",
        lazy("Backpacks and school supplies"),
        lazy("So that every child in the neighbourhood starts school with a full bag."),
        ("education",),
        items=(
            (lazy("Backpack"), "40", ""),
            (lazy("Notebook"), "200", ""),
            (lazy("Box of colored pencils"), "80", lazy("box")),
        ),
    ),
    Typical(
        "repair-evening",
        lazy("Repair evening"),
        lazy(
            "People bring what is broken, you repair it with them. Tools are there; what you cannot mend, nobody can."
        ),
        ("environment",),
        _at(18, 21),
        ((lazy("Electrical things"), 2), (lazy("Sewing"), 2), (lazy("Bicycles"), 2), (lazy("Welcome and coffee"), 1)),
    ),
    Typical(
        "animal-care",
        lazy("Walk dogs and care for animals"),
        lazy("You walk dogs, clean and keep company. We show you how before your first walk."),
        ("animals",),
        _at(10, 12),
        ((lazy("Walker"), 4),),
        bring=lazy("Shoes for mud"),
    ),
    Typical(
        "clean-up",
        lazy("Clean up after a storm or flood"),
        lazy(
            "We clear mud and wet things out of homes, together with the people who live there. Gloves and masks are there."
        ),
        ("emergency",),
        _at(8, 12),
        ((lazy("Crew"), 12), (lazy("Crew lead"), 2)),
        bring=lazy("Boots, long trousers, water"),
    ),
    Typical(
        "interpreters",
        lazy("Interpreters on call"),
        lazy("By telephone, half an hour now and then, when somebody comes whose language we do not speak."),
        ("refugees-migrants",),
    ),
    Typical(
        "garden",
        lazy("Garden morning"),
        lazy("We dig, plant and water. Some of the work can be done sitting."),
        ("environment",),
        _at(9, 12),
        ((lazy("Gardener"), 8),),
        bring=lazy("Gloves, a hat, water"),
    ),
)
_BY_CODE = {typical.code: typical for typical in TYPICAL}


def find_typical(code: str) -> Typical | None:
    """The typical need with this code, or None."""
    return _BY_CODE.get(code)


def fill_typical(typical: Typical) -> dict[str, Any]:
    """What the form of a new need shows of it, in the reader's language."""
    shifts: list[dict[str, Any]] = []
    if typical.shift is not None:
        positions = [{"name": str(name), "capacity": people} for name, people in typical.positions]
        shifts = [{"kind": "times", "start": typical.shift[0], "end": typical.shift[1], "positions": positions}]
    elif not typical.items:
        shifts = [{"kind": "flexible", "positions": [{"name": "", "capacity": None}]}]
    return {
        "title": str(typical.title),
        "description": str(typical.description),
        "causes": list(typical.causes),
        "bring": str(typical.bring),
        "shifts": shifts,
        "items": [
            {"name": str(name), "quantity": quantity, "unit": str(unit)} for name, quantity, unit in typical.items
        ],
    }
