"""Every rule is proved by a test or listed as open, and docs/rules.md says which."""

from __future__ import annotations

from tests.house.rules import ROOT, proofs, render, rule_texts

OPEN = ROOT / "tests" / "house" / "rules_open.txt"


def open_rules() -> set[str]:
    return {line.split()[0] for line in OPEN.read_text().splitlines() if line.strip() and not line.startswith("#")}


def test_every_rule_is_named_by_a_test_or_listed_as_open() -> None:
    proved, known = set(proofs()), set(rule_texts())
    assert proved <= known, f"tests name rules that do not exist: {sorted(proved - known)}"
    assert known - proved == open_rules()


def test_the_list_of_rules_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text() == render(), "run: python -m tests.house.rules"
