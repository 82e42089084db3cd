"""The network graph: round trip, jitter, loss and traffic of the last seconds. F3 shows it."""

from collections import deque

import pygame

from ecsnet import Client
from ecsnet.samples.soccer.canvas import Canvas, Color

__all__ = ["NetGraph"]

SAMPLES = 180  # one a frame: three seconds at 60 frames a second
LEFT, TOP, WIDTH, HEIGHT = 20.0, 272.0, 236.0, 112.0  # world units
FULL_SCALE_SECONDS = 0.5
BAD_LOSS = 0.1  # a fraction
DARK: Color = (12, 16, 20)
GREY: Color = (165, 174, 182)
GOOD: Color = (120, 214, 120)
POOR: Color = (240, 190, 80)
BAD: Color = (240, 96, 80)


class NetGraph:
    """Keeps the last round trips and draws them."""

    def __init__(self) -> None:
        """Begin empty and hidden."""
        self.shown = False
        self._round_trips: deque[float] = deque(maxlen=SAMPLES)

    def draw(self, canvas: Canvas, client: Client) -> None:
        """Take a sample; draw the graph if it is wanted."""
        statistics = client.statistics
        self._round_trips.append(number(statistics, "rtt_seconds"))
        if not self.shown:
            return
        canvas.panel(LEFT + WIDTH / 2, TOP + HEIGHT / 2, WIDTH, HEIGHT, DARK, alpha=170)
        loss = max(number(statistics, "loss_sent"), number(statistics, "loss_received"))
        jitter = number(statistics, "jitter_seconds")
        rows = (
            (f"rtt {1000 * self._round_trips[-1]:.0f} ms   jitter {1000 * jitter:.1f} ms", GREY),
            (f"loss {100 * loss:.1f} %", rated(loss / BAD_LOSS)),
            (f"sent {kilobytes(statistics, 'bytes_sent')}   received {kilobytes(statistics, 'bytes_received')}", GREY),
        )
        for row, (text, color) in enumerate(rows):
            canvas.text(text, LEFT + 10, TOP + 13 + 16 * row, 15, color, align=0)
        self._draw_curve(canvas)

    def _draw_curve(self, canvas: Canvas) -> None:
        """Draw a bar per sample, green to red by how long the round trip took."""
        base, most = TOP + HEIGHT - 8, 44.0
        for position, seconds in enumerate(self._round_trips):
            share = min(1.0, seconds / FULL_SCALE_SECONDS)
            x = LEFT + 10 + position * (WIDTH - 20) / SAMPLES
            pygame.draw.line(
                canvas.surface, rated(share), canvas.pixel(x, base), canvas.pixel(x, base - 1 - most * share)
            )


def rated(share: float) -> Color:
    """Return a color for how bad something is, 0 to 1."""
    return GOOD if share < 1 / 3 else POOR if share < 2 / 3 else BAD


def number(statistics: object, name: str) -> float:
    """Return a figure, 0 if this connection does not keep it (yet)."""
    value = getattr(statistics, name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def kilobytes(statistics: object, name: str) -> str:
    """Return an amount of bytes for reading."""
    return f"{number(statistics, name) / 1000:.0f} kB"
