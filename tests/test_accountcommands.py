"""The commands that make, list and remove accounts: what they print, keep and refuse."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecsnet.accountfile import AccountFile
from ecsnet.cli import commands
from ecsnet.passwordhash import PasswordHash


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where accounts are to be kept."""
    return tmp_path / "accounts.db"


def run(*arguments: str | Path, password: str = "") -> Result:
    return CliRunner().invoke(commands, ["accounts", *map(str, arguments)], input=password)


def fits(file: Path, key: str, password: str) -> bool:
    account = AccountFile(file).find(key)
    return account is not None and PasswordHash.parse(account.password_hash).fits(password)


def test_an_account_is_made_listed_given_another_password_and_removed(file: Path) -> None:
    """The password comes from standard input, and nothing prints it."""
    made = run("add", file, "Anna", password="correct horse\n")
    assert fits(file, "anna", "correct horse")
    run("add", file, "bert", password="battery staple")
    changed = run("passwd", file, "ANNA", password="another horse\r\n")
    assert fits(file, "anna", "another horse")
    listed = run("list", file)
    removed = run("remove", file, "anna")

    assert [result.exit_code for result in (made, changed, listed, removed)] == [0, 0, 0, 0]
    assert listed.output.splitlines() == ["Anna", "bert"]
    assert AccountFile(file).names() == ["bert"]
    assert "horse" not in made.output + changed.output + listed.output + removed.output


def test_a_person_is_asked_twice_and_sees_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the finger would lock the player out."""
    monkeypatch.setattr("ecsnet.accountcommands.sys", Terminal)
    made = run("add", file, "Anna", password="correct horse\ncorrect hosre\ncorrect horse\ncorrect horse\n")

    assert made.exit_code == 0
    assert "do not match" in made.output
    assert "horse" not in made.output
    assert fits(file, "anna", "correct horse")


class Terminal:
    """A `sys` with somebody at the keyboard."""

    class stdin:  # noqa: N801  # as in sys
        @staticmethod
        def isatty() -> bool:
            return True


@pytest.mark.parametrize(
    ("arguments", "password", "text"),
    [
        (("add", "ANNA"), "another horse", "has an account Anna, and 'ANNA' would be taken for it"),
        (("add", "bert"), "short", "at least 8 characters, not 5"),
        (("add", "bert"), "", "at least 8 characters, not 0"),
        (("add", "b" * 25), "correct horse", "1 to 24 characters"),
        (("passwd", "bert"), "correct horse", "has no account 'bert'"),
        (("passwd", "anna"), "short", "at least 8 characters, not 5"),
        (("remove", "bert"), "", "has no account 'bert'"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    file: Path, arguments: tuple[str, str], password: str, text: str
) -> None:
    """It says which account, and what is wrong."""
    run("add", file, "Anna", password="correct horse")
    before = file.read_bytes()
    result = run(arguments[0], file, arguments[1], password=password)

    assert result.exit_code == 1
    assert text in result.output
    assert len(result.output.splitlines()) == 1
    assert file.read_bytes() == before


@pytest.mark.parametrize("command", [("list",), ("remove", "anna"), ("passwd", "anna")])
def test_only_add_makes_a_file(file: Path, command: tuple[str, ...]) -> None:
    """A slip in its name is told, not obeyed."""
    result = run(command[0], file, *command[1:], password="correct horse")

    assert result.exit_code == 1
    assert f"ecsnet accounts add {file} NAME makes it" in result.output
    assert not file.exists()


def test_the_password_is_no_argument(file: Path) -> None:
    """Everybody on the machine can list the arguments of a command."""
    assert run("add", file, "Anna", "correct horse").exit_code == 2
    assert run("add", file, "Anna", "--password", "correct horse").exit_code == 2
