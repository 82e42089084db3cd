"""What a predicted system makes and deletes: there at once for whoever does it, once for everybody, and never wrong."""

import random
from collections.abc import Callable

import pytest

from ecsnet.client import Client
from ecsnet.clock import VirtualClock
from ecsnet.components import Owner, Spawned, Transform2D
from ecsnet.config import ClientConfig
from ecsnet.events import Changed, Despawned, DespawnReason, Desynced
from ecsnet.events import Spawned as Came
from ecsnet.game import Game
from ecsnet.hosting import Host
from ecsnet.system import System
from ecsnet.systems import spawn
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World
from tests.simulation.gunnery import (
    BULLET_TICKS,
    Bullet,
    Coin,
    Glued,
    Gunner,
    Jammed,
    Observer,
    Rules,
    Trigger,
    assert_nothing_open,
    bullets,
    game,
    gunner_of,
)

LINKS = {"lan": Link.LAN, "wifi": Link.WIFI, "mobile": Link.MOBILE, "awful": Link.AWFUL}
LINK = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
PATIENCE_SECONDS = ClientConfig().max_rollback_ticks / 60


def ready(clients: int = 1, *, link: Link = Link.PERFECT, seed: int = 0, life: int = 60, start: int = 0) -> Simulation:
    """Return a hall in which everybody has found its tick."""
    sim = Simulation(game, clients=clients, link=link, seed=seed, start_tick=start)
    sim.server.world.single(Rules).life = life
    sim.run(2)
    return sim


def tap(sim: Simulation, client: Client, trigger: Trigger) -> None:
    """Press and let go."""
    client.press(trigger)
    sim.step()
    client.press(Trigger())


@LINK
@pytest.mark.parametrize("seed", range(3))
def test_a_shot_is_drawn_in_the_tick_of_the_key(link: Link, seed: int) -> None:
    """Whatever the round trip: who shoots sees the bullet with the next frame, where it will be."""
    sim = ready(link=link, seed=seed)
    [client] = sim.clients
    client.press(Trigger(fire=True))
    before, tick = list(client.view(Bullet)), client.world.tick
    while client.world.tick == tick:
        sim.step()
    [(entity, (_, place))] = client.view(Bullet, Transform2D)

    assert before == []
    assert place.x == 0.0
    assert not client.receiver.network_id_of(entity)
    assert not list(sim.server.world.get_component(Bullet))


@LINK
@pytest.mark.parametrize("life", [4, 12, BULLET_TICKS])
@pytest.mark.parametrize("seed", range(2))
def test_a_bullet_is_one_entity_from_the_key_to_the_wall(link: Link, life: int, seed: int) -> None:
    """The server's is taken for the one made here, whether it comes in time, late, or after the bullet is gone here."""
    sim = ready(link=link, seed=seed, life=life, start=0 if seed else 2**32 - 160)
    [client] = sim.clients
    seen, told = Observer(sim, client), Told(sim, client)
    corrections = client.predictor.corrections
    for _ in range(4):
        tap(sim, client, Trigger(fire=True))
        sim.run(0.25)
    sim.run(2.5)

    assert client.predictor.corrections == corrections  # else the test says nothing of a good prediction
    assert [len(ids) for ids in seen.ids.values()] == [1, 1, 1, 1]
    assert seen.drawn == seen.ids
    assert seen.most == 1
    assert (
        told.of(Bullet) == ["came", "went"] * 4 if life < 15 else sorted(told.of(Bullet)) == ["came"] * 4 + 4 * ["went"]
    )
    sim.assert_converged()
    assert_nothing_open(sim)


