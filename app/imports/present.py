"""A row of a file as the need it says, for people to look at before anything happens."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable

from app.imports.dates import guess_order
from app.imports.fields import LABELS
from app.imports.files import harmless
from app.imports.models import ImportBatch, ImportRow
from app.imports.need_rows import NeedLine, Rejected, parse
from app.imports.taking import cells_of, faults_of
from app.imports.values import hides_door

SAMPLES = 3
# What the empty file offers: the columns that most lists need, and nothing that stands for another one.
TEMPLATE = (
    "title", "description", "items", "day", "from_time", "to_time", "capacity", "contact", "ends_on", "address", "city", "region",
    "postal_code", "urgency", "causes", "skills", "external_id",
)  # fmt: skip
SAMPLE_LENGTH = 80


@dataclasses.dataclass(frozen=True)
class Preview:
    """A row, and what it says: None when it is a reject before it says anything."""

    row: ImportRow
    need: NeedLine | None

    @property
    def hides_door(self) -> bool:
        """True when only confirmed people will see its street."""
        return self.need is not None and self.row.outcome == "created" and hides_door(self.need)

    @property
    def wanted(self) -> list[str]:
        """The names of the things it asks for."""
        return [] if self.need is None else [item.name for item in self.need.items if not item.do_not_bring]


def preview(batch: ImportBatch, rows: Iterable[ImportRow]) -> list[Preview]:
    """These rows as they would become."""
    found = []
    for row in rows:
        need = None
        if row.outcome != "rejected":
            try:
                need = parse(
                    cells_of(batch, row),
                    shift_days=0,
                    zone=batch.organization.time_zone,
                    country=batch.organization.country or "US",
                )
            except Rejected:  # it was one before somebody changed the installation under it; the row says what it is
                need = None
        found.append(Preview(row, need))
    return found


def title_of(batch: ImportBatch, row: ImportRow) -> str:
    """What a row is called, or "" when it says nothing."""
    cells = cells_of(batch, row)
    return (cells.get("title") or cells.get("site") or "")[:160]


@dataclasses.dataclass(frozen=True)
class Wrong:
    """Something wrong with a reject: our column ("" for the whole row) and its name, what it says there, and why."""

    ours: str
    column: str
    said: str
    message: str


def wrongs(batch: ImportBatch, row: ImportRow) -> list[Wrong]:
    """All that is wrong with a reject."""
    cells = cells_of(batch, row)
    return [
        Wrong(
            fault.column, column_name(batch, fault.column), cells.get(fault.column, "")[:SAMPLE_LENGTH], fault.message
        )
        for fault in faults_of(batch, row)
    ]


def column_name(batch: ImportBatch, ours: str) -> str:
    """What a column is called: as the file calls it, else as we do; "" for the whole row."""
    return batch.columns.get(ours) or (str(LABELS[ours]) if ours in LABELS else "")


def changes_of(row: ImportRow) -> list[str]:
    """In which columns a need changes, as we call them."""
    return [str(LABELS[name]) for name in row.note.split(",") if name in LABELS]


def values_of(header: list[str], rows: Iterable[ImportRow]) -> dict[str, list[str]]:
    """What the first rows say in each column, blanks left out."""
    found: dict[str, list[str]] = {name: [] for name in header}
    for row in rows:
        for name, values in found.items():
            if value := " ".join(row.cells.get(name, "").split()):
                values.append(value)
    return found


def guess_dates(batch: ImportBatch, values: dict[str, list[str]], columns: dict[str, str]) -> str:
    """How the days of a file are written, from the columns that seem to hold days."""
    dated = [columns[ours] for ours in ("starts_at", "ends_at", "ends_on", "day") if ours in columns]
    return guess_order((value for name in dated for value in values.get(name, [])), batch.organization.country)


def samples(values: dict[str, list[str]]) -> dict[str, list[str]]:
    """The first different values of each column, cut where they are long."""

    def cut(value: str) -> str:
        return value if len(value) <= SAMPLE_LENGTH else value[: SAMPLE_LENGTH - 1] + "…"

    return {name: [cut(value) for value in dict.fromkeys(said)][:SAMPLES] for name, said in values.items()}


def rejects_csv(batch: ImportBatch, rows: Iterable[ImportRow]) -> str:
    """The rejects as a file that can be mended and brought again: the reason, the line, and the row under its own names.

    With a byte order mark, without which spreadsheets read UTF-8 as something else; no cell of it is a formula.
    """
    target = io.StringIO()
    writer = csv.writer(target)
    theirs = {name: ours for ours, name in batch.columns.items()}
    writer.writerow(["reason", "line", *(harmless(name) for name in batch.header)])
    for row in rows:
        cells = row.cells | {name: row.mended[ours] for name, ours in theirs.items() if ours in row.mended}
        faults = wrongs(batch, row)
        reason = "; ".join(f"{one.column}: {one.message}" if one.column else one.message for one in faults)
        values = (reason, row.line, *(cells.get(name, "") for name in batch.header))
        writer.writerow([harmless(value) for value in values])
    return "\ufeff" + target.getvalue()


def template_csv() -> str:
    """An empty file with our columns."""
    target = io.StringIO()
    csv.writer(target).writerow(name for name in LABELS if name in TEMPLATE)
    return "\ufeff" + target.getvalue()
