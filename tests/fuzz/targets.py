"""Every way in for bytes: from outside, below the encryption, and into each decoder on its own.

`TARGETS` is the table. What a target must keep, it asserts itself; that it raises nothing, the engine sees.
"""

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from ecsnet.admission import Credentials, Introduction, Welcome, clean_name, unpack_schema
from ecsnet.config import TransportConfig
from ecsnet.errors import KeyFileError, LinkError, RemoteProtocolError
from ecsnet.joinlink import JoinLink
from ecsnet.keys import KnownServers, load_or_create_identity
from ecsnet.peer import CALLS, CASUAL_CALLS, CHECKS, INPUT, STATE
from ecsnet.protocol import DisconnectReason
from ecsnet.remote import Destination
from ecsnet.replication.checks import MAX_COMPLAINTS, Verifier, decode_complaints
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.systems.input import unpack_inputs
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.testing.simulation import Simulation
from ecsnet.transport import hello, packet
from ecsnet.transport.connection import Connection
from ecsnet.transport.crypto import PacketKeys, SessionKeys
from ecsnet.transport.state import State
from ecsnet.transport.traffic import CLIENT_HEADER, FLAGS, Traffic
from ecsnet.world import World
from tests.fuzz.corpus import corpus
from tests.fuzz.engine import Entry
from tests.fuzz.frames import damage, plaintext
from tests.fuzz.messages import CallMaker, ComplaintMaker, InputMaker, StateMaker
from tests.simulation.meadow import Bleated, Mood, Sheep, game
from tests.transport.pair import CHANNELS, CLIENT, ORDERED, SERVER, UNRELIABLE, Pair

Chance: TypeAlias = random.Random

KINDS = bytes([channel.delivery for channel in CHANNELS])
DATAGRAM_BYTES = TransportConfig().datagram_bytes
MAX_TEXT_BYTES = 1000
STEP = 1 / 60
schema = Schema(game)


# Decoders on their own: a value, or the one error each of them names.


class Decoders:
    """Functions that take bytes and give a value or one kind of error."""

    def __init__(self, error: type[Exception], *decoders: Callable[[bytes], object]) -> None:
        self._error, self._decoders = error, decoders

    def feed(self, data: bytes) -> bool:
        for decode in self._decoders:
            try:
                decode(data)
            except self._error:
                continue
        return True


def parse(data: bytes) -> None:
    frames = packet.parse(data, KINDS, 256)
    assert len(frames[0]) + len(frames[1]) + len(frames[2]) <= packet.MAX_FRAMES


def parse_link(data: bytes) -> None:
    link = JoinLink.parse(data.decode(errors="surrogateescape"))
    assert JoinLink.parse(str(link)) == link


def inputs(data: bytes) -> None:
    buffer = InputBuffer(schema.input_codec.defaults, window_ticks=64, hold_ticks=5, margin_ticks=10)
    lag_ticks, found = unpack_inputs(schema.input_codec, data, 5)
    for tick, values in found:
        buffer.offer(tick, values, 5, lag_ticks)
    buffer.take(5)
    assert 0.0 <= buffer.lag_ticks <= 63.75
    buffer.acknowledged(5)


class KeyFiles:
    """The two files in which keys are kept, damaged."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "file"
        self._path.touch(mode=0o600)

    def feed(self, data: bytes) -> bool:
        self._path.write_bytes(data)
        for read in (lambda: load_or_create_identity(self._path), lambda: KnownServers(self._path).pins("host", 1)):
            try:
                read()
            except KeyFileError:
                continue
        assert self._path.read_bytes() == data  # never overwritten
        return True


class StateMessages:
    """A client's world, told anything by an authentic server."""

    def __init__(self) -> None:
        self._receiver = Receiver(schema, World())
        self._verifier = Verifier(self._receiver, schema)
        self._now = 0.0

    def feed(self, data: bytes) -> bool:
        try:
            state = self._receiver.take(data)
        except RemoteProtocolError:
            return True
        self._receiver.apply(state)
        self._verifier.verify(state)
        self._now += 0.3
        complaint = self._verifier.complaint(self._now)
        assert complaint is None or 0 < len(decode_complaints(complaint)) <= MAX_COMPLAINTS
        self._verifier.apply(state)  # as if it were an answer
        self._verifier.take()
        assert 0.0 <= self._receiver.progress <= 1.0
        self._receiver.news.take()
        return True


