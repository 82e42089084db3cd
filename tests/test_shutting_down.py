"""What a server that ends writes before it does, however it ends."""

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from ecsnet.archive import Archive
from ecsnet.clock import VirtualClock
from ecsnet.components import Persistent
from ecsnet.fields import component
from ecsnet.game import Game
from ecsnet.runtime import RunningServer
from ecsnet.storage.opening import open_store
from ecsnet.storage.store import Store
from ecsnet.system import System
from ecsnet.transport.identity import Identity
from ecsnet.worker import Inline
from ecsnet.world import World
from tests.test_runtime import BusyPath


@component
class Score:
    """What is kept."""

    points: int = 0


class Rise(System):
    """A point a tick."""

    def process(self, world: World) -> None:
        if not world.get_component(Score):
            world.create_entity(Score(), Persistent("score"))
        world.single(Score).points += 1


class Fall(System):
    """Fails in the tenth tick."""

    def process(self, world: World) -> None:
        if world.single(Score).points == 10:
            raise ZeroDivisionError


class Shelf:
    """A server with a store, on a virtual clock."""

    def __init__(self, folder: Path, *systems: type[System]) -> None:
        self.clock = VirtualClock()
        self.path = BusyPath(self.clock)
        self.store: Store = open_store(folder / "shelf.db")
        self.game = Game("shelf", components=[Score], systems=[Rise, *systems], persistent=[Score], tick_rate_hz=60)
        archive = Archive(open_store(folder / "shelf.db"), worker=Inline(), unix_time=lambda: 1e9 + self.clock.now())
        self.server = RunningServer(
            self.game, Identity(b"\x07" * 32), path=self.path, clock=self.clock, archive=archive
        )

    def points(self) -> object:
        [save] = self.store.saves("shelf", "world")
        return save.components["Score"]


def interrupt(seconds: float) -> NoReturn:
    raise KeyboardInterrupt


def test_a_server_that_is_shut_down_keeps_all_there_is(tmp_path: Path) -> None:
    """A snapshot of its last moment included, and lets go of the store."""
    shelf = Shelf(tmp_path)
    shelf.server.run(seconds=1.03)
    [match] = shelf.store.matches()
    snapshot = next(shelf.store.snapshots(match.id, newest_first=True))

    assert snapshot.tick == shelf.server.world.tick
    assert shelf.points() == {"points": shelf.server.world.single(Score).points}
    assert shelf.server.archive is not None
    assert shelf.server.archive.is_closed


def test_a_server_whose_game_fails_keeps_what_it_had_accepted(tmp_path: Path) -> None:
    """The error goes on to whoever runs it."""
    shelf = Shelf(tmp_path, Fall)

    with pytest.raises(ZeroDivisionError):
        shelf.server.run(seconds=5)
    assert shelf.points() == {"points": 9}
    assert shelf.server.archive is not None
    assert shelf.server.archive.is_idle


def test_a_second_ctrl_c_cuts_the_farewell_short_and_not_the_writing(tmp_path: Path) -> None:
    """Whoever presses it twice wants the program to end, not to lose the last half minute."""
    shelf = Shelf(tmp_path)
    shelf.server.update()
    shelf.clock.advance(0.5)
    shelf.server.update()
    shelf.path.close = lambda: interrupt(0.0)  # type: ignore[method-assign]

    with pytest.raises(KeyboardInterrupt):
        shelf.server.shut_down()
    [match] = shelf.store.matches()
    assert next(shelf.store.snapshots(match.id, newest_first=True)).tick == shelf.server.world.tick


HANGING = """
import threading, time
from ecsnet.archive import Archive
from ecsnet.workerthread import WorkerThread
from ecsnet.storage.store import Batch, Match

class Hanging:
    def write(self, batch):
        threading.Event().wait()

    def close(self):
        pass

archive = Archive(Hanging(), worker=WorkerThread("ecsnet store"), unix_time=time.time)
archive.put(Batch(matches=[Match(id="m", game="g", started=0.0)]), 0.0)
archive.update(1.0)
archive.wait(0.05)
archive.close(1.0)
print("end")
"""


@pytest.mark.process
def test_a_store_that_hangs_does_not_keep_the_program_from_ending() -> None:
    """A file on a network drive that is gone waits for ever, and so would the thread that writes it."""
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=20, check=True)

    assert ended.stdout == "end\n"
    assert "1 thing was not written: there was no time" in ended.stderr
