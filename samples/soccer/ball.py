"""BallMotion: how the ball rolls, bounces, and meets players' bodies and feet.

Predicted, but only while one's own player is near the ball: so a touch shows at once.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from ecsnet import System, World
from ecsnet.components import Seat, Stage, Transform2D, Velocity2D
from ecsnet.samples.soccer import pitch
from ecsnet.samples.soccer.components import Ball, Footballer
from ecsnet.samples.soccer.phases import phase_now
from ecsnet.samples.soccer.pitch import BALL_RADIUS, Phase, Team
from ecsnet.samples.soccer.players import DIRECTIONS, cooldown_ticks
from ecsnet.systems import predict, stage_now
from ecsnet.systems.geometry import Box, Gap, Hit, bounce, gap_circle_box, sweep_circle_box

__all__ = ["WALLS", "BallMotion"]

_THICK = 100.0  # walls are boxes; how far they reach outward does not matter
_OUT_LEFT, _OUT_RIGHT = -_THICK, pitch.WIDTH + _THICK
_SIDES = ((_OUT_LEFT, pitch.LEFT), (pitch.RIGHT, _OUT_RIGHT))
_NET_BACKS = ((_OUT_LEFT, pitch.LEFT - pitch.NET_DEPTH), (pitch.RIGHT + pitch.NET_DEPTH, _OUT_RIGHT))
WALLS: tuple[tuple[Box, float], ...] = (  # and what part of its speed a ball keeps
    (Box.between(_OUT_LEFT, -_THICK, _OUT_RIGHT, pitch.TOP), pitch.BALL_RESTITUTION),
    (Box.between(_OUT_LEFT, pitch.BOTTOM, _OUT_RIGHT, pitch.HEIGHT + _THICK), pitch.BALL_RESTITUTION),
    *((Box.between(left, -_THICK, right, pitch.MOUTH_TOP), pitch.BALL_RESTITUTION) for left, right in _SIDES),
    *(
        (Box.between(left, pitch.MOUTH_BOTTOM, right, pitch.HEIGHT + _THICK), pitch.BALL_RESTITUTION)
        for left, right in _SIDES
    ),
    *(
        (Box.between(left, pitch.MOUTH_TOP, right, pitch.MOUTH_BOTTOM), pitch.NET_RESTITUTION)
        for left, right in _NET_BACKS
    ),
)

NEAR = pitch.PLAYER_HALF + BALL_RADIUS + pitch.KICK_REACH + 5.0  # units between the middles; with a tick's run

_CONTACTS_PER_TICK = 8  # a ball between two players or in a corner stops there until the next tick
_SLOP = 1e-6  # units; what rounding may leave of an overlap


class Body(NamedTuple):
    """A player as the ball meets it."""

    entity: int
    team: Team
    box: Box
    velocity: Velocity2D
    footballer: Footballer


class BallMotion(System):
    """Move the ball; after the players have moved, so that it never goes through one."""

    predicted = True

    def process(self, world: World) -> None:
        """Let the ball be pushed, kicked and rolled; it waits on its spot until the kickoff is over."""
        if stage_now(world) is Stage.COUNTDOWN or phase_now(world) is Phase.KICKOFF:
            return
        foresee(world)
        bodies = list(find_bodies(world))
        acting = {entity for entity, _ in world.get_component(Footballer)}
        kicking = cooldown_ticks(world.tick_rate_hz)
        for _, (place, ball) in world.get_components(Transform2D, Ball):
            for body in bodies:
                push(place, ball, body, [other for other in bodies if other is not body])
            for body in bodies:
                # A player this client does not predict is as it was last heard of: that kick is in the ball's velocity.
                if body.footballer.cooldown_ticks == kicking and body.entity in acting:
                    kick(place, ball, body)
            slow(ball, world.dt)
            roll(place, ball, bodies, world.dt)


def foresee(world: World) -> None:
    """Have a client simulate the ball along as long as its player is about to touch it, or has just done so."""
    for player, (place, _) in world.get_components(Transform2D, Footballer):
        for entity, (at, _) in world.observe(Transform2D, Ball):
            if math.hypot(at.x - place.x, at.y - place.y) < NEAR:
                predict(world, entity, by=player)


def find_bodies(world: World) -> Iterator[Body]:
    """Yield the players as the ball meets them."""
    found = world.observe(Footballer, Seat, Transform2D, Velocity2D)
    for entity, (footballer, seat, place, velocity) in found:
        yield Body(
            entity, Team(seat.team), Box(place.x, place.y, pitch.PLAYER_HALF, pitch.PLAYER_HALF), velocity, footballer
        )


def push(place: Transform2D, ball: Ball, body: Body, others: list[Body]) -> None:
    """Move the ball out of a player who ran into it; where there is no room, let it slip out sideways."""
    overlap = gap_circle_box(place.x, place.y, BALL_RADIUS, body.box)
    depth = -overlap.distance
    if depth <= _SLOP:
        return
    out_x, out_y = place.x + depth * overlap.normal_x, place.y + depth * overlap.normal_y
    if is_free(out_x, out_y, others):
        place.x, place.y = out_x, out_y
        touch(ball, body, overlap)
    else:
        squeeze(place, ball, body, overlap)


def touch(ball: Ball, body: Body, hit: Gap | Hit) -> None:
    """Give the ball a player's speed and a bit more, along the normal."""
    along = body.velocity.x * hit.normal_x + body.velocity.y * hit.normal_y
    before = ball.velocity_x * hit.normal_x + ball.velocity_y * hit.normal_y
    change = max(along * pitch.TOUCH_FACTOR, pitch.TOUCH_SPEED) - before
    if change > 0.0:  # else it flies away faster already
        ball.velocity_x += change * hit.normal_x
        ball.velocity_y += change * hit.normal_y
    claim(ball, body)


