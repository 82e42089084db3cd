"""How long answers take: a server in a process of its own, clients in this one, and both as a bare echo beside it.

Two processes over the loopback interface, each on a core of its own where there are two. Every client calls so many
times a second, evenly spread over them; what counts is the time from the call until its answer is there. Refusals are
answers.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ecsnet import game as games
from ecsnet.bots import load_reference
from ecsnet.clock import MonotonicClock
from ecsnet.collector import calm_collector
from ecsnet.config import ClientConfig
from ecsnet.distribution import Distribution
from ecsnet.errors import EcsnetError
from ecsnet.load.crowd import Crowd
from ecsnet.load.echo import measure_echo
from ecsnet.load.figures import CrowdFigures
from ecsnet.load.member import CrowdClient, Member
from ecsnet.load.servers import on_a_core, serve_echo, serve_game, serving
from ecsnet.paths import Path, PathGroup
from ecsnet.runtime import find_route
from ecsnet.systems.pipeline import LIGHT_CLIENT
from ecsnet.testing.network import Link
from ecsnet.virtualpath import ImpairedPath

__all__ = ["Question", "Row", "answer_table", "measure_answers"]

WARM_SECONDS = 0.5
USUAL_COUNTS = (4, 8, 16, 32)
LOSSY = Link(loss=0.02)


@dataclass(frozen=True, slots=True)
class Question:
    """A call to be measured, by names: another process has to find it as well.

    Attributes:
        name: For people.
        game: As `ecsnet serve` takes it.
        call: `"package.module:function"`, which makes the call for a client and is given that.
    """

    name: str
    game: str
    call: str


class Row(NamedTuple):
    """What one measurement came to, and the bare echo of the same moment."""

    name: str
    transport: str
    clients: int
    answers: Distribution
    bare: Distribution

    def __str__(self) -> str:
        """Return a line of the table under `HEAD`; times in milliseconds."""
        answers, bare = self.answers, self.bare
        times = (answers.mean, answers.percentile(0.5), answers.percentile(0.99))
        ratios = (answers.mean / bare.mean, answers.percentile(0.5) / bare.percentile(0.5)) if bare.count else ()
        return (
            f"{self.transport.upper():<5}{self.clients:>8}  {self.name:<14}"
            + "".join(f"{1000 * seconds:>9.3f}" for seconds in times)
            + "".join(f"{ratio:>9.2f}" for ratio in ratios if self.answers is not bare)
        )


HEAD = "      clients  answer             mean      p50      p99   x mean    x p50"


class Caller:
    """A part: call, so many times a second."""

    def __init__(self, call: Callable[[CrowdClient], object], rate_hz: float, begin: float) -> None:
        """Call at `begin` and in even steps from then on."""
        self._call = call
        self._pause = 1 / rate_hz
        self._at = begin

    def act(self, client: CrowdClient, now: float) -> None:
        """Call if it is time; what was missed is not made up for, or answers would wait for each other."""
        if now >= self._at:
            self._at += self._pause * (1 + (now - self._at) // self._pause)
            self._call(client)

    def next_deadline(self) -> float:
        """Return when to call next."""
        return self._at


def measure_answers(
    questions: Sequence[Question],
    *,
    transport: str,
    counts: Sequence[int],
    rate_hz: float,
    seconds: float,
    link: Link = Link.PERFECT,
) -> Iterator[Row]:
    """Measure all questions with each number of clients, and before them the bare echo; the servers stay the same.

    Args:
        link: The condition of the way, for all but the echo.

    Raises:
        EcsnetError: A server could not be started, or turned somebody away.
    """
    with contextlib.ExitStack() as stack:
        echo = stack.enter_context(serving(serve_echo, transport))
        servers = [stack.enter_context(serving(serve_game, each.game, transport)) for each in questions]
        stack.enter_context(on_a_core())
        for clients in counts:
            bare = measure_echo(
                transport, int(echo), clients=clients, rate_hz=rate_hz, warm_seconds=WARM_SECONDS, seconds=seconds
            )
            yield Row("bare echo", transport, clients, bare, bare)
            for question, server in zip(questions, servers, strict=True):
                trial = Trial(question, server, clients=clients, rate_hz=rate_hz, seconds=seconds, link=link)
                yield Row(question.name, transport, clients, trial.run(), bare)


def answer_table(questions: Sequence[Question], *, count: int, rate_hz: float, seconds: float) -> Iterator[str]:
    """Yield the lines of a table: by UDP and TCP, with more and more clients up to `count`; then with losses.

    Raises:
        EcsnetError: A server could not be started, or turned somebody away.
    """
    counts = [*(each for each in USUAL_COUNTS if each < count), count]
    yield f"{rate_hz:g} calls a second and client; milliseconds until the answer, and beside the bare encrypted echo"
    yield HEAD
    for transport in ("udp", "tcp"):
        rows = measure_answers(questions, transport=transport, counts=counts, rate_hz=rate_hz, seconds=seconds)
        yield from map(str, rows)
    yield f"with {LOSSY.loss:.0%} of the packets lost, each way"
    for transport in ("udp", "tcp"):
        rows = measure_answers(
            questions, transport=transport, counts=[count], rate_hz=rate_hz, seconds=seconds, link=LOSSY
        )
        yield from map(str, rows)


class Trial:
    """One measurement of a question: clients join, call for some time, and leave."""

    def __init__(
        self, question: Question, server: str, *, clients: int, rate_hz: float, seconds: float, link: Link
    ) -> None:
        """Get ready.

        Args:
            server: A join link.
        """
        self._game = games.load(question.game)
        self._call = load_reference(question.call, "call")
        self._server = server
        self._clients = clients
        self._rate_hz = rate_hz
        self._seconds = seconds
        self._link = link
        self._clock = MonotonicClock()
        self._group = PathGroup()
        self._begin = self._clock.now()
        self._counts_from: float | None = None
        self._is_counting = False

    def run(self) -> Distribution:
        """Return the seconds until the answers."""
        with calm_collector():
            crowd = Crowd(self._clients, self._enter, self._group, clock=self._clock, joining_at_once=self._clients)
            return crowd.run(self._watch).calls

    def _enter(self, number: int) -> Member:
        route = find_route(self._server, group=self._group)
        path: Path = route.path
        if self._link != Link.PERFECT:
            path = ImpairedPath(path, self._link, seed=number, clock=self._clock)
        client = CrowdClient(
            self._game, route.address, path, name=f"bot {number + 1}", pins=route.pins, clock=self._clock,
            config=ClientConfig(retry_seconds=0.0), pipeline=LIGHT_CLIENT,
        )  # fmt: skip
        begin = self._begin + number / (self._clients * self._rate_hz)
        return Member(client, Caller(self._call, self._rate_hz, begin), route.path)

    def _watch(self, figures: CrowdFigures) -> bool:
        """Count from a moment after all have joined."""
        for (reason, text), count in [*figures.refused.items(), *figures.ended.items()]:
            raise EcsnetError(f"{count} clients were not served: {reason.name}, {text}")
        now = self._clock.now()
        if figures.joined.count < self._clients:
            return False
        if self._counts_from is None:
            self._counts_from = now + WARM_SECONDS
        if not self._is_counting and now >= self._counts_from:
            self._is_counting, self._counts_from = True, now
            figures.calls = Distribution()
        return self._is_counting and now >= self._counts_from + self._seconds
