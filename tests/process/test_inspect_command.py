"""`ecsnet inspect` with real processes: as JSON, as a table in a pipe and on a terminal, and turned away."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecsnet import udp
from ecsnet.joinlink import JoinLink
from tests.process.serving import START_SECONDS, Process, Server

pytest.importorskip("pty", reason="terminals, and signals between processes, are POSIX")

from tests.process.pseudoterminal import PseudoTerminal

pytestmark = [pytest.mark.process, pytest.mark.slow]

PORT = ("--port", "0")


def inspect(folder: Path, where: JoinLink | str, *arguments: str) -> tuple[int, str]:
    """Run `ecsnet inspect` to its end; return its exit code and what it printed."""
    with Process(folder, "inspect", "-m", "ecsnet", "inspect", str(where), *arguments) as command:
        return command.process.wait(timeout=START_SECONDS), command.log


def read(printed: str) -> Any:
    return json.loads(printed.splitlines()[-1])


def test_a_server_with_a_player_is_seen_by_its_owner(tmp_path: Path, transport: str) -> None:
    """As JSON and in a pipe, with nothing set up: the key is found where the server has it."""
    with Server(tmp_path, "hello", *PORT, "--transport", transport) as server:
        join = ("-m", "ecsnet", "join", str(server.link), "--game", "hello", "--name", "ada", "--headless")
        with Process(tmp_path, "player", *join) as player:
            server.wait_for("(joined)")
            code, printed = inspect(tmp_path, server.link, "--json")
            scheme = "ecsnet+tcp://" if transport == "tcp" else ""
            own = replace(server.link, host=next(iter(udp.local_addresses()), server.link.host))
            table = inspect(tmp_path, f"{scheme}{own.place}")  # without the key: it is in the key file
            nothing = inspect(tmp_path, own, "--component", "Nix")
            player.kill()
        log = server.log
    seen = read(printed)

    assert code == table[0] == nothing[0] == 0
    assert "\nnot found among 1 entity\n" in nothing[1]
    assert "there is no component Nix; there are Bounds2D, Dot, " in nothing[1]
    assert (seen["game"], [client["name"] for client in seen["clients"]]) == ("hello", ["ada"])
    assert seen["ticks"]["passes"] > 0
    assert seen["ticks"]["worst_ms"] > 0
    assert [entity["owner"]["name"] for entity in seen["rooms"][0]["entities"] if "owner" in entity] == ["ada"]
    assert [line.split()[0] for line in table[1].splitlines() if line.isprintable() and line][:1] == ["hello"]
    assert "1 ada" in table[1]
    assert log.count(" inspected address=127.0.0.1:") == 3


def test_a_server_may_be_told_not_to_show_itself(tmp_path: Path) -> None:
    """Then it says nothing, not even to its owner; the command says what may be the matter."""
    with Server(tmp_path, "hello", *PORT, "--inspect", "off") as server:
        code, printed = inspect(tmp_path, server.link)

    assert code == 1
    assert printed == (
        "Error: the server runs another game, or it was told not to show itself: ecsnet serve --inspect off\n"
    )


def test_on_a_terminal_the_table_follows_and_goes_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fits the window, also when that changes, shows who comes, and Ctrl-C gives the terminal back as it was."""
    monkeypatch.setenv("COLUMNS", "80")  # as a shell may have exported it, before the window was made smaller
    with Server(tmp_path, "hello", *PORT) as server:
        with PseudoTerminal(tmp_path, "-m", "ecsnet", "inspect", str(server.link)) as terminal:
            terminal.wait_for("hello   0 of")
            join = ("-m", "ecsnet", "join", str(server.link), "--game", "hello", "--name", "ada", "--headless")
            with Process(tmp_path, "player", *join):
                terminal.wait_for("ada +connected")
                terminal.resize(lines=12, columns=40)
                terminal.wait_for("hello   1 of 32 players   key .{4}-.{4}…")
                terminal.process.send_signal(signal.SIGINT)
                assert terminal.finish() == 0
            written, modes = terminal.written, terminal.modes

        assert written.startswith("\x1b[?1049h\x1b[?25l\x1b[H")
        assert written.endswith("\x1b[?25h\x1b[?1049l")
        assert modes == terminal.modes_before


def test_lines_of_json_follow_until_the_server_ends(tmp_path: Path) -> None:
    """For a program that keeps an eye on it; the end of the server is an error with its words."""
    watching = ("-m", "ecsnet", "inspect", "--json", "--watch")
    with (
        Server(tmp_path, "hello", *PORT, "--rooms", "2") as server,
        Process(tmp_path, "watch", *watching, str(server.link)) as watch,
    ):
        watch.wait_for(r"(\}\n\{.*\}\n)")
        server.process.send_signal(signal.SIGINT)
        server.finish()
        code = watch.process.wait(timeout=START_SECONDS)
        *lines, last = watch.log.splitlines()

    assert [read(line)["rooms"][0]["code"] for line in lines] == ["hall"] * len(lines)
    assert (code, last) == (1, "Error: the server is closing")
