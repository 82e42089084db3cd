"""`assert_converged` holds a client against what it may see, and finds what it lacks or has too much."""

import pytest

from ecsnet import OWNER, TEAM, EntityRef, Game, NetVar, World, component, netvar
from ecsnet.components import Near, Owner, Paused, Player, Rooms, Team, Transform2D, Viewer, VisibleTo
from ecsnet.testing.simulation import Simulation


@component
class Chest:
    gold: NetVar[int] = 0
    plan: NetVar[int] = netvar(0, audience=TEAM)
    key: NetVar[int] = netvar(0, audience=OWNER)
    trap: NetVar[EntityRef] = 0


@component(once=True)
class Carving:
    text: NetVar[str] = ""


game = Game("vault", components=[Chest, Carving], tick_rate_hz=20, send_rate_hz=20)


def test_what_a_client_may_not_see_is_no_difference() -> None:
    """Of rooms, guest lists, places, teams, owners; and names of what is hidden are nobody."""
    sim = Simulation(game, clients=2)
    furnish(sim.server.world)
    sim.run(seconds=1)

    sim.assert_converged()

    assert {len(list(client.view(Chest))) for client in sim.clients} == {2, 5}


def test_what_stays_as_it_was_sent_is_no_difference() -> None:
    """Paused entities, and what travels once."""
    sim = Simulation(game, clients=1)
    world = sim.server.world
    chest, wall = world.create_entity(Chest(gold=1)), world.create_entity(Carving("an arrow"))
    sim.run(seconds=1)
    world.add_component(chest, Paused())
    sim.run(seconds=1)
    world.component_for_entity(chest, Chest).gold = 2
    world.component_for_entity(wall, Carving).text = "a skull"
    sim.run(seconds=1)

    sim.assert_converged()


def test_a_value_that_differs_is_named() -> None:
    """With the server's entity, component and both values."""
    sim = Simulation(game, clients=1)
    world = sim.server.world
    chest = world.create_entity(Chest(), VisibleTo(frozenset({1})))
    sim.run(seconds=1)
    world.component_for_entity(chest, Chest).gold = 7

    with pytest.raises(AssertionError, match=r"Chest for EVERYONE\): server \(7, 0\), client \(0, 0\)"):
        sim.assert_converged()


def furnish(world: World) -> None:
    """Put the first client where it sees everything, and the second where it sees little."""
    for entity, player in world.get_component(Player):
        world.add_component(entity, Team(player.client_id))
        if player.client_id == 1:
            world.add_component(entity, Rooms(frozenset({"hall"})))
            world.add_component(entity, Viewer(radius=100.0))
    hidden = world.create_entity(Chest(1), VisibleTo(frozenset({1})))
    world.create_entity(Chest(2, trap=hidden), Rooms(frozenset({"hall"})))
    world.create_entity(Chest(3), Near(), Transform2D(10.0, 10.0))
    world.create_entity(Chest(4, plan=5, trap=hidden), Team(2))
    world.create_entity(Chest(6, plan=7, key=8), Owner(1))
