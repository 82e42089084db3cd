"""Room: one authoritative World with its pipeline, and the conversations with the clients who are in it.

A server has one, or, where it has several, one for each game that is played and one for the hall. Nothing of one is
known in another: each has its own entities, its own tick and its own chance.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from ecsnet import players
from ecsnet.absence import Absence
from ecsnet.bots import Bot, make_bot
from ecsnet.components.player import Player, PlayerStatus
from ecsnet.components.predicted import Predicted
from ecsnet.components.roominfo import RoomInfo
from ecsnet.config import ReplicationConfig, ServerConfig
from ecsnet.game import Game
from ecsnet.inputstatistics import InputStatistics
from ecsnet.peer import Peer
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender
from ecsnet.resumed import ResumedRoom
from ecsnet.schedule import TickSchedule
from ecsnet.systems.callmessages import CallTable
from ecsnet.systems.heldanswers import HeldAnswers
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.systems.keeper import Keeping
from ecsnet.systems.lagcompensation import LagCompensation
from ecsnet.systems.pipeline import Step, assemble
from ecsnet.systems.post import Post
from ecsnet.systems.recording import Tape
from ecsnet.systems.rpc import ServerCalls
from ecsnet.systems.session import ServerSession
from ecsnet.systems.standins import StandIn
from ecsnet.transport.connection import Connection
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["Room"]

MESSAGE_ROOM_BYTES = 150  # packet and message headers, an ACK, the client's own part and a few entities of its own

logger = logging.getLogger(__name__)


class Room:
    """One game that is played.

    Attributes:
        game: What is played.
        world: The truth.
        session: What the pipeline works on.
        schedule: When its ticks are due.
        places: Who has a place, by client id: who is here, and who was lost and may come back.
        capacity: How many places there are.
        password: Needed to enter; empty: not.
        info: What the room says of itself; None where there is but one.
        stays: Whether it does when nobody has a place.
        empty_since: Since when nobody has had a place; None while somebody has.
        creator: The client that had it opened; 0: none had.
        creator_network: Where that was, as `network_of` tells.
        keeper: Keeps it in a store; None: nothing does.
        tells_summary: Whether the game's `summary` has not failed here: once is enough in the log.
    """

    def __init__(
        self,
        game: Game,
        schema: Schema,
        config: ServerConfig,
        *,
        pipeline: Sequence[Step],
        seed: int,
        start_tick: Tick = 0,
        capacity: int = 0,
        password: str = "",
        stays: bool = True,
        info: RoomInfo | None = None,
        keeping: Keeping | None = None,
        resumed: ResumedRoom | None = None,
        now: float = 0.0,
    ) -> None:
        """Make a room in its first tick; it acts when `update` is called.

        Args:
            schema: Of the game.
            capacity: 0: as the game says.
            info: What the room says of itself, in its World.
            keeping: What keeps it in a store; None: nothing does.
            resumed: What it goes on with, instead of from `seed` and `start_tick`.
        """
        if game.absence is Absence.BOT:
            make_bot(game, 0)  # a bot that is not there is a mistake of now, not of when somebody is lost
        self.game = game
        self.schema = schema
        if resumed is not None:
            seed, start_tick = resumed.seed, resumed.tick
        self.world = World(tick_rate_hz=game.tick_rate_hz, seed=seed, tick=start_tick, scope_marker=Predicted)
        sender = Sender(schema, self.world, _fitting(config), cell_units=game.cell_units)
        table = CallTable(schema.remotes)
        code = "" if info is None else info.code
        self.keeper = keeper = None if keeping is None else keeping.keeper(schema, self.world, code)
        answers = HeldAnswers(None if keeping is None else keeping.archive)
        calls = ServerCalls(table, self.world, sender, answers, keeper)
        peers: dict[int, Peer] = {}
        on_event = (lambda _: None) if keeper is None else keeper.note_sent
        self.world.mail = post = Post(table, self.world, sender, peers, on_event)
        self.session = ServerSession(game, schema, config, sender, calls, answers, post, keeper, peers)
        self.schedule = TickSchedule(self.world.dt, max_catch_up_ticks=config.max_catch_up_ticks)
        self.places: dict[int, None] = {}
        self.capacity = capacity or game.max_clients
        self.password = password
        self.stays = stays
        self.info = info
        self.empty_since: float | None = now
        self.creator, self.creator_network = 0, ""
        if keeper is not None and info is not None:
            keeper.snapshots.room_state = {
                "name": info.name,
                "password": password,
                "capacity": self.capacity,
                "stays": stays,
            }
        self.tells_summary = True
        if info is not None and resumed is None:
            self.world.create_entity(info)
        for system in assemble(pipeline, self.session):
            self.world.add_system(system)
            if isinstance(system, LagCompensation):
                system.attach(self.world, self.session)
        if resumed is not None:
            self._put_back(resumed)

    def __repr__(self) -> str:
        """Show the game, the tick and who is here."""
        return f"Room({self.game.name!r}, tick={self.world.tick}, clients={sorted(self.peers)})"

    @property
    def peers(self) -> dict[int, Peer]:
        """Who is connected and here, by client id."""
        return self.session.peers

    @property
    def is_full(self) -> bool:
        """Whether every place is taken."""
        return len(self.places) >= self.capacity

    def update(self, now: float) -> int:
        """Run the ticks that are due, and return how many there were."""
        self.session.now = now
        due = self.schedule.take_due(now)
        for _ in range(due):
            for peer in self.peers.values():
                peer.collect()
            self.world.process()
            self.session.answers.seal(now)  # whatever steps its pipeline has
        return due

    def answer(self, peer: Peer, now: float) -> bool:
        """Run what a client called that is answered on arrival; tell whether there was anything."""
        self.session.now = now
        if not self.session.calls.take_arrived(peer, now):
            return False
        if self.keeper is not None:
            self.keeper.look(now)
        self.session.answers.seal(now)
        return True

    def release(self, now: float) -> list[Connection]:
        """Send answers whose changes are safe by now; return by what connections."""
        return self.session.answers.release(now)

    def record(self, tape: Tape) -> None:
        """Note all that clients are told on a tape, from the next send on; an earlier tape ends."""
        self.end_recording()
        self.session.tape = tape
        self.session.post.take_overheard()

    def end_recording(self, text: str = "") -> None:
        """Let the tape end, if there is one."""
        if self.session.tape is not None:
            self.session.tape.end(text)

    def input_statistics(self, client_id: int) -> InputStatistics:
        """Return what was counted of a client's inputs.

        Raises:
            KeyError: No such client is here.
        """
        return self.session.input_buffers[client_id].statistics

    def count(self, now: float) -> None:
        """Note how many places are taken."""
        self.empty_since = None if self.places else now
        if self.info is not None:
            self.info.players = len(self.places)

    def _put_back(self, resumed: ResumedRoom) -> None:
        """Have the entities there were when the server ended. Whoever plays here is told later."""
        self.world.shared_seed = resumed.shared_seed
        self.world.restore(resumed.entities, next_entity=resumed.next_entity)
        self.info = self.world.try_single(RoomInfo)

    # Who is here.

    def place(self, peer: Peer) -> None:
        """Give a player an entity."""
        if self.keeper is not None:
            self.keeper.admit(peer.client_id, peer.owner)
        peer.entity = players.make(self.world, self.game, peer)

    def begin_conversation(self, peer: Peer) -> None:
        """Exchange inputs, state and calls over a fresh connection, whatever was said over another one."""
        self.peers[peer.client_id] = peer
        self.session.stand_ins.pop(peer.client_id, None)
        self.session.input_buffers[peer.client_id] = players.input_buffer(self.game, self.schema, self.session.config)
        self.session.sender.subscribe(peer.client_id)
        self.session.post.admit(peer.client_id)

    def end_conversation(self, peer: Peer) -> InputBuffer:
        """Forget what was exchanged with a client over one connection; return the last of it, its inputs."""
        peer.collect()
        self.session.calls.take(peer, self.session.now)  # what was called before leaving was called
        del self.peers[peer.client_id]
        self.session.sender.unsubscribe(peer.client_id)
        self.session.calls.forget(peer.client_id)
        return self.session.input_buffers.pop(peer.client_id)

    def readmit(self, peer: Peer) -> None:
        """Know a player again who had a place here when the server ended, and is lost until it comes back."""
        if self.keeper is not None:
            self.keeper.admit(peer.client_id, peer.owner)
        found = (entity for entity, player in self.world.get_component(Player) if player.client_id == peer.client_id)
        peer.entity = next(found, 0)  # none: it came after the last snapshot
        if peer.entity:
            self.lose(peer, players.input_buffer(self.game, self.schema, self.session.config))

    def go_on(self, resumed: ResumedRoom) -> None:
        """Begin where the last snapshot was, once all are known who may come back; the others are gone."""
        for entity, player in self.world.get_component(Player):
            if player.client_id not in self.places:
                self.world.delete_entity(entity)
        if self.keeper is not None:
            self.keeper.resume(resumed.match, resumed.last_event)

    def lose(self, peer: Peer, inputs: InputBuffer) -> None:
        """Do with the player of a client that may come back what the game wants done meanwhile."""
        players.set_status(self.world, peer.entity, PlayerStatus.LOST)
        match self.game.absence:
            case Absence.REMOVE:
                self.world.delete_entity(peer.entity)
            case Absence.KEEP:
                self._stand_in(peer, inputs, None)
            case Absence.BOT:
                try:
                    self._stand_in(peer, inputs, make_bot(self.game, peer.client_id))
                except Exception:  # it is code of the game, and this is the whole server's loop
                    logger.exception("no bot can play for lost client %d", peer.client_id)

    def _stand_in(self, peer: Peer, inputs: InputBuffer, bot: Bot | None) -> None:
        """Let somebody press a lost client's keys, to begin with as it did."""
        self.session.stand_ins[peer.client_id] = StandIn(self.session, self.world, peer, inputs.last, bot)

    def remove(self, peer: Peer) -> None:
        """Let a player go for good."""
        self.session.stand_ins.pop(peer.client_id, None)
        self.session.calls.forget(peer.client_id)
        if self.keeper is not None:
            self.keeper.let_go(peer.client_id, self.session.now)
        self.world.delete_entity(peer.entity)


def _fitting(config: ServerConfig) -> ReplicationConfig:
    """Cut what is shared so that it fits a datagram with the headers and a little of a client's own."""
    room = config.transport.datagram_bytes - MESSAGE_ROOM_BYTES
    return replace(config.replication, chunk_bytes=min(config.replication.chunk_bytes, room))