# From outside: datagrams of somebody without keys.


class Outside:
    """A server and its one client, and whoever can send to either. Nothing may be accepted."""

    def __init__(self) -> None:
        self._pair = Pair(seed=2)  # not that of the recorded session: its datagrams would be authentic
        self._pair.connect()
        self._fed = 0

    def feed(self, data: bytes) -> bool:
        pair = self._pair
        aimed = data[:1] + pair.client.connection_id.to_bytes(4, "big") + data[5:]
        for each, address in ((data, CLIENT), (aimed, CLIENT), (data, ("stranger", 9))):
            pair.endpoint.receive_datagram(each, address, pair.now)
        pair.client.receive_datagram(data, SERVER, pair.now)
        self._fed += 1
        if self._fed % 8 == 0:
            pair.step()
        assert pair.server is not None
        assert pair.client.state is pair.server.state is State.CONNECTED
        assert pair.server.take_messages() == pair.client.take_messages() == []
        return True


class Joining:
    """A client that has not joined yet: nothing ends its attempt, and what it answers has its bound."""

    def __init__(self) -> None:
        self._pair = Pair(seed=2, pins=())
        self._pair.pump()
        self._sent = 0

    def feed(self, data: bytes) -> bool:
        pair = self._pair
        handshake = pair.client._handshake
        assert handshake is not None
        pair.now += STEP / 20
        for each in (data, data[:1] + handshake.attempt + data[9:]):
            pair.client.receive_datagram(each, SERVER, pair.now)
        pair.client.update(pair.now)
        self._sent += len(pair.client.datagrams_to_send(pair.now))
        assert self._sent < 200
        assert not pair.client.is_connected
        return pair.client.state is not State.CLOSED


# Below the encryption: any frames of a peer with true keys.

PENDING, CONNECTED, CLOSING = "pending", "connected", "closing"


class Frames:
    """One end of a connection, and a peer that seals what it likes."""

    def __init__(self, state: str, *, is_client: bool = False) -> None:
        self._now = 10.0
        self._is_client = is_client
        self._connection = connected(is_client=is_client, now=self._now)
        self._keys = PacketKeys("AESGCM", b"p" * 32)
        self._number = 0
        if state != PENDING:
            self.feed(packet.PING_FRAME)
        if state == CLOSING:
            self._connection.close(DisconnectReason.LEFT, now=self._now)
        self._closing = state == CLOSING

    def feed(self, data: bytes) -> bool:
        connection = self._connection
        number, self._number = self._number, self._number + 1
        header = bytes((FLAGS,)) if self._is_client else CLIENT_HEADER.pack(FLAGS, 7, 0)[:-2]
        header += (number & 0xFFFF).to_bytes(2, "big")
        connection.receive_datagram(header + self._keys.seal(number, header, data), connection.address, self._now)
        if number % 4 == 0:
            self._live()
        connection.take_messages()
        connection.events()
        return connection.state is State.CONNECTED or (self._closing and connection.state is State.CLOSING)

    def _live(self) -> None:
        """Do what a host does in a tick."""
        connection = self._connection
        self._now += STEP
        if connection.state is State.CONNECTED:
            connection.send(UNRELIABLE, b"u", token=1)
            if self._number < 100:
                connection.send(ORDERED, bytes(50 * self._number))
        connection.update(self._now)
        datagrams = connection.datagrams_to_send(self._now)
        assert all(len(data) <= DATAGRAM_BYTES for data, _ in datagrams)
        assert len(datagrams) < 100
        deadline = connection.next_deadline()
        assert deadline is None or deadline > 0
        assert all(isinstance(arrived, bool) for _, arrived in connection.take_reports())
        assert repr(connection)


