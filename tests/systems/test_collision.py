"""Collision: what stops, slides, bounces, pushes and passes; on the server and while a client predicts."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsnet.components import (
    Bounds2D,
    Collider2D,
    Contact,
    MaxSpeed,
    Predicted,
    Shape,
    Transform2D,
    Velocity2D,
)
from ecsnet.systems import Collision, broadphase, collision
from ecsnet.systems.solver import SKIN
from tests.systems.scene import WALL, Scene, between

ROUNDING = 1e-9  # what a long computation may be off


# Obstacles


@pytest.mark.parametrize("speed", [60.0, 600.0, 10_000.0, 1e6])
@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize(("x", "y"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_nothing_goes_through_a_thin_wall(shape: Shape, x: int, y: int, speed: float) -> None:
    """Whatever its speed: 10,000 units per second are 156 in a tick, through a wall of 5."""
    scene = Scene()
    scene.room(-50.0, -50.0, 50.0, 50.0)
    place, velocity = Transform2D(), Velocity2D(x=speed * x, y=speed * y)
    scene.body(place, velocity, Collider2D(shape, half_width=5.0, half_height=5.0, radius=5.0))
    scene.run(ticks=60)

    assert (place.x, place.y) == pytest.approx((45.0 * x, 45.0 * y), abs=2 * SKIN)
    assert (velocity.x, velocity.y) == (0.0, 0.0)


@pytest.mark.parametrize("shape", Shape)
def test_a_body_slides_along_a_wall(shape: Shape) -> None:
    """Each axis is resolved on its own: the one that is free keeps its speed to the last bit."""
    scene = Scene()
    scene.wall(100.0, -30_000.0, 105.0, 30_000.0)
    place, velocity = Transform2D(x=80.0), Velocity2D(x=256.0, y=128.0)
    scene.body(place, velocity, Collider2D(shape, half_width=5.0, half_height=5.0, radius=5.0))
    scene.run(ticks=64)

    assert place.x == pytest.approx(95.0, abs=2 * SKIN)
    assert place.y == pytest.approx(128.0, abs=2 * SKIN)
    assert (velocity.x, velocity.y) == (0.0, 128.0)


@pytest.mark.parametrize("rounded", [False, True], ids=["exact", "rounded"])
@pytest.mark.parametrize("way", [-1, 1], ids=["left", "right"])
@pytest.mark.parametrize("offset", [0.0, 1 / 3, -1 / 3, 1 / 128])
@pytest.mark.parametrize("shape", Shape)
def test_a_floor_of_many_boxes_is_as_smooth_as_one(shape: Shape, offset: float, way: int, *, rounded: bool) -> None:
    """Pressed down, as by gravity, a body catches on no seam, also where the wire rounds its place into the floor."""
    scene = Scene()
    for number in range(40):
        scene.wall(16.0 * number, 100.0 + offset, 16.0 * number + 16.0, 116.0 + offset)
    place, velocity = Transform2D(x=320.0, y=90.0), Velocity2D()
    scene.body(place, velocity, Collider2D(shape, half_width=8.0, half_height=8.0, radius=8.0))
    for _ in range(64):
        velocity.x, velocity.y = 256.25 * way, velocity.y + 16.0
        scene.run()
        if rounded:
            place.x, place.y = round(place.x * 64) / 64, round(place.y * 64) / 64

        assert velocity.x == 256.25 * way
    assert place.x == pytest.approx(320.0 + 256.25 * way, abs=1.0)
    assert place.y == pytest.approx(92.0 + offset, abs=1 / 64)


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("shape", Shape)
def test_a_floor_is_smooth_wherever_it_lies(shape: Shape, seed: int) -> None:
    """Numbers that binary fractions cannot hold, in whichever order the boxes were laid."""
    random = Random(seed)
    scene = Scene()
    offset, half, width = random.uniform(0.0, 1000.0), random.choice([7.3, 0.1]), random.choice([16.0, 3.7, 10.1])
    for number in random.sample(range(60), 60):
        scene.wall(offset + width * number, offset, offset + width * (number + 1), offset + 10.0)
    place, velocity = Transform2D(x=offset + width * 30, y=offset - half), Velocity2D()
    scene.body(place, velocity, Collider2D(shape, half_width=half, half_height=half, radius=half))
    speed = random.choice([-100.1, 256.25, 33.3])
    for _ in range(12):
        velocity.x, velocity.y = speed, velocity.y + random.choice([0.0, 16.3])
        scene.run()

        assert velocity.x == pytest.approx(speed)
        assert scene.least_gap() >= -ROUNDING


@pytest.mark.parametrize("lower", [0, 1])
def test_who_sank_into_a_floor_is_lifted_and_not_moved_aside(lower: int) -> None:
    """It is in one box by far and in the next by almost nothing, and the way out of that one is sideways."""
    scene = Scene()
    for left in ((16.0, 0.0), (0.0, 16.0))[lower]:
        scene.wall(left, 100.0, left + 16.0, 116.0)
    place, _ = scene.box(24.0 - 1 / 1000, 92.0 + 1 / 128, half=8.0)
    scene.run()

    assert place.x == 24.0 - 1 / 1000
    assert place.y == pytest.approx(92.0, abs=2 * SKIN)


def test_a_body_stops_in_a_corner() -> None:
    """Both axes are blocked, for good."""
    scene = Scene()
    scene.room(0.0, 0.0, 100.0, 100.0)
    place, velocity = scene.box(50.0, 50.0)
    for _ in range(30):
        velocity.x, velocity.y = 300.0, 300.0
        scene.run()

    assert (place.x, place.y) == pytest.approx((85.0, 85.0), abs=2 * SKIN)


@pytest.mark.parametrize("restitution", [0.25, 0.8, 1.0])
def test_a_ball_bounces(restitution: float) -> None:
    """It goes back with its part of the speed, and uses the whole tick."""
    scene = Scene()
    scene.wall(100.0, -100.0, 105.0, 100.0)
    place, velocity = scene.circle(90.0, 0.0, 640.0, 320.0, restitution)
    scene.run()

    assert (velocity.x, velocity.y) == (-640.0 * restitution, 320.0)
    assert place.x == pytest.approx(95.0 - 5.0 * restitution, abs=4 * SKIN)
    assert place.y == pytest.approx(5.0, abs=4 * SKIN)


def test_the_greater_restitution_counts() -> None:
    """A trampoline throws everybody."""
    scene = Scene()
    place = Transform2D(x=100.0)
    scene.world.create_entity(place, Collider2D(half_width=5.0, half_height=100.0, restitution=1.0))
    _, velocity = scene.circle(80.0, 0.0, 640.0, 0.0, restitution=0.5)
    scene.run(ticks=2)

    assert velocity.x == -640.0


def test_whoever_is_inside_an_obstacle_is_put_out_the_shortest_way() -> None:
    """It was spawned there, or a door closed on it."""
    scene = Scene()
    scene.wall(100.0, -500.0, 200.0, 500.0)
    place, _ = scene.box(190.0, 0.0)
    scene.run()

    assert place.x == pytest.approx(215.0, abs=2 * SKIN)
    assert scene.least_gap() >= -ROUNDING


# Bounds


@pytest.mark.parametrize(("restitution", "back"), [(0.0, 0.0), (1.0, -6400.0)])
def test_bounds_hold_the_whole_collider_exactly(restitution: float, back: float) -> None:
    """An edge is not an obstacle: nothing is stopped short of it."""
    scene = Scene()
    place, velocity = Transform2D(x=700.0, y=200.0), Velocity2D(x=6400.0, y=64.0)
    bounds = Bounds2D(10.0, 10.0, 790.0, 390.0, restitution=restitution)
    entity = scene.body(place, velocity, Collider2D(half_width=15.0, half_height=15.0), bounds)
    scene.run()

    assert velocity.x == back
    assert place.x == (775.0 if restitution == 0.0 else 750.0)
    assert place.y == 201.0
    assert scene.contacts() == [Contact(entity, 0, -1.0, 0.0, 6400.0, sensor=False)]


def test_bounds_smaller_than_the_collider_hold_it_in_their_middle() -> None:
    """There is no better place."""
    scene = Scene()
    place = Transform2D(x=700.0, y=200.0)
    bounds = Bounds2D(0.0, 0.0, 10.0, 10.0)
    scene.body(place, Velocity2D(x=64.0), Collider2D(half_width=15.0, half_height=15.0), bounds)
    scene.run(ticks=3)

    assert (place.x, place.y) == (5.0, 5.0)


# Bodies among each other


def test_two_bodies_push_apart_equally() -> None:
    """Neither is favoured, whichever was made first."""
    scene = Scene()
    left, _ = scene.box(395.0, 100.0)
    right, _ = scene.box(405.0, 100.0)
    scene.run()

    assert right.x - left.x == pytest.approx(30.0, abs=2 * SKIN)
    assert left.x + right.x == 800.0
    assert left.y == right.y == 100.0


def test_a_pushed_body_gives_way_at_half_the_speed() -> None:
    """Both have the same mass, and what is between them is shared."""
    scene = Scene()
    pusher, velocity = scene.box(0.0, 0.0)
    pushed, other = scene.box(30.0, 0.0)
    velocity.x = 64.0
    scene.run(ticks=64)

    assert (velocity.x, other.x) == (32.0, 32.0)
    assert pushed.x == pytest.approx(62.0, abs=1.0)
    assert pushed.x - pusher.x == pytest.approx(30.0, abs=2 * SKIN)


def test_who_has_a_wall_behind_gives_no_way() -> None:
    """The other takes all of the push; nobody is pushed into an obstacle."""
    scene = Scene()
    scene.wall(100.0, -50.0, 105.0, 50.0)
    pusher, velocity = scene.box(50.0, 0.0)
    pushed, _ = scene.box(84.0, 0.0)
    for _ in range(20):
        velocity.x = 640.0
        scene.run()

    assert pushed.x == pytest.approx(85.0, abs=4 * SKIN)
    assert pusher.x == pytest.approx(55.0, abs=4 * SKIN)


@pytest.mark.parametrize("speed", [600.0, 10_000.0])
@pytest.mark.parametrize("shapes", [(Shape.BOX, Shape.BOX), (Shape.CIRCLE, Shape.CIRCLE), (Shape.BOX, Shape.CIRCLE)])
def test_fast_bodies_do_not_pass_through_each_other(shapes: tuple[Shape, Shape], speed: float) -> None:
    """They meet in the middle of the tick, not at its end."""
    scene = Scene()
    places = Transform2D(x=-20.0), Transform2D(x=20.0)
    for place, shape, velocity in zip(places, shapes, (speed, -speed), strict=True):
        collider = Collider2D(shape, half_width=5.0, half_height=5.0, radius=5.0)
        scene.body(place, Velocity2D(x=velocity), collider)
    scene.run(ticks=5)

    assert places[1].x - places[0].x == pytest.approx(10.0, abs=2 * SKIN)
    assert places[0].x + places[1].x == pytest.approx(0.0, abs=1e-9)


def test_equal_balls_that_lose_nothing_exchange_their_speeds() -> None:
    """As on a billiard table."""
    scene = Scene()
    _, first = scene.circle(0.0, 0.0, 640.0, 0.0, restitution=1.0)
    _, second = scene.circle(15.0, 0.0, 0.0, 0.0, restitution=1.0)
    scene.run()

    assert (first.x, second.x) == (0.0, 640.0)


def test_a_push_is_handed_on() -> None:
    """A row of bodies moves as one, and none is run over."""
    scene = Scene()
    row = [scene.box(30.0 * number, 0.0) for number in range(4)]
    for _ in range(64):
        row[0][1].x = 64.0
        scene.run()
    places = [place.x for place, _ in row]

    assert places[-1] > 95.0
    assert all(right - left > 28.0 for left, right in pairwise(places))


@pytest.mark.parametrize("pusher", [0, 5], ids=["first", "last"])
def test_a_push_runs_through_a_row_within_a_tick(pusher: int) -> None:
    """In the order of the entities and against it, else rows would be softer in one direction."""
    scene = Scene()
    row = [scene.box(30.0 * number, 0.0) for number in range(6)]
    row[pusher][1].x = 640.0 if pusher == 0 else -640.0
    scene.run()
    places = [place.x for place, _ in row]

    assert min(right - left for left, right in pairwise(places)) > 28.0


@pytest.mark.parametrize("side", [-1, 1])
def test_who_is_pushed_far_meets_what_is_there(side: int) -> None:
    """A push is as careful as a step: nobody is pushed into or through a wall that it was not near before."""
    scene = Scene()
    scene.wall(103.0, -500.0, 108.0, 500.0)
    scene.wall(-108.0, -500.0, -103.0, 500.0)
    scene.box(0.0, 0.0, half=100.0)
    small, _ = scene.box(50.0 * side, 0.0, half=5.0)
    for _ in range(10):
        scene.run()

        assert scene.least_gap() >= -ROUNDING
    assert small.x == pytest.approx(98.0 * side, abs=2 * SKIN)


# Layers and sensors


@pytest.mark.parametrize(
    ("layer", "mask", "stopped"), [(1, 1, True), (1, 3, True), (2, 1, False), (1, 2, False), (2, 0xFFFF, False)]
)
def test_colliders_meet_if_each_has_the_other_in_its_mask(layer: int, mask: int, *, stopped: bool) -> None:
    """One alone decides nothing: it would stop at who does not notice it."""
    scene = Scene()
    scene.world.create_entity(Transform2D(x=50.0), Collider2D(half_width=5.0, half_height=50.0, layer=1, mask=1))
    place = Transform2D()
    collider = Collider2D(half_width=5.0, half_height=5.0, layer=layer, mask=mask)
    scene.body(place, Velocity2D(x=6400.0), collider)
    scene.run()

    assert (place.x < 50.0) == stopped
    assert bool(scene.contacts()) == stopped


def test_a_sensor_tells_and_does_not_stop() -> None:
    """A goal line, a trap, a lamp's light; also for what is through in less than a tick."""
    scene = Scene()
    collider = Collider2D(half_width=WALL / 2, half_height=50.0, sensor=True)
    zone = scene.world.create_entity(Transform2D(x=50.0), collider)
    place, velocity = Transform2D(), Velocity2D(x=6400.0)
    entity = scene.body(place, velocity, Collider2D(Shape.CIRCLE, radius=1.0))
    scene.run()

    assert scene.contacts() == [Contact(entity, zone, -1.0, 0.0, 6400.0, sensor=True)]
    assert (place.x, velocity.x) == (100.0, 6400.0)
    scene.run()
    assert scene.contacts() == []


