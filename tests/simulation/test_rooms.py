"""Several games on one server: listed in the hall, entered by code, each in a World of its own, gone when empty."""

import gc
from dataclasses import replace
from functools import partial
from typing import TypeVar

import pytest

from ecsnet.arrival import Arrival
from ecsnet.client import Client
from ecsnet.components import Player, RoomInfo
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.events import (
    ClientStatus,
    Despawned,
    PlayerJoined,
    PlayerLeft,
    PlayerLost,
    PlayerMoved,
    PlayerReturned,
    Spawned,
    Synced,
)
from ecsnet.protocol import DisconnectReason
from ecsnet.rooms import Rooms
from ecsnet.rpc import RefusalCode, Reply
from ecsnet.system import System
from ecsnet.systems.hall import ANY_ROOM, HALL, create_room
from ecsnet.systems.pipeline import SERVER
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World
from tests.simulation.meadow import Sheep, Walk, Weather, game, shear

T = TypeVar("T")

ROOMS = RoomConfig(max_rooms=4, empty_seconds=5.0)
GRACE_SECONDS = 20.0
CONFIG = ServerConfig(rooms=ROOMS, resume_grace_seconds=GRACE_SECONDS)
SEEDS = range(3)


def start(
    seed: int = 1, link: Link = Link.PERFECT, transport: str = "udp", config: ServerConfig = CONFIG
) -> Simulation:
    return Simulation(game, clients=0, link=link, seed=seed, server_config=config, transport=transport)


def wait(sim: Simulation, reply: Reply[T]) -> None:
    sim.run_until(lambda: reply.done, within_seconds=10)


def make_room(sim: Simulation, client: Client, name: str = "", password: str = "", capacity: int = 0) -> str:
    reply = client.call(create_room, name, password, capacity)
    wait(sim, reply)
    return reply.value


def enter(sim: Simulation, client: Client, code: str, password: str = "") -> Reply[None]:
    reply = client.enter(code, password)
    wait(sim, reply)
    if reply.ok and code != HALL:
        sim.run_until(lambda: client.is_ready, within_seconds=10)
    return reply


def is_connected(client: Client) -> bool:
    return client.status is ClientStatus.CONNECTED


def listed(client: Client) -> dict[str, tuple[str, int, int, bool]]:
    return {
        info.code: (info.name, info.players, info.capacity, info.locked) for _, info in client.world.observe(RoomInfo)
    }


def names(client: Client) -> list[str]:
    return sorted(player.name for _, player in client.world.observe(Player))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("link", [Link.PERFECT, Link.POOR], ids=["perfect", "poor"])
@pytest.mark.parametrize("seed", SEEDS)
def test_friends_meet_in_a_room_and_go_back(seed: int, link: Link, transport: str) -> None:
    """Listed in the hall, made by a call, entered by its code, left for the hall: over any network."""
    sim = start(seed, link, transport)
    ada, bob = sim.join("ada", room=HALL, wait=False), sim.join("bob", room=HALL, wait=False)
    sim.run_until(lambda: names(ada) == names(bob) == ["ada", "bob"], within_seconds=10)
    code = make_room(sim, ada, "Ada's")
    sim.run_until(lambda: code in listed(bob), within_seconds=5)

    assert listed(bob) == {code: ("Ada's", 0, game.max_clients, False)}
    numbers = ada.client_id, bob.client_id
    assert enter(sim, ada, code).ok
    sim.run_until(lambda: listed(bob)[code][1] == 1, within_seconds=5)
    assert enter(sim, bob, code.lower()).ok, "codes are typed by people"
    sim.run_until(lambda: names(ada) == names(bob) == ["ada", "bob"], within_seconds=5)
    assert (ada.client_id, bob.client_id) == numbers
    assert ada.room is not None
    assert (ada.room.code, ada.room.players) == (code, 2)
    assert enter(sim, bob, HALL.upper()).ok, "as in a link"
    assert bob.room is None
    sim.run_until(lambda: names(ada) == ["ada"] and code in listed(bob), within_seconds=5)
    assert sorted(sim.server.peers) == sorted(numbers)


