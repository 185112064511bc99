"""Cards: the pictures of 1200 × 630 pixels that other sites show with a link to a page of this one.

They look like the head of the first page. Words are drawn in fonts of this machine (app.core.lettering); where none has
a letter of the title, the card shows hands below the site's name (which says so of a demonstration) and no empty boxes.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import math
import threading
from collections.abc import Sequence
from pathlib import Path

import PIL
from PIL import Image, ImageDraw

from app.core import drawing, lettering
from app.core.drawing import FINGERS, HAND_STEP, HEIGHT, MOST_FINGERS, RIGHT_EDGES
from app.core.lettering import cut, find_face, is_from_right, plain, usable, wrapped
from app.core.pictures import Picture, as_png

WIDTH, TALL = 1200, 630
MARGIN = 72
# Tokens of app.css.
DEEP, ON_DEEP, ON_DEEP2, YOU = "#0a3f4f", "#ffffff", "#d3e8ec", "#ffc34d"
TITLE_SIZES, TITLE_LINES = (84, 72, 62), 3
FOOT_SIZES = (44, 38, 32, 27)
BRAND_SIZES = (36, 32, 28, 25, 22, 20, 18)
# What a logo takes at the end of the head: its tile of 216 pixels and the space before it.
LOGO_ROOM = 248
# The line about it below the title, with the room above and below it; where the middle of the foot is.
ABOUT_TALL, FOOT_MIDDLE = 76, TALL - MARGIN - 36
# A sentence with its sources: sizes to try, where it begins, and the lines below it.
STATEMENT_SIZES, STATEMENT_TOP = (62, 54, 47, 41, 36, 32, 28), 222
NOTE_SIZE, NOTE_STEP = 27, 40
# Finger by finger as in layouts/_shapes.svg: where its foot is, how it leans, how far up it begins, how long it is.
SHAPES = (
    (7.6, -30, 11.85, 11.2),
    (16.0, -4, 17.85, 17.2),
    (24.3, -1, 20.85, 20.2),
    (32.6, 3, 18.95, 18.3),
    (40.6, 8, 14.95, 14.3),
)
FOOT, RADIUS, STROKE = 23.9, 2.65, 1.3
# Shapes are drawn larger and made smaller: their edges are smooth then.
FINER = 4

# The version of the drawing is the code itself: a number would have to be remembered with each change of it.
DRAWN_BY = PIL.__version__ + "".join(
    hashlib.blake2b(Path(file).read_bytes(), digest_size=12).hexdigest()
    for file in (__file__, drawing.__file__, lettering.__file__)
)

_one_at_a_time = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Card:
    """What a card says: the page's title, a line below it (whose and where), where it stands in words, and as fingers
    that are `given` and `open` or as the part `share` (0 to 1) of a strip; at the foot, since when it is known (`dated`).
    `logo` is a picture of ours (PNG)."""

    site: str
    title: str
    about: str = ""
    standing: str = ""
    given: int = 0
    open: int = 0
    share: float | None = None
    dated: str = ""
    logo: bytes | None = None

    @property
    def digest(self) -> str:
        """What tells this card from every other, known before it is drawn."""
        return _digest_of(self)


@dataclasses.dataclass(frozen=True)
class Statement:
    """A card that passes a sentence on with what it rests on: how well it is known and since when (`state`), the sentence,
    and `notes`, a line each (its sources). What is `withdrawn` is struck through, and its state stands out."""

    site: str
    title: str
    state: str
    notes: tuple[str, ...] = ()
    withdrawn: bool = False

    @property
    def digest(self) -> str:
        """What tells this card from every other, known before it is drawn."""
        return _digest_of(self)


def _digest_of(card: Card | Statement) -> str:
    """Of its words, of the fonts that they can be drawn with, and of the code that draws: whoever has a card that would be
    drawn otherwise now gets it anew."""
    return hashlib.blake2b(repr((card, usable(), DRAWN_BY)).encode(), digest_size=12).hexdigest()


@functools.lru_cache(maxsize=64)
def draw_card(card: Card) -> Picture:
    """The card as a PNG of WIDTH × TALL pixels; the same for the same card. Its words are drawn, so say them beside it."""
    with _one_at_a_time:
        image = Image.new("RGB", (WIDTH, TALL), DEEP)
        title = plain(card.title)
        if find_face(title, bold=True, size=TITLE_SIZES[0]) is None:
            hand = _fingers((3, 1, 0, 1), scale=9.5)
            image.paste(hand, ((WIDTH - hand.width) // 2, 136))
            _brand(image, ImageDraw.Draw(image), card.site)
            picture = _standing(card, 700)
            if picture is not None:
                image.paste(picture, ((WIDTH - picture.width) // 2, TALL - MARGIN - picture.height))
            return as_png(image)
        draw = ImageDraw.Draw(image)
        _head(image, draw, card)
        room = WIDTH - 2 * MARGIN - (LOGO_ROOM if card.logo else 0)
        # Below the title stand the line about it and the foot: it takes no more than they leave.
        bottom = _title(draw, title, 164, room, until=_foot_top(card) - ABOUT_TALL)
        _line(draw, card.about, bottom + 22, 36, ON_DEEP2, room)
        _foot(image, draw, card)
        return as_png(image)


@functools.lru_cache(maxsize=64)
def draw_statement(card: Statement) -> Picture:
    """The card as a PNG of WIDTH × TALL pixels; the same for the same card. Its words are drawn, so say them beside it."""
    with _one_at_a_time:
        image = Image.new("RGB", (WIDTH, TALL), DEEP)
        draw, room = ImageDraw.Draw(image), WIDTH - 2 * MARGIN
        _brand(image, draw, card.site)
        _state(draw, card, room)
        title = plain(card.title)
        if find_face(title, bold=True, size=STATEMENT_SIZES[0]) is None:
            hand = _fingers((3, 1, 0, 1), scale=9.5)
            image.paste(hand, ((WIDTH - hand.width) // 2, TALL - MARGIN - hand.height))
            return as_png(image)
        notes = [line for note in card.notes for line in _lines_of(note, room)]
        top = TALL - MARGIN - NOTE_STEP * len(notes) + 16
        for number, line in enumerate(notes):
            _line(draw, line, top + NOTE_STEP * number, NOTE_SIZE, ON_DEEP2, room)
        _sentence(draw, title, STATEMENT_TOP, top - 28 - STATEMENT_TOP, room, struck=card.withdrawn)
        return as_png(image)


# --- parts ------------------------------------------------------------------------------------------------------------


def _brand(image: Image.Image, draw: ImageDraw.ImageDraw, site: str, *, beside: int = 0) -> None:
    """The mark and whose page it is, which may also say that nothing here is real: as large as all of it fits, with `beside`
    pixels left for what stands at the other end."""
    mark = _fingers((3, 1, 0, 1), scale=2.4)
    image.paste(mark, (MARGIN, MARGIN - 8))
    text, room = plain(site), WIDTH - 3 * MARGIN - mark.width - beside
    for size in BRAND_SIZES:
        font = find_face(text, bold=True, size=size) if text else None
        if font is None or font.getlength(text) <= room:
            break
    top = MARGIN - 4 + (BRAND_SIZES[0] - size) // 2
    _line(draw, site, top, size, ON_DEEP, room, bold=True, left=MARGIN + mark.width + 22)


def _head(image: Image.Image, draw: ImageDraw.ImageDraw, card: Card) -> None:
    _brand(image, draw, card.site, beside=LOGO_ROOM if card.logo else 0)
    if card.logo:
        with Image.open(io.BytesIO(card.logo)) as logo:
            logo.thumbnail((184, 184), Image.Resampling.LANCZOS)
            tile = Image.new("RGB", (216, 216), DEEP)
            rounded = ImageDraw.Draw(tile)
            rounded.rounded_rectangle((0, 0, 215, 215), 28, fill="#ffffff")
            shown = logo.convert("RGBA")
            tile.paste(shown, ((216 - shown.width) // 2, (216 - shown.height) // 2), shown)
        image.paste(tile, (WIDTH - MARGIN - 216, MARGIN))


def _state(draw: ImageDraw.ImageDraw, card: Statement, room: int) -> None:
    """How well the sentence is known; of one that was withdrawn on white, so that it is read first."""
    top = STATEMENT_TOP - 62
    if card.withdrawn:
        text = plain(card.state)
        font = find_face(text, bold=True, size=34)
        if font is None:
            return
        text = cut(text, font, room - 48) if font.getlength(text) > room - 48 else text
        wide = round(font.getlength(text)) + 48
        left = WIDTH - MARGIN - wide if is_from_right(text) else MARGIN
        draw.rounded_rectangle((left, top - 8, left + wide, top + 52), 30, fill=ON_DEEP)
        font.write(draw, (left + 24, top + 22), text, fill=DEEP, anchor="lm")
    else:
        _line(draw, card.state, top, 34, ON_DEEP2, room, bold=True)


def _lines_of(note: str, room: int) -> list[str]:
    """A note in at most two lines; none where no font has its letters."""
    text = plain(note)
    font = find_face(text, bold=False, size=NOTE_SIZE) if text else None
    return [] if font is None else wrapped(text, font, room, 2)[0]


def _sentence(draw: ImageDraw.ImageDraw, text: str, top: int, tall: int, room: int, *, struck: bool = False) -> None:
    """Draw a sentence as large as it fits into `tall` pixels from `top` on, cut where it does not at all."""
    for size in STATEMENT_SIZES:
        found = find_face(text, bold=True, size=size)
        if found is None:
            return
        font, step = found, round(size * 1.18)
        lines, fits = wrapped(text, font, room, max(1, tall // step))
        if fits or size == STATEMENT_SIZES[-1]:
            break
    from_right = is_from_right(text)
    for line in lines:
        left = MARGIN + room - round(font.getlength(line)) if from_right else MARGIN
        font.write(draw, (left, top), line, fill=ON_DEEP2 if struck else ON_DEEP, anchor="la")
        if struck:
            middle = top + round(size * 0.62)
            draw.line(
                (left, middle, left + round(font.getlength(line)), middle), fill=ON_DEEP2, width=max(3, size // 14)
            )
        top += step


def _title(draw: ImageDraw.ImageDraw, title: str, top: int, room: int, *, until: int) -> int:
    """Draw the title as large as it fits above `until`; where it ends."""
    for size in TITLE_SIZES:
        found = find_face(title, bold=True, size=size)
        if found is None:
            return top
        font = found
        lines, fits = wrapped(title, font, room, TITLE_LINES)
        if (fits and top + len(lines) * round(size * 1.14) <= until) or size == TITLE_SIZES[-1]:
            break
    from_right = is_from_right(title)
    for line in lines:
        at = (MARGIN + room if from_right else MARGIN, top)
        font.write(draw, at, line, fill=ON_DEEP, anchor="ra" if from_right else "la")
        top += round(size * 1.14)
    return top


def _line(
    draw: ImageDraw.ImageDraw,
    text: str,
    top: int,
    size: int,
    fill: str,
    room: int,
    *,
    bold: bool = False,
    left: int = MARGIN,
) -> None:
    """One line, cut where there is no room; nothing where no font has its letters."""
    text = plain(text)
    font = find_face(text, bold=bold, size=size) if text else None
    if font is None:
        return
    if font.getlength(text) > room:
        text = cut(text, font, room)
    if is_from_right(text) and left == MARGIN:
        font.write(draw, (MARGIN + room, top), text, fill=fill, anchor="ra")
    else:
        font.write(draw, (left, top), text, fill=fill, anchor="la")


def _foot(image: Image.Image, draw: ImageDraw.ImageDraw, card: Card) -> None:
    """Where it stands: the picture and the words beside it; below them, since when it is known."""
    _line(draw, card.dated, TALL - MARGIN + 8, 24, ON_DEEP2, WIDTH - 2 * MARGIN)
    picture, left, middle = _standing(card, 600), MARGIN, FOOT_MIDDLE
    if picture is not None:
        image.paste(picture, (left, middle - picture.height // 2))
        left += picture.width + 36
    words, room = plain(card.standing), WIDTH - MARGIN - left
    size = next((size for size in FOOT_SIZES[:-1] if _fits(words, size, room)), FOOT_SIZES[-1])
    _line(draw, words, middle - round(size * 0.6), size, ON_DEEP, room, bold=True, left=left)


def _fits(words: str, size: int, room: int) -> bool:
    font = find_face(words, bold=True, size=size) if words else None
    return font is None or font.getlength(words) <= room


def _foot_top(card: Card) -> int:
    """Where the picture or the words of the foot begin."""
    picture = _standing(card, 600)
    return FOOT_MIDDLE - max(26, picture.height // 2 if picture is not None else 0)


def _standing(card: Card, most: int) -> Image.Image | None:
    """The fingers or the strip, at most so wide."""
    total = card.given + card.open
    if card.share is not None:
        return _strip(card.share, most)
    if total > MOST_FINGERS:
        return _strip(card.given / total, most)
    if total == 0:
        return None
    you = 1 if card.open else 0
    counts = (card.given, you, card.open - you, 0)
    return _fingers(counts, scale=min(3.2, most / _width_of(total)))


# --- shapes -----------------------------------------------------------------------------------------------------------


def _width_of(total: int) -> float:
    hands, fingers = divmod(total, FINGERS)
    return hands * HAND_STEP + RIGHT_EDGES[fingers] if fingers else (hands - 1) * HAND_STEP + RIGHT_EDGES[FINGERS]


def _fingers(counts: tuple[int, int, int, int], scale: float) -> Image.Image:
    """Fingers that are given, the reader's, open, and given again, five to a hand."""
    states = [
        state for state, count in zip(("given", "you", "open", "given"), counts, strict=True) for _n in range(count)
    ]
    step = scale * FINER
    size = (math.ceil((_width_of(len(states)) + 2) * scale), math.ceil((HEIGHT + 2) * scale))
    tile = Image.new("RGB", (size[0] * FINER, size[1] * FINER), DEEP)
    draw = ImageDraw.Draw(tile)
    for number, state in enumerate(states):
        hand, finger = divmod(number, FINGERS)
        foot, leans, up, length = SHAPES[finger]
        angle = math.radians(leans)
        ends = [
            ((hand * HAND_STEP + foot + 1 - y * math.sin(angle)) * step, (FOOT + 1 + y * math.cos(angle)) * step)
            for y in (RADIUS - up, length - up - RADIUS)
        ]
        _capsule(draw, ends, (RADIUS + STROKE / 2) * step, YOU if state == "you" else ON_DEEP2)
        if state == "open":
            _capsule(draw, ends, (RADIUS - STROKE / 2) * step, DEEP)
    return tile.resize(size, Image.Resampling.LANCZOS)


