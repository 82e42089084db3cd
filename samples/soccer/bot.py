"""SoccerBot: a client without a person. It sees what a player sees and presses the same keys.

Of each side, whoever is nearest goes for the ball, the last one keeps the goal, and one between waits where the ball
may come free. The one at the ball gets behind it, as seen from the goal he shoots at, runs it forward, shoots when
nobody is in the way, and when a rival is upon him plays it where there is room.
"""

import math

from ecsnet import Participant, World
from ecsnet.components import Seat, Stage
from ecsnet.samples.soccer.components import Footballer, Move
from ecsnet.samples.soccer.phases import may_move, phase_now
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.samples.soccer.sight import Point, look
from ecsnet.samples.soccer.tactics import attacking_place, choose_shot, covering_place
from ecsnet.systems import seconds_left, stage_now
from ecsnet.systems.lobby import set_ready
from ecsnet.wire import tick_difference

__all__ = ["SoccerBot", "decide_move"]

ARRIVED = 8.0  # units; nearer than a few ticks of running
REMATCH_SECONDS = 2.5  # before the result goes

_MOVES = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))  # by facing


class SoccerBot:
    """Plays for one client: call `decide` before each update and press what it returns."""

    def __init__(self) -> None:
        """Know nothing; all a bot remembers is when it last said that it is ready."""
        self._asked_tick: int | None = None

    def decide(self, client: Participant) -> Move:
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


def go(me: Point, to: Point) -> Move:
    """Return the keys that lead there, of the eight ways there are."""
    if me.distance(to) < ARRIVED:
        return Move()
    eighth = round(math.atan2(to.y - me.y, to.x - me.x) / (math.pi / 4)) % 8
    move_x, move_y = _MOVES[eighth]
    return Move(move_x, move_y)
