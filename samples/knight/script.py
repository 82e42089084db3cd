"""Commands from a pipe or a file: one after another, each when the one before is answered; plain lines come out."""

import contextlib
import os
from queue import Empty, Queue
from threading import Thread

from ecsnet import RunningClient
from ecsnet.samples.knight.session import Session
from ecsnet.samples.knight.texts import plain

__all__ = ["play_script"]

FRAME_SECONDS = 1 / 60
MAX_LINES_AHEAD = 64  # read, and not yet run; whoever writes faster waits
CHUNK_BYTES = 4096
MAX_LINE_BYTES = 4096  # of what has no end of line so far; nobody types that much


def play_script(client: RunningClient, descriptor: int) -> None:
    """Play by the lines of an open file until it ends, it says `quit`, or the connection ends.

    An empty line does nothing, and so does one that begins with #.
    """
    session, lines = Session(client), _read_beside(descriptor)
    while not session.is_over:
        client.run_until(lambda: client.disconnected is not None, within_seconds=FRAME_SECONDS)
        session.frame()
        _show(session)
        if session.is_idle:
            _run_next(session, lines)
            _show(session)


def _run_next(session: Session, lines: "Queue[str | None]") -> None:
    try:
        line = lines.get_nowait()
    except Empty:
        return
    if line is None:
        session.has_quit = True
    elif line.strip() and not line.startswith("#"):
        print(f"> {line.strip()}", flush=True)  # noqa: T201  # as a prompt would show it
        session.enter(line)


def _show(session: Session) -> None:
    for line in session.take_lines():
        print(plain(line), flush=True)  # noqa: T201  # for people, or for the program that reads it


def _read_beside(descriptor: int) -> "Queue[str | None]":
    """Read lines in a thread, as a pipe cannot be read everywhere without waiting; None follows the last."""
    lines: Queue[str | None] = Queue(MAX_LINES_AHEAD)

    def read() -> None:
        rest = b""
        # Not by sys.stdin: Python ends with an error while a thread waits in there.
        with contextlib.suppress(OSError):  # a terminal that is gone
            while len(rest) < MAX_LINE_BYTES and (chunk := os.read(descriptor, CHUNK_BYTES)):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    lines.put(line.decode(errors="replace"))
        if rest:
            lines.put(rest.decode(errors="replace"))
        lines.put(None)

    Thread(target=read, daemon=True).start()
    return lines
