"""The chat: the last lines, which fade, and the one that is being typed."""

import pygame

from ecsnet.samples.soccer.canvas import Canvas
from ecsnet.samples.soccer.colors import DARK, FAINT, OWN, TEAM_TEXT, WHITE
from ecsnet.samples.soccer.news import Line
from ecsnet.samples.soccer.pitch import Team
from ecsnet.systems.chat import MAX_TEXT_BYTES

__all__ = ["Typing", "draw_lines", "draw_typing"]

LEFT, WIDTH = 14.0, 540.0  # units
LINE_HEIGHT, TEXT_SIZE = 18.0, 16.0
SHOWN_SECONDS, FADE_SECONDS = 8.0, 2.0
MAX_ROWS = 4  # while one plays; with the line open twice as many
TYPING_Y = 413.0  # on the apron below the pitch
REPEAT_AFTER_MS, REPEAT_EVERY_MS = 400, 40  # of a key that is held


class Typing:
    """A line that is being typed.

    Attributes:
        is_open: Whether keys write instead of play.
        text: So far.
        to_team: Whether it is for one's own side only.
    """

    def __init__(self) -> None:
        """Begin closed."""
        self.is_open = False
        self.text = ""
        self.to_team = False

    def open(self) -> None:
        """Let keys write."""
        self.is_open, self.text = True, ""
        pygame.key.set_repeat(REPEAT_AFTER_MS, REPEAT_EVERY_MS)

    def close(self) -> str:
        """Let keys play again; return what was written."""
        self.is_open = False
        pygame.key.set_repeat()
        return self.text.strip()

    def write(self, text: str) -> None:
        """Add what was typed, as far as there is room."""
        for letter in text:
            if letter.isprintable() and len((self.text + letter).encode(errors="ignore")) <= MAX_TEXT_BYTES:
                self.text += letter

    def press(self, key: int) -> str | None:
        """React to a key that writes nothing; return the line when it is done, an empty one if it was given up."""
        if key == pygame.K_BACKSPACE:
            self.text = self.text[:-1]
        elif key == pygame.K_TAB:
            self.to_team = not self.to_team
        elif key in {pygame.K_RETURN, pygame.K_KP_ENTER}:
            return self.close()
        elif key == pygame.K_ESCAPE:
            self.text = ""
            return self.close()
        return None


def draw_lines(canvas: Canvas, lines: list[Line], now: float, bottom: float, *, is_open: bool) -> None:
    """Draw the last lines upwards from a place; old ones have faded, unless somebody is typing."""
    y, rows = bottom - LINE_HEIGHT / 2, 0
    for line in reversed(lines):
        age = now - line.at
        alpha = 255 if is_open else round(255 * min(1.0, (SHOWN_SECONDS + FADE_SECONDS - age) / FADE_SECONDS))
        if alpha <= 0 or rows >= MAX_ROWS * (2 if is_open else 1):
            return
        for text, is_first in reversed(_rows_of(canvas, line)):
            _draw_row(canvas, line, text, y, alpha, with_name=is_first)
            y, rows = y - LINE_HEIGHT, rows + 1


def draw_typing(canvas: Canvas, typing: Typing, team: Team) -> None:
    """Draw the line that is being typed, its end if it is long, and what the keys do."""
    canvas.panel(LEFT + WIDTH / 2, TYPING_Y, WIDTH + 16, 22, DARK, alpha=240, radius=6)
    to_team = typing.to_team and team is not Team.SPECTATOR
    label = f"to {team.name}:" if to_team else "to all:"
    canvas.text(label, LEFT, TYPING_Y + 1, TEXT_SIZE, TEAM_TEXT[team] if to_team else OWN, align=0)
    x = LEFT + canvas.text_width(label, TEXT_SIZE) + 6
    shown = typing.text + "_"
    while canvas.text_width(shown, TEXT_SIZE) > LEFT + WIDTH - x:
        shown = shown[1:]
    canvas.text(shown, x, TYPING_Y + 1, TEXT_SIZE, WHITE, align=0)
    canvas.text(
        "Enter  send     Tab  all or side     Esc  never mind", LEFT + WIDTH + 16, TYPING_Y + 1, 14, FAINT, align=0
    )


def _rows_of(canvas: Canvas, line: Line) -> list[tuple[str, bool]]:
    """Break a line, its name before it, into rows; say which is the first."""
    rows = canvas.wrapped(f"{line.who}: {line.text}" if line.who else line.text, WIDTH, TEXT_SIZE)
    return [(row, number == 0) for number, row in enumerate(rows)]


def _draw_row(canvas: Canvas, line: Line, text: str, y: float, alpha: int, *, with_name: bool) -> None:
    width = canvas.text_width(text, TEXT_SIZE) + 12
    canvas.panel(LEFT - 6 + width / 2, y, round(width), LINE_HEIGHT - 1, DARK, alpha=alpha * 160 // 255, radius=4)
    name = text[: len(line.who) + 1] if with_name and line.who else ""
    canvas.text(name, LEFT, y + 1, TEXT_SIZE, line.color, align=0, alpha=alpha)
    color, x = WHITE if line.who else line.color, LEFT + canvas.text_width(name, TEXT_SIZE)
    canvas.text(text[len(name) :], x, y + 1, TEXT_SIZE, color, align=0, alpha=alpha)
