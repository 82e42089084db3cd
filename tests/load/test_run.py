"""How long a crowd stays."""

from ecsnet.clock import VirtualClock
from ecsnet.distribution import Distribution
from ecsnet.load.figures import CrowdFigures, Moment
from ecsnet.load.run import PATIENCE_SECONDS, Stay
from ecsnet.protocol import DisconnectReason


def there(count: int, wanted: int, connected: int | None = None) -> CrowdFigures:
    """Return the figures of a crowd of which so many have joined."""
    now = Moment(connected=count if connected is None else connected)
    return CrowdFigures(wanted=wanted, joined=Distribution([0.1] * count), now=now)


def test_the_time_counts_from_when_all_have_joined() -> None:
    """Else a slow start would leave nothing to measure."""
    clock = VirtualClock(100.0)
    stay = Stay(5.0, clock)
    assert not stay.is_over(there(1, wanted=2))
    clock.advance(6.0)
    assert not stay.is_over(there(2, wanted=2))
    clock.advance(4.9)
    assert not stay.is_over(there(2, wanted=2))
    clock.advance(0.2)

    assert stay.is_over(there(2, wanted=2))


def test_who_was_turned_away_is_not_waited_for() -> None:
    """Nobody more comes."""
    clock = VirtualClock(100.0)
    stay = Stay(1.0, clock)
    figures = there(1, wanted=2)
    figures.refused[DisconnectReason.SERVER_FULL, ""] += 1
    assert not stay.is_over(figures)
    clock.advance(1.1)

    assert stay.is_over(figures)


def test_who_is_never_let_in_is_given_up() -> None:
    """A server may let somebody connect and never send its world; the others are measured all the same."""
    clock = VirtualClock(100.0)
    stay = Stay(1.0, clock)
    assert not stay.is_over(there(1, wanted=2))
    clock.advance(PATIENCE_SECONDS)
    assert not stay.is_over(there(1, wanted=2))
    clock.advance(1.0)

    assert stay.is_over(there(1, wanted=2))


def test_a_crowd_that_is_gone_ends() -> None:
    """The server closed: there is nothing to stay for, also without a time."""
    stay = Stay(None, VirtualClock(100.0))
    assert not stay.is_over(there(0, wanted=2))
    assert not stay.is_over(there(2, wanted=2))

    assert stay.is_over(there(2, wanted=2, connected=0))


def test_without_a_time_it_stays() -> None:
    """Until Ctrl-C."""
    clock = VirtualClock(100.0)
    stay = Stay(None, clock)
    assert not stay.is_over(there(2, wanted=2))
    clock.advance(1e6)

    assert not stay.is_over(there(2, wanted=2))
