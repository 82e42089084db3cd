"""Bots: they get ready, they score, and they are a function of what they see."""

import pytest

from ecsnet.components import LobbyStage, Stage
from ecsnet.samples.soccer.bot import SoccerBot, decide_move
from ecsnet.samples.soccer.components import Move
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.systems import finish
from ecsnet.testing.simulation import Simulation
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
@pytest.mark.parametrize("seed", range(3))
def test_bots_play_whole_matches(size: int, seed: int) -> None:
    """Nobody gets stuck: two minutes see two goals at least. Five and more are usual, as measured over 20 seeds."""
    ground = Ground(home=size, away=size, seed=seed).kick_off()
    bots = ground.sides[Team.HOME] + ground.sides[Team.AWAY]
    first = play_until_goal(ground, bots, within_seconds=120)
    assert first is not None
    ground.run_until(Phase.PLAY)

    assert play_until_goal(ground, bots, within_seconds=120 - first) is not None


def test_another_seed_is_another_match() -> None:
    """Else a hundred matches of bots would show one."""
    hashes = set()
    for seed in (1, 2):
        ground = Ground(home=2, away=2, seed=seed).kick_off()
        play_until_goal(ground, ground.sides[Team.HOME] + ground.sides[Team.AWAY], within_seconds=10)
        hashes.add(ground.hash())

    assert len(hashes) == 2


def test_bots_want_a_rematch_when_they_have_seen_the_result() -> None:
    """As people do: not at once, and without waiting for the lobby."""
    sim = Simulation(game, clients=2, seed=1)
    bots = {client: SoccerBot() for client in sim.clients}

    def press() -> None:
        for client, bot in bots.items():
            client.press(bot.decide(client))

    sim.before_each_step(press)

    def stage() -> Stage:
        return sim.server.world.single(LobbyStage).stage

    sim.run_until(lambda: stage() is Stage.RUNNING, within_seconds=10)
    finish(sim.server.world)
    sim.run(seconds=1.5)
    assert stage() is Stage.FINISHED
    sim.run_until(lambda: stage() is not Stage.FINISHED, within_seconds=3.4)

    assert stage() is Stage.COUNTDOWN


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
