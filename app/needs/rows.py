"""The rows of a list of needs: named columns of 20 needs in one statement, with the live facts of N1 asked again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.accounts.skills import find_skill
from app.core import geo
from app.core.clock import now
from app.core.db import db
from app.needs.filters import NeedFilters
from app.needs.models import Item, Need, Position, Shift
from app.needs.policy import visible
from app.organizations.models import Organization


@dataclasses.dataclass(frozen=True, slots=True)
class Hit:
    """A need found, the key it is sorted by, its squared chord to the place asked for, and words found in its title."""

    need_id: int
    key: tuple[Any, ...]
    chord: float | None = None
    title_share: float = 0.0

    @property
    def km(self) -> float | None:
        """How far it is from the place asked for."""
        return None if self.chord is None else geo.km_of(self.chord)


@dataclasses.dataclass(frozen=True, slots=True)
class NeedRow:
    """One need of a list. Shift facts are those of the shift that comes next (or runs), or of a flexible role.

    `reasons` are what its place in the list is made of (N3), as codes with their value: ("distance", km),
    ("starts", instant), ("urgency", level), ("title", share of the words), ("skills", slugs), ("undated", None).
    """

    id: int
    title: str
    organization: str
    organization_slug: str
    city: str | None
    region: str | None
    urgency: str
    remote: bool
    skills: tuple[str, ...]
    time_zone: str
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    flexible: bool
    due_on: dt.date | None
    capacity: int | None
    taken: int
    asks_for_time: bool
    item: str | None
    item_unit: str
    item_quantity: decimal.Decimal | None
    item_given: decimal.Decimal
    item_promised: decimal.Decimal
    item_count: int
    km: float | None
    reasons: tuple[tuple[str, Any], ...]

    @property
    def item_wanted(self) -> decimal.Decimal | None:
        """What is still wanted of the item; None for an open quantity."""
        if self.item_quantity is None:
            return None
        return max(decimal.Decimal(0), self.item_quantity - self.item_given - self.item_promised)


def _statement() -> Any:
    shift, item = sa.orm.aliased(Shift, name="next_shift"), sa.orm.aliased(Item, name="first_item")
    upcoming = (
        sa.select(Shift.id)
        .where(Shift.need_id == Need.id, Shift.status == "scheduled")
        .where(sa.or_(Shift.flexible, Shift.ends_at > sa.bindparam("at")))
        .order_by(Shift.flexible, Shift.starts_at, Shift.id)
        .limit(1)
        .correlate(Need)
        .scalar_subquery()
    )
    still_wanted = sa.case((Item.quantity.is_(None), 1), else_=0) + sa.case(
        (Item.quantity > Item.received + Item.reserved + Item.in_transit, 1), else_=0
    )
    wanted = (Item.need_id == Need.id, sa.not_(Item.do_not_bring))
    first = (
        sa.select(Item.id)
        .where(*wanted)
        .order_by(still_wanted.desc(), sa.case((Item.priority == "first", 0), else_=1), Item.sort, Item.id)
        .limit(1)
        .correlate(Need)
        .scalar_subquery()
    )
    items = sa.select(sa.func.count()).select_from(Item).where(*wanted).correlate(Need).scalar_subquery()
    places = sa.select(
        sa.case(
            (sa.func.count() > sa.func.count(Position.capacity), None), else_=sa.func.sum(Position.capacity)
        )
    ).where(Position.shift_id == shift.id)  # fmt: skip
    taken = sa.select(sa.func.sum(Position.taken)).where(Position.shift_id == shift.id)
    return (
        sa.select(
            Need.id, Need.title, Organization.name, Organization.slug, Need.city, Need.region, Need.urgency, Need.remote,
            Need.skills, Need.time_zone, shift.starts_at, shift.ends_at, shift.flexible, shift.due_on,
            places.correlate(shift).scalar_subquery(), taken.correlate(shift).scalar_subquery(),
            shift.time_zone, item.name, item.unit, item.quantity, item.received, item.reserved + item.in_transit, items,
        )
        .select_from(Need)
        .join(Organization, Organization.id == Need.organization_id)
        .outerjoin(shift, shift.id == upcoming)
        .outerjoin(item, item.id == first)
        .where(Need.id.in_(sa.bindparam("ids", expanding=True)), visible())
    )  # fmt: skip


_rows = _statement()


def load_rows(hits: Sequence[Hit], filters: NeedFilters) -> list[NeedRow]:
    """The rows of `hits`, in their order, without those that are not visible any more (N1). One statement."""
    if not hits:
        return []
    found = db.session.execute(_rows, {"ids": [hit.need_id for hit in hits], "at": now()}).all()
    by_id = {row[0]: row for row in found}
    asked = {skill.slug for skill in map(find_skill, filters.skills) if skill is not None}
    return [_make_row(by_id[hit.need_id], hit, asked) for hit in hits if hit.need_id in by_id]


def _make_row(row: Any, hit: Hit, asked: set[str]) -> NeedRow:
    (need_id, title, organization, slug, city, region, urgency, remote, skills, zone, starts_at, ends_at, flexible, due_on,
     capacity, taken, shift_zone, item, unit, quantity, received, promised, items) = row  # fmt: skip
    km = hit.km
    reasons: list[tuple[str, Any]] = []
    if hit.title_share:
        reasons.append(("title", hit.title_share))
    if asked and (matching := tuple(slug for slug in skills if slug in asked)):
        reasons.append(("skills", matching))
    if km is not None:
        reasons.append(("distance", km))
    if starts_at is not None:
        reasons.append(("starts", starts_at))
    elif due_on is None:
        reasons.append(("undated", None))
    if urgency in ("high", "critical"):
        reasons.append(("urgency", urgency))
    return NeedRow(
        id=need_id, title=title, organization=organization, organization_slug=slug, city=city, region=region,
        urgency=urgency, remote=remote, skills=tuple(skills), time_zone=shift_zone or zone, starts_at=starts_at,
        ends_at=ends_at, flexible=bool(flexible), due_on=due_on, capacity=capacity, taken=taken or 0,
        asks_for_time=flexible is not None, item=item, item_unit=unit or "", item_quantity=quantity,
        item_given=received or decimal.Decimal(0), item_promised=promised or decimal.Decimal(0), item_count=items,
        km=km, reasons=tuple(reasons),
    )  # fmt: skip
