"""Where everything was, and that it is back where it is afterwards."""

import math
from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.components import Collider2D, Owner, Shape, Spawned, Transform2D
from ecsnet.errors import SchemaError
from ecsnet.fields import player_input
from ecsnet.game import Game
from ecsnet.server import Server
from ecsnet.system import System
from ecsnet.systems import Collision, LagCompensation
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.world import World

ME, SOMEBODY = 7, 8
CAP_TICKS = 15


@player_input
class Trigger:
    fire: bool = False


class Drift(System):
    """One unit a tick, and a degree."""

    def process(self, world: World) -> None:
        for _, (transform, _) in world.get_components(Transform2D, Collider2D):
            transform.x += 1.0
            transform.rotation = math.remainder(transform.rotation + math.radians(1.0), math.tau)


game = Game("range", input=Trigger, systems=[Drift, LagCompensation])


def served(*, lag: float = 2.5, cap_seconds: float = 0.25, start_tick: int = 0, played: Game = game) -> Server:
    """A server of one client that draws everything `lag` ticks late."""
    server = Server(replace(played, max_rewind_seconds=cap_seconds), start_tick=start_tick)
    buffer = InputBuffer((False,), window_ticks=64, hold_ticks=3, margin_ticks=30)
    buffer.lag_ticks = lag
    server.room.session.input_buffers[ME] = buffer
    return server


def put(world: World, **values: float) -> tuple[int, Transform2D, Collider2D]:
    transform, collider = Transform2D(**values), Collider2D()
    return world.create_entity(transform, collider), transform, collider


def run(world: World, ticks: int) -> None:
    for _ in range(ticks):
        world.process()


def memory_of(world: World) -> LagCompensation:
    assert isinstance(world.rewinder, LagCompensation)
    return world.rewinder


@pytest.mark.parametrize("start_tick", [0, 2**32 - 18])
def test_everything_is_where_it_was_between_two_ticks(start_tick: int) -> None:
    """Also across the wrap, and turned the short way."""
    world = served(start_tick=start_tick).world
    _, transform, _ = put(world, x=100.0, rotation=math.pi - math.radians(18.0))
    run(world, 20)

    assert transform.x == 120.0
    with world.rewind(ME):
        assert transform.x == 117.5
        assert abs(transform.rotation) == pytest.approx(math.pi - math.radians(0.5))
    assert transform.x == 120.0


def test_a_system_before_the_recording_sees_the_same_past() -> None:
    """In the tick T, a lag of 2 is T - 2, whether T is noted by then or not."""
    seen: list[float] = []

    class Early(System):
        def process(self, world: World) -> None:
            with world.rewind(ME):
                seen.extend(transform.x for _, transform in world.get_component(Transform2D))

    class Late(Early):
        pass

    world = served(lag=2.0, played=Game("both", input=Trigger, systems=[Early, Drift, LagCompensation, Late])).world
    put(world)
    run(world, 10)

    assert seen[-2:] == [8.0, 8.0]


def test_a_shape_is_the_one_it_had() -> None:
    """Not blended: half a box is no shape."""
    world = served().world
    _, _, collider = put(world)
    run(world, 10)
    collider.shape, collider.radius = Shape.CIRCLE, 9.0
    run(world, 2)

    with world.rewind(ME):
        assert (collider.shape, collider.radius) == (Shape.BOX, 0.5)
    assert (collider.shape, collider.radius) == (Shape.CIRCLE, 9.0)


def test_what_was_not_there_meets_nobody() -> None:
    """It stands where it stands, on no layer."""
    world = served().world
    run(world, 10)
    _, transform, collider = put(world, x=5.0)
    before = astuple(collider)
    run(world, 1)

    with world.rewind(ME):
        assert (collider.layer, collider.mask, transform.x) == (0, 0, 6.0)
    assert astuple(collider) == before


