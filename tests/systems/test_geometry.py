"""Gaps and sweeps of boxes and circles, against what can be computed in a second, slower way."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecsnet.systems.geometry import (
    Box,
    Circle,
    Gap,
    Hit,
    bounce,
    gap,
    gap_box_box,
    gap_circle_box,
    gap_circle_circle,
    reach,
    sweep,
    sweep_box_box,
    sweep_circle_box,
    sweep_circle_circle,
    sweep_inside,
)

BOX = Box.between(100.0, 100.0, 105.0, 200.0)  # a wall, 5 thick

coordinates = st.floats(-200.0, 200.0)
steps = st.floats(-1000.0, 1000.0)
sizes = st.floats(0.0, 60.0)

Size = tuple[float, float, float]
Way = tuple[float, float, float, float]

rounded_boxes: st.SearchStrategy[Size] = st.tuples(sizes, sizes, sizes).filter(lambda size: max(size) > 0.01)


@st.composite
def ways(draw: st.DrawFn, *, inside: bool = False) -> tuple[Way, Size]:
    """Draw a box and a way that aims at it or closely past; it begins outside of the box or inside."""
    size = width, height, radius = draw(rounded_boxes)
    aim_x, aim_y = (draw(st.floats(-1.2, 1.2)) * (half + radius) for half in (width, height))
    x, y = (
        (draw(st.floats(-1.0, 1.0)) * (width + radius), draw(st.floats(-1.0, 1.0)) * (height + radius))
        if inside
        else (draw(coordinates), draw(coordinates))
    )
    assume((gap(x, y, *size).distance < -1e-9) if inside else (gap(x, y, *size).distance > 1e-6))
    part = draw(st.floats(0.5, 20.0))
    return (x, y, part * (aim_x - x), part * (aim_y - y)), size


def least_gap(way: Way, size: Size, until: float) -> float:
    """Return the least gap on a way, by halving it: on a line, the gap to a convex shape falls and then rises."""
    x, y, dx, dy = way
    low, high = 0.0, until
    for _ in range(200):
        first, second = low + (high - low) / 3, high - (high - low) / 3
        if gap(x + dx * first, y + dy * first, *size).distance < gap(x + dx * second, y + dy * second, *size).distance:
            high = second
        else:
            low = first
    return min(gap(x + dx * part, y + dy * part, *size).distance for part in (0.0, low, until))


@given(coordinates, coordinates, rounded_boxes)
def test_a_gap_is_the_way_to_the_edge(x: float, y: float, size: Size) -> None:
    """Going that far along the normal leads exactly to the edge, from outside and from inside."""
    found = gap(x, y, *size)
    at_edge = gap(x - found.distance * found.normal_x, y - found.distance * found.normal_y, *size)

    assert math.hypot(found.normal_x, found.normal_y) == pytest.approx(1.0)
    assert at_edge.distance == pytest.approx(0.0, abs=1e-9)


@given(ways(inside=True), st.floats(0, math.tau))
def test_no_way_out_of_a_box_is_shorter(drawn: tuple[Way, Size], angle: float) -> None:
    """A push-out moves a body as little as it can."""
    (x, y, _, _), (width, height, _) = drawn
    found = gap(x, y, width, height, 0.0)
    part = max(0.0, -found.distance * 0.999)

    assert gap(x + part * math.cos(angle), y + part * math.sin(angle), width, height, 0.0).distance <= max(
        1e-9, found.distance
    )


@given(ways())
def test_a_sweep_meets_first_what_it_meets(drawn: tuple[Way, Size]) -> None:
    """Up to the hit there is room; at the hit there is none; without a hit there is room all the way."""
    (x, y, dx, dy), size = drawn
    hit = sweep(x, y, dx, dy, *size)

    if hit is None:
        assert least_gap(drawn[0], size, 1.0) > -1e-6
        return
    at = gap(x + dx * hit.fraction, y + dy * hit.fraction, *size)
    assert 0.0 <= hit.fraction <= 1.0
    assert at.distance == pytest.approx(0.0, abs=1e-6)
    assert least_gap(drawn[0], size, hit.fraction) > -1e-6
    assert dx * hit.normal_x + dy * hit.normal_y < 0.0
    assert math.hypot(hit.normal_x, hit.normal_y) == pytest.approx(1.0)


@given(ways(inside=True))
def test_a_sweep_from_inside_may_lead_out_but_not_in(drawn: tuple[Way, Size]) -> None:
    """Whoever is stuck can leave, and gets no deeper."""
    (x, y, dx, dy), size = drawn
    within = gap(x, y, *size)
    hit = sweep(x, y, dx, dy, *size)

    if dx * within.normal_x + dy * within.normal_y < 0.0:
        assert hit == Hit(0.0, within.normal_x, within.normal_y)
    else:
        assert hit is None


@given(ways())
def test_beyond_the_normal_of_a_hit_is_only_the_other(drawn: tuple[Way, Size]) -> None:
    """`reach` says where the plane lies that keeps both apart."""
    (x, y, dx, dy), size = drawn
    hit = sweep(x, y, dx, dy, *size)
    assume(hit is not None)
    assert hit is not None
    along = (x + dx * hit.fraction) * hit.normal_x + (y + dy * hit.fraction) * hit.normal_y

    assert along == pytest.approx(reach(hit.normal_x, hit.normal_y, *size), abs=1e-6)


@pytest.mark.parametrize("speed", [600.0, 10_000.0, 1e7])
def test_nothing_is_too_fast_for_a_thin_wall(speed: float) -> None:
    """One tick of the ball's 600 units per second is 10 units, twice the wall."""
    hit = sweep_circle_box(50.0, 150.0, speed, 0.0, 5.0, BOX)

    assert hit == pytest.approx((45.0 / speed, -1.0, 0.0))


