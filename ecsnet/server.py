"""The server: its peers and the authoritative World. It owns no socket and no clock: bytes and `now` in, bytes out."""

import logging
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from ecsnet.admission import Credentials, Welcome, pack_schema
from ecsnet.components.owner import Owner
from ecsnet.components.player import Player, PlayerStatus
from ecsnet.components.predicted import Predicted
from ecsnet.config import ServerConfig, TransportConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.events import Connected, ConnectRequested, Disconnected, PlayerJoined, PlayerLeft
from ecsnet.game import Game
from ecsnet.peer import CALLS, CASUAL_CALLS, CHANNELS, INPUT, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender
from ecsnet.rpc import Destination
from ecsnet.schedule import TickSchedule
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.systems.pipeline import SERVER, Step, assemble
from ecsnet.systems.rpc import CallDesk
from ecsnet.systems.session import ServerSession
from ecsnet.systems.ticksync import MARGIN_WINDOW_SECONDS
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["Server"]

MAX_EVENTS = 4096
MAX_DESCRIPTION_BYTES = 880  # of the schema in a refusal: it and its text fit the REPLY datagram

logger = logging.getLogger(__name__)


class Server:
    """Runs a game for everybody who is connected.

    A player who connects becomes an entity with `Player`, `Owner` and the game's input component; the game adds the
    rest on `world.added(Player)`. The entity goes when the connection does.

    Attributes:
        world: The truth. Arrange it freely between updates.
        peers: Who is connected, by client id.
    """

    def __init__(
        self,
        game: Game,
        identity: Identity | None = None,
        *,
        seed: int = 0,
        config: ServerConfig | None = None,
        entropy: Entropy = os.urandom,
        pipeline: Sequence[Step] = SERVER,
        start_tick: Tick = 0,
    ) -> None:
        """Make a server in its first tick; it acts when `update` is called.

        Args:
            identity: The key clients know this server by; a fresh one when omitted.
            seed: Seeds `world.rng`.
            entropy: Source of random bytes; a seeded one makes the server reproducible.
            pipeline: The steps of a tick; see `ecsnet.systems.pipeline`.
        """
        self.game = game
        self.config = config or ServerConfig()
        self.world = World(tick_rate_hz=game.tick_rate_hz, seed=seed, tick=start_tick, scope_marker=Predicted)
        self._schema = Schema(game)
        self._identity = identity or Identity.generate(entropy)
        self._endpoint = Endpoint(
            self._identity,
            application_id=game.application_id,
            channels=CHANNELS,
            config=_with_room_for(self.config.transport, game.max_clients),
            entropy=entropy,
        )
        self._session = ServerSession(
            game, self._schema, self.config, Sender(self._schema, self.world, self.config.replication),
            CallDesk(game, here=Destination.SERVER),
        )  # fmt: skip
        self.peers = self._session.peers
        self._by_connection: dict[Connection, Peer] = {}
        self._reads = frozenset((CALLS, CASUAL_CALLS) if game.input is None else (INPUT, CALLS, CASUAL_CALLS))
        self._last_client_id = 0
        self._now = 0.0
        self._schedule = TickSchedule(self.world.dt, max_catch_up_ticks=self.config.max_catch_up_ticks)
        self._events: deque[PlayerJoined | PlayerLeft] = deque(maxlen=MAX_EVENTS)
        for system in assemble(pipeline, self._session):
            self.world.add_system(system)

    def __repr__(self) -> str:
        """Show the game, the tick and the players."""
        return f"Server({self.game.name!r}, tick={self.world.tick}, clients={sorted(self.peers)})"

    @property
    def public_key(self) -> bytes:
        """The 32 bytes clients pin."""
        return self._identity.public

    @property
    def schema(self) -> Schema:
        """The records of the game."""
        return self._schema

    @property
    def connections(self) -> list[Connection]:
        """The connections of the peers, for statistics."""
        return [peer.connection for peer in self.peers.values()]

    @property
    def skipped_ticks(self) -> int:
        """Ticks never run because the host could not keep up."""
        return self._schedule.skipped

    # The six verbs.

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram from the network; any bytes at all."""
        self._endpoint.receive_datagram(data, address, now)

    def update(self, now: float) -> None:
        """Let timers fire and run the ticks that are due."""
        self._now = self._session.now = now
        self._endpoint.update(now)
        for event in self._endpoint.events():
            self._handle(event)
        for _ in range(self._schedule.take_due(now)):
            for peer in self.peers.values():
                peer.collect()
            self.world.process()
            self._close_faulty(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now."""
        return self._endpoint.datagrams_to_send(now)

    def next_deadline(self) -> float | None:
        """Return when `update` should be called at the latest, monotonic seconds."""
        deadlines = [self._schedule.next_deadline(), self._endpoint.next_deadline()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def events(self) -> list[PlayerJoined | PlayerLeft]:
        """Return and forget who came and went; of a host that never asks, the newest are kept."""
        events = list(self._events)
        self._events.clear()
        return events

    def close(self, reason: DisconnectReason = DisconnectReason.SERVER_CLOSING, text: str = "", *, now: float) -> None:
        """Tell every client why, and accept nobody any more. Send what `datagrams_to_send` returns afterwards."""
        self._endpoint.close(reason, text, now=now)

    # Who comes and goes.

    def kick(self, client_id: int, text: str = "", *, now: float) -> None:
        """Disconnect one client and tell it why.

        Raises:
            KeyError: No such client is connected.
        """
        self.peers[client_id].connection.close(DisconnectReason.KICKED, text, now=now)

    def _handle(self, event: object) -> None:
        match event:
            case ConnectRequested(request_id, _, credentials):
                self._answer(request_id, credentials)
            case Connected(connection):
                self._admit(connection)
            case Disconnected(connection, reason, text):
                self._dismiss(connection, reason, text)

    def _answer(self, request_id: int, data: bytes) -> None:
        """Grant or refuse a request whose cookie is proved. All that is kept is the transport's entry."""
        try:
            credentials = Credentials.unpack(data)
        except RemoteProtocolError as error:
            self._endpoint.refuse(request_id, DisconnectReason.REFUSED, str(error))
            return
        if credentials.schema_hash != self._schema.hash:
            description = pack_schema(self._schema.describe(), MAX_DESCRIPTION_BYTES)
            text = f"this server runs another version of {self.game.name}"
            self._endpoint.refuse(request_id, DisconnectReason.SCHEMA_MISMATCH, text, description)
        elif len(self.peers) >= self.game.max_clients:
            text = f"all {self.game.max_clients} places are taken"
            self._endpoint.refuse(request_id, DisconnectReason.SERVER_FULL, text)
        else:
            # The number is used up even if the client never confirms: numbers are plenty, and none is ever given twice.
            self._last_client_id += 1
            welcome = Welcome(self._last_client_id, self.world.tick)
            self._endpoint.accept(request_id, welcome.pack(), tag=(self._last_client_id, credentials.name))

    def _admit(self, connection: Connection) -> None:
        """Make the player's entity; the game adds to it what its players have."""
        match connection.tag:
            case (int() as client_id, str() as name):
                pass
            case _:
                raise AssertionError(f"{connection} was not accepted here")
        if len(self.peers) >= self.game.max_clients:  # others confirmed while this one was on its way
            connection.close(DisconnectReason.SERVER_FULL, "the last place was taken a moment ago", now=self._now)
            return
        peer = Peer(connection, client_id, self._reads, name or f"player {client_id}")
        player = Player(client_id=client_id, name=peer.name, status=PlayerStatus.CONNECTED)
        peer.entity = self.world.create_entity(player, Owner(client_id=client_id))
        if self.game.input is not None:
            self.world.add_component(peer.entity, self.game.input())
        self.peers[client_id] = peer
        self._by_connection[connection] = peer
        self._session.input_buffers[client_id] = InputBuffer(
            self._schema.input_codec.defaults,
            window_ticks=self.config.input_window_ticks,
            hold_ticks=round(self.config.input_hold_seconds * self.game.tick_rate_hz),
            margin_ticks=max(2, round(MARGIN_WINDOW_SECONDS * self.game.tick_rate_hz)),
        )
        self._session.sender.subscribe(client_id)
        self._events.append(PlayerJoined(client_id, peer.name))

    def _dismiss(self, connection: Connection, reason: DisconnectReason, text: str) -> None:
        """Forget a client and delete its player's entity; everybody else plays on."""
        peer = self._by_connection.pop(connection, None)
        if peer is None:
            return
        peer.collect()
        self._session.calls.take(peer, self.world)  # what was called before leaving was called
        client_id = peer.client_id
        del self.peers[client_id]
        del self._session.input_buffers[client_id]
        self._session.sender.unsubscribe(client_id)
        self._session.calls.forget(peer, text)
        self.world.delete_entity(peer.entity)
        self._events.append(PlayerLeft(client_id, peer.name, reason, text))

    def _close_faulty(self, now: float) -> None:
        """Close the connections of peers that sent what our own software never sends."""
        for peer in self.peers.values():
            if peer.fault:
                logger.warning("client %d (%s) broke the protocol: %s", peer.client_id, peer.name, peer.fault)
                peer.connection.close(DisconnectReason.PROTOCOL_ERROR, peer.fault, now=now)
                peer.fault = ""


def _with_room_for(config: TransportConfig, max_clients: int) -> TransportConfig:
    """Let as many handshakes be pending as there are places: a whole server may reconnect at once."""
    handshake = config.handshake
    return replace(config, handshake=replace(handshake, max_pending=max(handshake.max_pending, max_clients)))
