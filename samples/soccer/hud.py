"""What stands over the pitch: score, clock, banners, the lobby. All of it read from the client's World."""

import math

from ecsnet import Client
from ecsnet.components import Player, Seat, Stage
from ecsnet.samples.soccer.canvas import Canvas, Color
from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.draw import OWN, TEAM_COLORS, WHITE
from ecsnet.samples.soccer.phases import phase_now
from ecsnet.samples.soccer.pitch import MIDDLE_X, MIDDLE_Y, SEATS_PER_TEAM, WIDTH, Phase, Team
from ecsnet.samples.soccer.scoreboard import clock_text
from ecsnet.systems import seconds_left, stage_now

__all__ = ["draw_help", "draw_hud", "draw_notice", "draw_status"]

DARK: Color = (18, 24, 30)
GREY: Color = (165, 174, 182)
GREEN: Color = (120, 214, 120)
BOARD_Y = -37.0
STATUS_Y = 421.0

HELP = (
    ("Arrows, WASD or left stick", "run"),
    ("Space or first button", "kick where you face"),
    ("R", "ready / not ready"),
    ("T", "change team (lobby)"),
    ("F1", "this help"),
    ("F3", "network graph"),
    ("F4", "simulated network: LAN, Wi-Fi, mobile, awful, none"),
    ("F5", "ghosts: where the server last had everybody"),
    ("F6", "always roll back, which must change nothing"),
    ("Esc", "leave"),
)


def draw_hud(canvas: Canvas, client: Client) -> None:
    """Draw the board, and what the phase calls for."""
    match = client.world.try_single(Match)
    if match is None:
        return
    draw_board(canvas, client, match)
    stage, phase = stage_now(client.world), phase_now(client.world)
    if stage is Stage.WAITING:
        draw_lobby(canvas, client)
    elif stage is Stage.COUNTDOWN:
        draw_banner(canvas, str(max(1, math.ceil(seconds_left(client.world)))), "get ready", WHITE)
    elif stage is Stage.FINISHED:
        title = f"{match.winner.name} WINS  {match.home} : {match.away}"
        draw_banner(canvas, title, "R  rematch", TEAM_COLORS[match.winner])
    elif phase is Phase.KICKOFF and match.kicking_team is not Team.SPECTATOR:
        draw_caption(canvas, f"Kickoff: {match.kicking_team.name}", TEAM_COLORS[match.kicking_team])
    elif phase is Phase.KICKOFF:
        draw_caption(canvas, "Kickoff", DARK)
    elif phase is Phase.GOAL:
        draw_banner(canvas, "GOAL!", describe_goal(client, match), TEAM_COLORS[match.scoring_team])


def draw_board(canvas: Canvas, client: Client, match: Match) -> None:
    """Draw the score and the clock."""
    canvas.panel(MIDDLE_X, BOARD_Y, 330, 34, DARK, alpha=235, radius=9)
    sides = ((Team.HOME, match.home, -1), (Team.AWAY, match.away, 1))
    for team, goals, side in sides:
        canvas.panel(MIDDLE_X + side * 118, BOARD_Y, 82, 24, TEAM_COLORS[team], alpha=255, radius=6)
        canvas.text(team.name, MIDDLE_X + side * 118, BOARD_Y + 1, 20, WHITE)
        canvas.text(str(goals), MIDDLE_X + side * 56, BOARD_Y + 1, 34, WHITE)
    canvas.text(clock_text(client.world, match), MIDDLE_X, BOARD_Y + 1, 20, GREY)
    seat = own_seat(client)
    if seat is None or seat.team == Team.SPECTATOR:
        canvas.text("you are watching", 0, BOARD_Y, 17, GREY, align=0)
    else:
        canvas.text(f"you play for {Team(seat.team).name}", 0, BOARD_Y, 17, TEAM_COLORS[seat.team], align=0)
    canvas.text("F1 help", WIDTH, BOARD_Y, 17, GREY, align=1)


def draw_lobby(canvas: Canvas, client: Client) -> None:
    """Draw who is here, on which side, and who is ready."""
    top = MIDDLE_Y - 125
    canvas.panel(MIDDLE_X, MIDDLE_Y, 470, 262, DARK, alpha=225, radius=12)
    canvas.text("LOBBY", MIDDLE_X, top + 20, 32, WHITE)
    listed = client.world.observe(Player, Seat)
    for team, column in ((Team.HOME, MIDDLE_X - 112), (Team.AWAY, MIDDLE_X + 112)):
        canvas.panel(column, top + 52, 205, 24, TEAM_COLORS[team], alpha=255, radius=6)
        canvas.text(team.name, column, top + 53, 20, WHITE)
        players = [(entity, player, seat) for entity, (player, seat) in listed if seat.team == team]
        for row in range(SEATS_PER_TEAM):
            y = top + 84 + row * 28
            canvas.panel(column, y, 205, 24, (40, 48, 56), alpha=230, radius=6)
            if row < len(players):
                entity, player, seat = players[row]
                draw_seat(canvas, column, y, player.name, ready=seat.ready, own=entity == client.entity)
            else:
                canvas.text("free", column, y + 1, 16, (96, 106, 116))
    watching = [player.name for _, (player, seat) in listed if seat.team == Team.SPECTATOR]
    if watching:
        canvas.text(f"watching: {', '.join(watching)}"[:64], MIDDLE_X, top + 176, 16, GREY)
    canvas.text(lobby_hint(client, listed_seats=[seat for _, (_, seat) in listed]), MIDDLE_X, top + 203, 20, OWN)
    canvas.text("R  ready      T  change team      kick about while you wait", MIDDLE_X, top + 232, 17, GREY)


