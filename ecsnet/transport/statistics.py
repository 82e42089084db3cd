"""What a connection counts about itself."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Statistics"]

LOSS_MEMORY = 0.99  # per packet: half of it is forgotten after 70, two seconds at 30 packets a second


@dataclass(slots=True)
class Statistics:
    """Counters since the connection began, and the estimates of the moment.

    What stands under "as of the last look" is worked out when `Connection.statistics` is asked for.
    """

    rtt_seconds: float = 0.0  # smoothed; 0 before the first sample
    jitter_seconds: float = 0.0  # mean deviation of the round trip
    loss_sent: float = 0.0  # share of our packets lost lately, 0 to 1
    budget_bytes: int = 0  # the congestion window: what may be on its way at once
    in_flight_bytes: int = 0  # what is
    datagrams_sent: int = 0
    datagrams_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    packets_lost: int = 0
    retransmits: int = 0  # pieces of reliable messages sent again because they seemed lost
    duplicates: int = 0  # pieces sent again before that was known
    moves: int = 0  # times the client's address changed
    # As of the last look.
    loss_received: float = 0.0  # share of the peer's last 120 packets that did not arrive
    packets_in_flight: int = 0  # sent, and neither acknowledged nor lost
    reliable_queue_bytes: int = 0  # reliable messages not acknowledged
    unreliable_queue_bytes: int = 0  # unreliable frames not sent
    unread_messages: int = 0  # arrived, and not taken by the application
    held_bytes: int = 0  # arrived, and waiting for an earlier message or for other parts
    drops: Counter[str] = field(default_factory=Counter)  # datagrams not accepted, and messages not kept, by reason

    def note_acked(self, packets: int) -> None:
        """Follow the share of losses."""
        if self.loss_sent:
            self.loss_sent *= LOSS_MEMORY**packets

    def note_lost(self) -> None:
        """Follow the share of losses."""
        self.loss_sent += (1.0 - self.loss_sent) * (1.0 - LOSS_MEMORY)
        self.packets_lost += 1
