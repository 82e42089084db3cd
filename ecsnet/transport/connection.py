"""Connection: messages in, datagrams out, and back; one end of it. Both ends run this file.

It owns no socket, clock or random source. The handshake belongs to `handshake.py`, packets and what becomes of them to
`traffic.py`, messages to be sent to `outbox.py`, messages that arrived to `inbox.py`, the last words to `farewell.py`.
Here they meet: this is the one place that catches a peer's RemoteProtocolError.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.events import AddressChanged, Connected, Disconnected, Writable
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import packet
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.allowance import InboundLimit
from ecsnet.transport.channels import Channel
from ecsnet.transport.crypto import SessionKeys
from ecsnet.transport.farewell import Farewell
from ecsnet.transport.handshake import Accepted, ClientHandshake, ClientHandshakeState, HandshakeFailure
from ecsnet.transport.identity import Identity
from ecsnet.transport.inbox import Inbox
from ecsnet.transport.intake import Intake
from ecsnet.transport.noise import Entropy
from ecsnet.transport.outbox import Outbox
from ecsnet.transport.path import Roaming
from ecsnet.transport.reset import is_reset
from ecsnet.transport.state import Event, State, advance
from ecsnet.transport.statistics import Statistics
from ecsnet.transport.stream import StreamTraffic, handshake_config
from ecsnet.transport.traffic import Traffic, payload_bytes

__all__ = ["Connection"]

NEVER = float("-inf")
_CONNECTED: Final = State.CONNECTED  # HOT: Python 3.11 takes 0.1 us to look an enum's member up
_FAULTS = {DisconnectReason.PROTOCOL_ERROR, DisconnectReason.FLOODING}


class Connection:
    """One end of a conversation with one peer.

    Attributes:
        address: Where the peer is.
        state: See `state.py`.
        tag: The application's own, kept and never looked at.
        connection_id: Names it among the server's connections; 0 while connecting.
        server_key: On a client, the key the server proved to have; empty before.
        current_server_key: On a client, the key to pin from now on: another one while the server's is being replaced.
        max_message_bytes: Longest message that one datagram carries.
        awake: Whoever looks after many connections gives them all the same; a connection that the application gave
            something to do puts itself in.
        is_at_fault: Whether it ended because the peer did what our own software never does.
    """

    # HOT: and instances with more than 30 attributes share no table of their names, which makes each lookup slower.
    __slots__ = (
        "_asked_at", "_calm_until", "_config", "_events", "_farewell", "_handshake", "_idle_timeout_seconds", "_inbox",
        "_intake", "_is_client", "_is_stream", "_kinds", "_last_heard", "_now", "_outbox", "_reset_token", "_roaming",
        "_settled", "_settled_at", "_statistics", "_stream_open", "_trace", "_traffic", "address", "awake",
        "connection_id", "current_server_key", "is_at_fault", "max_message_bytes", "server_key", "state", "tag",
    )  # fmt: skip

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
        self._statistics = Statistics()
        self.connection_id = 0
        self.server_key = b""
        self.current_server_key = b""
        self.tag: object = None
        self.awake: dict[Connection, None] = {}
        self.is_at_fault = False
        self.max_message_bytes = payload_bytes(address, config, is_client=is_client) - packet.OVERHEAD_BYTES
        self._config = config
        self._idle_timeout_seconds = config.idle_timeout_seconds
        self._trace = config.trace
        self._is_client = is_client
        self._is_stream = isinstance(address, StreamAddress)
        self._stream_open = self._is_stream
        self._kinds = bytes([channel.delivery for channel in channels])
        self._outbox = Outbox(
            channels, config, self._statistics, max_message_bytes=self.max_message_bytes,
            reliable_limit_bytes=config.client_send_queue_bytes if is_client else config.server_send_queue_bytes,
            conflates=self._is_stream,
        )  # fmt: skip
        self._inbox = Inbox(channels, config)
        self._handshake: ClientHandshake | None = None
        self._traffic: Traffic | None = None
        self._farewell: Farewell | None = None
        self._reset_token = b""  # on a client, what a server that forgot us would say
        self._roaming = Roaming()
        guard = config.guard
        limit = None if is_client else InboundLimit(
            guard.inbound_bytes_per_second, guard.inbound_burst_bytes, guard.inbound_packet_bytes, now
        )  # fmt: skip
        self._intake = Intake(
            self._kinds, config, self._statistics, self._inbox, self._outbox, self._roaming, limit=limit
        )
        self._now = self._last_heard = now
        self._calm_until = (
            NEVER  # before that `update` need not look at the time, as far as `Traffic` has no more urgent
        )
        self._asked_at = now  # when the handshake's last question went out, HELLO or REPLY
        self._settled = 0  # pieces of reliable messages
        self._settled_at: float | None = None  # since when that has not changed, though some wait
        self._events: list[AddressChanged | Connected | Disconnected | Writable] = []

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
        password_key: bytes | None = None,
        player_key: Identity | None = None,
    ) -> "Connection":
        """Start connecting to a server; `update` and `datagrams_to_send` carry it on.

        Args:
            pins: Server keys to accept; empty: any. See ClientHandshake, also for the two other keys.
        """
        connection = cls(address, channels=channels, config=config, is_client=True, state=State.CHALLENGING, now=now)
        connection._handshake = ClientHandshake(
            pins=pins,
            application_id=application_id,
            credentials=credentials,
            entropy=entropy,
            now=now,
            config=handshake_config(config.handshake) if connection._is_stream else config.handshake,
            password_key=password_key,
            player_key=player_key,
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
        connection._start(keys)
        return connection

    def __repr__(self) -> str:
        """Show where it stands."""
        side = "client" if self._is_client else "server"
        return f"Connection({side}, {self.address}, {self.state.name}, {self._traffic})"

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent."""
        return self.state is _CONNECTED

    @property
    def statistics(self) -> Statistics:
        """Counters and estimates, as of now."""
        statistics = self._statistics
        self._outbox.measure(statistics)
        self._inbox.measure(statistics)
        if self._traffic is not None:
            self._traffic.measure(statistics)
        return statistics

    # Messages.

    def send(self, channel: int, message: bytes, token: int | None = None) -> None:  # HOT: once per message
        """Queue a message; it goes out with the next `datagrams_to_send`.

        Args:
            channel: Index into the table of channels.
            token: Ask for a report of what became of it (`take_reports`); unreliable channels only.

        Raises:
            LocalProtocolError: Not connected, there is no such channel, or the message is too long.
            SendQueueFull: A reliable channel has no room for it; a `Writable` event tells when it has again.
        """
        if self.state is not _CONNECTED:
            raise LocalProtocolError(f"cannot send in state {self.state.name}")
        if not 0 <= channel < len(self._kinds):
            raise LocalProtocolError(f"there is no channel {channel}; the table has {len(self._kinds)}")
        self._outbox.add(channel, message, token)
        self._statistics.messages_sent += 1
        self.awake[self] = None

    def budget_bytes(self, now: float) -> int:  # HOT: once per client and send tick
        """Return how many bytes of unreliable messages are worth making now: what the next call can carry."""
        if now < self._now:
            now = self._now
        else:
            self._now = now
        return 0 if self._traffic is None else self._traffic.budget_bytes(now)

    def is_writable(self, channel: int, size: int = 0) -> bool:
        """Tell whether `send` would take a message of `size` bytes now."""
        return self.state is State.CONNECTED and self._outbox.has_room(channel, size)

    def take_messages(self) -> list[tuple[int, bytes]]:
        """Return and forget what arrived: (channel, message). The peer may send as much again."""
        inbox = self._inbox
        if not inbox.messages:
            return []
        messages = inbox.take()
        if inbox.credit.read() and self.state is State.CONNECTED:
            self._outbox.say_credit(inbox.credit.granted)
            self.awake[self] = None
        if self._traffic is not None and self._traffic.note_read() and self.state is State.CONNECTED:
            self.awake[self] = None
        return messages

    def take_leading(self, channel: int, wanted: Callable[[bytes], bool]) -> list[bytes]:
        """Return and forget messages of a channel that need not wait for `take_messages`; see `Inbox.take_leading`."""
        return self._inbox.take_leading(channel, wanted)

    def take_reports(self) -> list[tuple[int, bool]]:
        """Return and forget what became of messages sent with a token: (token, arrived); each token once."""
        reports = self._outbox.reports
        if reports:
            self._outbox.reports = []
            return reports
        return []

    # The six verbs.

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:  # HOT: once per datagram
        """Take a datagram, or a record of a stream; any bytes at all. An empty record is the end of the stream."""
        if now < self._now:
            now = self._now
        else:
            self._now = now
        statistics, traffic = self._statistics, self._traffic
        statistics.datagrams_received += 1
        statistics.bytes_received += len(data)
        if address != self.address:
            self._receive_from_elsewhere(data, address, now)
        elif not data and self._is_stream:
            self._receive_stream_end()
        elif self._handshake is not None:
            self._receive_handshake(self._handshake, data, now)
        elif traffic is None or self.state is State.CLOSED:
            statistics.drops["closed"] += 1
        else:
            opened = traffic.open(data)
            if opened is not None:
                self._receive_packet(traffic, opened[0], opened[1], now)
            elif self._is_stream and self.state in (State.PENDING, State.CONNECTED):  # no network damages a stream
                self.close(DisconnectReason.PROTOCOL_ERROR, "a record that is not authentic", now=now)
                self.is_at_fault = False  # but whoever is on the way can write into one
            elif self._reset_token and self.state is State.CONNECTED and is_reset(data, self._reset_token):
                self._end(DisconnectReason.SERVER_RESTARTED, DisconnectReason.SERVER_RESTARTED.text)

    def update(self, now: float) -> None:  # HOT: once per pass and connection that is awake
        """Let timers fire."""
        if now < self._now:
            now = self._now
        else:
            self._now = now
        if (
            now < self._calm_until
            and self.state is _CONNECTED
            and self._traffic is not None
            and now < self._traffic.calm_until
        ):
            return
        if self._handshake is not None:
            self._update_handshake(self._handshake, now)
        elif self._farewell is not None:
            if self.state is State.CLOSING and self._farewell.is_over(now):
                self.state = advance(self.state, Event.ENDED)
                self._farewell.stop_waiting()
        elif self._traffic is not None and self.state is not State.CLOSED:
            self._update_traffic(self._traffic, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:  # HOT: once per pass while awake
        """Return what must go out now, acknowledgements included; an empty record ends a stream."""
        if now < self._now:
            now = self._now
        else:
            self._now = now
        traffic = self._traffic
        if self.state is _CONNECTED and traffic is not None:
            datagrams = traffic.datagrams(now)
            return datagrams if self._roaming.next_at is None else datagrams + self._ask_path(traffic, now)
        words: list[bytes] = []
        if self._handshake is not None:
            words = self._handshake.datagrams_to_send(now)
        elif self._farewell is not None and self._traffic is not None and self._farewell.take_due(now):
            words = [self._traffic.seal(self._farewell.frame)]
        if self._stream_open and self.state is State.CLOSED:
            self._stream_open = False
            words.append(b"")
        return self._counted([(data, self.address) for data in words])

    def next_deadline(self) -> float | None:
        """Return when `update` or `datagrams_to_send` has something to do, monotonic seconds.

        HOT: once per pass while awake.
        """
        if self.state is _CONNECTED and self._traffic is not None:
            deadline, idle_at = self._traffic.next_deadline(), self._last_heard + self._idle_timeout_seconds
            if idle_at < deadline:  # noqa: PLR1730  # half the time of min()
                deadline = idle_at
            return deadline if self._roaming.next_at is None else min(deadline, self._roaming.next_at)
        if self._handshake is not None:
            return self._handshake.next_deadline()
        if self._farewell is not None:
            return self._farewell.next_deadline()
        if self.state is State.PENDING:
            return self._last_heard + self._config.handshake.timeout_seconds
        return None

    def events(self) -> list[AddressChanged | Connected | Disconnected | Writable]:  # HOT: once a pass while awake
        """Return and forget what happened."""
        if not self._events and not self._outbox.refused:
            return []
        self._events += [Writable(self, channel) for channel in self._outbox.take_writable()]
        events, self._events = self._events, []
        return events

    def close(self, reason: DisconnectReason, text: str = "", *, now: float) -> None:
        """End the connection and tell the peer why; nothing happens if it has ended already."""
        now = self._clamp(now)
        if self.state in (State.CLOSING, State.CLOSED):
            return
        self.awake[self] = None
        self.is_at_fault = reason in _FAULTS
        self._calm_until = NEVER
        if self._traffic is None:
            self._end(reason, text)
            return
        self.state = advance(self.state, Event.CLOSE_SENT)
        pause = min(self._traffic.probe_timeout(), self._config.close_pause_seconds)
        frame = packet.pack_close(reason, text)
        repeats = 1 if self._is_stream else self._config.close_repeats
        self._farewell = Farewell.first(frame, now, pause=pause, repeats=repeats)
        self._report_end(reason, text)

    # Handshake.

    def _receive_handshake(self, handshake: ClientHandshake, data: bytes, now: float) -> None:
        verdict = handshake.receive(data, now)
        if verdict is None:
            if self.state is State.CHALLENGING and handshake.state is ClientHandshakeState.HELLO_SENT:
                self.state = advance(self.state, Event.CHALLENGED)
                self._asked_at = now
            return
        self._handshake = None
        self.server_key = verdict.server_key
        if isinstance(verdict, Accepted):
            self.current_server_key = verdict.current_key
            self.connection_id = verdict.connection_id
            self._reset_token = verdict.reset_token
            traffic = self._start(verdict.keys)
            traffic.ping_due = True  # the first packet confirms; until it is acknowledged, probes repeat it
            self._begin(traffic, Event.ACCEPTED, verdict.payload, now)
        else:
            reason = DisconnectReason.from_code(verdict.code)
            self._end(reason, packet.printable(verdict.text) or reason.text, verdict.payload)

    def _update_handshake(self, handshake: ClientHandshake, now: float) -> None:
        if handshake.expired(now):
            self._end(handshake.failure.reason, handshake.failure.text)

    def _start(self, keys: SessionKeys) -> Traffic:
        """Have keys."""
        kind = StreamTraffic if self._is_stream else Traffic
        self._traffic = kind(
            keys, self._outbox, self._config, self._statistics, address=self.address, now=self._now,
            connection_id=self.connection_id if self._is_client else None,
            note=None if self._trace is None else self._trace_sent,
        )  # fmt: skip
        return self._traffic

    def _trace_sent(self, number: int, frames: bytes) -> None:
        assert self._trace is not None
        self._trace(self._now, self.connection_id, "sent", number, frames, self._kinds)

    def _begin(self, traffic: Traffic, event: Event, payload: bytes, now: float) -> None:
        """Be connected."""
        self.state = advance(self.state, event)
        self._last_heard = now
        traffic.guess_rtt(now - self._asked_at)
        self._events.append(Connected(self, payload))

    # Packets.

    def _receive_packet(self, traffic: Traffic, number: int, plaintext: bytes, now: float) -> None:
        """Read an authentic packet whole, then act on it. HOT: once per packet received."""
        intake = self._intake
        size = len(plaintext)
        self._last_heard = now
        if not intake.allows(traffic, size, now):
            if intake.is_flooded:
                self.close(DisconnectReason.FLOODING, now=now)
            return
        if self._trace is not None:
            self._trace(now, self.connection_id, "received", number, plaintext, self._kinds)
        try:
            frames = intake.parse(plaintext)
            ack, close = frames[3], frames[4]
            if self.state is State.PENDING:
                self._begin(traffic, Event.CONFIRMED, b"", now)
            if ack is not None:
                traffic.take_ack(ack, now)
            if close is not None:
                self._receive_close(*close)
            elif self.state is State.CONNECTED:
                intake.take(traffic, number, frames, size, now)
        except RemoteProtocolError as error:
            self.close(DisconnectReason.PROTOCOL_ERROR, str(error), now=now)

    # The peer's address.

    def _receive_from_elsewhere(self, data: bytes, address: Address, now: float) -> None:
        """Take a packet from an address that is not the client's, or not yet."""
        traffic = self._traffic
        movable = not self._is_client and self.state is State.CONNECTED and not isinstance(address, StreamAddress)
        if traffic is None or not movable or isinstance(self.address, StreamAddress):
            self._statistics.drops["wrong address"] += 1
            return
        newest = traffic.received.largest
        opened = traffic.open(data)
        if opened is not None:
            self._roaming.note(address, len(data), now, is_newest=opened[0] > newest)
            self._receive_packet(traffic, *opened, now)
            if self._roaming.has_answered(address):
                before, self.address = self.address, address
                traffic.move(address)
                self._statistics.moves += 1
                self._events.append(AddressChanged(self, before))

    def _ask_path(self, traffic: Traffic, now: float) -> list[tuple[bytes, Address]]:
        """Ask whoever is at the new address to answer from there, when that is due."""
        size = traffic.size_of(packet.PATH_BYTES)
        question = self._roaming.question(size, now, traffic.probe_timeout())
        if question is None:
            return []
        number, address = question
        return self._counted([(traffic.seal(packet.pack_path_challenge(number)), address)])

    def _counted(self, datagrams: list[tuple[bytes, Address]]) -> list[tuple[bytes, Address]]:
        """Count datagrams that do not come from `Traffic.datagrams`."""
        self._statistics.datagrams_sent += len(datagrams)
        self._statistics.bytes_sent += sum(len(data) for data, _ in datagrams)
        return datagrams

    def _receive_close(self, reason: int, text: str) -> None:
        self._calm_until = NEVER
        was_closing = self.state is State.CLOSING
        self.state = advance(self.state, Event.CLOSE_RECEIVED)
        if was_closing:
            self._farewell = None
            return
        self._farewell = Farewell.answer(packet.pack_close(reason, ""))
        known = DisconnectReason.from_code(reason)
        self._report_end(known, text or known.text)

    def _update_traffic(self, traffic: Traffic, now: float) -> None:
        if self.state is State.PENDING:
            patience = self._config.handshake.timeout_seconds  # who never confirms goes with its handshake
        else:
            patience = self._config.idle_timeout_seconds
        if now >= self._last_heard + patience:
            self._end(DisconnectReason.TIMEOUT, DisconnectReason.TIMEOUT.text)
        elif self.state is State.CONNECTED:
            self._calm_until = self._last_heard + self._config.idle_timeout_seconds
            traffic.update(now)
            self._watch_progress(traffic, now)

    def _watch_progress(self, traffic: Traffic, now: float) -> None:
        """Close a connection whose peer acknowledges nothing of reliable messages for too long, though some wait."""
        waits, settled = self._outbox.progress
        if not waits:
            self._settled_at = None
        elif self._settled_at is None or settled != self._settled:
            self._settled_at = now
        self._settled = settled
        since = self._settled_at
        if traffic.is_stuck(now) or (since is not None and now >= since + self._config.stall_timeout_seconds):
            self.close(DisconnectReason.TOO_SLOW, now=now)

    # The end.

    def _receive_stream_end(self) -> None:
        """End at once: what is not said by now will never be."""
        self._stream_open = False
        if self.state is State.CLOSING:
            self.state = advance(self.state, Event.ENDED)
            return
        failure = HandshakeFailure.NO_ANSWER if self._handshake is None else self._handshake.failure_at_stream_end
        if failure is not HandshakeFailure.NO_ANSWER:
            self._end(failure.reason, failure.text)
        elif self.state is not State.CLOSED:
            self._end(DisconnectReason.CONNECTION_LOST, DisconnectReason.CONNECTION_LOST.text)

    def _end(self, reason: DisconnectReason, text: str, payload: bytes = b"") -> None:
        """End without a word to the peer."""
        self._handshake = None
        self.state = advance(self.state, Event.ENDED)
        self._report_end(reason, text, payload)

    def _report_end(self, reason: DisconnectReason, text: str, payload: bytes = b"") -> None:
        """Report what is still on its way as lost, let go of the queues, and tell the host."""
        if self._traffic is not None:
            self._traffic.give_up()
        self._outbox.clear()
        self._inbox.clear()
        self._events.append(Disconnected(self, reason, text, payload))

    def _clamp(self, now: float) -> float:
        """Return `now`, or the latest time known if the clock ran backward."""
        if now < self._now:
            return self._now
        self._now = now
        return now
