"""Movement: from velocity to position, and the limit of the velocity. Predicted.

It moves what has no Collider2D; Collision moves what has. So each position is advanced in one place, and Collision
knows exactly where a body's way begins. (Moving everything here and having Collision look back along the velocity was
the alternative: it sweeps the wrong way as soon as bounds or a game's system change the velocity in between.)
"""

from math import hypot, inf

from ecsnet.components.bounds2d import Bounds2D
from ecsnet.components.collider2d import Collider2D
from ecsnet.components.max_speed import MaxSpeed
from ecsnet.components.teleports import Teleports
from ecsnet.components.transform2d import Transform2D
from ecsnet.components.velocity2d import Velocity2D
from ecsnet.system import System
from ecsnet.systems.magnitudes import MOST_UNITS, unusable
from ecsnet.world import World

__all__ = ["Movement", "teleport"]


class Movement(System):
    """Limit every velocity to its MaxSpeed; move what has no Collider2D and keep it within its Bounds2D.

    A game lists it after its steering and before Collision.
    """

    predicted = True

    def process(self, world: World) -> None:
        """Go on by one tick.

        Raises:
            SchemaError: A velocity or a place is no number, or beyond all reason.
        """
        for entity, (velocity, limit) in world.get_components(Velocity2D, MaxSpeed):
            if not abs(velocity.x) + abs(velocity.y) < inf:
                raise unusable(entity, velocity)
            limit_speed(velocity, limit.units_per_second)
        dt = world.dt
        for entity, (transform, velocity) in world.get_components(Transform2D, Velocity2D):
            if not world.has_component(entity, Collider2D):
                transform.x += velocity.x * dt
                transform.y += velocity.y * dt
                if not abs(transform.x) + abs(transform.y) < MOST_UNITS:
                    raise unusable(entity, velocity, transform)
        for entity, (transform, velocity, bounds) in world.get_components(Transform2D, Velocity2D, Bounds2D):
            if not world.has_component(entity, Collider2D):
                keep_within(transform, velocity, bounds)


def teleport(world: World, entity: int, x: float, y: float, *, rotation: float | None = None) -> None:
    """Put an entity elsewhere at once: no client draws it on a way between.

    Args:
        rotation: Radians; None: as it is turned.

    Raises:
        KeyError: The entity does not exist or has no Transform2D.
    """
    transform = world.component_for_entity(entity, Transform2D)
    transform.x, transform.y = x, y
    if rotation is not None:
        transform.rotation = rotation
    teleports = world.try_component(entity, Teleports)
    if teleports is None:
        world.add_component(entity, Teleports(1))
    else:
        teleports.count = (teleports.count + 1) & 0xFF


def limit_speed(velocity: Velocity2D, most: float) -> None:
    """Slow a velocity down to `most` units per second; its direction stays."""
    speed = hypot(velocity.x, velocity.y)
    if speed > most:
        velocity.x *= most / speed
        velocity.y *= most / speed


def keep_within(transform: Transform2D, velocity: Velocity2D, bounds: Bounds2D) -> None:
    """Put back a point that left its bounds, and stop it there or throw it back, each axis on its own."""
    transform.x, velocity.x = _kept(transform.x, velocity.x, bounds.min_x, bounds.max_x, bounds.restitution)
    transform.y, velocity.y = _kept(transform.y, velocity.y, bounds.min_y, bounds.max_y, bounds.restitution)


def _kept(at: float, speed: float, low: float, high: float, restitution: float) -> tuple[float, float]:
    """Return place and speed on one axis; what is left of the step after a bounce is left out."""
    if at < low:
        return low, 0.0 - speed * restitution if speed < 0.0 else speed
    if at > high:
        return high, 0.0 - speed * restitution if speed > 0.0 else speed
    return at, speed
