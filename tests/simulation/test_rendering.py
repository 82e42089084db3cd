"""What is drawn: evenly, smoothly where something was wrong, and on no way where something was put elsewhere."""

import math
from collections.abc import Iterator
from itertools import pairwise

import pytest

from ecsnet.client import Client
from ecsnet.components import Player, Teleports, Transform2D
from ecsnet.config import ClientConfig
from ecsnet.samples.soccer.game import game as soccer
from ecsnet.systems import teleport
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from tests.simulation.gunnery import WALK_SPEED, WALL_X, Bullet, Trigger, game, gunner_of

LINKS = {"lan": Link.LAN, "wifi": Link.WIFI, "mobile": Link.MOBILE, "awful": Link.AWFUL}
LINK = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
STEP = 1 / 60


def drawn(client: Client, entity: int) -> Transform2D:
    """Return where an entity is drawn."""
    found: Transform2D = dict(client.view(Transform2D))[entity]
    return Transform2D(found.x, found.y, found.rotation)


def own(client: Client) -> int:
    """Return a client's own entity."""
    assert client.entity is not None
    return client.entity


def frames(sim: Simulation, client: Client, *, hz: float, seconds: float) -> Iterator[float]:
    """Let one client draw so many frames a second, the server keeping its own pace; yield the time after each."""
    address, network, server = sim._addresses[client], sim.network, sim.server
    begin, ticks, count = sim.now, 1, 1
    while count <= seconds * hz:
        frame = begin + count / hz
        while begin + ticks * STEP <= frame:
            sim.now = begin + ticks * STEP
            sim._pump(server, SERVER_ADDRESS)
            ticks += 1
        sim.now = frame
        for data, source in network.receive(address, frame):
            client.receive_datagram(data, source, frame)
        client.update(frame)
        for data, destination in client.datagrams_to_send(frame):
            network.send(data, address, destination, frame)
        count += 1
        yield frame


# One's own


@pytest.mark.parametrize("hz", [30, 60, 72, 144, 240])
def test_ones_own_motion_is_even_at_any_rate_of_frames(hz: int) -> None:
    """Between two ticks is drawn what lies between; frames longer than a tick show every tick as it is."""
    sim = Simulation(game, link=Link.LAN, seed=1)
    [client] = sim.clients
    sim.run(3)
    client.press(Trigger(dx=1))
    list(frames(sim, client, hz=hz, seconds=1))
    places = [drawn(client, own(client)).x for _ in frames(sim, client, hz=hz, seconds=2)]
    steps = [after - before for before, after in pairwise(places)]
    a_frame, a_tick = WALK_SPEED / hz, WALK_SPEED / 60

    assert min(steps) >= 0.0
    if hz > 66:  # what lies between; the client's clock may run 5 % faster or slower
        assert min(steps) > 0.9 * a_frame
        assert max(steps) < 1.1 * a_frame
    else:
        assert max(steps) <= a_frame + a_tick + 1e-6
    assert sum(steps) == pytest.approx(WALK_SPEED * 2, rel=0.06)


@LINK
@pytest.mark.parametrize("fade_seconds", [0.05, 0.1, 0.3])
def test_a_correction_is_drawn_without_a_jump_and_ends_at_the_truth(link: Link, fade_seconds: float) -> None:
    """Of a push of 30 units each frame shows its share: no more than 1 - exp(-frame / fade) of what is left."""
    sim = Simulation(game, link=link, seed=2, client_config=ClientConfig(fade_seconds=fade_seconds))
    [client] = sim.clients
    sim.run(3)
    sim.server.world.component_for_entity(gunner_of(sim, client), Transform2D).y += 30.0
    places, held = [drawn(client, own(client)).y], [40.0]
    for _ in range(round((0.7 + 8 * fade_seconds) * 60)):
        sim.step()
        places.append(drawn(client, own(client)).y)
        held.append(client.world.component_for_entity(own(client), Transform2D).y)
    steps = [after - before for before, after in pairwise(places)]
    most = 30.0 * (1.0 - math.exp(-STEP / fade_seconds))

    assert max(after - before for before, after in pairwise(held)) == 30.0
    assert max(steps) == pytest.approx(most, abs=1 / 32)
    assert min(steps) >= 0.0
    assert places[-1] == 70.0


