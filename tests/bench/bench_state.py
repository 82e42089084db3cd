"""Print what a send tick costs a server, crypto and sockets included: `python -m tests.bench.bench_state`.

Measured is processor time of: taking delivery reports, finding and encoding what changed, making and queueing every
client's messages, packing and sealing the datagrams, handing them to the socket. Not in it: the game's own systems, and
receiving (`rest` has it). The floor is the same datagrams, as many and as long, sealed with the same cipher and a key
for each client and sent through the same socket, in the same tick.
"""

import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from ecsnet import World
from ecsnet.components import Owner, Transform2D
from tests.bench.arena import Arena, Populate, Tick, updates_in

WARM_TICKS = 60  # all are joined, and slow start is over
P99_TARGET = 3.0


@dataclass
class Scenario:
    """One line of the table."""

    title: str
    clients: int
    populate: Populate
    ticks: int
    target_ms: float | None = None


def moving(count: int, share: float = 1.0) -> Populate:
    """Make `count` entities, the players among them, of which each tick another `share` moves."""

    def populate(world: World, players: list[int]) -> Callable[[], None]:
        entities = [*players, *(world.create_entity() for _ in range(count - len(players)))]
        places = [Transform2D(x=10.0 * i, y=5.0 * i) for i in range(count)]
        for entity, place in zip(entities, places, strict=True):
            world.add_component(entity, place)
        movers = round(count * share)
        rng = random.Random(2)

        def move() -> None:
            for place in places if movers == count else rng.sample(places, movers):
                place.x += 1.0
                place.y -= 0.5
                place.rotation += 0.01

        return move

    return populate


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(scenario: Scenario, *, lossy: bool) -> bool:
    """Print a line; tell whether it is far from its target."""
    arena = Arena(scenario.clients, scenario.populate, lossy=lossy)
    arena.run(WARM_TICKS)
    ticks = arena.run(scenario.ticks)
    heard, updates = 0, 0
    for _ in range(10):
        arena.tick()
    arena.close()
    title = scenario.title + (", 5 % lost" if lossy else "")
    p50, p99, most = (1e3 * percentile([tick.all for tick in ticks], share) for share in (0.5, 0.99, 1.0))
    bare = 1e3 * percentile([tick.bare for tick in ticks], 0.5)

    def median(part: Callable[[Tick], float]) -> float:
        return percentile([part(tick) for tick in ticks], 0.5)

    each = 1e3 / max(1, scenario.clients)
    print(
        f"{title:<44}{p50:>7.2f}{p99:>7.2f}{most:>7.2f}{bare:>7.2f}{p50 / bare if bare else 0:>7.2f} x"
        f"{1e3 * median(lambda t: t.encode):>8.2f}{1e3 * each * median(lambda t: t.clients):>8.2f}"
        f"{1e3 * each * median(lambda t: t.send):>7.2f}{each * bare:>7.2f}"
        f"{median(lambda t: t.datagrams) / max(1, scenario.clients):>6.1f}{median(lambda t: t.bytes) / max(1, scenario.clients):>7.0f}"
        f"{sum(tick.collected for tick in ticks):>5}"
    )
    return scenario.target_ms is not None and p50 > 2 * scenario.target_ms


def main() -> None:
    print(
        f"{'':<44}{'p50':>7}{'p99':>7}{'max':>7}{'bare':>7}{'ratio':>9}{'encode':>8}{'client':>8}{'send':>7}{'bare':>7}{'dg':>6}{'B':>7}{'gc2':>5}"
    )
    for scenario in (Scenario("a) 128 x 200, all move", 128, moving(200), 200, 3.0),):
        for lossy in (False, True):
            measure(scenario, lossy=lossy)
    for clients in (1, 32, 128):
        measure(Scenario(f"d) {clients} x 10,000, nothing changes", clients, moving(10_000, 0.0), 60), lossy=False)


if __name__ == "__main__":
    main()
