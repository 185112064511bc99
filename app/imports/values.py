"""A row of a file as the rows of our tables, for needs that are new."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.core.db import new_id
from app.core.places import nearest_place
from app.imports.need_rows import ItemLine, NeedLine
from app.needs.operations.freshness import CONFIRMED_FOR
from app.needs.operations.places import PUBLIC_DECIMALS
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE


def hides_door(need: NeedLine) -> bool:
    """True of a row with a street, or a point of its own, where people meet children or adults at risk: no column says that
    a street is private, and one that is told to everybody cannot be taken back. Staff may make it public."""
    has_door = bool(need.address) or need.precision == "coordinates"
    return _meets_people(need) and not need.remote and need.latitude is not None and has_door


def says_door(need: NeedLine) -> bool:
    """True of a need, as it stands, that tells its street where people meet children or adults at risk: staff decided that."""
    return _meets_people(need) and bool(need.address)


def _meets_people(need: NeedLine) -> bool:
    return need.asks_for_time and need.contact in CONTACTS_WITH_PEOPLE


def need_values(
    need: NeedLine, organization_id: int, key: str, need_id: int, status: str, at: dt.datetime
) -> dict[str, Any]:
    """The row of a new need. Its door is in a row of its own where `hides_door`."""
    values = {
        "id": need_id,
        "organization_id": organization_id,
        "title": need.title,
        "description": need.description,
        "status": status,
        "confirm_by": at.date() + CONFIRMED_FOR if status == "open" else None,
        "urgency": need.urgency,
        "causes": list(need.causes),
        "skills": list(need.skills),
        "requirements": [],
        "remote": need.remote,
        "private_address": False,
        "address": need.address,
        "city": need.city,
        "region": need.region,
        "postal_code": need.postal_code,
        "country": need.country,
        "latitude": need.latitude,
        "longitude": need.longitude,
        "precision": need.precision,
        "time_zone": need.time_zone,
        "ends_on": need.ends_on,
        "published_at": at if status == "open" else None,
        "closed_at": at if status == "closed" else None,
        "created_at": at,
        "updated_at": at,
        "version": 1,
        "external_id": key,
        "import_digest": need.digest(),
    }
    if hides_door(need) and need.latitude is not None and need.longitude is not None:
        values |= {
            "private_address": True, "address": None, "postal_code": None, "precision": "area",
            "city": _town(need.city, need.latitude, need.longitude),
            "latitude": round(need.latitude, PUBLIC_DECIMALS), "longitude": round(need.longitude, PUBLIC_DECIMALS),
        }  # fmt: skip
    return values


def _town(city: str | None, latitude: float, longitude: float) -> str | None:
    """The town of a private place: what the row calls it, but not with a house number in it."""
    if city is None or not any(character.isdigit() for character in city):
        return city
    nearest = nearest_place(latitude, longitude)
    return None if nearest is None else nearest.city


def private_values(need: NeedLine, need_id: int) -> dict[str, Any]:
    """The exact place of a new need whose door is hidden (N6)."""
    return {
        "need_id": need_id, "address": need.address or "", "postal_code": need.postal_code or None,
        "latitude": need.latitude, "longitude": need.longitude,
    }  # fmt: skip


def shift_values(need: NeedLine, need_id: int, shift_id: int) -> dict[str, Any]:
    """The row of its shift or role."""
    return {
        "id": shift_id,
        "need_id": need_id,
        "starts_at": need.starts_at,
        "ends_at": need.ends_at,
        "time_zone": need.time_zone,
        "flexible": need.flexible,
        "due_on": need.ends_on if need.flexible else None,
        "status": "scheduled",
        "contact": need.contact,
        "minimum_age": None,
        "sequence": 0,
        "version": 1,
    }


def item_values(item: ItemLine, need_id: int, number: int) -> dict[str, Any]:
    """The row of one of its items."""
    return {
        "id": new_id(),
        "need_id": need_id,
        "name": item.name,
        "category": "",
        "unit": item.unit,
        "quantity": None if item.do_not_bring else item.quantity,
        "do_not_bring": item.do_not_bring,
        "sort": number,
        "version": 1,
    }