def test_a_room_is_a_world_of_its_own() -> None:
    """What is done in one is seen by nobody in another, and inputs and calls go where their sender is."""
    sim = start()
    ada, bob = sim.join("ada"), sim.join("bob", room=HALL, wait=False)
    sim.run(1)
    code = make_room(sim, bob)
    enter(sim, bob, code)
    here, there = sim.server.rooms.of(ada.client_id), sim.server.rooms.of(bob.client_id)
    assert here is not None
    assert there is not None
    assert here is not there
    for room in (here, there):
        room.world.single(Weather).stormy = False
        for entity, _ in room.world.get_component(Sheep):
            room.world.delete_entity(entity)
    sheep = here.world.create_entity(Sheep(wool=5))
    ada.press(Walk(dx=1))
    sim.run(1)

    assert len(ada.world.get_component(Sheep)) == 1
    assert len(bob.world.get_component(Sheep)) == 0
    assert names(ada) == ["ada"]
    assert names(bob) == ["bob"]
    reply = ada.call(shear, ada.receiver.entity_of(sheep), "mine")
    wait(sim, reply)
    assert reply.ok
    ada.press(Walk())
    sim.run(3)
    sim.assert_converged()


def test_who_names_no_room_is_given_one() -> None:
    """The fullest with a free place, never one with a password; a new one if there is none, as long as there may be."""
    sim = start(config=ServerConfig(rooms=RoomConfig(max_rooms=2, places=2)))
    host = sim.join("host", room=HALL, wait=False)
    sim.run(1)
    locked = make_room(sim, host, password="mellon", capacity=3)
    ada = sim.join("ada")
    assert ada.room is not None
    bob = sim.join("bob")
    full = sim.join("cleo", wait=False)
    sim.run(1)

    assert bob.room is not None
    assert bob.room.code == ada.room.code != locked
    assert full.disconnected == (DisconnectReason.SERVER_FULL, "all rooms are full")
    assert not enter(sim, host, ANY_ROOM).ok
    assert sim.server.rooms.of(host.client_id) is sim.server.room


@pytest.mark.parametrize(
    ("code", "password", "text"),
    [
        ("NOPE", "", "there is no room NOPE here; it may have closed when the last player left"),
        ("LOCKED", "", "a password is needed for room {}"),
        ("LOCKED", "sesame", "wrong password for room {}"),
        ("FULL", "", "all 1 places are taken"),
    ],
)
def test_who_is_not_let_in_stays_where_it_is(code: str, password: str, text: str) -> None:
    """A room that is full, locked or gone costs nobody the place it has; and the player reads why."""
    sim = start()
    ada, bob = sim.join("ada", room=HALL, wait=False), sim.join("bob", room=HALL, wait=False)
    sim.run(1)
    codes = {"LOCKED": make_room(sim, ada, password="mellon")}
    enter(sim, ada, codes["LOCKED"], "mellon")
    codes["FULL"] = make_room(sim, bob, capacity=1)
    enter(sim, bob, codes["FULL"])
    cleo = sim.join("cleo", room=HALL, wait=False)
    sim.run(1)
    reply = enter(sim, cleo, codes.get(code, code), password)

    assert reply.refusal is not None
    assert reply.refusal.text == text.format(codes.get(code))
    assert cleo.status is ClientStatus.CONNECTED
    sim.run(12)  # longer than any timeout
    assert names(cleo) == ["cleo"]
    direct = sim.join("dora", wait=False, room=codes.get(code, code), room_password=password)
    sim.run(1)
    assert direct.disconnected is not None
    assert direct.disconnected[1] == text.format(codes.get(code))


def test_going_elsewhere_is_told_as_what_it_looks_like() -> None:
    """What was in sight goes, what is there comes, and then all of it is there: a game's loop needs nothing special."""
    sim = start()
    ada = sim.join("ada", room=HALL, wait=False)
    sim.run(1)
    code = make_room(sim, ada)
    sim.run(1)
    ada.events()
    seen = list(ada.receiver.confirmed)
    told: list[object] = []
    reply = ada.enter(code)
    while not (reply.done and ada.is_ready):
        sim.step()
        told += ada.events()

    gone = [event for event in told if isinstance(event, Despawned)]
    assert sorted(event.entity for event in gone) == sorted(seen)
    after = told[told.index(gone[-1]) + 1 :]
    assert {event.entity for event in after if isinstance(event, Spawned)} == set(ada.receiver.confirmed)
    assert sum(isinstance(event, Synced) for event in after) == 1


def test_an_empty_room_goes() -> None:
    """Soon after the last place is free; a lost player's place is not free before its time of grace is over."""
    sim = start()
    ada = sim.join("ada")
    sim.run(ROOMS.empty_seconds + 1)
    assert len(sim.server.rooms) == 1
    sim.kill(ada)
    sim.run(10 + GRACE_SECONDS - 2)
    assert len(sim.server.rooms) == 1
    sim.run(ROOMS.empty_seconds + 3)

    assert len(sim.server.rooms) == 0
    host = sim.join("host", room=HALL, wait=False)
    sim.run(1)
    make_room(sim, host)
    sim.run(ROOMS.empty_seconds + 1)
    assert len(sim.server.rooms) == 0


