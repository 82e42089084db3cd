"""Two people play soccer: real windows, real keys, real sockets, three processes. As a user would meet it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import ecsnet
from ecsnet.components import Player, PlayerStatus, Seat
from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.pitch import Phase
from ecsnet.systems import Said

NEEDED = ("Xvfb", "xdotool", "xwininfo", "import")
pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """Start a screen that exists in memory only, large enough for two windows side by side."""
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        text = f"NOT PLAYED in real windows: install {', '.join(missing)} (Debian: xvfb xdotool x11-utils imagemagick)"
        warnings.warn(text, stacklevel=2)
        pytest.skip(text)
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "2500x720x24"]
    with (tmp_path / "xvfb.log").open("w") as log:
        screen = subprocess.Popen(command, pass_fds=[write], stderr=log)
    os.close(write)
    with os.fdopen(read) as numbers:
        yield f":{numbers.readline().strip()}"
    screen.terminate()
    screen.wait()


class Table:
    """A server, windows and a watcher; everything is stopped in the end."""

    def __init__(self, display: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "DISPLAY": display, "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
        self.environment.pop("SDL_VIDEODRIVER", None)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.server = self.start("serve", "soccer", "--port", "0", log="server")
        self.link = self.wait_for_link()

    def start(self, *arguments: str, log: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "ecsnet", *arguments], env=self.environment, stdout=output, stderr=output
            )
        self.processes.append(process)
        return process

    def wait_for_link(self) -> str:
        for _ in range(100):
            found = re.search(r"ecsnet://127\.0\.0\.1:[^\s\"']+", (self.folder / "server.log").read_text())
            if found:
                return found.group()
            time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text())

    def open_window(self, name: str, x: int) -> "Window":
        process = self.start("join", self.link, "--name", name, log=name)
        for _ in range(100):
            found = re.findall(rf'(0x\w+) "ecsnet soccer - {name}"', self.tool("xwininfo", "-root", "-tree"))
            if found:
                self.tool("xdotool", "windowmove", found[-1], str(x), "10")
                return Window(self, process, found[-1], name)
            time.sleep(0.1)
        raise AssertionError((self.folder / f"{name}.log").read_text())

    def tool(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


class Window:
    """One player's window, played with real key events."""

    def __init__(self, table: Table, process: subprocess.Popen[bytes], number: str, name: str) -> None:
        self.table, self.process, self.number, self.name = table, process, number, name

    @contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """Hold a key down as long as the block lasts."""
        self.table.tool("xdotool", "windowfocus", "--sync", self.number)
        self.table.tool("xdotool", "keydown", key)
        yield
        self.table.tool("xdotool", "keyup", key)

    def hold(self, key: str, *, seconds: float) -> None:
        with self.holding(key):
            time.sleep(seconds)

    def type(self, text: str) -> None:
        """Open the chat, say something."""
        self.table.tool("xdotool", "windowfocus", "--sync", self.number)
        for command in (("key", "Return"), ("type", "--delay", "30", text), ("key", "Return")):
            self.table.tool("xdotool", *command)
            time.sleep(0.2)

    def picture(self, label: str) -> Path:
        path = self.table.folder / f"{label}-{self.name}.png"
        self.table.tool("import", "-window", self.number, str(path))
        return path

    def score_board(self, label: str) -> bytes:
        """The pixels of the two numbers at the top: they must look the same in every window."""
        path = self.picture(label)
        return subprocess.run(
            [shutil.which("convert") or "convert", str(path), "-crop", "330x50+520+10", "+repage", "rgb:-"],
            capture_output=True,
            check=True,
        ).stdout


@pytest.fixture
def table(display: str, tmp_path: Path) -> Iterator[Table]:
    table = Table(display, Path(os.environ.get("ECSNET_PICTURES") or tmp_path))
    yield table
    table.stop()


def players_of(client: ecsnet.RunningClient, status: PlayerStatus) -> list[Player]:
    return [player for _, player in client.world.get_component(Player) if player.status is status]


def until(client: ecsnet.RunningClient, condition: Callable[[], bool], seconds: float) -> None:
    assert client.run_until(condition, within_seconds=seconds), client


def test_two_windows_a_goal_a_late_watcher_and_a_killed_player(table: Table) -> None:
    """Anna dribbles into the goal, both windows show it, and says something; a third sees all of it.

    Ben is killed: his place is kept for a while, and the rest play on.
    """
    anna = table.open_window("anna", 0)
    ben = table.open_window("ben", 1240)
    time.sleep(1.5)
    before = anna.score_board("lobby")
    anna.hold("r", seconds=0.2)
    ben.hold("r", seconds=0.2)

    with ecsnet.join(game, table.link, name="carla") as carla:  # joins while the countdown runs
        until(carla, lambda: carla.is_ready, 5)
        match = carla.world.single(Match)
        until(carla, lambda: match.phase is Phase.PLAY, 10)
        ben.hold("Up", seconds=1.0)  # out of the way
        with anna.holding("Right"):  # to the ball, and with it into the goal
            until(carla, lambda: match.home + match.away > 0, 15)
        assert (match.home, match.away) == (1, 0)
        time.sleep(0.4)
        boards = [anna.score_board("goal"), ben.score_board("goal")]
        assert boards[0] == boards[1] != before

        names = {player.name: seat.team for _, (player, seat) in carla.view(Player, Seat)}
        assert names.keys() == {"anna", "ben", "carla"}

        anna.type("well played")
        until(carla, lambda: any(isinstance(event, Said) for event in carla.events()), 5)
        ben.picture("said")

        os.kill(ben.process.pid, signal.SIGKILL)
        until(carla, lambda: [player.name for player in players_of(carla, PlayerStatus.LOST)] == ["ben"], 15)
        anna.picture("lost")
        until(carla, lambda: len(carla.world.get_component(Player)) == 2, 20)
        assert anna.process.poll() is None
        assert {player.name for player in players_of(carla, PlayerStatus.CONNECTED)} == {"anna", "carla"}
        anna.hold("Left", seconds=0.5)
        anna.picture("after")
    log = (table.folder / "server.log").read_text()
    assert re.search(r'left client=2 name="ben" .* reason=TIMEOUT', log)
