"""A real server and as many clients as wanted, for measuring its send ticks: real keys, real sockets, a virtual clock.

The clients' connections are real until all are in. Then only their keys and packet numbers go on: they acknowledge what
arrives and send an input a tick, without reading what the server says. So a thousand of them cost neither the time of a
thousand worlds nor a heap that the server's garbage collector would have to walk through.
"""

import gc
import random
import resource
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from ecsnet import Game, Server, World, netvar, player_input
from ecsnet.admission import Credentials
from ecsnet.collector import calm_collector
from ecsnet.config import HandshakeConfig, ServerConfig, TransportConfig
from ecsnet.paths import UdpPath
from ecsnet.peer import CHANNELS, INPUT, STATE
from ecsnet.replication.frames import State, decode_state
from ecsnet.system import System
from ecsnet.systems.replication import SendState
from ecsnet.systems.session import ClientSession, ServerSession
from ecsnet.transport import packet
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from ecsnet.transport.traffic import CLIENT_HEADER, FLAGS, SERVER_HEADER
from ecsnet.udp import UdpSocket
from ecsnet.wire import decode_packet_number
from tests.bench.loopback import ENTROPY, RECEIVE_BYTES, BarePeer, host_of, make_client, open_socket

SEND_RATE_HZ = 30
TICKS_UNTIL_REPORT = 2  # a round trip of 67 ms
INPUT_BYTES = 24
ACK_REACH = 64  # packets acknowledged again and again; a real client stops when it hears that they are known
CONNECT_TICKS = 1000
KINDS = bytes(channel.delivery for channel in CHANNELS)
MAX_FRAGMENTS = 256

# Losses in bursts (Gilbert, Elliott): everything is lost in the bad state, four packets on average, 5 % of all.
LOSS, BURST_PACKETS = 0.05, 4
LEAVE_BAD = 1 / BURST_PACKETS
ENTER_BAD = LEAVE_BAD * LOSS / (1 - LOSS)

Populate = Callable[[World, list[int]], Callable[[], None]]  # given the players' entities; returns what moves a tick


@player_input
class Move:
    """What a player presses."""

    dx: int = netvar(0, low=-1, high=1)


@dataclass
class Tick:
    """What one send tick took, in seconds, and what it said.

    Attributes:
        encode: Finding and encoding what changed.
        clients: Reports taken, messages made and queued, for all clients.
        send: Packed, sealed, handed to the socket.
        bare: The same datagrams sealed and sent, with nothing around.
        rest: The rest of the server's pass: receiving, timers.
        collecting: The part of the send tick that the garbage collector took.
    """

    encode: float
    clients: float
    send: float
    bare: float
    rest: float
    collecting: float
    datagrams: int
    bytes: int

    @property
    def all(self) -> float:
        """The send tick."""
        return self.encode + self.clients + self.send


@dataclass
class Meter:
    """Where the instrumented step notes what it took."""

    running: bool = False
    encode: float = 0.0
    step: float = 0.0
    collecting: float = 0.0


@dataclass
class Collections:
    """How long the garbage collector has worked. Attributes: `seconds`, of any generation."""

    seconds: float = 0.0
    _began: float = 0.0

    def note(self, phase: str, _: dict[str, int]) -> None:
        """Hear from the collector."""
        if phase == "start":
            self._began = time.process_time()
        else:
            self.seconds += time.process_time() - self._began


