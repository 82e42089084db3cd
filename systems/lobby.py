"""Lobby: who plays on which side, who is ready, and when a match begins. Both ends: the rule and the calls of clients.

A game lists `Lobby` first among its systems and `*LOBBY_CALLS` among its rpcs; then players have a `Seat`, and the one
`LobbyStage` goes from WAITING over COUNTDOWN to RUNNING when all are ready. The game does what its match needs when
`stage_begun(world)` says so, calls `finish(world)` when it is decided, and `seat_waiting(world)` where late joiners may
come in. How many play, and what else is usual, its `LobbyRules` say; for another rule of its own it lists a subclass.

A lost player keeps its seat until the server gives it up. A match waits for it no more than for a spectator: it is
neither asked whether it is ready nor counted as an opponent.
"""

from collections import Counter
from collections.abc import Iterator

from ecsnet.components.lobby_rules import LateJoin, LobbyRules
from ecsnet.components.lobby_stage import LobbyStage, Stage
from ecsnet.components.player import Player, PlayerStatus
from ecsnet.components.seat import Seat
from ecsnet.errors import Refused, SchemaError
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.system import System
from ecsnet.systems.stages import Happening, advance, is_time_up, rules_of, stage_now
from ecsnet.world import World

__all__ = ["LOBBY_CALLS", "SPECTATOR", "Lobby", "choose_team", "set_ready", "team_sizes", "watch"]

SPECTATOR = 0  # the team of those who have no seat; teams count from 1


class Lobby(System):
    """Server: seat the players, and move the lobby from stage to stage."""

    def process(self, world: World) -> None:
        """Give seats, then apply what happened, in order of weight, until one of it moves the lobby on."""
        lobby, rules = world.try_single(LobbyStage), rules_of(world)
        if rules.teams < 1:  # it would fail below before it is sent, which checks the other numbers
            raise SchemaError(f"LobbyRules.teams: {rules.teams} is outside low=1..high=254; without sides it is 1")
        if lobby is None:
            world.create_entity(lobby := LobbyStage(started_tick=world.tick))
        self._give_seats(world, lobby, rules)
        for happening in self._happenings(world, lobby):
            if advance(world, lobby, happening):
                self._begin(world, lobby)
                return

    # What a game may want otherwise.

    def team_for(self, world: World, rules: LobbyRules, player: int) -> int:  # noqa: ARG002  # a subclass may ask who
        """Return the team of a player who waits for a seat: the smallest, the first of equals; SPECTATOR: none yet."""
        sizes = team_sizes(world)
        team = min(range(1, rules.teams + 1), key=lambda team: sizes[team])
        return team if sizes[team] < rules.seats_per_team else SPECTATOR

    def starting_sides(self, world: World, rules: LobbyRules) -> dict[int, int]:
        """Return the team of every player who would be in a match that began now: those who are connected."""
        sides = {entity: seat.team for entity, seat in present_seats(world).items()}
        return evened_out(sides, team_sizes(world), rules) if rules.balanced else sides

    # The stages.

    def _give_seats(self, world: World, lobby: LobbyStage, rules: LobbyRules) -> None:
        for entity, _ in world.get_component(Player):
            if not world.has_component(entity, Seat):
                world.add_component(entity, Seat())
        may_come_in = rules.late is LateJoin.NOW or (rules.late is LateJoin.BREAK and lobby.is_break)
        lobby.is_break = False
        if lobby.stage in {Stage.WAITING, Stage.FINISHED} or (lobby.stage is Stage.RUNNING and may_come_in):
            for entity, (_, seat) in world.get_components(Player, Seat):
                if seat.team == SPECTATOR and not seat.watching:
                    seat.team = self.team_for(world, rules, entity)

    def _happenings(self, world: World, lobby: LobbyStage) -> Iterator[Happening]:
        present = present_seats(world)
        ready = all(seat.ready for seat in present.values()) and self._are_enough(world, rules_of(world))
        if not team_sizes(world):
            yield Happening.DESERTED
        if ready:
            yield Happening.READY
        if not ready or not lobby.starters <= present.keys():
            yield Happening.NOT_READY
        if is_time_up(lobby, world.tick):
            yield Happening.TIME_UP

    def _are_enough(self, world: World, rules: LobbyRules) -> bool:
        sizes = Counter(self.starting_sides(world, rules).values())
        filled = all(sizes[team] >= rules.min_per_team for team in range(1, rules.teams + 1))
        return filled and sizes.total() >= rules.min_players

    def _begin(self, world: World, lobby: LobbyStage) -> None:
        """Do what a stage begins with."""
        if lobby.stage is Stage.COUNTDOWN:
            sides = self.starting_sides(world, rules_of(world))
            for entity, team in sides.items():
                world.component_for_entity(entity, Seat).team = team
            lobby.starters = frozenset(sides)
        elif lobby.stage is Stage.RUNNING:
            for _, seat in world.get_component(Seat):
                seat.ready = False  # it was for this match


