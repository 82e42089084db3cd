"""What was pressed, by tick."""

from ecsnet.fields import netvar, player_input, spec_of
from ecsnet.replication.codec import RecordCodec
from ecsnet.systems.inputhistory import InputHistory


@player_input
class Press:
    number: int = netvar(0, low=0, high=9)
    fire: bool = False


CODEC = RecordCodec(spec_of(Press).fields, "Press")

WRAP = 2**32


def packed(*numbers: int) -> list[bytes]:
    return [CODEC.pack((number, False)) for number in numbers]


def test_a_tap_between_two_ticks_is_not_lost() -> None:
    """At 30 frames a second or with a fast finger, down and up may fall between two ticks."""
    history = InputHistory(CODEC, capacity=8)
    history.press((1, True))
    history.press((1, False))
    history.record(1)
    history.record(2)

    assert history.at(1) == (1, True)
    assert history.at(2) == (1, False)


def test_a_key_let_go_is_up_in_the_next_tick() -> None:
    """What a tick has seen already is no tap: one of a single tick fired two shots."""
    history = InputHistory(CODEC, capacity=8)
    history.press((1, True))
    history.record(1)
    history.press((1, False))
    history.record(2)

    assert history.at(1) == (1, True)
    assert history.at(2) == (1, False)


def test_a_key_held_and_pressed_anew_stays_down() -> None:
    """A window presses in every frame, of which several may come between two ticks."""
    history = InputHistory(CODEC, capacity=8)
    history.press((1, True))
    history.record(1)
    history.record(2)
    history.press((1, False))
    history.press((2, True))
    history.press((3, False))
    history.record(3)
    history.record(4)

    assert [history.at(tick) for tick in (2, 3, 4)] == [(1, True), (3, True), (3, False)]


def test_since_gives_what_is_unacknowledged_across_the_wrap() -> None:
    """Each message repeats every input the server has not yet, oldest first."""
    history = InputHistory(CODEC, capacity=8)
    for step, tick in enumerate((WRAP - 2, WRAP - 1, 0, 1)):
        history.press((step, False))
        history.record(tick)

    assert history.since(WRAP - 2, 32) == packed(1, 2, 3)
    assert history.since(WRAP - 2, 2) == packed(2, 3)
    assert history.since(None, 32) == packed(0, 1, 2, 3)
    assert history.since(1, 32) == packed(3)
    assert history.since(9, 32) == packed(3)  # a client behind the server still shows where its clock stands


def test_memory_is_bounded() -> None:
    """Old ticks are forgotten."""
    history = InputHistory(CODEC, capacity=4)
    for tick in range(100):
        history.record(tick)

    assert history.at(95) is None
    assert history.at(96) == (0, False)


def test_going_back_in_time_forgets_what_lay_ahead() -> None:
    """After the tick was set back, inputs of ticks that are to come again must not linger."""
    history = InputHistory(CODEC, capacity=8)
    for tick in (10, 11, 12):
        history.record(tick)
    history.record(10)

    assert history.at(12) is None
    assert history.since(None, 32) == packed(0)