def test_what_has_gone_since_stays_gone() -> None:
    """Also what has lost its collider."""
    world = served().world
    gone, _, _ = put(world)
    bare, transform, _ = put(world)
    run(world, 10)
    world.delete_entity(gone)
    world.remove_component(bare, Collider2D)

    with world.rewind(ME):
        assert not world.entity_exists(gone)
        assert transform.x == 10.0


def test_who_is_hit_can_be_deleted_in_the_block() -> None:
    """And made anew, and given other components: structure is not put back."""
    world = served().world
    hit, transform, _ = put(world)
    other, _, _ = put(world)
    run(world, 10)
    with world.rewind(ME):
        world.delete_entity(hit)
        world.add_component(other, Transform2D(55.0))
        made, _, _ = put(world, x=77.0)

    assert not world.entity_exists(hit)
    assert transform.x == 10.0
    assert world.component_for_entity(other, Transform2D).x == 55.0
    assert world.component_for_entity(made, Transform2D).x == 77.0
    run(world, 5)


def test_what_the_client_steers_stays_and_what_it_only_owns_does_not() -> None:
    """The one it predicts, the other is drawn late like everything else."""
    world = served().world
    steered, mine, _ = put(world)
    owned, turret, _ = put(world)
    foreign, other, _ = put(world)
    for entity, client_id in ((steered, ME), (owned, ME), (foreign, SOMEBODY)):
        world.add_component(entity, Owner(client_id))
    for entity in (steered, foreign):
        world.add_component(entity, Trigger())
    run(world, 10)

    with world.rewind(ME):
        assert (mine.x, turret.x, other.x) == (10.0, 7.5, 7.5)


def test_what_the_client_has_spawned_stays() -> None:
    """It predicts its bullets: each meets what its shooter saw beside it, and not where it was itself by then."""
    world = served().world
    old, mine, _ = put(world)
    foreign, theirs, _ = put(world)
    world.add_component(old, Owner(ME))
    world.add_component(foreign, Owner(SOMEBODY))
    for entity in (old, foreign):
        world.add_component(entity, Spawned())
    run(world, 10)
    new, _, collider = put(world)
    world.add_component(new, Owner(ME))
    world.add_component(new, Spawned())
    run(world, 1)

    with world.rewind(ME):
        assert (mine.x, theirs.x) == (11.0, 8.5)
        assert collider.layer


@pytest.mark.parametrize("client_id", [0, SOMEBODY])
def test_who_is_not_connected_sees_the_present(client_id: int) -> None:
    """The server itself, bots, and whoever has just left: their shots go on."""
    world = served().world
    _, transform, _ = put(world)
    run(world, 10)

    with world.rewind(client_id):
        assert transform.x == 10.0


@pytest.mark.parametrize(("lag", "x"), [(0.0, 100.0), (0.25, 99.75), (15.0, 85.0), (15.25, 85.0), (63.75, 85.0)])
def test_the_past_ends_at_250_ms(lag: float, x: float) -> None:
    """Whatever a client says, and the past takes no more memory than that."""
    world = served(lag=lag).world
    _, transform, _ = put(world)
    run(world, 100)

    with world.rewind(ME):
        assert transform.x == x
    assert len(memory_of(world)._past._moments) == CAP_TICKS + 1


@pytest.mark.parametrize(("cap_seconds", "kept"), [(1e9, 65), (0.1, 7), (0.0, 0)])
def test_how_much_is_kept_is_configured_and_bounded(cap_seconds: float, kept: int) -> None:
    """No input can say more than 63 ticks; with 0 all stays in the present, for nothing."""
    world = served(lag=63.75, cap_seconds=cap_seconds).world
    _, transform, _ = put(world)
    run(world, 100)

    assert len(memory_of(world)._past._moments) == kept
    with world.rewind(ME):
        assert (transform.x == 100.0) is (kept == 0)


def test_a_time_that_never_was_is_refused() -> None:
    """At once, not in the first shot."""
    with pytest.raises(SchemaError, match="max_rewind_seconds=-1"):
        Game("range", max_rewind_seconds=-1.0)


