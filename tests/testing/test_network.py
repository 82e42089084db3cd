"""The virtual network does what its Link says, and the same for the same seed."""

from collections import Counter

import pytest

from ecsnet.testing.network import Link, VirtualNetwork

A, B = ("a", 1), ("b", 2)


def carry(link: Link, count: int = 4000, seed: int = 1) -> tuple[VirtualNetwork, list[tuple[float, int]]]:
    """Send numbered datagrams one a millisecond; return when each arrived."""
    network = VirtualNetwork(seed=seed, link=link, trace=True)
    arrived = []
    for step in range(count + 2000):
        now = step / 1000
        if step < count:
            network.send(step.to_bytes(4, "big"), A, B, now)
        arrived += [(now, int.from_bytes(data, "big")) for data, _ in network.receive(B, now)]
    return network, arrived


def test_a_perfect_link_carries_everything_at_once() -> None:
    """What host mode plays over."""
    assert carry(Link.PERFECT, 100)[1] == [(step / 1000, step) for step in range(100)]


@pytest.mark.parametrize(("loss", "burst"), [(0.2, 0.0), (0.2, 0.7)])
def test_losses_are_as_many_as_said_and_come_in_bursts_if_said(loss: float, burst: float) -> None:
    """With bursts the share is larger, as each loss tends to bring the next."""
    network, arrived = carry(Link(loss=loss, burst=burst))
    lost = 1 - len(arrived) / 4000

    assert network.counters["lost"] == 4000 - len(arrived)
    assert lost == pytest.approx(loss if not burst else loss / (1 - burst + loss), abs=0.03)


def test_delay_lies_within_latency_and_jitter() -> None:
    """80 ± 30 ms is 50 to 110 ms, and nothing else."""
    _, arrived = carry(Link(latency_seconds=0.080, jitter_seconds=0.030))
    delays = [at - number / 1000 for at, number in arrived]

    assert min(delays) >= 0.050
    assert max(delays) <= 0.1115
    assert sum(delays) / len(delays) == pytest.approx(0.0805, abs=0.002)


def test_duplicates_and_reordering() -> None:
    """Each is as frequent as said."""
    network, arrived = carry(Link(duplicate=0.1, reorder=0.1, latency_seconds=0.05))
    copies = Counter(number for _, number in arrived)
    numbers = [number for _, number in arrived]

    assert sum(count == 2 for count in copies.values()) == network.counters["duplicated"] == pytest.approx(400, abs=60)
    assert numbers != sorted(numbers)


def test_a_narrow_link_queues_and_then_drops() -> None:
    """4 B every ms through 1000 B/s: a queue builds up to its limit, no further."""
    network, arrived = carry(Link(bandwidth_bytes_per_second=1000, queue_bytes=400))

    assert network.counters["queue full"] > 2000
    assert max(at - number / 1000 for at, number in arrived) <= 0.41


def test_a_partition_lets_nothing_through_until_it_heals() -> None:
    """Both ways, and only between those two."""
    network = VirtualNetwork()
    network.partition(A, B)
    network.send(b"1", A, B, 0.0)
    network.send(b"2", B, A, 0.0)
    network.send(b"3", A, ("c", 3), 0.0)
    network.heal(A, B)
    network.send(b"4", A, B, 0.0)

    assert network.receive(B, 0.0) == [(b"4", A)]
    assert network.receive(A, 0.0) == []
    assert network.receive(("c", 3), 0.0) == [(b"3", A)]


def test_the_same_seed_decides_the_same() -> None:
    """Everything follows from the seed and the order of sending."""
    link = Link(loss=0.2, duplicate=0.1, reorder=0.1, latency_seconds=0.05, jitter_seconds=0.02)

    assert carry(link, 500, seed=3)[1] == carry(link, 500, seed=3)[1]
    assert carry(link, 500, seed=3)[1] != carry(link, 500, seed=4)[1]
    assert carry(link, 500, seed=3)[0].traffic_hash() == carry(link, 500, seed=4)[0].traffic_hash()  # sent is the same


@pytest.mark.parametrize("wrong", [{"loss": 1.5}, {"duplicate": -0.1}, {"latency_seconds": -1.0}])
def test_a_link_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """Per cent instead of a share is the usual mistake."""
    with pytest.raises(ValueError, match="Link"):
        Link(**wrong)  # type: ignore[arg-type]  # values of one type for fields of several
