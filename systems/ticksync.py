"""How far ahead of the server the client's tick runs, steered by the margin the server reports.

A formula from the round trip alone made every input late on localhost. So the client starts from the formula and then
listens: the server says by how many ticks the newest input was early at worst; the client runs up to 5 % faster or
slower until that is the target, and jumps only when it is hopelessly off.
"""

import math

from ecsnet.wire import Tick, advance_tick

__all__ = ["TARGET_MARGIN_TICKS", "TickSync"]

TARGET_MARGIN_TICKS = 1.0
TOLERANCE_TICKS = (
    1.0  # above the target nothing is done: chasing single ticks would oscillate with the feedback's delay
)
GAIN_PER_TICK = 0.01
MAX_SPEED_CHANGE = 0.05
SNAP_SECONDS = 1 / 6  # 10 ticks at 60 Hz; walking further at 5 % would take seconds
# Over this long the server reports the worst margin: long enough to hold the worst of the jitter, short enough to
# follow a change of network. What it reports for that long after a jump is still of before.
MARGIN_WINDOW_SECONDS = 0.5
SETTLE_SECONDS = MARGIN_WINDOW_SECONDS + 0.25


class TickSync:
    """Turns reported margins into a speed, and rarely into a jump.

    Attributes:
        synchronised: Whether the server's tick is known at all.
        margin: The last margin reported; None before the first.
    """

    __slots__ = ("_dt", "_settle_until", "margin", "speed", "synchronised")

    def __init__(self, dt: float) -> None:
        """Start unsynchronised, at normal speed."""
        self._dt = dt
        self._settle_until = 0.0
        self.synchronised = False
        self.margin: int | None = None
        self.speed = 1.0

    def start(self, server_tick: Tick, rtt_seconds: float, send_interval_ticks: int, now: float) -> Tick:
        """Return the tick to begin with, such that an input sent now arrives before its tick is simulated."""
        self.synchronised = True
        self._settle_until = now + rtt_seconds + SETTLE_SECONDS
        return advance_tick(server_tick, self.ahead(rtt_seconds, send_interval_ticks))

    def ahead(self, rtt_seconds: float, send_interval_ticks: int) -> int:
        """Return by how many ticks to be ahead of a state that has just arrived, as far as the formula knows."""
        return math.ceil(rtt_seconds / self._dt) + send_interval_ticks + 1

    def observe(self, margin: int, rtt_seconds: float, now: float) -> int:
        """Follow one report; return by how many ticks to jump, nearly always 0.

        Args:
            margin: Ticks the newest input was early at the server, at worst, in its last window.
        """
        self.margin = margin
        error = TARGET_MARGIN_TICKS - margin  # positive: inputs are late, run faster
        if abs(error) > max(TOLERANCE_TICKS + 1, SNAP_SECONDS / self._dt) and now >= self._settle_until:
            # What the server reports next still stems from before the jump: let it pass.
            self._settle_until = now + rtt_seconds + SETTLE_SECONDS
            self.speed = 1.0
            return round(error)
        if -TOLERANCE_TICKS <= error <= 0:
            self.speed = 1.0
        else:
            self.speed = 1.0 + max(-MAX_SPEED_CHANGE, min(MAX_SPEED_CHANGE, GAIN_PER_TICK * error))
        return 0
