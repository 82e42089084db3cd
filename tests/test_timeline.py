"""Where a World stands in time: what happens once, and chance."""

import pytest

from ecsnet.timeline import ONCE_KEYS, ONCE_SPREAD_TICKS, ONCE_TICKS, Timeline
from ecsnet.wire import advance_tick

STARTS = pytest.mark.parametrize("start", [1000, 2**32 - 3])


def at(timeline: Timeline, tick: int, *, replaying: bool = False) -> Timeline:
    """Stand in another tick."""
    timeline.tick, timeline.replaying = tick, replaying
    return timeline


@STARTS
def test_once_a_tick_is_once_however_often_it_is_simulated(start: int) -> None:
    """A tick that is simulated again, for a correction or as the clock was set back, repeats no sound."""
    timeline = Timeline(60, 0, start)
    first = [timeline.once("kick") for _ in range(2)]
    again = at(timeline, start, replaying=True).once("kick")
    set_back = at(timeline, start).once("kick")

    assert [*first, again, set_back] == [True, False, False, False]


def told_when_it_moves(start: int, by: int, *, replayed: int) -> bool:
    """Let something happen in a tick, and after a rollback elsewhere; return whether it is told again.

    Args:
        replayed: Up to which tick ticks are simulated again, counted from where it happened.
    """
    timeline = at(Timeline(60, 0, start - 20), start)
    assert timeline.once("kick")
    at(timeline, advance_tick(start))
    again = False
    for step in range(-12, 13):
        at(timeline, advance_tick(start, step), replaying=step <= replayed)
        if step == by:
            again = timeline.once("kick")
    return again


@STARTS
@pytest.mark.parametrize("replayed", [1, 12])
def test_a_correction_that_moves_it_by_some_ticks_repeats_nothing(start: int, replayed: int) -> None:
    """It is the same kick, also if it is moved to a tick that is yet to come; further off it is another."""
    again = {by for by in range(-12, 13) if told_when_it_moves(start, by, replayed=replayed)}

    assert again == {by for by in range(-12, 13) if abs(by) > ONCE_SPREAD_TICKS}


@STARTS
def test_rapid_fire_that_is_simulated_again_is_neither_repeated_nor_left_out(start: int) -> None:
    """Shots two ticks apart are told one by one; the one that the replay finds in addition is told as well."""
    timeline = Timeline(60, 0, start - 20)
    first = [at(timeline, advance_tick(start, step)).once("shot") for step in (0, 2, 4)]
    again = [at(timeline, advance_tick(start, step), replaying=True).once("shot") for step in (0, 2, 4)]
    at(timeline, advance_tick(start, 5), replaying=True)
    extra = at(timeline, advance_tick(start, 6)).once("shot")

    assert first == [True] * 3
    assert again == [False] * 3
    assert extra


@STARTS
def test_what_was_told_where_the_server_went_another_way_may_come_later(start: int) -> None:
    """The server had not kicked by then: none of these ticks is simulated again, and the kick is yet to come."""
    timeline = at(Timeline(60, 0, start - 20), start)
    timeline.once("kick")
    at(timeline, advance_tick(start, 3))
    timeline.doubt(advance_tick(start, -1), start)
    moved = at(timeline, advance_tick(start, 4)).once("kick")
    next_one = at(timeline, advance_tick(start, 6)).once("kick")

    assert (moved, next_one) == (False, True)


@STARTS
def test_what_happens_in_the_next_tick_is_something_new(start: int) -> None:
    """Only a replay moves what happened; rapid fire is heard shot by shot, and other things are other things."""
    timeline = Timeline(60, 0, start)

    assert all(at(timeline, advance_tick(start, step)).once("shot") for step in range(10))
    assert timeline.once("other")


@STARTS
def test_what_is_remembered_is_bounded_in_keys_and_ticks(start: int) -> None:
    """A game that names every bullet, or tells of the same thing for hours, does not fill the memory."""
    timeline = Timeline(60, 0, start)
    for step in range(3 * ONCE_TICKS):
        at(timeline, advance_tick(start, step)).once("steps")
    ticks = len(timeline._told["steps"])
    for number in range(2 * ONCE_KEYS):
        timeline.once(("bullet", number))
        timeline.once("steps")

    assert ticks == ONCE_TICKS
    assert len(timeline._told) == ONCE_KEYS
    assert not timeline.once("steps")  # in use: not forgotten
    assert not timeline.once(("bullet", 2 * ONCE_KEYS - 1))
    assert timeline.once(("bullet", 0))  # forgotten


def test_chance_of_an_entity_follows_from_seed_tick_entity_and_purpose() -> None:
    """And from nothing else: not from how often it was asked, nor from what this side calls the entity."""

    def drawn(seed: int = 1, tick: int = 5, entity: int = 7, purpose: str = "") -> float:
        timeline = Timeline(60, seed, tick)
        timeline.rng_for(99).random()
        return timeline.rng_for(entity, purpose).random()

    here = Timeline(60, 12345, 5)
    here.shared_seed = Timeline(60, 1, 5).shared_seed
    here.name_of = {70: 7}.__getitem__

    assert drawn() == drawn() == here.rng_for(70).random()
    assert len({drawn(), drawn(seed=2), drawn(tick=6), drawn(entity=8), drawn(purpose="spread")}) == 5
