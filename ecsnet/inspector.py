"""Inspector: the end of an inspection that asks, over a client that is connected for nothing else."""

from ecsnet.client import Client
from ecsnet.errors import EcsnetError
from ecsnet.rpc import Reply
from ecsnet.storage.store import Document
from ecsnet.systems.inspection import Piece, Puzzle, Wish, look

__all__ = ["Inspector"]


class Inspector:
    """Asks a server what there is to see, and puts its answers together.

    Attributes:
        client: Whoever has it keeps it up to date.
        answer: To what was asked last; None while it is on its way.
    """

    def __init__(self, client: Client) -> None:
        """Begin without a question."""
        self.client = client
        self.answer: Document | None = None
        self._reply: Reply[int] | None = None
        self._puzzle: Puzzle | None = None

    def __repr__(self) -> str:
        """Show how it stands."""
        return f"Inspector({self.client!r}, {self._puzzle or self._reply})"

    def ask(self, wish: Wish) -> None:
        """Ask, and forget what was asked before."""
        self._reply = self.client.call(look, wish.room, wish.entity, wish.component, wish.most)
        self._puzzle = self.answer = None

    def take(self) -> bool:
        """Take what came of the answer; tell whether something did. To be called after every update of the client.

        Raises:
            EcsnetError: There will be none.
            RemoteProtocolError: It makes no sense.
        """
        if self._reply is not None and self._reply.done:
            if not self._reply.ok:
                raise EcsnetError(self._reply.refusal.text if self._reply.refusal else "the server gave no answer")
            self._puzzle, self._reply = Puzzle(self._reply.value), None
        pieces = [event for event in self.client.events() if isinstance(event, Piece)]
        for piece in pieces:
            if self._puzzle is not None:
                self.answer = self._puzzle.add(piece) or self.answer
        return bool(pieces)
