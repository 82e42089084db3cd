"""The cookie: proof that whoever sends from an address also receives there, without remembering anybody.

A keyed hash over what the client sends back. Until it matches, nothing is stored, exchanged or logged.
"""

import hashlib
import hmac

from ecsnet.config import HandshakeConfig
from ecsnet.transport.address import Address
from ecsnet.transport.noise import Entropy

__all__ = ["COOKIE_BYTES", "CookieJar"]

COOKIE_BYTES = 16  # a guess succeeds once in 2**128
_SECRET_BYTES = 32
_MILLISECONDS = 1000
_MASK = 0xFFFFFFFF


class CookieJar:
    """Bakes cookies and knows its own again.

    `issued` is a 32-bit count of milliseconds from a random start: it wraps after 49 days and tells nobody how long
    the server has been up. A secret lives `cookie_rotation_seconds`; the one before still vouches for what it signed.
    """

    def __init__(self, *, entropy: Entropy, config: HandshakeConfig) -> None:
        """Start with a fresh secret at the first use."""
        self._entropy = entropy
        self._config = config
        self._offset = int.from_bytes(entropy(4), "big")
        self._secret = self._previous = entropy(_SECRET_BYTES)
        self._rotate_at: float | None = None

    def bake(self, address: Address, attempt: bytes, now: float) -> tuple[int, bytes]:
        """Return when the cookie was issued, u32, and the 16 bytes of the cookie."""
        self._rotate(now)
        issued = self._stamp(now)
        return issued, _cookie(self._secret, address, attempt, issued)

    def knows(self, cookie: bytes, address: Address, attempt: bytes, issued: int, now: float) -> bool:
        """Tell whether this jar baked the cookie for just that, not longer than its lifetime ago."""
        self._rotate(now)
        age = (self._stamp(now) - issued) & _MASK
        if age >= self._config.cookie_lifetime_seconds * _MILLISECONDS:
            return False
        fresh = hmac.compare_digest(cookie, _cookie(self._secret, address, attempt, issued))
        return fresh or hmac.compare_digest(cookie, _cookie(self._previous, address, attempt, issued))

    def _stamp(self, now: float) -> int:
        return (int(now * _MILLISECONDS) + self._offset) & _MASK

    def _rotate(self, now: float) -> None:
        if self._rotate_at is None:
            self._rotate_at = now + self._config.cookie_rotation_seconds
        elif now >= self._rotate_at:
            self._previous, self._secret = self._secret, self._entropy(_SECRET_BYTES)
            self._rotate_at = now + self._config.cookie_rotation_seconds


def _cookie(secret: bytes, address: Address, attempt: bytes, issued: int) -> bytes:
    """Hash fixed-size parts first and the host last, so that no two inputs read the same."""
    host, port = address[:2]
    message = b"%b%b%b%b" % (attempt, issued.to_bytes(4, "big"), port.to_bytes(4, "big"), host.encode())
    return hashlib.blake2s(message, key=secret, digest_size=COOKIE_BYTES).digest()