def test_there_are_no_more_rooms_than_the_server_has() -> None:
    """Neither by making many, nor by making one after the other without entering."""
    sim = start()
    hosts = [sim.join(f"host {number}", room=HALL, wait=False) for number in range(5)]
    sim.run(1)
    for host in hosts[:4]:
        make_room(sim, host)
    reply = hosts[4].call(create_room)
    wait(sim, reply)
    assert reply.refusal is not None
    assert reply.refusal.text == "all 4 rooms of this server are open"
    sim.run(2)
    before = set(sim.server.rooms.by_code)
    again = make_room(sim, hosts[0])  # the one before is given up for it
    assert len(sim.server.rooms) == 4
    assert len(before - set(sim.server.rooms.by_code)) == 1
    assert again not in before


def test_nobody_takes_all_rooms_by_coming_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time as a new player, who makes one and leaves; others still find one, and so does who made them, later."""
    sim = start(config=replace(CONFIG, rooms=replace(ROOMS, max_rooms_per_network=2)))
    honest = sim.join("honest", room=HALL)
    monkeypatch.setattr(Arrival, "network", property(lambda arrival: "here" if arrival.name == "ada" else "there"))
    replies = []
    for _ in range(3):
        ada = sim.join("ada", room=HALL)
        replies.append(ada.call(create_room))
        wait(sim, replies[-1])
        ada.close(now=sim.now)

    assert [reply.ok for reply in replies] == [True, True, False]
    assert replies[2].refusal is not None
    assert replies[2].refusal.text == "2 rooms that players of your network made are open, and it may have no more"
    make_room(sim, honest)
    sim.run(ROOMS.empty_seconds)
    make_room(sim, sim.join("ada", room=HALL))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("x", "p" * 65, 0), "a room's password has at most 64 bytes"),
        (("x", "", 17), "a room has 1 to 16 places, not 17"),
        (("x", "", -1), "a room has 1 to 16 places, not -1"),
    ],
)
def test_a_room_that_cannot_be_is_refused(arguments: tuple[str, str, int], text: str) -> None:
    """The text names the limit and the value."""
    sim = start()
    ada = sim.join("ada", room=HALL, wait=False)
    sim.run(1)
    reply = ada.call(create_room, *arguments)
    wait(sim, reply)

    assert reply.refusal is not None
    assert reply.refusal.text == text


def test_a_lost_player_comes_back_into_its_room() -> None:
    """By itself, with what it had; the room waits for it, although nobody else is there."""
    sim = start()
    ada = sim.join("ada")
    code, entity = ada.room.code if ada.room else "", sim.server.peers[ada.client_id].entity
    sim.server.events()
    sim.cut_off(ada)
    sim.run_until(lambda: ada.status is ClientStatus.LOST, within_seconds=15)
    sim.run_until(lambda: not sim.server.peers, within_seconds=5)
    sim.reconnect(ada)
    sim.run_until(lambda: ada.status is ClientStatus.CONNECTED and ada.is_ready, within_seconds=5)

    assert ada.room is not None
    assert ada.room.code == code
    assert sim.server.peers[ada.client_id].entity == entity
    timeout = DisconnectReason.TIMEOUT
    assert sim.server.events() == [
        PlayerLost(ada.client_id, "ada", timeout, timeout.text),
        PlayerReturned(ada.client_id, "ada"),
    ]


class Mine(System):
    """Fails when a Sheep with 777 wool is there."""

    def process(self, world: World) -> None:
        if any(sheep.wool == 777 for _, sheep in world.get_component(Sheep)):
            raise RuntimeError("too much wool")


def test_a_room_whose_game_fails_takes_nobody_else_along(caplog: pytest.LogCaptureFixture) -> None:
    """Its players are told, its bug is in the log, and in other rooms nothing is to be noticed."""
    brittle = replace(game, systems=(*game.systems, Mine))
    sim = Simulation(brittle, clients=0, seed=4, server_config=CONFIG)
    ada, bob = sim.join("ada"), sim.join("bob", room=HALL, wait=False)
    sim.run(1)
    enter(sim, bob, make_room(sim, bob))
    room = sim.server.rooms.of(ada.client_id)
    assert room is not None
    sim.server.events()
    room.world.create_entity(Sheep(wool=777))
    sim.run(2)

    assert ada.disconnected == (DisconnectReason.ROOM_CLOSED, "the room was closed: its game failed")
    assert "too much wool" in caplog.text
    assert bob.status is ClientStatus.CONNECTED
    assert sim.server.events() == [
        PlayerLeft(ada.client_id, "ada", DisconnectReason.ROOM_CLOSED, "the room was closed: its game failed")
    ]
    assert len(sim.server.rooms) == 1
    back = sim.join("ada")
    assert back.room is not None


def test_the_host_learns_who_goes_where() -> None:
    """Joined, moved, left: each once, with the room's code."""
    sim = start()
    ada = sim.join("ada", room=HALL, wait=False)
    sim.run(1)
    code = make_room(sim, ada)
    enter(sim, ada, code)
    enter(sim, ada, HALL)
    ada.close(now=sim.now)
    sim.run(1)

    assert sim.server.events() == [
        PlayerJoined(ada.client_id, "ada"),
        PlayerMoved(ada.client_id, "ada", code),
        PlayerMoved(ada.client_id, "ada", HALL),
        PlayerLeft(ada.client_id, "ada", DisconnectReason.LEFT, "the player left"),
    ]


