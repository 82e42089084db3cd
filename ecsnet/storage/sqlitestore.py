"""SQLiteStore: a store in a file beside the game, by what every Python has.

Documents are JSON text, so that people can ask with the sqlite3 shell and its json functions. No question keeps a
statement open while its answers are used: they are read in pages, so that a slow reader delays nobody.
"""

import math
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from ecsnet.errors import StoreUnavailable
from ecsnet.storage.batches import entity_parts, newest
from ecsnet.storage.reading import read_as
from ecsnet.storage.sqlitefile import connect, named_errors, transaction
from ecsnet.storage.sqliteforgetting import forget
from ecsnet.storage.sqliterows import (
    Row,
    event_of,
    event_row,
    match_of,
    match_row,
    save_of,
    save_row,
    snapshot_of,
    snapshot_row,
    text,
)
from ecsnet.storage.store import Batch, Forgotten, Match, Save, SaveName, Snapshot, StoredEvent

__all__ = ["SQLiteStore"]

PAGE_ROWS = 500  # read together: some 200 kB
MAX_INTEGER = 2**63 - 1  # of SQLite
REMOVED_ROWS, FREED_PAGES = 200, 500  # in one transaction: 12 MB and 2 MB of log; 50 ms in which others cannot write

_WRITE_MATCH = "INSERT OR REPLACE INTO matches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WRITE_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_WRITE_SAVE = (
    "INSERT INTO saves VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision,"
    " time = excluded.time, player = excluded.player, components = excluded.components"
    " WHERE excluded.revision > revision"
)
_WRITE_SNAPSHOT = "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_WRITE_PART = "INSERT INTO parts VALUES (?, ?, ?, ?)"
_REMOVE_SAVE = "DELETE FROM saves WHERE (game, owner, key) = (?, ?, ?)"
# In this order: a snapshot goes before its parts, and last what says that there is something to remove.
_REMOVE_OF_MATCH = tuple(
    f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE match = ? LIMIT {REMOVED_ROWS})"  # noqa: S608
    for table in ("snapshots", "parts", "events")
)
_REMOVE_MATCH = "DELETE FROM matches WHERE id = ?"
_MATCHES = "SELECT * FROM matches WHERE ?1 IN ('', game) ORDER BY started, id"
_COUNTS = (
    "SELECT (SELECT COUNT(*) FROM events WHERE match = :match), (SELECT COUNT(*) FROM snapshots WHERE match = :match)"
)
_EVENTS = """
    SELECT * FROM events WHERE match = :match AND number > :after AND time BETWEEN :since AND :until
    AND (:kinds = '[]' OR kind IN (SELECT value FROM json_each(:kinds)))
    AND (:player = '' OR :player IN (SELECT value FROM json_each(players))) ORDER BY number LIMIT :most
"""
_SNAPSHOTS = "SELECT * FROM snapshots WHERE match = :match AND time BETWEEN :since AND :until"
_OLDEST_SNAPSHOT = f"{_SNAPSHOTS} AND tick > :after ORDER BY tick LIMIT 1"
_NEWEST_SNAPSHOT = f"{_SNAPSHOTS} AND tick < :after ORDER BY tick DESC LIMIT 1"
_PARTS = "SELECT entities FROM parts WHERE match = ? AND tick = ? ORDER BY part"
_SAVE = "SELECT * FROM saves WHERE (game, owner, key) = (?, ?, ?)"
_NEXT_SAVES = "(game, owner, key) > (:after_game, :after_owner, :after_key) ORDER BY game, owner, key LIMIT :most"
_SIZES = ("page_count", "freelist_count", "page_size")


