"""Calls and events from the server to clients: whom they reach, when, and as what."""

import logging
from collections.abc import Callable

import pytest

from ecsnet import (
    CLIENT,
    CLIENTS,
    EVERYONE,
    OBSERVERS_OF,
    OWNER,
    OWNER_OF,
    TEAM,
    Call,
    Client,
    EntityRef,
    Game,
    NetVar,
    System,
    World,
    component,
    event,
    netvar,
    player_input,
    rpc,
)
from ecsnet.clock import VirtualClock
from ecsnet.components import Owner, Player, Rooms, Team, Transform2D, VisibleTo
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.errors import LocalProtocolError, SchemaError
from ecsnet.events import Despawned, Spawned
from ecsnet.hosting import Host
from ecsnet.systems import post
from ecsnet.systems.hall import HALL, create_room
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation


@player_input
class Steer:
    turn: int = netvar(0, low=-1, high=1)


@component
class Ship:
    """Something to be seen, and to be sunk."""

    name: NetVar[str] = ""
    hull: NetVar[int] = 100


@event
class Sunk:
    ship: EntityRef
    name: str = ""


@event
class Counted:
    number: int


@event(reliable=False)
class Splash:
    number: int


@event(deliver="rendered")
class Flash:
    ship: EntityRef
    number: int


@event(deliver="received")
class Hasty:
    ship: EntityRef


@rpc(to=CLIENTS)
def hail(call: Call, number: int, names: list[str]) -> None:
    """Note who was hailed, and on whose side."""
    if number == 13:
        raise RuntimeError("no such ship")
    hailed.append((call.world, number, names))


@event
class Forgotten:
    """Declared, and not listed in the game."""


LOSSY = Link(loss=0.3, latency_seconds=0.02)
hailed: list[tuple[World, int, list[str]]] = []
Plan = Callable[[World], None]


class Script(System):
    """Do what a test asks, once, in a tick of the server."""

    plans: list[Plan] = []  # noqa: RUF012  # of the test at hand

    def process(self, world: World) -> None:
        plans, Script.plans = Script.plans, []
        for plan in plans:
            plan(world)


class Boast(System):
    """Predicted: say each turn, on the server alone."""

    predicted = True

    def process(self, world: World) -> None:
        for _, steer in world.get_component(Steer):
            if steer.turn and (careless or not world.is_predicting):
                world.to(EVERYONE).send(Counted(steer.turn))


careless: list[bool] = []
game = Game(
    "navy",
    input=Steer,
    components=[Ship],
    systems=[Boast, Script],
    rpcs=[hail],
    events=[Sunk, Counted, Splash, Flash, Hasty],
    tick_rate_hz=60,
    send_rate_hz=30,
)


@pytest.fixture(autouse=True)
def _clean() -> None:
    hailed.clear()
    careless.clear()
    Script.plans = []


def fleet(transport: str, link: Link = Link.PERFECT, clients: int = 3, seed: int = 1) -> Simulation:
    return Simulation(game, clients=clients, link=link, seed=seed, transport=transport)


def tell(sim: Simulation, plan: Plan, seconds: float = 1.0) -> list[list[object]]:
    """Do something in the next tick of the server; return what each client is told of the game in the time after."""
    told: list[list[object]] = [[] for _ in sim.clients]
    Script.plans.append(plan)
    for _ in range(round(seconds * 60)):
        sim.step()
        for heard, client in zip(told, sim.clients, strict=True):
            heard += [each for each in client.events() if isinstance(each, Sunk | Counted | Splash | Flash | Hasty)]
    return told


def ids(sim: Simulation) -> list[int]:
    return [client.client_id for client in sim.clients]


def player_of(sim: Simulation, client: Client) -> int:
    return next(e for e, player in sim.server.world.get_component(Player) if player.client_id == client.client_id)


