"""The server: its peers and the authoritative World. It owns no socket and no clock: bytes and `now` in, bytes out."""

import logging
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from ecsnet import accesslog, players
from ecsnet.components.player import PlayerStatus
from ecsnet.components.predicted import Predicted
from ecsnet.config import ReplicationConfig, ServerConfig, TransportConfig
from ecsnet.events import (
    AddressChanged,
    Connected,
    ConnectRefused,
    ConnectRequested,
    Disconnected,
    PlayerEvent,
    PlayerJoined,
    PlayerLeft,
    PlayerLost,
    PlayerReturned,
)
from ecsnet.game import Game
from ecsnet.inputstatistics import InputStatistics
from ecsnet.peer import CALLS, CASUAL_CALLS, CHANNELS, CHECKS, INPUT, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.reception import Guest, Reception
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender
from ecsnet.rpc import Destination
from ecsnet.schedule import TickSchedule
from ecsnet.sessions import TICKETS, Session, Sessions
from ecsnet.systems.callmessages import CallTable
from ecsnet.systems.lagcompensation import LagCompensation
from ecsnet.systems.pipeline import SERVER, Step, assemble
from ecsnet.systems.post import Post
from ecsnet.systems.rpc import CallDesk
from ecsnet.systems.session import ServerSession
from ecsnet.tokens import TokenGate
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.transport.password import password_key
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["Server"]

MAX_EVENTS = 4096
MESSAGE_ROOM_BYTES = 150  # packet and message headers, an ACK, the client's own part and a few entities of its own
ELSEWHERE = "the session goes on over another connection"

logger = logging.getLogger(__name__)


