"""Soccer: what the game is made of. Nothing here, or in the files it names, knows that there is a network."""

from collections.abc import Mapping
from dataclasses import replace

from ecsnet import Game, World
from ecsnet.samples.soccer.ball import BallMotion
from ecsnet.samples.soccer.components import Ball, Footballer, Match, MatchRules, Move, Tally
from ecsnet.samples.soccer.happenings import GoalScored, MatchWon
from ecsnet.samples.soccer.manual import manual
from ecsnet.samples.soccer.match import Referee, TimedReferee
from ecsnet.samples.soccer.players import Steer
from ecsnet.samples.soccer.scoreboard import state_name
from ecsnet.samples.soccer.spawn import Spawn
from ecsnet.systems import LOBBY_CALLS, Collision, Lobby, Movement, Said, say

__all__ = ["game", "summary", "timed"]


def summary(world: World) -> Mapping[str, object]:
    """Say in three words how the match stands."""
    match = world.try_single(Match)
    if match is None:
        return {}
    return {"home": match.home, "away": match.away, "phase": state_name(world)}


game = Game(
    "soccer",
    input=Move,
    components=[Footballer, Ball, Match, MatchRules, Tally],
    systems=[
        Lobby,  # seats for those who came; when a match begins
        Referee,  # which phase of it this tick is in
        Spawn,  # bodies for those who took a seat
        Steer,  # predicted, as the next two
        Movement,
        Collision,
        BallMotion,
    ],
    rpcs=[*LOBBY_CALLS, say],
    events=[GoalScored, MatchWon, Said],
    resume_grace_seconds=15.0,
    help=manual(),
    tick_rate_hz=60,
    send_rate_hz=30,
    window="ecsnet.samples.soccer.window:main",
    bot="ecsnet.samples.soccer.bot:SoccerBot",
    summary=summary,
)

timed = replace(game, systems=tuple(TimedReferee if system is Referee else system for system in game.systems))