# Questions.


def team_sizes(world: World) -> Counter[int]:
    """Count the seats taken in each team, those of lost players included."""
    seats = world.observe(Player, Seat)
    return Counter(seat.team for _, (_, seat) in seats if seat.team != SPECTATOR)


def present_seats(world: World) -> dict[int, Seat]:
    """Return who has a seat and is connected: whom a start waits for."""
    return {
        entity: seat
        for entity, (player, seat) in world.observe(Player, Seat)
        if seat.team != SPECTATOR and player.status is not PlayerStatus.LOST
    }


def evened_out(sides: dict[int, int], seated: Counter[int], rules: LobbyRules) -> dict[int, int]:
    """Return the sides with as many in each team as can be: the newest of the largest change over, if there is room.

    Args:
        sides: The team of each player.
        seated: The seats taken in each team, which may be more: lost players keep theirs.
    """
    sides, seated = dict(sides), Counter(seated)
    while True:
        sizes = Counter(dict.fromkeys(range(1, rules.teams + 1), 0))
        sizes.update(sides.values())
        largest = max(sizes, key=lambda team: sizes[team])
        smallest = min(sizes, key=lambda team: (seated[team] >= rules.seats_per_team, sizes[team]))
        if sizes[largest] - sizes[smallest] <= 1 or seated[smallest] >= rules.seats_per_team:
            return sides
        newest = max(entity for entity, team in sides.items() if team == largest)
        sides[newest] = smallest
        seated.update({largest: -1, smallest: 1})


# What players ask for.


@rpc(to=SERVER, rate_hz=5)
def set_ready(call: Call, ready: bool) -> None:  # noqa: FBT001  # an argument on the wire has no keyword
    """Say that one is ready to play, or take it back; after a match: that one wants a rematch."""
    seat = _seat_of(call)
    if stage_now(call.world) is Stage.RUNNING:
        raise Refused("the match is on; wait for its end")
    if seat.team == SPECTATOR:
        raise Refused("spectators cannot be ready; take a seat, or wait for one")
    seat.ready = ready


@rpc(to=SERVER, rate_hz=5)
def choose_team(call: Call, team: int) -> None:
    """Change sides, or stop watching. Whoever changes is no longer ready."""
    seat, rules = _seat_of(call), rules_of(call.world)
    if stage_now(call.world) not in {Stage.WAITING, Stage.COUNTDOWN}:
        raise Refused("the match is on; wait for the lobby")
    if not rules.switching:
        raise Refused("teams are not chosen here")
    if not 1 <= team <= rules.teams:
        raise Refused(f"there is no team {team}; choose 1 to {rules.teams}")
    if seat.team == team:
        return
    if team_sizes(call.world)[team] >= rules.seats_per_team:
        raise Refused("that team is full")
    seat.team, seat.ready, seat.watching = team, False, False


@rpc(to=SERVER, rate_hz=2)
def watch(call: Call, watching: bool) -> None:  # noqa: FBT001  # an argument on the wire has no keyword
    """Leave one's seat and only watch; or wait for a seat again."""
    seat = _seat_of(call)
    if not watching:
        seat.watching = False
        return
    if not rules_of(call.world).spectators:
        raise Refused("nobody only watches here")
    seat.team, seat.ready, seat.watching = SPECTATOR, False, True


LOBBY_CALLS = (set_ready, choose_team, watch)


def _seat_of(call: Call) -> Seat:
    seat = call.world.try_component(call.entity, Seat)
    if seat is None:
        raise Refused("you have no seat yet")
    return seat
