"""Soccer: what the game is made of. Nothing here, or in the files it names, knows that there is a network."""

from collections.abc import Mapping

from ecsnet import Game, World
from ecsnet.samples.soccer.ball import BallMotion
from ecsnet.samples.soccer.components import Ball, Footballer, Match, Move
from ecsnet.samples.soccer.match import Referee
from ecsnet.samples.soccer.players import Steer
from ecsnet.samples.soccer.spawn import Spawn
from ecsnet.systems import Collision, Movement
from ecsnet.systems.lobby import Lobby, choose_team, set_ready

__all__ = ["game", "summary"]


def summary(world: World) -> Mapping[str, object]:
    """Say in three words how the match stands."""
    match = world.try_single(Match)
    if match is None:
        return {}
    return {"home": match.home, "away": match.away, "phase": match.phase.name}


game = Game(
    "soccer",
    input=Move,
    components=[Footballer, Ball, Match],
    systems=[
        Spawn,  # bodies for those who took a seat
        Referee,  # which phase this tick is in
        Lobby,  # seats for those who came
        Steer,  # predicted, as the next two
        Movement,
        Collision,
        BallMotion,
    ],
    rpcs=[set_ready, choose_team],
    tick_rate_hz=60,
    send_rate_hz=30,
    window="ecsnet.samples.soccer.window:main",
    bot="ecsnet.samples.soccer.bot:SoccerBot",
    summary=summary,
)
