"""Bytes in a stream: whatever comes, and wherever it ends, only that stream is hurt."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsnet.config import GuardConfig, TransportConfig
from ecsnet.events import Connected, ConnectRequested, Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.address import StreamAddress
from ecsnet.transport.connection import Connection
from ecsnet.transport.records import RecordReader, pack_record
from ecsnet.transport.state import State
from tests.transport.pair import APPLICATION, CHANNELS, CLIENT, ORDERED, SERVER, UNRELIABLE
from tests.transport.streams import StreamPair

LIMIT = 1200
# Places of INIT, behind its length, that a server does not act on: it answers every version and every game.
UNREAD = {*range(7, 9), *range(17, 33)}

# Hundreds of sessions of one network follow each other here.
PATIENT = TransportConfig(guard=GuardConfig(handshakes_at_once=1_000_000))


class Session:
    """A client and a server of a `StreamPair`, with the bytes between them under the test's hands."""

    def __init__(self, pair: StreamPair, number: int) -> None:
        self.pair = pair
        self.here = StreamAddress("visitor", 9, number)
        self.there = StreamAddress(*SERVER, number)
        self.client = Connection.connect(
            self.there,
            pins=pair.pins,
            application_id=APPLICATION,
            credentials=b"",
            channels=CHANNELS,
            config=pair.config,
            entropy=pair.entropy,
            now=pair.now,
        )
        self.server: Connection | None = None
        self.to_server, self.to_client = RecordReader(LIMIT), RecordReader(LIMIT)
        self.sent = {"server": b"", "client": b""}  # everything, as it would stand on the wire
        self.events: list[object] = []

    def run(self, passes: int = 8, cut: Callable[[str, bytes], bytes] = lambda _, data: data) -> None:
        """Let both talk; `cut` decides what of the bytes toward "server" and "client" gets through."""
        for _ in range(passes):
            self.pair.now += 1e-4  # so little that no bystander feels it
            self._carry("server", self.client.datagrams_to_send(self.pair.now), cut)
            self.pair.endpoint.update(self.pair.now)
            for event in self.pair.endpoint.events():
                self._handle(event)
            outgoing = self.pair.endpoint.datagrams_to_send(self.pair.now)
            self.pair._send([each for each in outgoing if each[1] != self.here], SERVER)
            self._carry("client", [each for each in outgoing if each[1] == self.here], cut)
            self.client.update(self.pair.now)
            self.events += self.client.events()
            for end in (self.client, self.server):
                if end is not None and end.is_connected:
                    end.send(ORDERED, b"reliable")
                    end.send(UNRELIABLE, bytes(20))
                    end.take_messages()

    def _handle(self, event: object) -> None:
        if isinstance(event, ConnectRequested):
            self.pair.endpoint.accept(event.request_id)
            return
        self.events.append(event)
        if isinstance(event, Connected) and event.connection.address == self.here:
            self.server = event.connection

    def _carry(self, way: str, records: Sequence[tuple[bytes, object]], cut: Callable[[str, bytes], bytes]) -> None:
        data = b"".join(pack_record(record) for record, _ in records if record)
        passed = cut(way, data)
        self.sent[way] += data
        reader = self.to_server if way == "server" else self.to_client
        for record in reader.feed(passed):
            self.hand_over(way, record)
        if len(passed) < len(data) or reader.is_broken:
            self.hand_over(way, b"")

    def hand_over(self, way: str, record: bytes) -> None:
        if way == "server":
            self.pair.endpoint.receive_datagram(record, self.here, self.pair.now)
        else:
            self.client.receive_datagram(record, self.there, self.pair.now)


def until(way: str, limit: int) -> Callable[[str, bytes], bytes]:
    """Let so many bytes through toward one side, and no more; the other way stays open."""
    left = limit

    def cut(toward: str, data: bytes) -> bytes:
        nonlocal left
        if toward != way:
            return data
        passed, left = data[:left], max(0, left - len(data))
        return passed

    return cut


