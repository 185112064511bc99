"""Rows of an uploaded file become needs: for real, or to see what would become of them. Both are the same act; the second
is taken back before anything of it is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Refused
from app.core.i18n import _
from app.imports.dates import YEAR_FIRST, iso_date, iso_instant, join, kind_of, next_day_if_earlier
from app.imports.files import Row
from app.imports.mapping import Mapping
from app.imports.models import ImportBatch, ImportRow
from app.imports.need_rows import Fault, Rejected, parse
from app.imports.needs import NeedImport, Options, Outcome
from app.imports.snapshots import Snapshot, changes, fingerprint, snapshots
from app.imports.words import country_code, decimal_point, urgency, whole_number, yes_or_no
from app.needs.models import Need
from app.needs.operations import publish_need, reasons_not_to_publish
from app.organizations.operations import name_key

# The rows of the file that count as seen, by what is under way.
_SEEN = {"checking": "checked", "ready": "checked", "importing": "taken", "done": "taken"}
_READ: dict[str, Callable[[str], str]] = {
    "country": country_code,
    "flexible": yes_or_no,
    "remote": yes_or_no,
    "urgency": urgency,
    "capacity": whole_number,
    "latitude": decimal_point,
    "longitude": decimal_point,
}
# Said once for the whole file, and not beside each row.
_OF_ORGANIZATION = ("organization_unverified", "organization_suspended")


def cells_of(batch: ImportBatch, row: ImportRow) -> dict[str, str]:
    """The row in our words: what the columns say, what was mended since, and what holds for every row that says nothing.

    "Every row is a flexible role" is meant for rows without a start.
    """
    cells = {ours: row.cells.get(theirs, "") for ours, theirs in batch.columns.items()} | row.mended
    _read(cells, batch.constants.get("dates", YEAR_FIRST))
    for name, value in batch.constants.items():
        if (
            name != "dates"
            and not cells.get(name, "").strip()
            and not (name == "flexible" and cells.get("starts_at", "").strip())
        ):
            cells[name] = value
    return cells


def _read(cells: dict[str, str], order: str) -> None:
    """What people write as rows mean it: days and times (of their own columns joined, an end before its start the day after),
    and the words of cells as other languages have them."""
    for name, time in (("starts_at", "from_time"), ("ends_at", "to_time")):
        if cells.get(name, "").strip():
            cells[name] = iso_instant(cells[name], order)
        elif cells.get("day", "").strip() and (time == "from_time" or cells.get(time, "").strip()):
            cells[name] = join(cells["day"], cells.get(time, ""), order)
            if time == "to_time":
                cells[name] = next_day_if_earlier(cells[name], cells["starts_at"])
        elif cells.get(time, "").strip():
            cells[name] = cells[time]  # a time without its day: refused, with what it says
    for name, read in _READ.items():
        if cells.get(name, "").strip():
            cells[name] = read(cells[name])
    if cells.get("ends_on", "").strip():
        cells["ends_on"] = iso_date(cells["ends_on"], order)


def _shown_column(batch: ImportBatch, row: ImportRow, column: str) -> str:
    """The column where a reject is mended: a start that was made of two columns is none of the file."""
    if column not in ("starts_at", "ends_at") or column in batch.columns:
        return column
    day = cells_of(batch, row).get("day", "")
    if "day" in batch.columns and kind_of([day]) != "date":
        return "day"
    ours = "from_time" if column == "starts_at" else "to_time"
    return ours if ours in batch.columns else column


def faults_of(batch: ImportBatch, row: ImportRow) -> list[Fault]:
    """All that is wrong with a reject, each where it is mended. The row itself keeps the first; the others are read again, in
    the language of whoever looks, so that they are those of the row as it was mended last."""
    kept = Fault(row.column, row.reason)
    if row.fault:
        return [kept]
    organization = batch.organization
    try:
        parse(cells_of(batch, row), shift_days=0, zone=organization.time_zone, country=organization.country or "US")
    except Rejected as rejected:
        found = [Fault(_shown_column(batch, row, fault.column), fault.message) for fault in rejected.faults]
        return found if kept.column in {fault.column for fault in found} else [kept, *found]
    return [kept]


def take_rows(batch: ImportBatch, rows: list[ImportRow], *, publish: bool) -> None:
    """Take rows into the organization, and write on each what became of it. `publish`: open what is complete."""
    outcomes, states = _take(batch, rows, publish=publish)
    made = {outcome.need_id for outcome in outcomes.values() if outcome.kind in ("created", "updated")}
    after = snapshots(key for key in made if key)
    for row in rows:
        outcome = outcomes[row.line]
        _write(batch, row, outcome, states.get(row.line), stage="taken")
        row.need_id, row.before = outcome.need_id, outcome.before
        if (snapshot := after.get(outcome.need_id or 0)) is not None:
            row.after = fingerprint(snapshot)
            _tell_changes(row, outcome, snapshot)


def check_rows(batch: ImportBatch, rows: list[ImportRow]) -> None:
    """Write on each row what would become of it, and change nothing else."""
    trial = db.session.begin_nested()
    outcomes, states = _take(batch, rows, publish=False)
    after = snapshots(one.need_id for one in outcomes.values() if one.kind == "updated" and one.need_id)
    trial.rollback()
    known = {outcome.need_id for outcome in outcomes.values() if outcome.kind in ("updated", "unchanged")}
    for row in rows:
        outcome = outcomes[row.line]
        _write(batch, row, outcome, states.get(row.line), stage="checked")
        row.need_id = outcome.need_id if outcome.need_id in known else None
        if (snapshot := after.get(outcome.need_id or 0)) is not None:
            _tell_changes(row, outcome, snapshot)


@dataclasses.dataclass(frozen=True)
class _State:
    """Of a need that was made: its state, and why it is no further."""

    status: str
    note: str = ""


def _take(batch: ImportBatch, rows: list[ImportRow], *, publish: bool) -> tuple[dict[int, Outcome], dict[int, _State]]:
    organization = batch.organization
    work = NeedImport(
        Options(
            mapping=Mapping(),
            organization=organization.slug,
            country=organization.country or "US",
            by=batch.by,
            zone=organization.time_zone,
        )
    )
    for key in _keys_seen(batch, rows):
        work.seen.is_new(organization.id, key)
    foreign: dict[int, Outcome] = {}
    mine: list[Row] = []
    for row in rows:
        cells = cells_of(batch, row)
        named = cells.get("organization", "").strip()
        if named and name_key(named) != organization.name_key:
            said = _("This row is about %(name)s, not about your organization", name=named[:80])
            foreign[row.line] = Outcome("rejected", column="organization", reason=said)
        else:
            mine.append(Row(row.line, cells, row.fault))
    work.take(mine)
    outcomes = work.outcomes | foreign
    created = {line: outcome.need_id for line, outcome in outcomes.items() if outcome.kind == "created"}
    return outcomes, {line: _settle(batch, need_id, publish) for line, need_id in created.items() if need_id}


def _settle(batch: ImportBatch, need_id: int, publish: bool) -> _State:
    """Open a need that was made, when that is wanted and nothing stands against it."""
    need = db.session.get_one(Need, need_id)
    if need.status != "draft":
        return _State(need.status)
    reasons = reasons_not_to_publish(need)
    if publish and not reasons:
        try:
            with db.session.begin_nested():
                publish_need(need_id, by=batch.by)
        except Refused as refused:
            reasons = refused.reasons
        else:
            return _State("open")
    said = [f"{one.message} {one.remedy}".strip() for one in reasons if one.code not in _OF_ORGANIZATION]
    return _State("draft", "\n".join(said))


def _tell_changes(row: ImportRow, outcome: Outcome, after: Snapshot) -> None:
    """Of a need that was there: in which of our columns it changes, and whether its time being over closes it."""
    if outcome.before is not None:
        row.note = ",".join(changes(outcome.before, after))
        row.became = "closed" if after["need"]["status"] == "closed" else ""


def _keys_seen(batch: ImportBatch, rows: list[ImportRow]) -> list[str]:
    """What the rows taken (or checked) before are known by: the same once more is a reject."""
    query = sa.select(ImportRow.key).where(
        ImportRow.batch_id == batch.id,
        ImportRow.stage == _SEEN[batch.status],
        ImportRow.outcome != "rejected",
        ImportRow.id.not_in([row.id for row in rows]),
    )
    return list(db.session.scalars(query))


def _write(batch: ImportBatch, row: ImportRow, outcome: Outcome, state: _State | None, *, stage: str) -> None:
    row.stage, row.outcome, row.key = stage, outcome.kind, outcome.key
    row.column, row.reason = _shown_column(batch, row, outcome.column)[:40], outcome.reason
    row.became, row.note = (state.status, state.note) if state is not None else ("", "")
