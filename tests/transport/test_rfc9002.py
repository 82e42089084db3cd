"""RFC 9002, section by section: each formula worked out here once more, from the RFC's text and in its own names.

Where this transport differs on purpose, the test says so. Only application data exists here (one packet number space,
the handshake is a protocol of its own), so sections on several spaces and on address validation have no counterpart.
"""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.config import TransportConfig
from ecsnet.transport import loss, reordering
from ecsnet.transport.loss import InFlight, SentPacket
from ecsnet.transport.rtt import GRANULARITY_SECONDS, INITIAL_SECONDS, RoundTrip

MAX_ACK_DELAY = 0.025
K_PACKET_THRESHOLD = 3  # 6.1.1
K_TIME_THRESHOLD = Fraction(9, 8)  # 6.1.2
K_GRANULARITY = Fraction(1, 1000)  # 6.1.2: 1 ms
K_INITIAL_RTT = Fraction(333, 1000)  # 6.2.2: 333 ms

MILLISECONDS = st.integers(0, 3000)


@pytest.fixture(autouse=True)
def _probe_as_the_rfc_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what limits the pause between probes to what a game can wait; all else is the RFC's."""
    monkeypatch.setattr(loss, "MAX_PROBE_PAUSE_SECONDS", float("inf"), raising=False)


class Rfc:
    """UpdateRtt of appendix A.7 and what is computed from it, in exact fractions of a second."""

    def __init__(self) -> None:
        self.latest_rtt = self.min_rtt = Fraction(0)
        self.smoothed_rtt, self.rttvar = K_INITIAL_RTT, K_INITIAL_RTT / 2  # A.4
        self.first = True

    def update_rtt(self, latest_rtt: Fraction, ack_delay: Fraction, max_ack_delay: Fraction) -> None:
        self.latest_rtt = latest_rtt
        if self.first:
            self.first = False
            self.min_rtt = self.smoothed_rtt = latest_rtt
            self.rttvar = latest_rtt / 2
            return
        self.min_rtt = min(self.min_rtt, latest_rtt)
        ack_delay = min(ack_delay, max_ack_delay)
        adjusted_rtt = latest_rtt
        if latest_rtt >= self.min_rtt + ack_delay:
            adjusted_rtt = latest_rtt - ack_delay
        self.rttvar = Fraction(3, 4) * self.rttvar + Fraction(1, 4) * abs(self.smoothed_rtt - adjusted_rtt)
        self.smoothed_rtt = Fraction(7, 8) * self.smoothed_rtt + Fraction(1, 8) * adjusted_rtt

    def loss_delay(self) -> Fraction:
        return max(K_TIME_THRESHOLD * max(self.latest_rtt, self.smoothed_rtt), K_GRANULARITY)

    def pto(self, max_ack_delay: Fraction) -> Fraction:
        return self.smoothed_rtt + max(4 * self.rttvar, K_GRANULARITY) + max_ack_delay


def sent(number: int, at: float) -> SentPacket:
    return (at, 1200, (), (number,), -1)


def tokens(packets: list[SentPacket]) -> list[int]:
    return [token for packet in packets for token in packet[3]]


def flying(times: list[float], rtt: float = 0.1) -> InFlight:
    """Packets 0, 1 ... sent at `times`, with one sample of the round trip."""
    in_flight = InFlight(MAX_ACK_DELAY)
    for number, at in enumerate(times):
        in_flight.add(number, sent(number, at))
    in_flight.rtt.add(rtt, 0.0, MAX_ACK_DELAY)
    return in_flight


def test_section_5_1_a_sample_needs_the_largest_newly_acknowledged() -> None:
    """An ACK whose largest was acknowledged before, or whose largest asked for none, says nothing about the path."""
    in_flight = flying([0.0, 0.01, 0.02], rtt=0.05)
    in_flight.receive_ack((2, 0.0, 0), 3, 0.12)
    assert in_flight.rtt.latest == pytest.approx(0.12 - 0.02)
    in_flight.receive_ack((2, 0.0, 0b1), 3, 0.7)
    assert in_flight.rtt.latest == pytest.approx(0.10)

    later = flying([0.0], rtt=0.05)
    later.receive_ack((1, 0.0, 0b1), 2, 0.7)  # packet 1 was an ACK alone
    assert later.rtt.latest == 0.05


def test_section_5_1_latest_rtt_ignores_the_peers_delay() -> None:
    in_flight = flying([1.0])
    in_flight.receive_ack((0, 0.02, 0), 1, 1.2)

    assert in_flight.rtt.latest == pytest.approx(0.2)


