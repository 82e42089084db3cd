"""News: what a window tells of who came, went and spoke, and of goals; and how text is made to fit."""

import os
from types import SimpleNamespace
from typing import cast

import pytest

from ecsnet import Client
from ecsnet.components import Player, PlayerStatus
from ecsnet.events import Changed, Despawned, DespawnReason, Spawned, Synced
from ecsnet.samples.soccer.happenings import GoalScored
from ecsnet.samples.soccer.news import MAX_LINES, News
from ecsnet.samples.soccer.pitch import Team
from ecsnet.systems import Said
from tests.samples.soccer_ground import Ground

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
pytest.importorskip("pygame")

import pygame

from ecsnet.samples.soccer.canvas import Canvas


def hear(news: News, ground: Ground, *events: object, now: float = 1.0) -> list[str]:
    """Let news of a World be heard; return what lines there are in all."""
    news.hear(cast("Client", SimpleNamespace(world=ground.world)), events, now)
    return [f"{line.who}: {line.text}" if line.who else line.text for line in news.lines]


def test_who_was_there_before_is_no_news() -> None:
    """Of a full lobby nobody wants to read twelve lines."""
    ground, news = Ground(home=1, away=1), News()
    assert hear(news, ground, Spawned(ground.home), Spawned(ground.away), Synced()) == []
    late = ground.add_player()

    assert hear(news, ground, Spawned(late)) == ["player-3 joined"]


def test_a_player_is_lost_comes_back_and_leaves() -> None:
    """Each is told once, with the name he had."""
    ground, news = Ground(home=1, away=1), News()
    hear(news, ground, Spawned(ground.home), Spawned(ground.away), Synced())
    player = ground.world.component_for_entity(ground.home, Player)
    player.status = PlayerStatus.LOST
    hear(news, ground, Changed(ground.home, Player))
    hear(news, ground, Changed(ground.home, Player))
    player.status = PlayerStatus.CONNECTED
    hear(news, ground, Changed(ground.home, Player))
    ground.world.delete_entity(ground.home)

    assert hear(news, ground, Despawned(ground.home, DespawnReason.DELETED, {Player: player})) == [
        "player-1 lost the connection",
        "player-1 is back",
        "player-1 left",
    ]


def test_coming_to_another_world_is_no_news() -> None:
    """After coming back, or in another room: nobody has left, and nobody there has just joined."""
    ground, news = Ground(home=1, away=1), News()
    hear(news, ground, Spawned(ground.home), Synced(), Despawned(ground.home, DespawnReason.HIDDEN))
    assert hear(news, ground, Spawned(ground.home), Spawned(ground.away), Synced()) == []

    assert hear(news, ground, Spawned(ground.add_player())) == ["player-3 joined"]


def test_what_is_no_player_is_no_news() -> None:
    """The ball comes and goes as it likes."""
    ground, news = Ground(home=1, away=1), News()
    entity = ground.world.create_entity()

    assert hear(news, ground, Synced(), Spawned(entity), Despawned(entity, DespawnReason.DELETED)) == []


def test_said_has_the_name_and_whom_it_was_for() -> None:
    """In the color of the speaker's side, if he is still there."""
    ground, news = Ground(home=1, away=1), News()
    lines = hear(
        news,
        ground,
        Said(ground.home, "Ada", "hi"),
        Said(ground.away, "Ben", "left!", to_team=True),
        Said(0, "Kim", "bye"),
    )

    assert lines == ["Ada: hi", "Ben (to AWAY): left!", "Kim: bye"]
    assert len({line.color for line in news.lines}) == 3


@pytest.mark.parametrize(
    ("scorer", "own_goal", "text"),
    [
        (True, False, "by player-1, for HOME"),
        (True, True, "own goal by player-1, for HOME"),
        (False, False, "for HOME"),
    ],
)
def test_a_goal_is_described(scorer: bool, own_goal: bool, text: str) -> None:  # noqa: FBT001  # of pytest
    """Also one of a player who is gone already."""
    ground, news = Ground(home=1, away=1), News()
    hear(news, ground, GoalScored(Team.HOME, ground.home if scorer else 0, own_goal, tick=1), now=7.0)

    assert news.goal is not None
    assert (news.goal.text, news.goal.at, news.goal.team) == (text, 7.0, Team.HOME)


def test_old_lines_are_forgotten() -> None:
    """However long the evening."""
    ground, news = Ground(home=1, away=1), News()
    for number in range(MAX_LINES + 20):
        hear(news, ground, Said(ground.home, "Ada", str(number)))

    assert len(news.lines) == MAX_LINES
    assert news.lines[-1].text == str(MAX_LINES + 19)


@pytest.fixture
def canvas() -> Canvas:
    """Return one to measure text on."""
    pygame.font.init()
    return Canvas(pygame.Surface((880, 490)), 0, 0, 880, 490)


@pytest.mark.parametrize("text", ["Ada", "W" * 24, "Ødipus the Great of Nowhere", "i" * 200])
def test_a_name_that_is_too_long_ends_in_an_ellipsis(canvas: Canvas, text: str) -> None:
    """As much of it as fits."""
    shown = canvas.fitted(text, 100.0, 18)

    assert canvas.text_width(shown, 18) <= 100.0
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))


@pytest.mark.parametrize("text", ["short", "a line that is broken at its spaces", "W" * 100, "x " + "W" * 50 + " y"])
def test_a_text_is_wrapped_into_lines_that_fit(canvas: Canvas, text: str) -> None:
    """Nothing is lost, and words are broken only where one alone is too long."""
    lines = canvas.wrapped(text, 120.0, 16)

    assert all(canvas.text_width(line, 16) <= 120.0 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert canvas.wrapped("", 120.0, 16) == []
