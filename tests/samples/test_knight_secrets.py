"""A knight's purse is nobody else's business: who reads all that another client is sent finds none of it."""

import random

import pytest

from ecsnet.samples.knight.battle import attack_random_barbarian
from ecsnet.samples.knight.components import Gold
from ecsnet.samples.knight.game import endless
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS
from tests.hostile.eavesdropper import Wiretap
from tests.replication import mutants

SEEDS = range(20)
ANSWER = b"Your slash"  # begins what an attack that was won is answered with


class Purse(Wiretap):
    """Two knights; the first fights, and his gold is another number of four random bytes every tenth of a second.

    Attributes:
        found: How many packets for the owner, and for the other, held gold of the last seconds, or an answer.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(endless, seed, link=Link.PERFECT)  # for joining: whoever listens needs the whole handshake
        self.found = {"owner": 0, "other": 0, "answers": 0, "overheard": 0}
        self._dice = random.Random(f"purse {seed}")
        self._needles: list[bytes] = []
        self.add_clients(2)
        for address in self._addresses.values():
            self.network.set_link(SERVER_ADDRESS, address, Link.POOR)
        self.owner = self.clients[0]
        self._purse = self.server.world.component_for_entity(self.server.peers[self.owner.client_id].entity, Gold)

    def fill(self) -> None:
        """Put another number into the purse, none of whose bytes is 0."""
        digits = bytes(self._dice.randint(1, 255) for _ in range(4))
        self._purse.amount = int.from_bytes(digits, "big")
        self._needles += [digits, digits[::-1]]

    def hear(self, client_id: int, plaintext: bytes) -> None:
        is_owner = client_id == self.clients[0].client_id
        self.found["owner" if is_owner else "other"] += any(needle in plaintext for needle in self._needles)
        self.found["answers" if is_owner else "overheard"] += ANSWER in plaintext

    def play(self) -> None:
        """Fight for ten seconds; somebody joins late."""
        for at in range(100):
            self.fill()
            if at % 6 == 0 and self.owner.entity is not None:
                self.owner.call(attack_random_barbarian, self.owner.entity, "slash")
            if at == 50:
                self.join(wait=False)
            self.run(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_gold_is_in_no_datagram_for_anybody_but_its_owner(seed: int) -> None:
    """Neither as a value of the World, nor in the answer to an attack; its owner gets both."""
    purse = Purse(seed)
    purse.play()

    assert purse.found["owner"] > 30
    assert purse.found["answers"] >= 3
    assert (purse.found["other"], purse.found["overheard"]) == (0, 0)


def test_a_server_that_told_everybody_would_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that cannot find anything proves nothing."""
    mutants.owner_records_for_all(monkeypatch)
    mutants.owner_changes_for_all(monkeypatch)
    purse = Purse(1)
    purse.play()

    assert purse.found["other"] > 30