def test_section_5_2_min_rtt_is_the_first_sample_then_the_least_and_never_adjusted() -> None:
    rtt = RoundTrip()
    minima = []
    for sample in (0.2, 0.3, 0.15, 0.4):
        rtt.add(sample, 0.02, MAX_ACK_DELAY)
        minima.append(rtt.minimum)

    assert minima == [0.2, 0.2, 0.15, 0.15]


def test_section_5_3_before_any_sample() -> None:
    """smoothed_rtt = kInitialRtt, rttvar = kInitialRtt / 2; so the first PTO is about a second (6.2.2)."""
    rtt = RoundTrip()

    assert Fraction(str(INITIAL_SECONDS)) == K_INITIAL_RTT
    assert (rtt.smoothed, rtt.variation) == (0.333, 0.1665)
    assert rtt.probe_timeout(0.0) == pytest.approx(0.999)


def test_section_5_3_the_first_sample_resets_both() -> None:
    """Whatever delay the peer names: a first sample is taken as it is."""
    rtt = RoundTrip()
    rtt.add(0.08, 0.02, MAX_ACK_DELAY)

    assert (rtt.smoothed, rtt.variation, rtt.minimum, rtt.latest) == (0.08, 0.04, 0.08, 0.08)


@given(st.lists(st.tuples(MILLISECONDS, MILLISECONDS), min_size=1, max_size=30), st.integers(0, 100))
def test_section_5_3_and_a_7_any_series_of_samples(samples: list[tuple[int, int]], max_delay: int) -> None:
    """Against exact fractions: the estimate, the time threshold and the PTO after every sample."""
    ours, rfc = RoundTrip(), Rfc()
    limit = Fraction(max_delay, 1000)
    for sample, delay in samples:
        # Eighths of a millisecond are exact in binary, or the comparison that decides on the delay could differ.
        latest, ack_delay = Fraction(sample, 1024), Fraction(delay, 1024)
        ours.add(float(latest), float(ack_delay), float(limit))
        rfc.update_rtt(latest, ack_delay, Fraction(float(limit)))

        assert ours.latest == rfc.latest_rtt
        assert ours.minimum == rfc.min_rtt
        assert ours.smoothed == pytest.approx(float(rfc.smoothed_rtt))
        assert ours.variation == pytest.approx(float(rfc.rttvar))
        assert ours.loss_delay() == pytest.approx(float(rfc.loss_delay()))
        assert ours.probe_timeout(float(limit)) == pytest.approx(float(rfc.pto(limit)))


def test_section_6_1_a_packet_is_lost_only_if_a_later_one_was_acknowledged() -> None:
    """However long ago it was sent: time alone asks for a probe, and declares nothing lost."""
    in_flight = flying([0.0, 0.001])

    assert in_flight.update(1000.0) == ([], True)
    assert len(in_flight) == 2


@pytest.mark.parametrize("behind", range(1, 6))
def test_section_6_1_1_packet_threshold(behind: int) -> None:
    """Three, and packets sent at once: one is lost when the third after it is acknowledged."""
    assert reordering.PACKETS == K_PACKET_THRESHOLD
    in_flight = flying([0.0] * (behind + 1))
    _, lost = in_flight.receive_ack((behind, 0.0, (1 << behind - 1) - 1), behind + 1, 0.1)

    assert tokens(lost) == ([0] if behind >= K_PACKET_THRESHOLD else [])


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_section_6_1_2_time_threshold(first_ms: int, second_ms: int) -> None:
    """max(9/8 * max(smoothed_rtt, latest_rtt), kGranularity) after it was sent, not after it was found missing."""
    assert Fraction(str(GRANULARITY_SECONDS)) == K_GRANULARITY
    in_flight = flying([0.0, 0.0], rtt=first_ms / 1000)
    in_flight.receive_ack((1, 0.0, 0), 2, second_ms / 1000)
    rfc = Rfc()
    for sample in (first_ms, second_ms):
        rfc.update_rtt(Fraction(sample, 1000), Fraction(0), Fraction(0))
    deadline = float(rfc.loss_delay())

    if deadline <= second_ms / 1000:
        assert len(in_flight) == 0
        return
    assert in_flight.next_deadline() == pytest.approx(deadline)
    assert in_flight.update(deadline - 1e-6) == ([], False)
    assert tokens(in_flight.update(deadline + 1e-6)[0]) == [0]


def test_section_6_1_2_the_granularity_is_the_least() -> None:
    rtt = RoundTrip()
    rtt.add(0.0001, 0.0, 0.0)

    assert rtt.loss_delay() == 0.001


def test_section_6_2_1_pto() -> None:
    """smoothed_rtt + max(4 * rttvar, kGranularity) + max_ack_delay, from the last ack-eliciting packet on."""
    in_flight = flying([5.0], rtt=0.1)
    in_flight.add(1, sent(1, 5.4))

    assert in_flight.next_deadline() == pytest.approx(5.4 + 0.1 + 4 * 0.05 + MAX_ACK_DELAY)