def connected(*, is_client: bool, now: float) -> Connection:
    """Return an end of a connection that knows its keys; a server's waits for its first packet."""
    keys = SessionKeys(PacketKeys("AESGCM", b"v" * 32), PacketKeys("AESGCM", b"p" * 32), bytes(32))
    config = TransportConfig()
    connection = Connection.accepted(
        SERVER if is_client else CLIENT, connection_id=7, keys=keys, channels=CHANNELS, config=config, now=now
    )
    if is_client:  # what the handshake would have left
        connection._is_client = True
        connection._traffic = Traffic(
            keys, connection._outbox, config, connection.statistics, address=SERVER, connection_id=7, now=now
        )
    return connection


# Below the encryption, through everything: messages into a whole Server and a whole Client.


class Application:
    """A server and a client of a game; one of them is fed messages by the other, as if its own software had made them.

    The first byte of an input chooses the channel.
    """

    def __init__(self, channels: Sequence[int], *, to_server: bool) -> None:
        self._sim = Simulation(game, clients=2, seed=3, check=False)
        self._channels, self._to_server = channels, to_server
        self._liar = self._sim.clients[0]
        [peer] = [each for each in self._sim.server.peers.values() if each.client_id == self._liar.client_id]
        self._connection = self._liar.conversation.connection if to_server else peer.connection
        self._fed = 0
        if to_server:  # its own software would wonder at answers to calls it never made
            self._liar.conversation.session.calls.take = lambda *_: None  # type: ignore[method-assign]

    def feed(self, data: bytes) -> bool:
        sim = self._sim
        if not self._connection.is_connected:
            return False
        channel = self._channels[data[0] % len(self._channels)] if data else self._channels[0]
        self._connection.send(channel, data[1 : 1 + self._connection.max_message_bytes])
        self._fed += 1
        if self._fed % 4 == 0:
            sim.step()
            for _, sheep in self._liar.view(Sheep):
                assert isinstance(sheep.name, str)
            for happened in self._liar.events():
                if isinstance(happened, Bleated):
                    assert isinstance(happened.mood, Mood)
                    assert happened.sheep == 0 or self._liar.receiver.network_id_of(happened.sheep)
        assert sim.clients[1].disconnected is None
        return self._connection.is_connected


# Inputs.


def seeded(*pools: Callable[[], Sequence[bytes]]) -> Callable[[Chance], bytes]:
    """Return a generator of recorded inputs, mostly damaged."""

    def generate(chance: Chance) -> bytes:
        pool = chance.choice(pools)()
        if chance.random() < 0.1:
            return chance.randbytes(chance.choice((0, 1, 8, 40, 1200)))
        data = chance.choice(pool)
        return damage(chance, data, pool) if chance.random() < 0.8 else data

    return generate


def datagrams() -> Callable[[Chance], bytes]:
    """Return a generator of recorded datagrams, all of them changed: of another session, they mean nothing anyway."""
    return seeded(lambda: corpus().to_server, lambda: corpus().to_client)


def packets(chance: Chance) -> bytes:
    """Frames that fit a packet: built, or recorded and damaged."""
    data = plaintext(chance) if chance.random() < 0.98 else damage(chance, chance.choice(corpus().plaintexts))
    return data[: DATAGRAM_BYTES - 40] or b"\0"


def calls() -> Sequence[bytes]:
    return corpus().messages[CALLS]


Make: TypeAlias = Callable[[Chance], bytes]


def either(made: Make, recorded: Make) -> Make:
    """Return a generator of inputs made to fit, mostly, else recorded and damaged ones."""
    return lambda chance: made(chance) if chance.random() < 0.98 else recorded(chance)