def test_a_server_without_rooms_says_so() -> None:
    """To who asks for the hall as to who asks for a code."""
    sim = Simulation(game, clients=1, seed=3)
    asked = [sim.join(room=HALL, wait=False), sim.join(room="ABCDE", wait=False)]
    sim.run(1)

    for client in asked:
        assert client.disconnected == (DisconnectReason.REFUSED, "this server has no rooms: join it without one")
    reply = sim.clients[0].enter(HALL)
    wait(sim, reply)
    assert not reply.ok
    assert sim.clients[0].status is ClientStatus.CONNECTED


def test_entering_where_the_connection_has_just_ended_is_refused() -> None:
    """As calling is: the player clicked in time, and the game's loop must not end by it."""
    sim = start()
    ada = sim.join("ada")
    sim.cut_off(ada)
    sim.run_until(lambda: ada.status is ClientStatus.LOST, within_seconds=15)
    lost = ada.enter(HALL)
    ada.close(now=sim.now)
    sim.run(1)
    ended = ada.enter(HALL)

    for reply in (lost, ended):
        assert reply.refusal is not None
        assert reply.refusal.code is RefusalCode.DISCONNECTED


def test_entering_is_for_who_is_connected_and_one_at_a_time() -> None:
    """The caller's mistakes raise where they are made."""
    sim = start()
    ada = sim.join("ada", wait=False)
    with pytest.raises(LocalProtocolError, match="cannot enter a room while CONNECTING"):
        ada.enter(HALL)
    sim.run_until(lambda: ada.is_ready, within_seconds=5)
    ada.enter(HALL)
    with pytest.raises(LocalProtocolError, match="on the way to another room already"):
        ada.enter(HALL)
    with pytest.raises(LocalProtocolError, match="at most 16 bytes, not 17"):
        ada.enter("A" * 17)
    with pytest.raises(LocalProtocolError, match="at most 64 bytes, not 65"):
        ada.enter("A", "p" * 65)


def test_closing_on_the_way_to_another_room_ends_both() -> None:
    """Nothing of the client is left on the server."""
    sim = start()
    ada = sim.join("ada")
    reply = ada.enter(HALL)
    sim.step()
    ada.close(now=sim.now)
    sim.run(3)

    assert reply.done
    assert not reply.ok
    assert not sim.server.peers
    assert all(not room.places for room in sim.server.rooms)


def test_a_client_cut_off_on_its_way_is_in_one_room_or_the_other() -> None:
    """Whenever the connection breaks while a client changes rooms, it comes back into one, with one entity."""
    for steps in range(1, 12):
        sim = start(seed=steps, link=Link.POOR)
        ada, bob = sim.join("ada"), sim.join("bob")
        reply = ada.enter(HALL)
        for _ in range(steps * 3):
            sim.step()
        sim.cut_off(ada)
        sim.run(14)
        sim.reconnect(ada)
        sim.run_until(partial(is_connected, ada), within_seconds=10)
        sim.run(3)

        room = sim.server.rooms.of(ada.client_id)
        assert room is not None
        assert (room is sim.server.room) == (ada.room is None)
        assert sum(ada.client_id in each.places for each in sim.server.rooms) == 1
        mine = [p for each in sim.server.rooms for _, p in each.world.get_component(Player) if p.name == "ada"]
        assert len(mine) == 1
        assert reply.done
        assert bob.status is ClientStatus.CONNECTED