def test_section_6_2_1_pto_doubles_and_an_acknowledgement_ends_that() -> None:
    """Each expiry doubles it; a packet newly acknowledged sets it back.

    The RFC doubles without end. Here it ends at 64 times, longer than any idle timeout.
    """
    pto = 0.1 + 4 * 0.05 + MAX_ACK_DELAY
    in_flight, last = flying([0.0]), 0.0
    for number in range(1, 11):
        deadline = in_flight.next_deadline()
        assert deadline == pytest.approx(last + pto * 2 ** min(number - 1, 6))
        assert deadline is not None
        assert in_flight.update(deadline) == ([], True)
        last = deadline
        in_flight.add(number, sent(number, last))

    in_flight.receive_ack((number, 0.0, 0), number + 1, last + 0.1)
    in_flight.add(number + 1, sent(number + 1, last + 1.0))
    assert in_flight.next_deadline() == pytest.approx(last + 1.0 + in_flight.rtt.probe_timeout(MAX_ACK_DELAY))


def test_section_6_2_1_no_pto_while_a_time_threshold_runs() -> None:
    """The PTO timer must not be set then: what is missing will be declared lost first."""
    in_flight = flying([0.0, 0.05])
    in_flight.receive_ack((1, 0.0, 0), 2, 0.1)
    in_flight.add(2, sent(2, 0.1))
    deadline = in_flight.next_deadline()

    assert deadline == pytest.approx(float(K_TIME_THRESHOLD) * max(in_flight.rtt.smoothed, in_flight.rtt.latest))
    assert deadline is not None
    lost, probe = in_flight.update(deadline)
    assert (tokens(lost), probe) == ([0], False)
    assert in_flight.next_deadline() == pytest.approx(0.1 + in_flight.rtt.probe_timeout(MAX_ACK_DELAY))


def test_section_6_2_1_no_timer_with_nothing_in_flight() -> None:
    """Else an idle end would probe for ever."""
    in_flight = flying([0.0])
    in_flight.receive_ack((0, 0.0, 0), 1, 0.1)

    assert in_flight.next_deadline() is None
    assert in_flight.update(1e6) == ([], False)


def test_section_6_2_1_the_peer_waits_no_longer_than_max_ack_delay() -> None:
    """Both ends take the same value, which is below the RFC's 2**14 ms; the PTO counts on it."""
    assert 0 < TransportConfig().max_ack_delay_seconds < 2**14 / 1000


def test_section_6_2_4_a_probe_declares_nothing_lost() -> None:
    """A PTO is no indication of loss: the packet may still be acknowledged, and counts as arrived then."""
    in_flight = flying([0.0])
    deadline = in_flight.next_deadline()
    assert deadline is not None
    in_flight.update(deadline)
    acked, lost = in_flight.receive_ack((0, 0.0, 0), 1, deadline + 0.01)

    assert (tokens(acked), lost) == ([0], [])


def test_section_7_6_3_the_example_of_persistent_congestion() -> None:
    """The RFC's table: its probes at 8 and 12, and packets 2 to 8 lost by the ACK of packet 9.

    With a PTO of 2 s persistent congestion lasts 3 * 2 s (7.6.1), and what is lost was sent over 8 - 1 s.
    """
    in_flight = InFlight(0.0)
    for number, at in ((1, 0.0), (2, 1.0)):
        in_flight.add(number, sent(number, at))
    in_flight.receive_ack((1, 0.0, 0), 3, 1.2)
    # The example says no more of the round trip than smoothed_rtt + max(4*rttvar, kGranularity) + max_ack_delay = 2.
    in_flight.rtt.smoothed, in_flight.rtt.variation = 1.0, 0.25
    for number, at in ((3, 2.0), (4, 3.0), (5, 4.0), (6, 5.0), (7, 6.0)):
        in_flight.add(number, sent(number, at))
    for number, at in ((8, 8.0), (9, 12.0)):
        assert in_flight.next_deadline() == at
        assert in_flight.update(at) == ([], True)
        in_flight.add(number, sent(number, at))
    duration = 3 * in_flight.rtt.probe_timeout(0.0)
    acked, lost = in_flight.receive_ack((9, 0.0, 0), 10, 12.2)

    assert (tokens(acked), tokens(lost)) == ([9], [2, 3, 4, 5, 6, 7, 8])
    assert duration == 6.0
    assert lost[-1][0] - lost[0][0] == 7.0 >= duration


