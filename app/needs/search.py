"""Finding needs: the ids of one page in the order asked for, then its rows (docs/search.md tells the orders).

Every order is exact and reads a few short ranges of the index, whatever the number of needs: docs/performance.md has the figures.
A cursor holds the sort key of the last row and a digest of the filters it belongs to (N2).
"""

from __future__ import annotations

import dataclasses
from typing import Any

from app.accounts.skills import find_skill
from app.core import geo
from app.core.paging import BadCursor, Page, decode_cursor, encode_cursor
from app.core.search import merge, run
from app.needs import index
from app.needs.filters import NeedFilters, parse
from app.needs.index import ANY, CELLS, EVERYWHERE, REMOTE, TEXT, WIDE_CELLS
from app.needs.models import URGENCIES
from app.needs.rows import Hit, NeedRow, load_rows

# One kilometre weighs as much as so many seconds of waiting, and beyond so many kilometres no more is added.
SECONDS_PER_KM = 7_200
FARTHEST_KM = 50.0
# A word of the query in the title counts as much as so many seconds, shared by the words of the query.
TITLE_BONUS = 14 * index.DAY
# How many of the newest matches of a text are put in the best order; older ones follow, newest first.
WINDOW = 300
MOST_CELLS = 40
MOST_WIDE_CELLS = 64
MOST_SKILL_RANGES = 3
_OLDER = float(1 << 62)  # in a cursor's place of a score: the rest of the list goes by number

SKILL_PROBE = (
    "EXISTS (SELECT 1 FROM need_cell AS k WHERE k.skill IN ({skills}) AND k.cell = 0 AND k.rank = t.rank"
    " AND k.need_id = t.need_id)"
)
CHORD = "(t.x - :px) * (t.x - :px) + (t.y - :py) * (t.y - :py) + (t.z - :pz) * (t.z - :pz)"
DAYS = "EXISTS (SELECT 1 FROM need_day AS d WHERE d.need_id = t.need_id AND d.day BETWEEN :first_day AND :last_day)"
LAST_DAY = 3_652_059  # date.max.toordinal()


@dataclasses.dataclass
class _Question:
    """Filters made into conditions on `t`, which is need_cell or need_text."""

    filters: NeedFilters
    limit: int
    conditions: list[str]
    values: dict[str, Any]
    chord: str

    def where(self, *more: str) -> str:
        return " AND ".join([*self.conditions, *more]) or "1 = 1"


def search(filters: NeedFilters, limit: int = 20) -> Page[NeedRow]:
    """One page of the needs that everybody may see (N1). Raises BadCursor for a cursor of another list."""
    hits, cursor = find(filters, limit)
    return Page(load_rows(hits, filters), cursor)


def find(filters: NeedFilters, limit: int) -> tuple[list[Hit], str | None]:
    """The hits of one page and the cursor of the next. Raises BadCursor."""
    after = _read_cursor(filters)
    question = _ask(filters, limit)
    order = ("text_" if filters.words else "") + filters.sort
    if order == "best" and filters.place is not None:
        order = "best_near"
    hits = _ORDERS[order](question, after)
    if len(hits) <= limit:
        return hits, None
    return hits[:limit], encode_cursor(filters.digest(), *hits[limit - 1].key)


# What a cursor's key is made of, for each order.
_KEYS: dict[str, tuple[type, ...]] = {
    "best": (int, int),
    "best_near": (float, int),
    "text_best": (int, int, float, int),
    "soonest": (int, int),
    "nearest": (float, int),
    "newest": (int,),
    "urgent": (int, int, int),
}


def _read_cursor(filters: NeedFilters) -> tuple[Any, ...] | None:
    if not filters.cursor:
        return None
    name = filters.sort
    if name == "best":
        name = "text_best" if filters.words else "best_near" if filters.place else "best"
    digest, *key = decode_cursor(filters.cursor, str, *_KEYS[name])
    if digest != filters.digest():
        raise BadCursor(filters.cursor[:20])
    if any(isinstance(part, float) and abs(part) > _OLDER for part in key) or (
        name == "urgent" and not 0 <= key[0] < 8
    ):
        raise BadCursor(filters.cursor[:20])
    return tuple(key)


# --- conditions ----------------------------------------------------------------------------------------------------


