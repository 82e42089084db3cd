"""Print what a datagram costs in a Connection: `python -m tests.bench.bench_connection`.

Every figure stands beside the bare loop of the same run: seal and sendto, recvfrom and open, through the same loopback
sockets. So the ratio means something on any machine.
"""

import sys
import time

from ecsnet.events import ConnectRequested
from ecsnet.transport.crypto import PacketKeys
from ecsnet.transport.identity import Identity
from tests.bench.loopback import (
    CALLS,
    CHANNELS,
    ENTROPY,
    RECEIVE_BYTES,
    STATE,
    TICK_SECONDS,
    best,
    make_client,
    make_endpoint,
    open_socket,
    receive,
    send,
)

ROUNDS, DATAGRAMS, REPEATS = 100, 16, 9  # datagrams in flight at once fit any socket's buffer
TX_TARGET, RX_TARGET = 3.0, 4.0
SHAPES = ((1, 400), (5, 80), (20, 20))


class Wire:
    """Two loopback sockets, a server's endpoint on one and a client on the other, connected."""

    def __init__(self) -> None:
        self.client_socket, self.client_address = open_socket()
        self.server_socket, self.server_address = open_socket()
        identity = Identity.generate(ENTROPY)
        self.now = 1.0
        self.endpoint = make_endpoint(identity, clients=1)
        self.client = make_client(self.server_address, identity.public, self.now)
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


def main() -> int:
    """Print the figures; fail when a ratio is more than double its target, which no busy machine explains."""
    failed = 0
    for channel in (STATE, CALLS):
        for count, size in SHAPES:
            bare_tx, bare_rx = best(lambda: bare(count * (size + 3)), REPEATS)  # noqa: B023  # called at once
            tx, rx = best(lambda: connected(count, size, channel), REPEATS)  # noqa: B023  # called at once
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
