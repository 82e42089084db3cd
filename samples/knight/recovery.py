"""Recovery: breath comes back, and whoever fell gets up again, knight or barbarian."""

from ecsnet import System, World
from ecsnet.components import Transform2D
from ecsnet.samples.knight.components import Cooldown, Fallen, Health, Knight, Race
from ecsnet.samples.knight.refusals import Why, refused
from ecsnet.samples.knight.rules import CAMP_RADIUS, RECOVERY_SECONDS
from ecsnet.systems import teleport
from ecsnet.wire import advance_tick, is_newer, tick_difference

__all__ = ["Recover", "fall", "get_up", "place_in_camp", "seconds_down", "standing_knight"]


class Recover(System):
    """Server: count cooldowns down, let the fallen up when it is time."""

    def process(self, world: World) -> None:
        """Do a tick's worth of rest."""
        for _, cooldown in world.get_component(Cooldown):
            cooldown.ticks = max(0, cooldown.ticks - 1)
        for entity, fallen in world.get_component(Fallen):
            if not is_newer(fallen.until_tick, world.tick):
                get_up(world, entity)


def fall(world: World, entity: int) -> None:
    """Put somebody on the ground, for a while."""
    until = advance_tick(world.tick, round(RECOVERY_SECONDS * world.tick_rate_hz))
    world.add_component(entity, Fallen(until))


def get_up(world: World, entity: int) -> None:
    """Let somebody stand unhurt; what has a place, at another one."""
    world.remove_component(entity, Fallen)
    health = world.component_for_entity(entity, Health)
    health.points = health.most
    if world.has_component(entity, Transform2D):
        teleport(world, entity, *place_in_camp(world))


def place_in_camp(world: World) -> tuple[float, float]:
    """Return any place around the village."""
    return world.rng.uniform(-CAMP_RADIUS, CAMP_RADIUS), world.rng.uniform(-CAMP_RADIUS, CAMP_RADIUS)


def seconds_down(world: World, entity: int) -> float:
    """Return how long somebody will lie on the ground yet; 0 for those who stand."""
    fallen = world.try_component(entity, Fallen)
    if fallen is None:
        return 0.0
    return max(0, tick_difference(fallen.until_tick, world.tick)) * world.dt


def standing_knight(world: World, entity: int) -> Knight:
    """Return a knight that may act now.

    Raises:
        Refused: It lies on the ground, or the race is over.
    """
    race, knight = world.try_single(Race), world.try_component(entity, Knight)
    if race is not None and race.winner:
        raise refused(Why.OVER, f"{race.winner} has won; the next race begins in a moment")
    if knight is None or world.has_component(entity, Fallen):
        raise refused(Why.DEAD, f"you are down for {seconds_down(world, entity):.1f} s more")
    return knight
