"""Bytes from the network: whatever is done to them, nothing is accepted, nothing raises, the session goes on."""

import contextlib
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsnet.config import GuardConfig, TransportConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.events import Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import packet
from ecsnet.transport.state import State
from ecsnet.transport.traffic import CLIENT_HEADER, FLAGS
from tests.transport.pair import CHANNELS, CLIENT, ORDERED, SERVER, UNRELIABLE, Pair

KINDS = bytes([channel.delivery for channel in CHANNELS])


def damaged(data: bytes) -> Iterator[bytes]:
    """Every byte changed in two ways, and every length cut off; of the padding of INIT and HELLO a sample."""
    positions = range(len(data)) if len(data) < 400 else [*range(300), *range(300, len(data), 61)]
    for position in positions:
        for bit in (0x01, 0x80):
            yield data[:position] + bytes((data[position] ^ bit,)) + data[position + 1 :]
        yield data[:position]


class Tampered(Pair):
    """A session in which every datagram arrives in every damaged form before it arrives intact."""

    def step(self) -> None:
        for address, receive in ((SERVER, self.endpoint.receive_datagram), (CLIENT, self.client.receive_datagram)):
            for data, source in self.network.receive(address, self.now + 1 / 60):
                before = self.snapshot()
                for broken in damaged(data):
                    receive(broken, source, self.now)
                assert self.snapshot() == before
                receive(data, source, self.now)
        super().step()

    def snapshot(self) -> tuple[object, ...]:
        """What must not change: who is connected, what arrived, what is on its way."""
        ends = [self.client] if self.server is None else [self.client, self.server]
        accepted = [(end.state, end.statistics.messages_received, repr(end)) for end in ends]
        return accepted, len(self.endpoint.connections), len(self.events)


def test_every_byte_of_a_session_flipped_or_cut() -> None:
    """From the first INIT to the last CLOSE; and the undamaged session still comes through whole."""
    patient = GuardConfig(handshakes_at_once=1_000_000)  # or the damaged HELLOs would use up what their network may do
    pair = Tampered(config=TransportConfig(guard=patient))
    client, server = pair.connect()
    got = []
    for number in range(12):
        client.send(ORDERED, b"to the server %d" % number)
        server.send(ORDERED, b"to the client %d" % number)
        client.send(UNRELIABLE, bytes(100))
        pair.run(1 / 20)
        got += [message for channel, message in server.take_messages() if channel == ORDERED]
    pair.run(0.5)
    got += [message for channel, message in server.take_messages() if channel == ORDERED]
    client.close(DisconnectReason.LEFT, now=pair.now)
    pair.run(2)

    assert got == [b"to the server %d" % number for number in range(12)]
    assert [event.reason for event in pair.ended()] == [DisconnectReason.LEFT] * 2


def test_every_datagram_replayed_later_is_refused() -> None:
    """Recorded and sent again, shuffled, twice: nothing arrives a second time."""
    pair = Pair()
    client, server = pair.connect()
    for number in range(50):
        client.send(UNRELIABLE, b"once %d" % number)
        server.send(UNRELIABLE, b"once %d" % number)
        pair.step()
    pair.run(0.5)
    counts = [len(end.take_messages()) for end in (client, server)]
    recorded = pair.recorded[:] * 2
    random.Random(1).shuffle(recorded)
    for data, destination in recorded:
        if destination == SERVER:
            pair.endpoint.receive_datagram(data, CLIENT, pair.now)
        else:
            client.receive_datagram(data, SERVER, pair.now)
    pair.run(0.1)

    assert counts == [50, 50]
    assert client.take_messages() == server.take_messages() == []
    assert client.state is server.state is State.CONNECTED


def test_a_stolen_datagram_gives_the_thief_nothing() -> None:
    """It arrives, once, as if the thief were a router; nothing but a challenge comes back. See also test_path.py."""
    pair = Pair()
    client, server = pair.connect()
    client.send(UNRELIABLE, b"secret")
    for data, _ in client.datagrams_to_send(pair.now) * 2:
        pair.endpoint.receive_datagram(data, ("thief", 6), pair.now)
    server.send(UNRELIABLE, b"for the client")

    assert server.take_messages() == [(UNRELIABLE, b"secret")]
    assert server.statistics.drops["replayed"] == 1
    sent = {address: data for data, address in pair.endpoint.datagrams_to_send(pair.now)}
    assert len(sent[CLIENT]) > 28 == len(sent["thief", 6])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    """Below the encryption sits a cheater with our own keys: the parser must bear anything."""
    with contextlib.suppress(RemoteProtocolError):
        packet.parse(data, KINDS, 256)


@pytest.mark.parametrize("seed", range(200))
def test_authenticated_nonsense_closes_the_connection_and_nothing_else(seed: int) -> None:
    """A client with valid keys sends garbage: it is closed with a reason, or it was harmless."""
    chance = random.Random(seed)
    pair = Pair(seed=seed)
    client, server = pair.connect()
    head = chance.choice([b"", b"\x01", b"\x02\x05", bytes((0x43, 0x00)), bytes((0x83, 0x01)), b"\x03"])
    plaintext = head + chance.randbytes(chance.randint(1, 60))
    traffic = client._traffic
    assert traffic is not None
    number = traffic._next_number + 1
    header = CLIENT_HEADER.pack(FLAGS, client.connection_id, number & 0xFFFF)
    pair.endpoint.receive_datagram(header + traffic._keys.send.seal(number, header, plaintext), CLIENT, pair.now)

    assert server.state in {State.CONNECTED, State.CLOSING, State.CLOSED}
    if server.state is State.CLOSING:  # we closed it; in CLOSED the garbage happened to be a CLOSE
        pair.endpoint.update(pair.now)
        ended = [event for event in pair.endpoint.events() if isinstance(event, Disconnected)]
        assert [event.reason for event in ended] == [DisconnectReason.PROTOCOL_ERROR]
