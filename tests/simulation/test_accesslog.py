"""The access log: what a server's owner reads of who came and went, and what nobody else ever does."""

import json
import logging
import random
import re
from dataclasses import replace

import pytest

from ecsnet import accesslog
from ecsnet.arrival import Arrival
from ecsnet.client import Client
from ecsnet.components import Player
from ecsnet.config import ClientConfig, ServerConfig, TransportConfig
from ecsnet.game import Game
from ecsnet.peer import CHANNELS, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.server import Server
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.tokens import SealedTokens, mint
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from tests.simulation.meadow import game

SECRET = SealedTokens(b"\x09" * 32)
PLAYER = Identity(b"\x05" * 32)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "ecsnet.access")
    return caplog


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    """Return what was noted since the last call."""
    found = [record.getMessage() for record in log.records if record.name == "ecsnet.access"]
    log.clear()
    return found


def test_who_comes_and_goes_is_one_line_each(log: pytest.LogCaptureFixture, transport: str) -> None:
    """Number, name, address and way; whoever leaves, with the reason."""
    sim = Simulation(game, clients=0, seed=1, transport=transport)
    ada = sim.join("Ada", player_key=PLAYER)
    ada.close(now=sim.now)
    sim.run(1)

    who = f'client=1 name="Ada" address=10.0.0.1:40000 transport={transport}'
    assert lines(log) == [
        f"joined {who} player_key={PLAYER.fingerprint}",
        f'left {who} reason=LEFT text="the player left"',
    ]


def test_who_is_blocked_at_the_door_is_noted(log: pytest.LogCaptureFixture) -> None:
    """Its request was granted, and its network blocked before it could come in."""
    sim = Simulation(game, clients=0, seed=13)
    ada = sim.join("Ada", wait=False)
    sim.run_until(lambda: ada.client_id > 0, within_seconds=1)
    sim.server.block("10.0.0.1", now=sim.now)
    sim.run(1)

    assert not sim.server.peers
    assert lines(log) == ['refused address=10.0.0.1:40000 transport=udp reason=BANNED text="this address is blocked"']


def test_a_token_tells_who_the_player_is_to_the_backend(log: pytest.LogCaptureFixture) -> None:
    """The name may be anybody's; the backend's word is not."""
    sim = Simulation(game, clients=0, seed=2, token_key=SECRET)
    keys = [sim.server.public_key]
    token = mint(SECRET, 'u "7"', server_keys=keys, unix_time=sim.now, entropy=random.Random(2).randbytes)
    sim.join("Ada", token=token)
    sim.join("Eve", wait=False)
    sim.run(1)

    joined, refused = lines(log)
    assert joined.endswith(r'transport=udp player="u \"7\""')
    assert refused.startswith("refused address=10.0.0.2:40000 transport=udp reason=BAD_TOKEN text=")


def test_a_lost_player_is_noted_until_it_is_gone_or_back(log: pytest.LogCaptureFixture) -> None:
    """One line when the connection broke off, one when it returned or its time ran out."""
    sim = Simulation(game, clients=2, seed=3, server_config=ServerConfig(resume_grace_seconds=20.0))
    ada, bob = sim.clients
    lines(log)
    for client in (ada, bob):
        sim.cut_off(client)
    sim.run(12)
    words = [line.split()[:2] for line in lines(log)]
    sim.join(ticket=ada.ticket)
    sim.run(20)

    assert words == [["lost", "client=1"], ["lost", "client=2"]]
    returned, left = lines(log)
    assert returned.startswith('returned client=1 name="player-1" address=10.0.0.3:40000')
    assert left.startswith('left client=2 name="player-2" address=10.0.0.2:40000')
    assert "reason=TIMEOUT" in left


def test_another_address_of_a_player_is_noted(log: pytest.LogCaptureFixture) -> None:
    """Both of them: complaints are about one, the game goes on under the other."""
    sim = Simulation(game, clients=1, seed=4)
    lines(log)
    sim._addresses[sim.clients[0]] = ("2001:db8::7", 4711)
    sim.run(2)

    assert lines(log) == [
        'moved client=1 name="player-1" address=[2001:db8::7]:4711 transport=udp before=10.0.0.1:40000'
    ]


def test_whoever_is_refused_is_noted_with_the_reason(log: pytest.LogCaptureFixture) -> None:
    """Also where the transport refuses without asking the game; of a wrong password, before the client knows it."""
    sim = Simulation(replace(game, max_clients=2), clients=2, seed=5, password="mellon")
    lines(log)
    sim.join("late", wait=False, player_key=PLAYER)
    sim.run(1)
    [full] = lines(log)
    sim.join(password="", wait=False)
    sim.run(1)
    [missing] = lines(log)
    sim.join(password="melon", wait=False)
    sim.run(1)  # not yet the two seconds after which it asks beside it
    [wrong] = lines(log)
    sim.clients.pop()
    sim.server.block("10.0.0.6", now=sim.now)
    sim.join("banned", wait=False)
    sim.run(1)
    [banned] = lines(log)

    way = "address=10.0.0.{}:40000 transport=udp".format
    key = f"player_key={PLAYER.fingerprint}"
    assert full == f'refused {way(3)} {key} reason=SERVER_FULL text="all 2 places are taken"'
    assert missing == f'refused {way(4)} reason=WRONG_PASSWORD text="this server needs a password"'
    assert wrong == f'refused {way(5)} reason=WRONG_PASSWORD text="the password is wrong"'
    assert banned.startswith(f"refused {way(6)} reason=BANNED")


