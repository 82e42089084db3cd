"""Broad phase: who is near a place, without asking everybody everything.

For one question a glance at each collider is the cheapest, `rows_within`. For a tick of many bodies there is a uniform
grid, built anew each time.

Two grids of the same cell size share the numbers of their cells: so Solver works out once in which cells a body's way
lies, looks up the obstacles there, and enters the body among the other bodies.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TypeAlias

from ecsnet.components.collider2d import Collider2D
from ecsnet.components.transform2d import Transform2D
from ecsnet.systems.body import Body

__all__ = ["Cells", "Grid", "Region", "Row", "cells_of", "rows_within"]

Row: TypeAlias = tuple[int, tuple[Transform2D, Collider2D]]
Region: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom
Cells: TypeAlias = Sequence[float] | None  # numbers of cells; None: they are too many, so everybody is compared

# Whoever would fill or ask for more cells than this is compared with everybody instead: cheaper, and it bounds the
# memory that one body as wide as the world, or as fast, can take.
_MOST_CELLS = 64

# A cell's number is column * this + row: a float, since // of floats is half the price of floor(). Exact in worlds of
# 2**26 cells on each axis. Beyond, two cells may share a number, and their bodies are compared for nothing.
_COLUMN = 2.0**26


def rows_within(rows: Sequence[Row], region: Region) -> list[Row]:
    """Return the rows of colliders that touch a region.

    HOT: all colliders in each tick a client predicts; tests/bench/bench_collision.py.
    """
    left, top, right, bottom = region
    # A collider has both sizes, whichever its shape uses: their sum is enough.
    return [
        row
        for row in rows
        if left - (transform := row[1][0]).x
        <= (radius := (collider := row[1][1]).radius) + collider.half_width
        >= transform.x - right
        and top - transform.y <= radius + collider.half_height >= transform.y - bottom
    ]


def cells_of(left: float, top: float, right: float, bottom: float, cell_units: float) -> Cells:
    """Return the cells a rectangle lies in. With cell_units 0 all is one cell: best for a handful of bodies.

    HOT: once for each body each tick; tests/bench/bench_collision.py.
    """
    if not cell_units:
        return (0.0,)
    first_x, last_x = left // cell_units, right // cell_units
    first_y, last_y = top // cell_units, bottom // cell_units
    if first_x == last_x and first_y == last_y:
        return (first_x * _COLUMN + first_y,)
    columns, rows = last_x - first_x + 1.0, last_y - first_y + 1.0
    if not columns * rows <= _MOST_CELLS:
        return None
    # Each number from column and row, never from the one beside it: where they round, all have to round alike.
    if columns * rows == 2.0:  # noqa: PLR2004  # two cells: as frequent as all larger numbers, and half the price so
        return first_x * _COLUMN + first_y, last_x * _COLUMN + last_y
    return [(first_x + x) * _COLUMN + (first_y + y) for x in range(int(columns)) for y in range(int(rows))]


class Grid:
    """Bodies by the cells their rectangles lie in. The result of a question never depends on the cell size."""

    def __init__(self, cell_units: float, everybody: Sequence[Body]) -> None:
        """Make a grid of square cells for these bodies, ascending by entity; each is still to be inserted."""
        self._cell_units = cell_units
        self._everybody = everybody
        self._groups: dict[float, list[Body]] = {}  # by the number of their cell
        self._wide: list[Body] = []  # bodies in too many cells

    def insert(self, body: Body, cells: Cells) -> None:
        """Put a body into the cells it lies in, or again after its rectangle grew."""
        if cells is None:
            self._wide.append(body)
            return
        groups = self._groups
        for cell in cells:
            if cell in groups:
                groups[cell].append(body)
            else:
                groups[cell] = [body]

    def near(self, left: float, top: float, right: float, bottom: float) -> Sequence[Body]:
        """Return the bodies whose rectangles touch this one, ascending by entity."""
        return self.near_in(cells_of(left, top, right, bottom, self._cell_units), left, top, right, bottom)

    def near_in(self, cells: Cells, left: float, top: float, right: float, bottom: float) -> Sequence[Body]:
        """Return the same where it is known already in which cells the rectangle lies.

        HOT: once for each body that moves; tests/bench/bench_collision.py. Most find nobody.
        """
        if cells is None:
            return _touching(self._everybody, left, top, right, bottom)
        groups = self._groups
        found = [
            body
            for cell in cells
            if cell in groups
            for body in groups[cell]
            if body.left <= right and body.right >= left and body.top <= bottom and body.bottom >= top
        ]
        if self._wide:
            found += _touching(self._wide, left, top, right, bottom)
        if len(found) < 2:  # noqa: PLR2004  # with two, order and doubles begin to matter
            return found
        once = {body.entity: body for body in found}
        return [once[entity] for entity in sorted(once)]

    def pairs(self) -> list[tuple[Body, Body]]:
        """Return all pairs whose rectangles touch, in the order of their entities, if all were inserted once, in it."""
        found = {
            (body.entity, other.entity): (body, other)
            for group in self._groups.values()
            if len(group) > 1
            for body, other in combinations(group, 2)
            if body.left <= other.right
            and body.right >= other.left
            and body.top <= other.bottom
            and body.bottom >= other.top
        }
        for wide in self._wide:
            for other in _touching(self._everybody, wide.left, wide.top, wide.right, wide.bottom):
                pair = (wide, other) if wide.entity < other.entity else (other, wide)
                found[pair[0].entity, pair[1].entity] = pair
        return [found[entities] for entities in sorted(found)]


def _touching(bodies: Iterable[Body], left: float, top: float, right: float, bottom: float) -> list[Body]:
    return [
        body
        for body in bodies
        if body.left <= right and body.right >= left and body.top <= bottom and body.bottom >= top
    ]
