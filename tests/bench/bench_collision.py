"""Print what a tick of physics costs: `python tests/bench/bench_collision.py`. For CPython 3.11 on one usual core.

Half of the bodies are boxes, half are circles, with half as many obstacles between them, in a square in which each has
40 by 40 units. A client predicts one body among all the others, and up to 20 ticks again when it was wrong.
"""

import sys
from collections.abc import Callable
from math import sqrt
from random import Random
from time import process_time

from ecsnet.components import Bounds2D, Collider2D, Contacts, Predicted, Shape, Transform2D, Velocity2D
from ecsnet.systems import Collision, Movement, contacts_of
from ecsnet.world import World

SPACING_UNITS = 40.0
SPEED = 300.0  # units per second on each axis, at most


def build(bodies: int) -> World:
    """Return a crowded World that has come to its usual disorder."""
    random = Random(1)
    world = World(scope_marker=Predicted)
    side = SPACING_UNITS * sqrt(bodies)
    for number in range(bodies + bodies // 2):
        place = Transform2D(x=random.uniform(0.0, side), y=random.uniform(0.0, side))
        if number >= bodies:
            world.create_entity(place, Collider2D(half_width=10.0, half_height=10.0))
            continue
        velocity = Velocity2D(x=random.uniform(-SPEED, SPEED), y=random.uniform(-SPEED, SPEED))
        shape = Shape.BOX if number % 2 else Shape.CIRCLE
        collider = Collider2D(shape, half_width=8.0, half_height=8.0, radius=8.0, restitution=0.5)
        world.create_entity(place, velocity, collider, Bounds2D(0.0, 0.0, side, side, restitution=1.0))
    world.add_system(Movement())
    world.add_system(Collision())
    for _ in range(5):
        world.process()
    return world


def measure_server(bodies: int, runs: int) -> None:
    """Print a tick of all bodies; the best of some runs, since what disturbs only ever adds."""
    world = build(bodies)
    best = min(timed(world.process) for _ in range(runs))
    contacts = len(list(contacts_of(world)))
    out(f"{bodies:5d} bodies: {best * 1e3:7.2f} ms a tick, {best / bodies * 1e6:5.1f} us a body, {contacts} contacts")


def measure_client(bodies: int, runs: int) -> None:
    """Print a predicted tick of one body among the others."""
    world = build(bodies)
    world.add_component(next(iter(world.entities())), Predicted())
    world.single(Contacts).lasting.clear()  # those of the crowd: a client has its own alone
    collision = Collision()

    def predict() -> None:
        with world.predicting():
            world.run(collision)

    best = min(timed(predict) for _ in range(runs))
    out(f"{bodies:5d} bodies: {best * 1e6:7.1f} us for a client to predict its own")


def timed(work: Callable[[], None]) -> float:
    """Return the processor seconds a call takes."""
    start = process_time()
    work()
    return process_time() - start


def out(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    measure_server(200, runs=100)
    measure_server(2000, runs=20)
    measure_client(200, runs=200)
    measure_client(2000, runs=200)
