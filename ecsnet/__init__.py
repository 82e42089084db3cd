"""ecsnet: an Entity Component System framework for multiplayer games, with replication built in.

Declare components and systems in a game module; the server runs them as the only truth, every client sees what it may
see, predicts what it owns and shows the rest smoothly. Start with `samples/hello`.
"""

from ecsnet.absence import Absence
from ecsnet.arrival import Arrival
from ecsnet.bots import Participant
from ecsnet.client import Client
from ecsnet.errors import EcsnetError, Refused, SchemaError
from ecsnet.events import ClientStatus, StatusChanged
from ecsnet.fields import EVERYONE, OWNER, TEAM, Audience, EntityRef, NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.gameevent import event
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import CLIENTS, SERVER, Call, RefusalCode, Reply, rpc
from ecsnet.runtime import RunningClient, RunningServer, join, serve
from ecsnet.server import Server
from ecsnet.system import System
from ecsnet.systems.hall import ANY_ROOM, HALL, create_room
from ecsnet.targets import CLIENT, OBSERVERS_OF, OWNER_OF
from ecsnet.world import World

__all__ = [
    "ANY_ROOM",
    "CLIENT",
    "CLIENTS",
    "EVERYONE",
    "HALL",
    "OBSERVERS_OF",
    "OWNER",
    "OWNER_OF",
    "SERVER",
    "TEAM",
    "Absence",
    "Arrival",
    "Audience",
    "Call",
    "Client",
    "ClientStatus",
    "DisconnectReason",
    "EcsnetError",
    "EntityRef",
    "Game",
    "NetVar",
    "Participant",
    "RefusalCode",
    "Refused",
    "Reply",
    "RunningClient",
    "RunningServer",
    "SchemaError",
    "Server",
    "StatusChanged",
    "System",
    "World",
    "component",
    "create_room",
    "event",
    "join",
    "netvar",
    "player_input",
    "rpc",
    "serve",
]
