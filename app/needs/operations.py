"""Posting and changing needs, their shifts and items. Each act locks the need first, then reads again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.skills import find_skill
from app.core import audit, outbox
from app.core.clock import is_time_zone, now, today
from app.core.db import db, lock
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.i18n import _
from app.core.places import Place, find_place, nearest_place
from app.needs import index
from app.needs.models import Item, Need, Position, PrivateAddress, Shift
from app.organizations.causes import find_cause
from app.organizations.models import Organization

# A private place is shown to about a kilometre: enough to know whether one can get there, not enough to find the door (N6).
PUBLIC_DECIMALS = 2
MAXIMUM_CAPACITY = 100_000
MAXIMUM_SHIFT = dt.timedelta(days=7)


@dataclasses.dataclass(frozen=True)
class PlaceInput:
    """Where, as a person or a program says it; coordinates win over names, names are looked up offline."""

    address: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclasses.dataclass(frozen=True)
class PositionInput:
    """A position to be made or changed (`id` of an existing one); `capacity` None only on a flexible role."""

    name: str = ""
    capacity: int | None = None
    id: int | None = None


@dataclasses.dataclass(frozen=True)
class ShiftInput:
    """A shift: aware instants, or `flexible` with an optional `due_on`. `time_zone` None is the need's."""

    positions: tuple[PositionInput, ...]
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    flexible: bool = False
    due_on: dt.date | None = None
    contact: str = "not_stated"
    minimum_age: int | None = None
    time_zone: str | None = None


@dataclasses.dataclass(frozen=True)
class ItemInput:
    """A thing wanted: `quantity` in exact decimals of `unit`, None for as much as people can bring."""

    name: str
    unit: str = ""
    quantity: decimal.Decimal | None = None
    category: str = ""
    priority: str = "normal"
    accepted_condition: str = ""
    purchase_url: str | None = None
    do_not_bring: bool = False


def create_need(
    organization_id: int,
    *,
    by: Person | None,
    title: str,
    description: str = "",
    urgency: str = "normal",
    causes: list[str] | None = None,
    skills: list[str] | None = None,
    remote: bool = False,
    place: PlaceInput | None = None,
    private_address: bool = False,
    time_zone: str | None = None,
    ends_on: dt.date | None = None,
) -> Need:
    """A draft. Raises InvalidInput for a title that is missing, unknown skills or causes, a place that is not found."""
    organization = db.session.get_one(Organization, organization_id)
    need = Need(
        organization_id=organization.id,
        title="",
        status="draft",
        time_zone=organization.time_zone,
        created_by_id=None if by is None else by.id,
        created_at=now(),
        updated_at=now(),
        version=1,
    )
    _write(
        need,
        {
            "title": title,
            "description": description,
            "urgency": urgency,
            "causes": causes or [],
            "skills": skills or [],
            "remote": remote,
            "ends_on": ends_on,
        },
    )
    db.session.add(need)
    db.session.flush()
    _set_place(need, organization, place, private=private_address, time_zone=time_zone)
    db.session.flush()
    _record("need.created", need, by)
    return need


def edit_need(
    need_id: int,
    *,
    by: Person,
    place: PlaceInput | None = None,
    private_address: bool | None = None,
    time_zone: str | None = None,
    **values: Any,
) -> Need:
    """Change what is given (title, description, urgency, causes, skills, remote, ends_on; place as a whole).

    Raises Refused when the need is closed or would ask people to a place nobody knows, InvalidInput as create_need.
    """
    need = _locked(need_id)
    _not_closed(need)
    organization = need.organization
    _write(need, values)
    if place is not None or private_address is not None or time_zone is not None:
        private = need.private_address if private_address is None else private_address
        _set_place(need, organization, place, private=private, time_zone=time_zone)
    if need.status != "draft" and not need.remote and need.latitude is None:
        raise InvalidInput({"place": _("Say where, or that it can be done from anywhere")})
    _changed(need)
    _record("need.edited", need, by)
    return need


def publish_need(need_id: int, *, by: Person | None) -> Need:
    """Open a draft to the public, or a paused need again. Raises Refused with every reason against it (S11, G1, N1)."""
    need = _locked(need_id)
    if need.status == "open":
        return need
    _not_closed(need)
    reasons = reasons_not_to_publish(need)
    if reasons:
        raise Refused(reasons)
    need.published_at = need.published_at or now()
    _move(need, "open", by)
    return need