def test_who_rests_in_a_sensor_is_told_every_tick() -> None:
    """Until it leaves."""
    scene = Scene()
    scene.world.create_entity(Transform2D(), Collider2D(half_width=50.0, half_height=50.0, sensor=True))
    _, velocity = scene.box(0.0, 0.0)
    scene.run(ticks=2)
    assert len(scene.contacts()) == 1
    velocity.x = 64.0 * 66.0
    scene.run(ticks=2)

    assert scene.contacts() == []


def test_a_moving_sensor_goes_through_walls_and_tells_of_all_it_meets() -> None:
    """A shot that pierces: an obstacle, a body and another sensor, once each."""
    scene = Scene()
    wall = scene.wall(20.0, -50.0, 25.0, 50.0)
    other = scene.body(Transform2D(x=60.0), Velocity2D(), Collider2D(half_width=5.0, half_height=5.0))
    shot = scene.body(Transform2D(), Velocity2D(x=6400.0), Collider2D(Shape.CIRCLE, radius=1.0, sensor=True))
    target = Collider2D(half_width=5.0, half_height=5.0, sensor=True)
    zone = scene.world.create_entity(Transform2D(x=80.0), target)
    scene.run()

    assert sorted(contact.other for contact in scene.contacts(shot)) == [wall, other, zone]
    assert {contact.speed for contact in scene.contacts(shot)} == {6400.0}


