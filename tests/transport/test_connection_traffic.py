"""A connection under load: many channels, full queues, narrow and bad links."""

import pytest

from ecsnet.config import TransportConfig
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport.state import State
from tests.transport.pair import CLIENT, ORDERED, SERVER, STEP, UNORDERED, UNRELIABLE, Pair


@pytest.mark.parametrize("size", [1, 1129, 1130, 100_000, 262_144])
def test_a_message_of_any_size_arrives_as_it_was_sent(size: int) -> None:
    """One piece, two pieces, the longest there is; over a link that loses a tenth."""
    pair = Pair(link=Link(loss=0.1, latency_seconds=0.03), seed=size)
    client, server = pair.connect()
    message = bytes(i * 7 & 0xFF for i in range(size))
    client.send(ORDERED, message)
    pair.run(5)

    assert server.take_messages() == [(ORDERED, message)]


def test_a_download_does_not_hold_up_state() -> None:
    """A megabyte of reliable bytes goes out beside it, and each state message still leaves with its tick."""
    pair = Pair()
    client, server = pair.connect()
    for _ in range(4):
        server.send(ORDERED, bytes(250_000))
    late, got = [], 0
    for tick in range(120):
        server.send(UNRELIABLE, tick.to_bytes(2, "big"))
        pair.step()
        for channel, message in client.take_messages():
            if channel == UNRELIABLE:
                late.append(tick - int.from_bytes(message, "big"))
            else:
                got += 1

    assert max(late) == 0
    assert len(late) == 120
    assert got == 4


def test_a_full_inbox_does_not_make_the_peer_look_dead() -> None:
    """The application hangs for a while: its connection must outlive that, and so must our own messages."""
    pair = Pair(config=TransportConfig(max_inbox_bytes=5000))
    client, server = pair.connect()
    for step in range(60 * 15):
        client.send(UNRELIABLE, bytes(100))
        if step == 600:
            server.send(ORDERED, b"still there?")
        pair.step()

    assert server.state is client.state is State.CONNECTED
    assert server.statistics.drops["inbox full"] > 100
    assert not server._outbox.is_waiting
    assert client.take_messages() == [(ORDERED, b"still there?")]
    server.take_messages()
    client.send(UNRELIABLE, b"welcome back")
    got = []
    for _ in range(120):  # by the next probe the client learns that it may send again
        pair.step()
        got += server.take_messages()
    assert got[-1] == (UNRELIABLE, b"welcome back")


def test_whoever_only_listens_sends_short_acks() -> None:
    """Its ACKs are never acknowledged by themselves; with 1024 packets each they would be 150 bytes long."""
    pair = Pair()
    client, server = pair.connect()
    for _ in range(60 * 20):
        server.send(UNRELIABLE, bytes(50))
        pair.step()
    before = client.statistics.bytes_sent, client.statistics.datagrams_sent
    for _ in range(60 * 20):
        server.send(UNRELIABLE, bytes(50))
        pair.step()
    sent = client.statistics.bytes_sent - before[0]

    assert sent / (client.statistics.datagrams_sent - before[1]) < 60


def test_the_budget_bounds_a_call_and_asks_for_no_more_than_fits() -> None:
    pair = Pair(config=TransportConfig(send_budget_bytes=10_000, initial_window_bytes=100_000))
    client, _ = pair.connect()
    pair.run(0.5)
    assert client.budget_bytes(pair.now) == 10_000
    for _ in range(30):
        client.send(UNRELIABLE, bytes(1000))
    assert client.budget_bytes(pair.now) == 0
    sizes = []
    for _ in range(30):
        pair.now += STEP
        sizes.append(sum(len(data) for data, _ in client.datagrams_to_send(pair.now)))

    assert all(size <= 10_000 + 1200 for size in sizes)
    assert sum(sizes) > 30_000
    assert client.budget_bytes(pair.now) == 10_000


@pytest.mark.parametrize("closes", ["client", "server"])
def test_every_token_is_reported_however_it_ends(closes: str) -> None:
    """Queued, on its way, or arrived but not yet known to: all of them, once, by the time the end is told."""
    pair = Pair(link=Link(loss=0.3, latency_seconds=0.1), seed=4)
    client, server = pair.connect()
    for token in range(60):
        client.send(UNRELIABLE, bytes(10), token=token)
        if token < 50:
            pair.step()
    ending = client if closes == "client" else server
    ending.close(DisconnectReason.KICKED, now=pair.now)
    pair.run(2)

    assert client.state is State.CLOSED
    assert sorted(token for token, _ in client.take_reports()) == list(range(60))


def test_a_killed_server_is_noticed_by_its_silence() -> None:
    """A kill -9 says nothing; ten seconds later the client knows, and all it had sent is reported."""
    pair = Pair()
    client, _ = pair.connect()
    pair.run(0.5)
    pair.network.partition(CLIENT, SERVER)
    client.send(UNRELIABLE, b"x", token=1)
    client.send(ORDERED, b"never to arrive")
    pair.run(10.5)

    assert [event.reason for event in pair.ended() if event.connection is client] == [DisconnectReason.TIMEOUT]
    assert client.take_reports() == [(1, False)]


def test_losses_make_small_calls_go_twice() -> None:
    """At 5 % loss nearly no call waits for a repair: a round trip of 100 ms and the time to notice."""
    pair = Pair(link=Link(loss=0.05, latency_seconds=0.05), seed=2)
    client, server = pair.connect()
    waited = []
    for tick in range(3000):
        client.send(UNRELIABLE, bytes(30))
        if tick % 3 == 0:
            client.send(UNORDERED, tick.to_bytes(2, "big"))
        pair.step()
        for channel, message in server.take_messages():
            if channel == UNORDERED:
                waited.append((tick - int.from_bytes(message, "big")) / 60)
    waited.sort()

    assert client.statistics.duplicates > 500
    assert waited[len(waited) * 98 // 100] < 0.09
