"""The pictures that are data: hands of five and strips, as SVG without styles or scripts.

Solid is given, hatched is promised, outlined is still open; the yellow finger is the reader's. A picture is always beside
words that say the same, so it is hidden from screen readers. Fingers refer to the shapes that layouts/_shapes.svg puts on
every page once; app.css paints them.
"""

from __future__ import annotations

import dataclasses
import functools
from decimal import Decimal

from markupsafe import Markup, escape

FINGERS = 5
# Distance between two hands, and the right edge of the first n fingers of a hand: geometry of layouts/_shapes.svg.
HAND_STEP = 51
RIGHT_EDGES = (0, 12, 20, 28, 37, 46)
HEIGHT = 24
# More places than this are drawn as a strip.
MOST_FINGERS = 25
# And more than this are too many to count by eye: the crowd ends here.
MOST_CROWD = 100
STATES = ("given", "you", "promised", "open")


def _runs(counts: tuple[int, int, int, int]) -> list[tuple[str, int, int]]:
    """(state, first finger, end) of each state that has fingers, in the order they are drawn."""
    runs, start = [], 0
    for state, count in zip(STATES, counts, strict=True):
        if count > 0:
            runs.append((state, start, start + count))
            start += count
    return runs


def _uses(first: int, end: int) -> str:
    """References to fingers `first` to `end`: whole hands where it can, single fingers at the ragged ends."""
    parts, at = [], first
    while at < end:
        hand, finger = divmod(at, FINGERS)
        x = f' x="{hand * HAND_STEP}"' if hand else ""
        if finger == 0 and end - at >= FINGERS:
            parts.append(f'<use href="#hand"{x}/>')
            at += FINGERS
        else:
            parts.append(f'<use href="#f{finger + 1}"{x}/>')
            at += 1
    return "".join(parts)


def _group(state: str, inside: str) -> str:
    hatch = ' fill="url(#hatch)"' if state == "promised" else ""
    return f'<g class="{state}"{hatch}>{inside}</g>'


@functools.lru_cache(maxsize=4096)
def draw_hands(given: int = 0, you: int = 0, promised: int = 0, still_open: int = 0, height: int = HEIGHT) -> Markup:
    """Places as fingers, five to a hand; `height` in CSS pixels. More than MOST_FINGERS become a strip."""
    counts = (max(given, 0), max(you, 0), max(promised, 0), max(still_open, 0))
    total = sum(counts)
    if total > MOST_FINGERS:
        return draw_strip(counts[0] + counts[1], counts[2], total)
    hands, fingers = divmod(total, FINGERS)
    width = (
        hands * HAND_STEP + RIGHT_EDGES[fingers] if fingers else hands * HAND_STEP - HAND_STEP + RIGHT_EDGES[FINGERS]
    )
    inside = "".join(_group(state, _uses(first, end)) for state, first, end in _runs(counts))
    scaled = f' viewBox="0 0 {max(width, 1)} {HEIGHT}"' if height != HEIGHT else ""
    shown = max(round(width * height / HEIGHT), 1)
    return Markup(  # noqa: S704  # numbers and our own words only
        f'<svg class="hands" width="{shown}" height="{height}"{scaled} aria-hidden="true">{inside}</svg>'
    )


@functools.lru_cache(maxsize=256)
def draw_crowd(given: int, still_open: int) -> Markup:
    """Many places as rows of five hands; the first open finger is the reader's. For the dark head of the first page."""
    drawn, rows = min(given, MOST_CROWD), []
    left = min(still_open, MOST_CROWD - drawn)
    you = 1 if left else 0
    counts = {"given": drawn, "you": you, "open": left - you}
    while any(counts.values()):
        room, row = MOST_FINGERS, {"given": 0, "you": 0, "open": 0}
        for state in row:
            row[state] = min(counts[state], room)
            counts[state] -= row[state]
            room -= row[state]
        runs = _runs((row["given"], row["you"], 0, row["open"]))
        rows.append("".join(_group(state, _uses(first, end)) for state, first, end in runs))
    width = HAND_STEP * (FINGERS - 1) + RIGHT_EDGES[FINGERS]
    box = f'viewBox="0 0 {width} {HEIGHT}" width="{width * 2}" height="{HEIGHT * 2}"'
    lines = "".join(f'<svg class="hands" {box} aria-hidden="true">{row}</svg>' for row in rows)
    return Markup(lines)  # noqa: S704  # numbers and our own words only


