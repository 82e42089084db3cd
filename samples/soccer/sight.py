"""Sight: what a bot makes of the pitch, from what its client sees."""

import math
from typing import NamedTuple

from ecsnet import World
from ecsnet.components import Player, PlayerStatus, Seat, Transform2D
from ecsnet.samples.soccer import pitch
from ecsnet.samples.soccer.components import Ball, Footballer
from ecsnet.samples.soccer.pitch import BALL_RADIUS, Team

__all__ = ["Point", "Sight", "inside", "look"]


class Point(NamedTuple):
    """A place on the pitch, in world units."""

    x: float
    y: float

    def distance(self, other: "Point") -> float:
        """World units to another place."""
        return math.hypot(other.x - self.x, other.y - self.y)


class Sight(NamedTuple):
    """What a bot makes of the pitch."""

    me: Point
    ball: Point  # where it will be when one gets there
    ball_now: Point
    forward: int  # 1: shoots at the right goal; -1: at the left one
    rank: int  # 0: nearest to the ball of the own side, and so on
    mates: int  # how many play on the own side, oneself included
    others: tuple[Point, ...]  # everybody else on the pitch
    rivals: tuple[Point, ...]  # those of them against whom one plays
    aim: float  # units from the middle of the goal to where it shoots

    @property
    def target(self) -> Point:
        """Where in the goal to shoot, a little behind its line."""
        return Point(pitch.RIGHT + 5.0 if self.forward > 0 else pitch.LEFT - 5.0, pitch.MIDDLE_Y + self.aim)

    @property
    def home(self) -> Point:
        """The middle of the own goal."""
        return Point(pitch.LEFT if self.forward > 0 else pitch.RIGHT, pitch.MIDDLE_Y)


def look(world: World, entity: int, team: int) -> Sight | None:
    """Find oneself, the ball and one's place among the own side; None while there is no ball to be seen."""
    found = next(iter(world.observe(Transform2D, Ball)), None)
    own = world.try_component(entity, Transform2D)
    if found is None or own is None:
        return None
    _, (place, ball) = found
    me, now = Point(own.x, own.y), Point(place.x, place.y)
    soon = ball_soon(now, ball, me.distance(now) / pitch.PLAYER_SPEED)
    bodies = [
        (other, Point(at.x, at.y), seat.team, player.status is PlayerStatus.LOST)
        for other, (at, player, seat, _) in world.observe(Transform2D, Player, Seat, Footballer)
    ]
    side = sorted((at.distance(soon), other) for other, at, of, lost in bodies if of == team and not lost)
    order = [other for _, other in side]
    return Sight(
        me,
        soon,
        now,
        forward=1 if team == Team.HOME else -1,
        rank=order.index(entity) if entity in order else 0,
        mates=len(order),
        others=tuple(at for other, at, _, _ in bodies if other != entity),
        rivals=tuple(at for _, at, of, _ in bodies if of != team),
        aim=mood(entity, world),
    )


def mood(entity: int, world: World) -> float:
    """Return where in the goal a bot aims just now, in units from its middle.

    Each has its own taste and changes it every other second, by the bits of what the World's seed tells every client:
    two bots that thought alike would face each other forever, and every match would be the same.
    """
    seconds = world.tick // round(world.tick_rate_hz)
    return (((world.shared_seed >> seconds // 2 % 60) + entity * 7919) % 9 - 4) * 10.0


def ball_soon(now: Point, ball: Ball, seconds: float) -> Point:
    """Return where the ball will have rolled to, bounces left out."""
    rolled = (1.0 - math.exp(-pitch.BALL_DRAG * min(seconds, 1.0))) / pitch.BALL_DRAG
    return inside(Point(now.x + ball.velocity_x * rolled, now.y + ball.velocity_y * rolled), BALL_RADIUS)


def inside(point: Point, margin: float) -> Point:
    """Return the nearest place on the pitch that is not closer to a line than a margin."""
    return Point(
        min(max(point.x, pitch.LEFT + margin), pitch.RIGHT - margin),
        min(max(point.y, pitch.TOP + margin), pitch.BOTTOM - margin),
    )
