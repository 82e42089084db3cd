"""How often each client may call each function that has a limit, and what was dropped because it called more often."""

import logging
from typing import Any

from ecsnet.rpc import Rpc
from ecsnet.transport.allowance import Allowance

__all__ = ["CallRates"]

logger = logging.getLogger(__name__)


class CallRates:
    """A second's worth of calls at once, one at least, and `rate_hz` a second in the long run."""

    def __init__(self) -> None:
        """Begin without calls."""
        self._allowances: dict[
            tuple[int, Rpc[..., Any]], Allowance
        ] = {}  # by client and function; few games limit many
        self._dropped: dict[tuple[int, Rpc[..., Any]], int] = {}

    def allows(self, client_id: int, rpc: Rpc[..., Any], now: float, *, is_told: bool) -> bool:
        """Count a call; tell whether it may run.

        Args:
            is_told: The client learns of it if not; else the log does, once the client has calmed down.
        """
        if rpc.rate_hz is None:
            return True
        key = client_id, rpc
        allowance = self._allowances.get(key)
        if allowance is None:
            allowance = self._allowances[key] = Allowance(rpc.rate_hz, max(1.0, rpc.rate_hz), now)
        allowance.refill(now)
        if allowance.is_full(now):
            self._tell(key)
        if allowance.take(1.0, now):
            return True
        if not is_told:
            self._dropped[key] = self._dropped.get(key, 0) + 1
        return False

    def forget(self, client_id: int) -> None:
        """Forget a client."""
        for key in [key for key in self._allowances if key[0] == client_id]:
            self._tell(key)
            del self._allowances[key]

    def _tell(self, key: tuple[int, Rpc[..., Any]]) -> None:
        count = self._dropped.pop(key, 0)
        if count:
            client_id, rpc = key
            logger.warning(
                "%d calls of %s by client %d were dropped: over %g a second", count, rpc.name, client_id, rpc.rate_hz
            )
