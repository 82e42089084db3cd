"""The stores that the contract is asked of."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ecsnet.storage.mongostore import MongoStore
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import Store
from tests.storage.opener import Opener
from tests.storage.plausible import write_evening


@pytest.fixture(params=["sqlite", pytest.param("mongodb", marks=pytest.mark.process)])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """A store of each kind, empty, which may be opened several times."""
    if request.param == "sqlite":
        opener = Opener(lambda: SQLiteStore(tmp_path / "game.db"))
    else:
        url = request.getfixturevalue("mongo_url")
        opener = Opener(lambda: MongoStore(url))
    with opener:
        yield opener


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    """A store with nothing in it."""
    with closing(SQLiteStore(tmp_path / "empty.db")) as store:
        yield store


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with three matches in it, to ask and not to write to."""
    with closing(SQLiteStore(tmp_path_factory.mktemp("evening") / "game.db")) as store:
        write_evening(store)
        yield store
