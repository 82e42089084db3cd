"""Keys and a bar for a recording, over whatever window a game opens with pygame.

The game's own loop runs as it does in a match. What it asks pygame for goes through here: keys of the player are kept
from it, and the bar is drawn before a frame is shown. So no game needs any code for it. pygame keeps these functions in
its modules, whose place ours take until the window is closed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pygame

from ecsnet.recording.deck import SKIP_SECONDS, Deck
from ecsnet.recording.reader import clock_text

__all__ = ["Bar", "controlled"]

HEIGHT, MARGIN = 34, 12  # pixels; the bar is that far from the edges of the window
TRACK_LEFT, TRACK_RIGHT = 196, 120  # pixels from the ends of the bar to the line that shows where one is
TRACK_HEIGHT, KNOB_RADIUS = 6, 8
TEXT_SIZE, HINT_SIZE = 22, 17
DARK, GREY, WHITE, BRIGHT = (12, 16, 20), (132, 140, 148), (235, 238, 240), (246, 200, 70)
ALPHA = 215
HINTS = ("space  pause", "left, right  5 s", "home, end", "up, down  speed")

KEYS: dict[int, Callable[[Deck], None]] = {
    pygame.K_SPACE: Deck.toggle,
    pygame.K_LEFT: lambda deck: deck.skip(-SKIP_SECONDS),
    pygame.K_RIGHT: lambda deck: deck.skip(SKIP_SECONDS),
    pygame.K_HOME: lambda deck: deck.jump(0.0),
    pygame.K_END: lambda deck: deck.jump(deck.length_seconds),
    pygame.K_UP: lambda deck: deck.change_speed(1),
    pygame.K_DOWN: lambda deck: deck.change_speed(-1),
}


@contextmanager
def controlled(deck: Deck) -> Iterator[None]:
    """Let keys, mouse and a bar control a deck in the window that is opened in this block."""
    bar = Bar(deck)
    get, flip, update = pygame.event.get, pygame.display.flip, pygame.display.update
    set_mode = pygame.display.set_mode

    def open_fitting(size: tuple[int, int] = (0, 0), flags: int = 0, *args: Any, **kwargs: Any) -> pygame.Surface:
        return set_mode(fitting(size, desktop_size()) if flags & pygame.RESIZABLE else size, flags, *args, **kwargs)

    def get_others(*args: Any, **kwargs: Any) -> list[pygame.event.Event]:
        return [event for event in get(*args, **kwargs) if not bar.handle(event, pygame.display.get_surface())]

    def show_over(show: Callable[..., None]) -> Callable[..., None]:
        def draw_and_show(*args: Any, **kwargs: Any) -> None:
            surface = pygame.display.get_surface()
            if surface is not None:
                bar.draw(surface)
            show(*args, **kwargs)

        return draw_and_show

    pygame.event.get, pygame.display.flip, pygame.display.update = get_others, show_over(flip), show_over(update)
    pygame.display.set_mode = open_fitting  # type: ignore[assignment]  # it takes whatever the other takes
    try:
        yield
    finally:
        pygame.event.get, pygame.display.flip, pygame.display.update = get, flip, update
        pygame.display.set_mode = set_mode


def desktop_size() -> tuple[int, int]:
    """Return how large the smallest screen is that a window may be on."""
    width, height = min(pygame.display.get_desktop_sizes())
    return width, height


def fitting(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Return the size of a window, of the same shape, that is not larger than there is room for.

    Only of one that may be resized: its game draws at any size.
    """
    width, height = size
    scale = min(1.0, room[0] / max(1, width), room[1] / max(1, height))
    return round(width * scale), round(height * scale)


