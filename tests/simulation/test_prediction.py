"""What a player sees of its own movement, and of everybody else's."""

from dataclasses import replace

import pytest

from ecsnet.components import Interpolated, Predicted, Transform2D
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from tests.simulation.meadow import Walk, Weather, game

SIXTY = replace(game, tick_rate_hz=60, send_rate_hz=30)


def own(sim: Simulation, index: int = 0) -> Transform2D:
    client = sim.clients[index]
    assert client.entity is not None
    return client.world.component_for_entity(client.entity, Transform2D)


@pytest.mark.parametrize(
    "link",
    [Link.PERFECT, Link.LAN, Link.WIFI, Link.MOBILE, Link.AWFUL],
    ids=["perfect", "lan", "wifi", "mobile", "awful"],
)
def test_ones_own_movement_answers_in_the_same_tick(link: Link) -> None:
    """Whatever the round trip: the next tick after the key, the player moves."""
    sim = Simulation(SIXTY, clients=1, link=link, seed=1)
    sim.run(1)
    before = own(sim).x
    sim.clients[0].press(Walk(dx=1))
    sim.step()
    sim.step()

    assert own(sim).x > before


@pytest.mark.parametrize("seed", range(5))
def test_a_good_prediction_is_never_mended(seed: int) -> None:
    """Both sides go on from the same quantised bits: nothing of one's own jumps while no input gets lost for good."""
    sim = Simulation(SIXTY, clients=1, link=Link.MOBILE, seed=seed)
    sim.run(2)
    client = sim.clients[0]
    before = client.predictor.corrections
    for dx, dy in ((1, 0), (1, 1), (0, -1), (-1, 0), (0, 0)):
        client.press(Walk(dx=dx, dy=dy))
        sim.run(1)

    assert client.predictor.corrections - before <= 1


def test_what_the_server_decides_differently_is_taken_over() -> None:
    """The server pushed the player: the client's world follows within a round trip and stays exact."""
    sim = Simulation(SIXTY, clients=1, link=Link.WIFI, seed=3)
    sim.run(1)
    client = sim.clients[0]
    entity = sim.server.peers[client.client_id].entity
    sim.server.world.component_for_entity(entity, Transform2D).y = 500.0
    sim.run(0.5)

    assert own(sim).y == 500.0
    assert client.predictor.corrections >= 1


def test_predicted_equals_confirmed_after_a_second_of_quiet() -> None:
    """No error may linger in anybody's own world."""
    sim = Simulation(SIXTY, clients=3, link=Link.AWFUL, seed=4)
    for client in sim.clients:
        client.press(Walk(dx=1, dy=1))
    sim.run(3)
    sim.server.world.single(Weather).stormy = False
    for client in sim.clients:
        client.press(Walk())
    sim.run(4)

    for index, client in enumerate(sim.clients):
        entity = sim.server.peers[client.client_id].entity
        assert own(sim, index) == sim.server.world.component_for_entity(entity, Transform2D)


def test_others_are_interpolated_and_never_jump() -> None:
    """At a steady walk a remote player moves on every frame, by about its speed, though states come and get lost."""
    sim = Simulation(SIXTY, clients=2, link=Link.WIFI, seed=5)
    watcher, walker = sim.clients
    sim.server.world.single(Weather).stormy = False
    walker.press(Walk(dx=1))
    sim.run(2)
    remote = watcher.receiver.entity_of(sim.server.peers[walker.client_id].entity)
    assert watcher.world.has_component(remote, Interpolated)
    assert not watcher.world.has_component(remote, Predicted)
    steps, last = [], None
    for _ in range(180):
        sim.step()
        x = dict(watcher.view(Transform2D))[remote].x
        if last is not None:
            steps.append(x - last)
        last = x

    assert min(steps) >= 0.0
    assert max(steps) <= 2 * 90.0 / 60
    assert sum(steps) == pytest.approx(90.0 * 179 / 60, rel=0.05)


def test_interpolation_ends_exactly_where_the_server_is() -> None:
    """When updates stop, what is drawn converges to the true place, not near it."""
    sim = Simulation(SIXTY, clients=2, link=Link.MOBILE, seed=6)
    watcher, walker = sim.clients
    walker.press(Walk(dy=1))
    sim.run(2)
    walker.press(Walk())
    sim.run(2)
    entity = sim.server.peers[walker.client_id].entity
    remote = watcher.receiver.entity_of(entity)

    assert dict(watcher.view(Transform2D))[remote].y == sim.server.world.component_for_entity(entity, Transform2D).y