class Arena:
    """A server in the middle of a game."""

    def __init__(
        self, clients: int, populate: Populate, *, lossy: bool = False, cell_units: float = 128.0, seed: int = 1
    ) -> None:
        """Let everybody in, make the world, and play until everybody knows it."""
        _raise_file_limit()
        self._collections = Collections()
        gc.callbacks.append(self._collections.note)
        self._calm = calm_collector()  # as a server's loop does; entities and clients come later, as they do there
        self._calm.__enter__()
        self.meter = Meter()
        game = Game(
            "bench",
            input=Move,
            tick_rate_hz=SEND_RATE_HZ,
            send_rate_hz=SEND_RATE_HZ,
            max_clients=clients,
            cell_units=cell_units,
        )
        identity = Identity.generate(ENTROPY)
        self.path = UdpPath(UdpSocket.listen(0, "127.0.0.1"))
        config = ServerConfig(transport=TransportConfig(handshake=HandshakeConfig(max_pending=max(64, clients))))
        pipeline = (_metered(self.meter, self._collections),)
        self.server = Server(game, identity, config=config, entropy=ENTROPY, pipeline=pipeline, seed=seed)
        self.now = 1.0
        opened = [open_socket(host_of(number)) for number in range(clients)]
        self.sockets: dict[Address, socket.socket] = {address: sock for sock, address in opened}
        self.clients: dict[Address, ThinClient] = {}
        credentials = Credentials("", self.server.schema.hash).pack()
        for number, address in enumerate(self.sockets):
            client = make_client(
                self.path.address, identity.public, self.now,
                application_id=game.application_id, channels=CHANNELS, credentials=credentials,
            )  # fmt: skip
            self._connect(client, address)
            losses = _bursts(random.Random(seed + number)) if lossy else None
            self.clients[address] = ThinClient(client, losses)
        self._answers: deque[list[tuple[bytes, Address]]] = deque()
        self._peers: dict[Address, BarePeer] = {address: BarePeer() for address in self.sockets}
        self.move = populate(self.server.world, [peer.entity for peer in self.server.peers.values()])
        self.meter.running = True

    def _connect(self, client: Connection, address: Address) -> None:
        for _ in range(CONNECT_TICKS):
            self.now += 1 / SEND_RATE_HZ / 100
            client.update(self.now)
            for data, _ in client.datagrams_to_send(self.now):
                self.server.receive_datagram(data, address, self.now)
            self.server.update(self.now)
            for data, to in self.server.datagrams_to_send(self.now):
                if to == address:
                    client.receive_datagram(data, self.path.address, self.now)
                elif to in self.clients:
                    self.clients[to].take(data)
            if client.is_connected and len(self.server.peers) == len(self.clients) + 1:
                return
        raise AssertionError(f"{client} could not connect")

    def run(self, ticks: int) -> list[Tick]:
        """Play so many send ticks and return what each took."""
        return [self.tick() for _ in range(ticks)]

    def tick(self) -> Tick:
        """Play one send tick."""
        clock, meter, server = time.process_time, self.meter, self.server
        self.now += 1 / SEND_RATE_HZ
        now = self.now
        self.move()
        for client in self.clients.values():
            client.latest.clear()
        arriving = self._answers.popleft() if len(self._answers) >= TICKS_UNTIL_REPORT else []
        began = clock()
        for data, address in arriving:
            server.receive_datagram(data, address, now)
        meter.step = -1.0
        server.update(now)
        collecting = meter.collecting
        assert meter.step >= 0.0, "no tick was due"
        updated = clock()
        collecting -= self._collections.seconds
        datagrams = server.datagrams_to_send(now)
        send = self.path.send
        for data, address in datagrams:
            send(data, address, now)
        sent = clock()
        collecting += self._collections.seconds
        self._drain(answer=True)
        bare = self._send_bare(datagrams)
        self._drain(answer=False)
        self._answers.append([(client.answer(now), address) for address, client in self.clients.items()])
        return Tick(
            meter.encode,
            meter.step - meter.encode,
            sent - updated,
            bare,
            updated - began - meter.step,
            collecting,
            len(datagrams),
            sum([len(data) for data, _ in datagrams]),
        )

    def _send_bare(self, datagrams: list[tuple[bytes, Address]]) -> float:
        """Seal and send the same datagrams over the same socket, with a key for each client, and nothing else."""
        overhead = SERVER_HEADER.size + 16
        plain = [(self._peers[address], bytes(len(data) - overhead), address) for data, address in datagrams]
        sendto = self.path.socket._socket.sendto
        began = time.process_time()
        for peer, plaintext, address in plain:
            sendto(peer.seal(plaintext), address)
        return time.process_time() - began

    def _drain(self, *, answer: bool) -> None:
        for address, sock in self.sockets.items():
            client = self.clients[address]
            for data in _received(sock):
                if answer:
                    client.take(data)

    def heard(self, clients: int) -> list[tuple[int, State]]:
        """Return the state messages that the first so many clients got in this tick, with their sizes."""
        return [
            (len(message), decode_state(message, self.server.schema.records))
            for client in islice(self.clients.values(), clients)
            for plaintext in client.read()
            for channel, message in packet.parse(plaintext, KINDS, MAX_FRAGMENTS)[0]
            if channel == STATE
        ]

    def close(self) -> None:
        """Free the sockets."""
        self._calm.__exit__(None, None, None)
        gc.callbacks.remove(self._collections.note)
        self.path.close()
        for sock in self.sockets.values():
            sock.close()


