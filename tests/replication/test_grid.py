"""The grid: what is in reach of a cell."""

import math

import pytest

from ecsnet.replication.grid import COLUMN, offsets, spot_at


def test_radii_that_show_the_same_are_the_same() -> None:
    """Clients whose Viewers differ by less than shows share a view, and a game has few reaches."""
    assert spot_at(0, 3.0) == spot_at(0, 3.05)
    assert spot_at(0, 3.0) != spot_at(0, 3.2)


@pytest.mark.parametrize("radius", [0.0, 1.0, 2.5, 3.0, 7.3])
def test_cells_in_reach_are_those_whose_gap_is_at_most_the_radius_and_half_a_cell(radius: float) -> None:
    """Both ends of a look may be a quarter of a cell out of their cells."""
    expected: frozenset[int] | None = frozenset(
        column * COLUMN + row
        for column in range(-12, 13)
        for row in range(-12, 13)
        if math.hypot(max(0, abs(column) - 1), max(0, abs(row) - 1)) <= radius + 0.5 + 1e-9
    )

    assert offsets(spot_at(0, radius).reach) == expected


@pytest.mark.parametrize("radius", [40.0, math.inf, math.nan])
def test_who_sees_very_far_sees_all(radius: float) -> None:
    """Beyond some thousands of cells, single ones are not worth telling apart."""
    assert offsets(spot_at(0, radius).reach) is None
