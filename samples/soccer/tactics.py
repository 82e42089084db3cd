"""Tactics: where a bot runs and when it shoots. Pure functions of what it sees."""

import math

from ecsnet.samples.soccer import pitch
from ecsnet.samples.soccer.pitch import BALL_RADIUS, PLAYER_HALF
from ecsnet.samples.soccer.players import DIRECTIONS
from ecsnet.samples.soccer.sight import Point, Sight, inside
from ecsnet.systems.geometry import Box, gap_circle_box

__all__ = ["attacking_place", "choose_shot", "covering_place"]

BEHIND = PLAYER_HALF + BALL_RADIUS + 2.0  # units from the ball's centre to one's own, ready to run it forward
DETOUR = PLAYER_HALF + BALL_RADIUS + 10.0  # how wide to go around a ball that must not be pushed homeward
SHOT_RANGE = 280.0  # units; a kick rolls 320
CLEARANCE = 200.0  # units from the own goal line where any kick forward is a good one
PRESSED = 44.0  # units from a rival to the ball, from which on it may be better played away
ROOM = 120.0  # units of free way that are enough
FORWARD = 250.0  # units of free way that a kick straight at the goal is worth
WORTHWHILE = 220.0  # units, of both; for less the ball is kept at one's feet
HOPEFUL = 30.0  # units to the first body in the way of a shot; it may bounce in
WAY_WIDTH = PLAYER_HALF + BALL_RADIUS + 3.0  # units beside a kick's line that have to be free
COVER = 0.3  # of the way from the own goal to the ball, where the last one stands
SUPPORT = 90.0  # units beside the ball where a mate waits


def covering_place(sight: Sight) -> Point:
    """Return where to be without the ball: the last before the own goal, others beside the ball and a little behind."""
    if sight.rank == sight.mates - 1:
        return Point(
            sight.home.x + (sight.ball.x - sight.home.x) * COVER,
            sight.home.y + (sight.ball.y - sight.home.y) * COVER,
        )
    beside = SUPPORT if sight.ball.y < pitch.MIDDLE_Y else -SUPPORT  # where there is more room
    return inside(Point(sight.ball.x - sight.forward * SUPPORT / 2, sight.ball.y + beside), PLAYER_HALF)


def attacking_place(sight: Sight) -> Point:
    """Return where to run: through the ball if one is behind it, else behind it, never pushing it homeward."""
    ball, me, target = sight.ball, sight.me, sight.target
    length = ball.distance(target)
    ahead_x, ahead_y = (target.x - ball.x) / length, (target.y - ball.y) / length
    along = (ball.x - me.x) * ahead_x + (ball.y - me.y) * ahead_y
    beside = (ball.x - me.x) * -ahead_y + (ball.y - me.y) * ahead_x
    if along > 0.0 and abs(beside) < BALL_RADIUS + PLAYER_HALF / 2:
        return Point(ball.x + ahead_x * BEHIND, ball.y + ahead_y * BEHIND)
    behind = Point(ball.x - ahead_x * BEHIND, ball.y - ahead_y * BEHIND)
    if along < BEHIND / 2 and abs(beside) < DETOUR:
        out = DETOUR if beside <= 0.0 else -DETOUR
        if not pitch.TOP < ball.y + ahead_x * out < pitch.BOTTOM:
            out = -out  # no room between the ball and the side line
        behind = Point(behind.x - ahead_y * out, behind.y + ahead_x * out)
    return inside(behind, PLAYER_HALF)


def choose_shot(sight: Sight) -> int | None:
    """Return the facing to kick in; None to keep the ball at one's feet, or because it is out of reach.

    At the goal if that goes in; away from the own goal, or from a rival who is upon one, where the way is free longest.
    """
    ball, me = sight.ball_now, sight.me
    body = Box(me.x, me.y, PLAYER_HALF, PLAYER_HALF)
    if gap_circle_box(ball.x, ball.y, BALL_RADIUS, body).distance > pitch.KICK_REACH:
        return None
    in_front = [
        facing
        for facing, (x, y) in enumerate(DIRECTIONS)
        if (ball.x - me.x) * x + (ball.y - me.y) * y > 0.6 * me.distance(ball)
    ]
    for facing in in_front:
        if goes_in(ball, facing, sight.target) and to_somebody(sight, facing) > HOPEFUL:
            return facing
    is_pressed = any(ball.distance(rival) < PRESSED for rival in sight.rivals)
    safe = [facing for facing in in_front if not goes_in(ball, facing, sight.home)]
    if not safe or not (is_pressed or abs(ball.x - sight.home.x) < CLEARANCE):
        return None
    best = max(safe, key=lambda facing: worth(sight, facing))
    return best if worth(sight, best) > WORTHWHILE else None


def worth(sight: Sight, facing: int) -> float:
    """Return what a kick is worth: how far it rolls, and more if that is towards the goal."""
    x, y = DIRECTIONS[facing]
    ahead_x, ahead_y = sight.target.x - sight.ball_now.x, sight.target.y - sight.ball_now.y
    towards = (ahead_x * x + ahead_y * y) / math.hypot(ahead_x, ahead_y)
    return min(free_way(sight, facing), ROOM) + FORWARD * towards


def free_way(sight: Sight, facing: int) -> float:
    """Return how far a kick would roll before it meets somebody or a wall; the range of a kick if it meets nothing."""
    x, y = DIRECTIONS[facing]
    return min(SHOT_RANGE, to_somebody(sight, facing), to_wall(sight.ball_now, x, y))


def to_somebody(sight: Sight, facing: int) -> float:
    """Return how far it is to the first body in the way of a kick."""
    x, y = DIRECTIONS[facing]
    ways = [math.inf]
    for other in sight.others:
        along = (other.x - sight.ball_now.x) * x + (other.y - sight.ball_now.y) * y
        beside = (other.x - sight.ball_now.x) * -y + (other.y - sight.ball_now.y) * x
        if along > 0.0 and abs(beside) < WAY_WIDTH:
            ways.append(along)
    return min(ways)


def to_wall(ball: Point, x: float, y: float) -> float:
    """Return how far it is to the edge of the pitch, in a direction."""
    edges = ((pitch.RIGHT if x > 0.0 else pitch.LEFT, ball.x, x), (pitch.BOTTOM if y > 0.0 else pitch.TOP, ball.y, y))
    return min((edge - at) / step for edge, at, step in edges if step)


def goes_in(ball: Point, facing: int, target: Point) -> bool:
    """Tell whether a kick would roll between the posts."""
    x, y = DIRECTIONS[facing]
    if x == 0.0 or (target.x - ball.x) * x < 0.0:
        return False
    distance = (target.x - ball.x) / x
    at = ball.y + y * distance
    return distance < SHOT_RANGE and pitch.MOUTH_TOP + BALL_RADIUS < at < pitch.MOUTH_BOTTOM - BALL_RADIUS
