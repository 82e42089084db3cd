"""Real connections through a narrow place: used up, shared, with a short queue, and soon again after it was gone.

`python tests/bench/bench_congestion.py` prints these figures for more conditions.
"""

import pytest

from ecsnet.testing.network import Link
from tests.transport.bottleneck import Bottleneck
from tests.transport.pair import ORDERED, SERVER, UNRELIABLE, Pair
from tests.transport.test_deadlines import Sleeper

DEEP = 1 << 30  # bytes: a queue that drops nothing


def link(rate: float, rtt: float, *, loss: float = 0.0, queue: int = DEEP) -> Link:
    return Link(bandwidth_bytes_per_second=rate, latency_seconds=rtt / 2, loss=loss, queue_bytes=queue)


@pytest.mark.slow
@pytest.mark.parametrize("reliable", [False, True], ids=["state", "download"])
@pytest.mark.parametrize("rtt", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("rate", [64_000, 250_000, 1_000_000])
def test_one_flow_uses_a_clean_link_and_keeps_its_queue_short(rate: int, rtt: float, *, reliable: bool) -> None:
    """At least 90 % of the bytes with headers. The queue is a few datagrams; they take their time on a narrow link."""
    path = Bottleneck(link(rate, rtt), seed=1)
    path.join(reliable=reliable)
    path.run(20)

    assert path.use(15) >= 0.9
    assert path.wait(15) < {64_000: 0.25, 250_000: 0.15, 1_000_000: 0.1}[rate]
    assert path.flows[0].statistics.retransmits <= 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rtt", [0.02, 0.05, 0.1])
def test_a_late_flow_gets_its_share(rtt: float, seed: int) -> None:
    path = Bottleneck(link(1_000_000, rtt), seed=seed)
    path.join()
    path.run(8 + 0.37 * seed)  # on a link without chance, the moment is what differs
    path.join()
    path.run(40)

    assert path.fairness(20) >= 0.9
    assert path.use(20) >= 0.9
    assert path.wait(20) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("loss", "least"), [(0.01, 0.85), (0.05, 0.6), (0.2, 0.4)])
def test_random_losses_do_not_starve_a_flow(loss: float, least: float, seed: int) -> None:
    path = Bottleneck(link(1_000_000, 0.05, loss=loss), seed=seed)
    path.join()
    path.run(20)

    assert path.use(15) >= least


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [250_000, 1_000_000])
def test_a_shallow_buffer_is_not_overrun_for_long(rate: int, seed: int) -> None:
    """10 kB are less than a host of 60 Hz sends in a call at full rate: it must stay below that, with few losses."""
    path = Bottleneck(link(rate, 0.05, queue=10_000), seed=seed)
    path.join()
    path.run(20)

    assert path.overflow(15) < 0.1
    assert path.use(15) > 0.25


@pytest.mark.slow
@pytest.mark.parametrize("what", ["partition", "stall"])
@pytest.mark.parametrize("rate", [64_000, 1_000_000])
def test_a_flow_is_back_soon_after_three_seconds_of_nothing(rate: int, what: str) -> None:
    path = Bottleneck(link(rate, 0.05), seed=1)
    index = path.join()
    path.run(8)
    if what == "stall":
        path.stall_server(3.0)
        path.run(3)
    else:
        path.network.partition(SERVER, path.address(index))
        path.run(3)
        path.network.heal(SERVER, path.address(index))
    path.run(1)
    path.run(1)

    assert path.use(1) > 0.8


def test_what_a_game_sends_is_never_held_back_on_a_clean_link() -> None:
    """A kilobyte 30 times a second each way: every message leaves with the call it was sent before."""
    pair = Pair(link=Link(latency_seconds=0.1, jitter_seconds=0.02))
    client, server = pair.connect()
    for tick in range(60 * 20):
        for end in (client, server):
            if tick % 2 == 0:
                end.send(UNRELIABLE, bytes(1000))
        pair.step()
        client.take_messages()
        server.take_messages()

        assert client._outbox.waiting_bytes == server._outbox.waiting_bytes == 0


