"""The ball: rolling, walls, posts, touches."""

import math
import random

import pytest

from ecsnet.samples.soccer.pitch import BALL_RADIUS, MOUTH_BOTTOM, MOUTH_TOP
from ecsnet.systems.geometry import Box, gap_circle_box
from tests.samples.soccer_ground import Ground


def test_a_ball_slows_down_as_the_rules_say() -> None:
    """Velocity falls by exp(-1.54 s)."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(200.0, 300.0, 400.0)
    ground.run(seconds=0.5)

    assert ground.ball.velocity_x == pytest.approx(400.0 * math.exp(-1.54 * 0.5), rel=1e-3)


def test_a_slow_ball_lies_still() -> None:
    """Below 5 units per second."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(400.0, 300.0, 5.0)
    ground.run(ticks=1)

    assert ground.ball.velocity_x == 0.0


def test_a_ball_is_never_faster_than_the_limit() -> None:
    """600 units per second, whatever hit it."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(400.0, 300.0, 1000.0)
    ground.run(ticks=1)

    assert ground.ball.velocity_x <= 600.0


def test_a_wall_takes_a_fifth_of_the_speed() -> None:
    """Restitution 0.8; the speed along the wall stays."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(300.0, 380.0, 60.0, 500.0)
    ground.run(ticks=1)
    drag = math.exp(-1.54 / 60)

    assert ground.ball.velocity_y == pytest.approx(-400.0 * drag)
    assert ground.ball.velocity_x == pytest.approx(60.0 * drag)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_tunnels_at_full_speed(seed: int) -> None:
    """The ball stays between the walls and outside of the players, whatever its way at 600 units per second."""
    ground = Ground(home=3, away=3).kick_off()
    dice = random.Random(seed)  # a test's dice
    for side in ground.sides.values():
        for entity in side:
            ground.put(entity, dice.uniform(100, 700), dice.uniform(40, 360))
    ground.run(ticks=20)
    for _ in range(120):
        angle = dice.uniform(0.0, math.tau)
        ground.ball.velocity_x, ground.ball.velocity_y = 600.0 * math.cos(angle), 600.0 * math.sin(angle)
        ground.run(ticks=1)
        place = ground.ball_place
        in_goal = MOUTH_TOP < place.y < MOUTH_BOTTOM
        assert 15.0 - 1e-3 <= place.y <= 385.0 + 1e-3
        assert in_goal or 15.0 - 1e-3 <= place.x <= 785.0 + 1e-3
        if not 15.0 < place.x < 785.0:
            ground.put_ball(400.0, 200.0)


def test_a_fast_ball_does_not_pass_through_a_player() -> None:
    """Ten units a tick against a body of thirty, from every distance."""
    ground = Ground(home=1, away=1).kick_off()
    for start in range(100):
        ground.put(ground.home, 300.0, 200.0)
        ground.put_ball(200.0 + start / 10, 200.0, 600.0)
        ground.run(seconds=0.5)
        assert ground.ball_place.x < 285.0


def test_a_ball_over_the_line_beside_the_goal_comes_back() -> None:
    """Only the mouth is open."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(740.0, 120.0, 600.0)
    ground.run(seconds=0.5)

    assert ground.ball_place.x < 785.0
    assert ground.match.home == 0


def test_a_post_throws_the_ball_back() -> None:
    """A ball that comes half over the post is deflected."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(740.0, 142.0, 600.0)
    ground.run(seconds=0.3)

    assert ground.ball.velocity_y > 0.0


def test_a_running_player_gives_the_ball_his_speed_and_a_bit() -> None:
    """His velocity along the normal times 1.15."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 200.0, 300.0)
    ground.put_ball(300.0, 300.0)
    ground.press(ground.home, move_x=1)
    while ground.ball.velocity_x == 0.0:
        ground.run(ticks=1)

    assert ground.velocity(ground.home).x == 300.0
    assert ground.ball.velocity_x == pytest.approx(300.0 * 1.15 * math.exp(-1.54 / 60), rel=1e-6)
    assert ground.ball.touched_by == ground.home


def test_a_standing_player_gives_the_ball_a_hundred() -> None:
    """At least that, along the normal."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 300.0, 300.0)
    ground.put_ball(325.0, 300.0, -600.0)
    ground.run(ticks=1)

    assert (ground.ball.velocity_x, ground.ball.velocity_y) == (100.0, 0.0)


def test_a_ball_between_a_player_and_a_wall_slips_out() -> None:
    """It is never pressed through the wall nor held for good."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 300.0, 360.0)
    ground.put_ball(302.0, 384.0)
    ground.press(ground.home, move_y=1)
    ground.run(seconds=1)

    assert ground.ball_place.y <= 385.0 + 1e-3
    body = Box(ground.place(ground.home).x, ground.place(ground.home).y, 15.0, 15.0)
    assert gap_circle_box(ground.ball_place.x, ground.ball_place.y, BALL_RADIUS, body).distance >= -1e-3


def test_a_ball_between_two_players_slips_out() -> None:
    """Two who run against each other cannot hold it."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 280.0, 300.0)
    ground.put(ground.away, 320.0, 300.0)
    ground.put_ball(300.0, 302.0)
    ground.press(ground.home, move_x=1)
    ground.press(ground.away, move_x=-1)
    ground.run(seconds=1)

    assert abs(ground.ball_place.y - 300.0) > 15.0
