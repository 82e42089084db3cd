"""What a client simulates along though it does not steer it, for as long as it matters."""

import random
from itertools import pairwise

import pytest

from ecsnet.components import Interpolated, Owner, Player, Predicted, Transform2D, Velocity2D
from ecsnet.events import Desynced
from ecsnet.fields import NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.system import System
from ecsnet.systems import Movement, predict
from ecsnet.systems.guests import MOST_GUESTS
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World

NEAR = 30.0
LINKS = {"lan": Link.LAN, "wifi": Link.WIFI, "mobile": Link.MOBILE, "awful": Link.AWFUL}
LINK = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)


@player_input
class Run:
    dx: int = netvar(0, low=-1, high=1)
    kick: bool = False


@component
class Ball:
    kicks: NetVar[int] = netvar(0, low=0, high=60_000)


class Place(System):
    def process(self, world: World) -> None:
        for entity, player in world.added(Player):
            world.add_component(entity, Transform2D(y=50.0 * player.client_id))
            world.add_component(entity, Velocity2D())


class Play(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, (run, velocity, place) in world.get_components(Run, Velocity2D, Transform2D):
            velocity.x = 120.0 * run.dx
            for ball, (_, there) in world.observe(Ball, Transform2D):
                if abs(there.x - place.x) < NEAR and abs(there.y - place.y) < NEAR:
                    predict(world, ball)
        for _, (ball_part, motion, there) in world.get_components(Ball, Velocity2D, Transform2D):
            motion.x, motion.y = (0.95 * each if abs(each) > 2.0 else 0.0 for each in (motion.x, motion.y))
            for _, (run, _, place) in world.observe(Run, Velocity2D, Transform2D):
                if run.kick and abs(there.x - place.x) < NEAR and abs(there.y - place.y) < NEAR:
                    ball_part.kicks += 1
                    motion.x, motion.y = 240.0, 60.0


game = Game(
    "kickabout", input=Run, components=[Ball], systems=[Place, Play, Movement], tick_rate_hz=60, send_rate_hz=30
)


def ground(clients: int = 1, *, link: Link, seed: int = 0, balls: int = 1) -> tuple[Simulation, list[int]]:
    """Return a game in which balls lie before the first player, and their entities on the server."""
    sim = Simulation(game, clients=clients, link=link, seed=seed)
    made = [
        sim.server.world.create_entity(Ball(), Transform2D(x=20.0, y=50.0 + at / 8), Velocity2D())
        for at in range(balls)
    ]
    sim.run(2)
    return sim, made


def kick(sim: Simulation, index: int = 0) -> None:
    """Press and let go."""
    sim.clients[index].press(Run(kick=True))
    sim.step()
    sim.clients[index].press(Run())


@LINK
@pytest.mark.parametrize("seed", range(3))
def test_a_ball_answers_the_kick_in_the_same_tick(link: Link, seed: int) -> None:
    """It is not steered by anybody; whoever touches it need not wait for the server."""
    sim, [ball] = ground(link=link, seed=seed)
    [client] = sim.clients
    here = client.receiver.entity_of(ball)
    kick(sim)
    sim.step()

    assert client.world.has_component(here, Predicted)
    assert client.world.component_for_entity(here, Transform2D).x > 20.0
    assert link is Link.LAN or sim.server.world.component_for_entity(ball, Transform2D).x == 20.0


@LINK
@pytest.mark.parametrize("seed", range(3))
def test_it_is_handed_back_and_is_where_the_server_has_it(link: Link, seed: int) -> None:
    """A moment after the last touch it is drawn like everything else, at the very place; a good kick is not mended."""
    sim, [ball] = ground(link=link, seed=seed)
    [client] = sim.clients
    here = client.receiver.entity_of(ball)
    kick(sim)
    sim.run(4)
    truth = sim.server.world.component_for_entity(ball, Transform2D)
    shown = dict(client.view(Transform2D))[here]

    assert client.world.has_component(here, Interpolated)
    assert not client.world.has_component(here, Predicted)
    assert client.world.component_for_entity(here, Ball) == sim.server.world.component_for_entity(ball, Ball)
    assert (shown.x, shown.y) == pytest.approx((truth.x, truth.y), abs=1 / 64)
    sim.assert_converged()


@pytest.mark.parametrize("link", [Link.LAN, Link.WIFI, Link.MOBILE], ids=["lan", "wifi", "mobile"])
def test_the_ball_never_jumps_between_kick_and_rest(link: Link) -> None:
    """Its way is drawn on from where it is: when it begins to be predicted, when that ends, and when it was wrong."""
    sim, [ball] = ground(2, link=link, seed=1)
    client = sim.clients[0]
    here = client.receiver.entity_of(ball)
    kick(sim)
    places = []
    for _ in range(240):
        sim.step()
        places.append(dict(client.view(Transform2D))[here].x)
    steps = [after - before for before, after in pairwise(places)]

    assert max(steps) <= 240.0 / 60 + 1
    assert min(steps) >= -1.0


@LINK
def test_a_rolling_ball_is_drawn_on_when_it_becomes_a_guest(link: Link) -> None:
    """It was drawn a little in the past, and is predicted from now on: it hurries there, and does not jump."""
    sim, [ball] = ground(link=link, seed=1)
    [client] = sim.clients
    here = client.receiver.entity_of(ball)
    sim.server.world.component_for_entity(ball, Transform2D).x = -300.0
    sim.run(2)
    sim.server.world.component_for_entity(ball, Velocity2D).x = 1000.0  # it rolls over the player, and on
    places, guest_at = [], None
    for frame in range(240):
        sim.step()
        places.append(dict(client.view(Transform2D))[here].x)
        if guest_at is None and client.world.has_component(here, Predicted):
            guest_at = frame
    assert guest_at is not None
    step = places[guest_at] - places[guest_at - 1]
    jump = places[guest_at + 60] - places[guest_at - 1]

    assert jump > 20.0
    assert 0.0 <= step < jump / 3


def test_more_than_so_many_are_not_predicted_along() -> None:
    """A heap of balls must not cost a client its frames."""
    sim, balls = ground(link=Link.WIFI, balls=MOST_GUESTS + 6)
    [client] = sim.clients
    predicted = len(list(client.world.observe(Ball, Predicted)))
    kick(sim)
    sim.run(3)

    assert predicted == MOST_GUESTS
    assert all(sim.server.world.component_for_entity(ball, Ball).kicks for ball in balls)
    client.press(Run(dx=-1))
    sim.run(3)
    client.press(Run())
    sim.run(1)
    assert not list(client.world.observe(Ball, Predicted))
    sim.assert_converged()


@LINK
def test_a_guest_that_is_deleted_is_gone(link: Link) -> None:
    """Nothing of it stays behind, nor its place among the guests."""
    sim, [ball] = ground(link=link)
    [client] = sim.clients
    here = client.receiver.entity_of(ball)
    kick(sim)
    sim.step()
    is_guest = here in client.predictor._guests
    sim.server.world.delete_entity(ball)
    sim.run(2)

    assert is_guest
    assert here not in client.predictor._guests
    assert not client.world.entity_exists(here)
    sim.assert_converged()


@LINK
def test_a_guest_that_becomes_ones_own_is_predicted_without_a_break(link: Link) -> None:
    """Its time as a guest ends; that must not end its prediction."""
    sim, [ball] = ground(link=link)
    [client] = sim.clients
    here = client.receiver.entity_of(ball)
    kick(sim)
    sim.server.world.add_component(ball, Owner(client.client_id))
    sim.server.world.add_component(ball, Run())
    sim.run_until(lambda: client.world.has_component(here, Run), within_seconds=2)
    lost: list[int] = []

    def look() -> None:
        if not client.world.has_component(here, Predicted):
            lost.append(client.world.tick)

    sim.before_each_step(look)
    sim.run(2)

    assert lost == []
    assert here not in client.predictor._guests
    assert client.world.component_for_entity(here, Transform2D) == sim.server.world.component_for_entity(
        ball, Transform2D
    )


@LINK
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_after_a_wild_game_everything_is_as_the_server_has_it(link: Link, seed: int) -> None:
    """Two run and kick for some seconds; once all is quiet nobody's world differs in anything."""
    sim, balls = ground(2, link=link, seed=seed, balls=4)
    chance = random.Random(seed)
    for other in balls[2:]:
        sim.server.world.component_for_entity(other, Transform2D).y = 100.0
    for _ in range(20):
        for client in sim.clients:
            client.press(Run(dx=chance.randint(-1, 1), kick=chance.random() < 0.3))
        sim.run(0.1)
    for client in sim.clients:
        client.press(Run())
    sim.run(4)  # a key that comes late, a second until the ball lies still, and a loss

    for client in sim.clients:
        assert not any(isinstance(event, Desynced) for event in client.events())
        for ball in balls:
            here = client.receiver.entity_of(ball)
            truth, held = (
                world.component_for_entity(entity, Transform2D)
                for world, entity in ((sim.server.world, ball), (client.world, here))
            )
            assert (held.x, held.y) == pytest.approx((truth.x, truth.y), abs=2 / 64)
    sim.assert_converged()
