"""A server killed with `kill -9` while a player shops: what was acknowledged is there, and nothing is paid twice.

`ECSNET_KILLS=50 pytest tests/process/test_store_killed.py` kills it fifty times; the tests, a few.
"""

import os
import random
import sys
from pathlib import Path

import pytest

from ecsnet import Reply
from ecsnet.rpc import RefusalCode
from ecsnet.runtime import RunningClient, join
from ecsnet.samples.knight.components import Barbarian, Gold, Knight
from ecsnet.samples.knight.game import endless as game
from ecsnet.samples.knight.market import buy
from ecsnet.samples.knight.rules import BARBARIANS, WEAPON_GOLD, Weapon
from ecsnet.storage.opening import open_store
from ecsnet.storage.store import Batch, Save, SaveName
from tests.process.serving import Server

pytestmark = [pytest.mark.process, pytest.mark.slow]

KILLS = int(os.environ.get("ECSNET_KILLS", "4"))
GOLD = 1_000_000
PATIENCE_SECONDS = 20.0


class Shopper:
    """A knight that buys one weapon after another, and notes what it is told.

    Attributes:
        owned: The weapon it was last told is its.
        paid: Purchases that were acknowledged.
        doubtful: Whether the last one was not answered: it may have been made or not.
    """

    def __init__(self, link: str) -> None:
        self.client: RunningClient = join(game, link, account="anna", account_password="anna's password")
        self.conversation: object = None
        self.owned = Weapon.SWORD
        self.paid = 0
        self.wanted: Weapon | None = None
        self.reply: Reply[None] | None = None

    def wait_until_in(self) -> None:
        """Wait until the client is in at a server that was not there before."""
        client, before = self.client, self.conversation
        assert client.run_until(lambda: client.conversation is not before, within_seconds=PATIENCE_SECONDS)
        assert client.run_until(
            lambda: client.retrying is None and client.is_ready and client.entity is not None,
            within_seconds=PATIENCE_SECONDS,
        ), client.disconnected
        self.conversation = client.conversation

    def shop(self, seconds: float) -> None:
        """Buy for a while, one thing after the other; the last answer is not waited for."""
        end = self.client.clock.now() + seconds
        while self.client.clock.now() < end:
            self.client.run_until(lambda: self.reply is None or self.reply.done, within_seconds=0.1)
            self.hear()
            if self.reply is None:
                self.wanted = Weapon.AXE if self.owned is not Weapon.AXE else Weapon.LANCE
                assert self.client.entity is not None
                self.reply = self.client.call(buy, self.client.entity, self.wanted)

    def hear(self) -> None:
        """Note an answer."""
        if self.reply is None or not self.reply.done:
            return
        if self.reply.ok:
            assert self.wanted is not None
            self.owned, self.paid = self.wanted, self.paid + 1
        else:
            assert self.reply.refusal is not None
            assert self.reply.refusal.code is RefusalCode.RATE, self.reply.refusal
        self.reply = self.wanted = None

    def check(self) -> None:
        """See that what the server has is what it said, or that and what it did not come to say."""
        self.client.run_until(lambda: self.reply is None or self.reply.done, within_seconds=1.0)
        unanswered = self.reply is not None and not self.reply.ok
        if not unanswered:
            self.hear()
        world, entity = self.client.world, self.client.entity
        assert entity is not None
        gold, weapon = world.component_for_entity(entity, Gold), world.component_for_entity(entity, Knight).weapon
        paid = (GOLD - gold.amount) / WEAPON_GOLD
        if unanswered and paid == self.paid + 1:
            assert weapon is self.wanted
            self.owned, self.paid = weapon, self.paid + 1
        self.reply = self.wanted = None
        assert paid == self.paid
        assert weapon is self.owned
        assert len(world.get_component(Barbarian)) == len(BARBARIANS)


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
def test_no_purchase_is_lost_or_paid_twice_however_often_the_server_is_killed(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """At any moment; each time it goes on with its match, and the player with what it has."""
    where = str(tmp_path / "knight.db") if kind == "sqlite" else request.getfixturevalue("mongo_url")
    store = open_store(where)
    save = Save(name=SaveName(game.name, "account/anna"), revision=1, time=0.0, components={"Gold": {"amount": GOLD}})
    store.write(Batch(saves=[save]))
    chance = random.Random(11)
    options = ["--store", where, "--accounts", str(tmp_path / "accounts.db"), "--resume"]
    options += ["--registration", "open", "--snapshot-seconds", "0.5", "--key", str(tmp_path / "server.key")]
    port, shopper = "0", None
    for _ in range(KILLS):
        with Server(tmp_path, "knight:endless", "--port", port, *options) as server:
            port = str(server.link.port)
            shopper = shopper or Shopper(str(server.link))
            shopper.wait_until_in()
            shopper.check()
            shopper.shop(chance.uniform(0.05, 1.2))
    assert shopper is not None
    with Server(tmp_path, "knight:endless", "--port", port, *options):
        shopper.wait_until_in()
        shopper.check()
        shopper.client.leave()

    assert shopper.paid > KILLS
    [match] = [match for match in store.matches() if not match.ending]
    assert len(list(store.events(match.id, kinds=("resumed",)))) >= KILLS // 2, "it is the same match"
    sys.stdout.write(f"{KILLS} kills, {shopper.paid} purchases acknowledged; {len(store.matches())} matches\n")
