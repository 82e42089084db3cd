"""Distributions: how many values lay where, in little memory however many there were, and from several programs.

Values are counted in buckets that grow by 1 % each, so a percentile is right to half of that; the number of buckets is
limited, that of values is not. Mean, least and most are exact.
"""

import math
from collections import Counter
from collections.abc import Iterable

__all__ = ["Distribution"]

GROWTH = math.log(1.01)
LEAST, MOST = 1e-9, 1e9  # below and above all count as these: 4,165 buckets at most


class Distribution:
    """Where the values lay that were noted.

    Attributes:
        count: How many there were.
    """

    __slots__ = ("_buckets", "_total", "count", "least", "most")

    def __init__(self, values: Iterable[float] = ()) -> None:
        """Start with these."""
        self._buckets: Counter[int] = Counter()
        self._total = 0.0
        self.count = 0
        self.least = math.inf
        self.most = -math.inf
        for value in values:
            self.note(value)

    def __repr__(self) -> str:
        """Show the figures that people ask for."""
        return f"Distribution({self.count} values, p50={self.percentile(0.5):g}, p99={self.percentile(0.99):g})"

    def note(self, value: float) -> None:
        """Count a value, 0 or more.

        Raises:
            ValueError: It is negative, or no number.
        """
        if not value >= 0:
            raise ValueError(f"a distribution takes values from 0 on, not {value}")
        self._buckets[_bucket(value)] += 1
        self._total += value
        self.count += 1
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def add(self, other: "Distribution") -> None:
        """Count what another one has counted."""
        self._buckets.update(other._buckets)
        self._total += other._total
        self.count += other.count
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    @property
    def mean(self) -> float:
        """The average; 0 of nothing."""
        return self._total / self.count if self.count else 0.0

    def percentile(self, share: float) -> float:
        """Return the value that this share, 0 to 1, does not exceed; 0 of nothing."""
        wanted = max(1, math.ceil(share * self.count))
        if wanted == self.count:
            return self.most
        passed = 0
        for bucket in sorted(self._buckets):
            passed += self._buckets[bucket]
            if passed >= wanted:
                return max(self.least, min(self.most, math.exp((bucket + 0.5) * GROWTH)))
        return 0.0


def _bucket(value: float) -> int:
    return math.floor(math.log(min(MOST, max(LEAST, value))) / GROWTH)
