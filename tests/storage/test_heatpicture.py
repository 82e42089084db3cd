"""Heat maps as pictures: what is where, in which color."""

from pathlib import Path

import pytest

from ecsnet.errors import EcsnetError
from ecsnet.storage.heatmap import Bounds, HeatMap

pygame = pytest.importorskip("pygame")

from ecsnet.heatpicture import GROUND, HEAT, LEFT, TOP, draw_picture, heat_color, round_numbers  # noqa: E402


def mapped(*positions: tuple[float, float], bounds: Bounds | None = None) -> HeatMap:
    heat = HeatMap(10.0, bounds)
    for x, y in positions:
        heat.add(x, y)
    return heat


def test_a_picture_has_each_cell_in_the_color_of_its_count(tmp_path: Path) -> None:
    """Often is bright, once is dark, never is the ground; left is left and up is up."""
    heat = mapped(*[(5, 5)] * 9, *[(15, 5)] * 3, (5, 15), bounds=Bounds(0.0, 0.0, 20.0, 20.0))
    draw_picture(heat, "a title", tmp_path / "heat.png")
    picture = pygame.image.load(tmp_path / "heat.png")
    cell = 480

    colors = [tuple(picture.get_at((LEFT + x + 9, TOP + y + 9)))[:3] for y in (0, cell) for x in (0, cell)]
    assert colors == [HEAT[-1], HEAT[2], HEAT[0], GROUND]


@pytest.mark.parametrize("positions", [[(0, 0)], [(0, 0), (9000, 0)], [(0, 0), (0, 9000)], [(-5, -5), (5, 5)]])
def test_any_map_makes_a_picture_of_bounded_size(positions: list[tuple[float, float]], tmp_path: Path) -> None:
    """One cell, a long row, a high column; the title may be anything."""
    heat = mapped(*positions)
    heat.fit(960, 960)
    draw_picture(heat, "\x00\x1b[2J" * 10, tmp_path / "heat.png")
    width, height = pygame.image.load(tmp_path / "heat.png").get_size()

    assert 480 < width < 1200
    assert 240 < height < 1200


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(EcsnetError, match=r"cannot write the picture .*nowhere.*heat\.png"):
        draw_picture(mapped((0, 0)), "", tmp_path / "nowhere" / "heat.png")


@pytest.mark.parametrize(
    ("count", "most", "color"), [(1, 1, HEAT[-1]), (1, 100, HEAT[0]), (10, 100, HEAT[2]), (100, 100, HEAT[-1])]
)
def test_equal_factors_are_equal_steps_of_color(count: int, most: int, color: tuple[int, int, int]) -> None:
    """Crowds are in few places: all others would be black."""
    assert heat_color(count, most) == color


@pytest.mark.parametrize(
    ("low", "high", "count", "numbers"),
    [(0, 960, 8, [0, 200, 400, 600, 800]), (-5, 5, 4, [-5, 0, 5]), (0.0, 0.25, 2, [0.0, 0.2]), (3, 4, 0, [3, 4])],
)
def test_the_numbers_at_the_edges_are_round(low: float, high: float, count: int, numbers: list[float]) -> None:
    """Nobody reads 137.14."""
    assert list(round_numbers(low, high, count)) == pytest.approx(numbers)
