"""Worlds: structure, queries while structure changes, events seen once, time, chance, and esper left as it was."""

import gc
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import field
from random import Random

import esper
import pytest

from ecsnet import journal
from ecsnet.fields import NetVar, component, netvar
from ecsnet.system import System
from ecsnet.world import World


@component
class Position:
    """Where."""

    x: NetVar[int] = 0
    marks: list[int] | None = None


@component
class Speed:
    """How fast."""

    x: NetVar[int] = 0


@component
class Health:
    """How well."""

    points: NetVar[int] = 100


@component(tag=True)
class Mine:
    """The scope of prediction."""


@component
class Link:
    """A component that refers back to its World, as a careless game's might."""

    world: object = None


TYPES: tuple[type, ...] = (Position, Speed, Health, Mine)


@pytest.fixture(autouse=True)
def esper_is_left_as_it_was() -> Iterator[None]:
    """Whatever a World does, the contexts of somebody who uses esper beside it stay the same."""
    before = (esper.current_world, sorted(esper.list_worlds()), sorted(esper.get_entities()))
    yield
    assert (esper.current_world, sorted(esper.list_worlds()), sorted(esper.get_entities())) == before


class Probe(System):
    """Runs a function, and keeps what it returned in each run."""

    def __init__(self, look: Callable[[World], object]) -> None:
        """Look with `look`."""
        self.look = look
        self.saw: list[object] = []

    def process(self, world: World) -> None:
        """Look."""
        self.saw.append(self.look(world))


def ids(rows: Sequence[tuple[int, object]]) -> list[int]:
    """Return the entities of a query or of events."""
    return [entity for entity, _ in rows]


# Structure


def test_what_was_put_in_is_found_until_it_is_taken_out() -> None:
    """The verbs are esper's."""
    world = World()
    position = Position(x=3)
    entity = world.create_entity(position, Speed())

    assert entity == 1
    assert world.component_for_entity(entity, Position) is position
    assert world.try_component(entity, Health) is None
    assert world.has_component(entity, Speed)
    assert world.has_components(entity, Speed, Position)
    assert not world.has_components(entity, Speed, Health)
    assert {type(c) for c in world.components_for_entity(entity)} == {Position, Speed}
    speed = world.remove_component(entity, Speed)
    assert isinstance(speed, Speed)
    assert world.remove_component(entity, Speed) is None
    world.delete_entity(entity)
    world.delete_entity(entity)
    assert not world.entity_exists(entity)
    assert not world.has_component(entity, Position)
    assert world.try_component(entity, Position) is None
    assert world.remove_component(entity, Position) is None
    assert world.entities() == []


def test_entities_count_from_one_and_are_never_used_again() -> None:
    """Other sides may still speak of one that is gone."""
    world = World()

    first = [world.create_entity() for _ in range(3)]
    world.delete_entity(3)

    assert (first, world.create_entity()) == ([1, 2, 3], 4)
    assert world.entities() == [1, 2, 4]
    assert "entities=3" in repr(world)


