"""Endpoint: all connections of one server behind one address. One lookup tells whose a datagram is.

Handshakes are `handshake.py`'s; a connection is `connection.py`'s. Here datagrams are sorted, and the application is
asked who may come in.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.events import AddressChanged, Connected, ConnectRefused, ConnectRequested, Disconnected, Writable
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.alarms import Alarms
from ecsnet.transport.channels import Channel
from ecsnet.transport.connection import Connection
from ecsnet.transport.doorkeeper import Doorkeeper
from ecsnet.transport.handshake import HANDSHAKE_BIT, HandshakeRequest, Reply, ServerHandshakes
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.transport.reset import RESET_BYTES, Resets
from ecsnet.transport.state import State
from ecsnet.transport.traffic import CLIENT_HEADER

__all__ = ["Endpoint"]

_CONNECTED: Final = State.CONNECTED  # HOT: Python 3.11 takes 0.1 us to look an enum's member up

EndpointEvent: TypeAlias = AddressChanged | ConnectRefused | ConnectRequested | Connected | Disconnected | Writable


class Endpoint:
    """A server's side of the transport.

    Attributes:
        connections: By connection id, from the REPLY on until the connection has ended on both sides.
        delivered: Datagrams that were a connection's own; all others came from strangers.
        drops: Datagrams that belong to no connection and no handshake, by reason.
        doorkeeper: Who may not come in.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        application_id: bytes,
        channels: Sequence[Channel],
        config: TransportConfig,
        entropy: Entropy,
        password_key: bytes | None = None,
        reserved: Mapping[bytes, Collection[bytes]] | None = None,
    ) -> None:
        """Open the door.

        Args:
            password_key: See `password.py`; a client that does not know it is refused.
            reserved: Further application ids, each with the player keys it is for; see `ServerHandshakes`.
        """
        self.doorkeeper = Doorkeeper(config.guard)
        self._handshakes = ServerHandshakes(
            identity,
            application_id=application_id,
            entropy=entropy,
            config=config.handshake,
            doorkeeper=self.doorkeeper,
            password_key=password_key,
            reserved=reserved,
        )
        self._resets = Resets(identity.derive(b"ecsnet reset")[0], config.guard.resets_per_second, float("-inf"))
        self._channels = tuple(channels)
        self._config = config
        self._entropy = entropy
        self._requests: dict[int, tuple[HandshakeRequest, float]] = {}  # with the time at which they expire
        self._unconfirmed: dict[int, HandshakeRequest] = {}  # by connection id
        self._outgoing: list[tuple[bytes, Address]] = []
        self._events: list[EndpointEvent] = []
        self._closed = False
        self._now = float("-inf")
        self.connections: dict[int, Connection] = {}
        # Of a thousand connections few have anything to do in one pass: those that received something, were given
        # something to send, or whose deadline has come. The others are not touched.
        self._awake: dict[Connection, None] = {}
        self._heard: dict[Connection, None] = {}  # of these, those that received something
        self._alarms = Alarms[Connection]()
        # Streams that have a connection, and those that have none yet with the time when they must have one. How many
        # there may be is the business of the path that opens them.
        self._streams: dict[StreamAddress, Connection] = {}
        self._visitors: dict[StreamAddress, float] = {}
        self.delivered = 0
        self.drops: Counter[str] = Counter()

    def __repr__(self) -> str:
        """Show how many are connected and how many ask."""
        return f"Endpoint({len(self.connections)} connections, {len(self._requests)} requests)"

    def accept(self, request_id: int, payload: bytes = b"", *, tag: object = None) -> None:
        """Let a client in; it is `Connected` when its first packet arrives.

        Args:
            payload: For the client, with its `Connected`.
            tag: Kept as the connection's `tag`, for the application.

        Raises:
            LocalProtocolError: There is no such request, or no more.
        """
        request = self._take(request_id)
        connection_id = self._new_id()
        reset_token = self._resets.token(connection_id, request.address)
        reply = self._handshakes.accept(request, connection_id, payload, self._now, reset_token)
        assert request.keys is not None
        connection = Connection.accepted(
            request.address,
            connection_id=connection_id,
            keys=request.keys,
            channels=self._channels,
            config=self._config,
            now=self._now,
        )
        connection.tag = tag
        connection.awake = self._awake
        self._awake[connection] = None
        self.connections[connection_id] = connection
        if isinstance(request.address, StreamAddress):
            self._streams[request.address] = connection
            self._visitors.pop(request.address, None)
        self._unconfirmed[connection_id] = request
        self._outgoing.append((reply, request.address))

    def refuse(self, request_id: int, reason: DisconnectReason, text: str = "", payload: bytes = b"") -> None:
        """Turn a client away and say why.

        Raises:
            LocalProtocolError: There is no such request, or no more.
        """
        request = self._take(request_id)
        reply = self._handshakes.refuse(request, reason, text or reason.text, payload, self._now)
        self._outgoing.append((reply, request.address))

    # The six verbs.

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take a datagram, or a record of a stream; any bytes at all. An empty record is the end of the stream."""
        if now > self._now:  # noqa: PLR1730  # half the time of max()
            self._now = now
        if isinstance(address, StreamAddress):
            self._receive_record(data, address)
        elif not data:
            self.drops["empty"] += 1
        elif data[0] & HANDSHAKE_BIT:
            self._receive_handshake(data, address)
        elif len(data) < CLIENT_HEADER.size:
            self.drops["malformed"] += 1
        else:
            self._receive_packet(data, address)

    def update(self, now: float) -> None:
        """Let timers fire."""
        self._now = now = max(self._now, now)
        self._handshakes.update(now)
        self._expire_requests()
        self._expire_visitors()
        for connection in self._alarms.take_due(now):
            self._awake[connection] = None
        for connection in self._awake:
            connection.update(now)
            if events := connection.events():
                self._take_events(connection, events)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now, of all connections."""
        self._now = now = max(self._now, now)
        datagrams, set_alarm = self.answers(), self._alarms.set
        for connection in self._awake:  # HOT: tests/bench/bench_state.py
            datagrams += connection.datagrams_to_send(now)
            if connection.state is not _CONNECTED:
                if connection.state is State.CLOSED:
                    self._forget(connection)
                    continue
                if connection.state is State.CLOSING:  # perhaps since `update`; the host is to hear of it with the next
                    self._take_events(connection, connection.events())
            deadline = connection.next_deadline()
            assert deadline is not None, f"{connection} would never be looked at again"
            set_alarm(connection, deadline if deadline > now else now)
        self._awake.clear()
        return datagrams

    def answers(self) -> list[tuple[bytes, Address]]:
        """Return the part of `datagrams_to_send` that belongs to no connection, without looking at each of them."""
        answers, self._outgoing = self._outgoing, []
        return answers

    def take_heard(self) -> list[Connection]:
        """Return and forget the connections that received something since the last call."""
        heard = list(self._heard)
        self._heard.clear()
        return heard

    def datagrams_of(self, connection: Connection, now: float) -> list[tuple[bytes, Address]]:
        """Return the part of `datagrams_to_send` that belongs to one connection, without looking at the others."""
        self._now = now = max(self._now, now)
        return connection.datagrams_to_send(now)

    def next_deadline(self) -> float | None:
        """Return when there is something to do, monotonic seconds."""
        if self._awake or self._outgoing:
            return self._now
        deadlines = [self._handshakes.next_deadline(), *(expires_at for _, expires_at in self._requests.values())]
        deadlines.append(next(iter(self._visitors.values()), None))
        deadlines.append(self._alarms.next_deadline())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def events(self) -> list[EndpointEvent]:
        """Return and forget what happened."""
        events, self._events = self._events + self._handshakes.take_refusals(), []
        # A request that has expired, or was refused by `close`, is nobody's business any more.
        return [e for e in events if not isinstance(e, ConnectRequested) or e.request_id in self._requests]

    def close(self, reason: DisconnectReason, text: str = "", *, now: float) -> None:
        """Close every connection and let nobody in any more."""
        self._now = max(self._now, now)
        self._closed = True
        self._handshakes.update(self._now)
        self._expire_requests()
        for request_id in list(self._requests):
            self.refuse(request_id, reason, text)
        self._end_streams(self._visitors)
        for connection in self.connections.values():
            connection.close(reason, text, now=self._now)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed and every client knows, or had its chance to."""
        return self._closed and not self.connections

    def _receive_handshake(self, data: bytes, address: Address) -> None:
        if self._closed:
            self.drops["closed"] += 1
            return
        for outcome in self._handshakes.receive(data, address, self._now):
            if isinstance(outcome, Reply) and isinstance(address, StreamAddress) and not outcome.data:
                self._end_streams([address])
            elif isinstance(outcome, Reply):
                self._outgoing.append((outcome.data, address))
            elif self.doorkeeper.is_blocked(address, self._now):
                banned = DisconnectReason.BANNED
                reply = self._handshakes.refuse(outcome.request, banned, banned.text, b"", self._now)
                self._outgoing.append((reply, address))
                self._events.append(ConnectRefused(address, banned, banned.text))
            else:
                request = outcome.request
                self._requests[request.id] = request, self._now + self._config.handshake.timeout_seconds
                self._events.append(
                    ConnectRequested(
                        request.id, address, request.credentials, request.player_key, request.application_id
                    )
                )

    def _receive_packet(self, data: bytes, address: Address) -> None:
        """Find whose it is. HOT: once per datagram received; tests/bench/bench_connection.py."""
        connection_id = int.from_bytes(data[1:5], "big")
        connection = self.connections.get(connection_id)
        if connection is None:
            self._answer_unknown(data, connection_id, address)
            return
        self._hand_over(connection, data, address)

    def _hand_over(self, connection: Connection, data: bytes, address: Address) -> None:
        """Give a connection what is its own. HOT: once per datagram received."""
        self.delivered += 1
        self._awake[connection] = self._heard[connection] = None
        connection.receive_datagram(data, address, self._now)
        if self._unconfirmed and connection.state is not State.PENDING:
            request = self._unconfirmed.pop(connection.connection_id, None)
            if request is not None:
                self._handshakes.confirm(request)

    # Streams.

    def _receive_record(self, data: bytes, address: StreamAddress) -> None:
        """Find whose a record is by its stream alone."""
        connection = self._streams.get(address)
        if connection is not None:
            self._hand_over(connection, data, address)
        elif not data:
            self._forget_visitor(address)
        elif data[0] & HANDSHAKE_BIT and not self._closed:
            self._visitors.setdefault(address, self._now + self._config.handshake.timeout_seconds)
            self._receive_handshake(data, address)
        else:
            self.drops["no handshake"] += 1
            self._end_streams([address])

    def _forget_visitor(self, address: StreamAddress) -> None:
        """Note that a stream without a connection has ended."""
        self._visitors.pop(address, None)
        for request, _ in list(self._requests.values()):
            if request.address == address:
                del self._requests[request.id]
                self._handshakes.confirm(request)  # its place is free

    def _expire_visitors(self) -> None:
        """End streams that were not let in in time."""
        self._end_streams([address for address, until in self._visitors.items() if self._now >= until])

    def _end_streams(self, addresses: Iterable[StreamAddress]) -> None:
        for address in list(addresses):
            self._forget_visitor(address)
            self._outgoing.append((b"", address))

    def _answer_unknown(self, data: bytes, connection_id: int, address: Address) -> None:
        """Tell whoever still talks to a connection that is gone, most likely since before a restart."""
        self.drops["unknown connection"] += 1
        answer = self._resets.answer(connection_id, address, self._now) if len(data) > RESET_BYTES else None
        if answer is not None:
            self._outgoing.append((answer, address))

    def _take_events(
        self, connection: Connection, events: list[AddressChanged | Connected | Disconnected | Writable]
    ) -> None:
        self._events += events
        if any(isinstance(event, AddressChanged) for event in events) and self.doorkeeper.is_blocked(
            connection.address, self._now
        ):
            connection.close(DisconnectReason.BANNED, now=self._now)
        if connection.is_at_fault and any(isinstance(event, Disconnected) for event in events):
            self.doorkeeper.strike(connection.address, self._now)

    def _forget(self, connection: Connection) -> None:
        """Let go of a connection that has ended and said what it had to say."""
        self._take_events(connection, connection.events())
        self._alarms.forget(connection)
        self._heard.pop(connection, None)
        del self.connections[connection.connection_id]
        if isinstance(connection.address, StreamAddress):
            self._streams.pop(connection.address, None)
        self._unconfirmed.pop(connection.connection_id, None)

    def _take(self, request_id: int) -> HandshakeRequest:
        if request_id not in self._requests:
            raise LocalProtocolError(
                f"there is no request {request_id} to answer: it was answered before, or it waited longer than "
                f"{self._config.handshake.timeout_seconds:g} s"
            )
        return self._requests.pop(request_id)[0]

    def _expire_requests(self) -> None:
        """Forget requests that the application left unanswered; their clients have given up."""
        while self._requests:
            request_id, (_, expires_at) = next(iter(self._requests.items()))
            if self._now < expires_at:
                return
            del self._requests[request_id]

    def _new_id(self) -> int:
        """Choose an id nobody can guess: who does not see the traffic cannot even make a connection try to decrypt."""
        while True:
            connection_id = int.from_bytes(self._entropy(4), "big")
            if connection_id not in self.connections:
                return connection_id
