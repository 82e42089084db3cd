"""Whatever the network does, every client ends up with exactly what the server says it may see."""

import random
from dataclasses import replace

import pytest

from ecsnet.config import ClientConfig, ServerConfig, TransportConfig
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.transport.address import Address
from tests.simulation.meadow import Walk, Weather, game

BAD = replace(
    Link.PERFECT, loss=0.20, duplicate=0.05, reorder=0.05, latency_seconds=0.150, jitter_seconds=0.040
)  # the link a release must survive


def stir(sim: Simulation, seed: int) -> None:
    """Let every client change its mind now and then."""
    chance = random.Random(seed)

    def wander() -> None:
        for client in sim.clients:
            if chance.random() < 0.05:
                client.press(Walk(dx=chance.randint(-1, 1), dy=chance.randint(-1, 1)))

    sim.before_each_step(wander)


def calm(sim: Simulation) -> None:
    """Let everything come to rest, and the last repairs arrive."""
    sim.server.world.single(Weather).stormy = False
    sim.stop_actions()
    for client in sim.clients:
        client.press(Walk())
    sim.run(seconds=6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_eight_clients_converge_on_a_terrible_link(seed: int) -> None:
    """20 % loss, 5 % duplicates, reordering, 150 ± 40 ms, a minute of storm; the tick wraps on the way."""
    sim = Simulation(game, clients=8, link=BAD, seed=seed, start_tick=2**32 - 600)
    stir(sim, seed)
    sim.run(seconds=60)
    calm(sim)

    sim.assert_converged()


@pytest.mark.slow
def test_they_converge_at_sixty_ticks_too() -> None:
    """At a game's usual rate the round trip is 20 ticks, and the windows are used much further."""
    sim = Simulation(replace(game, tick_rate_hz=60, send_rate_hz=30), clients=8, link=BAD, seed=99)
    stir(sim, 99)
    sim.run(seconds=20)
    calm(sim)

    sim.assert_converged()


def test_the_same_seed_gives_the_same_traffic() -> None:
    """A failure that cannot be replayed cannot be understood."""

    def traffic(seed: int) -> str:
        sim = Simulation(game, clients=4, link=BAD, seed=seed, trace=True)
        stir(sim, seed)
        sim.run(seconds=10)
        return sim.traffic_hash()

    assert traffic(7) == traffic(7)
    assert traffic(7) != traffic(8)


def test_a_late_joiner_sees_what_everyone_sees() -> None:
    """Whoever joins mid-game gets the whole world, not only what changes from then on."""
    sim = Simulation(game, clients=3, link=BAD, seed=5)
    stir(sim, 5)
    sim.run(seconds=10)
    late = sim.join("late")
    calm(sim)

    assert late.is_ready
    sim.assert_converged()


def test_the_others_play_on_when_one_is_killed() -> None:
    """A client that vanishes without a word goes after the timeout, and nobody else notices more than that."""
    sim = Simulation(game, clients=3, link=Link.WIFI, seed=3)
    stir(sim, 3)
    lost = sim.clients[0].client_id
    sim.kill(sim.clients[0])
    sim.run_until(lambda: lost not in sim.server.peers, within_seconds=12)
    calm(sim)

    assert len(sim.server.peers) == 2
    assert all(client.disconnected is None for client in sim.clients)
    sim.assert_converged()


def test_a_partition_that_heals_is_forgotten() -> None:
    """Three seconds without the network are less than the timeout: afterwards all is as it should be."""
    sim = Simulation(game, clients=3, link=Link.WIFI, seed=4)
    stir(sim, 4)
    sim.run(seconds=2)
    sim.cut_off(sim.clients[1])
    sim.run(seconds=3)
    sim.reconnect(sim.clients[1])
    sim.run(seconds=2)
    calm(sim)

    assert sim.clients[1].disconnected is None
    sim.assert_converged()


@pytest.mark.parametrize(("server_bytes", "client_bytes"), [(300, 1472), (1472, 300), (1472, 1472)])
def test_datagrams_may_be_of_any_size_and_the_ends_need_not_agree(server_bytes: int, client_bytes: int) -> None:
    """Behind a tunnel less fits, in one's own network more: each end decides what it sends."""
    sim = Simulation(
        game, clients=2, link=Link.WIFI, seed=7,
        server_config=ServerConfig(transport=TransportConfig(datagram_bytes=server_bytes)),
        client_config=ClientConfig(transport=TransportConfig(datagram_bytes=client_bytes)),
    )  # fmt: skip
    stir(sim, 7)
    sent = sim.network.send
    sizes: dict[bool, int] = {}

    def measured(data: bytes, source: Address, destination: Address, now: float) -> None:
        sizes[source == SERVER_ADDRESS] = max(len(data), sizes.get(source == SERVER_ADDRESS, 0))
        sent(data, source, destination, now)

    sim.network.send = measured  # type: ignore[method-assign]
    sim.run(seconds=5)
    calm(sim)

    sim.assert_converged()
    assert sizes[True] <= server_bytes
    assert sizes[False] <= client_bytes
