"""Heat map: positions counted by cells, as fine as fits, with a limit to what it takes."""

import math
import random
from dataclasses import replace

import pytest

from ecsnet.errors import EcsnetError
from ecsnet.storage import heatmap
from ecsnet.storage.heatmap import Bounds, HeatMap, positions_in
from ecsnet.storage.store import Document, Store
from tests.storage.plausible import FIRST, stood


def counted(*positions: tuple[float, float], cell: float | None = None, bounds: Bounds | None = None) -> HeatMap:
    heat = HeatMap(cell, bounds)
    for x, y in positions:
        heat.add(x, y)
    return heat


def test_positions_are_those_of_the_entities_asked_for(evening: Store) -> None:
    """One for each snapshot and entity that is somewhere."""
    everybody = list(positions_in(evening.snapshots(FIRST), having="Player"))
    anna = list(positions_in(evening.snapshots(FIRST), names={"anna"}))
    everything = list(positions_in(evening.snapshots(FIRST)))
    turned = set(positions_in(evening.snapshots(FIRST), having="Ball", x="y", y="rotation"))

    assert (len(everybody), len(anna), len(everything)) == (20, 10, 30)
    assert set(anna) < set(everybody)
    assert turned == {(320.0, 0.0)}


def test_who_was_lost_stood_nowhere() -> None:
    """It waits where it was for a minute, which would be the hottest place of all; also what else is its own."""
    entities: list[Document] = [
        {"entity": 11, "components": {"Transform2D": {"x": 1.0, "y": 1.0}}},
        {"entity": 30, "owner": {"client_id": 1}, "components": {"Transform2D": {"x": 2.0, "y": 2.0}}},
        {"entity": 12, "owner": {"client_id": 2}, "components": {"Transform2D": {"x": 3.0, "y": 3.0}}},
    ]
    there = stood("m", 0.0, 1.0, entities)
    anna, bert = there.players
    lost = replace(there, players=[anna | {"status": "LOST"}, bert])

    assert list(positions_in([there, lost])) == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (3.0, 3.0)]


def test_what_is_no_number_is_no_position() -> None:
    """Documents may have been changed by hand."""
    places: list[Document] = [{"x": "1", "y": 1.0}, {"x": True, "y": 1.0}, {"x": math.nan, "y": 1.0}, {"y": 1.0}]
    entities: list[Document] = [{"entity": 1, "components": {"Transform2D": place}} for place in places]

    assert list(positions_in([stood("m", 0.0, 1.0, entities)])) == []


def test_a_cell_counts_what_is_in_it() -> None:
    """Left and upper edge belong to it, the others to the next one; also left of the origin."""
    heat = counted((0, 0), (9.9, 9.9), (10, 0), (-0.1, 0), cell=10.0)

    assert heat.grid() == [[1, 2, 1]]
    assert heat.bounds() == Bounds(-10.0, 0.0, 20.0, 10.0)
    assert heat.cells() == [(-10.0, 0.0, 1), (0.0, 0.0, 2), (10.0, 0.0, 1)]


def test_with_bounds_the_map_is_as_large_as_they_are() -> None:
    """Also where nobody was. What is on their edge is inside, what is beyond is counted as left out."""
    heat = counted((0, 0), (40, 20), (40.1, 0), (0, -0.1), cell=10.0, bounds=Bounds(0.0, 0.0, 40.0, 20.0))

    assert heat.grid() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert (heat.counted, heat.outside) == (2, 2)
    assert heat.bounds() == Bounds(0.0, 0.0, 40.0, 20.0)


@pytest.mark.parametrize("seed", range(5))
def test_to_fit_cells_double_and_lose_nobody(seed: int) -> None:
    """However small the map, and wherever the origin is."""
    chance = random.Random(seed)
    positions = [(chance.gauss(0, 300), chance.gauss(100, 200)) for _ in range(500)]
    heat = counted(*positions)
    heat.fit(20, 10)
    grid = heat.grid()

    assert sum(map(sum, grid)) == 500
    assert len(grid) <= 10
    assert 5 < len(grid[0]) <= 20
    assert math.log2(heat.cell).is_integer()


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (0, 0), (-3, 2)])
def test_a_map_around_the_origin_has_two_columns_at_least(columns: int, rows: int) -> None:
    """Cells begin at the origin, so no doubling makes one of two; a tiny terminal must not wait for it."""
    heat = counted((-1000, -1000), (1000, 1000))
    heat.fit(columns, rows)

    assert heat.grid() == [[1, 0], [0, 1]]


def test_cells_grow_where_there_would_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has an end, and a map of millions of cells shows nothing."""
    monkeypatch.setattr(heatmap, "MAX_CELLS", 100)
    heat = counted(*((float(number), 0.0) for number in range(1000)))

    assert len(heat.cells()) <= 100
    assert heat.cell == 16.0
    assert heat.counted == sum(count for _, _, count in heat.cells()) == 1000


def test_cells_of_a_size_that_was_asked_for_do_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said instead."""
    monkeypatch.setattr(heatmap, "MAX_CELLS", 100)
    with pytest.raises(EcsnetError, match="more than 100 cells of 2 units: ask for larger ones, or for less"):
        counted(*((float(number), 0.0) for number in range(1000)), cell=2.0)


def test_what_is_beyond_all_measure_is_left_out() -> None:
    """One broken position must not make the map of all others a dot."""
    heat = counted((1.0, 1.0), (1e300, 0.0))

    assert (heat.counted, heat.outside) == (1, 1)


@pytest.mark.parametrize(("most", "levels"), [(1, [1, 2, 3, 4]), (16, [1, 2, 4, 8]), (10_000, [1, 10, 100, 1000])])
def test_levels_rise_by_a_factor(most: int, levels: list[int]) -> None:
    """And are different ones even where there is little to tell apart."""
    assert counted(*[(0.0, 0.0)] * most).levels(4) == levels


def test_few_positions_get_large_cells() -> None:
    """Else no cell would hold two of them, and the map show nothing but dots."""
    assert counted((0, 0)).fitting_columns() == 16
    assert counted(*[(0, 0)] * 2500).fitting_columns() == 50
    assert counted(*[(0, 0)] * 90_000).fitting_columns() == 160
