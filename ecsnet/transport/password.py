"""From a password to a key: slow on purpose, and done once, before anything is sent.

Whoever plays the server for a client without a pin can try passwords on that client's HELLO in peace, so each try must
cost. The salt is the application id and not the server's key, which a client may learn only from CHALLENGE: so the work
is done before the attempt begins and no frame of a game waits for it, a forged CHALLENGE with another key cannot make
a client do it again, and a change of the server's key changes nothing. The price: a table of guesses holds for all
servers of one game; it still takes a way into the middle of a first contact to use it.
"""

import functools
import unicodedata

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ecsnet.errors import LocalProtocolError
from ecsnet.transport.noise import KEY_BYTES

__all__ = ["password_key"]

# (wire) 32 MB and 80 ms a guess on a machine of 2020: a tenth of a second before joining is not felt.
_COST, _BLOCK, _PARALLEL = 1 << 15, 8, 1
_SALT = b"ecsnet password"
_REMEMBERED = 4  # passwords in use by one program


@functools.lru_cache(maxsize=_REMEMBERED)
def password_key(password: str, application_id: bytes) -> bytes:
    """Return the 32 bytes both ends mix into the handshake. Takes about 80 ms: call it before a game's loop begins.

    It takes that once: the keys of the last passwords are remembered, for programs with many clients.

    Args:
        password: Any text but none; letters with accents count the same however they were typed (NFC).

    Raises:
        LocalProtocolError: The password is empty.
    """
    if not password:
        raise LocalProtocolError("an empty password is none: leave it out, or choose one")
    spelled = unicodedata.normalize("NFC", password).encode(errors="surrogatepass")
    scrypt = Scrypt(salt=_SALT + application_id, length=KEY_BYTES, n=_COST, r=_BLOCK, p=_PARALLEL)
    return scrypt.derive(spelled)
