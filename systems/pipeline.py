"""One tick of the server and one of the client, top to bottom.

This file is the table of contents of the framework: each step is one class in one file of this folder. To replace a
part, hand `Server` or `Client` a tuple of your own.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ecsnet.system import Processor, System
from ecsnet.systems.following import FollowState
from ecsnet.systems.input import ReceiveInput, SendInput
from ecsnet.systems.parents import DeleteOrphans
from ecsnet.systems.persistence import Persist, RestoreSaves
from ecsnet.systems.post import SendCalls
from ecsnet.systems.prediction import Predict, Reconcile
from ecsnet.systems.quality import ReportQuality
from ecsnet.systems.quantisation import Quantise
from ecsnet.systems.recording import Record
from ecsnet.systems.replication import ReceiveState, SendState
from ecsnet.systems.rpc import ReceiveCalls
from ecsnet.systems.session import ClientSession, ServerSession
from ecsnet.systems.standins import StandIns

__all__ = ["CLIENT", "LIGHT_CLIENT", "SERVER", "GameSystems", "Step", "assemble"]

Step: TypeAlias = type[System]


class GameSystems(System):
    """Stands for the game's own systems, in the order of its manifest: movement, collision, rules, lobby ..."""


SERVER: tuple[Step, ...] = (
    StandIns,  # who plays for those that are lost
    ReceiveInput,  # each client's inputs, checked, for exactly this tick
    ReceiveCalls,  # remote calls, checked, answered
    GameSystems,  # the game: the only part that knows its rules
    RestoreSaves,  # what is kept of who just came
    Quantise,  # what inputs drive, rounded as the wire rounds it, so that predictions can be exact
    DeleteOrphans,  # what was part of an entity that is gone
    ReportQuality,  # how well the players are connected, for games that show it
    SendState,  # what changed, encoded once, to everybody who may see it
    SendCalls,  # what happened in it, and calls, to those they are for
    Record,  # all of that once more, for the file, where there is one
    Persist,  # what is kept of it
)

CLIENT: tuple[Step, ...] = (
    ReceiveState,  # the server's state into the World; its tick into this one's
    Reconcile,  # where the prediction was wrong: rewind, simulate again
    SendInput,  # what is pressed, stamped with this tick, until it is acknowledged
    Predict,  # the game's predicted systems on what this client owns
)

LIGHT_CLIENT: tuple[Step, ...] = (  # for load: to the server the same, at a fraction of what a World costs
    FollowState,  # the server's tick into this one's
    SendInput,
)


def assemble(steps: Sequence[Step], session: ServerSession | ClientSession) -> Iterator[Processor]:
    """Make one instance of every step for one World; the game's systems in the place of `GameSystems`."""
    for step in steps:
        if step is GameSystems:
            for system in session.game.systems:
                yield system()
        else:
            yield step(session)  # type: ignore[call-arg]  # engine systems take their side's session
