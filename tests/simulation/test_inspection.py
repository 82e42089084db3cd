"""A running server, looked into by who holds its key: what is seen, by whom it is not, and that no player notices."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ecsnet import inspection
from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.errors import EcsnetError
from ecsnet.fields import component
from ecsnet.game import Game
from ecsnet.inspector import Inspector
from ecsnet.inspectors import Inspectors
from ecsnet.peer import CALLS, INPUT
from ecsnet.protocol import DisconnectReason
from ecsnet.storage.store import Document
from ecsnet.survey import Survey
from ecsnet.system import System
from ecsnet.systems.hall import HALL
from ecsnet.systems.inspection import INSPECTION, Showing, Wish
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.transport.identity import Identity
from ecsnet.world import World
from tests.simulation.bazaar import Bazaar
from tests.simulation.meadow import game

KEY = Identity(bytes(range(32)))
OTHER_KEY = Identity(bytes(range(1, 33)))
FORMER_KEY = Identity(bytes(range(2, 34)))
ELSEWHERE = "192.0.2.7"
ANOTHER_GAME = (DisconnectReason.WRONG_GAME, "the server runs another game")
COUNTERS = 150  # more than four slices


@component
class Counter:
    """The same in all entities at the end of every tick."""

    ticks: int = 0


class Count(System):
    def process(self, world: World) -> None:
        if not world.observe(Counter):
            for _ in range(COUNTERS):
                world.create_entity(Counter())
        for _, counter in world.get_component(Counter):
            counter.ticks += 1


counting = Game("counting", components=[Counter], systems=[Count])


def start(clients: int = 2, of: Game = game, config: ServerConfig | None = None, **options: Any) -> Simulation:
    return Simulation(of, clients=clients, seed=3, identity=KEY, server_config=config, **options)


def decide(sim: Simulation, client: Client) -> tuple[DisconnectReason, str] | None:
    """Run until the server has let somebody in or turned it away; return why the latter."""
    sim.run_until(lambda: client.client_id > 0 or client.disconnected is not None, within_seconds=10)
    return client.disconnected


def enter(sim: Simulation, *hosts: str) -> list[Inspector]:
    inspectors = [sim.inspect(host) for host in hosts]
    for inspector in inspectors:
        assert decide(sim, inspector.client) is None
    return inspectors


def see(sim: Simulation, inspector: Inspector, wish: Wish | None = None) -> Any:
    inspector.ask(wish or Wish())
    return await_answer(sim, inspector)


def await_answer(sim: Simulation, inspector: Inspector) -> Any:
    sim.run_until(lambda: inspector.take() and inspector.answer is not None, within_seconds=10)
    return inspector.answer


def leave(sim: Simulation, inspector: Inspector) -> None:
    inspector.client.close(now=sim.now)
    sim.run(0.5)


def ids(seen: Any) -> list[int]:
    return [entity["entity"] for room in seen["rooms"] for entity in room["entities"]]


def test_who_holds_the_key_sees_what_there_is(transport: str) -> None:
    """Clients and entities with components and owners, as they are on the server."""
    sim = start(transport=transport)
    (inspector,) = enter(sim, "127.0.0.1")
    seen = see(sim, inspector)

    world = sim.server.world
    assert (seen["game"], seen["players"], seen["server_key"]) == ("meadow", 2, KEY.fingerprint)
    assert [client["name"] for client in seen["clients"]] == ["player-1", "player-2"]
    assert [client["entity"] for client in seen["clients"]] == [peer.entity for peer in sim.server.peers.values()]
    assert all(client["rtt_ms"] > 0 and client["status"] == "connected" for client in seen["clients"])
    (room,) = seen["rooms"]
    assert (room["count"], ids(seen)) == (len(world.entities()), world.entities())
    for entity in room["entities"]:
        owner = world.try_component(entity["entity"], Owner)
        assert entity.get("owner", {}).get("client_id") == (None if owner is None else owner.client_id)


@pytest.mark.parametrize("slice_lines", [1, 32])
def test_all_of_a_room_is_of_one_tick(slice_lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is made over several ticks, in which the world goes on; it is of how it stood in one of them."""
    monkeypatch.setattr("ecsnet.systems.inspection.SLICE_LINES", slice_lines)
    sim = start(of=counting)
    (inspector,) = enter(sim, "::1")
    before = sim.server.world.tick
    seen = see(sim, inspector)

    (room,) = seen["rooms"]
    shown = [
        entity["components"]["Counter"]["ticks"] for entity in room["entities"] if "Counter" in entity["components"]
    ]
    assert shown == [room["tick"]] * COUNTERS
    assert sim.server.world.tick - before > 4, "it was to take several ticks"


