"""Print what a send tick costs a server, crypto and sockets included: `python -m tests.bench.bench_state`.

Measured is processor time of: taking delivery reports, finding and encoding what changed, making and queueing every
client's messages, packing and sealing the datagrams, handing them to the socket. Not in it: the game's own systems, and
receiving. The floor stands beside it: as many datagrams, as long, sealed with the same cipher under a key for each
client and sent through the same socket to the same addresses, in the same ticks.
"""

import enum
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ecsnet import EntityRef, Game, NetVar, World, component, netvar
from ecsnet.components import Near, Transform2D, Viewer
from ecsnet.fields import spec_of
from ecsnet.replication.codec import RecordCodec
from ecsnet.replication.schema import Schema
from tests.bench.arena import Arena, Populate, Tick
from tests.bench.bench_world import churn_ours, crowd, microseconds

WARM_TICKS = 60  # all have joined, slow start is over
HEARD_TICKS = 10
P99_TARGET = 3.0  # times the median
BYTES_TARGET = 11.0  # of a moving entity
CHURN_TARGET_MICROS = 50.0
RADIUS_UNITS = 384.0  # of a Viewer: three cells in b); one in c), where a cell of a third would mostly be empty
STEP_UNITS = 4.0  # an entity moves so far in a send tick: 120 units a second


@dataclass(frozen=True)
class Scenario:
    """One line of the table."""

    title: str
    clients: int
    populate: Populate
    ticks: int
    target_ms: float | None = None
    cell_units: float = 128.0


class Walk:
    """Entities that walk about in a square; each tick some of them take a step, and turn round at the edge."""

    def __init__(self, places: Sequence[Transform2D], movers: int, side: float) -> None:
        self._places = places
        self._movers = movers
        self._side = side
        self._rng = random.Random(2)
        for place in places:
            place.x, place.y = self._rng.uniform(0, side), self._rng.uniform(0, side)
            place.rotation = self._rng.uniform(-math.pi, math.pi)

    def __call__(self) -> None:
        """Move those whose turn it is."""
        side, count = self._side, len(self._places)
        for place in self._places if self._movers == count else self._rng.sample(self._places, self._movers):
            place.rotation += 0.05
            place.x = (place.x + STEP_UNITS * math.cos(place.rotation)) % side
            place.y = (place.y + STEP_UNITS * math.sin(place.rotation)) % side


def everybody(count: int, share: float) -> Populate:
    """Make `count` entities, players included, of which a share moves each tick; all see all."""

    def populate(world: World, players: list[int]) -> Callable[[], None]:
        places = [Transform2D() for _ in range(count)]
        entities = [*players, *(world.create_entity() for _ in range(count - len(players)))]
        for entity, place in zip(entities, places, strict=True):
            world.add_component(entity, place)
        return Walk(places, round(count * share), 4000.0)

    return populate


def nearby(count: int, share: float, side: float) -> Populate:
    """The same in a square, but each client sees only what is near its own entity.

    Args:
        side: Of the square, so that as many are seen as the title says: the radius, and the margin beyond it.
    """

    def populate(world: World, players: list[int]) -> Callable[[], None]:
        everybody(count, share)(world, players)
        move = Walk([place for _, place in world.get_component(Transform2D)], round(count * share), side)
        for entity, _ in world.get_component(Transform2D):
            world.add_component(entity, Near())
        for entity in players:
            world.add_component(entity, Viewer(radius=RADIUS_UNITS))
        return move

    return populate


