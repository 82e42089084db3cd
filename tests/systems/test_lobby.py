"""The lobby: seats for those who come, sides to choose, readiness, and what it refuses."""

import pytest

from ecsnet.components import LateJoin, LobbyRules, LobbyStage, Predicted, Stage
from ecsnet.components.player import Player, PlayerStatus
from ecsnet.components.seat import Seat
from ecsnet.errors import Refused, SchemaError
from ecsnet.rpc import Call
from ecsnet.systems import finish, seat_waiting
from ecsnet.systems.lobby import Lobby, choose_team, set_ready, watch
from ecsnet.systems.stages import TRANSITIONS, Happening, seconds_left, stage_begun, stage_now
from ecsnet.world import World


def make_lobby(rules: LobbyRules | None = None, lobby: type[Lobby] = Lobby) -> World:
    """Return a World with a lobby, and a game's rules if it has some."""
    world = World()
    world.add_system(lobby())
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


def stage(world: World) -> Stage:
    """Return the stage as it is written; a call, since it changes behind a type checker's back."""
    return world.single(LobbyStage).stage


def call_from(world: World, entity: int) -> Call:
    """Return the context of a call that a player makes."""
    return Call(world, sender=1, entity=entity, tick=world.tick)


def get_ready(world: World, *players: int) -> None:
    """Let players say that they are ready, and run a tick."""
    for player in players:
        set_ready(call_from(world, player), True)  # as on the wire
    world.process()


def run_until(world: World, wanted: Stage, *, within_ticks: int = 600) -> int:
    """Run until a stage begins; return how many ticks that took."""
    for ticks in range(within_ticks):
        if stage(world) is wanted:
            return ticks
        world.process()
    raise AssertionError(f"no {wanted} within {within_ticks} ticks: {world.single(LobbyStage)}")


def started(rules: LobbyRules | None = None, count: int = 2) -> tuple[World, list[int]]:
    """Return a World in which a match is on, and its players."""
    world = make_lobby(rules)
    players = join(world, count)
    get_ready(world, *(player for player in players if world.component_for_entity(player, Seat).team))
    run_until(world, Stage.RUNNING)
    return world, players


# Seats.


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
    """Its seats are limited; those of lost players are taken."""
    world = make_lobby(LobbyRules(seats_per_team=1))
    first, second = join(world, 2)
    world.component_for_entity(second, Player).status = PlayerStatus.LOST

    with pytest.raises(Refused, match="full"):
        choose_team(call_from(world, first), 2)


def test_a_game_may_choose_the_teams_itself() -> None:
    """By its rules, and by a subclass that knows who belongs where."""

    class Last(Lobby):
        def team_for(self, world: World, rules: LobbyRules, player: int) -> int:
            return rules.teams

    world = make_lobby(LobbyRules(teams=3, switching=False), Last)
    (player,) = join(world, 1)
    assert teams(world) == [3]

    with pytest.raises(Refused, match="not chosen here"):
        choose_team(call_from(world, player), 1)


def test_who_is_no_player_has_no_seat() -> None:
    """A call may come before the first tick has seen the player."""
    world = make_lobby()
    player = world.create_entity(Player(client_id=1))

    with pytest.raises(Refused, match="no seat yet"):
        set_ready(call_from(world, player), True)  # as on the wire


# Watching.


def test_a_spectator_by_choice_is_given_no_seat_until_he_wants_one() -> None:
    """And whoever has waited takes his."""
    world = make_lobby(LobbyRules(seats_per_team=1))
    first, _, third = join(world, 3)
    watch(call_from(world, first), True)  # as on the wire
    world.process()
    assert teams(world) == [0, 2, 1]
    world.delete_entity(third)
    world.process()
    assert teams(world) == [0, 2]
    watch(call_from(world, first), False)  # as on the wire
    world.process()

    assert teams(world) == [1, 2]


