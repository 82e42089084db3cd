"""What a server's owner sets on the command line, with real processes: who gets in, and what is written down."""

import json
import os
import re
import signal
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


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run `ecsnet ARGUMENTS` to its end; return its exit code and what it printed."""
    with Process(folder, "command", "-m", "ecsnet", *arguments) as command:
        return command.process.wait(timeout=START_SECONDS), command.log


def join(folder: Path, server: Server, *arguments: str) -> tuple[int, str]:
    """Join for a few seconds: over UDP a wrong password takes two to be told."""
    return run(folder, "join", str(server.link), "--game", "hello", "--headless", "--seconds", "4", *arguments)


def stop(server: Server) -> str:
    """End a server as Ctrl-C does; return what it printed."""
    server.process.send_signal(signal.SIGINT)
    return server.finish()


def test_a_password_lets_in_who_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """The right one, a wrong one and none: exit codes, and a line that says what to do."""
    monkeypatch.setenv(PASSWORD_VARIABLE, "mellon")
    with Server(tmp_path, "hello", *PORT, "--transport", transport) as server:
        right = join(tmp_path, server)
        monkeypatch.setenv(PASSWORD_VARIABLE, "melon")
        wrong = join(tmp_path, server)
        monkeypatch.delenv(PASSWORD_VARIABLE)
        missing = join(tmp_path, server)
        log = stop(server)

    assert re.search(r'join "ecsnet.*" --game hello --password\n', log)
    assert (right[0], json.loads(right[1].splitlines()[-1])["client_id"]) == (0, 1)
    assert (wrong[0], wrong[1].splitlines()[-1]) == (1, "Error: the password is wrong")
    assert (missing[0], missing[1].splitlines()[-1]) == (
        1, "Error: this server needs a password: add --password"
    )  # fmt: skip
    assert "mellon" not in log
    assert re.search(rf'refused address=\S+ transport={transport} reason=WRONG_PASSWORD text="the password is', log)


def test_a_backend_decides_who_joins(tmp_path: Path) -> None:
    """Keys, a server that asks for tokens, a token: it lets in once, and nobody gets in without."""
    assert run(tmp_path, "token", "key", "--signed", "backend")[0] == 0
    with Server(tmp_path, "hello", *PORT, "--token-key", "backend.pub") as server:
        mint = ("token", "mint", "--key", "backend", "--link", str(server.link), "--player", "u-17", "--name", "Ada")
        code, token = run(tmp_path, *mint)
        (tmp_path / "token").write_text(token)
        first = join(tmp_path, server, "--token", token.strip())
        again = join(tmp_path, server, "--token", "@token")
        without = join(tmp_path, server)
        log = stop(server)

    assert code == first[0] == 0
    assert 'joined client=1 name="Ada"' in log
    assert 'player="u-17"' in log
    assert token.strip() not in log
    assert (again[0], "used" in again[1]) == (1, True)
    assert (without[0], "token" in without[1]) == (1, True)
    assert log.count("reason=BAD_TOKEN") == 2


def test_a_server_with_accounts_lets_in_who_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made beforehand, or by whoever comes first where the owner allows it; kept over a restart; each refusal in words.

    The password is never part of a command.
    """
    variable = "ECSNET_ACCOUNT_PASSWORD"
    accounts = ("--accounts", "accounts.db")
    monkeypatch.setenv(variable, "correct horse")
    with Server(tmp_path, "hello", *PORT, *accounts, "--registration", "open") as server:
        first = join(tmp_path, server, "--account", "Anna")
        monkeypatch.setenv(variable, "another horse")
        wrong = join(tmp_path, server, "--account", "ANNA")
        log = stop(server)
    with Server(tmp_path, "hello", *PORT, *accounts) as server:
        stranger = join(tmp_path, server, "--account", "Bert")
        monkeypatch.setenv(variable, "correct horse")
        again = join(tmp_path, server, "--account", "anna")
        missing = join(tmp_path, server)
        stop(server)
    listed = run(tmp_path, "accounts", "list", "accounts.db")

    assert re.search(r'join "ecsnet.*" --game hello --account NAME\n', log)
    assert 'joined client=1 name="Anna"' in log
    assert 'account="Anna"' in log
    assert (first[0], again[0], listed) == (0, 0, (0, "Anna\n"))
    assert wrong[1].splitlines()[-1].startswith("Error: wrong password for ANNA; or somebody else has taken that name")
    assert stranger[1].splitlines()[-1] == "Error: there is no account Bert with that password here"
    assert missing[1].splitlines()[-1].endswith("give a name and a password: add --account NAME")
    assert [wrong[0], stranger[0], missing[0]] == [1, 1, 1]
    assert "horse" not in log


