"""Calls and events that a client has and does not run yet: what they are about is still to come, or to be drawn.

Each declares its moment (`deliver=`). Of one moment, reliable ones run in the order in which they were sent: one that
waits keeps those behind it waiting. Unreliable ones have no order, and wait for nobody. Nothing waits for ever: what
does not come in time was lost, or never was for this client.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ecsnet.remote import Moment
from ecsnet.replication.receiver import Receiver
from ecsnet.systems.callmessages import Arrived
from ecsnet.systems.interpolation import RenderClock
from ecsnet.wire import is_newer

__all__ = ["MAX_HELD_BYTES", "MAX_HELD_CALLS", "HeldCalls"]

logger = logging.getLogger(__name__)

# For the state and the entities it names. A repair takes a round trip and a half, and may be lost in its turn: with a
# round trip of 300 ms and 10 % loss, 0.25 s alone let 8 % of calls about something new run without it, these 0.1 %.
APPLIED_SECONDS = 0.25
APPLIED_ROUND_TRIPS = 3.0
RENDERED_SECONDS = 2.0  # for the picture: it trails by less than a second, or starts anew
MAX_HELD_CALLS = 1024
MAX_HELD_BYTES = 262_144  # as they travelled; as much as a client may send without being read


@dataclass(slots=True, eq=False)
class Held:
    """A call that waits.

    Attributes:
        refs: Network ids of the entities it names.
        since: When it arrived, monotonic seconds.
        size: As it travelled, bytes.
    """

    arrived: Arrived
    refs: list[int]
    since: float
    size: int


class HeldCalls:
    """The calls and events that wait, oldest first."""

    def __init__(self, receiver: Receiver, clock: RenderClock, rtt: Callable[[], float]) -> None:
        """Begin with none.

        Args:
            receiver: Knows which state has been applied, and which entities are there.
            clock: Knows what is drawn.
            rtt: Returns how long a round trip takes, seconds.
        """
        self._receiver = receiver
        self._clock = clock
        self._rtt = rtt
        self._waiting: deque[Held] = deque()
        self._held_bytes = 0
        self._given_up: list[str] = []  # in this frame, and what they lacked

    def __repr__(self) -> str:
        """Show how much waits."""
        return f"HeldCalls({len(self._waiting)}, {self._held_bytes} B)"

    def hold(self, arrived: Arrived, size: int, now: float) -> None:
        """Keep a call until its moment, or until there are too many; `take_due` returns it."""
        self._waiting.append(Held(arrived, arrived.entry.arguments.refs(arrived.values), now, size))
        self._held_bytes += size

    def take_due(self, now: float) -> list[Arrived]:
        """Return and forget those whose moment has come, in the order of their arrival."""
        if not self._waiting:  # in nearly every frame
            return []
        due = self._take_surplus()
        waiting, self._waiting = self._waiting, deque()
        blocked: set[Moment] = set()
        self._given_up = []
        for held in waiting:
            remote = held.arrived.entry.remote
            is_behind = remote.reliable and remote.deliver in blocked
            if is_behind or not self._is_due(held, now):
                self._waiting.append(held)
                if remote.reliable:
                    blocked.add(remote.deliver)
            else:
                due.append(held.arrived)
                self._held_bytes -= held.size
        if self._given_up:
            logger.warning("%d calls ran before their time, as with %s", len(self._given_up), self._given_up[0])
        return due

    def take_all(self) -> list[Arrived]:
        """Return and forget all: nothing they could wait for will come any more."""
        waiting, self._waiting, self._held_bytes = self._waiting, deque(), 0
        return [held.arrived for held in waiting]

    def _take_surplus(self) -> list[Arrived]:
        """Return and forget the oldest, as many as are too many."""
        surplus: list[Arrived] = []
        while len(self._waiting) > MAX_HELD_CALLS or self._held_bytes > MAX_HELD_BYTES:
            held = self._waiting.popleft()
            self._held_bytes -= held.size
            surplus.append(held.arrived)
        if surplus:
            logger.warning("%d calls ran before their time: more wait than may", len(surplus))
        return surplus

    def _is_due(self, held: Held, now: float) -> bool:
        moment = held.arrived.entry.remote.deliver
        if moment is Moment.RECEIVED:
            return True
        waited = now - held.since
        if moment is Moment.RENDERED and not self._clock.has_reached(held.arrived.tick) and waited < RENDERED_SECONDS:
            return False
        missing = self._missing(held)
        if not missing:
            return True
        is_given_up = waited >= APPLIED_SECONDS and waited >= APPLIED_SECONDS + APPLIED_ROUND_TRIPS * self._rtt()
        if is_given_up:
            self._given_up.append(f"{held.arrived!r}: without {missing}, {waited:.2f} s after it arrived")
        return is_given_up

    def _missing(self, held: Held) -> str:
        """Say what a call that waits lacks; nothing: it can run."""
        receiver, tick = self._receiver, held.arrived.tick
        if receiver.tick is None or is_newer(tick, receiver.tick):
            return "the state it belongs to"
        awaited = [network_id for network_id in held.refs if receiver.awaits(network_id, tick)]
        return f"entities it names (network ids {awaited})" if awaited else ""