def test_the_host_opens_and_closes_rooms() -> None:
    """Where clients may not; they stay when empty, and who is in one that closes reads why, and all others play on."""
    sim = start(config=ServerConfig(rooms=RoomConfig(clients_create=False), resume_grace_seconds=20.0))
    code, other = sim.server.rooms.open("arena"), sim.server.rooms.open("garden")
    sim.run(60)
    ada, bob = sim.join("ada", room=code), sim.join("bob", room=other)
    lost = sim.join("cleo", room=code)
    hall = sim.join("dora", room=HALL, wait=False)
    sim.kill(lost)
    sim.run_until(lambda: lost.client_id not in sim.server.peers, within_seconds=15)
    assert {name for name, *_ in listed(hall).values()} == {"arena", "garden"}
    reply = hall.call(create_room)
    wait(sim, reply)
    assert reply.refusal is not None
    assert reply.refusal.text == "players make no rooms on this server"
    sim.server.events()
    sim.server.close_room(code, "the arena burns")
    sim.run(1)

    assert ada.disconnected == (DisconnectReason.ROOM_CLOSED, "the arena burns")
    assert bob.status is ClientStatus.CONNECTED
    assert list(listed(hall)) == [other]
    assert {type(event) for event in sim.server.events()} == {PlayerLeft}
    with pytest.raises(KeyError):
        sim.server.close_room(code)


def test_a_name_that_is_a_word_is_no_code() -> None:
    """However few letters codes have, none of them stands for the hall or for any room."""
    draws = [b"HALL", b"ANYX", b"ROOM"]
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    drawn = iter([bytes(letters.index(chr(c)) if chr(c) in letters else 0 for c in draw) for draw in draws])
    config = ServerConfig(rooms=RoomConfig(code_letters=4))
    rooms = Rooms(game, config, pipeline=SERVER, seed=1, start_tick=0, entropy=lambda _: next(drawn))

    assert rooms.open() == "ANYX"


def test_nobody_stays_behind_where_lost_places_are_not_kept() -> None:
    """To go to another room is to go on, also without a time of grace: it is not needed for that."""
    sim = start(config=ServerConfig(rooms=RoomConfig()))
    client, there = sim.join(), sim.server.rooms.open()
    before = client.client_id
    reply = client.enter(there)
    sim.run_until(lambda: reply.done, within_seconds=2)

    assert client.client_id == before
    assert list(sim.server.peers) == [before]
    assert [room.places for room in sim.server.rooms if room.places] == [{before: None}]
    sim.cut_off(client)
    sim.run(15)
    assert not sim.server.peers
    assert not any(room.places for room in sim.server.rooms)


def test_what_waits_for_an_answer_when_a_client_moves_is_refused() -> None:
    """The room it asked is not there any more for it: nobody polls for ever."""
    sim = start(link=Link(latency_seconds=0.1))
    client = sim.join(room=HALL)
    code = make_room(sim, client)
    reply = client.enter(code)
    asked: list[Reply[str]] = []
    while not reply.done:
        asked.append(client.call(create_room))  # one a second is granted; whether is not the question
        sim.step()

    assert reply.ok
    assert all(each.done for each in asked)
    assert asked[-1].refusal is not None
    assert asked[-1].refusal.code is RefusalCode.DISCONNECTED


def test_rooms_that_are_gone_take_no_memory() -> None:
    """Opened, entered, left and closed a hundred times: as many objects are alive as before, but for a few events."""
    sim = start(config=ServerConfig(rooms=RoomConfig(max_rooms=4, empty_seconds=0.1)))
    host = sim.join("host", room=HALL)

    def come_and_go(times: int) -> int:
        for _ in range(times):
            enter(sim, host, sim.server.rooms.open(stays=False))
            enter(sim, host, HALL)
            sim.run(0.5)
            host.events()
            sim.server.events()
        gc.collect()
        return len(gc.get_objects())

    before = come_and_go(10)
    after = come_and_go(20)

    assert len(sim.server.rooms) == 0
    assert after - before < 20 * 10, "a room alone is more than a thousand"


