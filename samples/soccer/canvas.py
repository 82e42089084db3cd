"""Canvas: drawing in world units on a window of any size, with smooth edges. Knows pygame, knows no soccer.

pygame draws hard edges. So shapes are drawn four times as large as needed, shrunk smoothly and kept: a sprite is made
once per size of the window and then only copied.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeAlias

import pygame

__all__ = ["Canvas", "Color", "Point"]

Color: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]  # units
Painter: TypeAlias = Callable[[pygame.Surface, float], None]  # draws on a clear surface, pixels per unit

FINENESS = 4
SPRITES_MAX = 512  # far more than a match needs; a limit, so that no oversight can eat the memory


class Canvas:
    """A view of width x height units, as large as fits into the surface, centred.

    Attributes:
        scale: Pixels per unit.
    """

    def __init__(self, surface: pygame.Surface, left: float, top: float, width: float, height: float) -> None:
        """Fit the view into a surface; make another Canvas when the window's size changes."""
        self.surface = surface
        pixels_x, pixels_y = surface.get_size()
        self.scale = max(0.1, min(pixels_x / width, pixels_y / height))
        self._offset_x = (pixels_x - width * self.scale) / 2 - left * self.scale
        self._offset_y = (pixels_y - height * self.scale) / 2 - top * self.scale
        self._fonts: dict[int, pygame.font.Font] = {}
        self._sprites: dict[object, pygame.Surface] = {}

    def pixel(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of a place."""
        return round(x * self.scale + self._offset_x), round(y * self.scale + self._offset_y)

    def pixels(self, units: float) -> int:
        """Return a length in whole pixels, at least one."""
        return max(1, round(units * self.scale))

    # Text.

    def text(
        self, text: str, x: float, y: float, size: float, color: Color, *, align: float = 0.5, alpha: int = 255
    ) -> None:
        """Write one line of a size in units, centred on y; at x its left end (align 0), middle (0.5) or right (1)."""
        line = self._font(size).render(text, True, color)  # noqa: FBT003  # pygame takes antialias by position only
        line.set_alpha(alpha)
        at_x, at_y = self.pixel(x, y)
        self.surface.blit(line, (at_x - round(line.get_width() * align), at_y - line.get_height() // 2))

    def shaded_text(self, text: str, x: float, y: float, size: float, color: Color) -> None:
        """Write one line that can be read on any ground."""
        self.text(text, x + 1, y + 1.2, size, (0, 0, 0), alpha=170)
        self.text(text, x, y, size, color)

    def fitted(self, text: str, width: float, size: float) -> str:
        """Return a text as it is, or as much of its beginning as fits into a width, with an ellipsis."""
        if self.text_width(text, size) <= width:
            return text
        return text[: self._fitting(text, width - self.text_width("…", size), size)].rstrip() + "…"

    def wrapped(self, text: str, width: float, size: float) -> list[str]:
        """Return a text as lines that fit into a width, broken at spaces where there are some."""
        lines = []
        while text:
            end = max(1, self._fitting(text, width, size))
            if end < len(text):
                space = text.rfind(" ", 0, end + 1)
                end = space if space > 0 else end
            lines.append(text[:end].rstrip())
            text = text[end:].lstrip()
        return lines

    def _fitting(self, text: str, width: float, size: float) -> int:
        """Return how many characters of a text fit into a width."""
        return bisect_right(range(1, len(text) + 1), width, key=lambda count: self.text_width(text[:count], size))

    def text_width(self, text: str, size: float) -> float:
        """Return how wide a line would be, in units."""
        return self._font(size).size(text)[0] / self.scale

    def _font(self, size: float) -> pygame.font.Font:
        pixels = self.pixels(size)
        font = self._fonts.get(pixels)
        if font is None:
            font = self._fonts[pixels] = pygame.font.Font(None, pixels)
        return font

    # Shapes.

    def sprite(self, place: Point, key: object, size: Point, color: Color, paint: Painter, *, alpha: int = 255) -> None:
        """Draw a shape centred on a place, painted once per key: `paint` gets a clear surface and its pixels per unit.

        Its edges fade from `color`; without it they would fade through black.
        """
        picture = self._sprites.get(key)
        if picture is None:
            picture = self._paint(size, color, paint)
            if len(self._sprites) >= SPRITES_MAX:
                self._sprites.clear()
            self._sprites[key] = picture
        picture.set_alpha(alpha)
        at_x, at_y = self.pixel(*place)
        self.surface.blit(picture, (at_x - picture.get_width() // 2, at_y - picture.get_height() // 2))

    def _paint(self, size: Point, color: Color, paint: Painter) -> pygame.Surface:
        width, height = self.pixels(size[0]), self.pixels(size[1])
        large = pygame.Surface((width * FINENESS, height * FINENESS), pygame.SRCALPHA)
        large.fill((*color, 0))
        paint(large, self.scale * FINENESS)
        return pygame.transform.smoothscale(large, (width, height))

    def disc(self, x: float, y: float, radius: float, color: Color, *, alpha: int = 255) -> None:
        """Draw a filled circle."""

        def paint(surface: pygame.Surface, scale: float) -> None:
            pygame.draw.circle(surface, color, surface.get_rect().center, radius * scale)

        side = 2 * radius + 2
        self.sprite((x, y), ("disc", radius, color), (side, side), color, paint, alpha=alpha)

    def ring(self, x: float, y: float, radius: float, width: float, color: Color, *, alpha: int = 255) -> None:
        """Draw a circle's outline."""

        def paint(surface: pygame.Surface, scale: float) -> None:
            pygame.draw.circle(surface, color, surface.get_rect().center, radius * scale, max(1, round(width * scale)))

        side = 2 * radius + 2
        self.sprite((x, y), ("ring", radius, width, color), (side, side), color, paint, alpha=alpha)

    def shadow(self, x: float, y: float, width: float, height: float, *, alpha: int = 110) -> None:
        """Draw a soft dark ellipse."""

        def paint(surface: pygame.Surface, scale: float) -> None:  # noqa: ARG001  # it fills what it is given
            steps = 14
            for step in range(steps):
                box = surface.get_rect().inflate(
                    -surface.get_width() * step / steps, -surface.get_height() * step / steps
                )
                pygame.draw.ellipse(surface, (0, 0, 0, 255 * (step + 1) // steps), box)

        self.sprite((x, y), ("shadow", width, height), (width, height), (0, 0, 0), paint, alpha=alpha)

    def panel(
        self, x: float, y: float, width: float, height: float, color: Color, *, alpha: int = 215, radius: float = 8.0
    ) -> None:
        """Draw a rectangle with round corners, centred on (x, y)."""

        def paint(surface: pygame.Surface, scale: float) -> None:
            pygame.draw.rect(surface, color, surface.get_rect(), border_radius=round(radius * scale))

        key = ("panel", width, height, color, radius)
        self.sprite((x, y), key, (width, height), color, paint, alpha=alpha)

    def frame(
        self, x: float, y: float, width: float, height: float, line_width: float, color: Color, *, radius: float = 8.0
    ) -> None:
        """Draw the outline of a rectangle with round corners, centred on (x, y)."""

        def paint(surface: pygame.Surface, scale: float) -> None:
            line = max(1, round(line_width * scale))
            pygame.draw.rect(surface, color, surface.get_rect(), line, border_radius=round(radius * scale))

        key = ("frame", width, height, line_width, color, radius)
        self.sprite((x, y), key, (width, height), color, paint)

    # Lines.

    def thread(self, start: Point, end: Point, color: Color) -> None:
        """Draw a line as thin as can be."""
        pygame.draw.aaline(self.surface, color, self.pixel(*start), self.pixel(*end))

    def curve(self, points: Sequence[Point], width: float, color: Color) -> None:
        """Draw a line through points, if there are two."""
        if len(points) > 1:
            pixels = [self.pixel(*point) for point in points]
            pygame.draw.lines(self.surface, color, False, pixels, self.pixels(width))  # noqa: FBT003  # not closed

    def area(self, points: Sequence[Point], color: Color, *, alpha: int) -> None:
        """Fill a polygon, so that what is below shines through."""
        pixels = [self.pixel(*point) for point in points]
        left, top = min(x for x, _ in pixels), min(y for _, y in pixels)
        size = max(x for x, _ in pixels) - left + 1, max(y for _, y in pixels) - top + 1
        layer = pygame.Surface(size, pygame.SRCALPHA)
        pygame.draw.polygon(layer, (*color, alpha), [(x - left, y - top) for x, y in pixels])
        self.surface.blit(layer, (left, top))
