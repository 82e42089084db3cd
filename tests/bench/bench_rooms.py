"""Print what many rooms on one server cost: `python -m tests.bench.bench_rooms --rooms 20 --bots 4 --seconds 60`.

The server is a process with the loop of `runtime.py` over a real socket; each room plays soccer. Its clients, light
ones (see `ecsnet.load`), are another process. Told is how long the server took for a tick, and how late it began: below
a tick's length, a room does not notice the others. Beside it stands the same server with one room, as floor of the run.

Everything a client is sent is opened by the client itself, and looked through for the codes of other rooms, which stand
in the name of every player there. A room is what its clients say they hear; any other code would be a leak.
"""

import multiprocessing
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Control

import click

from ecsnet.bots import Participant, Wanderer
from ecsnet.clock import MonotonicClock, processor_seconds
from ecsnet.config import ClientConfig, RoomConfig, ServerConfig
from ecsnet.joinlink import JoinLink
from ecsnet.load.crowd import Crowd
from ecsnet.load.figures import CrowdFigures
from ecsnet.load.member import BotPart, CrowdClient, Member
from ecsnet.paths import PathGroup, open_path
from ecsnet.room import Room
from ecsnet.runtime import RunningServer, find_route
from ecsnet.samples.soccer.game import game
from ecsnet.systems.lobby import set_ready
from ecsnet.systems.pipeline import LIGHT_CLIENT
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity

TICK_SECONDS = 1 / game.tick_rate_hz
READY_SECONDS = 1.0  # how often a bot that is not ready says that it is
JOINING_AT_ONCE = 4


@dataclass
class Ticks:
    """What was measured of a server's ticks, in seconds."""

    took: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    measures: bool = False

    def around(self, update: Callable[[Room, float], int]) -> Callable[[Room, float], int]:
        """Return `Room.update` with a stop watch."""

        def timed(room: Room, now: float) -> int:
            due_at, begin = room.schedule.next_deadline(), time.perf_counter()
            ran = update(room, now)
            if ran and self.measures and room.places:
                self.took.append((time.perf_counter() - begin) / ran)
                self.late.append(max(0.0, time.monotonic() - (time.perf_counter() - begin) - (due_at or now)))
            return ran

        return timed


class Eager(Wanderer):
    """Presses keys at random, and is ready whenever it may be."""

    def decide(self, client: Participant) -> object:
        """Say so once a second."""
        if client.world.tick % round(READY_SECONDS / TICK_SECONDS) == 0:
            client.call(set_ready, True)  # an argument on the wire has no keyword
        return super().decide(client)


class Looker:
    """Looks through all that clients are sent."""

    def __init__(self, codes: list[str]) -> None:
        self._any = re.compile(b"|".join(code.encode() for code in codes))
        self._own: dict[Connection, bytes] = {}
        self.messages = 0
        self.own = 0
        self.leaks: list[tuple[str, bytes]] = []

    def watch(self) -> None:
        """Look at every message from now on."""
        take = Connection.take_messages

        def looked(connection: Connection) -> list[tuple[int, bytes]]:
            messages = list(take(connection))
            for _, message in messages:
                self._look(connection, message)
            return messages

        Connection.take_messages = looked  # type: ignore[method-assign,assignment]

    def expect(self, client: CrowdClient, code: str) -> None:
        """Note in which room a client is."""
        self._own[client.conversation.connection] = code.encode()

    def _look(self, connection: Connection, message: bytes) -> None:
        self.messages += 1
        for found in self._any.findall(message):
            if found == self._own[connection]:
                self.own += 1
            else:
                self.leaks.append((repr(connection), found))


