"""Stopping cleanly: Ctrl-C and SIGTERM end a loop between two passes, never in the middle of one."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

__all__ = ["stop_signals"]


@contextmanager
def stop_signals() -> Generator[Callable[[], bool], None, None]:
    """Note Ctrl-C and SIGTERM instead of dying of them.

    Use it around a loop: `with stop_signals() as stopped`, then `while not stopped()`. A second signal ends the program
    as usual, should the farewell hang. Outside of the main thread, where Python allows no handlers, nothing is noted.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _: object) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    try:
        for number in before:
            signal.signal(number, note)
        yield lambda: bool(noted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
