"""Links that change while somebody plays, on a virtual clock: in memory and over what stands for a socket."""

import random
from collections.abc import Callable, Sequence

import pytest

from ecsnet.clock import VirtualClock
from ecsnet.hosting import Host
from ecsnet.runtime import RunningClient, RunningServer
from ecsnet.samples.hello.game import game
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address, DatagramAddress
from ecsnet.transport.identity import Identity
from ecsnet.virtualpath import ImpairedPath, MemoryPath, simulate_link, simulated_link

SERVER: DatagramAddress = ("server", 1)
SLOW = Link(latency_seconds=0.2)
ALL_LINKS = [Link.LAN, Link.WIFI, Link.MOBILE, Link.AWFUL, Link.PERFECT]


class SocketPath:
    """Stands for a socket: a path whose condition nobody here can change."""

    def __init__(self, network: VirtualNetwork, here: DatagramAddress) -> None:
        self._inner = MemoryPath(network, here, lambda _: None)

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:
        return self._inner.receive(now)

    def send(self, data: bytes, address: Address, now: float) -> None:
        self._inner.send(data, address, now)

    def wait(self, seconds: float) -> None:
        self._inner.wait(seconds)

    def close(self) -> None:
        self._inner.close()


class Table:
    """A server and two clients; each moves on by a tick at a time."""

    clients: Sequence[RunningClient]
    server: RunningServer

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock

    def step(self) -> None:
        raise NotImplementedError

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * game.tick_rate_hz)):
            self.step()
            self.clock.advance(1.0 / game.tick_rate_hz)


class HostTable(Table):
    """Host mode: the player and a bot, in memory."""

    def __init__(self, link: Link = Link.PERFECT) -> None:
        super().__init__(VirtualClock())
        self.host = Host(game, bots=1, link=link, clock=self.clock, entropy=random.Random(1).randbytes)
        self.server = self.host.server
        self.clients = [self.host.player, self.host.bots[0][0]]

    def step(self) -> None:
        self.host.player.update()


class JoinTable(Table):
    """A server somewhere, and two clients, each with what stands for its socket."""

    def __init__(self) -> None:
        super().__init__(VirtualClock())
        network, entropy = VirtualNetwork(), random.Random(1).randbytes
        identity = Identity.generate(entropy)
        path = SocketPath(network, SERVER)
        self.server = RunningServer(game, identity, path, clock=self.clock, entropy=entropy)
        self.clients = [
            RunningClient(game, SERVER, SocketPath(network, (name, 1)), clock=self.clock, entropy=entropy)
            for name in ("ada", "bob")
        ]

    def step(self) -> None:
        self.server.update()
        for client in self.clients:
            client.update()


both_tables = pytest.mark.parametrize("make_table", [HostTable, JoinTable])


@both_tables
def test_only_the_clients_own_way_becomes_bad_and_good_again(make_table: Callable[[], Table]) -> None:
    """Both directions, at once, in the middle of a connection; the other client notices nothing."""
    table = make_table()
    one, other = table.clients
    table.run(seconds=1)

    simulate_link(one, SLOW)
    table.run(seconds=4)
    slow, unchanged = one.statistics.rtt_seconds, other.statistics.rtt_seconds
    simulate_link(one, Link.PERFECT)
    table.run(seconds=4)

    assert slow == pytest.approx(0.4, abs=0.05)
    assert max(unchanged, one.statistics.rtt_seconds) < 0.1
    assert simulated_link(one) == Link.PERFECT


@both_tables
def test_a_client_survives_every_change_of_link(make_table: Callable[[], Table]) -> None:
    """Twice around, half a second each: nobody is disconnected, and the world is still that of the server."""
    table = make_table()
    one, other = table.clients
    table.run(seconds=1)

    for link in ALL_LINKS * 2:
        simulate_link(one, link)
        assert simulated_link(one) == link
        table.run(seconds=0.5)
    table.run(seconds=1)

    assert one.disconnected is None
    assert one.is_ready
    assert abs(one.world.tick - other.world.tick) < 20


@both_tables
def test_what_is_on_its_way_outlives_the_change(make_table: Callable[[], Table]) -> None:
    """To lose it would be a loss that no link asked for; it arrives late and overtaken, but it arrives."""
    table = make_table()
    one = table.clients[0]
    table.run(seconds=1)
    before = missing(table)
    simulate_link(one, SLOW)
    table.run(seconds=2)

    simulate_link(one, Link.PERFECT)
    table.run(seconds=1)

    assert missing(table) == pytest.approx(before, abs=1)  # the last one may be on its way


def missing(table: Table) -> tuple[int, int]:
    """Return how many datagrams were sent and did not arrive, each way: of the handshake, each side counts others."""
    here, there = table.clients[0].statistics, table.server.connections[0].statistics
    return here.datagrams_sent - there.datagrams_received, there.datagrams_sent - here.datagrams_received


def test_a_bad_link_for_all_can_be_taken_from_one() -> None:
    """`ecsnet play --link awful`, and then back to none: it is the same link, not another one on top."""
    table = HostTable(SLOW)
    one, other = table.clients
    table.run(seconds=3)
    assert simulated_link(one) == SLOW

    simulate_link(one, Link.PERFECT)
    table.run(seconds=4)

    assert one.statistics.rtt_seconds < 0.1
    assert other.statistics.rtt_seconds > 0.35
    assert simulated_link(other) == SLOW


def test_a_host_knows_when_what_is_late_arrives() -> None:
    """Who waits for `next_deadline` must not sleep beyond it, or the link is worse than asked for."""
    table = HostTable()
    table.run(seconds=1)
    player = table.clients[0]
    simulate_link(player, Link(latency_seconds=0.003))
    now = table.clock.now()

    player.path.send(b"x", ("server.memory", 1), now)

    deadline = player.next_deadline()
    assert deadline is not None
    assert deadline <= now + 0.003


def test_a_wait_ends_when_what_was_held_back_is_to_be_let_go() -> None:
    """A socket does not wake up for it."""
    waited: list[float] = []
    clock = VirtualClock(5.0)
    inner = MemoryPath(VirtualNetwork(), SERVER, waited.append)
    path = ImpairedPath(inner, Link(latency_seconds=0.02), seed=1, clock=clock)
    path.send(b"x", SERVER, clock.now())
    path.wait(0.1)
    path.link = Link.PERFECT
    path.wait(0.1)

    assert waited == pytest.approx([0.02, 0.02])
