"""The table of a connection's life."""

import pytest

from ecsnet.errors import LocalProtocolError
from ecsnet.transport.state import TRANSITIONS, Event, State, advance


def test_every_state_has_its_row_and_every_row_leads_to_the_end() -> None:
    assert set(TRANSITIONS) == set(State)
    for state in State:
        reached = {state}
        for _ in State:
            reached |= {following for each in reached for following in TRANSITIONS[each].values()}
        assert State.CLOSED in reached


def test_nothing_comes_after_the_end() -> None:
    for event in Event:
        with pytest.raises(LocalProtocolError, match="CLOSED"):
            advance(State.CLOSED, event)


def test_every_event_happens_somewhere() -> None:
    assert {event for row in TRANSITIONS.values() for event in row} == set(Event)