@LINK
def test_without_time_to_fade_a_correction_is_a_cut(link: Link) -> None:
    """Who wants the truth at once, gets it."""
    sim = Simulation(game, link=link, seed=2, client_config=ClientConfig(fade_seconds=0.0))
    [client] = sim.clients
    sim.run(3)
    sim.server.world.component_for_entity(gunner_of(sim, client), Transform2D).y += 30.0
    places = set()
    for _ in range(60):
        sim.step()
        places.add(drawn(client, own(client)).y)

    assert places == {40.0, 70.0}


# Put elsewhere


def jumps(link: Link, seed: int, *, dx: int, count: int = 6) -> Iterator[tuple[float, float, float]]:
    """Yield, frame by frame, where somebody truly is who is put to and fro, and where it and a watcher draw it."""
    sim = Simulation(game, clients=2, link=link, seed=seed)
    mover, watcher = sim.clients
    sim.run(2)
    gunner = gunner_of(sim, mover)
    for at in range(count):
        x = 3000.0 * (at % 2 == 0)
        mover.press(Trigger(dx=dx * (-1) ** at))
        teleport(sim.server.world, gunner, x, 40.0)
        for _ in range(60):
            sim.step()
            yield x, drawn(mover, own(mover)).x, drawn(watcher, watcher.receiver.entity_of(gunner)).x


@LINK
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_nobody_who_stands_is_drawn_on_a_way_between(link: Link, seed: int) -> None:
    """Neither the one who is put elsewhere nor who looks on sees it fly there; in the end it is where it is."""
    seen = list(jumps(link, seed, dx=0))

    assert {x for _, *both in seen for x in both} == {0.0, 3000.0}
    assert all(seen[at] == (seen[at][0],) * 3 for at in range(59, len(seen), 60))


@LINK
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_nobody_who_walks_is_drawn_on_a_way_between(link: Link, seed: int) -> None:
    """Its place is told with every send: none of them may come without the jump, whatever is lost."""
    seen = list(jumps(link, seed, dx=1))

    assert not [x for _, *both in seen for x in both if 400.0 < x < 2600.0]


def test_after_a_jump_the_walk_goes_on_evenly() -> None:
    """The jump is said again for a while; that is no further jump."""
    seen = [remote for _, _, remote in jumps(Link.LAN, 1, dx=1, count=1)]
    steps = [after - before for before, after in pairwise(seen[20:])]

    assert max(steps) <= 1.2 * WALK_SPEED / 60
    assert min(steps) >= 0.8 * WALK_SPEED / 60


@pytest.mark.slow
def test_the_count_of_teleports_begins_anew_after_255() -> None:
    """A byte is enough to tell one from the next."""
    sim = Simulation(game, clients=2, link=Link.LAN, seed=1)
    mover, watcher = sim.clients
    sim.run(1)
    gunner = gunner_of(sim, mover)
    shown: set[float] = set()
    for at in range(258):
        teleport(sim.server.world, gunner, 3000.0 * (at % 2), 40.0)
        for _ in range(8):
            sim.step()
            shown |= {drawn(mover, own(mover)).x, drawn(watcher, watcher.receiver.entity_of(gunner)).x}

    assert shown == {0.0, 3000.0}
    assert sim.server.world.component_for_entity(gunner, Teleports).count == 2


