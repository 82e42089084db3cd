"""Server and clients over real sockets on the loopback interface, in one thread."""

import random
from collections.abc import Callable, Generator
from pathlib import Path as FilePath

import pytest

from ecsnet import DisconnectReason
from ecsnet.clock import MonotonicClock
from ecsnet.components import Transform2D
from ecsnet.config import ClientConfig, HandshakeConfig, TransportConfig
from ecsnet.errors import LinkError
from ecsnet.joinlink import JoinLink
from ecsnet.keys import KnownServers
from ecsnet.runtime import RunningClient, RunningServer, UdpPath, join
from ecsnet.samples.hello.game import Move, game
from ecsnet.testing.network import Link
from ecsnet.transport.identity import Identity
from ecsnet.transport.state import State
from ecsnet.udp import UdpSocket
from ecsnet.virtualpath import ImpairedPath

pytestmark = [pytest.mark.loopback, pytest.mark.slow]

SECONDS = 10.0  # patience; a busy machine is slow, a broken one does not get there at all

# A forged answer with another key must not end an attempt, so only the handshake's timeout does.
IMPATIENT = ClientConfig(transport=TransportConfig(handshake=HandshakeConfig(timeout_seconds=0.5)))


class Table:
    """A server on a free port, whoever joins it, and the known-servers file they share."""

    def __init__(self, folder: FilePath) -> None:
        self.known_file = folder / "known.json"
        self.identity = Identity.generate(random.Random(1).randbytes)
        self.socket = UdpSocket.listen(0)
        self.server = RunningServer(game, self.identity, UdpPath(self.socket))
        self.clients: list[RunningClient] = []

    @property
    def link(self) -> JoinLink:
        return JoinLink("127.0.0.1", self.socket.address[1], (self.identity.public,))

    def join(self, link: str | JoinLink, name: str = "", config: ClientConfig | None = None) -> RunningClient:
        client = join(game, link, name=name, known_servers=self.known_file, config=config)
        self.clients.append(client)
        return client

    def run_until(self, *conditions: Callable[[], object]) -> bool:
        """Let everybody run until all conditions hold; False when it takes too long."""
        clock = MonotonicClock()
        end = clock.now() + SECONDS
        while clock.now() < end:
            self.server.update()
            for client in self.clients:
                client.update()
            if all(condition() for condition in conditions):
                return True
            self.server.path.wait(0.001)
        return False

    def close(self) -> None:
        for client in self.clients:
            client.path.close()
        self.server.path.close()


@pytest.fixture
def table(tmp_path: FilePath) -> Generator[Table, None, None]:
    opened = Table(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_client_joins_by_link_and_its_key_press_moves_its_dot_on_the_server(table: Table, host: str) -> None:
    """The whole path of a key press, over both internet protocols."""
    client = table.join(JoinLink(host, table.link.port, table.link.keys), "Ada")
    if not table.run_until(lambda: client.is_ready) and host == "::1":
        pytest.skip("this machine has no IPv6")
    assert client.entity is not None
    before = dict(client.view(Transform2D))[client.entity].x

    client.press(Move(dx=1))

    assert table.run_until(lambda: seen_x(client) > before + 20, lambda: server_x(table) > before + 20)
    assert [peer.name for peer in table.server.peers.values()] == ["Ada"]


def test_the_first_contact_is_remembered_and_another_key_is_refused(table: Table) -> None:
    """Trust on first use: whoever answers at a known place with another key is not talked to."""
    first = table.join(table.link.place)
    assert table.run_until(lambda: first.is_ready)
    assert KnownServers(table.known_file).pins("127.0.0.1", table.link.port) == (table.identity.public,)

    KnownServers(table.known_file).forget("127.0.0.1", table.link.port)
    KnownServers(table.known_file).remember("127.0.0.1", table.link.port, b"another key, of 32 bytes exactly")
    second = table.join(table.link.place, config=IMPATIENT)

    assert table.run_until(lambda: second.disconnected)
    assert second.disconnected is not None
    reason, text = second.disconnected
    assert reason is DisconnectReason.SERVER_KEY_MISMATCH
    assert "shows another key than before" in text
    assert not second.is_ready


def test_leaving_is_heard_at_once(table: Table) -> None:
    """Without the farewell the others would look at a frozen player until the timeout."""
    client = table.join(table.link)
    assert table.run_until(lambda: client.is_ready)

    client.close(now=client.clock.now())

    assert table.run_until(lambda: not table.server.peers, lambda: client.state is State.CLOSED)


def test_a_closing_server_tells_everybody_why(table: Table) -> None:
    """Players read a reason instead of waiting for a timeout."""
    clients = [table.join(table.link) for _ in range(3)]
    assert table.run_until(lambda: all(client.is_ready for client in clients))

    table.server.close(text="maintenance", now=table.server.clock.now())

    assert table.run_until(lambda: all(client.disconnected for client in clients))
    assert {client.disconnected for client in clients} == {(DisconnectReason.SERVER_CLOSING, "maintenance")}


def test_a_link_to_nowhere_is_an_error_before_anything_starts(table: Table) -> None:
    """A mistyped name must not look like a slow server."""
    with pytest.raises(LinkError, match="cannot find the host"):
        table.join("no-such-host.invalid:7777")


def test_an_impaired_path_delays_and_loses_what_goes_through_a_real_socket(table: Table) -> None:
    """`--loss` and `--delay-ms` must reach the wire, not only the parser."""
    link = Link(loss=0.2, latency_seconds=0.04)
    paths: list[ImpairedPath] = []

    def via(path: UdpPath) -> ImpairedPath:
        paths.append(ImpairedPath(path, link, seed=3, clock=MonotonicClock()))
        return paths[-1]

    client = join(game, table.link, via=via)  # type: ignore[arg-type]  # join always hands over a UdpPath
    table.clients.append(client)

    assert table.run_until(lambda: client.is_ready, lambda: client.statistics.datagrams_sent > 50)
    assert client.statistics.rtt_seconds > 0.075
    assert paths[0].network.counters["lost"] > 5


def seen_x(client: RunningClient) -> float:
    assert client.entity is not None
    return dict(client.view(Transform2D))[client.entity].x


def server_x(table: Table) -> float:
    [peer] = table.server.peers.values()
    return table.server.world.component_for_entity(peer.entity, Transform2D).x
