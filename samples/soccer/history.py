"""What the client counted in the last seconds, for curves and for rates."""

from collections import Counter, deque
from dataclasses import dataclass
from typing import NamedTuple

from ecsnet import RunningClient

__all__ = ["Counts", "History", "Reading"]

SPAN_SECONDS = 6.0  # of the curves
RATE_SECONDS = 1.0  # over which a rate is taken
BAR_SECONDS = 0.1
MAX_READINGS = 1200  # one a frame, of which there are sixty a second; with more, the curves are shorter


class Counts(NamedTuple):
    """What only rises; or how fast, each second."""

    bytes_sent: float
    datagrams_sent: float
    bytes_received: float
    datagrams_received: float
    corrections: float
    replayed_ticks: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How it stood in one frame."""

    at: float  # monotonic seconds
    rtt_seconds: float
    counts: Counts


class History:
    """Keeps a reading of every frame for as long as it can be seen.

    Attributes:
        readings: The oldest first.
    """

    def __init__(self) -> None:
        """Begin without a reading."""
        self.readings: deque[Reading] = deque(maxlen=MAX_READINGS)

    def note(self, client: RunningClient) -> Reading:
        """Take a reading, once a frame; return it."""
        statistics, figures, now = client.statistics, client.figures, client.clock.now()
        counts = Counts(
            statistics.bytes_sent,
            statistics.datagrams_sent,
            statistics.bytes_received,
            statistics.datagrams_received,
            figures.corrections,
            figures.replayed_ticks,
        )
        self.readings.append(Reading(now, statistics.rtt_seconds, counts))
        while self.readings[0].at < now - SPAN_SECONDS:
            self.readings.popleft()
        return self.readings[-1]

    def rates(self) -> Counts:
        """Return how fast everything rose in the last second; zeros before there are two readings."""
        newest = oldest = self.readings[-1]
        for reading in reversed(self.readings):
            if reading.at < newest.at - RATE_SECONDS:
                break
            oldest = reading
        seconds = newest.at - oldest.at or 1.0
        return Counts(*((new - old) / seconds for new, old in zip(newest.counts, oldest.counts, strict=True)))

    def corrections(self) -> list[tuple[float, int]]:
        """Return when there were how many corrections: the middle of a tenth of a second, and their number in it."""
        bars: Counter[int] = Counter()
        before: Reading | None = None
        for reading in self.readings:
            if before is not None:
                bars[int(reading.at / BAR_SECONDS)] += int(reading.counts.corrections - before.counts.corrections)
            before = reading
        return [((bar + 0.5) * BAR_SECONDS, count) for bar, count in sorted(bars.items()) if count > 0]
