"""A recording in memory, for tests; a worker that does nothing until it is told to; and a small game to record."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from ecsnet import EVERYONE, OWNER, TEAM, EntityRef, Game, NetVar, System, World, component, event, netvar, player_input
from ecsnet.components import Player, Transform2D
from ecsnet.recording.folder import header_of
from ecsnet.recording.reader import Recording
from ecsnet.recording.recorder import Recorder
from ecsnet.room import Room
from ecsnet.targets import CLIENT, OBSERVERS_OF
from ecsnet.worker import Inline, Worker

T = TypeVar("T")
STARTED = 1.8e9  # in seconds since 1970


class Film:
    """A file in memory, and what begins to record on it."""

    def __init__(self, worker: Worker | None = None) -> None:
        self.data = bytearray()
        self.is_closed = False
        self.worker = worker or Inline()

    def write(self, data: bytes) -> int:
        assert not self.is_closed
        self.data += data[:1000]  # as a system may write less than it was given
        return min(1000, len(data))

    def close(self) -> None:
        self.is_closed = True

    def begin(self, room: Room, code: str) -> Recorder:
        return Recorder(self, header_of(room, code, STARTED), worker=self.worker, name="film")

    def develop(self) -> Recording:
        return Recording(bytes(self.data), "film")


class Idle:
    """A worker that has to be told: as one whose disk hangs."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        future: Future[T] = Future()
        self.jobs.append(lambda: future.set_result(job()))
        return future

    def work(self) -> None:
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()


@player_input
class Tread:
    dx: int = netvar(0, low=-1, high=1)


@component(every=4)
class Slow:
    serial: NetVar[int] = netvar(0, low=0, high=1_000_000)
    secret: NetVar[int] = netvar(0, low=0, high=1_000_000, audience=OWNER)


@component(once=True)
class Fixed:
    serial: NetVar[int] = netvar(0, low=0, high=1_000_000)


@component(track="push")
class Pushed:
    serial: NetVar[int] = netvar(0, low=0, high=1_000_000)
    known: NetVar[dict[EntityRef, int]] = netvar({}, max_items=4, audience=TEAM)


@component
class Told:
    serial: NetVar[int] = netvar(0, low=0, high=1_000_000, redundancy=2)


@event
class Rang:
    """Something that everybody, or somebody, is told."""

    number: int = netvar(0, low=0, high=1_000_000)
    by: EntityRef = 0


class Play(System):
    """Change something of every kind at its own pace, move whoever presses, and ring now and then."""

    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            for part in (Slow(), Fixed(serial=world.tick % 1000), Pushed(), Told(), Transform2D()):
                world.add_component(entity, part)
        for entity, (tread, place, slow) in world.get_components(Tread, Transform2D, Slow):
            place.x += 60.0 * tread.dx * world.dt
            slow.secret = entity * 1000 + world.tick % 997
            slow.serial += world.tick % 7 == 0
        self._ring(world)

    def _ring(self, world: World) -> None:
        players = world.observe(Player)
        if world.tick % 10 or not players:
            return
        entity, player = players[0]
        number = world.tick % 100_000
        world.to(EVERYONE).send(Rang(number, by=entity))
        world.to(CLIENT(player.client_id)).send(Rang(number + 1))
        world.to(TEAM(1)).send(Rang(number + 2))
        world.to(OBSERVERS_OF(entity)).send(Rang(number + 3))
        world.component_for_entity(entity, Pushed).known = {each: number for each, _ in players[:4]}
        world.component_for_entity(entity, Told).serial = number


game = Game(
    "yard", version="1.2", input=Tread, components=[Slow, Fixed, Pushed, Told], systems=[Play], events=[Rang],
    tick_rate_hz=20, send_rate_hz=10, summary=lambda world: {"players": len(world.observe(Player))},
)  # fmt: skip