def draw_seat(canvas: Canvas, x: float, y: float, name: str, *, ready: bool, own: bool) -> None:
    """Draw one player's line in the lobby."""
    canvas.disc(x - 88, y, 5, GREEN if ready else (92, 100, 108))
    canvas.text(name[:18], x - 76, y + 1, 18, OWN if own else WHITE, align=0)
    canvas.text("ready" if ready else "not ready", x + 94, y + 1, 16, GREEN if ready else GREY, align=1)


def lobby_hint(client: Client, listed_seats: list[Seat]) -> str:
    """Return what has to happen before a match can start."""
    playing = [seat for seat in listed_seats if seat.team != Team.SPECTATOR]
    own = own_seat(client)
    if {Team.HOME, Team.AWAY} - {seat.team for seat in playing}:
        return "Waiting for a player on the other side"
    if own is not None and own.team != Team.SPECTATOR and not own.ready:
        return "Press R when you are ready"
    waiting = sum(not seat.ready for seat in playing)
    return f"Waiting for {waiting} more to be ready" if waiting else "Here we go"


def draw_banner(canvas: Canvas, title: str, below: str, color: Color) -> None:
    """Draw a broad band with big letters across the pitch."""
    canvas.panel(MIDDLE_X, MIDDLE_Y - 62, WIDTH - 20, 96, DARK, alpha=200, radius=0)
    canvas.panel(MIDDLE_X, MIDDLE_Y - 109, WIDTH - 20, 4, color, alpha=255, radius=0)
    canvas.panel(MIDDLE_X, MIDDLE_Y - 15, WIDTH - 20, 4, color, alpha=255, radius=0)
    canvas.shaded_text(title, MIDDLE_X, MIDDLE_Y - 72, 64, WHITE)
    canvas.text(below, MIDDLE_X, MIDDLE_Y - 33, 22, GREY)


def draw_caption(canvas: Canvas, text: str, color: Color) -> None:
    """Draw a small line of news below the board."""
    canvas.panel(MIDDLE_X, 32, canvas.text_width(text, 20) + 32, 26, color, alpha=235, radius=8)
    canvas.text(text, MIDDLE_X, 33, 20, WHITE)


def describe_goal(client: Client, match: Match) -> str:
    """Return whose goal it was."""
    team = match.scoring_team.name
    player = client.world.try_component(match.scorer, Player) if match.scorer else None
    if player is None:
        return f"for {team}"
    return f"own goal by {player.name}, for {team}" if match.own_goal else f"by {player.name}, for {team}"


def draw_notice(canvas: Canvas, title: str, lines: list[str]) -> None:
    """Draw a message instead of a match: connecting, or the end of a connection."""
    canvas.panel(MIDDLE_X, MIDDLE_Y, 560, 90 + 24 * len(lines), DARK, alpha=235, radius=12)
    top = MIDDLE_Y - 12 * len(lines)
    canvas.text(title, MIDDLE_X, top - 10, 36, WHITE)
    for number, line in enumerate(lines):
        canvas.text(line, MIDDLE_X, top + 26 + 24 * number, 20, GREY)


def draw_help(canvas: Canvas) -> None:
    """Draw which key does what."""
    canvas.panel(MIDDLE_X, MIDDLE_Y, 600, 64 + 26 * len(HELP), DARK, alpha=252, radius=12)
    top = MIDDLE_Y - 13 * len(HELP)
    canvas.text("HELP", MIDDLE_X, top - 6, 28, WHITE)
    for row, (key, meaning) in enumerate(HELP):
        y = top + 28 + row * 26
        canvas.text(key, MIDDLE_X - 92, y, 19, OWN, align=1)
        canvas.text(meaning, MIDDLE_X - 72, y, 19, WHITE, align=0)


def draw_status(canvas: Canvas, switched_on: list[str]) -> None:
    """Name what is switched on, below the pitch, so that nobody wonders later."""
    canvas.text("     ".join(switched_on), WIDTH, STATUS_Y, 16, OWN, align=1)


def own_seat(client: Client) -> Seat | None:
    """Return this client's own seat, if it has one yet."""
    return None if client.entity is None else client.world.try_component(client.entity, Seat)
