"""What a client may not see is in no datagram it is sent: no value, no network id, no change.

Whoever owns a client owns its memory and its keys. So cheating by looking is impossible only where there is nothing to
look at. These tests sit on the wire with every client's keys and read everything.
"""

import random
from collections import Counter

import pytest

from ecsnet.testing.network import Link
from tests.hostile.eavesdropper import Eavesdropper
from tests.simulation.estate import Tread

WORLDS = 200
QUICK = 6


def overhear(seed: int, seconds: float = 4.0) -> Counter[str]:
    """Play on an estate and read along; clients come and go; return how much was looked at.

    Raises:
        Leak: A client was told what it may not know.
    """
    chance = random.Random(f"hidden records {seed}")
    link = Link(
        loss=chance.choice([0.0, 0.1, 0.3]),
        reorder=chance.choice([0.0, 0.1]),
        latency_seconds=chance.choice([0.0, 0.06]),
    )
    sim = Eavesdropper(seed, clients=chance.choice([2, 3]), link=Link.PERFECT)
    for client, address in sim._addresses.items():
        del client
        sim.network.set_link(("server", 7777), address, link)
    sim.before_each_step(sim.steward.stir)
    for at in range(round(seconds * 2)):
        sim.run(0.5)
        for client in sim.clients:
            client.press(Tread(dx=chance.randint(-1, 1), dy=chance.randint(-1, 1)))
        if at == 3 and chance.random() < 0.5:
            sim.join(wait=False)
        if at == 5 and chance.random() < 0.3:
            sim.kill(sim.clients[0])
    return sim.auditor.counts


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow) if seed >= QUICK else seed for seed in range(WORLDS)]
)
def test_nothing_hidden_is_in_any_datagram(seed: int) -> None:
    """Rooms, teams, grid, guest lists, families, pauses and owners at once, and everything changes all the time."""
    counts = overhear(seed)

    assert counts["messages"] > 50
    assert counts["entries"] > 100


def test_everything_is_looked_at() -> None:
    """A check that never sees anything proves nothing."""
    counts: Counter[str] = Counter()
    for seed in range(QUICK):
        counts += overhear(seed)

    assert all(counts[word] > 20 for word in ("messages", "entries", "ends", "references", "texts", "own ids"))
