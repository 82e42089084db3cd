"""A crowd from its first client to its last: how long it stays, and how several processes make up one crowd."""

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from typing import TypeAlias

from ecsnet.clock import Clock, MonotonicClock
from ecsnet.errors import EcsnetError
from ecsnet.load.figures import CrowdFigures
from ecsnet.load.plan import CrowdPlan, crowd_of
from ecsnet.stopsignals import stop_signals

__all__ = ["Stay", "run_crowd"]

PATIENCE_SECONDS = 10.0  # without anybody getting in; twice as long as a handshake may take
FAREWELL_SECONDS = 5.0  # for processes to end; then they are ended

Watch: TypeAlias = Callable[[CrowdFigures], bool]


class Stay:
    """Decides when a crowd has stayed for long enough."""

    def __init__(self, seconds: float | None, clock: Clock) -> None:
        """Begin now.

        Args:
            seconds: From when nobody more is to be expected; None: for as long as anybody is there.
        """
        self._seconds = seconds
        self._clock = clock
        self._settled = 0
        self._settled_at = clock.now()
        self._complete_at: float | None = None

    def is_over(self, figures: CrowdFigures) -> bool:
        """Look at the figures of now; tell whether it is time to leave."""
        now = self._clock.now()
        if figures.settled != self._settled:
            self._settled, self._settled_at = figures.settled, now
        has_all = figures.settled == figures.wanted
        if self._complete_at is None and (has_all or now >= self._settled_at + PATIENCE_SECONDS):
            self._complete_at = now
        if has_all and not figures.now.connected:
            return True
        return self._seconds is not None and self._complete_at is not None and now >= self._complete_at + self._seconds


def run_crowd(
    plan: CrowdPlan, *, seconds: float | None, processes: int, tell: Callable[[CrowdFigures], None]
) -> CrowdFigures:
    """Let a crowd join, play and leave; Ctrl-C and SIGTERM make it leave early.

    Args:
        seconds: How long to stay once all have joined; None: until a signal, or until everybody is gone.
        tell: Given the figures so far, about twice a second.

    Raises:
        EcsnetError: The link, the game or the transport is none.
    """
    stay = Stay(seconds, MonotonicClock())
    with stop_signals() as stopped:

        def watch(figures: CrowdFigures) -> bool:
            tell(figures)
            return stopped() or stay.is_over(figures)

        shares = plan.shares(processes)
        return crowd_of(plan).run(watch) if len(shares) == 1 else run_shares(shares, watch)


def run_shares(shares: Sequence[CrowdPlan], watch: Watch) -> CrowdFigures:
    """Let each share be a process, and watch them as one crowd.

    Raises:
        EcsnetError: A process could not do it.
    """
    context = multiprocessing.get_context("spawn")
    leave = context.Event()
    processes: list[SpawnProcess] = []
    latest: dict[Connection, CrowdFigures] = {}
    for share in shares:
        hears, tells = context.Pipe(duplex=False)
        processes.append(context.Process(target=be_share, args=(share, tells, leave), daemon=True))
        processes[-1].start()
        tells.close()  # so that the end of the process is an end here
        latest[hears] = CrowdFigures(wanted=share.count)
    try:
        follow(latest, watch, leave)
        for process in processes:
            process.join(FAREWELL_SECONDS)
            if process.exitcode != 0:
                raise EcsnetError(f"a process of the load ended with {process.exitcode or 'nothing at all'}")
    finally:
        for process in processes:
            process.kill()
    return total(latest.values())


def follow(latest: dict[Connection, CrowdFigures], watch: Watch, leave: Event) -> None:
    """Take what the processes tell until they have ended, and tell them when to.

    Raises:
        EcsnetError: One of them says what was wrong.
    """
    running = list(latest)
    while running:
        for hears in wait(running):
            assert isinstance(hears, Connection)
            try:
                said = hears.recv()
            except EOFError:
                running.remove(hears)
                continue
            if isinstance(said, str):
                raise EcsnetError(said)
            latest[hears] = said
        if not leave.is_set() and watch(total(latest.values())):
            leave.set()


def total(figures: Iterable[CrowdFigures]) -> CrowdFigures:
    """Return the figures of several crowds as those of one."""
    summed = CrowdFigures()
    for each in figures:
        summed.add(each)
    return summed


def be_share(plan: CrowdPlan, tells: Connection, leave: Event) -> None:
    """Be a process of a crowd: tell how it goes, and leave when told to."""
    with stop_signals() as stopped:

        def watch(figures: CrowdFigures) -> bool:
            tells.send(figures)
            return stopped() or leave.is_set()

        try:
            tells.send(crowd_of(plan).run(watch))
        except EcsnetError as error:
            tells.send(str(error))
