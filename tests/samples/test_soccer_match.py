"""The referee: phases, goals, the end of a match."""

import pytest

from ecsnet.components import Seat, Stage
from ecsnet.samples.soccer.game import game, summary
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.samples.soccer.scoreboard import status_line
from tests.samples.soccer_ground import Ground


def test_a_match_needs_a_player_on_each_side() -> None:
    """One person alone stays in the lobby, however ready."""
    ground = Ground(home=1)
    ground.get_ready()
    ground.run(seconds=1)

    assert ground.stage() is Stage.WAITING


def test_a_match_starts_when_everybody_is_ready_and_not_before() -> None:
    """The lobby gate."""
    ground = Ground(home=2, away=1)
    ground.seat(ground.home).ready = ground.seat(ground.away).ready = True
    ground.run(seconds=1)
    assert ground.stage() is Stage.WAITING

    ground.get_ready()
    ground.run(ticks=1)

    assert ground.stage() is Stage.COUNTDOWN


def test_phases_last_as_long_as_the_rules_say() -> None:
    """3 s of countdown, 1.5 s of kickoff."""
    ground = Ground(home=1, away=1)
    ground.get_ready()
    ground.run(ticks=1)
    ground.run(ticks=179)
    assert ground.stage() is Stage.COUNTDOWN
    ground.run(ticks=1)
    assert ground.phase() is Phase.KICKOFF
    ground.run(ticks=89)
    assert ground.phase() is Phase.KICKOFF
    ground.run(ticks=1)

    assert ground.phase() is Phase.PLAY


