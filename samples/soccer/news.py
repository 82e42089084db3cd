"""News: what a client hears, kept for as long as it is worth showing: goals, who came and went, what was said."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from ecsnet import Client
from ecsnet.components import Player, PlayerStatus, Seat
from ecsnet.events import Changed, Despawned, DespawnReason, Spawned, Synced
from ecsnet.samples.soccer.canvas import Color
from ecsnet.samples.soccer.colors import BAD, GREY, TEAM_TEXT
from ecsnet.samples.soccer.happenings import GoalScored
from ecsnet.samples.soccer.pitch import Team
from ecsnet.systems import Said

__all__ = ["Goal", "Line", "News"]

MAX_LINES = 50
STATUS_TEXTS = {PlayerStatus.LOST: "lost the connection", PlayerStatus.CONNECTED: "is back"}


class Line(NamedTuple):
    """One line of the chat."""

    at: float  # monotonic seconds
    who: str  # empty: nobody, it is a notice
    text: str
    color: Color  # of the name; of the text of a notice


class Goal(NamedTuple):
    """A goal that was just shot."""

    at: float  # monotonic seconds
    team: Team
    text: str  # whose it was


class News:
    """Listens to one client.

    Attributes:
        lines: What was said and noticed, the oldest first.
        goal: The last goal; None before the first.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.lines: deque[Line] = deque(maxlen=MAX_LINES)
        self.goal: Goal | None = None
        self._statuses: dict[int, PlayerStatus] = {}  # by player entity
        self._is_synced = False

    def hear(self, client: Client, events: Iterable[object], now: float) -> None:
        """Take what `client.events()` told; who was there before is no news."""
        for event in events:
            match event:
                case Synced():
                    self._is_synced = True
                case Said():
                    self._hear_said(client, event, now)
                case GoalScored():
                    self.goal = Goal(now, event.team, describe(client, event))
                case Spawned(entity) | Changed(entity):
                    self._look_at(client, entity, now)
                case Despawned() if event.entity in self._statuses:
                    self._hear_despawned(event, now)

    def notice(self, text: str, now: float, color: Color = GREY) -> None:
        """Add a line that nobody said."""
        self.lines.append(Line(now, "", text, color))

    def refuse(self, text: str, now: float) -> None:
        """Say why what the player asked for cannot be."""
        self.notice(text, now, BAD)

    def _hear_said(self, client: Client, said: Said, now: float) -> None:
        seat = client.world.try_component(said.player, Seat)
        team = Team.SPECTATOR if seat is None else Team(seat.team)
        who = f"{said.name or 'somebody'} (to {team.name})" if said.to_team else said.name or "somebody"
        self.lines.append(Line(now, who, said.text, TEAM_TEXT[team]))

    def _hear_despawned(self, gone: Despawned, now: float) -> None:
        del self._statuses[gone.entity]
        player = gone.try_component(Player)
        if gone.reason is DespawnReason.HIDDEN:  # this client comes to another world, as it does when it comes back
            self._is_synced = False
        else:
            self.notice(f"{player.name if player else 'somebody'} left", now)

    def _look_at(self, client: Client, entity: int, now: float) -> None:
        player = client.world.try_component(entity, Player)
        if player is None:
            return
        before = self._statuses.get(entity)
        self._statuses[entity] = player.status
        if not self._is_synced or before is player.status:
            return
        text = "joined" if before is None else STATUS_TEXTS.get(player.status, "")
        self.notice(f"{player.name} {text}", now)


def describe(client: Client, goal: GoalScored) -> str:
    """Return whose goal it was."""
    player = client.world.try_component(goal.scorer, Player)
    if player is None:
        return f"for {goal.team.name}"
    return f"{'own goal by' if goal.own_goal else 'by'} {player.name}, for {goal.team.name}"
