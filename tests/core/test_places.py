"""What lies nearest to a point, on land, at sea, at the poles and across the antimeridian."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from app.core import gazetteer, places
from app.core.gazetteer import on_sphere
from tests.databases import lend_gazetteer

POLES_AND_EDGES = [(90.0, 0.0), (-90.0, 77.0), (-17.0, 180.0), (-17.0, -180.0), (-48.9, -123.4), (40.7357, -74.1724)]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each look-up of the gazetteer read."""
    lend_gazetteer(tmp_path)
    monkeypatch.setattr(gazetteer, "_directory", tmp_path)
    counts: list[int] = []
    read = gazetteer.rows

    def counted(statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        found = read(statement, parameters)
        counts.append(len(found))
        return found

    monkeypatch.setattr(gazetteer, "rows", counted)
    return counts


def test_the_nearest_place_is_the_nearest_of_all_and_few_are_measured(asked: list[int]) -> None:
    rng = random.Random(17)  # the same points each time
    points = [(rng.uniform(-90, 90), rng.uniform(-180, 180)) for _ in range(20)] + POLES_AND_EDGES
    every = gazetteer.rows("SELECT place.id, latitude, longitude FROM point JOIN place ON place.id = point.id")
    at = {id_: on_sphere(latitude, longitude) for id_, latitude, longitude in every}
    assert len(at) > 30_000
    for point in points:
        here = on_sphere(*point)
        asked.clear()
        found = places._nearest(*point)
        assert found[0] == min((math.dist(here, there), id_) for id_, there in at.items())[1], point
        # Far at sea a box that grows by leaps ends with a continent in it, thirty thousand rows and more.
        assert sum(asked) < 6_000, point
    for latitude, longitude in ((90.1, 0.0), (0.0, -180.1), (math.nan, 0.0)):
        with pytest.raises(ValueError, match="latitude is within"):
            places.nearest_place(latitude, longitude)
