"""A peer with true keys and no conscience: whatever bytes it seals arrive as authentic packets."""

from ecsnet.protocol import DisconnectReason
from ecsnet.transport import packet
from ecsnet.transport.connection import Connection
from ecsnet.transport.state import State
from ecsnet.transport.traffic import Traffic
from tests.transport.pair import CHANNELS, CLIENT, SERVER, Pair

KINDS = bytes([channel.delivery for channel in CHANNELS])
BOTH_WAYS = [True, False]  # who lies: the client, or the server


class Liar:
    """One end of a connection that says what it likes; the other end, the victim, is a real one.

    Attributes:
        pair: Both ends. Only the victim's is driven: what it sends is kept in `heard`, and answered by nobody.
        victim: The connection that is lied to.
        heard: Packets of the victim, opened and parsed.
    """

    def __init__(self, pair: Pair, *, is_client: bool = True) -> None:
        client, server = pair.connect()
        own, self.victim = (client, server) if is_client else (server, client)
        pair.run(0.2)
        assert own._traffic is not None
        self.pair = pair
        self.traffic: Traffic = own._traffic
        self.heard: list[packet.Frames] = []
        self._own: Connection = own
        self._is_client = is_client

    def say(self, *frames: bytes) -> None:
        """Send one packet of these frames, whatever they are."""
        data = self.traffic.seal(b"".join(frames))
        if self._is_client:
            self.pair.endpoint.receive_datagram(data, CLIENT, self.pair.now)
        else:
            self.victim.receive_datagram(data, SERVER, self.pair.now)

    def skip(self, count: int) -> None:
        """Never use the next packet numbers."""
        self.traffic._next_number += count

    def listen(self, seconds: float) -> None:
        """Let the victim live on; hear what it sends."""
        for _ in range(round(seconds * 60)):
            self.pair.now += 1 / 60
            self.victim.update(self.pair.now)
            for data, _ in self.victim.datagrams_to_send(self.pair.now):
                self._hear(data)

    def _hear(self, data: bytes) -> None:
        opened = self.traffic.open(data)
        if opened is None:
            return
        number, plaintext = opened
        self.traffic.received.add(number, self.pair.now, ack_eliciting=True)
        self.heard.append(packet.parse(plaintext, KINDS, 256))

    @property
    def verdict(self) -> DisconnectReason | None:
        """The reason the victim gave for ending it; None while it goes on."""
        if self.victim.state is State.CONNECTED:
            return None
        self.listen(0.1)
        return next((DisconnectReason(frames[4][0]) for frames in self.heard if frames[4] is not None), None)
