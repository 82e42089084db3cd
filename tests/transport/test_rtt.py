"""The estimate of the round trip, against the formulas of RFC 9002."""

import pytest

from ecsnet.transport.rtt import RoundTrip


def measured(*samples: float, delay: float = 0.0, limit: float = 0.04) -> RoundTrip:
    rtt = RoundTrip()
    for sample in samples:
        rtt.add(sample, delay, limit)
    return rtt


def test_the_first_sample_is_taken_as_it_is() -> None:
    rtt = measured(0.1, delay=0.03)

    assert (rtt.smoothed, rtt.variation, rtt.minimum, rtt.latest) == (0.1, 0.05, 0.1, 0.1)


def test_later_samples_weigh_an_eighth_and_a_quarter() -> None:
    rtt = measured(0.1, 0.2)

    assert rtt.variation == pytest.approx(0.75 * 0.05 + 0.25 * 0.1)
    assert rtt.smoothed == pytest.approx(0.875 * 0.1 + 0.125 * 0.2)
    assert (rtt.minimum, rtt.latest) == (0.1, 0.2)


def test_the_peers_delay_is_taken_off_but_never_below_the_minimum() -> None:
    """A peer that claims a longer delay than there can be must not make the network look faster than it is."""
    assert measured(0.1, 0.2, delay=0.03).smoothed == pytest.approx(0.875 * 0.1 + 0.125 * 0.17)
    assert measured(0.1, 0.11, delay=0.03).smoothed == pytest.approx(0.875 * 0.1 + 0.125 * 0.11)
    assert measured(0.1, 0.2, delay=5.0).smoothed == pytest.approx(0.875 * 0.1 + 0.125 * 0.16)


def test_a_packet_may_trail_by_an_eighth_of_the_slower_estimate() -> None:
    assert measured(0.1, 0.2).loss_delay() == pytest.approx(0.225)
    assert measured(0.2, 0.1).loss_delay() == pytest.approx(1.125 * measured(0.2, 0.1).smoothed)
    assert measured(0.0).loss_delay() == 0.001


def test_a_probe_waits_for_the_round_trip_its_variation_and_the_peers_patience() -> None:
    assert measured(0.1).probe_timeout(0.04) == pytest.approx(0.1 + 4 * 0.05 + 0.04)
    assert measured(*[0.1] * 200).probe_timeout(0.04) == pytest.approx(0.1 + 0.001 + 0.04)


def test_the_handshake_gives_a_guess_until_there_is_a_sample() -> None:
    """Without it, a lost first packet costs every join a second."""
    rtt = RoundTrip()
    rtt.guess(2.0)
    assert rtt.smoothed == 0.333
    rtt.guess(0.05)
    assert rtt.probe_timeout(0.04) == pytest.approx(0.05 + 0.1 + 0.04)
    rtt.add(0.2, 0.0, 0.04)
    rtt.guess(0.01)

    assert rtt.smoothed == 0.2