@pytest.mark.parametrize("inspectors", Inspectors)
@pytest.mark.parametrize("password", ["", "mellon"])
def test_without_the_key_nothing_tells_it_from_another_game(inspectors: Inspectors, password: str) -> None:
    """Another key, and none at all, hear what every wrong game hears, wherever from, and leave nothing behind."""
    sim = start(1, config=ServerConfig(inspectors=inspectors), password=password)
    pins = KEY.public_keys
    stranger = Client(
        Game("another"),
        SERVER_ADDRESS,
        now=sim.now,
        pins=pins,
        entropy=random.Random(1).randbytes,
        player_key=OTHER_KEY,
    )
    sim._inspectors.append(stranger)
    sim._addresses[stranger] = (ELSEWHERE, 1)
    others = [sim.inspect(host, key=OTHER_KEY, pins=pins).client for host in ("127.0.0.1", ELSEWHERE)]
    heard = [decide(sim, client) for client in (stranger, *others)]

    assert heard == [ANOTHER_GAME] * 3
    assert len(sim.server._endpoint.connections) == 1


def test_the_servers_own_key_is_not_the_inspectors() -> None:
    """The key that is shown is made from the private one: the public half, which all players have, opens nothing."""
    (shown,) = inspection.inspector_keys(KEY)

    assert shown.public != KEY.public
    assert shown.public == inspection.inspector_keys(Identity(KEY.private_bytes()))[0].public


@pytest.mark.parametrize(
    ("inspectors", "host", "comes_in"),
    [
        (Inspectors.LOOPBACK, "127.0.0.1", True),
        (Inspectors.LOOPBACK, "127.8.0.1", True),
        (Inspectors.LOOPBACK, "::1", True),
        (Inspectors.LOOPBACK, "::ffff:127.0.0.1", True),
        (Inspectors.LOOPBACK, ELSEWHERE, False),
        (Inspectors.LOOPBACK, "::ffff:192.0.2.7", False),
        (Inspectors.LOOPBACK, "fe80::1%lo", False),
        (Inspectors.ANY, "127.0.0.1", True),
        (Inspectors.ANY, ELSEWHERE, True),
    ],
)
def test_the_key_alone_opens_from_the_same_machine(inspectors: Inspectors, host: str, *, comes_in: bool) -> None:
    """From elsewhere it takes the owner's word as well; who has the key is told so."""
    sim = start(1, config=ServerConfig(inspectors=inspectors))
    inspector = sim.inspect(host)
    ended = decide(sim, inspector.client)

    assert (ended is None) == comes_in
    if ended is not None:
        assert ended[0] is DisconnectReason.REFUSED
        assert ended[1].endswith("unless it is told: ecsnet serve --inspect any")


def test_off_is_off_for_the_key_as_well() -> None:
    """Then there is no such application."""
    sim = start(1, config=ServerConfig(inspectors=Inspectors.OFF))

    assert decide(sim, sim.inspect().client) == ANOTHER_GAME


def test_who_goes_elsewhere_with_the_connection_is_closed() -> None:
    """A connection may move to another address; what it may be is asked again there."""
    sim = start(1)
    (inspector,) = enter(sim, "127.0.0.1")
    sim._addresses[inspector.client] = (ELSEWHERE, 40000)
    sim.run_until(lambda: inspector.client.disconnected is not None, within_seconds=10)

    assert inspector.client.disconnected is not None
    assert inspector.client.disconnected[0] is DisconnectReason.REFUSED


def test_the_former_key_opens_while_it_is_honoured() -> None:
    """As it does for players who have not learned of the new one."""
    sim = Simulation(game, clients=1, identity=Identity(KEY.private_bytes(), FORMER_KEY))

    assert decide(sim, sim.inspect(key=KEY).client) is None
    assert decide(sim, sim.inspect(key=FORMER_KEY).client) is None


def test_no_password_is_asked_of_who_has_the_key() -> None:
    """It says more than any password."""
    sim = start(1, password="mellon")
    (inspector,) = enter(sim, "127.0.0.1")

    assert len(see(sim, inspector)["clients"]) == 1


def test_no_player_notices() -> None:
    """It has no entity, no place and no number among players; what they see and do goes on as before."""
    config = ServerConfig(inspectors=Inspectors.ANY, max_clients_per_network=2)
    small = Game("small", components=[Counter], max_clients=2)
    sim = start(1, of=small, config=config)
    inspectors = enter(sim, "10.0.0.1", "10.0.0.1", "127.0.0.1")  # two from where the player is
    late = sim.join("late")  # the last place is there for it
    seen = see(sim, inspectors[0])

    assert sorted(sim.server.peers) == [1, 2]
    assert late.client_id == 2
    assert len(sim.server.world.observe(Player)) == 2
    assert all(len(client.world.observe(Player)) == 2 for client in sim.clients)
    assert [client["name"] for client in seen["clients"]] == ["player-1", "late"]
    assert [type(event).__name__ for event in sim.server.events()] == ["PlayerJoined", "PlayerJoined"]
    sim.assert_converged()


