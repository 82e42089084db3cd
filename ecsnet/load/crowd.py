"""A crowd: many clients in one program, to see what a server and its network carry.

They join a few at a time, as a server takes them, do what their parts say, and are counted. What arrives is taken at
once, so that round trips are those of the network; all else waits for the client's tick, or for its part's own time.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from typing import Protocol

from ecsnet.clock import Clock, processor_seconds
from ecsnet.load.figures import CrowdFigures, Moment
from ecsnet.load.member import Member
from ecsnet.paths import Path

__all__ = ["Crowd", "Group"]

LOOK_SECONDS = 0.5  # from one look at everybody's figures to the next
FAREWELL_SECONDS = 1.0  # as a single client's; all leave together


class Group(Protocol):
    """Waits for many paths at once."""

    def wait(self, seconds: float) -> Sequence[Path]:
        """Return after this time, or earlier when something arrives; return where it may have."""
        ...

    def close(self) -> None:
        """Free what it holds, after its paths."""
        ...


class Crowd:
    """Clients that live, and are waited for, together.

    Attributes:
        figures: What was counted so far.
    """

    def __init__(
        self, count: int, enter: Callable[[int], Member], group: Group, *, clock: Clock, joining_at_once: int
    ) -> None:
        """Let nobody join yet; `run` does.

        Args:
            enter: Makes the member of a number, from 0 on.
            group: Waits for them all.
            joining_at_once: Most handshakes under way.
        """
        self.figures = CrowdFigures(wanted=count)
        self._enter = enter
        self._clock = clock
        self._joining_at_once = joining_at_once
        self._group = group
        self._members: list[Member] = []
        self._by_path: dict[Path, int] = {}
        self._joining: list[Member] = []
        self._due: list[tuple[float, int]] = []  # a heap of times and numbers; others than `due_at` are void
        self._began = clock.now()
        self._used = processor_seconds()

    def __repr__(self) -> str:
        """Show how far it got."""
        return f"Crowd({self.figures.now.connected} of {self.figures.wanted} clients)"

    def run(self, watch: Callable[[CrowdFigures], bool]) -> CrowdFigures:
        """Let everybody join, play and leave.

        Args:
            watch: Called about twice a second; returns whether to leave.
        """
        look_at = self._clock.now()
        try:
            while True:
                now = self._clock.now()
                if now >= look_at:
                    look_at = now + LOOK_SECONDS
                    self._look(now)
                    if watch(self.figures):
                        break
                self._admit()
                self._serve(look_at)
            self._leave()
        finally:
            for path in list(self._by_path):
                path.close()
            self._group.close()
        return self.figures

    def _serve(self, until: float) -> None:
        """Wait for the next thing to do, take what has arrived, and do what is due first."""
        due, members = self._due, self._members
        if due:
            until = min(until, due[0][0])
        arrived = self._group.wait(until - self._clock.now())
        now = self._clock.now()
        for path in arrived:
            number = self._by_path[path]
            member, before = members[number], members[number].due_at
            member.receive(now, self.figures)
            if member.due_at < before:
                heapq.heappush(due, (member.due_at, number))
        # One thing at a time: in the meantime something may have arrived, and who waits for an answer measures it.
        if due and due[0][0] <= now:
            at, number = heapq.heappop(due)
            if members[number].due_at == at:
                self._step(number, now)

    def _step(self, number: int, now: float) -> None:
        member = self._members[number]
        member.step(now, self.figures)
        if member.has_left:
            member.due_at = math.inf
            del self._by_path[member.path]
            member.path.close()
        else:
            heapq.heappush(self._due, (member.due_at, number))

    def _admit(self) -> None:
        """Let as many begin to join as a server takes at once."""
        self._joining = [member for member in self._joining if not member.is_decided]
        while len(self._joining) < self._joining_at_once and len(self._members) < self.figures.wanted:
            number = len(self._members)
            member = self._enter(number)
            self._members.append(member)
            self._by_path[member.path] = number
            self._joining.append(member)
            heapq.heappush(self._due, (member.due_at, number))

    def _look(self, now: float) -> None:
        """Bring the figures up to now."""
        self.figures.now = Moment()
        for member in self._members:
            member.look(now, self.figures)
        self.figures.busiest = (processor_seconds() - self._used) / max(1e-3, now - self._began)

    def _leave(self) -> None:
        """Say goodbye, all at once, and wait until it is heard."""
        now = self._clock.now()
        end = now + FAREWELL_SECONDS
        for number, member in enumerate(self._members):
            if member.path in self._by_path:
                member.leave(now)
                member.due_at = now
                heapq.heappush(self._due, (now, number))
        while self._by_path and self._clock.now() < end:
            self._serve(end)
