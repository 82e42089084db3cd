"""A connection over every kind of network: what it promises, and how it ends."""

import pytest

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError, SendQueueFull
from ecsnet.events import Connected, ConnectRequested, Writable
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from ecsnet.transport.state import State
from tests.transport.pair import CLIENT, ORDERED, SEQUENCED, SERVER, UNORDERED, UNRELIABLE, Pair

ROUGH = Link(loss=0.25, duplicate=0.25, reorder=0.1, latency_seconds=0.1, jitter_seconds=0.05)
MOON = Link(loss=0.25, duplicate=0.25, latency_seconds=1.0, jitter_seconds=0.1)


def drain(connection: Connection, channel: int) -> list[bytes]:
    return [message for received, message in connection.take_messages() if received == channel]


@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("link", [ROUGH, MOON, Link.PERFECT], ids=["rough", "moon", "perfect"])
@pytest.mark.parametrize("channel", [ORDERED, UNORDERED])
def test_reliable_messages_arrive_exactly_once(channel: int, link: Link, *, from_client: bool) -> None:
    """Whatever is lost, repeated or overtaken: each once, and in order where that is promised."""
    pair = Pair(link=link, seed=5)
    ends = pair.connect()
    sender, receiver = ends if from_client else ends[::-1]
    sent, got = [], []
    for number in range(300):
        size = 3000 if number % 50 == 7 else number % 40  # some need fragments
        message = number.to_bytes(2, "big") + bytes(size)
        sender.send(channel, message)
        sent.append(message)
        pair.step()
        got += drain(receiver, channel)
    for _ in range(60 * 60):
        pair.step()
        got += drain(receiver, channel)

    assert (got if channel == ORDERED else sorted(got)) == sent
    assert sender.statistics.drops["unreliable queue full"] == 0


@pytest.mark.parametrize("link", [ROUGH, Link.PERFECT], ids=["rough", "perfect"])
def test_every_token_is_reported_exactly_once(link: Link) -> None:
    """Replication lives on these reports: one that never comes is a client that is never repaired."""
    pair = Pair(link=link, seed=6)
    client, server = pair.connect()
    reports: list[tuple[int, bool]] = []
    arrived = set()
    for token in range(600):
        client.send(UNRELIABLE, token.to_bytes(2, "big"), token=token)
        pair.step()
        reports += client.take_reports()
        arrived |= {int.from_bytes(message, "big") for message in drain(server, UNRELIABLE)}
    pair.run(3)
    reports += client.take_reports()
    arrived |= {int.from_bytes(message, "big") for message in drain(server, UNRELIABLE)}

    assert sorted(token for token, _ in reports) == list(range(600))
    assert {token for token, acked in reports if acked} <= arrived


def test_a_lost_last_packet_is_noticed() -> None:
    """Nothing is sent after it, so no later acknowledgement can tell: the probe must."""
    pair = Pair()
    client, _ = pair.connect()
    pair.run(0.5)
    pair.network.partition(CLIENT, SERVER)
    client.send(UNRELIABLE, b"gone", token=9)
    pair.step()
    pair.network.heal(CLIENT, SERVER)
    pair.run(1.0)

    assert client.take_reports() == [(9, False)]


def test_sequenced_messages_never_go_back() -> None:
    """An old position after a newer one would be worse than none."""
    pair = Pair(link=ROUGH, seed=8)
    client, server = pair.connect()
    got = []
    for number in range(500):
        client.send(SEQUENCED, number.to_bytes(2, "big"))
        pair.step()
        got += [int.from_bytes(message, "big") for message in drain(server, SEQUENCED)]

    assert got == sorted(set(got))
    assert len(got) > 150


def test_a_close_tells_the_other_side_why() -> None:
    """Both sides learn the reason, and both forget each other soon after."""
    pair = Pair(link=Link.MOBILE, seed=3)
    client, server = pair.connect()
    client.close(DisconnectReason.LEFT, "bye", now=pair.now)
    pair.run(3)

    assert [(event.connection, event.reason, event.text) for event in pair.ended()] == [
        (client, DisconnectReason.LEFT, "bye"),
        (server, DisconnectReason.LEFT, "bye"),
    ]
    assert client.state is server.state is State.CLOSED
    assert not pair.endpoint.connections


def test_silence_ends_a_connection_on_both_sides() -> None:
    """A pulled plug says nothing: after ten seconds both sides know."""
    pair = Pair()
    pair.connect()
    pair.network.partition(CLIENT, SERVER)
    pair.run(9.0)
    assert not pair.ended()
    pair.run(1.5)

    assert [event.reason for event in pair.ended()] == [DisconnectReason.TIMEOUT] * 2
    assert not pair.endpoint.connections


