"""What may be used up in how much time."""

from ecsnet.transport.allowance import Allowance, Allowances, InboundLimit


def test_a_burst_at_once_and_then_the_rate() -> None:
    allowance = Allowance(2.0, 3.0, now=10.0)

    assert [allowance.take(1, 10.0) for _ in range(4)] == [True, True, True, False]
    assert [allowance.take(1, 11.0) for _ in range(3)] == [True, True, False]
    assert [allowance.take(1, 1000.0) for _ in range(4)] == [True, True, True, False]


def test_what_was_refused_costs_nothing() -> None:
    allowance = Allowance(1.0, 10.0, now=0.0)

    assert not allowance.take(11, 0.0)
    assert allowance.take(10, 0.0)
    assert not allowance.is_full(9.0)
    assert allowance.is_full(10.0)


def test_in_the_long_run_nobody_gets_more_than_the_rate() -> None:
    """Whatever the pattern: the burst, once, and the rate."""
    allowance = Allowance(100.0, 50.0, now=0.0)
    taken = sum(allowance.take(1 + step % 7, step / 1000) * (1 + step % 7) for step in range(10_000))

    assert 990 <= taken <= 1051


def test_as_much_again_is_forgiven() -> None:
    limit = InboundLimit(10.0, 100.0, overhead=9.0, now=0.0)

    assert [limit.allows(1, 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert [limit.forgives(1, 0.0) for _ in range(11)] == [True] * 10 + [False]


def test_each_of_many_has_an_allowance_of_its_own() -> None:
    """And what is given back was never used up; more than the burst is nobody's."""
    allowances = Allowances(0.5, 2.0, most=100)
    allowances.give_back("a")

    assert [allowances.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert allowances.take("b", 0.0)
    allowances.give_back("a")
    assert [allowances.take("a", 0.0) for _ in range(2)] == [True, False]
    allowances.give_back("b")
    allowances.give_back("b")
    assert [allowances.take("b", 0.0) for _ in range(3)] == [True, True, False]