class RfcSender:
    """OnAckReceived, DetectAndRemoveLostPackets and OnLossDetectionTimeout of A.7, A.9, A.10; in the RFC's names."""

    def __init__(self) -> None:
        self.rtt = Rfc()
        self.sent_packets: dict[int, Fraction] = {}
        self.largest_acked_packet = -1
        self.loss_time = Fraction(0)
        self.pto_count = 0
        self.time_of_last_ack_eliciting_packet = Fraction(0)

    def on_packet_sent(self, number: int, now: Fraction) -> None:
        self.sent_packets[number] = now
        self.time_of_last_ack_eliciting_packet = now

    def on_ack_received(self, numbers: set[int], delay: Fraction, now: Fraction) -> tuple[list[int], list[int]]:
        self.largest_acked_packet = max(self.largest_acked_packet, *numbers)
        newly_acked = sorted(numbers & set(self.sent_packets))
        times = {number: self.sent_packets.pop(number) for number in newly_acked}
        if not newly_acked:
            return [], []
        if newly_acked[-1] == max(numbers):
            self.rtt.update_rtt(now - times[newly_acked[-1]], delay, Fraction(MAX_ACK_DELAY))
        lost = self.detect_and_remove_lost_packets(now)
        self.pto_count = 0
        return newly_acked, lost

    def detect_and_remove_lost_packets(self, now: Fraction) -> list[int]:
        self.loss_time, lost = Fraction(0), []
        loss_delay = self.rtt.loss_delay()
        for number, time_sent in list(self.sent_packets.items()):
            if number > self.largest_acked_packet:
                continue
            if time_sent + loss_delay <= now or self.largest_acked_packet >= number + K_PACKET_THRESHOLD:
                lost.append(number)
                del self.sent_packets[number]
            else:
                at = time_sent + loss_delay
                self.loss_time = min(self.loss_time, at) if self.loss_time else at
        return lost

    def timer(self) -> Fraction | None:
        """SetLossDetectionTimer of A.8, with one packet number space."""
        if self.loss_time:
            return self.loss_time
        if not self.sent_packets:
            return None
        return self.time_of_last_ack_eliciting_packet + self.rtt.pto(Fraction(MAX_ACK_DELAY)) * (1 << self.pto_count)

    def on_loss_detection_timeout(self, now: Fraction) -> list[int]:
        if self.loss_time:
            return self.detect_and_remove_lost_packets(now)
        self.pto_count += 1
        return []


class Steadfast(reordering.Reordering):
    """Keeps to the recommended thresholds; that ours learn from false losses is in test_reordering.py."""

    def note_acked(self, largest: int, arrived: int, count: int) -> None:
        pass


@pytest.mark.parametrize("seed", range(40))
def test_appendix_a_any_conversation(seed: int) -> None:
    """The pseudocode beside this code: the same fates, the same timer, after every step of a random conversation.

    One thing differs on purpose: a PTO here is counted from the last probe timeout, too, since what it asks for may
    have to wait for the next call of the host. So the double sends its probe at once, as the RFC says it must.
    """
    chance = random.Random(seed)
    ours, rfc = InFlight(MAX_ACK_DELAY), RfcSender()
    ours._reordering = Steadfast()
    now, number = Fraction(1), 0
    for _ in range(300):
        now += Fraction(chance.randrange(1, 400), 1024)
        timer = rfc.timer()
        if timer is not None and timer <= now:
            now = timer + Fraction(1, 1 << 20)  # past the rounding of floats
            expected = rfc.on_loss_detection_timeout(now)
            lost, probe = ours.update(float(now))
            assert (tokens(lost), probe) == (expected, not expected)
        elif chance.random() < 0.5 and number:
            largest = chance.randrange(max(0, number - 8), number)
            bitmap = chance.getrandbits(largest) if largest else 0
            numbers = {largest} | {largest - 1 - i for i in range(largest) if bitmap >> i & 1}
            delay = Fraction(chance.randrange(0, 60), 1024)
            known = rfc.largest_acked_packet
            acked, expected = rfc.on_ack_received(numbers, delay, now)
            if not acked and largest > known:
                # Ours looks for losses then, too: see test_an_ack_of_an_ack_moves_the_largest_on.
                expected = rfc.detect_and_remove_lost_packets(now)
            got = ours.receive_ack((largest, float(delay), bitmap), number, float(now))
            assert tuple(map(tokens, got)) == (acked, expected)
            probe = False
        else:
            probe = True
        if probe:
            ours.add(number, sent(number, float(now)))
            rfc.on_packet_sent(number, now)
            number += 1

        assert ours.next_deadline() == pytest.approx(None if rfc.timer() is None else float(rfc.timer() or 0), abs=1e-6)
        assert sorted(tokens(ours.oldest(1000))) == sorted(rfc.sent_packets)
        if rfc.pto_count > 5:  # where doubling ends here
            break
