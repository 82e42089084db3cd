"""A handler's bug is logged as often as it helps, and no more."""

from ecsnet.systems.callfailures import CallFailures
from ecsnet.world import World


def test_a_failure_a_second_is_logged_and_the_others_are_counted() -> None:
    """The first at once, with its traceback; the next line says how many there were between."""
    failures, world = CallFailures(), World(tick_rate_hz=10, tick=(1 << 32) - 5)  # across the wrap as well
    lines = []
    for _ in range(21):
        lines += [failures.take_silent("buy") for _ in range(3) if failures.is_worth_a_line("buy", world)]
        world.process()

    assert lines == ["", "; 29 more since the last line", "; 29 more since the last line"]


def test_each_call_has_lines_of_its_own() -> None:
    """One that fails all the time hides no other."""
    failures, world = CallFailures(), World(tick_rate_hz=10)

    assert [failures.is_worth_a_line(name, world) for name in ("buy", "buy", "sell")] == [True, False, True]
