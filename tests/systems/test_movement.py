"""Movement: position by velocity, limits of speed and place; bodies are left to Collision."""

import math

import pytest

from ecsnet.components import Bounds2D, Collider2D, MaxSpeed, Predicted, Transform2D, Velocity2D
from ecsnet.systems import Movement
from ecsnet.world import World


def run(*components: object, ticks: int = 1) -> None:
    """Let Movement work on one entity, at 64 ticks a second: a power of two makes sums exact."""
    world = World(tick_rate_hz=64)
    world.create_entity(*components)
    world.add_system(Movement())
    for _ in range(ticks):
        world.process()


def test_velocity_moves_by_its_units_in_a_second() -> None:
    """Whatever the tick rate."""
    place = Transform2D(x=10.0, y=20.0)
    run(place, Velocity2D(x=100.0, y=-50.0), ticks=64)

    assert (place.x, place.y) == (110.0, -30.0)


def test_who_is_too_fast_keeps_the_direction_and_loses_the_rest() -> None:
    """Diagonals are no faster."""
    velocity = Velocity2D(x=600.0, y=800.0)
    run(velocity, MaxSpeed(300.0))

    assert (velocity.x, velocity.y) == pytest.approx((180.0, 240.0))


def test_who_is_slow_enough_is_left_alone() -> None:
    """Not even rounding touches it."""
    velocity = Velocity2D(x=0.1, y=0.2)
    run(velocity, MaxSpeed(math.hypot(0.1, 0.2)), ticks=10)

    assert (velocity.x, velocity.y) == (0.1, 0.2)


def test_a_limit_of_nought_holds() -> None:
    """Frozen is frozen."""
    place = Transform2D()
    run(place, Velocity2D(x=5.0), MaxSpeed(0.0))

    assert place.x == 0.0


@pytest.mark.parametrize(("restitution", "speed"), [(0.0, 0.0), (0.5, -3200.0), (1.0, -6400.0)])
def test_bounds_stop_or_throw_back_one_axis(restitution: float, speed: float) -> None:
    """The other goes on."""
    place, velocity = Transform2D(x=95.0), Velocity2D(x=6400.0, y=64.0)
    run(place, velocity, Bounds2D(0.0, 0.0, 100.0, 100.0, restitution=restitution))

    assert (place.x, place.y) == (100.0, 1.0)
    assert (velocity.x, velocity.y) == (speed, 64.0)


def test_whoever_is_outside_is_put_back_and_keeps_what_leads_in() -> None:
    """Like somebody spawned in the wrong place."""
    place, velocity = Transform2D(x=-500.0, y=900.0), Velocity2D(x=64.0, y=-64.0)
    run(place, velocity, Bounds2D(0.0, 0.0, 100.0, 100.0))

    assert (place.x, place.y) == (0.0, 100.0)
    assert (velocity.x, velocity.y) == (64.0, -64.0)


def test_bodies_are_left_to_collision() -> None:
    """Else they would move twice; their speed is limited here all the same."""
    place, velocity = Transform2D(), Velocity2D(x=64.0)
    run(place, velocity, Collider2D(), Bounds2D(50.0, 50.0, 100.0, 100.0), MaxSpeed(32.0))

    assert (place.x, place.y) == (0.0, 0.0)
    assert velocity.x == 32.0


def test_a_client_moves_only_what_it_predicts() -> None:
    """What others own comes from the server."""
    world = World(tick_rate_hz=64, scope_marker=Predicted)
    mine, theirs = Transform2D(), Transform2D()
    world.create_entity(mine, Velocity2D(x=64.0), Predicted())
    world.create_entity(theirs, Velocity2D(x=64.0))
    with world.predicting():
        world.run(Movement())

    assert (mine.x, theirs.x) == (1.0, 0.0)
