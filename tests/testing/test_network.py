"""The virtual network: what it does to datagrams, how often, and that it does the same again."""

import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import StreamAddress

HERE, THERE, ELSEWHERE = ("here", 1), ("there", 2), ("elsewhere", 3)
COUNT = 20_000


def carry(link: Link, *, count: int = COUNT, seed: int = 1, step: float = 0.001) -> list[tuple[int, float]]:
    """Send numbered datagrams, one every `step` seconds; return (number, seconds on the way) in order of arrival."""
    network = VirtualNetwork(seed=seed, link=link)
    for number in range(count):
        network.send(number.to_bytes(4, "big"), HERE, THERE, number * step)
    arrived = []
    while (at := network.next_arrival()) is not None:
        for data, source in network.receive(THERE, at):
            assert source == HERE
            number = int.from_bytes(data, "big")
            arrived.append((number, at - number * step))
    return arrived


def test_a_perfect_link_brings_everything_at_once_and_in_order() -> None:
    assert carry(Link.PERFECT, count=100) == [(number, 0.0) for number in range(100)]


def test_nothing_arrives_before_its_time_or_anywhere_else() -> None:
    network = VirtualNetwork(link=Link(latency_seconds=0.1))
    network.send(b"x", HERE, THERE, 5.0)

    assert network.receive(THERE, 5.09) == network.receive(ELSEWHERE, 9.0) == []
    assert network.next_arrival() == pytest.approx(5.1)
    assert network.receive(THERE, 5.1) == [(b"x", HERE)]
    assert network.next_arrival() is None


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.5, 1.0])
def test_losses_are_as_frequent_as_asked_for(loss: float) -> None:
    assert len(carry(Link(loss=loss))) == pytest.approx(COUNT * (1 - loss), abs=COUNT * 0.015)


def test_duplicates_are_as_frequent_as_asked_for_and_delayed_on_their_own() -> None:
    arrived = [number for number, _ in carry(Link(duplicate=0.25, latency_seconds=0.1, jitter_seconds=0.05))]

    assert len(arrived) == pytest.approx(COUNT * 1.25, rel=0.02)
    assert len(set(arrived)) == COUNT


def test_the_delay_lies_within_the_jitter_on_both_sides() -> None:
    delays = [delay for _, delay in carry(Link(latency_seconds=0.1, jitter_seconds=0.05))]

    assert min(delays) == pytest.approx(0.05, abs=0.001)
    assert max(delays) == pytest.approx(0.15, abs=0.001)
    assert sum(delays) / COUNT == pytest.approx(0.1, abs=0.001)


def test_datagrams_held_back_are_overtaken() -> None:
    link = Link(reorder=0.05, latency_seconds=0.02)
    overtaken = sum(later < earlier for (earlier, _), (later, _) in pairwise(carry(link)))

    assert carry(replace(link, reorder=0.0)) == sorted(carry(replace(link, reorder=0.0)))
    assert overtaken > COUNT * 0.03


def test_losses_come_in_bursts_if_asked_for() -> None:
    """Half of the losses bring the next, so the share of losses is larger than that asked for."""
    arrived = {number for number, _ in carry(Link(loss=0.05, burst=0.5))}
    lost = [number not in arrived for number in range(COUNT)]
    followed = sum(first and second for first, second in pairwise(lost)) / sum(lost)

    assert followed == pytest.approx(0.5, abs=0.05)
    assert sum(lost) / COUNT == pytest.approx(0.05 / (1 - 0.5 + 0.05), abs=0.015)


def test_the_counters_tell_what_happened() -> None:
    """Tests of others lean on them: a loss that happened by chance must be told from one that did not happen."""
    network = VirtualNetwork(seed=3, link=Link(loss=0.2, duplicate=0.1, reorder=0.1))
    for number in range(1000):
        network.send(number.to_bytes(4, "big"), HERE, THERE, 0.0)
    copies = Counter(data for data, _ in network.receive(THERE, 60.0))

    assert network.counters["sent"] == 1000
    assert network.counters["lost"] == 1000 - len(copies) > 100
    assert network.counters["duplicated"] == sum(count == 2 for count in copies.values()) > 50
    assert network.counters["reordered"] > 50


def test_the_queue_of_a_narrow_link_delays_by_its_length_at_most() -> None:
    """4 B every ms through 1000 B/s: 400 B of queue are 0.4 s."""
    arrived = carry(Link(bandwidth_bytes_per_second=1000, queue_bytes=400), count=4000)

    assert max(delay for _, delay in arrived) == pytest.approx(0.4, abs=0.01)
    assert len(arrived) < 2000


def test_a_narrow_link_delays_and_then_drops() -> None:
    """100 kB/s: the hundredth datagram of 1000 B waits a second behind the others, if the queue holds so many."""
    network = VirtualNetwork(link=Link(bandwidth_bytes_per_second=100_000, queue_bytes=50_000))
    for number in range(100):
        network.send(bytes([number]) * 1000, HERE, THERE, 0.0)

    assert [data[0] for data, _ in network.receive(THERE, 0.1001)] == list(range(10))
    assert len(network.receive(THERE, 60.0)) == pytest.approx(41, abs=1)
    assert network.counters["queue full"] == pytest.approx(49, abs=1)


