"""What the network graph makes of counters: rates of the last second, curves of the last six. And names of links."""

from typing import cast

import pytest

from ecsnet.clock import VirtualClock
from ecsnet.playfigures import PlayFigures
from ecsnet.runtime import RunningClient
from ecsnet.samples.soccer.history import MAX_READINGS, History
from ecsnet.samples.soccer.links import describe_link, link_name
from ecsnet.testing.network import Link
from ecsnet.transport.statistics import Statistics


class Counting:
    """Stands for a client that sends 20 datagrams of 100 B a second; a test counts its corrections."""

    def __init__(self) -> None:
        self.clock = VirtualClock(1000.0)
        self.statistics = Statistics(rtt_seconds=0.05)
        self.corrections = 0

    @property
    def figures(self) -> PlayFigures:
        return PlayFigures(
            corrections=self.corrections,
            replayed_ticks=7 * self.corrections,
            ahead_ticks=7,
            margin_ticks=1,
            speed=1.0,
            interpolation_delay_seconds=0.1,
        )

    def as_client(self) -> RunningClient:
        return cast("RunningClient", self)

    def play(self, history: History, seconds: float) -> None:
        """Show 20 frames a second."""
        for _ in range(round(20 * seconds)):
            self.clock.advance(0.05)
            self.statistics.datagrams_sent += 1
            self.statistics.bytes_sent += 100
            history.note(self.as_client())


def test_a_rate_is_that_of_the_last_second() -> None:
    """Not the sum since the beginning, which says nothing about now."""
    client, history = Counting(), History()
    client.play(history, 3)
    client.corrections += 4
    client.play(history, 0.5)
    during = history.rates()
    client.play(history, 3)
    after = history.rates()

    assert (during.datagrams_sent, during.bytes_sent) == pytest.approx((20, 2000))
    assert (during.corrections, during.replayed_ticks) == pytest.approx((4, 28))
    assert (after.datagrams_sent, after.corrections, after.bytes_received) == pytest.approx((20, 0, 0))


def test_the_first_frame_has_no_rate() -> None:
    """There is nothing to compare with."""
    history = History()
    history.note(Counting().as_client())

    assert set(history.rates()) == {0.0}


def test_the_history_is_as_long_as_the_curve() -> None:
    """However long the match, and however many frames a second."""
    client, history = Counting(), History()
    client.play(history, 20)
    assert history.readings[-1].at - history.readings[0].at == pytest.approx(6.0, abs=0.06)

    for _ in range(2 * MAX_READINGS):
        client.clock.advance(0.0001)
        history.note(client.as_client())

    assert len(history.readings) == MAX_READINGS


def test_a_correction_keeps_its_place_while_time_goes_on() -> None:
    """Bars that change their height from frame to frame could not be read."""
    client, history = Counting(), History()
    client.play(history, 1)
    client.corrections += 2
    client.play(history, 0.05)
    client.corrections += 1
    client.play(history, 1)
    first = history.corrections()
    client.play(history, 2.7)

    assert history.corrections() == first
    assert sum(count for _, count in first) == 3
    assert all(1001.0 <= at <= 1001.2 for at, _ in first)
    client.play(history, 6)
    assert history.corrections() == []


def test_a_link_is_described_in_words() -> None:
    """The name, and what it does; nothing is said of what does nothing."""
    links = (Link.PERFECT, Link.LAN, Link.WIFI, Link.MOBILE, Link.AWFUL, Link(loss=0.1))

    assert [link_name(link) for link in links] == ["none", "LAN", "Wi-Fi", "mobile", "awful", "custom"]
    assert describe_link(Link.PERFECT) == ""
    assert describe_link(Link.LAN) == "1 ± 0.5 ms, 0 % loss, each way"
    assert describe_link(Link.AWFUL) == "150 ± 50 ms, 8 % loss, each way"
