"""The last words."""

from ecsnet.transport.farewell import Farewell


def test_close_is_said_three_times_and_then_it_is_over() -> None:
    farewell = Farewell.first(b"close", 10.0, pause=0.25, repeats=3)
    said = [time / 100 for time in range(1000, 1120) if farewell.take_due(time / 100)]

    assert said == [10.0, 10.25, 10.5]
    assert not farewell.is_over(10.99)
    assert farewell.is_over(11.0)


def test_a_host_that_overslept_says_it_once() -> None:
    """Three copies at once would be lost together."""
    farewell = Farewell.first(b"close", 10.0, pause=0.25, repeats=3)

    assert farewell.take_due(60.0)
    assert not farewell.take_due(60.0)


def test_an_answer_is_given_once_and_waits_for_nothing() -> None:
    farewell = Farewell.answer(b"close")

    assert farewell.take_due(-5.0)
    assert not farewell.take_due(1e9)
    assert farewell.next_deadline() is None
