"""What a true session sends, recorded at every level: datagrams, the inside of packets, messages by channel."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

from ecsnet.admission import Credentials, Introduction, Welcome, pack_schema
from ecsnet.errors import RemoteProtocolError
from ecsnet.peer import CHANNELS
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.schema import Schema
from ecsnet.testing.simulation import Simulation
from ecsnet.transport import packet
from ecsnet.transport.traffic import Traffic
from tests.simulation.meadow import Sheep, Walk, game, rename, shear
from tests.transport.pair import ORDERED, SEQUENCED, SERVER, UNORDERED, UNRELIABLE, Pair

KINDS = bytes([channel.delivery for channel in CHANNELS])


@dataclass(slots=True)
class Corpus:
    """Seeds of inputs.

    Attributes:
        to_server: Datagrams of a bare connection with all kinds of channels, handshake included.
        plaintexts: The inside of packets, of the same and of a game.
        messages: Of a game, by channel, in either direction.
    """

    to_server: list[bytes] = field(default_factory=list)
    to_client: list[bytes] = field(default_factory=list)
    plaintexts: list[bytes] = field(default_factory=list)
    messages: list[list[bytes]] = field(default_factory=lambda: [[] for _ in CHANNELS])
    admission: list[bytes] = field(default_factory=list)


@functools.cache
def corpus() -> Corpus:
    """Record the sessions; the same every time."""
    made = Corpus()
    with _opened(made.plaintexts):
        _record_pair(made)
        from_pair = len(made.plaintexts)
        _record_game()
    for plaintext in made.plaintexts[from_pair:]:
        _sort(plaintext, made.messages)
    schema = Schema(game)
    made.admission = [
        Credentials("Ada", schema.hash).pack(),
        Introduction("Ada", "correct horse", b"hello").pack(),
        Welcome(7, 1 << 63).pack(),
        pack_schema(schema.describe(), 880),
    ]
    return made


def _record_pair(made: Corpus) -> None:
    pair = Pair()
    client, server = pair.connect()
    for number in range(12):
        for end in (client, server):
            for channel in (UNRELIABLE, SEQUENCED, UNORDERED, ORDERED):
                end.send(channel, b"message %d" % number)
            end.send(ORDERED, bytes(2500))
        pair.step()
    client.close(DisconnectReason.LEFT, now=pair.now)
    pair.run(1)
    for data, destination in pair.recorded:
        (made.to_server if destination == SERVER else made.to_client).append(data)


def _record_game() -> None:
    sim = Simulation(game, clients=2, seed=1, check=False)
    for step in range(60):
        client = sim.clients[step % 2]
        client.press(Walk(dx=step % 3 - 1))
        flock = client.world.observe(Sheep)
        if flock:
            client.call(shear, flock[0][0], "a note")
            client.call(rename, flock[0][0], "a name")
        sim.step()


@contextlib.contextmanager
def _opened(plaintexts: list[bytes]) -> Iterator[None]:
    """Note every packet that anybody opens."""
    original = Traffic.open

    def opening(self: Traffic, data: bytes) -> tuple[int, bytes] | None:
        opened = original(self, data)
        if opened is not None:
            plaintexts.append(opened[1])
        return opened

    with patch.object(Traffic, "open", opening):
        yield


def _sort(plaintext: bytes, messages: list[list[bytes]]) -> None:
    try:
        plain, numbered, *_ = packet.parse(plaintext, KINDS, 256)
    except RemoteProtocolError:
        return
    for channel, message in plain:
        messages[channel].append(message)
    for channel, _, message in numbered:
        messages[channel].append(message)
