"""The roster: who is here, on which side, how well connected or how good, and who is ready."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from ecsnet import Client
from ecsnet.components import ConnectionQuality, LobbyRules, Parent, Player, PlayerStatus, Seat
from ecsnet.samples.soccer.canvas import Canvas, Color
from ecsnet.samples.soccer.colors import (
    BAD,
    DARK,
    FAINT,
    GOOD,
    GREY,
    LOST,
    OWN,
    POOR,
    TEAM_COLORS,
    WHITE,
)  # fmt: skip
from ecsnet.samples.soccer.components import Match, Tally
from ecsnet.samples.soccer.pitch import MIDDLE_X, SEATS_PER_TEAM, Team
from ecsnet.systems import seconds_left

__all__ = ["draw_lobby", "draw_result", "own_seat"]

COLUMN_WIDTH, COLUMN_GAP, ROW_HEIGHT = 240.0, 12.0, 28.0  # units, as all lengths here
PANEL_WIDTH = 2 * COLUMN_WIDTH + COLUMN_GAP + 24.0  # leaves the starting places free
TOP = 34.0
GOOD_MS, POOR_MS = 80, 160  # round trips from which on a connection is not good, and bad
BAD_LOSS_PERCENT = 10


class Entry(NamedTuple):
    """A player, as the roster shows him."""

    entity: int
    player: Player
    seat: Seat
    quality: ConnectionQuality | None
    tally: Tally | None
    is_own: bool

    @property
    def is_lost(self) -> bool:
        """Whether nobody steers him at the moment."""
        return self.player.status is PlayerStatus.LOST


DrawRight: TypeAlias = Callable[[Canvas, float, float, Entry], None]  # what stands at the right end (x, y) of a row


def entries(client: Client) -> list[Entry]:
    """Return everybody who is here, in order of coming."""
    world = client.world
    qualities = {parent.entity: quality for _, (quality, parent) in world.observe(ConnectionQuality, Parent)}
    return [
        Entry(
            entity, player, seat, qualities.get(entity), world.try_component(entity, Tally),
            is_own=entity == client.entity,
        )
        for entity, (player, seat) in sorted(world.observe(Player, Seat), key=lambda row: row[1][0].client_id)
    ]  # fmt: skip


def own_seat(client: Client) -> Seat | None:
    """Return this client's own seat, if it has one yet."""
    return None if client.entity is None else client.world.try_component(client.entity, Seat)


# Two screens.


def draw_lobby(canvas: Canvas, client: Client) -> None:
    """Draw who is here and what has to happen before a match begins."""
    listed = entries(client)
    room = client.room
    title = f"LOBBY   room {room.code}" if room is not None else "LOBBY"
    bottom = draw_panel(canvas, title, WHITE, listed, draw_connection, lines=3)
    canvas.text(lobby_hint(client, listed), MIDDLE_X, bottom - 60, 20, OWN)
    watching = own_seat(client)
    rejoin = "V  play" if watching is not None and watching.watching else "V  only watch"
    canvas.text(f"R  ready     T  change sides     {rejoin}     Enter  chat", MIDDLE_X, bottom - 35, 17, GREY)
    canvas.text("run and kick about while you wait", MIDDLE_X, bottom - 15, 15, FAINT)


def draw_result(canvas: Canvas, client: Client, match: Match) -> None:
    """Draw who has won, who has scored, and who wants a rematch."""
    listed = entries(client)
    title = f"{match.winner.name} WINS  {match.home} : {match.away}"
    bottom = draw_panel(canvas, title, TEAM_COLORS[match.winner], listed, draw_goals, lines=2)
    wanting = sum(entry.seat.ready for entry in listed)
    hint = f"{wanting} of {sum(entry.seat.team != Team.SPECTATOR for entry in listed)} want a rematch"
    canvas.text(f"R  rematch     {hint if wanting else ''}".rstrip(), MIDDLE_X, bottom - 36, 20, OWN)
    canvas.text(f"back to the lobby in {seconds_left(client.world):.0f} s", MIDDLE_X, bottom - 14, 15, FAINT)


def lobby_hint(client: Client, listed: list[Entry]) -> str:
    """Return what has to happen before a match can begin."""
    rules = client.world.try_single(LobbyRules) or LobbyRules()
    present = [entry for entry in listed if entry.seat.team != Team.SPECTATOR and not entry.is_lost]
    missing = rules.min_players - len(present)
    own = own_seat(client)
    if missing > 0:
        return f"Waiting for {missing} more player{'s' if missing > 1 else ''}"
    if own is not None and own.team != Team.SPECTATOR and not own.ready:
        return "Press R when you are ready"
    waiting = [entry.player.name for entry in present if not entry.seat.ready]
    if not waiting:
        return "Here we go"
    return f"Waiting for {waiting[0][:16]}" + (f" and {len(waiting) - 1} more" if len(waiting) > 1 else "")


