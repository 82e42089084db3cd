"""Bots: they get ready, they score, and they are a function of what they see."""

import pytest

from ecsnet.samples.soccer.bot import decide_move
from ecsnet.samples.soccer.components import Move
from ecsnet.samples.soccer.pitch import Phase, Team
from tests.samples.soccer_ground import Ground


def play_until_goal(ground: Ground, bots: list[int], *, within_seconds: float) -> float | None:
    """Let bots press keys until a goal; return how many seconds it took, None if there was none in time."""
    for tick in range(round(within_seconds * 60)):
        if ground.phase() is Phase.GOAL:
            return tick / 60
        for entity in bots:
            move = decide_move(ground.world, entity)
            ground.press(entity, move.move_x, move.move_y, kick=move.kick)
        ground.run(ticks=1)
    return None


@pytest.mark.parametrize(("ball_x", "ball_y"), [(400, 200), (60, 50), (60, 350), (700, 30), (770, 375), (120, 200)])
@pytest.mark.parametrize("side", [Team.HOME, Team.AWAY], ids=["home", "away"])
def test_a_bot_scores_against_an_empty_goal(side: Team, ball_x: float, ball_y: float) -> None:
    """Within 30 s, wherever the ball lies, and into the right goal."""
    ground = Ground(home=1, away=1).kick_off()
    bot, other = (ground.home, ground.away) if side is Team.HOME else (ground.away, ground.home)
    ground.put(other, 400.0, 370.0)
    ground.put_ball(ball_x, ball_y)
    seconds = play_until_goal(ground, [bot], within_seconds=30)

    assert seconds is not None
    assert ground.match.scoring_team is side
    assert ground.match.scorer == bot


@pytest.mark.parametrize("size", [1, 2, 3])
def test_bots_play_whole_matches(size: int) -> None:
    """Nobody gets stuck: three minutes of play see goals."""
    ground = Ground(home=size, away=size).kick_off()
    bots = ground.sides[Team.HOME] + ground.sides[Team.AWAY]

    assert play_until_goal(ground, bots, within_seconds=180) is not None


def test_a_bot_depends_on_the_world_alone() -> None:
    """The same sight gives the same keys, and looking changes nothing."""
    ground = Ground(home=2, away=2).kick_off()
    ground.put_ball(300.0, 200.0, 50.0, 20.0)
    before = ground.hash()
    first = [decide_move(ground.world, entity) for entity in ground.sides[Team.HOME]]

    assert [decide_move(ground.world, entity) for entity in ground.sides[Team.HOME]] == first
    assert ground.hash() == before


def test_a_bot_without_a_body_presses_nothing() -> None:
    """A spectator's bot waits."""
    ground = Ground(home=1, away=1).kick_off()
    late = ground.add_player()
    ground.run(ticks=2)

    assert decide_move(ground.world, late) == Move()
