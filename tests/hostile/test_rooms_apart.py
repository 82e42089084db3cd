"""What happens in one room of a server is in no datagram to another: read on the wire, with everybody's keys."""

from collections import defaultdict

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.samples.soccer.bot import SoccerBot
from ecsnet.samples.soccer.game import game
from ecsnet.systems.chat import say
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.transport.address import Address
from tests.hostile.eavesdropper import Line
from tests.transport import second

ROOMS = 4
PLAYERS = 3  # of each


class Party(Simulation):
    """Soccer in several rooms, with every packet of the server opened.

    Attributes:
        heard: All plaintext that was sent to an address, joined.
    """

    def __init__(self, seed: int) -> None:
        self._secrets: dict[bytes, bytes] = {}
        self._lines: dict[Address, Line] = defaultdict(lambda: Line(self._secrets))
        self.heard: dict[Address, bytearray] = defaultdict(bytearray)
        super().__init__(game, clients=0, seed=seed, server_config=ServerConfig(rooms=RoomConfig()))
        self._send = self.network.send
        self.network.send = self._overhear  # type: ignore[method-assign]

    def _entropy(self, count: int) -> bytes:
        drawn = super()._entropy(count)
        if count == 32:
            public = X25519PrivateKey.from_private_bytes(drawn).public_key().public_bytes_raw()
            self._secrets[public] = drawn
        return drawn

    def _overhear(self, data: bytes, source: Address, destination: Address, now: float) -> None:
        if source == SERVER_ADDRESS:
            plaintext = self._lines[destination].down(data)
            for frame in second.decode_frames(plaintext, second.GAME_CHANNELS) if plaintext else ():
                if isinstance(frame, second.Message | second.Fragment):
                    self.heard[destination] += frame.message if isinstance(frame, second.Message) else frame.part
        else:
            self._lines[source].up(data)
        self._send(data, source, destination, now)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("link", [Link.PERFECT, Link.POOR], ids=["perfect", "poor"])
def test_nothing_of_one_room_is_sent_to_another(seed: int, link: Link) -> None:
    """Names and words are easy to find: each client hears those of its own room, and of no other."""
    sim = Party(seed)
    bots = {}
    for number in range(ROOMS):
        code = sim.server.rooms.open(f"room {number}")
        for player in range(PLAYERS):
            bots[sim.join(f"r{number}p{player}", room=code)] = (number, SoccerBot())

    for address in sim._addresses.values():  # a line reads one handshake, so these were over a good one
        sim.network.set_link(SERVER_ADDRESS, address, link)

    def play() -> None:
        for client, (_, bot) in bots.items():
            client.press(bot.decide(client))

    sim.before_each_step(play)
    for _ in range(4):
        sim.run(1)
        for client, (number, _) in bots.items():
            client.call(say, f"word of room {number}", to_team=False)
    sim.run(2)

    for client, (number, _) in bots.items():
        heard = bytes(sim.heard[sim._addresses[client]])
        for other in range(ROOMS):
            words = [f"r{other}p".encode(), f"word of room {other}".encode(), f"room {other}".encode()]
            assert [word in heard for word in words] == [other == number] * len(words), (client, other)
