"""Attendance: who has a place on a server, from coming in until leaving for good, over any number of connections."""

from collections import deque
from collections.abc import Iterable

from ecsnet import players
from ecsnet.chronicle import Chronicle
from ecsnet.components.player import PlayerStatus
from ecsnet.config import TransportConfig
from ecsnet.entrance import Entered
from ecsnet.events import PlayerEvent, PlayerJoined, PlayerLeft, PlayerLost, PlayerMoved, PlayerReturned
from ecsnet.game import Game
from ecsnet.peer import CALLS, CASUAL_CALLS, CHANNELS, CHECKS, INPUT, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.reception import Guest
from ecsnet.resumed import Resumed, ResumedSession
from ecsnet.room import Room
from ecsnet.rooms import Rooms
from ecsnet.sessions import Session, Sessions
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.systems.keeper import Keeping
from ecsnet.transport.connection import Connection
from ecsnet.transport.state import State

__all__ = ["Attendance"]

MAX_EVENTS = 4096
NOWHERE = ("", 0)  # the address of a connection that ended with the server before this one


class Attendance:
    """The players of one server.

    Attributes:
        peers: Who is connected, by client id, wherever they are.
        by_connection: The same by their connections.
        events: Who came and went; of a host that never asks, the newest.
        chronicle: Where it is written down.
    """

    def __init__(self, game: Game, rooms: Rooms, sessions: Sessions, keeping: Keeping | None) -> None:
        """Begin with nobody."""
        self.peers: dict[int, Peer] = {}
        self.by_connection: dict[Connection, Peer] = {}
        self.events: deque[PlayerEvent] = deque(maxlen=MAX_EVENTS)
        self.chronicle = Chronicle(rooms, keeping)
        self._rooms = rooms
        self._sessions = sessions
        self._reads = frozenset((CALLS, CASUAL_CALLS, CHECKS, *([] if game.input is None else [INPUT])))

    def __repr__(self) -> str:
        """Show who is connected."""
        return f"Attendance({sorted(self.peers)})"

    def take_events(self) -> list[PlayerEvent]:
        """Return and forget who came and went."""
        events = list(self.events)
        self.events.clear()
        return events

    def room_of(self, peer: Peer) -> Room:
        """Return where a player has its place."""
        room = self._rooms.of(peer.client_id)
        assert room is not None, f"{peer} has no place"
        return room

    # Coming.

    def enter(self, entered: Entered, now: float) -> None:
        """Give a player its entity: a new one, or the one it had before its connection was lost."""
        connection, guest, room = entered
        peer = Peer(connection, guest.client_id, self._reads, guest.arrival)
        session = self._sessions.get(guest.client_id)
        if session is None:
            session = self._sessions.begin(guest.session_id, peer, guest.serial, guest.arrival.network, now)
            self._place(peer, room)
            self.events.append(PlayerJoined(peer.client_id, peer.name))
            self.chronicle.joined(peer, room, session, now)
        else:
            self._resume(session, peer, guest, room, now)
        self.peers[peer.client_id] = self.by_connection[connection] = peer
        room.begin_conversation(peer)

    def _place(self, peer: Peer, room: Room) -> None:
        """Give a player a place in a room, and an entity there."""
        self._rooms.take_place(peer.client_id, room)
        room.place(peer)

    def _resume(self, session: Session, peer: Peer, guest: Guest, room: Room, now: float) -> None:
        """Go on with a player's session, where it was or elsewhere.

        If its old connection still looks alive, nobody is there any more.
        """
        before = session.peer
        here = self.room_of(before)
        if session.keep_until is None:
            replaced = DisconnectReason.REPLACED
            self._end_conversation(before)
            before.connection.close(replaced, replaced.text, now=now)
        else:
            self.events.append(PlayerReturned(peer.client_id, peer.name))
        if here is not room:
            code = self._rooms.code_of(room)
            self.chronicle.moved(before, here, code)
            self._leave_place(before)
            self._place(peer, room)
            self.events.append(PlayerMoved(peer.client_id, peer.name, code))
        elif players.set_status(room.world, before.entity, PlayerStatus.CONNECTED):
            peer.entity = before.entity
        else:  # the game deleted it meanwhile
            peer.entity = players.make(room.world, room.game, peer)
        self._sessions.resume(session, peer, guest.serial, guest.arrival.network)
        self.chronicle.returned(peer, room, session, now)

    def readmit(self, resumed: Resumed, config: TransportConfig) -> None:
        """Keep the places of those who had one when the server ended and can be known again; let their rooms go on."""
        for session in resumed.sessions:
            here = next((room for room in self._rooms if self._rooms.code_of(room) == session.room), None)
            if here is None or not self._sessions.can_restore(session):
                self.chronicle.forget_session(session.client_id, 0.0)
            else:
                self._readmit(session, here, config)
        for code, room in resumed.rooms.items():
            (self._rooms.by_code[code] if code else self._rooms.main).go_on(room)

    def _readmit(self, session: ResumedSession, room: Room, config: TransportConfig) -> None:
        closed = Connection(NOWHERE, channels=CHANNELS, config=config, is_client=False, state=State.CLOSED, now=0.0)
        peer = Peer(closed, session.client_id, self._reads, session.arrival)
        self._sessions.restore(session, peer)
        self._rooms.take_place(session.client_id, room)
        room.readmit(peer)

    # Going.

    def dismiss(self, peer: Peer, reason: DisconnectReason, text: str, now: float) -> None:
        """Let a client go; everybody else plays on. Its player stays for a while if it may come back."""
        inputs = self._end_conversation(peer)
        if not self._sessions.lose(peer, reason, text, now):
            self.remove(peer, reason, text, now)
            return
        room = self.room_of(peer)
        room.lose(peer, inputs)
        self.events.append(PlayerLost(peer.client_id, peer.name, reason, text))
        self.chronicle.lost(peer, room, reason, text)

    def expire(self, now: float) -> None:
        """Let those go for good who have not come back in time."""
        for session in self._sessions.take_expired(now):
            self.remove(session.peer, *session.ending, now)

    def send_away(self, client_ids: Iterable[int], reason: DisconnectReason, text: str, now: float) -> None:
        """Let players go for good, connected or lost."""
        for client_id in client_ids:
            peer = self._sessions.remove(client_id).peer
            if peer.client_id in self.peers:
                self._end_conversation(peer)
                peer.connection.close(reason, text, now=now)
            self.remove(peer, reason, text, now)

    def remove(self, peer: Peer, reason: DisconnectReason, text: str, now: float) -> None:
        """Let a player's place and entity go for good."""
        self.chronicle.left(peer, self.room_of(peer), reason, text, now)
        self._leave_place(peer)
        self.chronicle.gone(peer)
        self.events.append(PlayerLeft(peer.client_id, peer.name, reason, text))

    def _leave_place(self, peer: Peer) -> None:
        self._rooms.leave_place(peer.client_id).remove(peer)

    def _end_conversation(self, peer: Peer) -> InputBuffer:
        """Forget what was exchanged with a client over one connection; return the last of it, its inputs."""
        room = self.room_of(peer)
        del self.by_connection[peer.connection]
        del self.peers[peer.client_id]
        inputs = room.end_conversation(peer)
        if inputs.statistics.is_doubtful:
            self.chronicle.doubted(peer, room, inputs.statistics)
        return inputs
