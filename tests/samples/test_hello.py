"""Hello, and what holds for every sample."""

import importlib
import sys
from pathlib import Path

import pytest

import ecsnet.samples.hello.game as hello
from ecsnet.components import Transform2D
from ecsnet.game import load
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation


def test_dots_move_and_everybody_sees_it(transport: str) -> None:
    """The whole game, over a bad network; over TCP a better one, as every loss there holds up all input."""
    link = Link.POOR if transport == "udp" else Link.WIFI
    sim = Simulation(hello.game, clients=2, link=link, seed=1, transport=transport)
    first, second = sim.clients
    first.press(hello.Move(dx=1))
    sim.run(seconds=1)
    first.press(hello.Move())
    sim.run(seconds=2)
    places = [sorted(place.x for _, place in client.world.observe(Transform2D)) for client in (first, second)]

    assert places[0] == places[1]
    assert places[0][0] == 200.0
    assert places[0][1] == pytest.approx(320.0, abs=20.0)


def test_hello_is_under_sixty_lines_with_its_window() -> None:
    """It is the first code a newcomer reads."""
    folder = Path(hello.__file__).parent
    lines = sum(len((folder / name).read_text().splitlines()) for name in ("game.py", "window.py"))

    assert lines < 60


@pytest.mark.parametrize("name", ["hello", "soccer", "knight"])
def test_samples_are_found_by_name(name: str) -> None:
    """As `ecsnet play NAME` does."""
    assert load(name).name == name


def test_samples_cannot_be_imported_under_their_bare_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A game project's own folder of that name must win."""
    monkeypatch.syspath_prepend(str(Path(hello.__file__).resolve().parents[2]))
    monkeypatch.delitem(sys.modules, "samples", raising=False)

    with pytest.raises(ImportError, match=r"ecsnet\.samples"):
        importlib.import_module("samples")