# Prediction


def test_a_client_moves_its_own_body_only() -> None:
    """Others are obstacles where it last saw them, whatever their velocity."""
    scene = Scene()
    mine, theirs = Transform2D(), Transform2D(x=40.0)
    own = scene.body(mine, Velocity2D(x=6400.0), Collider2D(half_width=5.0, half_height=5.0), Predicted())
    other = scene.body(theirs, Velocity2D(x=640.0), Collider2D(half_width=5.0, half_height=5.0))
    with scene.world.predicting():
        scene.world.run(Collision())

    assert mine.x == pytest.approx(30.0, abs=2 * SKIN)
    assert theirs.x == 40.0
    assert scene.contacts() == [Contact(own, other, -1.0, 0.0, 6400.0, sensor=False)]


def test_a_client_without_a_body_does_nothing() -> None:
    """A spectator."""
    scene = Scene()
    place, _ = scene.box(0.0, 0.0, 64.0)
    with scene.world.predicting():
        scene.world.run(Collision())

    assert place.x == 0.0
    assert scene.contacts() == []


def test_prediction_is_what_the_server_does_among_obstacles() -> None:
    """To the last bit, or every tick would be mended."""
    server, client = Scene(), Scene()
    places = []
    for scene, marker in ((server, MaxSpeed(1e6)), (client, Predicted())):
        scene.room(0.0, 0.0, 300.0, 200.0)
        scene.wall(100.0, 50.0, 140.0, 120.0)
        place = Transform2D(x=50.0, y=50.0)
        collider = Collider2D(Shape.CIRCLE, radius=5.0, restitution=0.9)
        scene.body(place, Velocity2D(x=777.0, y=555.0), collider, marker)
        places.append(place)
    for _ in range(200):
        server.run()
        with client.world.predicting():
            client.world.run(Collision())

        assert (places[0].x, places[0].y) == (places[1].x, places[1].y)


