"""Body: a collider as Collision works with it during one tick."""

from ecsnet.components.bounds2d import Bounds2D
from ecsnet.components.collider2d import Collider2D, Shape
from ecsnet.components.transform2d import Transform2D
from ecsnet.components.velocity2d import Velocity2D

__all__ = ["Area", "Body", "meets"]

Area = tuple[
    float, float, float, float
]  # centre and half sizes, like a Box; a plain tuple is made in a tenth of the time

# Rectangles of obstacles are this much larger than what they cover, so that rounding never hides one from whoever looks
# only at rectangles. (Not those of bodies: which of them touch decides in what round they push each other.)
_SLACK = 2.0**-16  # world units


class Body:
    """One collider: a rounded box (see geometry.py) on its way through one tick.

    HOT: one for each collider that matters, each tick; tests/bench/bench_collision.py. So nothing is set before it is
    needed: first what the components say, then by `stand` or `aim` the rectangle, then by the solver what is near.

    Attributes:
        velocity: The entity's own, to be changed by contacts; None if it does not move, or may not be moved.
        extent_x: From the centre to the side of the smallest upright rectangle around it.
        x: The centre, where it is by now.
        start_x: The centre at the start of the tick.
        dx: With dy: the way it is to go in this tick; set by `aim`.
        need: More than how far from its centre it can touch something in this tick, if nobody pushes it; set by `aim`.
        area: Where the centre may be, from its Bounds2D; None if anywhere.
        edge_restitution: Of the area's edge, if there is one.
        left: With top, right, bottom: a rectangle around all places it has been in this tick, or is on its way to.
    """

    __slots__ = (
        "area", "bottom", "dx", "dy", "edge_restitution", "entity", "extent_x", "extent_y", "height", "layer", "left",
        "mask", "need", "radius", "restitution", "right", "sensor", "start_x", "start_y", "top", "transform",
        "velocity", "width", "x", "y",
    )  # fmt: skip

    area: Area | None

    def __init__(self, entity: int, transform: Transform2D, collider: Collider2D, velocity: Velocity2D | None) -> None:
        """Take the values of one entity's components."""
        self.entity = entity
        self.transform = transform
        self.velocity = velocity
        if collider.shape is Shape.BOX:
            self.width = self.extent_x = collider.half_width
            self.height = self.extent_y = collider.half_height
            self.radius = 0.0
        else:
            self.width = self.height = 0.0
            self.radius = self.extent_x = self.extent_y = collider.radius
        self.layer = collider.layer
        self.mask = collider.mask
        self.sensor = collider.sensor
        self.restitution = collider.restitution
        self.x = self.start_x = transform.x
        self.y = self.start_y = transform.y
        self.area = None

    def __repr__(self) -> str:
        """Show which entity it is and how far it came."""
        return f"Body({self.entity}: ({self.start_x}, {self.start_y}) -> ({self.x}, {self.y}))"

    def aim(self, dt: float) -> None:
        """Plan the way of a tick by the velocity; fit the rectangle around it."""
        velocity = self.velocity
        assert velocity is not None
        self.dx = dx = velocity.x * dt
        self.dy = dy = velocity.y * dt
        self._cover(self.x + dx, self.y + dy)
        if self.area is not None:
            self._reach_back()
        self.need = self.extent_x + self.extent_y + abs(dx) + abs(dy)

    def cover(self) -> None:
        """Fit the rectangle around start and present place."""
        self._cover(self.x, self.y)

    def stand(self) -> None:
        """Fit the rectangle around the place of what does not move."""
        x, y, wide, tall = self.x, self.y, self.extent_x + _SLACK, self.extent_y + _SLACK
        self.left, self.right, self.top, self.bottom = x - wide, x + wide, y - tall, y + tall

    def _cover(self, x: float, y: float) -> None:
        start_x, start_y, wide, tall = self.start_x, self.start_y, self.extent_x, self.extent_y
        if x < start_x:
            self.left, self.right = x - wide, start_x + wide
        else:
            self.left, self.right = start_x - wide, x + wide
        if y < start_y:
            self.top, self.bottom = y - tall, start_y + tall
        else:
            self.top, self.bottom = start_y - tall, y + tall

    def _reach_back(self) -> None:
        """Let the rectangle hold the place it was put back to, which may be neither start nor end of its way."""
        x, y, wide, tall = self.x, self.y, self.extent_x, self.extent_y
        if x != self.start_x:
            self.left, self.right = min(self.left, x - wide), max(self.right, x + wide)
        if y != self.start_y:
            self.top, self.bottom = min(self.top, y - tall), max(self.bottom, y + tall)

    def confine(self, bounds: Bounds2D) -> None:
        """Keep the whole shape within an area from now on; in its middle if it does not fit."""
        min_x, min_y, max_x, max_y = bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y
        half_width, half_height = (max_x - min_x) / 2 - self.extent_x, (max_y - min_y) / 2 - self.extent_y
        self.area = (
            (min_x + max_x) / 2,
            (min_y + max_y) / 2,
            half_width if half_width > 0.0 else 0.0,
            half_height if half_height > 0.0 else 0.0,
        )
        restitution = bounds.restitution
        self.edge_restitution = restitution if restitution > self.restitution else self.restitution
        self.keep_in_area()

    def keep_in_area(self) -> None:
        """Put it back to the edge if it is outside."""
        if self.area is not None:
            x, y, half_width, half_height = self.area
            if self.x < x - half_width:
                self.x = x - half_width
            elif self.x > x + half_width:
                self.x = x + half_width
            if self.y < y - half_height:
                self.y = y - half_height
            elif self.y > y + half_height:
                self.y = y + half_height

    def is_at_edge(self, units: float) -> bool:
        """Tell whether it is no further than this from the edge of its area."""
        if self.area is None:
            return False
        x, y, half_width, half_height = self.area
        return abs(self.x - x) >= half_width - units or abs(self.y - y) >= half_height - units


def meets(body: Body, other: Body) -> bool:
    """Tell whether two bodies exist for each other: each is on a layer in the other's mask."""
    return bool(body.mask & other.layer and other.mask & body.layer) and body is not other
