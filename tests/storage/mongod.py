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

__all__ = ["URI_VARIABLE", "Mongod", "client_of", "running_uri", "skip_without"]

URI_VARIABLE = "ECSNET_MONGO_URI"
START_SECONDS = 20.0  # patience; it takes 0.2 s on a machine that is not busy
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ecsnet-tests" / "mongod-8.2.0"
# Whoever starts it may be killed: then the pipe to this shell ends, and so does the server.
KEEPER = '"$@" & read -r _; kill -9 $!; wait'


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
        self._keeper: subprocess.Popen[bytes] | None = None
        self.uri = f"mongodb://127.0.0.1:{self._port}/"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        where = ["--dbpath", str(self._folder), "--bind_ip", "127.0.0.1", "--port", str(self._port), "--nounixsocket"]
        small = ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        command = [str(program()), *where, *small, "--quiet"]
        library = {"LD_LIBRARY_PATH": str(CACHE)} if command[0] == str(CACHE / "mongod") else {}
        with (self._folder / "mongod.log").open("ab") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "sh", *command],
                env=os.environ | library,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        with client_of(self.uri) as client:
            client.admin.command("ping")

    def stop(self) -> None:
        """End it as `kill -9` does. May be called again."""
        if self._keeper is not None:
            self._keeper.communicate()  # it waits for the end of its input
            self._keeper = None


def client_of(uri: str) -> MongoClient[dict[str, Any]]:
    """Return a client that waits for a server that starts."""
    return MongoClient(uri, serverSelectionTimeoutMS=int(START_SECONDS * 1000))


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_uri(folder: Path) -> Iterator[str]:
    """Yield the URI of a server: one that runs already, or one of our own for as long."""
    if given := os.environ.get(URI_VARIABLE):
        yield given
        return
    server = Mongod(folder)
    try:
        yield server.uri
    finally:
        server.stop()
