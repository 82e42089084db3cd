"""A thread that works does all it was given, and keeps no program from ending."""

import subprocess
import sys
from threading import Event

import pytest

from ecsnet.workerthread import WorkerThread

PROGRAM = """
import time
from ecsnet import workerthread
workerthread.LEAVING_SECONDS = 0.2
worker = workerthread.WorkerThread("disk")
{}
print("over")
"""


def test_jobs_are_done_in_order_and_what_they_raise_is_for_who_asked() -> None:
    """Also what is no Exception; the next job is done all the same, and one that was called off is not."""
    worker, done, is_called_off = WorkerThread("disk"), list[int](), Event()

    def leave() -> None:
        is_called_off.wait(5)
        sys.exit("enough")

    failed = worker.submit(leave)
    called_off = worker.submit(lambda: done.append(0))
    assert called_off.cancel()
    is_called_off.set()
    results = [worker.submit(lambda number=number: done.append(number)) for number in (1, 2, 3)]  # type: ignore[misc]
    for each in results:
        each.result(5)

    assert isinstance(failed.exception(5), SystemExit)
    assert done == [1, 2, 3]
    assert repr(worker) == "WorkerThread('disk', 0 jobs waiting)"


@pytest.mark.process
@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        ("worker.submit(lambda: time.sleep(0.05)); worker.submit(lambda: print('written'))", "over\nwritten\n"),
        ("worker.submit(lambda: time.sleep(1000))", "over\n"),
    ],
)
def test_a_program_ends_when_the_jobs_are_done_or_take_too_long(jobs: str, told: str) -> None:
    """What was handed over is not lost, and a disk that hangs does not hold a server for ever."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM.format(jobs)], capture_output=True, timeout=20, check=False)

    assert (ended.returncode, ended.stdout.decode().replace("\r", ""), ended.stderr) == (0, told, b"")
