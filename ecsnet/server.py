"""The server: its peers and the authoritative Worlds. It owns no socket and no clock: bytes and `now` in, bytes out."""

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import replace

from ecsnet import accesslog
from ecsnet.accounts import Accounts
from ecsnet.archive import Archive
from ecsnet.arrival import Accept
from ecsnet.attendance import Attendance
from ecsnet.bans import Ban, Bans
from ecsnet.cloakroom import Cloakroom
from ecsnet.config import ServerConfig, TransportConfig
from ecsnet.entrance import Entrance
from ecsnet.events import (
    AddressChanged,
    Connected,
    ConnectRefused,
    ConnectRequested,
    Disconnected,
    PlayerEvent,
)
from ecsnet.game import Game
from ecsnet.inputstatistics import InputStatistics
from ecsnet.inspection import Inspection, reserved_for
from ecsnet.lounge import Lounge
from ecsnet.peer import CHANNELS, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.reception import Reception
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender
from ecsnet.resumed import Resumed
from ecsnet.room import Room
from ecsnet.rooms import BeginTape, Rooms
from ecsnet.savebook import SaveBook
from ecsnet.sessions import TICKETS, Sessions, Standing
from ecsnet.storage.store import Document
from ecsnet.systems.keeper import Keeping
from ecsnet.systems.pipeline import SERVER, Step
from ecsnet.tokens import TokenGate
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.transport.password import password_key
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["ANSWER_LOOK_SECONDS", "Server", "server_name"]

MAX_EVENTS = 4096
ANSWER_LOOK_SECONDS = 0.001  # how often it is looked whether the store has written what an answer waits for
NOWHERE = ("", 0)  # the address of a connection that ended with the server before this one
BROKEN = "the room was closed: its game failed"

logger = logging.getLogger(__name__)