# What always holds

DrawnObstacle = tuple[Shape, int, int, int]  # shape, column, row, half its width
DrawnMover = tuple[Shape, int, int, float, float, float]  # shape, column, row, velocity, restitution

obstacles = st.tuples(st.sampled_from(Shape), st.integers(0, 5), st.integers(0, 5), st.integers(4, 30))
speeds = st.one_of(st.floats(-600.0, 600.0), st.floats(-10_000.0, 10_000.0))
movers = st.tuples(st.sampled_from(Shape), st.integers(0, 4), st.integers(0, 4), speeds, speeds, st.floats(0.0, 1.0))


def groups(least: int, most: int) -> st.SearchStrategy[list[DrawnMover]]:
    """Draw bodies that do not begin in each other."""
    return st.lists(movers, min_size=least, max_size=most, unique_by=lambda mover: mover[1:3])


def build(walls: list[DrawnObstacle], moving: list[DrawnMover]) -> Scene:
    """Build a closed room 600 units wide with obstacles on the crossings of a grid and bodies between them."""
    scene = Scene()
    scene.room(-50.0, -50.0, 550.0, 550.0)
    for shape, column, row, half in walls:
        collider = Collider2D(shape, half_width=half, half_height=half / 2, radius=half)
        scene.world.create_entity(Transform2D(x=100.0 * column, y=100.0 * row), collider)
    for shape, column, row, velocity_x, velocity_y, restitution in moving:
        collider = Collider2D(shape, half_width=7.0, half_height=5.0, radius=6.0, restitution=restitution)
        place = Transform2D(x=100.0 * column + 50.0, y=100.0 * row + 50.0)
        scene.body(place, Velocity2D(x=velocity_x, y=velocity_y), collider)
    return scene


