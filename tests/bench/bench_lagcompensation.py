"""Print what lag compensation costs: `python tests/bench/bench_lagcompensation.py`. For CPython 3.11 on one usual core.

Half of the colliders move in every tick, half stand.
"""

import gc
import sys
from collections.abc import Callable
from time import process_time

from ecsnet.components import Collider2D, Transform2D
from ecsnet.systems.lagcompensation import Displacement, Past
from ecsnet.world import World

TICKS = 15
LAG_TICKS = 12.5


def build(colliders: int) -> tuple[World, Past]:
    """Return a World with a past as long as it gets."""
    world, past = World(), Past(TICKS)
    for number in range(colliders):
        world.create_entity(Transform2D(x=number * 1.5), Collider2D())
    for _ in range(2 * TICKS):
        go_on(world)
        past.note(world)
    return world, past


def go_on(world: World) -> None:
    """Move every other one."""
    world.tick += 1
    for entity, transform in world.get_component(Transform2D):
        if entity % 2:
            transform.x += 1.25


def measure(colliders: int, runs: int) -> None:
    """Print the best of some runs, since what disturbs only ever adds."""
    world, past = build(colliders)
    note = best(lambda: past.note(world), lambda: go_on(world), runs)
    moved = Displacement()

    def rewind() -> None:
        with moved.undone_after():
            past.restore(world, LAG_TICKS, set(), moved)

    block = best(rewind, lambda: None, runs)

    def spawn() -> None:
        go_on(world)
        world.create_entity(Transform2D(), Collider2D())

    crowded = best(lambda: past.note(world), spawn, runs)
    out(
        f"{colliders:5d} colliders: {note * 1e6:7.1f} us a tick, {note / colliders * 1e6:5.2f} us each"
        f" ({crowded / colliders * 1e6:.2f} where one comes in every tick); {block * 1e6:7.1f} us a rewind"
    )


def best(work: Callable[[], None], before: Callable[[], None], runs: int) -> float:
    """Return the processor seconds of the fastest of some calls."""
    fastest = float("inf")
    for _ in range(runs):
        before()
        start = process_time()
        work()
        fastest = min(fastest, process_time() - start)
    return fastest


def out(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    gc.disable()  # as ecsnet.collector does in a server's ticks
    measure(100, runs=200)
    measure(1000, runs=100)
    measure(10_000, runs=20)
