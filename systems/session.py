"""What the systems of one side share: the game, its schema, who is at the other end and the conversation's memory."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecsnet.config import ClientConfig, ServerConfig
from ecsnet.game import Game
from ecsnet.peer import Peer
from ecsnet.replication.checks import Verifier
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender
from ecsnet.systems.heldanswers import HeldAnswers
from ecsnet.systems.inputhistory import InputHistory
from ecsnet.systems.interpolation import Interpolator
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.systems.keeper import Keeper
from ecsnet.systems.post import Post
from ecsnet.systems.prediction import Predictor
from ecsnet.systems.recording import Tape
from ecsnet.systems.rendering import Renderer
from ecsnet.systems.rpc import ClientCalls, ServerCalls
from ecsnet.systems.ticksync import TickSync

if TYPE_CHECKING:
    from ecsnet.systems.standins import StandIn

__all__ = ["ClientSession", "ServerSession"]


@dataclass(slots=True, eq=False)
class ServerSession:
    """What the server's pipeline works on. `Server` makes it; each engine system is given it when it is made."""

    game: Game
    schema: Schema
    config: ServerConfig
    sender: Sender
    calls: ServerCalls
    answers: HeldAnswers
    post: Post
    keeper: Keeper | None = None  # None: nothing is kept
    peers: dict[int, Peer] = field(default_factory=dict)  # by client id
    input_buffers: dict[int, InputBuffer] = field(default_factory=dict)  # by client id
    stand_ins: "dict[int, StandIn]" = field(default_factory=dict)  # by client id: for those who are lost
    tape: Tape | None = None  # what all of it is recorded on
    now: float = 0.0  # the host's clock at this update, monotonic seconds


@dataclass(slots=True, eq=False)
class ClientSession:
    """What the client's pipeline works on. `Client` makes it; each engine system is given it when it is made."""

    game: Game
    schema: Schema
    config: ClientConfig
    peer: Peer
    receiver: Receiver
    verifier: Verifier
    inputs: InputHistory
    predictor: Predictor
    interpolator: Interpolator
    renderer: Renderer
    sync: TickSync
    calls: ClientCalls
    lag_ticks: float = 0.0  # how far what was drawn trails the tick of the input it leads to; as it travels
    drawn_at_press: float | None = None  # `RenderClock.drawn` when the input last changed, until a tick has it
    now: float = 0.0  # the host's clock at this update, monotonic seconds