@pytest.mark.parametrize("leaving", [False, True], ids=["unready", "leaving"])
def test_the_countdown_is_cancelled(leaving: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    """By whoever takes his word back, and by whoever leaves; the others stay ready."""
    ground = Ground(home=2, away=1)
    ground.get_ready()
    ground.run(seconds=1)
    if leaving:
        ground.world.delete_entity(ground.home)
    else:
        ground.seat(ground.home).ready = False
    ground.run(ticks=1)

    assert ground.stage() is Stage.WAITING
    assert ground.seat(ground.away).ready


@pytest.mark.parametrize(
    ("velocity", "x", "home", "away"), [(-600.0, 60.0, 0, 1), (600.0, 740.0, 1, 0)], ids=["left", "right"]
)
def test_a_goal_counts_for_the_side_that_did_not_concede(velocity: float, x: float, home: int, away: int) -> None:
    """HOME defends the left goal."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(x, 200.0, velocity)
    ground.run(seconds=0.5)

    assert (ground.match.home, ground.match.away) == (home, away)
    assert ground.phase() is Phase.GOAL


def test_an_own_goal_counts_for_the_others() -> None:
    """Who touched the ball last is named, and that it was no masterpiece."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 60.0, 200.0)
    ground.footballer(ground.home).facing = 4
    ground.put_ball(37.0, 200.0)
    ground.press(ground.home, kick=True)
    ground.run(seconds=0.5)

    assert (ground.match.home, ground.match.away) == (0, 1)
    assert ground.match.own_goal
    assert ground.match.scorer == ground.home
    assert ground.match.scoring_team is Team.AWAY


def test_a_goal_by_the_other_side_is_no_own_goal() -> None:
    """And its scorer is named."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put(ground.home, 720.0, 200.0)
    ground.footballer(ground.home).facing = 0
    ground.put_ball(745.0, 200.0)
    ground.press(ground.home, kick=True)
    ground.run(seconds=0.5)

    assert ground.match.scorer == ground.home
    assert not ground.match.own_goal


def test_one_crossing_is_one_goal() -> None:
    """The ball lies in the net for two seconds and counts once."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(740.0, 200.0, 600.0)
    ground.run_until(Phase.GOAL)
    while ground.phase() is Phase.GOAL:
        assert ground.ball_place.x > 790.0
        ground.run(ticks=1)

    assert ground.match.home == 1
    assert ground.phase() is Phase.KICKOFF
    assert (ground.ball_place.x, ground.ball_place.y) == (400.0, 200.0)


def test_a_ball_on_the_line_is_no_goal() -> None:
    """Only the whole ball over the line is one."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(794.9, 200.0)
    ground.run(ticks=3)
    assert ground.phase() is Phase.PLAY

    ground.put_ball(795.1, 200.0)
    ground.run(ticks=1)

    assert ground.phase() is Phase.GOAL


def test_the_fifth_goal_wins_once() -> None:
    """After it: the result for five seconds, then the lobby with nobody ready."""
    ground = Ground(home=1, away=1).kick_off()
    for goals in range(1, 6):
        ground.run_until(Phase.PLAY)
        ground.put_ball(740.0, 200.0, 600.0)
        ground.run_until(Phase.GOAL)
        assert ground.match.home == goals
    ground.run_until(Stage.FINISHED)
    assert ground.match.winner is Team.HOME
    ground.run(ticks=299)
    assert (ground.stage(), ground.match.home) == (Stage.FINISHED, 5)
    ground.run(ticks=1)

    assert ground.stage() is Stage.WAITING
    assert not any(seat.ready for _, seat in ground.world.get_component(Seat))


def test_a_rematch_starts_from_nothing() -> None:
    """Score, clock and winner of the last match are gone."""
    ground = Ground(home=1, away=1).kick_off()
    match = ground.match
    match.home = 4
    ground.put_ball(740.0, 200.0, 600.0)
    ground.run_until(Stage.WAITING)
    ground.get_ready()
    ground.run_until(Phase.PLAY)

    assert (match.home, match.away, match.played_ticks, match.winner) == (0, 0, 0, Team.SPECTATOR)


def test_a_side_that_stays_empty_for_ten_seconds_has_lost() -> None:
    """The others need not play on alone."""
    ground = Ground(home=1, away=1).kick_off()
    ground.world.delete_entity(ground.home)
    ground.run(seconds=9.9)
    assert ground.phase() is Phase.PLAY
    ground.run(seconds=0.2)

    assert ground.stage() is Stage.FINISHED
    assert ground.match.winner is Team.AWAY


def test_the_game_goes_on_without_anybody() -> None:
    """When all have left, the lobby waits for the next."""
    ground = Ground(home=1, away=1).kick_off()
    for entity in (ground.home, ground.away):
        ground.world.delete_entity(entity)
    ground.run(ticks=2)

    assert ground.stage() is Stage.WAITING


def test_a_late_joiner_plays_from_the_next_kickoff_on() -> None:
    """Until then he watches; then he fills the smaller side."""
    ground = Ground(home=2, away=1).kick_off()
    late = ground.add_player()
    ground.run(seconds=1)
    assert ground.seat(late).team == Team.SPECTATOR
    ground.put_ball(740.0, 200.0, 600.0)
    ground.run_until(Phase.GOAL)
    ground.run_until(Phase.KICKOFF)
    ground.run(ticks=2)

    assert ground.seat(late).team == Team.AWAY
    assert ground.place(late).x == 700.0


def test_a_kickabout_in_the_lobby_has_no_score() -> None:
    """Whoever waits may play with the ball; one in the net comes back."""
    ground = Ground(home=1)
    ground.put_ball(740.0, 200.0, 600.0)
    ground.run(seconds=1)

    assert ground.match.home == 0
    assert ground.ball_place.x == 400.0


def play(seed: int) -> list[str]:
    """Play ten seconds with pseudo-random keys; return the hash of every hundredth tick."""
    ground = Ground(home=2, away=2, seed=seed)
    ground.get_ready()
    ground.run_until(Phase.PLAY)
    dice = ground.world.rng.__class__(seed)
    hashes = []
    for tick in range(600):
        for side in ground.sides.values():
            for entity in side:
                if tick % 7 == 0:
                    ground.press(entity, dice.randint(-1, 1), dice.randint(-1, 1), kick=dice.random() < 0.5)
        ground.run(ticks=1)
        if tick % 100 == 0:
            hashes.append(ground.hash())
    return hashes


def test_same_seed_and_inputs_give_the_same_match() -> None:
    """To the last bit: it is what prediction and recordings rest on."""
    assert play(seed=3) == play(seed=3)
    assert play(seed=3) != play(seed=4)


def test_the_summary_and_the_status_line_say_how_it_stands() -> None:
    """For terminals without a window."""
    ground = Ground(home=1, away=1).kick_off()
    ground.match.home = 2

    assert summary(ground.world) == {"home": 2, "away": 0, "phase": "PLAY"}
    assert status_line(ground.world) == "PLAY 0:00  HOME 2 : 0 AWAY  (2 players)"
    assert game.name == "soccer"
