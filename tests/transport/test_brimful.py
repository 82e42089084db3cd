"""A connection filled to the brim at the limits it has by default: what is refused, and how much memory that takes.

Limits that a smaller configuration shows as well are tested where they live; tests/test_limits.py lists all of them.
"""

import gc
import tracemalloc
from collections.abc import Iterable

import pytest

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError, RemoteProtocolError, SendQueueFull
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import packet
from ecsnet.transport.acks import ACK_RANGE, ReceivedPackets
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.connection import Connection
from ecsnet.transport.crypto import PacketKeys, SessionKeys
from ecsnet.transport.state import State
from tests.transport.pair import CHANNELS, CLIENT, ORDERED, UNORDERED, UNRELIABLE, Pair

CONFIG = TransportConfig()
HARD_BYTES = 1_600_000
IDLE_BYTES = 20_000
KINDS = bytes(channel.delivery for channel in CHANNELS)


class Intruder:
    """An authenticated client that packs its frames by hand, and the server it fills."""

    def __init__(self) -> None:
        self.pair = Pair()
        self.client, self.server = self.pair.connect()

    def send(self, frames: Iterable[bytes]) -> None:
        assert self.client._traffic is not None
        self.server.receive_datagram(self.client._traffic.seal(b"".join(frames)), CLIENT, self.pair.now)

    def reason(self) -> DisconnectReason | None:
        self.pair.run(0.2)
        ended = [event.reason for event in self.pair.ended() if event.connection is self.server]
        return ended[0] if ended else None


