"""The packets of one connection, both ways: numbered, sealed, acknowledged, given up for lost.

The layout of bytes belongs to `packet.py`, what is to be sent to `outbox.py`, what is on its way to `loss.py`, what
arrived to `acks.py`. Whether there is a connection at all is the business of `connection.py`.
"""

import struct
from collections.abc import Callable, Iterable

from ecsnet.config import TransportConfig
from ecsnet.transport import packet
from ecsnet.transport.acks import ReceivedPackets
from ecsnet.transport.address import Address
from ecsnet.transport.crypto import TAG_BYTES, SessionKeys
from ecsnet.transport.loss import InFlight, SentPacket
from ecsnet.transport.outbox import Outbox
from ecsnet.transport.statistics import Statistics
from ecsnet.wire import decode_packet_number

__all__ = ["CLIENT_HEADER", "FLAGS", "SERVER_HEADER", "Traffic"]

CLIENT_HEADER = struct.Struct("!BIH")  # flags | connection id | packet number, low 16 bits
SERVER_HEADER = struct.Struct("!BH")  # flags | packet number, low 16 bits
NUMBER_BYTES = 2
FLAGS = 0x00
# An ACK goes back over packets until the peer acknowledges a packet with an ACK. Whoever only ever acknowledges sends a
# PING with it when it goes back this far; else it would grow to 128 bytes and stay so.
MAX_UNCONFIRMED_PACKETS = 64
PROBED_PACKETS = 2  # a probe repeats what the two oldest packets carried: RFC 9002, section 6.2.4


