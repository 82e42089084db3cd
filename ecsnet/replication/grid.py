"""The grid: which cell a place is in, and which cells a client has in reach.

Cells are sticky: whoever stands at a border and sways does not change cell with every step, only once it is a quarter
of a cell beyond. That is the hysteresis, on both ends of a look: of what is seen, and of who looks. What a client sees
then depends on nothing but the cells of its Viewers, so clients who stand together see the very same, and share it.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

__all__ = ["NOWHERE", "Cell", "Move", "Places", "Spot", "bounded", "offsets", "spot_at"]

Cell: TypeAlias = int  # column * COLUMN + row: one int adds and hashes faster than two

Move: TypeAlias = tuple[int, float, float]  # an entity and where it is now

COLUMN = 1 << 32
NOWHERE: Cell = 1 << 80  # in nobody's reach
STICKY = 0.25  # of a cell
MAX_COORDINATE = 1 << 30  # cells; what is further away is at the rim
MAX_CELLS = 4096  # of one Viewer: one that sees further sees all; at the usual three cells of radius it is 69
EVERYTHING = math.ceil(MAX_CELLS / math.pi)  # the reach of such a one
MAX_UNITS = 1e100  # world units: what is further away is as far as this
ROUNDING = 1e-9


class Spot(NamedTuple):
    """Where a client looks from and how far.

    Attributes:
        reach: The square of the widest gap between two cells it sees across. So radii that show the same are the same.
    """

    cell: Cell
    reach: int


class Place(NamedTuple):
    """A cell, and how far one may go without leaving it: world units."""

    cell: Cell
    left: float
    top: float
    right: float
    bottom: float


class Places:
    """The cells of some entities.

    Attributes:
        places: By entity.
    """

    __slots__ = ("_cell_units", "places")

    def __init__(self, cell_units: float) -> None:
        """Start without entities."""
        self._cell_units = cell_units
        self.places: dict[int, Place] = {}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Places({len(self.places)}, {self._cell_units:g} units)"

    def left_by(self, moved: Iterable[Move]) -> list[int]:
        """Return the entities that are beyond the borders of the place they have.

        HOT: once per moving entity per send tick; tests/bench/bench_state.py.
        """
        places = self.places
        return [
            entity
            for entity, x, y in moved
            if entity in places
            for _, left, top, right, bottom in [places[entity]]
            if not (left <= x < right and top <= y < bottom)
        ]

    def put(self, entity: int, x: float, y: float) -> Cell:
        """Return an entity's cell: the one it has until it leaves that."""
        if entity not in self.places or self.left_by([(entity, x, y)]):
            self.places[entity] = _place(x, y, self._cell_units)
        return self.places[entity].cell

    def forget(self, entity: int) -> None:
        """Let an entity go."""
        self.places.pop(entity, None)


def bounded(value: float) -> float:
    """Return a coordinate that can be added and squared: an int may be too large for a float, and a float for that."""
    return max(-MAX_UNITS, min(MAX_UNITS, value))


def spot_at(cell: Cell, radius_cells: float) -> Spot:
    """Return what a Viewer sees from a cell.

    Who looks may be a quarter of a cell out of its own cell and what is looked at out of that, so the gap between the
    two cells may be by half a cell more than the radius.
    """
    gap = radius_cells + 2 * STICKY + ROUNDING
    if gap < 0:
        return Spot(cell, -1)
    return Spot(cell, math.floor(gap * gap) if gap * gap < EVERYTHING else EVERYTHING)


@lru_cache(maxsize=256)  # of at most EVERYTHING; a game has a few
def offsets(reach: int) -> frozenset[Cell] | None:
    """Return all cells, seen from the one at 0, in which something within reach may stand; None: all there are."""
    if reach >= EVERYTHING:
        return None
    most = math.isqrt(max(0, reach)) + 1
    found = []
    for column, row in product(range(-most, most + 1), repeat=2):
        if max(0, abs(column) - 1) ** 2 + max(0, abs(row) - 1) ** 2 <= reach:
            found.append(column * COLUMN + row)
    return frozenset(found)


def _place(x: float, y: float, cell_units: float) -> Place:
    if x != x or y != y:  # noqa: PLR0124  # NaN; math.isnan refuses an int that is too large for a float
        return Place(NOWHERE, math.inf, math.inf, -math.inf, -math.inf)
    column, row = _coordinate(x, cell_units), _coordinate(y, cell_units)
    left, top, side = (column - STICKY) * cell_units, (row - STICKY) * cell_units, (1 + 2 * STICKY) * cell_units
    return Place(column * COLUMN + row, left, top, left + side, top + side)


def _coordinate(value: float, cell_units: float) -> int:
    rim = MAX_COORDINATE * cell_units
    return math.floor(max(-rim, min(rim, value)) / cell_units)  # bounded first: an int may be too large for a float