def _capsule(draw: ImageDraw.ImageDraw, ends: Sequence[tuple[float, float]], radius: float, fill: str) -> None:
    (x1, y1), (x2, y2) = ends
    long = math.hypot(x2 - x1, y2 - y1) or 1
    aside, up = (y1 - y2) / long * radius, (x2 - x1) / long * radius
    draw.polygon(
        ((x1 + aside, y1 + up), (x2 + aside, y2 + up), (x2 - aside, y2 - up), (x1 - aside, y1 - up)), fill=fill
    )
    for x, y in ends:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _strip(share: float, width: int) -> Image.Image:
    """One long finger, filled as far as `share` says."""
    height = 44
    size = (width * FINER, height * FINER)
    tile, radius, edge = Image.new("RGB", size, DEEP), size[1] // 2, 4 * FINER
    draw = ImageDraw.Draw(tile)
    draw.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius, fill=ON_DEEP2)
    within = Image.new("L", size)
    inner = (edge, edge, size[0] - 1 - edge, size[1] - 1 - edge)
    ImageDraw.Draw(within).rounded_rectangle(inner, radius - edge, fill=255)
    filled = Image.new("RGB", size, DEEP)
    filled.paste(ON_DEEP2, (0, 0, round(size[0] * min(max(share, 0.0), 1.0)), size[1]))
    tile.paste(filled, (0, 0), within)
    return tile.resize((width, height), Image.Resampling.LANCZOS)