@pytest.mark.parametrize("link", [Link.PERFECT, LOSSY, Link.POOR])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_happened_is_told_once_and_in_order(transport: str, link: Link, seed: int) -> None:
    """Reliable events arrive once each, as they were sent, whatever the network does."""
    sim = fleet(transport, link, clients=2, seed=seed)

    def count(world: World) -> None:
        for number in range(20):
            world.to(EVERYONE).send(Counted(number))

    assert tell(sim, count, seconds=5) == [[Counted(number) for number in range(20)]] * 2


def test_each_target_reaches_those_it_names(transport: str) -> None:
    """All, one client, an owner, a team, the observers of an entity."""
    sim = fleet(transport)
    ada, bob, cyd = ids(sim)
    world = sim.server.world
    for client, team in zip(sim.clients, (1, 2, 1), strict=True):
        world.add_component(player_of(sim, client), Team(team))
    ship = world.create_entity(Ship(), Owner(bob), VisibleTo(frozenset({cyd})))
    sim.run(0.2)

    def send(world: World) -> None:
        world.to(EVERYONE).send(Counted(0))
        world.to(CLIENT(ada)).send(Counted(1))
        world.to(CLIENT(99)).send(Counted(2))
        world.to(OWNER_OF(ship)).send(Counted(3))
        world.to(TEAM(1)).send(Counted(4))
        world.to(TEAM(3)).send(Counted(5))
        world.to(OBSERVERS_OF(ship)).send(Counted(6))

    told = [[each.number for each in heard if isinstance(each, Counted)] for heard in tell(sim, send)]

    assert told == [[0, 1, 4], [0, 3, 6], [0, 4, 6]]


def test_a_call_runs_on_each_client_with_the_arguments_of_its_moment() -> None:
    """Whoever changes a list after calling changes nothing of the call."""
    sim = fleet("udp", clients=2)

    def call(world: World) -> None:
        names = ["ajax"]
        world.to(EVERYONE).call(hail, 5, names=names)
        names.append("hood")

    tell(sim, call)

    assert hailed == [(client.world, 5, ["ajax"]) for client in sim.clients]


def test_an_entity_is_each_clients_own_and_nobody_where_it_is_hidden(transport: str) -> None:
    """Also one that came in the same tick, and one with a number of its own toward each viewer."""
    sim = fleet(transport)
    ada, bob, _ = sim.clients
    made: dict[str, int] = {}

    def send(world: World) -> None:
        made["open"] = world.create_entity(Ship("open"))
        made["shown"] = world.create_entity(Ship("shown"), VisibleTo(frozenset({ada.client_id, bob.client_id})))
        made["cellar"] = world.create_entity(Ship("cellar"), Rooms(frozenset({"cellar"})))
        for name, ship in made.items():
            world.to(EVERYONE).send(Sunk(ship, name))

    told = tell(sim, send)
    for client, heard in zip(sim.clients, told, strict=True):
        names = {entity: ship.name for entity, ship in client.world.get_component(Ship)}
        expected = {"open", "shown"} if client in (ada, bob) else {"open"}
        assert {names[each.ship] for each in heard if isinstance(each, Sunk) and each.ship} == expected
        assert [each.name for each in heard if isinstance(each, Sunk)] == ["open", "shown", "cellar"]


def test_the_state_of_its_tick_is_there_when_an_event_is_told() -> None:
    """What just came is in the World, and told before."""
    sim = fleet("udp", clients=1)
    client = sim.clients[0]
    Script.plans.append(lambda world: world.to(EVERYONE).send(Sunk(world.create_entity(Ship(hull=3)))))
    hulls = []
    for _ in range(60):
        sim.step()
        events = client.events()
        for at, each in enumerate(events):
            if isinstance(each, Sunk):
                hulls.append(client.world.component_for_entity(each.ship, Ship).hull)
                assert Spawned(each.ship) in events[:at]

    assert hulls == [3]


