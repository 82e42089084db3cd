"""Feed a target inputs by chance until it fails, hangs or the count is full; say how to see the failure again.

Inputs of one session are fed to the same objects, so a failure is a list of inputs. It is cut down to the few that
still fail, and printed as hex behind the command that replays it.
"""

import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

HANG_SECONDS = 0.050  # of process time for one input: a datagram has microseconds, a tick of a game has 16 ms
MAX_SESSION = 200  # inputs
MAX_FAILURES = 3  # of one target, then it is given up


class Target(Protocol):
    """Something that takes bytes."""

    def feed(self, data: bytes) -> bool:
        """Take an input, raise nothing; False when this session is over."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One way in.

    Attributes:
        make: Begin a session, always the same one.
        generate: An input.
        share: Of all inputs of a run, relative to the other entries: slow targets get fewer.
    """

    make: Callable[[], Target]
    generate: Callable[[random.Random], bytes]
    share: float = 1.0


@dataclass(slots=True)
class Failure:
    """What went wrong, and the inputs that make it go wrong."""

    what: str
    inputs: list[bytes]


@dataclass(slots=True)
class Report:
    """What came of a run."""

    inputs: int = 0
    sessions: int = 0
    slowest_seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)


def run(entry: Entry, count: int, seed: int, *, progress: Callable[[Report], None] = lambda _: None) -> Report:
    """Feed `count` inputs, in as many sessions as it takes."""
    chance = random.Random(seed)
    report = Report()
    while report.inputs < count and len(report.failures) < MAX_FAILURES:
        failure = _session(entry, chance, min(MAX_SESSION, count - report.inputs), report)
        if failure is not None:
            report.failures.append(failure)
        progress(report)
    return report


def _session(entry: Entry, chance: random.Random, most: int, report: Report) -> Failure | None:
    target = entry.make()
    report.sessions += 1
    fed: list[bytes] = []
    for _ in range(most):
        fed.append(entry.generate(chance))
        report.inputs += 1
        what, seconds, goes_on = _feed(target, fed[-1])
        report.slowest_seconds = max(report.slowest_seconds, seconds)
        if what and (again := replay(entry, fed)):  # a hang that does not come back was the machine's
            return Failure(again, shrink(entry, fed))
        if not goes_on:
            return None
    return None


def _feed(target: Target, data: bytes) -> tuple[str, float, bool]:
    """Return what went wrong, how long it took, and whether the session goes on."""
    began = time.process_time()
    try:
        goes_on = target.feed(data)
    except Exception:  # whatever it is, it must not be
        return traceback.format_exc(), 0.0, False
    seconds = time.process_time() - began
    hang = f"took {seconds * 1000:.0f} ms" if seconds > HANG_SECONDS else ""
    return hang, seconds, goes_on


def replay(entry: Entry, inputs: Sequence[bytes]) -> str:
    """Feed inputs to a new session; return what goes wrong, nothing if all is well."""
    target = entry.make()
    for data in inputs:
        what, _, goes_on = _feed(target, data)
        if what or not goes_on:
            return what
    return ""


def shrink(entry: Entry, inputs: list[bytes]) -> list[bytes]:
    """Leave out inputs, then bytes, while it still fails."""
    inputs = next((end for end in _ends(inputs) if replay(entry, end)), inputs)
    for at in reversed(range(len(inputs) - 1)):
        candidate = inputs[:at] + inputs[at + 1 :]
        if replay(entry, candidate):
            inputs = candidate
    for at in range(len(inputs)):
        for part in _halves(inputs[at]):
            candidate = [*inputs[:at], part, *inputs[at + 1 :]]
            if replay(entry, candidate):
                inputs = candidate
    return inputs


def _ends(inputs: list[bytes]) -> Iterator[list[bytes]]:
    """The end alone, of growing length."""
    size = 1
    while size < len(inputs):
        yield inputs[-size:]
        size *= 2


def _halves(data: bytes) -> Iterator[bytes]:
    size = len(data) // 2
    while size:
        yield data[:-size]
        size //= 2
