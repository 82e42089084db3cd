"""UDP over the loopback interface: real sockets, IPv4 and IPv6, full buffers and taken ports."""

import errno
import select
import socket
from collections.abc import Generator, Iterator
from typing import TypeAlias

import pytest

from ecsnet.errors import LinkError, PortInUseError
from ecsnet.udp import MAX_NAMES, UdpSocket, resolve

pytestmark = pytest.mark.loopback

Reception: TypeAlias = tuple[bytes, tuple[str, int]]

HOSTS = ["127.0.0.1", "::1"]


def has_ipv6() -> bool:
    """Tell whether this machine's loopback interface speaks IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.fixture
def server() -> Generator[UdpSocket, None, None]:
    """Listen on all addresses, on a free port."""
    opened = UdpSocket.listen(0)
    yield opened
    opened.close()


def arrived(opened: UdpSocket) -> list[Reception]:
    """Return what comes within a second."""
    select.select([opened], [], [], 1.0)
    return opened.drain()


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_a_server_answers_on_ipv4_and_ipv6(server: UdpSocket, host: str) -> None:
    """One socket serves both; the other side's address is the plain one, and answering to it works."""
    client = UdpSocket.toward((host, server.address[1]))

    client.send(b"ping", (host, server.address[1]))
    [(data, source)] = arrived(server)
    server.send(b"pong", source)

    assert (data, source) == (b"ping", (host, client.address[1]))
    assert arrived(client) == [(b"pong", (host, server.address[1]))]
    client.close()


def test_one_drain_takes_all_that_has_arrived_up_to_its_limit(server: UdpSocket) -> None:
    """What is left in the kernel's buffer would be late by a whole pass; but others must get their turn, too."""
    client, there = UdpSocket.toward(("127.0.0.1", 0)), ("127.0.0.1", server.address[1])
    for number in range(60):
        client.send(bytes([number]), there)
    select.select([server], [], [], 1.0)

    first, rest, nothing = server.drain(50), server.drain(), server.drain()

    assert [data[0] for data, _ in first + rest] == list(range(60))
    assert (len(first), len(rest), nothing) == (50, 10, [])
    client.close()


def test_a_taken_port_is_named_with_the_way_out(server: UdpSocket) -> None:
    """The commonest mistake: the server already runs in another terminal."""
    port = server.address[1]

    with pytest.raises(PortInUseError, match=f"UDP port {port} is in use by another program; .*--port 0"):
        UdpSocket.listen(port)
    with pytest.raises(PortInUseError):
        UdpSocket.listen(port, "127.0.0.1")


@pytest.mark.parametrize(
    ("port", "host", "text"),
    [
        (0, "192.0.2.1", "192.0.2.1 is not an address of this machine"),
        (70000, None, "a port is a number from 0 to 65535, not 70000"),
        (0, "no such host", "cannot find the host 'no such host'"),
        (0, "a" * 70, "cannot find the host"),
    ],
)
def test_an_impossible_place_to_listen_says_what_is_wrong(port: int, host: str | None, text: str) -> None:
    """One line, no traceback of the socket module."""
    with pytest.raises(LinkError, match=text):
        UdpSocket.listen(port, host)


def test_what_cannot_be_sent_is_counted_and_never_raised(server: UdpSocket) -> None:
    """To the host application an unreachable peer is silence; only its timeout ends a connection."""
    server.send(b"x" * 70_000, ("127.0.0.1", 9))
    server.send(b"x", ("127.0.0.1", 0))

    assert server.drops["EMSGSIZE"] == 1
    assert server.drops.total() == 2


def test_nobody_at_the_other_end_does_not_disturb(server: UdpSocket) -> None:
    """The ICMP answer to a datagram for a dead client must not stop those that arrive from the living."""
    dead = UdpSocket.toward(("127.0.0.1", 0))
    address = ("127.0.0.1", dead.address[1])
    dead.close()
    living = UdpSocket.toward(("127.0.0.1", 0))

    server.send(b"are you there?", address)
    living.send(b"hello", ("127.0.0.1", server.address[1]))

    assert [data for data, _ in arrived(server)] == [b"hello"]
    living.close()


