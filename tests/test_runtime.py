"""The server's loop, on a virtual clock and a path that is never silent."""

import random
from collections.abc import Callable, Sequence

from ecsnet.client import Client
from ecsnet.clock import VirtualClock
from ecsnet.config import RoomConfig, ServerConfig, TransportConfig
from ecsnet.events import ClientStatus
from ecsnet.game import Game
from ecsnet.peer import CHANNELS
from ecsnet.protocol import DisconnectReason
from ecsnet.runtime import MAX_READ, STRANGERS_A_PASS, RunningClient, RunningServer
from ecsnet.systems.hall import HALL
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from ecsnet.udp import DRAIN_LIMIT
from ecsnet.virtualpath import MemoryPath

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


LATENCY = Link(latency_seconds=0.05)
SERVER: Address = ("server", 1)


class Pair:
    """A running server with rooms and a running client, on one clock."""

    def __init__(self) -> None:
        self.clock, self.network = VirtualClock(), VirtualNetwork(seed=1, link=LATENCY)
        game, config = Game("pair"), ServerConfig(resume_grace_seconds=60.0, rooms=RoomConfig())
        self.server = RunningServer(
            game, Identity.generate(ENTROPY), self._path("server"), clock=self.clock, config=config, entropy=ENTROPY
        )
        pins = (self.server.public_key,)
        self.client = RunningClient(
            game, SERVER, self._path("client"), pins=pins, clock=self.clock, entropy=ENTROPY
        )  # fmt: skip
        self.run_until(lambda: self.client.is_ready)

    def _path(self, host: str) -> MemoryPath:
        return MemoryPath(self.network, (host, 1), self.clock.advance)

    def step(self) -> None:
        self.clock.advance(1 / 60)
        self.server.update()
        self.client.update()

    def run_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(60 * 60):
            if condition():
                return
            self.step()
        raise AssertionError("not reached within a minute")

    def is_forgotten(self) -> bool:
        """Whether the server knows of the client's goodbye once it has heard it, long before a timeout."""
        self.clock.advance(0.2)
        self.server.update()
        return not any(room.places for room in self.server.rooms)


def test_leaving_on_the_way_back_is_heard_by_the_server() -> None:
    """Its old connection has ended, so the goodbye goes over the new one; or else its place would be kept."""
    pair = Pair()
    pair.network.partition(SERVER, ("client", 1))
    pair.run_until(lambda: pair.client.retrying is not None and not pair.server.peers)
    pair.network.heal(SERVER, ("client", 1))
    pair.run_until(lambda: bool(pair.server.peers))
    assert pair.client.retrying is not None
    pair.client.leave()

    assert pair.client.status is ClientStatus.DISCONNECTED
    assert pair.client.disconnected == (DisconnectReason.LEFT, "")
    assert pair.is_forgotten()


def test_leaving_on_the_way_to_another_room_is_heard_by_the_server() -> None:
    """Whichever of the two connections it has by then."""
    for steps in range(1, 24):
        pair = Pair()
        pair.client.enter(HALL)
        for _ in range(steps):
            pair.step()
        pair.client.leave()

        assert pair.client.disconnected == (DisconnectReason.LEFT, ""), f"after {steps} steps"
        assert pair.is_forgotten(), f"after {steps} steps"


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