def test_a_partition_stops_both_directions_and_nobody_else() -> None:
    network = VirtualNetwork()
    network.partition(HERE, THERE)
    for source, destination in ((HERE, THERE), (THERE, HERE), (ELSEWHERE, THERE)):
        network.send(b"x", source, destination, 0.0)
    assert network.receive(THERE, 1.0) == [(b"x", ELSEWHERE)]
    assert network.receive(HERE, 1.0) == []
    network.heal(THERE, HERE)
    network.send(b"y", HERE, THERE, 2.0)

    assert network.receive(THERE, 2.0) == [(b"y", HERE)]
    assert network.counters["cut"] == 2


def test_one_direction_can_have_its_own_condition() -> None:
    network = VirtualNetwork()
    network.set_link(HERE, THERE, Link(loss=1.0))
    network.send(b"x", HERE, THERE, 0.0)
    network.send(b"x", THERE, HERE, 0.0)

    assert network.receive(THERE, 1.0) == []
    assert network.receive(HERE, 1.0) == [(b"x", THERE)]


def test_every_direction_can_change_at_any_moment_and_what_is_on_its_way_arrives_as_it_would_have() -> None:
    """Directions in use, those to come, and those that had a condition of their own."""
    network = VirtualNetwork(link=Link(latency_seconds=1.0))
    network.set_link(THERE, HERE, Link(loss=1.0))
    network.send(b"before", HERE, THERE, 0.0)
    network.set_links(Link(latency_seconds=3.0))
    for source, destination in ((HERE, THERE), (THERE, HERE), (THERE, ELSEWHERE)):
        network.send(b"after", source, destination, 0.0)

    assert network.receive(THERE, 1.0) == [(b"before", HERE)]
    assert network.next_arrival() == 3.0
    for address in (HERE, THERE, ELSEWHERE):
        assert len(network.receive(address, 3.0)) == 1
    assert network.link_at(HERE) == Link(latency_seconds=3.0)


def test_one_address_can_have_its_own_condition_both_ways() -> None:
    """Whoever it talks to, over datagrams and streams; the others keep theirs."""
    network = VirtualNetwork()
    network.send(b"x", THERE, HERE, 0.0)
    network.send(b"x", THERE, BACK, 0.0)
    assert len(network.receive(HERE, 0.0)) == 2
    network.set_links(Link(latency_seconds=1.0), at=HERE)
    for source, destination in ((HERE, THERE), (THERE, HERE), (THERE, BACK), (HERE, ELSEWHERE), (THERE, ELSEWHERE)):
        network.send(b"x", source, destination, 0.0)

    assert [source for _, source in network.receive(ELSEWHERE, 0.9)] == [THERE]
    assert network.receive(HERE, 0.9) == network.receive(THERE, 0.9) == []
    assert len(network.receive(HERE, 1.0)) == 2
    assert (network.link_at(HERE), network.link_at(THERE)) == (Link(latency_seconds=1.0), Link.PERFECT)


def test_what_was_on_its_way_to_a_dead_program_is_gone() -> None:
    network = VirtualNetwork()
    network.send(b"x", HERE, THERE, 0.0)
    network.drop(THERE)

    assert network.receive(THERE, 1.0) == []


def test_the_same_seed_does_the_same_and_another_does_not() -> None:
    assert carry(Link.POOR, count=500) == carry(Link.POOR, count=500)
    assert carry(Link.POOR, count=500) != carry(Link.POOR, count=500, seed=2)


@pytest.mark.parametrize(
    "other",
    [(b"y", HERE, THERE, 1.0), (b"x", ELSEWHERE, THERE, 1.0), (b"x", HERE, ELSEWHERE, 1.0), (b"x", HERE, THERE, 2.0)],
)
def test_the_hash_tells_any_two_histories_apart(other: tuple[bytes, tuple[str, int], tuple[str, int], float]) -> None:
    """By time, source, destination or bytes; so a replay is byte for byte the same, or it is not one."""
    networks = [VirtualNetwork(trace=True) for _ in range(3)]
    for network, datagram in zip(networks, [(b"x", HERE, THERE, 1.0)] * 2 + [other], strict=True):
        network.send(*datagram)
    first, same, different = [network.traffic_hash() for network in networks]

    assert first == same != different
    with pytest.raises(ValueError, match="trace=True"):
        VirtualNetwork().traffic_hash()


@pytest.mark.parametrize("wrong", [{"loss": 1.5}, {"duplicate": -0.1}, {"latency_seconds": -1.0}])
def test_a_link_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Link"):
        Link(**wrong)  # type: ignore[arg-type]  # all of these are floats