class ResettingSocket:
    """Behaves as Windows does after a datagram found nobody: the next receptions fail, then go on."""

    family = socket.AF_INET

    def __init__(self) -> None:
        """Fail twice, then deliver, then have nothing."""
        reset = ConnectionResetError(errno.ECONNRESET, "reset")
        self._next: Iterator[OSError | tuple[bytes, tuple[str, int]]] = iter(
            [reset, reset, (b"still here", ("192.0.2.7", 4000))]
        )

    def settimeout(self, _: float) -> None:
        """Accept the call."""

    def setsockopt(self, *_: object) -> None:
        """Refuse, as macOS does."""
        raise OSError(errno.ENOBUFS, "too large")

    def getsockname(self) -> tuple[str, int]:
        """Return anything."""
        return ("0.0.0.0", 1)  # noqa: S104  # no real socket

    def recvfrom(self, _: int) -> Reception:
        """Return or raise the next thing."""
        item = next(self._next, BlockingIOError())
        if isinstance(item, OSError):
            raise item
        return item


def test_a_reset_on_windows_costs_nothing_but_a_count() -> None:
    """WSAECONNRESET concerns an earlier send; what waits behind it must still be read."""
    opened = UdpSocket(ResettingSocket())  # type: ignore[arg-type]  # a fake with the five methods used

    assert opened.drain() == [(b"still here", ("192.0.2.7", 4000))]
    assert opened.drops == {"ECONNRESET": 2}


class CrowdedSocket:
    """An IPv6 socket that hears one datagram from each of many IPv4 peers, and notes where it sends."""

    family = socket.AF_INET6

    def __init__(self, peers: int) -> None:
        self._sources = iter(range(peers))
        self.sent: list[tuple[str, int]] = []

    def settimeout(self, _: float) -> None:
        pass

    def setsockopt(self, *_: object) -> None:
        pass

    def getsockname(self) -> tuple[str, int, int, int]:
        return ("::", 1, 0, 0)

    def recvfrom(self, _: int) -> tuple[bytes, tuple[str, int, int, int]]:
        number = next(self._sources, None)
        if number is None:
            raise BlockingIOError
        return b"hello", (f"::ffff:10.0.{number >> 8}.{number & 0xFF}", 7777, 0, 0)

    def sendto(self, _: bytes, address: tuple[str, int]) -> None:
        self.sent.append(address[:2])


def test_a_flood_of_sources_is_answered_and_not_remembered() -> None:
    """The names of peers are a cache: a forged source must cost no memory that stays."""
    crowd = CrowdedSocket(peers=2 * MAX_NAMES + 5)
    opened = UdpSocket(crowd)  # type: ignore[arg-type]  # a fake with the methods used

    received = [address for _ in range(3) for _, address in opened.drain(MAX_NAMES)]
    for address in received:
        opened.send(b"who are you?", address)

    assert received[-1] == ("10.0.32.4", 7777)
    assert crowd.sent == [(f"::ffff:{host}", port) for host, port in received]
    assert len(opened._far_names) == len(opened._near_names) == 5


def test_ipv4_is_used_where_a_machine_has_no_dual_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without IPv6 still serves."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    opened = UdpSocket.listen(0)

    assert opened.address[0] == "0.0.0.0"  # noqa: S104  # what it should be
    opened.close()


@pytest.mark.parametrize("host", HOSTS)
def test_a_numeric_host_stays_what_it_is(host: str) -> None:
    """The connection compares the addresses of datagrams with the one it was given."""
    assert resolve(host, 7777) == (host, 7777)


def test_localhost_is_found_as_ipv4() -> None:
    """Both kinds exist; every server socket answers on this one."""
    assert resolve("localhost", 7777) == ("127.0.0.1", 7777)