def test_four_look_at_once_and_the_fifth_waits_until_one_has_left() -> None:
    """Each gets its own answer; they share what a tick spends on it."""
    sim = start(of=counting)
    inspectors = enter(sim, *["127.0.0.1"] * 4)
    for number, inspector in enumerate(inspectors):
        inspector.ask(Wish(most=10 * (number + 1)))
    shown = [len(ids(await_answer(sim, inspector))) for inspector in inspectors]
    fifth = sim.inspect()
    refused = decide(sim, fifth.client)
    leave(sim, inspectors[0])
    sixth = sim.inspect()

    assert shown == [10, 20, 30, 40]
    assert refused is not None
    assert (refused[0], refused[1].startswith("4 look into this server")) == (DisconnectReason.SERVER_FULL, True)
    assert decide(sim, sixth.client) is None


def test_who_was_let_in_at_once_may_still_be_one_too_many() -> None:
    """A place is taken when the connection is up: five who ask together are not five who look."""
    sim = start(1)
    together = [sim.inspect() for _ in range(5)]
    sim.run(3)

    ended = [each.client.disconnected for each in together if each.client.disconnected is not None]
    assert [reason for reason, _ in ended] == [DisconnectReason.SERVER_FULL]


@pytest.mark.parametrize(
    ("channel", "messages"),
    [
        (CALLS, [b""]),
        (CALLS, [b"\x00"]),
        (CALLS, [b"\x01\x01\x00"]),
        (CALLS, [b"\x00\x01\x7f\x00\x00\x00\x00"]),
        (CALLS, [b"\xff" * 1000]),
        (INPUT, [b"\x00\x00\x00\x00\x00"]),
        *[(CALLS, [random.Random(seed).randbytes(40)]) for seed in range(6)],
    ],
)
def test_nonsense_of_an_inspector_ends_its_connection_alone(channel: int, messages: Sequence[bytes]) -> None:
    """Whoever has the key may still have a broken program."""
    sim = start()
    broken, other = enter(sim, "127.0.0.1", "127.0.0.1")
    for message in messages:
        broken.client.conversation.connection.send(channel, message)
    sim.run_until(lambda: broken.client.disconnected is not None, within_seconds=5)
    seen = see(sim, other)

    assert broken.client.disconnected is not None
    assert broken.client.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert len(seen["clients"]) == 2
    assert all(client.is_ready for client in sim.clients)


def test_a_new_question_takes_the_place_of_the_one_before() -> None:
    """Four a second are answered; of one inspector there is one answer in the making, however often it asks."""
    sim = start(of=counting)
    (inspector,) = enter(sim, "127.0.0.1")
    for most in (COUNTERS, 5, COUNTERS, 7):
        inspector.ask(Wish(most=most))
    sim.run(3)
    inspector.take()
    assert len(ids(inspector.answer)) == 7

    sim.run(1)
    for _ in range(5):
        inspector.ask(Wish())
    sim.run(0.5)
    with pytest.raises(EcsnetError, match="look may be called 4 times a second"):
        inspector.take()


def test_long_lines_are_fewer_in_a_slice() -> None:
    """No tick pays for 32 maps because each of them is one line."""
    said: list[int] = []

    def lines(size: int) -> Iterator[Document]:
        for number in range(40):
            said.append(number)
            yield {"entity": {"map": "x" * size}}

    for size, expected in ((10, 32), (10_000, 4), (1_000_000, 1)):
        said.clear()
        showing = Showing(1, lines(size))
        list(showing.advance(32))
        assert len(said) == expected


def test_who_does_not_read_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer waits where it is made, as little as it has grown; when somebody reads again it goes on."""
    monkeypatch.setattr(inspection, "UNREAD_BYTES", 700)
    sim = start(of=counting)
    (inspector,) = enter(sim, "127.0.0.1")
    inspector.ask(Wish())
    sim.run(0.1)
    sim.cut_off(inspector.client)
    sim.run(3)
    (connection,) = [each for each in sim.server._endpoint.connections.values() if each not in sim.server.connections]
    waiting = connection.statistics.reliable_queue_bytes
    sim.reconnect(inspector.client)

    assert 700 <= waiting < 2500  # the limit, and the slice that reached it
    assert len(ids(await_answer(sim, inspector))) == COUNTERS + 2


def test_a_mistake_in_showing_costs_the_game_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inspectors are sent away, and may come again; the game does not even wait."""
    sim = start()
    (inspector,) = enter(sim, "127.0.0.1")
    with monkeypatch.context() as patched:
        patched.setattr(Survey, "lines", lambda *_: iter([{"server": object()}]))
        inspector.ask(Wish())
        sim.run_until(lambda: inspector.client.disconnected is not None, within_seconds=5)
    (again,) = enter(sim, "127.0.0.1")

    assert inspector.client.disconnected is not None
    assert inspector.client.disconnected[1] == "the server failed to show it; its log tells why"
    assert len(see(sim, again)["clients"]) == 2
    assert all(client.is_ready for client in sim.clients)