def test_an_idle_connection_stays_up_and_costs_little() -> None:
    """Keep-alives once a second, answered; nothing else."""
    pair = Pair()
    client, server = pair.connect()
    pair.run(60)

    assert client.state is server.state is State.CONNECTED
    assert client.statistics.datagrams_sent < 150


def test_a_refusal_says_why() -> None:
    """The player reads the reason, and the program gets its payload."""
    pair = Pair(
        accept=lambda endpoint, request: endpoint.refuse(
            request.request_id, DisconnectReason.SERVER_FULL, "come back at eight", b"payload"
        )
    )
    pair.run(1)

    ended = pair.ended()
    assert [(event.reason, event.text, event.payload) for event in ended] == [
        (DisconnectReason.SERVER_FULL, "come back at eight", b"payload")
    ]


def test_a_server_that_is_not_there_times_out() -> None:
    """Five seconds of trying, then a clear end."""
    pair = Pair()
    pair.network.partition(CLIENT, SERVER)
    pair.run(5.5)

    assert [event.reason for event in pair.ended()] == [DisconnectReason.HANDSHAKE_TIMEOUT]


def test_another_key_than_the_pinned_one_is_a_hard_end() -> None:
    """Somebody in between has another key; so has a server that lost its own. Neither may pass."""
    pair = Pair(pins=(Identity.generate(bytes).public,))
    pair.run(6)

    assert [event.reason for event in pair.ended()] == [DisconnectReason.SERVER_KEY_MISMATCH]


@pytest.mark.parametrize("seed", range(20))
def test_the_handshake_survives_any_network(seed: int) -> None:
    """A quarter of everything lost: somebody still gets in."""
    pair = Pair(link=ROUGH, seed=seed)
    client, server = pair.connect()

    assert [event.payload for event in pair.events if isinstance(event, Connected)] == [b"welcome", b""]
    assert client.connection_id == server.connection_id


def test_a_full_send_queue_says_so_and_recovers() -> None:
    """A peer that does not read must not fill our memory."""
    pair = Pair(config=TransportConfig(client_send_queue_bytes=10_000, queued_overhead_bytes=0))
    client, server = pair.connect()
    pair.network.partition(CLIENT, SERVER)
    for _ in range(10):
        client.send(ORDERED, bytes(1000))
    with pytest.raises(SendQueueFull, match="10000"):
        client.send(ORDERED, bytes(1000))
    pair.network.heal(CLIENT, SERVER)
    pair.run(2)

    client.send(ORDERED, b"again")
    pair.run(1)
    assert drain(server, ORDERED)[-1] == b"again"


def test_a_peer_that_never_reads_stops_the_sender_not_the_memory() -> None:
    """An application that takes no messages is sent a window of them and no more; nothing is sent twice or lost."""
    config = TransportConfig(credit_bytes=20_000, max_reliable_message_bytes=10_000)
    pair = Pair(config=config)
    client, server = pair.connect()
    for number in range(100):
        client.send(ORDERED, number.to_bytes(2, "big") + bytes(998))
    pair.run(5)
    assert client.statistics.retransmits == 0
    first = drain(server, ORDERED)
    assert len(first) == 20_000 // (1000 + config.message_overhead_bytes)
    got = list(first)
    for _ in range(60):
        pair.step()
        got += drain(server, ORDERED)

    assert [int.from_bytes(message[:2], "big") for message in got] == list(range(100))


def test_a_peer_that_reads_nothing_for_too_long_is_closed_and_told_why() -> None:
    """What waits for it would only grow old; others must not be kept waiting for its sake."""
    pair = Pair(config=TransportConfig(credit_bytes=20_000, max_reliable_message_bytes=10_000))
    client, server = pair.connect()
    for _ in range(100):
        server.send(ORDERED, bytes(1000))
    pair.run(29)
    assert server.state is State.CONNECTED
    pair.run(5)  # it is looked at about once a second

    assert [(event.connection, event.reason) for event in pair.ended()] == [
        (server, DisconnectReason.TOO_SLOW),
        (client, DisconnectReason.TOO_SLOW),
    ]


def test_a_host_that_slept_is_not_taken_for_a_peer_that_does_not_read() -> None:
    """What counts is how long something waits, not how long ago something last did."""
    pair = Pair(config=TransportConfig(idle_timeout_seconds=100.0))
    client, server = pair.connect()
    pair.now += 60
    client.send(ORDERED, b"good morning")
    pair.run(1)

    assert client.is_connected
    assert drain(server, ORDERED) == [b"good morning"]


