"""A game for replication's tests: every kind of record, small enough to reason about."""

from collections.abc import Sequence

from ecsnet import OWNER, EntityRef, Game, NetVar, World, component, netvar, player_input
from ecsnet.config import ReplicationConfig
from ecsnet.replication.frames import NO_INPUT, OwnPart
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Record, Schema
from ecsnet.replication.sender import Sender

MODULUS = 1 << 20
SERIALS = MODULUS - 1
PLENTY = 1 << 20
DATAGRAM = 1150
NOTHING_OWN = OwnPart(0, NO_INPUT)


@player_input
class Press:
    """What a player presses."""

    dx: int = netvar(0, low=-1, high=1)


@component
class Body:
    """Fast: two values that must always fit each other."""

    serial: NetVar[int] = netvar(0, low=0, high=SERIALS)
    check: NetVar[int] = netvar(0, low=0, high=SERIALS)
    kept: int = 7  # never leaves the server


@component
class Wool:
    """One value for all, one for the owner alone."""

    serial: NetVar[int] = netvar(0, low=0, high=SERIALS)
    worth: NetVar[int] = netvar(0, low=0, high=SERIALS, audience=OWNER)


@component
class Label:
    """A value without a fixed size."""

    text: NetVar[str] = netvar("", max_bytes=100)
    serial: NetVar[int] = netvar(0, low=0, high=SERIALS)


@component
class Follows:
    """Names another entity."""

    leader: NetVar[EntityRef] = 0
    serial: NetVar[int] = netvar(0, low=0, high=SERIALS)


@component(tag=True)
class Black:
    """No value: only presence."""


game = Game("pasture", input=Press, components=[Body, Wool, Label, Follows, Black])
schema = Schema(game)


def record(cls: type, at: int = 0) -> Record:
    """Return a component's record, the one for everyone first."""
    return schema.records_of[cls][at]


class Pair:
    """A server's World and clients' Worlds with nothing but function calls between them."""

    def __init__(self, clients: Sequence[int] = (1,), config: ReplicationConfig | None = None, tick: int = 100) -> None:
        """Subscribe the clients; nothing is sent yet."""
        self.tick = tick
        self.world = World()
        self.sender = Sender(schema, self.world, config)
        self.worlds = {client: World() for client in clients}
        self.receivers = {client: Receiver(schema, world, config) for client, world in self.worlds.items()}
        for client in clients:
            self.sender.subscribe(client)

    @property
    def receiver(self) -> Receiver:
        """The only client's."""
        (receiver,) = self.receivers.values()
        return receiver

    @property
    def replica(self) -> World:
        """The only client's World."""
        (world,) = self.worlds.values()
        return world

    def encode(self) -> None:
        """Go to the next send tick."""
        self.tick = (self.tick + 2) & 0xFFFFFFFF
        self.sender.encode(self.tick)

    def messages(
        self, client: int = 1, *, own: OwnPart = NOTHING_OWN, budget: int = PLENTY, limit: int = DATAGRAM
    ) -> list[tuple[bytes, int]]:
        """Return a client's messages of this tick."""
        return self.sender.messages_for(client, own, budget, limit)

    def deliver(self, messages: Sequence[tuple[bytes, int]], client: int = 1) -> None:
        """Let messages arrive, in the order given, and report them."""
        receiver = self.receivers[client]
        for message, token in messages:
            receiver.apply(receiver.take(message))
            self.sender.report(client, token, acked=True)

    def lose(self, messages: Sequence[tuple[bytes, int]], client: int = 1) -> None:
        """Report messages as lost."""
        for _, token in messages:
            self.sender.report(client, token, acked=False)

    def send(self) -> None:
        """Run one send tick without losses for all clients."""
        self.encode()
        for client in self.receivers:
            self.deliver(self.messages(client), client)

    def here(self, entity: int, client: int = 1) -> int:
        """Return the client's entity for the server's."""
        return self.receivers[client].entity_of(entity)
