"""Print what it costs a server to be looked into: `python -m tests.bench.bench_inspection --entities 1000`.

A World of so many entities with four components each, of which an inspector asks for everything, again and again. Told
is what its passes took for that, beside what they take for the game: together over one answer, and the worst slice.
"""

import random
import time

import click

from ecsnet.components import Owner, Transform2D, Velocity2D
from ecsnet.distribution import Distribution
from ecsnet.fields import NetVar, component
from ecsnet.game import Game
from ecsnet.inspector import Inspector
from ecsnet.storage.capture import capture
from ecsnet.systems.inspection import Wish
from ecsnet.testing.simulation import Simulation

ANSWERS = 5
REST_SECONDS = 0.25  # a server takes four questions a second


@component
class Health:
    current: NetVar[int] = 100
    armour: NetVar[int] = 3


game = Game("inspected", components=[Health])


class Timed(Simulation):
    """A simulation that notes how long the server's inspection takes in each step."""

    def __init__(self) -> None:
        super().__init__(game, clients=1, check=False)
        self.slices = Distribution()
        self._update = self.server._inspection.update
        self.server._inspection.update = self._measured  # type: ignore[method-assign]

    def _measured(self, now: float) -> None:
        begin = time.perf_counter()
        self._update(now)
        self.slices.note(time.perf_counter() - begin)

    def answer(self, inspector: Inspector, wish: Wish) -> None:
        """Wait for one answer, a moment after the one before."""
        self.run(REST_SECONDS)
        inspector.ask(wish)
        self.run_until(lambda: inspector.take() and inspector.answer is not None, within_seconds=600)


@click.command()
@click.option("--entities", default=1000)
@click.option("--most", default=0, help="Entities asked for, as a terminal does; 0: all.")
def main(entities: int, most: int) -> None:
    """Measure and print."""
    sim, chance = Timed(), random.Random(1)
    for _ in range(entities):
        place = Transform2D(chance.uniform(-999, 999), chance.uniform(-999, 999))
        sim.server.world.create_entity(place, Velocity2D(chance.random(), 0.0), Health(chance.randrange(100)), Owner(0))
    inspector = sim.inspect()
    sim.run_until(lambda: inspector.client.client_id > 0, within_seconds=10)
    wish = Wish(most=most) if most else Wish()
    sim.answer(inspector, wish)  # what is worked out once for each component type
    began, sim.slices = sim.now, Distribution()
    for _ in range(ANSWERS):
        sim.answer(inspector, wish)
    begin = time.perf_counter()
    capture(sim.server.world)
    copied, total = time.perf_counter() - begin, sim.slices.mean * sim.slices.count
    pause, median = (sim.now - began) / ANSWERS - REST_SECONDS, sim.slices.percentile(0.5)
    print(f"an answer about {most or entities} entities: {1000 * total / ANSWERS:.1f} ms of the server's time")
    print(f"spread over {pause:.2f} s, slices of {1000 * median:.2f} ms")
    print(f"the worst {1000 * sim.slices.most:.2f} ms; a copy of the whole World takes {1000 * copied:.2f} ms")


if __name__ == "__main__":
    main()