@settings(max_examples=60, deadline=None)
@given(st.lists(obstacles, max_size=8), groups(1, 6))
def test_nobody_is_ever_in_an_obstacle_or_out_of_the_room(walls: list[DrawnObstacle], moving: list[DrawnMover]) -> None:
    """Whatever they run into, and whoever pushes them; and nobody gains energy from it."""
    scene = build(walls, moving)
    energy = scene.energy()
    for _ in range(8):
        scene.run()

        assert scene.least_gap() >= -ROUNDING
        assert all(max(abs(body.x - 250.0), abs(body.y - 250.0)) < 300.0 for body in scene.bodies() if body.velocity)
        assert scene.energy() <= energy * (1.0 + 1e-9)
        energy = scene.energy()


@settings(max_examples=60, deadline=None)
@given(groups(2, 2))
def test_two_bodies_end_apart(moving: list[DrawnMover]) -> None:
    """Not in each other, and not in exchanged places after a shot straight through."""
    scene = build([], moving)
    for _ in range(8):
        scene.run()
        first, second = (body for body in scene.bodies() if body.velocity)

        assert between(first, second) >= -ROUNDING


@settings(max_examples=30, deadline=None)
@given(st.lists(obstacles, max_size=8), groups(1, 6))
def test_the_grid_changes_nothing(walls: list[DrawnObstacle], moving: list[DrawnMover]) -> None:
    """Who is asked first depends on the cells, what happens does not: a client's cells are others than the server's."""
    outcomes = []
    for most_without_grid, most_cells in ((1000, 64), (0, 64), (0, 0)):  # no grid, a grid, everybody too large for it
        scene = build(walls, moving)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(collision, "_MOST_WITHOUT_GRID", most_without_grid)
            patch.setattr(broadphase, "_MOST_CELLS", most_cells)
            scene.run(ticks=4)
        outcomes.append(([(body.x, body.y) for body in scene.bodies()], scene.contacts()))

    assert outcomes[0] == outcomes[1] == outcomes[2]
