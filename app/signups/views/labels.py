"""Shifts and positions in words, for choices and for what stands beside a refusal."""

from __future__ import annotations

from app.accounts.models import Person
from app.core import when
from app.core.clock import local_date
from app.core.i18n import _
from app.needs.models import Position, Shift
from app.signups import queries


def label_others(shift: Shift, person: Person | None) -> list[tuple[Shift, str]]:
    """Shifts of the same need that `person` (None: a guest) can take, each with when it is: what stands beside a refusal."""
    return [(other, shift_label(other)) for other in queries.list_other_shifts(shift, person)]


def shift_label(shift: Shift) -> str:
    """When a shift is, in words, for a choice."""
    if shift.starts_at is not None and shift.ends_at is not None:
        day = when.long_day(local_date(shift.starts_at, shift.time_zone))
        label = f"{day}, {when.times(shift.starts_at, shift.ends_at, shift.time_zone)}"
        return _("%(when)s (it has begun)", when=label) if shift.is_running else label
    if shift.due_on is not None:
        return _("Any time, done by %(day)s", day=when.full_day(shift.due_on))
    return _("Any time")


def position_label(position: Position) -> str:
    """A position and how many of its places are open, for a choice."""
    name = position.name or _("Helper")
    if position.capacity is None:
        return name
    free = max(0, position.capacity - position.taken)
    return _("%(name)s: %(free)s of %(capacity)s open", name=name, free=free, capacity=position.capacity)
