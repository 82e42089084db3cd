"""Raycast: what a shot meets, and who is in a circle. Questions about this moment, for systems of a game.

They read all entities, also on a client those that it does not predict, and change nothing.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ecsnet.components.collider2d import Collider2D, Shape
from ecsnet.components.transform2d import Transform2D
from ecsnet.systems.broadphase import Region, rows_within
from ecsnet.systems.geometry import gap, sweep
from ecsnet.systems.magnitudes import MOST_UNITS
from ecsnet.world import World

__all__ = ["RayHit", "cast", "overlaps"]

_SLACK = 2.0**-16  # world units; rounding leaves out nobody who is touched

Found = tuple[int, float, float, float, float, float]  # entity, its centre, and its rounded box: see geometry.py


class RayHit(NamedTuple):
    """Whom a ray met first, and where."""

    entity: int
    fraction: float  # the part of the way that was free, 0 to 1
    x: float  # the point of contact, world units
    y: float
    normal_x: float  # unit vector out of the entity
    normal_y: float


def cast(
    world: World,
    x: float,
    y: float,
    dx: float,
    dy: float,
    *,
    radius: float = 0.0,
    mask: int = 0xFFFF,
    ignore: Collection[int] = (),
    sensors: bool = False,
) -> RayHit | None:
    """Return the first collider on the way from (x, y) to (x + dx, y + dy), of two at once the older; None if free.

    Who contains the start is met at once if the way leads further in, and not if it leads out. Added in 0.1.

    Args:
        world: What is in it now.
        x: World units, as y, dx and dy.
        y: Down.
        dx: The length of (dx, dy) is the reach.
        dy: Both 0 meet nobody: see `overlaps`.
        radius: Of the circle that flies; at 0 a ray. World units.
        mask: Bits of the layers that are met.
        ignore: Entities that are not: whoever shoots.
        sensors: Whether sensors are met as well.

    Raises:
        ValueError: A number is none, or beyond all reason, or the radius is negative.
    """
    _check(x, y, dx, dy, radius)
    across = radius + _SLACK
    region = min(x, x + dx) - across, min(y, y + dy) - across, max(x, x + dx) + across, max(y, y + dy) + across
    first = None
    for entity, at_x, at_y, width, height, rounding in _found(world, region, mask, ignore, sensors=sensors):
        hit = sweep(x - at_x, y - at_y, dx, dy, width, height, rounding + radius)
        if hit is not None and (first is None or hit.fraction < first.fraction):
            fraction, normal_x, normal_y = hit
            point_x, point_y = x + dx * fraction - normal_x * radius, y + dy * fraction - normal_y * radius
            first = RayHit(entity, fraction, point_x, point_y, normal_x, normal_y)
    return first


def overlaps(
    world: World,
    x: float,
    y: float,
    radius: float,
    *,
    mask: int = 0xFFFF,
    ignore: Collection[int] = (),
    sensors: bool = False,
) -> list[int]:
    """Return the entities whose colliders a circle overlaps, ascending. Added in 0.1. See `cast` for the arguments.

    Raises:
        ValueError: A number is none, or beyond all reason, or the radius is negative.
    """
    _check(x, y, 0.0, 0.0, radius)
    region = x - radius, y - radius, x + radius, y + radius
    return [
        entity
        for entity, at_x, at_y, width, height, rounding in _found(world, region, mask, ignore, sensors=sensors)
        if gap(x - at_x, y - at_y, width, height, rounding + radius).distance < 0.0
    ]


def _found(world: World, region: Region, mask: int, ignore: Collection[int], *, sensors: bool) -> Iterator[Found]:
    """Yield who may touch a region, ascending."""
    for entity, (transform, collider) in rows_within(world.observe(Transform2D, Collider2D), region):
        if collider.layer & mask and (sensors or not collider.sensor) and entity not in ignore:
            if collider.shape is Shape.BOX:
                yield entity, transform.x, transform.y, collider.half_width, collider.half_height, 0.0
            else:
                yield entity, transform.x, transform.y, 0.0, 0.0, collider.radius


def _check(x: float, y: float, dx: float, dy: float, radius: float) -> None:
    if not abs(x) + abs(y) + abs(dx) + abs(dy) + abs(radius) < MOST_UNITS or radius < 0.0:
        raise ValueError(f"from ({x}, {y}) by ({dx}, {dy}) with radius {radius}: need numbers, the radius 0 or more")
