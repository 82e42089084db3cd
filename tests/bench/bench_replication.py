"""What a send tick costs the server without crypto and sockets: `.venv/bin/python -m tests.bench.bench_replication`.

128 clients, 200 entities, all of them move, all are seen by all; the delivery reports of an earlier tick included.
"""

import time
from collections import deque
from typing import TypeAlias

import click

from ecsnet import Game, NetVar, World, component, netvar, player_input
from ecsnet.components import Owner, Transform2D, Velocity2D
from ecsnet.replication.frames import OwnPart
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender

ROUNDS = 300
BUDGET_BYTES = 1 << 20
MESSAGE_BYTES = 1150
TICKS_UNTIL_REPORT = 3  # a round trip of 100 ms at 30 sends a second


@player_input
class Move:
    """What a player presses."""

    dx: int = netvar(0, low=-1, high=1)


@component
class Point:
    """Two 16-bit numbers, as the prototype's entities had."""

    x: NetVar[float] = netvar(0.0, step=1 / 16, low=0, high=4095)
    y: NetVar[float] = netvar(0.0, step=1 / 16, low=0, high=4095)


Kind: TypeAlias = type[Point] | type[Transform2D]


class Crowd:
    """A server's World and its Sender, all clients subscribed and up to date."""

    def __init__(self, kind: Kind, clients: int, entities: int, *, moving: float, steered: bool = False) -> None:
        """Make `entities` with `kind`; the part `moving` of them moves every tick."""
        self.schema = Schema(Game("bench", input=Move, components=[Point]))
        self.world = World()
        self.sender = Sender(self.schema, self.world)
        self.clients = range(1, clients + 1)
        self.tick = 0
        self.sent: deque[list[tuple[int, int]]] = deque()
        self.entities = [self._make(kind, owner=i + 1 if steered and i < clients else 0) for i in range(entities)]
        movers = self.entities[: round(entities * moving)]
        self.movers: list[Point | Transform2D] = [self.world.component_for_entity(each, kind) for each in movers]
        for client in self.clients:
            self.sender.subscribe(client)
        for _ in range(10):
            self.send()
            self.report()

    def _make(self, kind: Kind, owner: int) -> int:
        parts: list[object] = [kind(), Velocity2D()]
        return self.world.create_entity(*parts, *([Owner(client_id=owner), Move()] if owner else []))

    def move(self) -> None:
        """Change every mover."""
        step = (self.tick % 500) * 0.25
        for i, mover in enumerate(self.movers):
            mover.x, mover.y = i + step, i + step + 1

    def send(self) -> int:
        """Encode and collect every client's messages; return their bytes."""
        self.tick += 2
        self.sender.encode(self.tick)
        own, size = OwnPart(0, 2), 0
        sent: list[tuple[int, int]] = []
        for client in self.clients:
            for message, token in self.sender.messages_for(client, own, BUDGET_BYTES, MESSAGE_BYTES):
                size += len(message)
                sent.append((client, token))
        self.sent.append(sent)
        return size

    def report(self, *, lost_every: int = 0) -> None:
        """Report the messages of some ticks ago, every so many-th as lost."""
        if len(self.sent) > TICKS_UNTIL_REPORT:
            for i, (client, token) in enumerate(self.sent.popleft()):
                self.sender.report(client, token, acked=not (lost_every and (self.tick + i) % lost_every == 0))


def measure(crowd: Crowd, *, lost_every: int = 0) -> tuple[float, float]:
    """Return the median µs of a send tick with its reports, and bytes a client gets."""
    times, size = [], 0
    for _ in range(ROUNDS):
        crowd.move()
        began = time.perf_counter()
        size = crowd.send()
        crowd.report(lost_every=lost_every)
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] * 1e6, size / len(crowd.clients)


def measure_client(crowd: Crowd) -> float:
    """Return the median µs a client takes to read and apply a send tick."""
    world = World()
    receiver = Receiver(crowd.schema, world)
    newcomer = len(crowd.clients) + 1
    crowd.sender.subscribe(newcomer)
    times = []
    for _ in range(ROUNDS):
        crowd.move()
        crowd.send()
        messages = crowd.sender.messages_for(newcomer, OwnPart(0, 2), BUDGET_BYTES, MESSAGE_BYTES)
        crowd.report()
        began = time.perf_counter()
        for message, token in messages:
            receiver.apply(receiver.take(message))
            crowd.sender.report(newcomer, token, acked=True)
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] * 1e6


def main() -> None:
    """Print the figures."""
    for title, kind, clients, entities, moving, steered, lost in (
        ("128 x 200, all move, 16-bit points", Point, 128, 200, 1.0, False, 0),
        ("128 x 200, all move, Transform2D", Transform2D, 128, 200, 1.0, False, 0),
        ("the same, each client steers one", Transform2D, 128, 200, 1.0, True, 0),
        ("the same, 5 % lost", Transform2D, 128, 200, 1.0, True, 20),
        ("128 x 200, none moves", Transform2D, 128, 200, 0.0, False, 0),
        ("32 x 10,000, 1 % move", Transform2D, 32, 10_000, 0.01, False, 0),
    ):
        crowd = Crowd(kind, clients, entities, moving=moving, steered=steered)
        micros, size = measure(crowd, lost_every=lost)
        movers = len(crowd.movers)
        each = f"{size / movers:5.1f} B per moving entity" if movers else f"{size:5.1f} B per client"
        click.echo(f"{title:40} {micros:8.0f} us per send tick, {each}")
    micros = measure_client(Crowd(Transform2D, 1, 200, moving=1.0))
    click.echo(f"{'one client reads 200 moving entities':40} {micros:8.0f} us per send tick")


if __name__ == "__main__":
    main()
