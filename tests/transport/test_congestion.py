"""The congestion window and pacing, by themselves: what arrives, what is lost and how long it took goes in."""

from itertools import pairwise

import pytest

from ecsnet.config import TransportConfig
from ecsnet.transport.congestion import NEVER, Congestion

CONFIG = TransportConfig()
SIZE = 1200
STEP = 1 / 60


class Path:
    """A path with a constant delay, whose sender wants to send as much as it may."""

    def __init__(self, delay: float = 0.05, config: TransportConfig = CONFIG) -> None:
        self.now = 10.0
        self.delay = delay
        self.loss = 0.0  # of each round's packets, evenly
        self.congestion = Congestion(config, delay)
        self.next_number = 0

    def round(self, *, wanted: int | None = None) -> int:
        """Send for a round trip, then acknowledge or lose it all; return what was sent."""
        congestion, sent = self.congestion, 0
        steps = 6
        numbers = []
        for _ in range(steps):
            self.now += self.delay / steps
            in_call = 0
            room = congestion.room_bytes(self.now)
            while in_call < room and (wanted is None or sent < wanted):
                congestion.in_flight_bytes += SIZE
                in_call += SIZE
                sent += SIZE
                numbers.append(self.next_number)
                self.next_number += 1
            if in_call:
                congestion.note_sent(in_call, self.now)
        lost = round(len(numbers) * self.loss)
        if lost:
            congestion.note_lost(lost, lost * SIZE)
        arrived = len(numbers) - lost
        for i in range(steps):
            part = arrived * (i + 1) // steps - arrived * i // steps
            largest = numbers[0] + arrived * (i + 1) // steps - 1 if numbers else -1
            congestion.note_acked(part, part * SIZE, largest, self.next_number, self.delay, self.now + i * 0.001)
        return sent

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.round()


def test_the_window_doubles_each_round_trip_until_the_first_sign() -> None:
    path = Path()
    windows = [path.congestion.window_bytes]
    for _ in range(8):
        path.round()
        windows.append(path.congestion.window_bytes)

    # Not quite, since a call sends whole datagrams, and nothing of the last one in a round.
    assert all(1.25 <= after / before <= 2.05 for before, after in pairwise(windows))
    assert windows[-1] > 10 * windows[0]


def test_it_ends_at_the_ceiling() -> None:
    path = Path()
    path.rounds(40)

    assert path.congestion.window_bytes == CONFIG.max_window_bytes


def test_a_window_that_is_not_used_up_does_not_grow() -> None:
    """RFC 9002, section 7.8: nobody knows whether the path would hold more."""
    path = Path()
    for _ in range(100):
        assert path.round(wanted=3 * SIZE) == 3 * SIZE

    assert path.congestion.window_bytes == CONFIG.initial_window_bytes


