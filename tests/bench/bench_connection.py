"""Print what a datagram costs in a Connection: `python tests/bench/bench_connection.py`.

Every figure stands beside the bare loop of the same run: seal and sendto, recvfrom and open, through the same loopback
sockets. So the ratio means something on any machine.
"""

import random
import socket
import sys
import time
from collections.abc import Callable

from ecsnet.config import TransportConfig
from ecsnet.events import ConnectRequested
from ecsnet.transport.address import Address
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.connection import Connection
from ecsnet.transport.crypto import PacketKeys
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity

CHANNELS = (Channel("state", Delivery.UNRELIABLE), Channel("calls", Delivery.RELIABLE_ORDERED))
STATE, CALLS = 0, 1
APPLICATION = b"bench-----------"
ROUNDS, DATAGRAMS, REPEATS = 100, 16, 9  # datagrams in flight at once fit any socket's buffer
RECEIVE_BYTES = 2048
TICK_SECONDS = 1 / 60
TX_TARGET, RX_TARGET = 3.0, 4.0
SHAPES = ((1, 400), (5, 80), (20, 20))


def open_socket() -> tuple[socket.socket, Address]:
    """Open a loopback socket that never blocks."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.setblocking(False)
    return opened, opened.getsockname()


class Wire:
    """Two loopback sockets, a server's endpoint on one and a client on the other, connected."""

    def __init__(self) -> None:
        self.client_socket, self.client_address = open_socket()
        self.server_socket, self.server_address = open_socket()
        entropy = random.Random(1).randbytes  # a bench has no secrets
        identity = Identity.generate(entropy)
        config = TransportConfig()
        self.now = 1.0
        self.endpoint = Endpoint(
            identity, application_id=APPLICATION, channels=CHANNELS, config=config, entropy=entropy
        )
        self.client = Connection.connect(
            self.server_address, pins=(identity.public,), application_id=APPLICATION, credentials=b"",
            channels=CHANNELS, config=config, entropy=entropy, now=self.now,
        )  # fmt: skip
        while not (self.client.is_connected and any(c.is_connected for c in self.endpoint.connections.values())):
            self.tick()
        self.server = next(iter(self.endpoint.connections.values()))

    def tick(self) -> None:
        """Let both sides receive and answer, unmeasured."""
        self.now += TICK_SECONDS
        send(self.client_socket, self.client.datagrams_to_send(self.now))
        receive(self.server_socket, self.endpoint, self.now)
        self.endpoint.update(self.now)
        for event in self.endpoint.events():
            if isinstance(event, ConnectRequested):
                self.endpoint.accept(event.request_id)
        send(self.server_socket, self.endpoint.datagrams_to_send(self.now))
        receive(self.client_socket, self.client, self.now)
        self.client.update(self.now)

    def close(self) -> None:
        """Free the sockets."""
        self.client_socket.close()
        self.server_socket.close()


def send(sock: socket.socket, datagrams: list[tuple[bytes, Address]]) -> None:
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


def bare(size: int) -> tuple[float, float]:
    """Measure seal + sendto and recvfrom + open; return both in microseconds per datagram."""
    here, _ = open_socket()
    there, address = open_socket()
    sealing, opening = PacketKeys("AESGCM", bytes(32)), PacketKeys("AESGCM", bytes(32))
    plaintext, number = bytes(size), 0
    sent = received = 0.0
    clock = time.process_time
    for _ in range(ROUNDS):
        start, first = clock(), number
        for number in range(first, first + DATAGRAMS):
            header = b"\0\0\0\0\0" + (number & 0xFFFF).to_bytes(2, "big")
            here.sendto(header + sealing.seal(number, header, plaintext), address)
        middle = clock()
        for number in range(first, first + DATAGRAMS):
            data, _ = there.recvfrom(RECEIVE_BYTES)
            opening.open(number, data[:7], data[7:])
        sent, received = sent + middle - start, received + clock() - middle
        number += 1
    here.close()
    there.close()
    return sent / ROUNDS / DATAGRAMS * 1e6, received / ROUNDS / DATAGRAMS * 1e6


def connected(count: int, size: int, channel: int) -> tuple[float, float]:
    """Measure a client's send and a server's receive of `count` messages of `size` bytes per datagram.

    Acknowledgements flow back between the rounds, unmeasured on their way and measured where they are applied.
    """
    wire = Wire()
    client, server, message = wire.client, wire.server, bytes(size)
    clock = time.process_time
    sent = received = 0.0
    datagrams = 0
    for token in range(ROUNDS):
        before = client.statistics.datagrams_sent
        start = clock()
        for _ in range(DATAGRAMS):
            for _ in range(count):
                client.send(channel, message, token if channel == STATE else None)
            send(wire.client_socket, client.datagrams_to_send(wire.now))
        middle = clock()
        receive(wire.server_socket, wire.endpoint, wire.now)
        server.take_messages()
        sent, received = sent + middle - start, received + clock() - middle
        datagrams += client.statistics.datagrams_sent - before
        wire.now += TICK_SECONDS
        send(wire.server_socket, wire.endpoint.datagrams_to_send(wire.now + 0.025))
        start = clock()
        receive(wire.client_socket, client, wire.now)
        client.take_reports()
        sent += clock() - start  # what the sender does on an acknowledgement belongs to the cost of sending
    wire.close()
    return sent / datagrams * 1e6, received / datagrams * 1e6


def best(measure: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Return the best of several runs, each figure for itself."""
    runs = [measure() for _ in range(REPEATS)]
    return min(run[0] for run in runs), min(run[1] for run in runs)


def main() -> int:
    """Print the figures; fail when a ratio is more than double its target, which no busy machine explains."""
    failed = 0
    for channel in (STATE, CALLS):
        for count, size in SHAPES:
            bare_tx, bare_rx = best(lambda: bare(count * (size + 3)))  # noqa: B023  # called at once
            tx, rx = best(lambda: connected(count, size, channel))  # noqa: B023  # called at once
            print(  # a command's output
                f"{CHANNELS[channel].name:<6}{count:>3} x {size:<4} B"
                f"   TX {tx:6.2f} us, bare {bare_tx:5.2f}: {tx / bare_tx:5.2f} x (target {TX_TARGET:g})"
                f"   RX {rx:6.2f} us, bare {bare_rx:5.2f}: {rx / bare_rx:5.2f} x (target {RX_TARGET:g})"
            )
            if channel == STATE and count == 1:
                failed += tx > 2 * TX_TARGET * bare_tx or rx > 2 * RX_TARGET * bare_rx
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