def test_before_there_is_a_past_the_earliest_counts() -> None:
    """Two ticks after the start nobody can have seen more."""
    world = served(lag=12.0).world
    _, transform, _ = put(world)
    with world.rewind(ME):
        assert transform.x == 0.0
    run(world, 3)

    with world.rewind(ME):
        assert transform.x == 1.0


def test_a_world_whose_time_is_set_has_no_past() -> None:
    """What was noted before belongs to other ticks."""
    world = served().world
    _, transform, _ = put(world)
    run(world, 10)
    world.tick = 1000
    run(world, 1)

    with world.rewind(ME):
        assert transform.x == 11.0


def test_without_the_system_it_is_said_what_to_list() -> None:
    """A game that forgot it finds out in its first shot."""
    with pytest.raises(RuntimeError, match=r"LagCompensation in Game\(systems=...\)"):
        World().rewind(ME)


def test_listed_before_what_moves_colliders_it_says_so() -> None:
    """It would remember a tick in which nothing had moved yet, and every shot would miss by that."""

    class Bounce(Collision):
        """A game's own."""

    for moving in (Collision, Bounce):
        with pytest.raises(SchemaError, match=rf"LagCompensation before {moving.__name__}.*list it after"):
            served(played=Game("late", input=Trigger, systems=[LagCompensation, moving]))
        served(played=Game("fine", input=Trigger, systems=[moving, LagCompensation]))


def test_a_block_in_a_block_is_refused_and_the_outer_one_ends_well() -> None:
    """Two pasts at a time there are not; whoever meets this has forgotten to end the first."""
    world = served().world
    _, transform, _ = put(world)
    run(world, 10)
    with pytest.raises(RuntimeError, match="inside of rewind"), world.rewind(ME), world.rewind(SOMEBODY):
        pytest.fail("entered")

    assert transform.x == 10.0
    with world.rewind(ME):
        assert transform.x == 7.5


SERVER = served()
numbers = st.one_of(st.floats(width=64), st.integers(-5, 5), st.sampled_from([-0.0, math.nan, 1e308]))
shapes = st.builds(Collider2D, st.sampled_from(Shape), radius=st.floats(0, 9), layer=st.integers(0, 9))


@given(st.lists(st.tuples(st.lists(numbers, min_size=3, max_size=3), shapes), min_size=4, max_size=8), st.floats(0, 5))
def test_everything_is_back_to_the_last_bit_also_after_an_exception(
    values: list[tuple[list[float], Collider2D]], lag: float
) -> None:
    """The very objects, whatever they were: an int, minus zero, a number that is none."""
    world = World()
    memory = LagCompensation()
    memory.attach(world, SERVER.room.session)
    SERVER.room.session.input_buffers[ME].lag_ticks = lag
    _, transform, collider = put(world)
    for place, shape in values:
        transform.x, transform.y, transform.rotation = place
        for name in ("shape", "radius", "layer"):
            setattr(collider, name, getattr(shape, name))
        world.tick += 1
        memory.process(world)
    before = [id(value) for value in (*parts(transform), *astuple(collider))]
    with pytest.raises(ZeroDivisionError), world.rewind(ME):
        _ = 1 / 0

    assert [id(value) for value in (*parts(transform), *astuple(collider))] == before


def parts(transform: Transform2D) -> tuple[float, float, float]:
    return transform.x, transform.y, transform.rotation


def test_neither_replication_nor_a_system_notices() -> None:
    """No mark, no change: a shot costs no byte, however much it moves."""
    world = served().world
    _, transform, collider = put(world)
    run(world, 10)
    collider.radius = 9.0
    run(world, 2)
    marks: set[int] = getattr(collider, "_ecsnet_marks")  # noqa: B009  # of no declared field
    marks.clear()
    world.changed(Transform2D), world.changed(Collider2D)
    with world.rewind(ME):
        assert (transform.x, collider.radius) == (9.5, 0.5)

    assert marks == set()
    assert not world.changed(Transform2D)
    assert not world.changed(Collider2D)
