"""Worker: whatever does for a pure machine what takes longer than a tick. The host brings it along."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

__all__ = ["Inline", "Worker"]

T = TypeVar("T")


class Worker(Protocol):
    """Does what takes long, in any order; `ecsnet.workerthread.WorkerThread` is one, and every executor."""

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        """Begin with a job, or put it in line."""
        ...


class Inline:
    """A worker that is done before it returns: for simulations, where everything happens at its moment."""

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        """Do the job."""
        future: Future[T] = Future()
        try:
            future.set_result(job())
        except Exception as error:  # as any worker: whoever asks for the result gets it
            future.set_exception(error)
        return future
