"""What `--help` tells of a game."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecsnet.cli import commands
from ecsnet.samples.soccer.manual import GENERAL_KEYS, PLAY_KEYS


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(commands, arguments)


@pytest.mark.parametrize("command", ["play", "serve"])
def test_help_after_a_game_has_its_rules_and_keys(command: str) -> None:
    """Line by line, as its author wrote it, wherever it stands among the options."""
    result = run(command, "--port", "7777", "soccer", "--help")

    assert result.exit_code == 0
    assert "\nSoccer:\n  Two sides of up to three play for five goals." in result.output
    for key, pad, meaning in (*PLAY_KEYS, *GENERAL_KEYS):
        [line] = [line for line in result.output.splitlines() if line.startswith(f"  {key} ") and meaning in line]
        assert pad in line
    assert max(map(len, result.output.splitlines())) <= 82


def test_help_without_a_game_is_the_general_one() -> None:
    """And that of a game that says nothing of itself."""
    assert run("play", "--help").output == run("play", "hello", "--help").output


def test_help_of_a_game_that_is_not_there_says_so() -> None:
    """A typo in the name would else look like a game without help."""
    result = run("play", "socer", "--help")

    assert result.exit_code == 2
    assert "there is no game 'socer'" in result.output


def test_a_games_own_help_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For any game, not only for samples."""
    (tmp_path / "ludo.py").write_text(
        "from ecsnet import Game\ngame = Game('ludo', help='Throw a six.\\n  Then go.')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert "\nLudo:\n  Throw a six.\n    Then go.\n" in run("play", "ludo", "--help").output