def test_a_channel_that_refused_says_when_it_takes_messages_again() -> None:
    pair = Pair(config=TransportConfig(client_send_queue_bytes=10_000))
    client, server = pair.connect()
    for _ in range(10):
        client.send(ORDERED, bytes(650))
    assert not client.is_writable(ORDERED, 1)
    assert client.is_writable(UNORDERED, 1000)
    with pytest.raises(SendQueueFull):
        client.send(ORDERED, b"x")
    assert not any(isinstance(event, Writable) for event in client.events())
    pair.run(1)

    assert [event for event in pair.events if isinstance(event, Writable)] == [Writable(client, ORDERED)]
    assert client.is_writable(ORDERED, 10_000)
    assert len(drain(server, ORDERED)) == 10


def test_a_connection_that_has_ended_is_never_writable() -> None:
    """Whoever answers `Writable` by sending would be told of a mistake it did not make."""
    pair = Pair()
    client, _ = pair.connect()
    while client.is_writable(ORDERED, 1000):
        client.send(ORDERED, bytes(1000))
    with pytest.raises(SendQueueFull):
        client.send(ORDERED, bytes(1000))
    client.close(DisconnectReason.LEFT, now=pair.now)

    assert not any(isinstance(event, Writable) for event in client.events())


@pytest.mark.parametrize("channel", [UNRELIABLE, SEQUENCED])
@pytest.mark.parametrize("link", [Link.PERFECT, ROUGH])
def test_an_unreliable_message_of_many_datagrams_arrives_whole_or_not_at_all(channel: int, link: Link) -> None:
    """And the report of it says which."""
    pair = Pair(link=link)
    client, server = pair.connect()
    got, reports = [], []
    for number in range(300):
        client.send(channel, number.to_bytes(2, "big") * 2500, token=number)
        for _ in range(6):
            pair.step()
            got += drain(server, channel)
            reports += client.take_reports()
    for _ in range(60 * 20):
        pair.step()
        got += drain(server, channel)
        reports += client.take_reports()

    numbers = [int.from_bytes(message[:2], "big") for message in got]
    assert got == [number.to_bytes(2, "big") * 2500 for number in numbers]
    assert len(set(numbers)) == len(numbers)
    assert sorted(token for token, _ in reports) == list(range(300))
    arrived = {token for token, has_arrived in reports if has_arrived}
    if channel == UNRELIABLE:
        assert arrived <= set(numbers)
    assert 15 < len(numbers) < 300 if link is ROUGH else numbers == list(range(300))


def test_an_unreliable_message_of_too_many_datagrams_is_refused() -> None:
    pair = Pair()
    client, _ = pair.connect()
    most = 16 * client.max_message_bytes
    client.send(UNRELIABLE, bytes(most))
    with pytest.raises(LocalProtocolError, match="16 datagrams"):
        client.send(UNRELIABLE, bytes(most + 1))


def test_the_callers_mistakes_raise_at_once() -> None:
    """Sending before or after the connection, too much at once, or asking a reliable channel for reports."""
    pair = Pair()
    with pytest.raises(LocalProtocolError, match="CHALLENGING"):
        pair.client.send(UNRELIABLE, b"early")
    client, _ = pair.connect()
    with pytest.raises(LocalProtocolError, match="not negative"):
        client.send(UNRELIABLE, b"x", token=-1)
    with pytest.raises(LocalProtocolError, match="reliable"):
        client.send(ORDERED, b"x", token=1)
    with pytest.raises(LocalProtocolError, match="longer"):
        client.send(ORDERED, bytes(300_000))
    client.close(DisconnectReason.LEFT, now=pair.now)
    client.close(DisconnectReason.LEFT, now=pair.now)
    with pytest.raises(LocalProtocolError, match="CLOSING"):
        client.send(UNRELIABLE, b"late")


def test_a_clock_that_runs_backward_changes_nothing() -> None:
    """Suspend and resume, or a broken clock: time stands still for a while, no more."""
    pair = Pair()
    client, server = pair.connect()
    server.send(UNRELIABLE, b"asks for an ACK")
    pair.step()
    client.send(UNRELIABLE, b"takes the ACK along")
    pair.now -= 50.0
    pair.run(1)
    client.send(ORDERED, b"still here")
    pair.run(1)

    assert server.take_messages() == [(UNRELIABLE, b"takes the ACK along"), (ORDERED, b"still here")]


def test_requests_are_answered_once() -> None:
    """The second answer is the caller's mistake."""
    requests: list[ConnectRequested] = []

    def keep(endpoint: Endpoint, request: ConnectRequested) -> None:
        requests.append(request)
        endpoint.accept(request.request_id)

    pair = Pair(accept=keep)
    pair.connect()
    with pytest.raises(LocalProtocolError, match="answered before"):
        pair.endpoint.accept(requests[0].request_id)
