"""Order: a tick of physics comes out alike whatever order things were put together in, and in every process."""

import hashlib
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from ecsnet.components import Bounds2D, Collider2D, MaxSpeed, Predicted, Shape, Transform2D, Velocity2D
from ecsnet.systems import Collision, Movement, contacts_begun, contacts_ended, contacts_of
from ecsnet.world import World

ROOT = Path(__file__).resolve().parents[2]
TICKS = 30


def parts_of(random: Random) -> list[object]:
    """Draw the components of one of a crowd."""
    place = Transform2D(x=random.uniform(0.0, 300.0), y=random.uniform(0.0, 300.0))
    shape = random.choice([Shape.BOX, Shape.CIRCLE])
    collider = Collider2D(shape, 8.0, 8.0, 8.0, sensor=random.random() < 0.1, restitution=random.choice([0.0, 0.7]))
    if random.random() < 0.3:
        return [place, collider]
    velocity = Velocity2D(x=random.uniform(-500.0, 500.0), y=random.uniform(-500.0, 500.0))
    return [place, velocity, collider, Bounds2D(0.0, 0.0, 300.0, 300.0, restitution=1.0), MaxSpeed(400.0)]


def outcome(world: World) -> str:
    """Return everything that came of some ticks, to the last bit."""
    for system in (Movement(), Collision()):
        world.add_system(system)
    told: list[object] = []
    for _ in range(TICKS):
        world.process()
        told += [*contacts_of(world), *contacts_begun(world), *contacts_ended(world)]
    told += world.get_component(Transform2D)
    told += world.get_component(Velocity2D)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def crowd(seed: int, *, late: bool = False) -> World:
    """Build a crowd; with late=True all entities are made first and get their components later, shuffled."""
    random = Random(seed)
    crowd_parts = [parts_of(random) for _ in range(80)]
    world = World(scope_marker=Predicted)
    if not late:
        for parts in crowd_parts:
            world.create_entity(*parts)
        return world
    entities = [world.create_entity() for _ in crowd_parts]
    shuffle = Random(-seed - 1)
    for index in shuffle.sample(range(80), 80):
        for part in shuffle.sample(crowd_parts[index], len(crowd_parts[index])):
            world.add_component(entities[index], part)
    return world


@pytest.mark.parametrize("seed", range(4))
def test_the_order_in_which_components_were_added_does_not_show(seed: int) -> None:
    """An entity that a client was told of late is no different from one that was there from the start."""
    assert outcome(crowd(seed)) == outcome(crowd(seed, late=True))
    assert outcome(crowd(seed)) != outcome(crowd(seed + 100))


def test_a_component_that_was_away_does_not_show() -> None:
    """Query lists are mended by every change: who left one and came back stands where it stood."""
    world = crowd(1)
    for entity in Random(1).sample(world.entities(), 80):
        collider = world.remove_component(entity, Collider2D)
        assert collider is not None
        world.add_component(entity, collider)

    assert outcome(world) == outcome(crowd(1))


@pytest.mark.slow
@pytest.mark.process
def test_every_process_comes_to_the_same() -> None:
    """Sets and dictionaries of strings or types are in another order in each: nothing may hang on it."""
    script = "from tests.systems.test_order import crowd, outcome; print(outcome(crowd(1)))"
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        for hash_seed in ("0", "1", "4242")
    }

    assert told == {outcome(crowd(1))}