def test_what_is_deleted_in_the_same_tick_still_has_its_owner_and_observers() -> None:
    """Who saw it last is told, though it has no number for anybody any more."""
    sim = fleet("udp")
    ada, bob, _ = sim.clients
    world = sim.server.world
    ship = world.create_entity(Ship("ajax"), Owner(ada.client_id), VisibleTo(frozenset({bob.client_id})))
    fresh: list[int] = []
    sim.run(0.2)

    def sink(world: World) -> None:
        world.delete_entity(ship)
        world.to(OWNER_OF(ship)).send(Counted(1))
        world.to(OBSERVERS_OF(ship)).send(Sunk(ship, "ajax"))
        fresh.append(world.create_entity(Ship(), Owner(bob.client_id)))
        world.to(OWNER_OF(fresh[0])).send(Counted(2))
        world.to(OBSERVERS_OF(fresh[0])).send(Counted(3))  # nobody has ever seen it
        world.delete_entity(fresh[0])

    assert tell(sim, sink) == [[Counted(1), Sunk(0, "ajax")], [Sunk(0, "ajax"), Counted(2)], []]


def test_who_joins_later_is_told_nothing_from_before() -> None:
    """Not even what waits for the next send when it comes in."""
    sim = fleet("udp", clients=1)
    world = sim.server.world
    late = sim.join(wait=False)
    while late.client_id not in sim.server.peers:
        world.to(EVERYONE).send(Counted(1))
        sim.step()
    sim.run(0.5)
    heard = [each for each in late.events() if isinstance(each, Counted)]
    world.to(EVERYONE).send(Counted(2))
    sim.run(0.5)

    assert heard == []
    assert [each for each in late.events() if isinstance(each, Counted)] == [Counted(2)]


def test_an_unreliable_event_comes_with_the_state_of_its_tick_or_not_at_all() -> None:
    """It rides in the datagram of the state: no later than a position that changed with it."""
    sim = fleet("udp", Link(loss=0.3, latency_seconds=0.02), clients=1, seed=4)
    client, world = sim.clients[0], sim.server.world
    ship = world.create_entity(Ship(), Transform2D())
    sim.run_until(lambda: bool(client.receiver.entity_of(ship)), within_seconds=5)
    local, heard = client.receiver.entity_of(ship), []
    for n in range(200):
        world.component_for_entity(ship, Ship).hull = n
        world.to(EVERYONE).send(Splash(n))
        for _ in range(2):
            sim.step()
            for each in client.events():
                if isinstance(each, Splash):
                    heard.append(each.number)
                    assert client.world.component_for_entity(local, Ship).hull >= each.number

    assert 100 < len(heard) < 180
    assert heard == sorted(set(heard))


def test_prediction_does_not_tell_it_again() -> None:
    """A client simulates a tick many times, and tells nobody; the server simulates it once."""
    sim = fleet("udp", Link.POOR, clients=2, seed=3)
    for client in sim.clients:
        client.predictor.always_roll_back = True
    sim.clients[0].press(Steer(turn=1))
    heard, sent = 0, 0
    for _ in range(120):
        sim.step()
        sent += sum(steer.turn for _, steer in sim.server.world.get_component(Steer))
        heard += sum(isinstance(each, Counted) for each in sim.clients[1].events())
    sim.clients[0].press(Steer(turn=0))
    for _ in range(240):
        sim.step()
        sent += sum(steer.turn for _, steer in sim.server.world.get_component(Steer))
        heard += sum(isinstance(each, Counted) for each in sim.clients[1].events())

    assert heard == sent > 60


def test_telling_clients_on_a_client_says_what_to_write() -> None:
    """A predicted system runs there as well, and the first who tries it has to learn that."""
    sim = fleet("udp", clients=1)
    careless.append(True)
    sim.clients[0].press(Steer(turn=1))

    with pytest.raises(RuntimeError, match=r"send\(Counted\(number=1\)\) on a client.*if not world.is_predicting"):
        sim.run(0.5)
    with pytest.raises(RuntimeError, match=r"call\(hail, ...\) on a client"):
        sim.clients[0].world.to(EVERYONE).call(hail, 1, [])


