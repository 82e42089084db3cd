"""Streams: the same connection, on bytes that are never lost and may come late."""

import random

import pytest

from ecsnet.config import GuardConfig, HandshakeConfig, TransportConfig
from ecsnet.events import Connected, Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport.address import StreamAddress
from ecsnet.transport.clienthandshake import ClientHandshake
from ecsnet.transport.connection import Connection
from ecsnet.transport.packet import PING_FRAME, pack_ack, pack_message
from ecsnet.transport.state import State
from ecsnet.transport.stream import handshake_config
from tests.transport.pair import APPLICATION, CHANNELS, CLIENT, ORDERED, SEQUENCED, SERVER, UNORDERED, UNRELIABLE
from tests.transport.streams import TO_CLIENT, TO_SERVER, StreamPair

NARROW = Link(latency_seconds=0.05, bandwidth_bytes_per_second=64_000)
WINDOW = TransportConfig().stream_window_bytes


def reasons(pair: StreamPair) -> set[DisconnectReason]:
    return {event.reason for event in pair.ended()}


def drained(connection: Connection) -> list[bytes]:
    return [message for _, message in connection.take_messages()]


def test_the_handshake_is_four_small_records_and_the_first_packet_confirms() -> None:
    """No padding: nobody can write another's address on a stream. Nothing is asked twice."""
    pair = StreamPair()
    pair.connect()
    records = [data for data, _ in pair.recorded]

    assert [len(record) for record in records[:3]] == [31, 69, 52 + 48 + len(b"credentials")]
    assert [record[0] for record in records[:4]] == [0x81, 0x82, 0x83, 0x84]
    assert len(records[4]) == 1 + 16  # PING and a tag, without a header
    assert [type(event) for event in pair.events] == [Connected, Connected]


def test_a_slow_answer_is_waited_for_without_asking_again() -> None:
    """A stream repeats by itself; a second HELLO behind the REPLY would be taken for a packet."""
    pair = StreamPair(link=Link(latency_seconds=0.9))
    pair.connect()

    assert sum(data[:1] == b"\x81" for data, _ in pair.recorded) == 1
    assert sum(data[:1] == b"\x83" and len(data) == 111 for data, _ in pair.recorded) == 1


@pytest.mark.parametrize("link", [Link.PERFECT, Link.WIFI, Link.POOR], ids=["perfect", "wifi", "poor"])
@pytest.mark.parametrize("from_client", [True, False])
def test_every_channel_delivers_over_a_stream(link: Link, *, from_client: bool) -> None:
    """Everything arrives once and in order, whatever its channel; fragments as well."""
    pair = StreamPair(link=link, seed=5)
    client, server = pair.connect()
    sender, receiver = (client, server) if from_client else (server, client)
    big = random.Random(1).randbytes(20_000)
    got: list[tuple[int, bytes]] = []
    for number in range(60):
        for channel in (UNRELIABLE, SEQUENCED, UNORDERED, ORDERED):
            sender.send(channel, bytes([number]))
        pair.step()
        got += receiver.take_messages()
    sender.send(ORDERED, big)
    for _ in range(300):
        pair.step()
        got += receiver.take_messages()

    numbers = [bytes([number]) for number in range(60)]
    for channel in (UNRELIABLE, SEQUENCED, UNORDERED):
        assert [message for where, message in got if where == channel] == numbers
    assert [message for where, message in got if where == ORDERED] == [*numbers, big]
    assert sender.statistics.retransmits == sender.statistics.duplicates == sender.statistics.packets_lost == 0


def test_delivery_is_reported_and_the_round_trip_measured() -> None:
    """Replication lives on the reports; an ACK names one packet, and so all before."""
    pair = StreamPair(link=Link(latency_seconds=0.1))
    client, server = pair.connect()
    for token in range(300):
        server.send(UNRELIABLE, bytes(100), token)
        pair.step()
    pair.run(1)

    assert server.take_reports() == [(token, True) for token in range(300)]
    assert client.statistics.rtt_seconds == pytest.approx(0.2, abs=0.06)


