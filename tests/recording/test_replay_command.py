"""`ecsnet replay` shows, checks, exports and explains a recording; what it cannot do it says in a line."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecsnet.cli import commands
from ecsnet.recording.format import find_blocks, unpack_header
from ecsnet.recording.reader import Recording
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.testing.simulation import Simulation
from tests.recording import film
from tests.recording.film import Film

GAME = ("--game", "tests.recording.film")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of two players in a yard."""
    filmed, sim = Film(), Simulation(film.game, clients=2, seed=5)
    sim.server.record(filmed.begin)
    sim.clients[0].press(film.Tread(dx=1))
    sim.run(5)
    sim.server.close(now=sim.now)
    path = tmp_path_factory.mktemp("recordings") / "a.ecsrec"
    path.write_bytes(filmed.data)
    return path


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(commands, ["replay", *map(str, arguments)])


def test_info_says_what_a_file_is_and_needs_no_game(path: Path, tmp_path: Path) -> None:
    """Also of one that is cut off."""
    whole = replay(path, "--info")
    cut = tmp_path / "cut.ecsrec"
    cut.write_bytes(path.read_bytes()[:-100])

    assert whole.exit_code == 0
    assert re.search(r"^game +yard 1\.2$", whole.output, re.MULTILINE)
    assert re.search(r"^length +00:05 \(20 ticks, 10 states a second\)$", whole.output, re.MULTILINE)
    assert "ended   when the server closed" in whole.output
    assert "fault   cut off after 00:0" in replay(cut, "--info").output


def test_check_compares_every_second_and_fails_where_one_differs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As evidence it is worth what the comparison is worth."""
    good = replay(path, *GAME, "--check")
    quiet = replay(path, *GAME, "--check", "-q")
    assert (good.exit_code, quiet.exit_code) == (0, 0)
    assert re.findall(r"^00:0\d hash (\w+)$", good.output, re.MULTILINE) == ["ok"] * 5
    assert quiet.output == "5 of 5 seconds are what the server had\n"

    true = Rebuilt.fingerprint
    monkeypatch.setattr(Rebuilt, "fingerprint", lambda rebuilt: true(rebuilt) if rebuilt.world.tick < 40 else b"other")
    bad = replay(path, *GAME, "--check")
    assert bad.exit_code == 1
    assert "hash DIFFERS" in bad.output
    assert "of 5 seconds DIFFER from what the server had" in bad.output


def test_export_writes_a_line_for_each_state_and_each_event(path: Path, tmp_path: Path) -> None:
    """With what everybody and nobody was allowed to see, by names, in the server's numbers."""
    target = tmp_path / "out.jsonl"
    assert replay(path, *GAME, "--export", target, "--from", "0:01", "--to", "2.05").exit_code == 0
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    states = [line for line in lines if "entities" in line]
    events = [line for line in lines if "event" in line]

    assert [round(line["seconds"], 2) for line in states] == [round(1.0 + 0.1 * step, 2) for step in range(11)]
    assert states[0]["time"] == film.STARTED + 1.0
    runner, other = states[-1]["entities"]
    assert runner["components"]["Player"] == {"client_id": 1, "name": "player-1", "status": "CONNECTED"}
    assert runner["components"]["Slow"]["secret"] // 1000 == runner["entity"]
    assert runner["components"]["Pushed"]["known"] == {
        "$dict": [
            [runner["entity"], events[-1]["data"]["number"] - 3],
            [other["entity"], events[-1]["data"]["number"] - 3],
        ]
    }
    assert [line["event"] for line in events] == ["Rang"] * 4
    assert events[0]["data"]["by"] == runner["entity"]
    to_stdout = replay(path, *GAME, "--export", "-", "--from", "0:01", "--to", "2.05")
    assert to_stdout.output == target.read_text()


def test_without_a_window_a_line_of_text_tells_how_it_goes(path: Path) -> None:
    """As bots have it; to the end."""
    shown = replay(path, *GAME, "--speed", "16", "--from", "4")

    assert shown.exit_code == 0
    assert "yard has no window: this is a line of text" in shown.output
    assert shown.output.rstrip().endswith("yard  00:05 / 00:05   players 2   players 2")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--check", "--info"], "ask for one"),
        (["-q"], "-q goes with --check"),
        (["--to", "3"], "--to with --export"),
        (["--from", "soon"], "'soon' is no time; write 90, 1:30 or 1:01:30"),
        (["--from", "nan"], "'nan' is no time"),
        (["--speed", "3"], "'3' is not one of"),
        (["--from", "0:06"], "ends at 00:05"),
        (["--export", "-", "--from", "2", "--to", "1"], "nothing is there"),
        ([], "shows yard; say where that is: --game mygame.game"),
        (["--game", "soccer", "--check"], "shows yard, not soccer"),
        (["--game", "nowhere.game", "--check"], "there is no game 'nowhere.game'"),
        ([*GAME, "--export", "/nowhere/out.jsonl"], "cannot write /nowhere/out.jsonl: No such file"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(path: Path, arguments: list[str], text: str) -> None:
    """With what to do instead."""
    told = replay(path, *arguments)

    assert told.exit_code in (1, 2)
    assert text in " ".join(told.output.split())
    assert "Traceback" not in told.output


def test_whoever_is_to_be_followed_and_is_not_there_is_told_who_is(path: Path) -> None:
    """A name is easily misspelt."""
    wrong = replay(path, *GAME, "--speed", "16", "--from", "4.9", "--follow", "player-7")
    right = replay(path, *GAME, "--speed", "16", "--from", "4.9", "--follow", "player-2")

    assert "nobody is called player-7 for long; there are player-1, player-2" in wrong.output
    assert "nobody" not in right.output


def test_a_damaged_file_is_played_and_what_is_wrong_is_said(path: Path, tmp_path: Path) -> None:
    """It is more use than none."""
    data = bytearray(path.read_bytes())
    data[list(find_blocks(bytes(data), unpack_header(bytes(data))[1]))[2].end - 1] ^= 1
    spoiled = tmp_path / "spoiled.ecsrec"
    spoiled.write_bytes(data)
    told = replay(spoiled, *GAME, "--check")

    assert told.exit_code == 0
    assert "damaged after 00:0" in told.output
    assert "nothing behind it can be played" in told.output
    assert "2 of 2 seconds are what the server had" in told.output
    (tmp_path / "text").write_text("hello")
    assert "it is no recording of ecsnet" in replay(tmp_path / "text").output


def test_a_played_match_is_recorded(tmp_path: Path) -> None:
    """So that one may look at it afterwards."""
    played = CliRunner().invoke(
        commands,
        ["play", "soccer", "--headless", "--fast", "--seconds", "2", "--bots", "1", "--record", str(tmp_path / "here")],
    )
    [path] = (tmp_path / "here").iterdir()

    assert played.exit_code == 0
    assert Recording.open(path).header.game == "soccer"
    assert replay(path, "--check", "-q").output.endswith("seconds are what the server had\n")
