"""Solver: moves the bodies of one tick, so that no solid ends inside another. Used by collision.py only.

Three passes, so that no result depends on who comes first more than it must:

1. Every body goes its way among the obstacles, from contact to contact; what a contact stops is taken from step and
   velocity. Swept, so the length of the step does not matter. Bodies do not see each other yet.
2. Bodies that met on their ways, or overlap, push each other apart, each by half. A push is swept too, so nobody is
   pushed into an obstacle: then the other gives way alone. A push can cause the next; after some rounds the rest waits
   for the next tick. In a crush bodies may overlap; no obstacle is ever entered.
3. Sensors look who is there or passed by.
"""

from collections.abc import Sequence

from ecsnet.components.contacts import Contact
from ecsnet.components.velocity2d import Velocity2D
from ecsnet.systems.body import Body, meets
from ecsnet.systems.broadphase import Cells, Grid, cells_of
from ecsnet.systems.geometry import Gap, Hit, bounce, gap, reach, sweep, sweep_inside

__all__ = ["SKIN", "Solver"]

# Bodies stop this much short of what they meet. So rounding (1e-11 at 32,768 units) never makes an overlap, and a box
# that slides over a floor of several boxes does not catch on the next one. Far below the wire's 1/64.
SKIN = 2.0**-16  # world units

_MOST_CONTACTS = 8  # of one body in one step; in an acute corner it stays there until the next tick
_MOST_ROUNDS = 4  # of pushing each other in one tick


