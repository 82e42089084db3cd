"""How a person plays: the window where there is a display, else the terminal, else a word about what to do."""

import pytest

from ecsnet.errors import EcsnetError, SchemaError
from ecsnet.frontend import MissingDisplayError, MissingExtraError, find_frontend, missing_extra
from ecsnet.game import Game
from ecsnet.runtime import RunningClient

WINDOW, TERMINAL = f"{__name__}:show", f"{__name__}:prompt"


def show(client: RunningClient) -> None:
    """Stand for a window."""


def prompt(client: RunningClient) -> None:
    """Stand for a terminal."""


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.mark.usefixtures("display")
def test_where_there_is_a_display_the_window_goes_first() -> None:
    """Whoever made both made the window for whoever can see it."""
    assert find_frontend(Game("g", window=WINDOW, terminal=TERMINAL)) is show
    assert find_frontend(Game("g", terminal=TERMINAL)) is prompt


@pytest.mark.usefixtures("no_display")
def test_without_a_display_one_plays_in_the_terminal() -> None:
    """Also a game that has a window besides: a person is there, so no bot has to play."""
    assert find_frontend(Game("g", window=WINDOW, terminal=TERMINAL)) is prompt
    assert find_frontend(Game("g", terminal=TERMINAL)) is prompt


@pytest.mark.usefixtures("no_display")
def test_a_window_alone_needs_a_display() -> None:
    """The command line lets a bot play then, and says why."""
    with pytest.raises(MissingDisplayError, match="this machine has no display"):
        find_frontend(Game("g", window=WINDOW))


def test_a_game_with_neither_says_how_to_watch_it() -> None:
    """Every game can be watched, if not played."""
    with pytest.raises(EcsnetError, match="g has neither a window nor a terminal"):
        find_frontend(Game("g"))


def test_a_terminal_that_is_not_there_is_named() -> None:
    """A misspelt module is found when somebody wants to play."""
    with pytest.raises(
        SchemaError, match=r"the game's terminal is 'nowhere.at:all', but there is no module nowhere.at"
    ):
        find_frontend(Game("g", terminal="nowhere.at:all"))


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("pygame.display", 'this game\'s window needs pygame: pip install "ecsnet[pygame]"'),
        ("prompt_toolkit", 'this game\'s terminal needs prompt_toolkit: pip install "ecsnet[terminal]"'),
    ],
)
def test_a_package_that_an_extra_brings_is_told_with_it(module: str, text: str) -> None:
    """The extra is easily forgotten, and a ModuleNotFoundError helps nobody."""
    told = missing_extra(ModuleNotFoundError(f"No module named {module!r}", name=module))

    assert isinstance(told, MissingExtraError)
    assert str(told) == text


def test_other_missing_modules_are_none_of_its_business() -> None:
    """They are mistakes in the game, and their traceback says where."""
    assert missing_extra(ModuleNotFoundError("No module named 'mygame.hats'", name="mygame.hats")) is None
