"""The numbers of the game: world units and seconds, y grows downward. Only this file sets one."""

from enum import Enum, IntEnum

__all__ = ["Phase", "Team"]


class Team(IntEnum):
    """Which side a seat is on. HOME defends the left goal."""

    SPECTATOR = 0
    HOME = 1
    AWAY = 2

    @property
    def opponent(self) -> "Team":
        """The other side."""
        return Team.SPECTATOR if self is Team.SPECTATOR else Team(3 - self)


class Phase(Enum):
    """What a match that is on consists of; before and after it there is the lobby."""

    KICKOFF = 0  # all on their places; the side that conceded may walk up to the ball
    PLAY = 1
    GOAL = 2  # a moment to be happy or not


PHASE_SECONDS = {Phase.KICKOFF: 1.5, Phase.GOAL: 2.0}
GOALS_TO_WIN = 5
FORFEIT_SECONDS = 10.0  # a side that stays empty for so long has lost
SEATS_PER_TEAM = 3

WIDTH, HEIGHT = 800.0, 400.0
LEFT, RIGHT = 10.0, 790.0  # the goal lines
TOP, BOTTOM = 10.0, 390.0  # the side lines
MIDDLE_X, MIDDLE_Y = WIDTH / 2, HEIGHT / 2
MOUTH_TOP, MOUTH_BOTTOM = 140.0, 260.0  # the posts
NET_DEPTH = 20.0

PLAYER_HALF = 15.0  # half the side of a player's square
PLAYER_SPEED = 300.0  # units per second
PLAYER_ACCELERATION = 2400.0  # units per second, each second
PLAYER_DECELERATION = 3000.0
SPAWN_X = {Team.HOME: 100.0, Team.AWAY: 700.0}
SPAWN_Y = (200.0, 110.0, 290.0)  # by place in the team; mirrored, so both sides have the same way to the ball

BALL_RADIUS = 5.0
BALL_SPEED = 600.0
BALL_REST_SPEED = 5.0  # slower than this it lies still
BALL_DRAG = 1.54  # velocity falls by exp(-1.54 s): a kick of 500 u/s rolls about 320 units
BALL_RESTITUTION = 0.8  # of the speed towards a wall
NET_RESTITUTION = 0.02  # a net gives; what is in stays in
TOUCH_FACTOR = 1.15  # a little faster than the player, so that running with the ball is a run of touches
TOUCH_SPEED = 100.0  # at least

KICK_SPEED = 500.0
KICK_REACH = 12.0  # from the player's edge to the ball's
KICK_COOLDOWN_SECONDS = 0.3
