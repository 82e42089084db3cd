"""What a client's game is told of one update: what the World shows at its end, held against what it showed before.

Messages come in pieces, late and twice, and predictions are mended back and forth. None of that is told: whether an
entity is new, whether a late join brought it or a change of view, the events are the same.
"""

from collections.abc import Callable, Iterable, Sequence

from ecsnet.components.predicted import Predicted
from ecsnet.events import Changed, ClientEvent, Despawned, DespawnReason, Spawned
from ecsnet.replication.schema import Record, Schema
from ecsnet.world import World

__all__ = ["News"]


class News:
    """Notes what is about to change, and compares in the end. Holds what one update touches, and no more."""

    __slots__ = ("_before", "_despawned", "_hidden", "_network_id_of", "_order", "_spawned", "_values_of", "_world")

    def __init__(self, schema: Schema, world: World, network_id_of: Callable[[int], int]) -> None:
        """Start without news of a World.

        Args:
            network_id_of: Of an entity: the order in which things are told is that of these.
        """
        self._world = world
        self._network_id_of = network_id_of
        self._values_of = {cls: _reader(records) for cls, records in schema.records_of.items()}
        self._order = {cls: at for at, cls in enumerate(self._values_of)}
        self._before: dict[tuple[int, type], object] = {}  # what a component showed; None: it was not there
        self._spawned: dict[int, None] = {}
        self._hidden: dict[int, None] = {}  # by prediction: their end was told
        self._despawned: list[tuple[int, Despawned]] = []

    def note(self, entity: int, component_type: type, component: object | None) -> None:
        """Remember what a component shows, before something may be made of it.

        HOT: on a client once per changed record; tests/bench/bench_replication.py.

        Args:
            component: None: there is none.
        """
        key = entity, component_type
        if key not in self._before:
            self._before[key] = None if component is None else self._values_of[component_type](component)

    def note_entity(self, entity: int) -> None:
        """Remember all that an entity shows."""
        for component in self._world.components_for_entity(entity):
            if type(component) in self._values_of:
                self.note(entity, type(component), component)

    def note_predicted(self) -> None:
        """Remember what the client is about to predict on."""
        for entity, _ in self._world.observe(Predicted):
            self.note_entity(entity)

    def note_spawned(self, entity: int) -> None:
        """Remember that an entity came."""
        self._spawned[entity] = None

    def note_despawn(self, entity: int, reason: DespawnReason, *, hidden: Sequence[object] = ()) -> None:
        """Remember that an entity is about to go, and what it is now.

        Args:
            hidden: What it was, if prediction took it away in this very update: then that is not told yet.
        """
        there = self._world.components_for_entity(entity) if self._world.entity_exists(entity) else ()
        self._note_end(entity, reason, there or hidden)

    def note_hidden(self, entity: int, components: Iterable[object]) -> None:
        """Remember that prediction took an entity away, with all it had: its end is told now, and not again."""
        self._note_end(entity, DespawnReason.DELETED, components)
        self._hidden[entity] = None

    def note_revealed(self, entity: int) -> None:
        """Remember that prediction gave an entity back."""
        del self._hidden[entity]
        self.note_spawned(entity)

    def _note_end(self, entity: int, reason: DespawnReason, components: Iterable[object]) -> None:
        if entity in self._hidden:
            del self._hidden[entity]  # told when it was hidden
        elif entity in self._spawned:
            del self._spawned[entity]  # nobody has seen it
        else:
            found = {type(component): component for component in components}
            self._despawned.append((self._network_id_of(entity), Despawned(entity, reason, found)))

    def take(self) -> list[ClientEvent]:
        """Return what is to be told, and start anew."""
        events: list[ClientEvent] = [event for _, event in sorted(self._despawned, key=lambda each: each[0])]
        events += map(Spawned, sorted(self._spawned, key=self._network_id_of))
        if self._before:
            events += self._changes()
        self._before.clear()
        self._spawned.clear()
        self._despawned.clear()
        return events

    def _changes(self) -> Iterable[Changed]:
        """Return what is not as it was, of entities that were there before and are there still.

        HOT: on a client once per changed record; tests/bench/bench_replication.py.
        """
        found, component_of, network_id_of = [], self._world.try_component, self._network_id_of
        for key, before in self._before.items():
            entity, component_type = key
            component = component_of(entity, component_type)
            now = None if component is None else self._values_of[component_type](component)
            if now != before and entity not in self._spawned and entity not in self._hidden:
                found.append((network_id_of(entity), entity, self._order[component_type], component_type))
        found.sort()  # no two agree in the first three
        exists = self._world.entity_exists
        return [Changed(entity, component_type) for _, entity, _, component_type in found if exists(entity)]


def _reader(records: tuple[Record, ...]) -> Callable[[object], object]:
    """Return what reads all that travels of a component."""
    if len(records) == 1:
        return records[0].codec.read
    return lambda component: [record.codec.read(component) for record in records]
