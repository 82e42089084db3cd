"""Print what keeping a game costs its ticks: `python -m tests.bench.bench_persistence --entities 1000 --seconds 10`.

A server's World moves its entities sixty times a second, in real time and without clients. It is measured without a
store, the floor of the run; with a SQLite file that gets a snapshot every second; with a hundred events and ten saves a
second beside; with one that another program has locked, or that finds no room any more; and with a MongoDB server, if
the tests find one, that is stopped and started again meanwhile. The rounds take turns, so that what the machine does
meanwhile hits all of them; what counts as added to the worst tick is the median of the rounds' worst ticks.
"""

import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread

import click

from ecsnet.archiving import open_archive
from ecsnet.clock import processor_seconds
from ecsnet.collector import calm_collector
from ecsnet.components import Collider2D, Owner, Persistent, Transform2D, Velocity2D
from ecsnet.config import PersistenceConfig
from ecsnet.fields import EVERYONE, EntityRef, NetVar, component
from ecsnet.game import Game
from ecsnet.gameevent import event
from ecsnet.server import Server
from ecsnet.system import System
from ecsnet.transport.identity import Identity
from ecsnet.world import World
from tests.storage.mongod import Mongod, program

TICK_HZ = 60
WARM_UP_SECONDS = 0.5
OUTAGE_SECONDS = 2.0
SERVER: Mongod
SAVES, EVENTS_A_SECOND = 10, 100


@component
class Purse:
    """What is kept for good."""

    coins: NetVar[int] = 0


@event
class Clang:
    """What is kept at once."""

    entity: EntityRef


class Move(System):
    """Moves everything, and has something happen."""

    def process(self, world: World) -> None:
        """Do a tick."""
        for _, (transform, velocity) in world.get_components(Transform2D, Velocity2D):
            transform.x += velocity.x * world.dt
            transform.y += velocity.y * world.dt


