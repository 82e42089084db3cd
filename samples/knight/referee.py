"""Referee: the first to have the gold wins, and after a pause a new race begins."""

from ecsnet import EVERYONE, System, World
from ecsnet.components import Player
from ecsnet.samples.knight.components import Gold, Knight, Race, RaceWon
from ecsnet.samples.knight.recovery import get_up
from ecsnet.samples.knight.rules import GOLD_TO_WIN, PAUSE_SECONDS, Weapon
from ecsnet.wire import advance_tick, is_newer

__all__ = ["Referee"]


class Referee(System):
    """Server: start races and end them. A game that does not list it is endless."""

    def process(self, world: World) -> None:
        """Look whether somebody has won, or the pause is over."""
        race = world.try_single(Race)
        if race is None:
            world.create_entity(Race(GOLD_TO_WIN))
        elif not race.winner:
            self._look_for_winner(world, race)
        elif not is_newer(race.next_tick, world.tick):
            self._start_anew(world, race)

    def _look_for_winner(self, world: World, race: Race) -> None:
        purses = [purse for _, purse in world.get_components(Player, Gold)]
        if not purses:
            return
        player, gold = max(purses, key=lambda purse: purse[1].amount)
        if gold.amount >= race.goal:
            race.winner = player.name
            race.next_tick = advance_tick(world.tick, round(PAUSE_SECONDS * world.tick_rate_hz))
            world.to(EVERYONE).send(RaceWon(player.name, gold.amount))

    def _start_anew(self, world: World, race: Race) -> None:
        """Let everybody begin as they came, but for what they are known for."""
        race.winner = ""
        for entity, (knight, gold) in world.get_components(Knight, Gold):
            knight.weapon, gold.amount = Weapon.SWORD, 0
            get_up(world, entity)
