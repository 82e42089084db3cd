"""Real physics: a pymunk space in the place of Movement and Collision, in a game of its own and over a bad network."""

import math
from collections.abc import Sequence

import pytest

pytest.importorskip("pymunk", reason='pymunk is not installed: pip install "ecsnet[physics]"')

import pymunk

from ecsnet import Game, System, World
from ecsnet.components import Collider2D, Shape, Transform2D, Velocity2D
from ecsnet.testing.network import Link
from ecsnet.testing.plugin import Simulate

FLOOR_Y = 300.0
HALF = 10.0  # of a box


class Physics(System):
    """Rigid bodies by pymunk: they turn, stack, topple and come to rest. For the server; clients interpolate.

    What has a Velocity2D is moved, what has none stays. A place or a velocity that another system wrote is taken over.
    """

    def __init__(self, gravity: float = 900.0) -> None:
        """Begin with an empty space; gravity in units per second squared, downward."""
        self._space = pymunk.Space()
        self._space.gravity = 0.0, gravity
        self._space.sleep_time_threshold = 0.5  # seconds; who lies still costs nothing, and nothing is sent of it
        self._known: dict[int, tuple[pymunk.Body, pymunk.Shape]] = {}

    def process(self, world: World) -> None:
        """Go on by one tick."""
        for entity, _ in world.removed(Collider2D):
            self._remove(entity)
        for entity, collider in world.added(Collider2D):
            self._remove(entity)
            self._add(entity, collider, is_moved=world.has_component(entity, Velocity2D))
        for entity, (transform, _) in world.get_components(Transform2D, Collider2D):
            take_over(self._space, self._known[entity][0], transform, world.try_component(entity, Velocity2D))
        self._space.step(world.dt)
        for entity, (transform, velocity, _) in world.get_components(Transform2D, Velocity2D, Collider2D):
            body, _ = self._known[entity]
            (transform.x, transform.y), transform.rotation = body.position, body.angle
            velocity.x, velocity.y = body.velocity

    def _add(self, entity: int, collider: Collider2D, *, is_moved: bool) -> None:
        body = pymunk.Body(body_type=pymunk.Body.DYNAMIC if is_moved else pymunk.Body.STATIC)
        shape: pymunk.Shape
        if collider.shape is Shape.BOX:
            shape = pymunk.Poly.create_box(body, (2 * collider.half_width, 2 * collider.half_height))
        else:
            shape = pymunk.Circle(body, collider.radius)
        shape.density, shape.friction, shape.elasticity = 1.0, 0.7, collider.restitution
        shape.sensor = collider.sensor
        shape.filter = pymunk.ShapeFilter(categories=collider.layer, mask=collider.mask)
        self._space.add(body, shape)
        self._known[entity] = body, shape

    def _remove(self, entity: int) -> None:
        if entity in self._known:
            self._space.remove(*self._known.pop(entity))


def take_over(space: pymunk.Space, body: pymunk.Body, transform: Transform2D, velocity: Velocity2D | None) -> None:
    """Take over what differs from what was written back: only that, since it wakes whoever sleeps."""
    if body.position != (transform.x, transform.y) or body.angle != transform.rotation:
        body.position, body.angle = (transform.x, transform.y), transform.rotation
        if velocity is None:
            space.reindex_shapes_for_body(body)
    if velocity is not None and body.velocity != (velocity.x, velocity.y):
        body.velocity = velocity.x, velocity.y


class Build(System):
    """Lets a tower of boxes fall onto a floor, and a ball beside it, each a little aside by chance."""

    def process(self, world: World) -> None:
        """Build in the first tick."""
        if world.get_component(Collider2D):
            return
        world.create_entity(Transform2D(x=200.0, y=FLOOR_Y + 20.0), Collider2D(half_width=400.0, half_height=20.0))
        for number in range(5):
            x = 200.0 + world.rng.uniform(-2.0, 2.0)
            box = Collider2D(half_width=HALF, half_height=HALF)
            world.create_entity(Transform2D(x=x, y=FLOOR_Y - 15.0 - 30.0 * number), Velocity2D(), box)
        ball = Collider2D(Shape.CIRCLE, radius=8.0, restitution=0.5)
        world.create_entity(Transform2D(x=300.0, y=100.0), Velocity2D(), ball)


