"""The client: the server's mirror image, with a World that replicates what this player may see."""

import os
from collections.abc import Iterator, Sequence
from typing import ParamSpec, TypeVar, overload

from ecsnet.admission import MAX_TICKET_BYTES, Credentials, Welcome, clean_name, unpack_schema
from ecsnet.components.player import Player
from ecsnet.components.predicted import Predicted
from ecsnet.config import ClientConfig, TokenConfig
from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.events import Connected, Disconnected, Synced
from ecsnet.game import Game
from ecsnet.peer import CALLS, CASUAL_CALLS, CHANNELS, CHECKS, STATE, Peer
from ecsnet.playfigures import PlayFigures
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.checks import Verifier
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema, difference
from ecsnet.rpc import Destination, Reply, Rpc
from ecsnet.schedule import TickSchedule
from ecsnet.system import is_predicted
from ecsnet.systems.callmessages import CallTable
from ecsnet.systems.heldcalls import HeldCalls
from ecsnet.systems.history import History
from ecsnet.systems.inputhistory import InputHistory
from ecsnet.systems.interpolation import Interpolator
from ecsnet.systems.lagcompensation import Picture
from ecsnet.systems.pipeline import CLIENT, Step, assemble
from ecsnet.systems.prediction import Predictor
from ecsnet.systems.rendering import Renderer
from ecsnet.systems.rpc import CallDesk
from ecsnet.systems.session import ClientSession
from ecsnet.systems.ticksync import TickSync
from ecsnet.targets import ClientMail
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.transport.password import password_key
from ecsnet.transport.state import State
from ecsnet.transport.statistics import Statistics
from ecsnet.wire import tick_difference
from ecsnet.world import World

__all__ = ["Client"]

