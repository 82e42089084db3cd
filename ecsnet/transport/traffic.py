"""The packets of one connection, both ways: numbered, sealed, acknowledged, given up for lost.

The layout of bytes belongs to `packet.py`, what is to be sent to `outbox.py`, what is on its way to `loss.py`, what
arrived to `acks.py`, how much may go out to `congestion.py`. Whether there is a connection at all is the business of
`connection.py`.
"""

import struct
from collections.abc import Callable, Sequence

from ecsnet.config import MAX_RECORD_BYTES, TransportConfig
from ecsnet.transport import packet
from ecsnet.transport.acks import ACK_RANGE, ReceivedPackets
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.congestion import Congestion, CongestionControl
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
KEPT_SHARE = 4  # 1 / of the window: a download leaves it to state, or state would find the window full at each tick
SERVER_PATIENCE = 1.25  # times the keep-alive pause of a client
PROBED_PACKETS = 2  # a probe repeats what the two oldest packets carried: RFC 9002, section 6.2.4


class Traffic:
    """What goes over one connection, once there are keys.

    Attributes:
        is_lossless: Whether nothing gets lost on the way; then nothing may be dropped here, either.
        address: Where packets go.
        calm_until: Before that `update` has nothing to do: no later than any timer, and often earlier.
        ping_due: Whether a packet that asks for an ACK must go out.
        last_sent: When the last packet went out.
        received: Which of the peer's packets have arrived.
    """

    __slots__ = (
        "_config", "_congestion", "_header_start", "_in_flight", "_keep_alive_seconds", "_keys", "_max_in_flight",
        "_next_number", "_note", "_outbox", "_payload_bytes", "_peer_header_bytes", "_probe_bytes", "_resumes_at",
        "_statistics", "address", "calm_until", "last_sent", "ping_due", "received",
    )  # fmt: skip

    is_lossless = False

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
        congestion: CongestionControl | None = None,
    ) -> None:
        """Start with packet number 0.

        Args:
            connection_id: On a client, what its packets carry; None on a server.
            note: Told of each packet sent: its number, its frames.
            congestion: How much may be on its way; what a path of datagrams needs when omitted.
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
        self._payload_bytes = payload_bytes(address, config, is_client=is_client)
        self._in_flight = InFlight(config.max_ack_delay_seconds)
        self._congestion = congestion or Congestion(config, self._in_flight.rtt.smoothed)
        self._max_in_flight = ACK_RANGE
        self._probe_bytes = self._payload_bytes  # a PING that is due takes along what fits, also without room for it
        self._resumes_at: float | None = None  # when what pacing held back may go out
        self._next_number = 0
        self._note = note
        self.received = ReceivedPackets()
        self.ping_due = False
        self.last_sent = now
        self.calm_until = now
        # A server lets the client ask: it answers each PING, and need not send one of its own a moment later.
        self._keep_alive_seconds = config.keep_alive_seconds * (1.0 if is_client else SERVER_PATIENCE)

    def __repr__(self) -> str:
        """Show how far both directions got."""
        return f"Traffic(sent {self._next_number}, received {self.received}, {self._in_flight}, {self._congestion})"

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

    def keeps(self, size: int) -> bool:  # noqa: ARG002  # a stream does
        """Tell whether a packet of `size` bytes is taken although the application does not read what came before.

        It is not: unacknowledged, it makes the peer slow down, or send again what matters.
        """
        return False

    def note_read(self) -> bool:
        """Hear that the application has read everything; tell whether the peer waits to hear it."""
        return False

    def slow_down(self, until: float) -> None:
        """Let a peer that sends too much wait for its ACK. Here it does not get one: losses slow it down."""

    def take_ack(self, ack: packet.Ack, now: float) -> None:  # HOT: once per packet received
        """Settle what the peer says has arrived.

        Raises:
            RemoteProtocolError: It says so of a packet that was never sent.
        """
        in_flight = self._in_flight
        acked, lost = in_flight.receive_ack(ack, self._next_number, now)
        if lost:
            self._note_lost(lost, acked)
        if not acked:
            return
        statistics, outbox = self._statistics, self._outbox
        size, confirmed = 0, -1
        for _, packet_bytes, pieces, tokens, acks_up_to in acked:
            size += packet_bytes
            if pieces or tokens:
                outbox.acknowledge(pieces, tokens)
            if acks_up_to > confirmed:  # noqa: PLR1730  # half the time of max()
                confirmed = acks_up_to
        count = len(acked)
        statistics.note_acked(count)
        self.received.confirm(confirmed)
        self._congestion.note_acked(count, size, in_flight.largest_acked, self._next_number, in_flight.sample, now)
        if in_flight.packets or outbox.is_held_up:
            self._set_alarm(in_flight.next_deadline())  # a shorter round trip, or a gap, makes it earlier
        else:  # questions and answers: each would leave an alarm behind that nobody needs any more
            self.calm_until = self.last_sent + self._keep_alive_seconds

    def _note_lost(self, lost: Sequence[SentPacket], acked: Sequence[SentPacket] = ()) -> None:
        size = 0
        for _, packet_bytes, pieces, tokens, _ in lost:
            size += packet_bytes
            self._statistics.note_lost()
            self._outbox.lose(pieces, tokens)
        self._congestion.note_lost(len(lost), size)
        if self._in_flight.persists(lost, acked):
            self._in_flight.rtt.forget_minimum()
            self._congestion.restart(self._next_number)

    # Time.

    def guess_rtt(self, seconds: float) -> None:
        """Take what the handshake took, at most, for the round trip until one was measured."""
        rtt = self._in_flight.rtt
        rtt.guess(seconds)
        self._congestion.guess_rtt(rtt.smoothed)

    def probe_timeout(self) -> float:
        """Return after how many seconds without an acknowledgement something must be wrong."""
        return self._in_flight.rtt.probe_timeout(self._config.max_ack_delay_seconds)

    def move(self, address: Address) -> None:
        """Send to another address from now on. Another host is another path: nothing known of the old one holds."""
        if address[0] != self.address[0]:
            self._in_flight.forget_path()
            self._congestion.restart(self._next_number)
        self.address = address

    def _set_alarm(self, deadline: float | None) -> None:
        """Hear that `update` has something to do by then."""
        if deadline is not None and deadline < self.calm_until:
            self.calm_until = deadline

    def update(self, now: float) -> None:
        """Let timers fire: losses, probes, keep-alives."""
        lost, probe = self._in_flight.update(now)
        if lost:
            self._note_lost(lost)
        if now >= self.last_sent + self._keep_alive_seconds:
            probe = True  # it postpones a probe that waits longer, so it must be as good
        if probe:
            self.ping_due = True
            for _, _, pieces, _, _ in self._in_flight.oldest(PROBED_PACKETS):  # saves a round trip if they are lost
                for piece in reversed(pieces):
                    self._outbox.repeat(piece)
        # A probe's timer runs from the packet sent last: by the next one the deadline is later, never earlier.
        self.calm_until = self.last_sent + self._keep_alive_seconds
        self._set_alarm(self._in_flight.next_deadline())

    def is_stuck(self, now: float) -> bool:  # noqa: ARG002  # a stream knows
        """Tell whether the peer lives but acknowledges nothing: here that is what losses look like."""
        return False

    def next_deadline(self) -> float:
        """Return when `update` or `datagrams` has something to do."""
        deadline = self.calm_until
        if self.received.eliciting_since is not None:
            ack_due_at = self.received.ack_due_at(self._config.max_ack_delay_seconds)
            if ack_due_at is not None and ack_due_at < deadline:
                deadline = ack_due_at
        resumes_at = self._resumes_at
        return deadline if resumes_at is None or resumes_at > deadline else resumes_at

    # Sending.

    def datagrams(self, now: float) -> list[tuple[bytes, Address]]:  # HOT: once per call of the host
        """Pack what is queued into as few datagrams as it fits, as far as there is room; PINGs and ACKs need none."""
        datagrams: list[tuple[bytes, Address]] = []
        sent = 0
        in_flight, outbox = self._in_flight, self._outbox
        was_quiet = not in_flight.packets
        if self.ping_due or outbox.queue or outbox.is_waiting:
            sent = self._send_waiting(datagrams, now)
        else:
            self._resumes_at = None
        if sent:
            self._congestion.note_sent(sent, now)
        if self.received.eliciting_since is not None and self._ack_is_due(now):  # nothing was sent that could carry it
            data = self._pack(now, 0)
            datagrams.append((data, self.address))
            sent += len(data)
        if datagrams:
            statistics = self._statistics
            self.last_sent = now
            statistics.datagrams_sent += len(datagrams)
            statistics.bytes_sent += sent
            if not in_flight.packets:
                self.calm_until = now + self._keep_alive_seconds
            elif was_quiet:
                self._set_alarm(in_flight.next_deadline())
        return datagrams

    def _send_waiting(self, datagrams: list[tuple[bytes, Address]], now: float) -> int:
        """Pack what waits, as far as there is room; return the bytes. HOT: once per call of the host."""
        outbox, congestion, address, payload = self._outbox, self._congestion, self.address, self._payload_bytes
        limit = self._config.send_budget_bytes
        most = self._max_in_flight - len(self._in_flight.packets)
        room = congestion.room_bytes(now)
        outbox.begin(room, payload)
        sent = kept = 0
        while True:
            if not kept and not outbox.waiting_bytes:  # only reliable messages are left: they leave some of the window
                kept = congestion.window_bytes // KEPT_SHARE
                room = min(room, sent + congestion.window_bytes - kept - congestion.in_flight_bytes)
            if not self.ping_due and (sent >= room or sent >= limit or len(datagrams) >= most):
                break
            data = self._pack(now, payload if sent < room else self._probe_bytes)
            datagrams.append((data, address))
            sent += len(data)
            if not outbox.queue and not outbox.is_waiting:
                self._resumes_at = None
                return sent
        self._hold_back(kept, by_pace=sent < limit and len(datagrams) < most, full=len(datagrams) >= most)
        return sent

    def _hold_back(self, kept: int, *, by_pace: bool, full: bool) -> None:
        """Let what waits wait, the newest of it, until an acknowledgement or pacing lets it out."""
        congestion = self._congestion
        if by_pace:
            congestion.note_held_back()
        self._outbox.drop_oldest(max(congestion.window_bytes, self._config.unreliable_backlog_bytes))
        self._resumes_at = None if full else congestion.resumes_at(kept)

    def budget_bytes(self, now: float) -> int:
        """Return how much of unreliable messages the next call can carry beside what waits. HOT: once per send tick."""
        room, limit = self._congestion.room_bytes(now), self._config.send_budget_bytes
        left = (room if room < limit else limit) - self._outbox.waiting_bytes
        return left if left > 0 else 0

    def _ack_is_due(self, now: float) -> bool:
        """Tell whether an ACK waits for no more company."""
        due_at = self.received.ack_due_at(self._config.max_ack_delay_seconds)
        return due_at is not None and now >= due_at

    def _pack(self, now: float, room: int) -> bytes:  # HOT: once per datagram sent; tests/bench/bench_connection.py
        """Pack one datagram, with up to `room` bytes of frames; an ACK, or a PING that is due, goes in any case."""
        frames: list[bytes] = []
        acks_up_to = -1
        if self.received.eliciting_since is not None:
            acks_up_to = self._pack_ack(frames, now)
            if frames:
                room -= len(frames[0])
        pieces, tokens = self._outbox.fill(frames, room)
        if len(frames) == (acks_up_to >= 0):
            if not self.ping_due:  # an ACK alone: nobody acknowledges it, so nothing is to be remembered
                return self.seal(frames[0])
            frames.append(packet.PING_FRAME)
        self.ping_due = False
        data = self.seal(b"".join(frames))
        given_up = self._in_flight.add(self._next_number - 1, (now, len(data), pieces, tokens, acks_up_to))
        self._congestion.in_flight_bytes += len(data)
        if given_up is not None:
            self._note_lost((given_up,))
        return data

    def _pack_ack(self, frames: list[bytes], now: float) -> int:
        """Add an ACK; return the largest packet it names."""
        if self.received.unconfirmed > MAX_UNCONFIRMED_PACKETS:
            self.ping_due = True
        largest, delay, bitmap = self.received.take_ack(now)
        frames.append(packet.pack_ack(largest, delay, bitmap))
        return largest

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
        rtt, congestion = self._in_flight.rtt, self._congestion
        if rtt.has_sample:
            statistics.rtt_seconds, statistics.jitter_seconds = rtt.smoothed, rtt.variation
        statistics.budget_bytes, statistics.in_flight_bytes = congestion.window_bytes, congestion.in_flight_bytes
        statistics.packets_in_flight = len(self._in_flight)
        statistics.loss_received = self.received.loss()

    def give_up(self) -> None:
        """Report what is on its way as lost: the connection ends."""
        for _, _, _, tokens, _ in self._in_flight.give_up():
            self._outbox.lose((), tokens)
        self._congestion.in_flight_bytes = self._statistics.in_flight_bytes = 0


def payload_bytes(address: Address, config: TransportConfig, *, is_client: bool) -> int:
    """Return how many bytes of frames fit a packet."""
    if isinstance(address, StreamAddress):
        return min(config.datagram_bytes, MAX_RECORD_BYTES) - TAG_BYTES
    return config.datagram_bytes - (CLIENT_HEADER if is_client else SERVER_HEADER).size - TAG_BYTES
