"""Outsiders who see, record and send datagrams but have no key: they end no session, take none, and reuse nothing."""

import random
from collections.abc import Callable

import pytest

from ecsnet.game import Game
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.transport import hello, noise, packet
from ecsnet.transport.crypto import PacketKeys
from ecsnet.transport.noise import CIPHERS, Cipher
from ecsnet.transport.state import State
from ecsnet.transport.traffic import CLIENT_HEADER, FLAGS, SERVER_HEADER
from tests.transport.pair import CLIENT, ORDERED, SERVER, UNRELIABLE, Pair

CLOSE = packet.pack_close(DisconnectReason.KICKED, "go away")


def deliver(pair: Pair, data: bytes, *, to_server: bool) -> None:
    if to_server:
        pair.endpoint.receive_datagram(data, CLIENT, pair.now)
    else:
        pair.client.receive_datagram(data, SERVER, pair.now)


@pytest.mark.parametrize("to_server", [True, False])
def test_a_forged_close_kicks_nobody(*, to_server: bool) -> None:
    """Under other keys, under every packet number near the true one, from the true address: the session goes on."""
    pair = Pair()
    client, server = pair.connect()
    keys = PacketKeys("AESGCM", b"k" * 32)
    for number in range(300):
        head = CLIENT_HEADER.pack(FLAGS, client.connection_id, number) if to_server else SERVER_HEADER.pack(0, number)
        deliver(pair, head + keys.seal(number, head, CLOSE), to_server=to_server)
        deliver(pair, head + CLOSE, to_server=to_server)
        deliver(pair, head + CLOSE + bytes(16), to_server=to_server)
    pair.run(1)

    assert client.state is server.state is State.CONNECTED
    assert pair.ended() == []


@pytest.mark.parametrize("to_server", [True, False])
def test_a_forged_close_of_an_earlier_session_kicks_nobody(*, to_server: bool) -> None:
    """Recorded when the same client left, said again when it is back, also under the new connection's id."""
    pair = Pair()
    client, _ = pair.connect()
    client.close(DisconnectReason.LEFT, now=pair.now)
    pair.run(1)
    recorded = [data for data, destination in pair.recorded if (destination == SERVER) == to_server]
    pair.reconnect()
    client, server = pair.connect()
    for data in recorded:
        deliver(pair, data, to_server=to_server)
        if to_server and not data[0] & hello.HANDSHAKE_BIT:
            deliver(pair, CLIENT_HEADER.pack(FLAGS, client.connection_id, 5) + data[7:], to_server=True)
    pair.run(1)

    assert client.state is server.state is State.CONNECTED


def test_a_close_sent_back_to_its_sender_kicks_nobody() -> None:
    """Each direction has a key of its own: what one side said proves nothing to it."""
    pair = Pair()
    client, server = pair.connect()
    server.close(DisconnectReason.KICKED, now=pair.now)
    [(data, _)] = server.datagrams_to_send(pair.now)
    reflected = CLIENT_HEADER.pack(FLAGS, client.connection_id, int.from_bytes(data[1:3], "big")) + data[3:]
    pair.endpoint.receive_datagram(reflected, CLIENT, pair.now)

    assert server.state is State.CLOSING  # not CLOSED: nobody has answered


def test_a_refusal_recorded_elsewhere_ends_no_attempt() -> None:
    """A REPLY that says no is sealed for one attempt; another client's attempt goes on."""
    refused = Pair(accept=lambda endpoint, request: endpoint.refuse(request.request_id, DisconnectReason.BANNED))
    refused.run(0.2)
    replies = [data for data, _ in refused.recorded if data[0] == hello.DatagramType.REPLY]
    pair = Pair(seed=2)
    for _ in range(4):
        for reply in replies:
            pair.client.receive_datagram(reply, SERVER, pair.now)
        pair.step()
    pair.connect()

    assert replies
    assert pair.ended() == []


# Address theft.


@pytest.mark.parametrize("thief", [("client", 3), ("thief", 2), ("thief", 6)])
def test_address_theft_by_replay_moves_nothing(thief: tuple[str, int]) -> None:
    """All that the client ever sent, sent again by somebody else: the server goes on speaking to the client."""
    pair = Pair()
    client, server = pair.connect()
    for number in range(20):
        client.send(ORDERED, b"%d" % number)
        server.send(ORDERED, b"%d" % number)
        pair.step()
    pair.run(0.5)
    for data, destination in pair.recorded[:-20]:  # all that has arrived
        if destination == SERVER:
            pair.endpoint.receive_datagram(data, thief, pair.now)
    pair.recorded.clear()
    pair.run(1)

    assert server.address == CLIENT
    assert not [data for data, destination in pair.recorded if destination == thief and not data[0] & 0x80]
    assert client.state is server.state is State.CONNECTED


def test_address_theft_of_a_stolen_packet_gives_the_thief_less_than_three_times_its_bytes() -> None:
    """Who takes packets off the wire and sends them from elsewhere gets no game out of it: at most a challenge."""
    pair = Pair()
    client, server = pair.connect()
    spent = 0
    for number in range(120):
        server.send(ORDERED, bytes(1000))
        if number % 6 == 0:
            client.send(UNRELIABLE, b"stolen")
            for data, _ in client.datagrams_to_send(pair.now):
                spent += len(data)
                pair.endpoint.receive_datagram(data, ("thief", 6), pair.now)
        pair.step()

    gained = sum(len(data) for data, destination in pair.recorded if destination == ("thief", 6))
    assert spent
    assert gained <= 3 * spent


# (key, nonce) pairs.


