"""The lobby: seats for those who come, sides to choose, readiness, and what it refuses."""

import pytest

from ecsnet.components.player import Player
from ecsnet.components.seat import Seat
from ecsnet.errors import Refused
from ecsnet.rpc import Call
from ecsnet.systems.lobby import Lobby, LobbyRules, choose_team, everybody_ready, set_ready
from ecsnet.world import World


def make_lobby(rules: LobbyRules | None = None) -> World:
    """Return a World with a lobby, and a game's rules if it has some."""
    world = World()
    world.add_system(Lobby())
    if rules is not None:
        world.create_entity(rules)
    return world


def join(world: World, count: int) -> list[int]:
    """Connect players and run a tick."""
    players = [world.create_entity(Player(client_id=number + 1)) for number in range(count)]
    world.process()
    return players


def teams(world: World) -> list[int]:
    """Return everybody's team, in order of coming."""
    return [seat.team for _, seat in world.get_component(Seat)]


def call_from(world: World, entity: int) -> Call:
    """Return the context of a call that a player makes."""
    return Call(world, sender=1, entity=entity, tick=world.tick)


def test_newcomers_fill_the_smaller_team_the_first_of_equals_first() -> None:
    """So that sides stay balanced without anybody doing anything."""
    world = make_lobby()
    players = join(world, 4)
    world.delete_entity(players[0])
    join(world, 1)

    assert teams(world) == [2, 1, 2, 1]


def test_whoever_finds_no_seat_watches_until_one_is_free() -> None:
    """First come, first seated."""
    world = make_lobby(LobbyRules(teams=2, seats_per_team=1))
    players = join(world, 4)
    assert teams(world) == [1, 2, 0, 0]
    world.delete_entity(players[1])
    world.process()

    assert teams(world) == [1, 2, 0]


def test_nobody_is_seated_while_the_game_does_not_want_it() -> None:
    """A late joiner waits for the game's sign."""
    rules = LobbyRules(seating=False)
    world = make_lobby(rules)
    join(world, 1)
    assert teams(world) == [0]
    rules.seating = True
    world.process()

    assert teams(world) == [1]


def test_changing_sides_takes_readiness_back() -> None:
    """It was given for another match."""
    world = make_lobby()
    first, _ = join(world, 2)
    set_ready(call_from(world, first), True)  # as on the wire
    assert world.component_for_entity(first, Seat).ready
    choose_team(call_from(world, first), 2)

    assert world.component_for_entity(first, Seat) == Seat(team=2, ready=False)


@pytest.mark.parametrize("team", [-1, 0, 3])
def test_a_team_that_is_not_there_is_refused(team: int) -> None:
    """Whatever a client sends."""
    world = make_lobby()
    (player,) = join(world, 1)

    with pytest.raises(Refused, match=f"no team {team}"):
        choose_team(call_from(world, player), team)


def test_a_full_team_is_refused() -> None:
    """Its seats are limited."""
    world = make_lobby(LobbyRules(seats_per_team=1))
    first, _ = join(world, 2)

    with pytest.raises(Refused, match="full"):
        choose_team(call_from(world, first), 2)


def test_a_spectator_cannot_be_ready() -> None:
    """Else a match would wait for him, or not."""
    world = make_lobby(LobbyRules(seats_per_team=1))
    *_, third = join(world, 3)

    with pytest.raises(Refused, match="spectators"):
        set_ready(call_from(world, third), True)  # as on the wire


def test_a_closed_lobby_refuses() -> None:
    """Nothing changes while a match is on."""
    rules = LobbyRules()
    world = make_lobby(rules)
    (player,) = join(world, 1)
    rules.open = False

    with pytest.raises(Refused, match="match is on"):
        choose_team(call_from(world, player), 2)
    with pytest.raises(Refused, match="match is on"):
        set_ready(call_from(world, player), True)  # as on the wire


def test_everybody_is_ready_when_no_team_is_empty_and_no_seat_is_not() -> None:
    """Spectators do not count."""
    world = make_lobby(LobbyRules(seats_per_team=1))
    first, second, _ = join(world, 3)
    set_ready(call_from(world, first), True)  # as on the wire
    assert not everybody_ready(world)
    set_ready(call_from(world, second), True)  # as on the wire
    assert everybody_ready(world)
    world.delete_entity(second)

    assert not everybody_ready(world)
