"""Clocks: one that runs and one that is moved."""

import pytest

from ecsnet.clock import Clock, MonotonicClock, VirtualClock


def test_a_virtual_clock_moves_only_when_it_is_moved() -> None:
    """And never backwards, as promised to everything that is told `now`."""
    clock = VirtualClock(5.0)

    assert clock.now() == clock.now() == 5.0
    assert clock.advance(0.25) == clock.now() == 5.25
    for wrong in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="never runs backwards"):
            clock.advance(wrong)
    assert repr(clock) == "VirtualClock(5.250000)"


def test_both_are_clocks() -> None:
    """The machine's does not run backwards either."""
    clocks: list[Clock] = [MonotonicClock(), VirtualClock()]

    for clock in clocks:
        assert clock.now() <= clock.now()
