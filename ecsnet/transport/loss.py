"""What is on its way: each packet sent, until it is known to have arrived or to be lost. Source: RFC 9002, section 6.

Nothing is resent here: a packet is never repeated, what it carried goes into a new one. Every packet noted is given
back exactly once, as acknowledged, lost or given up.
"""

from collections.abc import Sequence
from typing import TypeAlias

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.acks import ACK_RANGE
from ecsnet.transport.packet import Ack
from ecsnet.transport.reliable import Piece
from ecsnet.transport.reordering import Reordering
from ecsnet.transport.rtt import RoundTrip

__all__ = ["InFlight", "SentPacket"]

PERSISTENT_PROBES = 3  # RFC 9002, section 7.6.1
NO_SAMPLE = float("inf")
MAX_BACKOFF = 6  # doublings
# RFC 9002 knows no end of the doubling. But a game is to go on half a second after its link is back, and the idle
# timeout ends it after 20 such probes of a datagram each.
MAX_PROBE_PAUSE_SECONDS = 0.5

# When it was sent; its size in bytes; the pieces of reliable messages and the tokens of other messages it carried; the
# largest packet its ACK named, -1 without one. A tuple, since one is made per packet: a dataclass costs 0.4 us more.
SentPacket: TypeAlias = tuple[float, int, Sequence[Piece], Sequence[int], int]


