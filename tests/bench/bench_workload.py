"""Print what a stated workload takes of a server: `python -m tests.bench.bench_workload --clients 128 512 1024`.

The workload: every client sends 32 messages of 64 B a second and is sent 60 of 400 B, for 60 ticks a second. Server and
load are two processes. The ecsnet server runs the loop of `runtime.py` (receive, update, send, read what arrives until
something is due) over a real socket; its game takes the messages and sends one to each client per tick. Beside it, in
the same run, a bare loop does the same traffic against the same kind of load: recvfrom and open, seal and sendto, a
pair of keys per client, datagrams as long as ours.

What counts is the server's own processor time (user and system) per message, which the load cannot add to. On two cores
or more the server has one for itself and the load another; on one core the tick rate means little, and that is said.
The load connects with a real `Connection` each and then goes on with its `Traffic`: numbered, sealed and acknowledged
packets without the queues, so that one core feeds a thousand clients. Every message is counted on both sides: `lost`
is what was sent and did not arrive, either way, in the kernel's buffers or elsewhere. Linux only.
"""

import heapq
import multiprocessing
import os
import resource
import select
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Control
from typing import Protocol

import click

from ecsnet.events import ConnectRequested
from ecsnet.paths import UdpPath
from ecsnet.runtime import MAX_READ, READ_PAUSE_SECONDS
from ecsnet.schedule import TickSchedule
from ecsnet.transport import packet
from ecsnet.transport.address import Address, DatagramAddress
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from ecsnet.transport.traffic import Traffic
from ecsnet.udp import UdpSocket
from tests.bench.loopback import (
    ACK_BYTES,
    CHANNELS,
    ENTROPY,
    MESSAGE_HEAD_BYTES,
    RECEIVE_BYTES,
    STATE,
    TICK_SECONDS,
    BarePeer,
    host_of,
    make_client,
    make_endpoint,
    open_socket,
    receive,
    send,
)

TO_SERVER_BYTES, TO_SERVER_HZ = 64, 32
TO_CLIENT_BYTES, TICK_RATE_HZ = 400, 60
MAX_CATCH_UP_TICKS = 5  # as ServerConfig has it
WARM_SECONDS = 1.0
DRAIN_SECONDS = 0.3  # then nothing is on its way any more
CONNECT_PATIENCE_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 0.1
ACK_REACH = 64  # packets a thin client acknowledges again and again; a real one stops when it hears they are known
RATIO_TARGET, RATIO_TARGET_CLIENTS = 2.5, 512
RATE_TARGET = 0.95
JOINING_AT_ONCE = 32
KINDS = bytes(channel.delivery for channel in CHANNELS)
MAX_FRAGMENTS = 256


@dataclass
class Measured:
    """What a server tells: of the time between `measure` and `stop`, and of all its time what it sent and received."""

    cpu_seconds: float
    wall_seconds: float
    ticks: int
    tick_seconds: list[float]
    messages: int
    sent: int
    received: int


@dataclass
class Run:
    """What one workload came to."""

    server: Measured
    to_clients_lost: int
    to_server_lost: int
    load_share: float
    load_rate: float

    @property
    def share(self) -> float:
        """The server's part of a core."""
        return self.server.cpu_seconds / self.server.wall_seconds

    @property
    def cost(self) -> float:
        """Processor seconds a message: a server that falls behind does less, and must not look cheap for it."""
        return self.server.cpu_seconds / self.server.messages

    @property
    def rate(self) -> float:
        """Ticks run, as a share of those that were due."""
        return self.server.ticks / (self.server.wall_seconds * TICK_RATE_HZ)


# The servers.


class Served(Protocol):
    """One kind of server: what its loop consists of."""

    address: DatagramAddress
    received: int
    sent: int

    def receive(self, now: float) -> None:
        """Take what has arrived."""

    def update(self, now: float) -> None:
        """Let timers fire."""

    def collect(self) -> None:
        """Take the messages."""

    def answer(self, number: int) -> None:
        """Make a message for every client."""

    def send(self, now: float) -> None:
        """Send what is to be sent."""

    def next_deadline(self) -> float | None:
        """Return when `update` has something to do."""

    def wait(self, seconds: float) -> None:
        """Return after this time, or earlier when something arrives."""


