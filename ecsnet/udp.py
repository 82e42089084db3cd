"""UDP: the only file that opens UDP sockets. It never blocks, and no remote condition raises into the host.

A server's socket takes IPv4 and IPv6 where the machine has both. The rest of the program never notices: an IPv4 peer is
`("192.0.2.7", 7777)` whichever kind of socket its datagram came through, so one peer has one address.
"""

import contextlib
import errno
import socket
import sys
from collections import Counter
from typing import TypeAlias

from ecsnet.errors import LinkError, PortInUseError
from ecsnet.transport.address import DatagramAddress

__all__ = ["DRAIN_LIMIT", "UdpSocket", "bind_listener", "local_addresses", "resolve"]

RECEIVE_BYTES = 2048  # more than any datagram of ours (1200) and any that an Ethernet frame carries (1472)
DRAIN_LIMIT = 32  # datagrams at once: 0.2 ms of work if they are junk; then the reader looks at what else is due
BUFFER_BYTES = 1 << 20  # a quarter second at 4 MB/s; the kernel may grant less, 208 kB on a plain Linux
MAX_NAMES = 4096  # peers whose names are remembered: more than one process serves; 0.5 kB each

SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]  # what the system calls a peer

_MAPPED = "::ffff:"  # how an IPv6 socket names an IPv4 peer, RFC 4291, section 2.5.5.2
_MAX_PORT = 65535


