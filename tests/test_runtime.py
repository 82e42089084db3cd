"""The server's loop, on a virtual clock and a path that is never silent."""

import random
from collections.abc import Sequence

from ecsnet.clock import VirtualClock
from ecsnet.config import TransportConfig
from ecsnet.game import Game
from ecsnet.peer import CHANNELS
from ecsnet.runtime import RunningServer
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity

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
