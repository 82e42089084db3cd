"""A player whose program is not ours: it joins as everybody does and then says of its keys what it likes.

The game is a track without end: whoever holds a key runs 300 units a second in that direction, from the first tick to
the last. So what a lie gains can be read off the places, to the unit.
"""

from math import hypot

from ecsnet.client import Client
from ecsnet.components import Collider2D, Owner, Player, Transform2D, Velocity2D
from ecsnet.config import ClientConfig
from ecsnet.fields import netvar, player_input
from ecsnet.game import Game
from ecsnet.inputstatistics import InputStatistics
from ecsnet.peer import INPUT
from ecsnet.system import System
from ecsnet.systems import LagCompensation
from ecsnet.systems.input import SendInput, pack_inputs
from ecsnet.systems.pipeline import CLIENT
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.transport import packet
from ecsnet.wire import Tick, advance_tick
from ecsnet.world import World

SPEED = 300.0  # units a second: 5 a tick
TICK = 1 / 60


@player_input
class Run:
    """Keys; (0, 0) travels as 01 01."""

    dx: int = netvar(0, low=-1, high=1)
    dy: int = netvar(0, low=-1, high=1)


class Line(System):
    """Put whoever joins on a line of their own."""

    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            for part in (Transform2D(0.0, 100.0 * entity), Velocity2D(), Collider2D()):
                world.add_component(entity, part)


class Steer(System):
    """Turn keys into a velocity; a diagonal is no faster."""

    predicted = True

    def process(self, world: World) -> None:
        for _, (run, velocity) in world.get_components(Run, Velocity2D):
            length = hypot(run.dx, run.dy) or 1.0
            velocity.x, velocity.y = SPEED * run.dx / length, SPEED * run.dy / length


class Go(System):
    """Move everybody; nothing is in the way of anybody."""

    predicted = True

    def process(self, world: World) -> None:
        for _, (transform, velocity) in world.get_components(Transform2D, Velocity2D):
            transform.x += velocity.x * world.dt
            transform.y += velocity.y * world.dt


track = Game("track", input=Run, systems=[Line, Steer, Go, LagCompensation], tick_rate_hz=60, send_rate_hz=30)

STILL, RIGHT, LEFT, UP = b"\1\1", b"\2\1", b"\0\1", b"\1\0"


class Cheat:
    """A client that sends no inputs but those it is told to."""

    def __init__(self, sim: Simulation, *, ticket: bytes = b"") -> None:
        """Join."""
        self.sim = sim
        self.client = Client(
            sim.game, SERVER_ADDRESS, now=sim.now, name="cheat", pins=(sim.server.public_key,), entropy=sim._entropy,
            pipeline=tuple(step for step in CLIENT if step is not SendInput), ticket=ticket,
            config=ClientConfig(retry_seconds=0.0),
        )  # fmt: skip
        sim.clients.append(self.client)
        sim._addresses[self.client] = ("10.9.9.9", 40000 + len(ticket))
        sim.run_until(lambda: self.client.is_ready, within_seconds=10)

    @property
    def next_tick(self) -> Tick:
        """The first tick an input can be in time for that is sent now: it is on its way while the next one is run."""
        return advance_tick(self.sim.server.world.tick, 2)

    def say(self, newest: Tick, *inputs: bytes, lag_ticks: float = 0.0) -> None:
        """Send inputs that end at a tick, whatever they are."""
        self.send(INPUT, pack_inputs(newest, lag_ticks, inputs))

    def send(self, channel: int, message: bytes) -> None:
        """Send a message on a channel, also on one that is not for a client."""
        self.client.conversation.connection.send(channel, message)

    def send_frame(self, frame: bytes) -> None:
        """Send a frame as a packet of its own, whatever it is."""
        traffic = self.client.conversation.connection._traffic
        assert traffic is not None
        self.sim.server.receive_datagram(traffic.seal(frame), self.sim._addresses[self.client], self.sim.now)

    def send_on_unknown_channel(self) -> None:
        """Send a message on a channel there is not."""
        self.send_frame(packet.pack_message(9, b"where am I"))

    @property
    def entity(self) -> int:
        """Its player, in the server's World."""
        return self.sim.server.peers[self.client.client_id].entity

    @property
    def counted(self) -> InputStatistics:
        """What the server counts of it, as a host reads it."""
        return self.sim.server.input_statistics(self.client.client_id)


def place_of(sim: Simulation, client: Client) -> tuple[float, float]:
    """Return where the server has a client's player, from where it started."""
    entity = sim.server.peers[client.client_id].entity
    place = sim.server.world.component_for_entity(entity, Transform2D)
    return place.x, place.y - 100.0 * entity


def distance_of(sim: Simulation, client: Client) -> float:
    """Return how far a client's player is from where it started."""
    return hypot(*place_of(sim, client))


def owned_by(sim: Simulation, client_id: int) -> int:
    """Return a new cart on the server that a client's keys drive, beside its player."""
    return sim.server.world.create_entity(Run(), Owner(client_id), Transform2D(), Velocity2D())
