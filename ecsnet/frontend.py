"""How a person plays a game on this machine: in its window, or by typing in its terminal."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import TypeAlias, cast

from ecsnet.bots import load_reference
from ecsnet.errors import EcsnetError
from ecsnet.game import Game
from ecsnet.runtime import RunningClient

__all__ = ["Frontend", "MissingDisplayError", "MissingExtraError", "find_frontend", "missing_extra"]

Frontend: TypeAlias = Callable[[RunningClient], object]  # returns when the person has had enough

INVISIBLE = {"dummy", "offscreen"}
EXTRAS = {"pygame": ("window", "pygame"), "prompt_toolkit": ("terminal", "terminal")}  # what needs it, ecsnet's extra


class MissingDisplayError(EcsnetError):
    """The game has a window, and this machine nothing to show it on; the text says why."""


class MissingExtraError(EcsnetError):
    """A package is not installed that only those who play need."""

    def __init__(self, package: str) -> None:
        """Say how to get it."""
        part, extra = EXTRAS[package]
        super().__init__(f'this game\'s {part} needs {package}: pip install "ecsnet[{extra}]"')


def find_frontend(game: Game) -> Frontend:
    """Return the function that lets a person play: the window's where there is a display, else the terminal's.

    Raises:
        MissingDisplayError: There is no display, and the game is not played in a terminal.
        MissingExtraError: It needs a package that is not installed.
        EcsnetError: The game has neither, or names one that does not exist.
    """
    no_display = missing_display() if game.window is not None else ""
    if game.window is not None and not no_display:
        return _load(game.window, "window")
    if game.terminal is not None:
        return _load(game.terminal, "terminal")
    if no_display:
        raise MissingDisplayError(no_display)
    raise EcsnetError(
        f"{game.name} has neither a window nor a terminal (Game(window=..., terminal=...)); play it with --headless"
    )


def missing_extra(error: ModuleNotFoundError) -> MissingExtraError | None:
    """Return what to tell about a module that could not be imported, if an extra of ecsnet's brings it."""
    package = (error.name or "").partition(".")[0]
    return MissingExtraError(package) if package in EXTRAS else None


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


def _load(reference: str, part: str) -> Frontend:
    try:
        return cast("Frontend", load_reference(reference, part))
    except ModuleNotFoundError as error:
        told = missing_extra(error)
        if told is not None:
            raise told from error
        raise
