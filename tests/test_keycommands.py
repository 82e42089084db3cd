"""The commands that handle keys and tokens, in this process: what they print, write and refuse."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecsnet.cli import commands
from ecsnet.joinlink import JoinLink
from ecsnet.keys import load_identity
from ecsnet.tokenfiles import load_token_key
from ecsnet.tokens import parse_token, server_hash


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's data folder that is empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def link_of(output: str) -> JoinLink:
    [line] = [line for line in output.splitlines() if line.startswith("link:")]
    return JoinLink.parse(line.removeprefix("link:").replace("PORT", "7777"))


def test_a_key_is_made_shown_replaced_and_retired(home: Path) -> None:
    """What is printed is public, and the link carries every key that is honoured."""
    path = home / "server.key"
    made, rotated = run("keys", "make", "--key", path), run("keys", "rotate", "--key", path)
    identity = load_identity(path)
    shown, retired = run("keys", "show", "--key", path), run("keys", "retire", "--key", path)

    assert [result.exit_code for result in (made, rotated, shown, retired)] == [0, 0, 0, 0]
    assert link_of(made.output).keys == identity.public_keys[1:]
    assert link_of(rotated.output).keys == link_of(shown.output).keys == identity.public_keys
    assert identity.fingerprint in shown.output.splitlines()[0]
    assert "current" in shown.output.splitlines()[0]
    assert identity.former is not None
    assert identity.former.fingerprint in retired.output
    assert load_identity(path).public_keys == (identity.public,)
    assert identity.private_bytes().hex() not in made.output + rotated.output + shown.output + retired.output


def test_a_players_key_has_a_file_of_its_own(home: Path) -> None:
    """One for the server, one for the player, where `serve` and the user look for them."""
    assert run("keys", "make").exit_code == run("keys", "make", "--player").exit_code == 0

    names = sorted(path.name for path in home.rglob("*.key"))
    assert names == ["player.key", "server.key"]
    assert run("keys", "show").output != run("keys", "show", "--player").output
    assert "link" not in run("keys", "show", "--player").output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("keys show", "there is no key file"),
        ("keys retire", "there is no key file"),
        ("join 127.0.0.1:9 --headless --player-key none.key", "there is no key file none.key"),
    ],
)
def test_a_missing_key_file_is_one_readable_line(home: Path, arguments: str, text: str) -> None:
    result = run(*arguments.split())

    assert result.exit_code == 1
    assert text in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["serve", "join"])
def test_a_password_is_never_part_of_the_command(home: Path, command: str) -> None:
    """Everybody on the machine can list processes; so it is asked for, or comes from the environment."""
    result = run(command, "soccer", "--password=mellon")

    assert result.exit_code == 2
    assert "does not take a value" in result.output
    assert "ECSNET_PASSWORD" in run(command, "--help").output


# Tokens.


@pytest.mark.parametrize("kind", ["--sealed", "--signed"])
def test_a_token_is_minted_and_shown(home: Path, kind: str) -> None:
    """From the link a server prints to what its gate would read."""
    key, server, player = home / "backend", home / "server.key", home / "player.key"
    assert run("token", "key", kind, key).exit_code == 0
    link = link_of(run("keys", "make", "--key", server).output)
    made = run("keys", "make", "--player", "--key", player)
    bound = made.output.split()[-1]
    minted = run(
        "token", "mint", "--key", key, "--link", str(link), "--player", "u-7", "--name", "Ada", "--bind", bound
    )
    (home / "token").write_text(minted.output)
    shown = [run("token", "show", text, "--key", key) for text in (minted.output.strip(), f"@{home / 'token'}")]
    token = load_token_key(key if kind == "--sealed" else home / "backend.pub").open(parse_token(minted.output))

    assert (token.player_id, token.name, token.player_key) == ("u-7", "Ada", load_identity(player).public)
    assert token.servers == (server_hash(load_identity(server).public),)
    assert token.expires - token.issued == 300
    assert all("u-7" in result.output and "Ada" in result.output and bound in result.output for result in shown)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ("token key file", 2, "say --sealed or --signed"),
        ("token mint --key file --player u", 2, "name the server"),
        ("token mint --key file --player u --link host:1", 2, "name the server"),
        ("token mint --key file --player u --server-key nonsense", 1, "'nonsense' is no public key"),
        (f"token mint --key file --player u --server-key {'A' * 43}", 1, "there is no file file"),
        ("token show AAAA --key file", 1, "there is no file file"),
        ("join 127.0.0.1:9 --headless --token @none", 2, "there is no file none"),
        ("join 127.0.0.1:9 --headless --token ?", 1, "this is no token"),
        ("serve soccer --port 0 --host 127.0.0.1 --token-key none", 1, "there is no file none"),
    ],
)
def test_a_mistake_with_tokens_is_one_readable_line(home: Path, arguments: str, code: int, text: str) -> None:
    result = run(*arguments.split())

    assert (result.exit_code, text in result.output) == (code, True), result.output
    assert "Traceback" not in result.output
