"""What a user installs: one wheel, every module in it once, none under a name that belongs to the user's game."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.process, pytest.mark.slow]

LEFT_OUT = {".git", ".venv", "build", "dist", "__pycache__"}
SOURCES = {
    "ecsnet": "ecsnet",
    "components": "ecsnet/components",
    "systems": "ecsnet/systems",
    "samples": "ecsnet/samples",
}

# A game as people lay it out: with folders of its own named like ours, and a component of its own in one of them.
GAME = {
    "components/__init__.py": "",
    "components/mood.py": (
        "from ecsnet import NetVar, component\n\n@component\nclass Mood:\n    good: NetVar[bool] = True\n"
    ),
    "systems/__init__.py": "",
    "systems/cheer.py": (
        "from components.mood import Mood\nfrom ecsnet import System, World\nfrom ecsnet.components import Player\n\n"
        "class Cheer(System):\n    def process(self, world: World) -> None:\n"
        "        for entity, _ in world.added(Player):\n            world.add_component(entity, Mood())\n"
    ),
    "arena.py": (
        "from components.mood import Mood\nfrom ecsnet import Game\nfrom systems.cheer import Cheer\n\n"
        "game = Game('arena', components=[Mood], systems=[Cheer],\n"
        "            summary=lambda world: {'moods': len(world.get_component(Mood))})\n"
    ),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and the wheel from that, without touching the checkout or a network."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    shutil.copytree(ROOT, source, symlinks=True, ignore=lambda _, names: LEFT_OUT.intersection(names))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_every_module_is_in_the_wheel_once_and_none_under_a_bare_name(built: Path) -> None:
    """The links ecsnet/components -> ../components must neither double nor lose anything."""
    [wheel] = built.glob("*.whl")

    names = Counter(zipfile.ZipFile(wheel).namelist())

    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"ecsnet"}
    assert {name: count for name, count in names.items() if count > 1} == {}
    assert {name for name in names if name.endswith(".py")} == expected_modules()
    assert {"ecsnet/py.typed", "ecsnet/transport/PROTOCOL.md"} <= names.keys()


def test_the_source_distribution_has_all_that_the_tests_need(built: Path) -> None:
    """Distributors build and test from it; the links stay out, since not every system can unpack them."""
    [archive] = built.glob("*.tar.gz")

    with tarfile.open(archive) as opened:
        members = opened.getmembers()

    names = {member.name.partition("/")[2] for member in members}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "components/owner.py", "tests/packaging/test_wheel.py"} <= names
    assert [member.name for member in members if not (member.isfile() or member.isdir())] == []


def test_an_installed_wheel_plays_a_game_that_has_components_and_systems_of_its_own(
    built: Path, tmp_path: Path
) -> None:
    """From an empty folder, with nothing of this checkout in reach but what is installed."""
    [wheel] = built.glob("*.whl")
    site, project = tmp_path / "site", tmp_path / "project"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(install, check=True, timeout=120)
    for name, text in GAME.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)

    origin = run(project, site, "-c", "import ecsnet, ecsnet.components, ecsnet.systems; print(ecsnet.__file__)")
    own = run(project, site, "-m", "ecsnet", "play", "arena", "--headless", "--fast", "--seconds", "5", "--bots", "3")
    soccer = run(
        project, site, "-m", "ecsnet", "play", "soccer", "--headless", "--fast", "--seconds", "5", "--bots", "3"
    )

    assert Path(origin.strip()).is_relative_to(site)
    assert json.loads(own)["score"] == {"moods": 4}
    assert json.loads(soccer)["clients"] == 4


def run(project: Path, site: Path, *arguments: str) -> str:
    """Run Python in a project's folder; return what it printed.

    The installed wheel comes before everything else, also before an editable installation of this checkout.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = str(site)
    command = [sys.executable, *arguments]
    result = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def expected_modules() -> set[str]:
    """Return what the checkout holds, under the names it is imported by."""
    found = set()
    for folder, package in SOURCES.items():
        for file in (ROOT / folder).rglob("*.py"):
            inside = file.relative_to(ROOT / folder)
            if folder != "ecsnet" or inside.parts[0] not in SOURCES:
                found.add(f"{package}/{inside.as_posix()}")
    return found
