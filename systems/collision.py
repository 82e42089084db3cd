"""Collision: bodies move, meet what is in their way, and slide, bounce or push. Predicted.

A body is an entity with Transform2D, Velocity2D and Collider2D; an obstacle has no Velocity2D. Collision moves the
bodies, Movement all else. How it does it is in solver.py, where shapes meet in geometry.py.

While a client predicts, the bodies are what it owns, and those whom it is about to push: these are predicted along. All
others are obstacles where it last knew them, as only the server knows where they go.
"""

from collections.abc import Sequence

from ecsnet.components.bounds2d import Bounds2D
from ecsnet.components.collider2d import Collider2D
from ecsnet.components.transform2d import Transform2D
from ecsnet.components.velocity2d import Velocity2D
from ecsnet.system import System
from ecsnet.systems.body import Body, meets
from ecsnet.systems.broadphase import Region, Row, rows_within
from ecsnet.systems.contacts import publish
from ecsnet.systems.foresight import predict
from ecsnet.systems.magnitudes import MOST_UNITS, unusable
from ecsnet.systems.solver import Solver
from ecsnet.world import World

__all__ = ["Collision"]

_OBSTACLES_PER_MOVER = 4  # looking which colliders are in reach pays from here on: for a client, not for a server
_MOST_WITHOUT_GRID = 16  # bodies; a grid for fewer costs more than it saves
_CELL_NEEDS = 4.0  # measured: 3 to 6 are alike; smaller cells cost the more entering, larger ones the more comparing
_LEAST_CELL_UNITS = 2.0**-10
# Whom a client is about to push is predicted along from so many ticks before they meet: earlier, and more is drawn by
# guess that then turns away; later, and one bounces off where the other was a round trip ago.
_FORESIGHT_TICKS = 4
_FORESIGHT_UNITS = 1.0  # who stands side by side


class Collision(System):
    """Move the bodies; keep them out of obstacles, off each other and in their bounds; tell who met whom.

    A game lists it after its steering and after Movement, which limits velocities. What is stopped loses the part of
    its velocity that led into the obstacle, or has it thrown back by the greater restitution of the two.
    """

    predicted = True
    finds_contacts = True  # contacts.py cannot import this file, which imports it

    def process(self, world: World) -> None:
        """Go on by one tick."""
        movers = find_movers(world)
        fixed = find_fixed(world, movers)
        solver = Solver(movers, fixed, cell_size(movers, fixed), world.dt)
        solver.solve()
        for body in movers:
            transform = body.transform
            transform.x, transform.y = body.x, body.y
        if world.is_predicting:
            foresee(world, movers, [*movers, *fixed])
        contacts = solver.contacts
        publish(world, [contacts[pair] for pair in sorted(contacts)], [*movers, *fixed])


def find_movers(world: World) -> list[Body]:
    """Return the bodies that may be moved, ascending by entity.

    Raises:
        SchemaError: A place, a velocity or a size is no number, or beyond all reason.
    """
    dt = world.dt
    bounds = dict(world.get_component(Bounds2D))
    movers = []
    for entity, (transform, velocity, collider) in world.get_components(Transform2D, Velocity2D, Collider2D):
        body = Body(entity, transform, collider, velocity)
        if entity in bounds:
            body.confine(bounds[entity])
        body.aim(dt)
        if not abs(body.start_x) + abs(body.start_y) + body.need < MOST_UNITS:
            raise unusable(entity, velocity, transform, collider)
        movers.append(body)
    return movers


def find_fixed(world: World, movers: list[Body]) -> list[Body]:
    """Return what stays where it is, as far as it may matter to the movers."""
    if not movers:
        return []
    rows: Sequence[Row] = world.observe(Transform2D, Collider2D)
    if len(movers) * _OBSTACLES_PER_MOVER < len(rows):
        rows = rows_within(rows, region_around(movers))
    moving = {body.entity for body in movers}
    fixed = []
    for entity, (transform, collider) in rows:
        if entity not in moving:
            body = Body(entity, transform, collider, None)
            body.stand()
            if not abs(body.x) + abs(body.y) + body.extent_x + body.extent_y < MOST_UNITS:
                raise unusable(entity, transform, collider)
            fixed.append(body)
    return fixed


def region_around(movers: list[Body]) -> Region:
    """Return a region with room for all steps and pushes of a tick: a client's few bodies need few of the obstacles."""
    needs = [body.need for body in movers]
    # Nobody is pushed further than by a few others: with all of them in a row, a crowd would reach across the world.
    margin = min(2.0 * sum(needs), 4.0 * max(needs))
    return (
        min(body.left for body in movers) - margin,
        min(body.top for body in movers) - margin,
        max(body.right for body in movers) + margin,
        max(body.bottom for body in movers) + margin,
    )


def cell_size(movers: list[Body], fixed: list[Body]) -> float:
    """Return a good size of the grid's cells: a few times what a body needs in a tick; 0 if a grid does not pay.

    The median, not the mean: else one body as fast as light would put all others into one cell.
    """
    if len(movers) + len(fixed) <= _MOST_WITHOUT_GRID:
        return 0.0
    needs = sorted(body.need for body in movers)
    return max(_LEAST_CELL_UNITS, _CELL_NEEDS * needs[len(needs) // 2])


def foresee(world: World, movers: list[Body], others: list[Body]) -> None:
    """Have a client predict along whom its own bodies are about to push: nobody who is run into stays where he is.

    Those who are predicted along already are asked for again, or they would be left in the middle of a push.
    """
    seconds = _FORESIGHT_TICKS * world.dt
    found = []
    for other in others:
        theirs = world.try_component(other.entity, Velocity2D)  # who has none stays where it is anyway
        if theirs is not None and not other.sensor:
            wide = other.extent_x + seconds * abs(theirs.x) + _FORESIGHT_UNITS
            tall = other.extent_y + seconds * abs(theirs.y) + _FORESIGHT_UNITS
            found.append((other, other.x, other.y, wide, tall))
    for body in movers:
        mine, x, y = body.velocity, body.x, body.y
        if mine is None or body.sensor:
            continue
        reach_x = body.extent_x + seconds * abs(mine.x)
        reach_y = body.extent_y + seconds * abs(mine.y)
        for other, at_x, at_y, wide, tall in found:
            if abs(x - at_x) <= reach_x + wide and abs(y - at_y) <= reach_y + tall and meets(body, other):
                predict(world, other.entity, by=body.entity)
