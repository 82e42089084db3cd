"""The command line as a user meets it: real processes, real sockets, and what is printed where."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.loopback]

Start: TypeAlias = "Callable[..., subprocess.Popen[str]]"

needs_signals = pytest.mark.skipif(os.name != "posix", reason="signals between processes are POSIX")


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start, None, None]:
    """Start `ecsnet ...` in an empty folder, without a display, with a home of its own."""
    started: list[subprocess.Popen[str]] = []
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"}
    } | {
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHONUNBUFFERED": "1",
    }

    def run(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ecsnet", *arguments]
        started.append(
            subprocess.Popen(
                command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Return exit code, stdout and stderr."""
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors


def serve(start: Start, *arguments: str) -> tuple["subprocess.Popen[str]", str]:
    """Start a server on a free port and return it with its join link for this machine."""
    server = start("serve", *arguments, "--port", "0", "--host", "127.0.0.1")
    assert server.stdout is not None
    for line in server.stdout:
        link = re.search(r'ecsnet join "(.+)"', line)
        if link:
            return server, link[1]
    raise AssertionError(f"the server printed no link: {finished(server)}")


def test_headless_play_ends_with_one_line_of_json(start: Start) -> None:
    """Scripts read stdout; whatever is for people goes to stderr."""
    code, output, _ = finished(start("play", "soccer", "--bots", "3", "--headless", "--seconds", "2", "--seed", "1"))

    figures = json.loads(output)
    assert (code, output.count("\n")) == (0, 1)
    assert (figures["clients"], figures["seed"], set(figures["score"])) == (4, 1, {"home", "away", "phase"})
    assert 60 <= figures["ticks"] <= 125
    assert figures["datagrams_lost"] == 0
    for way in ("to_server", "to_clients"):
        assert figures[f"bytes_{way}"] > figures[f"datagrams_{way}"] > 100
    assert 0 < figures["tick_p50_ms"] <= figures["tick_p99_ms"]


def test_a_bad_link_loses_datagrams_and_the_match_goes_on(start: Start) -> None:
    """One in ten lost, 80 ± 10 ms: everybody still gets in, and ticks do not wait."""
    link = ("--loss", "0.1", "--delay-ms", "80", "--jitter-ms", "10")

    code, output, _ = finished(start("play", "hello", "--headless", "--fast", "--seconds", "10", "--seed", "1", *link))

    figures = json.loads(output)
    sent = figures["datagrams_to_server"] + figures["datagrams_to_clients"]
    assert (code, figures["clients"], figures["ticks"]) == (0, 4, 600)
    assert 0.05 < figures["datagrams_lost"] / sent < 0.2


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [
        ("--link awful", 0.06, 0.2),  # 8 %, and three in ten of them bring the next
        ("--link awful --loss 0", 0.0, 0.0),
        ("--link lan --loss 0.3", 0.3, 0.45),  # those to the server are counted where they arrive
    ],
)
def test_a_link_has_a_name_and_a_number_of_ones_own_goes_before_it(
    start: Start, options: str, least: float, most: float
) -> None:
    """Nobody knows by heart what a bad Wi-Fi loses; who wants to know what one of its faults does, changes that."""
    arguments = ("play", "hello", "--headless", "--fast", "--seconds", "10", "--seed", "1", *options.split())

    code, output, errors = finished(start(*arguments))

    assert code == 0, errors
    figures = json.loads(output)
    sent = figures["datagrams_to_server"] + figures["datagrams_to_clients"]
    assert least <= figures["datagrams_lost"] / sent <= most


def test_either_end_can_simulate_a_link(start: Start) -> None:
    """A bad server for all, and for one client what is worse: 80 ms each way, and 20 more."""
    _, link = serve(start, "hello", "--link", "mobile", "--jitter-ms", "0")
    arguments = ("join", link, "--game", "hello", "--headless", "--seconds", "3")

    good, bad = (start(*arguments, *options) for options in ((), ("--link", "wifi", "--jitter-ms", "0")))

    assert 160 < json.loads(finished(good)[1])["rtt_ms"] < 195
    assert 200 < json.loads(finished(bad)[1])["rtt_ms"] < 235


