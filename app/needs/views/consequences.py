"""What saving an edit means for people who have promised something: said, in exact numbers, before it is saved.

The edit is made in its transaction, looked at, and undone unless whoever edits has read just this. So the numbers are those
of the operations themselves: whom `shift_changed` will reach is whoever is on a shift whose sequence rose, and who loses
their place is whom the gate refuses now.
"""

from __future__ import annotations

import dataclasses
import decimal
import hashlib

from app.core import when
from app.core.i18n import _, ngettext, number
from app.needs.models import Need, Shift
from app.needs.operations.places import whereabouts
from app.needs.operations.shared import locked_need
from app.pledges.queries import list_deliveries
from app.signups.gate import list_refusals
from app.signups.queries import list_holding
from app.signups.waitlist import list_waiting


@dataclasses.dataclass(frozen=True)
class Consequence:
    """One thing that changes, and sentences about who is touched and what each of them is told."""

    what: str
    lines: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Before:
    """What people relied on before the edit."""

    place: object
    sequences: dict[int, int]
    times: dict[int, str]
    surplus: dict[int, decimal.Decimal]
    waiting: set[int]


class Untold(Exception):
    """The edit touches people and nobody has read how; it is undone. `people` counts each once."""

    def __init__(self, found: list[Consequence], people: int) -> None:
        self.found, self.people = found, people
        self.digest = digest(found)
        super().__init__(f"{people} people")


def observe(need_id: int) -> Before:
    """What people rely on now; the need is held until the transaction ends."""
    need = locked_need(need_id)
    return Before(
        place=whereabouts(need),
        sequences={shift.id: shift.sequence for shift in need.shifts},
        times={shift.id: _time(shift) for shift in need.shifts},
        surplus={item.id: item.surplus for item in need.items},
        waiting={signup.id for signup in list_waiting([shift.id for shift in need.shifts])},
    )


def require_told(before: Before, need: Need, read: str) -> None:
    """Raise Untold when the edit made since `before` touches people, unless `read` is the digest of just that."""
    found: list[Consequence] = []
    people: set[int] = set()
    waiting = list_waiting([shift.id for shift in need.shifts])
    for shift in need.shifts:
        if shift.id in before.sequences and shift.sequence > before.sequences[shift.id] and shift.status == "scheduled":
            _of_shift(shift, before, found, people)
        moved = [one for one in waiting if one.shift_id == shift.id and one.id not in before.waiting]
        if moved:
            people |= {one.person_id for one in moved}
            told = ngettext(
                "%(num)s person who signed up last moves to the waitlist, has no place then, and is told by email.",
                "%(num)s people who signed up last move to the waitlist, have no place then, and are told by email.",
                len(moved),
            )
            found.append(Consequence(_("Fewer places: %(shift)s", shift=_time(shift)), (told,)))
    deliveries = list_deliveries(need.id)
    if whereabouts(need) != before.place and deliveries:
        bringing = {row.person_id for row in deliveries}
        people |= bringing
        told = ngettext(
            "%(num)s person who promised items is told by email that the place changed.",
            "%(num)s people who promised items are told by email that the place changed.",
            len(bringing),
        )
        found.append(Consequence(_("Another place to bring things to"), (told,)))
    for item in need.items:
        promised = {row.person_id for row in deliveries if row.item_id == item.id}
        if promised and item.surplus > before.surplus.get(item.id, decimal.Decimal(0)):
            people |= promised
            stays = ngettext(
                "%(num)s person has promised it. The promise stays, and nobody is written to.",
                "%(num)s people have promised it. The promises stay, and nobody is written to.",
                len(promised),
            )
            more = _("That is %(number)s more than you would want.", number=number(item.surplus))
            found.append(Consequence(_("Less of %(item)s", item=item.name), (stays, more)))
    if found and read != digest(found):
        raise Untold(found, len(people))


def digest(found: list[Consequence]) -> str:
    """What was read, in short: other consequences, another digest."""
    return hashlib.blake2b(repr(found).encode(), digest_size=12).hexdigest()


def _of_shift(shift: Shift, before: Before, found: list[Consequence], people: set[int]) -> None:
    places = list_holding(shift.id)
    if not places:
        return
    people |= {place.person_id for place in places}
    lost = len(list_refusals(places))
    kept = len(places) - lost
    lines: list[str] = []
    if kept:
        lines.append(
            ngettext(
                "%(num)s person keeps the place and is told by email what changed.",
                "%(num)s people keep their place and are told by email what changed.",
                kept,
            )
        )
    if lost:
        lines.append(
            ngettext(
                "%(num)s person cannot keep the place as it would be then. It ends, and they are told why by email.",
                "%(num)s people cannot keep their place as it would be then. It ends, and they are told why by email.",
                lost,
            )
        )
    was, becomes = before.times[shift.id], _time(shift)
    words = becomes if was == becomes else _("%(was)s becomes %(now)s", was=was, now=becomes)
    found.append(Consequence(words, tuple(lines)))


def _time(shift: Shift) -> str:
    if shift.starts_at is not None and shift.ends_at is not None:
        day = when.full_day(when.local_day(shift.starts_at, shift.time_zone))
        return _("%(day)s, %(times)s", day=day, times=when.times(shift.starts_at, shift.ends_at, shift.time_zone))
    return _("by %(day)s", day=when.full_day(shift.due_on)) if shift.due_on else _("Flexible role")
