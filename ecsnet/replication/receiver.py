"""The client's side: state messages into a World, whatever the network lost, reordered or repeated.

The rules, each proved necessary by a mutant of the model checker in tests/replication:

- The last writer wins per record, by tick: not per entity, as records of one entity may travel in different messages.
- Structure follows the newest full. An older one, or one not newer than the entity's end, is ignored.
- Ends are remembered (tombstones). An end older than the entity's full is ignored.
- Values for what is not known yet wait (early buffer) until the full arrives that it belongs to.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from ecsnet.components.predicted import Predicted
from ecsnet.components.spawned import Spawned
from ecsnet.config import ReplicationConfig
from ecsnet.events import DespawnReason
from ecsnet.replication.codec import Values
from ecsnet.replication.early import EarlyBuffer
from ecsnet.replication.frames import State, Update, decode_state
from ecsnet.replication.news import News
from ecsnet.replication.references import References
from ecsnet.replication.schema import Record, Schema
from ecsnet.wire import Tick, advance_tick, is_newer
from ecsnet.world import World

__all__ = ["Change", "Receiver"]

OWN_TICKS = 128  # remembered as heard of: four seconds at 30 sends, longer than any prediction goes back

Change: TypeAlias = tuple[int, int, Tick, Values]  # entity, record id, tick, values: as applied
Confirmed: TypeAlias = dict[int, tuple[Tick, Values]]  # by record id


class Replica:
    """What this client holds of one of the server's entities."""

    __slots__ = ("confirmed", "entity", "network_id", "structured_at")

    def __init__(self, network_id: int, entity: int, structured_at: Tick) -> None:
        """Start without records."""
        self.network_id = network_id
        self.entity = entity
        self.structured_at = structured_at
        self.confirmed: Confirmed = {}


