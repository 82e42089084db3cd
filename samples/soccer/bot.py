"""SoccerBot: a client without a person. It sees what a player sees and presses the same keys.

Of each side, whoever is nearest goes for the ball; the others stand between the ball and their own goal. The one at
the ball gets behind it, as seen from the goal he shoots at, runs it forward, and shoots when the shot would go in.
"""

import math
from typing import NamedTuple

from ecsnet import Client, World
from ecsnet.components import Player, Seat, Stage, Transform2D
from ecsnet.samples.soccer import pitch
from ecsnet.samples.soccer.components import Ball, Footballer, Move
from ecsnet.samples.soccer.phases import may_move, phase_now
from ecsnet.samples.soccer.pitch import BALL_RADIUS, PLAYER_HALF, Phase, Team
from ecsnet.samples.soccer.players import DIRECTIONS
from ecsnet.systems import seconds_left, stage_now
from ecsnet.systems.geometry import Box, gap_circle_box
from ecsnet.systems.lobby import set_ready
from ecsnet.wire import tick_difference

__all__ = ["SoccerBot", "decide_move"]

BEHIND = PLAYER_HALF + BALL_RADIUS + 2.0  # units from the ball's centre to one's own, ready to run it forward
DETOUR = PLAYER_HALF + BALL_RADIUS + 10.0  # how wide to go around a ball that must not be pushed homeward
SHOT_RANGE = 280.0  # units; a kick rolls 320
CLEARANCE = 200.0  # units from the own goal line where any kick forward is a good one
ARRIVED = 8.0  # units; nearer than a few ticks of running
REMATCH_SECONDS = 2.5  # before the result goes

_MOVES = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))  # by facing


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
    aim: float  # units from the middle of the goal to where it shoots

    @property
    def target(self) -> Point:
        """Where in the goal to shoot, a little behind its line."""
        return Point(pitch.RIGHT + 5.0 if self.forward > 0 else pitch.LEFT - 5.0, pitch.MIDDLE_Y + self.aim)

    @property
    def home(self) -> Point:
        """The middle of the own goal."""
        return Point(pitch.LEFT if self.forward > 0 else pitch.RIGHT, pitch.MIDDLE_Y)


class SoccerBot:
    """Plays for one client: call `decide` before each update and press what it returns."""

    def __init__(self) -> None:
        """Know nothing; all a bot remembers is when it last said that it is ready."""
        self._asked_tick: int | None = None

    def decide(self, client: Client) -> Move:
        """Get ready before a match, and for another after it; return what to press."""
        entity = client.entity
        if entity is None or client.disconnected is not None:
            return Move()
        if self._should_get_ready(client.world, entity):
            client.call(set_ready, True)  # noqa: FBT003  # an argument on the wire has no keyword
        return decide_move(client.world, entity)

    def _should_get_ready(self, world: World, entity: int) -> bool:
        """Ask once a second until the server says so; of a result have a look first."""
        stage, seat = stage_now(world), world.try_component(entity, Seat)
        if seat is None or seat.ready or seat.team == Team.SPECTATOR:
            return False
        if stage is not Stage.WAITING and not (stage is Stage.FINISHED and seconds_left(world) < REMATCH_SECONDS):
            return False
        if self._asked_tick is not None and tick_difference(world.tick, self._asked_tick) < world.tick_rate_hz:
            return False
        self._asked_tick = world.tick
        return True


def decide_move(world: World, entity: int) -> Move:
    """Return what a sensible player would press now; depends on the World only."""
    footballer, seat = world.try_component(entity, Footballer), world.try_component(entity, Seat)
    if footballer is None or seat is None or phase_now(world) not in {Phase.KICKOFF, Phase.PLAY}:
        return Move()
    sight = look(world, entity, seat.team) if may_move(world, seat.team) else None
    if sight is None:
        return Move()
    if sight.rank > 0:
        return go(sight.me, covering_place(sight))
    if footballer.cooldown_ticks == 0 and not footballer.kick_held:
        shot = choose_shot(sight)
        if shot is not None:
            return Move(*_MOVES[shot], kick=True)
    way = go(sight.me, attacking_place(sight))
    return way if way != Move() else go(sight.me, sight.ball_now)  # the ball lies where one cannot get behind it