def test_who_watches_may_take_a_seat_by_choosing_a_team() -> None:
    """It says both at once."""
    world = make_lobby()
    first, _ = join(world, 2)
    watch(call_from(world, first), True)  # as on the wire
    choose_team(call_from(world, first), 2)

    assert world.component_for_entity(first, Seat) == Seat(team=2, ready=False, watching=False)


def test_a_game_without_spectators_refuses_to_watch() -> None:
    """Its players are there to play."""
    world = make_lobby(LobbyRules(spectators=False))
    (player,) = join(world, 1)

    with pytest.raises(Refused, match="nobody only watches"):
        watch(call_from(world, player), True)  # as on the wire


def test_a_spectator_cannot_be_ready() -> None:
    """Else a match would wait for him, or not."""
    world = make_lobby(LobbyRules(seats_per_team=1))
    *_, third = join(world, 3)

    with pytest.raises(Refused, match="spectators"):
        set_ready(call_from(world, third), True)  # as on the wire


# The start.


def test_a_match_starts_when_everybody_with_a_seat_is_ready() -> None:
    """Spectators do not count."""
    world = make_lobby(LobbyRules(seats_per_team=1))
    first, second, _ = join(world, 3)
    get_ready(world, first)
    assert stage(world) is Stage.WAITING
    get_ready(world, second)

    assert stage(world) is Stage.COUNTDOWN


@pytest.mark.parametrize(
    ("rules", "count", "starts"),
    [
        (LobbyRules(), 1, False),
        (LobbyRules(), 2, True),
        (LobbyRules(min_players=3), 2, False),
        (LobbyRules(min_players=3), 3, True),
        (LobbyRules(min_per_team=2), 3, False),
        (LobbyRules(min_per_team=2), 4, True),
        (LobbyRules(teams=1), 1, False),
        (LobbyRules(teams=1, min_players=1), 1, True),
        (LobbyRules(teams=4, min_per_team=0), 2, True),
    ],
)
def test_there_have_to_be_enough(rules: LobbyRules, count: int, starts: bool) -> None:  # noqa: FBT001  # of pytest
    """Altogether, and in each team."""
    world = make_lobby(rules)
    get_ready(world, *join(world, count))

    assert (stage(world) is Stage.COUNTDOWN) is starts


def test_the_newest_change_over_until_sides_are_even() -> None:
    """As the countdown begins, so that everybody sees it; who came first stays where he likes to be."""
    world = make_lobby()
    players = join(world, 5)
    for player in players:
        choose_team(call_from(world, player), 1)
    get_ready(world, *players)

    assert stage(world) is Stage.COUNTDOWN
    assert teams(world) == [1, 1, 1, 2, 2]


def test_sides_stay_as_they_are_where_the_game_wants_that() -> None:
    """But none without a player."""
    world = make_lobby(LobbyRules(balanced=False))
    players = join(world, 4)
    for player in players:
        choose_team(call_from(world, player), 1)
    get_ready(world, *players)
    assert stage(world) is Stage.WAITING
    choose_team(call_from(world, players[0]), 2)
    get_ready(world, players[0])

    assert stage(world) is Stage.COUNTDOWN
    assert teams(world) == [2, 1, 1, 1]


def test_no_team_gets_more_than_its_seats_by_evening_out() -> None:
    """Lost players keep theirs, also where that leaves nobody to play against."""
    world = make_lobby(LobbyRules(seats_per_team=2))
    players = join(world, 4)
    for lost in (players[0], players[2]):  # all of team 1
        world.component_for_entity(lost, Player).status = PlayerStatus.LOST
    get_ready(world, players[1], players[3])

    assert stage(world) is Stage.WAITING
    assert teams(world) == [1, 2, 1, 2]


def test_a_lost_player_keeps_its_seat_and_blocks_no_start() -> None:
    """It may come back at any moment, or never."""
    world = make_lobby()
    first, second, third = join(world, 3)
    world.component_for_entity(third, Player).status = PlayerStatus.LOST
    get_ready(world, first, second)

    assert stage(world) is Stage.COUNTDOWN
    assert world.component_for_entity(third, Seat).team == 1