def _share(part: int | Decimal, whole: int | Decimal) -> str:
    """`part` of `whole` in percent, one decimal, never above 100."""
    if whole <= 0:
        return "0"
    return f"{min(Decimal(part) * 100 / Decimal(whole), Decimal(100)):.1f}".removesuffix(".0")


@functools.lru_cache(maxsize=4096)
def draw_strip(
    given: int | Decimal, promised: int | Decimal, goal: int | Decimal | None, in_person: int | Decimal = 0
) -> Markup:
    """Quantities as one long finger, as wide as its box. `goal` None: open, nothing is ever full.

    All are in one unit (or minor units of one currency). Beyond the goal the strip is full, with a notch at the goal.
    """
    whole = goal or 0
    reached = given + in_person + promised
    beyond = goal is not None and whole > 0 and reached > whole
    scale = reached if beyond else whole
    parts, at = [], Decimal(0)
    for state, amount in (("given", given), ("mid", in_person), ("promised", promised)):
        if amount <= 0 or scale <= 0:
            continue
        hatch = ' fill="url(#hatch)"' if state == "promised" else ""
        parts.append(
            f'<rect class="{state}"{hatch} x="{_share(at, scale)}%" width="{_share(amount, scale)}%" height="14"/>'
        )
        at += Decimal(amount)
    outline = '<rect class="rim" width="100%" height="14" rx="7"/>'
    notch = f'<rect class="notch" x="{_share(whole, scale)}%" width="3" height="14"/>' if beyond else ""
    return Markup(  # noqa: S704  # numbers and our own words only
        f'<svg class="strip" width="100%" height="14" aria-hidden="true">{outline}{"".join(parts)}{notch}</svg>'
    )


@dataclasses.dataclass(frozen=True)
class Column:
    """One upright finger of a chart: so many given, promised on top of them, and still open."""

    given: int
    promised: int
    open: int

    @property
    def total(self) -> int:
        """How high it stands."""
        return self.given + self.promised + self.open


CHART_WIDTH, CHART_HEIGHT, CHART_SIDE, CHART_FOOT = 480, 190, 34, 26
# A scale ends at one of these, times a power of ten, and has four steps at most.
ROUND_NUMBERS = (1, 2, 3, 4, 5, 6, 8, 10)


def _top_of(most: int) -> int:
    """The end of a scale that holds `most`: a round number, 4 at least."""
    power = 1
    while True:
        for number in ROUND_NUMBERS:
            if number * power >= max(most, 4):
                return number * power
        power *= 10


