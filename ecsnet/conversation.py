"""One connection of a client and the World that is its replica: made for one room of one server, and gone with it.

A `Client` outlives it: when it moves to another room, or when its connection breaks off, another one takes its place.
So nothing of one connection, no key, no tick and no entity, is ever mixed up with another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ecsnet.admission import QUESTION, Credentials, Introduction, Welcome, unpack_schema
from ecsnet.components.predicted import Predicted
from ecsnet.components.roominfo import RoomInfo
from ecsnet.config import ClientConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.events import Connected, DespawnReason, Disconnected, Synced
from ecsnet.game import Game
from ecsnet.peer import CALLS, CASUAL_CALLS, CHANNELS, CHECKS, STATE, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.checks import Verifier
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema, difference
from ecsnet.schedule import TickSchedule
from ecsnet.system import is_predicted
from ecsnet.systems.callmessages import CallTable
from ecsnet.systems.hall import HALL, hall_of
from ecsnet.systems.heldcalls import HeldCalls
from ecsnet.systems.history import History
from ecsnet.systems.inputhistory import InputHistory
from ecsnet.systems.interpolation import Interpolator
from ecsnet.systems.lagcompensation import Picture
from ecsnet.systems.pipeline import Step, assemble
from ecsnet.systems.prediction import Predictor
from ecsnet.systems.rendering import Renderer
from ecsnet.systems.rpc import ClientCalls
from ecsnet.systems.session import ClientSession
from ecsnet.systems.ticksync import TickSync
from ecsnet.targets import ClientMail
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.transport.state import State
from ecsnet.world import World

__all__ = ["Conversation", "Door"]

LONGEST_FRAME_SECONDS = 0.25  # of what counts for the average frame: a stall is no frame
FRAME_WEIGHT = 0.1  # of the last frame in the average
MAX_EARLY_MESSAGES = 256  # that overtake a welcome: 8 s of state in one datagram each
ELSEWHERE = "this client goes on over another connection"


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """What a client shows a server, however often it comes.

    Attributes:
        game: What is played there; in the hall it is another one of the same name.
        credentials: Who it is; what changes from room to room is added to them.
        introduction: What it says beyond that where a server asks.
        pins: Public keys the server may show; empty: any.
        password_key: Made of the server's password, if it has one.
        player_key: By which servers know this player again.
    """

    game: Game
    credentials: Credentials
    introduction: Introduction
    pins: tuple[bytes, ...]
    config: ClientConfig
    entropy: Entropy
    pipeline: Sequence[Step]
    password_key: bytes | None
    player_key: Identity | None


class Conversation:
    """Everything a client has because of one connection.

    Attributes:
        game: What is played in the room: the client's own game, or the hall's.
        address: Where the server is.
        session: What the pipeline works on.
        world: The replica.
        welcome: What the server granted; None before.
        ended: (reason, text) once the connection has ended; None before.
    """

    def __init__(self, door: Door, address: Address, *, now: float, ticket: bytes, place: tuple[str, str]) -> None:
        """Start connecting; `update` carries it on.

        Args:
            place: Code and password of the room to enter.
        """
        self._room, self._room_password = room, room_password = place
        self.game = game = hall_of(door.game) if room == HALL else door.game
        self.address = address
        self.schema = Schema(game)
        self.config = door.config
        self.world = World(tick_rate_hz=game.tick_rate_hz, scope_marker=Predicted)
        credentials = replace(
            door.credentials, schema_hash=self.schema.hash, ticket=ticket, room=room, room_password=room_password,
            version=door.game.version,
        )  # fmt: skip
        self._introduction = door.introduction
        self.connection = Connection.connect(
            address,
            pins=door.pins,
            application_id=game.application_id,
            credentials=credentials.pack(),
            channels=CHANNELS,
            config=door.config.transport,
            entropy=door.entropy,
            now=now,
            password_key=door.password_key,
            player_key=door.player_key,
        )
        self.session = self._make_session()
        self.world.rewinder = Picture(self.session)
        self.world.mail = ClientMail()
        self.schedule = TickSchedule(self.world.dt, max_catch_up_ticks=door.config.max_catch_up_ticks)
        self.welcome: Welcome | None = None
        self.ended: tuple[DisconnectReason, str] | None = None
        self._updated, self._frame_seconds = now, self.world.dt
        self._told_synced = False
        self._events: list[object] = []
        for system in assemble(door.pipeline, self.session):
            self.world.add_system(system)

    def __repr__(self) -> str:
        """Show where the connection stands."""
        return f"Conversation({self.game.name!r}, {self.connection.state.name}, tick={self.world.tick})"

    @property
    def is_hall(self) -> bool:
        """Whether this is where the rooms are listed."""
        return self._room == HALL

    @property
    def place(self) -> tuple[str, str]:
        """The code and the password to come back here with."""
        info = None if self.is_hall else self.world.try_single(RoomInfo)
        return (self._room if info is None else info.code), self._room_password

    @property
    def is_open(self) -> bool:
        """Whether the server let this client in, and it has not ended since."""
        return self.welcome is not None and self.ended is None

    @property
    def has_state(self) -> bool:
        """Whether something of the World has arrived: the server has heard of this client, and has a place for it."""
        return self.session.receiver.tick is not None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to receive or to send."""
        return self.connection.state is State.CLOSED

    def update(self, now: float) -> None:
        """Let timers fire, apply what arrived, run the ticks that are due."""
        session = self.session
        session.now = now
        self.connection.update(now)
        for event in self.connection.events():
            self._handle(event, now)
        session.peer.collect()
        is_early = self._is_early(now)
        due = self.schedule.take_due(now)
        if is_early:  # their time passes all the same
            due = 0
        self._run_ticks(due)
        self.schedule.speed = session.sync.speed
        self._frame_seconds += FRAME_WEIGHT * (min(LONGEST_FRAME_SECONDS, now - self._updated) - self._frame_seconds)
        self._updated = now
        session.renderer.advance(
            now, due, frame_ticks=self._frame_seconds / self.world.dt, fraction=self.schedule.fraction(now)
        )
        if not is_early:
            self._take_calls(now)
        if session.peer.fault:
            self.connection.close(DisconnectReason.PROTOCOL_ERROR, session.peer.fault, now=now)
            session.peer.fault = ""

    def next_deadline(self) -> float | None:
        """Return when `update` should be called at the latest, monotonic seconds; once it has ended nothing ticks."""
        deadline = self.connection.next_deadline()
        tick_at = self.schedule.next_deadline() if self.ended is None else None
        if tick_at is None or (deadline is not None and deadline < tick_at):
            return deadline
        return tick_at

    def take_events(self) -> list[object]:
        """Return and forget what the last update has to tell."""
        events, self._events = self._events, []
        return events

    def farewell(self) -> list[object]:
        """Return what there is to tell when another conversation takes the place of this one: all is out of sight."""
        calls, news = self.session.calls, self.session.receiver.news
        calls.end(ELSEWHERE)
        for entity in self.session.receiver.confirmed:
            news.note_despawn(entity, DespawnReason.HIDDEN)
        return [*self.take_events(), *calls.take_happened(), *news.take()]

    def _make_session(self) -> ClientSession:
        game, schema, config = self.game, self.schema, self.config
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
        peer = Peer(self.connection, client_id=0, reads=frozenset((STATE, CALLS, CASUAL_CALLS, CHECKS)))
        held = HeldCalls(receiver, interpolator.clock, lambda: self.connection.statistics.rtt_seconds)
        self.world.foresight, self.world.name_of = predictor, receiver.network_id_of
        return ClientSession(
            game=game,
            schema=schema,
            config=config,
            peer=peer,
            receiver=receiver,
            verifier=Verifier(receiver, schema),
            inputs=inputs,
            predictor=predictor,
            interpolator=interpolator,
            renderer=renderer,
            sync=TickSync(self.world.dt),
            calls=ClientCalls(CallTable(schema.remotes), self.world, peer, receiver, held),
        )

    def _run_ticks(self, count: int) -> None:
        """Run ticks, and note what there is to tell of all of them together."""
        if not count:
            return
        receiver = self.session.receiver
        receiver.news.note_predicted()
        for _ in range(count):
            self.world.process()
        self.session.predictor.tell()
        self._events += receiver.news.take()
        self._events += self.session.verifier.take()
        if receiver.synced and not self._told_synced:
            self._told_synced = True
            self._events.append(Synced())

    def _take_calls(self, now: float) -> None:
        """Take answers, run what the server calls and hear what happened: after all else of this frame."""
        calls = self.session.calls
        calls.take(now)
        if self.ended is not None:
            calls.end(self.ended[1])
        self._events += calls.take_happened()

    def _handle(self, event: object, now: float) -> None:
        match event:
            case Connected(_, payload) if payload == QUESTION:
                self.connection.send(CALLS, self._introduction.pack())
            case Connected(_, payload):
                self._enter(payload, now)
            case Disconnected(_, reason, text, payload):
                if reason is DisconnectReason.SCHEMA_MISMATCH:
                    text = f"{text}: {difference(self.schema.describe(), unpack_schema(payload))}"
                self.ended = (reason, text)
                self.session.peer.collect()  # what came with the goodbye

    def _enter(self, payload: bytes, now: float) -> None:
        """Take the server's welcome."""
        try:
            self.welcome = Welcome.unpack(payload)
            self.session.peer.client_id = self.welcome.client_id
            self.world.shared_seed = self.welcome.shared_seed
        except RemoteProtocolError as error:
            self.connection.close(DisconnectReason.PROTOCOL_ERROR, str(error), now=now)

    def _is_early(self, now: float) -> bool:
        """Look for the welcome of a server that asked; tell whether something has overtaken it, which has to wait."""
        peer = self.session.peer
        if self.welcome is None and self.ended is None:
            welcome = peer.take_first(CALLS)
            if welcome is not None:
                self._enter(welcome, now)
        if self.welcome is None and peer.waiting > MAX_EARLY_MESSAGES:
            peer.fault = "no welcome, but much else"
        return self.welcome is None and self.ended is None and peer.waiting > 0
