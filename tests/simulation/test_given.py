"""Components that predicted systems give and take: where the server does otherwise, they do not stay."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from ecsnet.client import Client
from ecsnet.components import Player, Transform2D
from ecsnet.fields import OWNER, NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.system import System
from ecsnet.systems import predict
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World

LINKS = {"lan": Link.LAN, "wifi": Link.WIFI, "mobile": Link.MOBILE, "awful": Link.AWFUL}
LINK = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)


@player_input
class Wand:
    on: bool = False


@component
class Runner:
    steps: NetVar[int] = netvar(0, low=0, high=60_000)


@component
class Purse:
    """Has a record that strangers are not told."""

    worth: NetVar[int] = netvar(0, low=0, high=100)
    coins: NetVar[int] = netvar(0, low=0, high=100, audience=OWNER)


@component
class Stunned:
    by: NetVar[int] = netvar(0, low=0, high=100)


@component
class Shield:
    left: NetVar[int] = netvar(0, low=0, high=100)


@component
class Immune:
    """The server only: nobody enchants this one, and no client can know."""

    is_so: bool = True


class Place(System):
    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            for part in (Runner(), Purse(), Shield(left=9), Transform2D(), Immune()):
                world.add_component(entity, part)


class Enchant(System):
    """A wand stuns whom it concerns and takes his shield, once for all."""

    predicted = True
    of_others: ClassVar[bool] = False

    def process(self, world: World) -> None:
        for wizard, (wand, _) in world.get_components(Wand, Runner):
            for entity, _ in world.observe(Runner):
                if wand.on and (entity != wizard) is self.of_others:
                    predict(world, entity, by=wizard)
                    self.enchant(world, entity)

    def enchant(self, world: World, entity: int) -> None:
        if not world.has_component(entity, Immune) and self.is_mine(world, entity):
            if not world.has_component(entity, Stunned):
                world.add_component(entity, Stunned(by=1))
            world.remove_component(entity, Shield)

    def is_mine(self, world: World, entity: int) -> bool:
        """Tell whether predicted systems may write to it."""
        return any(entity == each for each, _ in world.get_component(Runner))


class EnchantOthers(Enchant):
    of_others = True


def played(link: Link, spell: type[System]) -> Simulation:
    game = Game("wizards", input=Wand, components=[Runner, Purse, Stunned, Shield, Immune], systems=[Place, spell])
    sim = Simulation(game, clients=2, link=link)
    sim.run(2)
    return sim


def wearing(client: Client, component_type: type) -> Iterator[int]:
    """Yield which of the runners have a component."""
    for entity, _ in client.world.observe(Runner):
        if client.world.has_component(entity, component_type):
            yield entity


@LINK
@pytest.mark.parametrize("spell", [Enchant, EnchantOthers])
def test_what_predicted_systems_gave_and_took_is_as_on_the_server_again(link: Link, spell: type[System]) -> None:
    """Nothing else differs, so there is no other reason to go back."""
    sim = played(link, spell)
    client = sim.clients[0]
    sim.run_until(lambda: bool(list(wearing(client, Shield))), within_seconds=1)
    client.press(Wand(on=True))
    sim.run_until(lambda: bool(list(wearing(client, Stunned))), within_seconds=1)
    client.press(Wand())
    during = len(list(wearing(client, Shield)))
    sim.run(2)

    assert during == 1
    assert list(wearing(client, Stunned)) == []
    assert len(list(wearing(client, Shield))) == 2
    sim.assert_converged()


@LINK
def test_a_record_of_others_does_not_cost_a_guest_its_component(link: Link) -> None:
    """Of a stranger's Purse one record never comes; the component stays the same object, though it is rolled back."""
    sim = played(link, EnchantOthers)
    client = sim.clients[0]
    [stranger] = [entity for entity, _ in client.world.observe(Runner) if entity != client.entity]
    purse = client.world.component_for_entity(stranger, Purse)
    client.press(Wand(on=True))
    sim.run(0.3)
    client.press(Wand())
    sim.run(2)

    assert client.world.component_for_entity(stranger, Purse) is purse
