"""TCP: the only file that opens TCP sockets. It never blocks, and no remote condition raises into the host.

A stream is cut into records (`transport/records.py`). What `receive` returns and what `send` takes is one record of one
stream, whole. An empty record is the stream's end: received, it has ended or broken, and
nothing more will come; sent, it is to be closed, once what was sent before is out.

A peer may open streams and say nothing, stop in the middle of a record, or never read. Each costs one of a limited
number of streams for a limited time, and at most one record and a write buffer of memory.
"""

import contextlib
import errno
import math
import selectors
import socket
from collections import Counter
from collections.abc import Collection

from ecsnet.config import TcpConfig
from ecsnet.transport.address import Address, DatagramAddress, StreamAddress, network_of
from ecsnet.transport.records import RecordReader, pack_record
from ecsnet.udp import bind_listener

__all__ = ["TcpStreams"]

DEADLINE_SECONDS = 0.25  # between two looks at who takes too long: a quarter of the shortest time there is
_MAPPED = "::ffff:"  # how an IPv6 socket names an IPv4 peer; see udp.py
_UNDER_WAY = {0, errno.EINPROGRESS, errno.EWOULDBLOCK}  # what a connection that is not refused at once reports


class _Stream:
    """One TCP connection and what it holds between two passes."""

    __slots__ = ("address", "closes_at", "events", "is_connecting", "network", "reader", "socket", "stuck_since",
                 "to_send", "waits_since")  # fmt: skip

    def __init__(self, opened: socket.socket, address: StreamAddress, limit_bytes: int) -> None:
        """Take over a socket; `limit_bytes` is the longest record."""
        opened.settimeout(0.0)
        with contextlib.suppress(OSError):  # macOS refuses when the peer is gone already
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a game's small record must not wait
        self.socket = opened
        self.address = address
        self.network = network_of(address)
        self.is_connecting = False
        self.reader = RecordReader(limit_bytes)
        self.to_send = bytearray()
        self.waits_since: float | None = None  # since when a record is awaited that must become whole
        self.stuck_since: float | None = None  # since when the peer took nothing of what there is to send
        self.closes_at: float | None = None  # our side said the end; until then the peer may say its own
        self.events = 0

    def take_records(self, data: bytes, now: float) -> list[bytes]:
        """Return what is whole by now, and remember since when there is more to come."""
        records = self.reader.feed(data)
        if records:
            self.waits_since = now if self.reader.held_bytes else None
        elif data and self.waits_since is None:
            self.waits_since = now
        return records


