"""What it costs to find what changed, alone: `.venv/bin/python -m tests.bench.bench_detect`.

10,000 entities with one component of three floats; compared in every send, marked when written, or of a rate tier.
"""

import time
from collections.abc import Callable

import click

from ecsnet import Game, NetVar, World, component, netvar, player_input
from ecsnet.components import Transform2D
from ecsnet.replication.detect import Detector
from ecsnet.replication.schema import Schema

ENTITIES = 10_000
ROUNDS = 200
WRITES = 200_000


@player_input
class Move:
    """What a player presses."""

    dx: int = netvar(0, low=-1, high=1)


@component(track="push")
class Pushed:
    """As Transform2D."""

    x: NetVar[float] = netvar(0.0, step=1 / 64, low=-32768, high=32768, clamp=True)
    y: NetVar[float] = netvar(0.0, step=1 / 64, low=-32768, high=32768, clamp=True)
    rotation: NetVar[float] = 0.0


@component(every=4)
class Tiered:
    """As Transform2D."""

    x: NetVar[float] = netvar(0.0, step=1 / 64, low=-32768, high=32768, clamp=True)
    y: NetVar[float] = netvar(0.0, step=1 / 64, low=-32768, high=32768, clamp=True)
    rotation: NetVar[float] = 0.0


def measure(kind: type[Transform2D | Pushed | Tiered], moving: float, *, spawning: bool = False) -> list[float]:
    """Return the µs of each look, least first."""
    world = World()
    moved = [kind(x=float(i), y=float(i)) for i in range(ENTITIES)]
    last = [world.create_entity(each) for each in moved][-1]
    detector = Detector(Schema(Game("bench", input=Move, components=[Pushed, Tiered])), world)
    detector.detect(0)
    movers = moved[: round(ENTITIES * moving)]
    times = []
    for tick in range(1, ROUNDS + 1):
        for each in movers:
            each.x, each.y = each.x + 0.25, each.y + 0.25
        if spawning:
            world.delete_entity(last)
            last = world.create_entity(kind())
        began = time.perf_counter()
        detector.detect(tick)
        times.append((time.perf_counter() - began) * 1e6)
    return sorted(times)


def nanoseconds(act: Callable[[], object]) -> float:
    """Return what a call costs, the least of five tries."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(WRITES):
            act()
        best = min(best, (time.perf_counter() - began) / WRITES * 1e9)
    return best


def main() -> None:
    """Print the figures."""
    for kind, title in ((Transform2D, "compared"), (Pushed, 'track="push"'), (Tiered, "every=4")):
        for moving, spawning, change in (
            (0.0, False, "nothing changes"),
            (0.01, False, "1 % change"),
            (1.0, False, "all change"),
            (0.0, True, "one comes, one goes"),
        ):
            times = measure(kind, moving, spawning=spawning)
            median, late = times[len(times) // 2], times[int(len(times) * 0.99)]
            click.echo(f"{title:14}{change:20} {median:8.0f} us in the median, {late:8.0f} us at p99")
    for made, title in ((Transform2D, "compared"), (Pushed, 'track="push"')):
        click.echo(f"{title:14}{'made':20} {nanoseconds(made):8.0f} ns")


if __name__ == "__main__":
    main()
