"""Servers in processes of their own, for tests that kill, move and flood them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ecsnet.joinlink import JoinLink

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0  # patience; a busy machine imports slowly


def environment_at(folder: Path) -> dict[str, str]:
    """Return what a program needs that has its home in a folder, and no display."""
    own = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    return own | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}


class Process:
    """A Python command with its output in a file."""

    def __init__(self, folder: Path, name: str, *arguments: str, prefix: Sequence[str] = ()) -> None:
        """Start `python ARGUMENTS`.

        Args:
            prefix: A command that runs the command, e.g. in another network.
        """
        self.log_file = folder / f"{name}.log"
        command = [*prefix, sys.executable, *arguments]
        with self.log_file.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment_at(folder), stdout=output, stderr=output
            )

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self.log_file.read_text()

    def wait_for(self, pattern: str) -> str:
        """Return what the pattern's group matches in the log, as soon as it is there."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            found = re.search(pattern, self.log)
            if found:
                return found[1]
            assert self.process.poll() is None, self.log
            time.sleep(0.01)
        raise AssertionError(f"no {pattern!r} in: {self.log}")

    def finish(self) -> str:
        """Wait until it ends by itself, well; return what it printed."""
        assert self.process.wait(timeout=START_SECONDS) == 0, self.log
        return self.log

    def kill(self) -> None:
        """End it as `kill -9` does: without a word to anybody. May be called again."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        """Return the process."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running behind a test that failed."""
        self.kill()


class Server(Process):
    """`ecsnet serve`.

    Attributes:
        link: How it is joined.
    """

    def __init__(
        self, folder: Path, game: str, *arguments: str, host: str = "127.0.0.1", prefix: Sequence[str] = ()
    ) -> None:
        """Start serving, and wait until the port is open."""
        command = ("-m", "ecsnet", "serve", game, "--host", host, *arguments)
        super().__init__(folder, "server", *command, prefix=prefix)
        self.link = JoinLink.parse(self.wait_for(r'ecsnet join "(.+?)"'))
