"""Everything at once: what one mechanism holds back, another must not wait for.

Credit, windows, pacing, parts, reading pauses and losses meet in no other test all together. Whatever they did to each
other, once the network is good again everything reliable arrives, and the books of what is on its way balance.
"""

import random

import pytest

from ecsnet.config import TransportConfig
from ecsnet.testing.network import Link
from ecsnet.transport.connection import Connection
from tests.transport.pair import CLIENT, ORDERED, SERVER, UNORDERED, Pair
from tests.transport.streams import StreamPair

SIZES = (0, 5, 100, 1000, 3000, 15_000)
LONG = (100_000, 262_144)
GOOD = Link(latency_seconds=0.02)


class Storm:
    """Two ends that send on all channels whatever fits, and read when they like."""

    def __init__(self, pair: Pair, chance: random.Random) -> None:
        self.pair, self.chance = pair, chance
        self.ends = pair.connect()
        self.sent: dict[Connection, list[list[bytes]]] = {end: [[], [], [], []] for end in self.ends}
        self.got: dict[Connection, list[list[bytes]]] = {end: [[], [], [], []] for end in self.ends}
        self.reads_at = dict.fromkeys(self.ends, 0.0)
        self.count = 0

    def send(self, end: Connection) -> None:
        for _ in range(self.chance.randint(1, 5)):
            channel = self.chance.randrange(4)
            size = self.chance.choice(SIZES + LONG if channel >= UNORDERED else SIZES)
            self.count += 1
            message = self.count.to_bytes(4, "big").ljust(size, b"x")
            if end.is_writable(channel, len(message)):
                end.send(channel, message)
                self.sent[end][channel].append(message)

    def read(self, end: Connection) -> None:
        for channel, message in end.take_messages():
            self.got[end][channel].append(message)

    def rage(self, seconds: float) -> None:
        for _ in range(round(60 * seconds)):
            for end in self.ends:
                if self.chance.random() < 0.3:
                    self.send(end)
                if self.pair.now >= self.reads_at[end]:
                    self.read(end)
                    if self.chance.random() < 0.01:
                        self.reads_at[end] = self.pair.now + self.chance.uniform(0, 4)
            self.pair.step()

    def has_settled(self) -> bool:
        for end in self.ends:
            self.read(end)
        one, other = self.ends
        pairs = ((one, other), (other, one))
        return all(len(self.got[b][i]) == len(self.sent[a][i]) for a, b in pairs for i in (UNORDERED, ORDERED))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", [Pair, StreamPair])
def test_everything_arrives_once_the_network_is_good(kind: type[Pair], seed: int) -> None:
    chance = random.Random(seed)
    link = Link(
        loss=chance.choice([0, 0, 0.02, 0.1]), latency_seconds=chance.choice([0, 0.01, 0.05, 0.15]),
        reorder=chance.choice([0, 0.05]), duplicate=chance.choice([0, 0.02]),
        bandwidth_bytes_per_second=chance.choice([None, None, 64_000, 300_000]),
    )  # fmt: skip
    config = TransportConfig(
        max_inbox_bytes=chance.choice([20_000, 262_144]), credit_bytes=chance.choice([262_144 + 64, 327_680])
    )
    storm = Storm(kind(link=link, seed=seed, config=config), chance)
    storm.rage(10)
    for way in ((SERVER, CLIENT), (CLIENT, SERVER)):
        storm.pair.network.set_link(*way, GOOD)
    storm.pair.run_until(storm.has_settled, within=90)
    storm.pair.run(5)

    one, other = storm.ends
    assert storm.pair.ended() == []
    for sender, receiver in ((one, other), (other, one)):
        assert storm.got[receiver][ORDERED] == storm.sent[sender][ORDERED]
        assert sorted(storm.got[receiver][UNORDERED]) == sorted(storm.sent[sender][UNORDERED])
        assert sender.statistics.in_flight_bytes == sum(size for _, size, *_ in in_flight_of(sender))


def in_flight_of(end: Connection) -> list[tuple[float, int]]:
    assert end._traffic is not None
    return [packet[:2] for packet in end._traffic._in_flight.packets.values()]
