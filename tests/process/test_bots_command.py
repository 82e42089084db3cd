"""`ecsnet bots` as its user meets it: real processes, real sockets, exit codes, and what is printed where."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from ecsnet.options import PASSWORD_VARIABLE
from tests.process.serving import START_SECONDS, Process, Server

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals between processes are POSIX"),
]

PORT = ("--port", "0")


def bots(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run `ecsnet bots ARGUMENTS` to its end; return its exit code and what it printed."""
    with Process(folder, "bots", "-m", "ecsnet", "bots", *arguments) as command:
        return command.process.wait(timeout=START_SECONDS), command.log


def test_bots_join_play_and_are_told_about(tmp_path: Path, transport: str) -> None:
    """Plain lines while they come, since nobody watches; then the table; 0, since all stayed."""
    with Server(tmp_path, "soccer", *PORT, "--transport", transport) as server:
        code, text = bots(tmp_path, "12", str(server.link), "--seconds", "1")
        log = server.log

    assert code == 0, text
    assert "joining [------------------------------] 0/12\n" in text
    assert "12 of 12 clients joined, 12 stayed\n" in text
    assert re.search(r"^round trip +\d+\.\d ms +\d+\.\d ms +\d+\.\d ms$", text, re.MULTILINE)
    assert re.search(r"^state messages +(29|30|31)\.\d a second and client$", text, re.MULTILINE)
    assert "\r" not in text
    assert {f'name="bot {number}"' for number in range(1, 13)} == set(re.findall(r'name="bot \d+"', log))


def test_several_processes_are_one_crowd(tmp_path: Path) -> None:
    """Their figures are added, and their clients are different ones."""
    with Server(tmp_path, "hello", *PORT) as server:
        code, text = bots(
            tmp_path, "5", str(server.link), "--game", "hello", "--seconds", "1", "--processes", "2", "--json"
        )
        names = set(re.findall(r'name="(bot \d)"', server.log))

    figures = json.loads(text.splitlines()[-1])
    assert (code, figures["clients"], figures["joined"], figures["stayed"]) == (0, 5, 5, 5)
    assert names == {f"bot {number}" for number in range(1, 6)}
    assert figures["bytes_received_per_second"] > figures["states_per_second"] > 20


def test_full_bots_are_real_players(tmp_path: Path) -> None:
    """With a World and the game's own bot, which kicks off: it calls to say that it is ready."""
    with Server(tmp_path, "soccer", *PORT) as server:
        code, text = bots(tmp_path, "2", str(server.link), "--seconds", "1", "--full", "--json")

    figures = json.loads(text.splitlines()[-1])
    assert (code, figures["joined"], figures["calls_refused"]) == (0, 2, 0)
    assert figures["calls"] >= 2
    assert figures["call_ms"]["p50"] > 0


def test_a_servers_limit_is_named(tmp_path: Path) -> None:
    """Everybody here has one address: whoever measures must learn that the server counts by it, and what to do."""
    with Server(tmp_path, "hello", *PORT, "--max-clients-per-network", "3") as server:
        code, text = bots(tmp_path, "5", str(server.link), "--game", "hello", "--seconds", "1")

    assert code == 1
    assert "3 of 5 clients joined, 3 stayed\n" in text
    assert re.search(
        r"^refused +2  SERVER_FULL: 3 players of your network are here.*--max-clients-per-network", text, re.MULTILINE
    )


def test_a_servers_limit_counts_over_tcp_as_well(tmp_path: Path) -> None:
    """There it is one of streams, 16 unless the server's owner says otherwise."""
    command = ("20", "--game", "hello", "--seconds", "0.5", "--json")
    found = []
    for options in ((), ("--max-clients-per-network", "20")):
        with Server(tmp_path, "hello", *PORT, "--transport", "tcp", *options) as server:
            code, text = bots(tmp_path, command[0], str(server.link), *command[1:])
        found.append((code, json.loads(text.splitlines()[-1])["joined"]))

    assert found == [(1, 16), (0, 20)]


