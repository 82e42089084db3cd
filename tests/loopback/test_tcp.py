"""TCP over the loopback interface: records cut out of real streams, and what a hostile peer may cost.

Deadlines are given as `now`, so nothing waits for them; only for the kernel to carry a byte.
"""

import select
import selectors
import socket
import struct
from collections.abc import Callable, Generator

import pytest

from ecsnet.config import TcpConfig
from ecsnet.errors import LinkError, PortInUseError
from ecsnet.paths import open_path
from ecsnet.tcp import TcpStreams
from ecsnet.transport.address import Address, StreamAddress
from tests.loopback.test_udp import needs_ipv6

pytestmark = pytest.mark.loopback

PATIENCE = 2.0  # seconds the kernel may take for a few bytes


class Table:
    """A server's streams, a raw client, and what has arrived."""

    def __init__(self, config: TcpConfig | None = None, host: str | None = None) -> None:
        self.server = TcpStreams.listen(0, host, config)
        self.selector = selectors.DefaultSelector()
        self.server.watch(self.selector)
        self.port = self.server.address[1]
        self.now = 100.0
        self.received: list[tuple[bytes, Address]] = []
        self.raw: list[socket.socket] = []

    def open(self, host: str = "127.0.0.1") -> socket.socket:
        self.raw.append(socket.create_connection((host, self.port), PATIENCE))
        return self.raw[-1]

    def run_until(self, condition: Callable[[], object]) -> None:
        for _ in range(int(PATIENCE / 0.005)):
            self.received += self.server.receive(self.now)
            if condition():
                return
            self.selector.select(0.005)
        raise AssertionError(f"not within {PATIENCE} s: {self.server}, {self.server.drops}, {self.received}")

    def settle(self) -> None:
        """Take what has come, and what still comes within a moment."""
        for _ in range(5):
            self.received += self.server.receive(self.now)
            self.selector.select(0.002)

    @property
    def records(self) -> list[bytes]:
        return [record for record, _ in self.received]

    def close(self) -> None:
        self.server.close()
        self.selector.close()
        for opened in self.raw:
            opened.close()


@pytest.fixture
def table() -> Generator[Table, None, None]:
    opened = Table()
    yield opened
    opened.close()


@pytest.fixture
def strict() -> Generator[Callable[[TcpConfig], Table], None, None]:
    """Make tables with limits of their own."""
    tables: list[Table] = []

    def make(config: TcpConfig) -> Table:
        tables.append(Table(config))
        return tables[-1]

    yield make
    for opened in tables:
        opened.close()


def framed(*records: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(record)) + record for record in records)


def reads_end(opened: socket.socket) -> bool:
    """Tell whether the other side has ended the stream."""
    opened.settimeout(PATIENCE)
    try:
        return opened.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_records_go_both_ways_whole_and_in_order(table: Table, host: str) -> None:
    """An IPv4 peer has the same name whichever socket it came through."""
    client = TcpStreams.toward((host, table.port))
    records = [bytes([number]) * (1 + number * 9) for number in range(130)]
    for record in records:
        client.send(record, client.target, 0.0)
    table.run_until(lambda: client.receive(0.0) or len(table.received) == len(records))
    [source] = {source for _, source in table.received}
    for record in records:
        table.server.send(record, source, table.now)
    back: list[tuple[bytes, Address]] = []

    def is_back() -> bool:
        back.extend(client.receive(0.0))
        return len(back) == len(records)

    table.run_until(is_back)

    assert table.records == [record for record, _ in back] == records
    assert isinstance(source, StreamAddress)
    assert (source.host, source.stream) == (host, 1)
    client.close()


def test_a_record_may_come_byte_by_byte(table: Table) -> None:
    """TCP keeps no boundaries: ours are our own."""
    raw = table.open()
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framed(b"slow", b"and steady"):
        raw.send(bytes([byte]))
        table.settle()

    assert table.records == [b"slow", b"and steady"]