def test_a_stream_that_breaks_reports_what_was_under_way_as_lost() -> None:
    """Nobody knows whether it arrived; what is not known counts as lost."""
    pair = StreamPair(link=Link(latency_seconds=0.1))
    _, server = pair.connect()
    server.send(UNRELIABLE, b"state", 7)
    pair.step()
    server.receive_datagram(b"", TO_CLIENT, pair.now)

    assert server.take_reports() == [(7, False)]


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_killed_program_is_noticed_at_once(side: str) -> None:
    """The system ends its streams: nobody plays against a statue for ten seconds."""
    pair = StreamPair(link=Link.LAN)
    client, server = pair.connect()
    pair.network.drop(CLIENT if side == "client" else SERVER)
    pair.run(0.1)
    left = server if side == "client" else client

    assert left.state is State.CLOSED
    assert [event.reason for event in pair.ended() if event.connection is left] == [DisconnectReason.CONNECTION_LOST]
    assert pair.endpoint.connections == {} or side == "server"


@pytest.mark.parametrize("side", ["client", "server"])
def test_close_is_said_once_and_ends_the_stream(side: str) -> None:
    """CLOSE, and from whoever hears it CLOSE in answer and the end of the stream."""
    pair = StreamPair(link=Link.LAN)
    client, server = pair.connect()
    pair.recorded.clear()
    (client if side == "client" else server).close(DisconnectReason.LEFT, "bye", now=pair.now)
    pair.run(1)

    assert {event.text for event in pair.ended()} == {"bye"}
    assert (client.state, server.state) == (State.CLOSED, State.CLOSED)
    assert [bool(data) for data, _ in pair.recorded] == [True, True, False]
    assert pair.endpoint.connections == {}


def test_a_closed_stream_does_not_wait_for_a_peer_that_is_silent() -> None:
    """Half a second for the answer, then the end."""
    pair = StreamPair()
    client, _ = pair.connect()
    pair.network.partition(SERVER, CLIENT)
    client.close(DisconnectReason.LEFT, now=pair.now)
    pair.run(0.6)

    assert client.state is State.CLOSED


def test_a_refusal_is_read_before_the_stream_ends() -> None:
    """The reason is what a player needs; the client ends the stream when it has it."""
    pair = StreamPair(accept=lambda e, r: e.refuse(r.request_id, DisconnectReason.SERVER_FULL, "no room"))
    pair.run(0.5)

    assert [(event.reason, event.text) for event in pair.ended()] == [(DisconnectReason.SERVER_FULL, "no room")]
    assert pair.recorded[-1] == (b"", TO_SERVER)
    assert pair.endpoint._visitors == {}


@pytest.mark.parametrize("first", [b"\x81", b"\x81" * 31, b"\x83" * 200, b"\x80"])
def test_a_visitor_without_a_handshake_is_shown_out(first: bytes) -> None:
    """Slow-loris: whoever is not let in within five seconds goes, whatever it says meanwhile."""
    pair = StreamPair()
    address = StreamAddress("stranger", 9, 44)
    pair.endpoint.receive_datagram(first, address, pair.now)
    pair.endpoint.receive_datagram(first, address, pair.now + 4)
    deadline = pair.endpoint.next_deadline()
    pair.endpoint.update(pair.now + 5)

    assert deadline == pair.now + 5
    assert pair.endpoint.datagrams_to_send(pair.now + 5) == [(b"", address)]
    assert pair.endpoint._visitors == {}


def test_a_visitor_that_speaks_another_language_is_shown_out_at_once() -> None:
    """A browser on our port: there is no handshake that begins like that."""
    pair = StreamPair()
    address = StreamAddress("browser", 9, 44)
    pair.endpoint.receive_datagram(b"GET / HTTP/1.1", address, pair.now)

    assert pair.endpoint.datagrams_to_send(pair.now) == [(b"", address)]
    assert pair.endpoint.drops["no handshake"] == 1


