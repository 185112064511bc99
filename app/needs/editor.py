"""From the one page that grows to the operations behind it, and back: what is typed becomes shifts and items, and
what an operation refuses is said at the row it is about."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
import re
import zoneinfo
from collections.abc import Callable
from typing import Any

from wtforms import FieldList, Form

from app.accounts.models import Person
from app.core.errors import InvalidInput, Refused
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.needs import drafts, operations, queries
from app.needs.forms import SHOWN_ROWS, ItemRow, NeedForm, ShiftRow, local_instants
from app.needs.meanwhile import show_difference
from app.needs.models import Item, Need, Shift

# What an operation calls a field, and what the row calls it.
ROW_FIELDS = {"starts_at": "day", "ends_at": "end", "time_zone": "day"}
# How a shift is changed: by the operation, or by one that moves the latest places to the waitlist (S1).
EditShift = Callable[..., Shift]
NUMBER = re.compile(r"[-+−]?\d+(\.\d*)?", re.ASCII)


class Unsaved(Exception):
    """Some rows could not be saved; their messages are in the form, and the whole act is undone."""


def fill(need: Need) -> dict[str, Any]:
    """What the form shows of a saved need, for its staff: the exact street of a private place, and what is not complete
    yet, too."""
    exact = queries.find_private_address(need) if need.private_address else None
    facts = queries.find_day_facts_of(need)
    address = exact.address if exact is not None else need.address
    postal_code = exact.postal_code if exact is not None else need.postal_code
    town = ", ".join(part for part in (need.city, need.region) if part)
    saved = {
        "version": str(need.version),
        "title": need.title,
        "description": need.description,
        "urgency": need.urgency,
        "causes": need.causes,
        "skills": need.skills,
        "remote": need.remote,
        "place": " ".join(part for part in (town, postal_code) if part),
        "address": address or "",
        "private_address": need.private_address,
        "time_zone": need.time_zone,
        "ends_on": need.ends_on,
        "bring": need.bring,
        "suits": need.suits,
        "parking": need.parking,
        "step_free": {None: "", True: "yes", False: "no"}[need.step_free],
        "meeting_point": facts.meeting_point if facts else "",
        "day_contact": facts.contact if facts else "",
        "shifts": [_fill_shift(shift) for shift in _ahead(need)[:SHOWN_ROWS]],
        "items": [_fill_item(item) for item in need.items[:SHOWN_ROWS]],
    }
    return drafts.lay_over(saved, queries.find_unfinished(need))


def count_hidden(need: Need) -> int:
    """How many shifts and items the form has no room for; they stay as they are."""
    return max(0, len(_ahead(need)) - SHOWN_ROWS) + max(0, len(need.items) - SHOWN_ROWS)


def _ahead(need: Need) -> list[Shift]:
    return [shift for shift in need.shifts if shift.status != "cancelled" and not shift.is_over]


def _fill_shift(shift: Shift) -> dict[str, Any]:
    return {
        "id": encode_id(shift.id),
        "kind": "flexible" if shift.flexible else "times",
        "positions": [
            {"id": encode_id(position.id), "name": position.name, "capacity": position.capacity}
            for position in shift.positions
        ],
        **_fill_times(shift),
        "due_on": shift.due_on,
        "contact": None if shift.contact == "not_stated" else shift.contact,
        "minimum_age": shift.minimum_age,
    }


def _fill_times(shift: Shift) -> dict[str, Any]:
    """Day, times and what else is needed to say them on the clocks of the place, to the minute."""
    if shift.starts_at is None or shift.ends_at is None:
        return {"day": None, "start": None, "end": None, "last_day": None, "fold": ""}
    zone = zoneinfo.ZoneInfo(shift.time_zone)
    starts, ends = shift.starts_at.astimezone(zone), shift.ends_at.astimezone(zone)
    start, end = (moment.time().replace(second=0, microsecond=0, fold=0) for moment in (starts, ends))
    is_next = end <= start and ends.date() == starts.date() + dt.timedelta(days=1)
    same_way = ends.date() == starts.date() and end > start
    twice = [moment for moment in (starts, ends) if len(local_instants(moment.date(), moment.time(), zone.key)) > 1]
    return {
        "day": starts.date(),
        "start": start,
        "end": end,
        "last_day": None if is_next or same_way else ends.date(),
        "fold": "" if not twice else "second" if twice[0].fold else "first",
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


def save(form: NeedForm, organization_id: int, need: Need | None, *, by: Person, moving_latest: EditShift) -> Need:
    """Write the whole page in the caller's transaction; `moving_latest` changes a shift whose row says that the latest places
    move to the waitlist. Raises Unsaved, with every message at its field, when any part of it cannot be saved; a draft keeps
    what is only incomplete."""
    kept: dict[str, Any] = {}
    try:
        need = _save_need(form, organization_id, need, kept, by=by)
    except InvalidInput as invalid:
        show_errors(form, invalid)
        raise Unsaved from invalid
    except Refused as refused:
        if need is not None and any(reason.code == "changed_meanwhile" for reason in refused.reasons):
            show_difference(form, fill(need))
        else:
            show_reasons(form, refused)
        gather_errors(form)
        raise Unsaved from refused
    failed = False
    save_shift = functools.partial(_save_shift, moving_latest=moving_latest)
    for name, entries, act in (
        ("shifts", form.shifts.entries, save_shift), ("items", form["items"].entries, _save_item),
    ):  # fmt: skip
        for entry in entries:
            if need.status == "draft" and not entry.form.is_blank and drafts.lacks(entry.form):
                failed |= not _save_row(entry.form, _check_typed)
                kept.setdefault(name, []).append(drafts.keep_row(entry.form))
            else:
                failed |= not _save_row(entry.form, functools.partial(act, need=need, by=by))
    if failed:
        gather_errors(form)
        raise Unsaved
    operations.keep_unfinished(need.id, kept)
    return need


def gather_errors(form: Form) -> None:
    """Rows tell their list of what operations said about them; WTForms itself asks only while it validates."""
    for field in form:
        if isinstance(field, FieldList):
            for entry in field.entries:
                gather_errors(entry.form)
            field.errors = [entry.errors for entry in field.entries if entry.errors]


def _save_need(form: NeedForm, organization_id: int, need: Need | None, kept: dict[str, Any], *, by: Person) -> Need:
    """Write the need itself; what a draft cannot hold yet goes to `kept`."""
    is_draft = need is None or need.status == "draft"
    if need is None and drafts.is_nothing(form):
        raise InvalidInput({"title": _("Enter a title")})
    values: dict[str, Any] = {
        "title": form.title.data or "",
        "description": form.description.data or "",
        "urgency": form.urgency.data,
        "causes": form.causes.data or [],
        "skills": form.skills.data or [],
        "remote": bool(form.remote.data),
        "ends_on": form.ends_on.data,
        "bring": form.bring.data or "",
        "suits": form.suits.data or "",
        "parking": form.parking.data or "",
        "step_free": {"yes": True, "no": False}.get(form.step_free.data),
        "meeting_point": form.meeting_point.data or "",
        "day_contact": form.day_contact.data or "",
    }
    address, text, zone = form.address.data or "", form.place.data or "", form.time_zone.data or None
    private = bool(form.private_address.data)
    place = operations.PlaceInput(address=address or None, text=text) if text else None
    if is_draft and not values["title"]:
        values["title"], kept["title"] = drafts.working_title(form), ""
    if address and not text:
        if not is_draft:
            raise InvalidInput({"place": _("Enter the town or postal code of this street")})
        kept["address"] = address
    if is_draft and private and not text:
        kept["private_address"] = True
    if need is None:
        return operations.create_need(
            organization_id, by=by, place=place, private_address=private, time_zone=zone, **values
        )
    before = fill(need)
    if (address, text) == (before["address"], before["place"]):
        # Looking the same words up again could only lose what is known better (coordinates).
        place, zone = None, zone if zone != need.time_zone else None
    else:
        place = place or operations.PlaceInput()
        # A zone that was not touched follows the place.
        zone = zone if zone != need.time_zone else None
    version = form.version.data or ""
    return operations.edit_need(
        need.id,
        by=by,
        version=int(version) if version.isdecimal() and len(version) < 10 else 0,
        place=place,
        private_address=private,
        time_zone=zone,
        **values,
    )


def _save_row(row: Form, act: Any) -> bool:
    """Save one row; a failure is said at its fields and the next rows are still looked at."""
    try:
        act(row)
    except InvalidInput as invalid:
        for name, message in invalid.errors.items():
            _show(row, name, message)
        return False
    except Refused as refused:
        for reason in refused.reasons:
            _show(row, "capacity" if reason.code == "below_taken" else "", f"{reason.message} {reason.remedy}".strip())
        return False
    return True


def _show(row: Form, name: str, message: str) -> None:
    """Put a message at the field that an operation names, or at the first that people see."""
    name = ROW_FIELDS.get(name, name)
    fields = {field.short_name: field for field in row}
    if isinstance(row, ShiftRow):
        fields = {**{field.short_name: field for field in row.positions.entries[0].form}, **fields}
    field = fields.get(name) or fields["kind" if isinstance(row, ShiftRow) else "name"]
    field.errors = [*field.errors, message]


def _save_shift(row: ShiftRow, *, need: Need, by: Person, moving_latest: EditShift) -> None:
    if row.is_blank:
        return
    key = decode_id(row.id.data or "")
    existing = next((shift for shift in need.shifts if shift.id == key), None)
    values = _shift_values(row, need, existing)
    if existing is None:
        operations.add_shift(need.id, values, by=by)
        return
    kept = _keeping_capacity(values, existing)
    row.asks_below_taken = kept != values
    if row.below_taken.data == "keep":
        values = kept
    if values != _present_values(existing):
        act = moving_latest if row.below_taken.data == "move_latest" else operations.edit_shift
        act(existing.id, values, by=by)


def _keeping_capacity(values: operations.ShiftInput, shift: Shift) -> operations.ShiftInput:
    """The same, with as many places as there are now wherever there would be fewer than are taken (S1)."""
    there = {position.id: position for position in shift.positions}
    kept = tuple(
        dataclasses.replace(wanted, capacity=there[wanted.id].capacity)
        if wanted.id in there and wanted.capacity is not None and wanted.capacity < there[wanted.id].taken
        else wanted
        for wanted in values.positions
    )
    return dataclasses.replace(values, positions=kept)


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
    """The row as the operation takes it. Raises InvalidInput where its times cannot be."""
    zone = existing.time_zone if existing is not None else need.time_zone
    flexible = row.kind.data == "flexible"
    starts_at, ends_at = (None, None) if flexible else _times(row, zone, existing)
    forms = [entry.form for entry in row.positions.entries]
    positions = tuple(
        operations.PositionInput(form.name.data or "", form.capacity.data, decode_id(form.id.data or ""))
        for number, form in enumerate(forms)
        if number == 0 or not form.is_blank
    )
    return operations.ShiftInput(
        positions=positions,
        starts_at=starts_at,
        ends_at=ends_at,
        flexible=flexible,
        due_on=row.due_on.data if flexible else None,
        contact=row.contact.data or "not_stated",
        minimum_age=row.minimum_age.data,
        time_zone=zone,
    )


def _times(row: ShiftRow, zone: str, existing: Shift | None) -> tuple[dt.datetime, dt.datetime]:
    """Start and end as instants. Raises InvalidInput where clocks never show what was typed, or show it twice."""
    typed = {name: row[name].data or None for name in ("day", "start", "end", "last_day", "fold")}
    if existing is not None and existing.starts_at is not None and existing.ends_at is not None:
        shown = {name: value or None for name, value in _fill_times(existing).items()}
        if typed == {**shown, "fold": typed["fold"] and shown["fold"]}:
            # Untouched: what a program set to the second, or in a way the form cannot say, stays.
            return existing.starts_at, existing.ends_at
    day, start, end, last_day = row.day.data, row.start.data, row.end.data, row.last_day.data
    if day is None or start is None or end is None:
        raise InvalidInput(
            {name: message for name, message in drafts.lacks(row).items() if name in ("day", "start", "end")}
        )
    if last_day is None:
        last_day = day if end > start else day + dt.timedelta(days=1)
    return _instant(row, "start", day, start, zone), _instant(row, "end", last_day, end, zone)


def _instant(row: ShiftRow, name: str, day: dt.date, time: dt.time, zone: str) -> dt.datetime:
    found = local_instants(day, time, zone)
    if not found:
        raise InvalidInput({name: _("Clocks skip this hour on that day. Choose another time")})
    if len(found) > 1 and not row.fold.data:
        raise InvalidInput({"fold": _("Clocks go back that day and show this hour twice. Choose which one you mean")})
    return found[-1] if row.fold.data == "second" else found[0]


def _save_item(row: ItemRow, *, need: Need, by: Person) -> None:
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


def _check_typed(row: Form) -> None:
    """An incomplete line may lack something, and is told at once what cannot be read."""
    if isinstance(row, ItemRow):
        _quantity(row.quantity.data or "")


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
    """The number as it is typed; None when nothing is. Raises InvalidInput at `quantity` (P5)."""
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise InvalidInput({"quantity": _("Enter a number, like 2 or 1.5, or leave it empty")})
    return decimal.Decimal(text.replace("−", "-"))
