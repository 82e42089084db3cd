"""How the client's tick follows the server's feedback."""

import pytest

from ecsnet.systems.ticksync import TARGET_MARGIN_TICKS, TickSync

DT = 1 / 60


def test_it_starts_ahead_by_the_round_trip() -> None:
    """An input sent in the first tick must reach the server before that tick is simulated."""
    assert TickSync(DT).start(1000, rtt_seconds=0.1, send_interval_ticks=2, now=0.0) == 1000 + 6 + 2 + 1


@pytest.mark.parametrize(("start_margin", "latency_ticks"), [(-8, 2), (-8, 20), (9, 2), (9, 20), (3, 6)])
def test_the_margin_settles_near_its_target(start_margin: int, latency_ticks: int) -> None:
    """Late or early at first, the client ends a tick or two ahead and stays there, whatever the feedback's delay."""
    sync = TickSync(DT)
    sync.start(0, latency_ticks * DT, 2, now=-10.0)
    margin, reports = float(start_margin), [start_margin] * latency_ticks
    history = []
    for tick in range(1800):
        margin += sync.speed - 1.0
        reports.append(int(margin // 1))
        sync.observe(min(reports[-latency_ticks - 30 : -latency_ticks]), latency_ticks * DT, now=tick * DT)
        history.append(margin)

    settled = history[-300:]
    assert min(settled) > TARGET_MARGIN_TICKS - 1
    assert max(settled) < TARGET_MARGIN_TICKS + 3


def test_a_hopeless_distance_is_jumped_once() -> None:
    """Walking 60 ticks at 5 % would take 20 seconds; jumping again before the feedback came would overshoot."""
    sync = TickSync(DT)
    sync.start(0, 0.1, 2, now=0.0)

    assert sync.observe(-60, 0.1, now=5.0) == 61
    assert sync.observe(-60, 0.1, now=5.1) == 0
    assert sync.observe(-15, 0.1, now=9.0) == 16