def test_a_request_whose_stream_ends_is_nobodys_business() -> None:
    """The application would accept a stream that is not there; its place in the waiting room is free."""
    pair = StreamPair(accept=lambda e, r: None)
    pair.run(0.2)
    pair.endpoint.receive_datagram(b"", TO_CLIENT, pair.now)

    assert repr(pair.endpoint) == "Endpoint(0 connections, 0 requests)"
    assert pair.endpoint._handshakes.pending == 0
    assert pair.endpoint._visitors == {}


def test_a_wrong_key_is_named_even_if_the_server_ends_the_stream_first() -> None:
    """The key is what the player has to look at, not the broken stream."""
    pair = StreamPair(pins=(b"another key, of 32 bytes exactly",), config=TransportConfig(handshake=HandshakeConfig()))
    pair.run(0.2)
    pair.client.receive_datagram(b"", TO_SERVER, pair.now)
    pair.step()

    assert reasons(pair) == {DisconnectReason.SERVER_KEY_MISMATCH}


def test_nobody_there_is_a_lost_connection_at_once() -> None:
    """A refused TCP connection is no reason to wait for five seconds."""
    pair = StreamPair()
    pair.client.receive_datagram(b"", TO_SERVER, pair.now)

    assert [event.reason for event in pair.client.events() if isinstance(event, Disconnected)] == [
        DisconnectReason.CONNECTION_LOST
    ]


@pytest.mark.parametrize("garbage", [b"\x00", b"x" * 16, b"x" * 17, b"\x81" * 60, bytes(1200)])
@pytest.mark.parametrize("to_server", [True, False])
def test_what_does_not_open_ends_the_stream(garbage: bytes, *, to_server: bool) -> None:
    """No network damages a stream: it is the peer's own doing, and only the peer is hurt."""
    pair = StreamPair()
    client, server = pair.connect()
    victim, address = (server, TO_CLIENT) if to_server else (client, TO_SERVER)
    victim.receive_datagram(garbage, address, pair.now)
    pair.run(1)

    assert reasons(pair) == {DisconnectReason.PROTOCOL_ERROR}
    assert (client.state, server.state) == (State.CLOSED, State.CLOSED)


def test_a_record_that_is_repeated_left_out_or_moved_does_not_open() -> None:
    """The number of a packet is its place in the stream."""
    for change in (lambda r: [r[0], r[0]], lambda r: r[1:], lambda r: [r[1], r[0]]):
        pair = StreamPair()
        client, server = pair.connect()
        records = []
        for text in (b"one", b"two"):
            client.send(ORDERED, text)
            records += [data for data, _ in client.datagrams_to_send(pair.now)]
        for record in change(records):
            server.receive_datagram(record, TO_CLIENT, pair.now)

        assert server.state is State.CLOSING
        assert drained(server) in ([b"one"], [])


# The window.


def test_a_narrow_link_never_holds_more_than_a_window() -> None:
    """64 kB/s and ten times as much to say: what arrives is a second old at most, not ten."""
    pair = StreamPair(link=NARROW)
    client, server = pair.connect()
    ages = []
    for _ in range(600):
        for _ in range(10):
            if server.budget_bytes(pair.now) > 1100:
                server.send(UNRELIABLE, str(pair.now).encode().ljust(1100))
        pair.step()
        ages += [pair.now - float(message) for message in drained(client)]

    assert len(ages) > 64_000 / 1200 * 8
    assert max(ages) < WINDOW / 64_000 + 0.3


def test_with_the_window_full_the_newest_unreliable_messages_are_kept() -> None:
    """As over UDP: the oldest are given up beyond the limit, and reported."""
    pair = StreamPair(config=TransportConfig(max_unreliable_queue_bytes=50_000))
    client, server = pair.connect()
    pair.network.partition(SERVER, CLIENT)
    for token in range(300):
        server.send(UNRELIABLE, token.to_bytes(2, "big") + bytes(998), token)
        pair.step()
    assert server.budget_bytes(pair.now) == 0
    pair.network.heal(SERVER, CLIENT)
    pair.run(2)
    got = [int.from_bytes(message[:2], "big") for message in drained(client)]

    assert got == sorted(got)
    kept = 50_000 // (1003 + pair.config.message_overhead_bytes)
    assert got[-kept:] == list(range(300 - kept, 300))
    assert WINDOW / 1050 < len(got) - kept < WINDOW / 1000 + 2
    assert server.statistics.drops["unreliable queue full"] == 300 - len(got)
    assert sorted(server.take_reports()) == [(token, token in got) for token in range(300)]


