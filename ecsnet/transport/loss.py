"""What is on its way: each packet sent, until it is known to have arrived or to be lost. Source: RFC 9002, 6."""

from collections.abc import Iterator
from dataclasses import dataclass

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.acks import ACK_RANGE
from ecsnet.transport.channels import Piece
from ecsnet.transport.packet import Ack
from ecsnet.transport.rtt import RoundTrip

__all__ = ["InFlight", "SentPacket"]

PACKET_THRESHOLD = 3
MAX_BACKOFF = 6  # doublings: 2**6 probe timeouts are longer than any idle timeout


@dataclass(slots=True, eq=False)
class SentPacket:
    """What must be known of a packet when it is acknowledged or lost."""

    number: int
    sent_at: float
    size: int
    pieces: list[Piece]
    tokens: list[int]
    acks_up_to: int  # largest of the ACK it carried; -1 without


class InFlight:
    """Ack-eliciting packets that are neither acknowledged nor lost, oldest first; at most `ACK_RANGE`."""

    __slots__ = ("_last_sent_at", "_loss_at", "_max_ack_delay", "_packets", "_probes", "largest_acked", "rtt")

    def __init__(self, max_ack_delay: float) -> None:
        """Start with nothing on its way."""
        self.rtt = RoundTrip()
        self.largest_acked = -1
        self._max_ack_delay = max_ack_delay
        self._packets: dict[int, SentPacket] = {}
        self._loss_at: float | None = None
        self._last_sent_at = 0.0
        self._probes = 0

    def __len__(self) -> int:
        """Count the packets on their way."""
        return len(self._packets)

    def add(self, packet: SentPacket) -> SentPacket | None:
        """Note a packet just sent; return the oldest, now given up, when there are too many."""
        self._packets[packet.number] = packet
        self._last_sent_at = packet.sent_at
        if len(self._packets) > ACK_RANGE:
            return self._packets.pop(next(iter(self._packets)))
        return None

    def receive_ack(self, ack: Ack, next_number: int, now: float) -> tuple[list[SentPacket], list[SentPacket]]:
        """Take an ACK; return the packets it acknowledges for the first time, and those now known to be lost.

        Raises:
            RemoteProtocolError: It acknowledges a packet that was never sent.
        """
        if ack.largest >= next_number:
            raise RemoteProtocolError(f"an ACK of packet {ack.largest}, which was never sent")
        acked = [packet for number in self._named(ack) if (packet := self._packets.pop(number, None)) is not None]
        if not acked:
            return [], []
        if acked[0].number == ack.largest and ack.largest > self.largest_acked:
            self.rtt.add(max(0.0, now - acked[0].sent_at), ack.delay_seconds, self._max_ack_delay)
        self.largest_acked = max(self.largest_acked, ack.largest)
        self._probes = 0
        return acked, self._detect(now)

    def _named(self, ack: Ack) -> Iterator[int]:
        """Yield the numbers an ACK names, among those on their way, newest first."""
        if not self._packets:
            return
        oldest = next(iter(self._packets))
        yield ack.largest
        bitmap, number = ack.bitmap, ack.largest - 1
        while bitmap and number >= oldest:
            if bitmap & 1:
                yield number
            bitmap >>= 1
            number -= 1

    def _detect(self, now: float) -> list[SentPacket]:
        """Find what is lost: three later packets arrived, or a later one arrived long enough ago."""
        self._loss_at = None
        delay = self.rtt.loss_delay()
        lost = []
        for packet in self._packets.values():
            if packet.number > self.largest_acked:
                break
            if packet.number <= self.largest_acked - PACKET_THRESHOLD or packet.sent_at <= now - delay:
                lost.append(packet)
            elif self._loss_at is None:
                self._loss_at = packet.sent_at + delay
        for packet in lost:
            del self._packets[packet.number]
        return lost

    def update(self, now: float) -> tuple[list[SentPacket], bool]:
        """Let timers fire; return what is lost by time, and whether a probe must be sent."""
        if self._loss_at is not None and now >= self._loss_at:
            return self._detect(now), False
        probe_at = self.probe_at()
        if probe_at is not None and now >= probe_at:
            self._probes = min(self._probes + 1, MAX_BACKOFF)
            self._last_sent_at = now
            return [], True
        return [], False

    def probe_at(self) -> float | None:
        """Return when to probe; None with nothing on its way."""
        if not self._packets:
            return None
        return self._last_sent_at + self.rtt.probe_timeout(self._max_ack_delay) * (1 << self._probes)

    def next_deadline(self) -> float | None:
        """Return when `update` has something to do."""
        return self._loss_at if self._loss_at is not None else self.probe_at()

    def oldest(self, count: int) -> list[SentPacket]:
        """Return the packets that have waited longest."""
        return [packet for packet, _ in zip(self._packets.values(), range(count), strict=False)]

    def give_up(self) -> list[SentPacket]:
        """Return all packets and forget them: the connection ends."""
        packets = list(self._packets.values())
        self._packets.clear()
        return packets
