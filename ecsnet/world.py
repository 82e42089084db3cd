"""World: one isolated esper context in fixed ticks. The only file that imports esper.

esper is the store of truth: what an entity has is in esper's dictionaries, and inside `process` the World's context is
esper's active one. esper's contexts are global state, though, named and kept until deleted. So a World puts its context
into esper's map only while it writes or processes, and takes it out again: whoever uses esper beside us finds
everything as it was, and a forgotten World is freed like any other object, also in a reference cycle.

Reads go straight to the dictionaries and to the query lists (query.py), without entering the context: they are the hot
path. Structure is changed through the World only, never through esper's functions: the query lists, the journal
(journal.py) and replication hear of it here.
"""

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from itertools import count
from types import TracebackType
from typing import Any, Protocol, TypeVar, overload

import esper

from ecsnet.journal import Journal, Reader
from ecsnet.query import Queries, Rows
from ecsnet.system import Processor
from ecsnet.targets import Mail, NoMail, Recipients, Target, check_target
from ecsnet.timeline import Timeline
from ecsnet.wire import Tick, advance_tick

__all__ = ["Foresight", "World"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")

_CONTEXT_NUMBERS = count(1)


class Foresight(Protocol):
    """What a client's prediction does for predicted systems."""

    def predict(self, entity: int, by: int, seconds: float) -> None:
        """Predict an entity along with what this client steers, for some time, as `by` is about to touch it."""

    def spawn(self, parts: Sequence[object]) -> int:
        """Make an entity ahead of the server, or find the one that was made when this tick was simulated before."""

    def hide(self, entity: int) -> None:
        """Take an entity away until the server says what became of it."""


class Rewinder(Protocol):
    """Whatever knows where everything was. It is told the World, so that neither keeps the other."""

    def rewind(self, world: "World", client_id: int, /) -> AbstractContextManager[None]:
        """Put everything where a client saw it, until the block ends."""


class World(Timeline):
    """Entities, their components and the systems that work on them, in fixed ticks.

    An entity is a plain int, counted from 1 and never used again. Query results are lists of their moment, ascending by
    entity: they stay as they are while structure changes, so creating and deleting during iteration is safe.

    Attributes:
        foresight: What predicted systems may ask of a client's prediction; None on a server.
        rewinder: What `rewind` asks; the Server of a game that lists LagCompensation sets it, and every Client.
        mail: What carries calls and events to clients; the Server sets it.
    """

    def __init__(
        self, *, tick_rate_hz: float = 60.0, seed: int = 0, tick: Tick = 0, scope_marker: type | None = None
    ) -> None:
        """Make an empty World.

        Args:
            tick_rate_hz: Ticks per second of game time.
            seed: Decides, with the tick, what `rng` yields.
            tick: The number before that of the first tick processed.
            scope_marker: The component that entities in the scope of `predicting()` have.
        """
        super().__init__(tick_rate_hz, seed, tick)
        self.foresight: Foresight | None = None
        self.rewinder: Rewinder | None = None
        self.mail: Mail = NoMail()
        self._scope_marker = scope_marker
        self._context = _Context()
        self._systems: tuple[Processor, ...] = ()
        self._readers: dict[int, Reader] = {}  # by id of the system; gone with the system
        self._reset(self._context.entities)

    def _reset(self, entities: dict[int, dict[type, Any]]) -> None:
        self._entities = entities
        self._queries = Queries(entities, self._scope_marker)
        self._views = self._queries.views
        self._journal = Journal(self._readers)
        self._reader = self._journal.outside
        self._touched: set[int] | None = None  # None until somebody takes structure changes
        self._replaced: dict[tuple[int, type], None] = {}  # noted from then on, too

    def __repr__(self) -> str:
        """Show where the World stands."""
        return f"World(tick={self._tick}, entities={len(self._entities)}, systems={len(self._systems)})"

    # Entities and components

    def create_entity(self, *components: object) -> int:
        """Make an entity of component instances, at most one of each type; return it.

        Raises:
            RuntimeError: Asked by a predicted system on a client, which could never take it back: that is `spawn`.
        """
        types = [type(component) for component in components]
        if self.is_predicting and self.foresight is not None and self._scope_marker not in types:
            raise RuntimeError(
                f"world.create_entity({_shown(components)}) in a predicted system: this client would keep it beside "
                "the server's; use ecsnet.systems.spawn(world, by, ...), or make it in a system that is not predicted"
            )
        if type in types or len(set(types)) != len(types):
            raise TypeError(f"create_entity takes instances, one of each type, not {_shown(components)}")
        return self._create(components, types)

    def _create(self, components: Sequence[object], types: Iterable[type]) -> int:
        with self._context:
            entity = esper.create_entity(*components)
        self._queries.created(entity, self._entities[entity])
        for component_type in types:
            self._journal.note_added(entity, component_type)
        if self._touched is not None:
            self._touched.add(entity)
        return entity

    def delete_entity(self, entity: int) -> None:
        """Delete an entity with its components, at once; nothing happens if it is gone already.

        What a client deletes while it predicts is hidden only, until the server says that it is gone, or is not.
        """
        components = self._entities.get(entity)
        if components is None:
            return
        if self.is_predicting and self.foresight is not None:
            self.foresight.hide(entity)
            return
        with self._context:
            esper.delete_entity(entity, immediate=True)
        self._queries.deleted(entity, components)
        for component in components.values():
            self._journal.note_removed(entity, component)
        if self._touched is not None:
            self._touched.add(entity)

    def add_component(self, entity: int, component: object) -> None:
        """Give an entity a component; it replaces one of the same type, which counts as a change of value.

        Raises:
            KeyError: There is no such entity.
        """
        component_type = type(component)
        if component_type is type:
            raise TypeError(f"add_component takes an instance, not {_shown([component])}")
        if entity not in self._entities:
            raise KeyError(self._missing(entity))
        replaced = component_type in self._entities[entity]
        with self._context:
            esper.add_component(entity, component)
        self._queries.inserted(entity, component_type)
        if replaced:
            if self._touched is not None:
                self._replaced[entity, component_type] = None
            return
        self._journal.note_added(entity, component_type)
        if self._touched is not None:
            self._touched.add(entity)

    def remove_component(self, entity: int, component_type: type[A]) -> A | None:
        """Take a component from an entity and return it; None if entity or component is gone already."""
        component = self.try_component(entity, component_type)
        if component is None:
            return None
        with self._context:
            esper.remove_component(entity, component_type)
        self._queries.removed(entity, component_type)
        self._journal.note_removed(entity, component)
        if self._touched is not None:
            self._touched.add(entity)
        return component

    def component_for_entity(self, entity: int, component_type: type[A]) -> A:
        """Return an entity's component.

        Raises:
            KeyError: The entity does not exist or lacks the component; the text says which.
        """
        try:
            component: A = self._entities[entity][component_type]
        except KeyError:
            raise KeyError(self._missing(entity, component_type)) from None
        return component

    def try_component(self, entity: int, component_type: type[A]) -> A | None:
        """Return an entity's component, or None if it has none or does not exist."""
        components = self._entities.get(entity)
        return None if components is None else components.get(component_type)

    def has_component(self, entity: int, component_type: type) -> bool:
        """Tell whether the entity exists and has the component."""
        components = self._entities.get(entity)
        return components is not None and component_type in components

    def has_components(self, entity: int, *component_types: type) -> bool:
        """Tell whether the entity exists and has all the components."""
        components = self._entities.get(entity)
        return components is not None and all(wanted in components for wanted in component_types)

    def components_for_entity(self, entity: int) -> tuple[object, ...]:
        """Return all components of an entity.

        Raises:
            KeyError: There is no such entity.
        """
        if entity not in self._entities:
            raise KeyError(self._missing(entity))
        return tuple(self._entities[entity].values())

    def entity_exists(self, entity: int) -> bool:
        """Tell whether the entity was made and not deleted."""
        return entity in self._entities

    def entities(self) -> list[int]:
        """Return all entities, ascending."""
        return list(self._entities)  # esper's dictionary keeps the order of creation

    def component_types(self) -> list[type]:
        """Return the types of all components there are, those that came first, first."""
        return self._journal.types()

    def restore(self, entities: Mapping[int, Sequence[object]], *, next_entity: int) -> None:
        """Put entities back under the numbers they had, into a World that is empty; by persistence.

        No system sees them in `added`: they appeared when they were made.

        Args:
            entities: Their components, ascending by entity.
            next_entity: The number of the next one that is made.
        """
        assert not self._entities, f"{self} is not empty"
        for entity, components in entities.items():
            self._context.count_from(entity)
            made = self._create(components, [type(component) for component in components])
            assert made == entity
        self._context.count_from(next_entity)
        self._journal.pass_over()

    @property
    def next_entity(self) -> int:
        """The number of the entity that is made next."""
        return self._context.next_entity

    # Queries

    def get_component(self, component_type: type[A]) -> Sequence[tuple[int, A]]:
        """Return (entity, component) of every entity that has the component."""
        rows = self._views.get(component_type)
        return self._queries.ask(component_type, self._views) if rows is None else rows

    # fmt: off
    @overload
    def get_components(self, a: type[A], /) -> Sequence[tuple[int, tuple[A]]]: ...
    @overload
    def get_components(self, a: type[A], b: type[B], /) -> Sequence[tuple[int, tuple[A, B]]]: ...
    @overload
    def get_components(self, a: type[A], b: type[B], c: type[C], /) -> Sequence[tuple[int, tuple[A, B, C]]]: ...
    @overload
    def get_components(
        self, a: type[A], b: type[B], c: type[C], d: type[D], /
    ) -> Sequence[tuple[int, tuple[A, B, C, D]]]: ...
    @overload
    def get_components(
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /
    ) -> Sequence[tuple[int, tuple[A, B, C, D, E]]]: ...
    @overload
    def get_components(
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], f: type[F], /
    ) -> Sequence[tuple[int, tuple[A, B, C, D, E, F]]]: ...
    # fmt: on
    def get_components(self, *component_types: type) -> Rows:
        """Return (entity, (component, ...)) of every entity that has all the components."""
        rows = self._views.get(component_types)
        return self._queries.ask(component_types, self._views) if rows is None else rows

    # fmt: off
    @overload
    def observe(self, a: type[A], /) -> Sequence[tuple[int, A]]: ...
    @overload
    def observe(self, a: type[A], b: type[B], /) -> Sequence[tuple[int, tuple[A, B]]]: ...
    @overload
    def observe(self, a: type[A], b: type[B], c: type[C], /) -> Sequence[tuple[int, tuple[A, B, C]]]: ...
    @overload
    def observe(
        self, a: type[A], b: type[B], c: type[C], d: type[D], /
    ) -> Sequence[tuple[int, tuple[A, B, C, D]]]: ...
    @overload
    def observe(
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /
    ) -> Sequence[tuple[int, tuple[A, B, C, D, E]]]: ...
    @overload
    def observe(
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], f: type[F], /
    ) -> Sequence[tuple[int, tuple[A, B, C, D, E, F]]]: ...
    # fmt: on
    def observe(self, *component_types: type) -> Rows:
        """Return what `get_component(s)` would outside of `predicting()`: all entities, to read and not to write.

        What a predicted system writes to others on a client stays there until the server changes that component.

        One type gives (entity, component), several give (entity, (component, ...)).
        """
        key = component_types[0] if len(component_types) == 1 else component_types
        rows = self._queries.views.get(key)
        return self._queries.ask(key, self._queries.views) if rows is None else rows

    def single(self, component_type: type[A]) -> A:
        """Return the one component of its type, like a game's one Match.

        Raises:
            LookupError: There is none, or more than one.
        """
        rows = self.observe(component_type)
        if len(rows) != 1:
            raise LookupError(
                f"{len(rows)} entities have {component_type.__name__}, not one; "
                + ("create it first, or ask try_single()" if not rows else f"see entities {[e for e, _ in rows[:5]]}")
            )
        return rows[0][1]

    def try_single(self, component_type: type[A]) -> A | None:
        """Return the one component of its type; None if there is none.

        Raises:
            LookupError: There is more than one.
        """
        return self.single(component_type) if self.observe(component_type) else None

    def ensure_single(self, component_type: type[A]) -> A:
        """Return the one component of its type; where there is none, make an entity of a new one first.

        For what each World keeps for itself, like the contacts of a tick: made once, a predicted system may ask for it.

        Raises:
            LookupError: There is more than one.
        """
        found = self.try_single(component_type)
        if found is None:
            found = component_type()
            self._create((found,), (component_type,))
        return found

    @contextmanager
    def predicting(self) -> Iterator[None]:
        """Let `get_component(s)` see only entities that have the scope marker, until the block ends."""
        if self._scope_marker is None:
            raise RuntimeError("this World was made without scope_marker=, so it has nothing to narrow queries to")
        outer, self._views = self._views, self._queries.scoped_views
        was_secret, self._random_is_secret = self._random_is_secret, True
        try:
            yield
        finally:
            self._views, self._random_is_secret = outer, was_secret

    @property
    def is_predicting(self) -> bool:
        """Whether a client is simulating ahead of the server just now."""
        return self._views is self._queries.scoped_views

    def rewind(self, client_id: int) -> AbstractContextManager[None]:
        """Let everything be where a client saw it when it pressed what is its input in this tick, until the block ends.

        For hit tests: inside, Transform2D and Collider2D of what has both are those of that time. What the client
        predicts itself stays where it is; what was not there yet is on no layer. Components may come and go and all
        others be written; what is written to these two is lost. On a client it is what the client draws, however far
        back; a server goes back `Game(max_rewind_seconds=)` at most. A client that is not connected, or has drawn
        nothing, sees the present; so does 0, the server.

        Raises:
            RuntimeError: The game does not list LagCompensation, or a block is open already (then on entering it).
        """
        if self.rewinder is None:
            raise RuntimeError(
                "nothing remembers where everything was: list ecsnet.systems.LagCompensation in Game(systems=...), "
                "after what moves colliders"
            )
        return self.rewinder.rewind(self, client_id)

    # Whom to tell

    def to(self, target: Target) -> Recipients:
        """Say whom a call or an event is for, in a server's system or in what runs there for a call.

        `world.to(EVERYONE).send(GoalScored(team))`, `world.to(OWNER_OF(knight)).call(show_result, gold)`. It leaves
        with the state of the next send, for those who are connected now. In a World without a Server nobody is.

        Args:
            target: EVERYONE, CLIENT(client_id), OWNER_OF(entity): its owner at this moment; OBSERVERS_OF(entity): who
                sees it when the state is sent, or saw it last if it is gone by then; TEAM(number).

        Raises:
            TypeError: It is none of these.
        """
        check_target(target)
        return Recipients(self.mail, target)

    # What happened

    def added(self, component_type: type[A]) -> list[tuple[int, A]]:
        """Return (entity, component) where the component appeared, oldest first, unless it is gone again.

        A system sees what happened since its previous run started, up to the start of this one; in its first run all
        that is there. Outside of systems it is what happened since the last `process()` started.
        """
        entities = self._entities
        return [
            (entity, entities[entity][component_type]) for entity in self._journal.added(self._reader, component_type)
        ]

    def removed(self, component_type: type[A]) -> list[tuple[int, A]]:
        """Return (entity, the component it had) where the component or its entity went; see `added` for the time."""
        return self._journal.removed(self._reader, component_type)

    def changed(self, component_type: type[A]) -> list[tuple[int, A]]:
        """Return (entity, component) where a field differs from the last time this system asked.

        The first answer is empty, and a component that has just appeared does not count. Fields are compared with
        ==. Where one has a default_factory, a list, dict or set changed in place counts; what is deeper inside does
        not. Outside of systems the comparison is with the start of the last `process()`, from the first question on. It
        costs a pass over all components of the type.
        """
        return self._journal.changed(self._reader, component_type, self.observe(component_type))

    def take_structure_changes(self) -> list[int]:
        """Return, ascending, the entities created, deleted or with other component types since the last call.

        The first call returns all entities; before it nothing is noted. For replication, its only hook: two callers
        would take from each other.
        """
        taken = self._entities if self._touched is None else self._touched
        self._touched = set()
        return sorted(taken)

    def take_replaced(self) -> list[tuple[int, type]]:
        """Return, oldest first, what `add_component` replaced since the last call, as (entity, component type).

        Noted from the first `take_structure_changes` on, and for its caller: which need not compare all components
        with those it knows. The entity may be gone by now, or the component.
        """
        taken = list(self._replaced)
        self._replaced.clear()
        return taken

    # Systems

    @property
    def systems(self) -> tuple[Processor, ...]:
        """The systems, in the order in which they run."""
        return self._systems

    def add_system(self, system: Processor) -> None:
        """Run a system after those added before it, each tick."""
        if any(system is known for known in self._systems):
            raise ValueError(f"{type(system).__name__} was added before: the same instance cannot run twice a tick")
        self._reader_of(system)
        self._systems = (*self._systems, system)

    def process(self) -> None:
        """Go on by one tick: every system in order. An exception in one ends the tick."""
        with self._context:
            self.tick = advance_tick(self._tick)
            self._journal.begin_tick(self.observe)
            for system in self._systems:
                self.run(system)

    def run(self, system: Processor) -> None:
        """Run one system now, without going on in time; it need not have been added."""
        reader, outer = self._reader_of(system), self._reader
        self._journal.begin_run(reader)
        self._reader = reader
        try:
            with self._context:
                system.process(self)
        finally:
            self._reader = outer
            self._journal.end_run(reader)

    def _reader_of(self, system: Processor) -> Reader:
        reader = self._readers.get(id(system))
        if reader is not None:
            return reader
        if isinstance(system, type) or not callable(getattr(system, "process", None)):
            raise TypeError(f"a system is an instance with process(world), not {_shown([system])}")
        reader = self._readers[id(system)] = self._journal.new_reader()
        reader.guard = weakref.ref(system, _forget(self._readers, id(system)))
        return reader

    # The end

    def close(self) -> None:
        """Let go of everything at once instead of when the World is collected. It can be called again.

        Raises:
            RuntimeError: The World is processing a tick.
        """
        self._context.close()
        self._systems = ()
        self._readers.clear()
        self._reset({})

    def _missing(self, entity: int, component_type: type | None = None) -> str:
        components = self._entities.get(entity)
        if components is None:
            return f"entity {entity} does not exist, or no more; ask entity_exists() first"
        assert component_type is not None
        has = ", ".join(sorted(found.__name__ for found in components)) or "nothing"
        name = getattr(component_type, "__name__", repr(component_type))
        return f"entity {entity} has no {name}, it has {has}; ask try_component() if that may be"


