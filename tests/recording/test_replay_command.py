"""`ecsnet replay` shows, checks, exports and explains a recording; what it cannot do it says in a line."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecsnet.cli import commands
from ecsnet.recording.format import (
    CHECK,
    END,
    KEY,
    find_blocks,
    pack_block,
    pack_header,
    pack_item,
    unpack_block,
    unpack_header,
    unpack_items,
)
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
    return CliRunner().invoke(commands, ["replay", *map(str, arguments)], color=True)


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
        (["--export", "-", "--from", "2", "--to", "1"], "--to 00:01 is before --from 00:02"),
        (["--from", "9:99"], "'9:99' is no time"),
        (["--check", "--follow", "player-1"], "--follow with none of these"),
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


def test_what_a_terminal_would_obey_is_shown_instead(path: Path, tmp_path: Path) -> None:
    """A recording may come from anybody."""
    data = path.read_bytes()
    header, start = unpack_header(data)
    nasty = replace(header, game="a\x1b[2J", version="\x1b[31m", room="\x1b]0;x\x07", description=("x \x1b[5m",))
    end = pack_block(END, 1, 1, b"bye \x1b[7m")
    target = tmp_path / "nasty.ecsrec"
    target.write_bytes(pack_header(nasty) + data[start : data.rindex(b"BLK\x1e")] + end)
    told = [replay(target, "--info"), replay(target), replay(target, *GAME)]
    target.write_bytes(pack_header(replace(nasty, game="yard", schema="00")) + data[start:])

    for each in (*told, replay(target, *GAME, "--check")):
        assert "\x1b" not in each.output
        assert r"\x1b[" in each.output


def test_a_recording_is_not_written_over_by_its_own_export(path: Path) -> None:
    """A slip must not cost the evidence."""
    before = path.read_bytes()
    told = replay(path, *GAME, "--export", path.parent / "." / path.name)

    assert told.exit_code == 1
    assert "is the recording itself: name another file" in told.output
    assert path.read_bytes() == before


@pytest.mark.process
def test_an_export_into_a_pipe_that_nobody_reads_ends_quietly(path: Path) -> None:
    """As with `| head`."""
    command = [sys.executable, "-m", "ecsnet", "replay", str(path), *GAME, "--export", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as exporting:
        assert exporting.stdout is not None
        assert exporting.stderr is not None
        exporting.stdout.close()
        told = exporting.stderr.read()

    assert told == b""


def test_there_has_to_be_something_to_compare(path: Path, tmp_path: Path) -> None:
    """That nothing differs would look like evidence."""
    data = path.read_bytes()
    header, start = unpack_header(data)
    items = list(unpack_items(unpack_block(data, next(find_blocks(data, start)))))
    body = b"".join(pack_item(*item) for item in items if item[0] != CHECK)
    target = tmp_path / "bare.ecsrec"
    target.write_bytes(data[:start] + pack_block(KEY, header.start_tick, header.start_tick + 9, body))
    told = replay(target, *GAME, "--check")

    assert told.exit_code == 1
    assert "holds nothing to compare" in told.output


def test_whoever_is_to_be_followed_and_is_not_there_is_told_who_is(path: Path) -> None:
    """A name is easily misspelt."""
    wrong = replay(path, *GAME, "--speed", "16", "--from", "4.9", "--follow", "player-7")
    right = replay(path, *GAME, "--speed", "16", "--from", "4.9", "--follow", "player-2")

    assert wrong.exit_code == 1
    assert "Error: there is no player-7: there are player-1, player-2" in wrong.output
    assert "player-2 is there" in right.output


def test_a_damaged_file_is_played_and_what_is_wrong_is_said(path: Path, tmp_path: Path) -> None:
    """It is more use than none."""
    data = bytearray(path.read_bytes())
    data[list(find_blocks(bytes(data), unpack_header(bytes(data))[1]))[2].end - 1] ^= 1
    spoiled = tmp_path / "spoiled.ecsrec"
    spoiled.write_bytes(data)
    told = replay(spoiled, *GAME, "--check")

    assert told.exit_code == 1
    assert "damaged after 00:0" in told.output
    assert "nothing behind it can be played" in told.output
    assert "2 of 5 seconds are what the server had: the file is damaged" in told.output
    (tmp_path / "text").write_text("hello")
    assert "it is no recording of ecsnet" in replay(tmp_path / "text").output


def test_a_damaged_second_is_counted_as_one_that_cannot_be_compared(tmp_path: Path) -> None:
    """The rest is as it was, and yet the file is not whole: whoever asks for evidence has to know."""
    filmed, sim = Film(), Simulation(film.game, clients=1, seed=5)
    sim.server.record(filmed.begin)
    sim.run(12)
    sim.server.close(now=sim.now)
    data = bytearray(filmed.data)
    spoiled = list(find_blocks(bytes(data), unpack_header(bytes(data))[1]))[9]  # the next one is a whole state
    data[spoiled.end - 8 : spoiled.end] = bytes(8)
    target = tmp_path / "spoiled.ecsrec"
    target.write_bytes(data)
    told = replay(target, *GAME, "--check", "-q")

    assert told.exit_code == 1
    assert "played on from 00:10" in told.output
    assert "11 of 12 seconds are what the server had: the file is damaged" in told.output


def test_a_file_without_its_end_is_no_damage(path: Path, tmp_path: Path) -> None:
    """After `kill -9` all that was written is good; that there is no more is said."""
    data = path.read_bytes()
    target = tmp_path / "cut.ecsrec"
    target.write_bytes(data[: data.rindex(b"BLK\x1e")])
    told = replay(target, *GAME, "--check", "-q")

    assert told.exit_code == 0
    assert "cut off after 00:0" in told.output
    assert "5 of 5 seconds are what the server had; it ends early" in told.output


def test_who_was_there_for_a_moment_can_be_followed(tmp_path: Path) -> None:
    """The list of names is made of what is noted every ten seconds."""
    filmed, sim = Film(), Simulation(film.game, clients=1, seed=5)
    sim.server.record(filmed.begin)
    sim.run(1)
    guest = sim.join(name="guest")
    sim.run(2)
    guest.close(now=sim.now)
    sim.run(1)
    sim.server.close(now=sim.now)
    target = tmp_path / "guest.ecsrec"
    target.write_bytes(filmed.data)
    shown = replay(target, *GAME, "--speed", "16", "--follow", "guest")

    assert shown.exit_code == 0
    assert "guest is not there" in shown.output


def test_recording_is_off_where_that_is_said_and_a_typo_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the other options of a server."""
    command = ["play", "soccer", "--headless", "--fast", "--seconds", "0.1", "--record"]
    monkeypatch.chdir(tmp_path)
    off = CliRunner().invoke(commands, [*command, "off"])
    typo = CliRunner().invoke(commands, [*command, str(tmp_path / "nowhere" / "here")])

    assert off.exit_code == 0
    assert typo.exit_code == 2
    assert f"there is no folder {tmp_path / 'nowhere'}" in " ".join(typo.output.replace("│", "").split())
    assert list(tmp_path.iterdir()) == []


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
