"""Every rule is proved by a test or listed as open, and docs/rules.md says which."""

from __future__ import annotations

from tests.house.rules import ROOT, proofs, proofs_in, render, rule_texts

OPEN = ROOT / "tests" / "house" / "rules_open.txt"


def open_rules() -> set[str]:
    return {line.split()[0] for line in OPEN.read_text().splitlines() if line.strip() and not line.startswith("#")}


def test_every_rule_is_named_by_a_test_or_listed_as_open() -> None:
    proved, known = set(proofs()), set(rule_texts())
    assert proved <= known, f"tests name rules that do not exist: {sorted(proved - known)}"
    assert known - proved == open_rules()


def test_the_mark_of_a_module_counts_for_each_of_its_tests() -> None:
    tests = "\n@pytest.mark.rule('L2')\ndef test_one() -> None: ...\ndef test_two() -> None: ...\ndef helper() -> None: ...\n"
    for mark in ("pytest.mark.rule('L1')", "[pytest.mark.browser, pytest.mark.rule('L1')]"):
        found = proofs_in(f"pytestmark = {mark}{tests}")
        assert sorted(found) == [("L1", "test_one"), ("L1", "test_two"), ("L2", "test_one")]
    assert proofs_in(f"pytestmark = pytest.mark.browser{tests}") == [("L2", "test_one")]


def test_the_list_of_rules_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text() == render(), "run: python -m tests.house.rules"