def load(link: str, codes: list[str], bots: int, seconds: float, tells: Control) -> None:
    """Be the clients: join, play, leave; send the figures and what was looked through."""
    group, clock, looker = PathGroup(), MonotonicClock(), Looker(codes)
    looker.watch()

    def enter(number: int) -> Member:
        code = codes[number // bots]
        route = find_route(link, group=group)
        client = CrowdClient(
            game, route.address, route.path, name=f"{code} {number % bots}", pins=route.pins, clock=clock,
            config=ClientConfig(retry_seconds=0.0), pipeline=LIGHT_CLIENT, room=code,
        )  # fmt: skip
        looker.expect(client, code)
        return Member(client, BotPart(Eager(game, number)), route.path)

    crowd = Crowd(len(codes) * bots, enter, group, clock=clock, joining_at_once=JOINING_AT_ONCE)
    begun: list[float] = []

    def watch(figures: CrowdFigures) -> bool:
        if figures.settled == figures.wanted and not begun:
            begun.append(clock.now())
            tells.send("all there")
        return bool(begun) and clock.now() >= begun[0] + seconds

    figures = crowd.run(watch)
    tells.send((figures, looker.messages, looker.own, looker.leaks))


def measure(rooms: int, bots: int, seconds: float) -> bool:
    """Serve so many rooms, print what it took, and return whether nothing leaked and everybody stayed."""
    identity = Identity.generate(os.urandom)
    path = open_path("udp", 0, "127.0.0.1")
    config = ServerConfig(rooms=RoomConfig(max_rooms=rooms, places=bots), max_clients_per_network=rooms * bots)
    ticks = Ticks()
    plain = Room.update
    Room.update = ticks.around(plain)  # type: ignore[method-assign,assignment]
    server = RunningServer(game, identity, path, config=config, seed=1)
    codes = [server.rooms.open() for _ in range(rooms)]
    link = str(JoinLink("127.0.0.1", path.address[1], (identity.public,)))
    context = multiprocessing.get_context("spawn")
    hears, tells = context.Pipe(duplex=False)
    process = context.Process(target=load, args=(link, codes, bots, seconds, tells), daemon=True)
    process.start()
    serve_until(server, hears.poll)
    assert hears.recv() == "all there"
    ticks.measures, used, begin = True, processor_seconds(), time.perf_counter()
    serve_until(server, hears.poll)
    share = (processor_seconds() - used) / (time.perf_counter() - begin)
    figures, messages, own, leaks = hears.recv()
    process.join()
    server.shut_down()
    Room.update = plain  # type: ignore[method-assign]
    tell(rooms, bots, ticks, share, figures)
    print(f"{'':24}{messages:,} messages looked through, {own:,} with the own room's code, {len(leaks)} with another's")
    for leak in leaks[:5]:
        print(f"{'':24}LEAK: {leak}")
    return not leaks and own > 0 and figures.is_whole


def serve_until(server: RunningServer, condition: Callable[[], bool]) -> None:
    """Let a server run."""
    while not condition():
        server.update()
        server._read_until_due(None)


def tell(rooms: int, bots: int, ticks: Ticks, share: float, figures: CrowdFigures) -> None:
    """Print a line of the table, and what the clients say."""
    took, late = sorted(ticks.took), sorted(ticks.late)

    def at(ordered: list[float], part: float) -> float:
        return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    print(
        f"{rooms:>3} rooms x {bots} clients   "
        + "   ".join(f"{name} {at(took, part):6.2f} / {at(late, part):6.2f}" for name, part in PARTS)
        + f"   {share:4.0%} of a core   {len(took):,} ticks"
    )
    print("\n".join(f"{'':24}{line}" for line in figures.lines()))


PARTS = (("p50", 0.50), ("p99", 0.99), ("max", 1.0))


@click.command()
@click.option("--rooms", default=20)
@click.option("--bots", default=4, help="Of each room.")
@click.option("--seconds", default=10.0)
def main(rooms: int, bots: int, seconds: float) -> None:
    """Measure one room, then many."""
    print(f"soccer, a tick is due every {1000 * TICK_SECONDS:.1f} ms; ms a tick took / began late")
    whole = [measure(number, bots, seconds) for number in (1, rooms)]
    raise SystemExit(0 if all(whole) else 1)


if __name__ == "__main__":
    main()