@pytest.mark.parametrize(
    ("x", "y", "dx", "dy"),
    [(95.0, 150.0, 0.0, 50.0), (95.0, 150.0, -1.0, 50.0), (110.0, 150.0, 0.0, -50.0), (102.0, 95.0, 50.0, 0.0)],
)
def test_what_touches_slides_along_and_away_freely(x: float, y: float, dx: float, dy: float) -> None:
    """Else a ball would stick to every wall it touches."""
    assert sweep_circle_box(x, y, dx, dy, 5.0, BOX) is None
    assert sweep_box_box(Box(x, y, 5.0, 5.0), dx, dy, BOX) is None


@pytest.mark.parametrize(("x", "y", "dx", "normal"), [(95.0, 150.0, 1.0, -1.0), (110.0, 150.0, -1e-9, 1.0)])
def test_what_touches_cannot_go_in(x: float, y: float, dx: float, normal: float) -> None:
    """Not by the smallest step."""
    assert sweep_circle_box(x, y, dx, 0.0, 5.0, BOX) == Hit(0.0, normal, 0.0)
    assert sweep_box_box(Box(x, y, 5.0, 5.0), dx, 0.0, BOX) == Hit(0.0, normal, 0.0)


def test_a_circle_meets_a_corner_with_its_roundness() -> None:
    """Aside of the corner there is room that a square would not have."""
    passing = sweep_circle_box(90.0, 96.4, 15.0, 0.0, 5.0, Box.between(100.0, 100.0, 200.0, 200.0))
    meeting = sweep_circle_box(90.0, 96.0, 20.0, 0.0, 5.0, Box.between(100.0, 100.0, 200.0, 200.0))

    assert passing is not None
    assert passing.normal_y < 0.0
    assert meeting == pytest.approx((7.0 / 20.0, -0.6, -0.8))


@pytest.mark.parametrize(("dx", "dy"), [(-3.0, -3.0), (3.0, -3.0), (-3.0, 3.0), (0.0, 0.0)])
def test_beside_a_corner_there_is_a_way_past_and_back(dx: float, dy: float) -> None:
    """Nearer than a square's side, but not yet touching."""
    assert sweep_circle_box(96.0, 96.0, dx, dy, 5.0, Box.between(100.0, 100.0, 200.0, 200.0)) is None


