"""The server's side: encode what changed once, then give every client its messages.

Per send tick and client there are a few dozen bytes of its own, and the frame's chunks, whose bytes are shared by all
who see the same. Only for a client that lost something, or for which entities came or went, is there more to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ecsnet.components.owner import Owner
from ecsnet.components.transform2d import Transform2D
from ecsnet.config import ReplicationConfig
from ecsnet.errors import SchemaError
from ecsnet.replication import witness
from ecsnet.replication.agenda import fill
from ecsnet.replication.assembly import Assembly
from ecsnet.replication.audiences import View
from ecsnet.replication.broadcast import add_checks, broadcast
from ecsnet.replication.checks import Arbiter, Checker
from ecsnet.replication.chunks import Chunk, join, records_of
from ecsnet.replication.detect import Detector, Frame
from ecsnet.replication.explain import explain
from ecsnet.replication.frames import HEADER_BYTES, OwnPart, encode_head, encode_single, encode_steers
from ecsnet.replication.grid import bounded
from ecsnet.replication.interest import Interest
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.replication.schema import Schema
from ecsnet.replication.subscriber import Sent, Subscriber
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["Sender"]

SORT_FROM = 32  # entities a client lacks: fewer are sent at once
SORT_EVERY = 16  # sends in between: half a second, in which one walks a few steps


@dataclass(slots=True, eq=False)
class Outlook:
    """What the frame has for all clients of one view.

    Attributes:
        chunks: Each as large as a message may be.
        sent: Of each, what a message carries that holds nothing else but, the first one, a client's own part.
        others: Finished messages of all but the first, which has to hold what is for a client alone.
        size: Of all of them, in bytes.
        longest: Of one.
    """

    chunks: list[Chunk]
    sent: list[Sent]
    others: Sequence[tuple[bytes, Sent]]
    size: int
    longest: int


class Sender:
    """Replicates one World to any number of clients. Each send tick: `encode`, then `messages_for` every client."""

    def __init__(
        self, schema: Schema, world: World, config: ReplicationConfig | None = None, *, cell_units: float = 128.0
    ) -> None:
        """Follow `world`, whose structure changes nobody else may take.

        Args:
            cell_units: Side of a cell of the grid that `Near` and `Viewer` go by, world units.
        """
        self._config = config or ReplicationConfig()
        self._schema = schema
        self._world = world
        self._detector = Detector(schema, world)
        self._interest = Interest(schema, world, self._detector.entities, cell_units=cell_units)
        self._subscribers = self._interest.subscribers
        self._steered: dict[int, dict[int, Tracked]] = {}  # by client, then entity: what its inputs drive
        self._checker = Checker(schema, self._config)
        self._arbiters: dict[int, Arbiter] = {}  # by client
        self._frame = Frame(world.tick)
        self._frames = 0
        self._outlooks: dict[View, Outlook] = {}
        self._fault: SchemaError | None = None

    def __repr__(self) -> str:
        """Show the size of the job."""
        return f"Sender({len(self._detector.entities)} entities, {len(self._subscribers)} clients)"

    @property
    def tick(self) -> Tick:
        """The tick last encoded."""
        return self._frame.tick

    def subscribe(self, client_id: int) -> None:
        """Begin to replicate to a client, which knows nothing; client ids are above 0 and never used again."""
        assert client_id > 0, "0 is the server"
        assert client_id not in self._subscribers, f"client {client_id} is subscribed already"
        self._interest.subscribe(client_id)
        self._arbiters[client_id] = Arbiter(client_id, self._schema, self._config)

    def unsubscribe(self, client_id: int) -> None:
        """Forget a client."""
        self._interest.unsubscribe(client_id)
        self._arbiters.pop(client_id, None)

    def encode(self, tick: Tick) -> None:
        """Find and encode what changed since the last call.

        Raises:
            SchemaError: A value cannot travel, or a rule of who sees what cannot be; the text names entity, component,
                field, value and the remedy.
        """
        self._outlooks = {}
        self._interest.look()
        frame = self._frame = self._detector.detect(tick)
        self._frames += 1
        self._interest.follow(frame)
        self._follow_steered(frame)
        broadcast(frame, self._interest, self._config.chunk_bytes)
        add_checks(self._checker.entries(tick, self._detector.entities, self._interest.shared_bits), tick)

    def messages_for(
        self, client_id: int, own: OwnPart, budget_bytes: int, max_message_bytes: int
    ) -> list[tuple[bytes, int]]:
        """Return one client's messages of the tick last encoded, each with the token for its delivery report.

        What does not fit the budget is treated as if it had been sent and lost.

        HOT: once per client per send tick; tests/bench/bench_state.py.

        Args:
            budget_bytes: All messages together, but for the first header and what the client steers.
            max_message_bytes: Of one message.
        """
        subscriber = self._subscribers[client_id]
        if subscriber.joining is None:
            subscriber.joining = set(subscriber.needs_full)
        if subscriber.overdrawn:
            saved = min(subscriber.overdrawn, budget_bytes)
            subscriber.overdrawn -= saved
            budget_bytes -= saved
        outlook = self._outlooks.get(subscriber.view) or self._look(subscriber.view)
        messages = None
        if subscriber.lacks_nothing:
            messages = self._plain(subscriber, outlook, own, budget_bytes, max_message_bytes)
        if messages is None:
            self._sort(subscriber)
            assembly = Assembly(
                self._frame.tick,
                own,
                joining=len(subscriber.joining),
                budget_bytes=budget_bytes,
                max_message_bytes=max_message_bytes,
            )
            fill(assembly, subscriber, outlook.chunks, self._steered.get(client_id, _NOTHING), self._frame.tick)
            messages = assembly.finish()
            self._fault = self._fault or assembly.fault
        noted = subscriber.note_sent(messages)
        while len(subscriber.sent) > self._config.max_outstanding_messages:
            subscriber.lost(next(iter(subscriber.sent)), self._frame.tick)
        return noted

    def raise_fault(self) -> None:
        """Say what could not be sent, once every client has its messages: nobody else loses anything by it.

        Raises:
            SchemaError: An entity is larger than a message; the text names it, and the remedy. It is sent once it fits.
        """
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

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

    def network_id_of(self, client_id: int, entity: int) -> int:
        """Return what a client knows an entity by; 0 if it sees nothing of it."""
        tracked, subscriber = self._detector.entities.get(entity), self._subscribers[client_id]
        return subscriber.names.of(entity) if tracked is not None and tracked.visible_to(subscriber) else 0

    def named_to(self, client_id: int, entity: int) -> int:
        """Return how a call to a client names an entity; 0 where it has no part in it.

        What has come to life since the last send has a number for a client only if it is for everybody, or its own:
        who else will see it is not known before the next.

        Args:
            client_id: 0: as a witness has it, see `tell_all`.
        """
        if not client_id:
            return entity if entity in self._detector.entities else 0
        subscriber = self._subscribers.get(client_id)
        if subscriber is None:
            return 0
        if subscriber.knows(entity):
            return subscriber.names.of(entity)
        return entity if entity not in self._detector.entities and self._interest.will_see(client_id, entity) else 0

    def observers_of(self, entity: int) -> list[int]:
        """Return the clients that see an entity as of the last `encode`, or that saw it last if that found it gone."""
        tracked = self._detector.entities.get(entity) or self._frame.deleted.get(entity)
        if tracked is None:
            return []
        seers = self._interest.who_sees(tracked.standing)
        return [client_id for client_id, subscriber in seers.items() if tracked.visible_to(subscriber)]

    def owner_of(self, entity: int) -> int:
        """Return an entity's owner, 0 being the server or nobody; of one that is gone, as of the last `encode`."""
        owner = self._world.try_component(entity, Owner)
        if owner is not None:
            return owner.client_id
        if self._world.entity_exists(entity):
            return 0
        tracked = self._detector.entities.get(entity) or self._frame.deleted.get(entity)
        return 0 if tracked is None else tracked.owner

    def team_of(self, client_id: int) -> int:
        """Return a client's team as of the last `encode`; 0: none."""
        return self._interest.standpoints.team_of(client_id)

    def meant_by(self, client_id: int, network_id: int) -> int:
        """Return the entity a client means by a number, any number at all; 0 if it knows of none by that."""
        subscriber = self._subscribers.get(client_id)
        if subscriber is None or not (network_id in subscriber.known or network_id in subscriber.needs_full):
            return 0
        return subscriber.names.entity_of(network_id)

    def shown_to(self, client_id: int) -> dict[int, tuple[Tracked, int]]:
        """Return all that a client may see as of the last `encode`, by network id: entities, their records as bits."""
        subscriber = self._subscribers[client_id]
        seen = [(tracked, tracked.visible_to(subscriber)) for tracked in self._detector.entities.values()]
        return {subscriber.names.of(tracked.id): (tracked, bits) for tracked, bits in seen if bits}

    def tell_all(self, *, whole: bool = False) -> bytes:
        """Return what a witness is told of the tick last encoded, from whom nothing is hidden: a state message.

        Args:
            whole: All there is, and not only what changed.
        """
        entities = self._detector.entities
        return witness.whole(entities, self.tick) if whole else witness.news(self._frame, entities)

    def fingerprint(self) -> bytes:
        """Return what all there is comes to as of the last `encode`; a witness who heard it all gets the same."""
        return witness.fingerprint(self._detector.entities)

    def explain(self, client_id: int, entity: int) -> str:
        """Say in a sentence why a client has an entity or has it not."""
        subscriber, tracked = self._subscribers.get(client_id), self._detector.entities.get(entity)
        if subscriber is None:
            return f"client {client_id} is not connected"
        if tracked is None:
            return f"entity {entity} does not exist, has no component that travels, or came after the last send"
        return explain(subscriber, tracked)

    # Messages.

    def _look(self, view: View) -> Outlook:
        """Join the frame's chunks for a view into as few messages as there can be; once for all its clients.

        HOT: once per view per send tick; tests/bench/bench_state.py.
        """
        tick = self._frame.tick
        chunks = join(view.chunks(tick), tick, self._config.chunk_bytes)
        sent = [Sent(tick, [chunk], has_own=at == 0) for at, chunk in enumerate(chunks)]
        if len(chunks) <= 1:  # on a fine grid the usual case
            size = len(chunks[0].data) if chunks else 0
            outlook = self._outlooks[view] = Outlook(chunks, sent, (), size, size)
            return outlook
        sizes = [len(chunk.data) for chunk in chunks]
        head = encode_head(tick, None, synced=False)
        others = [(head + chunk.data, carried) for chunk, carried in zip(chunks[1:], sent[1:], strict=True)]
        outlook = self._outlooks[view] = Outlook(chunks, sent, others, sum(sizes), max(sizes))
        return outlook

    def _plain(
        self, subscriber: Subscriber, outlook: Outlook, own: OwnPart, budget_bytes: int, max_message_bytes: int
    ) -> list[tuple[bytes, Sent]] | None:
        """Put the own part before the shared messages; None if that does not fit."""
        joining = len(subscriber.joining or ())
        steers, rows = self._plan_steered(subscriber, outlook)
        parts = [encode_head(self._frame.tick, own, steers, synced=not joining, joining=joining)]
        parts += [encode_single(records_of(bits), subscriber.entry(tracked, bits), ()) for tracked, bits in rows]
        if outlook.chunks:
            parts.append(outlook.chunks[0].data)
        first = b"".join(parts)
        if len(first) + outlook.size + HEADER_BYTES * len(outlook.chunks) > budget_bytes:
            return None
        if max(len(first), HEADER_BYTES + outlook.longest) > max_message_bytes:
            return None
        if not outlook.chunks:
            return [(first, Sent(self._frame.tick, has_own=True))]
        return [(first, outlook.sent[0]), *outlook.others]

    def _plan_steered(self, subscriber: Subscriber, outlook: Outlook) -> tuple[bytes, Sequence[Row]]:
        """Return what is to be said of what a client steers, besides the first of the shared chunks."""
        steered = self._steered.get(subscriber.client_id, _NOTHING)
        if not steered and subscriber.steering.is_idle:
            return b"", ()
        present = subscriber.present(steered.values())
        chunk = outlook.chunks[0] if outlook.chunks else None
        is_named, rows = subscriber.steering.plan(present, subscriber.known, chunk, self._frame.tick)
        return encode_steers(subscriber.names_of(present.values())) if is_named else b"", rows

    def _sort(self, subscriber: Subscriber) -> None:
        """Put the entities a client lacks in order, nearest first."""
        needs_full = subscriber.needs_full
        if len(needs_full) < SORT_FROM or ((self._frames + subscriber.client_id) % SORT_EVERY and subscriber.sent):
            return
        centre = self._interest.standpoints.centre_of(subscriber.client_id) or self._place_of_own(subscriber.client_id)
        if centre is not None:
            x, y = centre
            ordered = sorted(needs_full.items(), key=lambda item: self._distance(item[1], x, y))
            subscriber.needs_full = dict(ordered)

    def _place_of_own(self, client_id: int) -> tuple[float, float] | None:
        for entity in self._steered.get(client_id, _NOTHING):
            transform = self._world.try_component(entity, Transform2D)
            if transform is not None:
                return bounded(transform.x), bounded(transform.y)
        return None

    def _distance(self, tracked: Tracked, x: float, y: float) -> float:
        """Return the square of the distance; what is nowhere is wanted first: scores, players, the match."""
        transform = self._world.try_component(tracked.standing.family or tracked.id, Transform2D)
        return -1.0 if transform is None else (bounded(transform.x) - x) ** 2 + (bounded(transform.y) - y) ** 2

    # What clients steer.

    def _follow_steered(self, frame: Frame) -> None:
        for tracked, before in frame.given:
            self._release(tracked, before)
        for tracked in frame.deleted.values():
            self._release(tracked, tracked.owner)
        for tracked in (*frame.structured.values(), *[tracked for tracked, _ in frame.given]):
            is_here = self._detector.entities.get(tracked.id) is tracked  # it may have gone, and even come back, since
            if tracked.kind.is_steered and tracked.owner and is_here:
                self._steered.setdefault(tracked.owner, {})[tracked.id] = tracked
            else:
                self._release(tracked, tracked.owner)

    def _release(self, tracked: Tracked, owner: int) -> None:
        """Steer an entity no more: an owner that sees other records of it now gets it whole, so nothing is lost."""
        steered = self._steered.get(owner, {})
        if steered.get(tracked.id) is tracked:
            del steered[tracked.id]
            if not steered:
                del self._steered[owner]


_NOTHING: dict[int, Tracked] = {}