def test_two_streams_of_one_place_have_two_names(table: Table) -> None:
    """Or bytes of a new stream would be taken for those of one that has ended."""
    table.open().send(framed(b"first"))
    table.run_until(lambda: b"first" in table.records)
    table.open().send(framed(b"second"))
    table.run_until(lambda: b"second" in table.records)

    assert [source.stream for _, source in table.received if isinstance(source, StreamAddress)] == [1, 2]


def test_the_end_comes_after_the_last_record(table: Table) -> None:
    """Whatever was said before is heard; what was said in part is not."""
    raw = table.open()
    raw.send(framed(b"last words") + b"\x00\x09part")
    raw.close()
    table.run_until(lambda: b"" in table.records)

    assert table.records == [b"last words", b""]
    assert len(table.server) == 0


def test_a_reset_is_an_end(table: Table) -> None:
    """A crashed machine, a firewall: counted, never raised."""
    raw = table.open()
    table.run_until(lambda: len(table.server))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    table.run_until(lambda: b"" in table.records)

    assert table.server.drops.total() == 1
    assert table.server.receive(table.now) == []


def test_our_end_lets_everything_out_first(table: Table) -> None:
    """The last record is the reason why it ends."""
    raw = table.open()
    raw.send(framed(b"hello"))
    table.run_until(lambda: table.received)
    _, source = table.received[0]
    table.server.send(b"goodbye", source, table.now)
    table.server.send(b"", source, table.now)
    table.server.send(b"too late", source, table.now)
    raw.send(framed(b"not heard any more") * 100)
    raw.settimeout(PATIENCE)

    assert raw.recv(100) == framed(b"goodbye")
    assert reads_end(raw)
    raw.close()
    table.run_until(lambda: len(table.server) == 0)
    assert table.records == [b"hello"]


def test_a_peer_that_does_not_end_is_not_waited_for(table: Table) -> None:
    """A second of linger, then the descriptor is ours again."""
    table.open().send(framed(b"hello"))
    table.run_until(lambda: table.received)
    table.server.send(b"", table.received[0][1], table.now)
    table.settle()
    assert len(table.server) == 1
    table.now += TcpConfig().linger_seconds
    table.settle()

    assert len(table.server) == 0
    assert table.records == [b"hello"]  # who ended it needs not be told