class Told:
    """What a client told of entities with a component, after every step; each line a word."""

    def __init__(self, sim: Simulation, client: Client) -> None:
        """Listen from the next step on."""
        self._client = client
        self._names: dict[int, set[type]] = {}
        self.lines: list[tuple[str, int, set[type]]] = []
        self.together: list[list[object]] = []
        client.events()
        for entity in client.world.entities():
            self._names[entity] = set(map(type, client.world.components_for_entity(entity)))
        sim.before_each_step(self.listen)

    def listen(self) -> None:
        """Take what the last update told."""
        events = self._client.events()
        self.together += [events] if events else []
        for event in events:
            match event:
                case Came(entity):
                    self._names[entity] = set(map(type, self._client.world.components_for_entity(entity)))
                    self.lines.append(("came", entity, self._names[entity]))
                case Despawned(entity, reason):
                    assert reason is DespawnReason.DELETED
                    assert set(event.components) >= {Transform2D}
                    self.lines.append(("went", entity, self._names[entity]))
                case Changed(entity):
                    assert self._client.world.entity_exists(entity)
                    assert self._client.world.components_for_entity(entity)
                case Desynced():
                    raise AssertionError(event)

    def of(self, component_type: type) -> list[str]:
        """Return what came and went of entities with a component."""
        return [word for word, _, types in self.lines if component_type in types]


@LINK
@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_whatever_the_server_makes_of_it_there_is_never_a_second_one(link: Link, seed: int) -> None:
    """Keys that come late to the server move a shot by some ticks: it is mended, and not shown twice meanwhile."""
    sim = ready(2, link=link, seed=seed, start=0 if seed % 2 else 2**32 - 200)
    chance = random.Random(seed)
    seen, told = [Observer(sim, client) for client in sim.clients], [Told(sim, client) for client in sim.clients]
    for _ in range(20):
        for client in sim.clients:
            client.press(Trigger(dx=chance.randint(-1, 1), fire=chance.random() < 0.5, twice=chance.random() < 0.2))
        sim.run(0.1)
        for client in sim.clients:
            open_shots = client.predictor._ahead._unconfirmed
            assert len(open_shots) < 40
    for client in sim.clients:
        client.press(Trigger())
    sim.run(3)

    assert [each.most for each in seen] == [1, 1]
    for each in told:
        came = [entity for word, entity, _ in each.lines if word == "came"]
        went = [entity for word, entity, _ in each.lines if word == "went"]
        assert len(set(came)) == len(came)
        assert sorted(came) == sorted(went)
    sim.assert_converged()
    assert_nothing_open(sim)


@pytest.mark.parametrize("link", [Link.LAN, Link.WIFI, Link.MOBILE], ids=["lan", "wifi", "mobile"])
def test_others_see_each_bullet_once(link: Link) -> None:
    """For them it is an entity like any other: it comes, flies and goes."""
    sim = ready(2, link=link, seed=1)
    shooter, watcher = sim.clients
    seen, told = Observer(sim, watcher), Told(sim, watcher)
    for _ in range(5):
        tap(sim, shooter, Trigger(fire=True))
        sim.run(0.3)
    sim.run(2)

    assert [number for _, number in seen.drawn] == [1, 2, 3, 4, 5]
    assert {len(ids) for ids in seen.drawn.values()} == {1}
    assert seen.most == 1
    assert sorted(told.of(Bullet)) == ["came"] * 5 + ["went"] * 5
    assert all(not watcher.world.has_component(entity, Spawned) for _, entity, _ in told.lines)


@LINK
def test_two_bullets_of_one_tick_are_not_taken_for_each_other(link: Link) -> None:
    """They differ by their number: each keeps the place it was made at."""
    sim = ready(link=link, seed=2)
    [client] = sim.clients
    corrections = client.predictor.corrections + client.predictor.guest_corrections
    seen = Observer(sim, client)
    known: dict[int, int] = {}  # by the server's entity, ours

    def look() -> None:
        known.update({client.receiver.network_id_of(entity): entity for entity in client.receiver.confirmed})

    sim.before_each_step(look)
    tap(sim, client, Trigger(twice=True))
    sim.step()
    here = {entity: (bullet.number, place.y) for entity, (bullet, place) in client.world.observe(Bullet, Transform2D)}
    sim.run_until(lambda: len(list(sim.server.world.get_component(Bullet))) == 2, within_seconds=1)
    there = {
        entity: (bullet.number, place.y)
        for entity, (bullet, place) in sim.server.world.get_components(Bullet, Transform2D)
    }
    sim.run(1)

    assert len(here) == 2
    assert {entity: here[known[entity]] for entity in there} == there
    assert client.predictor.corrections + client.predictor.guest_corrections == corrections
    assert seen.most == 1