def test_a_datagram_costs_microseconds() -> None:
    """A match of ten minutes carries half a million of them; the bound is wide, since other programs run here, too."""
    start = time.process_time()
    carry(Link.POOR)

    assert (time.process_time() - start) / COUNT < 40e-6


# Streams.

STREAM = StreamAddress(*THERE, 7)  # as HERE sees it
BACK = StreamAddress(*HERE, 7)


def carry_stream(link: Link, *, count: int = 4000, seed: int = 1, step: float = 0.01) -> list[tuple[int, float]]:
    """Send numbered records, one every `step` seconds; return (number, seconds on the way) in order of arrival."""
    network = VirtualNetwork(seed=seed, link=link)
    for number in range(count):
        network.send(number.to_bytes(4, "big"), HERE, STREAM, number * step)
    arrived = []
    while (at := network.next_arrival()) is not None:
        for data, source in network.receive(THERE, at):
            assert source == BACK
            number = int.from_bytes(data, "big")
            arrived.append((number, at - number * step))
    return arrived


@pytest.mark.parametrize("link", [Link.WIFI, Link.POOR, Link.AWFUL], ids=["wifi", "poor", "awful"])
def test_a_stream_loses_nothing_repeats_nothing_and_keeps_the_order(link: Link) -> None:
    assert [number for number, _ in carry_stream(link)] == list(range(4000))


def test_a_loss_delays_a_record_and_all_behind_it() -> None:
    """One retransmission later: 200 ms and a round trip; what follows within that time waits as well."""
    arrived = carry_stream(Link(loss=0.01, latency_seconds=0.05))
    late = [number for number, delay in arrived if delay > 0.051]

    assert {round(delay, 2) for _, delay in arrived} >= {0.05, 0.35}
    assert 0.01 * 4000 * 10 < len(late) < 0.01 * 4000 * 40


def test_the_queue_of_a_narrow_link_delays_a_stream_and_drops_nothing() -> None:
    arrived = carry_stream(Link(bandwidth_bytes_per_second=1000, queue_bytes=50), count=100, step=0.0)

    assert len(arrived) == 100
    assert arrived[-1][1] == pytest.approx(0.4)


def test_a_stream_stands_still_while_it_is_cut_and_then_goes_on() -> None:
    network = VirtualNetwork()
    network.send(b"before", HERE, STREAM, 0.0)
    network.partition(HERE, THERE)
    network.send(b"during", HERE, STREAM, 1.0)
    assert network.receive(THERE, 2.0) == [(b"before", BACK)]
    network.heal(THERE, HERE)
    network.send(b"after", HERE, STREAM, 3.0)

    assert network.receive(THERE, 4.0) == [(b"during", BACK), (b"after", BACK)]
    assert network.counters["held"] == 1


def test_an_empty_record_ends_a_stream_for_both() -> None:
    network = VirtualNetwork(link=Link(latency_seconds=0.1))
    network.send(b"under way", THERE, BACK, 0.0)
    network.send(b"last words", HERE, STREAM, 0.0)
    network.send(b"", HERE, STREAM, 0.0)
    network.send(b"too late", HERE, STREAM, 0.0)
    network.send(b"too late", THERE, BACK, 0.0)

    assert network.receive(THERE, 1.0) == [(b"last words", BACK), (b"", BACK)]
    assert network.receive(HERE, 1.0) == []  # who ends a stream listens no more
    assert network.counters["after the end"] == 2


@pytest.mark.parametrize(("dead", "left", "source"), [(HERE, THERE, BACK), (THERE, HERE, STREAM)])
def test_the_streams_of_a_dead_program_end(dead: tuple[str, int], left: tuple[str, int], source: StreamAddress) -> None:
    network = VirtualNetwork()
    network.send(b"x", HERE, STREAM, 0.0)
    network.send(b"x", THERE, BACK, 0.0)
    network.receive(HERE, 0.0)
    network.receive(THERE, 0.0)
    network.drop(dead)

    assert network.receive(left, 1.0) == [(b"", source)]


def test_a_stream_runs_over_the_link_of_its_hosts() -> None:
    network = VirtualNetwork()
    network.set_link(HERE, THERE, Link(latency_seconds=1.0))
    network.send(b"x", HERE, STREAM, 0.0)
    network.set_link(HERE, THERE, Link(latency_seconds=2.0))
    network.send(b"x", HERE, STREAM, 0.0)
    network.send(b"x", THERE, BACK, 0.0)

    assert len(network.receive(HERE, 0.0)) == 1
    assert len(network.receive(THERE, 1.9)) == 1
    assert len(network.receive(THERE, 2.0)) == 1


def test_streams_are_in_the_hash() -> None:
    hashes = []
    for destination in (STREAM, StreamAddress(*THERE, 8)):
        network = VirtualNetwork(trace=True)
        network.send(b"x", HERE, destination, 0.0)
        hashes.append(network.traffic_hash())

    assert hashes[0] != hashes[1]
