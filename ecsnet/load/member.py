"""A member of a crowd: one client, the part it plays, and what is noted of it."""

import math
from collections import deque
from typing import Any, ParamSpec, Protocol, TypeVar

from ecsnet.bots import Bot, press
from ecsnet.load.figures import CrowdFigures, Moment
from ecsnet.paths import Path
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import RefusalCode, Reply, Rpc
from ecsnet.runtime import RunningClient
from ecsnet.transport.state import State
from ecsnet.virtualpath import ImpairedPath

__all__ = ["BotPart", "CrowdClient", "Member", "Part"]

P = ParamSpec("P")
R = TypeVar("R")


class CrowdClient(RunningClient):
    """A client whose calls are timed.

    Attributes:
        unanswered: Calls that wait, and when they were made; in that order they are answered.
    """

    unanswered: deque[tuple[Reply[Any], float]]

    def call(self, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Call a function on the server, as every client does."""
        called_at = self.clock.now()
        reply = super().call(rpc, *args, **kwargs)
        if not reply.done:
            self.unanswered.append((reply, called_at))
        return reply


class Part(Protocol):
    """What one client of a crowd does."""

    def act(self, client: CrowdClient, now: float) -> None:
        """Do what is to be done by now; called before each update."""
        ...

    def next_deadline(self) -> float | None:
        """Return when `act` has to be called at the latest; None: with the client's next tick."""
        ...


class BotPart:
    """A part: press what a bot decides."""

    def __init__(self, bot: Bot) -> None:
        """Let it play."""
        self._bot = bot

    def act(self, client: CrowdClient, now: float) -> None:  # noqa: ARG002  # a bot's time is that of its client
        """Press what it decides."""
        press(client, self._bot)

    def next_deadline(self) -> None:
        """Have no time of its own."""


class Member:
    """One client of a crowd.

    Attributes:
        client: A full one or a light one; it makes no difference here.
        path: Where its datagrams arrive.
        due_at: When it has to be looked at, at the latest.
    """

    def __init__(self, client: CrowdClient, part: Part, path: Path) -> None:
        """Begin to join."""
        self.client = client
        self.path = path
        self.due_at = self._client_due_at = self._began = client.clock.now()
        self._part = part
        self._is_impaired = isinstance(client.path, ImpairedPath)
        self._joined_at: float | None = None
        self._is_counted = True  # until it has ended
        self._counted: tuple[float, ...] = ()
        client.unanswered = deque()

    @property
    def is_decided(self) -> bool:
        """Whether the server has let it in or turned it away, so that others may knock."""
        return self.client.client_id != 0 or self.client.disconnected is not None

    @property
    def is_there(self) -> bool:
        """Whether it has joined, and its connection stands."""
        return self._joined_at is not None and self.client.disconnected is None

    @property
    def has_left(self) -> bool:
        """Whether nothing is to be sent or heard any more."""
        return self.client.state is State.CLOSED

    def receive(self, now: float, figures: CrowdFigures) -> None:
        """Take what has arrived, and answers at once: what else there is to do waits until it is due."""
        client = self.client
        client.receive(now)
        if client.unanswered:
            client.advance(now)
            self._note_answers(figures)
        self._schedule(now, self.due_at)

    def step(self, now: float, figures: CrowdFigures) -> None:
        """Act, do what is due, and send."""
        client = self.client
        if self.is_there and client.state is State.CONNECTED:
            self._part.act(client, now)
        if now >= self._client_due_at:
            if self._is_impaired:
                client.receive(now)  # what was held back arrives now
            client.advance(now)
            client.events()  # or they would be kept
            self._follow(now, figures)
        client.send(now)
        self._schedule(now, math.inf)

    def look(self, now: float, figures: CrowdFigures) -> None:
        """Add what was counted since the last look, and how it is at this moment."""
        if self._joined_at is None or not self._is_counted:
            return
        before, self._counted = self._counted, self._count(now)
        seconds, up, down, datagrams, lost, states = (
            after - earlier for after, earlier in zip(self._counted, before, strict=True)
        )
        figures.client_seconds += seconds
        figures.bytes_up += int(up)
        figures.bytes_down += int(down)
        figures.datagrams_up += int(datagrams)
        figures.lost_up += int(lost)
        figures.states += int(states)
        statistics, margin = self.client.statistics, self.client.figures.margin_ticks
        is_late = margin is not None and margin < 0
        if statistics.rtt_seconds:
            figures.rtt.note(statistics.rtt_seconds)
        figures.lost_down += statistics.loss_received
        figures.late += is_late
        figures.looks += 1
        if seconds:
            figures.now.add(Moment(1, is_late, statistics.rtt_seconds, up / seconds, down / seconds))

    def leave(self, now: float) -> None:
        """Say goodbye; `has_left` tells when that is heard."""
        self._is_counted = False
        if self.client.state not in {State.CLOSING, State.CLOSED}:
            self.client.close(now=now)

    def _schedule(self, now: float, at: float) -> None:
        """Set when there is something to do: at `at`, or from now on before that."""
        client = self.client
        deadline = client.next_deadline()
        self._client_due_at = now if deadline is None else deadline
        if self._is_impaired:
            assert isinstance(client.path, ImpairedPath)
            self._client_due_at = min(self._client_due_at, client.path.network.next_arrival() or math.inf)
        due_at = self._client_due_at
        if self.is_there and (acts_at := self._part.next_deadline()) is not None and acts_at < due_at:
            due_at = acts_at
        self.due_at = min(at, max(now, due_at))

    def _follow(self, now: float, figures: CrowdFigures) -> None:
        """Note how far it got."""
        client = self.client
        if client.unanswered:
            self._note_answers(figures)
        if self._joined_at is None and client.is_ready:
            self._joined_at = now
            self._counted = self._count(now)
            figures.joined.note(now - self._began)
        if client.disconnected is not None:
            self._note_end(now, client.disconnected, figures)

    def _note_end(self, now: float, end: tuple[DisconnectReason, str], figures: CrowdFigures) -> None:
        """Note why the connection has ended, unless that was wanted here; once."""
        if self._is_counted:
            self.look(now, figures)
            self._is_counted = False
            (figures.refused if self._joined_at is None else figures.ended)[end] += 1

    def _note_answers(self, figures: CrowdFigures) -> None:
        waiting, now = self.client.unanswered, self.client.clock.now()
        while waiting and waiting[0][0].done:
            reply, called_at = waiting.popleft()
            if reply.refusal is None or reply.refusal.code is not RefusalCode.DISCONNECTED:
                figures.calls.note(now - called_at)
                figures.calls_refused += not reply.ok

    def _count(self, now: float) -> tuple[float, ...]:
        """Return what grows: time, bytes each way, datagrams sent and lost, state messages."""
        statistics = self.client.statistics
        return (
            now,
            statistics.bytes_sent,
            statistics.bytes_received,
            statistics.datagrams_sent,
            statistics.packets_lost,
            self.client.receiver.applied,
        )
