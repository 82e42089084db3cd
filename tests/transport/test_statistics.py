"""What a connection tells about itself is what happened."""

import pytest

from ecsnet.config import TransportConfig
from ecsnet.testing.network import Link
from tests.transport.pair import CLIENT, ORDERED, SERVER, UNRELIABLE, Pair


def test_losses_are_seen_from_both_ends() -> None:
    """One in five, each way: the sender learns it from acknowledgements, the receiver from gaps."""
    pair = Pair(link=Link(loss=0.2, latency_seconds=0.03), seed=3)
    client, server = pair.connect()
    for _ in range(1200):
        client.send(UNRELIABLE, bytes(50))
        server.send(UNRELIABLE, bytes(50))
        pair.step()
        client.take_messages(), server.take_messages()

    for end in (client, server):
        assert end.statistics.loss_sent == pytest.approx(0.2, abs=0.12)
        assert end.statistics.loss_received == pytest.approx(0.2, abs=0.12)
        assert end.statistics.rtt_seconds == pytest.approx(0.08, abs=0.04)


def test_nothing_is_lost_where_nothing_is_lost() -> None:
    pair = Pair(link=Link(latency_seconds=0.05))
    client, server = pair.connect()
    for _ in range(600):
        client.send(UNRELIABLE, bytes(50))
        pair.step()
        server.take_messages()

    assert server.statistics.loss_received == 0.0
    assert client.statistics.packets_lost == 0


def test_queues_are_told_while_they_are_there() -> None:
    pair = Pair(config=TransportConfig(credit_bytes=20_000, max_reliable_message_bytes=10_000))
    client, server = pair.connect()
    pair.network.partition(CLIENT, SERVER)
    client.send(ORDERED, bytes(5000))
    client.send(UNRELIABLE, bytes(300))
    before = client.statistics
    assert (before.reliable_queue_bytes, before.unreliable_queue_bytes, before.packets_in_flight) == (5000, 303, 0)
    pair.run(0.1)
    assert client.statistics.packets_in_flight > 3
    pair.network.heal(CLIENT, SERVER)
    pair.run(3)

    after = client.statistics
    assert (after.reliable_queue_bytes, after.unreliable_queue_bytes, after.packets_in_flight) == (0, 0, 0)
    assert server.statistics.unread_messages == 1
    server.take_messages()
    assert server.statistics.unread_messages == 0
