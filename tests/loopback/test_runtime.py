"""Server and clients over real sockets on the loopback interface, in one thread."""

import random
import socket
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path as FilePath

import pytest

from ecsnet import DisconnectReason
from ecsnet.clock import MonotonicClock
from ecsnet.components import Transform2D
from ecsnet.config import ClientConfig, HandshakeConfig, TransportConfig
from ecsnet.errors import LinkError, PortInUseError
from ecsnet.events import ClientStatus, PlayerLeft
from ecsnet.joinlink import JoinLink
from ecsnet.keys import KnownServers
from ecsnet.paths import MixedPath, Path, open_path
from ecsnet.runtime import RunningClient, RunningServer, join
from ecsnet.samples.hello.game import Move, game
from ecsnet.testing.network import Link
from ecsnet.transport.address import StreamAddress
from ecsnet.transport.identity import Identity
from ecsnet.transport.state import State
from ecsnet.virtualpath import ImpairedPath, simulate_link, simulated_link

pytestmark = [pytest.mark.loopback, pytest.mark.slow]

SECONDS = 10.0  # patience; a busy machine is slow, a broken one does not get there at all

# A forged answer with another key must not end an attempt, so only the handshake's timeout does.
IMPATIENT = ClientConfig(transport=TransportConfig(handshake=HandshakeConfig(timeout_seconds=0.5)))


class Table:
    """A server on a free port, whoever joins it, and the known-servers file they share."""

    def __init__(self, folder: FilePath, transport: str) -> None:
        self.known_file = folder / "known.json"
        self.transport = transport
        self.identity = Identity.generate(random.Random(1).randbytes)
        self.path = open_path("both", 0)
        self.server = RunningServer(game, self.identity, self.path)
        self.clients: list[RunningClient] = []

    @property
    def link(self) -> JoinLink:
        return JoinLink("127.0.0.1", self.path.address[1], (self.identity.public,), self.transport)

    def join(self, link: str | JoinLink, name: str = "", config: ClientConfig | None = None) -> RunningClient:
        client = join(game, link, name=name, known_servers=self.known_file, config=config, transport=self.transport)
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
def table(tmp_path: FilePath, transport: str) -> Generator[Table, None, None]:
    opened = Table(tmp_path, transport)
    yield opened
    opened.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_client_joins_by_link_and_its_key_press_moves_its_dot_on_the_server(table: Table, host: str) -> None:
    """The whole path of a key press, over both internet protocols."""
    client = table.join(JoinLink(host, table.link.port, table.link.keys, table.transport), "Ada")
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

    def via(path: Path) -> ImpairedPath:
        paths.append(ImpairedPath(path, link, seed=3, clock=MonotonicClock()))
        return paths[-1]

    client = join(game, table.link, via=via)
    table.clients.append(client)

    assert table.run_until(lambda: client.is_ready, lambda: client.statistics.datagrams_sent > 50)
    assert client.statistics.rtt_seconds > 0.075
    assert paths[0].network.counters["lost"] > 5


def test_a_client_plays_on_while_its_link_changes(table: Table) -> None:
    """Through all links and back to none, and the same once more: the world goes on, and so does what is pressed."""
    client = table.join(table.link)
    assert table.run_until(lambda: client.is_ready)
    slowest = 0.0
    for link in [Link.LAN, Link.WIFI, Link.MOBILE, Link.AWFUL, Link.PERFECT] * 2:
        simulate_link(client, link)
        assert table.run_until(passed(client, seconds=0.4))
        slowest = max(slowest, client.statistics.rtt_seconds)
    before = server_x(table)

    client.press(Move(dx=1))

    assert table.run_until(lambda: server_x(table) > before + 20, lambda: client.statistics.rtt_seconds < 0.05)
    assert slowest > 0.1
    assert client.disconnected is None
    assert simulated_link(client) == Link.PERFECT


def passed(client: RunningClient, seconds: float) -> Callable[[], bool]:
    end = client.clock.now() + seconds
    return lambda: client.clock.now() > end


def seen_x(client: RunningClient) -> float:
    assert client.entity is not None
    return dict(client.view(Transform2D))[client.entity].x


