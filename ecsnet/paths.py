"""Paths: the ways between this machine and all others, over UDP, TCP or both, behind the few verbs the runtime needs.

Here a program waits for its sockets, and nowhere else.
"""

import selectors
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from ecsnet.config import TcpConfig
from ecsnet.errors import PortInUseError
from ecsnet.tcp import TcpStreams
from ecsnet.transport.address import Address, DatagramAddress, StreamAddress
from ecsnet.udp import UdpSocket

__all__ = [
    "TRANSPORTS",
    "MixedPath",
    "Path",
    "PathGroup",
    "ServerPath",
    "TcpPath",
    "UdpPath",
    "check_transport",
    "open_path",
]

TRANSPORTS = ("udp", "tcp", "both")  # what a server may listen on; a client uses one of the first two
FEW_STREAMS = 2  # up to so many are asked as fast as the selector; a client has one, or two for a moment
PORT_TRIES = 16  # to find a port that is free for UDP and TCP


class Path(Protocol):
    """How datagrams and records of streams travel between one machine and all others."""

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:
        """Return what has arrived, oldest first; there may be more if it is `udp.DRAIN_LIMIT` or longer."""
        ...

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram. Whatever the network does to it, nothing is raised."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after this time, or earlier when something arrives."""
        ...

    def close(self) -> None:
        """Free what it holds. May be called again."""
        ...


class UdpPath:
    """A `Path` over a UDP socket."""

    def __init__(self, socket: UdpSocket, selector: selectors.BaseSelector | None = None) -> None:
        """Use this socket, and close it in the end.

        Args:
            selector: Where others are waited for as well; who made it closes it.
        """
        self.socket = socket
        self._owns_selector = selector is None
        self._selector = selector or selectors.DefaultSelector()
        self._selector.register(socket, selectors.EVENT_READ, self)

    @property
    def address(self) -> DatagramAddress:
        """Where it is bound."""
        return self.socket.address

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:  # noqa: ARG002  # only virtual networks need it
        """Return what has arrived, oldest first."""
        return self.socket.drain()

    def send(self, data: bytes, address: Address, now: float) -> None:  # noqa: ARG002  # only virtual networks need it
        """Send one datagram."""
        assert not isinstance(address, StreamAddress), f"{address} is not reached by UDP"
        self.socket.send(data, address)

    def wait(self, seconds: float) -> None:
        """Return after this time, or earlier when something arrives."""
        self._selector.select(max(0.0, seconds))

    def close(self) -> None:
        """Close the socket."""
        if self.socket.fileno() >= 0:  # else it was closed before
            self._selector.unregister(self.socket)
        if self._owns_selector:
            self._selector.close()
        self.socket.close()


class TcpPath:
    """A `Path` over TCP streams."""

    def __init__(self, streams: TcpStreams, selector: selectors.BaseSelector | None = None) -> None:
        """Use these streams, and close them in the end.

        Args:
            selector: Where others are waited for as well; who made it closes it.
        """
        self.streams = streams
        self._owns_selector = selector is None
        self._selector = selector or selectors.DefaultSelector()
        self._ready: list[object] | None = None  # the sockets that the last wait was for; None: there was none
        streams.watch(self._selector, self)

    @property
    def address(self) -> DatagramAddress:
        """Where they are accepted, or lead to."""
        return self.streams.address

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:
        """Return the records that have arrived, and an empty one for every stream that has ended."""
        ready, self._ready = self._ready, None
        if len(self.streams) <= FEW_STREAMS:
            return self.streams.receive(now)
        return self.streams.receive(now, self._select(0.0) if ready is None else ready)

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Send one record; an empty one closes the stream."""
        self.streams.send(data, address, now)

    def wait(self, seconds: float) -> None:
        """Return after this time, or earlier when something arrives or what waits can be sent."""
        self._ready = self._select(max(0.0, seconds))

    def _select(self, seconds: float) -> list[object]:
        return [key.fileobj for key, _ in self._selector.select(seconds)]

    def close(self) -> None:
        """Close all streams."""
        self.streams.close()
        if self._owns_selector:
            self._selector.close()


class MixedPath:
    """A `Path` over UDP and TCP at once: every client comes as it likes."""

    def __init__(self, socket: UdpSocket, streams: TcpStreams) -> None:
        """Use both, and close them in the end."""
        self._selector = selectors.DefaultSelector()
        self.datagrams = UdpPath(socket, self._selector)
        self.streams = TcpPath(streams, self._selector)

    @property
    def address(self) -> DatagramAddress:
        """Where both are bound."""
        return self.datagrams.address

    def receive(self, now: float) -> Sequence[tuple[bytes, Address]]:
        """Return what has arrived by either way."""
        return [*self.datagrams.receive(now), *self.streams.receive(now)]

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Send by the way that leads to the address."""
        path = self.streams if isinstance(address, StreamAddress) else self.datagrams
        path.send(data, address, now)

    def wait(self, seconds: float) -> None:
        """Return after this time, or earlier when something happens on either."""
        self.streams.wait(seconds)  # with the selector of both

    def close(self) -> None:
        """Close both."""
        self.streams.close()
        self.datagrams.close()
        self._selector.close()


class PathGroup:
    """The paths of many clients in one program, waited for at once.

    Attributes:
        selector: What each of them is given when it is made.
    """

    def __init__(self) -> None:
        """Start without any."""
        self.selector = selectors.DefaultSelector()

    def wait(self, seconds: float) -> list[Path]:
        """Return after this time, or earlier when something arrives; return where it did."""
        return [key.data for key, _ in self.selector.select(max(0.0, seconds))]

    def close(self) -> None:
        """Free what it holds, after its paths."""
        self.selector.close()


ServerPath: TypeAlias = UdpPath | TcpPath | MixedPath


def open_path(transport: str, port: int, host: str | None = None, config: TcpConfig | None = None) -> ServerPath:
    """Open a server's sockets.

    Args:
        transport: One of TRANSPORTS.
        port: 0 lets the system choose; UDP and TCP get the same.

    Raises:
        PortInUseError: Another program has the port.
        LinkError: The host is not an address of this machine, or the port may not be used.
        ValueError: There is no such transport.
    """
    check_transport(transport)
    if transport == "udp":
        return UdpPath(UdpSocket.listen(port, host))
    if transport == "tcp":
        return TcpPath(TcpStreams.listen(port, host, config))
    for _ in range(PORT_TRIES if port == 0 else 1):
        socket = UdpSocket.listen(port, host)
        try:
            return MixedPath(socket, TcpStreams.listen(socket.address[1], host, config))
        except PortInUseError as error:
            socket.close()
            taken = error
        except BaseException:
            socket.close()
            raise
    raise taken


def check_transport(transport: str, known: Sequence[str] = TRANSPORTS) -> str:
    """Return a name of a transport.

    Raises:
        ValueError: There is no such transport.
    """
    if transport not in known:
        raise ValueError(f"transport={transport!r}: there is {', '.join(map(repr, known))}")
    return transport
