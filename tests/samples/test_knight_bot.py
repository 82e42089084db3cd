"""The bot of Knight: sensible, patient, and a function of what it sees."""

import pytest

from ecsnet.components import Player
from ecsnet.game import Game
from ecsnet.samples.knight.bot import PAUSE_SECONDS, KnightBot, choose_attack
from ecsnet.samples.knight.components import Fallen, Gold, Health, Knight, Stats
from ecsnet.samples.knight.game import endless, game
from ecsnet.samples.knight.rules import Attack, Weapon
from ecsnet.testing.network import Link
from ecsnet.testing.plugin import Simulate
from ecsnet.testing.simulation import Simulation


class Yard:
    """One bot in a simulation."""

    def __init__(self, sim: Simulation) -> None:
        self.sim, bot = sim, KnightBot()
        [self.entity] = [entity for entity, _ in sim.server.world.get_component(Player)]
        sim.before_each_step(lambda: bot.decide(sim.clients[0]))

    @property
    def stats(self) -> Stats:
        return self.sim.server.world.component_for_entity(self.entity, Stats)

    @property
    def gold(self) -> Gold:
        return self.sim.server.world.component_for_entity(self.entity, Gold)

    @property
    def health(self) -> Health:
        return self.sim.server.world.component_for_entity(self.entity, Health)

    @property
    def knight(self) -> Knight:
        return self.sim.server.world.component_for_entity(self.entity, Knight)


@pytest.mark.parametrize(("health", "attack"), [(100, Attack.THRUST), (60, Attack.SLASH), (25, Attack.BASH)])
def test_a_bot_is_as_bold_as_it_is_healthy(health: int, attack: Attack) -> None:
    """What brings most costs most."""
    assert choose_attack(health) is attack


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_bot_fights_about_as_fast_as_a_person_types(simulate: Simulate, seed: int) -> None:
    """Also over a bad network, where it waits for the answer before it asks for more."""
    yard = Yard(simulate(endless, link=Link.POOR, seed=seed))
    yard.sim.run(30)
    least, most = PAUSE_SECONDS

    assert 30 / (most + 2) < yard.stats.battles < 30 / least
    assert yard.gold.amount > 0


def test_a_wounded_bot_heals_while_it_can_pay(simulate: Simulate) -> None:
    """And fights on when it cannot."""
    yard = Yard(simulate(endless))
    yard.health.points, yard.gold.amount = 1, 35
    yard.sim.run_until(lambda: yard.gold.amount < 15, within_seconds=10)
    battles, health = yard.stats.battles, yard.health.points
    yard.health.points = 1
    yard.sim.run(7)

    assert (battles, health) == (0, 41)
    assert yard.stats.battles > 0


@pytest.mark.parametrize(("played", "weapon"), [(endless, Weapon.AXE), (game, Weapon.SWORD)], ids=["endless", "race"])
def test_a_bot_buys_an_axe_where_there_is_time_for_it_to_pay(simulate: Simulate, played: Game, weapon: Weapon) -> None:
    """In a race the gold is what counts."""
    yard = Yard(simulate(played))
    yard.gold.amount = 70
    yard.sim.run(4)

    assert yard.knight.weapon is weapon


def test_a_bot_on_the_ground_waits(simulate: Simulate) -> None:
    """Until it stands again."""
    yard = Yard(simulate(endless))
    yard.sim.server.world.add_component(yard.entity, Fallen(yard.sim.server.world.tick + 600))
    yard.health.points = 0
    yard.sim.run(9.9)
    lying = yard.stats.battles
    yard.sim.run(5)

    assert lying == 0
    assert yard.stats.battles > 0


def test_a_bot_that_is_not_there_yet_or_any_more_does_nothing(simulate: Simulate) -> None:
    """Loops ask it from the first moment to the last."""
    sim, bot = simulate(endless, clients=0), KnightBot()
    client = sim.join(wait=False)
    bot.decide(client)
    sim.run(1)
    client.close(now=sim.now)
    sim.run(1)
    bot.decide(client)

    assert client.disconnected is not None
