"""A client's lines in the server's log: what its player saw or its program found wrong, beside what the server did.

The server's end is `client_log` in enginecalls.py; the logger there is `ecsnet.client`.
"""

from ecsnet.enginecalls import LINES_PER_SECOND, MAX_DROPPED, MAX_LINE_BYTES, client_log
from ecsnet.errors import SendQueueFull
from ecsnet.quoting import cut
from ecsnet.systems.rpc import ClientCalls
from ecsnet.transport.allowance import Allowance

__all__ = ["ClientLog"]


class ClientLog:
    """Sends what may be sent, and counts the rest."""

    def __init__(self, now: float) -> None:
        """Begin without lines."""
        self._allowance = Allowance(LINES_PER_SECOND, LINES_PER_SECOND, now)
        self._dropped = 0

    def __repr__(self) -> str:
        """Show how many lines the server has not heard of."""
        return f"ClientLog({self._dropped} dropped)"

    def write(self, text: str, level: int, now: float, calls: ClientCalls | None) -> None:
        """Send a line, or drop it where it is too much; the next one says how many were.

        Args:
            calls: What it is sent by; None: there is no connection.
        """
        self._allowance.refill(now)
        if calls is not None and self._allowance.take(1.0, now):
            try:
                calls.tell(client_log, level, cut(text, MAX_LINE_BYTES), self._dropped)
            except SendQueueFull:
                pass
            else:
                self._dropped = 0
                return
        self._dropped = min(MAX_DROPPED, self._dropped + 1)
