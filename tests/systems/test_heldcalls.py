"""Calls that wait on a client: for the state, for the entities they name, for the picture; in order, not for ever."""

import logging

import pytest

from ecsnet.fields import EntityRef
from ecsnet.game import Game
from ecsnet.gameevent import event, event_spec_of
from ecsnet.replication.frames import State, Update
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.systems.callmessages import Arrived, CallTable
from ecsnet.systems.heldcalls import MAX_HELD_BYTES, MAX_HELD_CALLS, HeldCalls
from ecsnet.systems.interpolation import RenderClock
from ecsnet.world import World


@event
class Plain:
    n: int


@event
class Named:
    n: int
    who: EntityRef


@event(reliable=False)
class Casual:
    n: int
    who: EntityRef


@event(deliver="rendered")
class Seen:
    n: int


SCHEMA = Schema(Game("waiting", events=[Plain, Named, Casual, Seen]))
TABLE = CallTable(SCHEMA.remotes)
WRAP = 2**32


class Waiting:
    """Held calls of a client that has been told what the test tells it."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.receiver = Receiver(SCHEMA, World())
        self.clock = RenderClock(60, 2)
        self.rtt = 0.0
        self.held = HeldCalls(self.receiver, self.clock, lambda: self.rtt)
        self.now = 100.0

    def hold(self, cls: type, tick: int, *values: object, size: int = 20) -> None:
        spec = event_spec_of(cls)
        assert spec is not None
        self.held.hold(Arrived(0, TABLE.entry_of(spec), tick % WRAP, values), size, self.now)

    def apply(self, tick: int, *, come: tuple[int, ...] = (), gone: tuple[int, ...] = ()) -> None:
        fulls: tuple[Update, ...] = tuple((network_id, [], 0) for network_id in come)
        self.receiver.apply(State(tick % WRAP, None, synced=False, fulls=fulls, gones=gone))

    def due(self, after: float = 0.0) -> list[int]:
        """Let time pass; return the numbers of what runs then."""
        self.now += after
        return [arrived.values[0] for arrived in self.held.take_due(self.now) if isinstance(arrived.values[0], int)]


@pytest.mark.parametrize("start", [50, WRAP - 1])
def test_what_is_to_be_told_when_received_waits_for_nothing(start: int) -> None:
    """Neither for the state nor behind what waits."""
    side = Waiting()
    side.hold(Named, start, 1, 7)
    side.hold(Plain, start, 2)

    assert side.due() == [2]
    assert side.due() == []


@pytest.mark.parametrize("start", [50, WRAP - 1])
def test_a_call_waits_for_the_state_of_its_tick_and_for_whom_it_names(start: int) -> None:
    """A state of before does not do, one of after does; an entity that is nobody is not waited for."""
    side = Waiting()
    side.hold(Named, start, 1, 0)
    side.hold(Named, start, 2, 7)
    side.apply(start - 1)
    early = side.due()
    side.apply(start + 2)
    nobody = side.due()
    side.apply(start + 4, come=(7,))

    assert (early, nobody, side.due()) == ([], [1], [2])


def test_an_entity_that_went_is_not_waited_for() -> None:
    """Its end came before the call that names it: it will not come again, unless the call is of after that."""
    side = Waiting()
    side.apply(60, gone=(7, 8))
    side.hold(Named, 60, 1, 7)
    side.hold(Named, 61, 2, 8)
    side.apply(61)
    first = side.due()
    side.apply(62, come=(8,))

    assert (first, side.due()) == ([1], [2])


def test_reliable_calls_of_one_moment_keep_their_order() -> None:
    """What waits keeps those behind it waiting; not those of another moment, nor what has no order."""
    side = Waiting()
    side.apply(50, come=(7,))
    side.hold(Named, 50, 1, 9)
    side.hold(Named, 50, 2, 7)
    side.hold(Casual, 50, 3, 9)
    side.hold(Casual, 50, 4, 7)
    first = side.due()
    side.apply(51, come=(9,))

    assert (first, side.due()) == ([4], [1, 2, 3])


def test_what_does_not_come_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """After a quarter of a second it runs as it is, and the log says what was missing."""
    side = Waiting()
    side.hold(Named, 50, 1, 7)
    side.apply(50)
    with caplog.at_level(logging.WARNING):
        assert (side.due(0.24), side.due(0.02)) == ([], [1])

    assert "1 calls ran before their time, as with Named(1, 7) of tick 50: without entities it names" in caplog.text
    assert "(network ids [7]), 0.26 s after it arrived" in caplog.text


def test_a_longer_way_has_more_time() -> None:
    """Three round trips more: what was lost twice is there by then."""
    side = Waiting()
    side.rtt = 0.3
    side.hold(Named, 50, 1, 7)

    assert (side.due(1.14), side.due(0.02)) == ([], [1])


def test_a_state_that_does_not_come_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """The same, before anything has arrived."""
    side = Waiting()
    side.hold(Named, 50, 1, 0)
    with caplog.at_level(logging.WARNING):
        assert (side.due(0.24), side.due(0.02)) == ([], [1])

    assert "Named(1, 0) of tick 50: without the state it belongs to" in caplog.text


@pytest.mark.parametrize("start", [50, WRAP - 1])
def test_what_is_to_be_seen_waits_for_the_picture(start: int) -> None:
    """It is told in the frame that shows its tick, which trails the state."""
    side = Waiting()
    told = []
    for frame in range(60):
        tick = start + frame
        if frame == 20:
            side.hold(Seen, tick, 1)
        if frame % 2 == 0:
            side.apply(tick)
            side.clock.observe(tick % WRAP, side.now)
        side.clock.advance(side.now)
        if side.due():
            told.append((frame, side.clock.tick))
        side.now += 1 / 60

    [(frame, drawn)] = told
    assert 23 <= frame <= 27
    assert 20 <= drawn < 21.5


def test_a_picture_that_never_gets_there_is_not_waited_for() -> None:
    """A tick of the far future, say; the clock of a client that has heard nothing knows no tick at all."""
    side = Waiting()
    side.hold(Seen, 10**6, 1)

    assert side.clock.has_reached(50) is False
    assert (side.due(1.99), side.due(0.02)) == ([], [1])


@pytest.mark.parametrize(
    ("count", "size", "surplus"), [(MAX_HELD_CALLS + 3, 20, 3), (66, 4096, 2), (1, MAX_HELD_BYTES + 1, 1)]
)
def test_more_than_may_wait_runs_before_its_time(
    count: int, size: int, surplus: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest first, so the order stays; nothing is dropped, and the memory is bounded."""
    side = Waiting()
    for number in range(count):
        side.hold(Named, 50, number, 7, size=size)
    with caplog.at_level(logging.WARNING):
        assert side.due() == list(range(surplus))

    assert f"{surplus} calls ran before their time: more wait than may" in caplog.text
    side.apply(50, come=(7,))
    assert side.due() == list(range(surplus, count))


def test_at_the_end_nothing_is_left() -> None:
    """A connection that has ended brings nothing any more; what it did bring is told."""
    side = Waiting()
    side.hold(Named, 50, 1, 7)
    side.hold(Seen, 50, 2)

    assert [arrived.values for arrived in side.held.take_all()] == [(1, 7), (2,)]
    assert repr(side.held) == "HeldCalls(0, 0 B)"
