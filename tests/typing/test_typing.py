"""What a type checker sees of a game module: nothing wrong in a good one, and an author's usual slips in a bad one."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_EXPECTED = re.compile(r"# E(?:@(-?\d+))?: ([a-z-]+)")
_FOUND = re.compile(r"^(.+?):(\d+): error: .*\[([a-z-]+)\]$", re.MULTILINE)


@pytest.mark.slow
def test_a_type_checker_accepts_the_good_and_finds_each_mistake_of_the_bad(tmp_path: Path) -> None:
    """The types are half of the API: a wrong field, a wrong argument and a wrong unpacking show in the editor."""
    source = (HERE / "bad_game.txt").read_text()
    bad = tmp_path / "bad_game.py"
    bad.write_text(source)

    output = check(HERE / "good_game.py", bad)

    found = {(Path(file).name, int(line), code) for file, line, code in _FOUND.findall(output)}
    assert found == {("bad_game.py", line, code) for line, code in expected_errors(source)}, output


def test_the_good_game_is_good_at_run_time_too() -> None:
    """A type checker and the framework must mean the same by a right declaration."""
    game = runpy.run_path(str(HERE / "good_game.py"))["game"]

    assert repr(game) == "Game('good': 4 components, 2 systems, 2 rpcs, 60 Hz)"


def expected_errors(source: str) -> list[tuple[int, str]]:
    """Return (line, error code) of every `# E: code` comment; `# E@-1:` means the line above."""
    return [
        (number + int(offset or 0), code)
        for number, line in enumerate(source.splitlines(), start=1)
        for offset, code in _EXPECTED.findall(line)
    ]


def check(*files: Path) -> str:
    """Return what mypy says in strict mode."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", *map(str, files)]
    environment = {**os.environ, "MYPYPATH": os.pathsep.join((str(ROOT), str(HERE)))}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert not result.stderr, result.stderr
    return result.stdout
