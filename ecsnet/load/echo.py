"""The bare encrypted echo: the least that a server which answers can be, as the floor that others are held against.

It receives, opens, seals an answer of the same size and sends it, in a plain loop over a selector: no handshake, no
acknowledgements, no world. What is sealed has the header, the cipher and, over TCP, the length of our own packets; all
share one key, which is no secret. The other end of it measures how long an answer takes.
"""

import heapq
import selectors
import socket

from ecsnet.clock import MonotonicClock
from ecsnet.distribution import Distribution
from ecsnet.transport.address import DatagramAddress
from ecsnet.transport.crypto import PacketKeys
from ecsnet.transport.records import RecordReader, pack_record
from ecsnet.transport.traffic import CLIENT_HEADER, FLAGS, SERVER_HEADER

__all__ = ["EchoServer", "measure_echo"]

HOST = "127.0.0.1"
RECEIVE_BYTES = 2048
PATIENCE_SECONDS = 5.0  # to connect
CIPHER, KEY = "AESGCM", bytes(32)
HELLO = b"hello"
QUESTION_BYTES = 44  # of plaintext, as a call of two arguments with its ACK; and its answer


class Peer:
    """The keys of one end, and how many packets it has sent and received."""

    __slots__ = ("_header", "_opening", "_peer_header_bytes", "_received", "_sealing", "_sent")

    def __init__(self, *, is_client: bool) -> None:
        """Begin with packet number 0."""
        ours, theirs = (CLIENT_HEADER, SERVER_HEADER) if is_client else (SERVER_HEADER, CLIENT_HEADER)
        self._header = bytes((FLAGS,)) + bytes(ours.size - 1)
        self._peer_header_bytes = theirs.size
        self._sealing, self._opening = PacketKeys(CIPHER, KEY), PacketKeys(CIPHER, KEY)
        self._sent = self._received = 0

    def seal(self, plaintext: bytes) -> bytes:
        """Return the next packet."""
        number, self._sent = self._sent, self._sent + 1
        return self._header + self._sealing.seal(number, self._header, plaintext)

    def open(self, data: bytes) -> bytes:
        """Return what the next packet holds; on one machine none is lost or late."""
        number, self._received = self._received, self._received + 1
        size = self._peer_header_bytes
        plaintext = self._opening.open(number, data[:size], data[size:])
        assert plaintext is not None, "a packet of the echo is missing"
        return plaintext


class EchoServer:
    """Answers until its process ends.

    Attributes:
        port: Where it does.
    """

    def __init__(self, transport: str) -> None:
        """Open the socket; "udp" or "tcp"."""
        self._is_stream = transport == "tcp"
        self._socket = _open(transport)
        self._socket.bind((HOST, 0))
        if self._is_stream:
            self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self._peers: dict[DatagramAddress, Peer] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ, self._accept if self._is_stream else self._answer)

    def run(self) -> None:
        """Answer whatever arrives."""
        while True:
            self.answer(None)

    def answer(self, seconds: float | None) -> None:
        """Wait until something arrives, at most for some time, and answer it."""
        for key, _ in self._selector.select(seconds):
            key.data()

    def close(self) -> None:
        """Close all sockets."""
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _answer(self) -> None:
        receive, send, peers = self._socket.recvfrom, self._socket.sendto, self._peers
        try:
            while True:
                data, address = receive(RECEIVE_BYTES)
                if data == HELLO:  # the address may have been another client's before
                    peers[address] = Peer(is_client=False)
                else:
                    send(peers[address].seal(peers[address].open(data)), address)
        except BlockingIOError:
            return

    def _accept(self) -> None:
        stream, _ = self._socket.accept()
        stream.settimeout(0.0)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer, reader = Peer(is_client=False), RecordReader(RECEIVE_BYTES)

        def answer() -> None:
            try:
                data = stream.recv(RECEIVE_BYTES)
            except ConnectionError:  # its client ended without waiting for the last answer
                data = b""
            if not data:
                self._selector.unregister(stream)
                stream.close()
            for record in reader.feed(data):
                stream.send(pack_record(peer.seal(peer.open(record))))

        self._selector.register(stream, selectors.EVENT_READ, answer)


class Asker:
    """One client of the echo: asks, and takes the answer.

    Attributes:
        asked_at: When the question went out whose answer is awaited; None if none is.
    """

    def __init__(self, transport: str, port: int) -> None:
        """Connect."""
        self.socket = _open(transport)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect((HOST, port))
        self.socket.settimeout(0.0)
        self._peer = Peer(is_client=True)
        self._reader = RecordReader(RECEIVE_BYTES) if transport == "tcp" else None
        if self._reader is None:
            self.socket.send(HELLO)
        self.asked_at: float | None = None

    def ask(self, now: float) -> None:
        """Send a question."""
        packet = self._peer.seal(bytes(QUESTION_BYTES))
        self.socket.send(packet if self._reader is None else pack_record(packet))
        self.asked_at = now

    def take(self) -> bool:
        """Read what has arrived; tell whether it is the answer."""
        data = self.socket.recv(RECEIVE_BYTES)
        packets = [data] if self._reader is None else self._reader.feed(data)
        return [len(self._peer.open(packet)) for packet in packets] == [QUESTION_BYTES]


def measure_echo(
    transport: str, port: int, *, clients: int, rate_hz: float, warm_seconds: float, seconds: float
) -> Distribution:
    """Let so many clients ask so often each, evenly spread; return the seconds until their answers."""
    clock, selector = MonotonicClock(), selectors.DefaultSelector()
    askers = [Asker(transport, port) for _ in range(clients)]
    for each in askers:
        selector.register(each.socket, selectors.EVENT_READ, each)
    begin = clock.now()
    due = [(begin + number / (rate_hz * clients), number) for number in range(clients)]  # sorted, so it is a heap
    found = Distribution()
    try:
        while (now := clock.now()) < begin + warm_seconds + seconds:
            for key, _ in selector.select(max(0.0, due[0][0] - now)):
                asker: Asker = key.data
                if asker.take() and asker.asked_at is not None:
                    if asker.asked_at >= begin + warm_seconds:
                        found.note(clock.now() - asker.asked_at)
                    asker.asked_at = None
            while due[0][0] <= (now := clock.now()):
                at, number = due[0]
                heapq.heapreplace(due, (at + 1 / rate_hz, number))
                if askers[number].asked_at is None:  # else the answer is late by a whole turn, and will count as such
                    askers[number].ask(now)
    finally:
        for each in askers:
            each.socket.close()
        selector.close()
    return found


def _open(transport: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)
    opened.settimeout(0.0)
    if transport == "tcp":
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened
