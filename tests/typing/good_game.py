"""A game module as an author writes it: a type checker in strict mode has nothing to say about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag
from typing import ParamSpec, TypeVar, assert_type

import esper

from ecsnet.fields import EVERYONE, OWNER, TEAM, EntityRef, NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.gameevent import event
from ecsnet.rpc import CLIENTS, SERVER, Call, Reply, Rpc, rpc
from ecsnet.system import System
from ecsnet.targets import OWNER_OF
from ecsnet.world import World

P = ParamSpec("P")
R = TypeVar("R")


class Suit(Enum):
    """An enum travels."""

    HEARTS = 1
    SPADES = 2


class Rights(Flag):
    """Bits travel."""

    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Spot:
    """A class of the game's own."""

    number: int


class SpotCodec:
    """How it travels."""

    name = "spot"
    max_bytes = 1

    @staticmethod
    def pack(value: Spot) -> bytes:
        """One byte."""
        return bytes((value.number,))

    @staticmethod
    def unpack(data: bytes) -> Spot:
        """Exactly one."""
        (number,) = data
        return Spot(number)


@player_input
class Move:
    """What is pressed."""

    dx: int = netvar(0, low=-1, high=1)
    kick: bool = netvar(default=False)


@component
class Knight:
    """Some of everything."""

    health: NetVar[int] = 100
    x: NetVar[float] = netvar(0, step=1 / 16, low=-512, high=512, interpolate=True)
    gold: NetVar[int] = netvar(0, low=0, high=999, audience=OWNER)
    name: NetVar[str] = ""
    suit: NetVar[Suit] = Suit.HEARTS
    target: NetVar[EntityRef] = 0
    rights: NetVar[Rights] = Rights.READ
    bag: NetVar[list[int]] = netvar([], low=0, high=9, max_items=4)
    coins: NetVar[dict[str, int]] = field(default_factory=dict)
    path: NetVar[tuple[float, float] | None] = netvar(None, low=-9, high=9, step=0.5)
    home: NetVar[Spot] = netvar(Spot(0), codec=SpotCodec)
    way: NetVar[Spot | None] = netvar(None, codec=SpotCodec)
    marks: list[int] = field(default_factory=list)


@component
class Speed:
    """Server only; it has no default, so it must be given."""

    x: float


@component(tag=True)
class Frozen:
    """A tag."""


@dataclass(frozen=True)
class BattleResult:
    """What came of an attack."""

    won: bool
    gold: int


@rpc(to=SERVER, owner_only=True, rate_hz=2)
def attack(call: Call, knight: EntityRef, kind: str = "slash") -> BattleResult:
    """Attack."""
    return BattleResult(won=call.world.rng.random() < 0.5, gold=knight + len(kind))


@rpc(to=CLIENTS)
def play_sound(call: Call, name: str) -> None:
    """Play."""


@event
class Won:
    """Defaults, and none."""

    knight: EntityRef
    gold: int = netvar(0, low=0, high=999)


@event(reliable=False, deliver="rendered")
class Clash:
    """With options."""

    loudness: float = 1.0


class Tell(System):
    """Tells clients."""

    def process(self, world: World) -> None:
        """Tell."""
        world.to(EVERYONE).send(Won(3, gold=4))
        world.to(OWNER_OF(3)).send(Clash())
        world.to(TEAM(1)).call(play_sound, "horn")
        assert_type(Won(3).gold, int)


class Steer(System):
    """Moves what moves."""

    predicted = True

    def process(self, world: World) -> None:
        """Move."""
        for entity, (knight, speed) in world.get_components(Knight, Speed):
            assert_type(entity, int)
            assert_type(knight, Knight)
            knight.x += speed.x * world.dt
            knight.target = entity
        for _, move in world.get_component(Move):
            assert_type(move, Move)
        assert_type(world.single(Knight), Knight)
        assert_type(world.try_component(3, Speed), Speed | None)
        assert_type(world.observe(Knight), Sequence[tuple[int, Knight]])
        assert_type(world.added(Frozen), list[tuple[int, Frozen]])


class Old(esper.Processor):
    """One of esper's."""

    def process(self, world: World) -> None:
        """Make a knight."""
        world.create_entity(Knight(health=5, x=1, name="Lancelot"), Speed(2.0), Frozen(), Move(dx=1))


def client_call(remote: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
    """Call as a client does."""
    remote.bind(*args, **kwargs)
    return Reply()


def types_of_values() -> None:
    """Say what a type checker should make of it; it is never run."""
    assert_type(client_call(attack, 3, "slash"), Reply[BattleResult])
    assert_type(client_call(attack, knight=3).value.gold, int)
    assert_type(Knight().health, int)
    assert_type(Knight().x, float)
    assert_type(Knight().target, int)


game = Game(
    "good",
    input=Move,
    components=[Knight, Speed, Frozen],
    systems=[Steer, Old],
    rpcs=[attack, play_sound],
    window="good.window:run",
    summary=lambda world: {"health": world.single(Knight).health},
)
World().add_system(Old())
