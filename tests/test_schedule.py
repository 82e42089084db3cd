"""When ticks are due."""

import pytest

from ecsnet.schedule import TickSchedule


def test_ticks_follow_time() -> None:
    """A second of time is a rate's worth of ticks, however often one asks."""
    schedule = TickSchedule(1 / 60, max_catch_up_ticks=5)

    ticks = sum(schedule.take_due(10.0 + step / 240) for step in range(241))

    assert ticks == 61  # the one at the start and sixty more


def test_waking_exactly_at_the_deadline_runs_the_tick() -> None:
    """A host that sleeps until `next_deadline` and no longer must not spin there because of rounding."""
    schedule = TickSchedule(1 / 60, max_catch_up_ticks=5)
    schedule.take_due(1000.0)

    for _ in range(10_000):
        deadline = schedule.next_deadline()
        assert deadline is not None
        assert schedule.take_due(deadline) == 1


def test_a_stalled_host_catches_up_a_little_and_skips_the_rest() -> None:
    """Running everything that was missed would make a slow host ever slower."""
    schedule = TickSchedule(0.01, max_catch_up_ticks=5)
    schedule.take_due(0.0)

    assert schedule.take_due(1.0) == 5
    assert schedule.skipped == 95
    assert schedule.take_due(1.01) == 1
    assert schedule.late == 4, "of the five that ran together the last was on time"


def test_speed_changes_the_step() -> None:
    """A client 5 % faster runs 63 ticks while the server runs 60."""
    schedule = TickSchedule(1 / 60, max_catch_up_ticks=100)
    schedule.take_due(0.0)
    schedule.speed = 1.05

    assert sum(schedule.take_due(step / 1000) for step in range(1, 1001)) == pytest.approx(63, abs=1)
