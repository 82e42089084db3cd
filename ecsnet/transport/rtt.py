"""The round trip, smoothed. Source: RFC 9002, section 5."""

__all__ = ["RoundTrip"]

INITIAL_SECONDS = 0.333  # RFC 9002, section 6.2.2
GRANULARITY_SECONDS = 0.001


class RoundTrip:
    """Estimates from samples of the newest acknowledged packet.

    Attributes:
        latest: The last sample, seconds.
        smoothed: Seconds.
        variation: Mean deviation, seconds.
        minimum: Seconds; 0 before the first sample.
        has_sample: Whether anything was measured yet.
    """

    __slots__ = ("has_sample", "latest", "minimum", "smoothed", "variation")

    def __init__(self) -> None:
        """Assume a third of a second until something was measured."""
        self.latest = 0.0
        self.minimum = 0.0
        self.smoothed = INITIAL_SECONDS
        self.variation = INITIAL_SECONDS / 2
        self.has_sample = False

    def __repr__(self) -> str:
        """Show the estimate in milliseconds."""
        return f"RoundTrip({self.smoothed * 1000:.1f} +- {self.variation * 1000:.1f} ms)"

    def guess(self, seconds: float) -> None:
        """Assume something better than a third of a second: how long the handshake took, at most.

        No sample, since a repetition may have been answered. But the first packet's probe need not wait a second.
        """
        if not self.has_sample:
            self.smoothed = min(INITIAL_SECONDS, max(seconds, GRANULARITY_SECONDS))
            self.variation = self.smoothed / 2

    def add(self, sample: float, ack_delay: float, max_ack_delay: float) -> None:
        """Take one sample.

        Args:
            sample: Seconds between sending a packet and its acknowledgement.
            ack_delay: Seconds the other side says it waited before acknowledging.
            max_ack_delay: Seconds it may claim at most.
        """
        self.latest = sample
        if not self.has_sample:
            self.has_sample = True
            self.minimum = self.smoothed = sample
            self.variation = sample / 2
            return
        if sample < self.minimum:  # noqa: PLR1730  # HOT: half the time of min()
            self.minimum = sample
        delay = ack_delay if ack_delay < max_ack_delay else max_ack_delay
        adjusted = sample - delay if sample >= self.minimum + delay else sample
        # In the order of RFC 9002, appendix A.7. Samples follow the handshake, so the delay always counts.
        self.variation += (abs(self.smoothed - adjusted) - self.variation) / 4
        self.smoothed += (adjusted - self.smoothed) / 8

    def forget_minimum(self) -> None:
        """Let the last sample be the smallest: nothing came through for long, and the path may be another one now."""
        self.minimum = self.latest

    def loss_delay(self, round_trips: float = 1.125) -> float:
        """Return how long a packet may trail a later acknowledged one until it counts as lost: 9/8 round trips."""
        return max(round_trips * max(self.latest, self.smoothed), GRANULARITY_SECONDS)

    def probe_timeout(self, max_ack_delay: float) -> float:
        """Return how long to wait for any acknowledgement before probing. Source: RFC 9002, section 6.2.1."""
        return self.smoothed + max(4 * self.variation, GRANULARITY_SECONDS) + max_ack_delay
