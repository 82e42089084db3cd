"""How long a missing packet may only be late: learned from those that were taken for lost too early."""

from hypothesis import given
from hypothesis import strategies as st

from ecsnet.testing.network import Link
from ecsnet.transport.reordering import CALM_PACKETS, MAX_PACKETS, REMEMBERED_PACKETS, Reordering
from tests.transport.pair import UNRELIABLE, Pair


def test_a_packet_that_comes_after_all_shows_by_how_much() -> None:
    reordering = Reordering()
    reordering.note_lost(10)
    reordering.note_acked(14, 0b1_0000, 1)

    assert (reordering.packets, reordering.round_trips) == (5, 1.25)


def test_an_ack_that_does_not_name_it_shows_nothing() -> None:
    reordering = Reordering()
    reordering.note_lost(10)
    reordering.note_acked(14, 0b0_1111, 1)

    assert (reordering.packets, reordering.round_trips) == (3, 1.125)


def test_patience_has_a_limit_and_is_lost_again() -> None:
    reordering = Reordering()
    for number in range(100):
        reordering.note_lost(number)
        reordering.note_acked(number + 200, 1 << 200, 1)
    assert (reordering.packets, reordering.round_trips) == (MAX_PACKETS, 2.0)
    for _ in range(20 * CALM_PACKETS):
        reordering.note_acked(5000, 1, 1)

    assert (reordering.packets, reordering.round_trips) == (3, 1.125)


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(0, 500), st.integers(0, (1 << 300) - 1))
def test_the_bits_say_what_a_set_would(numbers: list[int], largest: int, bitmap: int) -> None:
    """Which packets taken for lost does this ACK name, and how far back is the furthest?"""
    reordering, known, newest = Reordering(), set[int](), 0
    for number in numbers:
        reordering.note_lost(number)
        newest = max(newest, number)
        known = {each for each in known | {number} if each > newest - REMEMBERED_PACKETS}
    arrived = bitmap << 1 | 1
    late = [number for number in known if number <= largest and arrived >> (largest - number) & 1]
    reordering.note_acked(largest, arrived, 1)

    distance = max([largest - number + 1 for number in late], default=0)
    assert reordering.packets == max(3, min(distance, 6))
    assert (reordering.round_trips > 1.125) is bool(late)
    remembered = {reordering._newest - i for i in range(REMEMBERED_PACKETS) if reordering._lost >> i & 1}
    assert remembered == known - set(late)


def test_a_link_that_jitters_is_soon_understood() -> None:
    """30 ms either way at 60 packets a second: packets overtake each other, and none is lost."""
    pair = Pair(link=Link(latency_seconds=0.08, jitter_seconds=0.03), seed=1)
    client, server = pair.connect()
    lost = []
    for _ in range(20):
        before = client.statistics.packets_lost
        for _ in range(60):
            client.send(UNRELIABLE, bytes(100))
            pair.step()
            server.take_messages()
        lost.append(client.statistics.packets_lost - before)

    assert sum(lost[10:]) <= sum(lost[:10]) / 3
    assert sum(lost[10:]) <= 6
