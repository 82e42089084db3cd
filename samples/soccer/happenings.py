"""What everybody is told of a match, beside what everybody sees: its goals, and who won."""

from ecsnet import EntityRef, event, netvar
from ecsnet.samples.soccer.components import TICK_MAX
from ecsnet.samples.soccer.pitch import Team

__all__ = ["GoalScored", "MatchWon"]


@event(deliver="rendered")  # when the ball is seen in the net
class GoalScored:
    """The ball was in. Sent by Referee."""

    team: Team  # whose goal it is
    scorer: EntityRef  # who touched the ball last; 0: nobody, or he is gone
    own_goal: bool
    tick: int = netvar(0, low=0, high=TICK_MAX)  # in which it counted


@event
class MatchWon:
    """The match is over. Sent by Referee."""

    team: Team
    home: int = netvar(0, low=0, high=99)  # goals
    away: int = netvar(0, low=0, high=99)
