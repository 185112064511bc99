"""The need index: kept in the transaction that changes a need, recomputed and compared by `flask verify`.

`reindex(need_ids)` is called by whatever changes a need, its shifts, items or place, last in its transaction. Only what
the public may see is in it (N1): an open need of a verified, active organization. Reading pages join the live facts
again, so that a forgotten call hides too little here but shows nothing there.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import hashlib
import itertools
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from app.accounts.skills import find_skill
from app.core import geo
from app.core.clock import now
from app.core.db import db, in_transaction, transaction, uses_sqlite
from app.core.search import Document, TextIndex, execute_many, insert_rows, words
from app.needs.index_models import FacetCount, NeedCell, NeedText
from app.needs.models import URGENCIES, Item, Need, Shift
from app.needs.policy import visible
from app.organizations.causes import find_cause
from app.organizations.models import Organization

# --- what the numbers mean (docs/search.md says why) --------------------------------------------------------------

DAY = 86_400
# How much sooner an urgent need is listed than its date alone would put it, by place in URGENCIES.
HEAD_START = (0, 2 * DAY, 7 * DAY, 21 * DAY)
# A need without any date comes round once in so many days, counted from its publication.
ROUND = 30 * DAY
UNDATED = 1 << 40  # "soonest" lists what has no date last
TIME, ITEMS = 1, 2  # bits of `wants`
ANY = 0  # skill 0 stands for any
EVERYWHERE, REMOTE = 0, 1  # two cells that hold needs wherever they are
CELLS = geo.Grid(0.25, first=1 << 12)
WIDE_CELLS = geo.Grid(2.0, first=1 << 24)
TEXT = TextIndex("need_text_words")
EPOCH = 1_577_836_800  # 2020-01-01: numbers of documents begin here
CHUNK = 500

CELL_COLUMNS = (
    "skill", "cell", "rank", "need_id", "number", "starts", "urgency", "x", "y", "z", "wants", "causes", "remote",
)  # fmt: skip
TEXT_COLUMNS = tuple(column.name for column in NeedText.__table__.columns)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Everything the index holds about one need, before it becomes rows. Times are seconds since 1970."""

    need_id: int
    published: int
    rank: int
    starts: int
    urgency: int
    vector: tuple[float, float, float] | None
    cell: int | None
    wide_cell: int | None
    wants: int
    causes: int
    skills: tuple[int, ...]
    remote: int
    stale_at: int
    title_words: str
    days: tuple[int, ...]
    words: tuple[str, ...]
    tags: tuple[str, ...]

    def cells(self) -> list[tuple[int, int]]:
        """The (skill, cell) ranges it is listed in."""
        found = [(ANY, EVERYWHERE)] + [(skill, EVERYWHERE) for skill in self.skills]
        if self.remote:
            found.append((ANY, REMOTE))
        if self.cell is not None and self.wide_cell is not None:
            found += [(ANY, self.cell), (ANY, self.wide_cell)] + [(skill, self.cell) for skill in self.skills]
        return found

    def facets(self) -> Iterator[tuple[int, int, int]]:
        """The (cell, cause, kind) counters it counts in."""
        causes = [0, *causes_of(self.causes)]
        for cell in (EVERYWHERE, self.cell, self.wide_cell):
            if cell is not None:
                for cause in causes:
                    yield cell, cause, self.wants

    def digest(self) -> str:
        """What the rows of this entry say, in short: the same digest, nothing to write."""
        return hashlib.blake2b(repr(dataclasses.astuple(self)).encode(), digest_size=16).hexdigest()

    def text_row(self, number: int) -> tuple[Any, ...]:
        """Its row of need_text, in the order of TEXT_COLUMNS."""
        x, y, z = self.vector or (None, None, None)
        return (
            number, self.need_id, self.rank, self.starts, self.urgency, x, y, z, self.cell, self.wide_cell, self.wants,
            self.causes, " ".join(map(str, self.skills)), self.remote, self.stale_at, self.title_words, self.digest(),
        )  # fmt: skip

    def cell_rows(self, number: int) -> Iterator[tuple[Any, ...]]:
        """Its rows of need_cell, in the order of CELL_COLUMNS."""
        x, y, z = self.vector or (None, None, None)
        rest = (number, self.starts, self.urgency, x, y, z, self.wants, self.causes, self.remote)
        for skill, cell in self.cells():
            yield (skill, cell, self.rank, self.need_id, *rest)


