"""Recording: what a witness of a room is told, from whom nothing is hidden, tick by tick."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ecsnet.replication.sender import Sender
from ecsnet.system import System
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ServerSession

__all__ = ["Record", "Tape"]


class Tape(Protocol):
    """What a room is recorded on; see `ecsnet.recording`. Nothing of it may wait or raise: the game plays on."""

    def note(self, sender: Sender, calls: Sequence[bytes], /) -> None:
        """Note the state that was just sent, and the calls and events that everybody was told after it."""

    def end(self, text: str = "", /) -> None:
        """Note that nothing more comes, and why. May be called again."""


class Record(System):
    """Server: note what was sent in this tick, if the room is recorded."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the conversation."""
        self._session = session

    def process(self, world: World) -> None:
        """Listen when everybody else was told."""
        session = self._session
        if session.tape is not None and session.sender.tick == world.tick:
            session.tape.note(session.sender, session.post.take_overheard())
