"""Print what a client costs on the wire, and what for: `python -m tests.bench.bench_bytes`.

Soccer with 4 and 8 bots and hello with 4 walkers, a minute each, in the simulator: virtual clock and network, fixed
seeds, so the figures are the same on every machine. Counted is what the socket carries: the payload of UDP datagrams,
or the bytes of the TCP stream; IP and UDP headers (28 B a datagram over IPv4) come on top. Counting begins when the
match does, and ends before anybody leaves.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

import click

from ecsnet.bots import make_bot, press
from ecsnet.config import ClientConfig, ServerConfig, TransportConfig
from ecsnet.game import Game
from ecsnet.peer import INPUT, STATE
from ecsnet.replication.frames import decode_state
from ecsnet.replication.schema import Schema
from ecsnet.samples.hello.game import game as hello
from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.game import game as soccer
from ecsnet.samples.soccer.pitch import Phase
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.transport import packet
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.records import LENGTH_BYTES

SEED = 1
KICKOFF_SECONDS = 30.0  # a match is under way by then
WALK_SECONDS = 2.0  # and everybody else has joined
GAMES: dict[str, tuple[Game, int]] = {"soccer": (soccer, 4), "soccer of 8": (soccer, 8), "hello": (hello, 4)}
LINKS = {
    "LAN": Link.LAN,
    "2 % loss": Link(loss=0.02, latency_seconds=0.020, jitter_seconds=0.005),
}
TRANSPORTS = ("udp", "tcp")

Costs: TypeAlias = Counter[str]


@dataclass(slots=True)
class Meter:
    """Counts bytes by what they are for, both ways; once it runs."""

    schema: Schema
    is_running: bool = False
    datagrams: Costs = field(default_factory=Counter)
    down: Costs = field(default_factory=Counter)
    up: Costs = field(default_factory=Counter)
    whose: dict[int, int] = field(default_factory=dict)  # by connection, the network id of what the client steers

    def carry(self, data: bytes, destination: Address, source: Address, server: Address) -> None:
        """Count one datagram, or one record of a stream with its length."""
        is_stream = isinstance(source, StreamAddress) or isinstance(destination, StreamAddress)
        costs, way = (self.up, "up") if destination[:2] == server else (self.down, "down")
        size = len(data) + (LENGTH_BYTES if is_stream else 0)
        if self.is_running:
            costs["total"] += size
            costs["header and seal"] += size
            self.datagrams[way] += 1

    def note_down(
        self, now: float, connection_id: int, what: str, number: int, frames: bytes, kinds: bytes
    ) -> None:  # a Trace
        """Count what a packet of the server holds."""
        if self.is_running and what == "sent":
            self._note(self.down, frames, kinds, self.whose.get(connection_id, 0))

    def note_up(
        self, now: float, connection_id: int, what: str, number: int, frames: bytes, kinds: bytes
    ) -> None:  # a Trace
        """Count what a packet of a client holds."""
        if self.is_running and what == "sent":
            self._note(self.up, frames, kinds, 0)

    def _note(self, costs: Costs, frames: bytes, kinds: bytes, own: int) -> None:
        messages, numbered, fragments, ack, _, _, _ = packet.parse(frames, kinds, 256)
        assert not fragments, "nothing in these games is that long"
        costs["header and seal"] -= len(frames)
        left = len(frames)
        if ack is not None:
            size = len(packet.pack_ack(*ack))
            costs["ACK frames"] += size
            left -= size
        for channel, message in messages:
            left -= len(message)
            if channel == STATE:
                self._note_state(costs, message, own)
            else:
                costs["inputs" if channel == INPUT else "calls"] += len(message)
        for _, _, message in numbered:
            left -= len(message)
            costs["calls"] += len(message)
        costs["message headers, PING"] += left

    def _note_state(self, costs: Costs, message: bytes, own: int) -> None:
        """Count a state message: entities' values by component, what the client steers apart; the rest is its head."""
        records = self.schema.records
        state = decode_state(message, records)
        left = len(message)
        costs["state messages"] += 0
        for _, _, size in state.fulls:
            costs["state: fulls"] += size
            left -= size
        for network_id, values, size in state.updates:
            left -= size
            for record_id, record_values in values:
                record = records[record_id]
                packed = len(record.codec.pack(record_values))
                costs[f"state: {'own' if network_id == own else 'other'} {record.name}"] += packed
                size -= packed  # noqa: PLW2901  # what remains is its network id
            costs["state: network ids"] += size
        # Tick, flags, own part, gones; and of each run the records it changes and how many entities follow.
        head = _head_bytes(message)
        costs["state: head, own part"] += head
        costs["state: heads of runs"] += left - head


def _head_bytes(message: bytes) -> int:
    """Return how many bytes come before the first run: what remains if the runs are cut off is read as a message."""
    return 7 if message[4] & 1 else 5


def play(game: Game, clients: int, transport: str, link: Link, seconds: float) -> Meter:
    """Return what a game costs."""
    meter = Meter(Schema(game))
    sim = Simulation(
        game, link=link, seed=SEED, transport=transport, check=False, clients=0,
        server_config=ServerConfig(transport=TransportConfig(trace=meter.note_down)),
        client_config=ClientConfig(transport=TransportConfig(trace=meter.note_up)),
    )  # fmt: skip
    carry = sim.network.send

    def send(data: bytes, source: Address, destination: Address, now: float) -> None:
        meter.carry(data, destination, source, ("server", 7777))
        carry(data, source, destination, now)

    sim.network.send = send  # type: ignore[method-assign]
    sim.add_clients(clients)
    bots = [(client, make_bot(game, seed)) for seed, client in enumerate(sim.clients)]

    def play_on() -> None:
        for client, bot in bots:
            press(client, bot)

    sim.before_each_step(play_on)
    if game is soccer:
        sim.run_until(lambda: sim.server.world.single(Match).phase is Phase.PLAY, within_seconds=KICKOFF_SECONDS)
    sim.run(WALK_SECONDS)
    meter.whose = {peer.connection.connection_id: peer.entity for peer in sim.server.peers.values()}
    meter.is_running = True
    sim.run(seconds)
    return meter


def show(title: str, meter: Meter, clients: int, seconds: float) -> None:
    """Print a table: per client and second, most bytes first."""
    share = clients * seconds
    click.echo(f"\n{title}; per client and second")
    for way, costs in (("down", meter.down), ("up", meter.up)):
        click.echo(f"  {way:4}  {costs['total'] / share:7.0f} B in {meter.datagrams[way] / share:.1f} datagrams")
        for name, size in costs.most_common():
            if name != "total" and size / share >= 0.5:  # the others round to nothing
                click.echo(f"        {size / share:7.0f} B {name}")


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="Of play, in each of the games.")
@click.option("--brief", is_flag=True, help="The totals alone.")
def main(seconds: float, *, brief: bool) -> None:
    """Play all games over all links; print what each costs."""
    totals = []
    for name, (game, clients) in GAMES.items():
        for transport in TRANSPORTS:
            for link_name, link in LINKS.items():
                meter = play(game, clients, transport, link, seconds)
                share = clients * seconds
                totals.append((name, transport, link_name, meter.down["total"] / share, meter.up["total"] / share))
                if not brief:
                    show(f"{name}, {transport}, {link_name}", meter, clients, seconds)
    click.echo("\ngame         path  link       down B/s  up B/s    sum")
    for name, transport, link_name, down, up in totals:
        click.echo(f"{name:12} {transport:5} {link_name:10} {down:8.0f} {up:7.0f} {down + up:6.0f}")


if __name__ == "__main__":
    sys.exit(main())
