"""Two hours on the worst link, in virtual time: everything still arrives, and nothing has grown.

What takes days in a real game is brought near: packet numbers leap (a sender may skip numbers, and all a receiver can
tell is that packets are missing), keys are renewed every 50,000 of them instead of every four million, and reliable
channels begin just below the number where its encoding grows from four bytes to eight.
"""

import os
import random

import pytest

from ecsnet.testing.network import Link
from ecsnet.transport import crypto
from ecsnet.transport.connection import Connection
from tests.transport.pair import CLIENT, ORDERED, SEQUENCED, SERVER, UNORDERED, UNRELIABLE, Pair
from tests.transport.promises import Promises, held_bytes, held_objects

WORST = Link(loss=0.25, duplicate=0.25, latency_seconds=1.0, jitter_seconds=0.1)
HARD_BYTES = 1_600_000  # what a connection may take at most
HOURS = 2
STEP_SECONDS = 0.1  # a host that sends ten times a second
MINUTE = round(60 / STEP_SECONDS)
EPOCH_PACKETS = 50_000
LEAP_PACKETS = 30_000  # below 2**15, the reach of 16 bits, with room for what is lost meanwhile
FIRST_RELIABLE = (1 << 30) - 2000  # from 2**30 on a varint takes eight bytes


def make_old(sender: Connection, receiver: Connection) -> None:
    """Let both ends believe that a thousand million reliable messages went before."""
    for channel in (UNORDERED, ORDERED):
        outgoing, incoming = sender._outbox._senders[channel], receiver._inbox._receivers[channel]
        outgoing._next_id = outgoing._oldest = incoming._next = FIRST_RELIABLE


def leap(connection: Connection) -> None:
    """Skip packet numbers, as if that many packets had been lost at once."""
    assert connection._traffic is not None
    connection._traffic._next_number += LEAP_PACKETS


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("ECSNET_SOAK", "3"))))
def test_two_hours_on_the_worst_link_leave_nothing_behind(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten messages a second each way, of every kind, some in fragments. ECSNET_SOAK sets the number of seeds."""
    monkeypatch.setattr(crypto, "EPOCH_PACKETS", EPOCH_PACKETS)
    pair, chance = Pair(seed=seed), random.Random(seed)
    ends = client, server = pair.connect()
    make_old(client, server)
    make_old(server, client)
    idle = [held_objects(end) for end in ends]
    pair.network.set_link(CLIENT, SERVER, WORST)
    pair.network.set_link(SERVER, CLIENT, WORST)
    directions = [Promises(client, server), Promises(server, client)]
    held: list[int] = []
    for minute in range(60 * HOURS):
        for step in range(MINUTE):
            pair.now += STEP_SECONDS
            for promises in directions:
                channel = (UNRELIABLE, UNORDERED, SEQUENCED, ORDERED)[step & 3]
                size = 3000 if step % 200 == 101 else chance.randrange(8, 200)
                promises.send(channel, min(size, 1000) if channel in (UNRELIABLE, SEQUENCED) else size, with_token=True)
            pair.pump()
            for promises in directions:
                promises.check()
        held.append(max(map(held_bytes, ends)))
        for end, promises in zip(ends, directions, strict=True):
            promises.forget_strays(older_than=1000)
            if minute % 2:
                leap(end)
    pair.network.set_link(CLIENT, SERVER, Link.PERFECT)
    pair.network.set_link(SERVER, CLIENT, Link.PERFECT)
    pair.run(20)
    for promises in directions:
        promises.check()

    assert all(promises.is_kept for promises in directions)
    assert all(promises.sent[channel] > 15_000 for promises in directions for channel in (UNORDERED, ORDERED))
    quarter = len(held) // 4  # how much waits to be sent differs from minute to minute; a leak lifts the least of it
    assert min(held[-quarter:]) < 1.25 * max(held[:quarter])
    assert max(held) < HARD_BYTES
    for end, before in zip(ends, idle, strict=True):
        assert held_objects(end) < before + 200  # estimates take some floats; what leaks would be thousands
        assert end._traffic is not None
        assert end._traffic._next_number > 20 << 16  # so often did the 16 bits begin anew
        assert end._traffic._keys.send._start >= 20 * EPOCH_PACKETS
        assert end._outbox._senders[ORDERED]._next_id > 1 << 30
