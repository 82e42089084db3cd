"""The deck does what the keys of a player do."""

import pytest

from ecsnet.clock import VirtualClock
from ecsnet.recording.deck import JUMP_SECONDS, Deck, DeckClock


def test_time_passes_as_fast_as_wanted_and_ends_at_the_end() -> None:
    """From a quarter to sixteen times as fast."""
    deck = Deck(60.0, position_seconds=10.0)
    deck.advance(1.0)
    deck.change_speed(2)
    deck.advance(1.0)
    assert (deck.position_seconds, deck.speed) == (15.0, 4.0)
    deck.change_speed(-20)
    deck.advance(2.0)
    assert (deck.position_seconds, deck.speed) == (15.5, 0.25)
    deck.change_speed(20)
    assert deck.speed == 16.0
    deck.advance(100.0)

    assert deck.position_seconds == 60.0
    assert deck.is_at_end
    assert deck.shown_seconds == 50.0


def test_pausing_stops_the_time_and_at_the_end_it_begins_anew() -> None:
    """Space does what is wanted."""
    deck = Deck(10.0)
    deck.toggle()
    deck.advance(3.0)
    assert (deck.position_seconds, deck.is_paused) == (0.0, True)
    deck.toggle()
    deck.advance(30.0)
    deck.toggle()

    assert (deck.position_seconds, deck.is_paused, deck.jumps) == (0.0, False, 1)


@pytest.mark.parametrize(("to", "at"), [(-5.0, 0.0), (3.0, 3.0), (99.0, 10.0)])
def test_one_jumps_within_the_recording_and_the_shown_clock_goes_on(to: float, at: float) -> None:
    """It never runs backwards, and what was shown before is over."""
    deck = Deck(10.0, position_seconds=5.0)
    machine = VirtualClock()
    clock = DeckClock(deck, machine)
    before = clock.now()
    deck.jump(to)

    assert deck.position_seconds == at
    assert clock.now() == before + JUMP_SECONDS
    deck.skip(-99.0)
    assert deck.position_seconds == 0.0
    clock.sleep(2.0)
    assert machine.now() == 2.0
