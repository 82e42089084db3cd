"""Moments: what people may write for a time."""

from datetime import UTC, datetime

import pytest

from ecsnet.errors import EcsnetError
from ecsnet.storage.moments import Moment
from ecsnet.storage.store import Match

MATCH = Match(id="one", game="soccer", started=1000.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("1:30", 90),
        ("1:30.5", 90.5),
        ("1:05:30", 3930),
        ("0:00", 0),
        ("100:00", 6000),
        ("99", 99),
    ],
)
def test_a_clock_is_time_since_the_match_began(text: str, seconds: float) -> None:
    """It is what tables show, so it can be copied from there."""
    assert Moment.parse(text).within(MATCH) == 1000.0 + seconds


@pytest.mark.parametrize("text", ["2026-11-30T18:05:00+00:00", "2026-11-30T18:05:00Z", "2026-11-30 19:05+01:00"])
def test_a_date_is_of_the_calendar(text: str) -> None:
    """And does not depend on the match."""
    assert Moment.parse(text).within(MATCH) == datetime(2026, 11, 30, 18, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text", ["", "x", "-5", "1:2:3:4", "1e9", "nan", "٣:٣٠:", "9999999999", "0000-01-01", "5:30x", "9:99", "1:60:00"]
)
def test_what_is_no_time_says_what_one_looks_like(text: str) -> None:
    """The text is shown, and an example."""
    with pytest.raises(EcsnetError, match=r"is no time: write 5:30 .* 2026-11-30T18:05"):
        Moment.parse(text)
