"""A game of what a client may foresee: bullets, coins, portals and kicks, in a hall with a wall at its end.

Gunners walk and shoot to the right. What they may do is decided by what travels (`Gunner`), except where a test wants
the server to know better (`Jammed`, `Glued`).
"""

from collections.abc import Iterator

from ecsnet.client import Client
from ecsnet.components import Owner, Player, Spawned, Teleports, Transform2D, Velocity2D
from ecsnet.fields import EntityRef, NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.system import System
from ecsnet.systems import Movement, spawn, teleport
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World

WALL_X = 400.0
BULLET_SPEED = 600.0  # units a second
BULLET_TICKS = 60  # of one that meets no wall
WALK_SPEED = 120.0
REACH = 12.0  # from which a coin is picked up


@player_input
class Trigger:
    dx: int = netvar(0, low=-1, high=1)
    dy: int = netvar(0, low=-1, high=1)
    fire: bool = False
    twice: bool = False  # two bullets at once
    jump: bool = False  # through a portal, to where one began


@component
class Gunner:
    ammo: NetVar[int] = netvar(1000, low=0, high=1000)
    fired: NetVar[int] = netvar(0, low=0, high=100_000)
    coins: NetVar[int] = netvar(0, low=0, high=1000)
    cooldown: NetVar[int] = netvar(0, low=0, high=255)  # ticks until the next shot


@component
class Bullet:
    by: NetVar[EntityRef] = 0
    number: NetVar[int] = netvar(0, low=0, high=100_000)  # of its gunner's
    age: NetVar[int] = netvar(0, low=0, high=255)
    life: NetVar[int] = netvar(BULLET_TICKS, low=0, high=255)


@component
class Coin:
    worth: NetVar[int] = netvar(1, low=0, high=100)


@component
class Jammed:
    """The server only: shots come to nothing, and no client can know."""

    is_so: bool = True


@component
class Glued:
    """The server only: a coin that cannot be picked up."""

    is_so: bool = True


@component
class Rules:
    cooldown: NetVar[int] = netvar(6, low=0, high=255)
    life: NetVar[int] = netvar(BULLET_TICKS, low=0, high=255)


class Place(System):
    def process(self, world: World) -> None:
        if world.try_single(Rules) is None:
            world.create_entity(Rules())
        for entity, player in world.added(Player):
            for part in (Gunner(), Transform2D(x=0.0, y=40.0 * player.client_id), Velocity2D(), Teleports()):
                world.add_component(entity, part)


class Walk(System):
    predicted = True

    def process(self, world: World) -> None:
        for entity, (trigger, velocity, _) in world.get_components(Trigger, Velocity2D, Gunner):
            velocity.x, velocity.y = WALK_SPEED * trigger.dx, WALK_SPEED * trigger.dy
            if trigger.jump:
                teleport(world, entity, 0.0, 40.0)


class Shoot(System):
    predicted = True

    def process(self, world: World) -> None:
        rules = world.try_single(Rules)
        for entity, (trigger, gunner, place) in world.get_components(Trigger, Gunner, Transform2D):
            gunner.cooldown = max(0, gunner.cooldown - 1)
            if rules is None or not (trigger.fire or trigger.twice) or gunner.cooldown:
                continue
            gunner.cooldown = rules.cooldown
            for at in range(2 if trigger.twice else 1):
                if gunner.ammo:
                    gunner.ammo -= 1
                    gunner.fired += 1
                    if not world.has_component(entity, Jammed):
                        spawn(
                            world, entity, Bullet(by=entity, number=gunner.fired, life=rules.life),
                            Transform2D(x=place.x, y=place.y + 5.0 * at), Velocity2D(x=BULLET_SPEED),
                        )  # fmt: skip


class End(System):
    """Bullets end at the wall, or when they are old."""

    predicted = True

    def process(self, world: World) -> None:
        for entity, (bullet, place) in world.get_components(Bullet, Transform2D):
            bullet.age += 1
            if place.x >= WALL_X or bullet.age >= bullet.life:
                world.delete_entity(entity)


class PickUp(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, (gunner, place) in world.get_components(Gunner, Transform2D):
            for coin, (_, there) in world.observe(Coin, Transform2D):
                if abs(there.x - place.x) < REACH and abs(there.y - place.y) < REACH:
                    if world.has_component(coin, Glued):
                        continue
                    gunner.coins += 1
                    world.delete_entity(coin)


game = Game(
    "gunnery",
    input=Trigger,
    components=[Gunner, Bullet, Coin, Jammed, Glued, Rules],
    systems=[Place, Walk, Movement, Shoot, End, PickUp],
    tick_rate_hz=60,
    send_rate_hz=30,
)


def gunner_of(sim: Simulation, client: Client) -> int:
    """Return the server's entity of a client."""
    return sim.server.peers[client.client_id].entity


def bullets(world: World) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield ((gunner, number), entity) of every bullet there is."""
    for entity, bullet in world.observe(Bullet):
        yield (bullet.by, bullet.number), entity


class Observer:
    """Looks at one client's bullets after every step, and writes down what they were.

    Attributes:
        ids: By gunner and number, each entity that stood for the bullet in the World, in the order it was seen.
        drawn: The same of what was drawn.
        most: How many entities stood for one bullet at once, at most.
    """

    def __init__(self, sim: Simulation, client: Client) -> None:
        """Look from the next step on."""
        self._client = client
        self.ids: dict[tuple[int, int], list[int]] = {}
        self.drawn: dict[tuple[int, int], list[int]] = {}
        self.most = 0
        sim.before_each_step(self.look)

    def look(self) -> None:
        """Look once."""
        self._note(self.ids, bullets(self._client.world))
        view = (((bullet.by, bullet.number), entity) for entity, bullet in self._client.view(Bullet))
        self._note(self.drawn, view)

    def _note(self, found: dict[tuple[int, int], list[int]], rows: Iterator[tuple[tuple[int, int], int]]) -> None:
        now: dict[tuple[int, int], int] = {}
        for key, entity in rows:
            now[key] = now.get(key, 0) + 1
            ids = found.setdefault(key, [])
            if entity not in ids[-1:]:
                ids.append(entity)
        self.most = max(self.most, *now.values(), 0)


def assert_nothing_open(sim: Simulation) -> None:
    """Assert that no client waits for the server's word on anything it made, took away or predicts along."""
    for client in sim.clients:
        predictor = client.predictor
        ahead = predictor._ahead
        tables = ahead._made, ahead._unconfirmed, ahead._aside, ahead._awaited, ahead._doubted, ahead._lent, ahead._told
        assert not any(tables), tables
        assert not predictor._guests._until
        assert not predictor._guests._asked
        assert not client.receiver.news._hidden
        renderer = client.conversation.session.renderer
        assert not renderer._offsets
        assert not renderer._ghosts
        assert not renderer._unborn
        assert {entity for entity, _ in renderer._twins} <= set(client.world.entities())
        made = [entity for entity, _ in client.world.observe(Spawned)]
        assert all(client.receiver.network_id_of(entity) for entity in made)
        assert sorted(map(client.receiver.network_id_of, made)) == [
            entity
            for entity, (_, owner) in sim.server.world.get_components(Spawned, Owner)
            if owner.client_id == client.client_id
        ]
