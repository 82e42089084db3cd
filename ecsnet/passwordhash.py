"""Password hashes: what of a password is kept, so that whoever reads it still has to guess.

Argon2id, since it is the first choice of OWASP and of RFC 9106 and, measured at OWASP's parameters, the cheaper one for
a server: 21 ms and 19 MiB a login against 340 ms and 128 MiB of scrypt. It needs `cryptography` 44 with an OpenSSL from
3.2, as in its wheels. From 50 on it lets other threads run meanwhile; before, a login takes its 21 ms from the game.

Only this file knows the layout, the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. What a hash costs is
written in it, so the cost can be raised and hashes of before still be checked.
"""

import base64
import binascii
import hmac
import os
import re
import unicodedata
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ecsnet.config import AccountConfig
from ecsnet.errors import AccountError
from ecsnet.transport.noise import Entropy

__all__ = ["PasswordHash", "checked_password", "hash_password"]

SALT_BYTES, HASH_BYTES = 16, 32
MIN_SALT_BYTES = 8  # of what others hashed: RFC 9106 allows no less
MAX_MEMORY_KIB, MAX_PASSES, MAX_LANES = 1 << 20, 64, 64  # a damaged file must not ask for more memory than there is
_LAYOUT = re.compile(r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([\w+/]{1,99})\$([\w+/]{1,99})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A hash with all that it takes to compute it again.

    Attributes:
        memory_kib: See `AccountConfig.hash_memory_kib`, as for the two after it.
    """

    memory_kib: int
    passes: int
    lanes: int
    salt: bytes
    hash: bytes

    def __str__(self) -> str:
        """Write it as it is kept."""
        cost = f"m={self.memory_kib},t={self.passes},p={self.lanes}"
        return f"$argon2id$v=19${cost}${_encode(self.salt)}${_encode(self.hash)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            AccountError: It is something else, or asks for more than is sound.
        """
        found = _LAYOUT.fullmatch(text)
        try:
            if found is not None:
                parsed = cls(int(found[1]), int(found[2]), int(found[3]), _decode(found[4]), _decode(found[5]))
                if parsed._is_sound:
                    return parsed
        except binascii.Error:
            pass
        raise AccountError(f"{text[:40]!r} ... is no hash of a password: set a new one by ecsnet accounts passwd")

    @property
    def _is_sound(self) -> bool:
        """Whether Argon2 can compute it, and this machine bear it."""
        is_bearable = self.memory_kib <= MAX_MEMORY_KIB and 1 <= self.passes <= MAX_PASSES
        is_cut = 1 <= self.lanes <= MAX_LANES and self.memory_kib >= 8 * self.lanes
        return is_bearable and is_cut and len(self.salt) >= MIN_SALT_BYTES and len(self.hash) >= SALT_BYTES

    def fits(self, password: str) -> bool:
        """Tell whether it is the hash of this password. Slow on purpose."""
        computed = _derive(password, self.salt, self.memory_kib, self.passes, self.lanes, len(self.hash))
        return hmac.compare_digest(computed, self.hash)

    def costs(self, config: AccountConfig) -> bool:
        """Tell whether a guess costs what it should by now."""
        wanted = (config.hash_memory_kib, config.hash_passes, config.hash_lanes)
        return (self.memory_kib, self.passes, self.lanes) == wanted


def hash_password(password: str, config: AccountConfig, entropy: Entropy = os.urandom) -> PasswordHash:
    """Hash a password with a new salt. Slow on purpose.

    Raises:
        AccountError: This installation has no Argon2id.
    """
    salt = entropy(SALT_BYTES)
    cost = (config.hash_memory_kib, config.hash_passes, config.hash_lanes)
    return PasswordHash(*cost, salt, _derive(password, salt, *cost, HASH_BYTES))


def checked_password(password: str, config: AccountConfig) -> str:
    """Return a password that an account may have.

    Raises:
        AccountError: It is too short or too long.
    """
    if len(password) < config.min_password_characters:
        raise AccountError(f"a password has at least {config.min_password_characters} characters, not {len(password)}")
    if (size := len(_spelled(password))) > config.max_password_bytes:
        raise AccountError(f"a password has at most {config.max_password_bytes} bytes, not {size}")
    return password


def _derive(password: str, salt: bytes, memory_kib: int, passes: int, lanes: int, length: int) -> bytes:
    try:
        argon2 = Argon2id(salt=salt, length=length, iterations=passes, lanes=lanes, memory_cost=memory_kib)
    except UnsupportedAlgorithm as error:
        raise AccountError(
            "accounts need Argon2id, and the OpenSSL of this `cryptography` has none: install its wheel from PyPI, or "
            "build it with OpenSSL 3.2 or newer"
        ) from error
    return argon2.derive(_spelled(password))


def _spelled(password: str) -> bytes:
    """Return a password's bytes: letters with accents count the same however they were typed."""
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
