"""Muster: whoever comes is a knight; the barbarians are there from the start."""

from ecsnet import System, World
from ecsnet.components import Persistent, Player, Teleports, Transform2D
from ecsnet.samples.knight.components import Barbarian, Cooldown, Gold, Health, Knight, Stats
from ecsnet.samples.knight.recovery import place_in_camp
from ecsnet.samples.knight.rules import BARBARIAN_HEALTH, BARBARIANS, KNIGHT_HEALTH

__all__ = ["Muster"]


class Muster(System):
    """Server: arm who joins, set up the barbarians' camp."""

    def process(self, world: World) -> None:
        """Give newcomers what a knight has."""
        if not world.get_component(Barbarian):
            for name, level in BARBARIANS.items():
                place = Transform2D(*place_in_camp(world))
                health = Health(BARBARIAN_HEALTH, BARBARIAN_HEALTH)
                world.create_entity(Barbarian(name, level), health, place, Teleports())
        for entity, _ in world.added(Player):
            health = Health(KNIGHT_HEALTH, KNIGHT_HEALTH)
            for part in (Knight(), health, Gold(), Stats(), Cooldown(), Persistent()):
                world.add_component(entity, part)