class Server:
    """Runs a game for everybody who is connected.

    A player who connects becomes an entity with `Player`, `Owner` and the game's input component; the game adds the
    rest on `world.added(Player)`. The entity goes when the connection does; or, where the connection only broke off,
    `ServerConfig.resume_grace_seconds` later, unless the player is back by then.

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
        password: str = "",
        tokens: TokenGate | None = None,
    ) -> None:
        """Make a server in its first tick; it acts when `update` is called.

        Args:
            identity: The key clients know this server by; a fresh one when omitted.
            seed: Seeds `world.rng`.
            entropy: Source of random bytes; a seeded one makes the server reproducible.
            pipeline: The steps of a tick; see `ecsnet.systems.pipeline`.
            password: Whoever does not know it is refused; empty: everybody may come in. Takes 0.1 s to prepare.
            tokens: Whoever brings no token that passes it is refused; None: nobody needs one.
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
            password_key=password_key(password, game.application_id) if password else None,
        )
        sender = Sender(self._schema, self.world, _fitting(self.config), cell_units=game.cell_units)
        table = CallTable(self._schema.remotes)
        desk = CallDesk(table, here=Destination.SERVER, to_wire=sender.named_to, from_wire=sender.meant_by)
        self.peers: dict[int, Peer] = {}
        self.world.mail = post = Post(table, self.world, sender, self.peers)
        self._session = ServerSession(game, self._schema, self.config, sender, desk, post, self.peers)
        self._sessions = Sessions(self._identity.derive(TICKETS), config=self.config, entropy=entropy)
        self._reception = Reception(
            game, self._schema, self._sessions, server_keys=self._identity.public_keys, tokens=tokens,
            max_clients_per_network=self.config.max_clients_per_network, shared_seed=self.world.shared_seed,
        )  # fmt: skip
        self._by_connection: dict[Connection, Peer] = {}
        self._reads = frozenset((CALLS, CASUAL_CALLS, CHECKS, *([] if game.input is None else [INPUT])))
        self._now = 0.0
        self._schedule = TickSchedule(self.world.dt, max_catch_up_ticks=self.config.max_catch_up_ticks)
        self._events: deque[PlayerEvent] = deque(maxlen=MAX_EVENTS)
        for system in assemble(pipeline, self._session):
            self.world.add_system(system)
            if isinstance(system, LagCompensation):
                system.attach(self.world, self._session)

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
    def sender(self) -> Sender:
        """What each client is told; for tests and tools."""
        return self._session.sender

    @property
    def connections(self) -> list[Connection]:
        """The connections of the peers, for statistics."""
        return [peer.connection for peer in self.peers.values()]

    @property
    def skipped_ticks(self) -> int:
        """Ticks never run because the host could not keep up."""
        return self._schedule.skipped

    @property
    def delivered(self) -> int:
        """Datagrams that were a connection's own; all others came from strangers."""
        return self._endpoint.delivered

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
        for session in self._sessions.take_expired(now):
            self._remove_player(session.peer, *session.ending)
        for _ in range(self._schedule.take_due(now)):
            for peer in self.peers.values():
                peer.collect()
            self.world.process()
            self._close_faulty(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now."""
        return self._endpoint.datagrams_to_send(now)

    def answers(self) -> list[tuple[bytes, Address]]:
        """Return what of it answers strangers: cheap, so a host may send it between two updates."""
        return self._endpoint.answers()

    def next_deadline(self) -> float | None:
        """Return when `update` should be called at the latest, monotonic seconds."""
        deadlines = [self._schedule.next_deadline(), self._endpoint.next_deadline()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def events(self) -> list[PlayerEvent]:
        """Return and forget who came and went; of a host that never asks, the newest are kept."""
        events = list(self._events)
        self._events.clear()
        return events

    def close(self, reason: DisconnectReason = DisconnectReason.SERVER_CLOSING, text: str = "", *, now: float) -> None:
        """Tell every client why, and accept nobody any more. Send what `datagrams_to_send` returns afterwards."""
        self._endpoint.close(reason, text, now=now)

    def explain(self, client_id: int, entity: int) -> str:
        """Say in a sentence why a client sees an entity or does not, and what of it is still to come.

        Args:
            entity: The server's; a client's World has other numbers.
        """
        return self._session.sender.explain(client_id, entity)

    def input_statistics(self, client_id: int) -> InputStatistics:
        """Return what was counted of a client's inputs: how many were late, and how many of them it cannot mean.

        Raises:
            KeyError: No such client is connected.
        """
        return self._session.input_buffers[client_id].statistics

    # Who comes and goes.

    def kick(self, client_id: int, text: str = "", *, now: float) -> None:
        """Disconnect one client and tell it why.

        Raises:
            KeyError: No such client is connected.
        """
        self.peers[client_id].connection.close(DisconnectReason.KICKED, text, now=now)

    def block(self, network: str, text: str = "", *, now: float) -> None:
        """Let nobody in from a network any more, and disconnect who is in from there.

        Args:
            network: In CIDR notation, e.g. "203.0.113.7", "203.0.113.0/24", "2001:db8::/48".

        Raises:
            LocalProtocolError: It is not a network.
        """
        self._endpoint.doorkeeper.block_list.add(network)
        for peer in self.peers.values():
            if self._endpoint.doorkeeper.is_blocked(peer.connection.address, now):
                peer.connection.close(DisconnectReason.BANNED, text, now=now)

    def unblock(self, network: str) -> None:
        """Let a network in again, named as it was in `block`."""
        self._endpoint.doorkeeper.block_list.remove(network)

    def _handle(self, event: object) -> None:
        match event:
            case ConnectRequested():
                self._answer(event)
            case Connected(connection):
                self._admit(connection)
            case Disconnected(connection, reason, text):
                self._dismiss(connection, reason, text)
            case AddressChanged(connection, before) if connection in self._by_connection:
                accesslog.moved(self._by_connection[connection], before)
            case ConnectRefused(address, reason, text):
                accesslog.refused(address, reason, text)

    def _answer(self, request: ConnectRequested) -> None:
        """Grant or refuse a request whose cookie is proved. All that is kept is the transport's entry."""
        answer = self._reception.judge(request, self.world.tick)
        if isinstance(answer, Guest):
            self._endpoint.accept(request.request_id, answer.welcome.pack(), tag=answer)
        else:
            self._endpoint.refuse(request.request_id, answer.reason, answer.text, answer.payload)
            accesslog.refused(request.address, answer.reason, answer.text, request.player_key)

    def _admit(self, connection: Connection) -> None:
        """Give a player its entity: a new one, or the one it had before its connection was lost."""
        guest = connection.tag
        assert isinstance(guest, Guest), f"{connection} was not accepted here"
        if self._endpoint.doorkeeper.is_blocked(connection.address, self._now):  # since it was accepted
            connection.close(DisconnectReason.BANNED, now=self._now)
            return
        refusal = self._reception.confirm(guest)
        if refusal is not None:
            connection.close(refusal.reason, refusal.text, now=self._now)
            accesslog.refused(connection.address, refusal.reason, refusal.text, guest.player_key)
            return
        peer = Peer(connection, guest.client_id, self._reads, guest.name, guest.player_key, guest.token)
        session = self._sessions.get(guest.client_id)
        if session is None:
            peer.entity = players.make(self.world, self.game, peer)
            self._sessions.begin(guest.session_id, peer, guest.serial, guest.network)
            self._events.append(PlayerJoined(peer.client_id, peer.name))
            accesslog.joined(peer)
        else:
            self._resume(session, peer, guest)
        self._begin_conversation(peer)

    def _resume(self, session: Session, peer: Peer, guest: Guest) -> None:
        """Put a player in its place again; if its old connection still looks alive, nobody is there any more."""
        before = session.peer
        if session.keep_until is None:
            self._end_conversation(before, ELSEWHERE)
            before.connection.close(DisconnectReason.KICKED, ELSEWHERE, now=self._now)
        else:
            self._events.append(PlayerReturned(peer.client_id, peer.name))
        if players.set_status(self.world, before.entity, PlayerStatus.CONNECTED):
            peer.entity = before.entity
        else:  # the game deleted it meanwhile
            peer.entity = players.make(self.world, self.game, peer)
        self._sessions.resume(session, peer, guest.serial, guest.network)
        accesslog.returned(peer)

    def _begin_conversation(self, peer: Peer) -> None:
        """Exchange inputs, state and calls over a fresh connection, whatever was said over another one."""
        self.peers[peer.client_id] = peer
        self._by_connection[peer.connection] = peer
        self._session.input_buffers[peer.client_id] = players.input_buffer(self.game, self._schema, self.config)
        self._session.sender.subscribe(peer.client_id)
        self._session.post.admit(peer.client_id)

    def _end_conversation(self, peer: Peer, text: str) -> None:
        """Forget what was exchanged with a client over one connection."""
        peer.collect()
        self._session.calls.take(peer, self.world, self._now)  # what was called before leaving was called
        del self._by_connection[peer.connection]
        del self.peers[peer.client_id]
        statistics = self._session.input_buffers.pop(peer.client_id).statistics
        if statistics.is_doubtful:
            accesslog.doubted(peer, statistics)
        self._session.sender.unsubscribe(peer.client_id)
        self._session.calls.forget(peer, text)

    def _dismiss(self, connection: Connection, reason: DisconnectReason, text: str) -> None:
        """Let a client go; everybody else plays on. Its player stays for a while if it may come back."""
        peer = self._by_connection.get(connection)
        if peer is None:
            return
        self._end_conversation(peer, text)
        if not self._sessions.lose(peer, reason, text, self._now):
            self._remove_player(peer, reason, text)
            return
        players.set_status(self.world, peer.entity, PlayerStatus.LOST)
        self._events.append(PlayerLost(peer.client_id, peer.name))
        accesslog.lost(peer, reason, text)

    def _remove_player(self, peer: Peer, reason: DisconnectReason, text: str) -> None:
        """Delete a player's entity for good."""
        self.world.delete_entity(peer.entity)
        self._events.append(PlayerLeft(peer.client_id, peer.name, reason, text))
        accesslog.left(peer, reason, text)

    def _close_faulty(self, now: float) -> None:
        """Close the connections of peers that sent what our own software never sends, or do not read what they get."""
        for peer in self.peers.values():
            if peer.fault:
                logger.warning("client %d (%s): %s: %s", peer.client_id, peer.name, peer.fault_reason.text, peer.fault)
                peer.connection.close(peer.fault_reason, peer.fault, now=now)
                peer.fault = ""


def _fitting(config: ServerConfig) -> ReplicationConfig:
    """Cut what is shared so that it fits a datagram with the headers and a little of a client's own."""
    room = config.transport.datagram_bytes - MESSAGE_ROOM_BYTES
    return replace(config.replication, chunk_bytes=min(config.replication.chunk_bytes, room))


def _with_room_for(config: TransportConfig, max_clients: int) -> TransportConfig:
    """Let as many handshakes be pending as there are places: a whole server may reconnect at once."""
    handshake = config.handshake
    return replace(config, handshake=replace(handshake, max_pending=max(handshake.max_pending, max_clients)))
