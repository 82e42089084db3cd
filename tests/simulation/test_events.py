"""What a client tells its game: the same whether an entity is new, was there before, came back, or is next door."""

from collections.abc import Callable, Iterator

import pytest

from ecsnet import EntityRef, Game, NetVar, component, netvar, player_input
from ecsnet.client import MAX_EVENTS, Client
from ecsnet.clock import VirtualClock
from ecsnet.components import Owner, Player, Predicted, Transform2D
from ecsnet.events import Changed, Despawned, DespawnReason, Spawned, Synced
from ecsnet.hosting import Host
from ecsnet.peer import STATE
from ecsnet.replication.frames import encode_state
from ecsnet.server import Server
from ecsnet.system import System
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.wire import advance_tick, pack_varint
from ecsnet.world import World


@player_input
class Pull:
    dx: int = netvar(0, low=-1, high=1)


@component
class Kite:
    height: NetVar[int] = netvar(0, low=0, high=1000)


@component
class Tail:
    kite: NetVar[EntityRef] = 0


@component
class Ribbon:
    length: NetVar[int] = netvar(0, low=0, high=1000)


class Fly(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, (pull, place) in world.get_components(Pull, Transform2D):
            place.x += pull.dx


game = Game("kites", input=Pull, components=[Kite, Tail, Ribbon], systems=[Fly], tick_rate_hz=60, send_rate_hz=30)
ENTROPY = bytes.fromhex("5e" * 32)


class Watcher:
    """Asks a client after every update; writes down what it hears of kites and tails, and what is there then."""

    def __init__(self, client: Client) -> None:
        """Begin before the first update."""
        self.client = client
        self.heard: list[list[str]] = []  # by update
        self._names: dict[int, str] = {}

    def listen(self) -> None:
        """Take what the last update told."""
        lines = [line for event in self.client.events() for line in self._describe(event)]
        if lines:
            self.heard.append(lines)

    def _describe(self, event: object) -> Iterator[str]:
        world = self.client.world
        match event:
            case Spawned(entity) if world.has_component(entity, Kite):
                self._names[entity] = "kite"
                yield f"kite came: {self._shown(entity)}"
            case Spawned(entity) if world.has_component(entity, Tail):
                self._names[entity] = "tail"
                yield f"tail came: {self._shown(entity)}"
            case Despawned(entity, reason) if entity in self._names:
                assert not world.entity_exists(entity)
                kite, place = event.try_component(Kite), event.try_component(Transform2D)
                yield f"{self._names[entity]} went: {reason.name}, {kite}, {place and place.x}"
            case Changed(entity, cls) if entity in self._names:
                yield f"{cls.__name__} of {self._names[entity]}: {self._shown(entity)}"

    def _shown(self, entity: int) -> str:
        parts = self.client.world.components_for_entity(entity)
        return "; ".join(sorted(filter(None, map(self._part, parts))))

    def _part(self, part: object) -> str:
        match part:
            case Kite(height):
                return f"height {height}"
            case Ribbon(length):
                return f"ribbon {length}"
            case Transform2D(x):
                return f"at {x:g}"
            case Tail(kite):
                return f"of a {self._names.get(kite, kite)}"
        return ""


def make(world: World) -> int:
    """Make a kite and its tail in one tick."""
    kite = world.create_entity(Kite(height=5), Transform2D(x=7.0))
    world.create_entity(Tail(kite=kite))
    return kite


def play_on(world: World, kite: int, pause: Callable[[], object]) -> None:
    """Change, insert, remove, and delete."""
    world.component_for_entity(kite, Transform2D).x = 9.0
    world.component_for_entity(kite, Kite).height = 50
    pause()
    world.add_component(kite, Ribbon(length=3))
    pause()
    world.component_for_entity(kite, Ribbon).length = 4
    pause()
    world.remove_component(kite, Ribbon)
    pause()
    world.delete_entity(kite)
    pause()


EXPECTED = [
    ["kite came: at 7; height 5", "tail came: of a kite"],
    ["Kite of kite: at 9; height 50", "Transform2D of kite: at 9; height 50"],
    ["Ribbon of kite: at 9; height 50; ribbon 3"],
    ["Ribbon of kite: at 9; height 50; ribbon 4"],
    ["Ribbon of kite: at 9; height 50"],
    ["kite went: DELETED, Kite(height=50), 9.0", "Tail of tail: of a 0"],
]


def test_a_fresh_spawn_tells_this() -> None:
    """Values are all in place when anything is told."""
    sim = Simulation(game)
    watcher = watched(sim, sim.clients[0])
    kite = make(sim.server.world)
    sim.run(seconds=0.5)
    play_on(sim.server.world, kite, lambda: sim.run(seconds=0.5))

    assert watcher.heard == EXPECTED


def test_a_late_join_tells_the_same() -> None:
    """What was there before comes as if it were new."""
    sim = Simulation(game)
    kite = make(sim.server.world)
    sim.run(seconds=1)
    watcher = watched(sim, sim.join(wait=False))
    sim.run(seconds=1)
    play_on(sim.server.world, kite, lambda: sim.run(seconds=0.5))

    assert watcher.heard == EXPECTED


def test_a_return_into_view_tells_the_same() -> None:
    """Out of sight an entity is gone; back in sight it is a new one."""
    sim = Simulation(game)
    kite = make(sim.server.world)
    sim.run(seconds=0.5)
    watcher = watched(sim, sim.clients[0])
    watcher.listen()
    watcher.heard.clear()
    hide(sim.server, sim.clients[0].client_id, [kite, kite + 1])
    sim.run(seconds=0.5)
    [hidden] = watcher.heard
    watcher.heard.clear()
    show(sim.server, sim.clients[0].client_id, [kite, kite + 1])
    sim.run(seconds=0.5)
    play_on(sim.server.world, kite, lambda: sim.run(seconds=0.5))

    assert hidden == ["kite went: HIDDEN, Kite(height=5), 7.0", "tail went: HIDDEN, None, None"]
    assert watcher.heard == EXPECTED


def test_host_mode_tells_the_same() -> None:
    """Whoever hosts is a client like any other."""
    host = Host(game, clock=VirtualClock())
    watcher = Watcher(host.player)

    def run() -> None:
        for _ in range(30):
            host.player.run_until(lambda: False, within_seconds=1 / 60)
            watcher.listen()

    host.player.run_until(lambda: host.player.is_ready, within_seconds=5)
    kite = make(host.server.world)
    run()
    play_on(host.server.world, kite, run)

    assert watcher.heard == EXPECTED


def test_it_tells_the_same_over_streams() -> None:
    """The transport makes no difference."""
    sim = Simulation(game, transport="tcp")
    watcher = watched(sim, sim.clients[0])
    kite = make(sim.server.world)
    sim.run(seconds=0.5)
    play_on(sim.server.world, kite, lambda: sim.run(seconds=0.5))

    assert watcher.heard == EXPECTED


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_on_a_bad_network_no_event_comes_twice_and_none_is_wrong(seed: int) -> None:
    """Updates are lost and repeated; who believes the events alone has the World as it is."""
    sim = Simulation(game, link=Link.AWFUL, seed=seed)
    client = sim.clients[0]
    believed: dict[int, dict[type, str]] = {}
    client.events()
    for entity in client.world.entities():
        believed[entity] = shown(client, entity)

    def follow() -> None:
        told = client.events()
        assert len(told) == len(set(map(repr, told)))
        for event in told:
            match event:
                case Spawned(entity):
                    assert entity not in believed
                    believed[entity] = shown(client, entity)
                case Despawned(entity):
                    del believed[entity]
                case Changed(entity, cls):
                    now = shown(client, entity)
                    assert now.get(cls) != believed[entity].get(cls)
                    believed[entity] = {**believed[entity], cls: now.get(cls, "")}
        for entity, parts in believed.items():
            assert {cls: part for cls, part in parts.items() if part} == shown(client, entity)
        assert believed.keys() == set(client.world.entities())

    sim.before_each_step(follow)
    sim.before_each_step(lambda: stir(sim.server.world))
    sim.run(seconds=20)

    assert len(believed) > 3


def shown(client: Client, entity: int) -> dict[type, str]:
    """Return what of an entity travels."""
    return {record.cls: repr(part) for record, part in client.schema.records_on(client.world, entity)}


def stir(world: World) -> None:
    """Let kites come, change and go."""
    chance = world.rng
    kites = [entity for entity, _ in world.get_component(Kite)]
    if len(kites) < 8 and chance.random() < 0.1:
        kites.append(make(world))
    for kite in kites:
        match chance.randrange(60):
            case 0:
                world.delete_entity(kite)
            case 1:
                world.component_for_entity(kite, Transform2D).x = chance.randrange(100)
            case 2:
                world.component_for_entity(kite, Kite).height = chance.randrange(1000)
            case 3:
                world.add_component(kite, Ribbon(length=chance.randrange(1000)))
            case 4:
                world.remove_component(kite, Ribbon)
    for tail, part in world.get_component(Tail):
        if not world.entity_exists(part.kite) and chance.random() < 0.05:
            world.delete_entity(tail)


def test_what_is_predicted_changes_as_the_world_shows_it() -> None:
    """A steered kite moves here before the server knows; told once an update, and only if it moved."""
    sim = Simulation(game, link=Link(latency_seconds=0.1))
    client = sim.clients[0]
    player = sim.server.world.get_component(Player)[0][0]
    sim.server.world.add_component(player, Transform2D())
    sim.run(seconds=1)
    assert client.entity is not None
    assert client.world.has_component(client.entity, Predicted)
    client.events()
    sim.run(seconds=0.5)
    resting = client.events()
    client.press(Pull(dx=1))
    told, at = [], []
    for _ in range(30):
        sim.step()
        told.append(client.events())
        at.append(client.world.component_for_entity(client.entity, Transform2D).x)

    assert resting == []
    assert told == [
        [] if here == before else [Changed(client.entity, Transform2D)]
        for before, here in zip([0.0, *at], at, strict=False)
    ]
    assert at[-1] > sim.server.world.component_for_entity(player, Transform2D).x > 0


def test_what_comes_and_goes_between_two_updates_is_not_told() -> None:
    """A handler would look for an entity that is no more."""
    sim = Simulation(game)
    client = sim.clients[0]
    sim.run(seconds=0.5)
    client.events()
    sim.stall(client, seconds=0.5)
    kite = make(sim.server.world)
    sim.run(seconds=0.2)
    sim.server.world.delete_entity(kite)
    sim.server.world.delete_entity(kite + 1)
    sim.run(seconds=1)

    assert client.events() == []


@pytest.mark.slow
def test_synced_is_told_once_and_after_all_that_was_there() -> None:
    """Until then it is a game's loading screen; what came before it is no news."""
    sim = Simulation(game, clients=0, link=Link(latency_seconds=0.1))
    kites = [make(sim.server.world) for _ in range(1000)]
    client = sim.join(wait=False)
    events: list[object] = []
    progress = []
    for _ in range(300):
        sim.step()
        events += client.events()
        progress.append(client.progress)
    spawned = events[: events.index(Synced())]

    assert events.count(Synced()) == 1
    assert len([event for event in spawned if isinstance(event, Spawned)]) >= 2 * len(kites)
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    assert len(set(progress)) > 4


@pytest.mark.slow
def test_of_a_game_that_does_not_ask_the_newest_are_kept() -> None:
    """Bounded, but never cut within what one update tells."""
    sim = Simulation(game)
    client = sim.clients[0]
    kites = [sim.server.world.create_entity(Kite()) for _ in range(1500)]
    for round_ in range(1, 8):
        for kite in kites:
            sim.server.world.component_for_entity(kite, Kite).height = round_
        sim.run(seconds=0.5)
    events = client.events()

    assert MAX_EVENTS == 4096
    assert MAX_EVENTS <= len(events) <= MAX_EVENTS + 1500
    assert {event.component_type for event in events if isinstance(event, Changed)} == {Kite}
    assert client.events() == []


def test_the_worlds_own_journal_tells_the_same() -> None:
    """Systems on a client ask the World; both must agree on what happened."""

    class Listen(System):
        def __init__(self) -> None:
            self.heard: list[tuple[str, int]] = []

        def process(self, world: World) -> None:
            self.heard += [("gone", entity) for entity, _ in world.removed(Kite)]
            self.heard += [("came", entity) for entity, _ in world.added(Kite)]
            self.heard += [("changed", entity) for entity, _ in world.changed(Kite)]

    sim = Simulation(game)
    client = sim.clients[0]
    system = Listen()
    client.world.add_system(system)
    sim.run(seconds=0.1)
    client.events()
    system.heard.clear()
    kite = make(sim.server.world)
    sim.run(seconds=0.5)
    play_on(sim.server.world, kite, lambda: sim.run(seconds=0.5))
    told: list[tuple[str, int]] = []
    for event in client.events():
        match event:
            case Spawned(entity):
                told.append(("came", entity))
            case Despawned(entity):
                told.append(("gone", entity))
            case Changed(entity, cls) if cls is Kite:
                told.append(("changed", entity))
    [here] = {entity for word, entity in system.heard if word == "gone"}

    assert [word for word, _ in system.heard] == ["came", "changed", "gone"]
    assert system.heard == [each for each in told if each[1] == here]


def watched(sim: Simulation, client: Client) -> Watcher:
    """Let a watcher ask after every update."""
    watcher = Watcher(client)
    sim.before_each_step(watcher.listen)
    return watcher


def hide(server: Server, client_id: int, entities: list[int]) -> None:
    """Say to a client that it sees entities no more."""
    message = encode_state(advance_tick(server.world.tick), None, leaves=[pack_varint(each) for each in entities])
    server.peers[client_id].connection.send(STATE, message)


def show(server: Server, client_id: int, entities: list[int]) -> None:
    """Send a client entities anew."""
    sender = server.room.session.sender
    for entity in entities:
        sender._subscribers[client_id].show(sender._detector.entities[entity])


def test_reasons_and_owners_are_told_apart() -> None:
    """An entity whose last public record went is hidden or deleted as the server says."""
    sim = Simulation(game)
    client = sim.clients[0]
    kite = sim.server.world.create_entity(Kite(), Owner(client_id=9))
    sim.run(seconds=0.5)
    client.events()
    sim.server.world.delete_entity(kite)
    sim.run(seconds=0.5)
    [event] = client.events()

    assert isinstance(event, Despawned)
    assert event.reason is DespawnReason.DELETED
    assert event.try_component(Owner) == Owner(client_id=9)
    assert event.try_component(Ribbon) is None
