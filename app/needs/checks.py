"""What `flask verify` recomputes about needs: the index against the facts, private places (N6), shifts and items."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.clock import is_time_zone
from app.core.db import Base, db
from app.core.ids import encode_id
from app.needs import index
from app.needs.models import Item, Need, Position, PrivateAddress, Shift
from app.needs.operations.places import PUBLIC_DECIMALS

SHOWN = 20


def _count(model: type[Base]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def _problems(text: str, keys: sa.Select[int]) -> list[str]:
    return [f"needs: {text}: {encode_id(key)}" for key in db.session.scalars(keys.limit(SHOWN))]


def check_private_places() -> tuple[int, list[str]]:
    """A need marked private has its exact place in private_address and only its area in public; others have no such row."""
    is_lost = PrivateAddress.need_id.is_(None)
    private = (
        sa.select(Need.id, Need.address, Need.postal_code, Need.latitude, Need.longitude, is_lost)
        .outerjoin(PrivateAddress, PrivateAddress.need_id == Need.id)
        .where(Need.private_address)
        .execution_options(yield_per=1000)
    )
    count, found = 0, []
    for key, address, postal_code, latitude, longitude, lost in db.session.execute(private):
        count += 1
        fine = all(degrees is None or round(degrees, PUBLIC_DECIMALS) == degrees for degrees in (latitude, longitude))
        if address or postal_code or not fine:
            found.append(f"needs: a private place is public: {encode_id(key)}")
        if lost:
            found.append(f"needs: a private place is lost: {encode_id(key)}")
    left = sa.select(Need.id).join(PrivateAddress, PrivateAddress.need_id == Need.id).where(~Need.private_address)
    return count, found[:SHOWN] + _problems("a public place has a private one beside it", left)


def check_shifts() -> tuple[int, list[str]]:
    """Each shift has a position, only flexible roles take as many as come, and its zone is one."""
    without = sa.select(Shift.id).where(~sa.exists().where(Position.shift_id == Shift.id))
    boundless = sa.select(Position.id).join(Shift).where(Position.capacity.is_(None), ~Shift.flexible)
    found = _problems("a shift has no position", without)
    found += _problems("a position of a shift at a set time has no capacity", boundless)
    for zone in db.session.scalars(sa.union(sa.select(Shift.time_zone), sa.select(Need.time_zone))):
        if not is_time_zone(zone):
            found.append(f"needs: no such time zone: {zone[:64]}")
    return _count(Shift), found


def check_items() -> tuple[int, list[str]]:
    """What not to bring is neither counted nor promised; an open need was published."""
    counted = sa.select(Item.id).where(Item.do_not_bring, Item.quantity.is_not(None))
    unpublished = sa.select(Need.id).where(Need.status.in_(("open", "filled")), Need.published_at.is_(None))
    found = _problems("what not to bring has a quantity", counted)
    return _count(Item), found + _problems("an open need was never published", unpublished)


CHECKS = {
    "need_index": index.compare,
    "private_places": check_private_places,
    "shifts": check_shifts,
    "items": check_items,
}