LONGEST_FRAME_SECONDS = 0.25  # of what counts for the average frame: a stall is no frame
FRAME_WEIGHT = 0.1  # of the last frame in the average
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
        name: How this player asked to be called.
        world: Replica of what this client may see; what it owns runs ahead of the server.
        disconnected: (reason, text) once the connection has ended; None before.
        ticket: Should the connection break off, a new client with it goes on in this one's place; once. Empty before
            it is connected, and on servers that keep no places.
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

        Raises:
            LocalProtocolError: The token or the ticket is too long to be one.
        """
        if len(token) > (limit := TokenConfig().max_token_bytes):
            raise LocalProtocolError(f"a token has at most {limit} bytes, not {len(token)}")
        if len(ticket) > MAX_TICKET_BYTES:
            raise LocalProtocolError(f"a ticket has at most {MAX_TICKET_BYTES} bytes, not {len(ticket)}")
        self.game = game
        self.name = clean_name(name)
        self.config = config or ClientConfig()
        self.world = World(tick_rate_hz=game.tick_rate_hz, scope_marker=Predicted)
        self._schema = Schema(game)
        self._connection = Connection.connect(
            address,
            pins=tuple(pins),
            application_id=game.application_id,
            credentials=Credentials(self.name, self._schema.hash, token, ticket).pack(),
            channels=CHANNELS,
            config=self.config.transport,
            entropy=entropy,
            now=now,
            password_key=password_key(password, game.application_id) if password else None,
            player_key=player_key,
        )
        self._session = self._make_session()
        self.world.rewinder = Picture(self._session)
        self.world.mail = ClientMail()
        self._schedule = TickSchedule(self.world.dt, max_catch_up_ticks=self.config.max_catch_up_ticks)
        self._entity = 0
        self._updated, self._frame_seconds = now, self.world.dt
        self.disconnected: tuple[DisconnectReason, str] | None = None
        self.ticket = b""
        self._events: list[object] = []
        self._told_synced = False
        for system in assemble(pipeline, self._session):
            self.world.add_system(system)

    def _make_session(self) -> ClientSession:
        game, schema, config = self.game, self._schema, self.config
        receiver = Receiver(schema, self.world, config.replication)
        capacity = 2 * config.max_rollback_ticks
        inputs, history = InputHistory(schema.input_codec, capacity=capacity), History(capacity)
        predicted = [system() for system in game.systems if is_predicted(system)]
        interpolator = Interpolator(schema, game.tick_rate_hz, round(game.tick_rate_hz / game.send_rate_hz))
        renderer = Renderer(self.world, interpolator, history, config)
        predictor = Predictor(
            self.world, schema, receiver, inputs, predicted, renderer, history,
            max_rollback_ticks=config.max_rollback_ticks,
        )  # fmt: skip
        self.world.foresight, self.world.name_of = predictor, receiver.network_id_of
        return ClientSession(
            game=game,
            schema=schema,
            config=config,
            peer=Peer(self._connection, client_id=0, reads=frozenset((STATE, CALLS, CASUAL_CALLS, CHECKS))),
            receiver=receiver,
            verifier=Verifier(receiver, schema),
            inputs=inputs,
            predictor=predictor,
            interpolator=interpolator,
            renderer=renderer,
            sync=TickSync(self.world.dt),
            calls=CallDesk(
                CallTable(schema.remotes),
                here=Destination.CLIENTS,
                to_wire=lambda _, entity: receiver.network_id_of(entity),
                from_wire=lambda _, network_id: receiver.entity_of(network_id),
                held=HeldCalls(receiver, interpolator.clock, lambda: self.statistics.rtt_seconds),
            ),
        )

    def __repr__(self) -> str:
        """Show who this is and how far it got."""
        return f"Client({self.game.name!r}, id={self.client_id}, {self._connection.state.name}, tick={self.world.tick})"

    # What a game's loop uses.

    def press(self, command: object) -> None:
        """Set the input from now on, e.g. `client.press(Move(dx=1))`; taps between two ticks are not lost.

        Raises:
            LocalProtocolError: It is not the game's input component.
            SchemaError: A value lies outside its declared range.
        """
        if type(command) is not self.game.input:
            expected = self.game.input.__name__ if self.game.input else "nothing: the game declares no input"
            raise LocalProtocolError(f"press() takes {expected}, not {command!r}")
        if self._session.inputs.press(self._schema.input_codec.quantise(command)):
            self._session.drawn_at_press = self._session.interpolator.clock.drawn

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
        return self._session.renderer.view(types)

    def confirmed(self, entity: int, component_type: type[A]) -> A | None:
        """Return a component as the server last told it; None where it told of none.

        What this client owns runs ahead of that, and what others own is drawn behind it. It is a copy, to look at; the
        fields that do not travel have their defaults.
        """
        held = self._session.receiver.confirmed.get(entity, {})
        records = [record for record in self._schema.records_of.get(component_type, ()) if record.id in held]
        if not records:
            return None
        component = component_type()
        for record in records:
            record.codec.apply(component, held[record.id][1])
        return component

    def call(self, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Call a function on the server; poll the reply's `done`.

        Raises:
            LocalProtocolError: Not connected, or the function is not one of the game's for the server.
            SchemaError: An argument is not of its declared type or range.
        """
        return self._session.calls.call(self._session.peer, self.world, rpc, *args, **kwargs)

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
        return self._session.receiver.progress

    @property
    def client_id(self) -> int:
        """This client's number; 0 until the server granted one."""
        return self._session.peer.client_id

    @property
    def entity(self) -> int | None:
        """This client's own player entity in `world`; None while there is none."""
        if not self.world.has_component(self._entity, Player):
            self._entity = 0
            for entity, player in self.world.observe(Player):
                if player.client_id == self.client_id:
                    self._entity = entity
        return self._entity or None

    @property
    def is_ready(self) -> bool:
        """Whether the whole world has arrived and this client's own entity is in it."""
        return self._session.receiver.synced and self.entity is not None

    @property
    def server_key(self) -> bytes:
        """The public key the server proved to have; empty until then. Remember it when joining without pins."""
        return self._connection.server_key

    @property
    def current_server_key(self) -> bytes:
        """The key to remember: another than `server_key` while the server replaces it; empty before."""
        return self._connection.current_server_key

    @property
    def state(self) -> State:
        """How far the connection is."""
        return self._connection.state

    @property
    def statistics(self) -> Statistics:
        """What the connection counts and estimates: round trip, losses, bytes."""
        return self._connection.statistics

    @property
    def figures(self) -> PlayFigures:
        """How the game feels: corrections, delays, how far this client is ahead. For an overlay, once a frame."""
        session = self._session
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
        """The records of the game."""
        return self._schema

    @property
    def receiver(self) -> Receiver:
        """What is confirmed by the server; for tests and tools."""
        return self._session.receiver

    @property
    def predictor(self) -> Predictor:
        """What runs ahead of the server; for tests and tools."""
        return self._session.predictor

    # The six verbs.

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram from the network; any bytes at all."""
        self._connection.receive_datagram(data, address, now)

    def update(self, now: float) -> None:
        """Let timers fire, apply what arrived, run the ticks that are due."""
        session = self._session
        session.now = now
        del self._events[:-MAX_EVENTS]
        self._connection.update(now)
        for event in self._connection.events():
            self._handle(event, now)
        session.peer.collect()
        due = self._schedule.take_due(now)
        self._run_ticks(due)
        self._schedule.speed = session.sync.speed
        self._frame_seconds += FRAME_WEIGHT * (min(LONGEST_FRAME_SECONDS, now - self._updated) - self._frame_seconds)
        self._updated = now
        session.renderer.advance(
            now, due, frame_ticks=self._frame_seconds / self.world.dt, fraction=self._schedule.fraction(now)
        )
        self._take_calls(now)
        if session.peer.fault:
            self.close(DisconnectReason.PROTOCOL_ERROR, session.peer.fault, now=now)
            session.peer.fault = ""

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now."""
        return self._connection.datagrams_to_send(now)

    def next_deadline(self) -> float | None:
        """Return when `update` should be called at the latest, monotonic seconds."""
        deadlines = [self._schedule.next_deadline(), self._connection.next_deadline()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def close(self, reason: DisconnectReason = DisconnectReason.LEFT, text: str = "", *, now: float) -> None:
        """Leave, and say why. Send what `datagrams_to_send` returns afterwards."""
        self._connection.close(reason, text, now=now)

    def _run_ticks(self, count: int) -> None:
        """Run ticks, and note what there is to tell of all of them together."""
        if not count:
            return
        receiver = self._session.receiver
        receiver.news.note_predicted()
        for _ in range(count):
            self.world.process()
        self._session.predictor.tell()
        self._events += receiver.news.take()
        self._events += self._session.verifier.take()
        if receiver.synced and not self._told_synced:
            self._told_synced = True
            self._events.append(Synced())

    def _take_calls(self, now: float) -> None:
        """Take answers, run what the server calls and hear what happened: after all else of this frame."""
        calls, peer = self._session.calls, self._session.peer
        calls.take(peer, self.world, now)
        calls.run_held(peer, self.world, now, is_end=self.disconnected is not None)
        if self.disconnected is not None:
            calls.forget(peer, self.disconnected[1])
        self._events += calls.take_happened()

    def _handle(self, event: object, now: float) -> None:
        match event:
            case Connected(_, payload):
                try:
                    welcome = Welcome.unpack(payload)
                    self._session.peer.client_id, self.ticket = welcome.client_id, welcome.ticket
                    self.world.shared_seed = welcome.shared_seed
                except RemoteProtocolError as error:
                    self.close(DisconnectReason.PROTOCOL_ERROR, str(error), now=now)
            case Disconnected(_, reason, text, payload):
                if reason is DisconnectReason.SCHEMA_MISMATCH:
                    text = f"{text}: {difference(self._schema.describe(), unpack_schema(payload))}"
                self.disconnected = (reason, text)
                self._session.peer.collect()  # what came with the goodbye
