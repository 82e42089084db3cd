"""Chronicle: what becomes of players, told to the access log and, where there is one, to the store.

In the store is what others may know of a player; where it came from, the access log alone says. What a server has to
remember of each to know it again after a restart is kept as a save of the server's own.
"""

from ecsnet import accesslog
from ecsnet.bans import Ban
from ecsnet.inputstatistics import InputStatistics
from ecsnet.peer import Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.room import Room
from ecsnet.rooms import Rooms
from ecsnet.savebook import SESSION, own_name
from ecsnet.sessions import Session
from ecsnet.storage.store import Batch, Save, SaveName
from ecsnet.systems.keeper import Keeping

__all__ = ["Chronicle"]


class Chronicle:
    """What is written down of the players of one server."""

    def __init__(self, rooms: Rooms, keeping: Keeping | None) -> None:
        """Begin.

        Args:
            keeping: What keeps it in a store; None: nothing does.
        """
        self._rooms = rooms
        self._keeping = keeping
        self._is_closing = False

    def close(self) -> None:
        """Know that the server closes: whoever it sends away from now on may be let in again by the next."""
        self._is_closing = True

    def joined(self, peer: Peer, room: Room, session: Session, now: float) -> None:
        """Note a new player."""
        accesslog.joined(peer, self._rooms.code_of(room))
        self._note("joined", peer, room, room=self._rooms.code_of(room), version=_version(peer))
        self._remember(session, room, now)

    def returned(self, peer: Peer, room: Room, session: Session, now: float) -> None:
        """Note a player who goes on over another connection, perhaps in another room."""
        accesslog.returned(peer, self._rooms.code_of(room))
        self._note("returned", peer, room, room=self._rooms.code_of(room))
        self._remember(session, room, now)

    def lost(self, peer: Peer, room: Room, reason: DisconnectReason, text: str) -> None:
        """Note a player whose connection broke off and whose place is kept."""
        accesslog.lost(peer, reason, text)
        self._note("lost", peer, room, reason=reason.name, text=text or reason.text)

    def left(self, peer: Peer, room: Room, reason: DisconnectReason, text: str, now: float) -> None:
        """Note a player who goes."""
        accesslog.left(peer, reason, text)
        self._note("left", peer, room, reason=reason.name, text=text or reason.text)
        if not (self._is_closing and reason is DisconnectReason.SERVER_CLOSING):
            self.forget_session(peer.client_id, now)

    def forget_session(self, client_id: int, now: float) -> None:
        """Let a player be a new one after a restart."""
        if self._keeping is not None:
            self._keeping.archive.put(Batch(removed=[self._session_name(client_id)]), now)

    def gone(self, peer: Peer) -> None:
        """Let go of what was at hand of a player who has left."""
        if self._keeping is not None and peer.owner:
            self._keeping.book.drop(peer.owner)

    def moved(self, peer: Peer, room: Room, code: str) -> None:
        """Note a player who goes from a room to another."""
        self._note("moved", peer, room, to=code)

    def doubted(self, peer: Peer, room: Room, inputs: InputStatistics) -> None:
        """Note that a player sent inputs which no client of ours sends, or hardly ever."""
        accesslog.doubted(peer, inputs)
        self._note("doubted", peer, room, refused=inputs.refused, changed=inputs.changed, unread=inputs.unread)

    def banned(self, peer: Peer, room: Room, ban: Ban) -> None:
        """Note that a player may not come back."""
        accesslog.banned(peer, ban)
        self._note("banned", peer, room, text=ban.text)

    def struck(self, peer: Peer, room: Room) -> None:
        """Note a player whose connection is closed since it sent what our own software never sends."""
        self._note("strike", peer, room, reason=peer.fault_reason.name, text=peer.fault)

    @staticmethod
    def _note(kind: str, peer: Peer, where: Room, **data: object) -> None:
        if where.keeper is not None:
            client_id = peer.client_id
            where.keeper.note(kind, [client_id], {"client_id": client_id, "name": peer.name, **data})

    def _remember(self, session: Session, room: Room, now: float) -> None:
        """Keep what it takes to know a player again after a restart."""
        if self._keeping is None or session.peer.arrival is None:
            return
        arrival, archive = session.peer.arrival, self._keeping.archive
        told: dict[str, object] = {
            "client_id": session.peer.client_id,
            "session": session.id.hex(),
            "serial": session.serial,
            "room": self._rooms.code_of(room),
            "name": arrival.name,
            "player": arrival.owner,  # by it the save is found when the player is to be forgotten
            "version": arrival.version,
            "account": arrival.account,
            "player_key": arrival.player_key.hex(),
            "player_id": "" if arrival.token is None else arrival.token.player_id,
        }
        name = self._session_name(session.peer.client_id)
        save = Save(
            name=name,
            revision=session.serial,
            time=archive.unix_time(),
            player=arrival.name,
            components={"session": told},
        )
        archive.put(Batch(saves=[save]), now)

    def _session_name(self, client_id: int) -> SaveName:
        assert self._keeping is not None
        return own_name(self._rooms.schema.game.name, self._keeping.server, SESSION, client_id)


def _version(peer: Peer) -> str:
    return "" if peer.arrival is None else peer.arrival.version
