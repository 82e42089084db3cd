"""What the README shows must be true: the game, the test, the commands and the links."""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import ecsnet
from ecsnet import Game, World, components
from ecsnet.components import Collider2D, Player, Rooms, Transform2D, Velocity2D, VisibleTo
from ecsnet.samples.hello.game import Dot, game
from ecsnet.systems import Collision
from ecsnet.systems.lobby import set_ready
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"(?:^    |`)(?:\.venv/bin/)?(ecsnet (?:play|serve|join|data) [^`\n]+)", README, re.MULTILINE)
COMMANDS += [
    f"ecsnet data {row}"
    for row in re.findall(r"^\| `((?:events|heatmap|jumps|player|prune|snapshot) [^`]+)`", README, re.MULTILINE)
]
TARGETS = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
FILES = [target for target in TARGETS if not target.startswith("#")]
SECTIONS = [target for target in TARGETS if target.startswith("#")]


def test_the_game_of_the_readme_is_the_sample() -> None:
    """People copy it from either place."""
    assert CODE[0] == (ROOT / "samples" / "hello" / "game.py").read_text()
    assert CODE[0].count("\n") <= 40
    assert CODE[1] == (ROOT / "samples" / "hello" / "window.py").read_text()


@pytest.mark.slow
@pytest.mark.process
def test_the_tests_of_the_readme_pass(tmp_path: Path) -> None:
    """They are the first tests of many a game."""
    (tmp_path / "test_mygame.py").write_text(code_with("def test_everybody_sees_a_dot_move"))
    plugin = [] if plugin_is_installed() else ["-p", "ecsnet.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(tmp_path)]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert "2 passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("block", CODE)
def test_a_block_of_the_readme_runs(block: str, tmp_path: Path) -> None:
    """People copy any of them: each says itself what it imports."""
    module = run(block, tmp_path)

    for value in module.values():
        if isinstance(value, Game):
            Simulation(value, clients=1).run(seconds=0.1)


def test_the_table_of_who_sees_what_can_be_written_like_that() -> None:
    """Each line in the right-hand column, in the order in which it stands there."""
    rows = re.search(r"\| seen by \| in a system \|\n(.*?)\n\n", README, re.DOTALL)
    assert rows is not None
    lines = re.findall(r"\| `([^`]+)` \|$", rows[1], re.MULTILINE)
    sim = Simulation(game, clients=1)
    world = sim.server.world
    names = ("chest", "rat", "card", "cart", "wheel", "statue")
    scope = {**vars(ecsnet), **vars(components), **{name: world.create_entity(Transform2D()) for name in names}}
    scope |= {"world": world, "client_id": sim.clients[0].client_id}
    scope["player"] = next(entity for entity, _ in world.get_component(Player))

    for line in lines:
        exec(line, scope)  # noqa: S102  # our own README
        sim.run(seconds=0.1)

    assert len(lines) >= 10
    sim.assert_converged()


def test_the_shot_of_the_readme_hits(tmp_path: Path) -> None:
    """What a player has in sight in its own view, although it has moved on since."""
    module = run(code_with("class Shoot"), tmp_path)
    sim = Simulation(module["game"], clients=2, link=Link.WIFI, seed=1)
    world, shooter, target = sim.server.world, sim.clients[0], sim.server.peers[sim.clients[1].client_id].entity
    world.component_for_entity(target, components.Transform2D).x = 100.0
    world.component_for_entity(target, components.Velocity2D).x = 300.0
    sim.run(seconds=1)
    seen = shooter.view(components.Transform2D)
    x, y = next((transform.x, transform.y) for entity, transform in seen if entity != shooter.entity)
    shooter.press(module["Aim"](x=round(4 * x) / 4, y=y, fire=True))
    sim.step()
    shooter.press(module["Aim"]())
    sim.run(seconds=0.5)

    assert world.component_for_entity(target, module["Health"]).points == 90
    assert world.component_for_entity(target, components.Transform2D).x > x + 16.0


def test_the_events_of_the_readme_are_told(tmp_path: Path) -> None:
    """Whoever copies that block sees each of its lines some time."""
    show = run(code_with("def show"), tmp_path)["show"]
    sim = Simulation(game, clients=1)
    world, client = sim.server.world, sim.clients[0]
    assert show(client)[-1] == "welcome"

    rat, card = world.create_entity(Transform2D(10.0, 20.0)), world.create_entity(Dot(1))
    sim.run(seconds=0.5)
    came = show(client)
    world.delete_entity(rat)
    world.component_for_entity(card, Dot).color = 2
    sim.run(seconds=0.5)
    changed = show(client)
    world.add_component(card, VisibleTo())
    sim.run(seconds=0.5)
    went = show(client)

    assert [line.partition(" ")[2] for line in came] == ["fades in", "fades in"]
    assert [line.partition(" ")[2] for line in changed] == ["explodes at 10, 20", "has another Dot"]
    assert [line.partition(" ")[2] for line in went] == ["fades out"]


def test_the_accept_of_the_readme_lets_in_whom_it_says(tmp_path: Path) -> None:
    """Each of its lines is somebody's answer."""
    module = run(code_with("def accept"), tmp_path)
    sim = Simulation(module["game"], clients=0, accept=module["accept"])
    late = sim.join(wait=False)
    sim.game = Game("mygame", version="1.1")
    old = sim.join(greeting=b"season 3", wait=False)
    sim.game = module["game"]
    sim.join(greeting=b"season 3")

    assert late.disconnected == (ecsnet.DisconnectReason.REFUSED, "this is another season")
    assert old.disconnected == (ecsnet.DisconnectReason.REFUSED, "please update to 1.2")


def test_the_diggers_of_the_readme_are_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who digs is answered, shaken and seen; everybody hears of it once."""
    module = run(code_with("class Found"), tmp_path)
    sim = Simulation(module["game"], clients=2)
    digger, other = sim.clients
    for client in sim.clients:
        client.events()
    reply = digger.call(module["dig"], 3)
    heard: list[list[str]] = [[], []]
    for _ in range(40):
        sim.step()
        for lines, client in zip(heard, sim.clients, strict=True):
            lines.extend(module["listen"](client))

    assert reply.value == 3
    assert heard == [["player-1 found 3", "a clink at 40, 30"]] * 2
    assert capsys.readouterr().out == "the screen shakes, 3%\n"
    assert other.world.component_for_entity(other.receiver.entity_of(1), module["Purse"]).gold == 3


def test_the_rounds_of_the_readme_are_played(tmp_path: Path) -> None:
    """From the lobby to the result: three of them, a late joiner in the second, and a rematch from nothing."""
    module = run(code_with("class Round"), tmp_path)
    sim = Simulation(module["game"], clients=2)
    world = sim.server.world

    def is_stage(stage: components.Stage, number: int | None = None) -> bool:
        reached = world.single(components.LobbyStage).stage is stage
        return reached and number in {None, world.single(module["Round"]).number}

    def begin() -> None:
        for client in sim.clients:
            client.call(set_ready, True)  # as on the wire
        sim.run_until(lambda: is_stage(components.Stage.RUNNING, 1), within_seconds=4)

    begin()
    late = sim.join()
    seat = world.component_for_entity(sim.server.peers[late.client_id].entity, components.Seat)
    assert seat.team == 0
    sim.run_until(lambda: is_stage(components.Stage.RUNNING, 2), within_seconds=11)
    sim.run(seconds=0.1)
    assert seat.team == 1
    sim.run_until(lambda: is_stage(components.Stage.FINISHED), within_seconds=21)
    begin()


def test_the_spikes_of_the_readme_hurt_once(tmp_path: Path) -> None:
    """And count whoever is in them."""
    module = run(code_with("class Spikes"), tmp_path)
    spikes, health = module["Spikes"](), module["Health"]()
    world = World()
    world.create_entity(spikes, Transform2D(50.0, 0.0), Collider2D(half_width=10.0, half_height=10.0, sensor=True))
    world.create_entity(health, Transform2D(), Velocity2D(600.0, 0.0), Collider2D())
    for system in (Collision(), module["Hurt"]()):
        world.add_system(system)
    victims = []
    for _ in range(10):
        world.process()
        victims.append(spikes.victims)

    assert set(victims) == {0, 1}
    assert victims[0] == victims[-1] == 0
    assert health.points == 90


def test_the_explanation_of_the_readme_is_the_servers() -> None:
    """But for the numbers of client and entity."""
    shown = re.search(r">>> print\(server\.explain\(.*\n    (entity .*)\n", README)
    assert shown is not None
    sim = Simulation(game, clients=1)
    world = sim.server.world
    world.add_component(next(entity for entity, _ in world.get_component(Player)), Rooms(frozenset({"hall"})))
    chest = world.create_entity(Dot(), Rooms(frozenset({"cellar"})))
    sim.run(seconds=0.1)

    told = sim.server.explain(client_id=1, entity=chest)

    assert told == shown[1].replace("entity 17", f"entity {chest}").replace("client 2", "client 1")


@pytest.mark.parametrize("target", FILES)
def test_what_the_readme_points_at_exists(target: str) -> None:
    """A dead link is the first thing a visitor finds."""
    assert (ROOT / target).exists()


@pytest.mark.parametrize("target", sorted(set(SECTIONS)))
def test_what_the_readme_sends_its_reader_to_is_a_heading(target: str) -> None:
    """As GitHub makes a target of it: small letters and hyphens, nothing else."""
    headings = [
        re.sub(r"[^a-z0-9 -]", "", heading.lower()) for heading in re.findall(r"^##+ (.+)$", README, re.MULTILINE)
    ]

    assert target.removeprefix("#") in [heading.replace(" ", "-") for heading in headings]


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

    found: click.Command = commands
    for word in command.split()[1:]:
        found = found.commands.get(word, found) if isinstance(found, click.Group) else found
    known = {option for parameter in found.params for option in parameter.opts}
    known.add("--help")  # of every command

    assert set(re.findall(r"--[a-z-]+", command)) <= known


def plugin_is_installed() -> bool:
    """Tell whether pytest finds the plugin by itself."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # used once

    return any(entry.value == "ecsnet.testing.plugin" for entry in entry_points(group="pytest11"))


def code_with(text: str) -> str:
    """Return the block that holds some text."""
    return next(str(block) for block in CODE if text in block)


def run(block: str, folder: Path) -> dict[str, Any]:
    """Run a block as a module of its own; return what it defines."""
    file = folder / "block.py"
    file.write_text(block)
    return runpy.run_path(str(file), run_name="block")
