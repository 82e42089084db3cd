"""A client's address changes in the middle of a game: it keeps playing, and stays who it is.

Once because a NAT between forgot it and gave it another port, once because the machine itself got another address.
"""

import json
import os
import re
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest

from ecsnet.clock import MonotonicClock
from ecsnet.components import Transform2D
from ecsnet.joinlink import JoinLink
from ecsnet.paths import Path as NetworkPath
from ecsnet.paths import UdpPath
from ecsnet.runtime import RunningServer, join
from ecsnet.samples.hello.game import Move, game
from ecsnet.testing.network import Link
from ecsnet.transport.address import Address
from ecsnet.transport.identity import Identity
from ecsnet.udp import UdpSocket
from ecsnet.virtualpath import ImpairedPath
from tests.process.serving import Process, Server

IP = shutil.which("ip") or ""
DELAY_SECONDS = 0.1
RTT_SECONDS = 2 * DELAY_SECONDS
PATIENCE_SECONDS = 10.0


class Nat:
    """A path whose outer port changes when it is told to; what is sent to the old one gets lost."""

    def __init__(self, toward: Address) -> None:
        self._toward = toward[:2]
        self._path = UdpPath(UdpSocket.toward(self._toward))

    @property
    def port(self) -> int:
        return self._path.socket.address[1]

    def rebind(self) -> None:
        old = self._path
        self._path = UdpPath(UdpSocket.toward(self._toward))
        old.close()

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:
        return self._path.receive(now)

    def send(self, data: bytes, address: Address, now: float) -> None:
        self._path.send(data, address, now)

    def wait(self, seconds: float) -> None:
        self._path.wait(seconds)

    def close(self) -> None:
        self._path.close()


class Table:
    """A server, and a client behind a NAT and a long line, in one thread."""

    def __init__(self, folder: Path) -> None:
        socket = UdpSocket.listen(0)
        self.server = RunningServer(game, Identity.generate(os.urandom), UdpPath(socket))
        place = JoinLink("127.0.0.1", socket.address[1])
        self.nat = Nat((place.host, place.port))
        self.client = join(game, place, known_servers=folder / "known.json", via=self._via)

    def _via(self, direct: NetworkPath) -> NetworkPath:
        direct.close()
        return ImpairedPath(self.nat, Link(latency_seconds=DELAY_SECONDS), seed=1, clock=MonotonicClock())

    def run_until(self, condition: Callable[[], bool]) -> float:
        """Let both run until the condition holds; return after how many seconds it did."""
        begin = time.monotonic()
        while not condition():
            assert time.monotonic() < begin + PATIENCE_SECONDS, (self.client, self.server)
            self.server.update()
            self.client.update()
            self.server.path.wait(0.001)
        return time.monotonic() - begin

    @property
    def server_x(self) -> float:
        [peer] = self.server.peers.values()
        return self.server.world.component_for_entity(peer.entity, Transform2D).x

    def close(self) -> None:
        self.client.path.close()
        self.server.path.close()


@pytest.fixture
def table(tmp_path: Path) -> Generator[Table, None, None]:
    opened = Table(tmp_path)
    yield opened
    opened.close()


@pytest.mark.loopback
@pytest.mark.slow
def test_a_client_whose_nat_gives_it_another_port_plays_on(table: Table) -> None:
    """The server asks the new address for an answer, which takes a round trip, and moves; nobody joins or leaves."""
    table.run_until(lambda: table.client.is_ready)
    [peer] = table.server.peers.values()
    table.client.press(Move(dx=1))
    table.run_until(lambda: table.server_x > 210)
    assert peer.connection.address[1] == table.nat.port

    table.nat.rebind()
    moved_after = table.run_until(lambda: peer.connection.address[1] == table.nat.port)
    heard = table.client.statistics.datagrams_received
    table.client.press(Move(dx=-1))
    turned_at = table.server_x
    table.run_until(lambda: table.server_x < turned_at - 20)
    table.run_until(lambda: table.client.statistics.datagrams_received > heard + 10)

    # The first datagram from there is on its way for half a round trip; then the question and its answer take a whole
    # one. The other half allows for both sides' ticks and for a busy machine.
    assert moved_after <= 2 * RTT_SECONDS
    assert list(table.server.peers) == [table.client.client_id] == [peer.client_id]
    assert table.client.disconnected is None


@pytest.fixture
def networks() -> Generator[tuple[str, str], None, None]:
    """Two networks with a cable between them: the server's, which is 10.77.0.1, and the client's, 10.77.0.2."""
    if not can_make_networks():
        text = "NOT PLAYED over a real change of address: network namespaces need Linux, iproute2 and root"
        warnings.warn(text, stacklevel=2)
        pytest.skip(text)
    server, client = f"ecsnet-s{os.getpid()}", f"ecsnet-c{os.getpid()}"
    try:
        for name in (server, client):
            ip("netns", "add", name)
        ip("-n", server, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", client)
        for name, address in ((server, "10.77.0.1/24"), (client, "10.77.0.2/24")):
            ip("-n", name, "addr", "add", address, "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
        yield server, client
    finally:
        for name in (server, client):
            subprocess.run([IP, "netns", "del", name], check=False)


@pytest.mark.process
@pytest.mark.slow
def test_a_client_whose_machine_gets_another_address_plays_on(tmp_path: Path, networks: tuple[str, str]) -> None:
    """From the wireless network to the cable: the same player for everybody else, and no gap but the move itself."""
    inside_server, inside_client = ((IP, "netns", "exec", name) for name in networks)
    with Server(tmp_path, "hello", "--port", "7777", host="10.77.0.1", prefix=inside_server) as server:
        arguments = ("join", str(server.link), "--game", "hello", "--headless", "--seconds", "6")
        with Process(tmp_path, "client", "-m", "ecsnet", *arguments, prefix=inside_client) as client:
            server.wait_for(r'joined client=1 name="(player 1)"')
            time.sleep(1.5)

            ip("-n", networks[1], "addr", "del", "10.77.0.2/24", "dev", "cable")
            ip("-n", networks[1], "addr", "add", "10.77.0.3/24", "dev", "cable")

            figures = json.loads(client.finish().splitlines()[-1])
        assert server.wait_for(r'left client=1 .* text="(.+)"') == "the player left"  # heard from the new address

    assert figures["client_id"] == 1
    assert server.log.count(" joined ") == 1
    assert re.search(r"moved client=1 .* address=10\.77\.0\.3:\d+ transport=udp before=10\.77\.0\.2:\d+", server.log)
    # 30 a second, for 6 seconds less the start and the move. Without a move they would end after 2.
    assert figures["datagrams_received"] > 4 * 30


def can_make_networks() -> bool:
    """Tell whether network namespaces can be made here."""
    if not IP:
        return False
    name = f"ecsnet-probe{os.getpid()}"
    if subprocess.run([IP, "netns", "add", name], capture_output=True, check=False).returncode:
        return False
    ip("netns", "del", name)
    return True


def ip(*arguments: str) -> None:
    """Run a command of iproute2."""
    subprocess.run([IP, *arguments], check=True, capture_output=True, text=True)
