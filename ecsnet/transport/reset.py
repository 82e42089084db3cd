"""Stateless reset: a server that knows nothing of a connection any more can say so, and be believed.

The token in a RESET is a keyed hash of the connection's id and the client's address. The client got it inside the
handshake; the server computes it again from its private key, also after a restart. So nobody else can end a connection
this way, and the server keeps nothing for it.
"""

import hashlib
import hmac

from ecsnet.transport.address import Address
from ecsnet.transport.allowance import Allowance

__all__ = ["RESET_BYTES", "TOKEN_BYTES", "Resets", "is_reset"]

RESET = 0x85
TOKEN_BYTES = 16
RESET_BYTES = 1 + TOKEN_BYTES  # less than any packet has (24 B): two ends can never reset each other for ever


class Resets:
    """A server's side."""

    def __init__(self, key: bytes, per_second: float, now: float) -> None:
        """Use a key that no restart changes.

        Args:
            per_second: Answers at most: datagrams with unknown ids cost a stranger nothing.
        """
        self._key = key
        self._allowance = Allowance(per_second, per_second, now)

    def token(self, connection_id: int, address: Address) -> bytes:
        """Return the 16 bytes that end a connection of this client."""
        message = b"%b%b%b" % (connection_id.to_bytes(4, "big"), address[1].to_bytes(4, "big"), address[0].encode())
        return hashlib.blake2s(message, key=self._key, digest_size=TOKEN_BYTES).digest()

    def answer(self, connection_id: int, address: Address, now: float) -> bytes | None:
        """Return the RESET for a packet of a connection nobody knows, or None if there were too many lately."""
        if not self._allowance.take(1, now):
            return None
        return bytes((RESET,)) + self.token(connection_id, address)


def is_reset(data: bytes, token: bytes) -> bool:
    """Tell, on the client, whether a datagram is the RESET of this connection."""
    return len(data) == RESET_BYTES and data[0] == RESET and hmac.compare_digest(data[1:], token)