@pytest.mark.parametrize(("dx", "dy"), [(40.0, 40.0), (40.0, -40.0), (-40.0, 4.0), (18.9, 0.0), (0.0, 40.0)])
def test_who_goes_past_meets_nobody(dx: float, dy: float) -> None:
    """Aside, the other way, not far enough."""
    assert sweep_box_box(Box(0.0, 0.0, 1.0, 1.0), dx, dy, Box(25.0, 0.0, 5.0, 5.0)) is None
    assert sweep_circle_box(0.0, 0.0, dx, dy, 1.0, Box(25.0, 0.0, 5.0, 5.0)) is None


def test_who_stands_still_meets_nobody() -> None:
    """Also inside another."""
    assert sweep_circle_box(50.0, 150.0, 0.0, 0.0, 5.0, BOX) is None
    assert sweep_circle_box(101.0, 150.0, 0.0, 0.0, 5.0, BOX) is None


def test_the_shapes_add_up_to_rounded_boxes() -> None:
    """The functions with names of shapes are the general ones with the right sums."""
    assert gap_circle_box(90.0, 150.0, 5.0, BOX) == Gap(5.0, -1.0, 0.0)
    assert gap_box_box(Box(102.5, 90.0, 3.0, 4.0), BOX) == Gap(6.0, 0.0, -1.0)
    assert gap_circle_circle(0.0, 0.0, 2.0, Circle(3.0, 4.0, 1.0)) == pytest.approx((2.0, -0.6, -0.8))
    assert sweep_circle_circle(0.0, 0.0, 10.0, 0.0, 2.0, Circle(8.0, 0.0, 1.0)) == Hit(0.5, -1.0, 0.0)
    assert sweep_circle_circle(0.0, 0.0, 10.0, 0.0, 2.0, Circle(8.0, 3.0, 1.0)) is None
    assert Box.between(1.0, 2.0, 3.0, 6.0) == Box(2.0, 4.0, 1.0, 2.0)


def test_circles_on_one_spot_have_a_way_apart() -> None:
    """Any, but always the same."""
    assert gap_circle_circle(5.0, 5.0, 2.0, Circle(5.0, 5.0, 1.0)) == Gap(-3.0, 1.0, 0.0)


@given(coordinates, coordinates, steps, steps)
def test_a_sweep_inside_ends_at_the_edge(x: float, y: float, dx: float, dy: float) -> None:
    """And only there."""
    area = Box(10.0, -20.0, 210.0, 220.0)
    hit = sweep_inside(x, y, dx, dy, area)
    part = hit.fraction if hit else 1.0
    beyond = max(abs(x + dx * part - area.x) - area.half_width, abs(y + dy * part - area.y) - area.half_height)

    assert beyond <= 1e-9
    if hit:
        assert beyond == pytest.approx(0.0, abs=1e-9)
        assert dx * hit.normal_x + dy * hit.normal_y < 0.0


@given(steps, steps, st.floats(0, math.tau), st.floats(0.0, 1.0))
def test_a_bounce_gives_no_energy_and_leads_away(dx: float, dy: float, angle: float, restitution: float) -> None:
    """A ball in a corner must not speed up."""
    normal_x, normal_y = math.cos(angle), math.sin(angle)
    x, y = bounce(dx, dy, normal_x, normal_y, restitution)

    assert math.hypot(x, y) <= math.hypot(dx, dy) * (1.0 + 1e-12)
    assert x * normal_x + y * normal_y >= -1e-9
    assert x * normal_y - y * normal_x == pytest.approx(dx * normal_y - dy * normal_x, abs=1e-9)


@pytest.mark.parametrize("normal", [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
def test_sliding_along_an_upright_wall_is_exact(normal: tuple[float, float]) -> None:
    """What is stopped is stopped to the last bit, and the other axis is not touched."""
    dx, dy = -0.1 * normal[0] + 0.3 * normal[1], -0.1 * normal[1] + 0.3 * normal[0]
    x, y = bounce(dx, dy, *normal, 0.0)

    assert (x, y) == (0.3 * normal[1], 0.3 * normal[0])