def server_x(table: Table) -> float:
    [peer] = table.server.peers.values()
    return table.server.world.component_for_entity(peer.entity, Transform2D).x


def test_clients_of_both_kinds_meet_on_one_server(tmp_path: FilePath) -> None:
    """Each sees the other move; the server names their addresses apart, and one port number serves both."""
    table = Table(tmp_path, "udp")
    ada, bob = (join(game, replace(table.link, transport=transport), name=transport) for transport in ("udp", "tcp"))
    table.clients += [ada, bob]
    assert table.run_until(lambda: ada.is_ready, lambda: bob.is_ready)
    assert ada.entity is not None
    assert bob.entity is not None
    mine, other = ada.receiver.network_id_of(ada.entity), bob.receiver.network_id_of(bob.entity)

    ada.press(Move(dx=1))
    bob.press(Move(dx=-1))

    def seen_by(client: RunningClient, network_id: int) -> float:
        return dict(client.view(Transform2D))[client.receiver.entity_of(network_id)].x

    assert table.run_until(lambda: seen_by(bob, mine) > 220, lambda: seen_by(ada, other) < 180)
    kinds = [type(connection.address) for connection in table.server.connections]
    assert set(kinds) == {tuple, StreamAddress}
    table.close()


def test_a_socket_that_breaks_ends_the_game_at_once(tmp_path: FilePath) -> None:
    """On either side; over UDP it would take ten seconds to know."""
    table = Table(tmp_path, "tcp")
    first, second = table.join(table.link), table.join(table.link)
    assert table.run_until(lambda: first.is_ready, lambda: second.is_ready)

    table.clients.remove(first)
    first.path.close()

    assert table.run_until(lambda: len(table.server.peers) == 1)
    left = [event for event in table.server.events() if isinstance(event, PlayerLeft)]
    assert [event.reason for event in left] == [DisconnectReason.CONNECTION_LOST]
    table.server.path.close()
    assert second.run_until(lambda: second.status is ClientStatus.LOST, within_seconds=SECONDS)
    assert second.retrying is not None
    assert second.retrying.lost[0] is DisconnectReason.CONNECTION_LOST
    table.close()


def test_a_transport_there_is_not_is_the_callers_mistake() -> None:
    """With the value and what there is."""
    with pytest.raises(ValueError, match="transport='carrier pigeon': there is 'udp', 'tcp', 'both'"):
        open_path("carrier pigeon", 0)
    with pytest.raises(ValueError, match="transport='both': there is 'udp', 'tcp'"):
        join(game, JoinLink("127.0.0.1", 1, (bytes(32),)), transport="both")


def test_a_server_takes_one_kind_only_if_told_so() -> None:
    """And any free port number."""
    for transport in ("udp", "tcp"):
        path = open_path(transport, 0)
        other = open_path("tcp" if transport == "udp" else "udp", path.address[1])  # the other kind has it free

        assert path.address[1] == other.address[1] > 0
        with pytest.raises(PortInUseError):
            open_path("both", path.address[1])
        path.close()
        other.close()


def test_garbage_from_many_streams_disturbs_nobody(tmp_path: FilePath) -> None:
    """Port scanners, browsers and worse: the players do not notice, and no stream stays."""
    table = Table(tmp_path, "tcp")
    client = table.join(table.link)
    assert table.run_until(lambda: client.is_ready)
    chance = random.Random(7)
    strangers = []
    for _ in range(12):
        stranger = socket.create_connection(("127.0.0.1", table.link.port), SECONDS)
        stranger.send(chance.choice([b"GET / HTTP/1.1\r\n\r\n", chance.randbytes(3000), b"\x00\x01\x00"]))
        strangers.append(stranger)
    before = client.statistics.datagrams_received
    assert isinstance(table.path, MixedPath)
    streams = table.path.streams.streams

    assert table.run_until(lambda: len(streams) == 1, lambda: client.statistics.datagrams_received > before + 20)
    assert client.disconnected is None
    for stranger in strangers:
        stranger.close()
    table.close()
