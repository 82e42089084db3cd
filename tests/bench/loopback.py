"""What the benchmarks of the transport share: sockets on this machine, and the bare loop they are compared with."""

import random
import socket
from collections.abc import Callable, Iterable, Sequence

from ecsnet.config import HandshakeConfig, TransportConfig
from ecsnet.transport.address import Address, DatagramAddress
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.connection import Connection
from ecsnet.transport.crypto import PacketKeys
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from ecsnet.transport.traffic import CLIENT_HEADER, SERVER_HEADER

CHANNELS = (Channel("state", Delivery.UNRELIABLE), Channel("calls", Delivery.RELIABLE_ORDERED))
STATE, CALLS = 0, 1
APPLICATION = b"bench-----------"
TICK_SECONDS = 1 / 60
RECEIVE_BYTES = 2048
BUFFER_BYTES = 1 << 20  # as udp.py asks for
ACK_BYTES = 10  # an ACK frame rides in most packets: type 1, largest 2, delay 2, size 1, bitmap 1 to 8
MESSAGE_HEAD_BYTES = 3
ENTROPY = random.Random(1).randbytes  # a bench has no secrets


def open_socket(host: str = "127.0.0.1") -> tuple[socket.socket, DatagramAddress]:
    """Open a loopback socket that never blocks."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((host, 0))
    opened.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        opened.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    address: DatagramAddress = opened.getsockname()
    return opened, address


def host_of(number: int) -> str:
    """Return an address of its own for a client: a server's limits for one household are not what is measured.

    All of 127.0.0.0/8 is this machine on Linux.
    """
    return f"127.0.{1 + (number >> 8)}.{number & 0xFF}"


def config_for(clients: int) -> TransportConfig:
    """Return the usual limits, with room for all clients to come at once."""
    return TransportConfig(handshake=HandshakeConfig(max_pending=max(64, clients)))


def make_endpoint(identity: Identity, clients: int) -> Endpoint:
    """Return a server's side."""
    return Endpoint(
        identity, application_id=APPLICATION, channels=CHANNELS, config=config_for(clients), entropy=ENTROPY
    )


def make_client(
    server: Address,
    key: bytes,
    now: float,
    *,
    application_id: bytes = APPLICATION,
    channels: Sequence[Channel] = CHANNELS,
    credentials: bytes = b"",
) -> Connection:
    """Return a client that starts to connect."""
    return Connection.connect(
        server, pins=(key,), application_id=application_id, credentials=credentials, channels=channels,
        config=TransportConfig(), entropy=ENTROPY, now=now,
    )  # fmt: skip


def send(sock: socket.socket, datagrams: Iterable[tuple[bytes, Address]]) -> None:
    """Send what a machine gave, as a runtime does."""
    sendto = sock.sendto
    for data, address in datagrams:
        sendto(data, address)


def receive(sock: socket.socket, machine: Connection | Endpoint, now: float) -> None:
    """Drain a socket into a machine, as a runtime does."""
    recvfrom, take = sock.recvfrom, machine.receive_datagram
    try:
        while True:
            data, address = recvfrom(RECEIVE_BYTES)
            take(data, address, now)
    except BlockingIOError:
        return


class BarePeer:
    """The least an encrypted peer can be: a key for each way, and numbers."""

    __slots__ = ("_header_bytes", "_opening", "_received", "_sealing", "_sent", "_start")

    def __init__(self, *, is_client: bool = False) -> None:
        """Start with packet number 0 both ways."""
        self._sealing, self._opening = PacketKeys("AESGCM", bytes(32)), PacketKeys("AESGCM", bytes(32))
        ours, theirs = (CLIENT_HEADER, SERVER_HEADER) if is_client else (SERVER_HEADER, CLIENT_HEADER)
        self._start, self._header_bytes = bytes(ours.size - 2), theirs.size
        self._sent = self._received = 0

    def seal(self, plaintext: bytes) -> bytes:
        """Return a datagram with a header as long as ours."""
        number = self._sent
        self._sent = number + 1
        header = self._start + (number & 0xFFFF).to_bytes(2, "big")
        return header + self._sealing.seal(number, header, plaintext)

    def open(self, data: bytes) -> bytes | None:
        """Return what the next datagram holds; on loopback none is late."""
        size = self._header_bytes
        number = self._received
        truncated = data[size - 2] << 8 | data[size - 1]
        number += (truncated - number) & 0xFFFF  # some may be lost
        self._received = number + 1
        return self._opening.open(number, data[:size], data[size:])


def best(measure: Callable[[], Sequence[float]], repeats: int) -> list[float]:
    """Return the best of several runs, each figure for itself: what disturbs only ever adds."""
    return [min(figures) for figures in zip(*(measure() for _ in range(repeats)), strict=True)]