class Traffic:
    """What goes over one connection, once there are keys.

    Attributes:
        address: Where packets go.
        ping_due: Whether a packet that asks for an ACK must go out.
        last_sent: When the last packet went out.
        received: Which of the peer's packets have arrived.
    """

    __slots__ = (
        "_config", "_header_start", "_in_flight", "_keys", "_next_number", "_note", "_outbox", "_payload_bytes",
        "_peer_header_bytes", "_statistics", "address", "last_sent", "ping_due", "received",
    )  # fmt: skip

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
        """Start with packet number 0.

        Args:
            connection_id: On a client, what its packets carry; None on a server.
            note: Told of each packet sent: its number, its frames.
        """
        is_client = connection_id is not None
        self._keys = keys
        self._outbox = outbox
        self._config = config
        self._statistics = statistics
        self.address = address
        header = SERVER_HEADER.pack(FLAGS, 0) if connection_id is None else CLIENT_HEADER.pack(FLAGS, connection_id, 0)
        self._header_start = header[:-NUMBER_BYTES]
        self._peer_header_bytes = SERVER_HEADER.size if is_client else CLIENT_HEADER.size
        self._payload_bytes = payload_bytes(config, is_client=is_client)
        self._in_flight = InFlight(config.max_ack_delay_seconds)
        self._next_number = 0
        self._note = note
        self.received = ReceivedPackets()
        self.ping_due = False
        self.last_sent = now

    def __repr__(self) -> str:
        """Show how far both directions got."""
        return f"Traffic(sent {self._next_number}, received {self.received}, {self._in_flight})"

    # Receiving.

    def open(self, data: bytes) -> tuple[int, bytes] | None:  # HOT: once per datagram received
        """Return a packet's number and what it holds; None, and counted, if it is not authentic or was here before."""
        header = self._peer_header_bytes
        if len(data) <= header + TAG_BYTES or data[0] != FLAGS:
            self._statistics.drops["malformed"] += 1
            return None
        received = self.received
        truncated = data[header - 2] << 8 | data[header - 1]
        number = received.largest + 1
        if number & 0xFFFF != truncated:
            number = decode_packet_number(number - 1, truncated)
            if not received.check(number):
                self._statistics.drops["replayed"] += 1
                return None
        plaintext = self._keys.receive.open(number, data[:header], data[header:])
        if plaintext is None:
            self._statistics.drops["not authentic"] += 1
            return None
        return number, plaintext

    def take_ack(self, ack: packet.Ack, now: float) -> None:  # HOT: once per packet received
        """Settle what the peer says has arrived.

        Raises:
            RemoteProtocolError: It says so of a packet that was never sent.
        """
        acked, lost = self._in_flight.receive_ack(ack, self._next_number, now)
        if lost:
            self._note_lost(lost)
        if not acked:
            return
        statistics, outbox = self._statistics, self._outbox
        for _, _, pieces, tokens, acks_up_to in acked:
            statistics.note_acked()
            if pieces or tokens:
                outbox.acknowledge(pieces, tokens)
            self.received.confirm(acks_up_to)
        rtt = self._in_flight.rtt
        if rtt.has_sample:
            statistics.rtt_seconds, statistics.jitter_seconds = rtt.smoothed, rtt.variation

    def _note_lost(self, packets: Iterable[SentPacket]) -> None:
        for _, _, pieces, tokens, _ in packets:
            self._statistics.note_lost()
            self._outbox.lose(pieces, tokens)

    # Time.

    def guess_rtt(self, seconds: float) -> None:
        """Take what the handshake took, at most, for the round trip until one was measured."""
        self._in_flight.rtt.guess(seconds)

    def probe_timeout(self) -> float:
        """Return after how many seconds without an acknowledgement something must be wrong."""
        return self._in_flight.rtt.probe_timeout(self._config.max_ack_delay_seconds)

    def update(self, now: float) -> None:
        """Let timers fire: losses, probes, keep-alives."""
        lost, probe = self._in_flight.update(now)
        if lost:
            self._note_lost(lost)
        if probe:
            self.ping_due = True
            for _, _, pieces, _, _ in self._in_flight.oldest(PROBED_PACKETS):  # saves a round trip if they are lost
                for piece in reversed(pieces):
                    self._outbox.repeat(piece)
        if now >= self.last_sent + self._config.keep_alive_seconds:
            self.ping_due = True

    def next_deadline(self) -> float:
        """Return when `update` or `datagrams` has something to do."""
        deadline = self.last_sent + self._config.keep_alive_seconds
        for other in (self.received.ack_due_at(self._config.max_ack_delay_seconds), self._in_flight.next_deadline()):
            if other is not None and other < deadline:
                deadline = other
        return deadline

    # Sending.

    def datagrams(self, now: float) -> list[tuple[bytes, Address]]:  # HOT: once per call of the host
        """Pack what is queued into as few datagrams as it fits, up to the budget of one call."""
        outbox, address = self._outbox, self.address
        outbox.begin()
        datagrams: list[tuple[bytes, Address]] = []
        budget = self._config.send_budget_bytes
        while budget > 0 and (self.ping_due or outbox.is_waiting or self._ack_is_due(now)):
            data = self._pack(now)
            datagrams.append((data, address))
            budget -= len(data)
        if datagrams:
            self.last_sent = now
            self._statistics.datagrams_sent += len(datagrams)
            self._statistics.bytes_sent += self._config.send_budget_bytes - budget
        return datagrams

    def _ack_is_due(self, now: float) -> bool:
        """Tell whether an ACK has waited for company long enough."""
        since = self.received.eliciting_since
        return since is not None and now >= since + self._config.max_ack_delay_seconds

    def _pack(self, now: float) -> bytes:  # HOT: once per datagram sent; tests/bench/bench_connection.py
        """Pack one datagram."""
        frames: list[bytes] = []
        room = self._payload_bytes
        acks_up_to = -1
        received = self.received
        if received.eliciting_since is not None:
            self.ping_due |= received.unconfirmed > MAX_UNCONFIRMED_PACKETS
            acks_up_to, delay, bitmap = received.take_ack(now)
            frames.append(packet.pack_ack(acks_up_to, delay, bitmap))
            room -= len(frames[0])
        pieces, tokens = self._outbox.fill(frames, room)
        if len(frames) == (acks_up_to >= 0):
            if not self.ping_due:  # an ACK alone: nobody acknowledges it, so nothing is to be remembered
                return self.seal(frames[0])
            frames.append(packet.PING_FRAME)
        self.ping_due = False
        data = self.seal(b"".join(frames))
        given_up = self._in_flight.add(self._next_number - 1, (now, len(data), pieces, tokens, acks_up_to))
        if given_up is not None:
            self._note_lost((given_up,))
        return data

    def seal(self, plaintext: bytes) -> bytes:
        """Make a packet of its own of some frames."""
        number = self._next_number
        self._next_number = number + 1
        if self._note is not None:
            self._note(number, plaintext)
        header = self._header_start + (number & 0xFFFF).to_bytes(NUMBER_BYTES, "big")
        return header + self._keys.send.seal(number, header, plaintext)

    def size_of(self, frame_bytes: int) -> int:
        """Return how large a datagram with so many bytes of frames is."""
        return len(self._header_start) + NUMBER_BYTES + frame_bytes + TAG_BYTES

    def measure(self, statistics: Statistics) -> None:
        """Tell what is on its way, and what of the peer's did not come."""
        statistics.packets_in_flight = len(self._in_flight)
        statistics.loss_received = self.received.loss()

    def give_up(self) -> None:
        """Report what is on its way as lost: the connection ends."""
        for _, _, _, tokens, _ in self._in_flight.give_up():
            self._outbox.lose((), tokens)


def payload_bytes(config: TransportConfig, *, is_client: bool) -> int:
    """Return how many bytes of frames fit a packet."""
    return config.datagram_bytes - (CLIENT_HEADER if is_client else SERVER_HEADER).size - TAG_BYTES