# Their parts.


def draw_panel(
    canvas: Canvas, title: str, color: Color, listed: list[Entry], draw_right: DrawRight, *, lines: int
) -> float:
    """Draw the title and both sides, with room for some lines below; return where the panel ends."""
    watching = [entry for entry in listed if entry.seat.team == Team.SPECTATOR]
    height = 80.0 + SEATS_PER_TEAM * ROW_HEIGHT + 22.0 * bool(watching) + 24.0 * lines
    canvas.panel(MIDDLE_X, TOP + height / 2, PANEL_WIDTH, height, DARK, alpha=232, radius=12)
    if color != WHITE:
        canvas.panel(MIDDLE_X, TOP + 22, PANEL_WIDTH, 44, color, alpha=255, radius=12)
    canvas.text(title, MIDDLE_X, TOP + 23, 30, WHITE)
    for team, side in ((Team.HOME, -1), (Team.AWAY, 1)):
        column = MIDDLE_X + side * (COLUMN_WIDTH + COLUMN_GAP) / 2
        canvas.panel(column, TOP + 62, COLUMN_WIDTH, 22, TEAM_COLORS[team], alpha=255, radius=6)
        canvas.text(team.name, column, TOP + 63, 18, WHITE)
        players = [entry for entry in listed if entry.seat.team == team]
        for row in range(SEATS_PER_TEAM):
            y = TOP + 90 + row * ROW_HEIGHT
            canvas.panel(column, y, COLUMN_WIDTH, 24, (40, 48, 56), alpha=230, radius=6)
            if row < len(players):
                draw_row(canvas, column, y, players[row], draw_right)
            else:
                canvas.text("free", column, y + 1, 16, FAINT)
    if watching:
        names = ", ".join(entry.player.name + " (lost)" * entry.is_lost for entry in watching)
        text = canvas.fitted(f"watching: {names}", PANEL_WIDTH - 32, 16)
        canvas.text(text, MIDDLE_X, TOP + 86 + SEATS_PER_TEAM * ROW_HEIGHT, 16, GREY)
    return TOP + height


def draw_row(canvas: Canvas, x: float, y: float, entry: Entry, draw_right: DrawRight) -> None:
    """Draw one player's line."""
    left, right = x - COLUMN_WIDTH / 2, x + COLUMN_WIDTH / 2
    canvas.disc(left + 14, y, 5, GOOD if entry.seat.ready else (92, 100, 108))
    color = LOST if entry.is_lost else OWN if entry.is_own else WHITE
    canvas.text(canvas.fitted(entry.player.name, 100, 18), left + 26, y + 1, 18, color, align=0)
    if entry.is_lost:
        canvas.text("lost", right - 10, y + 1, 16, BAD, align=1)
        return
    if entry.seat.ready:
        canvas.text("ready", right - 76, y + 1, 16, GOOD, align=1)
    draw_right(canvas, right - 10, y, entry)


def draw_connection(canvas: Canvas, x: float, y: float, entry: Entry) -> None:
    """Draw how well a player is connected: bars, and the round trip."""
    quality = entry.quality
    if quality is None or not quality.rtt_ms:
        return
    bars = rate(quality)
    color = (BAD, POOR, GOOD)[bars - 1]
    canvas.text(f"{quality.rtt_ms} ms", x - 22, y + 1, 15, GREY, align=1)
    for bar in range(3):
        height = 5.0 + 4.0 * bar
        shown = color if bar < bars else (72, 80, 88)
        canvas.panel(x - 14 + 7 * bar, y + 6.5 - height / 2, 4.5, height, shown, alpha=255, radius=1)


def rate(quality: ConnectionQuality) -> int:
    """Return how good a connection is, 1 to 3."""
    if quality.rtt_ms > POOR_MS or quality.loss_percent > BAD_LOSS_PERCENT:
        return 1
    return 2 if quality.rtt_ms > GOOD_MS or quality.loss_percent > BAD_LOSS_PERCENT // 3 else 3


def draw_goals(canvas: Canvas, x: float, y: float, entry: Entry) -> None:
    """Draw what a player has scored."""
    tally = entry.tally
    if tally is None:
        return
    parts = [f"{tally.goals} goal{'s' if tally.goals != 1 else ''}"] if tally.goals else []
    parts += [f"{tally.own_goals} own"] if tally.own_goals else []
    canvas.text(", ".join(parts), x, y + 1, 16, WHITE, align=1)
