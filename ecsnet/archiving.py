"""Archiving: opens a store for a server, with a thread that writes it; where the archive meets the machine."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from ecsnet.archive import Archive
from ecsnet.clock import unix_time
from ecsnet.config import PersistenceConfig
from ecsnet.game import Game
from ecsnet.resume import begin
from ecsnet.resumed import Resumed
from ecsnet.server import server_name
from ecsnet.storage.opening import open_store
from ecsnet.storelock import StoreLock
from ecsnet.transport.identity import Identity

__all__ = ["Opened", "Scribe", "default_store", "open_archive"]

# So long the writing thread sleeps after each slice of its work: the game's thread, if it waits, gets the interpreter
# at once. A shorter sleep ends before the other thread has noticed; Python itself would only take it away after 5 ms.
PAUSE_SECONDS = 0.0002

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a server is given: `Server(archive=, resumed=)`.

    Attributes:
        where: The store, for people; without a password.
    """

    where: str
    archive: Archive
    resumed: Resumed


def default_store(game: Game) -> Path:
    """Return the file where a game is kept unless somebody says otherwise: in the current folder, named after it."""
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in game.name)
    return Path(f"{name}.ecsnet.db")


def open_archive(
    where: str | Path,
    game: Game,
    identity: Identity,
    *,
    config: PersistenceConfig | None = None,
    resuming: bool = False,
    match: str = "",
) -> Opened:
    """Open a store for a server, and go on with what its last run began, or make an end of that.

    Args:
        where: A file, or "mongodb://...".
        identity: The server's: others may use the same store.
        resuming: Whether to go on.
        match: Go on with this one, whatever was last.

    Raises:
        StoreError: It cannot be used, or what was kept does not fit the game, or another server keeps the game there.
    """
    server = server_name(identity.public)
    lock = StoreLock(where, game.name, server)
    store = None
    try:
        store = open_store(where)
        resumed = begin(store, game, server, resuming=resuming, match=match)
    except BaseException:
        lock.release()
        if store is not None:
            store.close()
        raise
    archive = Archive(
        store, worker=Scribe(), unix_time=unix_time, config=config, pause=_pause, on_close=lock.release
    )  # fmt: skip
    archive.know_matches(match.id for match in store.matches(game.name))
    return Opened(repr(store) if "://" in str(where) else str(where), archive, resumed)


class Scribe:
    """A worker with a thread of its own, which ends with the program: a store that hangs does not keep it from that."""

    def __init__(self) -> None:
        """Wait for jobs."""
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._work, name="ecsnet store", daemon=True).start()

    def submit(self, job: Callable[[], T], /) -> "Future[T]":
        """Put a job in line."""
        future: Future[T] = Future()

        def do() -> None:
            try:
                future.set_result(job())
            except BaseException as error:  # as any worker: whoever asks for the result gets it
                future.set_exception(error)

        self._jobs.put(do)
        return future

    def _work(self) -> None:
        while True:
            self._jobs.get()()


def _pause() -> None:
    time.sleep(PAUSE_SECONDS)
