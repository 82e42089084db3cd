"""WorkerThread: a worker that is a thread, for what writes to disks and databases.

The threads of an executor of `concurrent.futures` are waited for at the end of a program, for ever if a disk hangs.
This one is given some seconds.
"""

import atexit
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

__all__ = ["WorkerThread"]

T = TypeVar("T")

LEAVING_SECONDS = 5.0  # for the jobs that wait, at the end of the program


class WorkerThread:
    """A `Worker` that does one job after another, in a thread that ends with the program."""

    def __init__(self, name: str) -> None:
        """Begin to wait for jobs."""
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        Thread(target=_work, args=(self._jobs,), name=name, daemon=True).start()
        atexit.register(self._leave)

    def __repr__(self) -> str:
        """Show how much waits."""
        return f"WorkerThread({self._name!r}, {self._jobs.qsize()} jobs waiting)"

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        """Put a job in line."""
        future: Future[T] = Future()
        self._jobs.put(lambda: _do(job, future))
        return future

    def _leave(self) -> None:
        with suppress(TimeoutError, KeyboardInterrupt):  # whoever interrupts again wants to wait no more
            self.submit(lambda: None).result(LEAVING_SECONDS)


def _work(jobs: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        jobs.get()()


def _do(job: Callable[[], T], future: Future[T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except BaseException as error:  # whoever asks for the result gets it
        future.set_exception(error)
