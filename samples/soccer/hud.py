"""What stands over the pitch: score, clock, banners, notices, help. All of it read from the client's World."""

import math

from ecsnet import Client, World
from ecsnet.components import Seat, Stage
from ecsnet.retry import Retry
from ecsnet.samples.soccer.canvas import Canvas, Color
from ecsnet.samples.soccer.colors import DARK, FAINT, GREY, OWN, TEAM_COLORS, TEAM_TEXT, WHITE
from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.manual import GENERAL_KEYS, PLAY_KEYS
from ecsnet.samples.soccer.news import Goal
from ecsnet.samples.soccer.phases import phase_now
from ecsnet.samples.soccer.pitch import (
    BOTTOM,
    LEFT,
    MIDDLE_X,
    MIDDLE_Y,
    PHASE_SECONDS,
    RIGHT,
    SEATS_PER_TEAM,
    TOP,
    WIDTH,
    Phase,
    Team,
)  # fmt: skip
from ecsnet.samples.soccer.roster import draw_lobby, draw_result, own_seat
from ecsnet.samples.soccer.scoreboard import clock_text, is_golden_goal
from ecsnet.systems import seconds_left, stage_now
from ecsnet.systems.lobby import team_sizes

__all__ = ["draw_help", "draw_hud", "draw_notice", "draw_retrying", "draw_status"]

BOARD_Y = -37.0
STATUS_Y = 421.0
GOAL_SECONDS = PHASE_SECONDS[Phase.GOAL]
FLASH_SECONDS = 0.45
FLASH_DEPTH, FLASH_STEPS = 160.0, 12  # units from the goal line, and strips


def draw_hud(canvas: Canvas, client: Client, goal: Goal | None, now: float) -> None:
    """Draw the board, and what the moment calls for."""
    match = client.world.try_single(Match)
    if match is None:
        return
    draw_board(canvas, client, match)
    stage = stage_now(client.world)
    if stage is Stage.WAITING:
        draw_lobby(canvas, client)
    elif stage is Stage.COUNTDOWN:
        draw_banner(canvas, str(max(1, math.ceil(seconds_left(client.world)))), "get ready", WHITE)
    elif stage is Stage.FINISHED:
        draw_result(canvas, client, match)
    elif goal is not None and now - goal.at < GOAL_SECONDS:
        draw_flash(canvas, goal, now)
        draw_banner(canvas, "GOAL!", goal.text, TEAM_COLORS[goal.team])
    else:
        draw_state_of_play(canvas, client, match)


def draw_state_of_play(canvas: Canvas, client: Client, match: Match) -> None:
    """Say who kicks off, and whether a side is about to forfeit."""
    sizes = team_sizes(client.world)
    empty = next((team for team in (Team.HOME, Team.AWAY) if not sizes[team]), None)
    if empty is not None:
        draw_caption(canvas, f"Nobody plays for {empty.name}: {empty.opponent.name} is about to win", DARK)
    elif phase_now(client.world) is Phase.KICKOFF:
        team = match.kicking_team
        text = "Kickoff" if team is Team.SPECTATOR else f"Kickoff: {team.name}"
        draw_caption(canvas, text, DARK if team is Team.SPECTATOR else TEAM_COLORS[team])


def draw_board(canvas: Canvas, client: Client, match: Match) -> None:
    """Draw the score and the clock, whose side one is on, and where help is."""
    canvas.panel(MIDDLE_X, BOARD_Y, 330, 34, DARK, alpha=235, radius=9)
    for team, goals, side in ((Team.HOME, match.home, -1), (Team.AWAY, match.away, 1)):
        canvas.panel(MIDDLE_X + side * 118, BOARD_Y, 82, 24, TEAM_COLORS[team], alpha=255, radius=6)
        canvas.text(team.name, MIDDLE_X + side * 118, BOARD_Y + 1, 20, WHITE)
        canvas.text(str(goals), MIDDLE_X + side * 56, BOARD_Y + 1, 34, WHITE)
    if is_golden_goal(client.world, match):
        canvas.text("next goal", MIDDLE_X, BOARD_Y - 6, 16, OWN)
        canvas.text("wins", MIDDLE_X, BOARD_Y + 8, 16, OWN)
    else:
        canvas.text(clock_text(client.world, match), MIDDLE_X, BOARD_Y + 1, 20, GREY)
    seat = own_seat(client)
    if seat is None or seat.team == Team.SPECTATOR:
        canvas.text(waiting_text(client.world, seat), 0, BOARD_Y, 17, GREY, align=0)
    else:
        canvas.text(f"you play for {Team(seat.team).name}", 0, BOARD_Y, 17, TEAM_TEXT[seat.team], align=0)
    room = client.room
    canvas.text("F1  help" if room is None else f"room {room.code}   F1  help", WIDTH, BOARD_Y, 17, GREY, align=1)


