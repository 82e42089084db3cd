"""A whole match over bad networks and in host mode: the lobby's gate, every kind of goal, the winner, the rematch.

What tests/samples/test_soccer_match.py says of the rules on one World, every client has to see alike.
"""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from ecsnet import Client
from ecsnet.clock import VirtualClock
from ecsnet.components import LobbyStage, Player, PlayerStatus, Seat, Stage, Transform2D
from ecsnet.events import ClientStatus
from ecsnet.hosting import Host
from ecsnet.replication.schema import Schema
from ecsnet.samples.soccer.components import Ball, Footballer, Match, Move, Tally
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.happenings import GoalScored, MatchWon
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.systems.lobby import set_ready
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World

Until: TypeAlias = Callable[[Callable[[], bool], float], None]  # within so many seconds


class Table:
    """A server and its clients.

    Attributes:
        world: The server's.
        clients: All.
        people: Those without a bot.
        until: Lets time pass until something holds.
    """

    def __init__(self, world: World, clients: list[Client], people: list[Client], until: Until) -> None:
        """Sit down."""
        self.world, self.clients, self.people = world, clients, people
        self.until = until
        self._heard: dict[Client, list[object]] = {client: [] for client in clients}

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.world.tick + round(60 * seconds)
        self.until(lambda: self.world.tick >= end, seconds + 1)

    def stage(self) -> Stage:
        """Return where the lobby stands."""
        return self.world.single(LobbyStage).stage

    def match(self) -> Match:
        """Return the server's match."""
        return self.world.single(Match)

    def begin(self) -> None:
        """Let all people be ready, and wait for the whistle."""
        for client in self.people:
            client.call(set_ready, True)  # as on the wire
        self.until(lambda: self.stage() is Stage.RUNNING and self.match().phase is Phase.PLAY, 10)

    def score(self, team: Team, *, touched_by: Team = Team.SPECTATOR) -> None:
        """Roll the ball over a goal line; wait for what follows."""
        self.until(lambda: self.match().phase is Phase.PLAY, 10)
        [(_, (place, ball))] = self.world.get_components(Transform2D, Ball)
        place.x, place.y = (760.0, 200.0) if team is Team.HOME else (40.0, 200.0)
        ball.velocity_x, ball.velocity_y = (600.0, 0.0) if team is Team.HOME else (-600.0, 0.0)
        ball.touched_team = touched_by
        self.until(lambda: self.match().phase is Phase.GOAL, 2)
        self.until(lambda: self.match().phase is not Phase.GOAL or self.stage() is not Stage.RUNNING, 4)

    def heard(self, kind: type) -> list[list[object]]:
        """Return which events of a kind each client heard so far."""
        for client in self.clients:
            self._heard[client] += client.events()
        return [[event for event in heard if isinstance(event, kind)] for heard in self._heard.values()]


def around(sim: Simulation) -> Table:
    """Return the table of a simulation's clients."""
    clients = list(sim.clients)

    def until(holds: Callable[[], bool], seconds: float) -> None:
        sim.run_until(holds, within_seconds=seconds)

    return Table(sim.server.world, clients, clients, until)


def simulated(seed: int) -> Table:
    """Return two people over 10 % loss and 150 ms either way."""
    return around(Simulation(game, clients=2, link=Link.POOR, seed=seed))


def hosted(seed: int) -> Table:
    """Return a person and a bot in one process."""
    host = Host(game, bots=1, seed=seed, clock=VirtualClock())

    def until(holds: Callable[[], bool], seconds: float) -> None:
        assert host.player.run_until(holds, within_seconds=seconds)

    clients: list[Client] = [host.player, host.bots[0][0]]
    until(lambda: all(client.is_ready for client in clients), 5)
    return Table(host.server.world, clients, clients[:1], until)


@pytest.mark.parametrize("make", [simulated, hosted])
@pytest.mark.parametrize("seed", range(3))
def test_everybody_sees_the_same_match(make: Callable[[int], Table], seed: int) -> None:
    """From the gate of the lobby to the rematch; every goal once, each client told of it once, the fifth wins once."""
    table = make(seed)
    table.run(seconds=2)
    assert table.stage() is Stage.WAITING
    table.begin()
    table.score(Team.AWAY)  # left
    table.score(Team.HOME)  # right
    table.score(Team.HOME, touched_by=Team.AWAY)  # an own goal
    assert (table.match().home, table.match().away, table.match().own_goal) == (2, 1, True)
    while table.match().home < 5:
        table.score(Team.HOME)
    assert table.stage() is Stage.FINISHED
    table.run(seconds=1)

    goals, wins = table.heard(GoalScored), table.heard(MatchWon)
    assert [len(each) for each in goals] == [6, 6]
    assert [[goal.own_goal for goal in each if isinstance(goal, GoalScored)] for each in goals] == [
        [False, False, True, False, False, False]
    ] * 2
    assert wins == [[MatchWon(Team.HOME, 5, 1)]] * 2
    table.begin()
    table.run(seconds=1.5)
    scores = [(match.home, match.away) for client in table.clients for match in [client.world.single(Match)]]
    assert scores == [(0, 0)] * 2
    assert [len(each) for each in table.heard(MatchWon)] == [1, 1]