def allocated() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize(
    ("sender", "limit"),
    [("client", CONFIG.client_send_queue_bytes), ("server", CONFIG.server_send_queue_bytes)],
)
def test_a_send_queue_takes_what_it_may_and_not_a_byte_more(sender: str, limit: int) -> None:
    """The server's is larger: it has one player's world to say, the player little."""
    pair = Pair()
    client, server = pair.connect()
    connection = client if sender == "client" else server
    for _ in range(limit // 65_536):
        connection.send(ORDERED, bytes(65_536 - CONFIG.queued_overhead_bytes))
    connection.send(ORDERED, b"")

    with pytest.raises(SendQueueFull, match=f"limit of {limit} B"):
        connection.send(ORDERED, b"x")
    connection.send(UNORDERED, b"another channel has its own")


def test_empty_messages_fill_a_queue_too() -> None:
    client, _ = Pair().connect()
    for _ in range(CONFIG.client_send_queue_bytes // CONFIG.queued_overhead_bytes + 1):
        client.send(ORDERED, b"")

    with pytest.raises(SendQueueFull, match="683 messages of 0 B"):
        client.send(ORDERED, b"")


def test_reliable_message_1024_waits_for_message_0() -> None:
    """The sender's side of the window: nothing is sent that the receiver would have to refuse."""
    pair = Pair()
    client, server = pair.connect()
    for _ in range(1100):
        server.send(ORDERED, b"")
    server.datagrams_to_send(pair.now)  # lost, all of it

    sender = server._outbox._senders[ORDERED]
    assert sender.peek() is None
    assert len(sender._waiting) == 1100 - CONFIG.reliable_window_messages
    got = 0
    for _ in range(600):
        pair.step()
        got += len(client.take_messages())
    assert got == 1100


@pytest.mark.parametrize("channel", [UNORDERED, ORDERED])
def test_who_sends_beyond_the_window_is_closed(channel: int) -> None:
    """The receiver's side: 1023 ahead of what is missing is the last."""
    honest, greedy = Intruder(), Intruder()
    honest.send([packet.pack_numbered(channel, 1023, b"")])
    greedy.send([packet.pack_numbered(channel, 1024, b"")])

    assert honest.reason() is None
    assert greedy.reason() is DisconnectReason.PROTOCOL_ERROR


def test_who_fills_the_receive_buffer_is_closed_and_all_is_let_go() -> None:
    intruder = Intruder()
    receiver = intruder.server._inbox._receivers[ORDERED]
    part = bytes(1000)
    for number in range(1, 5):
        for index in range(200):
            if intruder.server.state is State.CONNECTED:
                assert receiver.held_bytes <= CONFIG.receive_buffer_bytes
                intruder.send([packet.pack_fragment(ORDERED, number, index, 256, part)])

    assert intruder.reason() is DisconnectReason.PROTOCOL_ERROR
    assert receiver.held_bytes == 0


def test_an_inbox_nobody_reads_stops_at_its_limit() -> None:
    """The connection lives on; what does not fit is not acknowledged."""
    intruder = Intruder()
    for _ in range(400):
        intruder.send([packet.pack_message(UNRELIABLE, bytes(1000))])

    assert CONFIG.max_inbox_bytes < intruder.server._inbox._bytes < CONFIG.max_inbox_bytes + 1200
    assert intruder.server.statistics.drops["inbox full"] > 100
    assert intruder.server.state is State.CONNECTED


def test_unreliable_messages_wait_up_to_the_limit_and_the_oldest_go() -> None:
    client, _ = Pair().connect()
    for token in range(400):
        client.send(UNRELIABLE, bytes(1000), token=token)

    limit, overhead = CONFIG.max_unreliable_queue_bytes, CONFIG.message_overhead_bytes
    waiting = client._outbox.waiting_bytes * (1003 + overhead) // 1003
    assert limit - 1200 < waiting <= limit
    lost = client.take_reports()
    assert lost == [(token, False) for token in range(len(lost))]


def test_a_packet_holds_255_frames() -> None:
    frames = [packet.pack_message(UNRELIABLE, b"")] * packet.MAX_FRAMES
    assert len(packet.parse(b"".join(frames), KINDS, 256)[0]) == 255

    with pytest.raises(RemoteProtocolError, match="256 frames"):
        packet.parse(b"".join([*frames, packet.PING_FRAME]), KINDS, 256)


def test_a_table_holds_32_channels() -> None:
    """Each of them can be used; a thirty-third cannot be asked for."""
    table = [Channel(f"channel {i}", Delivery(i % 4)) for i in range(packet.MAX_CHANNELS)]
    make_connection(table)
    kinds = bytes(channel.delivery for channel in table)
    assert packet.parse(packet.pack_message(28, b"x"), kinds, 256)[0] == [(28, b"x")]
    with pytest.raises(RemoteProtocolError):
        packet.parse(packet.pack_message(32, b"x"), kinds, 256)
    for wrong in ([], [*table, table[0]]):
        with pytest.raises(LocalProtocolError, match="1 to 32 channels"):
            make_connection(wrong)


def test_the_replay_window_reaches_1024_below_the_largest() -> None:
    """A packet further behind could not be acknowledged, so it is not accepted."""
    received = ReceivedPackets()
    received.add(5000, 1.0, ack_eliciting=True)

    assert received.check(5000 - ACK_RANGE)
    assert not received.check(5000 - ACK_RANGE - 1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1, 30, 300, 1100])
def test_what_a_peer_can_make_us_hold_is_bounded(size: int) -> None:
    """Both reliable channels full of parts that never become whole, and an inbox nobody reads; however small the parts.

    Where small parts cost more than they weigh, the overhead they are charged must cover it.
    """
    intruder = Intruder()
    intruder.pair.run(1)
    tracemalloc.start()
    before = allocated()
    for channel in (UNORDERED, ORDERED):
        fill(intruder, channel, size)
    while not intruder.server._inbox.is_full:
        intruder.send([packet.pack_message(UNRELIABLE, bytes(size))] * (1150 // (size + 3) if size > 2 else 250))
    held = allocated() - before
    tracemalloc.stop()

    assert intruder.server.state is State.CONNECTED
    assert all(receiver.held_bytes > 520_000 for receiver in intruder.server._inbox._receivers.values())
    assert held < HARD_BYTES


def fill(intruder: Intruder, channel: int, size: int) -> None:
    """Send parts of messages that lack their last one, until the next would be too much."""
    receiver = intruder.server._inbox._receivers[channel]
    parts = [(number, index) for number in range(1, 1024) for index in range(255)]
    charge = size + CONFIG.held_overhead_bytes
    room = (CONFIG.receive_buffer_bytes - receiver.held_bytes) // charge
    at_once = 1150 // (size + 10)
    for start in range(0, room, at_once):
        chosen = parts[start : min(start + at_once, room)]
        # Bytes of their own for each part: equal ones could be one object.
        intruder.send(packet.pack_fragment(channel, n, i, 256, bytes([i & 0xFF]) * size) for n, i in chosen)


@pytest.mark.parametrize("size", [1000, 60_000])
def test_what_we_send_to_a_peer_that_acknowledges_nothing_is_bounded(size: int) -> None:
    """A full queue of 1 MB, and all the window lets through on its way, again and again."""
    pair = Pair()
    _, server = pair.connect()
    pair.run(1)
    tracemalloc.start()
    before = allocated()
    for _ in range(CONFIG.server_send_queue_bytes // (size + CONFIG.queued_overhead_bytes)):
        server.send(ORDERED, bytes(size))
    for _ in range(300):
        server.update(pair.now)
        server.datagrams_to_send(pair.now)
        pair.now += 1 / 60
    held = allocated() - before
    tracemalloc.stop()

    assert held < HARD_BYTES


@pytest.mark.slow
def test_small_messages_do_not_take_more_than_large_ones() -> None:
    """The same queue full of small messages: each takes a piece, a frame and four places in tables."""
    _, server = Pair().connect()
    tracemalloc.start()
    before = allocated()
    try:
        for _ in range(20_000):
            server.send(ORDERED, b"small")
    except SendQueueFull:
        pass
    held = allocated() - before
    tracemalloc.stop()

    assert held < HARD_BYTES


def test_an_idle_connection_takes_20_kb() -> None:
    """A thousand players who wait take 20 MB; the average of many, since objects share what they can."""
    make_connection(CHANNELS)
    tracemalloc.start()
    before = allocated()
    connections = [make_connection(CHANNELS) for _ in range(50)]
    each = (allocated() - before) / len(connections)
    tracemalloc.stop()

    assert 2_000 < each < IDLE_BYTES


def make_connection(channels: Iterable[Channel]) -> Connection:
    keys = SessionKeys(PacketKeys("AESGCM", bytes(32)), PacketKeys("AESGCM", bytes(32)), bytes(32))
    return Connection.accepted(CLIENT, connection_id=1, keys=keys, channels=tuple(channels), config=CONFIG, now=0.0)
