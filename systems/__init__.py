"""The engine's systems: one rule or one conversation a file. Game modules import from here what they list."""

if __name__ != "ecsnet.systems":
    raise ImportError(
        f"the engine's systems were imported as {__name__!r}; write `from ecsnet.systems import ...`, "
        "so that a game can have a folder `systems` of its own"
    )

from ecsnet.systems.chat import Said, say
from ecsnet.systems.collision import Collision
from ecsnet.systems.contacts import contacts_begun, contacts_ended, contacts_of
from ecsnet.systems.foresight import predict, spawn
from ecsnet.systems.lagcompensation import LagCompensation
from ecsnet.systems.lobby import LOBBY_CALLS, Lobby, choose_team, set_ready, watch
from ecsnet.systems.movement import Movement, teleport
from ecsnet.systems.raycast import RayHit, cast, overlaps
from ecsnet.systems.stages import finish, seat_waiting, seconds_left, stage_begun, stage_now

__all__ = [
    "LOBBY_CALLS",
    "Collision",
    "LagCompensation",
    "Lobby",
    "Movement",
    "RayHit",
    "Said",
    "cast",
    "choose_team",
    "contacts_begun",
    "contacts_ended",
    "contacts_of",
    "finish",
    "overlaps",
    "predict",
    "say",
    "seat_waiting",
    "seconds_left",
    "set_ready",
    "spawn",
    "stage_begun",
    "stage_now",
    "teleport",
    "watch",
]