def place_of(world: World, client_id: int) -> Transform2D:
    """Return where a World has a client's player."""
    [(_, (_, place))] = [row for row in world.observe(Player, Transform2D) if row[1][0].client_id == client_id]
    return place


QUANTUM = next(
    field.step for record in Schema(game).records_of[Transform2D] for field in record.fields if field.name == "x"
)


@pytest.mark.parametrize("seed", range(6))
def test_a_second_after_the_last_key_everybody_is_where_the_server_has_him(seed: int) -> None:
    """Over 10 % loss and 150 ms, after ten seconds of running into each other and the ball."""
    sim = Simulation(game, clients=3, link=Link.POOR, seed=seed)
    dice = sim.server.world.rng.__class__(seed)  # a test's dice
    for _ in range(40):
        for client in sim.clients:
            client.press(Move(dice.randint(-1, 1), dice.randint(-1, 1), dice.random() < 0.3))
        sim.run(seconds=0.25)
    for client in sim.clients:
        client.press(Move())
    sim.run(seconds=1)

    assert QUANTUM is not None
    for client in sim.clients:
        own, truth = (place_of(world, client.client_id) for world in (client.world, sim.server.world))
        assert abs(own.x - truth.x) < QUANTUM
        assert abs(own.y - truth.y) < QUANTUM


@pytest.mark.parametrize("seed", range(3))
def test_a_lost_player_comes_back_to_his_body_and_his_goals(seed: int, transport: str) -> None:
    """Grey meanwhile, standing still, his place kept; the match goes on, and he plays on in it."""
    sim = Simulation(game, clients=2, link=Link.WIFI, seed=seed, transport=transport)
    ada, ben = sim.clients
    until, table = sim.run_until, around(sim)
    table.begin()
    entity, place = sim.server.peers[ada.client_id].entity, place_of(sim.server.world, ada.client_id)
    table.world.component_for_entity(entity, Tally).goals = 2
    table.match().home = 2
    ada.press(Move(0, 1))
    sim.cut_off(ada)
    until(lambda: ada.client_id not in sim.server.peers, within_seconds=15)
    sim.run(seconds=3)

    seen = {player.client_id: player.status for _, player in ben.world.observe(Player)}
    assert seen[ada.client_id] is PlayerStatus.LOST
    before = (place.x, place.y)
    sim.run(seconds=2)
    assert (place.x, place.y) == before
    assert table.stage() is Stage.RUNNING
    ada.press(Move())
    sim.reconnect(ada)
    until(lambda: ada.status is ClientStatus.CONNECTED and ada.is_ready, within_seconds=10)
    assert sim.server.peers[ada.client_id].entity == entity
    ada.press(Move(1, 0))
    sim.run(seconds=1)

    assert place.x > before[0] + 30.0
    assert (ada.world.single(Match).home, ada.world.component_for_entity(ada.entity or 0, Tally).goals) == (2, 2)
    assert len(ben.world.observe(Footballer)) == 2
    assert {player.status for _, player in ben.world.observe(Player)} == {PlayerStatus.CONNECTED}


def test_who_stays_away_for_too_long_gives_up_his_place() -> None:
    """After fifteen seconds he is gone, and after ten more his side has lost."""
    sim = Simulation(game, clients=2, link=Link.LAN, seed=1)
    ada, ben = sim.clients
    until, table = sim.run_until, around(sim)
    table.begin()
    sim.kill(ada)
    until(lambda: len(sim.server.peers) == 1, within_seconds=15)
    sim.run(seconds=14)
    assert len(table.world.get_component(Footballer)) == 2
    sim.run(seconds=2)
    assert len(table.world.get_component(Footballer)) == 1
    assert table.stage() is Stage.RUNNING
    sim.run(seconds=10)

    assert table.stage() is Stage.FINISHED
    assert table.match().winner == Team(next(seat.team for _, seat in ben.world.observe(Seat)))
