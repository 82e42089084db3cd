"""Lobby: who plays on which side and who is ready. Both ends of it: the rule and the calls a client makes.

A plain one: each new Player gets a Seat on the smaller team while the lobby is open, whoever finds no seat waits as a
spectator and takes the next that comes free. A game lists `Lobby` among its systems and `set_ready`, `choose_team`
among its rpcs, and opens and closes the lobby through the one LobbyRules.
"""

from collections import Counter

from ecsnet.components.player import Player
from ecsnet.components.seat import Seat
from ecsnet.errors import Refused
from ecsnet.fields import component
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.system import System
from ecsnet.world import World

__all__ = ["SPECTATOR", "Lobby", "LobbyRules", "choose_team", "everybody_ready", "set_ready"]

SPECTATOR = 0  # the team of those who have no seat; teams count from 1


@component
class LobbyRules:
    """How a game's lobby works; server only, there is one. Written by the game; read by Lobby and its calls."""

    teams: int = 2
    seats_per_team: int = 16
    open: bool = True  # players may switch and get ready
    seating: bool = True  # spectators are given free seats


class Lobby(System):
    """Server: give every Player a Seat, and waiting spectators a team as soon as the rules allow it."""

    def process(self, world: World) -> None:
        """Seat the newcomers, oldest first."""
        for entity, _ in world.get_component(Player):
            if not world.has_component(entity, Seat):
                world.add_component(entity, Seat(team=SPECTATOR, ready=False))
        rules = rules_of(world)
        if not rules.seating:
            return
        for _, (_, seat) in world.get_components(Player, Seat):
            if seat.team == SPECTATOR:
                seat.team = smallest_team(world, rules)


@rpc(to=SERVER, rate_hz=5)
def set_ready(call: Call, ready: bool) -> None:  # noqa: FBT001  # an argument on the wire has no keyword
    """Say that one is ready to play, or take it back."""
    seat = _seat_of(call)
    if seat.team == SPECTATOR:
        raise Refused("spectators cannot be ready; wait for a seat")
    seat.ready = ready


@rpc(to=SERVER, rate_hz=5)
def choose_team(call: Call, team: int) -> None:
    """Change sides. Whoever changes is no longer ready."""
    seat, rules = _seat_of(call), rules_of(call.world)
    if not 1 <= team <= rules.teams:
        raise Refused(f"there is no team {team}; choose 1 to {rules.teams}")
    if seat.team == team:
        return
    if team_sizes(call.world)[team] >= rules.seats_per_team:
        raise Refused("that team is full")
    seat.team, seat.ready = team, False


def rules_of(world: World) -> LobbyRules:
    """Return the game's rules, or the usual ones if it has set none."""
    return world.try_single(LobbyRules) or LobbyRules()


def team_sizes(world: World) -> Counter[int]:
    """Count the players of each team."""
    return Counter(seat.team for _, (_, seat) in world.get_components(Player, Seat))


def smallest_team(world: World, rules: LobbyRules) -> int:
    """Return the team with the fewest players, the first of equals; SPECTATOR if all are full."""
    sizes = team_sizes(world)
    team = min(range(1, rules.teams + 1), key=lambda team: sizes[team])
    return team if sizes[team] < rules.seats_per_team else SPECTATOR


def everybody_ready(world: World) -> bool:
    """Tell whether no team is without players and everyone who has a seat is ready."""
    seats = [seat for _, (_, seat) in world.get_components(Player, Seat) if seat.team != SPECTATOR]
    filled = {seat.team for seat in seats}
    return len(filled) == rules_of(world).teams and all(seat.ready for seat in seats)


def _seat_of(call: Call) -> Seat:
    """Return the caller's seat if the lobby is open."""
    if not rules_of(call.world).open:
        raise Refused("the match is on; wait for the lobby")
    seat = call.world.try_component(call.entity, Seat)
    if seat is None:
        raise Refused("you have no seat yet")
    return seat
