"""Tick times: how long a server took for the passes in which ticks ran, over the last seconds."""

from collections import deque

from ecsnet.distribution import Distribution

__all__ = ["TickTimes"]

WINDOW_SECONDS = 10  # short enough to follow what happens, long enough to find what is rare: 600 ticks at 60 Hz


class TickTimes:
    """A distribution for each of the last seconds."""

    def __init__(self) -> None:
        """Begin without any."""
        self._seconds: deque[tuple[int, Distribution]] = deque(maxlen=WINDOW_SECONDS)

    def __repr__(self) -> str:
        """Show what there is."""
        return f"TickTimes({[found for _, found in self._seconds]})"

    def note(self, seconds: float, now: float) -> None:
        """Note how long a pass took that ended now."""
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Distribution()))
        self._seconds[-1][1].note(max(0.0, seconds))  # a clock that runs backward measures nothing

    def recent(self, now: float) -> Distribution:
        """Return where the times of the last seconds lay."""
        recent = Distribution()
        for second, found in self._seconds:
            if now - second < WINDOW_SECONDS:
                recent.add(found)
        return recent

    def report(self, now: float) -> dict[str, object]:
        """Return them in milliseconds, for people and programs."""
        recent = self.recent(now)
        figures = {
            "p50_ms": recent.percentile(0.50),
            "p99_ms": recent.percentile(0.99),
            "worst_ms": max(0.0, recent.most),
        }
        return {"passes": recent.count, **{name: round(1000 * seconds, 3) for name, seconds in figures.items()}}
