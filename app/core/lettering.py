"""Fonts of this machine: which of them have the letters of a text, in every script, and lines that break where they may.

No font is shipped with this program. A text is written in one font that has every letter of it; where there is none, in
pieces, each in the first font that has its letters. What no font has cannot be written, and whoever asks is told so.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from PIL import ImageDraw, ImageFont, features

Font = ImageFont.FreeTypeFont
# The bold and the regular one: names as FreeType's own, or whole paths.
Pair = tuple[str, str]

# The first that has every letter; a name that this machine does not know is passed over.
FONTS: tuple[Pair, ...] = (
    ("NotoSans-Bold.ttf", "NotoSans-Regular.ttf"),
    ("Roboto-Bold.ttf", "Roboto-Regular.ttf"),
    ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf"),
    ("LiberationSans-Bold.ttf", "LiberationSans-Regular.ttf"),
    ("Arial Bold.ttf", "Arial.ttf"),
    ("arialbd.ttf", "arial.ttf"),
    ("NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc"),
    ("NotoSansArabic-Bold.ttf", "NotoSansArabic-Regular.ttf"),
    ("NotoSansHebrew-Bold.ttf", "NotoSansHebrew-Regular.ttf"),
    ("NotoSansDevanagari-Bold.ttf", "NotoSansDevanagari-Regular.ttf"),
    ("NotoSansThai-Bold.ttf", "NotoSansThai-Regular.ttf"),
    # Chinese, Japanese and Korean in 3.5 MB; where Debian has it, no font is looked for by its name alone.
    ("/usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf",) * 2,
    ("DroidSansFallbackFull.ttf",) * 2,
    ("FreeSansBold.ttf", "FreeSans.ttf"),
    ("FreeSerifBold.ttf", "FreeSerif.ttf"),
    # Letters that their bold ones have not.
    ("FreeSans.ttf", "FreeSans.ttf"),
    ("FreeSerif.ttf", "FreeSerif.ttf"),
)
# The one that comes with Pillow (English).
BUILT_IN = ""
# No font has this one: what is drawn for it is drawn for whatever a font has not.
NO_CHARACTER = "\U0010ffff"
JOINERS = "\u200c\u200d"
# Marks of direction, and spaces without width: heeded at most, and never drawn.
INVISIBLE = str.maketrans(
    dict.fromkeys("\u2066\u2067\u2068\u2069\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u200b\u2060\ufeff")
)


def plain(text: str) -> str:
    """One line without what is no letter to a font of letters: controls, pictographs, variation selectors."""
    kept = (
        character
        for character in unicodedata.normalize("NFC", text)
        if character in JOINERS
        or character.isspace()
        or (
            unicodedata.category(character) not in ("Cc", "Cf", "Cs", "So", "Sk")
            and not "\ufe00" <= character <= "\ufe0f"
        )
    )
    return " ".join("".join(kept).split())


def is_from_right(text: str) -> bool:
    """True when the first letter that has a direction runs from right to left."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((direction for direction in directions if direction in ("L", "R", "AL")), "L") != "L"


def needs_layout(text: str) -> bool:
    """True when `text` runs from the right, or joins its letters."""
    return any(
        unicodedata.bidirectional(c) in ("R", "AL") or unicodedata.category(c) in ("Mc", "Mn") for c in _letters(text)
    )


def _letters(text: str) -> set[str]:
    return {character for character in text if not character.isspace() and character not in JOINERS}


# --- fonts ------------------------------------------------------------------------------------------------------------


@functools.cache
def find_file(name: str) -> str | None:
    """Where this machine has the font, or None."""
    try:
        found = ImageFont.truetype(name, 24)
    except OSError:  # this machine has no such font
        return None
    return str(found.path)


@functools.lru_cache(maxsize=256)
def _load(name: str, size: int) -> Font | None:
    if name == BUILT_IN:
        built_in = ImageFont.load_default(size)
        return built_in if isinstance(built_in, Font) else None
    file = find_file(name)
    return ImageFont.truetype(file, size) if file is not None else None


@functools.cache
def _probe(name: str) -> tuple[Font, bytes, tuple[int, int]] | None:
    """A font that draws letter by letter (laid out, a lone mark would be drawn on a circle of dots), and its empty box."""
    file = find_file(name) if name != BUILT_IN else None
    font = (
        ImageFont.truetype(file, 24, layout_engine=ImageFont.Layout.BASIC) if file is not None else _load(BUILT_IN, 24)
    )
    if font is None or (file is None and name != BUILT_IN):
        return None
    box = font.getmask(NO_CHARACTER)
    return font, bytes(box), box.size


@functools.lru_cache(maxsize=8192)
def _has(name: str, character: str) -> bool:
    """True when the font draws the character, and not what it draws for any that it has not."""
    probe = _probe(name)
    if probe is None:
        return False
    font, box, size = probe
    drawn = font.getmask(character)
    return drawn.size != size or bytes(drawn) != box


def has_all(pair: Pair, text: str) -> bool:
    """True when both fonts have every letter of `text`."""
    return all(_has(name, letter) for name in dict.fromkeys(pair) for letter in _letters(text))


def usable() -> tuple[object, ...]:
    """What this machine writes with: the fonts that it has, and whether letters can be joined. Another machine, or this one
    after fonts came, may draw the same text otherwise."""
    return (*(name for pair in FONTS for name in pair if find_file(name) is not None), bool(features.check("raqm")))