def test_mistakes_are_told_where_they_are_made() -> None:
    """In the system that makes them, not in the send."""
    sim = fleet("udp", clients=1)
    world = sim.server.world

    with pytest.raises(SchemaError, match=r"Counted\.number"):
        world.to(EVERYONE).send(Counted(2**40))
    with pytest.raises(LocalProtocolError, match=r"Forgotten is not among the game's events; add it to Game\(events="):
        world.to(EVERYONE).send(Forgotten())
    with pytest.raises(LocalProtocolError, match="'hello' is no event"):
        world.to(EVERYONE).send("hello")
    with pytest.raises(TypeError, match="hail: missing a required argument: 'names'"):
        world.to(EVERYONE).call(hail, 1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"world.to\(.*OWNER.*\): there are EVERYONE, CLIENT"):
        world.to(OWNER)
    with pytest.raises(TypeError, match=r"EVERYONE takes nothing"):
        EVERYONE(1)
    with pytest.raises(TypeError, match=r"CLIENT\(Player\(.*\): takes the client's number, as in player.client_id"):
        CLIENT(Player())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"OBSERVERS_OF\(None\): takes the entity, which is an int"):
        OBSERVERS_OF(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"TEAM\(0\): a team has a number from 1 to 255"):
        TEAM(0)


def test_a_world_of_its_own_tells_nobody() -> None:
    """A system is tested without a server: what it says then reaches no one."""
    World().to(EVERYONE).send(Counted(1))


def test_a_client_that_does_not_read_is_closed_and_nobody_else_waits(transport: str) -> None:
    """Its queue is full: 2655 short messages. The tick goes on for the others."""
    sim = fleet(transport, clients=2)
    deaf, other = sim.clients
    sim.cut_off(deaf)

    heard: list[object] = []
    for tick in range(300):
        for number in range(40 if tick < 100 else 0):
            sim.server.world.to(EVERYONE).send(Counted(40 * tick + number))
        sim.step()
        heard += [each for each in other.events() if isinstance(each, Counted)]

    assert heard == [Counted(number) for number in range(4000)]
    assert list(sim.server.peers) == [other.client_id]


def test_despawned_is_told_before_what_happened() -> None:
    """So that a wreck can be drawn where the ship was."""
    sim = fleet("udp", clients=1)
    world = sim.server.world
    ship = world.create_entity(Ship("ajax"))
    sim.run(0.2)
    sim.clients[0].events()
    Script.plans += [lambda world: world.delete_entity(ship), lambda world: world.to(EVERYONE).send(Counted(1))]
    events: list[object] = []
    for _ in range(20):
        sim.step()
        events += sim.clients[0].events()

    assert [type(each) for each in events if isinstance(each, Despawned | Counted)] == [Despawned, Counted]


@pytest.mark.parametrize("seed", range(4))
def test_an_event_about_what_just_came_finds_it_there(transport: str, seed: int) -> None:
    """It waits for a repair, and for the repair of a repair; what is to be told when received does not."""
    sim = fleet(transport, Link.POOR, clients=2, seed=seed)
    world = sim.server.world
    found, hasty = [], []
    for number in range(60):
        ship = world.create_entity(Ship(str(number)))
        world.to(EVERYONE).send(Hasty(ship))
        world.to(EVERYONE).send(Sunk(ship, str(number)))
        for _ in range(2 if number < 59 else 120):
            sim.step()
            for client in sim.clients:
                for each in client.events():
                    if isinstance(each, Sunk):
                        there = client.world.try_component(each.ship, Ship)
                        found.append(there is not None and there.name == each.name)
                    if isinstance(each, Hasty):
                        hasty.append(each.ship != 0)

    assert (len(found), len(hasty)) == (120, 120)
    assert found.count(False) <= 1
    assert transport == "tcp" or hasty.count(False) >= 3


