"""Where shapes meet: gaps between them, and the moment one on its way touches another. Pure functions.

Every shape is a box with rounded corners: a plain box has radius 0, a circle width and height 0. Two of them touch
exactly when the difference of their centres, a point, touches the rounded box of their summed sizes. So a gap and a
sweep of a point, `gap` and `sweep`, do for every pair of shapes; the functions named after shapes only add up sizes.

Widths and heights are half of the whole, from the centre to the side. Lengths are world units, y grows downward.
Normals are unit vectors away from what was met, towards what moved. A place, a step and a size are six or seven plain
numbers in the general functions: objects would double what a call costs.
"""

from math import copysign, hypot, inf, sqrt
from typing import NamedTuple

__all__ = [
    "Box",
    "Circle",
    "Gap",
    "Hit",
    "bounce",
    "gap",
    "gap_box_box",
    "gap_circle_box",
    "gap_circle_circle",
    "reach",
    "sweep",
    "sweep_box_box",
    "sweep_circle_box",
    "sweep_circle_circle",
    "sweep_inside",
]


class Box(NamedTuple):
    """An upright rectangle: its centre, and from there to the sides."""

    x: float
    y: float
    half_width: float
    half_height: float

    @classmethod
    def between(cls, left: float, top: float, right: float, bottom: float) -> "Box":
        """Return the box with these sides."""
        return cls((left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2)


class Circle(NamedTuple):
    """A circle: its centre, and from there to its edge."""

    x: float
    y: float
    radius: float


class Gap(NamedTuple):
    """How far two shapes are apart; the depth of their overlap, negative, if they are not."""

    distance: float
    normal_x: float
    normal_y: float


class Hit(NamedTuple):
    """Where on a way two shapes touch: after which part of it, 0 to 1."""

    fraction: float
    normal_x: float
    normal_y: float


def gap_circle_box(x: float, y: float, radius: float, box: Box) -> Gap:
    """Return the gap between a circle and a box."""
    return gap(x - box.x, y - box.y, box.half_width, box.half_height, radius)


def gap_box_box(moving: Box, box: Box) -> Gap:
    """Return the gap between two boxes."""
    width, height = moving.half_width + box.half_width, moving.half_height + box.half_height
    return gap(moving.x - box.x, moving.y - box.y, width, height, 0.0)


def gap_circle_circle(x: float, y: float, radius: float, other: Circle) -> Gap:
    """Return the gap between two circles."""
    return gap(x - other.x, y - other.y, 0.0, 0.0, radius + other.radius)


def sweep_circle_box(x: float, y: float, dx: float, dy: float, radius: float, box: Box) -> Hit | None:
    """Return where a circle that moves by (dx, dy) first touches a box; None if it does not. See `sweep`."""
    return sweep(x - box.x, y - box.y, dx, dy, box.half_width, box.half_height, radius)


def sweep_box_box(moving: Box, dx: float, dy: float, box: Box) -> Hit | None:
    """Return where a box that moves by (dx, dy) first touches another; None if it does not. See `sweep`."""
    width, height = moving.half_width + box.half_width, moving.half_height + box.half_height
    return sweep(moving.x - box.x, moving.y - box.y, dx, dy, width, height, 0.0)


def sweep_circle_circle(x: float, y: float, dx: float, dy: float, radius: float, other: Circle) -> Hit | None:
    """Return where a circle that moves by (dx, dy) first touches another; None if it does not. See `sweep`."""
    return sweep(x - other.x, y - other.y, dx, dy, 0.0, 0.0, radius + other.radius)


def gap(x: float, y: float, width: float, height: float, radius: float) -> Gap:
    """Return the gap between a point and a rounded box around the origin.

    Inside, the normal is the shortest way out: moving by `-distance` along it ends the overlap.
    """
    over_x, over_y = abs(x) - width, abs(y) - height
    if over_x > 0.0 and over_y > 0.0:
        distance = hypot(over_x, over_y)
        return Gap(distance - radius, copysign(over_x / distance, x), copysign(over_y / distance, y))
    if over_x >= over_y:
        return Gap(over_x - radius, copysign(1.0, x), 0.0)
    return Gap(over_y - radius, 0.0, copysign(1.0, y))


def sweep(  # noqa: C901, PLR0911  # a call costs as much as an axis, and each return is a miss known early
    x: float, y: float, dx: float, dy: float, width: float, height: float, radius: float
) -> Hit | None:
    """Return where a point that moves by (dx, dy) first touches a rounded box around the origin.

    Whatever the length of the way, nothing is jumped over. A point that touches already, or is inside, is met at once
    if its way leads further in, and never if it leads out or along.

    HOT: once per body and obstacle near it, each tick; tests/bench/bench_collision.py.
    """
    # The box with sharp corners around the rounded one is entered on the later axis and left on the earlier.
    wide, tall = width + radius, height + radius
    enter_x = enter_y = -inf
    leave = inf
    if dx:
        enter_x, leave = (-wide - x) / dx, (wide - x) / dx
        if dx < 0.0:
            enter_x, leave = leave, enter_x
    elif not -wide < x < wide:
        return None
    if dy:
        enter_y, leave_y = (-tall - y) / dy, (tall - y) / dy
        if dy < 0.0:
            enter_y, leave_y = leave_y, enter_y
        leave = leave_y if leave_y < leave else leave  # half the cost of min()
    elif not -tall < y < tall:
        return None
    enter = enter_x if enter_x >= enter_y else enter_y
    if enter > 1.0 or leave <= 0.0 or enter >= leave:
        return None
    if enter < 0.0:
        return _sweep_from_within(x, y, dx, dy, width, height, radius)
    if radius:
        at_x, at_y = x + dx * enter, y + dy * enter
        if abs(at_x) > width and abs(at_y) > height:
            return _sweep_corner(x - copysign(width, at_x), y - copysign(height, at_y), dx, dy, radius)
    if enter_x >= enter_y:
        return Hit(enter, -copysign(1.0, dx), 0.0)
    return Hit(enter, 0.0, -copysign(1.0, dy))


def _sweep_from_within(
    x: float, y: float, dx: float, dy: float, width: float, height: float, radius: float
) -> Hit | None:
    """Sweep a point that begins within the sharp corners: inside, or where the rounding leaves room."""
    distance, normal_x, normal_y = gap(x, y, width, height, radius)
    if distance > 0.0 and abs(x) > width and abs(y) > height:
        return _sweep_corner(x - copysign(width, x), y - copysign(height, y), dx, dy, radius)
    return Hit(0.0, normal_x, normal_y) if dx * normal_x + dy * normal_y < 0.0 else None


def _sweep_corner(x: float, y: float, dx: float, dy: float, radius: float) -> Hit | None:
    """Return where a point outside of a circle around the origin meets it.

    It begins in a corner or enters there, so if it misses the corner's circle, it misses the sides as well.
    """
    towards = x * dx + y * dy
    length_squared = dx * dx + dy * dy
    # The line passes the origin at |cross| / length. Far away this keeps the digits that x * x + y * y - r * r loses.
    cross = x * dy - y * dx
    under_root = radius * radius * length_squared - cross * cross
    if towards >= 0.0 or under_root <= 0.0:
        return None
    root = sqrt(under_root)
    fraction = (-towards - root) / length_squared
    if fraction > 1.0:
        return None
    # From the part across the way and the part along it, so that the normal is exact also where the place is not.
    scale = 1.0 / (length_squared * radius)
    return Hit(max(0.0, fraction), (cross * dy - root * dx) * scale, (-cross * dx - root * dy) * scale)


def sweep_inside(x: float, y: float, dx: float, dy: float, area: tuple[float, float, float, float]) -> Hit | None:
    """Return where a point inside an area, a Box, meets its edge on the way out; None if it stays inside.

    HOT: once for each body with Bounds2D, each tick; tests/bench/bench_collision.py.
    """
    center_x, center_y, half_width, half_height = area
    at_x, at_y = x - center_x, y - center_y
    if -half_width <= at_x + dx <= half_width and -half_height <= at_y + dy <= half_height:
        return None
    part_x, part_y = _part_inside(at_x, dx, half_width), _part_inside(at_y, dy, half_height)
    if part_x <= part_y:
        return None if part_x >= 1.0 else Hit(part_x, -copysign(1.0, dx), 0.0)
    return None if part_y >= 1.0 else Hit(part_y, 0.0, -copysign(1.0, dy))


def _part_inside(at: float, step: float, half: float) -> float:
    """Return after which part of a step -half..half is left; 1 if it is not."""
    end = at + step
    if -half <= end <= half or not step:
        return 1.0
    return min(1.0, max(0.0, (copysign(half, step) - at) / step))


def reach(normal_x: float, normal_y: float, width: float, height: float, radius: float) -> float:
    """Return how far a rounded box extends from its centre along a normal."""
    return width * abs(normal_x) + height * abs(normal_y) + radius


def bounce(dx: float, dy: float, normal_x: float, normal_y: float, restitution: float) -> tuple[float, float]:
    """Return a way or velocity after it met something; at restitution 0 it slides along.

    What leads into the obstacle is turned round and multiplied by the restitution, the rest stays. So with 0 to 1 it
    never grows; what leads away from the obstacle is not changed at all.
    """
    into = dx * normal_x + dy * normal_y
    if into >= 0.0:
        return dx, dy
    into *= 1.0 + restitution
    return dx - into * normal_x, dy - into * normal_y