@pytest.mark.parametrize(
    ("mistake", "error", "text"),
    [
        (
            lambda w: w.component_for_entity(1, Health),
            KeyError,
            "entity 1 has no Health, it has Position, Speed; ask try_",
        ),
        (lambda w: w.component_for_entity(9, Health), KeyError, "entity 9 does not exist, or no more"),
        (lambda w: w.components_for_entity(9), KeyError, "entity 9 does not exist"),
        (lambda w: w.add_component(9, Health()), KeyError, "entity 9 does not exist"),
        (lambda w: w.add_component(1, Health), TypeError, "takes an instance, not the class Health"),
        (lambda w: w.create_entity(Health), TypeError, "takes instances, one of each type, not the class Health"),
        (lambda w: w.create_entity(Health(), Health()), TypeError, "one of each type, not Health, Health"),
        (lambda w: w.get_component("Position"), TypeError, "a query names component types, not 'Position'"),
        (lambda w: w.get_component(Position()), TypeError, "unhashable type: 'Position'"),
        (lambda w: w.get_components(Position, "Speed"), TypeError, "a query names component types, not 'Speed'"),
        (lambda w: w.get_components(), TypeError, "at least one component type"),
        (lambda w: w.observe(), TypeError, "at least one component type"),
        (lambda w: w.single(Health), LookupError, "0 entities have Health, not one; create it first"),
        (lambda w: (w.create_entity(Speed()), w.single(Speed)), LookupError, "2 entities have Speed, not one; see"),
        (lambda w: (w.create_entity(Speed()), w.try_single(Speed)), LookupError, "2 entities have Speed"),
        (lambda w: w.add_system(Probe), TypeError, "a system is an instance with process(world), not the class Probe"),
        (lambda w: w.run(object()), TypeError, "a system is an instance with process(world), not object"),
        (lambda w: w.predicting().__enter__(), RuntimeError, "made without scope_marker="),
        (lambda w: w.changed(int), TypeError, "changed(int) compares fields; decorate it with @component"),
        (lambda w: [w.add_system(s) for s in [Probe(repr)] * 2], ValueError, "Probe was added before"),
        (lambda _: World(tick_rate_hz=0), ValueError, "tick_rate_hz=0 must be above 0"),
    ],
)
def test_a_mistake_is_told(mistake: Callable[[World], object], error: type[Exception], text: str) -> None:
    """Which entity, which component, and what to do."""
    world = World()
    world.create_entity(Position(), Speed())

    with pytest.raises(error) as caught:
        mistake(world)

    assert text in str(caught.value)


def test_nothing_is_done_where_a_mistake_was_made() -> None:
    """A refused call leaves no half of itself behind."""
    world = World()
    with pytest.raises(TypeError):
        world.create_entity(Position(), Position())

    assert world.entities() == []
    assert world.create_entity() == 1


# Queries


def test_queries_follow_every_change_as_if_asked_anew() -> None:
    """A thousand random changes; after each, every query equals what a plain scan finds, in and out of the scope."""
    random = Random(7)  # a test
    world = World(scope_marker=Mine)
    keys = [c for n in (1, 2, 3) for c in itertools.permutations(TYPES, n)]
    for step in range(1000):
        change(world, random)
        for key in random.sample(keys, 4 if step else len(keys)):
            rows = scan(world, key)
            assert world.get_components(*key) == rows
            assert world.observe(key[0]) == [(e, t[0]) for e, t in scan(world, key[:1])]
            assert world.get_component(key[0]) == world.observe(key[0])
            with world.predicting():
                inside = [row for row in rows if world.has_component(row[0], Mine)]
                assert world.get_components(*key) == inside
                assert world.observe(*key[:2]) == world.observe(*key[:2])
                assert ids(world.get_component(key[0])) == [e for e in ids(world.observe(key[0])) if mine(world, e)]


def mine(world: World, entity: int) -> bool:
    """Tell whether an entity is in the scope."""
    return world.has_component(entity, Mine)


def change(world: World, random: Random) -> None:
    """Change the structure at random, now and then where there is nothing to change."""
    entities = world.entities()
    entity = random.choice(entities) if entities else 0
    kind = random.choice(TYPES)
    match random.randrange(5):
        case 0 | 1 if len(entities) < 12:
            world.create_entity(*[t() for t in TYPES if random.random() < 0.5])
        case 2:
            world.delete_entity(entity)
        case 3 if entity:
            world.add_component(entity, kind())
        case _:
            world.remove_component(entity, kind)


def scan(world: World, types: tuple[type, ...]) -> list[tuple[int, tuple[object, ...]]]:
    """Find what a query should, the slow way."""
    return [
        (entity, tuple(world.component_for_entity(entity, t) for t in types))
        for entity in world.entities()
        if world.has_components(entity, *types)
    ]


def test_an_unchanged_query_costs_a_look_up_and_unconcerned_changes_keep_it() -> None:
    """The point of it all: esper drops every cached query at every spawn."""
    world = World()
    entity = world.create_entity(Position(), Speed())
    asked = world.get_components(Position, Speed)

    world.create_entity(Position(), Health())
    world.add_component(entity, Health())

    assert world.get_components(Position, Speed) is asked
    world.add_component(entity, Speed(x=5))
    assert world.get_components(Position, Speed)[0][1][1].x == 5


