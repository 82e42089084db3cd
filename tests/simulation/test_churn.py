"""A minute in which everybody comes, goes, moves, breaks off, is kicked and banned at random: the tables always agree.

Who has a session has one place, in one room, with one player entity; who is connected has one conversation; what the
host is told is a story that can be true; nobody is told to hurry for ever. Checked after every step.
"""

import contextlib
import random

import pytest

from ecsnet.accounts import Accounts, Registration
from ecsnet.client import Client
from ecsnet.components import Player
from ecsnet.config import AccountConfig, ClientConfig, RoomConfig, ServerConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.events import ClientStatus, PlayerEvent, PlayerJoined, PlayerLeft, PlayerLost, PlayerMoved, PlayerReturned
from ecsnet.systems.hall import ANY_ROOM, HALL, create_room
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.identity import Identity
from ecsnet.worker import Inline
from tests.simulation.meadow import game
from tests.test_accounts import Book

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1, network_attempts_at_once=10_000)
KEYS = [Identity(bytes([number + 1]) * 32) for number in range(3)]
LINKS = [Link.PERFECT, Link.POOR, Link(latency_seconds=0.05, jitter_seconds=0.03, loss=0.2)]
SECONDS = 60
MOST_CLIENTS = 10
LATE_SECONDS = 0.2  # a deadline may have passed by a few steps, not for ever
AFTERWARDS: dict[type, dict[str | None, str]] = {  # what may be told of a player, by what was told before
    PlayerJoined: {None: "in"},
    PlayerLost: {"in": "lost"},
    PlayerReturned: {"lost": "in"},
    PlayerMoved: {"in": "in"},
    PlayerLeft: {"in": "gone", "lost": "gone"},
}


