"""How long passes took, over the last seconds."""

from ecsnet.ticktimes import WINDOW_SECONDS, TickTimes


def test_what_is_older_than_ten_seconds_is_forgotten() -> None:
    """A start that took long says nothing of now; and what is kept does not grow."""
    times = TickTimes()
    times.note(0.5, 100.2)
    for tick in range(20 * 60):
        times.note(0.002, 101.0 + tick / 60)

    assert times.recent(101.5 + 8).most == 0.002
    assert times.report(120.99) == {"passes": WINDOW_SECONDS * 60, "p50_ms": 2.0, "p99_ms": 2.0, "worst_ms": 2.0}
    assert len(times._seconds) == WINDOW_SECONDS


def test_the_worst_is_exact_and_the_others_nearly() -> None:
    """99 fast ones and a slow one."""
    times = TickTimes()
    for _ in range(99):
        times.note(0.001, 50.0)
    times.note(0.040, 50.5)
    report = times.report(51.0)

    assert (report["passes"], report["worst_ms"]) == (100, 40.0)
    assert 0.99 < float(str(report["p50_ms"])) < 1.01


def test_nothing_noted_and_a_clock_that_ran_backward_are_zero() -> None:
    """Figures all the same."""
    times = TickTimes()
    nothing = {"passes": 0, "p50_ms": 0.0, "p99_ms": 0.0, "worst_ms": 0.0}
    assert times.report(7.0) == nothing

    times.note(-0.5, 7.0)
    assert times.report(7.5) == nothing | {"passes": 1}
