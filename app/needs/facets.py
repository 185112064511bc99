"""How many needs there are around a place, by cause and by what they ask for: exact up to a thousand, then by area."""

from __future__ import annotations

import collections
import dataclasses
import json
from typing import Any

from app.core import geo
from app.core.cache import facts
from app.core.db import uses_sqlite
from app.core.search import run
from app.needs.filters import NeedFilters
from app.needs.index import ITEMS, TIME, causes_of
from app.needs.search import CHORD, cells_for

MOST_COUNTED = 1000


@dataclasses.dataclass(frozen=True)
class Facets:
    """Needs within the distance asked for (everywhere without a place), whatever the other filters say.

    `exact` is False where there are more than MOST_COUNTED: then whole cells are counted that the circle touches.
    """

    total: int
    causes: tuple[tuple[int, int], ...]  # (number of the cause, needs)
    time: int
    items: int
    exact: bool


def count_facets(filters: NeedFilters) -> Facets:
    """The counts of an area, in one statement; the same area again needs none until something is committed."""
    kept: dict[Any, Facets] = facts("need_facets")
    place = filters.place
    area = None if place is None else (place.latitude, place.longitude, filters.radius_km)
    if area not in kept:
        kept[area] = _count(filters)
    return kept[area]


def _count(filters: NeedFilters) -> Facets:
    if filters.place is None:
        rows = run("SELECT 1, cause, kind, n FROM facet_count WHERE cell = 0", {})
        return _from_areas(rows, exact=True)
    cells = list(cells_for(filters))
    point = (filters.place.latitude, filters.place.longitude)
    within = "IN (SELECT value FROM json_each(:cells))" if uses_sqlite() else "= ANY(CAST(:cells AS integer[]))"
    statement = (
        f"WITH near AS MATERIALIZED (SELECT t.causes AS causes, t.wants AS wants FROM need_cell AS t"  # noqa: S608  # names are ours
        f" WHERE t.skill = 0 AND t.cell {within} AND {CHORD} <= :reach LIMIT :most)"
        f" SELECT 0, causes, wants, count(*) FROM near GROUP BY causes, wants"
        f" UNION ALL SELECT 1, cause, kind, sum(n) FROM facet_count"
        f" WHERE cell {within} AND (SELECT count(*) FROM near) = :most GROUP BY cause, kind"
    )
    values: dict[str, Any] = dict(zip(("px", "py", "pz"), geo.unit(*point), strict=True))
    values |= {"reach": geo.chord2(filters.radius_km) * (1 + 1e-12), "most": MOST_COUNTED + 1}
    values["cells"] = json.dumps(cells) if uses_sqlite() else cells
    rows = run(statement, values)
    areas = [row for row in rows if row[0] == 1]
    if areas:
        return _from_areas(areas, exact=False)
    causes: collections.Counter[int] = collections.Counter()
    kinds: collections.Counter[int] = collections.Counter()
    for _area, bits, kind, n in rows:
        kinds[kind] += n
        for cause in causes_of(bits):
            causes[cause] += n
    return _facets(kinds, causes, exact=True)


def _from_areas(rows: list[Any], *, exact: bool) -> Facets:
    causes: collections.Counter[int] = collections.Counter()
    kinds: collections.Counter[int] = collections.Counter()
    for _area, cause, kind, n in rows:
        if cause == 0:
            kinds[kind] += int(n)
        else:
            causes[cause] += int(n)
    return _facets(kinds, causes, exact=exact)


def _facets(kinds: dict[int, int], causes: dict[int, int], *, exact: bool) -> Facets:
    return Facets(
        total=sum(kinds.values()),
        causes=tuple(sorted((cause, n) for cause, n in causes.items() if n > 0)),
        time=sum(n for kind, n in kinds.items() if kind & TIME),
        items=sum(n for kind, n in kinds.items() if kind & ITEMS),
        exact=exact,
    )
