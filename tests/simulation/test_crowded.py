"""More than a link carries: a late join into a crowd, and a crowd in motion. It takes longer, and that is all."""

import math
from itertools import pairwise

import pytest

from ecsnet.client import Client
from ecsnet.components import Player, Transform2D, Viewer
from ecsnet.fields import NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.system import System
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.wire import tick_difference
from ecsnet.world import World

WIDTH_UNITS = 4000.0
MODEM = Link(bandwidth_bytes_per_second=64_000, queue_bytes=16_384, latency_seconds=0.04)
TICK_RATE_HZ = 20


@player_input
class Stride:
    dx: int = netvar(0, low=-1, high=1)


@component
class Sheep:
    wool: NetVar[int] = netvar(0, low=0, high=0xFFFFFF)


class Enter(System):
    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            world.add_component(entity, Transform2D(x=WIDTH_UNITS / 2, y=WIDTH_UNITS / 2))
            world.add_component(entity, Viewer(radius=500.0))


class Step(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, (stride, place) in world.get_components(Stride, Transform2D):
            place.x += stride.dx * 40.0 * world.dt


game = Game(
    "crowd", input=Stride, components=[Sheep], systems=[Enter, Step], tick_rate_hz=TICK_RATE_HZ,
    send_rate_hz=TICK_RATE_HZ, max_clients=4,
)  # fmt: skip


def crowd(sim: Simulation, count: int) -> list[int]:
    """Put sheep everywhere, in no order of distance."""
    world, chance = sim.server.world, sim.server.world.rng
    return [
        world.create_entity(
            Sheep(wool=at), Transform2D(x=chance.uniform(0, WIDTH_UNITS), y=chance.uniform(0, WIDTH_UNITS))
        )
        for at in range(count)
    ]


class Diary:
    """What a client sees of its own join, step by step.

    Attributes:
        own_ticks: Of the server, at which the own parts that arrived were made.
        acknowledged: Ticks up to which inputs were, in the order of arrival.
        distances: From the player to each entity, in the order of arrival.
        progress: As the client says it.
    """

    def __init__(self, sim: Simulation, client: Client) -> None:
        self.own_ticks: list[int] = []
        self.acknowledged: list[int] = []
        self.distances: list[float] = []
        self.progress: list[float] = []
        self._known: set[int] = set()
        self._sim, self._client = sim, client

    def write(self) -> None:
        receiver = self._client.receiver
        if receiver.own_tick is not None and receiver.own_input_tick is not None:
            self.own_ticks.append(receiver.own_tick)
            self.acknowledged.append(receiver.own_input_tick)
        self.progress.append(self._client.progress)
        for entity, (_, place) in self._client.world.observe(Sheep, Transform2D):
            if entity not in self._known:
                self._known.add(entity)
                self.distances.append(math.hypot(place.x - WIDTH_UNITS / 2, place.y - WIDTH_UNITS / 2))


def longest_gap_seconds(ticks: list[int]) -> float:
    """Return how long, of the server's time, a client heard nothing newer."""
    return max(tick_difference(later, earlier) for earlier, later in pairwise(ticks)) / TICK_RATE_HZ


def join_slowly(sim: Simulation, link: Link) -> Client:
    """Join over a link that carries little."""
    client = sim.join(wait=False)
    address = sim._addresses[client]
    sim.network.set_link(SERVER_ADDRESS, address, link)
    sim.network.set_link(address, SERVER_ADDRESS, link)
    return client


@pytest.mark.slow
def test_ten_thousand_entities_join_a_thin_link_nearest_first() -> None:
    """64 kB/s. Meanwhile the player already plays: its inputs are acknowledged, and it sees where it is."""
    sim = Simulation(game, clients=0, seed=1, check=False, start_tick=2**32 - 30)
    crowd(sim, 10_000)
    client = join_slowly(sim, MODEM)
    diary = Diary(sim, client)
    client.press(Stride(dx=1))
    for _ in range(60 * TICK_RATE_HZ):
        sim.step()
        diary.write()
        if client.receiver.synced:
            break
    quarter = len(diary.distances) // 4
    means = [sum(diary.distances[at * quarter : (at + 1) * quarter]) / quarter for at in range(4)]

    assert client.is_ready
    assert len(diary.distances) == 10_000
    assert longest_gap_seconds(diary.own_ticks) <= 0.5
    assert longest_gap_seconds(diary.acknowledged) <= 0.5
    assert means == sorted(means)
    assert sorted(diary.distances)[2 * quarter] > max(diary.distances[: quarter // 2])
    assert diary.progress == sorted(diary.progress)
    assert len(set(diary.progress)) > 10
    assert diary.progress[-1] == 1.0
    client.press(Stride())
    sim.run(2.0)
    sim.assert_converged()


@pytest.mark.slow
def test_a_crowd_in_motion_on_a_thin_link_is_seen_less_often_and_never_wrongly() -> None:
    """600 entities that all change with every send are 150 kB/s; the link carries 24."""
    sim = Simulation(game, clients=0, seed=2)
    flock = crowd(sim, 600)
    client = join_slowly(sim, Link(bandwidth_bytes_per_second=24_000, queue_bytes=8192, latency_seconds=0.04))
    diary = Diary(sim, client)
    sim.run_until(lambda: client.is_ready, within_seconds=20)
    world = sim.server.world

    def shear() -> None:
        for entity in flock:
            sheep, place = world.component_for_entity(entity, Sheep), world.component_for_entity(entity, Transform2D)
            sheep.wool += 1
            place.x += 0.25

    sim.before_each_step(shear)
    before = {entity: sheep.wool for entity, sheep in client.world.observe(Sheep)}
    for _ in range(8 * TICK_RATE_HZ):
        sim.step()
        diary.write()
    stale = [entity for entity, sheep in client.world.observe(Sheep) if sheep.wool == before[entity]]
    sim.stop_actions()
    sim.run(5)

    assert client.disconnected is None
    assert longest_gap_seconds(diary.own_ticks) <= 0.5
    assert not stale, f"{len(stale)} of {len(flock)} were never updated in eight seconds"
    sim.assert_converged()
