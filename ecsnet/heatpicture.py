"""Heat maps as pictures, drawn by pygame without a window. Import it where one is asked for: pygame is an extra."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pygame

from ecsnet.errors import EcsnetError
from ecsnet.quoting import printable
from ecsnet.storage.heatmap import HeatMap

__all__ = ["draw_picture"]

Color: TypeAlias = tuple[int, int, int]

MAP_PIXELS = 960  # of the longer side, as near as whole cells come
LEFT, TOP, RIGHT, BOTTOM = 72, 48, 96, 40  # pixels around it, for numbers, title and legend
LEGEND_PIXELS, GAP_PIXELS = 16, 16
LABEL_PIXELS = 110  # between two numbers along an edge, at least
FONT_PIXELS = 20
GROUND, INK = (16, 16, 24), (205, 205, 215)
HEAT: tuple[Color, ...] = (
    (38, 24, 74),
    (112, 32, 128),
    (204, 62, 84),
    (246, 144, 44),
    (255, 244, 170),
)  # rare to often


def draw_picture(heat: HeatMap, title: str, path: Path) -> None:
    """Draw a map that has something in it; the file's ending says what kind of picture.

    Raises:
        EcsnetError: It cannot be written.
    """
    pygame.font.init()
    grid = heat.grid()
    most = max(max(row) for row in grid)
    cell = max(1, MAP_PIXELS // max(len(grid), len(grid[0])))
    area = pygame.Rect(LEFT, TOP, cell * len(grid[0]), cell * len(grid))
    size = LEFT + max(area.width, MAP_PIXELS // 2) + RIGHT, TOP + max(area.height, MAP_PIXELS // 4) + BOTTOM
    picture = pygame.Surface(size)
    picture.fill(GROUND)
    for y, row in enumerate(grid):
        for x, count in enumerate(row):
            if count:
                picture.fill(heat_color(count, most), (area.x + cell * x, area.y + cell * y, cell, cell))
    pygame.draw.rect(picture, INK, area.inflate(2, 2), 1)
    font = pygame.font.Font(None, FONT_PIXELS)
    _label(picture, font, printable(title), (LEFT, TOP // 2), "midleft")
    _draw_edges(picture, font, heat, area)
    _draw_legend(picture, font, most, area)
    try:
        pygame.image.save(picture, path)
    except (OSError, pygame.error) as error:
        raise EcsnetError(f"cannot write the picture {path}: {error}") from error


def heat_color(count: int, most: int) -> Color:
    """Return the color of 1 <= count <= most: equal steps of it are equal factors, as crowds are in few places."""
    place = (len(HEAT) - 1) * (math.log(count) / math.log(most) if most > 1 else 1.0)
    below = min(int(place), len(HEAT) - 2)
    red, green, blue = (
        round(low + (high - low) * (place - below)) for low, high in zip(HEAT[below], HEAT[below + 1], strict=True)
    )
    return red, green, blue


def _draw_edges(picture: pygame.Surface, font: pygame.font.Font, heat: HeatMap, area: pygame.Rect) -> None:
    """Write coordinates along the lower and the left edge."""
    bounds = heat.bounds()
    scale = area.width / (bounds.right - bounds.left)
    for value in round_numbers(bounds.left, bounds.right, area.width // LABEL_PIXELS):
        at = area.x + round((value - bounds.left) * scale), area.bottom + 4
        pygame.draw.line(picture, INK, at, (at[0], at[1] + 4))
        _label(picture, font, f"{value:g}", (at[0], at[1] + 8), "midtop")
    for value in round_numbers(bounds.top, bounds.bottom, area.height // LABEL_PIXELS):
        at = area.x - 4, area.y + round((value - bounds.top) * scale)
        pygame.draw.line(picture, INK, at, (at[0] - 4, at[1]))
        _label(picture, font, f"{value:g}", (at[0] - 8, at[1]), "midright")


def _draw_legend(picture: pygame.Surface, font: pygame.font.Font, most: int, area: pygame.Rect) -> None:
    """Draw which color stands for how many."""
    left, height = area.right + GAP_PIXELS, min(area.height, MAP_PIXELS // 4)
    for y in range(height):
        color = heat_color(max(1, round(most ** (1 - y / height))), most)
        picture.fill(color, (left, area.y + y, LEGEND_PIXELS, 1))
    for count, y in ((most, area.y), (1, area.y + height)):
        _label(picture, font, f"{count:,}", (left + LEGEND_PIXELS + 6, y), "topleft" if count == most else "bottomleft")


def _label(picture: pygame.Surface, font: pygame.font.Font, text: str, at: tuple[int, int], corner: str) -> None:
    drawn = font.render(text, True, INK)  # noqa: FBT003  # pygame takes it by position
    place = drawn.get_rect()
    setattr(place, corner, at)
    picture.blit(drawn, place)


def round_numbers(low: float, high: float, count: int) -> Iterator[float]:
    """Return round numbers between two, evenly spaced, about so many."""
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield number * step
