"""The server's loop, on a virtual clock and a path that is never silent."""

import random
from collections.abc import Sequence

from ecsnet.client import Client
from ecsnet.clock import VirtualClock
from ecsnet.config import TransportConfig
from ecsnet.game import Game
from ecsnet.peer import CHANNELS
from ecsnet.runtime import MAX_READ, STRANGERS_A_PASS, RunningServer
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from ecsnet.udp import DRAIN_LIMIT

ARRIVAL_SECONDS = 0.001
STRANGER: Address = ("192.0.2.7", 4000)
ENTROPY = random.Random(1).randbytes


class BusyPath:
    """The same arrives every millisecond."""

    def __init__(self, clock: VirtualClock, datagram: bytes = b"junk") -> None:
        self.taken = self.readings = 0
        self.sent_at: list[float] = []
        self._clock = clock
        self._datagram = datagram

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:
        arrived = int((now + 1e-9) / ARRIVAL_SECONDS) - self.taken
        self.taken += arrived
        self.readings += 1
        return [(self._datagram, STRANGER)] * arrived

    def send(self, data: bytes, address: Address, now: float) -> None:
        self.sent_at.append(now)

    def wait(self, seconds: float) -> None:
        self._clock.advance(min(seconds, ARRIVAL_SECONDS))

    def close(self) -> None:
        pass


class PiledPath:
    """What arrived while the server had no time; it gives out so much at once as a socket does."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.pile: list[tuple[bytes, Address]] = []
        self.sent: list[bytes] = []

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:
        taken, self.pile = self.pile[:DRAIN_LIMIT], self.pile[DRAIN_LIMIT:]
        return taken

    def send(self, data: bytes, address: Address, now: float) -> None:
        self.sent.append(data)

    def wait(self, seconds: float) -> None:
        if not self.pile:
            self._clock.advance(seconds)

    def close(self) -> None:
        pass


class CountingServer(RunningServer):
    """Counts its passes."""

    passes = 0

    def update(self, now: float | None = None) -> None:
        self.passes += 1
        super().update(now)


def test_a_server_reads_what_arrives_and_makes_a_pass_when_one_is_due() -> None:
    """Its cost follows the ticks: a pass looks at every connection, and must not for each of their datagrams."""
    clock = VirtualClock()
    path = BusyPath(clock)
    server = CountingServer(Game("busy"), Identity.generate(ENTROPY), path, clock=clock)

    server.run(seconds=1.0)

    assert path.taken > 900
    assert 60 <= server.world.tick <= 61
    assert server.passes < 70
    assert path.readings < 500  # what arrives a millisecond apart is let gather


def test_a_slow_game_answers_before_its_tick() -> None:
    """A handshake, or an ACK that its peer waits for, must not depend on how often the game ticks."""
    clock = VirtualClock()
    game = Game("slow", tick_rate_hz=2, send_rate_hz=2)
    server = CountingServer(game, Identity.generate(ENTROPY), BusyPath(clock), clock=clock)

    server.run(seconds=1.0)

    assert 50 <= server.passes < 60


def test_strangers_are_answered_at_once() -> None:
    """What a flood costs falls between the ticks; saved up for the tick it would make every tick late."""
    clock = VirtualClock()
    knocking = Connection.connect(
        ("192.0.2.1", 7777), pins=(), application_id=Game("busy").application_id, credentials=b"", channels=CHANNELS,
        config=TransportConfig(), entropy=ENTROPY, now=0.0,
    )  # fmt: skip
    [(init, _)] = knocking.datagrams_to_send(0.0)
    path = BusyPath(clock, init)
    server = RunningServer(Game("busy"), Identity.generate(ENTROPY), path, clock=clock)

    server.run(seconds=1.0)

    assert len(path.sent_at) == path.taken > 900
    assert len(set(path.sent_at)) > 250


def test_a_tick_does_not_wait_for_a_pile_of_junk() -> None:
    """After 20 ms without the processor 1000 junk datagrams may wait; read before the tick they make it later still."""
    clock = VirtualClock()
    path = PiledPath(clock)
    server = RunningServer(Game("piled"), Identity.generate(ENTROPY), path, clock=clock)
    path.pile = [(b"junk", STRANGER)] * 1000

    server.update(1.0)

    assert server.world.tick > 0
    assert 1000 - len(path.pile) == STRANGERS_A_PASS


def test_what_is_left_of_a_pile_is_read_before_the_next_tick() -> None:
    """Between the ticks there is time, and none of it is spent on waiting for more."""
    clock = VirtualClock()
    path = PiledPath(clock)
    server = RunningServer(Game("piled"), Identity.generate(ENTROPY), path, clock=clock)
    path.pile = [(b"junk", STRANGER)] * 1000

    server.run(seconds=0.004)

    assert path.pile == []


def test_a_tick_has_all_that_the_players_sent() -> None:
    """After a stall the ticks that are made up for need the inputs of all that time."""
    clock, game = VirtualClock(), Game("piled")
    path = PiledPath(clock)
    server = RunningServer(game, Identity.generate(ENTROPY), path, clock=clock)
    client = Client(game, STRANGER, now=0.0, pins=(server.public_key,), entropy=ENTROPY)
    for now in (0.01 * number for number in range(50)):
        client.update(now)
        path.pile = [(data, STRANGER) for data, _ in client.datagrams_to_send(now)]
        server.update(now)
        for data in path.sent:
            client.receive_datagram(data, STRANGER, now)
        path.sent.clear()
    [connection] = server.connections
    packet = bytes(1) + connection.connection_id.to_bytes(4, "big") + bytes(30)
    path.pile = [(packet, STRANGER)] * (MAX_READ + 1000)

    server.update(1.0)

    assert connection.statistics.drops.total() == MAX_READ
    assert len(path.pile) == 1000
