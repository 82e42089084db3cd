"""The stores that the contract is asked of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecsnet.storage.mongostore import MongoStore
from ecsnet.storage.sqlitestore import SQLiteStore
from tests.storage.opener import Opener


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