def _ask(filters: NeedFilters, limit: int) -> _Question:
    conditions: list[str] = []
    values: dict[str, Any] = {}
    chord = "CAST(NULL AS double precision)"
    if filters.place is not None:
        chord = CHORD
        values["px"], values["py"], values["pz"] = geo.unit(filters.place.latitude, filters.place.longitude)
        # A hair more, so that rounding never leaves out what lies on the circle.
        values["reach"] = geo.chord2(filters.radius_km) * (1 + 1e-12)
        conditions.append(f"{CHORD} <= :reach")
    if filters.from_on is not None or filters.to_on is not None:
        conditions.append(DAYS)
        values["first_day"] = filters.from_on.toordinal() if filters.from_on else 0
        values["last_day"] = filters.to_on.toordinal() if filters.to_on else LAST_DAY
    if not filters.words:  # with words, tags of the full text say the rest
        if filters.wants:
            conditions.append("(t.wants & :wants) <> 0")
            values["wants"] = _wants_bits(filters)
        if filters.causes:
            conditions.append("(t.causes & :causes) <> 0")
            values["causes"] = sum(index.cause_bit(slug) for slug in set(filters.causes))
        if filters.urgency:
            conditions.append(f"t.urgency IN ({', '.join(map(str, _urgencies(filters)))})")
        if filters.remote is not None:
            conditions.append("t.remote = :remote")
            values["remote"] = int(filters.remote)
    return _Question(filters, limit + 1, conditions, values, chord)


def _wants_bits(filters: NeedFilters) -> int:
    return sum({"time": index.TIME, "items": index.ITEMS}[word] for word in set(filters.wants))


def _urgencies(filters: NeedFilters) -> list[int]:
    """The levels asked for (all of them when none is), the most urgent first."""
    return sorted((URGENCIES.index(word) for word in filters.urgency or URGENCIES), reverse=True)


def _skills(filters: NeedFilters) -> list[int]:
    return sorted({skill.number for skill in map(find_skill, filters.skills) if skill is not None})


def cells_for(filters: NeedFilters) -> tuple[int, ...]:
    """The cells whose ranges hold every need that may match, few enough to read them all."""
    if filters.place is None:
        return (REMOTE,) if filters.remote else (EVERYWHERE,)
    point = (filters.place.latitude, filters.place.longitude)
    if filters.radius_km <= 100:
        cells = CELLS.cover(*point, filters.radius_km)
        if len(cells) <= MOST_CELLS:
            return cells
    cells = WIDE_CELLS.cover(*point, filters.radius_km)
    return cells if len(cells) <= MOST_WIDE_CELLS else (EVERYWHERE,)


def _has_skill_ranges(cell: int) -> bool:
    """Skills have ranges of their own in small cells and everywhere."""
    return cell == EVERYWHERE or CELLS.first <= cell < WIDE_CELLS.first


def _add_skill_probe(question: _Question) -> None:
    skills = _skills(question.filters)
    if skills:
        question.conditions.append(SKILL_PROBE.format(skills=", ".join(map(str, skills))))


# --- orders without words -------------------------------------------------------------------------------------------


