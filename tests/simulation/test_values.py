"""Values that hold others over the real wire: edited in place, with entities among them, and as arguments of calls."""

from typing import Annotated

import pytest

from ecsnet.components import Owner, Player, Rooms
from ecsnet.errors import SchemaError
from ecsnet.fields import EntityRef, NetVar, component, netvar
from ecsnet.game import Game
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.system import System
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World


@component
class Chest:
    """What is in it, and who may open it."""

    items: NetVar[list[int]] = netvar([], low=0, high=9)
    holders: NetVar[list[EntityRef]] = netvar([])
    shares: NetVar[dict[EntityRef, int]] = netvar({})
    spot: NetVar[tuple[float, float] | None] = netvar(None, low=-8, high=8, step=1 / 8)


@rpc(to=SERVER)
def sort_out(
    call: Call, chest: EntityRef, holders: list[EntityRef], items: Annotated[list[int], netvar([], low=0, high=9)]
) -> dict[EntityRef, int]:
    """Put items into a chest and say what each holder gets."""
    found = call.world.component_for_entity(chest, Chest)
    found.items += items
    return dict.fromkeys(holders, sum(found.items))


class Count(System):
    """Does nothing; a game has a system."""

    def process(self, world: World) -> None:
        world.added(Player)


game = Game("chests", components=[Chest], systems=[Count], rpcs=[sort_out])


def test_a_list_edited_in_place_arrives_with_the_entities_of_each_side() -> None:
    """A client's own entities, later ones as soon as they come, and none that it does not see."""
    sim = Simulation(game, clients=2, link=Link.POOR, seed=3)
    world, client = sim.server.world, sim.clients[0]
    # A World's first entity would have the same number on both sides.
    client.world.create_entity()
    friend, hidden = world.create_entity(Chest()), world.create_entity(Chest(), Rooms(frozenset({"cellar"})))
    chest = Chest(items=[1], holders=[friend, hidden], shares={friend: 1, hidden: 2})
    entity = world.create_entity(chest)
    sim.run(seconds=3)

    chest.items.append(9)
    chest.spot = (1.5, -8.0)
    chest.shares[entity] = 3
    sim.run(seconds=3)

    near = {network_id: client.receiver.entity_of(network_id) for network_id in (friend, entity)}
    seen = client.world.component_for_entity(near[entity], Chest)
    assert near[friend] != friend
    assert (seen.items, seen.spot) == ([1, 9], (1.5, -8.0))
    assert seen.holders == [near[friend], 0]
    assert seen.shares == {near[friend]: 1, near[entity]: 3}

    world.remove_component(hidden, Rooms)
    world.delete_entity(friend)
    sim.run(seconds=3)

    shown = client.receiver.entity_of(hidden)
    assert (seen.holders, seen.shares) == ([0, shown], {near[entity]: 3, shown: 2})
    sim.assert_converged()


def test_a_client_that_edits_its_copy_gets_the_next_one_whole() -> None:
    """What the server said is kept apart from the component that a client's code can reach."""
    sim = Simulation(game, clients=1, seed=3)
    chest = Chest(items=[1])
    entity = sim.server.world.create_entity(chest)
    sim.run(seconds=1)
    client = sim.clients[0]
    local = client.receiver.entity_of(entity)
    client.world.component_for_entity(local, Chest).items.append(7)

    client.receiver.restore(local)

    assert client.world.component_for_entity(local, Chest).items == [1]


def test_arguments_and_results_hold_the_same() -> None:
    """Entities among them are mapped both ways; what cannot travel is told where the call is made."""
    sim = Simulation(game, clients=1, link=Link.POOR, seed=3)
    client = sim.clients[0]
    client.world.create_entity()
    chest = sim.server.world.create_entity(Chest(), Owner(client.client_id))
    sim.run(seconds=3)
    local = client.receiver.entity_of(chest)

    reply = client.call(sort_out, local, [local], [4, 5])
    sim.run_until(lambda: reply.done, within_seconds=10)

    assert reply.value == {local: 9}
    assert local != chest
    with pytest.raises(SchemaError, match=r"sort_out\.items\[1\]: 10 is outside low=0\.\.high=9"):
        client.call(sort_out, local, [local], [4, 10])
