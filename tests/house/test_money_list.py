"""docs/money.md says by which tests each point about money is proved through HTTP: each of them exists."""

from __future__ import annotations

import re

from app.donations.operations.inbox import HANDLED_TYPES
from tests.house.test_code import ROOT

NAMED = re.compile(r"`(test_\w+)`")


def named_and_written() -> tuple[set[str], set[str]]:
    """Tests that the list names, and tests there are."""
    chapter = (ROOT / "docs" / "money.md").read_text().split("## Proved through HTTP")[1].split("\n## ")[0]
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    return set(NAMED.findall(chapter)), written


def test_every_test_that_the_list_names_exists() -> None:
    named, written = named_and_written()
    assert named - written == set()
    assert len(named) > 30


def test_whoever_makes_the_webhook_endpoints_reads_of_every_event_that_is_acted_upon() -> None:
    modes = (ROOT / "docs" / "money.md").read_text().split("## Modes")[1].split("\n## ")[0]
    assert [name for name in HANDLED_TYPES if f"`{name}`" not in modes] == []
