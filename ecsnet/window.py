"""A game's window: whether this machine can show one, and the function that does."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import cast

from ecsnet.bots import load_reference
from ecsnet.errors import EcsnetError
from ecsnet.game import Game
from ecsnet.runtime import RunningClient

__all__ = ["MissingPygameError", "find_window", "is_pygame", "missing_display"]

INVISIBLE = {"dummy", "offscreen"}


class MissingPygameError(EcsnetError):
    """The game's window is drawn with pygame, which is not installed."""

    def __init__(self) -> None:
        """Say how to get it."""
        super().__init__('this game\'s window needs pygame: pip install "ecsnet[pygame]"')


def missing_display() -> str:
    """Return why no window can be opened here; an empty text if one can, as far as can be told without trying."""
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    ):
        return "this machine has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # stdout is for links and figures
    try:
        pygame = importlib.import_module("pygame")
    except ModuleNotFoundError:
        return ""  # whether that matters depends on the game
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        pygame.display.quit()
    except pygame.error as error:
        return f"no window can be opened here ({error})"
    # SDL falls back to drawing where nobody can look; that is a window only for who asked for it.
    if driver in INVISIBLE and not os.environ.get("SDL_VIDEODRIVER"):
        return f"no window can be opened here (the display {os.environ.get('DISPLAY', '')} does not answer)"
    return ""


def find_window(game: Game) -> Callable[[RunningClient], object]:
    """Return the function that shows a game until its window is closed.

    Raises:
        MissingPygameError: It needs pygame.
        EcsnetError: The game has no window, or names one that does not exist.
    """
    if game.window is None:
        raise EcsnetError(f"{game.name} has no window (Game(window=...)); play it with --headless")
    try:
        return cast("Callable[[RunningClient], object]", load_reference(game.window, "window"))
    except ModuleNotFoundError as error:
        if is_pygame(error):
            raise MissingPygameError from error
        raise


def is_pygame(error: ModuleNotFoundError) -> bool:
    """Tell whether what could not be imported is pygame."""
    return (error.name or "").partition(".")[0] == "pygame"