class EcsnetServer:
    """An Endpoint over a socket, as `serve` makes it."""

    def __init__(self, clients: int, identity: Identity) -> None:
        self.path = UdpPath(UdpSocket.listen(0))
        self.address = self.path.socket.address
        self.endpoint = make_endpoint(identity, clients)
        self.received = self.sent = 0

    def receive(self, now: float) -> None:
        for data, address in self.path.socket.drain(MAX_READ):
            self.endpoint.receive_datagram(data, address, now)

    def update(self, now: float) -> None:
        self.endpoint.update(now)
        for event in self.endpoint.events():
            if isinstance(event, ConnectRequested):
                self.endpoint.accept(event.request_id)

    def collect(self) -> None:
        for connection in self.endpoint.connections.values():
            self.received += len(connection.take_messages())
            connection.take_reports()

    def answer(self, number: int) -> None:
        message = bytes(TO_CLIENT_BYTES)
        for connection in self.endpoint.connections.values():
            if connection.is_connected:
                connection.send(STATE, message)
                self.sent += 1

    def send(self, now: float) -> None:
        for data, address in self.endpoint.datagrams_to_send(now):
            self.path.send(data, address, now)

    def next_deadline(self) -> float | None:
        return self.endpoint.next_deadline()

    def wait(self, seconds: float) -> None:
        self.path.wait(seconds)


class BareServer:
    """The least that does the same traffic; a client is known from its first datagram on."""

    def __init__(self) -> None:
        self.socket, self.address = open_socket()
        self.peers: dict[Address, BarePeer] = {}
        self.received = self.sent = 0
        self._outgoing: list[tuple[bytes, Address]] = []
        self._poll = select.epoll()
        self._poll.register(self.socket, select.EPOLLIN)

    def receive(self, now: float) -> None:
        recvfrom, peers = self.socket.recvfrom, self.peers
        try:
            while True:
                data, address = recvfrom(RECEIVE_BYTES)
                peer = peers.get(address)
                if peer is None:
                    peer = peers[address] = BarePeer()
                self.received += peer.open(data) is not None
        except BlockingIOError:
            return

    def update(self, now: float) -> None:
        """Do nothing: there are no timers."""

    def collect(self) -> None:
        """Do nothing: what arrived is counted already."""

    def answer(self, number: int) -> None:
        message = bytes(TO_CLIENT_BYTES + MESSAGE_HEAD_BYTES + ACK_BYTES)
        self._outgoing += [(peer.seal(message), address) for address, peer in self.peers.items()]

    def send(self, now: float) -> None:
        send(self.socket, self._outgoing)
        self.sent += len(self._outgoing)
        self._outgoing.clear()

    def next_deadline(self) -> float | None:
        return None

    def wait(self, seconds: float) -> None:
        self._poll.poll(max(0.0, seconds))


def serve(kind: str, clients: int, control: Control, core: int | None, wake: str) -> None:
    """Be the server's process: let everybody in, run ticks from `start` on, measure from `measure` to `stop`."""
    pin(core)
    identity = Identity.generate(ENTROPY)
    served: Served = EcsnetServer(clients, identity) if kind == "ecsnet" else BareServer()
    control.send((served.address, identity.public))
    loop = Loop(served, control, wake=wake)
    loop.run_until("start")
    loop.schedule = TickSchedule(TICK_SECONDS, max_catch_up_ticks=MAX_CATCH_UP_TICKS)
    loop.run_until("measure")
    loop.ticks, loop.tick_seconds = 0, []
    cpu, wall, messages = time.process_time(), time.perf_counter(), served.sent + served.received
    loop.run_until("stop")
    cpu, wall, messages = (
        time.process_time() - cpu, time.perf_counter() - wall, served.sent + served.received - messages,
    )  # fmt: skip
    ticks, tick_seconds, loop.schedule = loop.ticks, loop.tick_seconds, None
    loop.run_until("end")
    served.collect()
    control.send(Measured(cpu, wall, ticks, tick_seconds, messages, served.sent, served.received))


class Loop:
    """The loop of a server, as `RunningServer.run` has it. Attributes: see `Measured`."""

    def __init__(self, served: Served, control: Control, *, wake: str) -> None:
        self.served = served
        self.control = control
        self.wake = wake
        self.schedule: TickSchedule | None = None
        self.ticks = 0
        self.tick_seconds: list[float] = []
        self._number = 0
        self._look_at = 0.0

    def run_until(self, word: str) -> None:
        """Serve until the other process says the word. It is looked for 60 times a second, not once a pass."""
        while not self._hears(word):
            now = time.monotonic()
            self._pass(now)
            self._wait(now)

    def _wait(self, now: float) -> None:
        due = None if self.schedule is None else self.schedule.next_deadline()
        times = [at for at in (due, self.served.next_deadline()) if at is not None]
        until = min([now + LONGEST_WAIT_SECONDS, *times])
        if self.wake == "tick" and due is not None:
            time.sleep(max(0.0, due - time.monotonic()))
            return
        self.served.wait(until - time.monotonic())
        while self.wake == "receive" and due is not None and (now := time.monotonic()) < until:
            self.served.receive(now)
            self.served.wait(until - now)
            if time.monotonic() - now < READ_PAUSE_SECONDS:
                time.sleep(READ_PAUSE_SECONDS)

    def _hears(self, word: str) -> bool:
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + TICK_SECONDS
        return self.control.poll() and self.control.recv() == word

    def _pass(self, now: float) -> None:
        begin = time.perf_counter()
        self.served.receive(now)
        self.served.update(now)
        due = 0 if self.schedule is None else self.schedule.take_due(now)
        for _ in range(due):
            self._number += 1
            self.served.collect()
            self.served.answer(self._number)
        self.served.send(now)
        if due:
            self.ticks += due
            self.tick_seconds.append(time.perf_counter() - begin)


