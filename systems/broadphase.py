"""Broad phase: which bodies are near a place, without asking them all. A uniform grid, built anew each tick."""

from collections.abc import Iterable, Iterator
from itertools import product
from math import floor

from ecsnet.systems.body import Body

__all__ = ["Grid"]

# Whoever would fill or ask for more cells than this is compared with everybody instead: cheaper, and it bounds the
# memory that one body as wide as the world, or as fast, can take.
_MOST_CELLS = 64


class Grid:
    """Bodies by the cells their rectangles lie in. The result of a question never depends on the cell size."""

    def __init__(self, cell_units: float, bodies: Iterable[Body] = ()) -> None:
        """Make a grid of square cells and put bodies in."""
        self._per_unit = 1.0 / cell_units
        self._cells: dict[tuple[int, int], list[Body]] = {}
        self._wide: dict[int, Body] = {}
        self._all: dict[int, Body] = {}
        for body in bodies:
            self.insert(body)

    def insert(self, body: Body) -> None:
        """Put a body in, or again after its rectangle grew."""
        self._all[body.entity] = body
        keys = self._keys(body.left, body.top, body.right, body.bottom)
        if keys is None:
            self._wide[body.entity] = body
            return
        cells = self._cells
        for key in keys:
            cell = cells.get(key)
            if cell is None:
                cells[key] = [body]
            else:
                cell.append(body)

    def near(self, left: float, top: float, right: float, bottom: float) -> list[Body]:
        """Return the bodies whose rectangles touch this one, ascending by entity.

        HOT: twice per moving body each tick; tests/bench/bench_collision.py.
        """
        found = self._candidates(left, top, right, bottom)
        return [
            body
            for _, body in sorted(found.items())
            if body.left <= right and body.right >= left and body.top <= bottom and body.bottom >= top
        ]

    def _candidates(self, left: float, top: float, right: float, bottom: float) -> dict[int, Body]:
        keys = self._keys(left, top, right, bottom)
        if keys is None:
            return self._all
        cells = self._cells
        found = self._wide.copy()
        for key in keys:
            for body in cells.get(key, ()):
                found[body.entity] = body
        return found

    def _keys(self, left: float, top: float, right: float, bottom: float) -> Iterator[tuple[int, int]] | None:
        """Return the cells a rectangle lies in; None if they are too many."""
        per_unit = self._per_unit
        first_x, last_x = floor(left * per_unit), floor(right * per_unit) + 1
        first_y, last_y = floor(top * per_unit), floor(bottom * per_unit) + 1
        if (last_x - first_x) * (last_y - first_y) > _MOST_CELLS:
            return None
        return product(range(first_x, last_x), range(first_y, last_y))
