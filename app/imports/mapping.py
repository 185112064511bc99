"""What a foreign file calls our columns: a TOML file of [columns] and [constants]."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

from app.core.errors import refuse


@dataclasses.dataclass(frozen=True)
class Mapping:
    """`columns` maps our name to theirs, `constants` gives a value to every row where the cell is empty."""

    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    constants: dict[str, str] = dataclasses.field(default_factory=dict)

    def apply(self, cells: dict[str, str]) -> dict[str, str]:
        """The row in our words. A column that nobody renamed keeps its name; one that was renamed is not also itself."""
        taken = set(self.columns.values())
        ours = {name: cell for name, cell in cells.items() if name not in taken}
        ours |= {name: cells.get(theirs, "") for name, theirs in self.columns.items()}
        return ours | {name: value for name, value in self.constants.items() if not ours.get(name, "").strip()}


def load_mapping(path: Path | None, known: tuple[str, ...]) -> Mapping:
    """The mapping of a file; none for None. Raises Refused for what is no mapping, or names a column we do not have."""
    if path is None:
        return Mapping()
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise refuse("mapping", f"The mapping cannot be read: {error}") from error
    columns, constants = read.get("columns", {}), read.get("constants", {})
    if not isinstance(columns, dict) or not isinstance(constants, dict):
        raise refuse("mapping", "A mapping has the tables [columns] and [constants]")
    strange = [name for name in (*columns, *constants) if name not in known] or sorted(
        set(read) - {"columns", "constants"}
    )
    if strange:
        raise refuse("mapping", f"The mapping names {strange[0]}, which is none of: {', '.join(known)}")
    return Mapping(
        {name: str(value) for name, value in columns.items()}, {name: str(v) for name, v in constants.items()}
    )
