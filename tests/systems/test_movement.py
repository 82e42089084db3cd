"""Movement: position by velocity, limits of speed and place; bodies are left to Collision."""

import math

import pytest

from ecsnet.components import Bounds2D, Collider2D, MaxSpeed, Predicted, Transform2D, Velocity2D
from ecsnet.errors import SchemaError
from ecsnet.systems import Collision, Movement, solver
from ecsnet.systems.body import Body, meets
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


# What is no number


@pytest.mark.parametrize("collides", [False, True], ids=["point", "body"])
@pytest.mark.parametrize("limited", [False, True], ids=["free", "limited"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_velocity_that_is_no_number_is_named(value: float, *, limited: bool, collides: bool) -> None:
    """The error names the entity, the field and the value: the system that wrote it is elsewhere."""
    world = World()
    parts = [MaxSpeed(300.0)] * limited + [Collider2D()] * collides
    world.create_entity(Transform2D(x=5.0), Velocity2D(x=100.0, y=value), *parts)
    for system in (Movement(), Collision()):
        world.add_system(system)

    with pytest.raises(SchemaError, match=rf"entity 1: Velocity2D\.y is {value!r}"):
        world.process()


@pytest.mark.parametrize("parts", [(Velocity2D(),), (Velocity2D(), Collider2D()), (Collider2D(),)], ids=len)
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_a_place_that_is_no_number_is_named(value: float, parts: tuple[object, ...]) -> None:
    """Also that of an obstacle."""
    world = World()
    for kept in ((Transform2D(), Velocity2D(), Collider2D()), (Transform2D(x=value), *parts)):
        world.create_entity(*kept)
    for system in (Movement(), Collision()):
        world.add_system(system)

    with pytest.raises(SchemaError, match=r"entity 2: Transform2D\.x is (nan|inf|1e\+300)"):
        world.process()


@pytest.mark.parametrize("velocity", [1e6, 1e9, 2.0**40])
def test_who_is_absurdly_fast_spoils_it_for_nobody(velocity: float) -> None:
    """It meets what is in its way, and the others are told apart by a grid as fine as before."""
    world = World(tick_rate_hz=64)
    crowd = [Transform2D(x=20.0 * (number % 20), y=100.0 + 20.0 * (number // 20)) for number in range(400)]
    for place in crowd:
        world.create_entity(place, Velocity2D(x=1.0), Collider2D())
    shot = Transform2D()
    world.create_entity(shot, Velocity2D(x=velocity), Collider2D())
    world.create_entity(Transform2D(x=1000.0), Collider2D(half_height=50.0))
    world.add_system(Collision())
    compared = []

    def counted(body: Body, other: Body) -> bool:
        compared.append(body.entity)
        return meets(body, other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "meets", counted)
        world.process()

    assert shot.x == pytest.approx(999.0, abs=1e-3)
    assert len(compared) < 10


def test_an_absurd_velocity_is_limited_where_there_is_a_limit() -> None:
    """MaxSpeed holds for whatever is a number."""
    velocity = Velocity2D(x=-1e200)
    run(velocity, MaxSpeed(300.0))

    assert velocity.x == -300.0