class ThinClient:
    """What is left of a client: it acknowledges everything that is not lost, and says something each tick.

    Attributes:
        latest: What arrived in this tick, and under which number.
    """

    __slots__ = ("_connection_id", "_losses", "_next_number", "_opening", "_received", "_sealing", "latest")

    def __init__(self, connection: Connection, losses: Iterator[bool] | None) -> None:
        """Take over from a connection that is up.

        Args:
            losses: Whether the next datagram is lost on its way here.
        """
        traffic = connection._traffic
        assert traffic is not None
        self._sealing, self._opening = traffic._keys.send, traffic._keys.receive
        self._received = traffic.received
        self._next_number = traffic._next_number
        self._connection_id = connection.connection_id
        self._losses = losses
        self.latest: list[tuple[int, bytes]] = []

    def take(self, data: bytes) -> None:
        """Note a datagram as received, unless it is lost."""
        if self._losses is not None and next(self._losses):
            return
        size = SERVER_HEADER.size
        largest = self._received.largest
        number = decode_packet_number(largest, data[size - 2] << 8 | data[size - 1])
        self._received.add(number, 0.0, ack_eliciting=True)
        self.latest.append((number, data))

    def answer(self, now: float) -> bytes:
        """Return the datagram of this tick: an ACK and an input."""
        received = self._received
        received.confirm(received.largest - ACK_REACH)
        largest, _, bitmap = received.take_ack(now)
        frames = packet.pack_ack(largest, 0.0, bitmap) if largest >= 0 else b""
        number = self._next_number
        self._next_number = number + 1
        header = CLIENT_HEADER.pack(FLAGS, self._connection_id, number & 0xFFFF)
        return header + self._sealing.seal(number, header, frames + packet.pack_message(INPUT, bytes(INPUT_BYTES)))

    def read(self) -> list[bytes]:
        """Open what arrived since the last answer."""
        size = SERVER_HEADER.size
        opened = [self._opening.open(number, data[:size], data[size:]) for number, data in self.latest]
        return [plaintext for plaintext in opened if plaintext is not None]


def _metered(meter: Meter, collections: Collections) -> type[System]:
    """Return the step that sends state, with a watch in its hand."""

    class MeteredSendState(SendState):
        def __init__(self, session: ServerSession | ClientSession) -> None:
            assert isinstance(session, ServerSession)
            super().__init__(session)
            encode, clock = session.sender.encode, time.process_time

            def timed_encode(tick: int) -> None:
                began = clock()
                encode(tick)
                meter.encode = clock() - began

            vars(session.sender)["encode"] = timed_encode

        def process(self, world: World) -> None:
            if not meter.running:
                return
            for peer in self._session.peers.values():
                peer.take(INPUT)  # nobody else does
            began, collected = time.process_time(), collections.seconds
            super().process(world)
            meter.step, meter.collecting = time.process_time() - began, collections.seconds - collected

    return MeteredSendState


def _bursts(rng: random.Random) -> Iterator[bool]:
    """Tell of one packet after the other whether it is lost."""
    bad = False
    while True:
        bad = rng.random() >= LEAVE_BAD if bad else rng.random() < ENTER_BAD
        yield bad


def _received(sock: socket.socket) -> Iterator[bytes]:
    try:
        while True:
            yield sock.recv(RECEIVE_BYTES)
    except BlockingIOError:
        return


def _raise_file_limit() -> None:
    """Allow a socket for each client."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
