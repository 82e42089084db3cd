"""What a recording costs and how large it gets: `.venv/bin/python -m tests.bench.bench_recording [--seconds N]`.

Soccer with six bots on a virtual clock, and 200 entities that all move: microseconds of a send tick that the recording
takes, bytes, and how fast it is rebuilt and compared.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence

import click

from ecsnet.bots import make_bot, press
from ecsnet.clock import VirtualClock
from ecsnet.components import Transform2D
from ecsnet.game import Game, load
from ecsnet.hosting import Host
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.recording.recorder import Recorder
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender
from ecsnet.room import Room
from ecsnet.runtime import wait_for
from ecsnet.server import Server
from tests.recording.film import Film, Idle

MOVING = 200
MOVING_SECONDS = 60


class TimedFilm(Film):
    """A film that notes what each send tick pays for it; packing and writing are a worker's, and timed apart."""

    def __init__(self) -> None:
        self.idle = Idle()
        super().__init__(self.idle)
        self.microseconds: list[float] = []
        self.worker_seconds = 0.0

    def begin(self, room: Room, code: str) -> Recorder:
        recorder = super().begin(room, code)
        note = recorder.note

        def timed(sender: Sender, calls: Sequence[bytes]) -> None:
            self.microseconds.append(1e6 * seconds_of(lambda: note(sender, calls)))
            self.work()

        recorder.note = timed  # type: ignore[method-assign]
        return recorder

    def work(self) -> None:
        self.worker_seconds += seconds_of(self.idle.work)


def seconds_of(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def main_loop(host: Host, seconds: float) -> None:
    """Let everybody play."""
    bot, end = make_bot(host.server.game, 7), host.clock.now() + seconds
    while host.clock.now() < end:
        press(host.player, bot)
        host.player.update()
        wait_for(host.player, end)
    host.player.leave()


def soccer(seconds: float) -> None:
    """Six bots."""
    film = TimedFilm()
    game = load("soccer")
    host = Host(game, bots=5, seed=7, clock=VirtualClock(), entropy=random.Random(7).randbytes)
    host.server.record(film.begin)
    took = seconds_of(lambda: main_loop(host, seconds))
    finish(film)
    print(f"soccer, 6 clients, {seconds:g} s, simulated in {took:.1f} s")
    report(film, host.server.schema, seconds)


def moving(seconds: float) -> None:
    """Many entities, nobody connected."""
    film = TimedFilm()
    game = Game("moving", components=[], tick_rate_hz=60, send_rate_hz=30)
    server, chance = Server(game), random.Random(1)
    places = [Transform2D(x=chance.uniform(0, 800), y=chance.uniform(0, 400)) for _ in range(MOVING)]
    speeds = [(chance.uniform(-60, 60), chance.uniform(-60, 60)) for _ in places]
    for place in places:
        server.world.create_entity(place)
    server.record(film.begin)
    server.update(0.0)
    for tick in range(1, round(seconds * game.tick_rate_hz)):
        for place, (x, y) in zip(places, speeds, strict=True):
            place.x, place.y = place.x + x / 60, place.y + y / 60
        server.update(tick / game.tick_rate_hz)
    server.close(now=seconds)
    finish(film)
    print(f"{MOVING} moving entities, {seconds:g} s")
    report(film, server.schema, seconds)


def finish(film: TimedFilm) -> None:
    while film.idle.jobs:
        film.work()


def report(film: TimedFilm, schema: Schema, seconds: float) -> None:
    """Print the figures."""
    costs, size = sorted(film.microseconds), len(film.data)
    print(f"  a send tick pays  median {statistics.median(costs):.0f} us, p99 {costs[len(costs) * 99 // 100]:.0f} us")
    print(f"  the worker        {1e3 * film.worker_seconds / seconds:.2f} ms a second")
    print(f"  the file          {size / 1e6:.3f} MB, {size / seconds / 1000:.2f} kB/s")
    began = time.perf_counter()
    checks = list(Rebuilt(film.develop(), schema).check())
    took = time.perf_counter() - began
    same = sum(check.is_same for check in checks)
    print(f"  rebuilt, compared {same} of {len(checks)} seconds the same, {seconds / took:.0f} times as fast as played")


@click.command()
@click.option("--seconds", default=300.0, help="Of soccer.")
def main(seconds: float) -> None:
    """Print the figures."""
    soccer(seconds)
    moving(MOVING_SECONDS)


if __name__ == "__main__":
    main()
