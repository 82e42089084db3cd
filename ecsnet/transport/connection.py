"""Connection: messages in, datagrams out, and back; one end of it. Both ends run this file.

It owns no socket, clock or random source. The handshake belongs to `handshake.py`, the layout of bytes to `packet.py`,
what is on its way to `loss.py`, what arrived to `acks.py`, the delivery rules to `channels.py`. Here they meet: this is
the one place that catches a peer's RemoteProtocolError.
"""

import struct
from collections import deque
from collections.abc import Iterable, Sequence

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.events import Connected, Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import packet
from ecsnet.transport.acks import ReceivedPackets
from ecsnet.transport.channels import Channel, Delivery, Piece, ReceiveChannel, ReliableSender
from ecsnet.transport.cookie import Address
from ecsnet.transport.crypto import TAG_BYTES, SessionKeys
from ecsnet.transport.handshake import Accepted, ClientHandshake, ClientHandshakeState, HandshakeFailure
from ecsnet.transport.loss import InFlight, SentPacket
from ecsnet.transport.noise import Entropy
from ecsnet.transport.state import Event, State, advance
from ecsnet.transport.statistics import Statistics
from ecsnet.wire import decode_packet_number

__all__ = ["CLIENT_HEADER", "Connection"]

CLIENT_HEADER = struct.Struct("!BIH")  # flags | connection id | packet number, low 16 bits
SERVER_HEADER = struct.Struct("!BH")  # flags | packet number, low 16 bits
FLAGS = 0x00
_FAILURES = {
    HandshakeFailure.NO_ANSWER: DisconnectReason.HANDSHAKE_TIMEOUT,
    HandshakeFailure.KEY_MISMATCH: DisconnectReason.SERVER_KEY_MISMATCH,
    HandshakeFailure.VERSION_MISMATCH: DisconnectReason.VERSION_MISMATCH,
    HandshakeFailure.UNSUPPORTED: DisconnectReason.VERSION_MISMATCH,
}


