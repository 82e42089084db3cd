"""The ground: striped grass, lines, goals and nets. Drawn once per size of the window."""

import math
import random

import pygame

from ecsnet.samples.soccer import pitch
from ecsnet.samples.soccer.canvas import Color

__all__ = ["VIEW_HEIGHT", "VIEW_LEFT", "VIEW_TOP", "VIEW_WIDTH", "draw_stadium"]

VIEW_LEFT, VIEW_TOP, VIEW_WIDTH, VIEW_HEIGHT = -40.0, -62.0, 880.0, 490.0  # the pitch and room for the score

NIGHT: Color = (16, 22, 28)
APRON: Color = (38, 92, 48)
GRASS: tuple[Color, Color] = ((58, 138, 66), (52, 126, 60))
LINE: Color = (232, 242, 232)
NET: Color = (190, 200, 205)
POST: Color = (250, 250, 250)
STRIPES = 16
LINE_WIDTH = 2.0
SMOOTHING = 2  # drawn this many times as large, then shrunk


def draw_stadium(size: tuple[int, int]) -> pygame.Surface:
    """Return a picture of the empty ground for a window of this size."""
    large = pygame.Surface((size[0] * SMOOTHING, size[1] * SMOOTHING))
    large.fill(NIGHT)
    ground = Ground(large)
    ground.draw_grass()
    ground.draw_lines()
    for line, back in ((pitch.LEFT, pitch.LEFT - pitch.NET_DEPTH), (pitch.RIGHT, pitch.RIGHT + pitch.NET_DEPTH)):
        ground.draw_goal(line, back)
    return pygame.transform.smoothscale(large, size)


class Ground:
    """Draws parts of the ground on a surface, in world units."""

    def __init__(self, surface: pygame.Surface) -> None:
        """Fit the view into the surface."""
        width, height = surface.get_size()
        self._surface = surface
        self._scale = min(width / VIEW_WIDTH, height / VIEW_HEIGHT)
        self._left = (width - VIEW_WIDTH * self._scale) / 2 - VIEW_LEFT * self._scale
        self._top = (height - VIEW_HEIGHT * self._scale) / 2 - VIEW_TOP * self._scale

    def draw_grass(self) -> None:
        """Mow stripes, and let some blades stand out."""
        apron = self._rect(-28, -14, pitch.WIDTH + 28, pitch.HEIGHT + 14)
        pygame.draw.rect(self._surface, APRON, apron, border_radius=round(10 * self._scale))
        stripe = (pitch.RIGHT - pitch.LEFT) / STRIPES
        for number in range(STRIPES):
            left = pitch.LEFT + number * stripe
            self._surface.fill(GRASS[number % 2], self._rect(left, pitch.TOP, left + stripe, pitch.BOTTOM))
        dice = random.Random(11)  # noqa: S311  # grass, not cryptography
        blade = max(1, round(0.5 * self._scale))
        for _ in range(5000):
            x, y = self._at(dice.uniform(pitch.LEFT, pitch.RIGHT), dice.uniform(pitch.TOP, pitch.BOTTOM))
            shade = dice.choice(((66, 146, 73), (47, 116, 54)))
            pygame.draw.line(self._surface, shade, (x, y), (x, y + 3 * blade), blade)

    def draw_lines(self) -> None:
        """Draw the markings, to the proportions of a real pitch."""
        self._outline(pitch.LEFT, pitch.TOP, pitch.RIGHT, pitch.BOTTOM)
        self._line(pitch.MIDDLE_X, pitch.TOP, pitch.MIDDLE_X, pitch.BOTTOM)
        self._circle(pitch.MIDDLE_X, pitch.MIDDLE_Y, 52)
        self._disc(pitch.MIDDLE_X, pitch.MIDDLE_Y, 3, LINE)
        for line, inward in ((pitch.LEFT, 1), (pitch.RIGHT, -1)):
            self._outline(line, 85, line + inward * 105, 315)
            self._outline(line, 122, line + inward * 42, 278)
            spot = line + inward * 78
            self._disc(spot, pitch.MIDDLE_Y, 2, LINE)
            reach = math.acos(27 / 52)
            facing = 0.0 if inward > 0 else math.pi
            self._arc(spot, pitch.MIDDLE_Y, 52, facing - reach, facing + reach)
            self._arc(line, pitch.TOP, 8, *((0, math.pi / 2) if inward > 0 else (math.pi / 2, math.pi)))
            self._arc(line, pitch.BOTTOM, 8, *((-math.pi / 2, 0) if inward > 0 else (math.pi, math.pi * 1.5)))

    def draw_goal(self, line: float, back: float) -> None:
        """Draw a goal: a dark inside, the net's mesh, posts."""
        inside = self._rect(min(line, back), pitch.MOUTH_TOP, max(line, back), pitch.MOUTH_BOTTOM)
        pygame.draw.rect(self._surface, (26, 60, 34), inside)
        for mesh in range(int(pitch.MOUTH_TOP), int(pitch.MOUTH_BOTTOM) + 1, 5):
            self._line(line, mesh, back, mesh, NET, 0.5)
        for part in range(5):
            x = line + (back - line) * part / 4
            self._line(x, pitch.MOUTH_TOP, x, pitch.MOUTH_BOTTOM, NET, 0.5)
        for y in (pitch.MOUTH_TOP, pitch.MOUTH_BOTTOM):
            self._line(line, y, back, y, POST, 1.6)
            self._disc(line, y, 3.2, POST)
        self._line(back, pitch.MOUTH_TOP, back, pitch.MOUTH_BOTTOM, POST, 1.6)
        self._line(line, pitch.MOUTH_TOP, line, pitch.MOUTH_BOTTOM, LINE, LINE_WIDTH)

    # World units to pixels.

    def _at(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self._scale + self._left), round(y * self._scale + self._top)

    def _rect(self, x1: float, y1: float, x2: float, y2: float) -> pygame.Rect:
        left, top = self._at(min(x1, x2), min(y1, y2))
        right, bottom = self._at(max(x1, x2), max(y1, y2))
        return pygame.Rect(left, top, right - left, bottom - top)

    def _width(self, units: float) -> int:
        return max(1, round(units * self._scale))

    def _line(  # two places and a look
        self, x1: float, y1: float, x2: float, y2: float, color: Color = LINE, width: float = LINE_WIDTH
    ) -> None:
        pygame.draw.line(self._surface, color, self._at(x1, y1), self._at(x2, y2), self._width(width))

    def _outline(self, x1: float, y1: float, x2: float, y2: float) -> None:
        pygame.draw.rect(self._surface, LINE, self._rect(x1, y1, x2, y2), self._width(LINE_WIDTH))

    def _disc(self, x: float, y: float, radius: float, color: Color) -> None:
        pygame.draw.circle(self._surface, color, self._at(x, y), self._width(radius))

    def _circle(self, x: float, y: float, radius: float) -> None:
        width = self._width(LINE_WIDTH)
        pygame.draw.circle(self._surface, LINE, self._at(x, y), self._width(radius) + width // 2, width)

    def _arc(self, x: float, y: float, radius: float, start: float, stop: float) -> None:
        """Draw an arc, angles clockwise from the right; pygame's own leaves holes in thick ones."""
        steps = 24
        angles = [start + (stop - start) * step / steps for step in range(steps + 1)]
        points = [self._at(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
        pygame.draw.lines(self._surface, LINE, False, points, self._width(LINE_WIDTH))  # noqa: FBT003  # closed
