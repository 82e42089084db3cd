"""Survey: what there is to see of a running server, line by line, each made when it is asked for."""

from collections.abc import Callable, Mapping

from ecsnet.peer import Peer
from ecsnet.room import Room
from ecsnet.rooms import Rooms
from ecsnet.sessions import Session, Sessions
from ecsnet.storage.capture import capture, component_names
from ecsnet.storage.store import Document
from ecsnet.systems.inspection import Lines, Wish
from ecsnet.transport.address import StreamAddress
from ecsnet.world import World

__all__ = ["Survey"]


class Survey:
    """Looks at a server's players and rooms. It changes nothing and keeps nothing."""

    def __init__(self, rooms: Rooms, sessions: Sessions, report: Callable[[], Mapping[str, object]]) -> None:
        """Name what is looked at.

        Args:
            report: How the server as a whole stands.
        """
        self._rooms = rooms
        self._sessions = sessions
        self._report = report

    def lines(self, wish: Wish) -> Lines:
        """Yield what was wished for: the server, its clients, each room with its entities."""
        yield {"server": dict(self._report())}
        now = self._rooms.now
        for session in self._sessions:
            room = self._rooms.of(session.peer.client_id)
            code = "" if room is None else self._rooms.code_of(room)
            if wish.room in ("", code):
                yield {"client": _client(session, code, now)}
        left = wish.most
        for room in self._rooms:
            if not self._rooms.is_open(room) or wish.room not in ("", self._rooms.code_of(room)):
                continue
            wanted = _wanted(room.world, wish)
            is_whole = not wish.narrows and len(wanted) <= left
            shown = capture(room.world, None if is_whole else wanted[:left])
            left -= len(shown.ids)
            yield {"room": self._room(room) | {"matching": len(wanted)}}  # with the copy: of one tick
            for document in shown.entities():
                yield {"entity": _narrowed(document, wish.component)}

    def _room(self, room: Room) -> Document:
        info, schedule = room.info, room.schedule
        return {
            "code": self._rooms.code_of(room),
            "name": "" if info is None else info.name,
            "players": len(room.places),
            "capacity": room.capacity,
            "status": self._rooms.status_of(room),
            "tick": room.world.tick,
            "tick_rate_hz": room.game.tick_rate_hz,
            "late_ticks": schedule.late,
            "skipped_ticks": schedule.skipped,
            "count": len(room.world.entities()),
        }


def _wanted(world: World, wish: Wish) -> list[int]:
    """Return the entities of a World that are wished for, ascending, however many of them there are."""
    wanted = world.entities()
    if wish.component:
        names = component_names(world.component_types())
        held = next((cls for cls, name in names.items() if name == wish.component), None)
        wanted = [] if held is None else [entity for entity, _ in world.observe(held)]
    return [entity for entity in wanted if entity == wish.entity] if wish.entity else wanted


def _narrowed(document: Document, component: str) -> Document:
    """Return the document of an entity with one of its components, or with all."""
    components = document["components"]
    assert isinstance(components, dict)
    return document | {"components": {component: components.get(component, {})}} if component else document


def _client(session: Session, room: str, now: float) -> Document:
    peer, standing = session.peer, session.standing
    statistics = peer.connection.statistics
    said: Document = {
        "client_id": peer.client_id,
        "name": peer.name,
        "room": room,
        "entity": peer.entity,
        "status": standing.status.value,
        "seconds": round(now - session.since, 3),
        **_place(peer),
        "player": peer.owner,
        "rtt_ms": round(1000 * statistics.rtt_seconds, 3),
        "loss_sent": round(statistics.loss_sent, 4),
        "loss_received": round(statistics.loss_received, 4),
    }
    if standing.reason is not None and standing.keep_until is not None:
        said |= {"lost": standing.reason.name, "kept_for_seconds": round(standing.keep_until - now, 3)}
    return said


def _place(peer: Peer) -> Document:
    address = peer.connection.address
    return {"address": list(address[:2]), "transport": "tcp" if isinstance(address, StreamAddress) else "udp"}
