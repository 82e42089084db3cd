"""Clocks: where `now` comes from. Only the runtime reads one; everything below is told the time."""

import time
from typing import Protocol

__all__ = ["Clock", "MonotonicClock", "VirtualClock", "processor_seconds", "unix_time"]


class Clock(Protocol):
    """Tells the time in seconds from an unknown start, never backwards."""

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass, whatever happens meanwhile."""
        ...


class MonotonicClock:
    """The machine's own clock."""

    __slots__ = ()

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let the machine's time pass."""
        time.sleep(seconds)


def unix_time() -> float:
    """Return the seconds since 1970 by the machine's calendar, which may jump: for dates only, e.g. of tokens."""
    return time.time()


def processor_seconds() -> float:
    """Return how long this process has had a processor: what it costs, and not how long it took."""
    return time.process_time()


class VirtualClock:
    """A clock that stands still until it is moved: for tests and simulations."""

    __slots__ = ("_now",)

    def __init__(self, now: float = 0.0) -> None:
        """Start at `now` seconds."""
        self._now = now

    def __repr__(self) -> str:
        """Show the time."""
        return f"VirtualClock({self._now:.6f})"

    def now(self) -> float:
        """Return virtual seconds."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.advance(seconds)

    def advance(self, seconds: float) -> float:
        """Move on by `seconds`, at least 0, and return the new time."""
        if not seconds >= 0:
            raise ValueError(f"a clock never runs backwards: cannot advance by {seconds} s")
        self._now += seconds
        return self._now