def test_a_list_handed_out_stays_as_it_is_while_structure_changes() -> None:
    """Creating and deleting while iterating is safe, and queries made afterwards see it at once."""
    world = World()
    for _ in range(5):
        world.create_entity(Position())
    visited = []
    for entity, _ in world.get_component(Position):
        visited.append(entity)
        world.delete_entity(entity)
        world.create_entity(Position())
        assert entity not in [e for e, _ in world.get_component(Position)]

    assert visited == [1, 2, 3, 4, 5]
    assert [e for e, _ in world.get_component(Position)] == [6, 7, 8, 9, 10]


def test_queries_ascend_by_entity_however_components_came() -> None:
    """A system that moves things in query order moves them in the same order in every run."""
    world = World()
    entities = [world.create_entity(Speed()) for _ in range(6)]
    for entity in (4, 1, 6, 2):
        world.add_component(entity, Position())
        world.get_components(Position, Speed)

    assert [e for e, _ in world.get_components(Position, Speed)] == [1, 2, 4, 6]
    assert entities == [1, 2, 3, 4, 5, 6]


def test_single() -> None:
    """State that exists once is an entity with one component; the scope of prediction does not hide it."""
    world = World(scope_marker=Mine)

    assert world.try_single(Health) is None
    health = Health()
    world.create_entity(health)
    with world.predicting():
        assert world.single(Health) is health
        assert world.try_single(Health) is health


def test_the_scope_ends_with_its_block() -> None:
    """Also when a system in it raises, and when blocks nest."""
    world = World(scope_marker=Mine)
    world.create_entity(Position())
    mine = world.create_entity(Position(), Mine())
    with world.predicting():
        with pytest.raises(ZeroDivisionError), world.predicting():
            raise ZeroDivisionError
        assert ids(world.get_component(Position)) == [mine]

    assert ids(world.get_component(Position)) == [1, mine]


# Events


def test_each_system_sees_each_event_once() -> None:
    """Whatever happens between its runs, also by its own hand, it is told in the next run, and only then."""
    world = World()
    probe = Probe(lambda w: (ids(w.added(Position)), w.removed(Position)))
    early = Probe(lambda w: ids(w.added(Position)))
    maker = Probe(lambda w: w.create_entity(Position(x=w.tick)) if w.tick in {2, 3} else None)
    before = world.create_entity(Position())
    for system in (early, maker, probe):
        world.add_system(system)
    for _ in range(4):
        world.process()
    position = world.component_for_entity(2, Position)
    world.delete_entity(2)
    world.process()
    world.process()

    assert probe.saw == [([before], []), ([2], []), ([3], []), ([], []), ([], [(2, position)]), ([], [])]
    assert early.saw == [[before], [], [2], [3], [], []]


def test_its_own_changes_a_system_sees_in_the_next_run() -> None:
    """Else the answer would depend on where in the run it is asked."""
    world = World()

    def look(world: World) -> object:
        first = ids(world.added(Health))
        world.create_entity(Health())
        world.delete_entity(world.create_entity(Speed()))
        return first, ids(world.added(Health)), ids(world.removed(Speed))

    probe = Probe(look)
    world.add_system(probe)
    for _ in range(3):
        world.process()

    assert probe.saw == [([], [], []), ([1], [1], [2]), ([3], [3], [4])]


def test_what_came_and_went_is_removed_only_and_what_came_again_is_both() -> None:
    """`added` is about what is there: a handler may use the component it is given."""
    world = World()
    probe = Probe(lambda w: (w.added(Health), w.removed(Health)))
    world.add_system(probe)
    world.process()
    gone, again = Health(1), Health(2)
    brief = world.create_entity(gone)
    world.delete_entity(brief)
    entity = world.create_entity(again)
    world.remove_component(entity, Health)
    world.add_component(entity, Health(3))
    world.process()
    world.process()

    assert probe.saw == [([], []), ([(2, Health(3))], [(1, gone), (2, again)]), ([], [])]


