"""A client that disappears, in every phase there is: the others play on, and nothing of it is left in the end."""

from collections.abc import Callable

import pytest

from ecsnet.client import Client
from ecsnet.components import LobbyStage, Player, Stage
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.samples.hello.game import game as hello
from ecsnet.samples.soccer.bot import SoccerBot
from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.pitch import Phase
from ecsnet.systems.hall import HALL
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World

FAR = Link(latency_seconds=0.05)  # so that every step of a handshake takes some steps of the simulation
TIMEOUT_SECONDS = 12.0
GRACE_SECONDS = 15.0

HANDSHAKE_STEPS = range(0, 36, 3)  # INIT, CHALLENGE, HELLO, REPLY, the first packet, the first state; 3 steps a leg


def kill(sim: Simulation, client: Client) -> None:
    """End the program without a word."""
    sim.kill(client)


def leave(sim: Simulation, client: Client) -> None:
    """Close the window: one goodbye, which may be all that gets through."""
    client.close(now=sim.now)
    sim.run(0.1)
    sim.kill(client)


def let_bots_play(sim: Simulation) -> None:
    bots: dict[Client, SoccerBot] = {}

    def play() -> None:
        for client in sim.clients:
            if client.disconnected is None:
                client.press(bots.setdefault(client, SoccerBot()).decide(client))

    sim.before_each_step(play)


def nothing_left(sim: Simulation, others: list[Client]) -> None:
    """The server knows the others and nobody else; they know each other, and play."""
    server, numbers = sim.server, sorted(client.client_id for client in others)
    assert sorted(server.peers) == numbers
    assert len(server._sessions) == len(others)
    assert sorted(number for room in server.rooms for number in room.places) == numbers
    assert len(server._endpoint.connections) == len(others)
    for room in server.rooms:
        assert sorted(player.client_id for _, player in room.world.get_component(Player)) == sorted(room.places)
    for client in others:
        assert client.disconnected is None
        assert sorted(player.client_id for _, player in client.world.observe(Player)) == numbers


@pytest.mark.parametrize("way", [kill, leave])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("steps", HANDSHAKE_STEPS)
def test_in_every_step_of_joining(steps: int, transport: str, way: Callable[[Simulation, Client], None]) -> None:
    """Between any two messages of the handshake, and while the world arrives."""
    sim = Simulation(hello, clients=1, link=FAR, seed=steps, transport=transport)
    vanishing = sim.join("gone", wait=False)
    for _ in range(steps):
        sim.step()
    way(sim, vanishing)
    sim.run(TIMEOUT_SECONDS)

    nothing_left(sim, sim.clients)


def in_stage(stage: Stage) -> Callable[[World], bool]:
    return lambda world: (found := world.try_single(LobbyStage)) is not None and found.stage is stage


def in_phase(phase: Phase) -> Callable[[World], bool]:
    def is_there(world: World) -> bool:
        match = world.try_single(Match)
        return in_stage(Stage.RUNNING)(world) and match is not None and match.phase is phase

    return is_there


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(in_stage(Stage.WAITING), id="lobby"),
        pytest.param(in_stage(Stage.COUNTDOWN), id="countdown"),
        pytest.param(in_phase(Phase.KICKOFF), id="kickoff"),
        pytest.param(in_phase(Phase.PLAY), id="play"),
        pytest.param(in_phase(Phase.GOAL), id="goal"),
        pytest.param(in_stage(Stage.FINISHED), id="finished"),
    ],
)
def test_in_every_phase_of_a_match(moment: Callable[[World], bool]) -> None:
    """Four play; one of them is gone, in the lobby as in the moment of a goal; three go on to the end of a match."""
    sim = Simulation(game, clients=3, link=FAR, seed=7)
    vanishing = sim.join("gone")
    let_bots_play(sim)
    if not moment(sim.server.world):
        sim.run_until(lambda: moment(sim.server.world) or hurried(sim.server.world), within_seconds=120)
    assert moment(sim.server.world)
    sim.kill(vanishing)
    sim.run(TIMEOUT_SECONDS + GRACE_SECONDS + 5)

    nothing_left(sim, sim.clients)
    world = sim.server.world
    sim.run_until(lambda: in_phase(Phase.PLAY)(world), within_seconds=30)


def hurried(world: World) -> bool:
    """Let the next goal decide, so that a match comes to its end within a test; not what is waited for."""
    match = world.try_single(Match)
    if match is not None and match.phase is Phase.PLAY:
        match.home = match.away = 4
    return False


@pytest.mark.parametrize("way", [kill, leave])
@pytest.mark.parametrize("steps", range(0, 30, 3))
def test_in_every_step_of_changing_rooms(steps: int, way: Callable[[Simulation, Client], None]) -> None:
    """On its way from a room to the hall: it is nowhere in the end, and has no place twice meanwhile."""
    config = ServerConfig(rooms=RoomConfig(), resume_grace_seconds=5.0)
    sim = Simulation(game, clients=1, link=FAR, seed=steps, server_config=config)
    stays = sim.clients[0]
    assert stays.room is not None
    vanishing = sim.join("gone", room=stays.room.code)
    vanishing.enter(HALL)
    for _ in range(steps):
        sim.step()
        assert sum(vanishing.client_id in room.places for room in sim.server.rooms) <= 1
    way(sim, vanishing)
    sim.run(TIMEOUT_SECONDS + 10)

    nothing_left(sim, sim.clients)
