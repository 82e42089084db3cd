"""A host that sleeps until `next_deadline` wakes in time, and never for nothing."""

import pytest

from ecsnet.config import TransportConfig
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport.state import State
from tests.transport.pair import CLIENT, ORDERED, SERVER, UNRELIABLE, Pair

ROUGH = Link(loss=0.25, duplicate=0.25, latency_seconds=0.1, jitter_seconds=0.05)


class Sleeper(Pair):
    """Hosts that act when a datagram arrives or a deadline comes, at no other time.

    Attributes:
        wakings: How often they did.
    """

    wakings = 0

    def sleep(self, seconds: float) -> None:
        end = self.now + seconds
        while (wake_at := self.wake_at()) <= end:
            self.now = max(self.now, wake_at)
            self.wakings += 1
            self.pump()
        self.now = end

    def wake_at(self) -> float:
        times = (self.network.next_arrival(), self.endpoint.next_deadline(), self.client.next_deadline())
        return min((time for time in times if time is not None), default=float("inf"))


@pytest.mark.parametrize("link", [Link.LAN, Link.POOR, ROUGH], ids=["lan", "poor", "rough"])
@pytest.mark.parametrize("seed", range(5))
def test_an_idle_connection_wakes_its_hosts_a_few_times_a_second(seed: int, link: Link) -> None:
    """Each waking has a reason: a keep-alive, its ACK, an arrival, a probe. A deadline that stays in the past spins."""
    pair = Sleeper(link=link, seed=seed)
    pair.sleep(10)
    assert pair.client.state is State.CONNECTED
    before = pair.wakings
    pair.sleep(30)

    assert pair.client.state is State.CONNECTED
    assert pair.wakings - before < 30 * 16


def test_a_connection_that_is_never_confirmed_does_not_spin() -> None:
    """It is not allowed to send yet, so nothing may be due but its end."""
    pair = Sleeper(link=Link(latency_seconds=0.05))
    while not pair.endpoint.connections:
        pair.sleep(0.01)
    pair.network.partition(CLIENT, SERVER)
    before = pair.wakings
    pair.sleep(6)

    assert not pair.endpoint.connections
    assert pair.wakings - before < 40


@pytest.mark.parametrize("closes", ["client", "server"])
def test_a_close_nobody_answers_ends_and_is_never_due_again(closes: str) -> None:
    """A client that keeps its closed connection, to show why it ended, must be able to sleep."""
    pair = Pair()
    client, server = pair.connect()
    connection = client if closes == "client" else server
    connection.close(DisconnectReason.LEFT, now=pair.now)
    said = wakings = 0
    while (deadline := connection.next_deadline()) is not None and wakings < 10:
        connection.update(deadline)
        said += len(connection.datagrams_to_send(deadline))
        wakings += 1

    assert connection.next_deadline() is None
    assert connection.state is State.CLOSED
    assert said == 3


def test_a_host_that_overslept_its_close_still_says_it() -> None:
    """It was told to stop, and wakes when there is no more time to wait for an answer."""
    pair = Pair()
    client, _ = pair.connect()
    client.close(DisconnectReason.LEFT, now=pair.now)
    client.update(pair.now + 60)

    assert len(client.datagrams_to_send(pair.now + 60)) == 1
    assert client.next_deadline() is None


@pytest.mark.parametrize("seed", range(10))
def test_deadlines_alone_bring_everything_across(seed: int) -> None:
    """No tick comes to the rescue: what is lost is noticed by timers only."""
    pair = Sleeper(link=ROUGH, seed=seed)
    pair.sleep(5)
    assert pair.server is not None
    for number in range(20):
        pair.client.send(ORDERED, b"%d" % number)
        pair.client.send(UNRELIABLE, b"x", token=number)
        pair.pump()
        pair.sleep(0.05)
    pair.sleep(8)

    got = [message for channel, message in pair.server.take_messages() if channel == ORDERED]
    assert got == [b"%d" % number for number in range(20)]
    assert sorted(token for token, _ in pair.client.take_reports()) == list(range(20))


def test_a_lost_first_packet_is_repeated_after_a_guess_at_the_round_trip() -> None:
    """Without the guess from the handshake the server would count the client as connected a second late."""
    pair = Sleeper(link=Link(latency_seconds=0.02))
    while not pair.endpoint.connections:
        pair.sleep(0.001)
    pair.network.set_link(CLIENT, SERVER, Link(loss=1.0))
    while not pair.client.is_connected:
        pair.sleep(0.001)
    pair.network.set_link(CLIENT, SERVER, Link(latency_seconds=0.02))
    assert pair.server is None
    pair.sleep(0.3)

    assert pair.server is not None


def test_a_probe_carries_what_may_be_lost() -> None:
    """A probe that only asked would bring the message a round trip later."""
    pair = Sleeper(link=Link(latency_seconds=0.1))
    pair.sleep(5)
    assert pair.server is not None
    pair.network.partition(CLIENT, SERVER)
    pair.client.send(ORDERED, b"the last word")
    pair.pump()
    pair.network.heal(CLIENT, SERVER)
    probe_at = pair.client.next_deadline()
    assert probe_at is not None
    pair.sleep(probe_at - pair.now + 0.11)

    assert pair.server.take_messages() == [(ORDERED, b"the last word")]


def test_an_ack_alone_waits_for_company_and_not_longer() -> None:
    pair = Sleeper(config=TransportConfig(max_ack_delay_seconds=0.040))
    pair.sleep(0.5)
    assert pair.server is not None
    sent = pair.server.statistics.datagrams_sent
    pair.client.send(UNRELIABLE, b"x", token=1)
    pair.pump()
    pair.sleep(0.039)
    assert pair.server.statistics.datagrams_sent == sent
    pair.sleep(0.002)

    assert pair.server.statistics.datagrams_sent == sent + 1
    assert pair.client.take_reports() == [(1, True)]


def test_a_connection_closed_as_too_slow_ends_in_time() -> None:
    """It is closed while its timers are looked at, and its farewell has timers of its own."""
    pair = Sleeper(config=TransportConfig(credit_bytes=20_000, max_reliable_message_bytes=10_000))
    while pair.server is None:
        pair.sleep(0.1)
    for _ in range(100):
        pair.server.send(ORDERED, bytes(1000))
    pair.sleep(29)
    assert pair.server.is_connected
    pair.network.partition(CLIENT, SERVER)
    before = pair.wakings
    pair.sleep(8)

    assert pair.server.state is State.CLOSED
    assert pair.wakings - before < 200
