"""What is on its way becomes acknowledged or lost, once, and in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.acks import ACK_RANGE
from ecsnet.transport.loss import InFlight, SentPacket

DELAY = 0.04


def sent(number: int, at: float) -> SentPacket:
    return (at, 100, (), (number,), -1)


def flying(count: int, step: float = 0.01) -> InFlight:
    """Packets 0, 1, 2 ... sent every `step` seconds from time 0 on."""
    in_flight = InFlight(DELAY)
    for number in range(count):
        in_flight.add(number, sent(number, number * step))
    return in_flight


def tokens(packets: list[SentPacket]) -> list[int]:
    return [token for packet in packets for token in packet[3]]


def test_an_ack_names_the_largest_and_a_bit_for_each_below() -> None:
    in_flight = flying(6, step=0.0)
    acked, lost = in_flight.receive_ack((3, 0.0, 0b110), 6, 0.1)

    assert tokens(acked) == [0, 1, 3]
    assert lost == []
    assert (len(in_flight), in_flight.largest_acked) == (3, 3)


def test_a_packet_two_behind_may_be_overtaken_a_packet_three_behind_is_lost() -> None:
    in_flight = flying(4, step=0.0)
    assert tokens(in_flight.receive_ack((2, 0.0, 0), 4, 0.1)[1]) == []
    assert tokens(in_flight.receive_ack((3, 0.0, 0), 4, 0.1)[1]) == [0]


def test_a_later_arrival_and_time_prove_a_loss() -> None:
    """9/8 of the round trip after it was sent, and not a moment earlier."""
    in_flight = flying(2)
    in_flight.receive_ack((1, 0.0, 0), 2, 0.11)
    deadline = in_flight.next_deadline()
    assert deadline is not None
    assert deadline == pytest.approx(1.125 * 0.1)
    assert in_flight.update(deadline - 0.0001) == ([], False)

    assert tokens(in_flight.update(deadline)[0]) == [0]


@given(st.floats(0, 1e6), st.floats(0.0001, 3.0))
def test_a_host_that_sleeps_until_the_deadline_finds_something_to_do(start: float, rtt: float) -> None:
    """Rounded differently here and there, it would be told to sleep until now, again and again."""
    in_flight = InFlight(DELAY)
    in_flight.add(0, sent(0, start))
    in_flight.add(1, sent(1, start + 0.01))
    in_flight.receive_ack((1, 0.0, 0), 2, start + 0.01 + rtt)
    deadline = in_flight.next_deadline()

    assert len(in_flight) == 0 or (deadline is not None and tokens(in_flight.update(deadline)[0]) == [0])


def test_silence_asks_for_a_probe_at_doubling_intervals() -> None:
    """Nothing later arrives that could prove the loss of the last packet. Half a second is the longest wait, though."""
    in_flight = flying(1)
    in_flight.rtt.add(0.04, 0.0, DELAY)
    times = []
    for _ in range(4):
        deadline = in_flight.next_deadline()
        assert deadline is not None
        assert in_flight.update(deadline - 0.001) == ([], False)
        assert in_flight.update(deadline) == ([], True)
        times.append(deadline)

    assert times == pytest.approx([0.16, 0.16 + 0.32, 0.16 + 0.32 + 0.5, 0.16 + 0.32 + 2 * 0.5])
    in_flight.add(1, sent(1, 6.0))
    assert tokens(in_flight.receive_ack((1, 0.0, 0), 2, 6.1)[1]) == [0]
    in_flight.add(2, sent(2, 7.0))

    assert in_flight.next_deadline() == pytest.approx(7.0 + in_flight.rtt.probe_timeout(DELAY))


def test_three_probe_timeouts_of_losses_and_no_arrival_are_persistent() -> None:
    """RFC 9002, section 7.6: the path is gone, or another one; a few losses in a row are not that."""
    in_flight = flying(0)
    in_flight.rtt.add(0.1, 0.0, DELAY)
    span = 3 * in_flight.rtt.probe_timeout(DELAY)
    lost = [sent(1, 5.0), sent(2, 5.0 + span / 2), sent(4, 5.001 + span)]

    assert in_flight.persists(lost)
    assert not in_flight.persists(lost[:2])
    assert not in_flight.persists(lost, [sent(3, 5.0 + 0.6 * span)])
    assert in_flight.persists(lost, [sent(5, 6.0 + span)])
    assert not flying(0).persists(lost)  # without a sample nothing is known of the path


def test_what_was_lost_and_arrives_after_all_stays_lost() -> None:
    """A report is given once; the receiver of the message sorts out what comes twice."""
    in_flight = flying(5, step=0.0)
    assert tokens(in_flight.receive_ack((4, 0.0, 0), 5, 0.1)[1]) == [0, 1]

    assert in_flight.receive_ack((4, 0.0, 0b1111), 5, 0.1)[1] == []
    assert len(in_flight) == 0


def test_an_ack_of_an_ack_moves_the_largest_on() -> None:
    """The largest it names may be a packet nobody remembers, since it held nothing; what is below is lost anyway."""
    in_flight = flying(1)

    assert tokens(in_flight.receive_ack((3, 0.0, 0), 4, 0.1)[1]) == [0]


def test_an_ack_of_a_packet_never_sent_breaks_the_protocol() -> None:
    """A peer that claims to have what it cannot have wants more than its share."""
    with pytest.raises(RemoteProtocolError, match="never sent"):
        flying(3).receive_ack((3, 0.0, 0), 3, 1.0)


def test_no_more_is_on_its_way_than_an_ack_can_name() -> None:
    in_flight = flying(ACK_RANGE)
    given_up = in_flight.add(ACK_RANGE, sent(ACK_RANGE, 99.0))

    assert given_up is not None
    assert tokens([given_up]) == [0]
    assert len(in_flight) == ACK_RANGE


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, (1 << 60) - 1), st.floats(0, 0.2)), max_size=40))
def test_every_packet_has_one_fate(acks: list[tuple[int, int, float]]) -> None:
    """Whatever a peer acknowledges, in whatever order, and whenever."""
    in_flight, now, fates = flying(61), 1.0, list[int]()
    for largest, bitmap, pause in acks:
        now += pause
        acked, lost = in_flight.receive_ack((largest, 0.0, bitmap & ((1 << largest) - 1)), 61, now)
        fates += tokens(acked) + tokens(lost) + tokens(in_flight.update(now)[0])
    fates += tokens(in_flight.give_up())

    assert sorted(fates) == list(range(61))
