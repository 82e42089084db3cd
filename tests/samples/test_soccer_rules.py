"""Beside goals: the clock and the golden goal, who has scored, what everybody is told, who watches."""

import pytest

from ecsnet.components import Player, PlayerStatus, Seat, Stage
from ecsnet.rpc import Call
from ecsnet.samples.soccer.components import Footballer, MatchRules, Tally
from ecsnet.samples.soccer.game import game, timed
from ecsnet.samples.soccer.happenings import GoalScored, MatchWon
from ecsnet.samples.soccer.match import TimedReferee
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.samples.soccer.scoreboard import clock_text, is_golden_goal
from ecsnet.systems.lobby import choose_team, watch
from tests.samples.soccer_ground import Ground


def kick_off_timed(clock_seconds: int = 20) -> Ground:
    """Return a match with a clock, the ball out of everybody's way."""
    ground = Ground(home=1, away=1, of=timed).kick_off()
    assert ground.world.single(MatchRules).clock_seconds == 180
    ground.world.single(MatchRules).clock_seconds = clock_seconds
    ground.put_ball(400.0, 300.0)
    return ground


def call_from(ground: Ground, entity: int) -> Call:
    """Return the context of a call that a player makes."""
    return Call(ground.world, sender=1, entity=entity, tick=ground.world.tick)


def tally(ground: Ground, entity: int) -> Tally:
    """Return what a player has scored."""
    return ground.world.component_for_entity(entity, Tally)


# The clock.


def test_the_clock_counts_up_where_there_is_no_limit_and_down_where_there_is() -> None:
    """Either way it stands still while the ball is not in play."""
    plain, ground = Ground(home=1, away=1).kick_off(), kick_off_timed(80)
    plain.put_ball(400.0, 300.0)
    assert (clock_text(plain.world, plain.match), clock_text(ground.world, ground.match)) == ("0:00", "1:20")
    for each in (plain, ground):
        each.run(seconds=61)
        each.score(Team.HOME)
        each.run(ticks=30)

    assert (clock_text(plain.world, plain.match), clock_text(ground.world, ground.match)) == ("1:01", "0:19")


def test_who_is_ahead_when_the_time_is_over_has_won() -> None:
    """In the very tick; with fewer than five goals."""
    ground = kick_off_timed()
    ground.score(Team.AWAY)
    ground.run_until(Phase.PLAY)
    ground.put_ball(400.0, 300.0)
    left = 20 * 60 - ground.match.played_ticks
    ground.run(ticks=left - 1)
    assert ground.phase() is Phase.PLAY
    ground.run(ticks=1)

    assert ground.stage() is Stage.FINISHED
    assert ground.match.winner is Team.AWAY
    assert clock_text(ground.world, ground.match) == "0:00"


def test_after_a_draw_the_next_goal_wins() -> None:
    """The golden goal: play goes on until it is shot, and is cheered as any other."""
    ground = kick_off_timed()
    ground.run(seconds=19)
    assert not is_golden_goal(ground.world, ground.match)
    ground.run(seconds=10)
    assert ground.phase() is Phase.PLAY
    assert is_golden_goal(ground.world, ground.match)
    ground.score(Team.HOME)

    assert ground.stage() is Stage.FINISHED
    assert (ground.match.winner, ground.match.home) == (Team.HOME, 1)


def test_five_goals_win_with_a_clock_as_well() -> None:
    """Nobody has to wait for the end."""
    ground = kick_off_timed()
    ground.match.home = 4
    ground.score(Team.HOME)

    assert ground.stage() is Stage.FINISHED


def test_a_rematch_has_the_whole_time_again() -> None:
    """The clock of the last match is gone."""
    ground = kick_off_timed()
    ground.run(seconds=10)
    ground.match.home = 4
    ground.score(Team.HOME)
    ground.get_ready()
    ground.run_until(Phase.PLAY)

    assert clock_text(ground.world, ground.match) == "0:20"


def test_the_timed_game_is_another_only_by_its_clock() -> None:
    """A client joins either with the same game: the rules travel."""
    assert timed.application_id == game.application_id
    assert [each for each in timed.systems if each not in game.systems] == [TimedReferee]


# What is told, and counted.


def test_everybody_is_told_of_every_goal_once_and_of_the_winner() -> None:
    """With the tick in which it counted, and the score in the end."""
    ground = Ground(home=1, away=1).kick_off()
    ground.match.home = 3
    ground.score(Team.HOME)
    ground.score(Team.AWAY)
    first, second = (event.tick for event in ground.told if isinstance(event, GoalScored))
    ground.score(Team.HOME)
    ground.run(seconds=20)

    assert ground.told[:2] == [
        GoalScored(Team.HOME, scorer=0, own_goal=False, tick=first),
        GoalScored(Team.AWAY, scorer=0, own_goal=False, tick=second),
    ]
    assert ground.told[3:] == [MatchWon(Team.HOME, home=5, away=1)]
    assert first < second