# The load.


class Player(Protocol):
    """One client of the load."""

    def make(self, now: float) -> bytes:
        """Return a datagram with one message."""

    def take(self, data: bytes, now: float) -> int:
        """Return how many messages a datagram brings."""


class ThinPlayer:
    """A real connection that goes on without queues, timers and repairs: one message a datagram, and an ACK."""

    def __init__(self, connection: Connection) -> None:
        assert connection._traffic is not None
        self._traffic: Traffic = connection._traffic

    def make(self, now: float) -> bytes:
        received = self._traffic.received
        frames = b"" if received.eliciting_since is None else packet.pack_ack(*received.take_ack(now))
        return self._traffic.seal(frames + packet.pack_message(STATE, bytes(TO_SERVER_BYTES)))

    def take(self, data: bytes, now: float) -> int:
        opened = self._traffic.open(data)
        if opened is None:
            return 0
        number, plaintext = opened
        frames = packet.parse(plaintext, KINDS, MAX_FRAGMENTS)
        self._traffic.received.add(number, now, ack_eliciting=frames[5])
        self._traffic.received.confirm(number - ACK_REACH)
        return len(frames[0])


class BarePlayer:
    """The other end of a `BareServer`."""

    def __init__(self) -> None:
        self._peer = BarePeer(is_client=True)

    def make(self, now: float) -> bytes:
        return self._peer.seal(bytes(TO_SERVER_BYTES + MESSAGE_HEAD_BYTES + ACK_BYTES))

    def take(self, data: bytes, now: float) -> int:
        return self._peer.open(data) is not None


class Load:
    """All clients. They send evenly spread over time, and read when they send, as a game's frame does.

    Attributes:
        sent, received: Messages.
    """

    def __init__(self, sockets: list[socket.socket], server: Address) -> None:
        self.sent = self.received = 0
        self._sockets = sockets
        self._server = server
        self._players: list[Player] = []

    def meet_bare(self) -> None:
        """Let the server know everybody."""
        self._players = [BarePlayer() for _ in self._sockets]
        for number in range(len(self._sockets)):
            self._send(number, time.monotonic())

    def join(self, key: bytes) -> None:
        """Connect everybody, some at a time."""
        waiting = list(self._sockets)
        joined: list[tuple[socket.socket, Connection]] = []
        end = time.monotonic() + CONNECT_PATIENCE_SECONDS
        while waiting or not all(connection.is_connected for _, connection in joined):
            now = time.monotonic()
            assert now < end, "the clients could not connect"
            joining = sum(not connection.is_connected for _, connection in joined)
            while waiting and joining < JOINING_AT_ONCE:
                joined.append((waiting.pop(0), make_client(self._server, key, now)))
                joining += 1
            for opened, connection in joined:
                receive(opened, connection, now)
                connection.update(now)
                send(opened, connection.datagrams_to_send(now))
            time.sleep(0.001)
        for opened, connection in joined:  # the last ones' first packet
            send(opened, connection.datagrams_to_send(time.monotonic()))
        self._players = [ThinPlayer(connection) for _, connection in joined]

    def play(self, seconds: float) -> None:
        """Send as often as the workload says, for this time."""
        begin, pause = time.monotonic(), 1 / TO_SERVER_HZ
        count = len(self._players)
        due = [(begin + pause * number / count, number) for number in range(count)]  # sorted, so it is a heap
        end = begin + seconds
        while due[0][0] < end:
            now = time.monotonic()
            if now < due[0][0]:
                time.sleep(due[0][0] - now)
                continue
            at, number = due[0]
            heapq.heapreplace(due, (at + pause, number))
            self._receive(number, now)
            self._send(number, now)

    def drain(self) -> None:
        """Read what is still there."""
        for number in range(len(self._players)):
            self._receive(number, time.monotonic())

    def _receive(self, number: int, now: float) -> None:
        opened, take = self._sockets[number], self._players[number].take
        try:
            while True:
                self.received += take(opened.recv(RECEIVE_BYTES), now)
        except BlockingIOError:
            return

    def _send(self, number: int, now: float) -> None:
        self._sockets[number].sendto(self._players[number].make(now), self._server)
        self.sent += 1


