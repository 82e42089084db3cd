"""Opening a store by its name: which kind it is, and what is said where there is none."""

import sys
from pathlib import Path

import pytest

from ecsnet.errors import StoreError, StoreUnavailable
from ecsnet.storage.opening import open_store
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import SaveName


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_a_file(tmp_path: Path, kind: type[str] | type[Path]) -> None:
    """As a text, as an option of a command has it, or as a path."""
    path = kind(tmp_path / "game.db")
    with pytest.raises(StoreError, match="there is no store"):
        open_store(path, create=False)
    store = open_store(path)
    store.close()

    assert repr(store) == f"SQLiteStore('{path}')"
    assert str(store) == str(path)
    assert isinstance(store, SQLiteStore)


def test_a_url_is_a_database() -> None:
    """By its scheme; who logs in is not shown."""
    with pytest.raises(StoreUnavailable, match=r"mongodb://127.0.0.1:1/games now"):
        open_store("mongodb://anna:secret@127.0.0.1:1/games?serverSelectionTimeoutMS=20")


def test_another_url_is_refused_without_showing_it() -> None:
    """It may hold a password."""
    with pytest.raises(StoreError, match=r"no kind of store for postgres://\.\.\.: name a file, or") as caught:
        open_store("postgres://anna:secret@host/games")
    assert "secret" not in str(caught.value)


def test_without_pymongo_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; whoever keeps games in a file needs none."""
    monkeypatch.delitem(sys.modules, "ecsnet.storage.mongostore", raising=False)
    monkeypatch.setitem(sys.modules, "pymongo", None)

    with pytest.raises(StoreError, match=r"takes pymongo: pip install 'ecsnet\[mongo\]'"):
        open_store("mongodb://host/games")


@pytest.mark.parametrize("url", ["mongodb:/anna:secret@host/db", "mongodb+srv:anna:secret@host"])
def test_a_slip_in_a_url_makes_no_file_and_tells_no_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder `mongodb:` with the password in a name would be made, and the game kept there."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=r"^the URL of a database has two slashes: mongodb://host/name$"):
        open_store(url)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (SaveName("knight", "world", "chest by the well"), 'the save "chest by the well" of world'),
        (SaveName("knight", "account/anna"), "the save of account/anna"),
    ],
)
def test_a_save_is_named_as_people_say_it(name: SaveName, text: str) -> None:
    """It stands in logs and errors, whose readers write no Python."""
    assert str(name) == text
