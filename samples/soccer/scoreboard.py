"""One line of score, for a terminal without a window."""

from ecsnet import World
from ecsnet.components import Player, Seat
from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.phases import played_ticks_at
from ecsnet.samples.soccer.pitch import Phase, Team

__all__ = ["clock_text", "status_line"]


def status_line(world: World) -> str:
    """Return for example `PLAY 1:07  HOME 2 : 1 AWAY  (4 players)`."""
    match = world.try_single(Match)
    if match is None:
        return "waiting for the match"
    seats = [seat for _, (_, seat) in world.observe(Player, Seat) if seat.team != Team.SPECTATOR]
    count = f"{len(seats)} player{'' if len(seats) == 1 else 's'}"
    if match.phase is Phase.LOBBY:
        count += f", {sum(seat.ready for seat in seats)} ready"
    return f"{match.phase.name} {clock_text(world, match)}  HOME {match.home} : {match.away} AWAY  ({count})"


def clock_text(world: World, match: Match) -> str:
    """Return the time played, as m:ss."""
    seconds = int(played_ticks_at(match, world.tick) / world.tick_rate_hz)
    return f"{seconds // 60}:{seconds % 60:02d}"
