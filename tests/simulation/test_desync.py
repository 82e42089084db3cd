"""The alarm that a client differs: it goes off where it does, on any network, and never where it does not."""

import random
from dataclasses import replace

import pytest

from ecsnet.client import Client
from ecsnet.components import Transform2D
from ecsnet.config import ReplicationConfig, ServerConfig
from ecsnet.events import Changed, Desynced
from ecsnet.replication.sender import Sender
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from tests.simulation.meadow import Sheep, Walk, Weather, game

EAGER = ServerConfig(replication=ReplicationConfig(check_seconds=1, check_settled_seconds=0.3, check_bytes=400))


def gather(sim: Simulation) -> list[object]:
    """Collect what all clients are told from now on."""
    events: list[object] = []
    sim.before_each_step(lambda: events.extend(event for client in sim.clients for event in client.events()))
    return events


def steer(sim: Simulation, seed: int) -> None:
    """Let the players walk about."""
    chance = random.Random(seed)

    def wander() -> None:
        for client in sim.clients:
            if chance.random() < 0.05:
                client.press(Walk(dx=chance.randint(-1, 1), dy=chance.randint(-1, 1)))

    sim.before_each_step(wander)


def plant(client: Client, cls: type[Sheep], **wrong: object) -> int:
    """Let a client hold a wrong value of something that rests; return its entity there."""
    client_entity, component = client.world.observe(cls)[0]
    [record, *_] = client.schema.records_of[cls]
    for name, value in wrong.items():
        setattr(component, name, value)
    at, _ = client.receiver.confirmed[client_entity][record.id]
    client.receiver.confirmed[client_entity][record.id] = (at, record.codec.read(component))
    return client_entity


def count_complaints(sender: Sender) -> list[bytes]:
    """Return a list that grows with every complaint."""
    asked: list[bytes] = []
    hear = sender.complain

    def note(client_id: int, message: bytes) -> list[bytes]:
        asked.append(message)
        return hear(client_id, message)

    sender.complain = note  # type: ignore[method-assign]
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("loss", [0.2, 0.4, 0.6])
@pytest.mark.parametrize("seed", range(8))
def test_no_network_raises_a_false_alarm(seed: int, loss: float, caplog: pytest.LogCaptureFixture) -> None:
    """Losses, repairs that get lost, reordering, duplicates; checked far too early and far too often on purpose."""
    link = Link(loss=loss, duplicate=0.1, reorder=0.2, latency_seconds=0.1, jitter_seconds=0.08)
    sim = Simulation(game, clients=4, seed=seed, server_config=EAGER, start_tick=2**32 - 300)
    for address in sim._addresses.values():
        sim.network.set_link(SERVER_ADDRESS, address, link)
        sim.network.set_link(address, SERVER_ADDRESS, link)
    events = gather(sim)
    steer(sim, seed)
    asked = count_complaints(sim.server.room.session.sender)
    sim.run(seconds=30)

    assert [event for event in events if isinstance(event, Desynced)] == []
    assert [line for line in caplog.messages if "differed" in line] == []
    assert asked  # else this proves nothing


@pytest.mark.parametrize("link", [Link.PERFECT, Link.POOR], ids=["perfect", "poor"])
def test_a_difference_is_found_and_mended_within_seconds(link: Link, transport: str) -> None:
    """In a small world three entities are checked a second."""
    sim = Simulation(game, clients=2, link=link, seed=4, transport=transport)
    sim.run(seconds=8)
    sim.server.world.single(Weather).stormy = False
    for _, sheep in sim.server.world.get_component(Sheep):
        sheep.friend = 0  # values that name the dead are not checked
    sim.run(seconds=4)
    events = gather(sim)
    client = sim.clients[0]
    entity = plant(client, Sheep, name="dolly")
    true_name = sim.server.world.component_for_entity(client.receiver.network_id_of(entity), Sheep).name
    sim.run(seconds=12)
    [found] = [event for event in events if isinstance(event, Desynced)]

    assert (found.entity, found.differences) == (
        entity, (f"Sheep.name was 'dolly', the server says {true_name!r}",),
    )  # fmt: skip
    assert events[events.index(found) - 1] == Changed(entity, Sheep)
    sim.assert_converged()


def test_what_moves_beside_what_rests_does_not_hide_it() -> None:
    """The records of an entity rest one by one."""
    sim = Simulation(replace(game, tick_rate_hz=60, send_rate_hz=30), clients=1)
    world = sim.server.world
    world.single(Weather).stormy = False
    for sheep, _ in world.get_component(Sheep):
        world.delete_entity(sheep)
    place = Transform2D()
    world.create_entity(place, Sheep(name="shaun"))
    sim.before_each_step(lambda: setattr(place, "x", (place.x + 1) % 100))
    sim.run(seconds=1)
    events = gather(sim)
    plant(sim.clients[0], Sheep, name="dolly")
    sim.run(seconds=8)

    assert [event.differences for event in events if isinstance(event, Desynced)] == [
        ("Sheep.name was 'dolly', the server says 'shaun'",)
    ]