def test_fast_play_is_reproduced_by_its_seed(start: Start) -> None:
    """What happened once can be looked at again."""
    runs = [start("play", "soccer", "--headless", "--fast", "--seconds", "20", "--seed", seed) for seed in "778"]

    first, again, other = (
        {key: value for key, value in json.loads(finished(run)[1]).items() if not key.startswith("tick_p")}
        for run in runs
    )

    assert first == again
    assert first != other


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_server_exits_cleanly_and_its_client_says_why(
    start: Start, number: signal.Signals, transport: str
) -> None:
    """Ctrl-C is how a server is ended, and nobody is left looking at a frozen picture."""
    server, link = serve(start, "soccer", "--transport", transport)
    assert link.startswith("ecsnet://" if transport == "udp" else "ecsnet+tcp://")
    client = start("join", link, "--name", "Ada", "--headless")
    assert server.stderr is not None
    assert 'joined client=1 name="Ada"' in server.stderr.readline()

    server.send_signal(number)

    code, output, errors = finished(client)
    assert (code, json.loads(output)["client_id"]) == (0, 1)
    assert errors.endswith("the server is closing\n")
    assert finished(server)[0] == 0


@needs_signals
def test_a_player_who_leaves_is_reported_by_the_server(start: Start) -> None:
    """Whoever runs a server sees who comes and goes."""
    server, link = serve(start, "hello")

    code, output, _ = finished(start("join", link, "--game", "hello", "--headless", "--seconds", "1"))
    server.send_signal(signal.SIGINT)

    assert code == 0
    assert json.loads(output)["datagrams_received"] > 10
    assert re.search(r'left client=1 name="player 1" address=\S+ transport=udp reason=LEFT', finished(server)[2])


@needs_signals
def test_clients_of_both_kinds_play_and_a_killed_one_over_tcp_is_missed_at_once(start: Start) -> None:
    """One server, one port number; the system ends a killed program's stream, so nobody waits for the timeout."""
    server, link = serve(start, "soccer", "--transport", "both")
    assert server.stderr is not None
    killed = start("join", link, "--transport", "tcp", "--name", "Bob", "--headless")
    assert 'name="Bob"' in server.stderr.readline()
    stays = start("join", link, "--name", "Ada", "--headless", "--seconds", "4")
    assert 'name="Ada"' in server.stderr.readline()

    killed.kill()

    line = server.stderr.readline()
    assert 'lost client=1 name="Bob"' in line
    assert "transport=tcp reason=CONNECTION_LOST" in line
    code, output, _ = finished(stays)
    figures = json.loads(output)
    assert (code, figures["client_id"]) == (0, 2)
    assert figures["datagrams_received"] > 50
    assert 'left client=2 name="Ada"' in server.stderr.readline()
    server.send_signal(signal.SIGINT)
    assert finished(server)[0] == 0


def test_a_game_of_ones_own_is_found_from_the_current_folder(start: Start, tmp_path: Path) -> None:
    """A module path works wherever a sample's name does."""
    (tmp_path / "mygame").mkdir()
    source = (ROOT / "samples" / "hello" / "game.py").read_text().replace('"hello"', '"mine"')
    (tmp_path / "mygame" / "game.py").write_text(source)

    code, output, _ = finished(start("play", "mygame.game", "--headless", "--seconds", "1", "--fast"))

    figures = json.loads(output)
    assert (code, figures["game"], figures["clients"]) == (0, "mine", 4)


@needs_signals
def test_without_a_display_play_says_so_and_shows_a_live_score(start: Start) -> None:
    """The first command of the README works on a server's console as well."""
    player = start("play", "soccer")
    assert player.stderr is not None
    lines = [player.stderr.readline() for _ in range(4)]
    player.send_signal(signal.SIGINT)

    code, output, _ = finished(player)
    assert "this machine has no display" in lines[0]
    assert any(re.search(r"players 4 +home 0 +away 0", line) for line in lines), lines
    assert (code, json.loads(output)["clients"]) == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ("play nothing", 2, "there is no game 'nothing'"),
        ("play soccer --seconds 3", 2, "--seconds needs --headless"),
        ("play soccer --headless --fast", 2, "--fast needs --headless and --seconds"),
        ("play soccer --loss 2", 2, "2.0 is not in the range 0<=x<=1"),
        ("join 127.0.0.1:9 --link modem", 2, "'modem' is not one of 'lan', 'wifi', 'mobile', 'awful'"),
        ("serve soccer --host 192.0.2.1", 1, "192.0.2.1 is not an address of this machine"),
        ("join ecsnet://a:b:c", 1, "cannot understand 'ecsnet://a:b:c'"),
        ("join 127.0.0.1:9 --headless", 1, "did not answer"),
        ("join 127.0.0.1:9 --headless --transport tcp", 1, "the connection broke off"),
        ("join 127.0.0.1:9 --headless --transport both", 2, "'both' is not one of 'udp', 'tcp'"),
    ],
)
def test_a_mistake_is_one_readable_line(start: Start, arguments: str, code: int, text: str) -> None:
    """Exit code 2 for a wrong command, 1 for what went wrong; never a traceback."""
    found, _, errors = finished(start(*arguments.split()))

    assert found == code, errors
    assert text in errors
    assert "Traceback" not in errors


