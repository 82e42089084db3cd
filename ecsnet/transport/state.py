"""The life of a connection as one table. PROTOCOL.md draws it."""

from enum import Enum, auto

from ecsnet.errors import LocalProtocolError

__all__ = ["TRANSITIONS", "Event", "State", "advance"]


class State(Enum):
    """Where a connection stands."""

    CHALLENGING = auto()  # client: INIT is under way
    HELLO_SENT = auto()  # client: a challenge was answered
    PENDING = auto()  # server: REPLY is sent, no packet under the new keys has come
    CONNECTED = auto()
    CLOSING = auto()  # we said CLOSE, and say it again until it is answered
    CLOSED = auto()


class Event(Enum):
    """What moves it on."""

    CHALLENGED = auto()
    ACCEPTED = auto()
    CONFIRMED = auto()
    CLOSE_SENT = auto()
    CLOSE_RECEIVED = auto()
    ENDED = auto()  # refused, timed out, given up, or closing is over


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.CHALLENGING: {Event.CHALLENGED: State.HELLO_SENT, Event.ENDED: State.CLOSED},
    State.HELLO_SENT: {Event.ACCEPTED: State.CONNECTED, Event.ENDED: State.CLOSED},
    State.PENDING: {Event.CONFIRMED: State.CONNECTED, Event.CLOSE_SENT: State.CLOSING, Event.ENDED: State.CLOSED},
    State.CONNECTED: {
        Event.CLOSE_SENT: State.CLOSING,
        Event.CLOSE_RECEIVED: State.CLOSED,
        Event.ENDED: State.CLOSED,
    },
    State.CLOSING: {Event.CLOSE_RECEIVED: State.CLOSED, Event.ENDED: State.CLOSED},
    State.CLOSED: {},
}


def advance(state: State, event: Event) -> State:
    """Return the state after an event.

    Raises:
        LocalProtocolError: The event cannot happen in this state: a bug of ours.
    """
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise LocalProtocolError(f"{event.name} cannot happen in state {state.name}")
    return following