@LINK
@pytest.mark.parametrize("seed", range(3))
def test_what_the_server_refuses_for_a_reason_that_travels_vanishes_with_the_correction(link: Link, seed: int) -> None:
    """The last round was taken a moment ago: the client learns it with the state that says so, and takes it back."""
    sim = ready(link=link, seed=seed)
    [client] = sim.clients
    told = Told(sim, client)
    sim.server.world.component_for_entity(gunner_of(sim, client), Gunner).ammo = 0
    tap(sim, client, Trigger(fire=True))
    sim.run(1)

    assert told.of(Bullet) == ["came", "went"]
    assert not list(client.view(Bullet))
    assert not list(sim.server.world.get_component(Bullet))
    sim.assert_converged()
    assert_nothing_open(sim)


@LINK
def test_what_the_server_refuses_silently_vanishes_within_the_patience(link: Link) -> None:
    """Nothing that travels tells of it: it is given up when the server should have spoken long ago."""
    sim = ready(link=link, seed=4, life=250)
    [client] = sim.clients
    sim.server.world.add_component(gunner_of(sim, client), Jammed())
    seen, told = Observer(sim, client), Told(sim, client)
    tap(sim, client, Trigger(fire=True))
    sim.step()
    sim.run_until(lambda: not list(client.world.observe(Bullet)), within_seconds=0.6 + PATIENCE_SECONDS)
    sim.step()

    assert [len(ids) for ids in seen.ids.values()] == [1]
    assert told.of(Bullet) == ["came", "went"]
    sim.run(1)
    assert_nothing_open(sim)


@pytest.mark.parametrize("link", [Link.WIFI, Link.MOBILE, Link.AWFUL], ids=["wifi", "mobile", "awful"])
@pytest.mark.parametrize("seed", range(4))
def test_the_bullets_of_one_who_is_shot_are_still_known_again(link: Link, seed: int) -> None:
    """The server deletes the shooter before it tells of the bullet, which then names nobody."""
    sim = ready(2, link=link, seed=seed)
    client = sim.clients[0]
    gunner = gunner_of(sim, client)
    seen = Observer(sim, client)
    by = client.entity
    tap(sim, client, Trigger(twice=True))
    sim.run_until(lambda: bool(sim.server.world.get_component(Bullet)), within_seconds=1)
    sim.server.world.delete_entity(gunner)
    entities: set[int] = set()

    def look() -> None:
        here = [entity for entity, _ in client.world.observe(Bullet)]
        assert len(here) <= 2
        entities.update(here)

    sim.before_each_step(look)
    sim.run(2)

    assert by is not None
    assert len(entities) == 2
    assert seen.most <= 2  # both name nobody, once the shooter is gone
    sim.assert_converged()


def test_the_bullets_of_one_who_left_fly_on_for_the_others() -> None:
    """They are the server's then; nobody is left who predicts them."""
    sim = ready(2, link=Link.MOBILE, seed=3, life=200)
    shooter, watcher = sim.clients
    seen = Observer(sim, watcher)
    tap(sim, shooter, Trigger(twice=True))
    sim.run_until(lambda: bool(sim.server.world.get_component(Bullet)), within_seconds=1)
    sim.kill(shooter)
    sim.run(4)

    assert {len(ids) for ids in seen.drawn.values()} == {1}
    assert not list(watcher.view(Bullet))
    sim.assert_converged()


def test_a_bullet_that_is_given_away_is_shown_on_as_the_same_entity() -> None:
    """Somebody deflected it: from then on it is somebody else's to predict."""
    sim = ready(2, link=Link.WIFI, seed=5, life=120)
    shooter, other = sim.clients
    seen = [Observer(sim, client) for client in sim.clients]
    tap(sim, shooter, Trigger(fire=True))
    sim.run(0.2)
    [(bullet, _)] = sim.server.world.get_component(Bullet)
    sim.server.world.component_for_entity(bullet, Owner).client_id = other.client_id
    sim.run(3)

    assert [len(ids) for each in seen for ids in each.ids.values()] == [1, 1]
    sim.assert_converged()
    assert_nothing_open(sim)


