"""Places on a sphere: distances without trigonometry in SQL, and cells that a circle touches.

A point is kept as a unit vector. The squared chord between two points grows with their great-circle distance, so that a
circle is one comparison, an order by distance is an order by chord, and neither the antimeridian nor a pole is special.
"""

from __future__ import annotations

import functools
import math

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG 1980
Vector = tuple[float, float, float]


def unit(latitude: float, longitude: float) -> Vector:
    """The unit vector of a point given in degrees."""
    phi, lam = math.radians(latitude), math.radians(longitude)
    return (math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi))


def chord2(km: float) -> float:
    """The squared chord of the unit sphere that belongs to a great-circle distance in km (at most half the globe)."""
    return 4.0 * math.sin(min(km / (2 * EARTH_RADIUS_KM), math.pi / 2)) ** 2


def km_of(chord_squared: float) -> float:
    """The great-circle distance in km that belongs to a squared chord."""
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(max(0.0, chord_squared)) / 2))


class Grid:
    """Cells of about `size` degrees: bands of latitude, each cut into as many columns as fit its circumference.

    Cells keep their size towards the poles, so a circle of one radius touches about as many of them everywhere.
    """

    def __init__(self, size: float, first: int) -> None:
        self.size = size
        self.first = first  # the number of the first cell, so that the cells of two grids differ
        self.bands = math.ceil(180 / size)
        self.stride = math.ceil(360 / size)
        self.columns = tuple(
            max(1, round(self.stride * math.cos(math.radians((band + 0.5) * size - 90)))) for band in range(self.bands)
        )

    def _band(self, latitude: float) -> int:
        return min(self.bands - 1, max(0, math.floor((latitude + 90) / self.size)))

    def cell(self, latitude: float, longitude: float) -> int:
        """The number of the cell that holds a point given in degrees."""
        band = self._band(latitude)
        column = math.floor((longitude + 180) / 360 * self.columns[band]) % self.columns[band]
        return self.first + band * self.stride + column

    def cover(self, latitude: float, longitude: float, km: float) -> tuple[int, ...]:
        """Every cell that a circle of `km` around a point touches (a few of its box's corners besides), in order."""
        return _cover(self, round(latitude, 7), round(longitude, 7), km)


@functools.lru_cache(2048)
def _cover(grid: Grid, latitude: float, longitude: float, km: float) -> tuple[int, ...]:
    reach = km / EARTH_RADIUS_KM * 1.0001  # radians, and a hair more than any rounding
    south, north = latitude - math.degrees(reach), latitude + math.degrees(reach)
    if north >= 90 or south <= -90:
        width = 180.0  # the circle holds a pole
    else:
        width = math.degrees(math.asin(min(1.0, math.sin(reach) / math.cos(math.radians(latitude)))))
    cells: set[int] = set()
    for band in range(grid._band(south), grid._band(north) + 1):
        columns = grid.columns[band]
        west = math.floor((longitude - width + 180) / 360 * columns)
        east = math.floor((longitude + width + 180) / 360 * columns)
        if east - west >= columns:
            west, east = 0, columns - 1
        cells.update(grid.first + band * grid.stride + column % columns for column in range(west, east + 1))
    return tuple(sorted(cells))