def by_channel(*makers: Make) -> Make:
    """Return a generator of inputs whose first byte chooses the channel, as `Application` reads it."""

    def generate(chance: Chance) -> bytes:
        index = chance.randrange(len(makers))
        return bytes((index,)) + makers[index](chance)

    return generate


MOSTLY = 10  # state for each call
NEAR = 20  # the tick of a session that has just begun
a_state = either(StateMaker(schema, NEAR), seeded(lambda: corpus().messages[STATE]))
an_input = either(InputMaker(schema, NEAR), seeded(lambda: corpus().messages[INPUT]))
a_complaint = either(ComplaintMaker(NEAR), seeded(lambda: corpus().messages[STATE]))
a_call = either(CallMaker(schema, Destination.SERVER), seeded(calls))
a_call_back = either(CallMaker(schema, Destination.CLIENTS), seeded(calls))


def text(chance: Chance) -> bytes:
    """Links and key files."""
    key = "pOLuHzzSDN46Udq4Tsu0cQm6d5gdpJ3vQwy2mTG0Ux8"
    samples = (
        f"ecsnet://play.example.org:7777/#{key}", "[2001:db8::1]:7777", "host:65536", "1.2.3.4", "host%eth0:1",
        "# a key\n" + "5f" * 32 + "\n", '{"servers": {"host:1": "' + "A" * 43 + '="}}', "[" * 500, '{"servers": 1e999}',
    )  # fmt: skip
    data = chance.choice(samples).encode()
    return damage(chance, data)[:MAX_TEXT_BYTES] if chance.random() < 0.9 else data


HELLO_READERS = (
    hello.unpack_init, hello.unpack_challenge, hello.unpack_hello, hello.unpack_reply, hello.unpack_verdict,
)  # fmt: skip
ADMISSION_READERS = (
    Credentials.unpack, Introduction.unpack, Welcome.unpack, unpack_schema,
    lambda data: clean_name(data.decode(errors="replace")),
)  # fmt: skip

TARGETS: dict[str, Entry] = {
    "packet": Entry(lambda: Decoders(RemoteProtocolError, parse), packets),
    "hello": Entry(lambda: Decoders(AssertionError, *HELLO_READERS), datagrams()),
    "admission": Entry(lambda: Decoders(RemoteProtocolError, *ADMISSION_READERS), seeded(lambda: corpus().admission)),
    "link": Entry(lambda: Decoders(LinkError, parse_link), text),
    "key files": Entry(KeyFiles, text, 0.05),
    "input": Entry(lambda: Decoders(RemoteProtocolError, inputs), an_input),
    "complaint": Entry(lambda: Decoders(RemoteProtocolError, decode_complaints), a_complaint),
    "state": Entry(StateMessages, a_state),
    "outside": Entry(Outside, datagrams(), 0.5),
    "joining": Entry(Joining, datagrams(), 0.5),
    "frames, server pending": Entry(lambda: Frames(PENDING), packets, 0.5),
    "frames, server": Entry(lambda: Frames(CONNECTED), packets, 2.0),
    "frames, server closing": Entry(lambda: Frames(CLOSING), packets, 0.5),
    "frames, client": Entry(lambda: Frames(CONNECTED, is_client=True), packets, 2.0),
    "messages to a server": Entry(
        lambda: Application((INPUT, CALLS, CASUAL_CALLS, CHECKS), to_server=True),
        by_channel(an_input, a_call, a_call, a_complaint), 0.2,
    ),
    "messages to a client": Entry(
        lambda: Application((*[STATE] * MOSTLY, CHECKS, CALLS, CASUAL_CALLS), to_server=False),
        by_channel(*[a_state] * MOSTLY, a_state, a_call_back, a_call_back), 0.2,
    ),
}  # fmt: skip