def test_a_queue_that_grows_with_the_window_shrinks_it() -> None:
    """The path holds 50 kB and passes 1 MB a second; the rest waits. What waits stays below a tenth of a second."""
    path = Path()
    windows = []
    for number in range(200):
        path.delay = 0.05 + max(0, path.congestion.window_bytes - 50_000) / 1_000_000
        path.round()
        if number > 40:
            windows.append(path.congestion.window_bytes)

    assert max(windows) < 150_000
    assert sorted(windows)[len(windows) // 2] > 50_000


def test_the_window_never_falls_below_the_floor() -> None:
    """Whatever the path is like: less would starve inputs, and nothing would be learnt of the path."""
    config = TransportConfig(min_window_bytes=70_000, initial_window_bytes=80_000)
    path = Path(config=config)
    lowest = path.congestion.window_bytes
    for _ in range(100):
        path.delay = 0.05 + max(0, path.congestion.window_bytes - 50_000) / 1_000_000
        path.round()
        lowest = min(lowest, path.congestion.window_bytes)

    assert lowest == 70_000


def test_a_path_that_is_longer_from_now_on_is_no_queue() -> None:
    """Backing off does not make it shorter again, so it was not for us that the delay grew."""
    path = Path()
    path.rounds(5)
    before = path.congestion.window_bytes
    path.delay += 0.1
    path.rounds(60)

    assert path.congestion.window_bytes > before


def test_a_host_that_hung_is_no_queue() -> None:
    """One sample of three seconds among others is left out."""
    path = Path()
    path.rounds(5)
    before = path.congestion.window_bytes
    path.congestion.note_acked(0, 0, path.next_number - 1, path.next_number, 3.0, path.now + 0.1)
    path.now += 0.2
    path.rounds(2)

    assert path.congestion.window_bytes >= before
    assert "slow start" in repr(path.congestion)


@pytest.mark.parametrize("loss", [0.03, 0.1, 0.2])
def test_losses_that_stay_whatever_is_sent_do_not_keep_the_window_small(loss: float) -> None:
    path = Path()
    path.loss = loss
    path.rounds(80)

    assert path.congestion.window_bytes > 200_000


def test_losses_that_come_with_the_window_shrink_it() -> None:
    """A buffer too shallow to delay anything: whatever passes 50 kB on its way is lost."""
    path = Path()
    windows, lost, sent = [], 0.0, 0
    for number in range(120):
        path.loss = max(0.0, 1 - 50_000 / path.congestion.window_bytes)
        size = path.round()
        if number > 40:
            windows.append(path.congestion.window_bytes)
            lost, sent = lost + path.loss * size, sent + size

    assert lost / sent < 0.1
    assert max(windows) < 80_000
    assert sorted(windows)[len(windows) // 2] > 30_000


def test_after_a_time_without_any_arrival_it_begins_anew() -> None:
    path = Path()
    path.rounds(8)
    path.congestion.restart(path.next_number)
    assert path.congestion.window_bytes == CONFIG.initial_window_bytes
    path.round()

    assert path.congestion.window_bytes > 1.5 * CONFIG.initial_window_bytes


def test_a_pause_saves_up_no_more_than_a_burst() -> None:
    path = Path()
    path.rounds(3)
    path.now += 60.0
    after = path.congestion.room_bytes(path.now)
    path.now += 60.0

    assert 0 < after <= max(6 * SIZE, path.congestion._rate * 0.05)
    assert path.congestion.room_bytes(path.now) == after


def test_the_pace_is_a_little_above_a_window_per_round_trip() -> None:
    """Above it, or pacing would hold back what the window lets out; a host at 60 Hz sends many datagrams at once."""
    config = TransportConfig(initial_window_bytes=600_000)
    congestion = Congestion(config, 0.1)
    sent, now = 0, 5.0
    for _ in range(60):
        now += STEP
        room = congestion.room_bytes(now)
        congestion.note_sent(room, now)
        sent += room

    assert sent == pytest.approx(2.0 * 600_000 / 0.1, rel=0.05)


@pytest.mark.parametrize("start", [0.0, 1.7, 1e6 + 0.1, 1e9 + 0.3])
@pytest.mark.parametrize("rtt", [0.0, 0.0123, 0.9, 30.0])
def test_a_host_that_sleeps_until_pacing_resumes_may_send(start: float, rtt: float) -> None:
    """Rounded differently, it would be told to sleep until now, again and again."""
    congestion = Congestion(CONFIG, rtt)
    now = start
    for _ in range(20):
        congestion.note_sent(7 * SIZE, now)
        resumes_at = congestion.resumes_at(0)
        assert resumes_at is not None
        now = max(now, resumes_at)

        assert congestion.room_bytes(now) > 0


def test_a_full_window_resumes_with_an_acknowledgement_only() -> None:
    congestion = Congestion(CONFIG, 0.1)
    congestion.in_flight_bytes = congestion.window_bytes

    assert congestion.room_bytes(1.0) == 0
    assert congestion.resumes_at(0) is None
    congestion.note_acked(1, SIZE, 0, 1, NEVER, 1.0)
    assert congestion.room_bytes(1.0) > 0
