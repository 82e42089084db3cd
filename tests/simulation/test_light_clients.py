"""Light clients, which a load test is made of: to the server the same as any other, and without a World to pay for."""

import pytest

from ecsnet import EVERYONE, SERVER, Call, EntityRef, Game, event, rpc
from ecsnet.bots import Wanderer, press
from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.peer import STATE
from ecsnet.samples.soccer.components import Move
from ecsnet.samples.soccer.game import game as soccer
from ecsnet.systems.pipeline import CLIENT, LIGHT_CLIENT, Step
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from tests.simulation.meadow import game as meadow


def played(
    game: Game, pipeline: tuple[Step, ...], *, link: Link, seed: int, transport: str, seconds: float
) -> Simulation:
    """Let one client play with everybody else absent, with keys that the seed decides on."""
    sim = Simulation(game, clients=0, link=link, seed=seed, transport=transport, trace=True)
    client, bot = sim.join(pipeline=pipeline), Wanderer(game, seed)
    sim.before_each_step(lambda: press(client, bot))
    sim.run(seconds=seconds)
    return sim


@pytest.mark.slow
@pytest.mark.parametrize("link", [Link.PERFECT, Link.MOBILE, Link.POOR])
@pytest.mark.parametrize("seed", range(3))
def test_a_light_client_sends_the_same_bytes(link: Link, seed: int, transport: str) -> None:
    """Every datagram either way: what a server has to do for it is what it has to do for a player."""
    hashes = {
        played(soccer, pipeline, link=link, seed=seed, transport=transport, seconds=10).traffic_hash()
        for pipeline in (CLIENT, LIGHT_CLIENT)
    }

    assert len(hashes) == 1


def test_a_light_client_changes_nothing_for_others(transport: str) -> None:
    """They see it move as they would see anybody, and converge while it holds nothing."""
    sim = Simulation(soccer, clients=2, link=Link.MOBILE, seed=3, transport=transport)
    light, bot = sim.join(pipeline=LIGHT_CLIENT), Wanderer(soccer, 3)
    sim.before_each_step(lambda: press(light, bot))
    sim.run(seconds=5)
    sim.stop_actions()
    light.press(Move())
    sim.run(seconds=3)
    sim.clients.remove(light)

    sim.assert_converged()
    assert light.client_id in {player.client_id for _, player in sim.clients[0].world.get_component(Player)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_light_client_holds_its_own_player_and_nothing_else(seed: int, transport: str) -> None:
    """However much comes and goes: a thousand of them must fit a machine."""
    sim = Simulation(meadow, clients=2, link=Link.POOR, seed=seed, transport=transport)
    light = sim.join(pipeline=LIGHT_CLIENT)
    sim.run(seconds=60)

    assert [entity for entity, _ in light.world.observe(Player)] == [light.entity]
    assert light.receiver.confirmed.keys() == {light.entity}
    assert not light.receiver._tombstones
    assert light.receiver.applied > 400
    assert light.receiver.tick is not None
    assert light.receiver.synced


def test_a_light_client_calls_in_the_name_of_its_player(transport: str) -> None:
    """Its own entity is known to it, so that calls can be measured."""
    sim = Simulation(table, clients=2, link=Link.POOR, seed=1, transport=transport)
    light = sim.join(pipeline=LIGHT_CLIENT)
    assert light.entity is not None
    reply = light.call(sign, light.entity)
    sim.run_until(lambda: reply.done, within_seconds=10)

    assert reply.value == light.client_id


def test_a_light_client_waits_for_nothing_that_is_not_to_come(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    """What happens to entities it leaves out is told at once, without a warning for each of them."""
    sim = Simulation(table, clients=1, seed=1, transport=transport)
    light = sim.join(pipeline=LIGHT_CLIENT)
    tree = sim.server.world.create_entity(Player(name="a tree"))
    sim.run(seconds=1)
    light.events()
    sim.server.world.to(EVERYONE).send(Shaken(tree=tree))
    sim.run(seconds=0.2)

    assert [event for event in light.events() if isinstance(event, Shaken)] == [Shaken(tree=0)]
    assert "ran without" not in caplog.text


def test_a_light_client_whose_player_is_deleted_has_none(transport: str) -> None:
    """It follows the end of its own, and goes on."""
    sim = Simulation(table, clients=1, seed=1, transport=transport)
    light = sim.join(pipeline=LIGHT_CLIENT)
    sim.server.world.delete_entity(sim.server.peers[light.client_id].entity)
    sim.run(seconds=1)

    assert light.entity is None
    assert light.disconnected is None


def test_nonsense_from_a_server_closes_a_light_client(transport: str) -> None:
    """As it closes any other: it never raises into the program that runs a hundred of them."""
    sim = Simulation(table, clients=0, seed=1, transport=transport)
    light: Client = sim.join(pipeline=LIGHT_CLIENT)
    sim.server.peers[light.client_id].connection.send(STATE, b"\xff" * 5)
    sim.run(seconds=1)

    assert light.disconnected is not None
    assert light.disconnected[1].startswith("state message: ")


@rpc(to=SERVER, owner_only=True)
def sign(call: Call, player: EntityRef) -> int:
    """Return whose the entity is."""
    return call.world.component_for_entity(player, Owner).client_id


@event
class Shaken:
    tree: EntityRef


table = Game("table", rpcs=[sign], events=[Shaken], tick_rate_hz=20, send_rate_hz=20)
