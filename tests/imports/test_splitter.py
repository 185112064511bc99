"""Free text into items: wordings made by hand, the labelled cells of the real file, and hostile text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports.splitter import MAXIMUM_NAME, split_items, split_volunteers
from tests.imports.measure import measure

# What was reached when the labels and the splitter were last changed (docs/import.md): it may only rise.
PRECISION, RECALL = 0.94, 0.96


@pytest.mark.parametrize(
    ("text", "wanted", "refused"),
    [
        ("water, blankets and towels", ["water", "blankets", "towels"], []),
        ("sheets and pillows", ["sheets and pillows"], []),
        ("SUPPLIES: cots; flashlights", ["cots", "flashlights"], []),
        ("We need diapers (sizes 3, 4), wipes", ["diapers (sizes 3, 4)", "wipes"], []),
        ("No more clothes", [], ["clothes"]),
        ("please do not bring used toys or open food", [], ["used toys or open food"]),
        ("Clothes not needed at this time", [], ["Clothes"]),
        ("none", [], []),
        ("No", [], []),
        ("?", [], []),
        ("unknown", [], []),
        ("call shelter", [], []),
        ("Call the shelter first", [], []),
        ("No current needs", [], []),
        ("not accepting donations", [], []),
        ("We are open from nine to five", [], []),
        ("", [], []),
    ],
)
def test_wordings(text: str, wanted: list[str], refused: list[str]) -> None:
    items = split_items(text)
    assert [item.name for item in items if not item.do_not_bring] == wanted
    assert [item.name for item in items if item.do_not_bring] == refused


@pytest.mark.parametrize("text", ["Volunteers needed", "Any - come at 6", "need nurses", "night shift"])
def test_a_text_that_asks_for_people(text: str) -> None:
    assert split_volunteers(text) == text


@pytest.mark.parametrize(
    "text", ["", "none", "No", "no volunteers needed", "enough for today", "check the web page", "?"]
)
def test_a_text_that_asks_for_nobody(text: str) -> None:
    assert split_volunteers(text) == ""


@given(st.text(max_size=2000))
def test_any_text_gives_bounded_items_each_once(text: str) -> None:
    items = split_items(text)
    assert all(0 < len(item.name) <= MAXIMUM_NAME for item in items)
    assert len({item.name.casefold() for item in items}) == len(items)
    split_volunteers(text)


@pytest.mark.parametrize(
    "piece", ["need ", "a,", "(", "no more ", "x: ", "not not ", "they ", ", and ", "for for are "]
)
def test_hostile_text_ends(piece: str) -> None:
    split_items(piece * (20_000 // len(piece)))
    split_volunteers(piece * (20_000 // len(piece)))


def test_the_labelled_cells_are_split_as_well_as_before(real_data: Path) -> None:
    found = measure(real_data)
    assert found.precision >= PRECISION, found.misses
    assert found.recall >= RECALL, found.misses
    assert found.volunteers_right == found.volunteers, found.misses