def test_a_players_goals_and_own_goals_are_counted_until_the_next_match() -> None:
    """For the result screen."""
    ground = Ground(home=1, away=1).kick_off()
    for x, velocity in ((740.0, 600.0), (740.0, 600.0), (60.0, -600.0)):
        ground.run_until(Phase.PLAY)
        ground.put_ball(x, 200.0, velocity)
        ground.ball.touched_by, ground.ball.touched_team = ground.home, Team.HOME
        ground.run_until(Phase.GOAL)
    assert tally(ground, ground.home) == Tally(goals=2, own_goals=1)
    assert tally(ground, ground.away) == Tally()
    ground.match.home = 5
    ground.run_until(Stage.WAITING, within_seconds=20)
    assert tally(ground, ground.home).goals == 2
    ground.get_ready()
    ground.run(ticks=1)

    assert tally(ground, ground.home) == Tally()


def test_a_forfeit_is_told_with_the_score_as_it_was() -> None:
    """Who is gone has lost, whatever the score."""
    ground = Ground(home=1, away=1).kick_off()
    ground.match.away = 3
    ground.put_ball(400.0, 300.0)
    ground.world.delete_entity(ground.away)
    ground.run(seconds=10.1)

    assert ground.told == [MatchWon(Team.HOME, home=0, away=3)]


# Who plays.


def test_a_lost_player_still_holds_its_side() -> None:
    """Its place is kept: the side forfeits ten seconds after it is given up, not before."""
    ground = Ground(home=1, away=1).kick_off()
    ground.put_ball(400.0, 300.0)
    ground.world.component_for_entity(ground.home, Player).status = PlayerStatus.LOST
    ground.run(seconds=15)
    assert ground.phase() is Phase.PLAY
    ground.world.delete_entity(ground.home)
    ground.run(seconds=10.1)

    assert ground.stage() is Stage.FINISHED


def test_a_side_that_fills_up_in_time_does_not_forfeit() -> None:
    """The ten seconds begin anew when it is empty again."""
    ground = Ground(home=1, away=2).kick_off()
    for _ in range(3):
        ground.put_ball(400.0, 300.0)
        ground.world.delete_entity(ground.home)
        ground.run(seconds=6)
        assert ground.phase() is Phase.PLAY
        late = ground.add_player()
        ground.score(Team.HOME)  # the next kickoff brings him in
        ground.run(ticks=2)
        assert ground.seat(late).team == Team.HOME
        ground.sides[Team.HOME] = [late]


@pytest.mark.parametrize("count", [7, 9])
def test_more_than_six_watch(count: int) -> None:
    """Six bodies on the pitch; the others have none, and take the seats that come free at the next kickoff."""
    ground = Ground()
    players = [ground.add_player() for _ in range(count)]
    ground.run(ticks=2)
    ground.get_ready()
    ground.run_until(Phase.PLAY)
    assert len(ground.world.get_component(Footballer)) == 6
    assert [ground.seat(player).team for player in players[6:]] == [0] * (count - 6)
    ground.world.delete_entity(players[0])
    ground.run(seconds=1)
    assert len(ground.world.get_component(Footballer)) == 5
    ground.score(Team.AWAY)
    ground.run(ticks=2)

    assert len(ground.world.get_component(Footballer)) == 6
    assert ground.seat(players[6]).team == Team.HOME
    assert ground.place(players[6]).x == 100.0


def test_who_watches_leaves_the_pitch_and_comes_back_at_a_kickoff() -> None:
    """In the middle of a match; what he has scored stays his."""
    ground = Ground(home=2, away=2).kick_off()
    tally(ground, ground.home).goals = 1
    watch(call_from(ground, ground.home), True)  # as on the wire
    ground.run(ticks=1)
    assert not ground.world.has_component(ground.home, Footballer)
    watch(call_from(ground, ground.home), False)  # as on the wire
    ground.run(seconds=1)
    assert not ground.world.has_component(ground.home, Footballer)
    ground.score(Team.HOME)
    ground.run(ticks=2)

    assert ground.world.has_component(ground.home, Footballer)
    assert tally(ground, ground.home).goals == 1


def test_sides_are_evened_out_and_stand_where_they_belong() -> None:
    """The newest changes over when the countdown begins, and so does his body."""
    ground = Ground(home=2, away=2)
    choose_team(call_from(ground, ground.sides[Team.AWAY][0]), Team.HOME)
    ground.run(ticks=2)
    ground.get_ready()
    ground.run(ticks=1)
    sides = [seat.team for _, (_, seat) in ground.world.get_components(Footballer, Seat)]
    places = sorted((ground.place(entity).x, ground.place(entity).y) for entity, _ in ground.world.get_component(Seat))

    assert sorted(sides) == [1, 1, 2, 2]
    assert ground.stage() is Stage.COUNTDOWN
    assert len(set(places)) == 4
    assert [x for x, _ in places] == [100.0, 100.0, 700.0, 700.0]