def find_pair(text: str) -> Pair | None:
    """The first fonts, bold and regular, that have every letter of `text`; None when there are none."""
    return next((pair for pair in FONTS if find_file(pair[1]) is not None and has_all(pair, text)), None)


@functools.lru_cache(maxsize=8192)
def _first_with(character: str, fonts: tuple[Pair, ...]) -> Pair | None:
    return next((pair for pair in fonts if find_file(pair[1]) is not None and has_all(pair, character)), None)


def pieces(text: str, fonts: Sequence[Pair]) -> list[tuple[str, Pair]] | None:
    """`text` in pieces, each with the first of `fonts` that has its letters; None when one letter is in none of them.

    What has no script of its own (spaces, digits, points, marks on letters) stays with the piece before it if that can be.
    """
    found: list[tuple[str, Pair]] = []
    order = tuple(fonts)
    for character in text:
        stays = character.isspace() or character in JOINERS or not character.isalpha()
        if found and stays and has_all(found[-1][1], character):
            found[-1] = (found[-1][0] + character, found[-1][1])
            continue
        pair = _first_with(character, order)
        if pair is None:
            return None
        if found and found[-1][1] == pair:
            found[-1] = (found[-1][0] + character, pair)
        else:
            found.append((character, pair))
    return found


# --- drawn by Pillow --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Face:
    """What a text is drawn with at a size: one font, or several where a text from the left has letters of several."""

    fonts: tuple[Pair, ...]
    bold: bool
    size: int

    def _parts(self, text: str) -> list[tuple[str, Font]]:
        cut_up = pieces(text, self.fonts) if len(self.fonts) > 1 else None
        # An ellipsis that is added to what was asked for is in the first font, at worst as an empty box.
        parts = cut_up if cut_up is not None else [(text, self.fonts[0])]
        fonts = ((part, _load(pair[0] if self.bold else pair[1], self.size)) for part, pair in parts)
        return [(part, font) for part, font in fonts if font is not None]

    def getlength(self, text: str) -> float:
        """How wide the text is, in pixels."""
        return sum(font.getlength(part) for part, font in self._parts(text))

    def write(self, draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fill: str, anchor: str) -> None:
        """Draw the text. `anchor` is Pillow's: l or r, then a or m."""
        parts = self._parts(text)
        if len(parts) < 2:
            for part, font in parts:
                draw.text(at, part, font=font, fill=fill, anchor=anchor)
            return
        left, top = at
        if anchor[0] == "r":
            left -= self.getlength(text)
        above, below = parts[0][1].getmetrics()
        foot = top + (above if anchor[1] == "a" else (above - below) / 2)
        for part, font in parts:
            draw.text((left, foot), part, font=font, fill=fill, anchor="ls")
            left += font.getlength(part)


def find_face(text: str, *, bold: bool, size: int) -> Face | None:
    """What has every letter of `text`, or None. What runs from the right or joins its letters needs the layout of Raqm
    besides, and what runs from the right one font for all of it."""
    if not _letters(text) or (needs_layout(text) and not features.check("raqm")):
        return None
    for pair in (*FONTS, (BUILT_IN, BUILT_IN)):
        name = pair[0] if bold else pair[1]
        if _probe(name) is not None and all(_has(name, letter) for letter in _letters(text)):
            return Face(((pair[0], pair[1]),), bold, size)
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
        return None
    found = pieces(text, FONTS)
    return Face(tuple(dict.fromkeys(pair for _piece, pair in found)), bold, size) if found is not None else None


# --- lines ------------------------------------------------------------------------------------------------------------


def _fitting(text: str, measure: Callable[[str], float], room: float) -> int:
    """How many characters of the text there is room for, no letter without its marks. Few are measured: a longer part is
    taken to be wider."""
    ends = [
        end
        for end in range(1, len(text) + 1)
        if end == len(text) or not (text[end] in JOINERS or unicodedata.category(text[end]) in ("Mn", "Mc"))
    ]
    fit = bisect.bisect_right(ends, room, key=lambda end: measure(text[:end]))
    return ends[fit - 1] if fit else 0


def cut(text: str, face: Face, room: float) -> str:
    """As much of the text as there is room for, with an ellipsis."""
    end = _fitting(text, lambda part: face.getlength(part.rstrip() + "…"), room)
    return text[:end].rstrip() + "…"


def wrapped(text: str, face: Face, room: float, most: int) -> tuple[list[str], bool]:
    """The lines of a text, at most `most`, and whether it was all. Words break only where one is too long for a
    line, as everything is in scripts without spaces."""
    lines = list(itertools.islice(broken(text, face.getlength, room), most + 1))
    if len(lines) <= most:
        return lines, True
    # The last line has room for nothing of what comes after the next.
    return [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), face, room)], False


def broken(text: str, measure: Callable[[str], float], room: float) -> Iterator[str]:
    """`text` in lines that are no wider than `room`, by what `measure` says of a line."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if measure(longer) <= room:
            line = longer
            continue
        if line:
            yield line
        rest = word
        # One letter is a line of its own where there is no room even for it.
        while (end := _fitting(rest, measure, room) or 1) < len(rest):
            yield rest[:end]
            rest = rest[end:]
        line = rest
    if line:
        yield line