def test_the_list_tells_how_a_game_stands() -> None:
    """By the game's summary, until it has something better to say itself."""
    told = replace(game, summary=lambda world: {"players": len(world.get_component(Player)), "mood": "calm" * 40})
    sim = Simulation(told, clients=0, seed=1, server_config=CONFIG)
    host = sim.join("host", room=HALL)
    code = sim.server.rooms.open()
    room = sim.server.rooms.by_code[code]
    sim.run(1)
    (shown,) = [info.status for _, info in host.world.observe(RoomInfo)]
    assert shown.startswith("players 0, mood calm")
    assert len(shown.encode()) == 96
    assert room.info is not None
    room.info.status = "2 : 1"
    sim.run(1)

    assert [info.status for _, info in host.world.observe(RoomInfo)] == ["2 : 1"]


def test_a_room_that_tells_nonsense_of_itself_takes_nobody_else_along(caplog: pytest.LogCaptureFixture) -> None:
    """The hall lists it without; else a game that has no score before its first tick would stop the whole server."""

    def of_no_match(world: World) -> dict[str, object]:
        raise LookupError(f"no match in tick {world.tick}")

    sim = Simulation(replace(game, summary=of_no_match), clients=0, seed=1, server_config=CONFIG)
    host, ada = sim.join("host", room=HALL), sim.join("ada")
    sim.run(1)
    assert ada.room is not None
    assert [info.status for _, info in host.world.observe(RoomInfo)] == [""]
    assert len([record for record in caplog.records if record.name == "ecsnet.rooms"]) == 1, "once is enough"
    for _ in range(3):  # one of the next three steps is a tick of the hall
        code = sim.server.rooms.open("too wordy")
        room = sim.server.rooms.by_code[code]
        assert room.info is not None
        room.info.status = "\u00e9" * 100
        sim.step()

    assert is_connected(host)
    assert is_connected(ada)


def test_a_summary_is_not_asked_of_a_room_that_has_not_begun() -> None:
    """What the game's first tick makes is not there yet, and that is no failure."""
    told = replace(game, summary=lambda world: {"stormy": world.single(Weather).stormy})
    sim = Simulation(told, clients=0, seed=1, server_config=CONFIG)
    host = sim.join("host", room=HALL)
    code = make_room(sim, host)
    sim.run(1)

    assert [info.status for _, info in host.world.observe(RoomInfo)] == ["stormy True"]
    assert sim.server.rooms.by_code[code].tells_summary


def test_in_another_room_nobody_takes_somebody_else_for_itself() -> None:
    """Entities have other numbers there; the one it had in the room before may be somebody else's."""
    sim = start()
    players = [sim.join(f"player {number}", wait=False, room=HALL) for number in range(4)]
    sim.run_until(lambda: all(client.is_ready for client in players), within_seconds=5)
    code = make_room(sim, players[0])
    for client in reversed(players):
        assert client.entity
        reply = client.enter(code)
        while not reply.done or client.entity is None:
            sim.step()
            mine = client.entity
            assert mine is None or client.world.component_for_entity(mine, Player).client_id == client.client_id


def test_leaving_after_the_old_room_has_ended_is_heard_at_once() -> None:
    """The connection to the new one is up and not yet the current one: it says goodbye, and nobody is missed."""
    for steps in range(1, 12):
        sim = start(seed=steps, link=Link(latency_seconds=0.06))
        ada = sim.join("ada")
        reply = ada.enter(HALL)
        for _ in range(steps * 2):
            sim.step()
        ada.close(now=sim.now)
        sim.run(0.5)

        assert ada.status is ClientStatus.DISCONNECTED
        assert ada.disconnected is not None
        assert ada.disconnected[0] is DisconnectReason.LEFT
        assert reply.done
        assert not any(room.places for room in sim.server.rooms), f"after {steps * 2} steps"
        sim.run(1)
        assert ada.is_over


def test_nobody_escapes_a_kick_by_going_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is on the way to another room is sent away as well, whatever moment the kick falls on.

    Such as between hearing of the new connection and the pass: when a call that is answered on arrival kicks.
    """
    for steps in range(10, 22):
        sim = start(seed=steps, link=Link(latency_seconds=0.04, jitter_seconds=0.02))
        ada = sim.join("ada")
        ada.enter(HALL)
        for _ in range(steps % 12 + 8):
            sim.step()

        def kick_first(now: float, sim: Simulation = sim, ada: Client = ada) -> None:
            monkeypatch.undo()
            sim.server.kick(ada.client_id, "too loud", now=now)
            sim.server.update(now)

        monkeypatch.setattr(sim.server, "update", kick_first)
        sim.run(2)

        assert ada.status is ClientStatus.DISCONNECTED, f"after {steps} steps"
        assert not sim.server.peers, f"after {steps} steps"
