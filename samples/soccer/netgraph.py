"""The network graph: round trip, losses, traffic, and what the client makes of it. F3 shows it."""

from typing import TypeAlias

from ecsnet import RunningClient
from ecsnet.samples.soccer.canvas import Canvas, Color
from ecsnet.samples.soccer.colors import BAD, GOOD, GREY, POOR, WHITE
from ecsnet.samples.soccer.history import SPAN_SECONDS, History, Reading
from ecsnet.samples.soccer.links import describe_link, link_name
from ecsnet.testing.network import Link
from ecsnet.virtualpath import simulated_link

__all__ = ["TOP", "NetGraph"]

Row: TypeAlias = tuple[str, str, Color]  # what, how much, and how good that is

LEFT, TOP, WIDTH, HEIGHT = 14.0, 254.0, 548.0, 140.0  # units: below the goal's mouth, above the touch line
MARGIN = 10.0
ROW_HEIGHT, TEXT_SIZE, SMALL_SIZE = 18.0, 17.0, 14.0
COLUMN_WIDTH, COLUMN_GAP = 146.0, 18.0
CURVE_LEFT = LEFT + MARGIN + 2 * (COLUMN_WIDTH + COLUMN_GAP) + 6
CURVE_WIDTH = LEFT + WIDTH - MARGIN - CURVE_LEFT
CURVE_TOP, CURVE_HEIGHT = TOP + 24.0, 54.0
BARS_TOP, BARS_HEIGHT = TOP + 102.0, 30.0
SCALES_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # one of them is the height of the curve
FEWEST_BARS = 3  # corrections in a tenth of a second that fill the bars' height, or the most there were

# What is shown in red from two thirds of it on, and in yellow from one third.
BAD_RTT_SECONDS = 0.3
BAD_JITTER_SECONDS = 0.06
BAD_LOSS = 0.1  # a fraction
BAD_CORRECTIONS = 6.0  # per second
BAD_LATENESS_TICKS = 3.0  # of inputs: the server has simulated without them
BAD_SPEED_CHANGE = 0.06  # a client changes its own by 0.05 at most

DARK: Color = (12, 16, 20)
GRID: Color = (62, 72, 80)


class NetGraph:
    """Keeps the history of a client and draws it."""

    def __init__(self) -> None:
        """Begin empty and hidden."""
        self.shown = False
        self._history = History()

    def draw(self, canvas: Canvas, client: RunningClient) -> None:
        """Take a reading; draw the graph if it is wanted."""
        newest = self._history.note(client)
        if not self.shown:
            return
        canvas.panel(LEFT + WIDTH / 2, TOP + HEIGHT / 2, WIDTH, HEIGHT, DARK, alpha=205)
        draw_link(canvas, simulated_link(client))
        for column, rows in enumerate((connection_rows(client, self._history), play_rows(client, self._history))):
            draw_rows(canvas, rows, LEFT + MARGIN + column * (COLUMN_WIDTH + COLUMN_GAP))
        draw_round_trips(canvas, self._history, newest)
        draw_corrections(canvas, self._history, newest)


# Figures.


def connection_rows(client: RunningClient, history: History) -> list[Row]:
    """Return what the connection says."""
    statistics, rates = client.statistics, history.rates()
    rtt, jitter = statistics.rtt_seconds, statistics.jitter_seconds
    return [
        ("round trip", f"{1000 * rtt:.0f} ms", rated(rtt / BAD_RTT_SECONDS)),
        ("jitter", f"{1000 * jitter:.0f} ms", rated(jitter / BAD_JITTER_SECONDS)),
        ("loss out", f"{100 * statistics.loss_sent:.1f} %", rated(statistics.loss_sent / BAD_LOSS)),
        ("loss in", f"{100 * statistics.loss_received:.1f} %", rated(statistics.loss_received / BAD_LOSS)),
        ("out, in", f"{rates.bytes_sent / 1000:.1f}, {rates.bytes_received / 1000:.1f} kB/s", WHITE),
        ("datagrams", f"{rates.datagrams_sent:.0f}, {rates.datagrams_received:.0f} /s", WHITE),
    ]


