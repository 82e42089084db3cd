"""Two soccer players who run into each other: what each of them sees of himself, frame by frame."""

from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import TypeAlias

from ecsnet.client import Client
from ecsnet.components import Transform2D
from ecsnet.samples.soccer.components import Ball, Move
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.pitch import PLAYER_HALF, TOP
from ecsnet.systems import teleport
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation

__all__ = ["SCENES", "Scene", "Shove"]

Place: TypeAlias = tuple[float, float]

SETTLE_SECONDS = 1.0
PUSH_SECONDS = 2.0  # after that
STOP_SECONDS = 0.5  # more than it takes to stop on the server of the slowest
MOST_QUIET_SECONDS = 5.0
LEAST_UNITS = 1 / 64  # of a step; less is the rounding of the wire


@dataclass(frozen=True, slots=True)
class Scene:
    """Where two players stand, and what each of them holds down.

    Attributes:
        is_steady: After a second they stand, or move evenly; else they slide along each other, part or reach a wall.
    """

    places: tuple[Place, Place]
    keys: tuple[Move, Move]
    is_steady: bool = True


SCENES = {
    "both push": Scene(((350, 200), (450, 200)), (Move(1, 0), Move(-1, 0))),
    "both push, not in line": Scene(((350, 200), (450, 213)), (Move(1, 0), Move(-1, 0))),
    "one pushes a standing one": Scene(((200, 300), (260, 300)), (Move(1, 0), Move())),
    "one pushes a standing one, not in line": Scene(((200, 300), (260, 320)), (Move(1, 0), Move())),
    "at an angle": Scene(((350, 200), (450, 200)), (Move(1, 1), Move(-1, 0)), is_steady=False),
    "both at an angle": Scene(((350, 120), (450, 120)), (Move(1, 1), Move(-1, 1)), is_steady=False),
    "against a wall": Scene(((400, 80), (400, TOP + PLAYER_HALF)), (Move(0, -1), Move())),
    "along a wall": Scene(((350, TOP + PLAYER_HALF), (450, TOP + PLAYER_HALF)), (Move(1, -1), Move(-1, -1))),
    "out of a wall": Scene(((400, 100), (400, TOP + PLAYER_HALF)), (Move(0, -1), Move(0, 1))),
    "both into a corner": Scene(((760, 80), (700, 30)), (Move(1, -1), Move(1, -1))),
}


class Shove:
    """A scene, played: a second to settle, two seconds in which all keys stay as they are, and then quiet.

    Attributes:
        corrections: Of both clients together, in the two seconds.
        turns: How often somebody's own drawn place turned round on an axis in them, beyond how often it really did.
        jitter: By how many units a drawn step differs from the one before, at most; of scenes that are not steady
            beyond what was so in truth.
        quiet_seconds: How long it took after the keys were let go until everybody agreed on every place.
    """

    def __init__(self, scene: Scene, link: Link, seed: int) -> None:
        self.sim = Simulation(game, clients=2, link=link, seed=seed)
        world = self.sim.server.world
        self.sim.run(1)
        for ball, _ in world.get_component(Ball):
            teleport(world, ball, 40.0, 380.0)
        for client, (x, y) in zip(self.sim.clients, scene.places, strict=True):
            teleport(world, self.entity(client), x, y)
        self.sim.run(1)
        self.press(scene.keys)
        drawn: dict[Client, list[Place]] = {client: [] for client in self.sim.clients}
        truth: dict[Client, list[Place]] = {client: [] for client in self.sim.clients}
        settling = round(SETTLE_SECONDS * 60)
        for tick in range(settling + round(PUSH_SECONDS * 60)):
            if tick == settling:
                before = self._corrected()
            self.sim.step()
            for client in self.sim.clients:
                truth[client].append(self.server_place(client))
                if tick >= settling:
                    drawn[client].append(self.drawn_place(client))
        self.corrections = self._corrected() - before
        self.turns = max(turns_of(drawn[client]) - turns_of(truth[client]) for client in self.sim.clients)
        self.jitter = max(
            jitter_of(drawn[client]) - (0.0 if scene.is_steady else jitter_of(truth[client]))
            for client in self.sim.clients
        )
        self.press((Move(), Move()))
        self.sim.run(STOP_SECONDS)
        self.quiet_seconds = STOP_SECONDS
        while self.quiet_seconds < MOST_QUIET_SECONDS and not self.is_agreed():
            self.sim.step()
            self.quiet_seconds += 1 / 60

    def press(self, keys: tuple[Move, Move]) -> None:
        for client, move in zip(self.sim.clients, keys, strict=True):
            client.press(move)

    def is_agreed(self) -> bool:
        """Tell whether predicted, confirmed and true places are one and the same, of both on both clients, exactly."""
        return all(
            (seen.x, seen.y) == (told.x, told.y) == self.server_place(player)
            for client in self.sim.clients
            for player in self.sim.clients
            for seen, told in [self._places_on(client, client.receiver.entity_of(self.entity(player)))]
        )

    def _places_on(self, client: Client, entity: int) -> tuple[Transform2D, Transform2D]:
        told = client.confirmed(entity, Transform2D)
        assert told is not None
        return client.world.component_for_entity(entity, Transform2D), told

    def _corrected(self) -> int:
        return sum(client.predictor.corrections for client in self.sim.clients)

    def server_place(self, client: Client) -> Place:
        """Return where the server has a client's player."""
        at = self.sim.server.world.component_for_entity(self.entity(client), Transform2D)
        return at.x, at.y

    def entity(self, client: Client) -> int:
        """Return a client's player in the server's World."""
        return self.sim.server.peers[client.client_id].entity

    def drawn_place(self, client: Client) -> Place:
        """Return where a client draws itself."""
        return next((at.x, at.y) for entity, at in client.view(Transform2D) if entity == client.entity)


def steps_of(places: list[Place]) -> list[Place]:
    """Return the ways from each place to the next."""
    return [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(places)]


def turns_of(places: list[Place]) -> int:
    """Count how often motion went the other way on an axis."""
    count = 0
    for axis in (0, 1):
        moves = [step[axis] for step in steps_of(places) if abs(step[axis]) >= LEAST_UNITS]
        count += sum(a * b < 0.0 for a, b in pairwise(moves))
    return count


def jitter_of(places: list[Place]) -> float:
    """Return by how much a step differs from the one before, at most."""
    return max(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(steps_of(places)))
