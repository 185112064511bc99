"""Receipts and statements as PDF, by fpdf2. No font is shipped with this program.

Latin-1 is written with the fonts that every reader of PDF has. Other letters are written with a font of this machine that has all
of them, as far as they neither join nor run from the right. What cannot be written is written without its accents where that
is all it takes; else a mark stands in its place, and the sheet says so and names the page where all of it is read: that page is
the receipt.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import TYPE_CHECKING

from app.core import cards
from app.core.i18n import _

if TYPE_CHECKING:
    import fpdf

MARK = "[...]"
_AS_ASCII = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "...",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2066": "", "\u2067": "", "\u2068": "", "\u2069": "", "\u20ac": "EUR ",
        "\u2212": "-", "\u2022": "-",
    }
)  # fmt: skip
# Marks that say where a text in another direction begins and ends.
_INVISIBLE = str.maketrans(dict.fromkeys("\u2066\u2067\u2068\u2069\u200e\u200f"))


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under headings; the last column holds figures."""

    caption: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    total: tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Sheet:
    """What is on paper: a title, a mark above it ("TEST"), facts, paragraphs, tables, and the address of its page."""

    title: str
    mark: str
    facts: list[tuple[str, str]]
    paragraphs: list[str]
    tables: list[Table]
    url: str

    @property
    def can_be_written(self) -> bool:
        """True when its own words (not what people typed) can be written with the fonts there are."""
        words = [self.title, self.mark, *(name for name, _value in self.facts)]
        words += [text for table in self.tables for text in (*table.headings, table.total[0])]
        pen = _Pen(words)
        return all(pen.written(word)[1] for word in words)

    @property
    def texts(self) -> list[str]:
        """Everything on it."""
        said = [self.title, self.mark, self.url, *self.paragraphs]
        said += [text for fact in self.facts for text in fact]
        rows = [row for table in self.tables for row in (table.headings, *table.rows, table.total)]
        return [*said, *(table.caption for table in self.tables), *(cell for row in rows for cell in row)]


class _Pen:
    """The font in which `texts` are written: what every reader has, or one of this machine that has their letters."""

    def __init__(self, texts: list[str]) -> None:
        plain = [text for text in texts if not cards.needs_layout(text)]
        beyond = not all(_fits(text.translate(_AS_ASCII)) for text in plain)
        self.files = cards.find_font_files("".join(plain).translate(_INVISIBLE)) if beyond else None

    def written(self, text: str) -> tuple[str, bool]:
        """`text` as it can be written, and whether nothing of it is missing."""
        if self.files is not None and not cards.needs_layout(text):
            return text.translate(_INVISIBLE), True
        return _written(text)


def _written(text: str) -> tuple[str, bool]:
    """`text` in Latin-1, and whether nothing of it is missing."""
    text = text.translate(_AS_ASCII)
    if _fits(text):
        return text, True
    bare = "".join(
        character
        if _fits(character)
        else "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
        for character in text
    )
    return (bare, False) if _fits(bare) else (MARK, False)


def _fits(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def draw(sheet: Sheet) -> bytes:
    """The sheet as a PDF of one page or more."""
    import fpdf  # large, and wanted only here
    from fpdf.enums import XPos, YPos

    paper = fpdf.FPDF(format="A4")
    paper.set_auto_page_break(auto=True, margin=20)
    paper.set_margins(20, 20, 20)
    paper.add_page()
    whole, pen = True, _Pen(sheet.texts)
    family = "Helvetica"
    if pen.files is not None:
        family = "machine"
        for style, file in zip(("B", ""), pen.files, strict=True):
            paper.add_font(family, style, file)

    def say(text: str, *, size: int = 11, bold: bool = False, width: float = 0, space: float = 2) -> None:
        nonlocal whole
        shown, complete = pen.written(text)
        whole = whole and complete
        paper.set_font(family, "B" if bold else "", size)
        paper.multi_cell(width, size * 0.5, shown, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        paper.ln(space)

    paper.set_title(pen.written(sheet.title)[0])
    if sheet.mark:
        say(sheet.mark, size=14, bold=True)
    say(sheet.title, size=18, bold=True, space=4)
    for name, value in sheet.facts:
        if value:
            say(name, size=9, space=0)
            say(value, bold=True)
    for text in sheet.paragraphs:
        say(text, space=3)
    for table in sheet.tables:
        say(table.caption, size=13, bold=True)
        _draw_table(paper, table, pen, family)
        whole = whole and all(pen.written(cell)[1] for row in table.rows for cell in row)
    if not whole:
        say(
            _("This file cannot show all letters. The whole document is at the address below."),
            size=9,
        )
    say(sheet.url, size=9)
    return bytes(paper.output())


def _draw_table(paper: fpdf.FPDF, table: Table, pen: _Pen, family: str) -> None:
    from fpdf.enums import Align, TableBordersLayout

    paper.set_font(family, "", 9)
    aligned = (*(Align.L for _heading in table.headings[1:]), Align.R)
    total = (*("" for _heading in table.headings[2:]), *table.total)
    with paper.table(text_align=aligned, borders_layout=TableBordersLayout.HORIZONTAL_LINES) as drawn:
        for cells in (table.headings, *table.rows, total):
            row = drawn.row()
            for cell in cells:
                row.cell(pen.written(cell)[0])
    paper.ln(4)
