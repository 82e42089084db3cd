"""What several tests share."""

import json
import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.storage.mongod import URI_VARIABLE, Mongod, client_of

os.environ["ECSNET_STORE"] = "off"  # of servers that tests start, unless they say otherwise
VECTORS = Path(os.environ.get("ECSNET_VECTORS") or Path(__file__).resolve().parents[2] / "shared" / "vectors")


@pytest.fixture
def published() -> Callable[[str], Any]:
    """Return a reader of published test vectors; they are other people's data and do not live in this repository."""

    def read(name: str) -> Any:
        if not (VECTORS / name).is_file():
            text = f"NOT CHECKED against the published vectors {name}: set ECSNET_VECTORS to the folder that holds them"
            warnings.warn(text, stacklevel=2)
            pytest.skip(text)
        return json.loads((VECTORS / name).read_text())

    return read


@pytest.fixture(params=["udp", "tcp"])
def transport(request: pytest.FixtureRequest) -> str:
    """Run the test over datagrams and over streams: what a game sees is the same."""
    return str(request.param)


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A MongoDB server that tests may stop and start; without a program they are skipped."""
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    yield server
    server.stop()


@pytest.fixture
def mongo_server(request: pytest.FixtureRequest) -> str:
    """The URI of a MongoDB server: one that the environment names, or ours."""
    given = os.environ.get(URI_VARIABLE)
    if given:
        return given
    server: Mongod = request.getfixturevalue("mongod")
    server.start()  # a test before may have left it stopped
    return server.uri


@pytest.fixture
def mongo_url(mongo_server: str) -> Iterator[str]:
    """The URL of a database of the test's own."""
    name = f"ecsnet-test-{secrets.token_hex(8)}"
    start, question, options = mongo_server.partition("?")
    yield f"{start.rstrip('/')}/{name}{question}{options}"
    with client_of(mongo_server) as client:
        client.drop_database(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests in real time on one worker: side by side they would only slow each other beyond their patience."""
    for item in items:
        if item.get_closest_marker("process") or item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.xdist_group("real time"))
