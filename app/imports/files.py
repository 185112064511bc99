"""CSV as it comes: streamed, with its encoding, separator and header checked before the first row is believed."""

from __future__ import annotations

import csv
import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from app.core.errors import Refused, refuse
from app.core.i18n import _

MAXIMUM_CELL = 100_000
SEPARATORS = ",;\t"
# A cell that begins like this is a formula to a spreadsheet, some also in the wide letters of East Asia; an apostrophe makes
# it text (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclasses.dataclass(frozen=True)
class Row:
    """One row: the line it began on, its cells by column name, and what is wrong with its shape (or nothing)."""

    line: int
    cells: dict[str, str]
    fault: str = ""


def harmless(cell: object) -> str:
    """A cell that no spreadsheet runs. Numbers stay numbers: only text that begins like a formula is marked."""
    text = "" if cell is None else str(cell)
    if not text.startswith(FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def as_typed(cell: str) -> str:
    """The reverse of `harmless`, so that a file of ours can be mended and read again."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def _lines(source: IO[str], name: str) -> Iterator[str]:
    """Lines without NUL, which neither csv nor PostgreSQL takes. Raises Refused for what is not UTF-8."""
    try:
        for line in source:
            yield line.replace("\0", "")
    except UnicodeDecodeError as error:
        raise refuse("encoding", f"{name} is not UTF-8 text (byte {error.start}). Save it as CSV UTF-8") from error


def _separator(header: str) -> str:
    """The separator that occurs most often outside quotes in the header line."""
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def read_rows(path: Path, name: str) -> Iterator[Row]:
    """The rows of a CSV file, one after the other. Raises Refused for a file that is none.

    `name` is what messages call the file: never its whole path.
    """
    try:
        source = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise refuse("unreadable", f"{name} cannot be read: {error.strerror}") from error
    with source:
        yield from read_lines(_lines(source, name), name)


def read_lines(lines: Iterator[str], name: str) -> Iterator[Row]:
    """The rows of a CSV text, given line by line with its line ends. Raises Refused for what is none."""
    csv.field_size_limit(min(sys.maxsize, 10_000_000))
    before, first = 0, next(lines, "")
    while first and not first.strip():
        before, first = before + 1, next(lines, "")
    if not first:
        raise refuse("empty", _("%(name)s is empty", name=name))
    # Spreadsheets of some countries begin with what separates the cells.
    said = re.fullmatch(r'"?sep=([,;\t|])"?\s*', first, re.IGNORECASE)
    if said is not None:
        before, first = before + 1, next(lines, "")
    reader = csv.reader(_chain(first, lines), delimiter=said[1] if said else _separator(first))
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise _malformed(name, 1) from error
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        raise refuse("header", _("%(name)s has the column %(column)s twice", name=name, column=twice[0]))
    yield from _rows(reader, header, name, before)


def _malformed(name: str, line: int) -> Refused:
    return refuse("malformed", _("%(name)s cannot be read as CSV near line %(line)s", name=name, line=line))


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _rows(reader: Iterator[list[str]], header: list[str], name: str, before: int) -> Iterator[Row]:
    while True:
        line = getattr(reader, "line_num", 0) + 1 + before
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _malformed(name, line) from error
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        fault = ""
        if len(cells) > len(header):
            fault = _("It has %(cells)s cells where the header has %(columns)s", cells=len(cells), columns=len(header))
        elif any(len(cell) > MAXIMUM_CELL for cell in cells):
            fault = _("A cell has more than %(most)s characters", most=MAXIMUM_CELL)
        padded = cells[: len(header)] + [""] * (len(header) - len(cells))
        yield Row(line, {column: as_typed(cell) for column, cell in zip(header, padded, strict=True) if column}, fault)
