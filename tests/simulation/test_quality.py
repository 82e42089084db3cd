"""Connection quality: what everybody sees of everybody's connection, and what that costs."""

import pytest

from ecsnet import Game, System, World
from ecsnet.components import ConnectionQuality, Parent, Player
from ecsnet.samples.soccer.game import game as soccer
from ecsnet.systems.quality import report
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.statistics import Statistics


class ShowAll(System):
    """Let everybody see how everybody is connected."""

    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            world.create_entity(ConnectionQuality(), Parent(entity))


game = Game("lounge", systems=[ShowAll])


def seen_by(sim: Simulation, number: int) -> dict[str, int]:
    """Return the round trips one client sees, by name."""
    world = sim.clients[number].world
    return {
        world.component_for_entity(parent.entity, Player).name: quality.rtt_ms
        for _, (quality, parent) in world.observe(ConnectionQuality, Parent)
    }


@pytest.mark.parametrize("seed", range(3))
def test_everybody_sees_who_is_far_away(seed: int) -> None:
    """The server's own measurement, to a fifth."""
    sim = Simulation(game, clients=3, seed=seed)
    sim.network.set_links(Link(latency_seconds=0.1, jitter_seconds=0.01), at=("10.0.0.2", 40000))
    sim.run(seconds=12)

    for number in range(3):
        seen = seen_by(sim, number)
        assert seen["player-2"] == pytest.approx(220, rel=0.2)
        assert seen["player-1"] < 60
        assert seen["player-3"] < 60


def test_without_the_component_nothing_is_told() -> None:
    """A game that does not show it does not pay for it."""
    sim = Simulation(Game("bare"), clients=2)
    sim.run(seconds=3)

    assert sim.clients[0].world.observe(ConnectionQuality) == []


def test_a_lost_player_keeps_the_last_figures() -> None:
    """Of nobody there is nothing to measure."""
    sim = Simulation(Game("lounge", systems=[ShowAll], resume_grace_seconds=30.0), clients=2, link=Link.MOBILE)
    sim.run(seconds=5)
    before = seen_by(sim, 0)["player-2"]
    sim.cut_off(sim.clients[1])
    sim.run_until(lambda: len(sim.server.peers) == 1, within_seconds=15)
    sim.run(seconds=5)

    assert before > 100
    assert seen_by(sim, 0)["player-2"] >= before


def test_it_goes_with_its_player() -> None:
    """Nobody has to clean up."""
    sim = Simulation(game, clients=2)
    sim.kill(sim.clients[1])
    sim.run_until(lambda: len(sim.server.peers) == 1, within_seconds=15)
    sim.run(seconds=0.5)

    assert len(sim.server.world.get_component(ConnectionQuality)) == 1
    assert list(seen_by(sim, 0)) == ["player-1"]


def test_it_makes_nobody_simulate_again() -> None:
    """What is only shown must not look like a prediction that was wrong."""
    sim = Simulation(soccer, clients=2, link=Link.LAN, seed=1)
    sim.run(seconds=5)
    before = [client.predictor.replayed_ticks for client in sim.clients]
    told = 0
    for number in range(5):
        for _, quality in sim.server.world.get_component(ConnectionQuality):
            quality.rtt_ms = 500 + number
        sim.run(seconds=0.2)
        told += set(seen_by(sim, 0).values()) == {500 + number}
        sim.run(seconds=0.2)

    assert told >= 3  # of the others the server has measured anew meanwhile
    assert [client.predictor.replayed_ticks for client in sim.clients] == before


def test_only_what_one_would_notice_is_told() -> None:
    """A fifth of the round trip, five milliseconds, two percent: figures that flicker say less, and cost."""
    quality = ConnectionQuality(rtt_ms=100, loss_percent=4)
    report(quality, Statistics(rtt_seconds=0.119, loss_sent=0.03, loss_received=0.0))
    assert quality == ConnectionQuality(rtt_ms=100, loss_percent=4)
    report(quality, Statistics(rtt_seconds=0.121, loss_sent=0.01, loss_received=0.07))
    assert quality == ConnectionQuality(rtt_ms=121, loss_percent=7)
    report(quality, Statistics(rtt_seconds=90.0, loss_sent=0.0, loss_received=0.0))

    assert quality == ConnectionQuality(rtt_ms=65535, loss_percent=0)
