"""The same need again: a draft with everything that was asked for, and nothing of what was promised."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from app.accounts.models import Person
from app.core.clock import local_date, now, today
from app.core.db import db
from app.needs.models import DayFacts, Need, PrivateAddress, Shift
from app.needs.operations.coordinators import copy_assignments
from app.needs.operations.freshness import CONFIRMED_FOR
from app.needs.operations.inputs import ItemInput, PositionInput, ShiftInput
from app.needs.operations.items import add_item
from app.needs.operations.needs import create_need
from app.needs.operations.shared import gone, locked_need, record
from app.needs.operations.shifts import add_shift
from app.needs.operations.unfinished import copy_unfinished
from app.organizations.members import hold_organization

WEEK = dt.timedelta(days=7)
# The columns of a need that say where it is, and all that a copy of it keeps as it is.
PLACE = (
    "remote", "private_address", "address", "city", "region", "postal_code", "country", "latitude", "longitude",
    "precision", "time_zone",
)  # fmt: skip
KEPT = ("description", "urgency", "causes", "skills", "requirements", "bring", "suits", "parking", "step_free")


def duplicate_need(need_id: int, *, by: Person) -> Need:
    """A draft like the need `need_id`, in whatever state that is: its words, place, items, and its shifts moved by as
    many weeks as it takes for the first to lie ahead, on the same weekdays at the same times of the clock there (S7).
    Cancelled shifts stay behind, and so does every promise; who coordinates it comes along."""
    # The organization before the need, as assignments and merges lock.
    found = db.session.get(Need, need_id)
    if found is None:
        raise gone()
    hold_organization(found.organization_id)
    source = locked_need(need_id)
    copy = create_need(
        source.organization_id, by=by, title=source.title, **{name: getattr(source, name) for name in KEPT}
    )
    for name in PLACE:
        setattr(copy, name, getattr(source, name))
    db.session.flush()
    exact, facts = db.session.get(PrivateAddress, source.id), db.session.get(DayFacts, source.id)
    if exact is not None:
        db.session.add(
            PrivateAddress(
                need_id=copy.id,
                address=exact.address,
                postal_code=exact.postal_code,
                latitude=exact.latitude,
                longitude=exact.longitude,
            )
        )
    if facts is not None:
        db.session.add(DayFacts(need_id=copy.id, meeting_point=facts.meeting_point, contact=facts.contact))
    shifts = [shift for shift in source.shifts if shift.status != "cancelled"]
    weeks = _weeks_ahead(shifts)
    if source.ends_on is not None:
        moved = source.ends_on + weeks * WEEK
        copy.ends_on = moved if moved >= today(copy.time_zone) else today(copy.time_zone) + CONFIRMED_FOR
    db.session.flush()
    ids: dict[int, int] = {}
    for shift in shifts:
        ids[shift.id] = add_shift(copy.id, _moved(shift, weeks), by=by).id
    for item in source.items:
        ids[item.id] = add_item(copy.id, ItemInput.of(item), by=by).id
    copy_unfinished(source, copy, ids)
    copy_assignments(source, copy, by=by)
    record("need.duplicated", copy, by, copy)
    return copy


def _weeks_ahead(shifts: list[Shift]) -> int:
    """How many weeks later the first shift with a day lies ahead, tomorrow at the earliest; none without such a shift."""
    days = [(local_date(shift.starts_at, shift.time_zone), shift) for shift in shifts if shift.starts_at is not None]
    days += [(shift.due_on, shift) for shift in shifts if shift.due_on is not None]
    if not days:
        return 0
    first, shift = min(days, key=lambda found: found[0])
    behind = today(shift.time_zone) - first
    return max(0, behind.days // 7 + 1)


def _moved(shift: Shift, weeks: int) -> ShiftInput:
    """The shift so many weeks later: the same times of the clock where it is, and as long as it was."""
    starts_at = ends_at = None
    if shift.starts_at is not None and shift.ends_at is not None:
        zone = zoneinfo.ZoneInfo(shift.time_zone)
        local = shift.starts_at.astimezone(zone).replace(tzinfo=None) + weeks * WEEK
        starts_at = local.replace(tzinfo=zone).astimezone(dt.UTC)
        ends_at = starts_at + (shift.ends_at - shift.starts_at)
        if ends_at <= now():
            return _moved(shift, weeks + 1)
    return ShiftInput(
        positions=tuple(
            PositionInput(position.name, position.capacity, requirements=tuple(position.requirements))
            for position in shift.positions
        ),
        starts_at=starts_at,
        ends_at=ends_at,
        flexible=shift.flexible,
        due_on=None if shift.due_on is None else shift.due_on + weeks * WEEK,
        contact=shift.contact,
        minimum_age=shift.minimum_age,
        time_zone=shift.time_zone,
    )