def reasons_not_to_publish(need: Need) -> list[Reason]:
    """What a need lacks before the public may see it; empty when it is ready. Reads only."""
    found: list[Reason] = []
    organization = need.organization
    if organization.verified_at is None:
        found.append(
            Reason(
                "organization_unverified",
                _("Your organization is not verified yet."),
                _("A moderator checks it; until then needs stay drafts."),
            )
        )
    if organization.status != "active":
        found.append(
            Reason(
                "organization_suspended",
                _("Your organization is suspended."),
                _("Write to the people who run this site."),
            )
        )
    if not need.description.strip():
        found.append(Reason("description", _("The description is empty."), _("Say what is needed and why.")))
    if not need.remote and need.latitude is None:
        found.append(
            Reason("place", _("Nobody knows where it is."), _("Give a town or postal code, or say it is remote."))
        )
    shifts = [shift for shift in need.shifts if shift.status != "cancelled"]
    if not shifts and not any(not item.do_not_bring for item in need.items):
        found.append(
            Reason("asks_nothing", _("It asks for nothing yet."), _("Add a shift, a flexible role or an item."))
        )
    if any(shift.contact == "not_stated" for shift in shifts):
        found.append(
            Reason(
                "contact_not_stated",
                _("A shift does not say whether people meet children or adults at risk."),
                _("State the contact of every shift."),
            )
        )
    if need.ends_on is not None and need.ends_on < today(need.time_zone):
        found.append(Reason("past", _("Its last day is over."), _("Give a later last day.")))
    return found


def pause_need(need_id: int, *, by: Person | None) -> Need:
    """Take an open need out of sight; places and promises stay. Raises Refused when it is not open."""
    need = _locked(need_id)
    if need.status == "paused":
        return need
    if need.status not in ("open", "filled"):
        raise refuse("not_open", _("Only an open need can be paused."))
    _move(need, "paused", by)
    return need


def close_need(need_id: int, *, by: Person | None) -> Need:
    """End a need. Its record stays; nothing more can be promised."""
    need = _locked(need_id)
    if need.status == "closed":
        return need
    need.closed_at = now()
    _move(need, "closed", by)
    return need


def reopen_need(need_id: int, *, by: Person | None) -> Need:
    """Open a paused or closed need again. Raises Refused with every reason against it."""
    need = _locked(need_id)
    if need.status == "draft":
        raise refuse("draft", _("A draft is published, not reopened."))
    if need.status == "closed":
        need.status = "paused"
        need.closed_at = None
    return publish_need(need.id, by=by)


def confirm_need(need_id: int, *, by: Person, until: dt.date) -> Need:
    """Say that it is still needed, until the date when it is asked again (N4)."""
    need = _locked(need_id)
    _not_closed(need)
    need.confirm_by = until
    _changed(need)
    _record("need.confirmed", need, by)
    return need


# --- shifts ---------------------------------------------------------------------------------------------------------


def add_shift(need_id: int, values: ShiftInput, *, by: Person | None) -> Shift:
    """A shift or flexible role with its positions. Raises InvalidInput, naming the field."""
    need = _locked(need_id)
    _not_closed(need)
    _check_shift(values, need)
    shift = Shift(need_id=need.id, status="scheduled", sequence=0, version=1)
    _write_shift(shift, values, need)
    db.session.add(shift)
    db.session.flush()
    for number, position in enumerate(values.positions):
        db.session.add(
            Position(shift_id=shift.id, name=position.name.strip(), capacity=position.capacity, taken=0, sort=number)
        )
    db.session.flush()
    db.session.expire(shift, ["positions"])
    _changed(need)
    _record("shift.added", shift, by, need)
    return shift


def edit_shift(shift_id: int, values: ShiftInput, *, by: Person) -> Shift:
    """Change a shift. Raises InvalidInput, and Refused (`below_taken`) when a capacity would be less than is taken (S1).

    Whoever has a place is told of new times, and asked again by the gate (S6, G1): promised as `shift_changed`.
    """
    need, shift = _locked_shift(shift_id)
    _not_closed(need)
    if shift.status == "cancelled":
        raise refuse("shift_cancelled", _("This shift is cancelled and cannot be changed."))
    _check_shift(values, need, existing=shift)
    before = _facts(shift)
    _write_shift(shift, values, need)
    _write_positions(shift, values.positions)
    shift.version += 1
    if _facts(shift) != before:
        shift.sequence += 1
        key = f"shift_changed:{shift.id}:{shift.sequence}"
        outbox.enqueue("shift_changed", {"shift_id": shift.id}, key=key)
    _changed(need)
    _record("shift.edited", shift, by, need)
    return shift


