"""Body: a collider as Collision works with it during one tick."""

from ecsnet.components.bounds2d import Bounds2D
from ecsnet.components.collider2d import Collider2D, Shape
from ecsnet.components.transform2d import Transform2D
from ecsnet.components.velocity2d import Velocity2D
from ecsnet.systems.geometry import Box

__all__ = ["Body", "meets"]


class Body:
    """One collider: a rounded box (see geometry.py) on its way through one tick.

    Attributes:
        velocity: The entity's own, to be changed by contacts; None if it does not move, or may not be moved.
        extent_x: From the centre to the side of the smallest upright rectangle around it.
        x: The centre, where it is by now.
        start_x: The centre at the start of the tick.
        area: Where the centre may be, from its Bounds2D; None if anywhere.
        edge_restitution: Of the area's edge.
        left: With top, right, bottom: a rectangle around all places it has been in this tick.
        near: Obstacles it can meet as long as its centre is within near_reach of (near_x, near_y) on both axes.
    """

    __slots__ = (
        "area", "bottom", "edge_restitution", "entity", "extent_x", "extent_y", "height", "layer", "left", "mask",
        "near", "near_reach", "near_x", "near_y", "radius", "restitution", "right", "sensor", "start_x", "start_y",
        "top", "transform", "velocity", "width", "x", "y",
    )  # fmt: skip

    def __init__(self, entity: int, transform: Transform2D, collider: Collider2D, velocity: Velocity2D | None) -> None:
        """Take the values of one entity's components."""
        self.entity = entity
        self.transform = transform
        self.velocity = velocity
        if collider.shape is Shape.BOX:
            self.width, self.height, self.radius = collider.half_width, collider.half_height, 0.0
        else:
            self.width, self.height, self.radius = 0.0, 0.0, collider.radius
        self.extent_x = self.width + self.radius
        self.extent_y = self.height + self.radius
        self.layer = collider.layer
        self.mask = collider.mask
        self.sensor = collider.sensor
        self.restitution = collider.restitution
        self.x = self.start_x = transform.x
        self.y = self.start_y = transform.y
        self.area: Box | None = None
        self.edge_restitution = 0.0
        self.near: list[Body] = []
        self.near_x = self.near_y = 0.0
        self.near_reach = -1.0
        self.cover()

    def __repr__(self) -> str:
        """Show which entity it is and how far it came."""
        return f"Body({self.entity}: ({self.start_x}, {self.start_y}) -> ({self.x}, {self.y}))"

    def cover(self) -> None:
        """Fit the rectangle around start and present place."""
        x, y, start_x, start_y = self.x, self.y, self.start_x, self.start_y
        self.left = (x if x < start_x else start_x) - self.extent_x
        self.right = (x if x > start_x else start_x) + self.extent_x
        self.top = (y if y < start_y else start_y) - self.extent_y
        self.bottom = (y if y > start_y else start_y) + self.extent_y

    def confine(self, bounds: Bounds2D) -> None:
        """Keep the whole shape within an area from now on; in its middle if it does not fit."""
        area = Box.between(bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y)
        half_width, half_height = max(0.0, area.half_width - self.extent_x), max(0.0, area.half_height - self.extent_y)
        self.area = Box(area.x, area.y, half_width, half_height)
        self.edge_restitution = max(self.restitution, bounds.restitution)
        self.keep_in_area()

    def keep_in_area(self) -> None:
        """Put it back to the edge if it is outside."""
        area = self.area
        if area is not None:
            self.x = min(max(self.x, area.x - area.half_width), area.x + area.half_width)
            self.y = min(max(self.y, area.y - area.half_height), area.y + area.half_height)


def meets(body: Body, other: Body) -> bool:
    """Tell whether two bodies exist for each other: each is on a layer in the other's mask."""
    return bool(body.mask & other.layer and other.mask & body.layer) and body is not other
