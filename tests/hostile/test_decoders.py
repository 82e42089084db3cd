"""Decoder bombs: what a peer with true keys puts into messages: depth, length, NaN, huge numbers, bad UTF-8."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable

import msgpack  # type: ignore[import-untyped]  # ships no types
import pytest

from ecsnet.admission import Credentials, Introduction, Welcome, unpack_schema
from ecsnet.client import Client
from ecsnet.errors import RemoteProtocolError
from ecsnet.fields import NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.peer import CALLS, CASUAL_CALLS, INPUT, STATE
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.schema import Schema, difference
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.server import Server
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.wire import pack_varint

HUGE = [(1 << 62) - 1, 1 << 61, 1 << 32, 1 << 31]


@player_input
class Steer:
    turn: int = netvar(0, low=-1, high=1)


@component
class Kite:
    height: NetVar[float] = 0.0
    angle: NetVar[float] = netvar(0.0, low=-1.0, high=1.0, step=1 / 64)
    label: NetVar[str] = ""


heard: list[tuple[float, str]] = []


@rpc(to=SERVER)
def fly(call: Call, height: float, text: str) -> None:
    """Take a float and a text."""
    heard.append((height, text))


game = Game("kites", input=Steer, components=[Kite], rpcs=[fly])
FLY = b"\x00\x01" + pack_varint([remote.name for remote in Schema(game).remotes].index("fly"))  # a call, its id 1


def deep(levels: int) -> bytes:
    return b"\x91" * levels + b"\x00"


ADMISSION_BOMBS = {
    "depth": deep(1000),
    "array length": b"\xdd\xff\xff\xff\xff",
    "map length": b"\xdf\xff\xff\xff\xff",
    "string length": b"\xdb\xff\xff\xff\xff",
    "bytes length": b"\xc6\xff\xff\xff\xff",
    "extension length": b"\xc9\xff\xff\xff\xff\x01",
    "a map": b"\x82\xa1a\x01\xa1b\x02",
    "bad UTF-8": msgpack.packb([b"x", bytes(16)], use_bin_type=False).replace(b"x", b"\xff"),
    "NaN": msgpack.packb([float("nan"), bytes(16)]),
    "infinity": msgpack.packb([float("inf"), float("inf")]),
    "huge numbers": msgpack.packb([(1 << 64) - 1, (1 << 64) - 1]),
    "negative numbers": msgpack.packb([-(1 << 63), -1]),
    "a timestamp": b"\xd7\xff" + b"\xff" * 8,
    "trailing bytes": msgpack.packb(["name", bytes(16)]) + b"\x00",
    "nothing": b"",
    "nil": b"\xc0",
    "never used": b"\xc1",
    "a short hash": msgpack.packb(["name", bytes(15)]),
}
MESSAGE_BOMBS = {
    "nothing": b"",
    "a huge id": b"\x00" + pack_varint(HUGE[0]),
    "a huge function": b"\x00\x01" + pack_varint(HUGE[0]) + bytes(4),
    "a cut number": b"\x00\xc0",
    "NaN": FLY + bytes(4) + struct.pack("!f", float("nan")) + b"\x00",
    "infinity": FLY + bytes(4) + struct.pack("!f", float("inf")) + b"\x00",
    "bad UTF-8": FLY + bytes(4) + struct.pack("!fB", 0.0, 2) + b"\xff\xfe",
    "a surrogate": FLY + bytes(4) + struct.pack("!fB", 0.0, 3) + "\ud800".encode(errors="surrogatepass"),
    "a length beyond the end": FLY + bytes(4) + struct.pack("!fB", 0.0, 255) + b"x",
    "trailing bytes": FLY + bytes(4) + struct.pack("!fB", 0.0, 0) + b"x",
    "an answer to nobody": b"\x01" + pack_varint(HUGE[1]),
    "a refusal to nobody": b"\x02\x01\x01text",
    "an unknown kind": b"\x07\x01",
}
INPUT_BOMBS = {
    "nothing": b"",
    "no header": bytes(2),
    "no run": bytes(3),
    "more than a message may say": bytes(3) + b"\xff\x01\x01\x00",
    "a run of none": bytes(3) + b"\x00\x01",
    "less than there is": bytes(3) + b"\x01",
    "a code beyond the range": bytes(3) + b"\x01\x03",
    "one such among good ones": bytes(3) + b"\x03\x01\xff\x01",
    "far too much": bytes(1100),
}
STATE_BOMBS = {
    "nothing": b"",
    "unknown flags": bytes(4) + b"\xf0",
    "huge count of the gone": bytes(4) + b"\x02" + pack_varint(HUGE[0]),
    "huge count of fulls": bytes(4) + b"\x04" + pack_varint(HUGE[0]) + b"\x01",
    "huge count in a run": bytes(4) + b"\x00\x01\x00" + pack_varint(HUGE[0]),
    "a huge network id": bytes(4) + b"\x02\x01" + pack_varint(HUGE[2]),
    "network id 0": bytes(4) + b"\x02\x01\x00",
    "an unknown record": bytes(4) + b"\x00\x01\xff\x01\x01",
    "records out of order": bytes(4) + b"\x00\x02\x01\x00\x01\x01",
    "records twice": bytes(4) + b"\x00\x02\x00\x00\x01\x01",
    "255 records": bytes(4) + b"\x00\xff" + bytes(range(255)),
    "cut off": bytes(4) + b"\x01\x00",
}


@pytest.mark.parametrize("data", ADMISSION_BOMBS.values(), ids=ADMISSION_BOMBS)
def test_decoder_bomb_in_admission_is_refused_with_bounded_memory(data: bytes) -> None:
    """Credentials, Introduction and Welcome: a claimed length takes nothing, whatever is wrong is one kind of error."""
    tracemalloc.start()
    for unpack in (Credentials.unpack, Introduction.unpack, Welcome.unpack):
        with pytest.raises(RemoteProtocolError):
            unpack(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 200_000


def test_decoder_bomb_in_a_schema_unfolds_to_a_bound() -> None:
    """A refusal's description is compressed: 880 B could unfold to a megabyte."""
    bomb = zlib.compress(bytes(10_000_000), 9)

    assert len("\n".join(unpack_schema(bomb))) <= 65_536
    assert unpack_schema(b"no zlib") == []