def squeeze(place: Transform2D, ball: Ball, body: Body, overlap: Gap) -> None:
    """Roll a ball out from between a player and a wall, or another player."""
    side_x, side_y = -overlap.normal_y, overlap.normal_x
    speed = ball.velocity_x * side_x + ball.velocity_y * side_y
    if speed == 0.0:  # towards the middle of the pitch, where there is room
        speed = (pitch.MIDDLE_X - place.x) * side_x + (pitch.MIDDLE_Y - place.y) * side_y
    speed = math.copysign(max(pitch.TOUCH_SPEED, abs(speed)), speed)
    step = math.copysign(1.0, speed)
    if not is_free(place.x + step * side_x, place.y + step * side_y, []):  # in a corner there is but one way
        speed = -speed
    ball.velocity_x, ball.velocity_y = speed * side_x, speed * side_y
    claim(ball, body)


def kick(place: Transform2D, ball: Ball, body: Body) -> None:
    """Shoot a ball within reach where the player faces."""
    if gap_circle_box(place.x, place.y, BALL_RADIUS, body.box).distance > pitch.KICK_REACH:
        return
    x, y = DIRECTIONS[body.footballer.facing]
    ball.velocity_x, ball.velocity_y = x * pitch.KICK_SPEED, y * pitch.KICK_SPEED
    claim(ball, body)


def claim(ball: Ball, body: Body) -> None:
    """Note who had the ball last: a goal is his, or his own."""
    ball.touched_by, ball.touched_team = body.entity, body.team


def slow(ball: Ball, dt: float) -> None:
    """Apply the grass, the limit and, at the end, rest."""
    speed = math.hypot(ball.velocity_x, ball.velocity_y)
    wanted = min(speed * math.exp(-pitch.BALL_DRAG * dt), pitch.BALL_SPEED)
    share = 0.0 if wanted < pitch.BALL_REST_SPEED else wanted / speed
    ball.velocity_x *= share
    ball.velocity_y *= share


def roll(place: Transform2D, ball: Ball, bodies: list[Body], dt: float) -> None:
    """Move the ball from contact to contact until the tick is over."""
    for _ in range(_CONTACTS_PER_TICK):
        step_x, step_y = ball.velocity_x * dt, ball.velocity_y * dt
        met = first_met(place, step_x, step_y, bodies)
        part = met[0].fraction if met else 1.0
        place.x += step_x * part
        place.y += step_y * part
        if met is None:
            return
        dt *= 1.0 - part
        hit, obstacle = met
        if isinstance(obstacle, Body):
            touch(ball, obstacle, hit)
        else:
            ball.velocity_x, ball.velocity_y = bounce(
                ball.velocity_x, ball.velocity_y, hit.normal_x, hit.normal_y, restitution=obstacle
            )


def first_met(place: Transform2D, step_x: float, step_y: float, bodies: list[Body]) -> tuple[Hit, Body | float] | None:
    """Return the first contact on the ball's way, and the player it is with or the wall's restitution."""
    met: tuple[Hit, Body | float] | None = None
    for box, restitution in WALLS:
        hit = sweep_circle_box(place.x, place.y, step_x, step_y, BALL_RADIUS, box)
        if hit and (met is None or hit.fraction < met[0].fraction):
            met = hit, restitution
    for body in bodies:
        if gap_circle_box(place.x, place.y, BALL_RADIUS, body.box).distance < -_SLOP:
            continue  # squeezed: it has been pushed, now let it slip out
        hit = sweep_circle_box(place.x, place.y, step_x, step_y, BALL_RADIUS, body.box)
        if hit and (met is None or hit.fraction < met[0].fraction):
            met = hit, body
    return met


def is_free(x: float, y: float, bodies: list[Body]) -> bool:
    """Tell whether the ball fits in here, between walls and players."""
    boxes = [box for box, _ in WALLS] + [body.box for body in bodies]
    return all(gap_circle_box(x, y, BALL_RADIUS, box).distance >= -_SLOP for box in boxes)
