"""Steering: speed, facing, the limits of the pitch, the kick's edge and its cooldown."""

import math

import pytest

from ecsnet.samples.soccer.pitch import KICK_SPEED, Phase
from tests.samples.soccer_ground import Ground


def test_a_player_speeds_up_as_the_rules_say() -> None:
    """2400 units per second each second, 300 at most."""
    ground = Ground(home=1, away=1).kick_off()
    ground.press(ground.home, move_y=1)
    ground.run(ticks=1)
    assert ground.velocity(ground.home).y == pytest.approx(40.0, abs=0.1)
    ground.run(ticks=20)

    assert ground.velocity(ground.home).y == pytest.approx(300.0, abs=0.1)


def test_a_player_stops_within_a_tenth_of_a_second() -> None:
    """3000 units per second each second."""
    ground = Ground(home=1, away=1).kick_off()
    ground.press(ground.home, move_y=1)
    ground.run(ticks=20)
    ground.press(ground.home)
    ground.run(ticks=6)

    assert (ground.velocity(ground.home).x, ground.velocity(ground.home).y) == (0.0, 0.0)


def test_diagonals_are_no_faster() -> None:
    """Two keys are one direction."""
    ground = Ground(home=1, away=1).kick_off()
    ground.press(ground.home, 1, 1)
    ground.run(ticks=20)
    velocity = ground.velocity(ground.home)

    assert math.hypot(velocity.x, velocity.y) == pytest.approx(300.0, abs=0.2)


@pytest.mark.parametrize(("move_x", "edge"), [(-1, 25.0), (1, 775.0)], ids=["left", "right"])
def test_players_cannot_enter_the_nets(move_x: int, edge: float) -> None:
    """The goal line stops them, also between the posts."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 400.0, 200.0)
    ground.put_ball(400.0, 380.0)
    ground.press(ground.home, move_x)
    ground.run(seconds=2)

    assert ground.place(ground.home).x == pytest.approx(edge, abs=0.1)


def test_players_push_apart_equally() -> None:
    """Neither side of a tackle is favoured."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 395.0, 100.0)
    ground.put(ground.away, 405.0, 100.0)
    ground.run(ticks=30)
    left, right = ground.place(ground.home).x, ground.place(ground.away).x

    assert right - left == pytest.approx(30.0, abs=0.5)
    assert left + right == pytest.approx(800.0, abs=0.5)


def test_players_slide_along_each_other() -> None:
    """Each axis is resolved on its own."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 300.0, 100.0)
    ground.put(ground.away, 331.0, 100.0)
    ground.press(ground.home, 1, 1)
    ground.run(ticks=5)

    assert ground.place(ground.home).y > 105.0


def test_holding_the_key_kicks_once() -> None:
    """Only the key's edge counts."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 300.0, 200.0)
    ground.put_ball(325.0, 200.0)
    ground.press(ground.home, kick=True)
    ground.run(ticks=1)
    assert ground.ball.velocity_x == pytest.approx(KICK_SPEED, rel=0.05)
    ground.run(ticks=40)
    ground.put_ball(325.0, 200.0)
    ground.run(ticks=1)

    assert ground.ball.velocity_x == 0.0


def test_a_second_kick_has_to_wait_for_the_cooldown() -> None:
    """0.3 s, 18 ticks, from kick to kick."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 300.0, 200.0)
    kicks = []
    for tick in range(40):
        ground.put_ball(325.0, 200.0)
        ground.press(ground.home, kick=tick % 2 == 0)
        ground.run(ticks=1)
        if ground.ball.velocity_x > 0.0:
            kicks.append(tick)

    assert kicks == [0, 18, 36]


def test_a_kick_reaches_twelve_units_and_no_further() -> None:
    """From the player's edge to the ball's."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 300.0, 200.0)
    ground.put_ball(300.0 + 15.0 + 12.5 + 5.0, 200.0)
    ground.press(ground.home, kick=True)
    ground.run(ticks=1)

    assert ground.ball.velocity_x == 0.0


@pytest.mark.parametrize("facing", range(8))
def test_a_kick_goes_where_the_player_faces(facing: int) -> None:
    """One of eight ways."""
    ground = Ground(home=1, away=1).kick_off()
    angle = facing * math.pi / 4
    ground.put(ground.home, 300.0, 200.0)
    ground.footballer(ground.home).facing = facing
    ground.put_ball(300.0 + 26.0 * math.cos(angle), 200.0 + 26.0 * math.sin(angle))
    ground.press(ground.home, kick=True)
    ground.run(ticks=1)

    assert math.atan2(ground.ball.velocity_y, ground.ball.velocity_x) % math.tau == pytest.approx(angle, abs=1e-6)


def test_nobody_moves_during_the_countdown() -> None:
    """All start from their places."""
    ground = Ground(home=1, away=1)
    ground.get_ready()
    ground.run(ticks=1)
    ground.press(ground.home, 1, 1)
    ground.run(seconds=2)

    assert (ground.place(ground.home).x, ground.place(ground.home).y) == (100.0, 200.0)


def test_only_the_side_that_conceded_walks_up_to_the_ball() -> None:
    """And does not touch it before the whistle."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(740.0, 200.0, 600.0)
    ground.run_until(Phase.GOAL)
    ground.run_until(Phase.KICKOFF)
    ground.press(ground.home, 1)
    ground.press(ground.away, -1)
    ground.run(ticks=88)

    assert ground.place(ground.home).x == 100.0
    assert ground.place(ground.away).x == pytest.approx(421.0, abs=0.2)
    assert ground.ball_place.x == 400.0