SCENARIOS = [
    Scenario("a) 128 x 200, all move, all seen", 128, everybody(200, 1.0), 200, 3.0),
    Scenario("b) 32 x 10,000, 1 % move, 490 seen", 32, nearby(10_000, 0.01, 4240.0), 100, 2.0),
    Scenario("c) 1,000 x 1,000, all move, 22 seen", 1000, nearby(1000, 1.0, 12_200.0), 60, 10.0, 384.0),
]
IDLE = [
    Scenario(f"d) {clients} x 10,000, nothing changes", clients, everybody(10_000, 0.0), 60) for clients in (1, 32, 128)
]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(scenario: Scenario, *, lossy: bool) -> bool:
    """Print a line of each table; tell whether it is far from its target, which no busy machine explains."""
    arena = Arena(scenario.clients, scenario.populate, lossy=lossy, cell_units=scenario.cell_units)
    arena.run(WARM_TICKS)
    ticks = arena.run(scenario.ticks)
    sizes, updates, heard = 0, 0, min(scenario.clients, 16)
    for _ in range(HEARD_TICKS):
        arena.tick()
        for size, state in arena.heard(heard):
            sizes, updates = sizes + size, updates + len(state.updates)
    arena.close()

    def median(part: Callable[[Tick], float], scale: float = 1.0) -> float:
        return percentile([part(tick) for tick in ticks], 0.5) * scale

    whole = [1e3 * tick.all for tick in ticks]
    p50, p99 = percentile(whole, 0.5), percentile(whole, 0.99)
    bare = median(lambda tick: tick.bare, 1e3)
    each = 1e6 / scenario.clients
    target = "" if scenario.target_ms is None else f"{scenario.target_ms:g} ms"
    print(
        f"{scenario.title + (', 5 % lost' if lossy else ''):<46}{p50:>8.2f}{p99:>8.2f}{max(whole):>8.2f}{target:>7}"
        f"{bare:>8.2f}{p50 / bare:>6.2f} x{p99 / p50:>6.1f} x{1e3 * max(tick.collecting for tick in ticks):>7.1f}"
        f"{median(lambda tick: tick.encode, 1e3):>9.2f}{median(lambda tick: tick.clients, each):>7.1f}"
        f"{median(lambda tick: tick.send, each):>6.1f}{median(lambda tick: tick.bare, each):>6.1f}"
        f"{median(lambda tick: tick.rest, each):>6.1f}{median(lambda tick: tick.datagrams, 1 / scenario.clients):>6.1f}"
        f"{updates / HEARD_TICKS / heard:>8.1f}{sizes / updates if updates else 0.0:>7.1f}"
    )
    return scenario.target_ms is not None and p50 > 2 * scenario.target_ms


def table(scenarios: Sequence[Scenario], *, lossy: Sequence[bool] = (False, True)) -> int:
    """Print what send ticks cost; return how many are far from their target."""
    print(f"{'':46}{'milliseconds a send tick':<54}{'encode':>9}{'us a client':>25}{'a client and tick':>21}")
    print(
        f"{'':46}{'p50':>8}{'p99':>8}{'max':>8}{'target':>7}{'floor':>8}{'ratio':>8}{'p99/p50':>8}{'gc max':>7}"
        f"{'ms':>9}{'make':>7}{'send':>6}{'floor':>6}{'rest':>6}{'dgrams':>7}{'updates':>7}{'B each':>7}"
    )
    return sum(measure(scenario, lossy=loss) for scenario in scenarios for loss in lossy)


# Bytes.


class Weather(enum.Enum):
    """A few words."""

    DRY = 1
    WET = 2
    FOGGY = 3


@component
class Fields:
    """One of each."""

    flag: NetVar[bool] = netvar(default=True)
    percent: NetVar[int] = netvar(50, low=0, high=100)
    small: NetVar[int] = netvar(1000, low=0, high=65535)
    large: NetVar[int] = netvar(-5)
    coordinate: NetVar[float] = netvar(1.0, step=1 / 16, low=0, high=4095)
    exact: NetVar[float] = netvar(1.5)
    angle: NetVar[float] = netvar(1.0, step=math.tau / 256, low=-math.pi, high=math.pi, angle=True)
    weather: NetVar[Weather] = netvar(Weather.WET)
    name: NetVar[str] = netvar("Alice", max_bytes=24)
    data: NetVar[bytes] = netvar(b"12345678", max_bytes=16)
    target: NetVar[EntityRef] = netvar(EntityRef(0))


def show_bytes() -> None:
    """Print what values take."""
    print("bytes of an update's values; the entity's id takes 1, 2 or 4 more, and a run of entities 3 to 5 in all")
    for record in Schema(Game("bench")).records:
        print(f"    {f'{record.name}, to {record.audience.name.lower()}':<32}{len(record.codec.pack(record.cls())):>4}")
    sample = Fields()
    for declared in spec_of(Fields).fields:
        size = len(RecordCodec([declared], "Fields").pack(sample))
        print(f"    field {declared.name + ', ' + declared.kind.name.lower():<26}{size:>4}")


def main() -> None:
    """Print the figures."""
    missed = table(SCENARIOS)
    print()
    missed += table(IDLE, lossy=(False,))
    world = crowd(World())
    churn = microseconds(lambda: churn_ours(world), 500)
    print(f"\ne) one spawn, one despawn, 5 queries, 1,000 entities: {churn:.1f} us (target {CHURN_TARGET_MICROS:g})\n")
    show_bytes()
    sys.exit(1 if missed or churn > 2 * CHURN_TARGET_MICROS else 0)


if __name__ == "__main__":
    main()
