"""A server that is killed leaves a recording that plays up to its last second."""

import os
import time
from pathlib import Path

import pytest

import ecsnet
from ecsnet.components import Player
from ecsnet.game import load
from ecsnet.recording.reader import Recording
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.replication.schema import Schema
from tests.process.serving import Process, Server

pytestmark = [pytest.mark.process, pytest.mark.slow]
PLAYED_SECONDS = 3.0


def played(path: Path) -> float:
    """Return how many seconds there are in a file; all are what the server had."""
    recording = Recording.open(path)
    rebuilt = Rebuilt(recording, Schema(load("hello")))
    assert all(check.is_same for check in rebuilt.check())
    assert {player.name for _, player in rebuilt.world.observe(Player)} == {"anna"}
    return recording.seconds


def test_kill_9_costs_the_last_second_and_nothing_before(tmp_path: Path) -> None:
    """What was written is good, and `ecsnet replay` says how far it goes."""
    folder = tmp_path / "recordings"
    with Server(tmp_path, "hello", "--port", "0", "--record", str(folder)) as server:
        with ecsnet.join(load("hello"), str(server.link), name="anna") as anna:
            assert anna.run_until(lambda: anna.is_ready, within_seconds=10)
            began = time.monotonic()
            anna.run_until(lambda: time.monotonic() - began > PLAYED_SECONDS, within_seconds=10)
            server.kill()
            anna.close(now=anna.clock.now())
        [path] = folder.iterdir()
        assert path.suffix == ".ecsrec"
    seconds = played(path)
    checked = Process(tmp_path, "check", "-m", "ecsnet", "replay", os.fspath(path), "--check", "-q").finish()

    assert seconds > PLAYED_SECONDS - 1.5
    assert "cut off after" in checked
    assert "seconds are what the server had" in checked
