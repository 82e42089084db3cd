"""A key that acts some ticks later, on both sides alike: less to predict, less to mend."""

from itertools import pairwise

import pytest

from ecsnet.components import Transform2D
from ecsnet.config import ClientConfig
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from tests.simulation.gunnery import Trigger, game, gunner_of

LINKS = {"perfect": Link.PERFECT, "lan": Link.LAN, "wifi": Link.WIFI, "mobile": Link.MOBILE}
LINK = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
DELAY = pytest.mark.parametrize("delay", [0, 3, 8])


def hall(link: Link, delay: int, *, seed: int = 1) -> Simulation:
    """Return a hall with one gunner, whose client has found its tick."""
    config = ClientConfig(input_delay_ticks=delay)
    sim = Simulation(game, link=link, seed=seed, client_config=config)
    sim.run(3)
    return sim


def place(sim: Simulation) -> Transform2D:
    """Return where one's own gunner is on the client."""
    [client] = sim.clients
    assert client.entity is not None
    return client.world.component_for_entity(client.entity, Transform2D)


@LINK
@DELAY
def test_an_input_acts_so_many_ticks_later_on_both_sides(link: Link, delay: int) -> None:
    """The tick in which it acts is one and the same, and nothing has to be mended."""
    sim = hall(link, delay)
    [client] = sim.clients
    corrections = client.predictor.corrections
    acted: dict[str, int] = {}
    pressed = client.world.tick + 1
    client.press(Trigger(dx=1))
    for _ in range(60):
        sim.step()
        there = sim.server.world.component_for_entity(gunner_of(sim, client), Transform2D)
        for name, at, tick in (("client", place(sim), client.world.tick), ("server", there, sim.server.world.tick)):
            if at.x > 0.0 and name not in acted:
                acted[name] = tick - round(at.x / 2.0) + 1  # two units a tick
    assert acted == {"client": pressed + delay, "server": pressed + delay}
    assert client.predictor.corrections == corrections


@LINK
@DELAY
def test_what_the_server_decides_is_taken_over_whoever_is_ahead(link: Link, delay: int) -> None:
    """With a delay longer than the way, the server's ticks are beyond the client's: they are checked when reached."""
    sim = hall(link, delay)
    [client] = sim.clients
    sim.server.world.component_for_entity(gunner_of(sim, client), Transform2D).y = 500.0
    sim.run(1)

    assert place(sim).y == 500.0


@pytest.mark.parametrize("link", [Link.WIFI, Link.MOBILE], ids=["wifi", "mobile"])
def test_more_delay_means_less_to_simulate_again(link: Link) -> None:
    """A push of the server a tenth of a second: each is mended over so many ticks less."""
    replayed = []
    for delay in (0, 3, 8):
        sim = hall(link, delay)
        [client] = sim.clients
        before = client.predictor.replayed_ticks
        for step in range(180):
            if step % 6 == 0:
                sim.server.world.component_for_entity(gunner_of(sim, client), Transform2D).y += 1.0
            sim.step()
        replayed.append(client.predictor.replayed_ticks - before)

    assert all(less < more for more, less in pairwise(replayed))


@LINK
@DELAY
def test_nothing_comes_late(link: Link, delay: int) -> None:
    """What is pressed reaches the server before its tick, however long it is held back here."""
    sim = hall(link, delay)
    [client] = sim.clients
    buffer = sim.server.room.session.input_buffers[client.client_id]
    missing, refused = buffer.missing, buffer.refused
    for step in range(240):
        client.press(Trigger(dx=step // 20 % 3 - 1))
        sim.step()

    assert buffer.missing - missing <= (2 if link.loss else 0)
    assert buffer.refused == refused
