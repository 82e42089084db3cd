"""Connection quality: every player's round trip and losses, for all to see where the game likes to show them.

The server's own figures, so nobody can make himself look better or worse than he is connected. They are smoothed over
seconds and would still change with every packet; so they are looked at once a second, and told when they differ by more
than what one would notice. A quiet player costs nothing, one on a busy Wi-Fi some 10 B a second.
"""

from typing import TYPE_CHECKING

from ecsnet.components.connection_quality import ConnectionQuality
from ecsnet.components.parent import Parent
from ecsnet.components.player import Player
from ecsnet.system import System
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ServerSession
    from ecsnet.transport.statistics import Statistics

__all__ = ["ReportQuality"]

REPORT_SECONDS = 1.0
NOTICEABLE_MS = 5
NOTICEABLE_SHARE = 0.2  # of the round trip
NOTICEABLE_PERCENT = 2  # of losses
MAX_RTT_MS = 65_535


class ReportQuality(System):
    """Server: write the ConnectionQuality of the players that have one as a part of theirs."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the connections."""
        self._session = session
        self._ticks_left = 0

    def process(self, world: World) -> None:
        """Look at all connections, once a second."""
        self._ticks_left -= 1
        if self._ticks_left > 0:
            return
        self._ticks_left = round(REPORT_SECONDS * world.tick_rate_hz)
        for _, (quality, parent) in world.get_components(ConnectionQuality, Parent):
            player = world.try_component(parent.entity, Player)
            peer = None if player is None else self._session.peers.get(player.client_id)
            if peer is not None:
                report(quality, peer.connection.statistics)


def report(quality: ConnectionQuality, statistics: "Statistics") -> None:
    """Write what has changed noticeably."""
    rtt_ms = min(MAX_RTT_MS, round(1000 * statistics.rtt_seconds))
    loss_percent = round(100 * max(statistics.loss_sent, statistics.loss_received))
    if abs(rtt_ms - quality.rtt_ms) >= max(NOTICEABLE_MS, NOTICEABLE_SHARE * quality.rtt_ms):
        quality.rtt_ms = rtt_ms
    if abs(loss_percent - quality.loss_percent) >= NOTICEABLE_PERCENT:
        quality.loss_percent = loss_percent