def waiting_text(world: World, seat: Seat | None) -> str:
    """Return what somebody without a side waits for."""
    if seat is None or seat.watching:
        return "you are watching"
    sizes = team_sizes(world)
    is_full = min(sizes[Team.HOME], sizes[Team.AWAY]) >= SEATS_PER_TEAM
    return "both sides are full: you play when a place is free" if is_full else "you play from the next kickoff on"


def draw_flash(canvas: Canvas, goal: Goal, now: float) -> None:
    """Light up the end of the pitch where the ball went in; it fades at once."""
    left = 1.0 - (now - goal.at) / FLASH_SECONDS
    if left <= 0.0:
        return
    line, inward = (RIGHT, -1) if goal.team is Team.HOME else (LEFT, 1)
    for part in range(FLASH_STEPS):  # brighter towards the goal
        edge = line + inward * FLASH_DEPTH * (part + 1) / FLASH_STEPS
        corners = [(line, TOP), (edge, TOP), (edge, BOTTOM), (line, BOTTOM)]
        canvas.area(corners, TEAM_COLORS[goal.team], alpha=round(240 * left / FLASH_STEPS))


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


def draw_notice(canvas: Canvas, title: str, lines: list[str]) -> None:
    """Draw a message over everything: connecting, or the end of a connection."""
    lines = [row for line in lines for row in canvas.wrapped(line, 520, 20)]
    canvas.panel(MIDDLE_X, MIDDLE_Y, 560, 90 + 24 * len(lines), DARK, alpha=235, radius=12)
    top = MIDDLE_Y - 12 * len(lines)
    canvas.text(title, MIDDLE_X, top - 10, 36, WHITE)
    for number, line in enumerate(lines):
        canvas.text(line, MIDDLE_X, top + 26 + 24 * number, 20, GREY)


def draw_retrying(canvas: Canvas, retrying: Retry, now: float) -> None:
    """Say over the last picture that the connection is lost, and how long the client goes on trying."""
    attempt = f"coming back, attempt {retrying.failed + 1}" if now >= retrying.next_at else "trying again in a moment"
    left = max(0, math.ceil(retrying.gives_up_at - now))
    draw_notice(canvas, "Connection lost", [retrying.lost[1], f"{attempt}; giving up in {left} s", "Esc  quit"])


def draw_help(canvas: Canvas) -> None:
    """Draw which key does what."""
    rows = (*PLAY_KEYS, *GENERAL_KEYS)
    height = 74 + 23 * len(rows)
    canvas.panel(MIDDLE_X, MIDDLE_Y, 700, height, DARK, alpha=252, radius=12)
    top = MIDDLE_Y - height / 2
    canvas.text("HELP", MIDDLE_X, top + 22, 26, WHITE)
    canvas.text("keyboard", 200, top + 46, 15, FAINT, align=1)
    canvas.text("gamepad", 218, top + 46, 15, FAINT, align=0)
    for row, (key, pad, meaning) in enumerate(rows):
        y = top + 68 + row * 23
        canvas.text(key, 200, y, 18, OWN, align=1)
        canvas.text(pad, 218, y, 18, OWN, align=0)
        canvas.text(meaning, 300, y, 18, WHITE, align=0)


def draw_status(canvas: Canvas, switched_on: list[str]) -> None:
    """Name what is switched on, below the pitch, so that nobody wonders later."""
    canvas.text("     ".join(switched_on), WIDTH, STATUS_Y, 16, OWN, align=1)
