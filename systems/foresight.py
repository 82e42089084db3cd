"""What a predicted system may ask for besides simulating what a client steers. On a server it costs nothing.

    predict(world, ball, by=player)   # simulate it along, as my player is about to touch it
    shot = spawn(world, shooter, Shot(), Transform2D(...), Velocity2D(...))   # shown before the server has heard of it

How a client does it is in prediction.py and ahead.py.
"""

from ecsnet.components.owner import Owner
from ecsnet.components.spawned import Spawned
from ecsnet.world import World

__all__ = ["PREDICT_SECONDS", "predict", "spawn"]

PREDICT_SECONDS = 0.25  # longer than most round trips: what the server makes of it is known by then
MOST_SPAWNED = 256  # by one entity in one tick


def predict(world: World, entity: int, *, by: int = 0, seconds: float = PREDICT_SECONDS) -> None:
    """Let a client simulate an entity along that it does not steer, such as the ball its player is about to touch.

    All predicted systems see it from then on, as if this client steered it, until nobody has asked for that long. What
    the server says of it corrects it as it does one's own. Of other players' input a client knows what
    `@player_input(shared=True)` tells. Ask in every tick in which it matters.

    Args:
        by: Who is about to touch it. Whom those touch who are themselves only predicted along, is so up to a few: in a
            crowd, everybody would be.
    """
    if world.is_predicting and world.foresight is not None:
        world.foresight.predict(entity, by, seconds)


def spawn(world: World, by: int, *components: object) -> int:
    """Make an entity on behalf of another: owned by the same client, and on that client there at once.

    Its client makes it when it predicts the tick, and knows the server's as the one it made; predicted systems go on
    to move it, also to delete it. Should the server not make it, it vanishes again.

    Args:
        by: Who makes it, such as the shooter.

    Raises:
        ValueError: `by` makes more than 256 in one tick.
    """
    number = world.count(("spawn", by))
    if number >= MOST_SPAWNED:
        raise ValueError(f"entity {by} spawns more than {MOST_SPAWNED} entities in tick {world.tick}; make fewer")
    owner = world.try_component(by, Owner)
    parts = [Spawned(by, world.tick, number), *components]
    if owner is not None and Owner not in map(type, components):
        parts.append(Owner(owner.client_id))
    if world.is_predicting and world.foresight is not None:
        return world.foresight.spawn(parts)
    return world.create_entity(*parts)