def cancel_shift(shift_id: int, *, by: Person) -> Shift:
    """The shift will not be: nobody can take it any more, and everybody on it is told (S6, `shift_cancelled`)."""
    need, shift = _locked_shift(shift_id)
    if shift.status == "cancelled":
        return shift
    shift.status = "cancelled"
    shift.sequence += 1
    shift.version += 1
    outbox.enqueue("shift_cancelled", {"shift_id": shift.id}, key=f"shift_cancelled:{shift.id}")
    _changed(need)
    _record("shift.cancelled", shift, by, need)
    return shift


def _facts(shift: Shift) -> tuple[Any, ...]:
    """What people on a shift rely on, and what decides who may be there."""
    times = (shift.starts_at, shift.ends_at, shift.time_zone, shift.due_on)
    return (*times, shift.contact, shift.minimum_age)


def _check_shift(values: ShiftInput, need: Need, existing: Shift | None = None) -> None:
    errors: dict[str, str] = {}
    if values.flexible:
        if values.starts_at is not None or values.ends_at is not None:
            errors["starts_at"] = _("A flexible role has no times; it may have a date by which it is done")
    elif values.starts_at is None or values.ends_at is None:
        errors["starts_at"] = _("Give a start and an end, or make it a flexible role")
    elif values.ends_at <= values.starts_at:
        errors["ends_at"] = _("The end must be after the start")
    elif values.ends_at - values.starts_at > MAXIMUM_SHIFT:
        errors["ends_at"] = _("A shift lasts at most 7 days; make it a flexible role or several shifts")
    elif values.ends_at <= now() and (existing is None or existing.ends_at != values.ends_at):
        errors["starts_at"] = _("This time is over")
    if values.time_zone is not None and not is_time_zone(values.time_zone):
        errors["time_zone"] = _("Choose a time zone such as America/New_York")
    if not values.positions:
        errors["capacity"] = _("Say how many people are needed")
    for position in values.positions:
        if position.capacity is None and not values.flexible:
            errors["capacity"] = _("Say how many people are needed")
        elif position.capacity is not None and not 0 <= position.capacity <= MAXIMUM_CAPACITY:
            errors["capacity"] = _("Enter a number between 0 and 100,000")
    if values.minimum_age is not None and not 0 <= values.minimum_age <= 120:
        errors["minimum_age"] = _("Enter an age between 0 and 120")
    if values.contact == "not_stated" and need.status == "open":
        errors["contact"] = _("Say whether people meet children or adults at risk")
    if errors:
        raise InvalidInput(errors)


def _write_shift(shift: Shift, values: ShiftInput, need: Need) -> None:
    shift.starts_at, shift.ends_at = values.starts_at, values.ends_at
    shift.flexible, shift.due_on = values.flexible, values.due_on if values.flexible else None
    shift.contact, shift.minimum_age = values.contact, values.minimum_age
    shift.time_zone = values.time_zone or need.time_zone


def _write_positions(shift: Shift, wanted: tuple[PositionInput, ...]) -> None:
    """Match positions by id; a single one without id is the single one there. Never below what is taken (S1)."""
    existing = {position.id: position for position in shift.positions}
    if len(wanted) == 1 and wanted[0].id is None and len(existing) == 1:
        wanted = (dataclasses.replace(wanted[0], id=next(iter(existing))),)
    kept: set[int] = set()
    for number, values in enumerate(wanted):
        position = existing.get(values.id) if values.id is not None else None
        if position is None:
            position = Position(shift_id=shift.id, taken=0)
            db.session.add(position)
        elif (
            lock(Position, position.id) is not None and values.capacity is not None and values.capacity < position.taken
        ):
            raise _below_taken(position.taken)
        position.name, position.capacity, position.sort = values.name.strip(), values.capacity, number
        db.session.flush()
        kept.add(position.id)
    for key, position in existing.items():
        if key in kept:
            continue
        lock(Position, key)
        if position.taken:
            raise _below_taken(position.taken)
        # The row stays for the places that were on it; nobody fits on it any more.
        position.capacity = 0
    db.session.flush()
    db.session.expire(shift, ["positions"])


