"""Print what many connections cost one server: `python -m tests.bench.bench_endpoint`.

Three figures. What a datagram costs in an Endpoint of 100, 256 and 1,000 connections, beside a bare loop (recvfrom and
open, seal and sendto, as many keys and as many sockets) of the same run. What memory an idle connection takes. And what
share of a core a server needs for 1,000 clients who say nothing: its whole pass, 60 times a second.

Clients connect in memory; then their datagrams go through real sockets, each client with an address of its own.
"""

import gc
import socket
import sys
import time
import tracemalloc
from collections.abc import Sequence

import click

from ecsnet import Game, Server, netvar, player_input
from ecsnet.admission import Credentials
from ecsnet.config import ServerConfig
from ecsnet.events import ConnectRequested
from ecsnet.peer import CHANNELS as GAME_CHANNELS
from ecsnet.transport.address import Address, DatagramAddress
from ecsnet.transport.channels import Channel
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from tests.bench.loopback import (
    ACK_BYTES,
    APPLICATION,
    CHANNELS,
    ENTROPY,
    MESSAGE_HEAD_BYTES,
    RECEIVE_BYTES,
    STATE,
    TICK_SECONDS,
    BarePeer,
    best,
    config_for,
    host_of,
    make_client,
    make_endpoint,
    open_socket,
    receive,
    send,
)

TO_SERVER_BYTES, TO_CLIENT_BYTES = 64, 400
WARM_TICKS, TICKS, REPEATS = 10, 20, 3
IDLE_SECONDS = 3
SETTLE_SECONDS = 15  # every memory of a handshake is over: its cookie lives for 10
MEMORY_TARGET_BYTES, IDLE_TARGET = 20_000, 0.02
SERVER: Address = ("127.0.0.1", 7777)


@player_input
class Move:
    """What a player presses."""

    dx: int = netvar(0, low=-1, high=1)


class Crowd:
    """A server's machine and all its clients, connected in memory, on a virtual clock."""

    def __init__(
        self,
        machine: Endpoint | Server,
        identity: Identity,
        addresses: Sequence[DatagramAddress],
        *,
        place: Address = SERVER,
        application_id: bytes = APPLICATION,
        channels: Sequence[Channel] = CHANNELS,
        credentials: bytes = b"",
    ) -> None:
        """Let one client after the other in."""
        self.machine = machine
        self.place = place
        self.now = 1.0
        self.clients: dict[Address, Connection] = {}
        for address in addresses:
            client = self.clients[address] = make_client(
                place,
                identity.public,
                self.now,
                application_id=application_id,
                channels=channels,
                credentials=credentials,
            )
            while not client.is_connected:
                self.exchange({address: client}, TICK_SECONDS / 100)
        self.exchange(self.clients, TICK_SECONDS)  # the last one's first packet confirms it

    def exchange(self, clients: dict[Address, Connection], seconds: float) -> None:
        """Let time pass, and let these clients and the server say what they have to say."""
        self.now += seconds
        for address, client in clients.items():
            client.update(self.now)
            for data, _ in client.datagrams_to_send(self.now):
                self.machine.receive_datagram(data, address, self.now)
        self.machine.update(self.now)
        if isinstance(self.machine, Endpoint):
            accept_all(self.machine)
        for data, address in self.machine.datagrams_to_send(self.now):
            self.clients[address].receive_datagram(data, self.place, self.now)
        for client in clients.values():
            client.take_messages()

    def settle(self) -> None:
        """Let nothing happen until whatever belongs to the beginning is forgotten."""
        for _ in range(4 * SETTLE_SECONDS):
            self.exchange(self.clients, 0.25)


def accept_all(endpoint: Endpoint) -> None:
    """Let in whoever asks."""
    for event in endpoint.events():
        if isinstance(event, ConnectRequested):
            endpoint.accept(event.request_id)


