"""A file of accounts: a SQLite database, since that is the part of the standard library which survives `kill -9`.

A change is there whole or not at all, on the disk when the method returns, and several processes may use the file at
once: a server, and whoever makes accounts for it meanwhile. The file is opened for each question, which takes 0.2 ms
beside a hash's 21: so any thread may ask, and nothing is held open or locked between two questions.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import cryptography

from ecsnet.accounts import Account, Accounts, Registration
from ecsnet.config import AccountConfig
from ecsnet.errors import AccountError
from ecsnet.keys import refuse_if_open_to_others

__all__ = ["AccountFile", "open_accounts"]

APPLICATION_ID = 0x65637341  # "ecsA": tells our databases from others
VERSION = 1  # of the layout
UNLOCKED_SINCE = 50  # version of `cryptography` in which hashing lets other threads run
PATIENCE_SECONDS = 5.0  # while another process writes: it takes milliseconds
_LAYOUT = (
    "CREATE TABLE accounts (key TEXT PRIMARY KEY, name TEXT NOT NULL, password_hash TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)

logger = logging.getLogger(__name__)


class AccountFile:
    """An `AccountBook` on the disk, for the eyes of its owner alone."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Look whether the file can be used.

        Args:
            create: Make it if it is not there.

        Raises:
            AccountError: It is not there, is none of accounts, is damaged, or is of a newer version.
            KeyFileError: Others can use it.
        """
        self.path = path
        if create:
            self._create()
        with self._open() as database:
            if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise self._unusable("it is damaged")

    def __repr__(self) -> str:
        """Show the file."""
        return f"AccountFile({str(self.path)!r})"

    def find(self, key: str) -> Account | None:
        """Return the account of a key."""
        with self._open() as database:
            row = database.execute("SELECT name, password_hash FROM accounts WHERE key = ?", (key,)).fetchone()
        return None if row is None else Account(*row)

    def add(self, account: Account) -> bool:
        """Keep a new account; return False if there is one of its key."""
        values = (account.key, account.name, account.password_hash)
        return self._write("INSERT OR IGNORE INTO accounts VALUES (?, ?, ?)", *values)

    def change(self, account: Account, password_hash: str) -> bool:
        """Give an account another hash; return False if it is not as it was any more."""
        return self._write(
            "UPDATE accounts SET password_hash = ? WHERE key = ? AND password_hash = ?",
            password_hash,
            account.key,
            account.password_hash,
        )

    def remove(self, key: str) -> bool:
        """Forget an account; return False if there is none of this key."""
        return self._write("DELETE FROM accounts WHERE key = ?", key)

    def names(self) -> list[str]:
        """Return the names of all accounts, in order."""
        with self._open() as database:
            return [name for (name,) in database.execute("SELECT name FROM accounts ORDER BY key")]

    def _write(self, statement: str, *values: str) -> bool:
        """Do what is one transaction by itself; return whether it changed anything."""
        with self._open() as database:
            return database.execute(statement, values).rowcount > 0

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one question."""
        with self._named_errors(), closing(self._connect()) as database:
            self._check_kind(database)
            yield database

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Make whatever goes wrong an AccountError that names the file."""
        try:
            yield
        except FileNotFoundError as error:
            raise AccountError(
                f"there is no file {self.path}: ecsnet accounts add {self.path} NAME makes it"
            ) from error
        except OSError as error:
            raise AccountError(f"cannot use {self.path}: {error.strerror}") from error
        except sqlite3.OperationalError as error:
            raise AccountError(f"cannot use {self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._unusable(str(error)) from error

    def _connect(self) -> sqlite3.Connection:
        """Connect to a file that is there; without transactions but those we begin."""
        refuse_if_open_to_others(self.path, self.path.stat().st_mode)
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        database = sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
        # The folder is written out as well before a change counts as made: or after a power cut there could be the
        # file of before. Source: sqlite.org/pragma.html#pragma_synchronous.
        database.execute("PRAGMA synchronous = EXTRA")
        return database

    def _check_kind(self, database: sqlite3.Connection) -> None:
        [kind] = database.execute("PRAGMA application_id").fetchone()
        [version] = database.execute("PRAGMA user_version").fetchone()
        if kind != APPLICATION_ID:
            raise self._unusable("it is no file of accounts")
        if version != VERSION:
            raise AccountError(f"{self.path} is of version {version}, and this ecsnet knows {VERSION}: update ecsnet")

    def _create(self) -> None:
        """Make the file, for its owner alone from its first byte on; nothing happens if it is there and not empty."""
        with self._named_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self._connect()) as database:
                database.execute("BEGIN IMMEDIATE")  # two servers may start at once
                if self.path.stat().st_size == 0:
                    for statement in _LAYOUT:
                        database.execute(statement)
                database.execute("COMMIT")

    def _unusable(self, why: str) -> AccountError:
        return AccountError(
            f"{self.path} cannot be used for accounts: {why}. It is left as it is; put a good copy in its place, or "
            "name another file"
        )


def open_accounts(
    path: Path, *, registration: Registration = Registration.CLOSED, config: AccountConfig | None = None
) -> Accounts:
    """Return the accounts of a file for `Server(accounts=)`, with a thread of its own that checks passwords.

    Raises:
        AccountError: The file cannot be used, or there is none and registration is closed.
        KeyFileError: Others can use the file.
    """
    book = AccountFile(path, create=registration is Registration.OPEN)
    if int(cryptography.__version__.partition(".")[0]) < UNLOCKED_SINCE:
        logger.warning(
            "cryptography %s stops the game for 20 ms at each login; %d and newer do not: pip install -U cryptography",
            cryptography.__version__,
            UNLOCKED_SINCE,
        )
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ecsnet accounts")
    return Accounts(book, worker=worker, registration=registration, config=config)
