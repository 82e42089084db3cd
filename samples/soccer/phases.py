"""Which phase follows which, as a table, and the questions every side asks about the phase of a tick."""

from enum import Enum, auto

from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.pitch import GOALS_TO_WIN, Phase, Team
from ecsnet.wire import Tick, tick_difference

__all__ = ["TRANSITIONS", "Happening", "is_decided", "may_move", "phase_at", "played_ticks_at", "time_up"]


class Happening(Enum):
    """What moves a match on."""

    ALL_READY = auto()
    NOT_READY = auto()  # somebody took it back, or left
    TIME_UP = auto()
    GOAL = auto()
    DECIDED = auto()
    FORFEIT = auto()  # one side stayed empty
    DESERTED = auto()  # nobody is left


_IN_A_MATCH = {Happening.FORFEIT: Phase.FINISHED, Happening.DESERTED: Phase.LOBBY}

TRANSITIONS: dict[Phase, dict[Happening, Phase]] = {
    Phase.LOBBY: {Happening.ALL_READY: Phase.COUNTDOWN},
    Phase.COUNTDOWN: {Happening.NOT_READY: Phase.LOBBY, Happening.TIME_UP: Phase.KICKOFF},
    Phase.KICKOFF: {Happening.TIME_UP: Phase.PLAY, **_IN_A_MATCH},
    Phase.PLAY: {Happening.GOAL: Phase.GOAL, **_IN_A_MATCH},
    Phase.GOAL: {Happening.TIME_UP: Phase.KICKOFF, Happening.DECIDED: Phase.FINISHED, **_IN_A_MATCH},
    Phase.FINISHED: {Happening.TIME_UP: Phase.LOBBY, Happening.DESERTED: Phase.LOBBY},
}


def is_decided(match: Match) -> bool:
    """Tell whether one side has the goals to win."""
    return max(match.home, match.away) >= GOALS_TO_WIN


def time_up(match: Match, tick: Tick) -> Happening | None:
    """Return what the end of the phase's time means, if it has come by `tick`."""
    if Happening.TIME_UP not in TRANSITIONS[match.phase] or tick_difference(tick, match.phase_ends_tick) < 0:
        return None
    return Happening.DECIDED if match.phase is Phase.GOAL and is_decided(match) else Happening.TIME_UP


def phase_at(match: Match, tick: Tick) -> Phase:
    """Return the phase of `tick` as far as the clock alone decides it.

    A client that runs ahead of the server knows so when the whistle will blow, and is not late by a round trip.
    """
    happening = time_up(match, tick)
    return match.phase if happening is None else TRANSITIONS[match.phase][happening]


def may_move(match: Match, team: int, tick: Tick) -> bool:
    """Tell whether players of a team may move in `tick`: always, but before a kickoff."""
    phase = phase_at(match, tick)
    if phase is Phase.KICKOFF:
        return match.phase is Phase.KICKOFF and team == match.kicking_team and team != Team.SPECTATOR
    return phase is not Phase.COUNTDOWN


def played_ticks_at(match: Match, tick: Tick) -> int:
    """Return how long the ball has been in play, for the clock on the score board."""
    running = tick_difference(tick, match.phase_started_tick) if match.phase is Phase.PLAY else 0
    return match.played_ticks + max(0, running)
