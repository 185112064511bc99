"""In CI a skip that CI could have run is a failure. tests/conftest.py hands these hooks to pytest."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

# The folder of real files is not part of the repository: without it these skips are right.
EXCUSED = "MANYHANDS_DATA"


def _fail_a_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if EXCUSED in reason and not os.environ.get(EXCUSED):
        return
    report.outcome = "failed"
    report.longrepr = f"In CI nothing is skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself."""
    report = yield
    _fail_a_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself."""
    report = yield
    _fail_a_skip(report)
    return report
