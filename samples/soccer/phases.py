"""Which phase of a match follows which, as a table, and the questions every side asks about the phase of a tick."""

from enum import Enum, auto

from ecsnet import World
from ecsnet.components import Stage
from ecsnet.samples.soccer.components import Match, MatchRules
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.systems import stage_now
from ecsnet.wire import Tick, tick_difference

__all__ = [
    "TRANSITIONS",
    "Happening",
    "is_over",
    "is_time_up",
    "may_move",
    "phase_now",
    "play_ticks_left",
    "played_ticks",
]


class Happening(Enum):
    """What moves a match on."""

    TIME_UP = auto()
    GOAL = auto()


TRANSITIONS: dict[Phase, dict[Happening, Phase]] = {
    Phase.KICKOFF: {Happening.TIME_UP: Phase.PLAY},
    Phase.PLAY: {Happening.GOAL: Phase.GOAL},
    Phase.GOAL: {Happening.TIME_UP: Phase.KICKOFF},
}


def is_time_up(match: Match, tick: Tick) -> bool:
    """Tell whether the end of a phase that has one has come by `tick`."""
    return Happening.TIME_UP in TRANSITIONS[match.phase] and tick_difference(tick, match.phase_ends_tick) >= 0


def phase_now(world: World) -> Phase | None:
    """Return the phase of this tick as far as the clock alone decides it; None while no match is on.

    A client that runs ahead of the server knows so when the whistle will blow, and is not late by a round trip.
    """
    match = world.try_single(Match)
    if match is None or stage_now(world) is not Stage.RUNNING:
        return None
    return TRANSITIONS[match.phase][Happening.TIME_UP] if is_time_up(match, world.tick) else match.phase


def may_move(world: World, team: int) -> bool:
    """Tell whether players of a team may move in this tick: always, but in the countdown and before a kickoff."""
    if phase_now(world) is Phase.KICKOFF:
        match = world.single(Match)
        return match.phase is Phase.KICKOFF and team == match.kicking_team and team != Team.SPECTATOR
    return stage_now(world) is not Stage.COUNTDOWN


def is_over(world: World, match: Match) -> bool:
    """Tell whether one side has the goals to win, or is ahead when the clock has run down."""
    rules = world.single(MatchRules)
    if match.home != match.away and rules.clock_seconds and play_ticks_left(world, match) <= 0:
        return True
    return max(match.home, match.away) >= rules.goals_to_win


def played_ticks(world: World, match: Match) -> int:
    """Return how long the ball has been in play."""
    running = tick_difference(world.tick, match.phase_started_tick) if match.phase is Phase.PLAY else 0
    return match.played_ticks + max(0, running)


def play_ticks_left(world: World, match: Match) -> int:
    """Return how long the clock still runs; below 0 in golden goal. Asked in matches with a clock only."""
    return round(world.single(MatchRules).clock_seconds * world.tick_rate_hz) - played_ticks(world, match)
