"""Archiving: opens a store for a server, with a thread that writes it; where the archive meets the machine."""

import time
from dataclasses import dataclass
from pathlib import Path

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
from ecsnet.workerthread import WorkerThread

__all__ = ["Opened", "default_store", "open_archive"]

# So long the writing thread sleeps after each slice of its work: the game's thread, if it waits, gets the interpreter
# at once. A shorter sleep ends before the other thread has noticed; Python itself would only take it away after 5 ms.
PAUSE_SECONDS = 0.0002


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
    worker = WorkerThread("ecsnet store")
    archive = Archive(
        store, worker=worker, unix_time=unix_time, config=config, pause=_pause, on_close=lock.release
    )  # fmt: skip
    archive.know_matches(match.id for match in store.matches(game.name))
    return Opened(str(store), archive, resumed)


def _pause() -> None:
    time.sleep(PAUSE_SECONDS)
