"""What several tests share."""

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests in real time on one worker: side by side they would only slow each other beyond their patience."""
    for item in items:
        if item.get_closest_marker("process") or item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.xdist_group("real time"))