def test_a_lost_player_is_no_opponent() -> None:
    """Nobody wants to win against one who is not there."""
    world = make_lobby()
    first, second = join(world, 2)
    get_ready(world, second)
    world.component_for_entity(second, Player).status = PlayerStatus.LOST
    get_ready(world, first)

    assert stage(world) is Stage.WAITING


@pytest.mark.parametrize("how", ["unready", "left", "lost", "watching", "other side"])
def test_the_countdown_is_cancelled(how: str) -> None:
    """By whoever takes his word back, or goes, though there are enough without him."""
    world = make_lobby()
    players = join(world, 4)
    get_ready(world, *players)
    assert stage(world) is Stage.COUNTDOWN
    last = players[-1]
    if how == "unready":
        set_ready(call_from(world, last), False)  # as on the wire
    elif how == "left":
        world.delete_entity(last)
    elif how == "lost":
        world.component_for_entity(last, Player).status = PlayerStatus.LOST
    elif how == "watching":
        watch(call_from(world, last), True)  # as on the wire
    else:
        choose_team(call_from(world, last), 1)
    world.process()

    assert stage(world) is Stage.WAITING
    world.process()
    assert stage(world) is (Stage.WAITING if how in {"unready", "other side"} else Stage.COUNTDOWN)


def test_whoever_comes_during_the_countdown_does_not_stop_it() -> None:
    """He has a seat when the match is on, or later; see LateJoin."""
    world = make_lobby()
    get_ready(world, *join(world, 2))
    join(world, 1)
    assert (stage(world), teams(world)) == (Stage.COUNTDOWN, [1, 2, 0])
    run_until(world, Stage.RUNNING)
    world.process()

    assert teams(world) == [1, 2, 1]


# The stages.


def test_stages_last_as_long_as_the_rules_say() -> None:
    """Countdown and result; the others have no end of their own."""
    world = make_lobby(LobbyRules(countdown_seconds=1.5, finished_seconds=0.5))
    get_ready(world, *join(world, 2))
    assert seconds_left(world) == 1.5
    assert run_until(world, Stage.RUNNING) == 90
    assert seconds_left(world) == 0.0
    finish(world)

    assert run_until(world, Stage.WAITING) == 30


def test_a_client_ahead_knows_when_the_countdown_ends() -> None:
    """Its clock says so before the server does."""
    world = make_lobby()
    get_ready(world, *join(world, 2))
    ahead = World()
    ahead.create_entity(world.single(LobbyStage))
    ahead.tick = world.single(LobbyStage).ends_tick - 1
    assert stage_now(ahead) is Stage.COUNTDOWN
    ahead.tick += 1

    assert stage_now(ahead) is Stage.RUNNING
    assert stage_now(World()) is Stage.WAITING


def test_a_game_hears_of_each_stage_once() -> None:
    """In the tick in which it begins."""
    world = make_lobby()
    heard = []

    class Listener:
        def process(self, world: World) -> None:
            begun = stage_begun(world)
            if begun is not None:
                heard.append((world.tick, begun))
            if begun is Stage.RUNNING:
                finish(world)

    world.add_system(Listener())
    world.process()
    get_ready(world, *join(world, 2))
    for _ in range(600):
        world.process()

    assert heard == [(1, Stage.WAITING), (3, Stage.COUNTDOWN), (183, Stage.RUNNING), (483, Stage.WAITING)]


def test_nothing_changes_while_a_match_is_on() -> None:
    """Only who has enough may leave his seat."""
    world, (first, second) = started()
    with pytest.raises(Refused, match="match is on"):
        set_ready(call_from(world, first), True)  # as on the wire
    with pytest.raises(Refused, match="match is on"):
        choose_team(call_from(world, first), 2)
    watch(call_from(world, second), True)  # as on the wire
    world.process()

    assert (stage(world), teams(world)) == (Stage.RUNNING, [1, 0])


