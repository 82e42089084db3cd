"""The engine's components: data that travels, one file each. Game modules import them from here."""

if __name__ != "ecsnet.components":
    raise ImportError(
        f"the engine's components were imported as {__name__!r}; write `from ecsnet.components import ...`, "
        "so that a game can have a folder `components` of its own"
    )

from ecsnet.components.bounds2d import Bounds2D
from ecsnet.components.collider2d import Collider2D, Shape
from ecsnet.components.connection_quality import ConnectionQuality
from ecsnet.components.contacts import Contact, Contacts
from ecsnet.components.interpolated import Interpolated
from ecsnet.components.lobby_rules import LateJoin, LobbyRules
from ecsnet.components.lobby_stage import LobbyStage, Stage
from ecsnet.components.max_speed import MaxSpeed
from ecsnet.components.near import Near
from ecsnet.components.owner import Owner
from ecsnet.components.parent import Parent
from ecsnet.components.paused import Paused
from ecsnet.components.persistent import Persistent
from ecsnet.components.player import Player, PlayerStatus
from ecsnet.components.predicted import Predicted
from ecsnet.components.roominfo import RoomInfo
from ecsnet.components.rooms import Rooms
from ecsnet.components.seat import Seat
from ecsnet.components.spawned import Spawned
from ecsnet.components.team import Team
from ecsnet.components.teleports import Teleports
from ecsnet.components.transform2d import Transform2D
from ecsnet.components.velocity2d import Velocity2D
from ecsnet.components.viewer import Viewer
from ecsnet.components.visible_to import VisibleTo

__all__ = [
    "Bounds2D",
    "Collider2D",
    "ConnectionQuality",
    "Contact",
    "Contacts",
    "Interpolated",
    "LateJoin",
    "LobbyRules",
    "LobbyStage",
    "MaxSpeed",
    "Near",
    "Owner",
    "Parent",
    "Paused",
    "Persistent",
    "Player",
    "PlayerStatus",
    "Predicted",
    "RoomInfo",
    "Rooms",
    "Seat",
    "Shape",
    "Spawned",
    "Stage",
    "Team",
    "Teleports",
    "Transform2D",
    "Velocity2D",
    "Viewer",
    "VisibleTo",
]
