"""Pages of a PDF on which every script is written: in pieces by font, each shaped, from the right where it runs from there.

fpdf2 looks for a font letter by letter, so a mark could part from its letter, and cuts wherever Unicode's script changes,
also at marks that belong to all scripts. Here a piece is what one font writes of one script in one direction; where its
letters are joined or in another order than they are drawn, the file says besides what is read there. Of a font HarfBuzz first
takes what the sheet needs: fontTools, which fpdf2 asks, would be seconds over the letters of Chinese.
"""

from __future__ import annotations

import functools
import io
import itertools
import string
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import fpdf
import uharfbuzz as hb
from fpdf.bidi import BidiParagraph, auto_detect_base_direction
from fpdf.enums import TextDirection
from fpdf.fonts import HarfBuzzFont, TTFFont
from fpdf.line_break import Fragment, TextLine
from fpdf.unicode_script import UnicodeScript, get_unicode_script

from app.core.lettering import INVISIBLE, JOINERS, Pair, find_file, needs_layout, pieces

MAIN = "main"
_OF_NO_SCRIPT = (UnicodeScript.COMMON, UnicodeScript.INHERITED, UnicodeScript.UNKNOWN)


class Piece(Fragment):
    """What one font writes of one script."""

    def render_with_text_shaping(self, *args: Any) -> str:
        """The glyphs where they belong; for who copies or listens, the letters in the order in which they are read."""
        drawn = super().render_with_text_shaping(*args)
        # Readers turn what runs from the right themselves.
        if not drawn or self.fragment_direction == TextDirection.RTL or not needs_layout(self.string):
            return drawn
        read = self.string.encode("utf-16-be").hex().upper()
        return f"/Span <</ActualText <FEFF{read}>>> BDC {drawn} EMC"


class _Line(TextLine):
    """A line whose pieces stand as Unicode's rule L2 says (https://www.unicode.org/reports/tr9/#L2); fpdf2 knows two
    levels, and puts a number after letters from the right on their wrong side."""

    def get_ordered_fragments(self) -> list[Fragment]:
        levels = {id(each): (each.text_shaping_parameters or {}).get("level", 0) for each in self.fragments}
        ordered = list(self.fragments)
        for lowest in range(max(levels.values(), default=0), 0, -1):
            turned: list[Fragment] = []
            for inner, run in itertools.groupby(ordered, key=lambda each: levels[id(each)] >= lowest):
                pieces_of_run = list(run)
                turned += reversed(pieces_of_run) if inner else pieces_of_run
            ordered = turned
        return ordered


class Paper(fpdf.FPDF):
    """A4 with margins. With fonts of the machine (`main`), `fonts_for` says in which of them a text is written, and
    `letters` are all that will be."""

    def __init__(self, main: Pair | None, fonts_for: Callable[[str], Sequence[Pair]], letters: str) -> None:
        super().__init__(format="A4")
        self._main, self._fonts_for = main, fonts_for
        self._letters = {*letters, *unicodedata.normalize("NFKD", letters), *string.printable, *JOINERS}
        self.set_auto_page_break(auto=True, margin=20)
        self.set_margins(20, 20, 20)
        self.add_page()
        self.family = "Helvetica" if main is None else MAIN
        if main is not None:
            for style, name in zip(("B", ""), main, strict=True):
                self._open(MAIN, style, name)
            self.set_text_shaping(use_shaping_engine=True)

    def _open(self, family: str, style: str, name: str) -> None:
        """Make what the sheet needs of a font known to fpdf2, which itself opens whole files only."""
        wanted = hb.SubsetInput()
        wanted.unicode_set.update(map(ord, self._letters))
        wanted.flags = hb.SubsetFlags.NO_HINTING
        content = hb.subset(_face(name), wanted).blob.data
        font = TTFFont(self, io.BytesIO(content), family + style, style)  # type: ignore[arg-type]  # fontTools reads both
        font._hbfont = HarfBuzzFont(hb.Face(content))
        self.fonts[family + style] = font

    def _preload_bidirectional_text(self, text: str, markdown: bool) -> Sequence[Fragment]:
        order = self._fonts_for(text)
        if order == (self._main,) and not needs_layout(text):
            # Most texts: a letter is as wide as it is, and what is measured letter by letter is measured fast.
            state = self._get_current_graphics_state()
            state.text_shaping = None
            return (Fragment(text.translate(INVISIBLE), state, self.k),)
        base = auto_detect_base_direction(text)
        characters = BidiParagraph(text, base_direction=base, preserve_bn_chars=True).get_characters()
        return [
            piece
            for level, run in itertools.groupby(characters, key=lambda each: each.embedding_level)
            for piece in self._pieces_of("".join(each.character for each in run), order, base, level)
        ]

    def _pieces_of(self, run: str, order: Sequence[Pair], base: TextDirection, level: int) -> Iterator[Piece]:
        """What runs in one direction, by font and script."""
        bold = "B" in self.font_style
        direction = TextDirection.RTL if level % 2 else TextDirection.LTR
        # `fonts_for` has answered for the whole of it, so each letter is in one of them.
        for part, pair in pieces(run.translate(INVISIBLE), order) or ():
            for letters, script in _by_script(part):
                state = self._get_current_graphics_state()
                state.font_family, state.font_style = self._family_of(pair, bold=bold)
                state.current_font = self.fonts[state.font_family + state.font_style]
                # Pieces that look the same to fpdf2 are written as one, in the script of its first letter.
                own = {"level": level, "piece": script, "paragraph_direction": base, "fragment_direction": direction}
                state.text_shaping = {**(state.text_shaping or {}), **own}
                yield Piece(list(letters), state, self.k)

    def _render_styled_text_line(self, text_line: TextLine, *args: Any, **options: Any) -> bool:
        return super()._render_styled_text_line(_Line(*text_line), *args, **options)

    def _family_of(self, pair: Pair, *, bold: bool) -> tuple[str, str]:
        """Family and style of a font, which is opened the first time."""
        if pair == self._main:
            return MAIN, "B" if bold else ""
        name = pair[0] if bold else pair[1]
        family = name.lower()
        if family not in self.fonts:
            self._open(family, "", name)
        return family, ""


@functools.cache
def _face(name: str) -> hb.Face:
    """A font of this machine, opened once in a process."""
    file = find_file(name)
    if file is None:
        raise LookupError(name)
    return hb.Face(hb.Blob.from_file_path(file))


def _by_script(text: str) -> list[tuple[str, int]]:
    """`text` where its script changes; what belongs to all scripts stays with what stands before it."""
    found: list[tuple[str, int]] = []
    for character in text:
        script = get_unicode_script(character)
        if found and (script in _OF_NO_SCRIPT or found[-1][1] in (script, *_OF_NO_SCRIPT)):
            found[-1] = (found[-1][0] + character, found[-1][1] if script in _OF_NO_SCRIPT else int(script))
        else:
            found.append((character, int(script)))
    return found
