"""The stores that the contract is asked of."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecsnet.storage.mongostore import MongoStore
from ecsnet.storage.sqlitestore import SQLiteStore
from tests.storage.mongod import client_of, running_uri
from tests.storage.opener import Opener


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a MongoDB server, one for all tests; without one they are skipped."""
    with running_uri(tmp_path_factory.mktemp("mongod")) as uri:
        yield uri


@pytest.fixture
def mongo_url(mongo_server: str) -> Iterator[str]:
    """The URL of a database of the test's own."""
    name = f"ecsnet-test-{secrets.token_hex(8)}"
    start, question, options = mongo_server.partition("?")
    yield f"{start.rstrip('/')}/{name}{question}{options}"
    with client_of(mongo_server) as client:
        client.drop_database(name)


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
