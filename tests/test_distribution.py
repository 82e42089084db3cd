"""Percentiles of many values in little memory."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.distribution import LEAST, MOST, Distribution

VALUES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=200)


@given(VALUES, st.floats(0, 1))
def test_a_percentile_is_right_to_a_hundredth(values: list[float], share: float) -> None:
    """Measured against the sorted values themselves."""
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]

    assert Distribution(values).percentile(share) == pytest.approx(exact, rel=0.01)


@given(VALUES)
def test_mean_least_and_most_are_exact(values: list[float]) -> None:
    """Only what lies between is counted in buckets."""
    distribution = Distribution(values)

    assert distribution.mean == pytest.approx(sum(values) / len(values))
    assert (distribution.least, distribution.most) == (min(values), max(values))
    assert distribution.percentile(0.0) == pytest.approx(min(values), rel=0.01)
    assert distribution.percentile(1.0) == max(values)


@given(VALUES, VALUES)
def test_two_counted_apart_are_as_one(first: list[float], second: list[float]) -> None:
    """Several processes measure, one prints; what was counted travels between them."""
    together = Distribution(first)
    together.add(pickle.loads(pickle.dumps(Distribution(second))))  # noqa: S301  # our own
    one = Distribution(first + second)

    assert together.count == one.count
    assert together.mean == pytest.approx(one.mean)
    assert [together.percentile(share) for share in (0, 0.5, 0.99, 1)] == [
        one.percentile(share) for share in (0, 0.5, 0.99, 1)
    ]


def test_nothing_has_figures_too() -> None:
    """A table is printed also where nobody got in."""
    nothing = Distribution()

    assert (nothing.count, nothing.mean, nothing.percentile(0.5)) == (0, 0.0, 0.0)


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_what_is_no_duration_is_refused(value: float) -> None:
    """A negative time is a mistake in measuring, and would be hidden in a mean."""
    with pytest.raises(ValueError, match=f"from 0 on, not {value}"):
        Distribution([value])


def test_the_memory_is_limited_by_the_range_and_not_by_the_count() -> None:
    """Whatever is noted, 4,165 buckets hold it; zero and infinity count as the ends."""
    distribution = Distribution([0.0, math.inf, LEAST / 2, MOST * 2])
    for value in range(100_000):
        distribution.note(1.0 + value / 100_000)

    assert len(distribution._buckets) < 80
    assert distribution.count == 100_004
