"""Who a server or a player is: an X25519 key pair, and the short text people compare."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ecsnet.errors import LocalProtocolError
from ecsnet.transport.noise import KEY_BYTES, Entropy

__all__ = ["Identity", "fingerprint"]

_GROUPS = 5
_GROUP_BYTES = 2


class Identity:
    """A static key pair. The private half leaves this object only to be written to the owner's key file.

    Attributes:
        public: 32 bytes, what clients pin.
        private_key: For the handshake.
        former: The key pair before this one, while clients that know no other are still let in; else None.
    """

    __slots__ = ("former", "private_key", "public")

    def __init__(self, private: bytes, former: "Identity | None" = None) -> None:
        """Take a private key.

        Args:
            private: 32 bytes, any value.
            former: What it replaces, for the time of a rotation.

        Raises:
            LocalProtocolError: Another length.
        """
        if len(private) != KEY_BYTES:
            raise LocalProtocolError(f"a private key has {KEY_BYTES} bytes, not {len(private)}")
        self.private_key = X25519PrivateKey.from_private_bytes(private)
        self.public = self.private_key.public_key().public_bytes_raw()
        self.former = former

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """All public keys that are honoured, the current one first."""
        return (self.public,) if self.former is None else (self.public, self.former.public)

    @staticmethod
    def generate(entropy: Entropy) -> "Identity":
        """Make a new key pair."""
        return Identity(entropy(KEY_BYTES))

    def __repr__(self) -> str:
        """Show the fingerprint, never the key."""
        return f"Identity({self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """The short text people compare."""
        return fingerprint(self.public)

    def derive(self, purpose: bytes) -> tuple[bytes, ...]:
        """Return 32 secret bytes for one purpose, of each key that is honoured, the current one first.

        They are the same after every restart, and tell nothing about the key.
        """
        identities = (self,) if self.former is None else (self, self.former)
        return tuple([hashlib.blake2s(purpose, key=each.private_bytes()).digest() for each in identities])

    def private_bytes(self) -> bytes:
        """Return the 32 secret bytes, for the key file."""
        return self.private_key.private_bytes_raw()


def fingerprint(public: bytes) -> str:
    """Return 20 hex digits in groups of four that stand for a public key, e.g. "5f0c-93ab-77d1-0e42-c6d8".

    80 bits: finding another key with the same text takes 2**80 key pairs, and people still read it out on the phone.
    """
    digest = hashlib.blake2s(public, digest_size=_GROUPS * _GROUP_BYTES).digest()
    return digest.hex("-", _GROUP_BYTES)