def _below_taken(taken: int) -> Refused:
    return refuse(
        "below_taken",
        _("%(taken)s places are taken, so there cannot be fewer.", taken=taken),
        _("Keep at least as many, or cancel the shift."),
    )


# --- items ----------------------------------------------------------------------------------------------------------


def add_item(need_id: int, values: ItemInput, *, by: Person | None) -> Item:
    """A thing wanted, or one not to bring. Raises InvalidInput, naming the field."""
    need = _locked(need_id)
    _not_closed(need)
    _check_item(values)
    item = Item(need_id=need.id, sort=len(need.items), version=1)
    _write_item(item, values)
    db.session.add(item)
    db.session.flush()
    db.session.expire(need, ["items"])
    _changed(need)
    _record("item.added", item, by, need)
    return item


def edit_item(item_id: int, values: ItemInput, *, by: Person) -> Item:
    """Change an item. A quantity below what is promised makes a surplus (P1). Raises InvalidInput, Refused (`promised`)."""
    need, item = _locked_item(item_id)
    _not_closed(need)
    _check_item(values)
    if values.do_not_bring and (item.reserved or item.in_transit):
        raise refuse("promised", _("People have promised to bring this."), _("Ask them to keep it, then change it."))
    _write_item(item, values)
    item.version += 1
    _changed(need)
    _record("item.edited", item, by, need)
    return item


def remove_item(item_id: int, *, by: Person) -> None:
    """It is not wanted any more: gone when nobody ever promised it, else nothing more of it is wanted. Raises Refused."""
    need, item = _locked_item(item_id)
    _not_closed(need)
    if item.reserved or item.in_transit:
        raise refuse(
            "promised", _("People have promised to bring this."), _("Receive it first, or ask them to keep it.")
        )
    _record("item.removed", item, by, need)
    db.session.flush()
    try:
        with db.session.begin_nested():
            db.session.execute(sa.delete(Item).where(Item.id == item.id))
    except sa.exc.IntegrityError:
        # Somebody promised it once; the record of that stays.
        item.quantity, item.version = item.received, item.version + 1
    else:
        db.session.expunge(item)
    db.session.expire(need, ["items"])
    _changed(need)


def _check_item(values: ItemInput) -> None:
    errors: dict[str, str] = {}
    if not values.name.strip():
        errors["name"] = _("Enter a name")
    quantity = values.quantity
    if quantity is not None and (not quantity.is_finite() or quantity <= 0):
        errors["quantity"] = _("Enter a quantity of more than 0, or leave it empty")
    elif quantity is not None and (quantity > 1_000_000_000 or quantity * 1000 % 1 != 0):
        errors["quantity"] = _("Enter a smaller quantity, with at most three decimals")
    if values.purchase_url and not values.purchase_url.startswith(("https://", "http://")):
        errors["purchase_url"] = _("Enter a link that begins with https://")
    if errors:
        raise InvalidInput(errors)


def _write_item(item: Item, values: ItemInput) -> None:
    item.name, item.unit, item.category = values.name.strip(), values.unit.strip(), values.category
    item.quantity = None if values.do_not_bring else values.quantity
    item.priority, item.accepted_condition = values.priority, values.accepted_condition.strip()
    item.purchase_url, item.do_not_bring = values.purchase_url or None, values.do_not_bring


# --- shared ---------------------------------------------------------------------------------------------------------


def _locked(need_id: int) -> Need:
    need = lock(Need, need_id)
    if need is None:
        raise refuse("not_found", _("This need is not there any more."))
    return need


def _locked_shift(shift_id: int) -> tuple[Need, Shift]:
    """Need, then shift: the order every act locks in."""
    need = _locked(db.session.get_one(Shift, shift_id).need_id)
    shift = lock(Shift, shift_id)
    if shift is None:
        raise refuse("not_found", _("This shift is not there any more."))
    return need, shift


def _locked_item(item_id: int) -> tuple[Need, Item]:
    need = _locked(db.session.get_one(Item, item_id).need_id)
    item = lock(Item, item_id)
    if item is None:
        raise refuse("not_found", _("This item is not there any more."))
    return need, item


def _not_closed(need: Need) -> None:
    if need.status == "closed":
        raise refuse("closed", _("This need is closed."), _("Reopen it to change it."))


