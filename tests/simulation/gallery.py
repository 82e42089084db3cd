"""A shooting gallery: a target runs to and fro at constant speed, and players shoot at a crosshair."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from ecsnet.components import Collider2D, Owner, Player, Shape, Transform2D, Velocity2D
from ecsnet.fields import NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.system import System
from ecsnet.systems import Collision, LagCompensation
from ecsnet.systems.geometry import gap
from ecsnet.world import World

SPEED = 300.0  # units a second: 5 a tick
RADIUS = 4.0
CROSSHAIR = 0.0
EDGE = 200.0


@player_input
class Trigger:
    fire: bool = False


@component(tag=True)
class Target:
    pass


@component
class Gun:
    """What a player did. Shots and hits travel, so that a prediction of them is checked."""

    is_loaded: NetVar[bool] = True  # again when the trigger is let go
    shots: NetVar[int] = netvar(0, low=0, high=60_000)
    hits: NetVar[int] = netvar(0, low=0, high=60_000)


class Stage(System):
    """Put up a target, and arm who joins."""

    def process(self, world: World) -> None:
        if not world.get_component(Target):
            put_up(world)
        for entity, _ in world.added(Player):
            world.add_component(entity, Gun())


class Turn(System):
    """Send back whoever reaches the edge."""

    def process(self, world: World) -> None:
        for _, (transform, velocity) in world.get_components(Transform2D, Velocity2D):
            if transform.x * velocity.x > 0.0 and abs(transform.x) > EDGE:
                velocity.x = -velocity.x


class Shoot(System):
    """Whoever pulls the trigger hits what was under the crosshair when he pulled it."""

    predicted = True

    def process(self, world: World) -> None:
        for _, (trigger, gun, owner) in world.get_components(Trigger, Gun, Owner):
            if trigger.fire and gun.is_loaded:
                gun.shots += 1
                with self.view_of(world, owner.client_id):
                    gun.hits += len(under_crosshair(world))
            gun.is_loaded = not trigger.fire

    def view_of(self, world: World, client_id: int) -> AbstractContextManager[None]:
        return world.rewind(client_id)


class ShootBlindly(Shoot):
    """Whoever pulls the trigger hits what is there now."""

    predicted = False

    def view_of(self, world: World, client_id: int) -> AbstractContextManager[None]:
        return nullcontext()


def put_up(world: World, x: float = -EDGE, speed: float = SPEED) -> int:
    """Make a target."""
    collider = Collider2D(Shape.CIRCLE, radius=RADIUS, sensor=True)
    return world.create_entity(Target(), Transform2D(x), Velocity2D(speed), collider)


def under_crosshair(world: World) -> list[int]:
    """Return the targets there."""
    return [
        entity
        for entity, (transform, collider, _) in world.observe(Transform2D, Collider2D, Target)
        if collider.layer and gap(transform.x - CROSSHAIR, transform.y, 0.0, 0.0, collider.radius).distance < 0.0
    ]


game = Game(
    "gallery", input=Trigger, components=[Target, Gun], systems=[Stage, Turn, Collision, LagCompensation, Shoot]
)
blind = replace(game, systems=(Stage, Turn, Collision, ShootBlindly))