def test_what_happened_to_what_is_drawn_is_told_when_it_is_drawn(transport: str) -> None:
    """A ship runs along; where its event was sent it is seen when its event is told."""
    sim = fleet(transport, Link.WIFI, clients=1, seed=5)
    client, world = sim.clients[0], sim.server.world
    ship = world.create_entity(Ship(), Transform2D())
    place = world.component_for_entity(ship, Transform2D)
    sim.run(1.0)
    errors = []

    def run(world: World) -> None:
        place.x += 1.0
        if place.x % 40 == 20:
            world.to(EVERYONE).send(Flash(ship, round(place.x)))

    for _ in range(420):
        Script.plans.append(run)
        sim.step()
        for each in client.events():
            if isinstance(each, Flash):
                [drawn] = [at.x for entity, at in client.view(Transform2D) if entity == each.ship]
                errors.append(drawn - each.number)

    assert len(errors) == 10
    assert all(0.0 <= error < 3.0 for error in errors), errors


def test_what_came_with_the_goodbye_is_told() -> None:
    """The last words of a match, though no state of their tick will follow."""
    sim = fleet("udp", clients=1)
    client, world = sim.clients[0], sim.server.world
    ship = world.create_entity(Ship())
    sim.run(0.5)
    client.events()
    world.to(EVERYONE).send(Flash(ship, 1))
    world.to(EVERYONE).send(Counted(2))
    sim.step()
    while sim.server.sender.tick != world.tick:
        sim.step()
    sim.server.kick(client.client_id, now=sim.now)
    told: list[object] = []
    while client.disconnected is None:
        sim.step()
        told += client.events()

    assert [type(each) for each in told if isinstance(each, Flash | Counted)] == [Counted, Flash]


def test_a_handler_that_fails_on_a_client_is_logged_and_the_next_ones_run(caplog: pytest.LogCaptureFixture) -> None:
    """Its game goes on, and its author finds the call, its arguments and who made it."""
    sim = fleet("udp", clients=1)

    def call(world: World) -> None:
        for number in (13, 14):
            world.to(EVERYONE).call(hail, number, [])

    with caplog.at_level(logging.ERROR):
        tell(sim, call)

    assert [number for _, number, _ in hailed] == [14]
    assert "hail(13, []) called by the server failed" in caplog.text
    assert "no such ship" in caplog.text


def test_more_than_can_wait_for_a_send_is_an_error_of_the_game(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that sends without end fails where it does, and not the memory of the machine."""
    monkeypatch.setattr(post, "MAX_LETTERS", 100)
    sim = fleet("udp", clients=1)
    for number in range(100):
        sim.server.world.to(EVERYONE).send(Counted(number))
    with pytest.raises(LocalProtocolError, match=r"100 calls and events wait for the next send already: EventSpec"):
        sim.server.world.to(EVERYONE).send(Counted(100))
    sim.run(0.5)

    sim.server.world.to(EVERYONE).send(Counted(101))
    assert len([each for each in sim.clients[0].events() if isinstance(each, Counted)]) == 100


def test_a_host_hears_what_all_hear() -> None:
    """Who plays on the machine of the server has a World and events like anybody."""
    clock = VirtualClock()
    host = Host(game, clock=clock, bots=1)
    told: list[object] = []
    for frame in range(120):
        if frame == 100:
            Script.plans.append(lambda world: world.to(EVERYONE).send(Counted(7)))
        host.player.update()
        told += [each for each in host.player.events() if each == Counted(7)]  # the bot boasts as well
        clock.advance(1 / 60)

    assert told == [Counted(7)]


def test_rooms_tell_each_their_own() -> None:
    """What happened in one game is nothing to those in another."""
    sim = Simulation(game, clients=0, server_config=ServerConfig(rooms=RoomConfig(max_rooms=2)))
    first, second = sim.join(room=HALL), sim.join(room=HALL)
    for client in (first, second):
        made = client.call(create_room, client.name)
        sim.run_until(lambda made=made: made.done, within_seconds=5)  # type: ignore[misc]
        client.enter(made.value)
        sim.run_until(lambda client=client: client.is_ready and client.room, within_seconds=5)  # type: ignore[misc]
    rooms = [room for room in sim.server.rooms if room is not sim.server.room]
    for number, room in enumerate(rooms):
        room.world.to(EVERYONE).send(Counted(number))
    sim.run(0.5)

    assert [[each for each in client.events() if isinstance(each, Counted)] for client in (first, second)] == [
        [Counted(0)],
        [Counted(1)],
    ]
