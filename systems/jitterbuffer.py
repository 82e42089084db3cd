"""Where one client's inputs wait on the server for the tick they are meant for.

The client stamps each input with the tick it wants it simulated in and sends every input again until it is
acknowledged. So a lost datagram costs nothing while a later one comes in time, and the network's jitter is absorbed
by how far ahead the client runs: the server reports the margin, the client speeds up or slows down.
"""

from collections import deque

from ecsnet.inputstatistics import InputStatistics
from ecsnet.replication.codec import Values
from ecsnet.wire import Tick, advance_tick, is_newer, tick_difference

__all__ = ["InputBuffer"]


class InputBuffer:
    """Inputs of one client by tick, bounded by the window they may lie in.

    The counters are explained in `InputStatistics`.

    Attributes:
        lag_ticks: How far what the client drew trailed the input taken last, as it says; 0.0 before the first.
    """

    __slots__ = ("_contiguous", "_hold_ticks", "_last", "_margins", "_missed", "_neutral", "_newest", "_waiting",
                 "_window_ticks", "changed", "held", "lag_ticks", "late", "missing", "refused", "taken",
                 "unread")  # fmt: skip

    def __init__(self, neutral: Values, *, window_ticks: int, hold_ticks: int, margin_ticks: int) -> None:
        """Make an empty buffer.

        Args:
            neutral: Values of an untouched input.
            window_ticks: How far ahead of the server's tick an input may lie, and how far behind without being odd.
            hold_ticks: How long the last input is repeated when none arrives, before neutral takes its place.
            margin_ticks: Over how many ticks the worst margin is reported.
        """
        self._neutral = self._last = neutral
        self._window_ticks = window_ticks
        self._hold_ticks = hold_ticks
        self._waiting: dict[Tick, tuple[Values, float]] = {}  # and the lag each came with
        self._newest: Tick | None = None
        self._contiguous: Tick | None = None
        self._margins: deque[int] = deque(maxlen=margin_ticks)
        self._missed: dict[Tick, Values | None] = {}  # simulated without input since the last one; what came too late
        self.held = 0
        self.lag_ticks = 0.0
        self.taken = self.missing = self.late = 0
        self.refused = self.changed = self.unread = 0

    def __repr__(self) -> str:
        """Show the state a test or a log wants."""
        return f"InputBuffer(waiting={sorted(self._waiting)}, missing={self.missing}, refused={self.refused})"

    @property
    def last(self) -> Values:
        """The input taken last; that of an untouched one before the first."""
        return self._last

    @property
    def statistics(self) -> InputStatistics:
        """What was counted so far."""
        return InputStatistics(self.taken, self.missing, self.late, self.refused, self.changed, self.unread)

    def offer(self, tick: Tick, values: Values, current: Tick, lag_ticks: float = 0.0) -> None:
        """Keep one input for its tick; ignore it if that is past, refuse it if it is far away.

        The first one counts: whoever could change it later would know more of what the others do.

        Args:
            current: The tick the server is about to simulate.
            lag_ticks: How far what the client drew trailed this input.
        """
        self._follow(tick)
        ahead = tick_difference(tick, current)
        if abs(ahead) > self._window_ticks:
            self.refused += 1
        elif ahead < 0:  # past: an old repetition, or too late; the margin tells the client
            if tick in self._missed:
                self.late += self._missed[tick] is None
                self._missed[tick] = values
        elif tick not in self._waiting:
            self._waiting[tick] = values, lag_ticks
        elif self._waiting[tick][0] != values:
            self.changed += 1

    def _follow(self, tick: Tick) -> None:
        """Note where the client's clock stands, also when its inputs are useless: the margin is how it finds back."""
        newest = self._newest
        if newest is None or is_newer(tick, newest) or tick_difference(newest, tick) > self._window_ticks:
            self._newest = tick

    def take(self, tick: Tick) -> Values:
        """Return the input for `tick`: the one sent for it, else the last one for a short while, else neutral."""
        if self._newest is None:
            return self._neutral
        self._margins.append(tick_difference(self._newest, tick))
        found = self._waiting.pop(tick, None)
        if found is not None:
            values, lag_ticks = found
            self.lag_ticks = lag_ticks + self._late_by(tick, values)
            self._last = values
            self._missed.clear()
            self.held = 0
            self.taken += 1
            return values
        self.missing += 1
        self.held += 1
        if self.held > self._hold_ticks:
            return self._neutral
        if self.held <= self._window_ticks:  # what comes later than that is refused
            self._missed[tick] = None
        return self._last

    def _late_by(self, tick: Tick, values: Values) -> int:
        """Return for how many ticks this input was down already when they were simulated without it.

        Of what is pressed in a tick whose input comes too late, the game hears in the next one, but it answers to the
        picture of when it was pressed.
        """
        first = tick
        if values != self._last:
            while self._missed.get(before := advance_tick(first, -1)) == values:
                first = before
        return tick_difference(tick, first)

    def acknowledged(self, tick: Tick) -> Tick:
        """Return the newest tick up to which the client need not send inputs again, `tick` being simulated."""
        reached = self._contiguous
        if reached is None or not is_newer(reached, tick):
            reached = tick
        while (following := advance_tick(reached)) in self._waiting:
            reached = following
        self._contiguous = reached
        return reached

    def margin(self) -> int | None:
        """Return by how many ticks the newest input was early at worst lately; None before the first input."""
        return min(self._margins) if self._margins else None
