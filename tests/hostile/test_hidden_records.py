"""What a client may not see is in no datagram it is sent: no value, no network id, no change.

Whoever owns a client owns its memory and its keys. So cheating by looking is impossible only where there is nothing to
look at. These tests sit on the wire with every client's keys and read everything.
"""

import random
from collections import Counter

import pytest

from ecsnet.components import VisibleTo
from ecsnet.testing.network import Link
from tests.hostile.eavesdropper import Eavesdropper, Leak
from tests.replication import mutants
from tests.simulation.estate import Letter, Title, Tread

WORLDS = 200
QUICK = 6
MUTANT_WORLDS = 60  # until a mutant must be found


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
    for address in sim._addresses.values():
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


@pytest.mark.parametrize(
    "mutant",
    [
        mutants.owner_records_for_all,
        mutants.owner_changes_for_all,
        mutants.everybody_one_team,
        mutants.stuck_in_cells,
        mutants.list_beats_rules,
        mutants.names_of_everybody,
        mutants.names_used_again,
        mutants.names_of_the_hidden,
        mutants.references_shared,
        mutants.children_by_their_own_rules,
        mutants.paused_goes_on,
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_a_server_that_tells_too_much_is_found_out(mutant: mutants.Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads along finds what would have to be found."""
    mutant(monkeypatch)

    with pytest.raises(Leak):
        _overhear_many()


def _overhear_many() -> None:
    for seed in range(MUTANT_WORLDS):
        overhear(seed)


class Auction(Eavesdropper):
    """Two clients and eight lots: four are shown to both at times, the others to one of them alone, or never."""

    def __init__(self, *, secret_bids: bool) -> None:
        super().__init__(3, clients=2, link=Link.PERFECT, most=0)
        world, self.bidder = self.server.world, self.clients[1].client_id
        lots = [world.create_entity(Title(at), VisibleTo()) for at in range(8)]
        for lot in lots:
            world.component_for_entity(lot, Title).mark = lot
        self.run(0.5)
        for round_ in range(12):
            if secret_bids:
                shown = self._list(lots[4 + round_ % 4])
                shown.clients = frozenset({self.bidder} if round_ % 3 else ())
                world.component_for_entity(lots[5], Title).mark = lots[5]
                world.add_component(lots[6], Letter(f"<{lots[6]}.Letter.{round_}>"))
            public = self._list(lots[round_ % 4])
            public.clients = frozenset(() if round_ // 4 % 2 else {1, 2})
            self.run(0.2)
        if secret_bids:
            world.create_entity(Title(0), VisibleTo(frozenset({self.bidder})))

    def _list(self, lot: int) -> VisibleTo:
        return self.server.world.component_for_entity(lot, VisibleTo)


def test_what_a_client_hears_does_not_depend_on_what_only_others_see() -> None:
    """Not even by the numbers entities have: to the byte it is the same, whatever goes on behind its back."""
    quiet, busy = Auction(secret_bids=False), Auction(secret_bids=True)
    watcher = quiet.clients[0].client_id

    assert busy.states[watcher] == quiet.states[watcher]
    assert len(busy.states[busy.bidder]) > 0
    assert busy.states[busy.bidder] != quiet.states[quiet.bidder]
    assert sum(len(state.leaves) for state in quiet.states[watcher]) > 3