def test_rooms_are_shown_apart_and_one_by_its_code() -> None:
    """The hall first, then each with its own entities and clients."""
    sim = start(0, config=ServerConfig(rooms=RoomConfig()))
    codes = [sim.server.rooms.open(name) for name in ("first", "second")]
    for number, code in enumerate([*codes, codes[1]]):
        sim.join(f"p{number}", room=code)
    (inspector,) = enter(sim, "127.0.0.1")
    everything, second = see(sim, inspector), see(sim, inspector, Wish(room=codes[1]))
    nowhere = see(sim, inspector, Wish(room="NOWHERE"))

    assert [(room["code"], room["players"]) for room in everything["rooms"]] == [
        (HALL, 0),
        (codes[0], 1),
        (codes[1], 2),
    ]
    assert [client["room"] for client in everything["clients"]] == [codes[0], codes[1], codes[1]]
    assert [room["name"] for room in second["rooms"]] == ["second"]
    assert [client["name"] for client in second["clients"]] == ["p1", "p2"]
    assert nowhere["rooms"] == nowhere["clients"] == []


def test_a_wish_narrows_what_is_shown() -> None:
    """One entity, one component, so many: and how many there are is told all the same."""
    sim = start()
    (inspector,) = enter(sim, "127.0.0.1")
    world = sim.server.world
    player = sim.server.peers[1].entity
    one, owners = see(sim, inspector, Wish(entity=player)), see(sim, inspector, Wish(component="Owner", most=1))
    both, none = see(sim, inspector, Wish(entity=player, component="Player")), see(sim, inspector, Wish(most=0))

    assert ids(one) == [player]
    assert list(owners["rooms"][0]["entities"][0]["components"]) == ["Owner"]
    assert (len(ids(owners)), owners["rooms"][0]["matching"]) == (1, len(world.observe(Owner)))
    assert both["rooms"][0]["entities"][0]["components"]["Player"]["name"] == "player-1"
    assert (ids(none), none["rooms"][0]["matching"]) == ([], none["rooms"][0]["count"])


def test_a_lost_player_is_shown_as_lost() -> None:
    """With how it was lost, and for how long its place is kept."""
    sim = start(config=ServerConfig(resume_grace_seconds=60.0))
    sim.kill(sim.clients[0])
    sim.run(12)
    (inspector,) = enter(sim, "127.0.0.1")
    lost, there = see(sim, inspector)["clients"]

    assert (lost["status"], lost["lost"]) == ("lost", "TIMEOUT")
    assert 50 < lost["kept_for_seconds"] < 60
    assert (there["status"], "lost" in there) == ("connected", False)


def test_a_store_and_the_players_of_an_earlier_run_are_shown(tmp_path: Path) -> None:
    """Also before any of them has come back, when there is no connection to tell of."""
    bazaar = Bazaar(tmp_path)
    sim = bazaar.sim
    anna = bazaar.join("anna")
    sim.run(2)
    sim.kill(anna)
    bazaar.kill_and_resume()
    (inspector,) = enter(sim, "127.0.0.1")
    seen = see(sim, inspector)

    assert seen["store"]["failing"] == ""
    assert [(client["name"], client["status"], client["rtt_ms"]) for client in seen["clients"]] == [
        ("anna", "lost", 0.0)
    ]
    assert seen["clients"][0]["player"].startswith("account/")
    assert 0 < seen["clients"][0]["kept_for_seconds"] < 100


def test_a_game_may_be_called_as_inspection_is() -> None:
    """Its players come in as players, and who has the key still looks."""
    sim = start(2, of=Game(INSPECTION.name))
    (inspector,) = enter(sim, "127.0.0.1")

    assert sorted(sim.server.peers) == [1, 2]
    assert len(see(sim, inspector)["clients"]) == 2


def test_nothing_is_left_when_the_last_has_looked() -> None:
    """Nobody's ticks, and nothing to be woken for."""
    sim = start()
    inspectors = enter(sim, "127.0.0.1", "127.0.0.1")
    see(sim, inspectors[0])
    for inspector in inspectors:
        leave(sim, inspector)

    assert sim.server._inspection.next_deadline() is None
    assert repr(sim.server._inspection) == "Inspection(0 inspectors)"
