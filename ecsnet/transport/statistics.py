"""What a connection counts about itself."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Statistics"]


@dataclass(slots=True)
class Statistics:
    """Counters since the connection began, and the estimates of the moment."""

    rtt_seconds: float = 0.0  # smoothed; 0 before the first sample
    jitter_seconds: float = 0.0  # mean deviation of the round trip
    loss_sent: float = 0.0  # share of our packets lost lately, 0 to 1
    datagrams_sent: int = 0
    datagrams_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    packets_lost: int = 0
    retransmits: int = 0  # pieces of reliable messages sent again
    drops: Counter[str] = field(default_factory=Counter)  # datagrams not accepted, and messages not kept, by reason

    def note_outcome(self, acked: int, lost: int) -> None:
        """Follow the share of losses; it forgets with a half-life of about 70 packets."""
        for outcome, count in ((0.0, acked), (1.0, lost)):
            for _ in range(count):
                self.loss_sent += (outcome - self.loss_sent) * 0.01
        self.packets_lost += lost
