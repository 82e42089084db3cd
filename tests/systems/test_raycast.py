"""Raycast: what a shot meets first, and who is in a circle."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.components import Collider2D, Predicted, Shape, Transform2D, Velocity2D
from ecsnet.systems import RayHit, cast, overlaps
from ecsnet.world import World


def world_with(*colliders: tuple[float, float, Collider2D]) -> World:
    """Return a World with entities 1, 2, ... at these places."""
    world = World(scope_marker=Predicted)
    for x, y, collider in colliders:
        world.create_entity(Transform2D(x=x, y=y), collider)
    return world


def box(half: float = 5.0, *, layer: int = 1, sensor: bool = False) -> Collider2D:
    """Return a square."""
    return Collider2D(half_width=half, half_height=half, layer=layer, sensor=sensor)


def circle(radius: float = 5.0, *, sensor: bool = False) -> Collider2D:
    """Return a disc."""
    return Collider2D(Shape.CIRCLE, radius=radius, sensor=sensor)


# A ray


def test_a_ray_meets_the_nearest_first() -> None:
    """Where it does, and how far it came."""
    world = world_with((60.0, 0.0, box()), (40.0, 1.0, box()), (80.0, 0.0, box()))

    assert cast(world, 0.0, 0.0, 100.0, 0.0) == RayHit(2, 0.35, 35.0, 0.0, -1.0, 0.0)


def test_a_ray_that_misses_meets_nobody() -> None:
    """It ends short, goes past, leads away or goes nowhere."""
    world = world_with((50.0, 0.0, box()))

    assert cast(world, 0.0, 0.0, 44.9, 0.0) is None
    assert cast(world, 0.0, 6.0, 100.0, 0.0) is None
    assert cast(world, 0.0, 0.0, -100.0, 0.0) is None
    assert cast(world, 0.0, 0.0, 0.0, 0.0) is None


def test_a_ray_meets_a_disc_where_it_is_round() -> None:
    """The normal is the radius there."""
    hit = cast(world_with((50.0, 0.0, circle())), 0.0, 3.0, 100.0, 0.0)

    assert hit is not None
    assert (hit.x, hit.y) == pytest.approx((46.0, 3.0))
    assert (hit.normal_x, hit.normal_y) == pytest.approx((-0.8, 0.6))


def test_a_thick_ray_meets_what_a_thin_one_passes() -> None:
    """The point is where the two touch, not the centre of what flew."""
    world = world_with((50.0, 6.0, box()))

    assert cast(world, 0.0, 0.0, 100.0, 0.0) is None
    hit = cast(world, 0.0, 0.0, 100.0, 0.0, radius=2.0)
    assert hit is not None
    assert math.hypot(hit.x - (0.0 + 100.0 * hit.fraction), hit.y) == pytest.approx(2.0)
    assert (hit.x, hit.y) == pytest.approx((45.0, 1.0))


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_met_at_once_the_older_counts(*, turned: bool) -> None:
    """Server and clients answer alike."""
    colliders = [(50.0, 4.0, box()), (50.0, -4.0, box())]
    world = world_with(*(reversed(colliders) if turned else colliders))

    hit = cast(world, 0.0, 0.0, 100.0, 0.0)

    assert hit is not None
    assert hit.entity == 1


def test_who_starts_inside_is_met_only_on_the_way_in() -> None:
    """A shot from the edge of a shield leaves it."""
    world = world_with((0.0, 0.0, box(10.0)))

    assert cast(world, 8.0, 0.0, 100.0, 0.0) is None
    inward = cast(world, 8.0, 0.0, -100.0, 0.0)
    assert inward is not None
    assert inward.fraction == 0.0


def test_what_a_ray_meets_can_be_narrowed() -> None:
    """The shooter, other layers, and sensors unless asked for."""
    world = world_with((10.0, 0.0, box()), (30.0, 0.0, box(layer=2)), (50.0, 0.0, box(sensor=True)), (70.0, 0.0, box()))

    def first(**options: bool | int | tuple[int, ...]) -> int:
        hit = cast(world, 0.0, 0.0, 100.0, 0.0, **options)  # type: ignore[arg-type]  # one of several keywords
        return hit.entity if hit else 0

    assert first() == 1
    assert first(ignore=(1,)) == 2
    assert first(ignore=(1,), mask=1) == 4
    assert first(ignore=(1,), mask=1, sensors=True) == 3
    assert first(mask=4) == 0


def test_a_client_asks_about_all_not_only_what_it_predicts() -> None:
    """A predicted system that shoots hits the others."""
    world = world_with((50.0, 0.0, box()))
    world.create_entity(Transform2D(), Velocity2D(), box(), Predicted())
    with world.predicting():
        hit = cast(world, 0.0, 0.0, 100.0, 0.0, ignore=(2,))
        inside = overlaps(world, 50.0, 0.0, 1.0)

    assert hit is not None
    assert hit.entity == 1
    assert inside == [1]


# A circle


def test_a_circle_overlaps_whom_it_reaches() -> None:
    """Ascending; who is only touched is not overlapped."""
    world = world_with((20.0, 0.0, box()), (0.0, 0.0, circle()), (-30.0, 0.0, box()), (0.0, 12.0, circle(sensor=True)))

    assert overlaps(world, 0.0, 0.0, 16.0) == [1, 2]
    assert overlaps(world, 0.0, 0.0, 15.0) == [2]
    assert overlaps(world, 0.0, 0.0, 16.0, sensors=True) == [1, 2, 4]
    assert overlaps(world, 0.0, 0.0, 16.0, ignore=[2]) == [1]
    assert overlaps(world, 0.0, 0.0, 16.0, mask=2) == []


def test_a_point_is_in_whatever_is_around_it() -> None:
    """Radius 0: what is under the mouse."""
    world = world_with((0.0, 0.0, box()), (4.0, 4.0, circle(3.0)))

    assert overlaps(world, 3.0, 3.0, 0.0) == [1, 2]
    assert overlaps(world, -4.9, 4.9, 0.0) == [1]


# What always holds

coordinates = st.floats(-300.0, 300.0)


@given(st.integers(0, 1000), coordinates, coordinates, coordinates, coordinates, st.floats(0.0, 20.0))
def test_nobody_is_overlapped_on_the_free_part_of_a_way(
    seed: int, x: float, y: float, dx: float, dy: float, radius: float
) -> None:
    """And at its end whoever was met is touched."""
    random = Random(seed)
    world = world_with(
        *(
            (random.uniform(-200.0, 200.0), random.uniform(-200.0, 200.0), box(8.0) if number % 2 else circle(8.0))
            for number in range(12)
        )
    )
    at_start = overlaps(world, x, y, radius)
    hit = cast(world, x, y, dx, dy, radius=radius, ignore=at_start)
    free = hit.fraction if hit else 1.0

    for part in (0.25, 0.5, 0.75, 0.999):
        at_x, at_y = x + dx * free * part, y + dy * free * part
        assert overlaps(world, at_x, at_y, max(0.0, radius - 1e-6), ignore=at_start) == []
    if hit:
        assert math.hypot(hit.normal_x, hit.normal_y) == pytest.approx(1.0)
        assert hit.entity in overlaps(world, x + dx * free, y + dy * free, radius + 1e-6)
        assert hit.entity in overlaps(world, hit.x, hit.y, 1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
@pytest.mark.parametrize("place", range(4))
def test_a_number_that_is_none_is_the_callers_mistake(place: int, value: float) -> None:
    """It raises at once and shows what was asked."""
    numbers = [0.0, 0.0, 1.0, 1.0]
    numbers[place] = value

    with pytest.raises(ValueError, match=r"need numbers"):
        cast(World(), *numbers)
    with pytest.raises(ValueError, match=r"the radius 0 or more"):
        overlaps(World(), 0.0, 0.0, -1.0)
