"""Replication: the server's world to every client's, each send tick. Both ends of the conversation.

The algorithm is in `ecsnet.replication` (sender, receiver); this file joins it to peers and ticks.
"""

from ecsnet.errors import RemoteProtocolError
from ecsnet.peer import CHECKS, STATE, Peer
from ecsnet.replication.frames import NO_INPUT, OwnPart, State
from ecsnet.system import System
from ecsnet.systems.session import ClientSession, ServerSession
from ecsnet.systems.ticksync import TARGET_MARGIN_TICKS
from ecsnet.wire import advance_tick, tick_difference
from ecsnet.world import World

__all__ = ["ReceiveState", "SendState"]

MAX_INPUTS_AHEAD = 255  # what a message can say; a server takes 64 ahead


class SendState(System):
    """Server: encode what changed once, and give every client its part of it."""

    def __init__(self, session: ServerSession) -> None:
        """Bind to the conversation."""
        self._session = session
        self._interval = round(session.game.tick_rate_hz / session.game.send_rate_hz)

    def process(self, world: World) -> None:
        """Hear what arrived every tick; speak every send tick."""
        session = self._session
        for client_id, peer in session.peers.items():
            for token, acked in peer.take_reports():
                session.sender.report(client_id, token, acked=acked)
            self._hear(client_id, peer)
        if world.tick % self._interval:
            return
        session.sender.encode(world.tick)
        for client_id, peer in session.peers.items():
            if peer.connection.is_connected:  # else it was closed in this very tick, and goes with the next update
                self._send(client_id, peer, world)
        session.sender.raise_fault()

    def _hear(self, client_id: int, peer: Peer) -> None:
        """Answer a client that says it differs."""
        for message in peer.take(CHECKS):
            try:
                answers = self._session.sender.complain(client_id, message)
            except RemoteProtocolError as error:
                peer.fault = f"complaint: {error}"
                return
            for answer in answers if peer.connection.is_connected else ():
                peer.connection.send(CHECKS, answer)

    def _send(self, client_id: int, peer: Peer, world: World) -> None:
        buffer = self._session.input_buffers[client_id]
        margin = buffer.margin()
        own = OwnPart(
            inputs_ahead=min(MAX_INPUTS_AHEAD, tick_difference(buffer.acknowledged(world.tick), world.tick)),
            input_margin=NO_INPUT if margin is None else max(-127, min(127, margin)),
        )
        connection = peer.connection
        budget = min(self._session.config.state_budget_bytes, connection.budget_bytes(self._session.now))
        messages = self._session.sender.messages_for(client_id, own, budget, connection.max_message_bytes)
        for message, token in messages:
            connection.send(STATE, message, token)


class ReceiveState(System):
    """Client: apply the server's state, follow its tick, and mark what this client predicts."""

    def __init__(self, session: ClientSession) -> None:
        """Bind to the conversation."""
        self._session = session
        self._interval = round(session.game.tick_rate_hz / session.game.send_rate_hz)

    def process(self, world: World) -> None:
        """Apply all state messages that arrived, in order of arrival; each is complete in itself."""
        peer, receiver = self._session.peer, self._session.receiver
        messages = peer.take(STATE)
        try:
            for message in messages:
                self._apply(receiver.take(message), world)
            self._check()
        except RemoteProtocolError as error:
            peer.fault = f"state message: {error}"
            return
        if messages:
            self._session.predictor.mark(peer.client_id)

    def _check(self) -> None:
        """Take what the server says where this client differed, after what it said before; complain where it does."""
        session = self._session
        for message in session.peer.take(CHECKS):
            state = session.receiver.take(message)
            session.verifier.apply(state)
            self._follow(state)
        complaint = session.verifier.complaint(session.now)
        if complaint is not None and session.peer.connection.is_connected:
            session.peer.connection.send(CHECKS, complaint)

    def _apply(self, state: State, world: World) -> None:
        session = self._session
        session.receiver.apply(state)
        session.verifier.verify(state)
        self._follow(state)
        if state.own is not None:
            self._synchronise(state, state.own, world)

    def _follow(self, state: State) -> None:
        """Let what is drawn follow what was applied."""
        session = self._session
        session.renderer.feed(session.receiver, state.tick, session.now)

    def _synchronise(self, state: State, own: OwnPart, world: World) -> None:
        """Start or steer this client's tick."""
        sync = self._session.sync
        rtt = self._session.peer.connection.statistics.rtt_seconds
        if not sync.synchronised:
            ahead = sync.start(state.tick, rtt, self._interval, self._session.now)
            world.tick = advance_tick(ahead, -self._session.config.input_delay_ticks)
        elif own.input_margin != NO_INPUT:
            jump = sync.observe(own.input_margin, rtt, self._session.now)
            world.tick = advance_tick(world.tick, jump)
        elif self._session.game.input is None and state.tick == self._session.receiver.own_tick:
            # Nothing is sent whose margin the server could report: it keeps as far ahead as it began.
            wanted = sync.ahead(rtt, self._interval) - self._session.config.input_delay_ticks
            margin = round(TARGET_MARGIN_TICKS) + tick_difference(world.tick, state.tick) - wanted
            world.tick = advance_tick(world.tick, sync.observe(margin, rtt, self._session.now))