@pytest.mark.parametrize(
    "trick",
    [
        'Eve" address=192.0.2.1:1 x="',
        "Eve\nleft client=2 name=Bob",
        "Eve\r\x1b[2K\x85\u2028\u2029left",
        "\u202eevE\u0000\ud800",
        "\\",
    ],
)
def test_no_line_and_no_value_can_be_forged(log: pytest.LogCaptureFixture, trick: str) -> None:
    """Names and last words are cleaned before; what is written is safe even if they were not."""
    connection = Connection.connect(
        ("192.0.2.7", 5), now=0.0, application_id=bytes(16), credentials=b"", pins=(), entropy=bytes,
        channels=CHANNELS, config=TransportConfig(),
    )  # fmt: skip
    accesslog.left(
        Peer(connection, 1, frozenset(), Arrival(name=trick, address=("192.0.2.1", 1))), DisconnectReason.LEFT, trick
    )

    [line] = lines(log)
    assert line.isprintable()
    quoted = r'"(?:[^"\\]|\\.)*"'
    match = re.fullmatch(
        rf"left client=1 name=({quoted}) address=192.0.2.7:5 transport=udp reason=LEFT text=({quoted})", line
    )
    assert match is not None, line
    assert json.loads(match[1]) == json.loads(match[2]) == trick


def test_a_line_cannot_be_forged_by_a_player_on_the_wire(log: pytest.LogCaptureFixture) -> None:
    """The same through the handshake and the goodbye."""
    sim = Simulation(game, clients=0, seed=6)
    eve = sim.join('Eve"\njoined client=9\u202e')
    eve.close(text='bye"\n\x1b[2Kjoined client=9', now=sim.now)
    sim.run(1)

    assert [line.split()[0] for line in lines(log)] == ["joined", "left"]


def test_nothing_is_printed_unless_logging_is_configured(capfd: pytest.CaptureFixture[str]) -> None:
    """A library is silent."""
    logger = logging.getLogger("ecsnet.access")
    assert logger.level == logging.NOTSET
    assert logger.handlers == []
    Simulation(game, clients=1, seed=7)

    assert capfd.readouterr() == ("", "")


def test_no_client_learns_an_address(transport: str) -> None:
    """Nothing of the World, the events and all that is ever said to a client holds where another one is."""
    said: list[bytes] = []

    def note(now: float, connection_id: int, what: str, number: int, frames: bytes, kinds: bytes) -> None:
        if what == "received":
            said.append(frames)

    config = ClientConfig(transport=TransportConfig(trace=note))
    sim = Simulation(game, clients=3, seed=8, transport=transport, client_config=config)
    ada, _, carol = sim.clients
    sim.run(2)
    carol.close(now=sim.now)
    if transport == "udp":
        sim._addresses[ada] = ("10.0.0.77", 40000)
    sim.run(2)

    seen = [repr(row) for client in sim.clients for _, row in client.world.observe(Player)]
    seen += [repr(client.disconnected) for client in sim.clients] + list(map(repr, sim.server.events()))
    assert len(said) > 100
    assert len(seen) > 8
    hosts = [host for host, *_ in (address_of(sim, client) for client in sim.clients)]
    for host in (*hosts, "10.0.0.1"):
        packed = bytes(map(int, host.split(".")))
        assert not any(host in text for text in seen)
        assert not any(host.encode() in frames or packed in frames for frames in said)


def address_of(sim: Simulation, client: Client) -> Address:
    return sim._addresses[client]


def test_the_players_of_one_network_are_told_that_there_are_enough_of_them(log: pytest.LogCaptureFixture) -> None:
    """Not "full", which would have them wait for a place that is not for them."""
    entropy = random.Random(9).randbytes
    server = Server(Game("few"), config=ServerConfig(max_clients_per_network=1), entropy=entropy)
    for port in (1, 2):
        client = Client(Game("few"), SERVER_ADDRESS, now=1.0, entropy=entropy)
        for _ in range(3):
            for data, _ in client.datagrams_to_send(1.0):
                server.receive_datagram(data, ("192.0.2.1", port), 1.0)
            server.update(1.0)
            for data, _ in server.datagrams_to_send(1.0):
                client.receive_datagram(data, SERVER_ADDRESS, 1.0)
            client.update(1.0)

    text = "1 players of your network are here, and this server takes no more from one"
    assert client.disconnected == (DisconnectReason.SERVER_FULL, text)
    assert f'refused address=192.0.2.1:2 transport=udp reason=SERVER_FULL text="{text}"' in lines(log)
