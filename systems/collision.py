"""Collision: bodies move, meet what is in their way, and slide, bounce or push. Predicted.

A body is an entity with Transform2D, Velocity2D and Collider2D; an obstacle has no Velocity2D. Collision moves the
bodies, Movement all else. How it does it is in solver.py, where shapes meet in geometry.py.

While a client predicts, the bodies are what it owns. All others are obstacles where it last knew them: it must not move
them, only the server knows where they go.
"""

from collections.abc import Iterator

from ecsnet.components.bounds2d import Bounds2D
from ecsnet.components.collider2d import Collider2D, Shape
from ecsnet.components.contacts import Contact, Contacts
from ecsnet.components.transform2d import Transform2D
from ecsnet.components.velocity2d import Velocity2D
from ecsnet.system import System
from ecsnet.systems.body import Body
from ecsnet.systems.foresight import predict
from ecsnet.systems.geometry import Box
from ecsnet.systems.solver import Solver
from ecsnet.world import World

__all__ = ["Collision", "contacts_of"]

FORESIGHT_TICKS = 4
FORESIGHT_UNITS = 1.0


def contacts_of(world: World, entity: int | None = None) -> Iterator[Contact]:
    """Yield the contacts Collision found in this tick, each pair once, ordered by their entities.

    For systems that a game lists after Collision: `for contact in contacts_of(world, ball): ...`

    Args:
        world: On a client it has the contacts of what that client predicts, of the last tick predicted.
        entity: Only contacts of this one, seen from it: `contact.entity` is it, the normal points towards it.
    """
    contacts = world.try_single(Contacts)
    for contact in contacts.found if contacts else ():
        if entity is None or contact.entity == entity:
            yield contact
        elif contact.other == entity:
            _, _, x, y, speed, sensor = contact
            yield Contact(entity, contact.entity, -x, -y, speed, sensor)


class Collision(System):
    """Move the bodies; keep them out of obstacles, off each other and in their bounds; tell who met whom.

    A game lists it after its steering and after Movement, which limits velocities. What is stopped loses the part of
    its velocity that led into the obstacle, or has it thrown back by the greater restitution of the two.
    """

    predicted = True

    def process(self, world: World) -> None:
        """Go on by one tick."""
        movers = find_movers(world)
        region = region_around(movers, world.dt)
        solver = Solver(movers, find_fixed(world, movers, region), cell_size(movers, world.dt), world.dt)
        solver.solve()
        for body in movers:
            body.transform.x, body.transform.y = body.x, body.y
        if world.is_predicting:
            foresee(world, movers)
        publish(world, [contact for _, contact in sorted(solver.contacts.items())])


def find_movers(world: World) -> list[Body]:
    """Return the bodies that may be moved, ascending by entity."""
    bounds = dict(world.get_component(Bounds2D))
    movers = []
    for entity, (transform, velocity, collider) in world.get_components(Transform2D, Velocity2D, Collider2D):
        body = Body(entity, transform, collider, velocity)
        if entity in bounds:
            body.confine(bounds[entity])
        movers.append(body)
    return movers


def find_fixed(world: World, movers: list[Body], region: Box) -> list[Body]:
    """Return what stays where it is, as far as it touches the region."""
    moving = {body.entity for body in movers}
    center_x, center_y, wide, tall = region
    return [
        Body(entity, transform, collider, None)
        for entity, (transform, collider) in world.observe(Transform2D, Collider2D)
        # A collider has both sizes, whichever its shape uses: their sum is enough.
        if abs(transform.x - center_x) <= wide + collider.half_width + collider.radius
        and abs(transform.y - center_y) <= tall + collider.half_height + collider.radius
        and entity not in moving
    ]


def region_around(movers: list[Body], dt: float) -> Box:
    """Return a box with room for all steps and pushes of a tick: a client's few bodies need few of the obstacles."""
    if not movers:
        return Box(0.0, 0.0, -1.0, -1.0)
    margin = 2.0 * sum(needed_units(body, dt) for body in movers)
    return Box.between(
        min(body.left for body in movers) - margin,
        min(body.top for body in movers) - margin,
        max(body.right for body in movers) + margin,
        max(body.bottom for body in movers) + margin,
    )


def cell_size(movers: list[Body], dt: float) -> float:
    """Return a good size of the grid's cells: a few times what a body needs in a tick."""
    if not movers:
        return 1.0
    return max(1e-3, 4.0 * sum(needed_units(body, dt) for body in movers) / len(movers))


def needed_units(body: Body, dt: float) -> float:
    """Return more than how far from its centre a body can touch something in a tick, if nobody pushes it."""
    velocity = body.velocity
    step = 0.0 if velocity is None else (abs(velocity.x) + abs(velocity.y)) * dt
    return body.extent_x + body.extent_y + step


def foresee(world: World, movers: list[Body]) -> None:
    """Have a client predict whom its own bodies are about to push: nobody stands still when he is run into."""
    for entity, (transform, velocity, collider) in world.observe(Transform2D, Velocity2D, Collider2D):
        for body in movers:
            mine = body.velocity
            if mine is None or body.entity == entity or body.sensor or collider.sensor:
                continue
            if not (collider.mask & body.layer and body.mask & collider.layer):
                continue
            size_x = body.extent_x + (collider.half_width if collider.shape is Shape.BOX else collider.radius)
            size_y = body.extent_y + (collider.half_height if collider.shape is Shape.BOX else collider.radius)
            seconds = FORESIGHT_TICKS * world.dt
            if (
                abs(body.x - transform.x) <= size_x + seconds * (abs(mine.x) + abs(velocity.x)) + FORESIGHT_UNITS
                and abs(body.y - transform.y) <= size_y + seconds * (abs(mine.y) + abs(velocity.y)) + FORESIGHT_UNITS
            ):
                predict(world, entity)


def publish(world: World, found: list[Contact]) -> None:
    """Leave the tick's contacts where `contacts_of` finds them."""
    contacts = world.try_single(Contacts)
    if contacts is None:
        world.create_entity(Contacts(found))
    else:
        contacts.found = found