def test_a_port_in_use_is_named(start: Start) -> None:
    """The commonest mistake: the server runs already."""
    _, link = serve(start, "hello")
    port = re.search(r":(\d+)/", link)
    assert port is not None

    code, _, errors = finished(start("serve", "hello", "--port", port[1]))

    assert (code, f"UDP port {port[1]} is in use by another program" in errors) == (1, True)


def run_without(folder: Path, package: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `ecsnet ...` where a package is not installed, and with a display."""
    (folder / f"{package}.py").write_text(f"raise ModuleNotFoundError('hidden by the test', name={package!r})\n")
    (folder / "run.py").write_text(
        f"import os, sys; os.environ['SDL_VIDEODRIVER'] = 'dummy'; sys.path.insert(0, {str(folder)!r})\n"
        f"from ecsnet.cli import main; sys.argv = {['ecsnet', *arguments]!r}; main()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder)}
    command = [sys.executable, "run.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False)


EXTRAS = [("soccer", "window", "pygame", "pygame"), ("knight", "terminal", "prompt_toolkit", "terminal")]


@pytest.mark.parametrize(("game", "part", "package", "extra"), EXTRAS)
def test_a_game_without_its_extra_says_how_to_get_it(
    tmp_path: Path, game: str, part: str, package: str, extra: str
) -> None:
    """The extra is easily forgotten, and a ModuleNotFoundError helps nobody."""
    run = run_without(tmp_path, package, "play", game)

    text = f'Error: this game\'s {part} needs {package}: pip install "ecsnet[{extra}]"\n'
    assert (run.returncode, run.stderr) == (1, text)


@pytest.mark.parametrize(("game", "package"), [(game, package) for game, _, package, _ in EXTRAS])
def test_where_nobody_plays_no_extra_is_needed(tmp_path: Path, game: str, package: str) -> None:
    """Servers and bots run on machines without a screen or a person."""
    run = run_without(tmp_path, package, "play", game, "--headless", "--fast", "--seconds", "1")

    assert (run.returncode, json.loads(run.stdout)["game"]) == (0, game), run.stderr


def test_rooms_are_listed_made_and_entered(start: Start) -> None:
    """What one command prints another one takes; nobody needs to know what a code is made of."""
    server, link = serve(start, "hello", "--rooms", "2")
    code, listed, _ = finished(start("rooms", link, "--game", "hello"))
    assert (code, "no room is open" in listed) == (0, True)
    code, made, _ = finished(start("rooms", link, "--game", "hello", "--create", "Anna's", "--places", "3"))
    assert code == 0
    found = re.search(r'join with: ecsnet join "(.+)" --game hello', made)
    assert found
    player = start("join", found[1], "--game", "hello", "--headless", "--seconds", "6")
    deadline = time.monotonic() + 20
    rooms: list[dict[str, object]] = []
    while not (rooms and rooms[0]["players"] == "1/3"):
        assert time.monotonic() < deadline, rooms
        code, listed, _ = finished(start("rooms", link, "--game", "hello", "--json"))
        rooms = json.loads(listed)
    assert (rooms[0]["name"], rooms[0]["locked"]) == ("Anna's", False)
    assert f"/{rooms[0]['code']}#" in found[1]
    assert finished(player)[0] == 0

    code, _, errors = finished(start("join", link, "--game", "hello", "--room", "nope", "--headless"))
    assert (code, "there is no room NOPE here" in errors) == (1, True)
    server.send_signal(signal.SIGINT)
    assert finished(server)[0] == 0
