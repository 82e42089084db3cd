"""Print what a World costs: `python tests/bench/bench_world.py`. The targets are for CPython 3.11 on one usual core."""

import sys
from collections.abc import Callable
from timeit import Timer

import esper

from ecsnet.fields import NetVar, component
from ecsnet.world import World

ENTITIES = 1000


@component
class Position:
    """Where."""

    x: NetVar[float] = 0.0


@component
class Speed:
    """How fast."""

    x: NetVar[float] = 0.0


@component
class Health:
    """How well."""

    points: NetVar[int] = 100


@component
class Name:
    """Who."""

    text: NetVar[str] = ""


@component(tag=True)
class Chosen:
    """Is in the scope."""


QUERIES: tuple[tuple[type, ...], ...] = (
    (Position, Speed),
    (Position, Health),
    (Speed, Health),
    (Position, Speed, Health),
    (Position, Name),
)


def crowd(world: World) -> World:
    """Fill a World with 1,000 entities that all five queries match."""
    for _ in range(ENTITIES):
        world.create_entity(Position(), Speed(), Health(), Name())
    return world


def churn_ours(world: World) -> None:
    """One spawn, one despawn, and every query once: a busy tick."""
    world.delete_entity(world.create_entity(Position(), Speed(), Health(), Name()))
    for query in QUERIES:
        world.get_components(*query)


def churn_esper() -> None:
    """The same with esper alone."""
    esper.delete_entity(esper.create_entity(Position(), Speed(), Health(), Name()), immediate=True)
    for query in QUERIES:
        esper.get_components(*query)


class Nothing:
    """A system that does nothing."""

    def process(self, world: World) -> None:
        """Do nothing."""


def microseconds(work: Callable[[], object], number: int) -> float:
    """Return the time of one call, the best of five runs."""
    return min(Timer(work).repeat(5, number)) / number * 1e6


def measure() -> list[tuple[str, float, float | None]]:
    """Return (what, microseconds, target) of everything measured."""
    world = crowd(World(scope_marker=Chosen))
    for query in QUERIES:
        world.get_components(*query)
    for _ in range(ENTITIES):
        esper.create_entity(Position(), Speed(), Health(), Name())
    ticking = World()
    for _ in range(10):
        ticking.add_system(Nothing())
    figures: list[tuple[str, float, float | None]] = [
        ("spawn + despawn + 5 queries, 1,000 entities", microseconds(lambda: churn_ours(world), 500), 50.0),
        ("the same in esper alone", microseconds(churn_esper, 20), None),
        ("spawn + despawn of 4 components", microseconds(lambda: spawn_and_despawn(world), 2000), None),
        ("get_component, unchanged", microseconds(lambda: world.get_component(Position), 200_000), 0.2),
        ("get_components of 2, unchanged", microseconds(lambda: world.get_components(Position, Speed), 200_000), 0.2),
        ("component_for_entity", microseconds(lambda: world.component_for_entity(500, Health), 200_000), 0.2),
        ("try_component", microseconds(lambda: world.try_component(500, Health), 200_000), 0.2),
        ("create, add, remove a component, delete", microseconds(lambda: toggle(world), 2000), None),
        ("changed(T) over 1,000", microseconds(lambda: world.changed(Position), 200), None),
        ("added(T), nothing new", microseconds(lambda: ticking.added(Position), 100_000), None),
        ("process() of 10 systems that do nothing", microseconds(ticking.process, 5000), None),
    ]
    esper.clear_database()
    return figures


def spawn_and_despawn(world: World) -> None:
    """Create and delete, without asking."""
    world.delete_entity(world.create_entity(Position(), Speed(), Health(), Name()))


def toggle(world: World) -> None:
    """Change the structure of an entity in all four ways."""
    entity = world.create_entity(Position())
    world.add_component(entity, Speed())
    world.remove_component(entity, Speed)
    world.delete_entity(entity)


def main() -> int:
    """Print the figures; fail when a target is missed by more than double, which no busy machine explains."""
    failed = 0
    for what, figure, target in measure():
        verdict = "" if target is None else f"   target {target:g}" + ("" if figure <= target else "   MISSED")
        failed += target is not None and figure > 2 * target
        print(f"{what:<50}{figure:>10.3f} us{verdict}")  # a command's output
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