class Solver:
    """One tick's bodies and obstacles.

    Attributes:
        contacts: What met, by (entity, other).
    """

    def __init__(self, movers: list[Body], fixed: list[Body], cell_units: float, dt: float) -> None:
        """Take the bodies to move, ascending by entity and aimed, and what stays where it is."""
        self._movers = movers
        self._cell_units = cell_units
        solid = [body for body in fixed if not body.sensor]
        self._obstacles = Grid(cell_units, solid)
        for body in solid:
            self._obstacles.insert(body, self._cells_of(body))
        self._zones = [body for body in fixed if body.sensor]
        self._grid = Grid(cell_units, movers)
        self._dt = dt
        self.contacts: dict[tuple[int, int], Contact] = {}

    def solve(self) -> None:
        """Move everything by one tick."""
        for body in self._movers:
            self._go(body)
        self._push_apart()
        self._sense()

    # 1. Among the obstacles

    def _cells_of(self, body: Body) -> Cells:
        return cells_of(body.left, body.top, body.right, body.bottom, self._cell_units)

    def _go(self, body: Body) -> None:
        """Move a body by its velocity, and enter it among the bodies.

        HOT: once for each body; tests/bench/bench_collision.py. Most have nothing in their way.
        """
        left, top, right, bottom = body.left, body.top, body.right, body.bottom
        cells = cells_of(left, top, right, bottom, self._cell_units)
        near: Sequence[Body] = ()
        if not body.sensor:
            near = self._obstacles.near_in(cells, left, top, right, bottom)
            if near:
                near = [other for other in near if meets(body, other)]
        area = body.area
        if near or (area is not None and sweep_inside(body.x, body.y, body.dx, body.dy, area) is not None):
            self._advance(body, near)
            body.cover()
            cells = self._cells_of(body)
        else:
            body.x += body.dx
            body.y += body.dy
            if area is not None:
                body.keep_in_area()
        self._grid.insert(body, cells)

    def _advance(self, body: Body, near: Sequence[Body]) -> None:
        """Move a body by its velocity, along and off what it meets: first of all `near`, all on its straight way."""
        velocity = _velocity(body)
        if self._free(body, near):
            near = self._on_way(body, velocity.x * self._dt, velocity.y * self._dt)
        dx, dy = velocity.x * self._dt, velocity.y * self._dt
        for _ in range(_MOST_CONTACTS):
            hit, other = _first_hit(body, dx, dy, near)
            part = _part_until(hit, other, dx, dy)
            body.x += dx * part
            body.y += dy * part
            if hit is None:
                break
            _, normal_x, normal_y = hit
            restitution = max(body.restitution, other.restitution) if other else body.edge_restitution
            self._note(body, other, normal_x, normal_y, _closing(velocity, normal_x, normal_y))
            dx, dy = bounce(dx * (1.0 - part), dy * (1.0 - part), normal_x, normal_y, restitution)
            velocity.x, velocity.y = bounce(velocity.x, velocity.y, normal_x, normal_y, restitution)
            near = self._on_way(body, dx, dy)
        body.keep_in_area()

    def _free(self, body: Body, near: Sequence[Body]) -> bool:
        """Move a body out of obstacles it is in: they came, it was put there, or the wire rounded its place.

        Deepest first: where two boxes make one floor, that is the way up, not sideways off the next box's edge.

        Returns:
            Whether it was in one, and so is elsewhere now.
        """
        for count in range(_MOST_CONTACTS):
            overlap, other = _deepest_overlap(body, near)
            if overlap is None or other is None:
                return count > 0
            distance, normal_x, normal_y = overlap
            body.x += (SKIN - distance) * normal_x
            body.y += (SKIN - distance) * normal_y
            velocity = _velocity(body)
            self._note(body, other, normal_x, normal_y, _closing(velocity, normal_x, normal_y))
            restitution = max(body.restitution, other.restitution)
            velocity.x, velocity.y = bounce(velocity.x, velocity.y, normal_x, normal_y, restitution)
            near = self._on_way(body, 0.0, 0.0)
        return True

    def _on_way(self, body: Body, dx: float, dy: float) -> Sequence[Body]:
        """Return the obstacles that a body may meet if it goes straight from where it is by now."""
        if body.sensor:
            return ()
        wide, tall = body.extent_x, body.extent_y
        left, right = (body.x + dx, body.x) if dx < 0.0 else (body.x, body.x + dx)
        top, bottom = (body.y + dy, body.y) if dy < 0.0 else (body.y, body.y + dy)
        found = self._obstacles.near(left - wide, top - tall, right + wide, bottom + tall)
        return [other for other in found if meets(body, other)]

    # 2. Among each other

    def _push_apart(self) -> None:
        """Let the bodies that met push each other, and those push on."""
        pairs = self._all_pairs()
        for _ in range(_MOST_ROUNDS):
            moved: dict[int, Body] = {}
            for body, other in pairs:
                if self._separate(body, other):
                    moved[body.entity], moved[other.entity] = body, other
            if not moved:
                return
            pushed = [body for _, body in sorted(moved.items())]
            for body in pushed:
                body.cover()
                self._grid.insert(body, self._cells_of(body))
            pairs = self._pairs_with(pushed)

    def _all_pairs(self) -> list[tuple[Body, Body]]:
        """Return the solid pairs whose rectangles touch, in order of their entities."""
        return [
            (body, other)
            for body, other in self._grid.pairs()
            if not body.sensor and not other.sensor and meets(body, other)
        ]

    def _pairs_with(self, bodies: list[Body]) -> list[tuple[Body, Body]]:
        """Return the solid pairs with one of these bodies whose rectangles touch, in order of their entities."""
        found = {}
        for body in bodies:
            if body.sensor:
                continue
            for other in self._grid.near(body.left, body.top, body.right, body.bottom):
                if not other.sensor and meets(body, other):
                    pair = (body, other) if body.entity < other.entity else (other, body)
                    found[pair[0].entity, pair[1].entity] = pair
        return [found[key] for key in sorted(found)]

    def _separate(self, body: Body, other: Body) -> bool:
        """Push two bodies apart if they met; tell whether they had."""
        overlap = _overlap(body, other)
        if overlap is None:
            return False
        depth, normal_x, normal_y = SKIN - overlap.distance, overlap.normal_x, overlap.normal_y
        self._exchange(body, other, normal_x, normal_y)
        moved = self._shove(body, normal_x, normal_y, depth / 2)
        moved += self._shove(other, -normal_x, -normal_y, depth - moved)
        if moved < depth:
            self._shove(body, normal_x, normal_y, depth - moved)
        return True

    def _exchange(self, body: Body, other: Body, normal_x: float, normal_y: float) -> None:
        """Let two velocities meet as those of equal masses: their sum stays, their energy never grows."""
        mine, theirs = _velocity(body), _velocity(other)
        closing = _closing(mine, normal_x, normal_y, theirs)
        self._note(body, other, normal_x, normal_y, closing)
        change = closing * (1.0 + max(body.restitution, other.restitution)) / 2
        mine.x += change * normal_x
        mine.y += change * normal_y
        theirs.x -= change * normal_x
        theirs.y -= change * normal_y

    def _shove(self, body: Body, normal_x: float, normal_y: float, distance: float) -> float:
        """Move a body straight, as far as there is room; return how far."""
        dx, dy = normal_x * distance, normal_y * distance
        hit, other = _first_hit(body, dx, dy, self._on_way(body, dx, dy))
        part = _part_until(hit, other, dx, dy)
        body.x += dx * part
        body.y += dy * part
        body.keep_in_area()
        return distance * part

    # 3. Sensors

    def _sense(self) -> None:
        """Note who is in a sensor or passed through it."""
        grid = self._grid
        for zone in self._zones:
            for body in grid.near(zone.left, zone.top, zone.right, zone.bottom):
                self._sense_pair(body, zone)
        for body in self._movers:
            if body.sensor:
                for other in grid.near(body.left, body.top, body.right, body.bottom):
                    self._sense_pair(min(body, other, key=_entity), max(body, other, key=_entity))
                for other in self._obstacles.near(body.left, body.top, body.right, body.bottom):
                    self._sense_pair(body, other)

    def _sense_pair(self, body: Body, other: Body) -> None:
        if not meets(body, other):
            return
        touch = _touch(body, other)
        if touch is not None:
            closing = _closing(_velocity(body), touch.normal_x, touch.normal_y, other.velocity)
            self._note(body, other, touch.normal_x, touch.normal_y, closing)

    def _note(self, body: Body, other: Body | None, normal_x: float, normal_y: float, speed: float) -> None:
        """Keep the first contact of each pair."""
        entity = other.entity if other else 0
        sensor = body.sensor or (other is not None and other.sensor)
        contact = Contact(body.entity, entity, normal_x, normal_y, speed, sensor)
        self.contacts.setdefault((body.entity, entity), contact)


