"""A game in which things are bought, a store to keep it in, and stores and workers with faults."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ecsnet.accounts import Accounts, Registration
from ecsnet.archive import Archive
from ecsnet.client import Client
from ecsnet.components import Persistent, Player
from ecsnet.config import AccountConfig, PersistenceConfig, RoomConfig, ServerConfig
from ecsnet.fields import EVERYONE, OWNER, EntityRef, NetVar, component, netvar
from ecsnet.game import Game
from ecsnet.gameevent import event
from ecsnet.remote import SERVER
from ecsnet.resume import begin
from ecsnet.rpc import Call, Rpc, rpc
from ecsnet.server import server_name
from ecsnet.storage.opening import open_store
from ecsnet.storage.store import Batch, Save, SaveName, Store, StoredEvent
from ecsnet.system import System
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.identity import Identity
from ecsnet.worker import Inline, Worker
from ecsnet.world import World
from tests.test_accounts import Book

T = TypeVar("T")

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1)
EPOCH = 1_800_000_000.0  # of the test's calendar


@component
class Purse:
    """Whose it is."""

    coins: NetVar[int] = netvar(100, low=-100_000, high=100_000, audience=OWNER)
    bought: tuple[str, ...] = ()


@component
class Chest:
    """The world's."""

    coins: int = 10


@component
class Hand:
    """What is not kept for good."""

    holds: str = ""


@event
class Bought:
    """Somebody bought something."""

    buyer: EntityRef
    thing: str


@event(reliable=False)
class Clink:
    """A sound."""

    buyer: EntityRef


@rpc(to=SERVER, owner_only=True, rate_hz=1000)
def buy(call: Call, buyer: EntityRef, thing: str) -> int:
    """Buy something for ten coins."""
    return _sell(call, buyer, thing)


@rpc(to=SERVER, owner_only=True, rate_hz=1000, answer="arrival")
def buy_now(call: Call, buyer: EntityRef, thing: str) -> int:
    """Buy something, without waiting for the tick."""
    return _sell(call, buyer, thing)


@rpc(to=SERVER, owner_only=True, rate_hz=1000)
def give(call: Call, giver: EntityRef, to: EntityRef, coins: int) -> int:
    """Hand coins to somebody."""
    purse = call.world.component_for_entity(giver, Purse)
    call.world.component_for_entity(to, Purse).coins += coins
    purse.coins -= coins
    return purse.coins


@rpc(to=SERVER, rate_hz=1000)
def look(call: Call) -> int:
    """Change nothing."""
    return call.world.tick


def _sell(call: Call, buyer: int, thing: str) -> int:
    purse = call.world.component_for_entity(buyer, Purse)
    purse.coins -= 10
    purse.bought = (*purse.bought, thing)
    call.world.to(EVERYONE).send(Bought(buyer, thing))
    call.world.to(EVERYONE).send(Clink(buyer))
    return purse.coins


class Open(System):
    """Gives everybody a purse."""

    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            for part in (Purse(), Hand(), Persistent()):
                world.add_component(entity, part)
        if not world.get_component(Chest):
            world.create_entity(Chest(), Persistent("chest"))


game = Game(
    "bazaar",
    components=[Purse, Chest, Hand],
    systems=[Open],
    rpcs=[buy, buy_now, give, look],
    events=[Bought, Clink],
    persistent=[Purse, Chest],
    tick_rate_hz=20,
    send_rate_hz=20,
    resume_grace_seconds=5.0,
    summary=lambda world: {"purses": len(world.get_component(Purse))},
)


class Flaky:
    """A store that can be told to fail, and counts what it is given."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fails: Exception | None = None
        self.batches: list[Batch] = []

    def __repr__(self) -> str:
        return "Flaky()"

    def write(self, batch: Batch) -> Sequence[SaveName]:
        if self.fails is not None:
            raise self.fails
        self.batches.append(batch)
        return self.store.write(batch)

    def saves(self, game: str = "", owner: str = "") -> list[Save]:
        if self.fails is not None:
            raise self.fails
        return list(self.store.saves(game, owner))

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)


@dataclass
class Bazaar:
    """A bazaar with a store in a folder; its server can be killed and started again.

    Attributes:
        sim: What runs it.
        store: As others read it, who know nothing of the server.
        flaky: As the server writes it.
    """

    folder: Path
    game: Game = game
    worker: Worker = field(default_factory=Inline)
    config: PersistenceConfig = field(default_factory=lambda: PersistenceConfig(snapshot_seconds=1.0))
    identity: Identity = field(default_factory=lambda: Identity(b"\x07" * 32))
    accounts: bool = True
    rooms: RoomConfig | None = None

    def __post_init__(self) -> None:
        self.store: Store = open_store(self.folder / "bazaar.db")
        self.flaky = Flaky(open_store(self.folder / "bazaar.db"))
        book = Accounts(Book(), worker=Inline(), registration=Registration.OPEN, config=CHEAP)
        self.sim = Simulation(
            self.game, clients=0, seed=3, identity=self.identity, accounts=book if self.accounts else None,
            server_config=ServerConfig(rooms=self.rooms), archive=self.archive(),
        )  # fmt: skip

    def archive(self) -> Archive:
        return Archive(
            self.flaky,  # type: ignore[arg-type]  # it is whatever the store is
            worker=self.worker,
            unix_time=lambda: EPOCH + (self.sim.now if hasattr(self, "sim") else 0.0),
            config=self.config,
        )

    def join(self, name: str, room: str = "") -> Client:
        account = name if self.accounts else ""
        return self.sim.join(name, account=account, account_password=account and f"{name.lower()}s password", room=room)

    def kill_and_resume(self, played: Game | None = None) -> None:
        """Take the server away without a word, and start another that goes on."""
        self._start(played or self.game, resuming=True)

    def start_anew(self, match: str = "") -> None:
        """Take the server away without a word, and start another that makes an end of what was, or goes on with one."""
        self._start(self.game, match=match)

    def _start(self, played: Game, *, resuming: bool = False, match: str = "") -> None:
        resumed = begin(self.store, played, self.server, resuming=resuming, match=match)
        self.flaky = Flaky(open_store(self.folder / "bazaar.db"))
        archive = self.archive()
        archive.know_matches(match.id for match in self.store.matches())
        self.sim.restart(archive, resumed, played)

    @property
    def server(self) -> str:
        """What the server is called in the store."""
        return server_name(self.identity.public)

    def ask(self, client: Client, what: Rpc[..., T], *arguments: object) -> T:
        """Call something and wait for the answer."""
        reply = client.call(what, *arguments)
        self.sim.run_until(lambda: reply.done, within_seconds=5)
        return reply.value

    def purse(self, client: Client) -> Purse:
        """Return what the server has of a player."""
        return self.sim.server.world.component_for_entity(self.entity(client), Purse)

    def entity(self, client: Client) -> int:
        """Return a player's entity on the server."""
        players = self.sim.server.world.get_component(Player)
        return next(entity for entity, player in players if player.client_id == client.client_id)

    def events(self, *kinds: str) -> list[StoredEvent]:
        """Return what happened, in all matches."""
        return [event for match in self.store.matches() for event in self.store.events(match.id, kinds=kinds)]

    def saves(self, owner: str) -> dict[str, Save]:
        return {save.name.key: save for save in self.store.saves("bazaar", owner)}