def test_after_a_match_nobody_is_ready_and_all_together_want_a_rematch() -> None:
    """It begins at once when all do; else those who said so still are when the lobby opens."""
    world, (first, second) = started()
    finish(world)
    assert not any(seat.ready for _, seat in world.get_component(Seat))
    get_ready(world, first)
    assert stage(world) is Stage.FINISHED
    get_ready(world, second)
    assert stage(world) is Stage.COUNTDOWN
    run_until(world, Stage.RUNNING)
    finish(world)
    get_ready(world, first)
    run_until(world, Stage.WAITING)

    assert [seat.ready for _, seat in world.get_component(Seat)] == [True, False]


def test_a_match_without_players_is_over() -> None:
    """The lobby waits for the next; lost players still have their seats, and may come back."""
    world, (first, second) = started()
    world.component_for_entity(first, Player).status = PlayerStatus.LOST
    world.delete_entity(second)
    world.process()
    assert stage(world) is Stage.RUNNING
    world.delete_entity(first)
    world.process()

    assert stage(world) is Stage.WAITING


@pytest.mark.parametrize("late", list(LateJoin))
def test_late_joiners_come_in_when_the_game_wants_it(late: LateJoin) -> None:
    """At once, at its next break, or when the match is over."""
    world, _ = started(LobbyRules(late=late))
    join(world, 1)
    assert teams(world)[2] == (1 if late is LateJoin.NOW else 0)
    seat_waiting(world)
    world.process()
    assert teams(world)[2] == (0 if late is LateJoin.NEXT_MATCH else 1)
    join(world, 1)
    assert teams(world)[3] == (2 if late is LateJoin.NOW else 0)
    finish(world)
    world.process()

    assert teams(world) == [1, 2, 1, 2]


def test_a_break_before_somebody_comes_is_over_when_he_does() -> None:
    """Else he would come into the middle of play."""
    world, _ = started(LobbyRules(late=LateJoin.BREAK))
    seat_waiting(world)
    world.process()
    join(world, 1)

    assert teams(world) == [1, 2, 0]


@pytest.mark.parametrize(
    ("world", "says"),
    [(World(), "list ecsnet.systems.Lobby"), (make_lobby(), "list ecsnet.systems.Lobby")],
    ids=["no lobby", "before its first tick"],
)
def test_a_game_without_a_lobby_cannot_use_it(world: World, says: str) -> None:
    """It hears so at once, and what to do."""
    with pytest.raises(RuntimeError, match=says):
        finish(world)
    with pytest.raises(RuntimeError, match=says):
        seat_waiting(world)


def test_a_predicted_system_cannot_end_a_match() -> None:
    """Its client would believe so until the next match."""
    world = World(scope_marker=Predicted)
    world.create_entity(LobbyStage(stage=Stage.RUNNING))

    with world.predicting(), pytest.raises(RuntimeError, match="server decides"):
        finish(world)


def test_only_a_running_match_ends() -> None:
    """A game that ends it twice has a bug."""
    world, _ = started()
    finish(world)

    with pytest.raises(RuntimeError, match=r"finish\(\) in stage FINISHED"):
        finish(world)


def test_the_table_leads_back_from_every_stage() -> None:
    """No lobby is stuck when everybody is gone, or the time is up."""
    for following in TRANSITIONS.values():
        assert set(following) & {Happening.DESERTED, Happening.TIME_UP, Happening.READY}
        assert set(following.values()) <= set(Stage)


def test_a_lobby_without_teams_says_what_to_write() -> None:
    """A game in which everybody plays for himself has one team, which is not what one guesses."""
    world = make_lobby(LobbyRules(teams=0))

    with pytest.raises(SchemaError, match=r"LobbyRules\.teams: 0 is outside low=1\.\.high=254; without sides it is 1"):
        join(world, 1)