def test_bots_wait_for_a_signal_and_print_what_there_is(tmp_path: Path) -> None:
    """Without --seconds they stay; Ctrl-C is how that ends, and no failure."""
    with (
        Server(tmp_path, "hello", *PORT) as server,
        Process(tmp_path, "bots", "-m", "ecsnet", "bots", "3", str(server.link), "--game", "hello") as command,
    ):
        command.wait_for(r"(3 connected)")
        command.process.send_signal(signal.SIGINT)

        assert "3 of 3 clients joined, 3 stayed\n" in command.finish()


def test_bots_whose_server_closes_did_not_stay(tmp_path: Path) -> None:
    """They end by themselves, with 1 and the reason."""
    with (
        Server(tmp_path, "hello", *PORT) as server,
        Process(tmp_path, "bots", "-m", "ecsnet", "bots", "3", str(server.link), "--game", "hello") as command,
    ):
        command.wait_for(r"(3 connected)")
        server.process.send_signal(signal.SIGINT)
        code = command.process.wait(timeout=START_SECONDS)

        assert code == 1
        assert "3 of 3 clients joined, 0 stayed\n" in command.log
        assert re.search(r"^ended +3  SERVER_CLOSING: the server is closing$", command.log, re.MULTILINE)


def test_bots_fill_rooms_or_go_to_one(tmp_path: Path) -> None:
    """Where there are places; or where they are sent, and then a full room is told."""
    with Server(tmp_path, "hello", *PORT, "--rooms", "3", "--places", "2") as server:
        options = (str(server.link), "--game", "hello", "--seconds", "1", "--json")
        code, text = bots(tmp_path, "5", *options)
        with Process(tmp_path, "rooms", "-m", "ecsnet", "rooms", str(server.link), "--game", "hello") as command:
            room = re.search(r"^([A-Z]{5}) ", command.finish(), re.MULTILINE)
        assert room is not None
        to_one = bots(tmp_path, "3", *options, "--room", room[1])

    assert (code, json.loads(text.splitlines()[-1])["joined"]) == (0, 5)
    assert (to_one[0], json.loads(to_one[1].splitlines()[-1])["joined"]) == (1, 2)


def test_bots_know_a_password_and_suffer_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared once for all of them: each would need a tenth of a second."""
    monkeypatch.setenv(PASSWORD_VARIABLE, "mellon")
    began = time.monotonic()
    with Server(tmp_path, "hello", *PORT) as server:
        code, text = bots(
            tmp_path, "20", str(server.link), "--game", "hello", "--seconds", "1", "--json", "--delay-ms", "50"
        )

    figures = json.loads(text.splitlines()[-1])
    assert (code, figures["joined"]) == (0, 20)
    assert 95 < figures["rtt_ms"]["p50"] < 160
    assert time.monotonic() - began < START_SECONDS


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ("0 127.0.0.1", 2, "0 is not in the range x>=1"),
        ("901 127.0.0.1", 2, "900 bots fit a process: add --processes"),
        ("2 127.0.0.1:9 --game nowhere", 2, "there is no game 'nowhere'"),
        ("2 ecsnet://a:b:c", 1, "cannot understand 'ecsnet://a:b:c'"),
        ("2 ecsnet://a:b:c --processes 2", 1, "cannot understand 'ecsnet://a:b:c'"),
        ("2 127.0.0.1:9 --game hello --json", 1, '"HANDSHAKE_TIMEOUT: the server did not answer": 2'),
    ],
)
def test_a_mistake_is_one_readable_line(tmp_path: Path, arguments: str, code: int, text: str) -> None:
    """Exit code 2 for a wrong command, 1 for what went wrong; never a traceback."""
    found, log = bots(tmp_path, *arguments.split())

    assert found == code, log
    assert text in log.splitlines()[-1]
    assert "Traceback" not in log
