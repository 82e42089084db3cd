"""A stream's side of the transport: what is simpler because nothing sent over TCP gets lost, repeated or overtaken.

Packet numbers are counted and not sent, an ACK names no gaps, and nothing is ever sent again. What a stream needs
instead is a window: without one, seconds of stale state would pile up in the kernel's buffers before a narrow link or a
slow reader, and everything new would wait behind them.
"""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from ecsnet.config import MAX_RECORD_BYTES, HandshakeConfig, TransportConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.transport import packet
from ecsnet.transport.acks import ACK_RANGE
from ecsnet.transport.address import Address
from ecsnet.transport.crypto import TAG_BYTES, SessionKeys
from ecsnet.transport.outbox import Outbox
from ecsnet.transport.records import LENGTH_BYTES
from ecsnet.transport.statistics import Statistics
from ecsnet.transport.traffic import Traffic

__all__ = ["StreamTraffic", "handshake_config"]

# What `InFlight` remembers, but for a few keep-alives: they go out until a peer that acknowledges nothing is given up.
MAX_PACKETS_IN_FLIGHT = ACK_RANGE - 64
_ALL_BEFORE = -1  # as a bitmap: every bit set, however far back


class StreamTraffic(Traffic):
    """What goes over a stream, once there are keys: `Traffic` without losses, but with a window.

    Attributes:
        withholds_acks: Whether the application lets so much pile up that the peer had better wait.
    """

    __slots__ = ("_acks_from", "_next_received", "_unread_bytes", "withholds_acks")

    is_lossless = True

    def __init__(
        self,
        keys: SessionKeys,
        outbox: Outbox,
        config: TransportConfig,
        statistics: Statistics,
        *,
        address: Address,
        connection_id: int | None,
        now: float,
        note: Callable[[int, bytes], None] | None = None,
    ) -> None:
        """Start with packet number 0; see Traffic."""
        super().__init__(
            keys, outbox, config, statistics, address=address, connection_id=connection_id, now=now, note=note,
            congestion=FixedWindow(config.stream_window_bytes),
        )  # fmt: skip
        self._max_in_flight = MAX_PACKETS_IN_FLIGHT
        self._probe_bytes = 0
        self._next_received = 0
        self._unread_bytes = 0
        self._acks_from = now
        self.withholds_acks = False

    # Receiving.

    def open(self, data: bytes) -> tuple[int, bytes] | None:  # HOT: once per record received
        """Return a packet's number and what it holds; None, and counted, if it is not authentic."""
        if len(data) <= TAG_BYTES:
            self._statistics.drops["malformed"] += 1
            return None
        number = self._next_received
        plaintext = self._keys.receive.open(number, len(data).to_bytes(LENGTH_BYTES, "big"), data)
        if plaintext is None:
            self._statistics.drops["not authentic"] += 1
            return None
        self._next_received = number + 1
        return number, plaintext

    def keeps(self, size: int) -> bool:
        """Take a packet that the application does not read, since it comes once: but let the peer wait for the ACK.

        Raises:
            RemoteProtocolError: The peer did not wait.
        """
        self.withholds_acks = True
        self._unread_bytes += size
        if self._unread_bytes > self._config.stream_window_bytes + MAX_RECORD_BYTES:
            raise RemoteProtocolError(f"{self._unread_bytes} B beyond what was acknowledged: more than a window")
        return True

    def slow_down(self, until: float) -> None:
        """Let a peer that sends too much wait for its ACK; its packet is taken, since it comes once."""
        self._acks_from = until

    def note_read(self) -> bool:
        """Hear that the application has read everything: the peer may go on; tell whether it waits to hear it."""
        waits, self.withholds_acks = self.withholds_acks, False
        self._unread_bytes = 0
        return waits

    def take_ack(self, ack: packet.Ack, now: float) -> None:
        """Settle what the peer says has arrived: the packet it names, and so all before."""
        largest, delay_seconds, _ = ack
        super().take_ack((largest, delay_seconds, _ALL_BEFORE), now)

    # Time.

    def update(self, now: float) -> None:
        """Let the keep-alive fire; there are no losses to find and nothing to probe."""
        if now >= self.last_sent + self._keep_alive_seconds:
            self.ping_due = True
        self.calm_until = now  # there is little to do, so it is done each time

    def next_deadline(self) -> float:
        """Return when `update` or `datagrams` has something to do."""
        ack_at = self.received.ack_due_at(self._config.max_ack_delay_seconds)
        keep_alive_at = self.last_sent + self._keep_alive_seconds
        if ack_at is None or self.withholds_acks:
            return keep_alive_at
        return min(keep_alive_at, max(ack_at, self._acks_from))

    def is_stuck(self, now: float) -> bool:
        """Tell whether the oldest packet has waited for its ACK longer than any living peer takes."""
        oldest = self._in_flight.oldest(1)
        return bool(oldest) and now >= oldest[0][0] + self._config.idle_timeout_seconds

    # Sending.

    def _ack_is_due(self, now: float) -> bool:
        return not self._withholds_ack(now) and super()._ack_is_due(now)

    def _withholds_ack(self, now: float) -> bool:
        return self.withholds_acks or now < self._acks_from

    def _pack_ack(self, frames: list[bytes], now: float) -> int:
        """Add an ACK without a bitmap, unless it is withheld; return the largest packet it names, or -1."""
        if self._withholds_ack(now):
            return -1
        largest, delay, _ = self.received.take_ack(now)
        frames.append(packet.pack_ack(largest, delay, 0))
        return largest

    def seal(self, plaintext: bytes) -> bytes:
        """Make a packet of its own of some frames; the path writes its length before it."""
        number = self._next_number
        self._next_number = number + 1
        if self._note is not None:
            self._note(number, plaintext)
        length = (len(plaintext) + TAG_BYTES).to_bytes(LENGTH_BYTES, "big")
        return self._keys.send.seal(number, length, plaintext)