class SQLiteStore:
    """A `Store` in one file. One thread at a time may use it; other processes may, at any time, by their own."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open the file; it is made if it is not there, unless told otherwise.

        Raises:
            StoreError: It is not there, is no store, is damaged, or is of a newer version.
        """
        self.path = path
        self._database = connect(path, create=create)
        self._file = path.stat()

    def __repr__(self) -> str:
        """Show the file."""
        return f"SQLiteStore({str(self.path)!r})"

    def __str__(self) -> str:
        """Return the file, as a message names it."""
        return str(self.path)

    def write(self, batch: Batch) -> Sequence[SaveName]:
        """Keep everything, or nothing: see `Store`."""
        self._check_place()
        write = self._database.executemany
        with transaction(self._database, self.path):
            write(_WRITE_MATCH, map(match_row, batch.matches))
            write(_WRITE_EVENT, map(event_row, batch.events))
            refused = [save.name for save in newest(batch.saves) if not self._write_save(save)]
            for snapshot in batch.snapshots:
                self._write_snapshot(snapshot)
            write(_REMOVE_SAVE, map(_key, batch.removed))
        return refused

    def close(self) -> None:
        """Put everything into the one file, and let go of it. May be called again."""
        with suppress(sqlite3.Error):  # closed before, or others use it: then it is as safe where it is
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()

    def matches(self, game: str = "") -> list[Match]:
        """Return the matches, oldest first: see `Store`."""
        return read_as(match_of, self._read(_MATCHES, (game,)), self.path)

    def counts(self, match: str) -> tuple[int, int]:
        """Return how many events and snapshots there are: see `Store`."""
        [(events, snapshots)] = self._read(_COUNTS, {"match": match})
        assert isinstance(events, int)
        assert isinstance(snapshots, int)
        return events, snapshots

    def events(
        self, match: str, *, kinds: Sequence[str] = (), player: str = "", since: float = 0.0, until: float | None = None
    ) -> Iterator[StoredEvent]:
        """Return what happened in a match, in order: see `Store`."""
        asked = {"match": match, "kinds": text(list(kinds)), "player": player, "most": PAGE_ROWS, **_span(since, until)}
        after = -1
        while page := read_as(event_of, self._read(_EVENTS, asked | {"after": after}), self.path):
            yield from page
            after = page[-1].number

    def snapshots(
        self, match: str, *, since: float = 0.0, until: float | None = None, newest_first: bool = False
    ) -> Iterator[Snapshot]:
        """Return the snapshots of a match, each read when it is asked for: see `Store`."""
        question = _NEWEST_SNAPSHOT if newest_first else _OLDEST_SNAPSHOT
        asked = {"match": match, **_span(since, until)}
        after = MAX_INTEGER if newest_first else -1
        while snapshot := self._read_snapshot(question, asked | {"after": after}):
            yield snapshot
            after = snapshot.tick

    def saves(self, game: str = "", owner: str = "") -> Iterator[Save]:
        """Return the saves, by name: see `Store`."""
        asked = {"game": game, "owner": owner}
        conditions = [f"{name} = :{name} AND " for name, value in asked.items() if value]
        question = f"SELECT * FROM saves WHERE {''.join(conditions)}{_NEXT_SAVES}"  # noqa: S608  # names of ours
        after = SaveName("", "", "")
        while page := read_as(save_of, self._read(question, asked | _after(after)), self.path):
            yield from page
            after = page[-1].name

    def remove_match(self, match: str) -> None:
        """Delete a match with its events and snapshots: see `Store`."""
        for statement in _REMOVE_OF_MATCH:
            while self._change(statement, (match,)) == REMOVED_ROWS:
                pass
        self._change(_REMOVE_MATCH, (match,))
        self._give_back()

    def forget(self, owner: str, names: Sequence[str] = ()) -> Forgotten:
        """Delete what is kept of a player: see `Store`."""
        struck = {owner, *names, *(save.player for save in self.saves(owner=owner))} - {""}
        forgotten = forget(self._database, self.path, owner, struck)
        self._give_back()
        return forgotten

    def size_bytes(self) -> int:
        """Return how much of the file is in use: what was removed is not, although the file may still be as long."""
        pages, free, page_bytes = (self._read(f"PRAGMA {name}")[0][0] for name in _SIZES)
        return int((pages - free) * page_bytes)

    def _check_place(self) -> None:
        """Notice that the file was deleted or moved: what is written to it now would be lost with it."""
        try:
            is_there = os.path.samestat(self.path.stat(), self._file)
        except OSError:
            is_there = False
        if not is_there:
            raise StoreUnavailable(f"the store {self.path} was deleted or moved while it was in use: put it back")

    def _change(self, statement: str, values: Sequence[object]) -> int:
        """Change rows, and return how many, in a transaction of its own."""
        with transaction(self._database, self.path):
            return self._database.execute(statement, values).rowcount

    def _read(self, question: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        with named_errors(self.path):
            return self._database.execute(question, values).fetchall()

    def _read_snapshot(self, question: str, values: Mapping[str, object]) -> Snapshot | None:
        """Return a snapshot whose head and parts are of one state of the file."""
        with transaction(self._database, self.path, "DEFERRED"):
            head = self._database.execute(question, values).fetchone()
            parts = self._database.execute(_PARTS, head[:2]).fetchall() if head else []
        [*found] = read_as(partial(snapshot_of, parts=parts), [head] if head else [], self.path)
        return found[0] if found else None

    def _write_save(self, save: Save) -> bool:
        """Write a save, unless there is another of the same or a higher revision; return whether it is there."""
        if self._database.execute(_WRITE_SAVE, save_row(save)).rowcount > 0:
            return True
        return save_of(self._database.execute(_SAVE, _key(save.name)).fetchone()) == save

    def _write_snapshot(self, snapshot: Snapshot) -> None:
        """Write a snapshot that is not there yet."""
        if self._database.execute(_WRITE_SNAPSHOT, snapshot_row(snapshot)).rowcount > 0:
            for number, part in enumerate(entity_parts(snapshot, text), start=1):
                row = (snapshot.match, snapshot.tick, number, f"[{','.join(part)}]")
                self._database.execute(_WRITE_PART, row)

    def _give_back(self) -> None:
        """Make the file as small as its content, and leave nothing deleted beside it; later, if others read it now."""
        with suppress(sqlite3.OperationalError):
            [free] = self._database.execute("PRAGMA freelist_count").fetchone()
            for _ in range(0, free, FREED_PAGES):
                # A script, for it is stepped through to its end: `execute` would give back a single page.
                self._database.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _key(name: SaveName) -> Row:
    return (name.game, name.owner, name.key)


def _after(name: SaveName) -> dict[str, object]:
    return {"after_game": name.game, "after_owner": name.owner, "after_key": name.key, "most": PAGE_ROWS}


def _span(since: float, until: float | None) -> dict[str, object]:
    return {"since": since, "until": math.inf if until is None else until}