def causes_of(bits: int) -> list[int]:
    """The numbers of the causes in a bit mask."""
    return [number for number in range(1, bits.bit_length()) if bits >> number & 1]


def cause_bit(slug: str) -> int:
    """The bit of a cause; 0 for a word that is none."""
    cause = find_cause(slug)
    return 0 if cause is None else 1 << cause.number


def number_of(published: int, need_id: int) -> int:
    """The document number: seconds of publication, then bits of the random key. Newest first is highest first."""
    return max(0, published - EPOCH) << 31 | need_id & 0x7FFF_FFFF


# --- from facts to entries -----------------------------------------------------------------------------------------


def _seconds(instant: dt.datetime) -> int:
    return int(instant.timestamp())


def _end_of_day(day: dt.date, zone: str) -> int:
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zoneinfo.ZoneInfo(zone))
    return _seconds(midnight)


_need_facts = (
    sa.select(
        Need.id, Need.title, Need.description, Need.urgency, Need.causes, Need.skills, Need.remote, Need.city, Need.region,
        Need.latitude, Need.longitude, Need.time_zone, Need.ends_on, Need.published_at, Need.created_at,
        Organization.name.label("organization"),
    )
    .join(Organization, Organization.id == Need.organization_id)
    .where(visible())
)  # fmt: skip


def _times(shifts: Sequence[Any], need: Any, at: int) -> tuple[int | None, int, set[int]]:
    """When the need takes place next (None: no date), when that answer is stale, and its days.

    The next start counts; else the end of what is running; else the last day it is wanted by.
    """
    starts: list[int] = []
    ends: list[int] = []
    due: list[int] = []
    days: set[int] = set()
    for shift in shifts:
        if shift.flexible:
            if shift.due_on is not None:
                due.append(_end_of_day(shift.due_on, shift.time_zone))
            continue
        start, end = _seconds(shift.starts_at), _seconds(shift.ends_at)
        if end <= at:
            continue
        days.add(shift.starts_at.astimezone(zoneinfo.ZoneInfo(shift.time_zone)).toordinal())
        ends.append(end)
        if start > at:
            starts.append(start)
    if need.ends_on is not None:
        due.append(_end_of_day(need.ends_on, need.time_zone))
    due = [moment for moment in due if moment > at]
    future = [*starts, *ends, *due]
    for moments in (starts, ends, due):
        if moments:
            return min(moments), min(future), days
    return None, UNDATED, days


def _asks_for_time(shifts: Sequence[Any], at: int) -> bool:
    """True when a scheduled shift is not over yet; a flexible role is over after its due day."""
    return any(
        (shift.due_on is None or _end_of_day(shift.due_on, shift.time_zone) > at)
        if shift.flexible
        else _seconds(shift.ends_at) > at
        for shift in shifts
    )


