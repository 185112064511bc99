"""What CI runs with: a skip that CI could have run is a failure, and what is dear is made once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import group_of

ROOT = Path(__file__).parent.parent.parent
SKIPS = """
import pytest
from tests.ci import pytest_make_collect_report, pytest_runtest_makereport
"""
TESTS = """
import pytest

def test_it():
    pytest.skip({reason!r})
"""


@pytest.mark.parametrize(
    ("reason", "changes", "passes"),
    [
        ("no browser; enable with: apt-get install chromium", {}, True),
        ("no browser; enable with: apt-get install chromium", {"CI": "true"}, False),
        ("MANYHANDS_DATA names no folder", {"CI": "true"}, True),
        ("MANYHANDS_DATA names no folder", {"CI": "true", "MANYHANDS_DATA": "/data"}, False),
    ],
)
def test_a_skip_fails_in_ci(tmp_path: Path, reason: str, changes: dict[str, str], passes: bool) -> None:
    (tmp_path / "conftest.py").write_text(SKIPS)
    (tmp_path / "test_it.py").write_text(TESTS.format(reason=reason))
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "MANYHANDS_DATA")}
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT), **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (outcome.returncode == 0) is passes, outcome.stdout


def test_only_ci_knows_where_real_files_are() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    place = "../" + "shared"
    naming = [name for name in listed if (ROOT / name).is_file() and place in (ROOT / name).read_text(errors="ignore")]
    assert naming == [".ci/run"]


@pytest.fixture(scope="module", params=["once"])
def shared(request: pytest.FixtureRequest) -> str:
    """What each test of this file that asks for it shares."""
    return str(request.param)


@pytest.mark.usefixtures("shared")
def test_what_tests_share_is_made_in_one_process(request: pytest.FixtureRequest) -> None:
    test = request.node
    assert group_of(test) == "once:tests/house/test_ci.py"
    # In a process of several the group is in the id, by which whoever hands the tests out keeps them together.
    assert test.nodeid.endswith("@once:tests/house/test_ci.py") == request.config.getoption("loadgroup", False)
