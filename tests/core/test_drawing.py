"""The picture is the data: what is drawn counts what was asked for."""

from __future__ import annotations

import re
from decimal import Decimal

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.drawing import FINGERS, MOST_CROWD, MOST_FINGERS, draw_crowd, draw_hands, draw_strip, draw_thermometer

COUNT = st.integers(0, 8)


def fingers(picture: str) -> dict[str, int]:
    """How many fingers of each state a picture has."""
    found: dict[str, int] = {}
    for state, inside in re.findall(r'<g class="(\w+)"[^>]*>(.*?)</g>', picture):
        found[state] = found.get(state, 0) + inside.count("#hand") * FINGERS + len(re.findall(r"#f\d", inside))
    return found


def widths(picture: str) -> dict[str, Decimal]:
    """How wide each part of a strip is, in percent."""
    parts = re.findall(r'<rect class="(given|mid|promised)"[^>]*? width="([\d.]+)%"', picture)
    return {state: Decimal(width) for state, width in parts}


@given(COUNT, COUNT, COUNT, COUNT)
def test_a_hand_has_as_many_fingers_as_there_are_places(taken: int, you: int, promised: int, left: int) -> None:
    asked = {"given": taken, "you": you, "promised": promised, "open": left}
    picture = str(draw_hands(taken, you, promised, left))
    if sum(asked.values()) <= MOST_FINGERS:
        assert fingers(picture) == {state: n for state, n in asked.items() if n}
    else:
        assert 'class="strip"' in picture


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_crowd_counts_to_a_hundred_and_shows_the_reader_the_first_open_place(taken: int, left: int) -> None:
    found = fingers(str(draw_crowd(taken, left)))
    assert found.get("given", 0) == min(taken, MOST_CROWD)
    assert found.get("you", 0) == (1 if left and taken < MOST_CROWD else 0)
    assert sum(found.values()) == min(taken + left, MOST_CROWD)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_strip_is_never_more_than_full(settled: int, in_person: int, waiting: int, goal: int) -> None:
    picture = str(draw_strip(settled, waiting, goal, in_person))
    shown = widths(picture)
    assert sum(shown.values()) <= Decimal("100.2")  # each part is rounded to a tenth
    assert ('class="notch"' in picture) == (settled + in_person + waiting > goal)
    if settled + in_person + waiting <= goal:
        assert abs(shown.get("given", Decimal(0)) - Decimal(settled) * 100 / goal) <= Decimal("0.1")


def test_an_open_quantity_is_never_full() -> None:
    assert widths(str(draw_strip(Decimal("3.5"), 2, None))) == {}


@pytest.mark.parametrize("amounts", [(0, 0, 0, 100, 2), (60, 0, 0, 100, 3), (118, 0, 0, 100, 2), (50, 20, 10, 100, 5)])
def test_a_thermometer_has_a_line_to_each_row_of_words(amounts: tuple[int, int, int, int, int]) -> None:
    settled, in_person, waiting, goal, rows = amounts
    picture = str(draw_thermometer(settled, in_person, waiting, goal, rows))
    path = re.search(r'<path d="([^"]*)"', picture)
    assert path is not None
    assert path[1].count("M") == rows
    held = str(draw_thermometer(settled, in_person, waiting, goal, rows + 1, held=5))
    assert re.findall(r'<path d="[^"]*"', held)[0].count("M") == rows + 1
    assert 'class="held"' in held
    html5lib.HTMLParser(strict=True).parseFragment(picture)
