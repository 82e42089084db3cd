"""StoreLock: keeps two servers of one key from keeping a game in the same store, where each would undo the other.

It is an exclusive transaction of a SQLite file that holds nothing: the system ends it with the process, also after
`kill -9`, on every platform alike. It binds servers of one machine.
"""

import hashlib
import sqlite3
from pathlib import Path

from platformdirs import user_data_path

from ecsnet.errors import StoreError

__all__ = ["StoreLock"]


class StoreLock:
    """Held until it is released, or the process ends."""

    def __init__(self, where: str | Path, game: str, server: str, *, folder: Path | None = None) -> None:
        """Take it.

        Args:
            where: The store: a file, or a URL.
            server: As `server_name` says.
            folder: Where locks are; None: the user's own.

        Raises:
            StoreError: Another process has it.
        """
        place = str(where) if "://" in str(where) else str(Path(where).resolve())
        name = hashlib.blake2s(f"{place}\0{game}\0{server}".encode(), digest_size=8).hexdigest()
        folder = folder or user_data_path("ecsnet") / "locks"
        self._file: sqlite3.Connection | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(
                folder / f"{name}.lock", timeout=0.0, isolation_level=None, check_same_thread=False
            )
            self._file.execute("PRAGMA journal_mode = MEMORY")
            self._file.execute("BEGIN EXCLUSIVE")
        except OSError as error:
            raise StoreError(f"cannot use {folder}, where it is noted who uses a store: {error.strerror}") from error
        except sqlite3.OperationalError as error:
            self.release()
            shown = place.rpartition("@")[2] if "://" in place else where
            raise StoreError(
                f"another server keeps {game} in {shown} already, by the same key: give this one another --store, or a "
                f"--key of its own ({error})"
            ) from error

    def __repr__(self) -> str:
        """Show whether it is held."""
        return f"StoreLock({'released' if self._file is None else 'held'})"

    def release(self) -> None:
        """Let others have it. May be called again."""
        if self._file is not None:
            self._file.close()
            self._file = None
