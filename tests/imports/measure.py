"""How well the splitter does on the cells labelled by hand: `MANYHANDS_DATA=… python -m tests.imports.measure`."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path

from app.imports.splitter import split_items, split_volunteers

LABELS = Path(__file__).parent / "labels.json"
FILE = "harvey_shelter_needs.csv"


@dataclasses.dataclass
class Measured:
    """Counts over all cells; `misses` tells each difference by row and column, without the text of the file."""

    right: int = 0
    made: int = 0
    labelled: int = 0
    volunteers_right: int = 0
    volunteers: int = 0
    misses: list[str] = dataclasses.field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of the items made, the share that a person labelled."""
        return self.right / self.made

    @property
    def recall(self) -> float:
        """Of the items labelled, the share that was made."""
        return self.right / self.labelled


def _folded(name: str) -> str:
    return " ".join(name.casefold().split()).strip(" .,:;!-")


def measure(folder: Path) -> Measured:
    """Run the splitter over the labelled cells. Raises AssertionError when a cell's text is not the one labelled."""
    with (folder / FILE).open(encoding="utf-8", newline="") as source:
        rows = {row["id"]: row for row in csv.DictReader(source)}
    result = Measured()
    for label in json.loads(LABELS.read_text())["labels"]:
        text = rows[label["id"]][label["column"]]
        assert hashlib.sha256(text.encode()).hexdigest()[:16] == label["sha256"], label["id"]
        where = f"{label['id']} {label['column']}"
        if "items" not in label:
            asks = bool(split_volunteers(text))
            result.volunteers += 1
            result.volunteers_right += asks == label["asks_for_volunteers"]
            if asks != label["asks_for_volunteers"]:
                result.misses.append(f"{where}: asks for volunteers is {label['asks_for_volunteers']}")
            continue
        expected = {(_folded(text[span["start"] : span["end"]]), span["do_not_bring"]) for span in label["items"]}
        made = {(_folded(item.name), item.do_not_bring) for item in split_items(text)}
        result.right += len(expected & made)
        result.made += len(made)
        result.labelled += len(expected)
        if expected != made:
            result.misses.append(f"{where}: {len(made - expected)} too many, {len(expected - made)} missing")
            if os.environ.get("SHOW_TEXT"):
                result.misses.append(f"    made {sorted(made - expected)}\n    missing {sorted(expected - made)}")
    return result


if __name__ == "__main__":
    found = measure(Path(os.environ["MANYHANDS_DATA"]))
    sys.stdout.write(
        f"precision {found.precision:.3f} ({found.right} of {found.made}), recall {found.recall:.3f} "
        f"({found.right} of {found.labelled}), volunteers {found.volunteers_right} of {found.volunteers}\n"
    )
    sys.stdout.write("\n".join(found.misses) + "\n")
