"""Coming back by itself: a client whose connection broke off tries again, says so, and goes on where it was."""

import random

import pytest

from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.components.player import PlayerStatus
from ecsnet.config import ClientConfig, ServerConfig
from ecsnet.events import ClientStatus, Despawned, DespawnReason, Spawned, StatusChanged, Synced
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import RefusalCode
from ecsnet.server import Server
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from tests.simulation.meadow import Sheep, Walk, Weather, game, shear

GRACE = ServerConfig(resume_grace_seconds=20.0)


def lose(sim: Simulation, client: Client) -> None:
    """Cut a client off until both ends have noticed."""
    sim.cut_off(client)
    sim.run_until(lambda: client.status is ClientStatus.LOST, within_seconds=15)
    sim.run_until(lambda: client.client_id not in sim.server.peers, within_seconds=5)


def statuses(client: Client) -> list[ClientStatus]:
    return [event.status for event in client.events() if isinstance(event, StatusChanged)]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("link", [Link.PERFECT, Link.POOR], ids=["perfect", "poor"])
@pytest.mark.parametrize("seed", range(3))
def test_a_client_comes_back_by_itself(seed: int, link: Link, transport: str) -> None:
    """The same Client in the same game loop: its number, its entity and all it owns are as they were."""
    sim = Simulation(game, clients=2, link=link, seed=seed, server_config=GRACE, transport=transport)
    ada, bob = sim.clients
    sim.server.world.single(Weather).stormy = False
    entity, number = sim.server.peers[ada.client_id].entity, ada.client_id
    sheep = sim.server.world.create_entity(Sheep(), Owner(client_id=number))
    ada.events()
    lose(sim, ada)
    sim.run(3)
    assert {p.client_id: p.status for _, p in bob.world.observe(Player)}[number] is PlayerStatus.LOST
    sim.reconnect(ada)
    sim.run_until(lambda: ada.status is ClientStatus.CONNECTED and ada.is_ready, within_seconds=8)
    ada.press(Walk(dx=1))
    sim.run(1)
    ada.press(Walk())
    sim.run(6)

    assert statuses(ada) == [ClientStatus.LOST, ClientStatus.CONNECTED]
    assert (ada.client_id, sim.server.peers[number].entity) == (number, entity)
    assert sim.server.world.component_for_entity(sheep, Owner).client_id == number
    assert {p.client_id: p.status for _, p in bob.world.observe(Player)}[number] is PlayerStatus.CONNECTED
    assert ada.retrying is None
    sim.assert_converged()


def test_what_a_game_loop_is_told() -> None:
    """Lost, with the reason; later connected, all gone, all there again, synced: in this order."""
    sim = Simulation(game, clients=1, seed=3, server_config=GRACE)
    ada = sim.clients[0]
    sim.server.world.single(Weather).stormy = False
    sim.run(1)
    ada.events()
    seen = set(ada.receiver.confirmed)
    lose(sim, ada)
    (lost,) = ada.events()
    assert lost == StatusChanged(ClientStatus.LOST, DisconnectReason.TIMEOUT, DisconnectReason.TIMEOUT.text)
    assert ada.world.entity_exists(min(seen)), "what was last seen is still to be seen"
    assert ada.retrying is not None
    assert ada.retrying.lost[0] is DisconnectReason.TIMEOUT
    sim.reconnect(ada)
    told: list[object] = []
    while not ada.is_ready or ada.retrying is not None:
        sim.step()
        told += ada.events()

    gone = [event for event in told if isinstance(event, Despawned)]
    assert {event.entity for event in gone} == seen
    assert {event.reason for event in gone} == {DespawnReason.HIDDEN}
    back = told[len(gone) :]
    assert isinstance(back[0], StatusChanged)
    assert {event.entity for event in back if isinstance(event, Spawned)} == set(ada.receiver.confirmed)
    assert back[-1] == Synced()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_client_gives_up_after_its_time(transport: str) -> None:
    """Then it is over, with the reason for which it was lost; it has said how many attempts it made."""
    config = ClientConfig(retry_seconds=12.0)
    sim = Simulation(game, clients=1, seed=4, server_config=GRACE, client_config=config, transport=transport)
    ada = sim.clients[0]
    lose(sim, ada)
    lost_at, retrying = sim.now, ada.retrying
    assert retrying is not None
    sim.run_until(lambda: ada.disconnected is not None, within_seconds=30)

    assert 5 <= sim.now - lost_at <= 17
    assert ada.disconnected == (DisconnectReason.TIMEOUT, DisconnectReason.TIMEOUT.text)
    assert retrying.failed >= 2
    assert statuses(ada)[-2:] == [ClientStatus.LOST, ClientStatus.DISCONNECTED]


@pytest.mark.parametrize("reason", ["kick", "close", "leave"])
def test_who_was_sent_away_stays_away(reason: str) -> None:
    """Only what nobody wanted is mended: not a kick, not a closing server, not leaving."""
    sim = Simulation(game, clients=1, seed=5, server_config=GRACE)
    ada = sim.clients[0]
    if reason == "kick":
        sim.server.kick(ada.client_id, "too loud", now=sim.now)
    elif reason == "close":
        sim.server.close(now=sim.now)
    else:
        ada.close(now=sim.now)
    sim.run(2)

    assert ada.disconnected is not None
    assert ada.status is ClientStatus.DISCONNECTED
    assert ada.retrying is None
    sim.run(5)
    assert not sim.server.peers


