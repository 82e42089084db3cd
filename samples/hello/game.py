"""Hello: everybody is a dot and moves it. Run it with `ecsnet play hello`."""

from ecsnet import Game, NetVar, System, World, component, netvar, player_input
from ecsnet.components import Bounds2D, Player, Transform2D, Velocity2D
from ecsnet.systems import Movement


@player_input
class Move:
    dx: int = netvar(0, low=-1, high=1)
    dy: int = netvar(0, low=-1, high=1)


@component
class Dot:
    color: NetVar[int] = netvar(0xFFFFFF, low=0, high=0xFFFFFF)


class Spawn(System):
    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            dot = Dot(color=world.rng.getrandbits(24) | 0x606060)
            for part in (dot, Transform2D(200.0, 150.0), Velocity2D(), Bounds2D(0.0, 0.0, 400.0, 300.0)):
                world.add_component(entity, part)


class Steer(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, (move, velocity) in world.get_components(Move, Velocity2D):
            velocity.x, velocity.y = 120.0 * move.dx, 120.0 * move.dy


game = Game(
    "hello", input=Move, components=[Dot], systems=[Spawn, Steer, Movement], window="ecsnet.samples.hello.window:main"
)
