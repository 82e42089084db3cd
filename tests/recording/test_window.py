"""The bar stands over the game's own window, and its keys are not the game's."""

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import pygame  # after the driver is chosen

from ecsnet.recording import window
from ecsnet.recording.deck import Deck
from ecsnet.recording.window import KEYS, controlled, fitting

SIZE = (800, 450)
GROUND = (10, 200, 30)


@pytest.fixture
def deck(request: pytest.FixtureRequest) -> Iterator[Deck]:
    """A minute, in a window; of another size, if it is asked for."""
    pygame.display.init()
    pygame.font.init()
    deck = Deck(60.0, position_seconds=30.0)
    with controlled(deck):
        pygame.display.set_mode(getattr(request, "param", SIZE))
        pygame.event.get()
        yield deck
    pygame.quit()


def press(*keys: int) -> list[int]:
    """Press keys, and return those that the game hears of."""
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))
    return [event.key for event in pygame.event.get() if event.type == pygame.KEYDOWN]


def show() -> pygame.Surface:
    """Draw a frame as a game does."""
    surface = pygame.display.get_surface()
    assert surface is not None
    surface.fill(GROUND)
    pygame.display.flip()
    return surface


def test_keys_of_the_player_are_kept_from_the_game(deck: Deck) -> None:
    """All others are the game's, as ever."""
    heard = press(pygame.K_LEFT, pygame.K_r, pygame.K_UP, pygame.K_SPACE, pygame.K_ESCAPE)

    assert heard == [pygame.K_r, pygame.K_ESCAPE]
    assert (deck.position_seconds, deck.speed, deck.is_paused) == (25.0, 2.0, True)
    press(pygame.K_END)
    assert deck.is_at_end
    press(pygame.K_HOME, pygame.K_RIGHT, pygame.K_DOWN)
    assert (deck.position_seconds, deck.speed) == (5.0, 1.0)
    assert press(*KEYS) == []


def test_a_click_on_the_bar_jumps_and_the_mouse_may_be_dragged(deck: Deck) -> None:
    """A click on the game is the game's."""
    mouse = [
        (pygame.MOUSEBUTTONDOWN, (400, 100)),
        (pygame.MOUSEBUTTONDOWN, (300, 420)),
        (pygame.MOUSEMOTION, (500, 300)),
        (pygame.MOUSEBUTTONUP, (500, 300)),
        (pygame.MOUSEMOTION, (600, 300)),
    ]
    heard, places = [], []
    for kind, place in mouse:
        pygame.event.post(pygame.event.Event(kind, pos=place))
        heard += [(event.type, event.pos) for event in pygame.event.get() if hasattr(event, "pos")]
        places.append(round(deck.position_seconds))

    assert heard == [mouse[0], mouse[4]]
    assert places[0] == 30
    assert 5 < places[1] < places[2] < 55
    assert places[2:] == [places[2]] * 3


def test_the_bar_is_drawn_over_the_game_and_shows_where_one_is(deck: Deck) -> None:
    """The rest of the picture is the game's."""
    first = pygame.image.tobytes(show(), "RGB")
    deck.jump(45.0)
    second = pygame.image.tobytes(show(), "RGB")
    deck.toggle()
    third = pygame.image.tobytes(show(), "RGB")
    line = SIZE[0] * 3

    assert len({first, second, third}) == 3
    assert first[: 390 * line] == bytes(GROUND) * SIZE[0] * 390
    assert first[400 * line :].count(bytes(GROUND)) < SIZE[0] * 50 * 0.5


@pytest.mark.parametrize(
    ("deck", "is_told"), [((400, 300), False), ((500, 300), True), (SIZE, True)], indirect=["deck"]
)
@pytest.mark.usefixtures("deck")
def test_no_hint_runs_out_of_the_bar(*, is_told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is left out: its place is below the line, between the time and the speed."""
    full = show().copy()
    monkeypatch.setattr(window, "HINTS", ())
    bare = show()
    changed = [
        x
        for x in range(full.get_width())
        for y in range(255, full.get_height())
        if full.get_at((x, y)) != bare.get_at((x, y))
    ]

    assert bool(changed) == is_told
    assert all(208 <= x < full.get_width() - 132 for x in changed)


@pytest.mark.parametrize(
    ("size", "room", "fit"),
    [
        ((1232, 686), (1000, 700), (1000, 557)),
        ((1000, 900), (1000, 450), (500, 450)),
        ((400, 300), (800, 600), (400, 300)),
    ],
)
def test_a_window_that_is_too_large_for_the_screen_keeps_its_shape(
    size: tuple[int, int], room: tuple[int, int], fit: tuple[int, int]
) -> None:
    """And a smaller one its size."""
    assert fitting(size, room) == fit


def test_on_a_smaller_screen_the_bar_can_be_seen(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that may be resized is made smaller; in one that may not, the bar is where the screen shows it."""
    monkeypatch.setattr(window, "desktop_size", lambda: (600, 300))
    fixed = pygame.image.tobytes(show(), "RGB")
    pygame.display.set_mode(SIZE, pygame.RESIZABLE)

    assert fixed[300 * SIZE[0] * 3 :] == bytes(GROUND) * SIZE[0] * 150
    assert show().get_size() == (533, 300)


def test_pygame_is_as_it_was_when_the_window_is_closed() -> None:
    """Whoever uses it next knows of no recording."""
    before = pygame.event.get, pygame.display.flip, pygame.display.update
    with controlled(Deck(1.0)):
        assert pygame.event.get is not before[0]
    assert (pygame.event.get, pygame.display.flip, pygame.display.update) == before
