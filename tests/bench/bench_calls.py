"""Print what a call that is answered on arrival costs, step by step: `python -m tests.bench.bench_calls`.

Both ends in one process on one core, with all that travels sealed and opened, and without sockets. What a player waits
is this, and what two machines and the network between them take to carry a datagram there and back.
"""

import gc
import sys
from itertools import pairwise
from statistics import median
from time import perf_counter

from ecsnet import EVERYONE, SERVER, Call, EntityRef, Game, event, rpc
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation

STEPS = (
    "client calls",
    "client updates",
    "client packs",
    "server opens",
    "server answers",
    "client opens",
    "client reads",
)


@rpc(to=SERVER, answer="arrival")
def attack(call: Call, kind: int) -> int:
    """Do nothing: the game's own time is not the question."""
    return kind


@event
class Fell:
    """Names somebody, so who is told matters."""

    knight: EntityRef
    gold: int


game = Game("bench", rpcs=[attack], events=[Fell])


def measure_calls(calls: int) -> None:
    """Print the median of each step, and their sum."""
    sim = Simulation(game, clients=8)
    times: list[list[float]] = [[] for _ in STEPS]
    for number in range(calls):
        if number % 10 == 0:
            sim.step()
        for step, seconds in zip(times, one_call(sim, sim.now + 0.0001 * (number % 10)), strict=True):
            step.append(seconds)
    medians = [median(step) * 1e6 for step in times]
    for name, microseconds in zip(STEPS, medians, strict=True):
        out(f"{name:15s} {microseconds:6.1f} us")
    out(f"{'together':15s} {sum(medians):6.1f} us")


def one_call(sim: Simulation, now: float) -> list[float]:
    """Make a call between two ticks; return how long each step took."""
    client, server, address = sim.clients[0], sim.server, sim._addresses[sim.clients[0]]
    times = [perf_counter()]
    reply = client.call(attack, 3)
    times.append(perf_counter())
    client.update(now)
    times.append(perf_counter())
    question = client.datagrams_to_send(now)
    times.append(perf_counter())
    for data, _ in question:
        server.receive_datagram(data, address, now)
    times.append(perf_counter())
    answer = server.answers(now)
    times.append(perf_counter())
    for data, _ in answer:
        client.receive_datagram(data, SERVER_ADDRESS, now)
    times.append(perf_counter())
    client.update(now)
    times.append(perf_counter())
    assert reply.value == 3
    return [after - before for before, after in pairwise(times)]


def measure_events(clients: int, events: int, sends: int) -> None:
    """Print what an event costs a server for each client that is told."""
    sim = Simulation(game, clients=clients)
    world = sim.server.world
    knight = world.create_entity()
    seconds = []
    for _ in range(sends):
        sim.step()
        for number in range(events):
            world.to(EVERYONE).send(Fell(knight, number))
        began = perf_counter()
        sim.server.room.session.post.deliver()
        seconds.append(perf_counter() - began)
    each = median(seconds) / (events * clients)
    out(f"{events} events to {clients} clients: {median(seconds) * 1e6:7.1f} us, {each * 1e6:.1f} each")


def out(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    gc.disable()
    measure_calls(3000)
    for clients in (8, 32):
        measure_events(clients, events=10, sends=100)
