"""Scene: a World with physics only, for tests of what moves and meets."""

import math

from ecsnet.components import Collider2D, Contact, Predicted, Shape, Transform2D, Velocity2D
from ecsnet.systems import Collision, Movement, contacts_begun, contacts_ended, contacts_of
from ecsnet.systems.body import Body
from ecsnet.systems.geometry import gap
from ecsnet.world import World

TICK_RATE_HZ = 64  # a power of two makes sums exact
WALL = 5.0  # its thickness

Mover = tuple[Transform2D, Velocity2D]


class Scene:
    """A World with physics only."""

    def __init__(self, tick: int = 0) -> None:
        """Begin with nothing in it."""
        self.world = World(tick_rate_hz=TICK_RATE_HZ, tick=tick, scope_marker=Predicted)
        self.world.add_system(Movement())
        self.world.add_system(Collision())

    def wall(self, left: float, top: float, right: float, bottom: float) -> int:
        """Put up an obstacle."""
        half_width, half_height = (right - left) / 2, (bottom - top) / 2
        place = Transform2D(x=(left + right) / 2, y=(top + bottom) / 2)
        return self.world.create_entity(place, Collider2D(half_width=half_width, half_height=half_height))

    def room(self, left: float, top: float, right: float, bottom: float) -> None:
        """Put thin walls around a space."""
        self.wall(left - WALL, top - WALL, right + WALL, top)
        self.wall(left - WALL, bottom, right + WALL, bottom + WALL)
        self.wall(left - WALL, top, left, bottom)
        self.wall(right, top, right + WALL, bottom)

    def body(self, place: Transform2D, velocity: Velocity2D, collider: Collider2D, *more: object) -> int:
        """Add what moves."""
        return self.world.create_entity(place, velocity, collider, *more)

    def box(self, x: float, y: float, velocity_x: float = 0.0, velocity_y: float = 0.0, half: float = 15.0) -> Mover:
        """Add a box that moves."""
        place, velocity = Transform2D(x=x, y=y), Velocity2D(x=velocity_x, y=velocity_y)
        self.body(place, velocity, Collider2D(half_width=half, half_height=half))
        return place, velocity

    def circle(self, x: float, y: float, velocity_x: float, velocity_y: float, restitution: float = 0.0) -> Mover:
        """Add a ball of radius 5."""
        place, velocity = Transform2D(x=x, y=y), Velocity2D(x=velocity_x, y=velocity_y)
        self.body(place, velocity, Collider2D(Shape.CIRCLE, radius=5.0, restitution=restitution))
        return place, velocity

    def run(self, ticks: int = 1) -> None:
        """Let time pass."""
        for _ in range(ticks):
            self.world.process()

    def bodies(self) -> list[Body]:
        """Return all colliders as Collision sees them."""
        return [
            Body(entity, place, collider, self.world.try_component(entity, Velocity2D))
            for entity, (place, collider) in self.world.get_components(Transform2D, Collider2D)
        ]

    def least_gap(self) -> float:
        """Return how far the closest body is from an obstacle; the depth, negative, if it is in one."""
        obstacles = [body for body in self.bodies() if body.velocity is None]
        movers = [body for body in self.bodies() if body.velocity is not None]
        return min((between(body, other) for body in movers for other in obstacles), default=math.inf)

    def energy(self) -> float:
        """Return twice the energy of masses of 1."""
        return sum(velocity.x**2 + velocity.y**2 for _, velocity in self.world.get_component(Velocity2D))

    def contacts(self, entity: int | None = None) -> list[Contact]:
        """Return who met whom in the last tick."""
        return list(contacts_of(self.world, entity))

    def begun(self, entity: int | None = None) -> list[Contact]:
        """Return whose contact began in the last tick."""
        return list(contacts_begun(self.world, entity))

    def ended(self, entity: int | None = None) -> list[Contact]:
        """Return whose contact ended in the last tick."""
        return list(contacts_ended(self.world, entity))


def between(body: Body, other: Body) -> float:
    """Return the gap between two colliders."""
    width, height, radius = body.width + other.width, body.height + other.height, body.radius + other.radius
    return gap(body.x - other.x, body.y - other.y, width, height, radius).distance
