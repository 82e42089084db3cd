"""A real MongoDB server for tests: found, started with a data folder of its own, stopped and started again.

Found by ECSNET_MONGO_URI (a server that runs), as `mongod` on the path, or where `.ci/mongod` has put one.
"""

import os
import shutil
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

__all__ = ["URI_VARIABLE", "Mongod", "client_of"]

URI_VARIABLE = "ECSNET_MONGO_URI"
START_SECONDS = 20.0  # patience; it takes 0.2 s on a machine that is not busy
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ecsnet-tests" / "mongod-8.2.0"
# Starts it, passes on signals by name, and kills it when its input ends: so also when who started it was killed.
KEEPER = '"$@" & while read -r signal; do kill -"$signal" $! && echo; done; kill -9 $!; wait'


def program() -> Path | None:
    """Return the server's program, if there is one."""
    found = shutil.which("mongod")
    cached = CACHE / "mongod"
    return Path(found) if found else cached if os.access(cached, os.X_OK) else None


def skip_without(missing: str) -> None:
    """Skip a test, loudly."""
    text = f"NOT CHECKED against a real MongoDB server: {missing}. bash .ci/mongod fetches one"
    warnings.warn(text, stacklevel=2)
    pytest.skip(text)


class Mongod:
    """A server of its own on this machine.

    Attributes:
        uri: Where it is, as long as it lives, also when it is started again.
    """

    def __init__(self, folder: Path) -> None:
        """Start it, with its data in a folder that is there; the test is skipped if there is no program."""
        found = program()
        if found is None:
            skip_without(f"there is neither {URI_VARIABLE}, nor mongod on the path, nor {CACHE / 'mongod'}")
        self._folder = folder
        self._port = free_port()
        self._keeper: subprocess.Popen[str] | None = None
        self.uri = f"mongodb://127.0.0.1:{self._port}/"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers. Nothing happens if it runs."""
        if self._keeper is not None:
            return
        where = ["--dbpath", str(self._folder), "--bind_ip", "127.0.0.1", "--port", str(self._port), "--nounixsocket"]
        small = ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        log = ["--logpath", str(self._folder / "mongod.log"), "--setParameter", "enableTestCommands=1"]
        command = [str(program()), *where, *small, *log]
        library = {"LD_LIBRARY_PATH": str(CACHE)} if command[0] == str(CACHE / "mongod") else {}
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "sh", *command],
            env=os.environ | library,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with client_of(self.uri) as client:
            client.admin.command("ping")

    def stop(self) -> None:
        """End it as `kill -9` does. May be called again."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None

    def freeze(self) -> None:
        """Let it stand still, as a machine does that is out of reach: connections stay, and nothing answers."""
        self._signal("STOP")

    def thaw(self) -> None:
        """Let it go on."""
        self._signal("CONT")

    def _signal(self, name: str) -> None:
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        print(name, file=self._keeper.stdin, flush=True)
        while self._keeper.stdout.readline() != "\n":  # an empty line: it is done
            assert self._keeper.poll() is None

    @contextmanager
    def failing(self, commands: list[str], *, after: int = 0, **how: Any) -> Iterator[None]:
        """Let commands of clients fail, e.g. `errorCode=91` or `closeConnection=True`, `after` that many of them."""
        point = {"configureFailPoint": "failCommand"}
        with client_of(self.uri) as client:
            client.admin.command(point | {"mode": {"skip": after}, "data": {"failCommands": commands, **how}})
            try:
                yield
            finally:
                client.admin.command(point | {"mode": "off"})


def client_of(uri: str) -> MongoClient[dict[str, Any]]:
    """Return a client that waits for a server that starts."""
    return MongoClient(uri, serverSelectionTimeoutMS=int(START_SECONDS * 1000))


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