def look(world: World, entity: int, team: int) -> Sight | None:
    """Find oneself, the ball and one's place among the own side; None while there is no ball to be seen."""
    found = next(iter(world.observe(Transform2D, Ball)), None)
    own = world.try_component(entity, Transform2D)
    if found is None or own is None:
        return None
    _, (place, ball) = found
    me, now = Point(own.x, own.y), Point(place.x, place.y)
    soon = ball_soon(now, ball, me.distance(now) / pitch.PLAYER_SPEED)
    side = sorted(
        (Point(at.x, at.y).distance(soon), mate)
        for mate, (at, _, seat) in world.observe(Transform2D, Player, Seat)
        if seat.team == team
    )
    rank = next((rank for rank, (_, mate) in enumerate(side) if mate == entity), 0)
    return Sight(me, soon, now, 1 if team == Team.HOME else -1, rank, mood(entity, world))


def mood(entity: int, world: World) -> float:
    """Return where in the goal a bot aims just now, in units from its middle.

    Each has its own taste and changes it. Two bots that thought alike would face each other forever.
    """
    seconds = world.tick // round(world.tick_rate_hz)
    return ((entity * 7919 + seconds // 2 * 104729) % 9 - 4) * 10.0


def ball_soon(now: Point, ball: Ball, seconds: float) -> Point:
    """Return where the ball will have rolled to, bounces left out."""
    rolled = (1.0 - math.exp(-pitch.BALL_DRAG * min(seconds, 1.0))) / pitch.BALL_DRAG
    return inside(Point(now.x + ball.velocity_x * rolled, now.y + ball.velocity_y * rolled), BALL_RADIUS)


def covering_place(sight: Sight) -> Point:
    """Return where to stand on the line from the ball to the own goal: the second half-way, the third nearer."""
    share = 0.55 if sight.rank == 1 else 0.25
    return Point(
        sight.home.x + (sight.ball.x - sight.home.x) * share,
        sight.home.y + (sight.ball.y - sight.home.y) * share,
    )


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
    """Return the facing to kick in: at the goal if that goes in, else away from the own goal; None if neither."""
    ball, me = sight.ball_now, sight.me
    body = Box(me.x, me.y, PLAYER_HALF, PLAYER_HALF)
    if gap_circle_box(ball.x, ball.y, BALL_RADIUS, body).distance > pitch.KICK_REACH:
        return None
    in_front = [
        facing
        for facing, (x, y) in enumerate(DIRECTIONS)
        if x * sight.forward > 0.0 and (ball.x - me.x) * x + (ball.y - me.y) * y > 0.7 * me.distance(ball)
    ]
    for facing in in_front:
        if goes_in(ball, facing, sight.target):
            return facing
    return in_front[0] if in_front and abs(ball.x - sight.home.x) < CLEARANCE else None


def goes_in(ball: Point, facing: int, target: Point) -> bool:
    """Tell whether a kick would roll between the posts."""
    x, y = DIRECTIONS[facing]
    distance = (target.x - ball.x) / x
    at = ball.y + y * distance
    return distance < SHOT_RANGE and pitch.MOUTH_TOP + BALL_RADIUS < at < pitch.MOUTH_BOTTOM - BALL_RADIUS


def go(me: Point, to: Point) -> Move:
    """Return the keys that lead there, of the eight ways there are."""
    if me.distance(to) < ARRIVED:
        return Move()
    eighth = round(math.atan2(to.y - me.y, to.x - me.x) / (math.pi / 4)) % 8
    move_x, move_y = _MOVES[eighth]
    return Move(move_x, move_y)


def inside(point: Point, margin: float) -> Point:
    """Return the nearest place on the pitch that is not closer to a line than a margin."""
    return Point(
        min(max(point.x, pitch.LEFT + margin), pitch.RIGHT - margin),
        min(max(point.y, pitch.TOP + margin), pitch.BOTTOM - margin),
    )
