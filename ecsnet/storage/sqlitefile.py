"""The SQLite file of a store: made, told from other files, brought up to date, and whatever fails in it by its name."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from ecsnet.errors import StoreError, StoreUnavailable

__all__ = ["APPLICATION_ID", "MIGRATIONS", "PATIENCE_SECONDS", "connect", "named_errors", "transaction"]

APPLICATION_ID = 0x65637353  # "ecsS": tells our databases from others
PATIENCE_SECONDS = 0.25  # while another process writes, which takes milliseconds; then it is for the caller to wait
CHECKED_BYTES = 64 * 2**20  # of a file that is read for damage when opened, in 0.1 s; in a larger one it shows later
_LAYOUT = f"""
CREATE TABLE matches (
    id TEXT PRIMARY KEY, game TEXT NOT NULL, version TEXT NOT NULL, room TEXT NOT NULL, started REAL NOT NULL,
    ended REAL, ending TEXT NOT NULL, tick_rate_hz REAL NOT NULL, summary TEXT NOT NULL
);
CREATE TABLE events (
    match TEXT NOT NULL, number INTEGER NOT NULL, tick INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
    players TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (match, number)
);
CREATE TABLE snapshots (
    match TEXT NOT NULL, tick INTEGER NOT NULL, time REAL NOT NULL, seconds REAL NOT NULL, players TEXT NOT NULL,
    count INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (match, tick)
);
CREATE TABLE parts (
    match TEXT NOT NULL, tick INTEGER NOT NULL, part INTEGER NOT NULL, entities TEXT NOT NULL,
    PRIMARY KEY (match, tick, part)
);
CREATE TABLE saves (
    game TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, time REAL NOT NULL,
    player TEXT NOT NULL, components TEXT NOT NULL, PRIMARY KEY (game, owner, key)
);
CREATE INDEX saves_by_owner ON saves (owner);
CREATE VIEW entities AS  -- for people: SELECT tick, json_extract(components, '$.Score.goals') FROM entities
    SELECT match, tick, json_extract(value, '$.entity') AS entity, json_extract(value, '$.owner') AS owner,
    json_extract(value, '$.components') AS components FROM parts, json_each(parts.entities);
PRAGMA application_id = {APPLICATION_ID}
"""  # noqa: S608  # a number of ours
# Scripts: what makes a file of version N one of version N + 1, by N. An empty file is of version 0.
MIGRATIONS = (_LAYOUT,)
_NOT_NOW = tuple(f"SQLITE_{name}" for name in ("BUSY", "CANTOPEN", "FULL", "IOERR", "LOCKED", "NOMEM", "READONLY"))


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the file, without transactions but those we begin.

    Args:
        create: Make it if it is not there, in a folder that is, for its owner alone from its first byte on; without,
            one that may only be read will do.

    Raises:
        StoreError: It is not there, is none of ours, is damaged, or is of a newer version.
        StoreUnavailable: It has to be brought up to date, and cannot be now.
    """
    with named_errors(path):
        if path.is_dir():
            raise StoreError(f"cannot use the store {path}: it is a folder; name a file")
        if create:
            if not path.parent.is_dir():
                raise StoreError(f"cannot use the store {path}: there is no folder {path.parent}")
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        elif not path.is_file():
            raise StoreError(f"there is no store {path}: ecsnet serve --store {path} makes it")
        try:
            return _open(path, "mode=rw", partial(_prepare, create=create))
        except sqlite3.OperationalError as error:
            if create or not _is_for_reading(error):
                raise
        return _open_for_reading(path)


def _open(path: Path, options: str, prepare: Callable[[sqlite3.Connection, Path], None]) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    database = sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        prepare(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _is_for_reading(error: sqlite3.OperationalError) -> bool:
    """Tell whether a file, or its folder, may not be written to."""
    return error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))


def _open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a file that may not be written to; a server that runs has files beside it, by which it is read.

    Without these SQLite would have to make them, unless it may take the file to be all there is, and to stay so. What
    was written last may be in the log beside it: then it is not.

    Raises:
        StoreError: The newest of it cannot be read so.
    """
    try:
        return _open(path, "mode=ro", _check_version)
    except sqlite3.OperationalError as error:
        if not _is_for_reading(error):
            raise
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{path} may only be read, and the newest of it is in {log}: copy both to a folder of your own"
        )
    return _open(path, "mode=ro&immutable=1", _check_version)


@contextmanager
def transaction(database: sqlite3.Connection, path: Path, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Do everything inside or nothing; "DEFERRED" for what reads one state only."""
    with named_errors(path):
        database.execute(f"BEGIN {kind}")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite may have done it already: the first error tells what is wrong
                database.execute("ROLLBACK")
            raise


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Make whatever goes wrong a StoreError that names the file, and StoreUnavailable what may be right later."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot use the store {path}: {error.strerror}") from error
    except (OverflowError, UnicodeError, sqlite3.ProgrammingError) as error:  # no value for a column; or it is closed
        raise StoreError(f"cannot keep this in the store {path}, or ask for it: {error}") from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(_NOT_NOW):
            raise StoreUnavailable(f"cannot use the store {path} now: {error}") from error
        raise _unusable(path, str(error)) from error


def _prepare(database: sqlite3.Connection, path: Path, *, create: bool) -> None:
    if create and _number(database, "page_count") == 0:  # also where SQLite has just undone half a beginning
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # so that what is removed makes the file smaller
    else:
        _check(database, path)
    if _number(database, "user_version") < len(MIGRATIONS):
        _migrate(database, path)
    # Readers see the state before, as long as one writes. FULL: whatever was committed survives a power cut.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA secure_delete = ON")  # who is deleted is not to be found between the rows either


def _check(database: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no store, a damaged one, and one of a later ecsnet."""
    if _number(database, "application_id") != APPLICATION_ID:
        raise _unusable(path, "it is no store of ecsnet")
    version = _number(database, "user_version")
    if version > len(MIGRATIONS):
        raise StoreError(f"{path} is of version {version}, and this ecsnet knows {len(MIGRATIONS)}: update ecsnet")
    if path.stat().st_size <= CHECKED_BYTES:
        [finding] = database.execute("PRAGMA quick_check(1)").fetchone()
        if finding != "ok":
            raise _unusable(path, f"it is damaged ({finding})")


def _check_version(database: sqlite3.Connection, path: Path) -> None:
    """Refuse also what would have to be brought up to date."""
    _check(database, path)
    if _number(database, "user_version") < len(MIGRATIONS):
        raise StoreError(f"{path} is of an earlier version, and may only be read: copy it to where you may write")


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    """Bring the file to our version; the version is looked at again, since two servers may start at once."""
    with transaction(database, path):
        for migration in MIGRATIONS[_number(database, "user_version") :]:
            for statement in migration.split(";\n"):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _number(database: sqlite3.Connection, pragma: str) -> int:
    [number] = database.execute(f"PRAGMA {pragma}").fetchone()
    assert isinstance(number, int)
    return number


def _unusable(path: Path, why: str) -> StoreError:
    return StoreError(
        f"{path} cannot be used as a store: {why}. It is left as it is; put a good copy in its place, or "
        "name another file"
    )