def test_replacing_a_component_is_a_change_of_value() -> None:
    """Neither structure nor presence changes."""
    world = World()
    probe = Probe(lambda w: (w.added(Health), w.removed(Health), w.changed(Health)))
    entity = world.create_entity(Health(1))
    world.add_system(probe)
    world.process()
    world.take_structure_changes()
    world.add_component(entity, Health(2))
    world.process()

    assert probe.saw[1] == ([], [], [(1, Health(2))])
    assert world.take_structure_changes() == []
    assert world.take_replaced() == [(entity, Health)]
    assert world.take_replaced() == []


def test_replacements_are_noted_once_somebody_takes_structure_changes() -> None:
    """A World nobody replicates would gather them without end."""
    world = World()
    entity = world.create_entity(Health(1))
    world.add_component(entity, Health(2))

    assert world.take_replaced() == []
    world.take_structure_changes()
    for points in range(100):
        world.add_component(entity, Health(points))
    assert world.take_replaced() == [(entity, Health)]


def test_changed_compares_with_what_this_system_saw_last() -> None:
    """Each asker has its own memory; the first look and newcomers are no changes."""
    world = World()
    always, seldom = Probe(lambda w: ids(w.changed(Health))), Probe(lambda w: ids(w.changed(Health)))
    entities = [world.create_entity(Health()) for _ in range(3)]
    healths = [world.component_for_entity(entity, Health) for entity in entities]
    world.run(always)
    world.run(seldom)
    healths[1].points = 50
    world.run(always)
    healths[0].points = 5
    world.create_entity(Health(points=1))
    world.delete_entity(entities[2])
    world.run(always)
    healths[1].points = 100
    world.run(always)
    world.run(seldom)

    assert always.saw == [[], [2], [1], [2]]
    assert seldom.saw == [[], [1]]  # 2 is back to what it was


def test_changed_notices_what_was_edited_in_place() -> None:
    """A list of a component is edited more often than replaced."""

    @component
    class Bag:
        things: NetVar[list[int]] = netvar([])
        names: dict[str, int] = field(default_factory=dict)

    world, bag = World(), Bag()
    entity = world.create_entity(bag)
    assert world.changed(Bag) == []
    world.process()

    bag.things.append(3)

    assert world.changed(Bag) == [(entity, bag)]
    world.process()
    assert world.changed(Bag) == []
    bag.names["a"] = 1
    assert world.changed(Bag) == [(entity, bag)]


def test_changed_answers_alike_within_one_run() -> None:
    """Two parts of a system may both ask."""
    world = World()
    world.create_entity(Health())

    def look(world: World) -> object:
        first = world.changed(Health)
        world.single(Health).points += 1
        return len(first), len(world.changed(Health))

    probe = Probe(look)
    for _ in range(3):
        world.run(probe)

    assert probe.saw == [(0, 0), (1, 1), (1, 1)]


def test_what_each_world_keeps_once_is_made_once() -> None:
    """The first who asks for it makes it."""
    world = World()
    health = world.ensure_single(Health)

    assert world.ensure_single(Health) is world.single(Health) is health
    assert world.entities() == [1]
    assert world.added(Health) == [(1, health)]


def test_changed_of_a_component_that_came_again_is_none() -> None:
    """It is in `added` and `removed`."""
    world = World()
    entity = world.create_entity(Health(1), Mine())
    probe = Probe(lambda w: w.changed(Health) + w.changed(Mine))
    world.run(probe)
    world.remove_component(entity, Health)
    world.add_component(entity, Health(2))
    world.run(probe)

    assert probe.saw == [[], []]


def test_outside_of_systems_events_are_those_since_the_last_tick_began() -> None:
    """As often as it is asked: what draws a frame and what plays a sound may both ask."""
    world = World()
    world.add_system(Probe(lambda w: w.create_entity(Health())))
    first = world.create_entity(Position())

    assert ids(world.added(Position)) == [first]
    assert world.changed(Position) == []
    world.component_for_entity(first, Position).x = 4
    assert ids(world.changed(Position)) == ids(world.changed(Position)) == [first]
    world.process()
    assert world.added(Position) == world.changed(Position) == []
    assert ids(world.added(Health)) == [2]
    world.delete_entity(2)
    world.component_for_entity(first, Position).x = 5
    assert world.added(Health) == []
    assert ids(world.removed(Health)) == [2]
    assert ids(world.changed(Position)) == [first]
    world.process()
    assert world.removed(Health) == []