def _write(need: Need, values: dict[str, Any]) -> None:
    """Set the plain fields of a need. Raises InvalidInput, naming the field."""
    errors: dict[str, str] = {}
    if "title" in values and not (values["title"] or "").strip():
        errors["title"] = _("Enter a title")
    if any(find_skill(slug) is None for slug in values.get("skills", [])):
        errors["skills"] = _("Choose skills from the list")
    if any(find_cause(slug) is None for slug in values.get("causes", [])):
        errors["causes"] = _("Choose causes from the list")
    if errors:
        raise InvalidInput(errors)
    for name in ("urgency", "remote", "ends_on"):
        if name in values:
            setattr(need, name, values[name])
    for name in ("title", "description"):
        if name in values:
            setattr(need, name, values[name].strip())
    for name in ("skills", "causes"):
        if name in values:
            setattr(need, name, sorted(set(values[name])))


def look_up(place: PlaceInput, country: str | None) -> Place | None:
    """The place that `place` names, found offline: coordinates first, then postal code, then town; None when unknown."""
    if place.latitude is not None and place.longitude is not None:
        return nearest_place(place.latitude, place.longitude)
    country = place.country or country
    town = ", ".join(part for part in (place.city, place.region) if part)
    for text in (place.postal_code, town, place.city):
        if text and (found := find_place(text, country=country)) is not None:
            return found
    return None


def _set_place(
    need: Need, organization: Organization, place: PlaceInput | None, *, private: bool, time_zone: str | None
) -> None:
    """Set where it is and what of it the public may know (N6): of a private place its area only."""
    if time_zone is not None:
        if not is_time_zone(time_zone):
            raise InvalidInput({"time_zone": _("Choose a time zone such as America/New_York")})
        need.time_zone = time_zone
    if place is None:
        if private != need.private_address:
            raise InvalidInput({"place": _("Say the place again, so that what is public can be decided")})
        return
    found = look_up(place, organization.country)
    if found is None:
        if any(dataclasses.astuple(place)):
            raise InvalidInput({"place": _("We do not know this place. Try a larger town or a postal code")})
        return
    exact_latitude = place.latitude if place.latitude is not None else found.latitude
    exact_longitude = place.longitude if place.longitude is not None else found.longitude
    # Free text ("Newark, NJ") was looked up as a whole; a town said apart from its region or code is kept as said.
    said_apart = place.city and (place.region or place.postal_code or place.latitude is not None)
    need.city = place.city if said_apart else found.city
    need.region = place.region or found.region
    need.country = place.country or found.country
    need.precision = "coordinates" if place.latitude is not None else found.precision
    if time_zone is None and found.time_zone:
        need.time_zone = found.time_zone
    _write_private(need, place, private=private, latitude=exact_latitude, longitude=exact_longitude)


def _write_private(need: Need, place: PlaceInput, *, private: bool, latitude: float, longitude: float) -> None:
    existing = db.session.get(PrivateAddress, need.id)
    need.private_address = private
    if not private:
        need.address, need.postal_code = place.address or None, place.postal_code or None
        need.latitude, need.longitude = latitude, longitude
        if existing is not None:
            db.session.delete(existing)
        return
    need.address, need.postal_code, need.precision = None, None, "area"
    need.latitude, need.longitude = round(latitude, PUBLIC_DECIMALS), round(longitude, PUBLIC_DECIMALS)
    exact = existing or PrivateAddress(need_id=need.id, address="")
    exact.address, exact.postal_code = place.address or "", place.postal_code
    exact.latitude, exact.longitude = latitude, longitude
    db.session.add(exact)


def _changed(need: Need) -> None:
    """What every change ends with: a new version, and the index follows in the same transaction."""
    need.version += 1
    need.updated_at = now()
    db.session.flush()
    index.reindex([need.id])


def _move(need: Need, status: str, by: Person | None) -> None:
    need.status = status
    _changed(need)
    past = {"open": "published", "paused": "paused", "closed": "closed"}[status]
    _record(f"need.{past}", need, by)


def _record(action: str, subject: Need | Shift | Item, by: Person | None, need: Need | None = None) -> None:
    organization_id = (need or subject).organization_id  # type: ignore[union-attr]  # a subject without need is one
    audit.record(action, subject=subject, by=by, organization_id=organization_id)
