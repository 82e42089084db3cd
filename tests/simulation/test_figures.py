"""What a client tells of itself, for an overlay: how the game feels, and what the server last said."""

import pytest

from ecsnet.client import Client
from ecsnet.components import Player, Transform2D
from ecsnet.fields import NetVar, component
from ecsnet.game import Game
from ecsnet.playfigures import PlayFigures
from ecsnet.system import System
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.wire import tick_difference
from ecsnet.world import World
from tests.simulation.meadow import Bell, Mood, Sheep, Shorn, Walk, Weather, game


def quiet(clients: int = 1, link: Link = Link.PERFECT, seed: int = 1) -> Simulation:
    """Return a meadow where nothing happens that a test does not do."""
    sim = Simulation(game, clients=clients, link=link, seed=seed)
    sim.server.world.single(Weather).stormy = False
    sim.run(seconds=1)
    return sim


def own_entity(sim: Simulation, client: Client) -> int:
    """Return the server's entity of a client."""
    return sim.server.peers[client.client_id].entity


def test_a_client_that_was_told_nothing_has_figures() -> None:
    """An overlay is drawn from the first frame on."""
    client = Client(game, ("server", 1), now=0.0)

    figures = client.figures

    assert (figures.corrections, figures.replayed_ticks, figures.ahead_ticks) == (0, 0, 0)
    assert (figures.margin_ticks, figures.speed) == (None, 1.0)
    assert figures.interpolation_delay_seconds > 0


def test_the_figures_follow_the_network() -> None:
    """The longer the way and the more it varies, the further ahead a client runs and the later it draws others."""
    near, far = (quiet(link=link).clients[0].figures for link in (Link.PERFECT, Link.MOBILE))
    ticks_of_the_way = 0.160 * game.tick_rate_hz

    assert near.ahead_ticks + ticks_of_the_way - 2 <= far.ahead_ticks <= near.ahead_ticks + 3 * ticks_of_the_way
    assert far.interpolation_delay_seconds > near.interpolation_delay_seconds
    assert near.margin_ticks is not None
    assert 0 <= near.margin_ticks <= 3
    assert 0.95 <= far.speed <= 1.05


def test_a_correction_is_counted_with_what_it_cost() -> None:
    """The server pushed the player; until that is known the client has gone on."""
    sim = quiet(link=Link.WIFI)
    client = sim.clients[0]
    before = client.figures

    sim.server.world.component_for_entity(own_entity(sim, client), Transform2D).y = 500.0
    sim.run(seconds=0.5)

    after = client.figures
    assert after.corrections > before.corrections
    assert (
        0
        < after.replayed_ticks - before.replayed_ticks
        <= (after.corrections - before.corrections) * (after.ahead_ticks + 2)
    )
    assert isinstance(after, PlayFigures)


def test_the_confirmed_place_trails_ones_own_and_is_ahead_of_others_as_drawn() -> None:
    """Ada predicts herself; Bob sees her where she was. Between the two is what the server last said."""
    sim = quiet(clients=2, link=Link(latency_seconds=0.1))
    ada, bob = sim.clients
    assert ada.entity is not None
    seen_by_bob = next(entity for entity, player in bob.view(Player) if player.client_id == ada.client_id)

    ada.press(Walk(dx=1))
    sim.run(seconds=1)

    told_ada, told_bob = ada.confirmed(ada.entity, Transform2D), bob.confirmed(seen_by_bob, Transform2D)
    assert told_ada is not None
    assert told_bob is not None
    assert told_ada.x < ada.world.component_for_entity(ada.entity, Transform2D).x - 10
    assert told_bob.x > dict(bob.view(Transform2D))[seen_by_bob].x + 1
    assert told_ada.x == pytest.approx(told_bob.x, abs=10)


def test_what_is_confirmed_is_a_copy_with_all_this_client_may_see() -> None:
    """Fields for everybody and for the owner alone; the others have their defaults, and writing changes nothing."""
    sim = quiet(clients=2)
    ada, bob = sim.clients
    entity = own_entity(sim, ada)
    sim.server.world.add_component(entity, Sheep(name="Dolly", mood=Mood.WILD, wool=7, seen=3))
    sim.run(seconds=0.5)
    here = [client.receiver.entity_of(entity) for client in (ada, bob)]

    own, other = (client.confirmed(each, Sheep) for client, each in zip((ada, bob), here, strict=True))

    assert own == Sheep(name="Dolly", mood=Mood.WILD, wool=7)
    assert other == Sheep(name="Dolly", mood=Mood.WILD)
    assert own is not None
    own.name = "Molly"
    again = ada.confirmed(here[0], Sheep)
    assert again is not None
    assert again.name == "Dolly"


def test_nothing_is_confirmed_where_nothing_was_told() -> None:
    """An entity of this client alone, one that is not there, a component taken away, one that never travels."""
    sim = quiet()
    client, entity = sim.clients[0], own_entity(sim, sim.clients[0])
    for part in (Bell(rings=3), Shorn()):
        sim.server.world.add_component(entity, part)
    sim.run(seconds=0.5)
    here = client.receiver.entity_of(entity)
    assert (client.confirmed(here, Bell), client.confirmed(here, Shorn)) == (Bell(rings=3), Shorn())

    sim.server.world.remove_component(entity, Bell)
    sim.run(seconds=0.5)

    assert client.confirmed(here, Bell) is None
    assert client.confirmed(client.world.create_entity(Transform2D()), Transform2D) is None
    assert client.confirmed(12345, Transform2D) is None
    assert client.confirmed(here, Weather) is None


@component
class Clockwork:
    turns: NetVar[int] = 0


class Wind(System):
    def process(self, world: World) -> None:
        if world.try_single(Clockwork) is None:
            world.create_entity(Clockwork())


@pytest.mark.parametrize("start", [0, 2**32 - 200])
@pytest.mark.parametrize("link", [Link.PERFECT, Link.MOBILE], ids=["perfect", "mobile"])
def test_a_game_without_input_finds_the_servers_tick_again(link: Link, start: int) -> None:
    """Nothing is sent whose margin could be told; still a client that stood still is ahead of the server again."""
    sim = Simulation(Game("watched", components=[Clockwork], systems=[Wind]), link=link, seed=2, start_tick=start)
    [client] = sim.clients
    sim.run(seconds=2)
    before = tick_difference(client.world.tick, sim.server.world.tick)
    sim.stall(client, seconds=2)
    sim.run(seconds=4)

    assert 0 <= before <= 20
    assert 0 <= tick_difference(client.world.tick, sim.server.world.tick) <= 40  # it still takes the way for longer