@pytest.mark.parametrize(
    "text",
    ["\n".join(f"{i}: x" for i in range(9000)), "Kite: " + "a=1 " * 16_000, "Kite: \x1b[2J\x07\u202e gone\n" * 50],
)
def test_decoder_bomb_in_a_schema_shows_the_player_a_screen_without_tricks(text: str) -> None:
    """What differs ends up in the player's terminal: no escapes, no megabyte."""
    server_says = unpack_schema(zlib.compress(text.encode()))
    shown = difference(Schema(game).describe(), server_says)

    assert len(shown) < 20_000
    assert len(shown.splitlines()) < 40
    assert all(line.isprintable() for line in shown.split("\n"))


@pytest.mark.parametrize("data", ADMISSION_BOMBS.values(), ids=ADMISSION_BOMBS)
def test_decoder_bomb_as_credentials_is_refused_by_a_server(data: bytes) -> None:
    """Through the whole handshake: the player is told, the server goes on."""
    sim = Simulation(game, clients=1)
    bomber = Client(game, ("server", 7777), now=sim.now, entropy=sim._entropy)
    assert bomber.conversation.connection._handshake is not None
    bomber.conversation.connection._handshake._credentials = data
    sim.clients.append(bomber)
    sim._addresses[bomber] = ("bomber", 1)
    sim.run(0.5)

    assert bomber.disconnected is not None
    assert bomber.disconnected[0] is DisconnectReason.REFUSED
    assert len(sim.server.peers) == 1