class Crowd:
    """Random people on a server with rooms."""

    def __init__(self, seed: int, transport: str, *, with_accounts: bool) -> None:
        self.random = chance = random.Random(seed)
        accounts = Accounts(Book(), worker=Inline(), registration=Registration.OPEN, config=CHEAP)
        rooms = RoomConfig(max_rooms=4, empty_seconds=2, places=3)
        self.sim = Simulation(
            game, clients=0, seed=seed, link=chance.choice(LINKS), transport=transport,
            server_config=ServerConfig(rooms=rooms, resume_grace_seconds=chance.choice([0.0, 3.0, 20.0])),
            client_config=ClientConfig(retry_seconds=8), accounts=accounts if with_accounts else None,
        )  # fmt: skip
        self.with_accounts = with_accounts
        self.tickets: list[bytes] = []
        self.told: dict[int, str | None] = {}

    def act(self) -> None:
        """Let something happen; what the moment does not allow is the caller's mistake, and no fault."""
        clients = self.sim.clients
        actions = [self.join] * 25 + [self.enter] * 35 + [self.cut_off] * 6 + [self.reconnect] * 10
        actions += [self.kill] * 6 + [self.leave] * 4 + [self.kick] * 3 + [self.ban] * 2 + [self.close_room] * 3
        actions += [self.make_room] * 6
        action = self.random.choice(actions) if clients else self.join
        with contextlib.suppress(LocalProtocolError):
            action()
        clients[:] = [client for client in clients if client.disconnected is None or self.random.random() < 0.9]

    def any(self) -> Client:
        return self.random.choice(self.sim.clients)

    def join(self) -> None:
        if len(self.sim.clients) >= MOST_CLIENTS:
            return
        number, room = self.random.randrange(5), self.random.choice(["", HALL, ANY_ROOM])
        ticket = self.random.choice(self.tickets) if self.tickets and self.random.random() < 0.3 else b""
        self.sim.join(
            f"p{number}", wait=False, room=room, ticket=ticket,
            account=f"anna-{number}" if self.with_accounts else "",
            account_password=f"password of {number}" if self.with_accounts else "",
            player_key=KEYS[number] if number < len(KEYS) and not self.with_accounts else None,
        )  # fmt: skip

    def enter(self) -> None:
        self.any().enter(self.random.choice([HALL, ANY_ROOM, *self.sim.server.rooms.by_code]))

    def cut_off(self) -> None:
        self.sim.cut_off(self.any())

    def reconnect(self) -> None:
        self.sim.reconnect(self.any())

    def kill(self) -> None:
        """End a program; somebody may use its ticket."""
        client = self.any()
        self.tickets = [*self.tickets, client.ticket][-5:]
        self.sim.kill(client)

    def leave(self) -> None:
        self.any().close(now=self.sim.now)

    def kick(self) -> None:
        if self.sim.server.peers:
            self.sim.server.kick(self.random.choice(list(self.sim.server.peers)), now=self.sim.now)

    def ban(self) -> None:
        server = self.sim.server
        if server.peers:
            ban = server.ban(self.random.choice(list(server.peers)), now=self.sim.now)
            if self.random.random() < 0.8:
                server.bans.remove(ban)

    def close_room(self) -> None:
        codes = list(self.sim.server.rooms.by_code)
        if codes:
            self.sim.server.close_room(self.random.choice(codes), "over")

    def make_room(self) -> None:
        client = self.any()
        if client.room is None:
            client.call(create_room, "a room", "", 2)

    # What must hold.

    def check(self) -> None:
        self.check_server()
        for event in self.sim.server.events():
            self.note(event)
        now = self.sim.now
        for client in self.sim.clients:
            client.events()
            if client.entity is not None:
                assert client.world.component_for_entity(client.entity, Player).client_id == client.client_id
            deadline = client.next_deadline()
            assert deadline is None or deadline > now - LATE_SECONDS, client
        deadline = self.sim.server.next_deadline()
        assert deadline is not None
        assert deadline > now - LATE_SECONDS

    def check_server(self) -> None:
        server = self.sim.server
        sessions = server._sessions._sessions
        for client_id, session in sessions.items():
            assert (session.keep_until is None) == (client_id in server.peers)
        for client_id, peer in server.peers.items():
            assert sessions[client_id].peer is peer
            assert server._attendance.by_connection[peer.connection] is peer
        assert len(server._attendance.by_connection) == len(server.peers)
        assert sorted(number for room in server.rooms for number in room.places) == sorted(sessions)
        for room in server.rooms:
            assert {player.client_id for _, player in room.world.get_component(Player)} == set(room.places)
            assert set(room.peers) == set(room.places) & set(server.peers)
            assert set(room.session.input_buffers) == set(room.peers)
            assert room.info is None or room.info.players == len(room.places)
        known = [session.identity for session in sessions.values() if session.identity]
        assert len(known) == len(set(known))

    def note(self, event: PlayerEvent) -> None:
        before = self.told.get(event.client_id)
        assert before in AFTERWARDS[type(event)], (event, before)
        self.told[event.client_id] = AFTERWARDS[type(event)][before]


@pytest.mark.slow
@pytest.mark.parametrize("with_accounts", [False, True], ids=["names", "accounts"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("seed", range(2))
def test_whatever_people_do_the_tables_agree(seed: int, transport: str, with_accounts: bool) -> None:  # noqa: FBT001
    """And when all is quiet, who is there is there on both sides, and nothing is left of all others."""
    crowd = Crowd(seed, transport, with_accounts=with_accounts)
    sim = crowd.sim
    for _ in range(round(SECONDS * game.tick_rate_hz)):
        if crowd.random.random() < 0.1:
            crowd.act()
        sim.step()
        crowd.check()
    for client in sim.clients:
        sim.reconnect(client)
    sim.run(45)

    crowd.check()
    there = {client.client_id for client in sim.clients if client.status is ClientStatus.CONNECTED}
    assert there == set(sim.server.peers)
    assert all(client.disconnected is not None or client.is_ready for client in sim.clients)
    assert len(sim.server._endpoint.connections) == len(sim.server.peers)
    assert len(crowd.told) > 5