def _best_rows(question: _Question, *more: str, rows: int, **values: Any) -> list[Any]:
    """(rank, need_id, chord) of the first `rows` matches in order of rank."""
    cells = cells_for(question.filters)
    skills = _skills(question.filters)
    conditions = list(question.conditions)
    if not skills or len(skills) > MOST_SKILL_RANGES or not _has_skill_ranges(cells[0]):
        sources = [{"skill": ANY, "cell": cell} for cell in cells]
        if skills:
            conditions.append(SKILL_PROBE.format(skills=", ".join(map(str, skills))))
    else:
        sources = [{"skill": skill, "cell": cell} for skill in skills for cell in cells]
    return merge(
        "need_cell", sources, index="", equal=("skill", "cell"),
        columns=f"t.rank AS rank, t.need_id AS need_id, {question.chord} AS chord",
        where=" AND ".join([*conditions, *more]) or "1 = 1", order=("rank", "need_id"),
        # A need is in the range of each of its skills.
        rows=rows * max(1, len(sources) // len(cells)), values={**question.values, **values},
    )  # fmt: skip


def _best(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    rank, need_id = after or (-(1 << 62), 0)
    more = "(t.rank, t.need_id) > (:after_rank, :after_id)"
    rows = _best_rows(question, more, rows=question.limit, after_rank=rank, after_id=need_id)
    return [Hit(row[1], (row[0], row[1])) for row in dict.fromkeys(map(tuple, rows))][: question.limit]


def distance_part(km: float) -> float:
    """What distance adds to a score, in seconds."""
    return SECONDS_PER_KM * min(km, FARTHEST_KM)


def _best_near(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    """The lowest scores (rank plus distance): read in order of rank until no unread row can score lower.

    A score is never below its rank and at most `most` above it, so what follows a score begins at that rank less `most`.
    """
    most = distance_part(question.filters.radius_km)
    score_after, id_after = after or (-float(1 << 62), 0)
    rank, need_id = int(score_after - most) - 1, 0
    hits: dict[int, Hit] = {}
    rows = 2 * question.limit
    while True:
        found = _best_rows(
            question, "(t.rank, t.need_id) > (:after_rank, :after_id)", rows=rows, after_rank=rank, after_id=need_id
        )
        for rank, need_id, chord in found:  # the last one is where the next chunk begins
            score = rank + distance_part(geo.km_of(chord))
            if (score, need_id) > (score_after, id_after):
                hits[need_id] = Hit(need_id, (score, need_id), chord)
        best = sorted(hits.values(), key=lambda hit: hit.key)[: question.limit]
        if len(found) < rows or (len(best) == question.limit and rank > best[-1].key[0]):
            return best
        rows *= 4


def _soonest(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    _add_skill_probe(question)
    starts, need_id = after or (-(1 << 62), 0)
    sources = [
        {"cell": cell, "urgency": urgency}
        for cell in cells_for(question.filters)
        for urgency in _urgencies(question.filters)
    ]
    rows = merge(
        "need_cell", sources, index="need_cell_soonest", equal=("cell", "urgency"),
        columns=f"t.starts AS starts, t.need_id AS need_id, {question.chord} AS chord",
        where=question.where("t.skill = 0", "(t.starts, t.need_id) > (:after_starts, :after_id)"),
        order=("starts", "need_id"), rows=question.limit,
        values={**question.values, "after_starts": starts, "after_id": need_id},
    )  # fmt: skip
    return [Hit(row[1], (row[0], row[1]), row[2]) for row in rows]


def _urgent(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    _add_skill_probe(question)
    level, starts, need_id = after or (len(URGENCIES), 0, 0)
    sources = [
        # Levels above the cursor's are done, its own goes on after it, those below have not begun.
        {"cell": cell, "urgency": urgency, "starts": starts if urgency == level else -(1 << 62), "need": need_id}
        for urgency in _urgencies(question.filters)
        if urgency <= level
        for cell in cells_for(question.filters)
    ]
    if not sources:
        return []
    rows = merge(
        "need_cell", sources, index="need_cell_soonest", equal=("cell", "urgency"),
        columns=f"t.urgency AS urgency, t.starts AS starts, t.need_id AS need_id, {question.chord} AS chord",
        where=question.where("t.skill = 0", "(t.starts, t.need_id) > (source.starts, source.need)"),
        order=("urgency DESC", "starts", "need_id"), rows=question.limit, values=question.values,
    )  # fmt: skip
    return [Hit(row[2], (row[0], row[1], row[2]), row[3]) for row in rows]


def _newest(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    _add_skill_probe(question)
    (number,) = after or ((1 << 63) - 1,)
    rows = merge(
        "need_cell", [{"cell": cell} for cell in cells_for(question.filters)], index="need_cell_newest",
        equal=("cell",), columns=f"t.number AS number, t.need_id AS need_id, {question.chord} AS chord",
        where=question.where("t.skill = 0", "t.number < :after_number"), order=("number DESC",), rows=question.limit,
        values={**question.values, "after_number": number},
    )  # fmt: skip
    return [Hit(row[1], (row[0],), row[2]) for row in rows]


def _nearest(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    _add_skill_probe(question)
    chord, need_id = after or (-1.0, 0)
    rows = merge(
        "need_cell", [{"skill": ANY, "cell": cell} for cell in cells_for(question.filters)], index="",
        equal=("skill", "cell"), columns=f"{question.chord} AS chord, t.need_id AS need_id",
        where=question.where(f"({CHORD} > :after_chord OR ({CHORD} = :after_chord AND t.need_id > :after_id))"),
        order=("chord", "need_id"), rows=question.limit,
        values={**question.values, "after_chord": chord, "after_id": need_id},
    )  # fmt: skip
    return [Hit(row[1], (row[0], row[1]), row[0]) for row in rows]


# --- orders with words ----------------------------------------------------------------------------------------------


def _text_rows(question: _Question, columns: str, order: str, *more: str, **values: Any) -> list[Any]:
    """Rows of need_text that match the words and every filter."""
    filters = question.filters
    groups: list[list[str]] = []
    if filters.skills:
        groups.append([f"s{number}" for number in _skills(filters)])
    if filters.causes:
        groups.append([f"k{number}" for slug in filters.causes for number in index.causes_of(index.cause_bit(slug))])
    if filters.wants:
        groups.append([f"w{bit}" for bit in (index.TIME, index.ITEMS) if _wants_bits(filters) & bit])
    if filters.urgency:
        groups.append([f"u{level}" for level in _urgencies(filters)])
    if filters.remote is not None:
        groups.append([f"r{int(filters.remote)}"])
    cells = cells_for(filters)
    if filters.place is not None and cells != (EVERYWHERE,):
        groups.append([f"c{cell}" for cell in cells])
    _source, matches, number = TEXT.source()
    statement = (
        f"SELECT {columns} FROM {TEXT.joined('need_text')}"  # noqa: S608  # names are ours
        f" WHERE {question.where(matches, *[part.replace('NUMBER', number) for part in more])}"
        f" ORDER BY {order.replace('NUMBER', number)}"
    )
    match = TEXT.match(filters.words, groups)
    return run(statement, {**question.values, "match": match, **values})


def _text_best(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    """The newest WINDOW matches by score, then the older ones by newest.

    The cursor holds the window's first and last number, as they were when the list began: what is published later does
    not enter the list, what goes away moves nothing into the window. Older ones have no score but their number.
    """
    ceiling, floor, score_after, id_after = after or (0, 0, -float(1 << 62), 0)
    rows_wanted = WINDOW + question.limit
    columns = f"NUMBER, t.need_id, t.rank, {question.chord}, t.title_words"
    columns = columns.replace("NUMBER", TEXT.source()[2])
    if after is None:
        rows = _text_rows(question, columns, "NUMBER DESC LIMIT :rows", rows=rows_wanted)
        if not rows:
            return []
        ceiling = rows[0][0]
        floor = rows[WINDOW - 1][0] if len(rows) > WINDOW else 0
    elif score_after == _OLDER:
        rows = _text_rows(
            question, columns, "NUMBER DESC LIMIT :rows", "NUMBER < :after_number", after_number=id_after,
            rows=question.limit,
        )  # fmt: skip
    else:
        rows = _text_rows(
            question, columns, "NUMBER DESC LIMIT :rows", "NUMBER <= :ceiling", ceiling=ceiling, rows=rows_wanted
        )
        if len(rows) == rows_wanted and rows[-1][0] >= floor:  # many were published into the window at one time
            rows = _text_rows(
                question, columns, "NUMBER DESC", "NUMBER BETWEEN :floor AND :ceiling", ceiling=ceiling, floor=floor
            )
    asked = set(question.filters.words)
    scored: list[Hit] = []
    older: list[Hit] = []
    for number, need_id, rank, chord, title in rows:
        share = len(asked.intersection(title.split())) / len(asked)
        if number < floor:
            older.append(Hit(need_id, (ceiling, floor, _OLDER, number), chord, share))
            continue
        score = rank - TITLE_BONUS * share + (0.0 if chord is None else distance_part(geo.km_of(chord)))
        if (score, need_id) > (score_after, id_after):
            scored.append(Hit(need_id, (ceiling, floor, score, need_id), chord, share))
    scored.sort(key=lambda hit: hit.key)
    return [*scored, *older][: question.limit]


def _text_newest(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    (number,) = after or ((1 << 63) - 1,)
    columns = f"{TEXT.source()[2]}, t.need_id, {question.chord}"
    rows = _text_rows(
        question, columns, "NUMBER DESC LIMIT :rows", "NUMBER < :after_number", after_number=number, rows=question.limit
    )
    return [Hit(row[1], (row[0],), row[2]) for row in rows]


def _text_soonest(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    starts, need_id = after or (-(1 << 62), 0)
    rows = _text_rows(
        question, f"t.starts, t.need_id, {question.chord}", "t.starts, t.need_id LIMIT :rows",
        "(t.starts, t.need_id) > (:after_starts, :after_id)", after_starts=starts, after_id=need_id, rows=question.limit,
    )  # fmt: skip
    return [Hit(row[1], (row[0], row[1]), row[2]) for row in rows]


def _text_urgent(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    level, starts, need_id = after or (len(URGENCIES), 0, 0)
    rows = _text_rows(
        question, f"t.urgency, t.starts, t.need_id, {question.chord}",
        "t.urgency DESC, t.starts, t.need_id LIMIT :rows",
        "(-t.urgency, t.starts, t.need_id) > (:after_level, :after_starts, :after_id)",
        after_level=-level, after_starts=starts, after_id=need_id, rows=question.limit,
    )  # fmt: skip
    return [Hit(row[2], (row[0], row[1], row[2]), row[3]) for row in rows]


def _text_nearest(question: _Question, after: tuple[Any, ...] | None) -> list[Hit]:
    chord, need_id = after or (-1.0, 0)
    rows = _text_rows(
        question, f"{CHORD} AS chord, t.need_id", "chord, t.need_id LIMIT :rows",
        f"({CHORD} > :after_chord OR ({CHORD} = :after_chord AND t.need_id > :after_id))",
        after_chord=chord, after_id=need_id, rows=question.limit,
    )  # fmt: skip
    return [Hit(row[1], (row[0], row[1]), row[0]) for row in rows]


_ORDERS = {
    "best": _best,
    "best_near": _best_near,
    "soonest": _soonest,
    "urgent": _urgent,
    "newest": _newest,
    "nearest": _nearest,
    "text_best": _text_best,
    "text_newest": _text_newest,
    "text_soonest": _text_soonest,
    "text_urgent": _text_urgent,
    "text_nearest": _text_nearest,
}

__all__ = ["BadCursor", "Hit", "NeedFilters", "NeedRow", "find", "parse", "search"]