class Server:
    """Runs a game for everybody who is connected.

    A player who connects becomes an entity with `Player`, `Owner` and the game's input component; the game adds the
    rest on `world.added(Player)`. The entity goes when the connection does; or, where the connection only broke off,
    `resume_grace_seconds` of the configuration or the game later, unless the player is back by then.

    With `ServerConfig.rooms` it runs several games side by side, each in a `Room` of its own.

    Attributes:
        rooms: The one room, or the hall and all others.
        bans: Who may not come in.
        archive: What keeps it all in a store, if anything does.
        ticks_run: Ticks of all rooms, since the beginning.
        answers_on_arrival: Whether the game has calls that wait for no tick: then what arrives should wait for nothing.
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
        accounts: Accounts | None = None,
        accept: Accept | None = None,
        archive: Archive | None = None,
        resumed: Resumed | None = None,
    ) -> None:
        """Make a server in its first tick; it acts when `update` is called.

        Args:
            identity: The key clients know this server by; a fresh one when omitted.
            seed: Seeds `world.rng`.
            entropy: Source of random bytes; a seeded one makes the server reproducible.
            pipeline: The steps of a tick; see `ecsnet.systems.pipeline`.
            password: Whoever does not know it is refused; empty: everybody may come in. Takes 0.1 s to prepare.
            tokens: Whoever brings no token that passes it is refused; None: nobody needs one.
            accounts: Whoever has none of these is refused; None: nobody needs one.
            accept: Asked about everybody who may come in, and comes back: returns None, or why not, which the player
                reads; see `ecsnet.Arrival`. It must not take long.
            archive: Keeps what happens in a store; None: nothing is kept. The host calls `archive.close` in the end.
            resumed: What to go on with; see `ecsnet.resume`.
        """
        resumed = resumed or Resumed()
        self.game = game
        self.config = _as_the_game_says(config or ServerConfig(), game)
        self._identity = identity or Identity.generate(entropy)
        self.archive = archive
        keeping = None if archive is None else _keeping(archive, resumed, game, self._identity)
        self.rooms = Rooms(
            game, self.config, pipeline=pipeline, seed=seed, start_tick=start_tick, entropy=entropy, keeping=keeping,
            resumed=resumed.rooms,
        )  # fmt: skip
        reserved = reserved_for(self._identity, self.config)
        self._endpoint = Endpoint(
            self._identity,
            application_id=game.application_id,
            channels=CHANNELS,
            config=_with_room_for(self.config.transport, self.rooms.max_clients),
            entropy=entropy,
            password_key=password_key(password, game.application_id) if password else None,
            reserved=reserved,
        )
        self._sessions = Sessions(self._identity.derive(TICKETS), config=self.config, entropy=entropy)
        self._inspection = Inspection(
            self._endpoint, reserved, self.config, self.rooms, self._sessions, self.report
        )  # fmt: skip
        self.bans = Bans()
        reception = Reception(
            self.rooms, self._sessions, server_keys=self._identity.public_keys, tokens=tokens,
            max_clients_per_network=self.config.max_clients_per_network, bans=self.bans, accept=accept,
            last_client_id=resumed.last_client_id,
        )  # fmt: skip
        self.answers_on_arrival = any(rpc.on_arrival for rpc in game.rpcs)
        asks = accounts is not None or accept is not None
        self._entrance = Entrance(
            self._endpoint,
            reception,
            Lounge(accounts, self.config),
            Cloakroom(game, keeping, self._sessions),
            asks=asks,
        )
        self._attendance = Attendance(game, self.rooms, self._sessions, keeping)
        self.ticks_run = 0
        self._now = 0.0
        self._is_new, self._is_closed = True, False
        self._attendance.readmit(resumed, self.config.transport)

    def __repr__(self) -> str:
        """Show the game, the tick and the players."""
        return f"Server({self.game.name!r}, tick={self.world.tick}, clients={sorted(self.peers)})"

    @property
    def peers(self) -> dict[int, Peer]:
        """Who is connected, by client id, wherever they are."""
        return self._attendance.peers

    @property
    def room(self) -> Room:
        """Its one room; with several, the hall."""
        return self.rooms.main

    @property
    def world(self) -> World:
        """The truth of `room`. Arrange it freely between updates."""
        return self.rooms.main.world

    @property
    def public_key(self) -> bytes:
        """The 32 bytes clients pin."""
        return self._identity.public

    @property
    def schema(self) -> Schema:
        """The records of the game."""
        return self.rooms.schema

    @property
    def sender(self) -> Sender:
        """What each client of `room` is told; for tests and tools."""
        return self.room.session.sender

    @property
    def connections(self) -> list[Connection]:
        """The connections of the peers, for statistics."""
        return [peer.connection for peer in self.peers.values()]

    @property
    def skipped_ticks(self) -> int:
        """Ticks never run because the host could not keep up, of all rooms that are open."""
        return sum(room.schedule.skipped for room in self.rooms)

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
        self._now = now
        if self._is_new:
            self._sessions.begin_grace(now)
            self._is_new = False
        self.rooms.update(now)
        self._endpoint.update(now)
        # Who goes, before who comes: nobody comes back into a place it was sent away from at this very moment.
        for event in sorted(self._endpoint.events(), key=lambda event: not isinstance(event, Disconnected)):
            self._handle(event)
        for entered in self._entrance.update(now):
            self._attendance.enter(entered, now)
        self._attendance.expire(now)
        if self.answers_on_arrival:
            self._answer_calls(now)
        for room in self.rooms:
            self._run(room, now)
        self._inspection.update(now)
        self._keep(now)

    def _keep(self, now: float) -> list[Connection]:
        """See what the store has done; return by what connections answers went that waited for it."""
        if self.archive is None:
            return []
        self.archive.update(now)
        return [connection for room in self.rooms for connection in room.release(now)]

    def flush(self, now: float) -> None:
        """Hand over to the archive what was noted last, such as who left when the server closed."""
        for room in self.rooms:
            if room.keeper is not None:
                room.keeper.flush(now)

    @property
    def holds_answers(self) -> bool:
        """Whether somebody's answer waits for the store: then the host should not sleep for long."""
        return self.archive is not None and any(room.session.answers for room in self.rooms)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now."""
        return self._endpoint.datagrams_to_send(now)

    def answers(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what waits for no tick: answers to strangers, and to calls declared `answer="arrival"`.

        It is cheap, so a host may ask for it between two updates.
        """
        answers = self._endpoint.answers()
        heard = self._answer_calls(now) if self.answers_on_arrival else []
        for connection in dict.fromkeys((*heard, *self._keep(now))):
            answers += self._endpoint.datagrams_of(connection, now)
        return answers

    def _answer_calls(self, now: float) -> list[Connection]:
        """Run the calls that are answered on arrival; return whose they were."""
        answered = []
        for connection in self._endpoint.take_heard():
            peer = self._attendance.by_connection.get(connection)
            room = None if peer is None else self.rooms.of(peer.client_id)
            if peer is not None and room is not None and room.answer(peer, now) and connection.is_connected:
                answered.append(connection)
        return answered

    def next_deadline(self) -> float | None:
        """Return when `update` should be called at the latest, monotonic seconds."""
        deadlines = [each.next_deadline() for each in (self._endpoint, self._entrance, self._inspection)]
        deadlines += [room.schedule.next_deadline() for room in self.rooms]
        deadlines += [self._now + ANSWER_LOOK_SECONDS] if self.holds_answers else []
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def events(self) -> list[PlayerEvent]:
        """Return and forget who came and went; of a host that never asks, the newest are kept."""
        return self._attendance.take_events()

    def close(self, reason: DisconnectReason = DisconnectReason.SERVER_CLOSING, text: str = "", *, now: float) -> None:
        """Tell every client why, and accept nobody any more. Send what `datagrams_to_send` returns afterwards."""
        if self.archive is not None and not self._is_closed:
            self._is_closed = True
            self._attendance.chronicle.close()
            for room in self.rooms:
                if room.keeper is not None:
                    room.keeper.close("", now)
        self._endpoint.close(reason, text, now=now)
        for room in self.rooms:
            room.end_recording(text)

    def record(self, begin: BeginTape) -> None:
        """Record what is played in every room, from now on: `server.record(Recordings(folder).begin)`.

        Raises:
            EcsnetError: The recording cannot begin; of a room that opens later that is logged.
        """
        self.rooms.record(begin)

    def explain(self, client_id: int, entity: int) -> str:
        """Say in a sentence why a client sees an entity or does not, and what of it is still to come.

        Args:
            entity: The server's; a client's World has other numbers.
        """
        room = self.rooms.of(client_id) or self.room
        return room.session.sender.explain(client_id, entity)

    def input_statistics(self, client_id: int) -> InputStatistics:
        """Return what was counted of a client's inputs: how many were late, and how many of them it cannot mean.

        Raises:
            KeyError: No such client is connected.
        """
        room = self.rooms.of(client_id) or self.room
        return room.input_statistics(client_id)

    def report(self) -> Document:
        """Return how the server as a whole stands, with names for people: the beginning of what `ecsnet inspect` shows.

        Whatever is built around a server adds a mapping of its own, which is shown as it is.
        """
        said: Document = {
            "game": self.game.name,
            "version": self.game.version,
            "server_key": self._identity.fingerprint,
            "players": len(self._sessions),
            "max_players": self.rooms.max_clients,
        }
        return said if self.archive is None else said | {"store": self.archive.report(self._now)}

    # Who comes and goes.

    def standing(self, client_id: int) -> Standing:
        """Return whether a player is connected or lost, why, and until when its place is kept.

        Raises:
            KeyError: There is no such player, or no more.
        """
        return self._sessions.standing(client_id)

    def kick(self, client_id: int, text: str = "", *, now: float) -> None:
        """Disconnect one client and tell it why.

        Raises:
            KeyError: No such client is connected.
        """
        self.peers[client_id].connection.close(DisconnectReason.KICKED, text, now=now)

    def ban(self, client_id: int, text: str = "", *, network: bool = True, now: float) -> Ban:
        """Disconnect a player, or give up the place of one who is lost, and do not let the player in again.

        It is known again by its account, the player id of its token and its key, as far as it has them. Somebody who
        has nothing but a name is known by the network alone.

        Args:
            text: What the player reads, now and whenever it tries.
            network: Let nobody in from its network, either: who has nothing to be known by would simply come back.

        Returns:
            What was added to `bans`; `bans.remove` takes it back.

        Raises:
            KeyError: There is no such player.
            ValueError: Without the network there is nothing to know the player by.
        """
        session = self._sessions.get(client_id)
        if session is None or session.peer.arrival is None:
            raise KeyError(client_id)
        ban = Ban.of(replace(session.peer.arrival, address=session.peer.connection.address), text, network=network)
        self.bans.add(ban)
        self._attendance.chronicle.banned(session.peer, self._attendance.room_of(session.peer), ban)
        if session.keep_until is None:
            session.peer.connection.close(DisconnectReason.BANNED, text, now=now)
        else:
            self._attendance.send_away([client_id], DisconnectReason.BANNED, text, now)
        return ban

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
        if self._inspection.handle(event, self._now):
            return
        match event:
            case ConnectRequested():
                self._entrance.answer(event)
            case Connected(connection):
                entered = self._entrance.admit(connection, self._now)
                if entered is not None:
                    self._attendance.enter(entered, self._now)
            case Disconnected(connection, reason, text):
                peer = self._attendance.by_connection.get(connection)
                if peer is None:
                    self._entrance.forget(connection)
                else:
                    self._attendance.dismiss(peer, reason, text, self._now)
            case AddressChanged(connection, before) if connection in self._attendance.by_connection:
                accesslog.moved(self._attendance.by_connection[connection], before)
            case ConnectRefused(address, reason, text):
                accesslog.refused(address, reason, text)

    # Ticks.

    def _run(self, room: Room, now: float) -> None:
        """Run the ticks of a room that are due. If its game fails, the others play on."""
        try:
            due = room.update(now)
        except Exception:
            if self.rooms.several is None or room is self.room:
                raise  # there is nothing else to be saved
            logger.exception("room %s failed", self.rooms.code_of(room))
            self._close_room(room, BROKEN)
        else:
            self.ticks_run += due
            if due:
                self._close_faulty(room, now)

    def close_room(self, code: str, text: str = "") -> None:
        """Close a room and disconnect who is in it.

        Raises:
            KeyError: There is no such room.
        """
        self._close_room(self.rooms.by_code[code], text)

    def _close_room(self, room: Room, text: str) -> None:
        self._attendance.send_away(list(room.places), DisconnectReason.ROOM_CLOSED, text, self._now)
        self.rooms.close(room)

    def _close_faulty(self, room: Room, now: float) -> None:
        """Close the connections of peers that sent what our own software never sends, or do not read what they get."""
        for peer in room.peers.values():
            if peer.fault:
                self._attendance.chronicle.struck(peer, room)
                logger.warning("client %d (%s): %s: %s", peer.client_id, peer.name, peer.fault_reason.text, peer.fault)
                peer.connection.close(peer.fault_reason, peer.fault, now=now)
                peer.fault = ""


def server_name(public_key: bytes) -> str:
    """Return a few letters that tell this server from others which use the same store."""
    return hashlib.blake2s(public_key, digest_size=3).hexdigest()


def _keeping(archive: Archive, resumed: Resumed, game: Game, identity: Identity) -> Keeping:
    """Return what keeps all rooms, with the saves of those at hand who are there from the start."""
    book = SaveBook(archive.read_world(game.name))
    for owner, saves in resumed.saves.items():
        book.bring(owner, saves)
    return Keeping(archive, book, server_name(identity.public))


def _as_the_game_says(config: ServerConfig, game: Game) -> ServerConfig:
    """Fill in what the server's owner left to the game."""
    if config.resume_grace_seconds is not None:
        return config
    return replace(config, resume_grace_seconds=game.resume_grace_seconds)


def _with_room_for(config: TransportConfig, max_clients: int) -> TransportConfig:
    """Let as many handshakes be pending as there are places: a whole server may reconnect at once."""
    handshake = config.handshake
    return replace(config, handshake=replace(handshake, max_pending=max(handshake.max_pending, max_clients)))