class Hall:
    """A crowd whose datagrams travel through sockets. What is measured is processor time of the server's part."""

    def __init__(self, count: int) -> None:
        """Open a socket for everybody and connect them."""
        self.server_socket, server_address = open_socket()
        sockets = [open_socket(host_of(number)) for number in range(count)]
        self.server_address = server_address
        self.sockets: dict[Address, socket.socket] = {address: opened for opened, address in sockets}
        identity = Identity.generate(ENTROPY)
        self.endpoint = make_endpoint(identity, count)
        self.crowd = Crowd(self.endpoint, identity, [address for _, address in sockets], place=server_address)

    def play(self, ticks: int) -> tuple[float, float, float]:
        """Return what receiving, updating and sending takes, in microseconds per datagram."""
        crowd, endpoint, clock = self.crowd, self.endpoint, time.process_time
        upward, downward = bytes(TO_SERVER_BYTES), bytes(TO_CLIENT_BYTES)
        receiving = updating = sending = 0.0
        delivered = 0
        for tick in range(ticks):
            crowd.now += TICK_SECONDS
            self.clients_send(upward)
            start = clock()
            receive(self.server_socket, endpoint, crowd.now)
            for connection in endpoint.connections.values():
                delivered += len(connection.take_messages())
            received = clock()
            endpoint.update(crowd.now)
            updated = clock()
            for connection in endpoint.connections.values():
                connection.take_reports()
                connection.send(STATE, downward, tick)
            send(self.server_socket, endpoint.datagrams_to_send(crowd.now))
            receiving, updating, sending = (
                receiving + received - start, updating + updated - received, sending + clock() - updated,
            )  # fmt: skip
            self.clients_receive()
        assert delivered == ticks * len(self.sockets), f"{delivered} messages arrived, not one of each client a tick"
        scale = 1e6 / ticks / len(self.sockets)
        return receiving * scale, updating * scale, sending * scale

    def idle(self, seconds: float) -> float:
        """Return the share of a core that the server's pass takes, 60 times a second, while nobody says anything."""
        crowd, endpoint, clock = self.crowd, self.endpoint, time.process_time
        used = 0.0
        for _ in range(round(seconds / TICK_SECONDS)):
            crowd.now += TICK_SECONDS
            self.clients_send(None)
            start = clock()
            receive(self.server_socket, endpoint, crowd.now)
            endpoint.update(crowd.now)
            endpoint.events()
            send(self.server_socket, endpoint.datagrams_to_send(crowd.now))
            endpoint.next_deadline()
            used += clock() - start
            self.clients_receive()
        return used / seconds

    def clients_send(self, message: bytes | None) -> None:
        """Let every client send a message, or what it sends anyway."""
        for address, client in self.crowd.clients.items():
            if message is not None:
                client.send(STATE, message)
            client.update(self.crowd.now)
            send(self.sockets[address], client.datagrams_to_send(self.crowd.now))

    def clients_receive(self) -> None:
        """Let every client take what arrived."""
        for address, client in self.crowd.clients.items():
            receive(self.sockets[address], client, self.crowd.now)
            client.take_messages()

    def bare(self, ticks: int) -> tuple[float, float]:
        """Return what the same datagrams cost with nothing around them, in microseconds: receiving and sending."""
        upward = bytes(TO_SERVER_BYTES + MESSAGE_HEAD_BYTES + ACK_BYTES)
        downward = bytes(TO_CLIENT_BYTES + MESSAGE_HEAD_BYTES + ACK_BYTES)
        clients = {address: BarePeer(is_client=True) for address in self.sockets}
        peers = {address: BarePeer() for address in self.sockets}
        clock, sock = time.process_time, self.server_socket
        receiving = sending = 0.0
        for _ in range(ticks):
            for address, client in clients.items():
                self.sockets[address].sendto(client.seal(upward), self.server_address)
            start = clock()
            bare_receive(sock, peers)
            middle = clock()
            send(sock, [(peer.seal(downward), address) for address, peer in peers.items()])
            receiving, sending = receiving + middle - start, sending + clock() - middle
            for opened in self.sockets.values():
                opened.recvfrom(RECEIVE_BYTES)
        scale = 1e6 / ticks / len(peers)
        return receiving * scale, sending * scale

    def close(self) -> None:
        """Free the sockets."""
        for opened in (self.server_socket, *self.sockets.values()):
            opened.close()


