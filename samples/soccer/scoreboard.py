"""One line of score, for a terminal without a window."""

from ecsnet import World
from ecsnet.components import Player, Seat, Stage
from ecsnet.samples.soccer.components import Match, MatchRules
from ecsnet.samples.soccer.phases import phase_now, play_ticks_left, played_ticks
from ecsnet.samples.soccer.pitch import Team
from ecsnet.systems import stage_now

__all__ = ["clock_text", "is_golden_goal", "state_name", "status_line"]


def status_line(world: World) -> str:
    """Return for example `PLAY 1:07  HOME 2 : 1 AWAY  (4 players)`."""
    match = world.try_single(Match)
    if match is None:
        return "waiting for the match"
    seats = [seat for _, (_, seat) in world.observe(Player, Seat) if seat.team != Team.SPECTATOR]
    count = f"{len(seats)} player{'' if len(seats) == 1 else 's'}"
    if stage_now(world) is Stage.WAITING:
        count += f", {sum(seat.ready for seat in seats)} ready"
    return f"{state_name(world)} {clock_text(world, match)}  HOME {match.home} : {match.away} AWAY  ({count})"


def state_name(world: World) -> str:
    """Return in one word what is going on."""
    return (phase_now(world) or stage_now(world)).name


def clock_text(world: World, match: Match) -> str:
    """Return the time played, or left to play where there is a clock, as m:ss."""
    ticks = played_ticks(world, match)
    if world.single(MatchRules).clock_seconds:
        ticks = max(0, play_ticks_left(world, match))
        seconds = -int(-ticks // world.tick_rate_hz)  # rounded up: it shows 0:00 when the time is over
    else:
        seconds = int(ticks // world.tick_rate_hz)
    return f"{seconds // 60}:{seconds % 60:02d}"


def is_golden_goal(world: World, match: Match) -> bool:
    """Tell whether the time is over, and the next goal wins."""
    has_clock = world.single(MatchRules).clock_seconds > 0
    return has_clock and match.home == match.away and play_ticks_left(world, match) <= 0