@LINK
@pytest.mark.parametrize("is_first", [False, True], ids=["again", "first"])
@pytest.mark.parametrize("always_roll_back", [False, True], ids=["when needed", "always"])
def test_a_portal_is_foreseen(link: Link, *, always_roll_back: bool, is_first: bool) -> None:
    """The predicted system puts the player elsewhere: at once, once, not on a way, and nothing is to be mended.

    The first time it gives the player its Teleports, which a rollback takes away and the replay gives again.
    """
    sim = Simulation(game, link=link, seed=3)
    [client] = sim.clients
    if is_first:
        sim.server.world.remove_component(gunner_of(sim, client), Teleports)
    client.predictor.always_roll_back = always_roll_back
    sim.run(3)
    client.press(Trigger(dx=1))
    sim.run(1)
    client.press(Trigger())
    sim.run(2)
    corrections = client.predictor.corrections
    far = drawn(client, own(client)).x
    shown = set()
    for _ in range(2):
        client.press(Trigger(jump=True))
        sim.step()
        client.press(Trigger())
        for _ in range(60):
            sim.step()
            shown.add(drawn(client, own(client)).x)

    assert far > 100.0
    assert shown <= {0.0, far}
    assert client.predictor.corrections == corrections
    there = sim.server.world.component_for_entity(gunner_of(sim, client), Teleports)
    assert client.world.component_for_entity(own(client), Teleports) == there


# What comes and goes on the render clock


@pytest.mark.parametrize("link", [Link.PERFECT, Link.LAN], ids=["perfect", "lan"])
def test_a_remote_bullet_is_drawn_up_to_the_wall_and_no_longer(link: Link) -> None:
    """In the World it is gone when the server says so; drawn, it flies on to where it ended."""
    sim = Simulation(game, clients=2, link=link, seed=1)
    shooter, watcher = sim.clients
    sim.run(2)
    shooter.press(Trigger(fire=True))
    sim.step()
    shooter.press(Trigger())
    places, held = [], []
    for _ in range(120):
        sim.step()
        places.append([place.x for _, (_, place) in watcher.view(Bullet, Transform2D)])
        held.append(len(list(watcher.world.observe(Bullet))))
    shown = [x for each in places for x in each]
    a_send = 600.0 / 30

    assert max(map(len, places)) <= max(held) <= 2
    assert shown
    assert WALL_X - 2 * a_send <= max(shown) <= WALL_X + 10.0
    assert min(shown) <= 2 * a_send
    assert places[-1] == []
    gone_held = next(at for at, (before, now) in enumerate(pairwise(held)) if before > now)
    gone_drawn = max(at for at, each in enumerate(places) if each)
    assert 1 <= gone_drawn - gone_held <= 10


def test_who_joins_late_sees_at_once_what_is_there() -> None:
    """What was there before did not come just now."""
    sim = Simulation(game, clients=1, link=Link.WIFI, seed=1)
    sim.clients[0].press(Trigger(dx=1))
    sim.run(2)
    late = sim.join()
    first = late.receiver.entity_of(gunner_of(sim, sim.clients[0]))
    seen, places = [], []
    for _ in range(60):
        sim.step()
        view = dict(late.view(Transform2D))
        seen.append({first, own(late)} <= view.keys())
        if first in view:
            places.append(view[first].x)

    assert seen.index(True) <= 12  # the delay of interpolation
    assert all(seen[seen.index(True) :])
    assert all(0.0 <= after - before <= 2 * WALK_SPEED / 60 for before, after in pairwise(places[12:]))


def test_who_joins_late_sees_at_once_what_was_there_before() -> None:
    """It is not new, only news: in the first frame that is ready nobody may be missing."""
    sim = Simulation(soccer, clients=2, link=Link.MOBILE, seed=1)
    late = sim.join()

    assert {entity for entity, _ in late.view(Transform2D)} == {entity for entity, _ in late.world.observe(Transform2D)}


def test_a_list_of_players_is_the_worlds_and_a_picture_of_them_ends_with_the_picture() -> None:
    """Who left is no more among the names at once, though he is drawn for the moment until the picture gets there."""
    sim = Simulation(soccer, clients=2, link=Link.MOBILE, seed=1)
    sim.run(1)
    watcher, leaver = sim.clients
    names, drawn = [], []
    leaver.close(now=sim.now)
    for _ in range(60):
        sim.step()
        there = [entity for entity, _ in watcher.world.observe(Player)]
        names.append([entity for entity, _ in watcher.view(Player)] == there)
        drawn.append(len([entity for entity, _ in watcher.view(Player, Transform2D)]) > len(there))

    assert all(names)
    assert drawn.count(True) > 3
    assert not drawn[-1]