def test_with_the_window_full_only_the_newest_sequenced_message_of_a_channel_waits() -> None:
    """Conflation: a slow reader gets the present state next, not the way there."""
    pair = StreamPair()
    client, server = pair.connect()
    pair.network.partition(SERVER, CLIENT)
    for _ in range(80):
        server.send(UNRELIABLE, bytes(1000))
    pair.step()
    assert server.budget_bytes(pair.now) == 0
    for token in range(100):
        server.send(SEQUENCED, bytes([token]), token)
        pair.step()
    pair.network.heal(SERVER, CLIENT)
    pair.run(2)

    assert drained(client)[-1:] == [b"\x63"]
    assert [message for message in drained(client) if len(message) == 1] == []
    assert sorted(server.take_reports()) == [(token, token == 99) for token in range(100)]
    assert server.statistics.drops["superseded"] == 99


def test_reliable_messages_wait_for_the_window_and_arrive() -> None:
    """Nothing is lost: it goes when there is room again."""
    pair = StreamPair(link=NARROW)
    client, server = pair.connect()
    big = random.Random(2).randbytes(200_000)
    server.send(ORDERED, big)
    got: list[bytes] = []
    while not got:
        pair.step()
        got += drained(client)
        assert server._traffic is not None
        assert server._traffic._congestion.in_flight_bytes <= WINDOW + 1200

    assert got == [big]


def test_many_small_packets_wait_before_the_oldest_would_be_forgotten() -> None:
    """1024 packets are remembered; giving one up as lost would be wrong, since nothing gets lost."""
    pair = StreamPair(config=TransportConfig(idle_timeout_seconds=60.0))
    client, server = pair.connect()
    pair.network.partition(SERVER, CLIENT)
    for token in range(1500):
        server.send(UNRELIABLE, b"", token)
        pair.step()
    assert server._traffic is not None
    assert len(server._traffic._in_flight) == 960 + 7  # and the keep-alives
    pair.network.heal(SERVER, CLIENT)
    pair.run(1)

    assert server.take_reports() == [(token, True) for token in range(1500)]
    assert len(client.take_messages()) == 1500


def test_a_peer_that_acknowledges_nothing_is_too_slow() -> None:
    """It lives and sends, but for ten seconds it reads nothing: its connection would hold its queues for ever."""
    pair = StreamPair()
    client, server = pair.connect()
    server.send(ORDERED, b"read me")
    for _ in range(11):
        for record, _ in server.datagrams_to_send(pair.now):
            assert record is not None  # goes nowhere
        assert client._traffic is not None
        server.receive_datagram(client._traffic.seal(PING_FRAME), TO_CLIENT, pair.now)
        server.update(pair.now)
        pair.now += 1

    assert [event.reason for event in server.events() if isinstance(event, Disconnected)] == [DisconnectReason.TOO_SLOW]


# A reader that does not read.


def test_an_application_that_does_not_read_makes_its_peer_wait() -> None:
    """What a stream brought cannot be dropped, since it comes once: the ACKs wait, and so the peer does."""
    config = TransportConfig(max_inbox_bytes=100_000)
    pair = StreamPair(config=config)
    client, server = pair.connect()
    for number in range(240):
        client.send(UNRELIABLE, number.to_bytes(2, "big") + bytes(798))
        pair.step()
    waiting = len(server._inbox.messages)
    pair.run(3)
    assert len(server._inbox.messages) == waiting
    assert waiting * 800 < 100_000 + WINDOW + 1200
    got = drained(server)
    for _ in range(200):
        pair.step()
        got += drained(server)

    assert [int.from_bytes(message[:2], "big") for message in got] == list(range(240))
    assert pair.ended() == []