@pytest.fixture
def seals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """Every (key, nonce) that anything is sealed under from here on, whatever cipher, handshake included."""
    log: list[tuple[bytes, bytes]] = []

    def hooked(cipher: Cipher) -> Cipher:
        class Hooked:
            def __init__(self, key: bytes) -> None:
                self._key = bytes(key)
                self._aead = cipher.aead(key)

            def encrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
                log.append((self._key, bytes(nonce)))
                return self._aead.encrypt(nonce, data, associated)

            def decrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
                return self._aead.decrypt(nonce, data, associated)

        return Cipher(Hooked, cipher.pack_nonce)  # type: ignore[arg-type]  # stands for the real one

    for name in list(CIPHERS):
        monkeypatch.setitem(noise.CIPHERS, name, hooked(CIPHERS[name]))
    return log


def test_no_key_and_nonce_pair_is_used_twice_over_reconnects_and_closes(seals: list[tuple[bytes, bytes]]) -> None:
    """Losses, repetitions, last words, the same client again: one identity, a fresh key for every session."""
    for seed in range(3):
        pair = Pair(link=Link.POOR, seed=seed)
        for _ in range(4):
            client, server = pair.connect()
            for number in range(30):
                client.send(ORDERED, bytes(number))
                server.send(ORDERED, bytes(40 * number))
                pair.step()
            client.close(DisconnectReason.LEFT, now=pair.now)
            pair.run(1.5)
            pair.reconnect()

    assert len(seals) > 500
    assert len(seals) == len(set(seals))


def test_no_key_and_nonce_pair_is_used_twice_over_a_server_restart(seals: list[tuple[bytes, bytes]]) -> None:
    """The same identity, started anew, and all that was recorded before said to it again: nothing is sealed alike."""
    first = Pair(seed=1)
    client, _ = first.connect()
    client.send(ORDERED, b"before")
    first.run(0.5)
    again = Pair(seed=2)
    again.endpoint._handshakes._identity = first.identity
    again.pins = (first.identity.public,)
    again.reconnect()
    for data, destination in first.recorded:
        if destination == SERVER:
            again.endpoint.receive_datagram(data, CLIENT, again.now)
        else:
            again.client.receive_datagram(data, SERVER, again.now)
    client, server = again.connect()
    client.send(ORDERED, b"after")
    server.send(ORDERED, b"after")
    again.run(0.5)

    assert len(seals) == len(set(seals))


def test_no_key_and_nonce_pair_is_used_twice_when_hellos_are_replayed(seals: list[tuple[bytes, bytes]]) -> None:
    """Every handshake datagram again, in every order, before and after the server knows its end."""
    chance = random.Random(6)
    pair = Pair()
    pair.connect()
    recorded = pair.recorded[:] * 20
    chance.shuffle(recorded)
    for data, destination in recorded:
        deliver(pair, data, to_server=destination == SERVER)
        if chance.random() < 0.1:
            pair.step()
    pair.run(11)

    assert len(seals) == len(set(seals))


def test_no_key_and_nonce_pair_is_used_twice_across_a_whole_game(seals: list[tuple[bytes, bytes]]) -> None:
    """Server and clients as players have them, coming and going."""
    sim = Simulation(Game("quiet"), clients=3, link=Link.POOR, seed=7)
    sim.clients[0].close(now=sim.now)
    sim.run(2)
    sim.join()
    sim.server.kick(sorted(sim.server.peers)[0], now=sim.now)
    sim.run(2)

    assert len(seals) > 200
    assert len(seals) == len(set(seals))


# Downgrade.


def test_a_downgrade_of_any_handshake_byte_fails_on_the_whole_path() -> None:
    """CHALLENGE and HELLO edited underway, byte by byte, in an endpoint: that attempt brings nobody in."""
    edits: list[Callable[[bytes], bytes]] = [
        lambda data, place=place: data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]  # type: ignore[misc]
        for place in (*range(61, 69), *range(29, 33), *range(33, 49))  # the offer; version, suite, pattern; game
    ]
    for kind in (hello.DatagramType.CHALLENGE, hello.DatagramType.HELLO):
        for edit in edits:
            pair = Edited(kind, edit)
            pair.run(0.2)
            assert not pair.client.is_connected
            assert pair.server is None


class Edited(Pair):
    """A path on which somebody edits every datagram of one kind."""

    def __init__(self, kind: int, edit: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._kind, self._edit = kind, edit

    def _send(self, datagrams: list[tuple[bytes, object]], source: tuple[str, int]) -> None:  # type: ignore[override]
        edited = [(self._edit(data) if data[0] == self._kind else data, to) for data, to in datagrams]
        super()._send(edited, source)  # type: ignore[arg-type]


# Replay through a whole game.


def test_replay_of_a_whole_game_shuffled_changes_nothing_a_second_time() -> None:
    """Every datagram of a session of Server and Client again, in any order: nothing runs or arrives twice."""
    game = Game("quiet")
    sim = Simulation(game, clients=2, seed=8)
    recorded: list[tuple[bytes, object, object]] = []
    send = sim.network.send

    def record(data: bytes, source: object, destination: object, now: float) -> None:
        recorded.append((data, source, destination))
        send(data, source, destination, now)  # type: ignore[arg-type]

    sim.network.send = record  # type: ignore[method-assign]
    sim.join()
    sim.run(1)
    before = [connection.statistics.messages_received for connection in sim.server.connections]
    ends = {address: client for client, address in sim._addresses.items()}
    copies = recorded[:] * 2
    random.Random(9).shuffle(copies)
    for data, source, destination in copies:
        side = ends.get(destination, sim.server)  # type: ignore[call-overload]
        side.receive_datagram(data, source, sim.now)
    after = [connection.statistics.messages_received for connection in sim.server.connections]

    assert before == after
    assert len(sim.server.peers) == 3
    sim.run(1)
    assert all(client.disconnected is None for client in sim.clients)
