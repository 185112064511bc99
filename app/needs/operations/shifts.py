"""Shifts and flexible roles: adding, changing and cancelling them. Whoever has a place is told by promised work, whose
handlers live in signups: `shift_changed` and `shift_cancelled`, each with the shift's id (S6). `shift_has_more_places`: those
who wait are asked (S5)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.core import outbox
from app.core.clock import is_time_zone, now
from app.core.db import db, lock
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.needs.asking import check_requirements, reasons_not_to_open
from app.needs.models import CONTACTS, Need, Position, Shift
from app.needs.operations.inputs import PositionInput, ShiftInput
from app.needs.operations.shared import changed, locked_need, locked_shift, record, require_not_closed
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE

MAXIMUM_CAPACITY = 100_000
MAXIMUM_SHIFT = dt.timedelta(days=7)
MAXIMUM_POSITIONS = 20
MAXIMUM_NAME = 80


def add_shift(need_id: int, values: ShiftInput, *, by: Person | None) -> Shift:
    """A shift or flexible role with its positions. Raises InvalidInput, naming the field."""
    need = locked_need(need_id)
    require_not_closed(need)
    _check(values, need)
    shift = Shift(need_id=need.id, status="scheduled", sequence=0, version=1)
    _write(shift, values, need)
    db.session.add(shift)
    db.session.flush()
    for number, position in enumerate(values.positions):
        db.session.add(
            Position(
                shift_id=shift.id,
                name=position.name.strip(),
                capacity=position.capacity,
                requirements=check_requirements(position.requirements or (), {shift.contact}),
                taken=0,
                sort=number,
            )
        )
    db.session.flush()
    db.session.expire(shift, ["positions"])
    db.session.expire(need, ["shifts"])
    _require_openable(need, shift)
    changed(need)
    record("shift.added", shift, by, need)
    return shift


def edit_shift(shift_id: int, values: ShiftInput, *, by: Person | None) -> Shift:
    """Change a shift. Raises InvalidInput, and Refused (`below_taken`) when a capacity would be less than is taken (S1).

    Whoever has a place is told of new times, and asked again by the gate (S6, G1): promised as `shift_changed`.
    """
    need, shift = locked_shift(shift_id)
    require_not_closed(need)
    if shift.status == "cancelled":
        raise refuse("shift_cancelled", _("This shift is cancelled and cannot be changed."), _("Add another one."))
    _check(values, need, existing=shift)
    before = _facts(shift)
    _write(shift, values, need)
    places = {position.id: position.capacity for position in shift.positions}
    _write_positions(shift, values.positions)
    shift.version += 1
    if any(_is_more(position.capacity, places.get(position.id, 0)) for position in shift.positions):
        key = f"shift_has_more_places:{shift.id}:{shift.version}"
        outbox.enqueue("shift_has_more_places", {"shift_id": shift.id}, key=key)
    if _facts(shift) != before:
        _require_openable(need, shift)
        tell_of_change(shift)
    changed(need)
    contact = None if shift.contact == before[4] else {"contact_was": before[4], "contact": shift.contact}
    record("shift.edited", shift, by, need, contact)
    return shift


def _is_more(capacity: int | None, before: int | None) -> bool:
    """None is as many as come."""
    return before is not None and (capacity is None or capacity > before)


def cancel_shift(shift_id: int, *, by: Person) -> Shift:
    """The shift will not be: nobody can take it any more, and everybody on it is told (S6, `shift_cancelled`).

    Raises Refused (`past`) once it is over: what was is not taken back.
    """
    need, shift = locked_shift(shift_id)
    if shift.status == "cancelled":
        return shift
    if shift.is_over:
        raise refuse("past", _("This shift is over."), _("Only a shift that is ahead can be cancelled."))
    call_off(shift, by=by)
    changed(need)
    return shift


def call_off(shift: Shift, *, by: Person | None) -> None:
    """Cancel a shift whose need is locked, and promise to tell everybody on it (S6)."""
    shift.status = "cancelled"
    shift.sequence += 1
    shift.version += 1
    outbox.enqueue("shift_cancelled", {"shift_id": shift.id}, key=f"shift_cancelled:{shift.id}")
    record("shift.cancelled", shift, by, shift.need)


def tell_of_change(shift: Shift) -> None:
    """When or where of a shift ahead changed: calendars hear of it by its sequence (M3), people by promised work. One that
    cannot run may run as it is now (G2)."""
    if shift.status == "cancelled" or shift.is_over:
        return
    shift.sequence += 1
    shift.version += 1
    outbox.enqueue("shift_changed", {"shift_id": shift.id}, key=f"shift_changed:{shift.id}:{shift.sequence}")


def _facts(shift: Shift) -> tuple[Any, ...]:
    """What people on a shift rely on, and what decides who may be there."""
    times = (shift.starts_at, shift.ends_at, shift.time_zone, shift.due_on)
    asked = tuple((position.id, tuple(position.requirements)) for position in shift.positions)
    return (*times, shift.contact, shift.minimum_age, asked)


def _require_openable(need: Need, shift: Shift) -> None:
    """Raise Refused when a shift of an open need may not be open as it is (G1, G3)."""
    # The law lets only some roles ask for some checks, whichever of the two is changed.
    check_requirements(need.requirements, {shift.contact})
    if need.status in ("open", "filled") and (reasons := reasons_not_to_open(need, [shift])):
        raise Refused(reasons)


def _check(values: ShiftInput, need: Need, existing: Shift | None = None) -> None:
    errors = {**_check_times(values, existing), **_check_positions(values)}
    if values.time_zone is not None and not is_time_zone(values.time_zone):
        errors["time_zone"] = _("Choose a time zone such as America/New_York")
    if values.minimum_age is not None and not 0 <= values.minimum_age <= 120:
        errors["minimum_age"] = _("Enter an age between 0 and 120")
    if values.contact not in CONTACTS or (values.contact == "not_stated" and need.status in ("open", "filled")):
        # An open need's shifts are open too, and none opens before it states its contact (G1).
        errors["contact"] = _("Say whether people meet children or adults at risk")
    elif (
        values.contact in CONTACTS_WITH_PEOPLE and values.flexible and values.due_on is None and need.status != "draft"
    ):
        # A flexible role with contact has a due date, which counts as its end (G1).
        errors["due_on"] = _("Say by when it is done: clearances must be valid until then")
    if errors:
        raise InvalidInput(errors)


def _check_times(values: ShiftInput, existing: Shift | None) -> dict[str, str]:
    starts_at, ends_at = values.starts_at, values.ends_at
    if values.flexible:
        if starts_at is not None or ends_at is not None:
            return {"starts_at": _("A flexible role has no times; it may have a date by which it is done")}
        return {}
    if starts_at is None or ends_at is None:
        return {"starts_at": _("Give a start and an end, or make it a flexible role")}
    if ends_at <= starts_at:
        return {"ends_at": _("The end must be after the start")}
    if ends_at - starts_at > MAXIMUM_SHIFT:
        return {"ends_at": _("A shift lasts at most 7 days; make it a flexible role or several shifts")}
    if ends_at <= now() and (existing is None or existing.ends_at != ends_at):
        return {"starts_at": _("This time is over")}
    return {}


def _check_positions(values: ShiftInput) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not values.positions:
        errors["capacity"] = _("Say how many people are needed")
    elif len(values.positions) > MAXIMUM_POSITIONS:
        errors["capacity"] = _("A shift has at most 20 positions")
    for position in values.positions:
        if position.capacity is None and not values.flexible:
            errors["capacity"] = _("Say how many people are needed")
        elif position.capacity is not None and not 0 <= position.capacity <= MAXIMUM_CAPACITY:
            errors["capacity"] = _("Enter a number between 0 and 100,000")
        if len(position.name) > MAXIMUM_NAME:
            errors["name"] = _("Write 80 characters or fewer")
    return errors


def _write(shift: Shift, values: ShiftInput, need: Need) -> None:
    shift.starts_at = None if values.starts_at is None else values.starts_at.astimezone(dt.UTC)
    shift.ends_at = None if values.ends_at is None else values.ends_at.astimezone(dt.UTC)
    shift.flexible, shift.due_on = values.flexible, values.due_on if values.flexible else None
    shift.contact, shift.minimum_age = values.contact, values.minimum_age
    shift.time_zone = values.time_zone or need.time_zone


def _write_positions(shift: Shift, wanted: tuple[PositionInput, ...]) -> None:
    """Match positions by id; a single one without id is the single one there. Never below what is taken (S1)."""
    existing = {position.id: position for position in shift.positions}
    wanted = named(shift, wanted)
    kept: set[int] = set()
    for number, values in enumerate(wanted):
        position = existing.get(values.id) if values.id is not None else None
        if position is None:
            position = Position(shift_id=shift.id, taken=0)
            db.session.add(position)
        else:
            lock(Position, position.id)
            if values.capacity is not None and values.capacity < position.taken:
                raise _below_taken(position.taken)
        position.name, position.capacity, position.sort = values.name.strip(), values.capacity, number
        asked = position.requirements or () if values.requirements is None else values.requirements
        position.requirements = check_requirements(asked, {shift.contact})
        db.session.flush()
        kept.add(position.id)
    for key, position in existing.items():
        if key not in kept:
            _remove(position)
    db.session.flush()
    db.session.expire(shift, ["positions"])


def named(shift: Shift, wanted: tuple[PositionInput, ...]) -> tuple[PositionInput, ...]:
    """`wanted` as it is matched with what is there: a single one without id is the single position of `shift`."""
    if len(wanted) == 1 and wanted[0].id is None and len(shift.positions) == 1:
        return (dataclasses.replace(wanted[0], id=shift.positions[0].id),)
    return wanted


def _remove(position: Position) -> None:
    lock(Position, position.id)
    if position.taken:
        raise refuse(
            "below_taken",
            _("%(taken)s places are taken, so there cannot be fewer.", taken=position.taken),
            _("Keep this task, or cancel the shift: everybody on it is told."),
        )
    try:
        with db.session.begin_nested():
            db.session.execute(sa.delete(Position).where(Position.id == position.id))
    except sa.exc.IntegrityError:
        # Somebody had a place on it once; the record of that stays, and nobody fits on it any more.
        position.capacity, position.sort = 0, MAXIMUM_POSITIONS
    else:
        db.session.expunge(position)


def _below_taken(taken: int) -> Refused:
    return refuse(
        "below_taken",
        _("%(taken)s places are taken, so there cannot be fewer.", taken=taken),
        _("Keep at least %(taken)s, or let the latest move to the waitlist: each of them is told.", taken=taken),
    )