def play_rows(client: RunningClient, history: History) -> list[Row]:
    """Return what the client makes of it."""
    figures, rates = client.figures, history.rates()
    margin = figures.margin_ticks
    return [
        ("corrections", f"{rates.corrections:.1f} /s", rated(rates.corrections / BAD_CORRECTIONS)),
        ("replayed", f"{rates.replayed_ticks:.0f} ticks/s", WHITE),
        ("ahead", ticks(figures.ahead_ticks), WHITE),
        (
            "input margin",
            "-" if margin is None else ticks(margin),
            WHITE if margin is None else rated(-margin / BAD_LATENESS_TICKS),
        ),
        ("own speed", f"{100 * figures.speed:.1f} %", rated(abs(figures.speed - 1.0) / BAD_SPEED_CHANGE)),
        ("interpolation", f"{1000 * figures.interpolation_delay_seconds:.0f} ms", WHITE),
    ]


def ticks(count: int) -> str:
    """Return a number of ticks, for reading."""
    return f"{count} tick" if count == 1 else f"{count} ticks"


def rated(share: float) -> Color:
    """Return a color for how bad something is, 0 to 1."""
    return GOOD if share < 1 / 3 else POOR if share < 2 / 3 else BAD


# Pictures.


def draw_link(canvas: Canvas, link: Link) -> None:
    """Name the simulated link, and say what it does."""
    x, y = LEFT + MARGIN, TOP + 13
    canvas.text("simulated link", x, y, TEXT_SIZE, GREY, align=0)
    x += canvas.text_width("simulated link", TEXT_SIZE) + 8
    canvas.text(link_name(link), x, y, TEXT_SIZE, GOOD if link == Link.PERFECT else POOR, align=0)
    x += canvas.text_width(link_name(link), TEXT_SIZE) + 10
    canvas.text(describe_link(link), x, y, TEXT_SIZE, GREY, align=0)


def draw_rows(canvas: Canvas, rows: list[Row], left: float) -> None:
    """Draw one column of figures."""
    for number, (what, value, color) in enumerate(rows):
        y = TOP + 13 + ROW_HEIGHT * (number + 1)
        canvas.text(what, left, y, TEXT_SIZE, GREY, align=0)
        canvas.text(value, left + COLUMN_WIDTH, y, TEXT_SIZE, color, align=1)


def draw_round_trips(canvas: Canvas, history: History, newest: Reading) -> None:
    """Draw the curve of round trips, on the smallest scale that holds it."""
    longest = max(reading.rtt_seconds for reading in history.readings)
    scale = next((scale for scale in SCALES_SECONDS if longest <= scale), SCALES_SECONDS[-1])
    base = CURVE_TOP + CURVE_HEIGHT
    for share in (0.0, 0.5, 1.0):
        y = base - share * CURVE_HEIGHT
        canvas.thread((CURVE_LEFT, y), (CURVE_LEFT + CURVE_WIDTH, y), GRID)
    points = [
        (time_x(reading.at, newest.at), base - CURVE_HEIGHT * min(1.0, reading.rtt_seconds / scale))
        for reading in history.readings
    ]
    color = rated(newest.rtt_seconds / BAD_RTT_SECONDS)
    canvas.area([(points[0][0], base), *points, (points[-1][0], base)], color, alpha=60)
    canvas.curve(points, 1.4, color)
    canvas.text("round trip", CURVE_LEFT, CURVE_TOP - 10, SMALL_SIZE, GREY, align=0)
    canvas.text(f"{1000 * scale:.0f} ms", CURVE_LEFT + CURVE_WIDTH, CURVE_TOP - 10, SMALL_SIZE, GREY, align=1)


def draw_corrections(canvas: Canvas, history: History, newest: Reading) -> None:
    """Draw a bar for every tenth of a second with corrections."""
    bars, base = history.corrections(), BARS_TOP + BARS_HEIGHT
    most = max(FEWEST_BARS, *(count for _, count in bars), 0)
    canvas.thread((CURVE_LEFT, base), (CURVE_LEFT + CURVE_WIDTH, base), GRID)
    for at, count in bars:
        x = time_x(at, newest.at)
        if x >= CURVE_LEFT:
            canvas.curve([(x, base), (x, base - BARS_HEIGHT * count / most)], 2.2, BAD)
    canvas.text("corrections", CURVE_LEFT, BARS_TOP - 9, SMALL_SIZE, GREY, align=0)
    canvas.text(f"last {SPAN_SECONDS:.0f} s", CURVE_LEFT + CURVE_WIDTH, BARS_TOP - 9, SMALL_SIZE, GREY, align=1)


def time_x(at: float, now: float) -> float:
    """Return where a moment is in the curves, now being at their right end."""
    return CURVE_LEFT + CURVE_WIDTH * min(1.0, 1.0 - (now - at) / SPAN_SECONDS)
