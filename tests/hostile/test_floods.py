"""Datagrams by the million from addresses that do not exist: nothing is amplified, kept, or taken from the players."""

import random
import tracemalloc

import pytest

from ecsnet import protocol
from ecsnet.client import Client
from ecsnet.config import HandshakeConfig, ServerConfig, TransportConfig
from ecsnet.game import Game
from ecsnet.protocol import DisconnectReason
from ecsnet.server import Server
from ecsnet.testing.simulation import SERVER_ADDRESS
from ecsnet.transport import hello
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from tests.transport.pair import APPLICATION, SERVER, Pair


def init(attempt: bytes, size: int = 1200) -> bytes:
    return hello.pack_init(protocol.MAGIC, protocol.PROTOCOL_VERSION, attempt, APPLICATION, size)


def stranger(chance: random.Random) -> Address:
    """An address out of nowhere."""
    return f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}", (
        chance.randrange(1024, 65536)
    )


def test_reflection_returns_less_than_a_tenth_through_the_whole_endpoint() -> None:
    """10,000 INITs of every size and of made-up sources: under 1200 B no answer at all."""
    pair = Pair()
    chance = random.Random(1)
    sent = answered = 0
    for number in range(10_000):
        data = init(chance.randbytes(8), 1472)[: number % 1473]
        pair.endpoint.receive_datagram(data, stranger(chance), pair.now)
        answers = pair.endpoint.datagrams_to_send(pair.now)
        assert len(answers) == (len(data) >= 1200)
        sent += len(data)
        answered += sum(len(answer) for answer, _ in answers)

    assert 0 < answered < sent / 10


def test_reflection_of_anything_but_init_returns_nothing() -> None:
    """HELLOs without a cookie, packets of connections that are not there, replies, noise."""
    pair = Pair()
    chance = random.Random(2)
    for first in range(256):
        if first == hello.DatagramType.INIT:
            continue
        for size in (1, 7, 24, 69, 1200, 1472):
            data = bytes((first,)) + chance.randbytes(size - 1)
            pair.endpoint.receive_datagram(data, stranger(chance), pair.now)

    answers = pair.endpoint.datagrams_to_send(pair.now)
    assert sum(len(answer) for answer, _ in answers) < 256 * sum((1, 7, 24, 69, 1200, 1472)) / 10


class Flooded(Pair):
    """A server that gets `per_tick` INITs of strangers in every tick, and one real client between them."""

    per_tick = 0
    chance = random.Random(3)

    def step(self) -> None:
        attempts = self.chance.randbytes(8 * self.per_tick)
        template = init(bytes(8))
        addresses = self.chance.randbytes(4 * self.per_tick)
        for at in range(self.per_tick):
            data = template[:7] + attempts[8 * at : 8 * at + 8] + template[15:]
            a, b, c, d = addresses[4 * at : 4 * at + 4]
            self.endpoint.receive_datagram(data, (f"{a}.{b}.{c}.{d}", 1024 + at), self.now)
        for answer, address in self.endpoint.datagrams_to_send(self.now):
            if address == self.client_address:
                self.network.send(answer, SERVER, address, self.now)
        super().step()

    client_address: Address = ("client", 2)


@pytest.mark.parametrize(("datagrams", "ticks"), [(4_000, 30), pytest.param(1_000_000, 600, marks=pytest.mark.slow)])
def test_a_spoofed_flood_is_forgotten_at_once_and_a_client_joins_within_a_second(datagrams: int, ticks: int) -> None:
    """INITs from random addresses: memory stays flat, no handshake is begun, the real client is in after a second."""
    pair = Flooded()
    pair.per_tick = datagrams // ticks
    for _ in range(3):
        pair.step()
    flood_began = pair.now
    pair.reconnect()
    pair.run_until(lambda: pair.client.is_connected, within=1.0)
    joined = pair.now
    pair.recorded.clear()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(min(20, ticks)):
        pair.step()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for _ in range(ticks - min(20, ticks)):
        pair.step()
        pair.recorded.clear()

    assert joined - flood_began <= 1.0
    assert after - before < 200_000
    assert pair.endpoint._handshakes.pending == 0
    assert len(pair.endpoint._requests) == 0
    assert len(pair.endpoint.connections) <= 2  # the real client, and its first try
    assert pair.client.is_connected


