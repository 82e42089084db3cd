"""The server's side: encode what changed once, then give every client its messages.

Per send tick and client there are a few dozen bytes of its own, and the frame's chunks, whose bytes all share. Only
for a client that lost something, or for which entities came or went, is there more to do.
"""

from ecsnet.config import ReplicationConfig
from ecsnet.replication.agenda import fill
from ecsnet.replication.assembly import Assembly
from ecsnet.replication.audiences import EVERYONE_KEY, keys_of
from ecsnet.replication.checks import Arbiter, Checker
from ecsnet.replication.chunks import Chunk
from ecsnet.replication.detect import Detector, Frame
from ecsnet.replication.frames import OwnPart, encode_head, encode_state
from ecsnet.replication.kinds import Tracked
from ecsnet.replication.schema import Schema
from ecsnet.replication.subscriber import Sent, Subscriber
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["Sender"]

SPARE_BYTES = 64  # for the headers around a single item, with room for a list of records


class Sender:
    """Replicates one World to any number of clients. Each send tick: `encode`, then `messages_for` every client."""

    def __init__(self, schema: Schema, world: World, config: ReplicationConfig | None = None) -> None:
        """Follow `world`, whose structure changes nobody else may take."""
        self._config = config or ReplicationConfig()
        self._schema = schema
        self._detector = Detector(schema, world, chunk_bytes=self._config.chunk_bytes)
        self._checker = Checker(schema, self._config)
        self._arbiters: dict[int, Arbiter] = {}  # by client
        self._subscribers: dict[int, Subscriber] = {}
        self._steered: dict[int, dict[int, Tracked]] = {}  # by client, then entity: what its inputs drive
        self._frame = Frame(world.tick)
        self._shared: list[tuple[bytes, Sent]] = []  # the frame's chunks as finished messages, without an own part
        self._shared_bytes = 0
        self._longest_shared = 0

    def __repr__(self) -> str:
        """Show the size of the job."""
        return f"Sender({len(self._detector.entities)} entities, {len(self._subscribers)} clients)"

    def subscribe(self, client_id: int) -> None:
        """Begin to replicate to a client, which knows nothing; client ids are above 0 and never used again."""
        assert client_id > 0, "0 is the server"
        assert client_id not in self._subscribers, f"client {client_id} is subscribed already"
        subscriber = self._subscribers[client_id] = Subscriber(client_id)
        self._arbiters[client_id] = Arbiter(client_id, self._schema, self._config)
        for tracked in self._detector.entities.values():
            if tracked.visible_to(client_id):
                subscriber.show(tracked)

    def unsubscribe(self, client_id: int) -> None:
        """Forget a client."""
        self._subscribers.pop(client_id, None)
        self._arbiters.pop(client_id, None)

    def encode(self, tick: Tick) -> None:
        """Find and encode what changed since the last call.

        Raises:
            SchemaError: A value cannot travel; the text names entity, component, field, value and the remedy.
        """
        frame = self._frame = self._detector.detect(tick)
        for tracked in frame.deleted.values():
            self._release(tracked, tracked.owner)
            for subscriber in self._subscribers.values():
                subscriber.hide(tracked)
        for tracked in frame.structured.values():
            self._follow_structure(tracked)
        for tracked, before in frame.given:
            self._follow_owner(tracked, before)
        chunks = frame.chunks.setdefault(EVERYONE_KEY, [])
        self._add_checks(chunks, tick)
        self._shared = [(encode_state(tick, None, runs=(chunk.data,)), Sent(tick, [chunk])) for chunk in chunks]
        sizes = [len(message) for message, _ in self._shared]
        self._shared_bytes, self._longest_shared = sum(sizes), max(sizes, default=0)

    def messages_for(
        self, client_id: int, own: OwnPart, budget_bytes: int, max_message_bytes: int
    ) -> list[tuple[bytes, int]]:
        """Return one client's messages of the tick last encoded, each with the token for its delivery report.

        What does not fit the budget is treated as if it had been sent and lost.

        HOT: once per client per send tick; tests/bench/bench_replication.py.

        Args:
            budget_bytes: All messages together, but for the first header and what the client steers.
            max_message_bytes: Of one message.
        """
        subscriber = self._subscribers[client_id]
        if subscriber.joining is None:
            subscriber.joining = set(subscriber.needs_full)
        messages = None
        if subscriber.lacks_nothing and not self._private_chunks(client_id):
            messages = self._plain(subscriber, own, budget_bytes, max_message_bytes)
        if messages is None:
            chunks = [*self._frame.chunks.get(EVERYONE_KEY, ()), *self._private_chunks(client_id)]
            assembly = Assembly(
                self._frame.tick,
                own,
                synced=subscriber.is_synced,
                joining=len(subscriber.joining),
                budget_bytes=budget_bytes,
                max_message_bytes=max_message_bytes,
            )
            fill(assembly, subscriber, chunks, self._steered.get(client_id, _NOTHING), self._frame.tick)
            messages = assembly.finish()
        noted = subscriber.note_sent(messages)
        while len(subscriber.sent) > self._config.max_outstanding_messages:
            subscriber.lost(next(iter(subscriber.sent)), self._frame.tick)
        return noted

    def report(self, client_id: int, token: int, *, acked: bool) -> None:
        """Take a delivery report; for clients and messages not known any more it means nothing."""
        subscriber = self._subscribers.get(client_id)
        if subscriber is None:
            return
        if acked:
            subscriber.acked(token)
        else:
            subscriber.lost(token, self._frame.tick)

    def complain(self, client_id: int, message: bytes) -> list[bytes]:
        """Take a client's complaint that it differs; return what to answer.

        Raises:
            RemoteProtocolError: It is no complaint.
        """
        return self._arbiters[client_id].hear(
            message, self._subscribers[client_id], self._detector.entities, self._frame.tick
        )

    def explain(self, client_id: int, entity: int) -> str:
        """Say in a sentence why a client has an entity or has it not."""
        subscriber, tracked = self._subscribers.get(client_id), self._detector.entities.get(entity)
        if subscriber is None:
            return f"client {client_id} is not subscribed"
        if tracked is None:
            return f"entity {entity} does not exist, has no component that travels, or came after the last send"
        if not tracked.visible_to(client_id):
            return f"entity {entity} has only records for its owner, client {tracked.owner}"
        if entity in subscriber.needs_full:
            place = list(subscriber.needs_full).index(entity) + 1
            return f"entity {entity} waits to be sent, {place} of {len(subscriber.needs_full)} in the queue"
        missed = subscriber.dirty.get(tracked, 0)
        names = [record.name for record in tracked.kind.records if missed & record.bit]
        lacks = f"; changes of {', '.join(names)} were lost and wait to be repaired" if names else ""
        return f"entity {entity} was last sent whole at tick {subscriber.known[entity]}{lacks}"

    def _add_checks(self, chunks: list[Chunk], tick: Tick) -> None:
        """Say what some of the entities that rest should be; it is never said again if it is lost."""
        entities = self._detector.entities

        def shared_bits(tracked: Tracked) -> int:
            return tracked.kind.public_bits if entities.get(tracked.id) is tracked else 0

        run = self._checker.run_for(tick, entities.values(), shared_bits)
        if run and chunks and len(chunks[-1].data) + len(run) <= self._config.chunk_bytes:
            chunks[-1].data += run
        elif run:
            chunks.append(Chunk(tick, run))

    # What a frame means for who sees what.

    def _follow_structure(self, tracked: Tracked) -> None:
        self._release(tracked, tracked.owner)
        if tracked.is_steered_by(tracked.owner):
            self._steered.setdefault(tracked.owner, {})[tracked.id] = tracked
        for subscriber in self._subscribers.values():
            _show_or_hide(subscriber, tracked)

    def _follow_owner(self, tracked: Tracked, before: int) -> None:
        """Old and new owner see other records than they did; for all others an owner is a value like any other."""
        self._release(tracked, before)
        if tracked.is_steered_by(tracked.owner):
            self._steered.setdefault(tracked.owner, {})[tracked.id] = tracked
        if tracked.kind.bits == tracked.kind.public_bits:
            return
        for client_id in (before, tracked.owner):
            if client_id in self._subscribers:
                _show_or_hide(self._subscribers[client_id], tracked)

    def _release(self, tracked: Tracked, owner: int) -> None:
        steered = self._steered.get(owner, {})
        if steered.pop(tracked.id, None) and not steered:
            del self._steered[owner]

    # Messages.

    def _private_chunks(self, client_id: int) -> list[Chunk]:
        """Return the frame's chunks for audiences smaller than everyone that this client belongs to."""
        chunks = self._frame.chunks
        if len(chunks) == 1:  # the usual case: nothing for anybody else
            return []
        return [chunk for key in keys_of(client_id) if key != EVERYONE_KEY for chunk in chunks.get(key, ())]

    def _plain(
        self, subscriber: Subscriber, own: OwnPart, budget_bytes: int, max_message_bytes: int
    ) -> list[tuple[bytes, Sent]] | None:
        """Put the own part before the shared messages; None if that does not fit."""
        shared = self._shared
        joining = len(subscriber.joining or ())
        parts = [encode_head(self._frame.tick, own, synced=subscriber.is_synced, joining=joining)]
        steered = self._steered.get(subscriber.client_id)
        if steered:
            parts += [tracked.steered_run() for tracked in steered.values()]
        if shared:
            parts.append(shared[0][1].chunks[0].data)
        first = b"".join(parts)
        if len(first) + self._shared_bytes > budget_bytes:
            return None
        if max(len(first), self._longest_shared) > max_message_bytes:
            return None
        return [(first, shared[0][1]), *shared[1:]] if shared else [(first, Sent(self._frame.tick))]


_NOTHING: dict[int, Tracked] = {}


def _show_or_hide(subscriber: Subscriber, tracked: Tracked) -> None:
    if tracked.visible_to(subscriber.client_id):
        subscriber.show(tracked)
    else:
        subscriber.hide(tracked)
