"""Heat map: how often something stood where, counted in square cells.

Without a size of the cells, they begin tiny and double whenever the map would have too many of them: so one look at
each position is enough, the memory has a limit, and the map is as fine as its extent allows. A cell of the plane is
named by how many cells it is to the right and down of the origin.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ecsnet.errors import EcsnetError
from ecsnet.storage.documents import number_at
from ecsnet.storage.questions import Standing, narrowed
from ecsnet.storage.store import Snapshot

__all__ = ["Bounds", "HeatMap", "positions_in"]

SMALLEST_CELL = 1 / 16  # world units
MAX_CELLS = 1 << 18  # with something in them; some 40 MB
COARSE_COLUMNS, FINE_COLUMNS = 16, 160  # with few positions, more columns would leave hardly a cell with two
MAX_COLUMNS = 960
_HUGE = 1e15  # beyond it a float has no place for halves of a unit


@dataclass(frozen=True, slots=True)
class Bounds:
    """A part of the plane, in world units; y points down."""

    left: float
    top: float
    right: float
    bottom: float

    def along(self, axis: int) -> tuple[float, float]:
        """Return both ends along an axis: 0 to the right, 1 down."""
        return (self.left, self.right) if axis == 0 else (self.top, self.bottom)

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a position is in it."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def positions_in(
    snapshots: Iterable[Snapshot],
    *,
    component: str = "Transform2D",
    x: str = "x",
    y: str = "y",
    having: str = "",
    names: Collection[str] = (),
) -> Iterator[tuple[float, float]]:
    """Return where entities stood, one position for each entity and snapshot that has one.

    What is of a player who was lost then is left out: it waits where it was, and is nowhere of its own will.

    Args:
        component: Which component says where; x and y are its fields.
        having: Only entities that have this component, too.
        names: Only entities of players called so, by name or owner.
    """
    for snapshot in snapshots:
        standing = Standing(snapshot.players)
        for document in narrowed(snapshot, having=having, names=names):
            if standing.is_lost(document):
                continue
            across = number_at(document, f"components.{component}.{x}")
            down = number_at(document, f"components.{component}.{y}")
            if across is not None and down is not None:
                yield across, down


class HeatMap:
    """Counts positions by cells.

    Attributes:
        cell: How large one is, in world units.
        counted: How many positions are in the map.
        outside: How many were left out.
    """

    def __init__(self, cell: float | None = None, bounds: Bounds | None = None) -> None:
        """Begin with an empty map.

        Args:
            cell: How large cells are, in world units; None: as small as the extent allows.
            bounds: What of the plane to look at; None: all.
        """
        self.cell = SMALLEST_CELL if cell is None else cell
        self.counted = self.outside = 0
        self._is_fixed = cell is not None
        self._bounds = bounds
        self._cells: Counter[tuple[int, int]] = Counter()

    def __repr__(self) -> str:
        """Show how much is in it."""
        return f"HeatMap({self.counted} positions in {len(self._cells)} cells of {self.cell:g})"

    def add(self, x: float, y: float) -> None:
        """Count a position.

        Raises:
            EcsnetError: There are too many cells of the size that was asked for.
        """
        if max(abs(x), abs(y)) > _HUGE or (self._bounds is not None and not self._bounds.holds(x, y)):
            self.outside += 1
            return
        self._cells[self._place(x, 0), self._place(y, 1)] += 1
        self.counted += 1
        while len(self._cells) > MAX_CELLS:
            if self._is_fixed:
                raise EcsnetError(
                    f"more than {MAX_CELLS} cells of {self.cell:g} units: ask for larger ones, or for less"
                )
            self._coarsen(2)

    def fitting_columns(self) -> int:
        """Return how many columns or rows show what was counted well; of a size that was asked for, many."""
        if self._is_fixed:
            return MAX_COLUMNS
        return min(FINE_COLUMNS, max(COARSE_COLUMNS, math.isqrt(self.counted)))

    def fit(self, columns: int, rows: int) -> None:
        """Double the cells until the map has no more columns and rows than that, but two: the origin parts cells."""
        columns, rows = max(2, columns), max(2, rows)
        needed = max(len(self._columns()) / columns, len(self._rows()) / rows)
        while needed > 1:  # once is not always enough: a map may begin and end in the middle of the larger cells
            self._coarsen(2 ** math.ceil(math.log2(needed)))
            needed = max(len(self._columns()) / columns, len(self._rows()) / rows)

    def bounds(self) -> Bounds:
        """Return what of the plane the cells cover."""
        columns, rows, cell = self._columns(), self._rows(), self.cell
        return Bounds(columns.start * cell, rows.start * cell, columns.stop * cell, rows.stop * cell)

    def grid(self) -> list[list[int]]:
        """Return the counts, row by row from the top; empty if nothing was counted."""
        columns, cells = self._columns(), self._cells
        return [[cells[column, row] for column in columns] for row in self._rows()] if cells else []

    def cells(self) -> list[tuple[float, float, int]]:
        """Return left edge, top edge and count of each cell that has something in it."""
        return [(column * self.cell, row * self.cell, count) for (column, row), count in sorted(self._cells.items())]

    def levels(self, steps: int) -> Sequence[int]:
        """Return the least counts of so many steps, each by the same factor above the one below; the first is 1.

        Crowds are in few places: were the steps equally wide, all the rest would be the lowest.
        """
        most = max(self._cells.values(), default=1)
        levels = [1]
        for step in range(1, steps):
            levels.append(max(levels[-1] + 1, math.ceil(most ** (step / steps))))
        return levels

    def _coarsen(self, factor: int) -> None:
        """Make the cells larger by a whole factor."""
        merged: Counter[tuple[int, int]] = Counter()
        for (column, row), count in self._cells.items():
            merged[column // factor, row // factor] += count
        self._cells, self.cell = merged, self.cell * factor

    def _columns(self) -> range:
        return self._extent(0)

    def _rows(self) -> range:
        return self._extent(1)

    def _place(self, value: float, axis: int) -> int:
        """Return the cell along one axis; what is on the very edge of the bounds is still within."""
        cell = math.floor(value / self.cell)
        return cell if self._bounds is None else min(cell, self._extent(axis).stop - 1)

    def _extent(self, axis: int) -> range:
        """Return the cells from the first to the last along one axis: of the bounds, or of what was counted."""
        if self._bounds is not None:
            low, high = self._bounds.along(axis)
            return range(math.floor(low / self.cell), math.ceil(high / self.cell))
        found = [cell[axis] for cell in self._cells] or [0]
        return range(min(found), max(found) + 1)
