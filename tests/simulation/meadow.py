"""A game that stirs everything replication has: moving, spawning, deleting, adding, removing, owning, secrets."""

from enum import Enum

from ecsnet.components import Owner, Player, Transform2D, Velocity2D
from ecsnet.errors import Refused
from ecsnet.fields import OWNER, EntityRef, NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.gameevent import event
from ecsnet.rpc import CLIENTS, SERVER, Call, rpc
from ecsnet.system import System
from ecsnet.world import World


class Mood(Enum):
    CALM = "calm"
    WILD = "wild"


@player_input
class Walk:
    dx: int = netvar(0, low=-1, high=1)
    dy: int = netvar(0, low=-1, high=1)


@component
class Sheep:
    """An animal with something for everybody and something for its owner."""

    name: NetVar[str] = ""
    mood: NetVar[Mood] = Mood.CALM
    friend: NetVar[EntityRef] = 0
    wool: NetVar[int] = netvar(0, low=0, high=1000, audience=OWNER)
    seen: int = 0  # never leaves the server


@component
class Bell:
    rings: NetVar[int] = netvar(0, low=0, high=1_000_000)


@component(tag=True)
class Shorn:
    pass


@component
class Weather:
    """Server only: whether anything happens at all."""

    stormy: bool = True


class Place(System):
    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            world.add_component(entity, Transform2D(x=float(entity % 50), y=0.0))
            world.add_component(entity, Velocity2D())


class Stroll(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, (walk, velocity, place) in world.get_components(Walk, Velocity2D, Transform2D):
            velocity.x += (walk.dx * 90.0 - velocity.x) * 0.2
            velocity.y += (walk.dy * 90.0 - velocity.y) * 0.2
            place.x = max(-4000.0, min(4000.0, place.x + velocity.x * world.dt))
            place.y = max(-4000.0, min(4000.0, place.y + velocity.y * world.dt))


class Storm(System):
    """Change something of every kind, by chance, while the weather is stormy."""

    def process(self, world: World) -> None:
        weather = world.try_single(Weather)
        if weather is None:
            world.create_entity(Weather())
            return
        if not weather.stormy:
            return
        chance = world.rng
        flock = [entity for entity, _ in world.get_component(Sheep)]
        if len(flock) < 12 and chance.random() < 0.1:
            self._spawn(world, flock)
        for entity in flock:
            if chance.random() < 0.05:
                self._stir(world, entity, flock)

    @staticmethod
    def _spawn(world: World, flock: list[int]) -> None:
        clients = [0, *(player.client_id for _, player in world.get_component(Player))]
        friend = world.rng.choice(flock) if flock else 0
        sheep = Sheep(name=f"sheep {world.tick}", friend=friend)
        world.create_entity(sheep, Transform2D(), Owner(world.rng.choice(clients)))

    @staticmethod
    def _stir(world: World, entity: int, flock: list[int]) -> None:
        chance = world.rng
        sheep = world.component_for_entity(entity, Sheep)
        match chance.randrange(8):
            case 0:
                world.delete_entity(entity)
            case 1:
                world.component_for_entity(entity, Transform2D).x = chance.uniform(-100, 100)
            case 2:
                sheep.mood = chance.choice(list(Mood))
            case 3:
                sheep.wool = chance.randrange(1000)
            case 4:
                sheep.friend = chance.choice(flock)
            case 5:
                world.add_component(entity, Bell(rings=world.tick % 1000))
            case 6:
                world.remove_component(entity, Bell)
            case 7:
                owner = world.component_for_entity(entity, Owner)
                owner.client_id = chance.choice([0, 1, 2, 3])


@rpc(to=SERVER, rate_hz=4)
def shear(call: Call, sheep: EntityRef, note: str) -> int:
    """Take the wool of a sheep and return it."""
    found = call.world.try_component(sheep, Sheep)
    if found is None:
        raise Refused("no such sheep")
    if note == "long":
        raise Refused("w" + 300 * "ö")
    if note == "bug":
        raise RuntimeError("a bug in the game")
    wool, found.wool = found.wool, 0
    return wool


@rpc(to=SERVER, owner_only=True)
def rename(call: Call, sheep: EntityRef, name: str) -> None:
    """Name one's own sheep."""
    call.world.component_for_entity(sheep, Sheep).name = name


@rpc(to=CLIENTS)
def whistle(call: Call, sheep: EntityRef, times: int) -> None:
    """Let clients hear the shepherd."""


@event
class Bleated:
    """A sheep was heard."""

    sheep: EntityRef
    mood: Mood
    words: list[str] = netvar([])


@event(reliable=False, deliver="rendered")
class Rustled:
    """Something moved."""

    sheep: EntityRef = 0


game = Game(
    "meadow",
    input=Walk,
    components=[Sheep, Bell, Shorn, Weather],
    systems=[Place, Stroll, Storm],
    rpcs=[shear, rename, whistle],
    events=[Bleated, Rustled],
    tick_rate_hz=20,  # a third of what games use: sheep are slow, and twenty minutes of them are simulated
    send_rate_hz=10,
    max_clients=16,
)