def recorded(way: str) -> int:
    """Return how many bytes of a session go one way until it has said a few things."""
    pair = StreamPair()
    session = Session(pair, 1)
    session.run()
    assert session.server is not None
    return len(session.sent[way])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["server", "client"])
def test_a_stream_may_end_at_every_byte_of_a_session(way: str) -> None:
    """Both ends notice at once, nothing is left behind, and whoever else is connected does not notice."""
    pair = StreamPair(config=PATIENT)
    bystander, its_server = pair.connect()
    drops = its_server.statistics.drops.total(), bystander.statistics.drops.total()
    for number in range(recorded(way)):
        session = Session(pair, 2 + number)
        session.run(cut=until(way, number))
        victim = session.client if way == "client" else session.server
        if victim is not None:
            assert victim.state is State.CLOSED, number
        session.hand_over("server", b"")  # the path tells the other end as well
        session.hand_over("client", b"")
        session.run(passes=2, cut=lambda way, data: data)

        ended = [event for event in session.events if isinstance(event, Disconnected)]
        assert session.client.state is State.CLOSED
        assert all(event.reason is DisconnectReason.CONNECTION_LOST for event in ended)
        assert list(pair.endpoint.connections.values()) == [its_server], number
        assert pair.endpoint._visitors == {}
        assert list(pair.endpoint._streams) == [its_server.address]
        assert pair.endpoint._handshakes.pending == 0

    bystander.send(ORDERED, b"still here")
    pair.run(0.2)
    assert its_server.take_messages() == [(ORDERED, b"still here")]
    assert (its_server.statistics.drops.total(), bystander.statistics.drops.total()) == drops


@pytest.mark.slow
@pytest.mark.parametrize("way", ["server", "client"])
def test_every_byte_of_a_session_changed(way: str) -> None:
    """A stream with one wrong bit ends, with a reason or by the deadline; nothing of it is believed."""
    pair = StreamPair()
    _, its_server = pair.connect()
    for place in range(recorded(way)):
        session = Session(pair, 2 + place)

        def flip(toward: str, data: bytes, *, place: int = place, session: Session = session) -> bytes:
            at = place - len(session.sent[way])
            if toward != way or not 0 <= at < len(data):
                return data
            return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]

        session.run(passes=12, cut=flip)
        both = session.client.is_connected and session.server is not None and session.server.is_connected
        assert both is (way == "server" and place in UNREAD), place
        session.hand_over("server", b"")
        session.run(passes=2)

    assert its_server.is_connected
    pair.run(12)
    assert its_server.state is State.CONNECTED
    assert pair.endpoint._visitors == {}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5), st.integers(0, 4))
def test_any_records_at_any_time_disturb_nobody(records: list[bytes], after: int) -> None:
    """Garbage before, during and after a handshake: 0 exceptions, and the bystander's session goes on."""
    pair = StreamPair(config=PATIENT)
    bystander, its_server = pair.connect()
    session = Session(pair, 2)
    session.run(passes=after)
    for record in records:
        session.hand_over("server", record)
        session.hand_over("client", record)
    session.run(passes=3)
    bystander.send(ORDERED, b"still here")
    pair.run(0.1)

    assert its_server.take_messages() == [(ORDERED, b"still here")]
    assert its_server.address == StreamAddress(*CLIENT, 1)


def test_garbage_from_a_thousand_visitors_leaves_nothing_behind() -> None:
    """Each is shown out by the deadline at the latest; no key exchange was done for any."""
    pair = StreamPair()
    pair.connect()
    chance = random.Random(5)
    for number in range(1000):
        address = StreamAddress(f"visitor {number}", 9, number)
        for _ in range(3):
            record = bytes([0x81 + chance.randrange(4)]) + chance.randbytes(chance.randrange(200))
            pair.endpoint.receive_datagram(record, address, pair.now)
    assert len(pair.endpoint._visitors) == 1000
    pair.run(5.1)

    assert pair.endpoint._visitors == {}
    assert pair.endpoint._handshakes.pending == 0
    assert len(pair.endpoint.connections) == 1
