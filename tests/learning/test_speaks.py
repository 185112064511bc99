"""What speaks of abuse or disaster, against labels written by hand before the words were chosen (speaks_labels.json)."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

from app.learning.speaks import are_of_disaster, words_that_speak

LABELS: dict[str, Any] = json.loads((Path(__file__).parent / "speaks_labels.json").read_text())
# What was reached when labels and words were last changed (docs/learning.md): it may only rise.
HAND, KEPT = (24, 2, 0), (16, 1, 0)


def counted(judged: list[tuple[bool, bool]]) -> tuple[int, int, int]:
    """How often (rightly, wrongly, not) it was said that a text speaks, of (label, said)."""
    return sum(a and b for a, b in judged), sum(b and not a for a, b in judged), sum(a and not b for a, b in judged)


def test_invented_texts_are_judged_as_well_as_ever() -> None:
    judged = [(each["speaks"], bool(words_that_speak(each["title"], each["text"]))) for each in LABELS["hand"]]
    assert counted(judged) == HAND


def test_real_texts_that_nobody_looked_at_are_judged_as_well(real_data: Path) -> None:
    """The half that was kept while the words were chosen. A row that is not the one that was read is no row."""
    texts = {}
    with (real_data / "nyc_volunteer_opportunities.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            text = f"{row['title']}\n{row['description']}"
            texts[row["id"], hashlib.sha256(text.encode()).hexdigest()[:16]] = (row["title"], row["description"])
    kept = [each for each in LABELS["real"] if each["half"] == "kept" and each["drawn"] != "shelter"]
    judged = [(each["speaks"], bool(words_that_speak(*texts[each["id"], each["sha256"]]))) for each in kept]
    assert counted(judged) == KEPT
    assert len(kept) == 88
    # The control: a judge who knows none of the words is found out.
    assert counted([(label, False) for label, _said in judged]) == (0, 0, 16)


def test_shelters_of_a_disaster_do_not_say_so_and_the_cause_does(real_data: Path) -> None:
    """What people type in a hurricane is "water, juice": the words miss it (1 of 30), and what the organization chose as
    cause finds it."""
    texts = {}
    with (real_data / "harvey_shelter_needs.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            parts = [row[name] for name in ("site", "supply_needs", "volunteer_needs")]
            texts[row["id"], hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]] = parts
    shelters = [texts[each["id"], each["sha256"]] for each in LABELS["real"] if each["drawn"] == "shelter"]
    assert len(shelters) == 30
    assert sum(bool(words_that_speak(*parts)) for parts in shelters) == 1
    assert all(
        words_that_speak(*parts, causes=["emergency"]) == ["emergency", *words_that_speak(*parts)] for parts in shelters
    )


def test_it_tells_the_words_as_a_page_can_show_them() -> None:
    text = "FLOODS, and\nsubstance abuse; sexual  Assault. Floods again, heavily trafficked; Post-9/11 veterans."
    assert words_that_speak(text) == ["floods", "sexual assault"]
    assert words_that_speak("Rapport with grapes; brainstorm; a nonviolent, un-abused firewall") == []
    assert words_that_speak("Gatorade", causes=("food", "emergency")) == ["emergency"]
    assert are_of_disaster(["floods", "emergency"])
    assert not are_of_disaster(["floods", "sexual assault"])
    assert not are_of_disaster([])
