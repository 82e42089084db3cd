"""The intake: what becomes of an authentic packet, from its bytes to the inbox.

In the order of PROTOCOL.md, "Packets": limits, frames, then, after `Connection` dealt with ACK and CLOSE, the rest.
"""

from collections.abc import Sequence

from ecsnet.config import TransportConfig
from ecsnet.transport import packet
from ecsnet.transport.allowance import InboundLimit
from ecsnet.transport.inbox import Inbox
from ecsnet.transport.outbox import Outbox
from ecsnet.transport.path import Roaming
from ecsnet.transport.statistics import Statistics
from ecsnet.transport.traffic import Traffic

__all__ = ["Intake"]

MAX_PATH_RESPONSES = 4  # in one packet: a server asks once per probe timeout


class Intake:
    """Takes the packets of one connection.

    Attributes:
        is_flooded: Whether the peer sent so much more than it may that dropping it is not enough.
    """

    __slots__ = (
        "_inbox", "_kinds", "_limit", "_max_fragments", "_max_unreliable_fragments", "_outbox", "_roaming",
        "_statistics", "is_flooded",
    )  # fmt: skip

    def __init__(
        self,
        kinds: bytes,
        config: TransportConfig,
        statistics: Statistics,
        inbox: Inbox,
        outbox: Outbox,
        roaming: Roaming,
        *,
        limit: InboundLimit | None,
    ) -> None:
        """Start with nothing taken.

        Args:
            kinds: By channel, its Delivery.
            limit: What the peer may send; None: as much as it can.
        """
        self._kinds = kinds
        self._max_fragments = config.max_fragments
        self._max_unreliable_fragments = config.max_unreliable_fragments
        self._statistics = statistics
        self._inbox = inbox
        self._outbox = outbox
        self._roaming = roaming
        self._limit = limit
        self.is_flooded = False

    def allows(self, traffic: Traffic, size: int, now: float) -> bool:  # HOT: once per packet received
        """Tell whether to take a packet of `size` bytes; else it is as good as lost."""
        limit = self._limit
        return limit is None or limit.allows(size, now) or self._keeps_excess(traffic, limit, size, now)

    def _keeps_excess(self, traffic: Traffic, limit: InboundLimit, size: int, now: float) -> bool:
        """Treat a packet over the limit as lost; where nothing gets lost, take it and let the peer wait for its ACK."""
        if not limit.forgives(size, now):
            self.is_flooded = True
        elif traffic.is_lossless:
            traffic.slow_down(now + limit.owes(size, now))
            return True
        self._statistics.drops["over the inbound limit"] += 1
        return False

    def parse(self, plaintext: bytes) -> packet.Frames:
        """Read a packet whole.

        Raises:
            RemoteProtocolError: A frame is unknown, cut off, or breaks a limit.
        """
        return packet.parse(plaintext, self._kinds, self._max_fragments, self._max_unreliable_fragments)

    def take(self, traffic: Traffic, number: int, frames: packet.Frames, size: int, now: float) -> None:
        """Take the messages of a packet of `size` bytes, and let it be acknowledged. HOT: once per packet received.

        Raises:
            RemoteProtocolError: A message lies beyond a window or a limit.
        """
        messages, numbered, fragments, _, _, eliciting, controls = frames
        inbox = self._inbox
        if inbox.is_full and (messages or numbered or fragments) and not traffic.keeps(size):
            # It is not acknowledged, so the peer slows down or sends it again; its ACK and its life sign have counted.
            self._statistics.drops["inbox full"] += 1
            return
        if fragments and inbox.gave_up(fragments):
            self._statistics.drops["part of a message given up"] += 1
            return
        if controls:
            self._take_controls(controls)
        traffic.received.add(number, now, ack_eliciting=eliciting)
        delivered = len(messages)
        if messages:
            inbox.add_messages(messages, size)
        if numbered:
            delivered += inbox.add_numbered(numbered)
        if fragments:
            delivered += inbox.add_fragments(fragments)
        self._statistics.messages_received += delivered
        if eliciting and not messages and not numbered and not fragments:
            traffic.received.hurry()  # a PING: whoever asks this has nothing to say, and gets no answer to ride on

    def _take_controls(self, controls: Sequence[packet.Control]) -> None:
        outbox = self._outbox
        for kind, value in controls:
            if kind == packet.CREDIT:
                outbox.take_credit(value)
            elif kind == packet.PATH_RESPONSE:
                self._roaming.answer = value
            elif len(outbox.urgent) < MAX_PATH_RESPONSES:
                outbox.urgent.append(packet.pack_path_response(value))
