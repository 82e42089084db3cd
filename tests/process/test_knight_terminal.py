"""Knight as people play it: real processes at terminals, and commands from a pipe."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.serving import START_SECONDS, Server, environment_at

pytest.importorskip("pty", reason="pseudo-terminals are POSIX")
pytest.importorskip("prompt_toolkit")

from tests.process.pseudoterminal import PseudoTerminal

pytestmark = [pytest.mark.process, pytest.mark.slow]

PLAY = ("-m", "ecsnet", "play", "knight", "--name", "Ada", "--bots", "0", "--port", "0")
READY = r"Ada  health  100/100    gold 0/200  sword  ready  barbarians 3/3"


def test_a_person_types_and_reads_while_the_game_goes_on(tmp_path: Path) -> None:
    """A prompt with completion, and a status that changes under it; in the end the terminal is as it was."""
    with PseudoTerminal(tmp_path, *PLAY) as terminal:
        terminal.wait_for("Knight, with Ada in the saddle")
        terminal.wait_for(r"Enter: attack slash")
        terminal.type("att\tba\t\r")
        terminal.wait_for(r"(\+ Your bash|beats back your bash)")
        terminal.wait_for("0[.][0-9] s")
        terminal.wait_for("ready")
        terminal.type("\r")
        terminal.wait_for(r"(\+ Your bash|beats back your bash)")
        terminal.type("who\r")
        terminal.wait_for(r"Ada \(you\)")
        assert terminal.modes != terminal.modes_before
        terminal.type("quit\r")

        assert terminal.finish() == 0
        assert terminal.modes == terminal.modes_before
        assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("end", ["\x03", "\x04", signal.SIGINT, signal.SIGTERM], ids=["^C", "^D", "SIGINT", "SIGTERM"])
def test_there_are_many_ways_to_leave_and_all_leave_a_clean_terminal(tmp_path: Path, end: str | signal.Signals) -> None:
    """With a half-typed line as well."""
    with PseudoTerminal(tmp_path, *PLAY) as terminal:
        terminal.wait_for(READY)
        if isinstance(end, signal.Signals):
            terminal.type("att")
            terminal.wait_for("att")
            terminal.process.send_signal(end)
        else:
            terminal.type(end)

        assert terminal.finish() == 0
        assert terminal.modes == terminal.modes_before
        assert "Traceback" not in terminal.shown


def test_two_meet_on_a_server_and_are_told_when_it_closes(tmp_path: Path) -> None:
    """What one does the other hears of, above the prompt and what is half typed at it."""
    with Server(tmp_path, "knight:endless", "--port", "0") as server:
        join = ("-m", "ecsnet", "join", str(server.link), "--game", "knight:endless", "--name")
        with PseudoTerminal(tmp_path, *join, "Ada") as ada:
            ada.wait_for("ready")
            ada.type("attack thr")
            with PseudoTerminal(tmp_path, *join, "Bob") as bob:
                ada.wait_for(r"\* Bob has come")
                bob.wait_for("ready")
                bob.type("q\r")
                assert bob.finish() == 0
            ada.wait_for(r"\* Bob is gone")
            ada.wait_for("> attack thr")
            ada.type("\r")
            ada.wait_for(r"(\+ Your thrust|beats back your thrust)")
            server.process.send_signal(signal.SIGINT)

            assert ada.finish() == 0
            assert ada.modes == ada.modes_before
            assert ada.shown.rstrip().endswith("the server is closing")


def script(folder: Path, lines: str) -> "subprocess.CompletedProcess[str]":
    """Play by what comes through a pipe."""
    return subprocess.run(
        [sys.executable, *PLAY], cwd=folder, input=lines, capture_output=True, text=True, check=False,
        timeout=START_SECONDS, env=environment_at(folder),
    )  # fmt: skip


def test_a_script_plays_line_by_line_and_gets_plain_lines(tmp_path: Path) -> None:
    """Each command waits for the answer to the one before; the end of the script is the end of the game."""
    ended = script(tmp_path, "# strike twice\n\nattack bash\nwait 0.6\natt\nattack\nbuy axe\ndance\nwho")

    lines = ended.stdout.splitlines()
    begin = lines.index("> attack bash")
    told = [line[:1] for line in lines[begin:]]
    assert ended.returncode == 0, ended.stderr
    assert "\x1b" not in ended.stdout
    assert "".join(told).replace("-", "+") == ">+" + ">" + ">+" + ">!" + ">!" + ">?" + ">  "
    assert re.search(r"Ada \(you\) +\d+/100 +sword", lines[-1])


def test_a_script_that_does_not_end_is_left_when_the_server_closes(tmp_path: Path) -> None:
    """A pipe that stays open must not keep the program."""
    with Server(tmp_path, "knight", "--port", "0") as server:
        player = subprocess.Popen(
            [sys.executable, "-m", "ecsnet", "join", str(server.link), "--game", "knight"], cwd=tmp_path, text=True,
            env=environment_at(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert player.stdin is not None
        assert player.stdout is not None
        player.stdin.write("who\n")
        player.stdin.flush()
        while "(you)" not in player.stdout.readline():
            pass
        server.process.send_signal(signal.SIGINT)

        assert player.wait(timeout=START_SECONDS) == 0
        assert player.communicate()[1] == "the server is closing\n"
