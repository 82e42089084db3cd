"""The stores that the contract is asked of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecsnet.storage.sqlitestore import SQLiteStore
from tests.storage.opener import Opener


@pytest.fixture(params=["sqlite"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """A store of each kind, empty, which may be opened several times."""
    with Opener(lambda: SQLiteStore(tmp_path / "game.db")) as opener:
        yield opener