class UdpSocket:
    """A bound, non-blocking UDP socket.

    Attributes:
        address: Where it is bound.
        drops: Datagrams not sent, and failed receptions, by the name of the system's error.
    """

    def __init__(self, bound: socket.socket) -> None:
        """Take over a bound socket; `listen` and `toward` make one."""
        bound.settimeout(0.0)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):  # macOS refuses what is above its limit; the default still works
                bound.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        self._socket = bound
        self._is_ipv6 = bound.family == socket.AF_INET6
        self._far_names: dict[SocketAddress, DatagramAddress] = {}
        self._near_names: dict[DatagramAddress, SocketAddress] = {}
        self.address: DatagramAddress = self._far(bound.getsockname())
        self.drops: Counter[str] = Counter()

    @staticmethod
    def listen(port: int, host: str | None = None) -> "UdpSocket":
        """Open a server's socket.

        Args:
            port: 0 lets the system choose; see `address`.
            host: One address of this machine; None: all of them, IPv4 and IPv6.

        Raises:
            PortInUseError: Another program has the port.
            LinkError: The host is not an address of this machine, or the port may not be used.
        """
        return UdpSocket(bind_listener(port, host, socket.SOCK_DGRAM))

    @staticmethod
    def toward(address: DatagramAddress) -> "UdpSocket":
        """Open a client's socket, on a free port, of the kind that reaches `address`."""
        here = "::" if ":" in address[0] else "0.0.0.0"  # noqa: S104  # whichever way leads there
        return UdpSocket(_bind((here, 0), socket.SOCK_DGRAM))

    def __repr__(self) -> str:
        """Show where it is bound."""
        return f"UdpSocket({self.address})"

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self._socket.fileno()

    def send(self, data: bytes, address: DatagramAddress) -> None:
        """Send one datagram, or count why it could not be: to the sender a full buffer is just another lost packet.

        HOT: once per datagram.
        """
        try:
            self._socket.sendto(data, self._near_names.get(address) or self._near(address))
        except OSError as error:
            self._count(error)

    def drain(self, limit: int = DRAIN_LIMIT) -> list[tuple[bytes, DatagramAddress]]:
        """Return all that has arrived, oldest first, at most `limit` datagrams.

        HOT: once per datagram; a loop over `recvfrom` costs 0.7 us each, asyncio's datagram endpoint 13.
        """
        receive, name_of = self._socket.recvfrom, self._far_names.get
        received: list[tuple[bytes, DatagramAddress]] = []
        for _ in range(limit):
            try:
                data, source = receive(RECEIVE_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                # Windows reports here that an earlier datagram found nobody (WSAECONNRESET), or that this one was too
                # long (WSAEMSGSIZE); neither says anything about the next.
                self._count(error)
                if error.errno == errno.EBADF:  # closed: nothing will come any more
                    break
                continue
            received.append((data, name_of(source) or self._learn(source)))
        return received

    def close(self) -> None:
        """Give the port back. May be called again."""
        self._socket.close()

    def _count(self, error: OSError) -> None:
        self.drops[errno.errorcode.get(error.errno or 0, type(error).__name__)] += 1

    def _learn(self, source: SocketAddress) -> DatagramAddress:
        """Return what everybody else calls a peer, and remember both names: to translate costs 0.2 us a datagram.

        Too many are all forgotten: then a flood of forged sources costs what it would cost without a memory.
        """
        if len(self._far_names) >= MAX_NAMES:
            self._far_names.clear()
            self._near_names.clear()
        address = self._far_names[source] = self._far(source)
        self._near_names[address] = self._near(address)
        return address

    def _far(self, source: SocketAddress) -> DatagramAddress:
        """Return how everybody else names the owner of a socket address."""
        if not self._is_ipv6:
            return source[0], source[1]
        host = source[0]
        if host.startswith(_MAPPED):
            host = host[len(_MAPPED) :]
        elif len(source) > 2 and source[3] and "%" not in host:  # noqa: PLR2004  # a link-local address needs its scope
            host = f"{host}%{source[3]}"
        return host, source[1]

    def _near(self, address: DatagramAddress) -> SocketAddress:
        """Return what this socket calls an address; the inverse of `_far`."""
        host, port = address
        if not self._is_ipv6:
            return address
        if ":" not in host:
            return f"{_MAPPED}{host}", port
        host, _, scope = host.partition("%")
        return (host, port, 0, int(scope)) if scope else (host, port)


def resolve(host: str, port: int) -> DatagramAddress:
    """Look a host up. May wait for the name service: call it before a game starts, not in it.

    Of several addresses an IPv4 one wins: it is the one that every kind of server socket answers on.

    Raises:
        LinkError: There is no such host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LinkError(f"cannot find the host {host!r} ({reason}); is the name right, is there a network?") from error
    _, _, _, _, place = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    scope = place[3] if len(place) == 4 else 0  # noqa: PLR2004  # an IPv6 place: host, port, flow, scope
    name = str(place[0]).partition("%")[0]
    return (f"{name}%{scope}" if scope else name), port


def local_addresses() -> list[str]:
    """Return addresses of this machine that others in its network may reach; the likeliest first, perhaps none.

    Nothing is sent: connecting a UDP socket only asks the kernel which of its addresses it would use.
    """
    addresses = []
    for family, somewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, 9))
            addresses.append(str(probe.getsockname()[0]))
    return addresses


def bind_listener(port: int, host: str | None, kind: socket.SocketKind) -> socket.socket:
    """Open a server's socket, of datagrams or of streams; see `UdpSocket.listen`."""
    if not 0 <= port <= _MAX_PORT:
        raise LinkError(f"a port is a number from 0 to {_MAX_PORT}, not {port}")
    if host is not None:
        return _bind(resolve(host, port), kind)
    if socket.has_dualstack_ipv6():
        # An IPv6 wildcard with V6ONLY off; it fails where the kernel knows IPv6 but has it switched off.
        with contextlib.suppress(LinkError):
            return _bind(("::", port), kind)
    return _bind(("0.0.0.0", port), kind)  # noqa: S104  # a game server is there to be reached


def _bind(address: DatagramAddress, kind: socket.SocketKind) -> socket.socket:
    """Bind to an address as `resolve` returns it; the wildcard "::" takes IPv4, too.

    Raises:
        PortInUseError: Another program has the port.
        LinkError: The address is not one of this machine, or the port may not be used.
    """
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    name, _, scope = host.partition("%")
    try:
        opened = socket.socket(family, kind)
    except OSError as error:
        raise LinkError(f"this machine cannot open a socket for {host}: {error.strerror}") from error
    try:
        if host == "::":
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if sys.platform == "win32":  # else a second program could bind the same port and take half of the datagrams
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind is socket.SOCK_STREAM:  # streams that ended a moment ago must not keep a restarted server waiting
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((name, port, 0, int(scope)) if scope else (name, port))
        if kind is socket.SOCK_STREAM:
            opened.listen()
    except OSError as error:
        opened.close()
        raise _bind_error(error, host, f"{'TCP' if kind is socket.SOCK_STREAM else 'UDP'} port {port}") from error
    return opened


def _bind_error(error: OSError, host: str, port: str) -> PortInUseError | LinkError:
    if error.errno == errno.EADDRINUSE:
        return PortInUseError(
            f"{port} is in use by another program; choose another one with --port, "
            "or let the system choose with --port 0"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return LinkError(f"{host} is not an address of this machine; leave it out to listen on all of them")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return LinkError(f"the system does not allow to use {port}; choose one from 1024 to {_MAX_PORT}")
    return LinkError(f"cannot listen on {host}, {port}: {error.strerror}")
