"""A file as somebody's spreadsheet saved it, read into rows: its bytes are believed only as far as they can be read."""

from __future__ import annotations

import dataclasses
import io

from app.core.errors import refuse
from app.core.i18n import _
from app.core.text import line
from app.imports.files import Row, read_lines

MAXIMUM_BYTES = 5 * 1024 * 1024
MAXIMUM_ROWS = 2000
MAXIMUM_COLUMNS = 100
MAXIMUM_HEADER = 200
# How a file of rejects begins; mended, it comes back with the columns it came with first.
OURS = ("reason", "line")


@dataclasses.dataclass(frozen=True)
class Upload:
    """A file that was read: its name, how it was written, its columns in order, and its rows."""

    name: str
    encoding: str
    header: list[str]
    rows: list[Row]


def _decoded(content: bytes, name: str) -> tuple[str, str]:
    """The text and its encoding. Raises Refused, saying what the file seems to be."""
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise refuse("workbook", _("%(name)s is a workbook. Save it as “CSV UTF-8” and choose that file", name=name))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # what spreadsheets call Unicode text
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise refuse("encoding", _("%(name)s is damaged: its text breaks off", name=name)) from error
        if "\0" not in text:
            return text, "UTF-16"
    if b"\0" in content or content.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")):
        raise refuse("binary", _("%(name)s is not a text file. Save the table as CSV and choose that file", name=name))
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise refuse(
            "encoding", _("%(name)s is neither UTF-8 nor Windows text. Save it as “CSV UTF-8”", name=name)
        ) from error
    return text, "Windows-1252"


def read_upload(content: bytes, name: str) -> Upload:
    """The rows of a file of at most MAXIMUM_BYTES and MAXIMUM_ROWS. Raises Refused with a message for whoever chose it."""
    name = (line(name.replace("\\", "/").rsplit("/", 1)[-1]) or _("The file"))[-120:]
    if not content.strip():
        raise refuse("empty", _("%(name)s is empty", name=name))
    if len(content) > MAXIMUM_BYTES:
        raise refuse("too_large", too_large())
    text, encoding = _decoded(content, name)
    if sum(character < " " and character not in "\t\n\r\f" for character in text[:4096]) > 2:
        raise refuse("binary", _("%(name)s is not a text file. Save the table as CSV and choose that file", name=name))
    rows: list[Row] = []
    count = 0
    for row in read_lines(iter(io.StringIO(text, newline="")), name):
        count += 1
        if count <= MAXIMUM_ROWS:
            rows.append(row)
    if not rows:
        raise refuse("no_rows", _("%(name)s has no rows below its first line, which names the columns", name=name))
    if count > MAXIMUM_ROWS:
        raise refuse(
            "too_many",
            _(
                "%(name)s has %(rows)s rows. Bring at most %(most)s at once: cut it into parts",
                name=name,
                rows=count,
                most=MAXIMUM_ROWS,
            ),
        )
    mended = set(OURS) <= rows[0].cells.keys()
    header = [column for column in rows[0].cells if not (mended and column in OURS)]
    if not header:
        raise refuse("header", _("The first line of %(name)s names no column", name=name))
    if len(header) > MAXIMUM_COLUMNS:
        raise refuse("header", _("%(name)s has more than %(most)s columns", name=name, most=MAXIMUM_COLUMNS))
    if any(len(column) > MAXIMUM_HEADER for column in header):
        raise refuse(
            "header", _("The first line of %(name)s does not name the columns: a name in it is too long", name=name)
        )
    kept = [dataclasses.replace(row, cells={column: row.cells[column] for column in header}) for row in rows]
    return Upload(name, encoding, header, kept)


def too_large() -> str:
    """What somebody is told whose file is larger than MAXIMUM_BYTES."""
    return _("The file is larger than %(most)s MB. Cut it into parts", most=MAXIMUM_BYTES // (1024 * 1024))
