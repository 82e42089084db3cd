"""Print what it costs a client to have been wrong: `python -m tests.bench.bench_prediction`. For CPython 3.11.

A real client in the simulator plays among 200 others, who walk about and are told of 30 times a second. Its own player
runs; steering, Movement and Collision are predicted. A rollback goes 10 ticks back, which is a round trip of 100 ms and
a bit: rewind, simulate again with the inputs of then, quantise, keep, and have what is drawn go on from where it was.
It is measured in the open, where nobody is within 100 units, and in the crowd, where those whom the player is about
to run into are predicted along. Columns: median and best of some hundred, the best in parts of a tick of 60 Hz, and
what of it Collision takes.
"""

import sys
from collections.abc import Callable
from random import Random
from statistics import median
from time import process_time

import click

from ecsnet.client import Client
from ecsnet.components import Bounds2D, Collider2D, MaxSpeed, Player, Predicted, Shape, Transform2D, Velocity2D
from ecsnet.fields import component, netvar, player_input
from ecsnet.game import Game
from ecsnet.system import System
from ecsnet.systems import Collision, Movement
from ecsnet.testing.simulation import Simulation
from ecsnet.wire import advance_tick
from ecsnet.world import World

OTHERS = 200
SPACING_UNITS = 40.0
SIDE = SPACING_UNITS * OTHERS**0.5
GAP_UNITS = 100.0  # around the player in the open
SPEED = 300.0
ROLLBACK_TICKS = 10
TICK_SECONDS = 1 / 60
TARGET_SHARE = 0.10  # of a tick, for a rollback


@player_input
class Run:
    """Keys."""

    dx: int = netvar(0, low=-1, high=1)
    dy: int = netvar(0, low=-1, high=1)


@component
class Walker:
    """One of the others; server only."""

    seed: int = 0


class Place(System):
    """Give whoever joins a body, in the middle."""

    def process(self, world: World) -> None:
        """Look for newcomers."""
        for entity, _ in world.added(Player):
            for part in body(SIDE / 2, SIDE / 2):
                world.add_component(entity, part)


class Steer(System):
    """Turn keys into a velocity."""

    predicted = True

    def process(self, world: World) -> None:
        """Steer everybody who presses."""
        for _, (run, velocity) in world.get_components(Run, Velocity2D):
            velocity.x, velocity.y = SPEED * run.dx, SPEED * run.dy


class Walk(System):
    """Let the others walk about; only the server knows where."""

    def process(self, world: World) -> None:
        """Turn now and then."""
        for entity, (_, velocity) in world.get_components(Walker, Velocity2D):
            if (world.tick + entity) % 30 == 0:
                velocity.x, velocity.y = world.rng.uniform(-60.0, 60.0), world.rng.uniform(-60.0, 60.0)


game = Game(
    "prediction bench",
    input=Run,
    components=[Walker],
    systems=[Place, Steer, Walk, Movement, Collision],
    tick_rate_hz=60,
    send_rate_hz=30,
)


def body(x: float, y: float) -> list[object]:
    """Return the parts of somebody at a place."""
    collider = Collider2D(Shape.BOX, half_width=8.0, half_height=8.0)
    return [Transform2D(x, y), Velocity2D(), MaxSpeed(SPEED), collider, Bounds2D(-SIDE, -SIDE, 2 * SIDE, 2 * SIDE)]


def played(gap_units: float) -> Simulation:
    """Return a simulation in which a client runs to and fro among the others, for some seconds already."""
    sim, dice = Simulation(game, clients=0, seed=1, check=False), Random(1)
    placed = 0
    while placed < OTHERS:
        x, y = dice.uniform(0.0, SIDE), dice.uniform(0.0, SIDE)
        if max(abs(x - SIDE / 2), abs(y - SIDE / 2)) >= gap_units:
            sim.server.world.create_entity(Walker(), *body(x, y))
            placed += 1
    client = sim.join()
    for turn in range(12):
        client.press(Run(dx=1 - 2 * (turn % 2), dy=turn % 3 - 1))
        sim.run(4 * TICK_SECONDS)
    return sim


class Watched(Collision):
    """Collision, and the processor seconds it took."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.seconds = 0.0

    def process(self, world: World) -> None:
        """Go on by one tick."""
        start = process_time()
        super().process(world)
        self.seconds += process_time() - start


def rollback(client: Client) -> Callable[[], None]:
    """Return what goes back as far as is measured, with what was predicted for then in place of the server's word."""
    predictor = client.predictor
    last = advance_tick(client.world.tick, -1)
    tick = advance_tick(last, -ROLLBACK_TICKS)
    confirmed = dict(predictor._history.at(tick) or {})
    assert confirmed, "it has predicted for longer than that"
    return lambda: predictor._roll_back(tick, confirmed, last=last)


def measure(name: str, gap_units: float, runs: int) -> float:
    """Print a rollback's cost; return the best, in seconds."""
    client = played(gap_units).clients[0]
    act = rollback(client)
    predicted = len(client.world.observe(Predicted))
    times = [timed(act) for _ in range(runs)]
    best, collision = min(times), collision_share(client, act, runs)
    out(
        f"rollback of {ROLLBACK_TICKS} ticks, {name:12} {predicted:3d} predicted   {milliseconds(times)}"
        f"   Collision {collision * 1e3:6.2f} ms, the rest {(best - collision) * 1e3:6.2f} ms"
    )
    return best


def collision_share(client: Client, act: Callable[[], None], runs: int) -> float:
    """Return how much of it Collision takes, at best, in seconds."""
    watched, seconds = Watched(), []
    systems = client.predictor._systems
    client.predictor._systems = tuple(watched if isinstance(each, Collision) else each for each in systems)
    for _ in range(runs):
        watched.seconds = 0.0
        act()
        seconds.append(watched.seconds)
    return min(seconds)


def measure_view(runs: int) -> None:
    """Print what it takes to ask for everything that is drawn, once a frame."""
    sim = played(GAP_UNITS)
    client = sim.clients[0]
    times = []
    for _ in range(runs):
        sim.step()
        times.append(timed(lambda: sum(1 for _ in client.view(Transform2D))))
    out(f"view of {OTHERS} entities                            {milliseconds(times)}")


def milliseconds(times: list[float]) -> str:
    """Return the columns of a row that are the same for all."""
    return f"{median(times) * 1e3:6.2f} {min(times) * 1e3:6.2f} ms  {min(times) / TICK_SECONDS:6.1%} of a tick"


def timed(work: Callable[[], object]) -> float:
    """Return the processor seconds a call takes."""
    start = process_time()
    work()
    return process_time() - start


def out(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


@click.command()
@click.option("--runs", default=300, show_default=True)
def main(runs: int) -> None:
    """Measure, and print; fail beyond twice the target."""
    out("                                                      median   best")
    best = measure("in the open", GAP_UNITS, runs)
    measure("in the crowd", 0.0, runs)
    measure_view(runs)
    if best > 2 * TARGET_SHARE * TICK_SECONDS:
        sys.exit(1)


if __name__ == "__main__":
    main()
