"""Following: what is left of a client's state where nobody looks at its World, as in a load test.

To the server it is a client like any other: it acknowledges all the same, and its tick and so its inputs are as far
ahead. Here a message costs its head: what changed, most of it, is not even read.
"""

from dataclasses import replace

from ecsnet.components.player import Player
from ecsnet.errors import RemoteProtocolError
from ecsnet.peer import STATE
from ecsnet.replication.frames import State, Update
from ecsnet.systems.replication import ReceiveState
from ecsnet.systems.session import ClientSession
from ecsnet.world import World

__all__ = ["FollowState"]


class FollowState(ReceiveState):
    """Client without a World: follow the server's tick, and of all entities keep one's own player as it came.

    That one is kept for remote calls, which name it.
    """

    def __init__(self, session: ClientSession) -> None:
        """Bind to the conversation."""
        super().__init__(session)
        session.receiver.holds_all = False

    def process(self, world: World) -> None:
        """Take as much of all state messages that arrived as there is somebody to look at it."""
        peer, receiver = self._session.peer, self._session.receiver
        try:
            for message in peer.take(STATE):
                self._apply(self._reduced(receiver.take(message, runs=False)), world)
        except RemoteProtocolError as error:
            peer.fault = f"state message: {error}"

    def _reduced(self, state: State) -> State:
        """Return the message without what happened to others: even their ends would fill a memory."""
        if not (state.fulls or state.gones or state.leaves):
            return state
        entity_of = self._session.receiver.entity_of
        return replace(
            state,
            fulls=tuple(full for full in state.fulls if self._is_own(full)),
            gones=tuple(network_id for network_id in state.gones if entity_of(network_id)),
            leaves=tuple(network_id for network_id in state.leaves if entity_of(network_id)),
        )

    def _is_own(self, full: Update) -> bool:
        """Tell whether an entity is this client's player."""
        records, player = self._session.schema.records, Player()
        for record_id, values in full[1]:
            if records[record_id].cls is Player:
                records[record_id].codec.apply(player, values)
        return player.client_id == self._session.peer.client_id != 0