def _steps_of(top: int) -> list[int]:
    """Where the lines of a scale that ends at `top` are, from its foot."""
    parts = next(parts for parts in (4, 3, 5, 2, 1) if top % parts == 0)
    return [top * part // parts for part in range(parts + 1)]


@functools.lru_cache(maxsize=256)
def draw_columns(columns: tuple[Column, ...], labels: tuple[str, ...]) -> Markup:
    """Upright fingers beside each other over a scale, a label (plain text) below each: for a table's numbers as a picture.
    What is still open is an outline on top, as everywhere."""
    top = _top_of(max((column.total for column in columns), default=0))
    floor = CHART_HEIGHT - CHART_FOOT
    room = floor - 8
    step = (CHART_WIDTH - CHART_SIDE) / max(len(columns), 1)
    width = round(min(step * 0.46, 26), 1)
    lines = "".join(
        f'<path class="line" d="M{CHART_SIDE} {round(floor - room * at / top, 1)}H{CHART_WIDTH}"/>'
        f'<text x="{CHART_SIDE - 8}" y="{round(floor - room * at / top + 4, 1)}" text-anchor="end">{at}</text>'
        for at in _steps_of(top)
    )
    drawn = "".join(
        _draw_column(column, x=round(CHART_SIDE + step * (number + 0.5) - width / 2, 1), width=width, scale=room / top)
        + f'<text x="{round(CHART_SIDE + step * (number + 0.5), 1)}" y="{CHART_HEIGHT - 6}" text-anchor="middle">'
        + f"{escape(label)}</text>"
        for number, (column, label) in enumerate(zip(columns, labels, strict=True))
    )
    return Markup(  # noqa: S704  # numbers, and labels that are escaped
        f'<svg class="weeks" viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}" aria-hidden="true">{lines}{drawn}'
        f'<path class="floor" d="M{CHART_SIDE} {floor}H{CHART_WIDTH}"/></svg>'
    )


def _draw_column(column: Column, *, x: float, width: float, scale: float) -> str:
    """Each part has the rounded end of a finger, drawn from the top down so that the next part covers its foot."""
    floor = CHART_HEIGHT - CHART_FOOT
    parts = []
    for state, reach, count in (
        ("open", column.total, column.open),
        ("promised", column.given + column.promised, column.promised),
        ("given", column.given, column.given),
    ):
        if count <= 0:
            continue
        high = round(reach * scale, 1)
        bend = round(min(width / 2, high), 1)
        path = f"M{x} {floor}v-{round(high - bend, 1)}a{width / 2} {bend} 0 0 1 {width} 0v{round(high - bend, 1)}z"
        if state == "promised":
            parts.append(f'<path class="under" d="{path}"/>')
        hatch = ' fill="url(#hatch)"' if state == "promised" else ""
        parts.append(f'<path class="{state}"{hatch} d="{path}"/>')
    return "".join(parts)


@functools.lru_cache(maxsize=64)
def draw_finger(state: str) -> Markup:
    """One upright finger for lists of states and legends: given, mid, promised, open, you, offered or ended."""
    hatch = ' fill="url(#hatch)"' if state == "promised" else ""
    return Markup(  # noqa: S704  # the name of a state of ours
        f'<svg class="finger" width="8" height="16" aria-hidden="true"><use class="{state}"{hatch} href="#f0"/></svg>'
    )


THERMOMETER_HEIGHT = 264
THERMOMETER_ROW = 52


@functools.lru_cache(maxsize=1024)
def draw_thermometer(
    settled: int, in_person: int, on_its_way: int, goal: int, rows: int, matched: int = 0, held: int = 0
) -> Markup:
    """An upright finger that fills from its foot, with a line from each part to its row of words (top to bottom by the
    middle of what they name: goal, still open, held by a bank, on its way, matched, in person, settled; beyond the goal its line
    is lower; parts that are nothing have no row). Amounts are minor units.
    """
    height, width = max(THERMOMETER_HEIGHT, rows * THERMOMETER_ROW), 56
    whole = max(goal, settled + in_person + matched + on_its_way + held, 1)

    def y_of(amount: int) -> float:
        return round(height - height * amount / whole, 1)

    parts, at = [], 0
    lines: list[tuple[float, float]] = [(goal, max(y_of(goal), 1))]  # the level it names, and how far down that is
    for state, amount in (
        ("given", settled),
        ("mid", in_person),
        ("promised", matched),
        ("promised", on_its_way),
        ("held", held),
    ):
        if amount <= 0:
            continue
        low, high = y_of(at), y_of(at + amount)
        hatch = ' fill="url(#hatch)"' if state == "promised" else ""
        parts.append(f'<rect class="{state}"{hatch} x="0" y="{high}" width="{width}" height="{round(low - high, 1)}"/>')
        lines.append((at + amount / 2, round((low + high) / 2, 1)))
        at += amount
    if at < goal:
        lines.append(((at + goal) / 2, round(y_of(at) / 2, 1)))
    notch = f'<rect class="notch" x="0" y="{y_of(goal)}" width="{width}" height="3"/>' if at > goal else ""
    lines.sort(key=lambda line: line[0], reverse=True)
    # The rows of words stand from top to foot at equal distances (app.css): the middle of a row's first line is at 14.
    step = (height - THERMOMETER_ROW) / max(rows - 1, 1)
    leaders = "".join(f"M2 {y}h8L28 {round(row * step + 14, 1)}h8" for row, (_level, y) in enumerate(lines))
    return Markup(  # noqa: S704  # numbers and our own words only
        f'<svg class="bar" width="{width}" height="{height}" aria-hidden="true">'
        f'<rect class="rim" width="{width}" height="{height}" rx="{width // 2}"/>{"".join(parts)}{notch}</svg>'
        f'<svg class="leader" width="40" height="{height}" aria-hidden="true"><path d="{leaders}"/></svg>'
    )