def test_the_list_of_rooms_is_for_who_may_come_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the account sees it, as joining would; who has none reads which option is missing, or which game."""
    monkeypatch.setenv("ECSNET_ACCOUNT_PASSWORD", "correct horse")
    owner = ("--rooms", "2", "--accounts", "accounts.db", "--registration", "open")
    with Server(tmp_path, "hello", *PORT, *owner) as server:
        rooms = ("rooms", str(server.link))
        listed = run(tmp_path, *rooms, "--game", "hello", "--account", "Anna")
        missing = run(tmp_path, *rooms, "--game", "hello")
        other = run(tmp_path, *rooms)
        stop(server)

    assert (listed[0], "no room is open" in listed[1]) == (0, True)
    assert (missing[0], missing[1].endswith("give a name and a password: add --account NAME\n")) == (1, True)
    assert (other[0], other[1].splitlines()[-1]) == (
        1, "Error: the server runs another game than 'soccer': add --game, as in the line that the server printed"
    )  # fmt: skip


def test_access_log_and_traces_are_files_that_grow(tmp_path: Path) -> None:
    """Both are added to, and complete after Ctrl-C; nothing of them is on the terminal."""
    options = ("--access-log", "access.log", "--trace", "server.trace", "--datagram-bytes", "600")
    for _ in range(2):
        with Server(tmp_path, "hello", *PORT, *options) as server:
            assert join(tmp_path, server, "--trace", "client.trace")[0] == 0
            log = stop(server)
        assert "joined" not in log

    lines = (tmp_path / "access.log").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["joined", "left", "joined", "left"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ", line) for line in lines)
    for side in ("server", "client"):
        packets = [json.loads(line) for line in (tmp_path / f"{side}.trace").read_text().splitlines()]
        assert {packet["side"] for packet in packets} == {side}
        assert len({packet["connection"] for packet in packets}) == 2
        assert any(re.match("CLOSE", frame) for frame in packets[-3]["frames"] + packets[-1]["frames"])


def test_a_block_list_keeps_out_and_the_access_log_may_be_off(tmp_path: Path) -> None:
    """One network a line, with comments."""
    (tmp_path / "blocked.txt").write_text("# us\n\n192.0.2.0/24\n127.0.0.1/32  # ourselves\n")
    with Server(tmp_path, "hello", *PORT, "--block-list", "blocked.txt", "--access-log", "off") as server:
        code, text = join(tmp_path, server)
        log = stop(server)

    assert (code, "this address is blocked" in text) == (1, True)
    assert "refused" not in log


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("serve hello --block-list list", "list, line 2: cannot block '300.1.2.3/8'"),
        ("serve hello --registration open", "--registration needs --accounts FILE"),
        ("serve hello --accounts missing", "there is no file missing: ecsnet accounts add missing NAME makes it"),
        ("serve hello --accounts list --registration open", "can be used by others"),
        ("serve hello --block-list none", "cannot read the block list none: "),
        ("serve hello --trace list", "list holds something else than a trace"),
        ("serve hello --access-log no/log", "cannot write the access log no/log: No such file or directory"),
        ("serve hello --token-key none", "none"),
        ("join 127.0.0.1:9 --headless --trace no/trace", "cannot write the trace no/trace: No such file"),
        ("join 127.0.0.1:9 --headless --token @none", "there is no file none"),
        ("join 127.0.0.1:9 --headless --seconds 1", "the server gave no answer within 1 s"),
        ("join 127.0.0.1:9 --headless --player-key none", "none"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, arguments: str, text: str) -> None:
    """One line, with the file and what is wrong with it."""
    (tmp_path / "list").write_text("192.0.2.0/24\n300.1.2.3/8\n")

    code, log = run(tmp_path, *arguments.split())

    assert code in {1, 2}
    assert text in log.splitlines()[-1]
    assert "Traceback" not in log
