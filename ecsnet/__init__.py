"""ecsnet: an Entity Component System framework for multiplayer games, with replication built in.

Declare components and systems in a game module; the server runs them as the only truth, every client sees what it may
see, predicts what it owns and shows the rest smoothly. Start with `samples/hello`.
"""

from ecsnet.arrival import Arrival
from ecsnet.client import Client
from ecsnet.errors import EcsnetError, Refused, SchemaError
from ecsnet.fields import EVERYONE, OWNER, TEAM, Audience, EntityRef, NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.gameevent import event
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import CLIENTS, SERVER, Call, Reply, rpc
from ecsnet.runtime import RunningClient, RunningServer, join, serve
from ecsnet.server import Server
from ecsnet.system import System
from ecsnet.targets import CLIENT, OBSERVERS_OF, OWNER_OF
from ecsnet.world import World

__all__ = [
    "CLIENT",
    "CLIENTS",
    "EVERYONE",
    "OBSERVERS_OF",
    "OWNER",
    "OWNER_OF",
    "SERVER",
    "TEAM",
    "Arrival",
    "Audience",
    "Call",
    "Client",
    "DisconnectReason",
    "EcsnetError",
    "EntityRef",
    "Game",
    "NetVar",
    "Refused",
    "Reply",
    "RunningClient",
    "RunningServer",
    "SchemaError",
    "Server",
    "System",
    "World",
    "component",
    "event",
    "join",
    "netvar",
    "player_input",
    "rpc",
    "serve",
]
