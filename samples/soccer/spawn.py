"""Spawn: a body for every player who has a seat, and the starting places. Runs on the server."""

from ecsnet import System, World
from ecsnet.components import (
    Bounds2D,
    Collider2D,
    ConnectionQuality,
    MaxSpeed,
    Parent,
    Player,
    Seat,
    Transform2D,
    Velocity2D,
)
from ecsnet.samples.soccer import pitch
from ecsnet.samples.soccer.components import Ball, Footballer, Tally
from ecsnet.samples.soccer.pitch import Team
from ecsnet.systems import teleport

__all__ = ["Spawn", "place_ball", "place_players"]

BODY = (Footballer, Transform2D, Velocity2D, MaxSpeed, Collider2D, Bounds2D)


class Spawn(System):
    """Bring everybody who took a seat or changed sides onto the pitch, and take off it who only watches.

    The player's entity is there already: the server makes it when somebody connects and deletes it when he leaves.
    """

    def process(self, world: World) -> None:
        """Look for newcomers, for those who changed sides and those who left their seat."""
        for entity, _ in world.added(Player):
            world.create_entity(ConnectionQuality(), Parent(entity))
        for entity, (_, seat) in world.get_components(Player, Seat):
            footballer = world.try_component(entity, Footballer)
            if seat.team == Team.SPECTATOR:
                remove_body(world, entity)
            elif footballer is None or footballer.side != seat.team:
                footballer = footballer or add_body(world, entity)
                choose_place(world, footballer, Team(seat.team))
                place_player(world, entity, footballer)


def add_body(world: World, entity: int) -> Footballer:
    """Give a player all it takes to be on the pitch."""
    footballer = Footballer()
    for part in (
        footballer,
        Transform2D(),
        Velocity2D(),
        MaxSpeed(pitch.PLAYER_SPEED),
        Collider2D(half_width=pitch.PLAYER_HALF, half_height=pitch.PLAYER_HALF),
        Bounds2D(pitch.LEFT, pitch.TOP, pitch.RIGHT, pitch.BOTTOM),  # not the nets
    ):
        world.add_component(entity, part)
    if not world.has_component(entity, Tally):  # it outlives the body: who watches the end still has scored
        world.add_component(entity, Tally())
    return footballer


def remove_body(world: World, entity: int) -> None:
    """Take a player off the pitch, if he is on it."""
    for part in BODY:
        world.remove_component(entity, part)


def choose_place(world: World, footballer: Footballer, side: Team) -> None:
    """Take the first starting place of a side that is free."""
    taken = {other.place for _, other in world.get_component(Footballer) if other.side == side}
    footballer.side = side
    footballer.place = next(place for place in range(len(taken) + 1) if place not in taken)


def place_players(world: World) -> None:
    """Put everybody on their starting places, facing the other goal."""
    for entity, footballer in world.get_component(Footballer):
        place_player(world, entity, footballer)


def place_player(world: World, entity: int, footballer: Footballer) -> None:
    """Put one player on its starting place."""
    side = footballer.side
    teleport(world, entity, pitch.SPAWN_X[side], pitch.SPAWN_Y[footballer.place % len(pitch.SPAWN_Y)])
    velocity = world.component_for_entity(entity, Velocity2D)
    velocity.x = velocity.y = 0.0
    footballer.facing = 0 if side is Team.HOME else 4


def place_ball(world: World) -> None:
    """Put the ball on the centre spot, at rest and touched by nobody."""
    for entity, ball in world.get_component(Ball):
        teleport(world, entity, pitch.MIDDLE_X, pitch.MIDDLE_Y)
        ball.velocity_x = ball.velocity_y = 0.0
        ball.touched_by, ball.touched_team = 0, Team.SPECTATOR
