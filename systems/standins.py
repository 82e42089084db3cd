"""Stand-ins: what plays for a client that is lost, on the server's own World, until it is back.

To a bot a stand-in looks like a client: it has a World and an entity in it, and calls functions of the server. But it
sees everything there is, at once: a bot that plays fair looks only at what its player would see.
"""

import logging
from typing import ParamSpec, TypeVar

from ecsnet.bots import Bot
from ecsnet.components.player import Player
from ecsnet.peer import Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.codec import Values
from ecsnet.rpc import Reply, Rpc
from ecsnet.system import System
from ecsnet.systems.session import ServerSession
from ecsnet.world import World

__all__ = ["StandIn", "StandIns"]

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)


class StandIn:
    """Presses the keys of one lost client.

    Attributes:
        world: The server's.
        client_id: Whom it stands in for.
        values: What it presses.
        disconnected: None: it has no connection that could end.
    """

    def __init__(self, session: ServerSession, world: World, peer: Peer, values: Values, bot: Bot | None) -> None:
        """Take over.

        Args:
            values: What to press, until the bot says otherwise.
            bot: None: it stays at that.
        """
        self.world = world
        self.client_id = peer.client_id
        self.values = values
        self.disconnected: tuple[DisconnectReason, str] | None = None
        self._session = session
        self._peer = peer
        self._bot = bot

    def __repr__(self) -> str:
        """Show for whom."""
        return f"StandIn({self.client_id})"

    @property
    def entity(self) -> int | None:
        """The client's player entity; None if the game has deleted it."""
        return self._peer.entity if self.world.has_component(self._peer.entity, Player) else None

    @property
    def is_ready(self) -> bool:
        """Whether there is anything to play with."""
        return self.entity is not None

    def call(self, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Run a function of the server as if the client had called it; the reply is there at once."""
        return self._session.calls.run_for(self._peer, rpc, self._session.now, *args, **kwargs)

    def decide(self) -> None:
        """Let the bot decide what to press. If it has a bug, nobody presses anything any more."""
        if self._bot is None:
            return
        codec = self._session.schema.input_codec
        try:
            command = self._bot.decide(self)
            if self._session.game.input is not None:
                self.values = codec.quantise(command)
        except Exception:
            logger.exception("the bot that plays for lost client %d failed", self.client_id)
            self._bot, self.values = None, codec.defaults


class StandIns(System):
    """Server: let those decide who stand in for lost clients; what they press is for this tick, like everybody's."""

    def __init__(self, session: ServerSession) -> None:
        """Bind to the conversation."""
        self._session = session

    def process(self, _: World) -> None:
        """Ask each of them."""
        for stand_in in self._session.stand_ins.values():
            stand_in.decide()
