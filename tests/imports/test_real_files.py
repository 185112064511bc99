"""The two real files, whole: every row is accounted for, twice is once, memory does not grow with the rows."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from app.core import audit
from app.core.db import transaction
from tests.imports.test_needs import run, verified

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"
FILES = ("nyc_volunteer_opportunities", "harvey_shelter_needs")


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_comes_in_whole_and_once(app: Flask, real_data: Path, name: str) -> None:
    file = real_data / f"{name}.csv"
    with file.open(encoding="utf-8", newline="") as source:
        rows = sum(1 for _row in csv.reader(source)) - 1
    options = ("--mapping", str(EXAMPLES / f"{name}.toml"), "--create-organizations", "--verified")
    first = run(app, "needs", str(file), *options)
    assert first["created"] + first["rejected"] == rows
    assert first["rejected"] <= rows // 100
    second = run(app, "needs", str(file), *options)
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 0, first["created"])
    with transaction():
        audit.seal()  # as the worker does all the while
    assert verified(app) == []


MEMORY = """
import json, resource, sys
from app import create_app
from config import Settings
import flask_migrate
from pathlib import Path
folder, file = Path(sys.argv[1]), sys.argv[2]
app = create_app(Settings(data_dir=folder, testing=True, base_url="http://localhost"))
with app.app_context():
    flask_migrate.upgrade()
outcome = app.test_cli_runner().invoke(args=["import", "needs", file, "--create-organizations", "--verified"])
assert outcome.exit_code == 0, outcome.output
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"kilobytes": peak, **json.loads(outcome.output.splitlines()[-1])}))
"""


def peak(tmp_path: Path, rows: int) -> int:
    """Peak memory in kB of a process that imports `rows` rows."""
    folder = tmp_path / str(rows)
    folder.mkdir()
    with (folder / "rows.csv").open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["external_id", "organization", "title", "description", "postal_code", "flexible"])
        for number in range(rows):
            writer.writerow([number, f"Organization {number % 50}", f"Help {number}", "word " * 60, "07102", "yes"])
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(folder), str(folder / "rows.csv")],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["created"] == rows
    return int(answer["kilobytes"])


def test_memory_is_flat_in_the_number_of_rows(tmp_path: Path) -> None:
    few, many = peak(tmp_path, 1_000), peak(tmp_path, 4_000)
    assert many < few * 1.25
