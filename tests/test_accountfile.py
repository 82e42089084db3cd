"""A file of accounts: what it keeps, from whom, and what it makes of files that are none."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import cryptography
import pytest

from ecsnet import accountfile
from ecsnet.accountfile import AccountFile, open_accounts
from ecsnet.accounts import Account, Registration
from ecsnet.config import AccountConfig
from ecsnet.errors import AccountError, EcsnetError, KeyFileError

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such file modes")

ANNA, BERT = Account("Anna", "$hash of anna"), Account("Bert", "$hash of bert")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of accounts with Anna's."""
    path = tmp_path / "a folder" / "accounts?#.db"
    AccountFile(path, create=True).add(ANNA)
    return path


def test_accounts_are_kept_found_changed_listed_and_removed(path: Path) -> None:
    """By another look at the file each time, as another process has."""
    assert AccountFile(path).add(BERT)
    assert AccountFile(path).find("anna") == ANNA
    assert AccountFile(path).find("carl") is None
    assert AccountFile(path).names() == ["Anna", "Bert"]
    assert AccountFile(path).change(ANNA, "$other")
    assert AccountFile(path).find("anna") == Account("Anna", "$other")
    assert AccountFile(path).remove("anna")
    assert not AccountFile(path).remove("anna")
    assert AccountFile(path).names() == ["Bert"]


def test_a_name_is_given_once(path: Path) -> None:
    """Also by two who ask at the same moment: the file decides, not who looked first."""
    assert not AccountFile(path).add(Account("ANNA", "$hash of a thief"))
    assert AccountFile(path).find("anna") == ANNA


def test_what_was_changed_meanwhile_is_not_overwritten(path: Path) -> None:
    """A login that hashes anew may be slower than somebody who sets another password."""
    assert AccountFile(path).change(ANNA, "$new")
    assert not AccountFile(path).change(ANNA, "$hash of the old password")
    assert AccountFile(path).find("anna") == Account("Anna", "$new")


@posix_only
def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """From its first byte on, whatever the umask, and what SQLite puts beside it while it writes as well."""
    path = tmp_path / "accounts.db"
    before = os.umask(0)
    try:
        AccountFile(path, create=True).add(ANNA)
    finally:
        os.umask(before)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM accounts")
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}

    assert modes == {"accounts.db": 0o600, "accounts.db-journal": 0o600}


@posix_only
@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_others_can_use_is_refused_with_the_fix(path: Path, mode: int, *, create: bool) -> None:
    """Hashes can be guessed at in peace by whoever has read them; and it may happen while the server runs."""
    book = AccountFile(path)
    path.chmod(mode)

    with pytest.raises(KeyFileError, match="chmod 600"):
        AccountFile(path, create=create)
    with pytest.raises(KeyFileError, match="chmod 600"):
        book.find("anna")


def test_a_missing_file_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    """It is not made by looking: a slip in its name would lock everybody out."""
    with pytest.raises(AccountError, match=r"there is no file .*missing\.db: ecsnet accounts add .* NAME makes it"):
        AccountFile(tmp_path / "missing.db")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("content", [b"anna:secret\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000, bytes(600)])
def test_a_file_of_something_else_is_named_and_left_alone(tmp_path: Path, content: bytes, *, create: bool) -> None:
    """It may be the only copy of something."""
    path = tmp_path / "accounts.db"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(AccountError, match=r"accounts\.db"):
        AccountFile(path, create=create)
    assert path.read_bytes() == content


@pytest.mark.parametrize("create", [False, True])
def test_another_programs_database_is_left_alone(tmp_path: Path, *, create: bool) -> None:
    """Even one with a table of that name."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE accounts (iban TEXT)")
    path.chmod(0o600)
    before = path.read_bytes()

    with pytest.raises(AccountError, match="no file of accounts"):
        AccountFile(path, create=create)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_not_guessed_at(path: Path) -> None:
    """It may mean something else by the same words."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")

    with pytest.raises(AccountError, match="of version 2, and this ecsnet knows 1: update ecsnet"):
        AccountFile(path)


def test_a_damaged_file_is_found_out_before_the_first_player_comes(path: Path) -> None:
    """Wherever the damage is: the whole file is looked through once."""
    book = AccountFile(path)
    with closing(sqlite3.connect(path)) as database, database:
        rows = [(f"name {number}", f"name {number}", "$hash" * 20) for number in range(2000)]
        database.executemany("INSERT INTO accounts VALUES (?, ?, ?)", rows)
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xa5" * 4096
    path.write_bytes(content)

    assert book.find("anna") == ANNA  # far from the damage
    with pytest.raises(AccountError, match="cannot be used for accounts"):
        AccountFile(path)


def test_a_folder_in_the_files_place_is_named(tmp_path: Path) -> None:
    """As whatever else the system refuses."""
    tmp_path.chmod(0o700)
    with pytest.raises(AccountError, match="cannot use"):
        AccountFile(tmp_path, create=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(AccountError, match="cannot use"):
        AccountFile(tmp_path / "file" / "accounts.db", create=True)


def test_whoever_holds_the_file_for_long_is_waited_for_and_then_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 s, here none; the change is not made by halves."""
    monkeypatch.setattr(accountfile, "PATIENCE_SECONDS", 0.0)
    book = AccountFile(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AccountError, match="locked"):
            book.add(BERT)
        assert book.find("anna") == ANNA

    assert book.add(BERT)


def test_accounts_of_a_file_are_checked_in_another_thread(tmp_path: Path) -> None:
    """Open registration makes the file, closed registration wants it to be there."""
    path = tmp_path / "accounts.db"
    cheap = AccountConfig(hash_memory_kib=8, hash_passes=1)
    with pytest.raises(EcsnetError, match="there is no file"):
        open_accounts(path, config=cheap)
    accounts = open_accounts(path, registration=Registration.OPEN, config=cheap)
    accounts.ask("tag", "Anna", "anna's password", network="here", now=0.0)
    accounts._attempts[0].verdict.result(timeout=20.0)

    [answer] = accounts.answers()
    assert answer.account == AccountFile(path).find("anna") is not None


def test_an_old_cryptography_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds Python's lock while it hashes: logins without a pause stop the game altogether; see bench_accounts."""
    monkeypatch.setattr(cryptography, "__version__", "49.0.0")
    open_accounts(tmp_path / "accounts.db", registration=Registration.OPEN)

    assert "cryptography 49.0.0 stops the game for 20 ms at each login" in caplog.text
    monkeypatch.setattr(cryptography, "__version__", "50.0.0")
    caplog.clear()
    open_accounts(tmp_path / "accounts.db")

    assert caplog.text == ""
