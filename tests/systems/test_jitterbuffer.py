"""Inputs waiting for their tick."""

from ecsnet.inputstatistics import InputStatistics
from ecsnet.systems.jitterbuffer import InputBuffer

WRAP = 2**32
NEUTRAL, LEFT, RIGHT = (0,), (-1,), (1,)


def buffer() -> InputBuffer:
    return InputBuffer(NEUTRAL, window_ticks=64, hold_ticks=3, margin_ticks=30)


def test_an_input_is_used_in_its_own_tick_also_across_the_wrap() -> None:
    """The tick an input was pressed for is the tick it acts in, in whatever order it arrives."""
    waiting = buffer()
    waiting.offer(1, RIGHT, WRAP - 1)
    waiting.offer(0, LEFT, WRAP - 1)
    waiting.offer(WRAP - 1, RIGHT, WRAP - 1)

    assert [waiting.take(tick) for tick in (WRAP - 1, 0, 1)] == [RIGHT, LEFT, RIGHT]
    assert waiting.missing == 0


def test_a_missing_input_repeats_the_last_for_a_while_and_then_lets_go() -> None:
    """A lost packet must not stop a runner; a lost player must not run forever."""
    waiting = buffer()
    waiting.offer(1, RIGHT, 1)

    assert [waiting.take(tick) for tick in range(1, 7)] == [RIGHT, RIGHT, RIGHT, RIGHT, NEUTRAL, NEUTRAL]
    assert waiting.missing == 5


def test_inputs_outside_the_window_are_refused_and_take_no_memory() -> None:
    """Ticks from the far future would be a way to fill the server's memory."""
    waiting = buffer()
    for tick in range(100, 10_000):
        waiting.offer(tick, RIGHT, 1)

    assert waiting.refused == 9_900
    assert repr(waiting).startswith("InputBuffer(waiting=[]")


def test_an_input_cannot_be_changed_afterwards() -> None:
    """The first arrival counts: a client cannot take back what it pressed. Repetitions are no changes."""
    waiting = buffer()
    waiting.offer(5, RIGHT, 5)
    waiting.offer(5, RIGHT, 5)
    waiting.offer(5, LEFT, 5)

    assert waiting.take(5) == RIGHT
    assert waiting.statistics == InputStatistics(taken=1, changed=1)


def test_what_comes_too_late_is_counted_once_and_what_nobody_would_send_is_refused() -> None:
    """Old repetitions are as usual; inputs of a second ago are not."""
    waiting = buffer()
    waiting.offer(WRAP - 2, RIGHT, WRAP - 2)
    for tick in (WRAP - 2, WRAP - 1, 0):
        waiting.take(tick)
    for _ in range(2):
        for tick in (WRAP - 2, WRAP - 1, 0):
            waiting.offer(tick, RIGHT, 1)
    assert waiting.statistics == InputStatistics(taken=1, missing=2, late=2)
    assert not waiting.statistics.is_doubtful
    waiting.offer(WRAP - 63, RIGHT, 1)
    waiting.offer(WRAP - 64, RIGHT, 1)

    assert waiting.statistics == InputStatistics(taken=1, missing=2, late=2, refused=1)
    assert waiting.statistics.is_doubtful


def test_the_margin_is_the_worst_of_late() -> None:
    """The client is steered by how close it came to being late, not by the average."""
    waiting = buffer()
    assert waiting.margin() is None
    waiting.offer(4, RIGHT, 1)
    for tick in (1, 2, 3):
        waiting.take(tick)

    assert waiting.margin() == 1
    waiting.take(4)
    waiting.take(5)
    assert waiting.margin() == -1


def test_acknowledged_is_the_end_of_the_unbroken_run() -> None:
    """What lies behind a gap is sent again until the gap is closed."""
    waiting = buffer()
    for tick in (2, 3, 5):
        waiting.offer(tick, RIGHT, 1)

    assert waiting.acknowledged(1) == 3
    waiting.offer(4, RIGHT, 1)
    assert waiting.acknowledged(1) == 5
    assert waiting.acknowledged(9) == 9


def test_the_lag_is_that_of_the_input_taken() -> None:
    """A shot is judged by what was drawn when it was pressed; where none arrives, the last lag holds as the keys do."""
    waiting = buffer()
    waiting.offer(1, RIGHT, 1, 10.5)
    waiting.offer(2, RIGHT, 1, 11.0)
    waiting.offer(2, RIGHT, 1, 63.0)
    lags = []
    for tick in (0, 1, 2, 3):
        waiting.take(tick)
        lags.append(waiting.lag_ticks)

    assert lags == [0.0, 10.5, 11.0, 11.0]


def test_a_press_that_comes_too_late_has_the_lag_of_when_it_was_pressed() -> None:
    """Down at 2, known from 4 on: the game hears of it at 4, and the player saw what was drawn for 2."""
    waiting = buffer()
    waiting.offer(1, NEUTRAL, 1, 10.0)
    for tick in (1, 2, 3):
        waiting.take(tick)
    for tick in (1, 2, 3, 4, 5):
        waiting.offer(tick, RIGHT, 4, 10.0)
    lags = []
    for tick in (4, 5):
        assert waiting.take(tick) == RIGHT
        lags.append(waiting.lag_ticks)

    assert lags == [12.0, 10.0]


def test_a_key_held_through_a_gap_has_no_other_lag_than_before() -> None:
    """The server repeated it meanwhile."""
    waiting = buffer()
    waiting.offer(1, RIGHT, 1, 10.0)
    for tick in (1, 2):
        waiting.take(tick)
    for tick in (2, 3):
        waiting.offer(tick, RIGHT, 3, 10.0)
    waiting.take(3)

    assert waiting.lag_ticks == 10.0