class TcpStreams:
    """All streams of a server's listening socket, or a client's, one for each of its connections.

    Attributes:
        address: Where it listens, or leads to.
        drops: Streams that did not end as they should, and records not sent, by reason.
    """

    def __init__(self, address: DatagramAddress, config: TcpConfig, listener: socket.socket | None = None) -> None:
        """Start without streams; `listen` and `toward` make one."""
        self.address = address
        self.drops: Counter[str] = Counter()
        self._config = config
        self._listener = listener
        self._streams: dict[Address, _Stream] = {}
        self._by_socket: dict[object, _Stream] = {}
        self._by_network: Counter[str] = Counter()
        self._ended: list[StreamAddress] = []  # to be told with the next `receive`
        self._selector: selectors.BaseSelector | None = None
        self._watcher: object = None
        self._deadlines_at = -math.inf
        self._last_number = 0

    @staticmethod
    def listen(port: int, host: str | None = None, config: TcpConfig | None = None) -> "TcpStreams":
        """Open a server's socket.

        Args:
            port: 0 lets the system choose; see `address`.
            host: One address of this machine; None: all of them, IPv4 and IPv6.

        Raises:
            PortInUseError: Another program has the port.
            LinkError: The host is not an address of this machine, or the port may not be used.
        """
        config = config or TcpConfig()
        listener = bind_listener(port, host, socket.SOCK_STREAM)
        listener.settimeout(0.0)
        host, port = listener.getsockname()[:2]
        return TcpStreams((host, port), config, listener)

    @staticmethod
    def toward(address: DatagramAddress, config: TcpConfig | None = None) -> "TcpStreams":
        """Start a client's stream to an address as `udp.resolve` returns it; `target` is its name.

        Another one, for another connection, is started by sending to the next number. Whatever hinders it shows as the
        end of the stream.
        """
        streams = TcpStreams(address, config or TcpConfig())
        streams._connect(streams.target)
        return streams

    @property
    def target(self) -> StreamAddress:
        """The name of a client's first stream."""
        return StreamAddress(*self.address, 1)

    def __repr__(self) -> str:
        """Show where it is bound and how many streams there are."""
        return f"TcpStreams({self.address}, {len(self._streams)} streams)"

    def __len__(self) -> int:
        """Count the streams."""
        return len(self._streams)

    def watch(self, selector: selectors.BaseSelector, watcher: object = None) -> None:
        """Keep registered with a selector, from now on, whatever there is to wait for; it is never asked here.

        Args:
            watcher: What the selector gives out as `data`.
        """
        self._selector, self._watcher = selector, watcher
        if self._listener is not None:
            selector.register(self._listener, selectors.EVENT_READ, watcher)
        for stream in self._streams.values():
            self._watch(stream)

    def receive(self, now: float, ready: Collection[object] | None = None) -> list[tuple[bytes, Address]]:
        """Return the records that have arrived and the streams that have ended, oldest first within each stream.

        Of each stream at most `read_bytes` are read: then others get their turn.

        Args:
            ready: The sockets on which something has happened, as the selector has it; None: that is not known, and
                all are asked. To ask a hundred in vain takes 0.2 ms.
        """
        received: list[tuple[bytes, Address]] = []
        if self._listener is not None and (ready is None or self._listener in ready):
            self._accept(self._listener, now)
        for each in list(self._by_socket) if ready is None else ready:
            stream = self._by_socket.get(each)
            if stream is not None:
                received += [(record, stream.address) for record in self._serve(stream, now)]
        if ready is None or now >= self._deadlines_at:
            self._deadlines_at = now + DEADLINE_SECONDS
            for stream in list(self._streams.values()):
                self._check_deadlines(stream, now)
        received += [(b"", address) for address in self._ended]
        self._ended.clear()
        return received

    def _serve(self, stream: _Stream, now: float) -> list[bytes]:
        """Return what has arrived by a stream, and give the system what it takes."""
        if stream.is_connecting:
            self._finish_connecting(stream)
        if stream.is_connecting:
            return []
        records = self._read(stream, now)
        if stream.to_send:
            self._flush(stream, now)
        return records

    def send(self, record: bytes, address: Address, now: float) -> None:
        """Send one record, or close the stream if it is empty; what cannot be sent is counted."""
        if isinstance(address, StreamAddress) and self._is_next(address):
            self._connect(address)
        stream = self._streams.get(address)
        if stream is None or stream.closes_at is not None:
            self.drops["no stream"] += bool(record)
            return
        if record:
            stream.to_send += pack_record(record)
        else:
            stream.closes_at = now + self._config.linger_seconds
        self._flush(stream, now)
        if len(stream.to_send) > self._config.write_buffer_bytes:
            self._break(stream, "write buffer full")

    def close(self) -> None:
        """Close everything; what the system has taken it still delivers. May be called again."""
        for stream in list(self._streams.values()):
            self._flush(stream, 0.0)
            if stream.address in self._streams:
                self._remove(stream)
        if self._listener is not None:
            if self._selector is not None:
                self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    # Opening.

    def _accept(self, listener: socket.socket, now: float) -> None:
        """Take the streams that wait, as far as there is room for them; the others are closed again."""
        for _ in range(self._config.accepts_per_pass):
            try:
                opened, source = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # aborted meanwhile, or the process has no descriptor left: later
                self.drops[_name(error.errno)] += 1
                return
            self._last_number += 1
            address = StreamAddress(*_plain(source), self._last_number)
            stream = _Stream(opened, address, self._config.max_record_bytes)
            reason = self._obstacle(stream)
            if reason:
                self.drops[reason] += 1
                opened.close()
                continue
            stream.waits_since = now
            self._add(stream)

    def _obstacle(self, stream: _Stream) -> str:
        """Return why a stream is not taken; nothing if it is."""
        if len(self._streams) >= self._config.max_streams:
            return "too many streams"
        if self._by_network[stream.network] >= self._config.max_streams_per_network:
            return "too many streams of a network"
        return ""

    def _is_next(self, address: StreamAddress) -> bool:
        """Tell whether this is a client's next stream to its server."""
        return self._listener is None and address.stream == self._last_number + 1 and address[:2] == self.address

    def _connect(self, address: StreamAddress) -> None:
        self._last_number = address.stream
        host, _, scope = address.host.partition("%")
        is_ipv6 = ":" in host
        try:
            opened = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        except OSError as error:
            self.drops[_name(error.errno)] += 1
            self._ended.append(address)
            return
        stream = _Stream(opened, address, self._config.max_record_bytes)
        stream.is_connecting = True
        self._add(stream)
        try:
            failure = opened.connect_ex((host, address.port, 0, int(scope or 0)) if is_ipv6 else (host, address.port))
        except OSError as error:
            failure = error.errno or errno.EINVAL
        if failure not in _UNDER_WAY:
            self._break(stream, _name(failure))

    def _finish_connecting(self, stream: _Stream) -> None:
        """See whether the connection stands by now."""
        failure = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            self._break(stream, _name(failure))
            return
        with contextlib.suppress(OSError):  # not yet
            stream.socket.getpeername()
            stream.is_connecting = False
            self._watch(stream)

    # Reading and writing.

    def _read(self, stream: _Stream, now: float) -> list[bytes]:
        """Return what has arrived; a stream that cannot go on is gone afterwards."""
        if stream.address not in self._streams:
            return []
        try:
            data = stream.socket.recv(self._config.read_bytes)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            self._break(stream, _name(error.errno))
            return []
        if stream.closes_at is not None:
            # Nobody listens any more. But unread bytes would make the system break the stream, our last words included.
            if not data:
                self._break(stream, "ended")
            return []
        records = stream.take_records(data, now)
        if stream.reader.is_broken:
            self._break(stream, "bad length")
        elif not data:
            self._break(stream, "ended")
        return records

    def _flush(self, stream: _Stream, now: float) -> None:
        """Give the system what it takes."""
        if stream.is_connecting or stream.address not in self._streams:
            return
        try:
            while stream.to_send:
                sent = stream.socket.send(stream.to_send)
                del stream.to_send[:sent]
                stream.stuck_since = None
            if stream.closes_at is not None:
                stream.socket.shutdown(socket.SHUT_WR)
        except (BlockingIOError, InterruptedError):
            if stream.stuck_since is None:
                stream.stuck_since = now
        except OSError as error:
            self._break(stream, _name(error.errno))
            return
        self._watch(stream)

    def _check_deadlines(self, stream: _Stream, now: float) -> None:
        """End a stream that takes too long over anything."""
        config = self._config
        if stream.closes_at is not None and now >= stream.closes_at:
            self._break(stream, "lingered")
        elif stream.waits_since is not None and now >= stream.waits_since + config.record_seconds:
            self._break(stream, "slow record")
        elif stream.stuck_since is not None and now >= stream.stuck_since + config.write_patience_seconds:
            self._break(stream, "reads nothing")

    # Bookkeeping.

    def _add(self, stream: _Stream) -> None:
        self._streams[stream.address] = self._by_socket[stream.socket] = stream
        self._by_network[stream.network] += 1
        self._watch(stream)

    def _break(self, stream: _Stream, reason: str) -> None:
        """Let a stream go; the host is told, unless it was the one to end it."""
        if self._streams.get(stream.address) is not stream:
            return
        self._remove(stream)
        if stream.closes_at is None:
            self.drops[reason] += 1
            self._ended.append(stream.address)

    def _remove(self, stream: _Stream) -> None:
        if stream.events and self._selector is not None:
            self._selector.unregister(stream.socket)
        stream.socket.close()
        del self._streams[stream.address], self._by_socket[stream.socket]
        self._by_network[stream.network] -= 1
        if not self._by_network[stream.network]:
            del self._by_network[stream.network]

    def _watch(self, stream: _Stream) -> None:
        """Wait for what the stream waits for."""
        if self._selector is None:
            return
        events = selectors.EVENT_READ
        if stream.to_send or stream.is_connecting:
            events |= selectors.EVENT_WRITE
        if not stream.events:
            self._selector.register(stream.socket, events, self._watcher)
        elif events != stream.events:
            self._selector.modify(stream.socket, events, self._watcher)
        stream.events = events


def _plain(source: tuple[str, int] | tuple[str, int, int, int]) -> DatagramAddress:
    """Return how everybody else names the owner of a socket address; as `UdpSocket` does."""
    host = source[0]
    if host.startswith(_MAPPED):
        host = host[len(_MAPPED) :]
    elif len(source) > 2 and source[3] and "%" not in host:  # noqa: PLR2004  # a link-local address needs its scope
        host = f"{host}%{source[3]}"
    return host, source[1]


def _name(number: int | None) -> str:
    return errno.errorcode.get(number or 0, "OSError")
