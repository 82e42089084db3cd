"""Programs at a terminal that exists in memory only: typed to, read, and looked at for how they leave it."""

import os
import pty
import re
import subprocess
import sys
import termios
import time
from pathlib import Path
from select import select
from typing import Self

from tests.process.serving import START_SECONDS, environment_at

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>78]|\x1b\][^\x07]*\x07")


class PseudoTerminal:
    """A Python command whose standard streams are a terminal of 80 columns.

    Attributes:
        shown: All it has written, without what moves the cursor and colours.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        """Start `python ARGUMENTS` in a folder, with a home of its own."""
        self._master, self._slave = pty.openpty()
        termios.tcsetwinsize(self._slave, (24, 80))
        self.modes_before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment_at(folder) | {"TERM": "xterm"},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )
        self._written = b""
        self._searched = 0

    def __enter__(self) -> Self:
        """Return the terminal."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running behind a test that failed."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    @property
    def shown(self) -> str:
        """All it has written, without what moves the cursor and colours."""
        return ESCAPES.sub("", self._written.decode(errors="replace"))

    @property
    def written(self) -> str:
        """All it has written."""
        return self._written.decode(errors="replace")

    @property
    def modes(self) -> list[object]:
        """How the terminal is set: echo, line by line, and so on."""
        return termios.tcgetattr(self._slave)

    def resize(self, *, lines: int, columns: int) -> None:
        """Give the window another size, from 80 columns and 24 lines."""
        termios.tcsetwinsize(self._slave, (lines, columns))

    def type(self, text: str) -> None:
        """Type; Enter is a carriage return."""
        os.write(self._master, text.encode())

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Return the first match in what it writes, behind the one before."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            found = re.compile(pattern).search(self.shown, self._searched)
            if found:
                self._searched = found.end()
                return found
            self._read(0.05)
        raise AssertionError(f"no {pattern!r} in: {self.shown[self._searched :]}")

    def finish(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.05)  # or it would wait for somebody to read
        self._read(0.05)
        assert self.process.poll() is not None, self.shown
        return self.process.returncode

    def _read(self, seconds: float) -> None:
        while select([self._master], [], [], seconds)[0]:
            self._written += os.read(self._master, 65536)
            seconds = 0.0