class Happen(System):
    """Has things happen that are kept at once."""

    def process(self, world: World) -> None:
        """Do a tick."""
        for entity, purse in world.get_component(Purse):
            purse.coins += (world.tick + entity) % TICK_HZ == 0
        for _ in range(EVENTS_A_SECOND // TICK_HZ + (world.tick % 3 > 0)):
            world.to(EVERYONE).send(Clang(1))


quiet = Game("bench", components=[Purse], systems=[Move], events=[Clang], send_rate_hz=30)
busy = replace(quiet, systems=(Move, Happen), persistent=(Purse,))


@dataclass
class Ticks:
    """What was measured of one way to keep a game, in seconds."""

    name: str
    took: list[float] = field(default_factory=list)
    worst: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)  # share of a core

    def row(self, floor: "Ticks") -> str:
        """Return its figures, beside those of the floor."""
        median, p99 = statistics.median(self.took), sorted(self.took)[len(self.took) * 99 // 100]
        floor_p99 = sorted(floor.took)[len(floor.took) * 99 // 100]
        worst, floor_worst = statistics.median(self.worst), statistics.median(floor.worst)
        busy, floor_busy = statistics.median(self.busy), statistics.median(floor.busy)
        return (
            f"{self.name:<14}{1000 * median:8.3f}{1000 * p99:8.3f}{p99 / floor_p99:7.2f}x{1000 * worst:9.3f}"
            f"{1000 * (worst - floor_worst):+9.3f}{100 * busy:8.1f}{100 * (busy - floor_busy):+8.1f}"
        )


@contextmanager
def nothing(_: str) -> Iterator[None]:
    """Let the store be written."""
    yield


@contextmanager
def locked(where: str) -> Iterator[None]:
    """Have another program hold the store."""
    other = sqlite3.connect(where, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def full(where: str) -> Iterator[None]:
    """Let no file of this process grow beyond what the store has now."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(path.stat().st_size for path in Path(where).parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def stopped(_: str) -> Iterator[None]:
    """Stop the database for a while, and start it again."""

    def interrupt() -> None:
        SERVER.stop()
        time.sleep(OUTAGE_SECONDS)
        SERVER.start()

    thread = Thread(target=interrupt)
    thread.start()
    yield
    thread.join()


@dataclass(frozen=True)
class Way:
    """How a game is kept.

    Attributes:
        floor: What to compare it with.
        fault: What its store suffers; None: it has none.
    """

    game: Game
    floor: str
    fault: Callable[[str], AbstractContextManager[None]] | None = None
    is_mongo: bool = False


WAYS = {
    "none": Way(quiet, "none"),
    "snapshots": Way(quiet, "none", nothing),
    "none, busy": Way(busy, "none, busy"),
    "sqlite, busy": Way(busy, "none, busy", nothing),
    "locked, busy": Way(busy, "none, busy", locked),
    "full, busy": Way(busy, "none, busy", full),
    "mongodb, busy": Way(busy, "none, busy", nothing, is_mongo=True),
    "stopped, busy": Way(busy, "none, busy", stopped, is_mongo=True),
}


def measure(way: Way, entities: int, seconds: float, ticks: Ticks) -> None:
    """Run a server for a while."""
    identity = Identity(b"\x01" * 32)
    with tempfile.TemporaryDirectory() as folder:
        where = f"{SERVER.uri}bench-{time.monotonic_ns()}" if way.is_mongo else f"{folder}/bench.db"
        config = PersistenceConfig(snapshot_seconds=1.0)
        archive = None if way.fault is None else open_archive(where, way.game, identity, config=config).archive
        server = Server(way.game, identity, archive=archive)
        populate(server.world, entities)
        run(server, WARM_UP_SECONDS, Ticks(""))
        with (way.fault or nothing)(where), calm_collector():
            run(server, seconds, ticks)
        if archive is not None:
            archive.wait(5.0)
            archive.close(time.monotonic())


def populate(world: World, entities: int) -> None:
    """Have something to keep."""
    for number in range(entities):
        parts = [Transform2D(number % 500, number // 500), Velocity2D(1.0, 2.0), Collider2D(), Owner(number % 32)]
        world.create_entity(*parts, *([Purse(), Persistent(f"{number}")] if number < SAVES else []))


def run(server: Server, seconds: float, ticks: Ticks) -> None:
    """Run the ticks when they are due, as a server's loop does."""
    server.update(time.monotonic())  # which sets the first deadline
    begin, processor, took = time.monotonic(), processor_seconds(), []
    while time.monotonic() - begin < seconds:
        deadline = server.next_deadline()
        assert deadline is not None, "a room has ticks"
        time.sleep(max(0.0, deadline - time.monotonic()))
        started = time.perf_counter()
        server.update(time.monotonic())
        took.append(time.perf_counter() - started)
    ticks.busy.append((processor_seconds() - processor) / (time.monotonic() - begin))
    ticks.took += took
    ticks.worst.append(max(took))


@click.command()
@click.option("--entities", default=1000)
@click.option("--seconds", default=10.0, help="Of each round.")
@click.option("--rounds", default=3)
def main(entities: int, seconds: float, rounds: int) -> None:
    """Measure, and print a table."""
    global SERVER  # noqa: PLW0603  # there is one, and the faults need it
    has_mongo = program() is not None
    with tempfile.TemporaryDirectory() as folder:
        if has_mongo:
            SERVER = Mongod(Path(folder))
        measured = {name: Ticks(name) for name, way in WAYS.items() if has_mongo or not way.is_mongo}
        for _ in range(rounds):
            for name, ticks in measured.items():
                measure(WAYS[name], entities, seconds, ticks)
        if has_mongo:
            SERVER.stop()
    print(f"{entities} entities, a snapshot a second; ms a tick of {1000 / TICK_HZ:.1f}, and share of a core")
    print(f"{'store':<14}{'median':>8}{'p99':>8}{'':>8}{'worst':>9}{'added':>9}{'CPU %':>8}{'added':>8}")
    for name, ticks in measured.items():
        print(ticks.row(measured[WAYS[name].floor]))


if __name__ == "__main__":
    main()