class Receiver:
    """Applies a server's state to one World.

    Values are written into the components in place, except for entities marked `Predicted`: those run ahead of the
    server, and what it says of them is kept in `confirmed` only.

    Attributes:
        confirmed: The newest values from the server, and their tick, by entity and record id.
        changes: What the last `apply` wrote.
        overtaken: What it did not, as something newer of the record came before. Entities in it are not mapped.
        spawned: Entities the last `apply` created.
        despawned: Entities the last `apply` deleted, and what they had.
        adopt: Asked, for an entity that comes with `Spawned`, whether this client has made it already, by what is in
            Spawned and the state's tick; returns the entity, or 0.
        reveal: Told of an entity, and the state's tick, before its components change: prediction may hide them.
        take_hidden: Asked, for an entity that ends, for what prediction hides of it; from then on it does so no more.
        own_tick: The tick of the newest own part; None before the first.
        own_input_tick: The newest tick whose input need not be sent again; None before the first own part.
        own_input_margin: As the newest own part says; None before it.
        own_is_whole: Whether what the newest message with an own part does not hold of `steers` is as we have it.
        steers: Network ids of what this client steers, as last named.
        synced: Whether all this client could see when it joined has arrived.
        progress: How much of it has, 0.0 to 1.0; never falls.
        news: What the game will be told.
        tick: The newest tick heard of; None before the first message.
        applied: How many messages there were.
        holds_all: Whether all is applied that the server tells of; else nothing is waited for. See `following.py`.
    """

    def __init__(self, schema: Schema, world: World, config: ReplicationConfig | None = None) -> None:
        """Write into `world`, where other entities may live as well."""
        self._schema = schema
        self._world = world
        self._config = config or ReplicationConfig()
        self._replicas: dict[int, Replica] = {}
        self._network_ids: dict[int, int] = {}
        self._tombstones: dict[int, Tick] = {}
        self._early = EarlyBuffer(self._config)
        self._references = References(self.entity_of)
        self._fresh: dict[int, None] = {}
        self.confirmed: dict[int, Confirmed] = {}
        self.changes: list[Change] = []
        self.overtaken: list[Change] = []
        self.spawned: list[int] = []
        self.despawned: dict[int, dict[type, object]] = {}
        self.adopt: Callable[[Values, Tick], int] = _adopt_nothing
        self.reveal: Callable[[int, Tick], None] = _reveal_nothing
        self.take_hidden: Callable[[int], Sequence[object]] = _take_nothing
        self._own_ticks: dict[Tick, None] = {}
        self.own_tick: Tick | None = None
        self.own_input_tick: Tick | None = None
        self.own_input_margin: int | None = None
        self.own_is_whole = False
        self.steers: frozenset[int] = frozenset()
        self.synced = False
        self.progress = 0.0
        self._most_joining = 0
        self.news = News(schema, world, self.network_id_of)
        self.tick: Tick | None = None
        self.applied = 0
        self.holds_all = True

    def __repr__(self) -> str:
        """Show how much there is and how new it is."""
        return f"Receiver({len(self._replicas)} entities, tick={self.tick}, synced={self.synced}, {self._early!r})"

    def take(self, message: bytes, *, runs: bool = True) -> State:
        """Read a message whole; nothing is applied yet.

        Args:
            runs: Whether to read what changed, too; see `decode_state`.

        Raises:
            RemoteProtocolError: It is not what a server with this schema sends.
        """
        return decode_state(message, self._schema.records, runs=runs)

    def apply(self, state: State) -> None:
        """Bring the World up to what the message says, where it is news."""
        self.applied += 1
        self.changes, self.overtaken, self.spawned, self.despawned = [], [], [], {}
        for network_id in state.gones:
            self._end(network_id, state.tick, DespawnReason.DELETED)
        for network_id in state.leaves:
            self._end(network_id, state.tick, DespawnReason.HIDDEN)
        for update in state.fulls:
            self._apply_full(update, state.tick)
        for update in state.updates:
            self._apply_update(update, state.tick)
        if self.tick is None or is_newer(state.tick, self.tick):
            self.tick = state.tick
            self._early.expire(state.tick)
        self._note_progress(state)
        self._note_own(state)

    def entity_of(self, network_id: int) -> int:
        """Return this World's entity for a network id; 0 if there is none."""
        replica = self._replicas.get(network_id)
        return replica.entity if replica else 0

    def awaits(self, network_id: int, tick: Tick) -> bool:
        """Tell whether an entity named by the server at `tick` is still to come: it is not here, and did not go."""
        return self.holds_all and network_id not in self._replicas and self._is_after_end(network_id, tick)

    def network_id_of(self, entity: int) -> int:
        """Return the network id of this World's entity; 0 if it is not the server's."""
        return self._network_ids.get(entity, 0)

    def has_heard(self, tick: Tick) -> bool:
        """Tell whether a message of a tick with an own part came; of long ago it is not known any more."""
        return tick in self._own_ticks

    def own_values(self, entity: int) -> Iterator[tuple[int, Values]]:
        """Yield what the server had at `own_tick` of an entity that this client steers: record ids and values.

        They are of that very tick if they came with it, and also if they came before and nothing newer is known, as
        long as the server says so: see `steering.py`.
        """
        tick = self.own_tick
        if tick is None:
            return
        is_whole = self.own_is_whole and self.network_id_of(entity) in self.steers
        records = self._schema.records
        for record_id, (at, values) in self.confirmed.get(entity, {}).items():
            if at == tick or (is_whole and is_newer(tick, at) and not records[record_id].once):
                yield record_id, values

    def values_until(self, entity: int, tick: Tick) -> Iterator[tuple[int, Tick, Values]]:
        """Yield what is known of an entity as of a tick: record ids, ticks and values, without those that are newer.

        Whether a record has changed since its own tick, up to `tick`, is known only if nothing was lost.
        """
        records = self._schema.records
        for record_id, (at, values) in self.confirmed.get(entity, {}).items():
            if not is_newer(at, tick) and not records[record_id].once:
                yield record_id, at, values

    def classes_of(self, entity: int) -> dict[type, None]:
        """Return which components the server has given an entity, as far as is told."""
        records = self._schema.records
        return dict.fromkeys(records[record_id].cls for record_id in self.confirmed.get(entity, {}))

    def is_structured_until(self, entity: int, tick: Tick) -> bool:
        """Tell whether the components last told of an entity are from a tick or before; of no other entity."""
        replica = self._replicas.get(self.network_id_of(entity))
        return replica is not None and not is_newer(replica.structured_at, tick)

    def is_predicted(self, network_id: int) -> bool:
        """Tell whether this client runs ahead of the server with an entity."""
        return self._world.has_component(self.entity_of(network_id), Predicted)

    def encoded(self, network_id: int, record_id: int) -> bytes:
        """Return the newest values from the server as the server would encode them; they have to be there."""
        codec = self._schema.records[record_id].codec
        values = self._replicas[network_id].confirmed[record_id][1]
        if codec.has_refs:
            values = self._references.as_named((network_id, record_id), codec, values, self.network_id_of)
        return codec.pack(values)

    def take_spawned(self) -> list[int]:
        """Return and forget which entities came since the last call and are still there."""
        spawned = list(self._fresh)
        self._fresh.clear()
        return spawned

    def restore(self, entity: int) -> None:
        """Give an entity the server's components and values, and none else, as when it is not predicted any more."""
        if entity not in self.confirmed or not self._world.entity_exists(entity):
            return  # it was made here, or the game has deleted it
        theirs = self.classes_of(entity)
        for component in self._world.components_for_entity(entity):
            cls = type(component)
            if cls in self._schema.records_of and cls not in theirs:
                self.news.note(entity, cls, component)
                self._world.remove_component(entity, cls)
        for cls in theirs:
            if not self._world.has_component(entity, cls):
                self.news.note(entity, cls, None)
                self._world.add_component(entity, cls())
        for record_id, (_, values) in self.confirmed[entity].items():
            self._write(entity, self._schema.records[record_id], values)

    def _note_progress(self, state: State) -> None:
        """Follow a late join: what is still to come, of the most there ever was to come."""
        if state.synced:
            self.synced, self.progress = True, 1.0
        elif state.joining:
            self._most_joining = max(self._most_joining, state.joining)
            self.progress = max(self.progress, 1.0 - state.joining / self._most_joining)

    def _note_own(self, state: State) -> None:
        if state.own is None:
            return
        self._own_ticks[state.tick] = None
        if len(self._own_ticks) > OWN_TICKS:
            del self._own_ticks[next(iter(self._own_ticks))]
        if self.own_tick is None or is_newer(state.tick, self.own_tick):
            self.own_tick = state.tick
            self.own_input_tick = advance_tick(state.tick, state.own.inputs_ahead)
            self.own_input_margin = state.own.input_margin
            self.own_is_whole = state.steers is None
            if state.steers is not None:
                self.steers = frozenset(state.steers)

    # Updates.

    def _apply_update(self, update: Update, tick: Tick) -> None:
        """Apply some records of an entity.

        HOT: once per changed entity; tests/bench/bench_replication.py.
        """
        network_id, values, size = update
        replica = self._replicas.get(network_id)
        if replica is None:
            if self._is_after_end(network_id, tick):
                self._hold(network_id, values, tick, size)
            return
        confirmed = replica.confirmed
        for record_id, record_values in values:
            held = confirmed.get(record_id)
            if held is None:
                if is_newer(tick, replica.structured_at):
                    self._hold(network_id, [(record_id, record_values)], tick, size)
            elif is_newer(tick, held[0]):
                self._confirm(replica, record_id, tick, record_values)
            else:
                self.overtaken.append((replica.entity, record_id, tick, record_values))

    def _hold(self, network_id: int, values: Iterable[tuple[int, Values]], tick: Tick, size: int) -> None:
        for record_id, record_values in values:
            self._early.hold(network_id, record_id, tick, record_values, size)

    def _confirm(self, replica: Replica, record_id: int, tick: Tick, values: Values) -> None:
        """Take a record's values as the newest; write them unless the entity is predicted."""
        record = self._schema.records[record_id]
        if record.codec.has_refs:
            values = self._references.map((replica.network_id, record_id), values, record.codec)
        replica.confirmed[record_id] = (tick, values)
        entity = replica.entity
        if not self._world.has_component(entity, Predicted):
            self._write(entity, record, values)
        self.changes.append((entity, record_id, tick, values))

    def _write(self, entity: int, record: Record, values: Values) -> None:
        component = self._world.try_component(entity, record.cls)
        if component is not None:  # the game may have taken it away on this side
            self.news.note(entity, record.cls, component)
            record.codec.apply(component, values)

    # Structure.

    def _apply_full(self, update: Update, tick: Tick) -> None:
        """Make an entity have exactly these records."""
        network_id, values, _ = update
        replica = self._replicas.get(network_id)
        if replica is None:
            if self._is_after_end(network_id, tick):
                self._spawn(network_id, values, tick)
        elif is_newer(tick, replica.structured_at):
            replica.structured_at = tick
            self._restructure(replica, values, tick)
        else:
            return
        self._apply_early(network_id)

    def _apply_early(self, network_id: int) -> None:
        """Apply what came before the full it belongs to; keep what belongs to a later one still."""
        replica = self._replicas.get(network_id)
        if replica is None:
            return
        for record_id, tick, values, size in list(self._early.release(network_id)):
            if is_newer(tick, replica.structured_at):
                self._apply_update((network_id, [(record_id, values)], size), tick)

    def _spawn(self, network_id: int, values: list[tuple[int, Values]], tick: Tick) -> None:
        records = [self._schema.records[record_id] for record_id, _ in values]
        entity = self._adopted(values, tick)
        components = {
            record.cls: record.cls() for record in records if not self._world.has_component(entity, record.cls)
        }
        if entity:
            for cls in components:
                self.news.note(entity, cls, None)
        else:
            entity = self._world.create_entity()
            self.news.note_spawned(entity)
        replica = self._replicas[network_id] = Replica(network_id, entity, tick)
        self._tombstones.pop(network_id, None)
        self._network_ids[entity] = network_id
        self.confirmed[entity] = replica.confirmed
        self.spawned.append(entity)
        self._fresh[entity] = None
        self._fill(replica, values, tick, components)
        self._update_holders(network_id)

    def _adopted(self, values: list[tuple[int, Values]], tick: Tick) -> int:
        """Return the entity this client made ahead of the server, if this is the server's; else 0."""
        for record_id, record_values in values:
            record = self._schema.records[record_id]
            if record.cls is Spawned:
                return self.adopt(record.codec.map_refs(record_values, self.entity_of), tick)
        return 0

    def _fill(
        self, replica: Replica, values: list[tuple[int, Values]], tick: Tick, components: dict[type, object]
    ) -> None:
        """Give an entity new components, their values in place before anybody can see them."""
        for record_id, record_values in values:
            record = self._schema.records[record_id]
            held = replica.confirmed.get(record_id)
            if held is not None and not is_newer(tick, held[0]):
                continue
            self._confirm(replica, record_id, tick, record_values)
            if record.cls in components:
                record.codec.apply(components[record.cls], replica.confirmed[record_id][1])
        for component in components.values():
            if self._world.entity_exists(replica.entity):  # the game may have deleted it on this side
                self._world.add_component(replica.entity, component)

    def _restructure(self, replica: Replica, values: list[tuple[int, Values]], tick: Tick) -> None:
        """Take away the records a full does not name, and give the others."""
        self.reveal(replica.entity, tick)
        named = {record_id: self._schema.records[record_id] for record_id, _ in values}
        before, kept = self.classes_of(replica.entity), {record.cls for record in named.values()}
        for record_id in [each for each in replica.confirmed if each not in named]:
            self._take_record(replica, record_id, tick, keeps_component=self._schema.records[record_id].cls in kept)
        for cls in [each for each in before if each not in kept]:
            self.news.note(replica.entity, cls, self._world.try_component(replica.entity, cls))
            self._world.remove_component(replica.entity, cls)
        components: dict[type, object] = {}
        for record in named.values():
            if record.cls not in before and not self._world.has_component(replica.entity, record.cls):
                components[record.cls] = record.cls()
        for cls in components:
            self.news.note(replica.entity, cls, None)
        self._fill(replica, values, tick, components)

    def _take_record(self, replica: Replica, record_id: int, tick: Tick, *, keeps_component: bool) -> None:
        """Forget a record; of a component that stays, for its other audience, the fields return to their defaults."""
        record = self._schema.records[record_id]
        self._forget_values(replica, record, tick)
        del replica.confirmed[record_id]
        if keeps_component:
            self._write(replica.entity, record, record.codec.defaults)

    def _forget_values(self, replica: Replica, record: Record, tick: Tick) -> None:
        """Let go of a record's values, but keep them aside if they are newer: a later full is on its way, then."""
        at, values = replica.confirmed[record.id]
        if record.codec.has_refs:
            holder = (replica.network_id, record.id)
            values = self._references.named(holder)
            self._references.forget(holder, record.codec)
        if is_newer(at, tick):
            self._early.hold(replica.network_id, record.id, at, values, record.codec.size or 0)

    def _end(self, network_id: int, tick: Tick, reason: DespawnReason) -> None:
        """Delete an entity here, unless it came (again) after that."""
        replica = self._replicas.get(network_id)
        if replica is not None:
            if not is_newer(tick, replica.structured_at):
                return
            self._despawn(replica, tick, reason)
        if self._is_after_end(network_id, tick):
            self._tombstones.pop(network_id, None)  # to the end: the oldest are forgotten first
            self._tombstones[network_id] = tick
        while len(self._tombstones) > self._config.tombstones:
            del self._tombstones[next(iter(self._tombstones))]

    def _is_after_end(self, network_id: int, tick: Tick) -> bool:
        end = self._tombstones.get(network_id)
        return end is None or is_newer(tick, end)

    def _despawn(self, replica: Replica, tick: Tick, reason: DespawnReason) -> None:
        network_id, entity = replica.network_id, replica.entity
        self.news.note_despawn(entity, reason, hidden=self.take_hidden(entity))
        for record_id in replica.confirmed:
            self._forget_values(replica, self._schema.records[record_id], tick)
        del self._replicas[network_id], self._network_ids[entity], self.confirmed[entity]
        self._fresh.pop(entity, None)
        there = self._world.components_for_entity(entity) if self._world.entity_exists(entity) else ()
        self.despawned[entity] = {type(component): component for component in there}
        self._world.delete_entity(entity)
        self._update_holders(network_id)

    def _update_holders(self, network_id: int) -> None:
        """Set the fields that name an entity which has just come or gone."""
        for holder in self._references.holders_of(network_id):
            replica, record = self._replicas[holder[0]], self._schema.records[holder[1]]
            values = self._references.mapped(holder, record.codec)
            at = replica.confirmed[record.id][0]
            replica.confirmed[record.id] = (at, values)
            if not self._world.has_component(replica.entity, Predicted):
                self._write(replica.entity, record, values)
            self.changes.append((replica.entity, record.id, at, values))


def _adopt_nothing(_: Values, __: Tick) -> int:
    return 0


def _reveal_nothing(_: int, __: Tick) -> None:
    pass


def _take_nothing(_: int) -> Sequence[object]:
    return ()
