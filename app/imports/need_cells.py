"""A need as a row of the CSV that brings needs in, the other way round: what is exported comes back to the need it was, and
changes nothing.

It holds what the public may see of the place (N6). What a row cannot say stays out of it: of several shifts it has the first,
of several positions how many people all are for.
"""

from __future__ import annotations

import collections
import decimal
import re
import zoneinfo
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.core.ids import encode_id
from app.imports.files import as_typed, harmless
from app.imports.need_rows import COLUMNS, NeedLine, Rejected, parse
from app.needs.models import Item, Need, Position, Shift
from app.organizations.models import Organization
from app.organizations.queries import list_shared_name_keys

# The place columns of a need are what the public may see of it: the street of a private one is in another table (N6).
_OF_NEED = (
    Need.id, Need.external_id, Need.title, Need.description, Need.causes, Need.skills, Need.urgency, Need.address, Need.city,
    Need.region, Need.postal_code, Need.country, Need.latitude, Need.longitude, Need.remote, Need.time_zone, Need.ends_on,
    Need.private_address, Organization.name, Organization.name_key, Organization.slug,
)  # fmt: skip
# A row of columns as the database gave it.
Found = Any
_SEPARATORS = re.compile(r"[:;]")


def cells_of(need_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """The needs as rows by our columns, in three statements, however many there are."""
    query = (
        sa.select(*_OF_NEED).join(Organization, Organization.id == Need.organization_id).where(Need.id.in_(need_ids))
    )
    needs = db.session.execute(query).all()
    shifts = _first_shifts(need_ids)
    items: dict[int, list[Found]] = collections.defaultdict(list)
    wanted = sa.select(Item.need_id, Item.name, Item.quantity, Item.unit, Item.do_not_bring)
    for item in db.session.execute(wanted.where(Item.need_id.in_(need_ids)).order_by(Item.sort, Item.id)):
        items[item.need_id].append(item)
    shared = list_shared_name_keys({need.name_key for need in needs})
    return {need.id: _cells(need, shifts.get(need.id, ()), items[need.id], shared) for need in needs}


def lines_of(
    need_ids: Collection[int], *, organizations: dict[int, str], zone: str, country: str
) -> dict[int, NeedLine]:
    """What each need's own row says when it is read again; a need that no row can say is left out. `organizations`: what the
    row in hand calls the organization, by need; `zone` and `country` as in `parse`."""
    found = {}
    for key, cells in cells_of(need_ids).items():
        read = {name: as_typed(harmless(cell)) for name, cell in cells.items()}
        try:
            found[key] = parse({**read, "organization": organizations[key]}, shift_days=0, zone=zone, country=country)
        except Rejected:
            continue
    return found


def _first_shifts(need_ids: Collection[int]) -> dict[int, list[Found]]:
    """The positions of the first shift of each need that is not cancelled, with that shift's own columns."""
    query = (
        sa.select(
            Shift.need_id, Shift.id, Shift.starts_at, Shift.ends_at, Shift.flexible, Shift.due_on, Shift.contact,
            Position.capacity,
        )
        .outerjoin(Position, Position.shift_id == Shift.id)
        .where(Shift.need_id.in_(need_ids), Shift.status != "cancelled")
        .order_by(Shift.need_id, Shift.starts_at.is_(None), Shift.starts_at, Shift.id, Position.sort, Position.id)
    )  # fmt: skip
    found: dict[int, list[Found]] = {}
    for row in db.session.execute(query):
        rows = found.setdefault(row.need_id, [])
        if not rows or rows[0].id == row.id:
            rows.append(row)
    return found


def _cells(need: Found, positions: Sequence[Found], items: list[Found], shared: set[str]) -> dict[str, str]:
    cells = dict.fromkeys(COLUMNS, "")
    cells |= {
        "external_id": need.external_id or encode_id(need.id),
        # A name that several organizations have leads to none of them.
        "organization": need.slug if need.name_key in shared else need.name,
        "title": need.title,
        "description": need.description,
        "causes": "; ".join(need.causes),
        "skills": "; ".join(need.skills),
        "urgency": need.urgency,
        "city": need.city or "",
        "region": need.region or "",
        "country": need.country or "",
        "latitude": _number(need.latitude),
        "longitude": _number(need.longitude),
        "remote": _said(need.remote),
        "time_zone": need.time_zone,
        "ends_on": need.ends_on.isoformat() if need.ends_on else "",
        "items": "; ".join(_item(item) for item in items if not item.do_not_bring and item.quantity != 0),
        "items_text": "; ".join(f"do not bring {_plain(item.name)}" for item in items if item.do_not_bring),
    }
    if not need.private_address:
        cells |= {"address": need.address or "", "postal_code": need.postal_code or ""}
    if positions:
        cells |= _shift_cells(need, positions)
    return cells


def _shift_cells(need: Found, positions: Sequence[Found]) -> dict[str, str]:
    shift = positions[0]
    zone = zoneinfo.ZoneInfo(need.time_zone)
    capacities = [position.capacity for position in positions]
    last = shift.due_on or need.ends_on if shift.flexible else need.ends_on
    return {
        # With its offset: an hour that comes twice is one of the two.
        "starts_at": "" if shift.starts_at is None else shift.starts_at.astimezone(zone).isoformat(),
        "ends_at": "" if shift.ends_at is None else shift.ends_at.astimezone(zone).isoformat(),
        "capacity": "" if None in capacities else str(sum(capacities)),
        "flexible": _said(shift.flexible),
        "contact": shift.contact,
        "ends_on": "" if last is None else last.isoformat(),
    }


def _item(item: Found) -> str:
    name = _plain(item.name)
    if item.quantity is None:
        return name
    return f"{name}: {_decimal(item.quantity)} {_plain(item.unit)}".strip()


def _plain(text: str) -> str:
    """What stands between things in a list, and between a thing and how much, stands in no name."""
    return _SEPARATORS.sub(",", text)


def _decimal(value: decimal.Decimal) -> str:
    return format(value.normalize(), "f")


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _said(value: bool) -> str:
    return "yes" if value else "no"