class FixedWindow:
    """The congestion control of a stream: none. The system has its own; all there is to do is not to run ahead of it.

    Attributes:
        window_bytes: Most bytes on their way.
        in_flight_bytes: Those that are.
    """

    __slots__ = ("in_flight_bytes", "window_bytes")

    def __init__(self, window_bytes: int) -> None:
        """Start with nothing on its way."""
        self.window_bytes = window_bytes
        self.in_flight_bytes = 0

    def __repr__(self) -> str:
        """Show the window."""
        return f"FixedWindow({self.in_flight_bytes} of {self.window_bytes} B)"

    def room_bytes(self, now: float) -> int:  # noqa: ARG002  # there is no pace
        """Return how much may go out now; the last record may pass it."""
        return max(0, self.window_bytes - self.in_flight_bytes)

    def note_sent(self, size: int, now: float) -> None:
        """Hear what one call sent."""

    def note_held_back(self) -> None:
        """Hear that more would have been sent, had there been room."""

    def resumes_at(self, kept_bytes: int) -> float | None:  # noqa: ARG002
        """Return when more goes out: only an acknowledgement lets it."""
        return None

    def guess_rtt(self, seconds: float) -> None:
        """Hear of a round trip."""

    def note_acked(self, packets: int, size: int, largest: int, next_number: int, sample: float, now: float) -> None:  # noqa: ARG002
        """Take what one ACK acknowledges."""
        self.in_flight_bytes -= size

    def note_lost(self, packets: int, size: int) -> None:  # noqa: ARG002
        """Take packets that were given up."""
        self.in_flight_bytes -= size

    def restart(self, next_number: int) -> None:
        """Hear that nothing came through for long."""


def handshake_config(config: HandshakeConfig) -> HandshakeConfig:
    """Return how a client shakes hands over a stream: each question is asked once, beside no other, and not padded.

    What goes out after a HELLO that the server accepts would be taken for a packet.
    """
    return replace(config, padded_bytes=0, retransmit_pauses_seconds=(inf,), password_doubt_seconds=inf)
