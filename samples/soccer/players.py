"""Steer: from what a player presses to its velocity, its facing and the swing of its foot.

Predicted: it runs on the server for everybody and on a client for its own player, from the same quantised values.
So it decides nothing about the ball; BallMotion does, on the server.
"""

import math

from ecsnet import System, World
from ecsnet.components import Seat, Transform2D, Velocity2D
from ecsnet.samples.soccer.components import Footballer, Move
from ecsnet.samples.soccer.phases import may_move, phase_now
from ecsnet.samples.soccer.pitch import (
    BALL_RADIUS,
    KICK_COOLDOWN_SECONDS,
    MIDDLE_X,
    PLAYER_ACCELERATION,
    PLAYER_DECELERATION,
    PLAYER_HALF,
    PLAYER_SPEED,
    Phase,
    Team,
)

__all__ = ["DIRECTIONS", "Steer", "cooldown_ticks"]

_DIAGONAL = math.sqrt(0.5)
DIRECTIONS = (  # unit vectors by Footballer.facing
    (1.0, 0.0), (_DIAGONAL, _DIAGONAL), (0.0, 1.0), (-_DIAGONAL, _DIAGONAL),
    (-1.0, 0.0), (-_DIAGONAL, -_DIAGONAL), (0.0, -1.0), (_DIAGONAL, -_DIAGONAL),
)  # fmt: skip
_FACING = {(1, 0): 0, (1, 1): 1, (0, 1): 2, (-1, 1): 3, (-1, 0): 4, (-1, -1): 5, (0, -1): 6, (1, -1): 7}

# Nearer than this to the halfway line a player would touch the ball before the whistle.
_WALK_UP_LIMIT = PLAYER_HALF + BALL_RADIUS + 1.0


class Steer(System):
    """Turn Move into motion for every footballer."""

    predicted = True

    def process(self, world: World) -> None:
        """Steer each player; hold those who have to wait for the kickoff."""
        is_kickoff = phase_now(world) is Phase.KICKOFF
        found = world.get_components(Move, Footballer, Transform2D, Velocity2D, Seat)
        for _, (move, footballer, transform, velocity, seat) in found:
            if may_move(world, seat.team):
                run(move, footballer, velocity, world.dt)
                if is_kickoff:
                    stay_in_own_half(seat.team, transform, velocity, world.dt)
            else:
                velocity.x = velocity.y = 0.0
            swing(move, footballer, world.tick_rate_hz)


def run(move: Move, footballer: Footballer, velocity: Velocity2D, dt: float) -> None:
    """Speed up towards where the keys point, slow down when they are released; diagonals are no faster."""
    facing = _FACING.get((move.move_x, move.move_y))
    if facing is None:
        approach(velocity, 0.0, 0.0, PLAYER_DECELERATION * dt)
        return
    footballer.facing = facing
    x, y = DIRECTIONS[facing]
    approach(velocity, x * PLAYER_SPEED, y * PLAYER_SPEED, PLAYER_ACCELERATION * dt)


def approach(velocity: Velocity2D, x: float, y: float, most: float) -> None:
    """Change a velocity towards (x, y), by `most` units per second at most."""
    change_x, change_y = x - velocity.x, y - velocity.y
    change = math.hypot(change_x, change_y)
    share = 1.0 if change <= most else most / change
    velocity.x += change_x * share
    velocity.y += change_y * share


def stay_in_own_half(team: int, transform: Transform2D, velocity: Velocity2D, dt: float) -> None:
    """Stop whoever walks up to the ball just short of it."""
    if team == Team.HOME:
        velocity.x = min(velocity.x, max(0.0, MIDDLE_X - _WALK_UP_LIMIT - transform.x) / dt)
    else:
        velocity.x = max(velocity.x, min(0.0, MIDDLE_X + _WALK_UP_LIMIT - transform.x) / dt)


def swing(move: Move, footballer: Footballer, tick_rate_hz: float) -> None:
    """Start a kick when the key goes down and the last one is long enough ago, whether or not it meets a ball."""
    footballer.cooldown_ticks = max(0, footballer.cooldown_ticks - 1)
    if move.kick and not footballer.kick_held and footballer.cooldown_ticks == 0:
        footballer.cooldown_ticks = cooldown_ticks(tick_rate_hz)
    footballer.kick_held = move.kick


def cooldown_ticks(tick_rate_hz: float) -> int:
    """Return the cooldown in ticks; a footballer whose counter shows it has kicked in this very tick."""
    return round(KICK_COOLDOWN_SECONDS * tick_rate_hz)