class Connection:
    """One end of a conversation with one peer.

    Attributes:
        address: Where the peer is.
        state: See `state.py`.
        statistics: Counters and estimates.
        tag: The application's own, kept and never looked at.
        server_key: On a client, the key the server proved to have; empty before.
        max_message_bytes: Longest message of an unreliable or sequenced channel.
    """

    def __init__(
        self,
        address: Address,
        *,
        channels: Sequence[Channel],
        config: TransportConfig,
        is_client: bool,
        state: State,
        now: float,
    ) -> None:
        """Make an end without keys; use `connect`, or let an Endpoint make it."""
        if not 0 < len(channels) <= packet.MAX_CHANNELS:
            raise LocalProtocolError(f"a connection has 1 to {packet.MAX_CHANNELS} channels, not {len(channels)}")
        self.address = address
        self.state = state
        self.statistics = Statistics()
        self.connection_id = 0
        self.server_key = b""
        self.tag: object = None
        self._config = config
        self._is_client = is_client
        self._header = CLIENT_HEADER.size if is_client else SERVER_HEADER.size
        self._peer_header = SERVER_HEADER.size if is_client else CLIENT_HEADER.size
        self._payload_bytes = config.datagram_bytes - self._header - TAG_BYTES
        self.max_message_bytes = self._payload_bytes - config.frame_overhead_bytes
        self._handshake: ClientHandshake | None = None
        self._keys: SessionKeys | None = None
        self._now = now
        self._kinds = tuple(channel.delivery for channel in channels)
        self._reliable = [self._make_sender(i) for i, kind in enumerate(self._kinds) if kind.is_reliable]
        self._senders = {sender.channel: sender for sender in self._reliable}
        self._receivers = [self._make_receiver(kind) for kind in self._kinds]
        self._sequence = [0] * len(channels)
        self._outgoing: deque[tuple[bytes, int | None]] = deque()  # frames of unreliable messages, and their tokens
        self._outgoing_bytes = 0
        self._received = ReceivedPackets()
        self._in_flight = InFlight(config.max_ack_delay_seconds)
        self._next_number = 0
        self._ping_due = False
        self._last_heard = now
        self._last_sent = now
        self._inbox: list[tuple[int, bytes]] = []
        self._inbox_bytes = 0
        self._reports: list[tuple[int, bool]] = []
        self._events: list[Connected | Disconnected] = []
        self._closing: tuple[DisconnectReason, str] | None = None
        self._close_times: list[float] = []
        self._close_until = 0.0

    @classmethod
    def connect(
        cls,
        address: Address,
        *,
        pins: tuple[bytes, ...],
        application_id: bytes,
        credentials: bytes,
        channels: Sequence[Channel],
        config: TransportConfig,
        entropy: Entropy,
        now: float,
    ) -> "Connection":
        """Start connecting to a server; `update` and `datagrams_to_send` carry it on.

        Args:
            pins: Server keys to accept; empty: any. See ClientHandshake.
        """
        connection = cls(address, channels=channels, config=config, is_client=True, state=State.CHALLENGING, now=now)
        connection._handshake = ClientHandshake(
            pins=pins,
            application_id=application_id,
            credentials=credentials,
            entropy=entropy,
            now=now,
            config=config.handshake,
        )
        return connection

    @classmethod
    def accepted(
        cls,
        address: Address,
        *,
        connection_id: int,
        keys: SessionKeys,
        channels: Sequence[Channel],
        config: TransportConfig,
        now: float,
    ) -> "Connection":
        """Make the server's end of a connection whose REPLY is on its way; its first packet confirms it."""
        connection = cls(address, channels=channels, config=config, is_client=False, state=State.PENDING, now=now)
        connection.connection_id = connection_id
        connection._keys = keys
        return connection

    def __repr__(self) -> str:
        """Show where it stands."""
        side = "client" if self._is_client else "server"
        return f"Connection({side}, {self.address}, {self.state.name}, sent={self._next_number})"

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent."""
        return self.state is State.CONNECTED

    # Messages.

    def send(self, channel: int, message: bytes, token: int | None = None) -> None:
        """Queue a message; it goes out with the next `datagrams_to_send`.

        Args:
            channel: Index into the table of channels.
            token: Ask for a report of what became of it (`take_reports`); unreliable channels only.

        Raises:
            LocalProtocolError: Not connected, or the message is too long.
            SendQueueFull: A reliable channel has no room for it.
        """
        if self.state is not State.CONNECTED:
            raise LocalProtocolError(f"cannot send in state {self.state.name}")
        kind = self._kinds[channel]
        if kind.is_reliable:
            if token is not None:
                raise LocalProtocolError("a reliable message always arrives; ask for reports of unreliable ones")
            self._senders[channel].queue(message)
        else:
            self._queue_unreliable(channel, kind, message, token)
        self.statistics.messages_sent += 1

    def _queue_unreliable(self, channel: int, kind: Delivery, message: bytes, token: int | None) -> None:
        if len(message) > self.max_message_bytes:
            limit = f"the {self.max_message_bytes} of a datagram"
            raise LocalProtocolError(f"a message of {len(message)} B is over {limit}; use a reliable channel")
        if kind is Delivery.SEQUENCED:
            frame = packet.pack_sequenced(channel, self._sequence[channel], message)
            self._sequence[channel] += 1
        else:
            frame = packet.pack_unreliable(channel, message)
        self._outgoing.append((frame, token))
        self._outgoing_bytes += len(frame)
        while self._outgoing_bytes > self._config.max_unreliable_queue_bytes:  # the newest are worth most
            dropped, dropped_token = self._outgoing.popleft()
            self._outgoing_bytes -= len(dropped)
            self.statistics.drops["unreliable queue full"] += 1
            if dropped_token is not None:
                self._reports.append((dropped_token, False))

    def take_messages(self) -> list[tuple[int, bytes]]:
        """Return and forget what arrived: (channel, message)."""
        messages, self._inbox = self._inbox, []
        self._inbox_bytes = 0
        return messages

    def take_reports(self) -> list[tuple[int, bool]]:
        """Return and forget what became of messages sent with a token: (token, arrived); each token once."""
        reports, self._reports = self._reports, []
        return reports

    # The six verbs.

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take a datagram; any bytes at all."""
        now = self._clamp(now)
        self.statistics.datagrams_received += 1
        self.statistics.bytes_received += len(data)
        if address != self.address:
            self.statistics.drops["wrong address"] += 1
        elif self._handshake is not None:
            self._receive_handshake(self._handshake, data, now)
        elif self._keys is None or self.state is State.CLOSED:
            self.statistics.drops["closed"] += 1
        else:
            self._receive_packet(self._keys, data, now)

    def update(self, now: float) -> None:
        """Let timers fire."""
        now = self._clamp(now)
        if self._handshake is not None:
            self._update_handshake(self._handshake, now)
        elif self.state is State.CLOSING:
            if now >= self._close_until:
                self._end()
        elif self.state in (State.CONNECTED, State.PENDING):
            self._update_connected(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now, acknowledgements included."""
        now = self._clamp(now)
        if self._handshake is not None:
            datagrams = self._handshake.datagrams_to_send(now)
        elif self.state is State.CLOSING:
            datagrams = self._close_datagrams(now)
        elif self.state is State.CONNECTED and self._keys is not None:
            datagrams = self._packets(self._keys, now)
        else:
            datagrams = []
        self.statistics.datagrams_sent += len(datagrams)
        address = self.address
        for data in datagrams:
            self.statistics.bytes_sent += len(data)
        return [(data, address) for data in datagrams]

    def next_deadline(self) -> float | None:
        """Return when `update` or `datagrams_to_send` has something to do, monotonic seconds."""
        if self._handshake is not None:
            return self._handshake.next_deadline()
        if self.state is State.CLOSING:
            return min([*self._close_times, self._close_until])
        if self.state not in (State.CONNECTED, State.PENDING):
            return None
        deadlines = [
            self._last_heard + self._idle_seconds,
            self._last_sent + self._config.keep_alive_seconds,
            self._received.ack_due_at(self._config.max_ack_delay_seconds),
            self._in_flight.next_deadline(),
        ]
        return min(deadline for deadline in deadlines if deadline is not None)

    def events(self) -> list[Connected | Disconnected]:
        """Return and forget what happened."""
        events, self._events = self._events, []
        return events

    def close(self, reason: DisconnectReason, text: str = "", *, now: float) -> None:
        """End the connection and tell the peer why; nothing happens if it has ended already."""
        now = self._clamp(now)
        if self.state in (State.CLOSING, State.CLOSED):
            return
        if self._keys is None:
            self._end(reason, text)
            return
        self._closing = (reason, text)
        self.state = advance(self.state, Event.CLOSE_SENT)
        pause = self._in_flight.rtt.probe_timeout(self._config.max_ack_delay_seconds)
        self._close_times = [now + i * pause for i in range(self._config.close_repeats)]
        self._close_until = now + (self._config.close_repeats + 1) * pause
        self._report_end(reason, text)

    # Handshake.

    def _receive_handshake(self, handshake: ClientHandshake, data: bytes, now: float) -> None:
        verdict = handshake.receive(data, now)
        if verdict is None:
            self._follow(handshake)
            return
        self._handshake = None
        self.server_key = verdict.server_key
        if isinstance(verdict, Accepted):
            self._keys = verdict.keys
            self.connection_id = verdict.connection_id
            self.state = advance(self.state, Event.ACCEPTED)
            self._last_heard = now
            self._ping_due = True  # the first packet confirms; until it is acknowledged, probes repeat it
            self._events.append(Connected(self, verdict.payload))
        else:
            reason = DisconnectReason.from_code(verdict.code)
            self._end(reason, verdict.text or reason.text, verdict.payload)

    def _follow(self, handshake: ClientHandshake) -> None:
        if self.state is State.CHALLENGING and handshake.state is ClientHandshakeState.HELLO_SENT:
            self.state = advance(self.state, Event.CHALLENGED)

    def _update_handshake(self, handshake: ClientHandshake, now: float) -> None:
        if handshake.expired(now):
            reason = _FAILURES[handshake.failure]
            self._handshake = None
            self._end(reason, reason.text)

    # Receiving.

    def _receive_packet(self, keys: SessionKeys, data: bytes, now: float) -> None:
        """Open, check, parse whole, apply.

        HOT: once per datagram received; tests/bench/bench_connection.py.
        """
        header = self._peer_header
        drops = self.statistics.drops
        if len(data) < header + TAG_BYTES + 1 or data[0] != FLAGS:
            drops["malformed"] += 1
            return
        received = self._received
        number = decode_packet_number(received.largest, data[header - 2] << 8 | data[header - 1])
        if not received.check(number):
            drops["replayed"] += 1
            return
        if self._inbox_bytes > self._config.max_inbox_bytes:
            drops["inbox full"] += 1  # not acknowledged either, so the peer slows down or sends again
            return
        plaintext = keys.receive.open(number, data[:header], data[header:])
        if plaintext is None:
            drops["not authentic"] += 1
            return
        try:
            frames = packet.parse(plaintext, self._kinds, self._config.max_fragments)
            received.add(number, now, ack_eliciting=frames.ack_eliciting)
            self._last_heard = now
            if self.state is State.PENDING:
                self.state = advance(self.state, Event.CONFIRMED)
                self._events.append(Connected(self))
            self._apply(frames, now)
        except RemoteProtocolError as error:
            self.close(DisconnectReason.PROTOCOL_ERROR, str(error), now=now)

    def _apply(self, frames: packet.Frames, now: float) -> None:
        if frames.ack is not None:
            acked, lost = self._in_flight.receive_ack(frames.ack, self._next_number, now)
            self._note_acked(acked)
            self._note_lost(lost)
        if frames.close is not None:
            self._receive_close(frames.close)
        elif self.state is State.CONNECTED:
            for message in frames.messages:
                self._receive_message(message)

    def _receive_message(self, message: packet.Message) -> None:
        kind, receiver = self._kinds[message.channel], self._receivers[message.channel]
        if kind is Delivery.UNRELIABLE:
            deliverable: Iterable[bytes] = (message.data,)
        elif kind is Delivery.SEQUENCED:
            deliverable = (message.data,) if receiver.take_sequenced(message.number) else ()
        elif message.parts > 1:
            deliverable = receiver.take_fragment(message.number, message.part, message.parts, message.data)
        else:
            deliverable = receiver.take_reliable(message.number, message.data)
        for data in deliverable:
            self._inbox.append((message.channel, data))
            self._inbox_bytes += len(data) + self._config.message_overhead_bytes
            self.statistics.messages_received += 1

    def _receive_close(self, close: packet.Close) -> None:
        reason = DisconnectReason.from_code(close.reason)
        was_closing = self.state is State.CLOSING
        self.state = advance(self.state, Event.CLOSE_RECEIVED)
        self._release()
        if not was_closing:
            self._closing = (reason, "")
            self._report_end(reason, close.text or reason.text)

    def _note_acked(self, packets: Iterable[SentPacket]) -> None:
        for sent in packets:
            for piece in sent.pieces:
                piece.sender.acked(piece)
            for token in sent.tokens:
                self._reports.append((token, True))
            if sent.acks_up_to >= 0:
                self._received.confirm(sent.acks_up_to)
            self.statistics.note_outcome(1, 0)
        rtt = self._in_flight.rtt
        if rtt.has_sample:
            self.statistics.rtt_seconds, self.statistics.jitter_seconds = rtt.smoothed, rtt.variation

    def _note_lost(self, packets: Iterable[SentPacket]) -> None:
        for sent in packets:
            for piece in sent.pieces:
                self._send_again(piece)
            for token in sent.tokens:
                self._reports.append((token, False))
            self.statistics.note_outcome(0, 1)

    def _send_again(self, piece: Piece) -> None:
        if not piece.done and not piece.queued:
            self.statistics.retransmits += 1
            piece.sender.lost(piece)

    # Sending.

    def _update_connected(self, now: float) -> None:
        if now >= self._last_heard + self._idle_seconds:
            self._end(DisconnectReason.TIMEOUT, DisconnectReason.TIMEOUT.text)
            return
        lost, probe = self._in_flight.update(now)
        self._note_lost(lost)
        if probe:
            self._ping_due = True
            for sent in self._in_flight.oldest(2):  # a probe that carries what may be lost saves a round trip
                for piece in sent.pieces:
                    self._send_again(piece)
        if now >= self._last_sent + self._config.keep_alive_seconds:
            self._ping_due = True

    @property
    def _idle_seconds(self) -> float:
        """How long silence is borne; a client that never confirms goes with its handshake."""
        waiting = self.state is State.PENDING
        return self._config.handshake.timeout_seconds if waiting else self._config.idle_timeout_seconds

    def _packets(self, keys: SessionKeys, now: float) -> list[bytes]:
        """Pack what is queued into as few datagrams as it fits, up to the budget of one call."""
        datagrams: list[bytes] = []
        budget = self._config.send_budget_bytes
        while budget > 0 and self._is_due(now) and (data := self._pack(keys, now)) is not None:
            datagrams.append(data)
            budget -= len(data)
        if datagrams:
            self._last_sent = now
        return datagrams

    def _pack(self, keys: SessionKeys, now: float) -> bytes | None:
        """Pack one datagram; None if nothing needs to go out.

        HOT: once per datagram sent; tests/bench/bench_connection.py.
        """
        frames: list[bytes] = []
        pieces: list[Piece] = []
        tokens: list[int] = []
        room = self._payload_bytes
        acks_up_to = -1
        if self._received.ack_wanted:
            acks_up_to, delay, bitmap = self._received.take_ack(now)
            frames.append(packet.pack_ack(acks_up_to, delay, bitmap))
            room -= len(frames[0])
        for sender in self._reliable:
            room = _fill(sender, frames, pieces, room)
        outgoing = self._outgoing
        while outgoing and len(outgoing[0][0]) <= room and len(frames) < packet.MAX_FRAMES:
            frame, token = outgoing.popleft()
            self._outgoing_bytes -= len(frame)
            frames.append(frame)
            room -= len(frame)
            if token is not None:
                tokens.append(token)
        only_ack = len(frames) == (acks_up_to >= 0)
        if self._ping_due and only_ack:
            frames.append(packet.PING_FRAME)
            only_ack = False
        if not frames:
            return None
        self._ping_due = False
        data = self._seal(keys, b"".join(frames))
        if not only_ack:
            self._track(SentPacket(self._next_number - 1, now, len(data), pieces, tokens, acks_up_to))
        return data

    def _is_due(self, now: float) -> bool:
        """Tell whether anything has to go out; an ACK alone waits for company."""
        if self._outgoing or self._ping_due:
            return True
        ack_due_at = self._received.ack_due_at(self._config.max_ack_delay_seconds)
        if ack_due_at is not None and now >= ack_due_at:
            return True
        return any(sender.peek() is not None for sender in self._reliable)

    def _track(self, sent: SentPacket) -> None:
        given_up = self._in_flight.add(sent)
        if given_up is not None:
            self._note_lost((given_up,))

    def _seal(self, keys: SessionKeys, plaintext: bytes) -> bytes:
        number = self._next_number
        self._next_number += 1
        if self._is_client:
            header = CLIENT_HEADER.pack(FLAGS, self.connection_id, number & 0xFFFF)
        else:
            header = SERVER_HEADER.pack(FLAGS, number & 0xFFFF)
        return header + keys.send.seal(number, header, plaintext)

    # The end.

    def _close_datagrams(self, now: float) -> list[bytes]:
        """Say CLOSE a few times: the last words get lost like any others."""
        if not self._close_times or now < self._close_times[0] or self._keys is None or self._closing is None:
            return []
        self._close_times.pop(0)
        return [self._seal(self._keys, packet.pack_close(*self._closing))]

    def close_reply(self) -> bytes | None:
        """Return one last CLOSE for a peer that said it first, so that it can stop repeating; None if that is done."""
        if self.state is not State.CLOSED or self._keys is None or self._closing is None:
            return None
        reply = self._seal(self._keys, packet.pack_close(*self._closing))
        self._closing = None
        return reply

    def _end(self, reason: DisconnectReason | None = None, text: str = "", payload: bytes = b"") -> None:
        """End without a word; with a reason if the host does not know yet."""
        self._handshake = None
        self.state = advance(self.state, Event.ENDED)
        self._release()
        if reason is not None:
            self._report_end(reason, text, payload)

    def _report_end(self, reason: DisconnectReason, text: str, payload: bytes = b"") -> None:
        self._release()
        self._events.append(Disconnected(self, reason, text, payload))

    def _release(self) -> None:
        """Report what is still on its way as lost, and let go of the queues."""
        for sent in self._in_flight.give_up():
            self._reports.extend((token, False) for token in sent.tokens)
        self._reports.extend((token, False) for _, token in self._outgoing if token is not None)
        self._outgoing.clear()
        self._outgoing_bytes = 0

    def _clamp(self, now: float) -> float:
        """Return `now`, or the latest time known if the clock ran backward."""
        self._now = max(self._now, now)
        return self._now

    def _make_sender(self, channel: int) -> ReliableSender:
        config = self._config
        return ReliableSender(
            channel,
            limit_bytes=config.client_send_queue_bytes if self._is_client else config.server_send_queue_bytes,
            window_messages=config.reliable_window_messages,
            window_bytes=config.reliable_window_bytes,
            piece_bytes=self.max_message_bytes,
            max_message_bytes=config.max_reliable_message_bytes,
        )

    def _make_receiver(self, kind: Delivery) -> ReceiveChannel:
        config = self._config
        return ReceiveChannel(
            kind, config.reliable_window_messages, config.max_reliable_message_bytes, config.receive_buffer_bytes
        )


def _fill(sender: ReliableSender, frames: list[bytes], pieces: list[Piece], room: int) -> int:
    """Add a reliable channel's pieces while they fit; return the room that is left."""
    while len(frames) < packet.MAX_FRAMES and (piece := sender.peek()) is not None and len(piece.frame) <= room:
        sender.pop()
        frames.append(piece.frame)
        pieces.append(piece)
        room -= len(piece.frame)
    return room
