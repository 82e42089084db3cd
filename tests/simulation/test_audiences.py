"""Whatever the network does and however its rights change, a client ends up with exactly what it may see."""

import random

import pytest

from ecsnet.client import Client
from ecsnet.components import Player
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from tests.simulation.estate import Steward, Tread, Watcher, difference, game

SEEDS = 300
QUICK = 10
CALM_SECONDS = 20.0  # of virtual time until everything is as it should be; at 60 % loss a repair takes several rounds
CALM_CHECKS = 5


class Session:
    """A few seconds of play on an estate, and then rest; all from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(f"audiences {seed}")
        self.link = Link(
            loss=chance.choice([0.0, 0.0, 0.1, 0.3, 0.6]),
            duplicate=chance.choice([0.0, 0.1]),
            reorder=chance.choice([0.0, 0.2]),
            latency_seconds=chance.choice([0.0, 0.05, 0.1]),
            jitter_seconds=chance.choice([0.0, 0.03]),
        )
        self.sim = Simulation(
            game, clients=0, seed=seed, start_tick=chance.choice([0, 1000, 2**32 - 40]),
            transport="udp" if seed % 6 else chance.choice(["tcp", "both"]),
        )  # fmt: skip
        steward = Steward(self.sim.server.world, seed)
        self.watcher = Watcher(self.sim.server, steward)
        self.sim.before_each_step(steward.stir)
        self.sim.before_each_step(self._wander)
        for _ in range(chance.choice([1, 2, 3])):
            self._join()

    def play(self) -> None:
        """Let three seconds pass in which clients come, go and are cut off."""
        chance, sim = self.chance, self.sim
        for _ in range(6):
            sim.run(0.5)
            if chance.random() < 0.15 and len(sim.clients) < 4:
                self._join()
            elif chance.random() < 0.1 and len(sim.clients) > 1:
                sim.kill(chance.choice(sim.clients))
            elif chance.random() < 0.15:
                cut_off = chance.choice(sim.clients)
                sim.cut_off(cut_off)
                sim.run(chance.choice([0.3, 1.5]))
                sim.reconnect(cut_off)

    def rest(self) -> None:
        """Stop everything, and wait until nobody lacks anything, or anything too much."""
        sim = self.sim
        sim.stop_actions()
        for client in sim.clients:
            client.press(Tread())
        deadline = sim.now + CALM_SECONDS
        calm = 0
        while calm < CALM_CHECKS:  # in a row: the last steps of a walk may still be on their way, over TCP for seconds
            sim.run(0.25)
            difference = self._difference()
            calm = 0 if difference else calm + 1
            assert sim.now < deadline, difference

    def _join(self) -> None:
        """Join over a good link, which then turns bad: that handshakes survive a bad one is proved elsewhere."""
        client = self.sim.join(wait=False)
        address = self.sim._addresses[client]
        self.sim.run_until(lambda: client.client_id > 0, within_seconds=5.0)
        for ends in ((SERVER_ADDRESS, address), (address, SERVER_ADDRESS)):
            self.sim.network.set_link(*ends, self.link)

    def _wander(self) -> None:
        for client in self.sim.clients:
            if self.chance.random() < 0.1:
                client.press(Tread(dx=self.chance.randint(-1, 1), dy=self.chance.randint(-1, 1)))

    def _difference(self) -> str:
        # Who was killed stays a player until the server misses it, and nobody wants to wait for that.
        return "".join([difference(self.watcher, client) or _unready(client) for client in self.sim.clients])


def _unready(client: Client) -> str:
    if client.disconnected is not None:
        return f"{client} is not connected any more: {client.disconnected}"
    if not client.is_ready:
        return f"{client} was never told that all has arrived"
    here = {player.client_id for _, player in client.world.observe(Player)}
    return "" if client.client_id in here else f"{client} does not see itself"


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow) if seed >= QUICK else seed for seed in range(SEEDS)]
)
def test_every_client_ends_up_with_exactly_what_it_may_see(seed: int) -> None:
    """Rooms, teams, grid, guest lists, families, pauses, owners and references; 0 to 60 % loss and all the rest."""
    session = Session(seed)
    session.play()
    session.rest()