@pytest.mark.parametrize("is_freed", [True, False])
def test_a_full_server_is_tried_again(*, is_freed: bool) -> None:
    """A place may become free, and a restarted server that asks everybody who they are is soon done with it."""
    config = ClientConfig(retry_seconds=20.0)
    sim = Simulation(
        game, clients=1, seed=7, server_config=ServerConfig(resume_grace_seconds=1.0), client_config=config
    )
    sim.server.room.capacity = 1
    ada = sim.clients[0]
    lose(sim, ada)
    sim.run(3)
    bob = sim.join("bob")
    sim.reconnect(ada)
    sim.run(6)
    assert ada.retrying is not None
    if is_freed:
        bob.close(now=sim.now)
    sim.run(25)

    assert (ada.status is ClientStatus.CONNECTED) == is_freed
    assert ada.disconnected == (None if is_freed else (DisconnectReason.SERVER_FULL, "all 1 places are taken"))


def test_leaving_while_lost_ends_the_attempts() -> None:
    """A player who closes the window is not brought back."""
    sim = Simulation(game, clients=1, seed=6, server_config=GRACE)
    ada = sim.clients[0]
    lose(sim, ada)
    ada.close(now=sim.now)
    sim.reconnect(ada)
    sim.run(5)

    assert ada.disconnected is not None
    assert ada.disconnected[0] is DisconnectReason.LEFT
    assert ada.client_id not in sim.server.peers


def test_who_was_away_too_long_comes_back_as_a_new_player() -> None:
    """The place is gone, the server is not: better a new place than none."""
    sim = Simulation(game, clients=1, seed=7, server_config=ServerConfig(resume_grace_seconds=1.0))
    ada = sim.clients[0]
    number = ada.client_id
    lose(sim, ada)
    sim.run(3)
    sim.reconnect(ada)
    sim.run_until(lambda: ada.status is ClientStatus.CONNECTED and ada.is_ready, within_seconds=8)

    assert ada.client_id != number
    assert [p.client_id for _, p in sim.server.world.get_component(Player)] == [ada.client_id]


def test_a_client_outlives_its_server() -> None:
    """After a restart under the same key the client is there again, as a new player, without a hand being moved."""
    sim = Simulation(game, clients=1, seed=8)
    ada = sim.clients[0]
    identity = sim.server._identity
    sim.server = Server(game, identity, seed=9, entropy=random.Random(9).randbytes)
    sim._invariants = None
    sim.run_until(lambda: ada.status is ClientStatus.LOST, within_seconds=15)
    sim.run_until(lambda: ada.status is ClientStatus.CONNECTED and ada.is_ready, within_seconds=8)

    assert list(sim.server.peers) == [ada.client_id]


def test_no_other_server_will_do() -> None:
    """Who joined without a pin pins what it saw: nobody in the place of a server that is gone gets its ticket."""
    sim = Simulation(game, clients=0, seed=10, server_config=GRACE)
    ada = sim.join(pins=())
    lose(sim, ada)
    sim.server = Server(game, seed=9, entropy=random.Random(9).randbytes)
    sim._invariants = None
    sim.reconnect(ada)
    sim.run_until(lambda: ada.disconnected is not None, within_seconds=20)

    assert ada.disconnected is not None
    assert ada.disconnected[0] is DisconnectReason.SERVER_KEY_MISMATCH
    assert not sim.server.peers


def test_calls_that_waited_are_refused_and_new_ones_answered() -> None:
    """Nobody waits for ever for an answer of a connection that is gone."""
    sim = Simulation(game, clients=1, seed=11, server_config=GRACE)
    ada = sim.clients[0]
    sim.cut_off(ada)
    reply = ada.call(shear, 0, "hello")
    sim.run_until(lambda: ada.status is ClientStatus.LOST, within_seconds=15)
    assert reply.done
    assert not reply.ok
    sim.reconnect(ada)
    sim.run_until(lambda: ada.is_ready and ada.retrying is None, within_seconds=8)
    again = ada.call(shear, 0, "hello")
    sim.run_until(lambda: again.done, within_seconds=2)
    assert again.refusal is not None
    assert again.refusal.code is not RefusalCode.DISCONNECTED


def test_what_the_old_connection_still_says_is_heard_by_nobody() -> None:
    """Late packets of before are neither applied nor taken for an attack."""
    sim = Simulation(game, clients=1, seed=12, server_config=GRACE)
    ada = sim.clients[0]
    late = [data for data, _ in sim.server.datagrams_to_send(sim.now)]
    for _ in range(10):
        sim.now += sim.server.world.dt
        sim.server.update(sim.now)
        late += [data for data, _ in sim.server.datagrams_to_send(sim.now)]
    lose(sim, ada)
    sim.reconnect(ada)
    sim.run_until(lambda: ada.is_ready and ada.retrying is None, within_seconds=8)
    before = dict(ada.receiver.confirmed)
    for data in late:
        ada.receive_datagram(data, SERVER_ADDRESS, sim.now)

    assert late
    assert ada.receiver.confirmed == before
    sim.run(2)
    assert ada.status is ClientStatus.CONNECTED


def test_a_client_without_a_connection_has_nothing_to_hurry_for() -> None:
    """Neither while it waits for its next attempt nor when all is over: who waits for deadlines must not spin."""
    sim = Simulation(game, clients=1, seed=13, server_config=GRACE, client_config=ClientConfig(retry_seconds=8.0))
    ada = sim.clients[0]
    lose(sim, ada)
    deadlines = []
    while ada.disconnected is None:
        deadlines.append((ada.next_deadline() or 0.0) - sim.now)
        sim.step()

    assert min(deadlines) > -sim.server.world.dt
    assert ada.next_deadline() is None