def bare_receive(sock: socket.socket, peers: dict[Address, BarePeer]) -> None:
    """Drain a socket and open what is in it."""
    try:
        while True:
            data, address = sock.recvfrom(RECEIVE_BYTES)
            peers[address].open(data)
    except BlockingIOError:
        return


def measure_cost(hall: Hall, count: int) -> None:
    """Print what a datagram costs in a crowd of this size."""
    hall.play(WARM_TICKS)
    rx, update, tx = best(lambda: hall.play(TICKS), REPEATS)
    bare_rx, bare_tx = best(lambda: hall.bare(TICKS), REPEATS)
    total, bare = rx + update + tx, bare_rx + bare_tx
    print(
        f"{count:>5} connections   RX {rx:6.2f} us, bare {bare_rx:5.2f}: {rx / bare_rx:5.2f} x"
        f"   TX {tx:6.2f} us, bare {bare_tx:5.2f}: {tx / bare_tx:5.2f} x"
        f"   update {update:5.2f} us   all {total / bare:5.2f} x"
    )


def measure_memory(count: int, *, whole_server: bool) -> float:
    """Return the bytes one idle connection takes on a server; what the clients take is not counted."""
    identity = Identity.generate(ENTROPY)
    addresses = [(host_of(number), 4000) for number in range(count)]
    game = Game("bench", input=Move, max_clients=count)
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    if whole_server:
        config = ServerConfig(transport=config_for(count))
        server = Server(game, identity, config=config, entropy=ENTROPY)
        credentials = Credentials("", server.schema.hash).pack()
        crowd = Crowd(
            server, identity, addresses,
            application_id=game.application_id, channels=GAME_CHANNELS, credentials=credentials,
        )  # fmt: skip
    else:
        crowd = Crowd(make_endpoint(identity, count), identity, addresses)
    crowd.settle()
    connected = len(crowd.machine.connections)
    assert connected == count, f"{connected} of {count} are connected"
    crowd.clients.clear()
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / count


@click.command()
@click.option("--clients", "counts", multiple=True, default=(100, 256, 1000), show_default=True, help="Connections.")
@click.option("--idle-clients", default=1000, show_default=True, help="For the memory and for the idle server.")
def main(counts: Sequence[int], idle_clients: int) -> None:
    """Print the figures; fail when a target is missed by more than double, which no busy machine explains."""
    print(f"one message of {TO_SERVER_BYTES} B from each client and one of {TO_CLIENT_BYTES} B to each, every tick")
    for count in counts:
        hall = Hall(count)
        measure_cost(hall, count)
        hall.close()
    hall = Hall(idle_clients)
    hall.idle(1.0)
    share = hall.idle(IDLE_SECONDS)
    hall.close()
    print(f"{idle_clients:>5} silent clients   {share:6.1%} of a core (target {IDLE_TARGET:.0%})")
    endpoint_bytes = measure_memory(idle_clients, whole_server=False)
    print(f"{idle_clients:>5} idle connections at an Endpoint   {endpoint_bytes / 1000:5.1f} kB each (target 20)")
    server_bytes = measure_memory(idle_clients, whole_server=True)
    print(f"{idle_clients:>5} idle connections at a Server      {server_bytes / 1000:5.1f} kB each")
    sys.exit(share > 2 * IDLE_TARGET or endpoint_bytes > 2 * MEMORY_TARGET_BYTES)


if __name__ == "__main__":
    main()