def _first_hit(body: Body, dx: float, dy: float, near: Sequence[Body]) -> tuple[Hit | None, Body | None]:
    """Return the first contact on a body's way and with which obstacle; with none at the edge of its area."""
    first = None if body.area is None else sweep_inside(body.x, body.y, dx, dy, body.area)
    met = None
    x, y, width, height, radius = body.x, body.y, body.width, body.height, body.radius
    for other in near:
        hit = sweep(x - other.x, y - other.y, dx, dy, width + other.width, height + other.height, radius + other.radius)
        if hit is None or (first is not None and hit.fraction > first.fraction):
            continue
        # A box that comes down on a floor exactly where two of its boxes join meets the top of one and, at the same
        # time, the corner of the other: the wider contact counts, or the corner would stop it.
        if (
            first is None
            or met is None
            or hit.fraction < first.fraction
            or _width_of(hit, body, other, dx, dy) > _width_of(first, body, met, dx, dy)
        ):
            first, met = hit, other
    return first, met


def _width_of(hit: Hit, body: Body, other: Body, dx: float, dy: float) -> float:
    """Return how far the side that was hit extends beyond the point of contact; at a corner nought or less."""
    if hit.normal_x:
        return body.height + other.height - abs(body.y + dy * hit.fraction - other.y)
    return body.width + other.width - abs(body.x + dx * hit.fraction - other.x)


def _part_until(hit: Hit | None, other: Body | None, dx: float, dy: float) -> float:
    """Return which part of a way is free: all of it, up to the area's edge, or until just short of an obstacle."""
    if hit is None:
        return 1.0
    if other is None:
        return hit.fraction
    return max(0.0, hit.fraction + SKIN / (dx * hit.normal_x + dy * hit.normal_y))  # the sum is negative: it closes in


def _deepest_overlap(body: Body, near: Sequence[Body]) -> tuple[Gap | None, Body | None]:
    deepest, among = None, None
    x, y, extent_x, extent_y = body.x, body.y, body.extent_x, body.extent_y
    for other in near:
        dx, dy = x - other.x, y - other.y
        if abs(dx) < extent_x + other.extent_x and abs(dy) < extent_y + other.extent_y:
            found = gap(dx, dy, body.width + other.width, body.height + other.height, body.radius + other.radius)
            if found.distance < (deepest.distance if deepest else 0.0):
                deepest, among = found, other
    return deepest, among


def _overlap(body: Body, other: Body) -> Gap | None:
    """Return how deep one body went into or through another, seen from the side on which it met it."""
    width, height, radius = body.width + other.width, body.height + other.height, body.radius + other.radius
    x, y = body.x - other.x, body.y - other.y
    start_x, start_y = body.start_x - other.start_x, body.start_y - other.start_y
    hit = sweep(start_x, start_y, x - start_x, y - start_y, width, height, radius)
    if hit is None:
        if abs(x) - width - radius >= 0.0 or abs(y) - height - radius >= 0.0:
            return None  # what `gap` would say, for most pairs at a third of the price
        found = gap(x, y, width, height, radius)
    else:
        _, normal_x, normal_y = hit
        distance = x * normal_x + y * normal_y - reach(normal_x, normal_y, width, height, radius)
        found = Gap(distance, normal_x, normal_y)
    return found if found.distance < 0.0 else None


def _touch(body: Body, other: Body) -> Hit | Gap | None:
    """Return how a body came to a sensor in this tick, or lies in it."""
    width, height, radius = body.width + other.width, body.height + other.height, body.radius + other.radius
    start_x, start_y = body.start_x - other.start_x, body.start_y - other.start_y
    dx, dy = body.x - other.x - start_x, body.y - other.y - start_y
    hit = sweep(start_x, start_y, dx, dy, width, height, radius)
    if hit is not None:
        return hit
    within = gap(start_x, start_y, width, height, radius)
    return within if within.distance < 0.0 else None


def _closing(velocity: Velocity2D, normal_x: float, normal_y: float, other: Velocity2D | None = None) -> float:
    """Return how fast something moves against a normal; 0 if it moves away."""
    x, y = (velocity.x, velocity.y) if other is None else (velocity.x - other.x, velocity.y - other.y)
    return max(0.0, -(x * normal_x + y * normal_y))


def _velocity(body: Body) -> Velocity2D:
    """Return the velocity of a body that moves."""
    assert body.velocity is not None
    return body.velocity


def _entity(body: Body) -> int:
    return body.entity