class InFlight:
    """Ack-eliciting packets that are neither acknowledged nor lost, oldest first; at most `ACK_RANGE`.

    Attributes:
        packets: By number, oldest first.
        rtt: The round trip.
        largest_acked: Largest packet number acknowledged; -1 before the first.
        loss_at: When the next packet counts as lost by time; None if there is none.
        sample: The round trip that the last ACK showed, without the delay it admits, seconds; infinite if it gave none.
    """

    __slots__ = (
        "_last_sent_at", "_max_ack_delay", "_probes", "_reordering", "largest_acked", "loss_at", "packets", "rtt",
        "sample",
    )  # fmt: skip

    def __init__(self, max_ack_delay: float) -> None:
        """Start with nothing on its way."""
        self.rtt = RoundTrip()
        self.largest_acked = -1
        self.sample = NO_SAMPLE
        self._max_ack_delay = max_ack_delay
        self.packets: dict[int, SentPacket] = {}
        self._reordering = Reordering()
        self.loss_at: float | None = None
        self._last_sent_at = 0.0
        self._probes = 0

    def __len__(self) -> int:
        """Count the packets on their way."""
        return len(self.packets)

    def __repr__(self) -> str:
        """Show what is on its way and how long that takes."""
        return f"InFlight({len(self.packets)} packets, acked {self.largest_acked}, {self._probes} probes, {self.rtt})"

    def add(self, number: int, packet: SentPacket) -> SentPacket | None:  # HOT: once per packet sent
        """Note a packet just sent; return the oldest one, given up, when there are more than an ACK can name."""
        packets = self.packets
        packets[number] = packet
        self._last_sent_at = packet[0]
        if len(packets) > ACK_RANGE:
            return packets.pop(next(iter(packets)))
        return None

    def receive_ack(  # HOT: once per packet received
        self, ack: Ack, next_number: int, now: float
    ) -> tuple[list[SentPacket], list[SentPacket]]:
        """Take an ACK; return the packets it acknowledges for the first time, and those now known to be lost.

        Raises:
            RemoteProtocolError: It acknowledges a packet that was never sent.
        """
        largest, delay_seconds, bitmap = ack
        if largest >= next_number:
            raise RemoteProtocolError(f"an ACK of packet {largest}, which was never sent")
        packets = self.packets
        arrived = bitmap << 1 | 1  # bit i: `largest - i`
        numbers = []
        for number in packets:
            if number > largest:
                break
            if arrived >> (largest - number) & 1:
                numbers.append(number)
        acked = [packets.pop(number) for number in numbers]
        self._reordering.note_acked(largest, arrived, len(acked))
        self.sample = NO_SAMPLE
        if acked:
            self._probes = 0
            # RFC 9002, section 5.1. An ACK whose largest was an ACK alone gives none: that packet is not remembered.
            if numbers[-1] == largest:
                sample = max(0.0, now - acked[-1][0])
                self.sample = sample - min(delay_seconds, self._max_ack_delay)
                self.rtt.add(sample, delay_seconds, self._max_ack_delay)
        elif largest <= self.largest_acked:
            return [], []
        if largest > self.largest_acked:  # noqa: PLR1730  # half the time of max()
            self.largest_acked = largest
        oldest = next(iter(packets), largest)
        if oldest >= self.largest_acked:  # nothing is missing: the usual case
            self.loss_at = None
            return acked, []
        return acked, self._detect(now)

    def _detect(self, now: float) -> list[SentPacket]:
        """Find what is lost: enough later packets arrived, or a later one arrived long enough ago."""
        self.loss_at = None
        reordering = self._reordering
        delay = self.rtt.loss_delay(reordering.round_trips)
        overtaken = self.largest_acked - reordering.packets
        lost = []
        for number, packet in self.packets.items():
            if number > self.largest_acked:
                break
            # The deadline is computed as `next_deadline` tells it: rounded differently, a host that sleeps exactly
            # until then would find nothing to do and sleep until then again.
            deadline = packet[0] + delay
            if number <= overtaken or deadline <= now:
                lost.append(number)
                reordering.note_lost(number)
            elif self.loss_at is None or deadline < self.loss_at:
                self.loss_at = deadline
        return [self.packets.pop(number) for number in lost]

    def persists(self, lost: Sequence[SentPacket], acked: Sequence[SentPacket] = ()) -> bool:
        """Tell whether packets just lost span three probe timeouts in which none arrived: RFC 9002, section 7.6.

        Args:
            acked: What the same ACK acknowledged; earlier ones settled what was sent before them.
        """
        span = PERSISTENT_PROBES * self.rtt.probe_timeout(self._max_ack_delay)
        if not self.rtt.has_sample or lost[-1][0] - lost[0][0] <= span:
            return False
        arrivals = iter([packet[0] for packet in acked])
        arrival, since = next(arrivals, NO_SAMPLE), lost[0][0]
        for packet in lost:
            while arrival <= packet[0]:
                arrival, since = next(arrivals, NO_SAMPLE), packet[0]
            if packet[0] - since > span:
                return True
        return False

    def update(self, now: float) -> tuple[list[SentPacket], bool]:
        """Let timers fire; return what is lost by time, and whether a probe must be sent."""
        if self.loss_at is not None:
            return (self._detect(now), False) if now >= self.loss_at else ([], False)
        probe_at = self._probe_at()
        if probe_at is not None and now >= probe_at:
            self._probes = min(self._probes + 1, MAX_BACKOFF)
            self._last_sent_at = now
            return [], True
        return [], False

    def _probe_at(self) -> float | None:
        """Return when to probe; None with nothing on its way."""
        if not self.packets:
            return None
        timeout = self.rtt.probe_timeout(self._max_ack_delay)
        return self._last_sent_at + min(timeout * (1 << self._probes), max(timeout, MAX_PROBE_PAUSE_SECONDS))

    def next_deadline(self) -> float | None:
        """Return when `update` has something to do."""
        return self.loss_at if self.loss_at is not None else self._probe_at()

    def oldest(self, count: int) -> list[SentPacket]:
        """Return the packets that have waited longest."""
        return [packet for packet, _ in zip(self.packets.values(), range(count), strict=False)]

    def forget_path(self) -> None:
        """Hear that packets go another way from now on: what is small or orderly there need not be so here."""
        self.rtt.forget_minimum()
        self._reordering = Reordering()

    def give_up(self) -> list[SentPacket]:
        """Return all packets and forget them: the connection ends."""
        packets = list(self.packets.values())
        self.packets.clear()
        self.loss_at = None
        return packets
