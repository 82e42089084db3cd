"""Broad phase: which bodies are near a place, without asking them all. A uniform grid, built anew each tick."""

from collections.abc import Iterable
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
            if key in cells:
                cells[key].append(body)
            else:
                cells[key] = [body]

    def near(self, left: float, top: float, right: float, bottom: float) -> list[Body]:
        """Return the bodies whose rectangles touch this one, ascending by entity.

        HOT: twice per moving body each tick; tests/bench/bench_collision.py.
        """
        found = {}
        for group in self._groups(left, top, right, bottom):
            for body in group:
                if body.left <= right and body.right >= left and body.top <= bottom and body.bottom >= top:
                    found[body.entity] = body
        return [found[entity] for entity in sorted(found)]

    def _groups(self, left: float, top: float, right: float, bottom: float) -> Iterable[Iterable[Body]]:
        """Return groups of bodies that hold all whose rectangles touch this one, some more than once."""
        keys = self._keys(left, top, right, bottom)
        if keys is None:
            return [self._all.values()]
        cells = self._cells
        groups: list[Iterable[Body]] = [cells[key] for key in keys if key in cells]
        if self._wide:
            groups.append(self._wide.values())
        return groups

    def _keys(self, left: float, top: float, right: float, bottom: float) -> list[tuple[int, int]] | None:
        """Return the cells a rectangle lies in; None if they are too many."""
        per_unit = self._per_unit
        first_x, last_x = floor(left * per_unit), floor(right * per_unit)
        first_y, last_y = floor(top * per_unit), floor(bottom * per_unit)
        if first_x == last_x and first_y == last_y:
            return [(first_x, first_y)]
        if (last_x - first_x + 1) * (last_y - first_y + 1) > _MOST_CELLS:
            return None
        return [(x, y) for x in range(first_x, last_x + 1) for y in range(first_y, last_y + 1)]