def test_a_peer_that_does_not_wait_is_closed() -> None:
    """Memory stays within inbox and window, whatever the peer does."""
    pair = StreamPair()
    client, server = pair.connect()
    assert client._traffic is not None
    frame = pack_message(UNRELIABLE, bytes(1100))
    sent = 0
    while server.state is State.CONNECTED:
        server.receive_datagram(client._traffic.seal(frame), TO_CLIENT, pair.now)
        sent += 1
        assert sent < 500

    assert sent * 1100 < pair.config.max_inbox_bytes + WINDOW + 3 * 1200
    assert [event.reason for event in server.events() if isinstance(event, Disconnected)] == [
        DisconnectReason.PROTOCOL_ERROR
    ]


def test_an_ack_of_a_packet_never_sent_is_a_fault() -> None:
    """The sender's memory of what is under way must not be settled by a guess."""
    pair = StreamPair()
    client, server = pair.connect()
    assert client._traffic is not None
    server.receive_datagram(client._traffic.seal(pack_ack(500, 0.0, 0)), TO_CLIENT, pair.now)

    assert server.state is State.CLOSING


def test_an_idle_stream_is_kept_alive_and_a_dead_one_ends() -> None:
    """As over UDP: the pulled plug sends no end of the stream."""
    pair = StreamPair(link=Link.WIFI)
    client, server = pair.connect()
    pair.run(30)
    assert client.is_connected
    assert server.is_connected
    pair.network.partition(SERVER, CLIENT)
    pair.run(11)

    assert reasons(pair) == {DisconnectReason.TIMEOUT}
    assert pair.endpoint.connections == {}


def test_a_stream_held_up_for_three_seconds_goes_on() -> None:
    """Nothing that was sent meanwhile is missing."""
    pair = StreamPair(link=Link.LAN)
    client, server = pair.connect()
    pair.network.partition(SERVER, CLIENT)
    for number in range(180):
        client.send(UNRELIABLE, bytes([number]))
        pair.step()
    pair.network.heal(SERVER, CLIENT)
    pair.run(0.5)

    assert drained(server) == [bytes([number]) for number in range(180)]


def test_a_stream_ends_when_a_server_that_lets_nobody_in_hears_a_knock() -> None:
    """A closing server answers no INIT; over a stream it can at least hang up."""
    pair = StreamPair(link=Link(latency_seconds=0.05))
    pair.endpoint.close(DisconnectReason.SERVER_CLOSING, now=pair.now)
    pair.run(0.5)

    assert reasons(pair) == {DisconnectReason.CONNECTION_LOST}


def test_one_server_serves_both_kinds_of_clients() -> None:
    """Each client chooses; the endpoint tells them apart by their address alone."""
    pair = StreamPair()
    pair.connect()
    other = Connection.connect(
        SERVER,
        pins=pair.pins,
        application_id=APPLICATION,
        credentials=b"",
        channels=CHANNELS,
        config=pair.config,
        entropy=pair.entropy,
        now=pair.now,
    )
    here = ("other", 3)
    for _ in range(30):
        for data, source in pair.network.receive(here, pair.now):
            other.receive_datagram(data, source, pair.now)
        other.update(pair.now)
        for data, destination in other.datagrams_to_send(pair.now):
            pair.network.send(data, here, destination, pair.now)
        pair.step()

    assert other.is_connected
    assert [type(connection.address) for connection in pair.endpoint.connections.values()] == [StreamAddress, tuple]


def test_a_host_that_sleeps_until_the_deadline_wakes_rarely() -> None:
    """A deadline that stays in the past would spin."""
    pair = StreamPair()
    client, server = pair.connect()
    pair.run(2)
    for _ in range(100):
        times = (client.next_deadline(), server.next_deadline(), pair.network.next_arrival())
        pair.now = max(pair.now, min(time for time in times if time is not None))
        pair.pump()

    assert pair.now > 102 + 10


