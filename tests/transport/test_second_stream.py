"""The section "Streams" of PROTOCOL.md is complete: a second implementation of it talks with the first."""

import ast
import random
from pathlib import Path

import pytest

from ecsnet.config import TransportConfig
from ecsnet.events import Connected, ConnectRequested
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.address import StreamAddress
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from ecsnet.transport.records import RecordReader, pack_record
from ecsnet.transport.state import State
from tests.transport import second, secondstream
from tests.transport.pair import APPLICATION, CHANNELS, ORDERED, STEP, UNRELIABLE

DELIVERIES = tuple(second.Delivery[channel.delivery.name] for channel in CHANNELS)
HERE = StreamAddress("here", 2, 1)


class Meeting:
    """A real server's endpoint and a client of the second implementation, joined by bytes in pieces."""

    def __init__(
        self,
        *,
        refuse: bool = False,
        haves: second.Haves | None = None,
        psk: bytes | None = None,
        datagram_bytes: int = 1200,
    ) -> None:
        self.chance = random.Random(5)
        self.endpoint = Endpoint(
            Identity.generate(self.chance.randbytes), application_id=APPLICATION, channels=CHANNELS,
            config=TransportConfig(datagram_bytes=datagram_bytes), entropy=self.chance.randbytes, password_key=psk,
        )  # fmt: skip
        self.client = secondstream.MinimalStreamClient(
            DELIVERIES, APPLICATION, b"who I am", self.chance.randbytes, haves
        )
        self.now = 100.0
        self.events: list[object] = []
        self.has_ended = False
        self._reader = RecordReader(1200)
        self._refuse = refuse

    def run(self, steps: int = 60) -> None:
        for _ in range(steps):
            self.now += STEP
            for record in self._reader.feed(self.client.take_bytes()):
                self.endpoint.receive_datagram(record, HERE, self.now)
            self.endpoint.update(self.now)
            for event in self.endpoint.events():
                self.events.append(event)
                if isinstance(event, ConnectRequested) and self._refuse:
                    self.endpoint.refuse(event.request_id, DisconnectReason.SERVER_FULL, "full")
                elif isinstance(event, ConnectRequested):
                    self.endpoint.accept(event.request_id, b"welcome")
            data = b""
            for record, _ in self.endpoint.datagrams_to_send(self.now):
                self.has_ended |= not record
                data += pack_record(record) if record else b""
            while data:
                size = self.chance.randint(1, 900)
                self.client.receive_bytes(data[:size])
                data = data[size:]

    def connect(self) -> Connection:
        self.run(5)
        [connection] = [event.connection for event in self.events if isinstance(event, Connected)]
        return connection


def test_the_second_implementation_shares_nothing_with_the_first() -> None:
    """Otherwise it would prove nothing."""
    tree = ast.parse(Path(secondstream.__file__).read_text(encoding="utf-8"))
    imported = {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert imported == {"tests.transport.second"}


@pytest.mark.parametrize("from_client", [True, False])
def test_messages_of_all_channels_arrive(*, from_client: bool) -> None:
    """Whole and in parts, more than a window of them; and what arrived is acknowledged."""
    meeting = Meeting()
    connection = meeting.connect()
    sent = [
        (channel, bytes([channel, at])) for channel in range(len(CHANNELS)) for at in range(1 if channel == 1 else 3)
    ]
    sent += [(channel, bytes(range(250)) * 400) for channel in range(len(CHANNELS)) if channel >= 2]
    sent += [(ORDERED, b"last")]
    got = []
    for channel, message in sent:
        (meeting.client if from_client else connection).send(channel, message)
    for _ in range(60):
        meeting.run(1)
        got += connection.take_messages()

    assert sorted(got if from_client else meeting.client.messages) == sorted(sent)
    assert connection.state is State.CONNECTED
    if from_client:
        assert max(meeting.client.acknowledged) >= meeting.client.next_packet - 3
    else:
        assert connection.budget_bytes(meeting.now) == TransportConfig().stream_window_bytes


@pytest.mark.parametrize("suite", [0, 1])
@pytest.mark.parametrize("psk", [b"", b"\1" * 32], ids=["open", "locked"])
@pytest.mark.parametrize("static", [b"", b"\5" * 32], ids=["anybody", "player"])
def test_every_pattern_and_suite_is_spoken(static: bytes, psk: bytes, suite: int) -> None:
    meeting = Meeting(haves=second.Haves(static=static, psk=psk, suite=suite), psk=psk or None)
    connection = meeting.connect()
    meeting.client.send(ORDERED, b"hello")
    connection.send(ORDERED, b"welcome")
    meeting.run()

    assert connection.take_messages() == [(ORDERED, b"hello")]
    assert meeting.client.read() == [(ORDERED, b"welcome")]


@pytest.mark.parametrize("from_client", [True, False])
def test_credit_is_given_and_kept_to(*, from_client: bool) -> None:
    """As over UDP: who does not read stops the other, and who reads on starts it again."""
    meeting = Meeting()
    connection = meeting.connect()
    sender = meeting.client if from_client else connection
    for _ in range(100):
        sender.send(ORDERED, bytes(4000))
        meeting.run(3)
    read = connection.take_messages if from_client else meeting.client.read
    before = len(read())
    meeting.run()

    assert before == second.CREDIT_BYTES // (4000 + second.MESSAGE_COST_BYTES)
    assert before + len(read()) == 100


@pytest.mark.parametrize("datagram_bytes", [256, 1472])
def test_records_are_the_same_whatever_datagrams_are_sent(datagram_bytes: int) -> None:
    """A server with longer datagrams sends no longer records; one with shorter takes a window of long ones."""
    meeting = Meeting(datagram_bytes=datagram_bytes)
    connection = meeting.connect()
    connection.send(ORDERED, bytes(10_000))
    meeting.run()
    for _ in range(246):  # until the server's inbox is full ...
        meeting.client.send(UNRELIABLE, bytes(1000))
    meeting.run(5)
    for size in [1092] * 59 + [900, 1160]:  # ... and a window more, of which the last begins below and ends above
        meeting.client.send_frames(second.Message(UNRELIABLE, None, bytes(size)))
    meeting.run(5)

    assert meeting.client.read() == [(ORDERED, bytes(10_000))]
    assert connection.state is State.CONNECTED


def test_a_refusal_and_a_goodbye_are_understood() -> None:
    """And whoever hears CLOSE answers it and ends the stream."""
    refused = Meeting(refuse=True)
    refused.run(5)
    left = Meeting()
    left.connect()
    left.client.close(DisconnectReason.LEFT, "bye")
    left.run()
    closed = Meeting()
    closed.connect().close(DisconnectReason.KICKED, "out", now=closed.now)
    closed.run()

    assert refused.client.verdict == second.Verdict(None, b"", DisconnectReason.SERVER_FULL, "full")
    assert left.client.heard == second.Close(DisconnectReason.LEFT, "")
    assert closed.client.heard == second.Close(DisconnectReason.KICKED, "out")
    assert left.has_ended
    assert closed.has_ended
    assert not closed.endpoint.connections