class _Context:
    """A context of esper that is in esper's map only while it is entered.

    It is entered as often as World calls nest, also across Worlds: A's system may call B, whose system calls A.
    """

    __slots__ = ("_closed", "_name", "_parked", "_previous", "entities")

    def __init__(self) -> None:
        self._name = f"ecsnet.World {next(_CONTEXT_NUMBERS)}"
        self._previous: list[str] = []
        self._parked: Any = None  # esper's tuple of a context's state, opaque here
        self._closed = False
        with self:
            self.entities: dict[int, dict[type, Any]] = esper._entities

    def __enter__(self) -> None:
        if self._closed:
            raise RuntimeError("this World is closed")
        current = esper.current_world
        self._previous.append(current)
        if current != self._name:
            if self._parked is not None:
                esper._context_map[self._name] = self._parked
                self._parked = None
            esper.switch_world(self._name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        previous = self._previous.pop()
        if previous != self._name:
            esper.switch_world(previous)
        if not self._previous:
            self._parked = esper._context_map.pop(self._name)

    @property
    def next_entity(self) -> int:
        with self:
            return next(copy(esper._entity_count))

    def count_from(self, entity: int) -> None:
        with self:
            esper._entity_count = count(entity)

    def close(self) -> None:
        if self._previous:
            raise RuntimeError("a World cannot be closed by its own systems; close it after process() returned")
        self._closed = True
        self._parked = None
        self.entities = {}


def _forget(readers: dict[int, Reader], key: int) -> Callable[[object], None]:
    """Return what drops a reader when its system is gone. It knows the readers only, not the World: see the top."""

    def forget(_: object) -> None:
        readers.pop(key, None)

    return forget


def _shown(things: Iterable[object]) -> str:
    return ", ".join(f"the class {t.__name__}" if isinstance(t, type) else type(t).__name__ for t in things)
