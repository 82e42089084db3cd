"""A server's side: whose datagram it is, who asks, who is forgotten."""

from dataclasses import replace

import pytest

from ecsnet.config import GuardConfig, HandshakeConfig, TransportConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.events import Connected, ConnectRequested, Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.state import State
from tests.transport.pair import CLIENT, ORDERED, SERVER, UNRELIABLE, Pair


def ignore(endpoint: Endpoint, request: ConnectRequested) -> None:
    """An application that never answers."""


def test_a_request_shows_the_address_and_the_credentials() -> None:
    requests: list[ConnectRequested] = []
    pair = Pair(accept=lambda _, request: requests.append(request))
    pair.run(1)

    assert [(request.address, request.credentials) for request in requests] == [(CLIENT, b"credentials")]


def test_an_accepted_clients_tag_stays_with_its_connection() -> None:
    """Between the yes and the first packet the application has nowhere else to keep what it knows."""
    pair = Pair(accept=lambda endpoint, request: endpoint.accept(request.request_id, tag="player 7"))
    _, server = pair.connect()

    assert server.tag == "player 7"


def test_an_unanswered_request_is_forgotten_with_its_client() -> None:
    """An application that asks a slow service must not gather requests for ever, nor admit who has gone."""
    requests: list[ConnectRequested] = []
    pair = Pair(accept=lambda _, request: requests.append(request))
    pair.run(6)

    with pytest.raises(LocalProtocolError, match="no request"):
        pair.endpoint.accept(requests[0].request_id)
    assert [event.reason for event in pair.ended()] == [DisconnectReason.HANDSHAKE_TIMEOUT]
    assert "0 requests" in repr(pair.endpoint)


def test_whoever_never_confirms_is_forgotten_after_five_seconds() -> None:
    """The client vanished between our yes and its first packet."""
    pair = Pair(link=Link(latency_seconds=0.05))
    pair.run_until(lambda: bool(pair.endpoint.connections))
    pair.network.partition(CLIENT, SERVER)
    pair.run(4.9)
    assert pair.endpoint.connections
    pair.run(0.2)

    assert not pair.endpoint.connections
    assert not any(isinstance(event, Connected) and event.connection is not pair.client for event in pair.events)


@pytest.mark.parametrize("data", [b"", b"\x00", bytes(6), bytes(7), bytes(100), b"\x7f" * 1200])
def test_a_strangers_bytes_are_counted_and_forgotten(data: bytes) -> None:
    pair = Pair()
    pair.endpoint.receive_datagram(data, ("stranger", 9), 1.0)

    assert pair.endpoint.drops.total() == 1
    assert sum(len(answer) for answer, _ in pair.endpoint.datagrams_to_send(1.0)) < max(1, len(data))
    assert pair.endpoint.events() == []


def test_a_closing_server_tells_everybody_and_lets_nobody_in() -> None:
    pair = Pair(link=Link.WIFI)
    client, _ = pair.connect()
    pair.endpoint.close(DisconnectReason.SERVER_CLOSING, "back in a minute", now=pair.now)
    assert not pair.endpoint.is_closed
    pair.run_until(lambda: client.state is State.CLOSED)
    pair.run_until(lambda: pair.endpoint.is_closed, within=2.0)
    late = Pair()
    late.endpoint.close(DisconnectReason.SERVER_CLOSING, now=late.now)
    late.run(1)

    told = next(event for event in pair.events if isinstance(event, Disconnected) and event.connection is client)
    assert (told.reason, told.text) == (DisconnectReason.SERVER_CLOSING, "back in a minute")
    assert late.client.state is State.CHALLENGING


def test_a_closed_connection_is_forgotten_as_soon_as_the_client_answers() -> None:
    """The answer to CLOSE is for this: a server that closes need not wait out every client."""
    pair = Pair(link=replace(Link.LAN, jitter_seconds=0.0))
    client, server = pair.connect()
    server.close(DisconnectReason.KICKED, "enough", now=pair.now)
    pair.run(0.15)

    assert client.state is server.state is State.CLOSED
    assert not pair.endpoint.connections
    assert [event.text for event in pair.ended()] == ["enough", "enough"]


def test_pending_handshakes_are_bounded_by_confirmation() -> None:
    """A confirmed client makes room for the next one from the same household."""
    config = TransportConfig(handshake=HandshakeConfig(max_pending_per_network=1))
    pair = Pair(config=config)
    pair.connect()
    pair.client.close(DisconnectReason.LEFT, now=pair.now)
    pair.run(1)

    pair.reconnect()
    client, server = pair.connect()
    client.send(ORDERED, b"again")
    pair.run(0.2)
    assert server.take_messages() == [(ORDERED, b"again")]


def test_a_client_that_floods_is_slowed_down_and_then_closed() -> None:
    """With real keys; others are not touched. What is over the limit is dropped as if lost."""
    guard = GuardConfig(inbound_bytes_per_second=50_000, inbound_burst_bytes=100_000)
    pair = Pair(config=TransportConfig(guard=guard))
    client, server = pair.connect()
    for _ in range(600):
        for _ in range(20):
            if client.is_connected:
                client.send(UNRELIABLE, bytes(1000))
        pair.step()
        server.take_messages()
        if not client.is_connected:
            break

    assert server.statistics.drops["over the inbound limit"] > 40
    assert [event.reason for event in pair.ended()] == [DisconnectReason.FLOODING] * 2


def test_a_client_that_sends_as_much_as_it_may_is_not_touched() -> None:
    guard = GuardConfig(inbound_bytes_per_second=50_000, inbound_burst_bytes=100_000)
    pair = Pair(config=TransportConfig(guard=guard))
    client, server = pair.connect()
    for step in range(1200):
        if step % 3 == 0:
            client.send(UNRELIABLE, bytes(1000))
        pair.step()
        server.take_messages()

    assert client.is_connected
    assert not server.statistics.drops


def test_connections_with_nothing_to_do_are_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand silent players must not cost more than their keep-alives."""
    pair = Pair()
    _, server = pair.connect()
    pair.run(2.5)
    calls: list[float] = []
    update = Connection.update

    def counted(connection: Connection, now: float) -> None:
        if connection is server:
            calls.append(now)
        update(connection, now)

    monkeypatch.setattr(Connection, "update", counted)
    pair.run(10)

    assert 10 <= len(calls) <= 60  # a PING, an ACK and a timer a second, not 600 steps
    server.send(UNRELIABLE, b"x")
    assert pair.endpoint.next_deadline() == pair.now
    pair.run(0.1)
    assert pair.client.take_messages() == [(UNRELIABLE, b"x")]


def test_the_host_hears_at_once_of_a_connection_it_closed_between_two_looks() -> None:
    """A player that was kicked must not stand around until the repeated CLOSE is due."""
    pair = Pair(link=Link(latency_seconds=0.2))
    _, server = pair.connect()
    pair.run(1.0)
    pair.network.partition(SERVER, CLIENT)  # nothing that arrives is to draw the look
    pair.run(0.3)
    server.close(DisconnectReason.KICKED, now=pair.now)
    pair.endpoint.datagrams_to_send(pair.now)
    pair.step()

    assert [event.reason for event in pair.ended()] == [DisconnectReason.KICKED]