def knock(server: Server, client: Client | Connection, address: Address, now: float, *, confirm: bool) -> None:
    """Take a client through its handshake from an address, up to its last word."""
    for _ in range(3):
        for data, _ in client.datagrams_to_send(now):
            if data[0] & hello.HANDSHAKE_BIT or confirm:
                server.receive_datagram(data, address, now)
        server.update(now)
        for data, destination in server.datagrams_to_send(now):
            if destination == address:
                client.receive_datagram(data, SERVER_ADDRESS, now)
        client.update(now)


def test_slot_exhaustion_by_one_address_leaves_room_for_all_others() -> None:
    """Twelve clients that never say their last word, of one address: four wait, and another player comes in."""
    entropy = random.Random(4).randbytes
    game = Game("crowd", max_clients=8)
    server = Server(game, entropy=entropy)
    now = 50.0
    for port in range(12):
        rude = Client(game, SERVER_ADDRESS, now=now, entropy=entropy)
        knock(server, rude, ("192.0.2.66", 2000 + port), now, confirm=False)
    polite = Client(game, SERVER_ADDRESS, now=now, entropy=entropy)
    knock(server, polite, ("198.51.100.1", 5), now, confirm=True)

    assert server._endpoint._handshakes.pending <= HandshakeConfig().max_pending_per_network
    assert len(server._endpoint.connections) <= HandshakeConfig().max_pending_per_network + 1
    assert len(server.peers) == 1  # a place is taken by who confirms, not by who asks


@pytest.mark.slow
def test_slot_exhaustion_by_players_of_one_address_leaves_places_for_others() -> None:
    """Sixty-four players of one address are in; their 65th is refused and another's first is not."""
    entropy = random.Random(6).randbytes
    limit = ServerConfig().max_clients_per_network
    game = Game("crowd", max_clients=limit + 4)
    server = Server(game, entropy=entropy)
    now = 50.0
    greedy = [Client(game, SERVER_ADDRESS, now=now, entropy=entropy) for _ in range(limit + 1)]
    for port, client in enumerate(greedy):
        now += 0.01 + 0.3 * (port == limit)  # a network may knock 64 times at once, and then every 0.25 s
        knock(server, client, ("192.0.2.66", 2000 + port), now, confirm=True)
    polite = Client(game, SERVER_ADDRESS, now=now, entropy=entropy)
    knock(server, polite, ("198.51.100.1", 5), now, confirm=True)

    assert greedy[-1].disconnected is not None
    assert greedy[-1].disconnected[0] is DisconnectReason.SERVER_FULL
    assert "64 players of your network" in greedy[-1].disconnected[1]
    assert len(server.peers) == limit + 1
    assert polite.disconnected is None
    greedy[0].close(now=now)
    knock(server, greedy[0], ("192.0.2.66", 2000), now, confirm=True)
    now += 0.3
    again = Client(game, SERVER_ADDRESS, now=now, entropy=entropy)
    knock(server, again, ("192.0.2.66", 3000), now, confirm=True)
    assert len(server.peers) == limit + 1  # one went, one came


@pytest.mark.slow
def test_slot_exhaustion_by_many_addresses_ends_after_five_seconds() -> None:
    """A swarm with real addresses fills the waiting room; whoever never confirms is gone when its time is up."""
    entropy = random.Random(5).randbytes
    game = Game("crowd", max_clients=8)
    server = Server(game, entropy=entropy)
    now = 50.0
    for number in range(66):
        rude = Client(game, SERVER_ADDRESS, now=now, entropy=entropy)
        knock(server, rude, (f"192.0.2.{number}", 2000), now, confirm=False)
    held = len(server._endpoint.connections), server._endpoint._handshakes.pending
    now += TransportConfig().handshake.timeout_seconds
    server.update(now)
    server.datagrams_to_send(now)
    polite = Client(game, SERVER_ADDRESS, now=now, entropy=entropy)
    knock(server, polite, ("198.51.100.1", 5), now, confirm=True)

    assert held == (64, 64)
    assert len(server._endpoint.connections) == len(server.peers) == 1


def test_slot_exhaustion_by_recorded_hellos_takes_no_second_place() -> None:
    """A HELLO and a first packet said again a hundred times from their own address: still one player."""
    pair = Pair()
    pair.connect()
    recorded = [data for data, destination in pair.recorded if destination == SERVER]
    for _ in range(100):
        for data in recorded:
            pair.endpoint.receive_datagram(data, ("client", 2), pair.now)
    pair.run(1)

    assert len(pair.endpoint.connections) == 1