def test_a_host_sees_its_own_shots_once() -> None:
    """Whoever hosts is a client like any other, with next to no round trip."""
    host = Host(game, clock=VirtualClock(), bots=0)
    player = host.player
    player.run_until(lambda: player.is_ready, within_seconds=5)
    player.run_until(lambda: False, within_seconds=1)
    most, ids = 0, set()
    player.press(Trigger(fire=True))
    for _ in range(180):
        player.run_until(lambda: False, within_seconds=1 / 60)
        found = list(bullets(player.world))
        most = max(most, len(found) - len({key for key, _ in found}) + 1)
        ids.update(found)
    player.press(Trigger())
    player.run_until(lambda: False, within_seconds=3)

    assert most == 1
    assert len({key for key, _ in ids}) == len(ids) > 10
    assert repr(player.predictor._ahead) == "Ahead(0 unconfirmed, 0 aside)"


@pytest.mark.slow
@pytest.mark.parametrize("link", [Link.MOBILE, Link.AWFUL], ids=["mobile", "awful"])
def test_a_thousand_shots_leave_nothing_behind(link: Link) -> None:
    """No table grows with what was shot, refused, missed or corrected."""
    sim = ready(2, link=link, seed=6, life=20)
    chance = random.Random(6)
    sim.server.world.single(Rules).cooldown = 2
    largest = 0
    for step in range(340):
        for client in sim.clients:
            client.press(Trigger(dx=chance.randint(-1, 1), fire=chance.random() < 0.7, twice=chance.random() < 0.2))
        if step % 7 == 0:
            gunner = gunner_of(sim, chance.choice(sim.clients))
            sim.server.world.component_for_entity(gunner, Gunner).ammo = chance.choice([0, 3, 1000])
        sim.run(0.1)
        for client in sim.clients:
            ahead = client.predictor._ahead
            largest = max(largest, len(ahead._made), len(ahead._aside), len(ahead._told), len(ahead._unconfirmed))
    fired = sum(gunner.fired for _, gunner in sim.server.world.get_component(Gunner))
    for client in sim.clients:
        client.press(Trigger())
    sim.run(4)

    assert fired > 1000
    assert largest < 100
    sim.assert_converged()
    assert_nothing_open(sim)


# What is not one's own


def coin_at(sim: Simulation, x: float, y: float) -> int:
    """Lay a coin."""
    coin = sim.server.world.create_entity(Coin(), Transform2D(x=x, y=y))
    sim.run(0.7)
    return coin


def walk(sim: Simulation, client: Client, until: Callable[[], bool]) -> None:
    """Walk to the right until something happens."""
    client.press(Trigger(dx=1))
    sim.run_until(until, within_seconds=2)


@LINK
@pytest.mark.parametrize("seed", range(3))
def test_a_coin_that_is_picked_up_is_gone_at_once_and_stays_gone(link: Link, seed: int) -> None:
    """Told once, with what it was; the server agrees later and nothing more is said."""
    sim = ready(link=link, seed=seed)
    [client] = sim.clients
    coin = coin_at(sim, 40.0, 40.0)
    told = Told(sim, client)
    here = client.receiver.entity_of(coin)
    walk(sim, client, lambda: not list(client.view(Coin)))
    is_there_still = sim.server.world.entity_exists(coin)
    exists = client.world.entity_exists(here)
    client.press(Trigger())
    sim.run(3)

    assert is_there_still
    assert exists  # hidden only: nobody knows yet what the server says
    assert told.of(Coin) == ["went"]
    assert not client.world.entity_exists(here)
    assert not sim.server.world.entity_exists(coin)
    sim.assert_converged()
    assert_nothing_open(sim)