def run(kind: str, clients: int, seconds: float, wake: str) -> Run:
    """Do the workload once."""
    cores: list[int | None] = [*sorted(os.sched_getaffinity(0)), None, None]
    context = multiprocessing.get_context("spawn")
    control, theirs = context.Pipe()
    process = context.Process(target=serve, args=(kind, clients, theirs, cores[0], wake), daemon=True)
    process.start()
    theirs.close()  # a server that fails ends `recv`
    (_, port), key = control.recv()
    before = os.sched_getaffinity(0)
    pin(cores[1])
    sockets = [open_socket(host_of(number))[0] for number in range(clients)]
    load = Load(sockets, ("127.0.0.1", port))
    if kind == "ecsnet":
        load.join(key)
    else:
        load.meet_bare()
    control.send("start")
    load.play(WARM_SECONDS)
    control.send("measure")
    sent, cpu, wall = load.sent, time.process_time(), time.perf_counter()
    load.play(seconds)
    cpu, wall, sent = time.process_time() - cpu, time.perf_counter() - wall, load.sent - sent
    control.send("stop")
    time.sleep(DRAIN_SECONDS)
    load.drain()
    control.send("end")
    measured: Measured = control.recv()
    process.join()
    for opened in sockets:
        opened.close()
    os.sched_setaffinity(0, before)
    return Run(
        measured,
        to_clients_lost=measured.sent - load.received,
        to_server_lost=load.sent - measured.received,
        load_share=cpu / wall,
        load_rate=sent / (wall * clients * TO_SERVER_HZ),
    )


def pin(core: int | None) -> None:
    """Stay on one core, so that server and load do not take each other's; do nothing if there are too few."""
    if core is not None and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {core})


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def show(kind: str, clients: int, run: Run, bare: Run) -> None:
    """Print a line of the table."""
    ticks = run.server.tick_seconds
    print(
        f"{clients:>7}  {kind:<7}{run.share:>7.1%}{run.cost / bare.cost:>9.2f} x{run.rate:>9.1%}"
        f"{1e3 * percentile(ticks, 0.5):>9.2f}{1e3 * percentile(ticks, 0.99):>9.2f}"
        f"{run.to_server_lost:>9}{run.to_clients_lost:>9}{run.load_rate:>9.1%}{run.load_share:>8.1%}"
    )


@click.command()
@click.option("--clients", "counts", multiple=True, type=click.IntRange(min=1), default=(128,), show_default=True)
@click.option("--seconds", default=5.0, show_default=True, help="Of each measurement.")
@click.option(
    "--wake", type=click.Choice(["arrival", "receive", "tick"]), default="receive", show_default=True,
    help="What both servers do when something arrives: a whole pass; no more than read it, and a pass when one is due, "
    "as runtime.py does; or nothing until the next tick.",
)  # fmt: skip
@click.argument("more", nargs=-1, type=click.IntRange(min=1))
def main(counts: Sequence[int], more: Sequence[int], seconds: float, wake: str) -> None:
    """Measure with so many clients: `--clients 128 512 1024`."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if len(os.sched_getaffinity(0)) < 2:  # one for each
        print("ONE CORE ONLY: server and load take turns; the processor time counts, the tick rate does not")
    print(f"{TO_SERVER_HZ} x {TO_SERVER_BYTES} B from and {TICK_RATE_HZ} x {TO_CLIENT_BYTES} B to each client a second")
    print("clients  server      cpu     to bare   ticks   p50 ms   p99 ms   lost up     down     load     cpu")
    failed = False
    for clients in (*counts, *more):
        bare, ours = run("bare", clients, seconds, wake), run("ecsnet", clients, seconds, wake)
        show("bare", clients, bare, bare)
        show("ecsnet", clients, ours, bare)
        failed |= clients <= RATIO_TARGET_CLIENTS and ours.cost > 2 * RATIO_TARGET * bare.cost
    print(
        f"targets: at most {RATIO_TARGET:g} x bare up to {RATIO_TARGET_CLIENTS} clients; at 1024 clients "
        f"{RATE_TARGET:.0%} of the ticks and nothing lost"
    )
    sys.exit(failed)  # when a ratio is more than double its target, which no busy machine explains


if __name__ == "__main__":
    main()
