"""The client: the server's mirror image, with a World that replicates what this player may see.

It lives through several connections: a `Conversation` is one of them. Another one takes its place when this client
enters another room, and when the connection breaks off and it comes back with its ticket.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from typing import ParamSpec, TypeVar, overload

from ecsnet.admission import (
    MAX_ACCOUNT_BYTES,
    MAX_ACCOUNT_PASSWORD_BYTES,
    MAX_GREETING_BYTES,
    MAX_ROOM_BYTES,
    MAX_ROOM_PASSWORD_BYTES,
    MAX_TICKET_BYTES,
    Credentials,
    Introduction,
    clean_name,
)
from ecsnet.components.player import Player
from ecsnet.components.roominfo import RoomInfo
from ecsnet.config import ClientConfig, TokenConfig
from ecsnet.conversation import Conversation, Door
from ecsnet.errors import LocalProtocolError
from ecsnet.events import ClientStatus
from ecsnet.game import Game
from ecsnet.passage import Passage
from ecsnet.playfigures import PlayFigures
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.retry import Retry
from ecsnet.rpc import RefusalCode, Reply, Rpc, refused
from ecsnet.systems.clientlog import ClientLog
from ecsnet.systems.hall import ANY_ROOM, HALL
from ecsnet.systems.pipeline import CLIENT, Step
from ecsnet.systems.prediction import Predictor
from ecsnet.transport.address import Address
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.transport.password import password_key
from ecsnet.transport.state import State
from ecsnet.transport.statistics import Statistics
from ecsnet.wire import tick_difference
from ecsnet.world import World

__all__ = ["Client"]

MAX_EVENTS = 4096  # of earlier updates; what one update brings is always told whole

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class Client:
    """Joins a server, shows its world, and plays.

    Attributes:
        game: What is played; in the hall of a server with rooms, what will be.
        name: How this player asked to be called.
    """

    def __init__(
        self,
        game: Game,
        address: Address,
        *,
        now: float,
        name: str = "",
        pins: Sequence[bytes] = (),
        config: ClientConfig | None = None,
        entropy: Entropy = os.urandom,
        pipeline: Sequence[Step] = CLIENT,
        password: str = "",
        player_key: Identity | None = None,
        token: bytes = b"",
        ticket: bytes = b"",
        room: str = "",
        room_password: str = "",
        account: str = "",
        account_password: str = "",
        greeting: bytes = b"",
    ) -> None:
        """Start joining; `update` carries it on.

        Args:
            now: Monotonic seconds, as of every later call.
            pins: Public keys the server may show, 32 bytes each; any key when empty: then look at `server_key`.
            entropy: Source of random bytes; a seeded one makes the client reproducible.
            password: Of the server; with it, only a server that knows it will do. Takes 0.1 s to prepare.
            player_key: Key pair by which servers know this player again; only servers it joins learn the public half.
            token: For a server that asks for one; see `ecsnet.tokens.parse_token`.
            ticket: The `ticket` of an earlier client whose connection broke off: go on in its place, if there is time.
            room: The code of a room, on a server that has some; `HALL`: where they are listed. Empty: a room with a
                free place, which the server chooses.
            room_password: Of that room, if it has one.
            account: The player's name on a server with accounts.
            account_password: Of that account. Only a server that asks for one gets it, over a connection whose key it
                has proved to have; to trust a server at the first contact is to trust it with this.
            greeting: For the server's `accept`, if it has one: whatever it and this program agreed on.

        Raises:
            LocalProtocolError: Something of this is too long; the text says what.
        """
        _check_sizes(
            ("a token", token, TokenConfig().max_token_bytes),
            ("a ticket", ticket, MAX_TICKET_BYTES),
            ("the name of an account", account.encode(), MAX_ACCOUNT_BYTES),
            ("the password of an account", account_password.encode(), MAX_ACCOUNT_PASSWORD_BYTES),
            ("a greeting", greeting, MAX_GREETING_BYTES),
        )
        self.game = game
        self.name = clean_name(name or account)
        self.config = config or ClientConfig()
        door = Door(
            game=game,
            credentials=Credentials(self.name, b"", token),
            introduction=Introduction(account, account_password, greeting),
            pins=tuple(pins),
            config=self.config,
            entropy=entropy,
            pipeline=pipeline,
            password_key=password_key(password, game.application_id) if password else None,
            player_key=player_key,
        )
        self._passage = Passage(door, address, now=now, ticket=ticket, place=_checked_place(room, room_password))
        self._entity = 0
        self._log = ClientLog(now)
        self._events: list[object] = []

    def __repr__(self) -> str:
        """Show who this is and how far it got."""
        return f"Client({self.game.name!r}, id={self.client_id}, {self.state.name}, tick={self.world.tick})"

    @property
    def conversation(self) -> Conversation:
        """All that hangs on the present connection; for tests and tools."""
        return self._passage.current

    # What a game's loop uses.

    @property
    def world(self) -> World:
        """Replica of what this client may see; what it owns runs ahead of the server. In another room it is another."""
        return self.conversation.world

    def press(self, command: object) -> None:
        """Set the input from now on, e.g. `client.press(Move(dx=1))`; taps between two ticks are not lost.

        Raises:
            LocalProtocolError: It is not the game's input component.
            SchemaError: A value lies outside its declared range.
        """
        if type(command) is not self.game.input:
            expected = self.game.input.__name__ if self.game.input else "nothing: the game declares no input"
            raise LocalProtocolError(f"press() takes {expected}, not {command!r}")
        session = self.conversation.session
        if not self.conversation.is_hall and session.inputs.press(self.schema.input_codec.quantise(command)):
            session.drawn_at_press = session.interpolator.clock.drawn

    @overload
    def view(self, a: type[A], /) -> Iterator[tuple[int, A]]: ...
    @overload
    def view(self, a: type[A], b: type[B], /) -> Iterator[tuple[int, tuple[A, B]]]: ...
    @overload
    def view(self, a: type[A], b: type[B], c: type[C], /) -> Iterator[tuple[int, tuple[A, B, C]]]: ...
    @overload
    def view(self, a: type[A], b: type[B], c: type[C], d: type[D], /) -> Iterator[tuple[int, tuple[A, B, C, D]]]: ...
    @overload
    def view(
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /
    ) -> Iterator[tuple[int, tuple[A, B, C, D, E]]]: ...
    def view(self, *types: type[object]) -> Iterator[tuple[int, object]]:
        """Iterate over entities as they should be drawn now.

        Like `world.get_components`, but what others own is drawn a little in the past, between two states, and what was
        wrong is mended smoothly. So where a place is asked for, an entity appears, and goes, a little later than in
        `world`. The values are for drawing: writing to them changes nothing, and they are good until the next frame.
        """
        return self.conversation.session.renderer.view(types)

    def confirmed(self, entity: int, component_type: type[A]) -> A | None:
        """Return a component as the server last told it; None where it told of none.

        What this client owns runs ahead of that, and what others own is drawn behind it. It is a copy, to look at; the
        fields that do not travel have their defaults.
        """
        held = self.conversation.session.receiver.confirmed.get(entity, {})
        records = [record for record in self.schema.records_of.get(component_type, ()) if record.id in held]
        if not records:
            return None
        component = component_type()
        for record in records:
            record.codec.apply(component, held[record.id][1])
        return component

    def call(self, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Call a function on the server; poll the reply's `done`. Where there is no connection it is refused at once.

        Raises:
            LocalProtocolError: The function is not one of the game's for the server.
            SchemaError: An argument is not of its declared type or range.
        """
        conversation = self.conversation
        # No mistake of who calls: a key may be pressed while one still joins, or when the connection ended just now.
        if conversation.welcome is None:
            return refused(RefusalCode.DISCONNECTED, "the server has not let us in yet")
        if not conversation.connection.is_connected:
            return refused(RefusalCode.DISCONNECTED, "the connection has ended")
        return conversation.session.calls.call(rpc, *args, **kwargs)

    def log(self, text: str, level: int = logging.INFO) -> None:
        """Write a line to the server's log, with this client's number and name; the logger there is `ecsnet.client`.

        A long one is cut. What is too much, or finds no connection, is dropped; the next line says how many were.

        Raises:
            SchemaError: The level is not one from logging.DEBUG to logging.ERROR.
        """
        session = self.conversation.session
        calls = session.calls if session.peer.connection.is_connected else None
        self._log.write(text, level, session.now, calls)

    def events(self) -> list[object]:
        """Return and forget what came, went and changed, and the game's events; see `ecsnet.events`, `ecsnet.event`.

        Ask after every `update`. All that one update did to the World is told together, when all of it is done; then
        the game's events, instances of their classes. Of a host that does not ask, the newest of earlier updates are
        kept.
        """
        events, self._events = self._events, []
        return events

    @property
    def progress(self) -> float:
        """How much of the world this client could see when it joined has arrived, 0.0 to 1.0; never falls."""
        return self.conversation.session.receiver.progress

    @property
    def status(self) -> ClientStatus:
        """How the connection stands."""
        return self._passage.status

    @property
    def disconnected(self) -> tuple[DisconnectReason, str] | None:
        """(reason, text) once the connection has ended for good; None before."""
        return self._passage.disconnected

    @disconnected.setter
    def disconnected(self, ending: tuple[DisconnectReason, str]) -> None:
        self._passage.disconnected = ending

    @property
    def is_over(self) -> bool:
        """Whether the connection has ended for good and nothing more is to be sent, not even a goodbye."""
        return self._passage.is_over

    @property
    def retrying(self) -> Retry | None:
        """The attempts to come back while `status` is LOST; None else."""
        return self._passage.retrying

    @property
    def ticket(self) -> bytes:
        """Brings a new client into this one's place, should its program end; once. This one uses it by itself.

        Empty before it is connected, and on servers that keep no places.
        """
        return self._passage.ticket

    @property
    def client_id(self) -> int:
        """This client's number; 0 until the server granted one."""
        return self.conversation.session.peer.client_id

    @property
    def entity(self) -> int | None:
        """This client's own player entity in `world`; None while there is none."""
        kept = self.world.try_component(self._entity, Player)
        if kept is None or kept.client_id != self.client_id:  # in another World the number may be somebody else's
            self._entity = 0
            for entity, player in self.world.observe(Player):
                if player.client_id == self.client_id:
                    self._entity = entity
        return self._entity or None

    @property
    def is_ready(self) -> bool:
        """Whether the whole world has arrived and this client's own entity is in it."""
        return self.conversation.session.receiver.synced and self.entity is not None

    @property
    def server_key(self) -> bytes:
        """The public key the server proved to have; empty until then. Remember it when joining without pins."""
        return self.conversation.connection.server_key

    @property
    def current_server_key(self) -> bytes:
        """The key to remember: another than `server_key` while the server replaces it; empty before."""
        return self.conversation.connection.current_server_key

    @property
    def state(self) -> State:
        """How far the connection is."""
        return self.conversation.connection.state

    @property
    def statistics(self) -> Statistics:
        """What the connection counts and estimates: round trip, losses, bytes."""
        return self.conversation.connection.statistics

    @property
    def figures(self) -> PlayFigures:
        """How the game feels: corrections, delays, how far this client is ahead. For an overlay, once a frame."""
        session = self.conversation.session
        heard = session.receiver.tick
        return PlayFigures(
            corrections=session.predictor.corrections,
            replayed_ticks=session.predictor.replayed_ticks,
            ahead_ticks=0 if heard is None else tick_difference(self.world.tick, heard),
            margin_ticks=session.sync.margin,
            speed=session.sync.speed,
            interpolation_delay_seconds=session.interpolator.clock.delay_ticks * self.world.dt,
        )

    @property
    def schema(self) -> Schema:
        """The records of what is played where this client is."""
        return self.conversation.schema

    @property
    def receiver(self) -> Receiver:
        """What is confirmed by the server; for tests and tools."""
        return self.conversation.session.receiver

    @property
    def predictor(self) -> Predictor:
        """What runs ahead of the server; for tests and tools."""
        return self.conversation.session.predictor

    # Rooms.

    def enter(self, room: str, password: str = "") -> Reply[None]:
        """Move to another room of this server; poll the reply's `done`. Where the connection has ended it is refused.

        This client goes on where it is until it is there, and stays where it is if it is refused. With the room it
        gets another `world`; what was in sight is told as despawned.

        Args:
            room: Its code; `ANY_ROOM`: one with a free place; `HALL`: where they are listed.

        Raises:
            LocalProtocolError: Not connected yet, on its way already, or room or password are too long.
        """
        return self._passage.enter(*_checked_place(room, password))

    @property
    def room(self) -> RoomInfo | None:
        """The room this client is in; None in the hall, on servers without rooms, and until it is known."""
        return None if self.conversation.is_hall else self.world.try_single(RoomInfo)

    # The six verbs.

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram from the network; any bytes at all."""
        self._passage.receive_datagram(data, address, now)

    def update(self, now: float) -> None:
        """Let timers fire, apply what arrived, run the ticks that are due."""
        self._passage.update(now)
        del self._events[:-MAX_EVENTS]
        self._events += self._passage.take_events()

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now."""
        return self._passage.datagrams_to_send(now)

    def next_deadline(self) -> float | None:
        """Return when `update` should be called at the latest, monotonic seconds."""
        return self._passage.next_deadline()

    def close(self, reason: DisconnectReason = DisconnectReason.LEFT, text: str = "", *, now: float) -> None:
        """Leave, and say why. Send what `datagrams_to_send` returns afterwards."""
        self._passage.close(reason, text, now)


def _checked_place(room: str, password: str) -> tuple[str, str]:
    """Return the code and the password of a room if they fit what carries them."""
    _check_sizes(
        ("a room's code", room.encode(), MAX_ROOM_BYTES),
        ("a room's password", password.encode(), MAX_ROOM_PASSWORD_BYTES),
    )
    is_word = room.lower() in {HALL, ANY_ROOM}
    return room.lower() if is_word else room.upper(), password


def _check_sizes(*parts: tuple[str, bytes, int]) -> None:
    """Raise for the first part that does not fit what carries it."""
    for what, data, limit in parts:
        if len(data) > limit:
            raise LocalProtocolError(f"{what} has at most {limit} bytes, not {len(data)}")
