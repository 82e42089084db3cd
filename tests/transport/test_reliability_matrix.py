"""The acceptance of the transport: every promise of every channel, over each network the design names.

Nothing here depends on how fast anything is sent: a test waits until what was promised has happened.
"""

import random

import pytest

from ecsnet.testing.network import Link
from ecsnet.transport.connection import Connection
from tests.transport.pair import CLIENT, ORDERED, SEQUENCED, SERVER, UNORDERED, UNRELIABLE, Pair
from tests.transport.promises import Promises, held_bytes, held_objects

# (rate B/s, loss %, lag ms, reorder %, reorder ms), each way.
ROWS = (
    (128_000, 10, 50, 2, 50), (1_000_000, 5, 10, 1, 10), (2_000_000, 0, 50, 30, 40), (64_000, 20, 100, 4, 50),
    (1_000_000, 20, 100, 4, 10), (1_000_000, 2, 5, 2, 1), (128_000, 20, 100, 4, 40), (500_000, 20, 100, 4, 30),
    (1_000_000, 1, 25, 1, 10), (64_000, 5, 50, 2, 50), (1_000_000, 5, 50, 2, 10),
)  # fmt: skip
# A second each way: nothing the design names is worse.
WORST = Link(loss=0.25, duplicate=0.25, latency_seconds=1.0, jitter_seconds=0.1)
PATIENCE_SECONDS = 3600.0  # a bound for tests that would never end; not a promise
STEPS = 480  # eight seconds of sending
HARD_BYTES = 1_600_000  # what a connection may take at most
SEEDS = range(10)


def link_of(rate: int, loss: int, lag: int, reorder: int, reorder_ms: int) -> Link:
    """Make a link of a row; a Link holds back 1 to 3 times its jitter, so half the row's time is one jitter."""
    return Link(
        bandwidth_bytes_per_second=rate, loss=loss / 100, latency_seconds=lag / 1000, reorder=reorder / 100,
        jitter_seconds=min(reorder_ms / 2, lag) / 1000,
    )  # fmt: skip


LINKS = {"-".join(map(str, row)): link_of(*row) for row in ROWS} | {"worst": WORST}


def connected(link: Link, seed: int) -> tuple[Pair, Connection, Connection]:
    """Connect, then let the network become what it is: a handshake's patience is not what is tested here."""
    pair = Pair(seed=seed)
    client, server = pair.connect()
    set_links(pair, link)
    return pair, client, server


def set_links(pair: Pair, link: Link) -> None:
    pair.network.set_link(CLIENT, SERVER, link)
    pair.network.set_link(SERVER, CLIENT, link)


def all_kinds(promises: Promises, chance: random.Random) -> None:
    """Send some of everything: state with reports, calls, and now and then what needs fragments."""
    promises.send(UNRELIABLE, chance.randrange(8, 400), with_token=True)
    promises.send(SEQUENCED, chance.randrange(8, 100), with_token=True)
    for channel in (UNORDERED, ORDERED):
        roll = chance.random()
        if roll < 0.03:
            promises.send(channel, chance.randrange(1000, 12_000))
        elif roll < 0.5:
            promises.send(channel, chance.randrange(8, 300))


def prove(link: Link, seed: int, senders: str) -> None:
    """Let one end send, or both; wait until every promise is kept; see that nothing stays behind."""
    pair, client, server = connected(link, seed)
    directions = [Promises(client, server), Promises(server, client)]
    busy = {"client": directions[:1], "server": directions[1:], "both": directions}[senders]
    idle = [held_objects(end) for end in (client, server)]
    chance = random.Random(seed)
    most = 0
    for promises in busy:
        promises.send(UNORDERED, 100_000)  # its fragments keep coming in between all the rest
        promises.send(ORDERED, 50_000)
    for step in range(STEPS):
        for promises in busy:
            if step % 2 == 0:
                all_kinds(promises, chance)
        pair.step()
        for promises in directions:
            promises.check()
        if step % 20 == 0:
            most = max(most, held_bytes(client), held_bytes(server))
    end = pair.now + PATIENCE_SECONDS
    while not all(promises.is_kept for promises in directions):
        assert pair.now < end, f"not within {PATIENCE_SECONDS:g} s: {directions}, {client}, {server}"
        pair.step()
        for promises in directions:
            promises.check()

    assert client.is_connected
    assert server.is_connected
    assert all(promises.sent[ORDERED] > 80 for promises in busy)
    assert most < HARD_BYTES
    set_links(pair, Link.PERFECT)  # else the last acknowledgements are lost now and then
    pair.run(5)
    for connection, before in zip((client, server), idle, strict=True):
        assert held_objects(connection) < before + 200  # estimates take some floats; what leaks would be thousands


@pytest.mark.parametrize("name", LINKS)
def test_every_promise_is_kept(name: str) -> None:
    """One seed of the whole matrix, for every day."""
    prove(LINKS[name], seed=0, senders="both")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("senders", ["client", "server", "both"])
@pytest.mark.parametrize("name", LINKS)
def test_every_promise_is_kept_whoever_sends(name: str, senders: str, seed: int) -> None:
    """Also with nothing but ACKs on the way back."""
    prove(LINKS[name], seed, senders)
