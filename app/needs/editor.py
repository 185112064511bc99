"""From the one page that grows to the operations behind it, and back: what is typed becomes shifts and items, and
what an operation refuses is said at the row it is about."""

from __future__ import annotations

import datetime as dt
import decimal
import zoneinfo
from typing import Any

from wtforms import Form

from app.accounts.models import Person
from app.core.errors import InvalidInput, Refused
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.needs import operations, queries
from app.needs.forms import ItemRow, NeedForm, ShiftRow, local_instant
from app.needs.models import Item, Need, Shift

# What an operation calls a field, and what the row calls it.
ROW_FIELDS = {"starts_at": "day", "ends_at": "end"}


class Unsaved(Exception):
    """Some rows could not be saved; their messages are in the form, and the whole act is undone."""


def fill(need: Need) -> dict[str, Any]:
    """What the form shows of a saved need, for its staff: the exact street of a private place too."""
    exact = queries.find_private_address(need) if need.private_address else None
    address = exact.address if exact is not None else need.address
    postal_code = exact.postal_code if exact is not None else need.postal_code
    return {
        "version": str(need.version),
        "title": need.title,
        "description": need.description,
        "urgency": need.urgency,
        "causes": need.causes,
        "skills": need.skills,
        "remote": need.remote,
        "place": postal_code or ", ".join(part for part in (need.city, need.region) if part),
        "address": address,
        "private_address": need.private_address,
        "ends_on": need.ends_on,
        "shifts": [_fill_shift(shift) for shift in need.shifts if shift.status != "cancelled"],
        "items": [_fill_item(item) for item in need.items],
    }


def _fill_shift(shift: Shift) -> dict[str, Any]:
    zone = zoneinfo.ZoneInfo(shift.time_zone)
    starts = None if shift.starts_at is None else shift.starts_at.astimezone(zone)
    ends = None if shift.ends_at is None else shift.ends_at.astimezone(zone)
    position = shift.positions[0] if shift.positions else None
    return {
        "id": encode_id(shift.id),
        "kind": "flexible" if shift.flexible else "times",
        "name": position.name if position else "",
        "day": None if starts is None else starts.date(),
        "start": None if starts is None else starts.time(),
        "end": None if ends is None else ends.time(),
        "due_on": shift.due_on,
        "capacity": position.capacity if position else None,
        "contact": None if shift.contact == "not_stated" else shift.contact,
        "minimum_age": shift.minimum_age,
    }


def _fill_item(item: Item) -> dict[str, Any]:
    return {
        "id": encode_id(item.id),
        "name": item.name,
        "quantity": "" if item.quantity is None else format(item.quantity, "f"),
        "unit": item.unit,
        "accepted_condition": item.accepted_condition,
        "purchase_url": item.purchase_url or "",
        "first": item.priority == "first",
        "do_not_bring": item.do_not_bring,
    }


def save(form: NeedForm, organization_id: int, need: Need | None, *, by: Person) -> Need:
    """Write the whole page in the caller's transaction. Raises Unsaved, with every message at its field, when any part
    of it cannot be saved."""
    try:
        need = _save_need(form, organization_id, need, by=by)
    except InvalidInput as invalid:
        show_errors(form, invalid)
        raise Unsaved from invalid
    except Refused as refused:
        show_reasons(form, refused)
        raise Unsaved from refused
    failed = False
    for shift in form.shifts.entries:
        failed |= not _save_row(shift.form, lambda row: _save_shift(row, need, by=by))
    for item in form.items.entries:
        failed |= not _save_row(item.form, lambda row: _save_item(row, need, by=by))
    if failed:
        raise Unsaved
    return need


def _save_need(form: NeedForm, organization_id: int, need: Need | None, *, by: Person) -> Need:
    values: dict[str, Any] = {
        "title": form.title.data or "",
        "description": form.description.data or "",
        "urgency": form.urgency.data,
        "causes": form.causes.data or [],
        "skills": form.skills.data or [],
        "remote": bool(form.remote.data),
        "ends_on": form.ends_on.data,
        "place": _place(form),
        "private_address": bool(form.private_address.data),
    }
    if need is None:
        return operations.create_need(organization_id, by=by, **values)
    if values["place"] is None and need.latitude is None:
        values["private_address"] = None
    saved = operations.edit_need(need.id, by=by, **values)
    if form.version.data and str(saved.version - 1) != form.version.data:
        raise InvalidInput(
            {
                "title": _(
                    "Somebody else changed this need meanwhile. What you typed is below; open the need in another tab to "
                    "compare, then save again to keep yours"
                )
            }
        )
    return saved


def _place(form: NeedForm) -> operations.PlaceInput | None:
    text = (form.place.data or "").strip()
    if not text:
        return None
    is_code = any(character.isdigit() for character in text) and "," not in text
    if is_code:
        return operations.PlaceInput(address=form.address.data or None, postal_code=text)
    return operations.PlaceInput(address=form.address.data or None, city=text)