def test_nobody_there_is_the_end_of_the_stream() -> None:
    """Not an exception in the game's loop, and not five seconds of waiting."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = TcpStreams.toward(("127.0.0.1", unused.getsockname()[1]))
    client.send(b"anybody?", client.target, 0.0)
    received: list[tuple[bytes, Address]] = []
    for _ in range(200):
        received += client.receive(0.0)
        if received:
            break
        select.select([], [], [], 0.005)

    assert received == [(b"", client.target)]
    assert client.drops["ECONNREFUSED"] == 1


def test_a_stream_that_stands_and_has_nothing_to_send_waits_for_nothing_but_what_arrives(table: Table) -> None:
    """A socket can nearly always be written to: to wait for that is not to wait at all."""
    client, selector = TcpStreams.toward(("127.0.0.1", table.port)), selectors.DefaultSelector()
    client.watch(selector)
    for _ in range(10):
        client.receive(0.0)
        select.select([], [], [], 0.005)

    assert selector.select(0) == []
    client.close()
    selector.close()


def test_a_port_in_use_is_named_with_its_kind(table: Table) -> None:
    """The same number may be free for UDP."""
    with pytest.raises(PortInUseError, match=f"TCP port {table.port} is in use"):
        TcpStreams.listen(table.port)
    with pytest.raises(LinkError, match="is not an address of this machine"):
        TcpStreams.listen(0, "192.0.2.1")


# What a peer may cost.


@pytest.mark.parametrize("head", [b"", b"\x00", b"\x00\x05", b"\x00\x05abcd"])
def test_slow_loris_a_first_record_must_come_in_time(table: Table, head: bytes) -> None:
    """Opening a stream and saying nothing, or a byte now and then, holds it for five seconds."""
    raw = table.open()
    raw.send(head)
    table.run_until(lambda: len(table.server))
    table.settle()
    table.now += 4.9
    table.settle()
    assert len(table.server) == 1
    table.now += 0.1
    table.settle()

    assert len(table.server) == 0
    assert table.server.drops == {"slow record": 1}
    assert reads_end(raw)


def test_slow_loris_every_record_must_become_whole_in_time(table: Table) -> None:
    """A byte a second keeps no stream open; silence between records does."""
    raw = table.open()
    raw.send(framed(b"whole"))
    table.run_until(lambda: table.received)
    table.now += 60
    table.settle()
    assert len(table.server) == 1
    raw.send(b"\x00\x20")
    for _ in range(5):
        raw.send(b"x")
        table.settle()
        table.now += 1.0
    table.settle()

    assert table.server.drops == {"slow record": 1}
    assert table.records == [b"whole", b""]


@pytest.mark.parametrize("length", [0, 1201, 0xFFFF])
def test_a_length_beyond_the_limit_ends_the_stream(table: Table, length: int) -> None:
    """Nothing is set aside for what is only announced."""
    raw = table.open()
    raw.send(framed(b"fine") + struct.pack("!H", length) + bytes(500))
    table.run_until(lambda: b"" in table.records)

    assert table.records == [b"fine", b""]
    assert table.server.drops == {"bad length": 1}


def test_too_many_streams_are_closed_again(strict: Callable[[TcpConfig], Table]) -> None:
    """A free place is given to the next who asks."""
    table = strict(TcpConfig(max_streams=3, max_streams_per_network=3))
    first = [table.open() for _ in range(5)]
    table.run_until(lambda: table.server.drops["too many streams"] == 2)
    assert len(table.server) == 3
    assert sum(map(reads_end, first[3:])) == 2
    first[0].close()
    table.run_until(lambda: len(table.server) == 2)
    table.open()
    table.run_until(lambda: len(table.server) == 3)


@needs_ipv6
def test_too_many_streams_of_one_network_leave_room_for_others(strict: Callable[[TcpConfig], Table]) -> None:
    """One household does not take all descriptors."""
    table = strict(TcpConfig(max_streams=10, max_streams_per_network=2))
    for _ in range(5):
        table.open("127.0.0.1")
    table.run_until(lambda: table.server.drops["too many streams of a network"] == 3)
    table.open("::1")
    table.run_until(lambda: len(table.server) == 3)


def test_a_flood_of_streams_takes_only_so_many_of_a_pass(strict: Callable[[TcpConfig], Table]) -> None:
    """The tick goes on between them."""
    table = strict(TcpConfig(accepts_per_pass=4))
    for _ in range(10):
        table.open()
    counts = []
    for _ in range(3):
        table.selector.select(PATIENCE)
        table.server.receive(table.now)
        counts.append(len(table.server))

    assert counts == [4, 8, 10]


def test_a_pass_reads_only_so_much_of_each_stream(strict: Callable[[TcpConfig], Table]) -> None:
    """Who sends without a pause does not keep the others waiting."""
    table = strict(TcpConfig(read_bytes=1002))
    greedy, modest = table.open(), table.open()
    table.run_until(lambda: len(table.server) == 2)
    greedy.send(framed(bytes(999)) * 20)
    modest.send(framed(b"and me"))
    select.select([], [], [], 0.05)
    first = table.server.receive(table.now)

    assert len(first) <= 2
    assert b"and me" in [record for record, _ in first]


def test_a_peer_that_never_reads_is_closed_when_the_buffer_is_full(table: Table) -> None:
    """The system takes what it takes, and we keep 128 KiB; then it is the peer who has to go."""
    raw = table.open()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.send(framed(b"feed me"))
    table.run_until(lambda: table.received)
    source = table.received[0][1]
    for _ in range(100_000):
        table.server.send(bytes(1200), source, table.now)
        if not len(table.server):
            break

    assert table.server.drops["write buffer full"] == 1
    assert table.server.receive(table.now) == [(b"", source)]


def test_a_peer_that_never_reads_is_closed_after_ten_seconds(table: Table) -> None:
    """Also one that fills no buffer: what waits that long is of no use to anybody."""
    raw = table.open()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.send(framed(b"feed me"))
    table.run_until(lambda: table.received)
    source = table.received[0][1]
    stream = table.server._streams[source]
    while not stream.to_send:
        table.server.send(bytes(1200), source, table.now)
    table.now += 9.9
    table.settle()
    assert len(table.server) == 1
    table.now += 0.1
    table.settle()

    assert table.server.drops == {"reads nothing": 1}
    assert table.records == [b"feed me", b""]


def test_what_waits_is_sent_when_the_peer_reads_again(table: Table) -> None:
    """Partial writes: every byte goes out once, and the selector says when."""
    raw = table.open()
    raw.send(framed(b"feed me"))
    table.run_until(lambda: table.received)
    source = table.received[0][1]
    stream = table.server._streams[source]
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    sent = b""
    while len(stream.to_send) < 100_000:
        record = len(sent).to_bytes(4, "big") * 250
        sent += framed(record)
        table.server.send(record, source, table.now)
    assert stream.events == selectors.EVENT_READ | selectors.EVENT_WRITE
    got = b""
    raw.settimeout(PATIENCE)
    while len(got) < len(sent):
        got += raw.recv(65_536)
        table.server.receive(table.now)
    table.settle()

    assert got == sent
    assert stream.events == selectors.EVENT_READ
    assert table.server.drops == {}


def test_what_cannot_be_sent_is_counted(table: Table) -> None:
    """The stream may have ended a moment ago."""
    table.server.send(b"hello?", StreamAddress("192.0.2.1", 5, 99), table.now)
    table.server.send(b"", StreamAddress("192.0.2.1", 5, 99), table.now)

    assert table.server.drops == {"no stream": 1}


def test_only_streams_that_have_something_are_asked(table: Table) -> None:
    """Of a hundred players few have sent something in one moment; the selector knows which."""
    raw = [table.open() for _ in range(5)]
    table.run_until(lambda: len(table.server) == 5)
    sockets = [stream.socket for stream in table.server._streams.values()]
    raw[1].send(framed(b"one"))
    raw[3].send(framed(b"three"))
    select.select([sockets[1]], [], [], PATIENCE)
    select.select([sockets[3]], [], [], PATIENCE)

    assert [record for record, _ in table.server.receive(table.now, [sockets[3]])] == [b"three"]
    assert table.server.receive(table.now, []) == []
    assert [record for record, _ in table.server.receive(table.now, sockets)] == [b"one"]


def test_a_stream_on_which_nothing_happens_is_ended_all_the_same(table: Table) -> None:
    """Its deadline is its own, whoever else keeps the server busy; it is looked at four times a second."""
    table.open().send(framed(b"whole") + b"\x00")
    table.run_until(lambda: table.received)
    assert table.server.receive(table.now, []) == []
    table.now += TcpConfig().record_seconds

    assert [record for record, _ in table.server.receive(table.now, [])] == [b""]
    assert table.server.drops == {"slow record": 1}


@pytest.mark.parametrize("transport", ["tcp", "both"])
def test_a_path_with_many_streams_brings_what_comes_by_each(transport: str) -> None:
    """With a wait before, which knows where something is, and without."""
    path = open_path(transport, 0, "127.0.0.1")
    raw = [socket.create_connection(path.address, PATIENCE) for _ in range(6)]
    received: list[bytes] = []

    def run_until(count: int, *, waits: bool) -> None:
        for _ in range(int(PATIENCE / 0.005)):
            if waits:
                path.wait(0.005)
            received.extend(record for record, _ in path.receive(100.0))
            if len(received) == count:
                return
            select.select([], [], [], 0.0 if waits else 0.005)

    for number, opened in enumerate(raw):
        opened.send(framed(bytes([number])))
    run_until(6, waits=False)
    for number, opened in enumerate(raw):
        opened.send(framed(bytes([number + 6])))
    run_until(12, waits=True)
    raw[0].close()
    run_until(13, waits=True)

    assert sorted(received[:12]) == [bytes([number]) for number in range(12)]
    assert received[12] == b""
    path.close()
    for opened in raw:
        opened.close()
