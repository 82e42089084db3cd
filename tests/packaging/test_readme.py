"""What the README shows must be true: the game, the test, the commands and the links."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"(?:^    |`)(?:\.venv/bin/)?(ecsnet (?:play|serve|join) [^`\n]+)", README, re.MULTILINE)
FILES = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]


def test_the_game_of_the_readme_is_the_sample() -> None:
    """People copy it from either place."""
    assert CODE[0] == (ROOT / "samples" / "hello" / "game.py").read_text()
    assert CODE[0].count("\n") <= 40


@pytest.mark.slow
@pytest.mark.process
def test_the_test_of_the_readme_passes(tmp_path: Path) -> None:
    """It is the first test of many a game."""
    (tmp_path / "test_mygame.py").write_text(CODE[1])
    plugin = [] if plugin_is_installed() else ["-p", "ecsnet.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(tmp_path)]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert "1 passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("target", FILES)
def test_what_the_readme_points_at_exists(target: str) -> None:
    """A dead link is the first thing a visitor finds."""
    assert (ROOT / target).exists()


@pytest.mark.parametrize("target", re.findall(r"^    make ([a-z]+)$", README, re.MULTILINE))
def test_a_make_target_of_the_readme_exists(target: str) -> None:
    """And says what it does in `make help`."""
    makefile = (ROOT / "Makefile").read_text()

    assert f"\n{target}:" in makefile
    assert f'@echo "make {target} ' in makefile


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_has_options_that_exist(command: str) -> None:
    """An option that was renamed must not live on in the README."""
    from ecsnet.cli import commands  # noqa: PLC0415  # the rest of this file needs nothing but text

    known = {option for parameter in commands.commands[command.split()[1]].params for option in parameter.opts}

    assert set(re.findall(r"--[a-z-]+", command)) <= known


def plugin_is_installed() -> bool:
    """Tell whether pytest finds the plugin by itself."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # used once

    return any(entry.value == "ecsnet.testing.plugin" for entry in entry_points(group="pytest11"))