def test_a_system_run_by_another_sees_its_own_events() -> None:
    """The asker is who runs now; afterwards it is the outer one again, also when the inner one raised."""
    world = World()
    inner = Probe(lambda w: (ids(w.added(Health)), 1 // (w.tick - 2)))

    def look(world: World) -> object:
        with suppress(ZeroDivisionError):
            world.run(inner)
        return ids(world.added(Health))

    outer = Probe(look)
    world.add_system(outer)
    world.create_entity(Health())
    world.process()
    world.create_entity(Health())
    world.process()
    world.process()

    assert inner.saw == [([1], -1), ([], 1)]
    assert outer.saw == [[1], [2], []]


def test_the_log_of_removals_is_dropped_once_all_have_seen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And at its limit even if one sleeps, so that neither time nor a forgotten system fills the memory."""
    monkeypatch.setattr(journal, "REMOVALS_LIMIT", 200)
    world = World()
    awake, asleep = Probe(lambda w: len(w.removed(Health))), Probe(lambda w: ids(w.removed(Health)))
    world.add_system(awake)
    for _ in range(300):
        world.delete_entity(world.create_entity(Health()))
        world.process()
    held = len([o for o in gc.get_objects() if type(o) is Health])
    world.run(asleep)
    for _ in range(300):
        world.delete_entity(world.create_entity(Health()))
        world.process()
    world.run(asleep)

    assert held <= 64
    assert awake.saw == [1] * 600
    assert asleep.saw[0] == []
    assert asleep.saw[1] == list(range(401, 601))


def test_structure_changes_are_taken_once_and_noted_only_if_somebody_takes_them() -> None:
    """Replication's one hook: the first time everything, then what changed since; values do not count."""
    world = World()
    gone = world.create_entity(Position())
    kept = world.create_entity(Position())
    world.delete_entity(gone)

    assert world._touched is None
    assert world.take_structure_changes() == [kept]
    assert world.take_structure_changes() == []
    world.add_component(kept, Speed())
    new = world.create_entity()
    brief = world.create_entity()
    world.delete_entity(brief)
    world.component_for_entity(kept, Position).x = 3
    assert world.take_structure_changes() == [kept, new, brief]
    world.remove_component(kept, Health)
    assert world.take_structure_changes() == []
    world.remove_component(kept, Speed)
    assert world.take_structure_changes() == [kept]


# Time and chance


def test_systems_run_in_order_at_each_tick() -> None:
    """The order is that of adding, the number goes on by one and wraps."""
    world = World(tick=0xFFFFFFFE, tick_rate_hz=50)
    calls: list[tuple[str, int]] = []
    for name in "ab":
        world.add_system(Probe(lambda w, name=name: calls.append((name, w.tick))))  # type: ignore[misc]  # default
    world.process()
    world.process()

    assert calls == [("a", 0xFFFFFFFF), ("b", 0xFFFFFFFF), ("a", 0), ("b", 0)]
    assert (world.dt, world.tick, len(world.systems)) == (0.02, 0, 2)


def test_an_esper_processor_fits() -> None:
    """Also one that reads with esper's own functions: inside a tick the World's context is the active one."""

    class Old(esper.Processor):
        def process(self, world: World) -> None:
            for entity, (position, speed) in esper.get_components(Position, Speed):
                position.x += speed.x
                world.add_component(entity, Health())

    world = World()
    entity = world.create_entity(Position(1), Speed(2))
    world.add_system(Old())
    world.process()

    assert world.component_for_entity(entity, Position).x == 3
    assert ids(world.get_component(Health)) == [entity]


def test_chance_follows_from_seed_and_tick() -> None:
    """A tick simulated again draws the same, whatever was drawn before; others draw differently."""
    world, twin = World(seed=7), World(seed=7)
    drawn = []
    for _ in range(3):
        world.process()
        drawn.append([world.rng.random() for _ in range(world.tick)])
    world.tick = 2
    again = [world.rng.random() for _ in range(2)]
    world.tick = 2
    twin.tick = 2

    assert again == drawn[1] == [world.rng.random() for _ in range(2)] == [twin.rng.random() for _ in range(2)]
    firsts = [first_draw(seed, tick) for seed in range(-8, 9) for tick in range(9)]
    assert len(set(firsts)) == len(firsts)


def first_draw(seed: int, tick: int) -> float:
    """Return what a fresh World draws first."""
    return World(seed=seed, tick=tick).rng.random()


# esper's contexts, and the end


def test_worlds_interleave() -> None:
    """A system of one may work on another, whose system works on the first."""
    here, there = World(), World()
    mine = esper.create_entity(Health(1))

    def ping(world: World) -> int:
        there.create_entity(Position())
        there.process()
        return len(world.entities())

    probe = Probe(ping)
    here.add_system(probe)
    there.add_system(Probe(lambda w: here.create_entity(Speed()) + len(w.entities())))
    here.process()
    here.process()

    assert here.entities() == [1, 2]
    assert there.entities() == [1, 2]
    assert probe.saw == [1, 2]
    assert esper.component_for_entity(mine, Health).points == 1
    assert list(esper.get_entities()) == [mine]
    esper.delete_entity(mine, immediate=True)


def test_an_exception_leaves_worlds_and_esper_in_order() -> None:
    """A bug in a game's system must not leave another World's context active."""
    outer, inner = World(), World()
    inner.add_system(Probe(lambda _: 1 // 0))
    outer.add_system(Probe(lambda _: inner.process()))
    with pytest.raises(ZeroDivisionError):
        outer.process()

    assert esper.current_world == "default"
    assert outer.create_entity() == inner.create_entity() == 1


@pytest.mark.parametrize("cycle", ["none", "system", "component", "changed component"])
def test_a_forgotten_world_is_freed(cycle: str) -> None:
    """Esper's contexts are global and live until deleted; a World's must not, even if a component refers to it."""
    ghost = weakref.ref(world_in_cycle(cycle))

    gc.collect()

    assert ghost() is None


def world_in_cycle(cycle: str) -> World:
    """Return a World to which something of its own refers."""
    world = World()
    system = Probe(lambda w: len(w.changed(Link)))
    if cycle == "system":
        system.saw.append(world)
    if "component" in cycle:
        world.create_entity(Link(world))
    world.add_system(system)
    world.process()
    if cycle == "changed component":  # the World also remembers what it told the system
        world.single(Link).world = (world,)
        world.process()
        assert system.saw == [0, 1]
    return world


def test_a_closed_world_is_empty_and_says_so() -> None:
    """It can be closed twice; reading finds nothing, writing raises."""
    world = World()
    health = Health()
    ghost_of = weakref.WeakSet[System]()
    probe = Probe(lambda w: w.added(Health))
    ghost_of.add(probe)
    entity = world.create_entity(health)
    world.add_system(probe)
    world.process()
    world.close()
    world.close()
    del probe
    gc.collect()

    assert not list(ghost_of)
    assert world.entities() == []
    assert list(world.get_component(Health)) == world.added(Health) == []
    assert not world.entity_exists(entity)
    for write in (world.create_entity, world.process):
        with pytest.raises(RuntimeError, match="this World is closed"):
            write()


def test_a_world_cannot_be_closed_from_inside() -> None:
    """Its context is in use."""
    world = World()
    world.add_system(Probe(lambda w: w.close()))
    with pytest.raises(RuntimeError, match="cannot be closed by its own systems"):
        world.process()

    assert world.create_entity() == 1


def test_a_system_that_is_gone_is_forgotten() -> None:
    """Whoever runs a fresh system each tick must not fill the World with what they had seen."""
    world = World()
    for _ in range(100):
        world.run(Probe(lambda w: w.added(Health)))

    assert len(world._readers) == 0