@pytest.mark.parametrize("data", ADMISSION_BOMBS.values(), ids=ADMISSION_BOMBS)
def test_decoder_bomb_as_welcome_ends_the_client_with_a_reason(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """A server out of its mind: the host gets a reason, not an exception."""
    accept = Endpoint.accept
    monkeypatch.setattr(Endpoint, "accept", lambda self, id_, _payload, *, tag: accept(self, id_, data[:800], tag=tag))
    sim = Simulation(game, clients=0, check=False)
    client = sim.join(wait=False)
    sim.run(0.5)

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.PROTOCOL_ERROR


@pytest.mark.parametrize("channel", [CALLS, CASUAL_CALLS])
@pytest.mark.parametrize("message", MESSAGE_BOMBS.values(), ids=MESSAGE_BOMBS)
def test_decoder_bomb_in_a_call_closes_the_caller_alone(channel: int, message: bytes) -> None:
    """Nothing of it runs; the other player notices nothing."""
    sim = Simulation(game, clients=2)
    heard.clear()
    bomber, other = sim.clients
    bomber.conversation.connection.send(channel, message)
    sim.run(0.3)

    assert heard == []
    assert bomber.disconnected is not None
    assert bomber.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert other.disconnected is None
    assert len(sim.server.peers) == 1


@pytest.mark.parametrize("message", INPUT_BOMBS.values(), ids=INPUT_BOMBS)
def test_decoder_bomb_as_input_gains_nothing(message: bytes) -> None:
    """It is counted and ignored; whoever sends it plays on, as does everybody else."""
    sim = Simulation(game, clients=2)
    bomber = sim.clients[0]
    before = sim.server.room.session.input_buffers[bomber.client_id].refused
    bomber.conversation.connection.send(INPUT, message)
    sim.run(0.3)

    assert sim.server.room.session.input_buffers[bomber.client_id].refused == before + 1
    assert all(client.disconnected is None for client in sim.clients)


def with_value(value: float) -> Callable[[Client], bytes]:
    """A full of a kite whose height is no number."""

    def message(client: Client) -> bytes:
        record = next(each for each in client.schema.records if each.cls is Kite)
        packed = record.codec.pack((0.0, 0.0, ""))
        return b"\x00\x00\x00\x09\x04\x01\x05\x01" + bytes((record.id,)) + struct.pack("!f", value) + packed[4:]

    return message


@pytest.mark.parametrize("message", STATE_BOMBS.values(), ids=STATE_BOMBS)
def test_decoder_bomb_as_state_ends_the_client_with_a_reason(message: bytes) -> None:
    """Counts are not believed, ids are checked, nothing of a bad message is applied."""
    sim = Simulation(game, clients=1, check=False)
    [client] = sim.clients
    before = len(client.world.entities())
    server_side(sim.server).send(STATE, message)
    sim.run(0.3)

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert len(client.world.entities()) == before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_decoder_bomb_of_no_number_in_state_is_refused(value: float) -> None:
    """A NaN in a position would spread through everything it is compared with."""
    sim = Simulation(game, clients=1, check=False)
    [client] = sim.clients
    good = with_value(1.5)(client)
    assert client.receiver.take(good).fulls
    server_side(sim.server).send(STATE, with_value(value)(client))
    sim.run(0.3)

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.PROTOCOL_ERROR


def server_side(server: Server) -> Connection:
    [connection] = server.connections
    return connection


# The same through the application: a flood.


def test_an_authenticated_flood_of_calls_leaves_the_other_players_ticks_alone() -> None:
    """Fifty times the inputs and calls of a game: the server runs every tick, the other's inputs are in time."""
    sim = Simulation(game, clients=2)
    flooder, other = sim.clients
    sim.run(1)
    heard.clear()
    call = b"\x00\x00" + FLY[2:] + bytes(4) + struct.pack("!fB", 1.0, 0)
    skipped, missing = sim.server.skipped_ticks, sim.server.room.session.input_buffers[other.client_id].missing
    began = sim.server.world.tick
    for _ in range(60):
        for _ in range(50):
            flooder.conversation.connection.send(CASUAL_CALLS, call)
            flooder.conversation.connection.send(INPUT, b"\x00\x00\x00\x00\x00")
        sim.step()

    assert sim.server.world.tick == began + 60
    assert sim.server.skipped_ticks == skipped
    assert sim.server.room.session.input_buffers[other.client_id].missing == missing
    assert other.disconnected is None
    assert heard  # what is within the limits of the connection is a call like any other