def make_entry(need: Any, shifts: Sequence[Any], items: Sequence[Any], at: int) -> Entry:
    """The entry of a visible need as of `at`, from rows with the columns that `_need_facts` and its siblings select."""
    published = _seconds(need.published_at or need.created_at)
    urgency = URGENCIES.index(need.urgency)
    when, stale_at, days = _times(shifts, need, at)
    if when is None:
        when = published + ROUND * ((max(0, at - published) // ROUND) + 1)
        starts, stale_at = UNDATED, when
    else:
        starts = when
    vector = cell = wide_cell = None
    if need.latitude is not None and need.longitude is not None:
        vector = geo.unit(need.latitude, need.longitude)
        cell = CELLS.cell(need.latitude, need.longitude)
        wide_cell = WIDE_CELLS.cell(need.latitude, need.longitude)
    wanted = [item for item in items if not item.do_not_bring]
    wants = (TIME if _asks_for_time(shifts, at) else 0) | (ITEMS if wanted else 0)
    skills = [skill for skill in map(find_skill, need.skills) if skill is not None]
    causes = [cause for cause in map(find_cause, need.causes) if cause is not None]
    numbers = tuple(sorted({skill.number for skill in skills}))
    bits = sum({1 << cause.number for cause in causes})
    title = words(need.title)
    named = [need.organization, need.city or "", need.region or "", *(item.name for item in wanted)]
    # Their words in URLs, which are the same in every language of the reader.
    named += [skill.slug for skill in skills] + [cause.slug for cause in causes]
    text = dict.fromkeys([*title, *words(" ".join(named)), *words(need.description)])
    tags = [f"k{number}" for number in causes_of(bits)] + [f"s{number}" for number in numbers]
    tags += [f"u{urgency}", f"r{int(need.remote)}"] + [f"w{bit}" for bit in (TIME, ITEMS) if wants & bit]
    tags += [] if cell is None else [f"c{cell}", f"c{wide_cell}"]
    return Entry(
        need_id=need.id, published=published, rank=when - HEAD_START[urgency], starts=starts, urgency=urgency,
        vector=vector, cell=cell, wide_cell=wide_cell, wants=wants, causes=bits, skills=numbers, remote=int(need.remote),
        stale_at=stale_at, title_words=" ".join(dict.fromkeys(title))[:400], days=tuple(sorted(days)),
        words=tuple(text), tags=tuple(tags),
    )  # fmt: skip


def compute_entries(need_ids: Sequence[int], at: int) -> list[Entry]:
    """The entries of those of `need_ids` that are visible, from live facts, as of `at` (seconds since 1970)."""
    needs = db.session.execute(_need_facts.where(Need.id.in_(need_ids)).order_by(Need.id)).all()
    visible = [need.id for need in needs]
    shifts: dict[int, list[Any]] = collections.defaultdict(list)
    items: dict[int, list[Any]] = collections.defaultdict(list)
    if visible:
        chosen = (Shift.need_id, Shift.starts_at, Shift.ends_at, Shift.time_zone, Shift.flexible, Shift.due_on)
        scheduled = sa.select(*chosen).where(Shift.need_id.in_(visible), Shift.status == "scheduled")
        for shift in db.session.execute(scheduled.where(sa.or_(Shift.flexible, Shift.ends_at > now()))):
            shifts[shift.need_id].append(shift)
        wanted = sa.select(Item.need_id, Item.name, Item.do_not_bring).where(Item.need_id.in_(visible))
        for item in db.session.execute(wanted.order_by(Item.sort, Item.id)):
            items[item.need_id].append(item)
    return [make_entry(need, shifts[need.id], items[need.id], at) for need in needs]


# --- from entries to rows ------------------------------------------------------------------------------------------


def reindex(need_ids: Iterable[int]) -> int:
    """Bring the index of these needs to their facts, in the transaction that changed them; returns how many changed.

    Call it last in the transaction: counters of areas are locked by it. Raises RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError("the index changes with the fact")
    db.session.flush()
    changed = 0
    wanted = sorted(set(need_ids))
    for start in range(0, len(wanted), CHUNK):
        changed += _reindex_chunk(wanted[start : start + CHUNK])
    return changed


def add_new(need_ids: Sequence[int]) -> int:
    """List needs that were never listed, thousands in one transaction: imports and seeds. Returns how many are visible.

    Raises the driver's error of a broken unique key for one that is listed already.
    """
    if not in_transaction():
        raise RuntimeError("the index changes with the fact")
    db.session.flush()
    counts: collections.Counter[tuple[int, int, int]] = collections.Counter()
    added = 0
    for start in range(0, len(need_ids), CHUNK * 10):
        entries = compute_entries(need_ids[start : start + CHUNK * 10], _seconds(now()))
        _add(entries, {}, counts, bulk=True)
        added += len(entries)
    _count(counts)
    return added


def reindex_organization(organization_id: int) -> int:
    """The same for every need of an organization: verified, suspended, renamed. Returns how many entries changed."""
    db.session.flush()
    mine = sa.select(Need.id).where(Need.organization_id == organization_id, Need.status == "open")
    return reindex(db.session.scalars(mine).all())


def _reindex_chunk(need_ids: list[int]) -> int:
    if not uses_sqlite() and len(need_ids) <= 50:
        # Two acts on one need that is not in the index yet have no row of it to wait for.
        locks = sa.select(sa.func.pg_advisory_xact_lock(sa.func.unnest(need_ids, type_=sa.BigInteger)))
        db.session.execute(locks)
    rows = db.session.execute(
        sa.select(NeedText.__table__).where(NeedText.need_id.in_(need_ids)).order_by(NeedText.need_id).with_for_update()
    ).all()
    # What is computed is computed after the wait for those rows, from facts read afresh.
    fresh = {entry.need_id: entry for entry in compute_entries(need_ids, _seconds(now()))}
    old = {row.need_id: row for row in rows}
    same = {key for key, entry in fresh.items() if key in old and old[key].digest == entry.digest()}
    gone = [row for key, row in old.items() if key not in same]
    come = [entry for key, entry in fresh.items() if key not in same]
    if not gone and not come:
        return 0
    counts: collections.Counter[tuple[int, int, int]] = collections.Counter()
    _remove(gone, counts)
    numbers = {row.need_id: row.number for row in gone}
    _add(come, numbers, counts)
    _count(counts)
    return len({row.need_id for row in gone} | {entry.need_id for entry in come})


def _entry_places(row: Any) -> Entry:
    """Just enough of an entry, from its row of need_text, to find its other rows."""
    return Entry(
        need_id=row.need_id, published=0, rank=row.rank, starts=row.starts, urgency=row.urgency, vector=None,
        cell=row.cell, wide_cell=row.wide_cell, wants=row.wants, causes=row.causes,
        skills=tuple(map(int, row.skills.split())), remote=row.remote, stale_at=0, title_words="", days=(), words=(),
        tags=(),
    )  # fmt: skip


def _remove(rows: Sequence[Any], counts: collections.Counter[tuple[int, int, int]]) -> None:
    keys: list[tuple[Any, ...]] = []
    for row in rows:
        entry = _entry_places(row)
        keys += [(skill, cell, row.rank, row.need_id) for skill, cell in entry.cells()]
        counts.subtract(entry.facets())
    execute_many("DELETE FROM need_cell WHERE skill = {0} AND cell = {1} AND rank = {2} AND need_id = {3}", keys)
    execute_many("DELETE FROM need_day WHERE need_id = {0}", [(row.need_id,) for row in rows])
    TEXT.remove([row.number for row in rows])
    execute_many("DELETE FROM need_text WHERE number = {0}", [(row.number,) for row in rows])


def _add(
    entries: Sequence[Entry],
    known: dict[int, int],
    counts: collections.Counter[tuple[int, int, int]],
    *,
    bulk: bool = False,
) -> None:
    """Write entries; a need that was listed keeps its number while its publication is the same."""
    numbers: dict[int, int] = {}
    taken: set[int] = set()
    asked = [number_of(entry.published, entry.need_id) for entry in entries]
    if asked:
        # Numbers near the wanted ones; two needs of one second rarely share 31 random bits, but then take the next.
        used = sa.select(NeedText.number).where(NeedText.number.in_([n + step for n in asked for step in range(4)]))
        taken = set(db.session.scalars(used))
    for entry, number in zip(entries, asked, strict=True):
        kept = known.get(entry.need_id)
        if kept is not None and kept >> 31 == number >> 31:
            number = kept
        while number in taken:
            number += 1
        taken.add(number)
        numbers[entry.need_id] = number
        counts.update(entry.facets())
    pairs = [(entry, numbers[entry.need_id]) for entry in entries]
    insert_rows("need_text", TEXT_COLUMNS, (entry.text_row(number) for entry, number in pairs), bulk=bulk)
    cells = itertools.chain.from_iterable(entry.cell_rows(number) for entry, number in pairs)
    insert_rows("need_cell", CELL_COLUMNS, sorted(cells, key=lambda row: row[:4]), bulk=bulk)
    days = [(entry.need_id, day) for entry in entries for day in entry.days]
    insert_rows("need_day", ("need_id", "day"), days, bulk=bulk)
    documents = sorted((Document(number, entry.words, entry.tags) for entry, number in pairs), key=lambda d: d.number)
    insert_rows(TEXT.table, TEXT.columns(), (TEXT.row(document) for document in documents), bulk=bulk)


def _count(counts: collections.Counter[tuple[int, int, int]]) -> None:
    """Add to the counters of areas, always in the same order, so that two acts never wait for each other in a circle."""
    changes = [(*key, n) for key, n in sorted(counts.items()) if n]
    execute_many(
        "INSERT INTO facet_count (cell, cause, kind, n) VALUES ({0}, {1}, {2}, {3})"
        " ON CONFLICT (cell, cause, kind) DO UPDATE SET n = facet_count.n + excluded.n",
        changes,
    )


def rebuild(progress: Callable[[int], object] = bool) -> int:
    """Make the whole index anew from the facts, in the caller's transaction; returns how many needs it holds."""
    if not in_transaction():
        raise RuntimeError("the index changes in a transaction")
    db.session.flush()
    for table in ("need_cell", "need_day", "facet_count", TEXT.table, "need_text"):
        db.session.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608  # names are ours
    counts: collections.Counter[tuple[int, int, int]] = collections.Counter()
    done = 0
    for entries in iterate_entries(_seconds(now())):
        _add(entries, {}, counts, bulk=True)
        done += len(entries)
        progress(done)
    _count(counts)
    return done


def iterate_entries(at: int, size: int = 5000) -> Iterator[list[Entry]]:
    """The entries of every visible need, in chunks, from live facts: memory does not grow with their number."""
    last = -1
    while True:
        ids = sa.select(Need.id).where(Need.id > last, Need.status == "open").order_by(Need.id).limit(size)
        need_ids = list(db.session.scalars(ids))
        if not need_ids:
            return
        last = need_ids[-1]
        yield compute_entries(need_ids, at)


def reindex_stale() -> int:
    """Sweep: list again what has started, ended or come round since it was listed. Opens its own transactions."""
    changed = 0
    while True:
        stale = sa.select(NeedText.need_id).where(NeedText.stale_at <= _seconds(now())).order_by(NeedText.stale_at)
        need_ids = list(db.session.scalars(stale.limit(CHUNK)))
        db.session.rollback()
        if not need_ids:
            return changed
        with transaction():
            changed += reindex(need_ids)


# --- the check ------------------------------------------------------------------------------------------------------


def compare(limit: int = 20) -> tuple[int, list[str]]:
    """Recompute the index and compare: how many needs should be in it, and what differs (at most `limit` lines)."""
    at = _seconds(now())
    problems: list[str] = []
    counts: collections.Counter[tuple[int, int, int]] = collections.Counter()
    seen = 0
    cell_rows = 0
    for entries in iterate_entries(at):
        seen += len(entries)
        ids = [entry.need_id for entry in entries]
        chosen = sa.select(NeedText.__table__).where(NeedText.need_id.in_(ids))
        rows = {row.need_id: row for row in db.session.execute(chosen)}
        cells = _stored_cells(ids)
        for entry in entries:
            row = rows.get(entry.need_id)
            if row is None:
                problems.append(f"need_index: need {entry.need_id} is missing")
                counts.update(entry.facets())
                continue
            # What has just passed is the sweep's to bring up to date; until then its own rows must still agree.
            believed = _entry_places(row) if row.stale_at <= at else entry
            counts.update(believed.facets())
            cell_rows += len(believed.cells())
            if row.stale_at > at and row.digest != entry.digest():
                problems.append(f"need_index: need {entry.need_id} is out of date")
            expected = sorted((*key, row.rank, row.number) for key in believed.cells())
            if cells.get(entry.need_id, []) != expected:
                problems.append(f"need_index: need {entry.need_id} is listed in the wrong cells")
    problems += _compare_totals(seen, cell_rows, counts) if not problems else []
    return seen, problems[:limit]


def _stored_cells(need_ids: list[int]) -> dict[int, list[tuple[int, ...]]]:
    found: dict[int, list[tuple[int, ...]]] = collections.defaultdict(list)
    columns = (NeedCell.need_id, NeedCell.skill, NeedCell.cell, NeedCell.rank, NeedCell.number)
    for need_id, *key in db.session.execute(sa.select(*columns).where(NeedCell.need_id.in_(need_ids))):
        found[need_id].append(tuple(key))
    return {need_id: sorted(keys) for need_id, keys in found.items()}


def _compare_totals(seen: int, cell_rows: int, counts: collections.Counter[tuple[int, int, int]]) -> list[str]:
    problems = []
    totals = {"need_text": seen, "need_cell": cell_rows, TEXT.table: seen}
    for table, expected in totals.items():
        found = db.session.scalar(sa.text(f"SELECT count(*) FROM {table}"))  # noqa: S608  # names are ours
        if found != expected:
            problems.append(f"need_index: {table} has {found} rows, not {expected}")
    stored = {(row.cell, row.cause, row.kind): row.n for row in db.session.execute(sa.select(FacetCount.__table__))}
    for key in sorted(stored.keys() | counts.keys()):
        if stored.get(key, 0) != counts[key]:
            problems.append(f"need_index: {counts[key]} needs in facet {key}, not {stored.get(key, 0)}")
    return problems