def _save_row(row: Form, act: Any) -> bool:
    """Save one row; a failure is said at its fields and the next rows are still looked at."""
    try:
        act(row)
    except InvalidInput as invalid:
        errors = {ROW_FIELDS.get(name, name): message for name, message in invalid.errors.items()}
        visible = {name if name in row else _first_visible(row): message for name, message in errors.items()}
        show_errors(row, InvalidInput(visible))
        return False
    except Refused as refused:
        field = row[_first_visible(row)]
        field.errors = [*field.errors, *(f"{reason.message} {reason.remedy}".strip() for reason in refused.reasons)]
        return False
    return True


def _first_visible(row: Form) -> str:
    return "capacity" if "capacity" in row else "name"


def _save_shift(row: ShiftRow, need: Need, *, by: Person) -> None:
    if row.is_blank:
        return
    existing = _find_shift(row, need)
    values = _shift_values(row, need, existing)
    if existing is None:
        operations.add_shift(need.id, values, by=by)
    elif values != _present_values(existing):
        operations.edit_shift(existing.id, values, by=by)


def _find_shift(row: ShiftRow, need: Need) -> Shift | None:
    key = decode_id(row.id.data or "")
    return next((shift for shift in need.shifts if shift.id == key), None)


def _present_values(shift: Shift) -> operations.ShiftInput:
    return operations.ShiftInput(
        positions=tuple(
            operations.PositionInput(name=position.name, capacity=position.capacity, id=position.id)
            for position in shift.positions
        ),
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        flexible=shift.flexible,
        due_on=shift.due_on,
        contact=shift.contact,
        minimum_age=shift.minimum_age,
        time_zone=shift.time_zone,
    )


def _shift_values(row: ShiftRow, need: Need, existing: Shift | None) -> operations.ShiftInput:
    """The row as the operation takes it. Positions beyond the first (made through the API) stay as they are."""
    zone = existing.time_zone if existing is not None else need.time_zone
    flexible = row.kind.data == "flexible"
    starts_at, ends_at = (None, None) if flexible else _times(row, zone)
    before = [] if existing is None else existing.positions
    first = operations.PositionInput(
        name=row.name.data or "", capacity=row.capacity.data, id=before[0].id if before else None
    )
    rest = tuple(
        operations.PositionInput(name=position.name, capacity=position.capacity, id=position.id)
        for position in before[1:]
    )
    return operations.ShiftInput(
        positions=(first, *rest),
        starts_at=starts_at,
        ends_at=ends_at,
        flexible=flexible,
        due_on=row.due_on.data if flexible else None,
        contact=row.contact.data or "not_stated",
        minimum_age=row.minimum_age.data,
        time_zone=zone,
    )


def _times(row: ShiftRow, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """Start and end as instants. Raises InvalidInput where clocks never show what was typed."""
    day, start, end = row.day.data, row.start.data, row.end.data
    missing = {}
    if day is None:
        missing["day"] = _("Enter the day")
    if start is None:
        missing["start"] = _("Enter when it starts")
    if end is None:
        missing["end"] = _("Enter when it ends")
    if day is None or start is None or end is None:
        raise InvalidInput(missing)
    last_day = day if end > start else day + dt.timedelta(days=1)
    starts_at, ends_at = local_instant(day, start, zone), local_instant(last_day, end, zone)
    skipped = _("Clocks skip this hour on that day. Choose another time")
    if starts_at is None:
        raise InvalidInput({"start": skipped})
    if ends_at is None:
        raise InvalidInput({"end": skipped})
    return starts_at, ends_at


def _save_item(row: ItemRow, need: Need, *, by: Person) -> None:
    if row.is_blank:
        return
    key = decode_id(row.id.data or "")
    existing = next((item for item in need.items if item.id == key), None)
    values = operations.ItemInput(
        name=row.name.data or "",
        unit=row.unit.data or "",
        quantity=_quantity(row.quantity.data or ""),
        category=existing.category if existing is not None else "",
        priority="first" if row.first.data else "normal",
        accepted_condition=row.accepted_condition.data or "",
        purchase_url=row.purchase_url.data or None,
        do_not_bring=bool(row.do_not_bring.data),
    )
    if existing is None:
        operations.add_item(need.id, values, by=by)
    elif _fill_item(existing) != {**_fill_item(existing), **_typed(row)}:
        operations.edit_item(existing.id, values, by=by)


def _typed(row: ItemRow) -> dict[str, Any]:
    return {
        "name": row.name.data or "",
        "quantity": row.quantity.data or "",
        "unit": row.unit.data or "",
        "accepted_condition": row.accepted_condition.data or "",
        "purchase_url": row.purchase_url.data or "",
        "first": bool(row.first.data),
        "do_not_bring": bool(row.do_not_bring.data),
    }


def _quantity(text: str) -> decimal.Decimal | None:
    if not text:
        return None
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation as error:
        raise InvalidInput({"quantity": _("Enter a number, like 2 or 1.5, or leave it empty")}) from error