def test_a_fast_link_carries_tens_of_megabytes_a_second_at_60_calls() -> None:
    """There, the window's ceiling and what a host queues are the limits."""
    path = Bottleneck(Link(latency_seconds=0.0005), seed=1)
    path.join()
    path.run(1.5)

    assert path.rate(0, 0.5) > 10_000_000


def test_state_is_not_starved_by_a_download_on_a_narrow_link() -> None:
    """Some of the window is kept for it; 20 kB a second of 64 pass beside a download that takes the rest."""
    pair = Pair(link=link(64_000, 0.05))
    _, server = pair.connect()
    late, got = [], 0
    for tick in range(60 * 12):
        if tick % 3 == 0:
            server.send(UNRELIABLE, tick.to_bytes(2, "big") + bytes(998))
        while server._outbox._senders[ORDERED].queued_bytes < 200_000:
            server.send(ORDERED, bytes(1000))
        pair.step()
        for channel, message in pair.client.take_messages():
            if channel == ORDERED:
                got += len(message)
            elif tick > 300:
                late.append(tick - int.from_bytes(message[:2], "big"))
    late.sort()

    assert len(late) > 100
    assert late[len(late) // 2] / 60 < 0.4
    assert got > 12 * 20_000


def test_a_sleeping_host_is_woken_by_pacing_and_not_too_often() -> None:
    """No tick comes to the rescue of what pacing held back, and nobody is woken for every datagram."""
    pair = Sleeper(link=Link(latency_seconds=0.02))
    pair.sleep(1)
    assert pair.server is not None
    for _ in range(200):
        pair.server.send(UNRELIABLE, bytes(1100))
    before = pair.wakings
    pair._send(pair.endpoint.datagrams_to_send(pair.now), SERVER)
    pair.sleep(1.5)

    arrived = [message for _, message in pair.client.take_messages()]
    assert 50 <= len(arrived) <= 200
    assert not pair.server._outbox.waiting_bytes
    assert pair.wakings - before < 300


def test_a_probe_and_an_ack_pass_a_full_window() -> None:
    """Else a full window whose packets are all lost would never open again."""
    pair = Pair(link=Link(latency_seconds=0.05))
    client, server = pair.connect()
    pair.run(1)
    pair.network.partition(("client", 2), SERVER)
    for _ in range(30):
        client.send(UNRELIABLE, bytes(1100))
    pair.run(0.2)
    assert client.statistics.in_flight_bytes >= client.statistics.budget_bytes
    sent = client.statistics.datagrams_sent
    server.send(UNRELIABLE, b"to be acknowledged")
    pair.network.heal(("client", 2), SERVER)
    pair.run(0.2)

    assert client.statistics.datagrams_sent > sent
    pair.run(2)
    assert client.statistics.in_flight_bytes == client._outbox.waiting_bytes == 0


@pytest.mark.parametrize(("rate", "rtt"), [(8000, 0.4), (4000, 0.6)])
def test_a_call_gets_its_quarter_of_the_narrowest_link_beside_a_flood_of_state(rate: int, rtt: float) -> None:
    """Pacing lets out one datagram at a time there, and its quarter counts, not that of what the pace had saved up."""
    pair = Pair(link=link(rate, rtt, queue=16_000))
    client, server = pair.connect()
    got: list[float] = []

    def flood(seconds: float) -> None:
        for _ in range(round(seconds * 60)):
            for _ in range(2):
                server.send(UNRELIABLE, bytes(1000))
            pair.step()
            got.extend(pair.now for channel, _ in client.take_messages() if channel == ORDERED)

    flood(10)
    start = pair.now
    server.send(ORDERED, bytes(rate))
    flood(8)

    assert [at - start < 6 for at in got] == [True]  # four seconds, and what waits before it
