"""The rows of a list of needs: named columns of 20 needs in one statement, with the live facts of N1 asked again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
import json
from collections.abc import Sequence
from typing import Any

from app.accounts.skills import find_skill
from app.core import geo
from app.core.cache import facts
from app.core.clock import now
from app.core.db import db, uses_sqlite
from app.core.search import run
from app.needs.filled import list_filled
from app.needs.filters import NeedFilters
from app.needs.models import Need
from app.needs.policy import visible


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
    is_claimed: bool
    is_filled: bool
    km: float | None
    reasons: tuple[tuple[str, Any], ...]

    @property
    def item_wanted(self) -> decimal.Decimal | None:
        """What is still wanted of the item; None for an open quantity."""
        if self.item_quantity is None:
            return None
        return max(decimal.Decimal(0), self.item_quantity - self.item_given - self.item_promised)


_NOTHING = decimal.Decimal(0)

# By hand, because this runs for every list: one row per need, with the shift that comes next, the item most wanted, and
# the live facts of N1. What is stored as text or thousandths is read by _make_row.
_STATEMENT = """
SELECT need.id, need.title, organization.name, organization.slug, need.city, need.region, need.urgency, need.remote,
  need.skills, need.time_zone, s.starts_at, s.ends_at, s.flexible, s.due_on,
  (SELECT CASE WHEN count(*) = count(p.capacity) THEN sum(p.capacity) END FROM position AS p WHERE p.shift_id = s.id),
  (SELECT sum(p.taken) FROM position AS p WHERE p.shift_id = s.id),
  s.time_zone, i.name, i.unit, i.quantity, i.received, i.reserved + i.in_transit,
  (SELECT count(*) FROM item AS i WHERE i.need_id = need.id AND NOT i.do_not_bring), organization.claimed_at IS NOT NULL
FROM need
JOIN organization ON organization.id = need.organization_id
LEFT JOIN shift AS s ON s.id = (
  SELECT x.id FROM shift AS x
  WHERE x.need_id = need.id AND x.status = 'scheduled' AND (x.flexible OR x.ends_at > :at)
  ORDER BY x.flexible, x.starts_at, x.id LIMIT 1)
LEFT JOIN item AS i ON i.id = (
  SELECT x.id FROM item AS x WHERE x.need_id = need.id AND NOT x.do_not_bring
  ORDER BY CASE WHEN x.quantity <= x.received + x.reserved + x.in_transit THEN 1 ELSE 0 END,
    CASE WHEN x.priority = 'first' THEN 0 ELSE 1 END, x.sort, x.id LIMIT 1)
WHERE need.id IN {ids} AND {visible}
"""


@functools.cache
def _statement(sqlite: bool) -> str:
    """The statement in this engine's words; who may be seen is what the policy says, in the policy's own words."""
    dialect = db.engine.dialect
    seen = str(visible().compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    ids = "(SELECT value FROM json_each(:ids))" if sqlite else "(SELECT unnest(CAST(:ids AS bigint[])))"
    return _STATEMENT.format(ids=ids, visible=seen)


def load_rows(hits: Sequence[Hit], filters: NeedFilters) -> list[NeedRow]:
    """The rows of `hits`, in their order, without those that are not visible any more (N1). One statement."""
    if not hits:
        return []
    kept: dict[int, tuple[Any, ...] | None] = facts("need_rows")
    ids = [hit.need_id for hit in hits if hit.need_id not in kept]
    if ids:
        read = _read(ids)
        kept.update({need_id: read.get(need_id) for need_id in ids})
    asked = {skill.slug for skill in map(find_skill, filters.skills) if skill is not None}
    pairs = [(kept.get(hit.need_id), hit) for hit in hits]
    return [_make_row(row, hit, asked) for row, hit in pairs if row is not None]


def _read(ids: list[int]) -> dict[int, tuple[Any, ...]]:
    """The facts of these needs, in Python's types."""
    sqlite, at = uses_sqlite(), now()
    values = {
        "ids": json.dumps(ids) if sqlite else ids,
        "at": at.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else at,  # as UtcDateTime keeps it
    }
    rows = [_typed(row) for row in run(_statement(sqlite), values)]
    likely = [row[0] for row in rows if _may_be_filled(row)]
    filled = list_filled(Need.id.in_(likely)) if likely else set()
    return {row[0]: (*row, row[0] in filled) for row in rows}


def _may_be_filled(row: tuple[Any, ...]) -> bool:
    """False when what the row shows is open already; otherwise the rest of the need has to be asked (N5)."""
    ends_at, capacity, taken, quantity, received, promised = row[11], row[14], row[15], row[19], row[20], row[21]
    if ends_at is not None and capacity is not None and taken < capacity:
        return False
    return quantity is None or quantity <= received + promised


def _typed(row: Any) -> tuple[Any, ...]:
    (need_id, title, organization, slug, city, region, urgency, remote, skills, zone, starts_at, ends_at, flexible, due_on,
     capacity, taken, shift_zone, item, unit, quantity, received, promised, items, claimed) = row  # fmt: skip
    return (
        need_id, title, organization, slug, city, region, urgency, bool(remote),
        tuple(json.loads(skills) if isinstance(skills, str) else skills), shift_zone or zone,
        _instant(starts_at), _instant(ends_at), bool(flexible),
        dt.date.fromisoformat(due_on) if isinstance(due_on, str) else due_on,
        None if capacity is None else int(capacity), int(taken or 0), flexible is not None, item, unit or "",
        _amount(quantity), _amount(received) or _NOTHING, _amount(promised) or _NOTHING, items, bool(claimed),
    )  # fmt: skip


def _instant(value: Any) -> dt.datetime | None:
    """SQLite gives text without zone, PostgreSQL an aware instant."""
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    return None if value is None else value.astimezone(dt.UTC)


def _amount(thousandths: int | None) -> decimal.Decimal | None:
    return None if thousandths is None else (decimal.Decimal(int(thousandths)) / 1000).normalize() + 0


def _make_row(row: tuple[Any, ...], hit: Hit, asked: set[str]) -> NeedRow:
    urgency, skills, starts_at, due_on = row[6], row[8], row[10], row[13]
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
    return NeedRow(*(*row, km, tuple(reasons)))
