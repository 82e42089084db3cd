"""Answers that wait until what their call changed is safe: whoever reads "it is yours" has it, whatever happens next.

An answer leaves when everything is written that had changed by the end of its call or tick. Where nothing is kept, or
nothing changed, or the store fails, it leaves at once.
"""

from collections import deque
from typing import NamedTuple

from ecsnet.archive import Archive
from ecsnet.errors import SendQueueFull
from ecsnet.peer import CALLS, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.connection import Connection

__all__ = ["HeldAnswers"]


class _Held(NamedTuple):
    number: int
    peer: Peer
    message: bytes


class HeldAnswers:
    """The answers of one room's calls. None overtakes another."""

    def __init__(self, archive: Archive | None) -> None:
        """Begin without any.

        Args:
            archive: What says whether something is safe; None: nothing has to be.
        """
        self._archive = archive
        self._open: list[tuple[Peer, bytes]] = []  # of the tick, or the call on arrival, that is not over
        self._held: deque[_Held] = deque()

    def __repr__(self) -> str:
        """Show how many wait."""
        return f"HeldAnswers({len(self._open)} open, {len(self._held)} held)"

    def __len__(self) -> int:
        """Count those that wait for the store."""
        return len(self._held)

    def put(self, peer: Peer, message: bytes) -> None:
        """Answer a client, now or as soon as it may know."""
        if self._archive is None:
            _send(peer, message)
        else:
            self._open.append((peer, message))

    def seal(self, now: float) -> None:
        """Let the answers go that were put since the last time; what was changed before is in the archive by now."""
        if self._archive is None:
            return
        number = self._archive.number
        self._held.extend(_Held(number, peer, message) for peer, message in self._open)
        self._open.clear()
        self.release(now)

    def release(self, now: float) -> list[Connection]:
        """Send what waits for nothing any more; return by what connections."""
        sent = []
        while self._held and self._archive is not None and not self._archive.holds(self._held[0].number, now):
            _, peer, message = self._held.popleft()
            _send(peer, message)
            sent.append(peer.connection)
        return sent


def _send(peer: Peer, message: bytes) -> None:
    """Send an answer to who wants one. Whoever asks and never reads what it gets is closed, at nobody else's cost."""
    if not peer.connection.is_connected:  # closed in this very tick
        return
    try:
        peer.connection.send(CALLS, message)
    except SendQueueFull as error:
        peer.fail(f"answers are not read: {error}", DisconnectReason.TOO_SLOW)
