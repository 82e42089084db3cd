"""Everything goes wrong at once, over many seeds: a store is slow and fails, its server is killed again and again.

Whatever happens, what was acknowledged is in the store, nothing is there twice, and no coin is made or lost: what one
call changes of two players is kept together or not at all. `ECSNET_CHAOS=100 pytest ...` runs a hundred seeds.
"""

import math
import os
import random
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import pytest

from ecsnet import ClientStatus, Reply
from ecsnet.client import Client
from ecsnet.components import Player
from ecsnet.config import PersistenceConfig
from ecsnet.errors import StoreUnavailable
from tests.simulation.bazaar import Bazaar, buy, buy_now, give

T = TypeVar("T")

PLAYERS = ("anna", "ben", "cleo")
COINS = 100
SECONDS = 20


class Whimsical:
    """A worker that does jobs in their order, each when it feels like it; killed, it may have done one more."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._waiting: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(job())
            except Exception as error:
                future.set_exception(error)

        self._waiting.append(run)
        return future

    def work(self) -> None:
        while self._waiting and self._chance.random() < 0.7:
            self._waiting.pop(0)()

    def die(self) -> None:
        """End in the middle of something: done, and nobody heard of it, or not begun."""
        if self._waiting and self._chance.random() < 0.5:
            self._waiting.pop(0)()
        self._waiting.clear()


class Customer:
    """A player who buys and gives, and knows what it was told."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.client = client
        self.acknowledged: list[str] = []
        self._number = 0
        self._asked: list[tuple[Reply[int], str]] = []

    def act(self, chance: random.Random, others: list["Customer"]) -> None:
        """Ask for something, now and then."""
        client, me = self.client, self.client.entity
        self.hear()
        if not client.is_ready or me is None or client.status is not ClientStatus.CONNECTED or chance.random() > 0.3:
            return
        entities = [entity for entity, _ in client.world.observe(Player) if entity != me]
        if entities and chance.random() < 0.4:
            client.call(give, me, chance.choice(entities), chance.randint(1, 9))
            return
        self._number += 1
        thing = f"{self.name} {self._number}"
        self._asked.append((client.call(chance.choice([buy, buy_now]), me, thing), thing))

    def hear(self) -> None:
        """Note what is answered."""
        self.acknowledged += [thing for reply, thing in self._asked if reply.ok]
        self._asked = [(reply, thing) for reply, thing in self._asked if not reply.done]


@pytest.mark.parametrize("seed", range(int(os.environ.get("ECSNET_CHAOS", "4"))))
def test_whatever_happens_nothing_is_lost_or_made(tmp_path: Path, seed: int) -> None:
    """A server that is killed five times, and a store that is away for half of the time."""
    chance = random.Random(seed)
    worker = Whimsical(chance)
    config = PersistenceConfig(snapshot_seconds=2.0, answer_patience_seconds=math.inf, load_patience_seconds=1000.0)
    bazaar = Bazaar(tmp_path, worker=worker, config=config)
    sim = bazaar.sim
    customers: list[Customer] = []
    sim.before_each_step(worker.work)
    customers += [Customer(name, bazaar.join(name)) for name in PLAYERS]
    for _ in range(SECONDS * 20):
        for customer in customers:
            customer.act(chance, customers)
        if chance.random() < 0.02:
            bazaar.flaky.fails = StoreUnavailable("away")
        elif chance.random() < 0.1:
            bazaar.flaky.fails = None
        sim.step()
        if chance.random() < 5 / (SECONDS * 20):
            worker.die()
            check(bazaar, customers)
            bazaar.kill_and_resume()
    bazaar.flaky.fails = None
    sim.run(25)
    check(bazaar, customers)

    assert sum(len(customer.acknowledged) for customer in customers) > 10, "there was something to lose"
    assert all(customer.client.is_ready for customer in customers)


def check(bazaar: Bazaar, customers: list[Customer]) -> None:
    """Compare the store with what the players were told."""
    total = 0
    for customer in customers:
        customer.hear()
        [save] = bazaar.saves(f"account/{customer.name}").values()
        purse = save.components["Purse"]
        assert isinstance(purse, dict)
        bought = purse["bought"]
        assert len(bought) == len(set(bought)), "paid twice"
        assert set(customer.acknowledged) <= set(bought), "it was told, and is lost"
        total += purse["coins"] + 10 * len(bought)
    assert total == COINS * len(customers), "coins were made or lost"
