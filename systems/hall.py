"""The hall: where a server with several rooms lists them, and clients make one. Both ends of it.

The hall is a game of its own, with the name of the game that is played behind its doors: its entities are the rooms,
each with a `RoomInfo`, and the players who are looking. So the list is replicated like everything else: a client sees
with `client.view(RoomInfo)` what there is, and only changes travel.

From there, and from any room, a client goes on with `client.enter(code)`.
"""

from collections.abc import Iterable
from typing import Protocol

from ecsnet.components.roominfo import RoomInfo
from ecsnet.fields import component, spec_of
from ecsnet.game import Game
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.system import System
from ecsnet.world import World

__all__ = ["ANY_ROOM", "HALL", "Landlord", "create_room", "hall_of"]

HALL = "hall"  # the code of the hall; those of rooms have capital letters only
ANY_ROOM = "any"  # stands for a room with a free place, which the server chooses
TICK_RATE_HZ = 20.0  # fast enough for a list
SEND_RATE_HZ = 10.0


class RoomKeeper(Protocol):
    """What the hall needs of the server's rooms."""

    def create(self, name: str, password: str, capacity: int, creator: int) -> str:
        """Open a room for a client and return its code.

        Raises:
            Refused: There is none to be had; the text is for the player.
        """
        ...

    def infos(self) -> Iterable[RoomInfo]:
        """Return what is known of every room."""
        ...


@component
class Landlord:
    """Leads from the hall's World to the rooms; there is one. Written by the server; read by this file alone."""

    rooms: RoomKeeper | None = None


@rpc(to=SERVER, rate_hz=1)
def create_room(call: Call, name: str = "", password: str = "", capacity: int = 0) -> str:
    """Make a room and return its code; nobody is in it until somebody enters.

    Args:
        name: For the list; empty: after its maker.
        password: Who does not know it stays outside; empty: everybody may enter.
        capacity: Places; 0: as many as the game allows.
    """
    landlord = call.world.single(Landlord)
    assert landlord.rooms is not None
    return landlord.rooms.create(name, password, capacity, call.sender)


class ListRooms(System):
    """Server: keep one entity for each room, with what is known of it."""

    def process(self, world: World) -> None:
        """Follow the rooms: new ones, those that are gone, and what changed."""
        landlord = world.try_single(Landlord)
        if landlord is None or landlord.rooms is None:
            return
        listed = {info.code: (entity, info) for entity, info in world.get_component(RoomInfo)}
        for info in landlord.rooms.infos():
            entity, shown = listed.pop(info.code, (0, None))
            if shown is None:
                shown = RoomInfo()
                world.create_entity(shown)
            for field in spec_of(RoomInfo).fields:
                setattr(shown, field.name, getattr(info, field.name))
        for entity, _ in listed.values():
            world.delete_entity(entity)


def hall_of(game: Game) -> Game:
    """Return the game that is played in the hall of a server of `game`."""
    return Game(
        game.name,
        version=game.version,
        systems=[ListRooms],
        rpcs=[create_room],
        tick_rate_hz=TICK_RATE_HZ,
        send_rate_hz=SEND_RATE_HZ,
        max_clients=game.max_clients,
    )
