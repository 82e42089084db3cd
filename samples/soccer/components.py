"""The game's own data: what a player presses, what a player is, the ball and the match."""

from ecsnet import OWNER, EntityRef, NetVar, component, netvar, player_input
from ecsnet.samples.soccer.pitch import GOALS_TO_WIN, Phase, Team

__all__ = ["TICK_MAX", "Ball", "Footballer", "Match", "MatchRules", "Move", "Tally"]

TICK_MAX = 0xFFFFFFFF  # world.tick wraps after it


@player_input(shared=True)  # so that clients can foresee whom they push, and who is at the ball
class Move:
    """What a player presses in one tick. Written by the client; read by Steer."""

    move_x: int = netvar(0, low=-1, high=1)
    move_y: int = netvar(0, low=-1, high=1)  # down is positive
    kick: bool = netvar(default=False)


@component
class Footballer:
    """How a player stands and kicks. Written by Steer on both sides; read by BallMotion, bot, window."""

    facing: NetVar[int] = netvar(0, low=0, high=7)  # eighths of a turn, clockwise from the right
    cooldown_ticks: NetVar[int] = netvar(0, low=0, high=255)  # until the next kick; full in the tick of a kick
    kick_held: NetVar[bool] = netvar(default=False, audience=OWNER)  # the key was down in the previous tick
    side: Team = Team.SPECTATOR  # the side it was placed for; server only, as the next
    place: int = 0  # which of the side's starting places is its own


@component
class Ball:
    """The ball's motion and who had it last. Written by BallMotion; read by Referee and bot.

    It has no Velocity2D on purpose: Movement would move it, and only BallMotion knows how a ball meets what is in
    its way.
    """

    velocity_x: NetVar[float] = netvar(0.0, step=1 / 16, low=-1024, high=1024)  # world units per second
    velocity_y: NetVar[float] = netvar(0.0, step=1 / 16, low=-1024, high=1024)
    touched_by: int = 0  # an entity, 0: nobody since the kickoff; server only, as the next: Match tells who scored
    touched_team: Team = Team.SPECTATOR  # outlives the player, should he leave before the ball is in


@component
class Tally:
    """What a player did in this match, or in the last one. Written by Referee; read by the window."""

    goals: NetVar[int] = netvar(0, low=0, high=99)
    own_goals: NetVar[int] = netvar(0, low=0, high=99)


@component
class MatchRules:
    """What decides a match; there is one. Written by Referee, once; read by it and the window."""

    goals_to_win: NetVar[int] = netvar(GOALS_TO_WIN, low=1, high=99)
    clock_seconds: NetVar[int] = netvar(0, low=0, high=5999)  # of play; then the next goal wins. 0: no clock


@component
class Match:
    """The state of play; there is one. Written by Referee; read by all."""

    phase: NetVar[Phase] = Phase.KICKOFF  # means nothing while no match is on
    phase_started_tick: NetVar[int] = netvar(0, low=0, high=TICK_MAX)
    phase_ends_tick: NetVar[int] = netvar(0, low=0, high=TICK_MAX)  # means nothing in PLAY
    home: NetVar[int] = netvar(0, low=0, high=99)  # goals; of the last match until the next begins
    away: NetVar[int] = netvar(0, low=0, high=99)
    played_ticks: NetVar[int] = netvar(0, low=0, high=TICK_MAX)  # in PLAY, up to the start of this phase
    kicking_team: NetVar[Team] = Team.SPECTATOR  # who may move in KICKOFF; SPECTATOR: nobody
    scoring_team: NetVar[Team] = Team.SPECTATOR  # of the last goal
    scorer: NetVar[EntityRef] = 0  # of the last goal; 0 once he left
    own_goal: NetVar[bool] = False
    winner: NetVar[Team] = Team.SPECTATOR
    empty_ticks: int = 0  # how long one side has been without a player