def test_a_client_that_sends_more_than_a_server_takes_is_slowed_down_and_loses_nothing() -> None:
    """What is dropped of a stream never comes again, and the next ACK would say that it had arrived."""
    guard = GuardConfig(inbound_bytes_per_second=100_000, inbound_burst_bytes=100_000)
    pair = StreamPair(link=Link.LAN, config=TransportConfig(guard=guard))
    client, server = pair.connect()
    sent = [number.to_bytes(2, "big") + bytes(5000) for number in range(60)]
    waiting = list(sent)
    got: list[bytes] = []
    start = pair.now
    while len(got) < len(sent):
        while waiting and client.is_writable(ORDERED, len(waiting[0])):
            client.send(ORDERED, waiting.pop(0))
        pair.step()
        got += drained(server)
        assert pair.now < start + 10.0, f"{len(got)} messages, {pair.ended()}"

    assert got == sent
    assert pair.now > start + 4.0  # 300 packets count 600 kB, of which 100 kB come at once
    assert client.is_connected
    assert server.statistics.drops["over the inbound limit"] == 0


def test_a_client_that_does_not_wait_for_acks_is_closed_for_flooding() -> None:
    """Only our own software slows down."""
    guard = GuardConfig(inbound_bytes_per_second=100_000, inbound_burst_bytes=100_000)
    pair = StreamPair(config=TransportConfig(guard=guard))
    client, server = pair.connect()
    assert client._traffic is not None
    for _ in range(250):
        pair.network.send(client._traffic.seal(PING_FRAME), TO_CLIENT, TO_SERVER, pair.now)
    pair.step()

    assert server.state is not State.CONNECTED
    assert DisconnectReason.FLOODING in reasons(pair)


def test_what_a_forgotten_connection_left_can_still_be_read() -> None:
    """The peer waited for an ACK when its stream ended; whoever reads afterwards wakes nobody."""
    pair = StreamPair()
    client, server = pair.connect()
    assert client._traffic is not None
    count = 1 + TransportConfig().max_inbox_bytes // 1000
    for _ in range(count):
        pair.endpoint.receive_datagram(client._traffic.seal(pack_message(UNRELIABLE, bytes(1000))), TO_CLIENT, pair.now)
    pair.endpoint.receive_datagram(b"", TO_CLIENT, pair.now)
    pair.step()

    assert not pair.endpoint.connections
    assert len(server.take_messages()) == count
    pair.step()


def test_one_stream_takes_one_place_among_those_who_wait_to_be_let_in() -> None:
    """However many attempts it makes at once: else one stream would keep everybody else out."""
    pair = StreamPair()
    endpoint, now = pair.endpoint, pair.now
    hellos = []
    for _ in range(70):
        attempt = ClientHandshake(
            pins=(), application_id=APPLICATION, credentials=b"", entropy=pair.entropy, now=now,
            config=handshake_config(HandshakeConfig()),
        )  # fmt: skip
        [init] = attempt.datagrams_to_send(now)
        endpoint.receive_datagram(init, TO_CLIENT, now)
        [(challenge, _)] = endpoint.answers()
        attempt.receive(challenge, now)
        hellos += attempt.datagrams_to_send(now)
    for hello in hellos:
        endpoint.receive_datagram(hello, TO_CLIENT, now)

    assert len(endpoint.events()) == 1
    pair.client_address = ("neighbour", 3)
    pair.connect()


def test_nobody_is_shut_out_for_what_others_wrote_into_its_stream() -> None:
    """A record that does not open may be anybody's on the way: it ends the connection and counts as no breach."""
    pair = StreamPair()
    for number in range(1, 4):
        pair.connect()
        here, there = StreamAddress(*CLIENT, number), StreamAddress(*SERVER, number)
        pair.network.send(bytes(40), here, there, pair.now)
        pair.run(1.0)
        pair.reconnect()

    assert DisconnectReason.PROTOCOL_ERROR in reasons(pair)
    pair.connect()