@LINK
@pytest.mark.parametrize("seed", range(3))
def test_a_coin_that_the_server_keeps_comes_back_as_it_is_by_then(link: Link, seed: int) -> None:
    """It was taken away here by mistake: told as gone, told as come, with what the server said of it meanwhile."""
    sim = ready(link=link, seed=seed)
    [client] = sim.clients
    coin = coin_at(sim, 40.0, 40.0)
    sim.server.world.add_component(coin, Glued())
    told = Told(sim, client)
    here = client.receiver.entity_of(coin)
    walk(sim, client, lambda: not list(client.view(Coin)))
    sim.server.world.component_for_entity(coin, Coin).worth = 7
    sim.server.world.component_for_entity(coin, Transform2D).x = -100.0
    client.press(Trigger())
    sim.run(3)

    assert told.of(Coin)[:2] == ["went", "came"]
    assert told.of(Coin) == ["went", "came"] * (len(told.of(Coin)) // 2)
    assert client.world.component_for_entity(here, Coin).worth == 7
    assert dict(client.view(Transform2D))[here].x == -100.0
    sim.assert_converged()
    assert_nothing_open(sim)


@pytest.mark.parametrize("seed", range(3))
def test_of_two_who_run_for_a_coin_one_gets_it(seed: int) -> None:
    """Both see it vanish; the server counts it for one, and nobody's counter or coin stays wrong."""
    sim = ready(2, link=Link.MOBILE, seed=seed)
    ada, bob = sim.clients
    world = sim.server.world
    world.component_for_entity(gunner_of(sim, bob), Transform2D).y = 40.0
    world.component_for_entity(gunner_of(sim, bob), Transform2D).x = 80.0
    coin = coin_at(sim, 40.0, 40.0)
    told = [Told(sim, client) for client in sim.clients]
    ada.press(Trigger(dx=1))
    bob.press(Trigger(dx=-1))
    sim.run(1)
    for client in sim.clients:
        client.press(Trigger())
    sim.run(2)

    assert not world.entity_exists(coin)
    assert sum(gunner.coins for _, gunner in world.get_component(Gunner)) == 1
    for client, each in zip(sim.clients, told, strict=True):
        assert each.of(Coin) == ["went"]
        assert client.entity is not None
        mine = client.world.component_for_entity(client.entity, Gunner)
        assert mine == world.component_for_entity(gunner_of(sim, client), Gunner)
    sim.assert_converged()
    assert_nothing_open(sim)


def test_what_changes_about_a_hidden_coin_stays_hidden() -> None:
    """The server gives it another component while it is away: that must not bring half of it into sight."""
    sim = ready(link=Link.MOBILE, seed=1)
    [client] = sim.clients
    coin = coin_at(sim, 40.0, 40.0)
    sim.server.world.add_component(coin, Glued())
    here = client.receiver.entity_of(coin)
    walk(sim, client, lambda: not list(client.view(Coin)))
    client.press(Trigger())
    before = client.world.components_for_entity(here)
    sim.server.world.add_component(coin, Gunner())  # whatever travels
    sim.server.world.remove_component(coin, Transform2D)
    half: list[tuple[type, ...]] = []

    def look() -> None:
        types = [type(part) for part in client.world.components_for_entity(here)]
        if types and (Coin not in types or (Gunner in types) == (Transform2D in types)):
            half.append(tuple(types))

    sim.before_each_step(look)
    sim.run(3)

    assert before == ()
    assert half == []
    assert client.world.has_components(here, Coin, Gunner)
    assert not client.world.has_component(here, Transform2D)
    sim.assert_converged()


# What is made for others


class Salute(System):
    """Shoots for everybody there is, on the client as on the server."""

    predicted = True

    def process(self, world: World) -> None:
        for entity, (_, _) in world.observe(Gunner, Transform2D):
            if world.tick % 60 == 0:
                bullet = spawn(world, entity, Bullet(by=entity, number=world.tick), Transform2D())
                world.add_component(bullet, Gunner())


def test_what_is_made_for_others_is_the_servers_to_show() -> None:
    """Its `Spawned` travels to its owner alone: made here it could never be known again, and would be there twice."""
    sim = Simulation(replace_systems(Salute), clients=2, link=Link.WIFI)
    seen = [Observer(sim, client) for client in sim.clients]
    sim.run(4)

    assert [each.most for each in seen] == [1, 1]
    assert all(len(each.ids) > 4 for each in seen)


def replace_systems(*systems: type[System]) -> Game:
    """Return the game with these as well."""
    return Game(
        "gunnery", input=Trigger, components=game.components[:-1], systems=[*game.systems, *systems],
        tick_rate_hz=60, send_rate_hz=30,
    )  # fmt: skip
