"""Receipts and statements as PDF, by fpdf2. No font is shipped with this program.

Latin-1 is written with the fonts that every reader of PDF has. Other letters are written with fonts of this machine
(app.core.lettering), of which only the letters that are wanted go into the file. What no font has is written without its
accents or pictographs where that is all it takes; else a mark stands in its place, and the sheet says so and names the page
where all of it is read: that page is the receipt.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from typing import TYPE_CHECKING

from app.core import lettering
from app.core.i18n import _

if TYPE_CHECKING:
    from app.donations.paper import Paper

MARK = "[...]"
_AS_ASCII = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "...",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2066": "", "\u2067": "", "\u2068": "", "\u2069": "", "\u20ac": "EUR ",
        "\u2212": "-", "\u2022": "-",
    }
)  # fmt: skip
# Spaces that not every font has.
_SPACES = str.maketrans(dict.fromkeys("\u202f\u2009", "\u00a0"))


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
        pen = _Pen(self.own_words, self.own_words)
        return all(pen.written(word)[1] for word in self.own_words)

    @property
    def own_words(self) -> list[str]:
        """What no person typed."""
        words = [self.title, self.mark, *(name for name, _value in self.facts)]
        return words + [text for table in self.tables for text in (*table.headings, table.total[0])]

    @property
    def texts(self) -> list[str]:
        """Everything on it."""
        said = [self.title, self.mark, self.url, *self.paragraphs]
        said += [text for fact in self.facts for text in fact]
        rows = [row for table in self.tables for row in (table.headings, *table.rows, table.total)]
        return [*said, *(table.caption for table in self.tables), *(cell for row in rows for cell in row)]


class _Pen:
    """The fonts in which `texts` are written: what every reader has, or those of this machine that have their letters."""

    def __init__(self, texts: list[str], own_words: list[str]) -> None:
        beyond = not all(_fits(text.translate(_AS_ASCII)) for text in texts)
        self._usable = [pair for pair in lettering.FONTS if beyond and _can_be_embedded(pair)]
        self._orders: dict[str, tuple[lettering.Pair, ...]] = {}
        own = _bare("".join(own_words))
        # The font of the sheet's own words, whatever people are called; else the one that has most of them.
        self.main = next((pair for pair in self._usable if lettering.has_all(pair, own)), None) or max(
            self._usable, key=lambda pair: sum(lettering.has_all(pair, _bare(word)) for word in own_words), default=None
        )

    def fonts_for(self, text: str) -> tuple[lettering.Pair, ...]:
        """The font that has all of `text`, or those that have it together; none where a letter is in none."""
        text = _bare(text)
        if text not in self._orders:
            self._orders[text] = self._look_for(text)
        return self._orders[text]

    def _look_for(self, text: str) -> tuple[lettering.Pair, ...]:
        if self.main is None:
            return ()
        order = (self.main, *self._usable)
        one = next((pair for pair in order if lettering.has_all(pair, text)), None)
        if one is not None:
            return (one,)
        several = lettering.pieces(text, order)
        return tuple(dict.fromkeys(pair for _piece, pair in several)) if several is not None else ()

    def written(self, text: str) -> tuple[str, bool]:
        """`text` as it can be written, and whether nothing of it is missing."""
        if self.main is None:
            return _written(text)
        text = text.translate(_SPACES)
        for kept in (text, without_pictures(text)):
            if self.fonts_for(kept) and (kept or not text):
                return kept, kept == text
        return _written(text)


def _can_be_embedded(pair: lettering.Pair) -> bool:
    return all((lettering.find_file(name) or "").endswith(".ttf") for name in pair)


def _bare(text: str) -> str:
    return text.translate(lettering.INVISIBLE).translate(_SPACES)


def without_pictures(text: str) -> str:
    """`text` without pictographs and what chooses their look, which no font of letters has."""
    kept = "".join(
        character
        for character in text
        if unicodedata.category(character) not in ("So", "Sk", "Cs") and not "\ufe00" <= character <= "\ufe0f"
    )
    return re.sub(" {2,}", " ", kept).strip(" ")


def _written(text: str) -> tuple[str, bool]:
    """`text` in Latin-1, and whether nothing of it is missing."""
    text = text.translate(_AS_ASCII)
    if _fits(text):
        return text, True
    text = without_pictures(text)
    bare = "".join(
        character
        if _fits(character)
        else "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
        for character in text
    )
    return (bare, False) if bare and _fits(bare) else (MARK, False)


def _fits(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def draw(sheet: Sheet) -> bytes:
    """The sheet as a PDF of one page or more."""
    from fpdf.enums import XPos, YPos  # large, and wanted only here

    from app.donations.paper import Paper

    pen, missing = (
        _Pen(sheet.texts, sheet.own_words),
        _("This file cannot show all letters. The whole document is at the address below."),
    )
    paper, whole = Paper(pen.main, pen.fonts_for, "".join((*sheet.texts, missing))), True
    # The side on which the sheet's own language begins; what people typed keeps its direction there.
    side = "R" if lettering.is_from_right(sheet.title) else "L"

    def say(text: str, *, size: int = 11, bold: bool = False, space: float = 2, align: str = side) -> None:
        nonlocal whole
        shown, complete = pen.written(text)
        whole = whole and complete
        paper.set_font(paper.family, "B" if bold else "", size)
        for line in shown.split("\n"):
            paper.multi_cell(0, size * 0.5, line, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        paper.ln(space)

    paper.set_title(pen.written(sheet.title)[0].translate(lettering.INVISIBLE))
    if sheet.mark:
        say(sheet.mark, size=14, bold=True)
    say(sheet.title, size=18, bold=True, space=4)
    for name, value in sheet.facts:
        if value:
            say(name, size=9, space=0)
            say(value, bold=True)
    for text in sheet.paragraphs:
        say(text, space=3, align="R" if lettering.is_from_right(text) else "L")
    for table in sheet.tables:
        say(table.caption, size=13, bold=True)
        _draw_table(paper, table, pen, mirrored=side == "R")
        whole = whole and all(pen.written(cell)[1] for row in table.rows for cell in row)
    if not whole:
        say(missing, size=9)
    say(sheet.url, size=9)
    return bytes(paper.output())


def _draw_table(paper: Paper, table: Table, pen: _Pen, *, mirrored: bool) -> None:
    from fpdf.enums import Align, TableBordersLayout

    paper.set_font(paper.family, "", 9)
    begins, ends = (Align.R, Align.L) if mirrored else (Align.L, Align.R)
    aligned = (*(begins for _heading in table.headings[1:]), ends)
    total = (*("" for _heading in table.headings[2:]), *table.total)
    turn = -1 if mirrored else 1
    with paper.table(text_align=aligned[::turn], borders_layout=TableBordersLayout.HORIZONTAL_LINES) as drawn:
        for cells in (table.headings, *table.rows, total):
            row = drawn.row()
            for cell in cells[::turn]:
                row.cell(pen.written(cell)[0])
    paper.ln(4)