def rigid() -> Game:
    """Return the game: what would be Movement and Collision in another is Physics here."""
    return Game("rigid", systems=[Build, Physics])


def boxes(world: World) -> list[Transform2D]:
    """Return where the boxes that move are, in the order of their making."""
    rows = world.get_components(Transform2D, Velocity2D, Collider2D)
    return [transform for _, (transform, _, collider) in rows if collider.shape is Shape.BOX]


def heights(places: Sequence[Transform2D]) -> list[float]:
    """Return how far each is above the floor, lowest first."""
    return sorted(FLOOR_Y - transform.y for transform in places)


@pytest.mark.parametrize("link", [Link.PERFECT, Link.POOR], ids=["perfect", "poor"])
def test_stacked_boxes_come_to_rest_on_the_server_and_on_its_clients(simulate: Simulate, link: Link) -> None:
    """One on the other, each a little into the one below, and then to the bit; clients simulate nothing of it."""
    sim = simulate(rigid(), clients=2, link=link, seed=3)
    sim.run(seconds=6)
    places, first = boxes(sim.server.world), [(t.x, t.y, t.rotation) for t in boxes(sim.server.world)]
    sim.run(seconds=2)

    assert [(t.x, t.y, t.rotation) for t in places] == first
    assert heights(places) == pytest.approx([HALF + 2 * HALF * level for level in range(5)], abs=2.0)
    sim.assert_converged()
    for client in sim.clients:
        assert heights(boxes(client.world)) == pytest.approx(heights(places), abs=1 / 32)


def test_a_late_joiner_sees_the_tower_as_it_stands(simulate: Simulate) -> None:
    """And as it falls: what a system writes into a Velocity2D is taken over."""
    sim = simulate(rigid(), clients=1, link=Link.POOR, seed=3)
    sim.run(seconds=4)
    late = sim.join()
    sim.run(seconds=2)
    sim.assert_converged()
    assert heights(boxes(late.world)) == pytest.approx([HALF + 2 * HALF * level for level in range(5)], abs=2.0)

    world = sim.server.world
    top = max(world.get_components(Velocity2D, Transform2D, Collider2D), key=lambda row: -row[1][1].y)
    top[1][0].x = 150.0
    sim.run(seconds=8)

    assert heights(boxes(late.world))[-1] < 9 * HALF
    sim.assert_converged()


def outcome(simulate: Simulate, seed: int) -> list[tuple[float, float, float]]:
    """Play two seconds and return where everything is, to the last bit."""
    sim = simulate(rigid(), clients=0, seed=seed)
    sim.run(seconds=2)
    return [(t.x, t.y, t.rotation) for _, t in sim.server.world.get_component(Transform2D)]


def test_the_same_seed_gives_the_same_physics(simulate: Simulate) -> None:
    """A space is a part of the simulation like any system: a failing test can be replayed."""
    assert outcome(simulate, seed=1) == outcome(simulate, seed=1)
    assert outcome(simulate, seed=1) != outcome(simulate, seed=2)


def test_who_is_deleted_or_loses_its_collider_is_gone_from_the_space() -> None:
    """What lay on it falls; another collider is another shape."""
    world = World()
    floor = world.create_entity(Transform2D(y=20.0), Collider2D(half_width=50.0, half_height=10.0))
    place = Transform2D()
    box = world.create_entity(place, Velocity2D(), Collider2D(half_width=10.0, half_height=10.0))
    world.add_system(Physics())
    for _ in range(30):
        world.process()
    assert place.y == pytest.approx(0.0, abs=1.0)

    world.remove_component(box, Collider2D)
    world.add_component(box, Collider2D(Shape.CIRCLE, radius=4.0))
    for _ in range(60):
        world.process()
    assert place.y == pytest.approx(6.0, abs=1.0)

    world.delete_entity(floor)
    for _ in range(60):
        world.process()
    assert place.y > 100.0
    assert math.isfinite(place.rotation)