class Bar:
    """What stands over the game: where one is, how fast one goes, and what the keys are."""

    def __init__(self, deck: Deck) -> None:
        """Show a deck."""
        self._deck = deck
        self._is_dragged = False

    def handle(self, event: pygame.event.Event, surface: pygame.Surface | None) -> bool:
        """React to an event; tell whether it was for the player, and not for the game."""
        if event.type == pygame.KEYDOWN and event.key in KEYS:
            KEYS[event.key](self._deck)
            return True
        if event.type == pygame.KEYUP:
            return event.key in KEYS
        return surface is not None and self._handle_mouse(event, surface)

    def _handle_mouse(self, event: pygame.event.Event, surface: pygame.Surface) -> bool:
        """Jump to where the mouse is pressed on the bar, and follow it until it is let go."""
        was_dragged = self._is_dragged
        if event.type == pygame.MOUSEBUTTONDOWN and self._panel(surface).collidepoint(event.pos):
            self._is_dragged = True
        elif event.type == pygame.MOUSEBUTTONUP:
            self._is_dragged = False
            return was_dragged
        if self._is_dragged and event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION):
            self._jump_to(event.pos[0], surface)
            return True
        return False

    def draw(self, surface: pygame.Surface) -> None:
        """Draw it at the bottom of a window."""
        deck, panel, track = self._deck, self._panel(surface), self._track(surface)
        ground = pygame.Surface(panel.size, pygame.SRCALPHA)
        pygame.draw.rect(ground, (*DARK, ALPHA), ground.get_rect(), border_radius=9)
        surface.blit(ground, panel)
        share = deck.position_seconds / deck.length_seconds if deck.length_seconds else 1.0
        knob = track.left + round(share * track.width), track.centery
        pygame.draw.rect(surface, GREY, track, border_radius=TRACK_HEIGHT // 2)
        pygame.draw.rect(surface, BRIGHT, (*track.topleft, knob[0] - track.left, track.height), border_radius=3)
        pygame.draw.circle(surface, WHITE, knob, KNOB_RADIUS)
        self._draw_state(surface, panel)
        self._write(
            surface, _beginning(HINTS, track.width), HINT_SIZE, GREY, midbottom=(track.centerx, panel.bottom - 1)
        )
        speed = f"{deck.speed:g}x" if deck.speed >= 1 else f"1/{1 / deck.speed:g}x"
        self._write(
            surface, "end" if deck.is_at_end else speed, TEXT_SIZE, WHITE, midright=(panel.right - 14, panel.centery)
        )

    def _draw_state(self, surface: pygame.Surface, panel: pygame.Rect) -> None:
        """Draw whether it runs, and the time."""
        deck, x, y = self._deck, panel.left + 20, panel.centery
        if deck.is_paused or deck.is_at_end:
            for left in (x - 6, x + 2):
                pygame.draw.rect(surface, WHITE, (left, y - 8, 5, 16))
        else:
            pygame.draw.polygon(surface, WHITE, [(x - 6, y - 8), (x - 6, y + 8), (x + 8, y)])
        times = f"{clock_text(deck.position_seconds)} / {clock_text(deck.length_seconds)}"
        self._write(surface, times, TEXT_SIZE, WHITE, midleft=(x + 18, y))

    def _write(
        self, surface: pygame.Surface, text: str, size: int, color: tuple[int, int, int], **place: tuple[int, int]
    ) -> None:
        picture = _font(size).render(text, True, color)  # noqa: FBT003  # smooth
        surface.blit(picture, picture.get_rect(**place))

    def _jump_to(self, x: int, surface: pygame.Surface) -> None:
        track = self._track(surface)
        self._deck.jump((x - track.left) / track.width * self._deck.length_seconds)

    def _panel(self, surface: pygame.Surface) -> pygame.Rect:
        width, height = map(min, surface.get_size(), desktop_size())  # of what is larger, where the screen shows it
        return pygame.Rect(MARGIN, height - HEIGHT - MARGIN, width - 2 * MARGIN, HEIGHT)

    def _track(self, surface: pygame.Surface) -> pygame.Rect:
        panel = self._panel(surface)
        width = max(1, panel.width - TRACK_LEFT - TRACK_RIGHT)
        return pygame.Rect(panel.left + TRACK_LEFT, panel.centery - TRACK_HEIGHT, width, TRACK_HEIGHT)


def _font(size: int) -> pygame.font.Font:
    pygame.font.init()  # the game may write nothing; does nothing the second time
    return pygame.font.Font(None, size)


def _beginning(hints: Sequence[str], width: int) -> str:
    """Return as many hints, from the first, as there is room for."""
    font = _font(HINT_SIZE)
    lines = ["    ".join(hints[:count]) for count in range(len(hints), 0, -1)]
    return next((line for line in lines if font.size(line)[0] <= width), "")
