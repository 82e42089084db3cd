"""The Noise Protocol Framework: one engine that runs any handshake of its pattern table.

Two parties mix what they say and what they share into one hash `h` and one chaining key `ck`. A *pattern* lists,
message by message, what is sent (`e`, `s`: an ephemeral or a static public key) and what is mixed in (`ee`, `es`, `se`,
`ss`: a Diffie-Hellman of the initiator's first-named with the responder's second-named key; `psk`: a secret both know).
From the first mix on, everything is encrypted under a key made of all mixes so far, with the hash of the whole
conversation as associated data. So whoever edits one byte anywhere, or lacks one private key, cannot say or read
anything more.

The engine draws nothing but an ephemeral key from `entropy`, so a handshake is a function of its inputs. A message that
does not authenticate leaves the state as it was: the true one may still come.

Source: The Noise Protocol Framework, revision 34 (section numbers below are its own).
"""

import hashlib
import hmac
import re
import struct
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from ecsnet.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["CIPHERS", "KEY_BYTES", "TAG_BYTES", "Aead", "Cipher", "Entropy", "HandshakeState", "rekey"]

Entropy: TypeAlias = Callable[[int], bytes]  # entropy(n) gives n unpredictable bytes
Aead: TypeAlias = AESGCM | ChaCha20Poly1305

KEY_BYTES = 32  # of X25519 keys, cipher keys, hashes and pre-shared keys alike
TAG_BYTES = 16
REKEY_NONCE = (1 << 64) - 1  # section 4.2: reserved, no message is ever sent under it

# Section 7: pre-messages of the initiator and of the responder, then the messages in turn.
PATTERNS = {
    "NN": ("", "", "e", "e ee"),
    "NK": ("", "s", "e es", "e ee"),
    "KK": ("s", "s", "e es ss", "e ee se"),
    "XK": ("", "s", "e es", "e ee", "s se"),
    "IK": ("", "s", "e es s ss", "e ee se"),
    "XX": ("", "", "e", "e ee s es", "s se"),
}

HASHES = {"SHA256": "sha256", "BLAKE2s": "blake2s"}  # Noise's name and hashlib's; both give 32 bytes

_NAME = re.compile(r"Noise_([A-Z]+)((?:psk\d\+?)*)_25519_([A-Za-z0-9]+)_([A-Za-z0-9]+)")


class Cipher(NamedTuple):
    """An AEAD and how it writes the 64-bit counter into its 96-bit nonce: 32 zero bits, then the counter."""

    aead: type[AESGCM] | type[ChaCha20Poly1305]
    pack_nonce: Callable[[int], bytes]


# Sections 12.3 and 12.4.
CIPHERS = {
    "AESGCM": Cipher(AESGCM, struct.Struct(">4xQ").pack),
    "ChaChaPoly": Cipher(ChaCha20Poly1305, struct.Struct("<4xQ").pack),
}


def rekey(cipher: Cipher, key: bytes) -> bytes:
    """Return the next key; nobody can go back from it. Source: section 4.2, REKEY."""
    return cipher.aead(key).encrypt(cipher.pack_nonce(REKEY_NONCE), bytes(KEY_BYTES), b"")[:KEY_BYTES]


class HandshakeState:
    """One side of one handshake: write and read messages in turn, then split into two keys.

    Attributes:
        remote_static: The other side's static public key, given or received; None while unknown.
        remote_ephemeral: Its ephemeral public key; None while unknown.
    """

    def __init__(
        self,
        protocol: str,
        *,
        initiator: bool,
        entropy: Entropy,
        prologue: bytes = b"",
        static: X25519PrivateKey | None = None,
        remote_static: bytes | None = None,
        psks: tuple[bytes, ...] = (),
    ) -> None:
        """Start a handshake.

        Args:
            protocol: Full Noise name, e.g. "Noise_NK_25519_AESGCM_SHA256".
            prologue: Bytes both sides must agree on, never sent here.
            psks: 32 bytes for each psk modifier, in order.

        Raises:
            LocalProtocolError: The name is unknown, or a key the pattern needs from the start is missing.
        """
        pattern, cipher, hash_name = _parse(protocol)
        self._initiator = initiator
        self._entropy = entropy
        self._static = static
        self._ephemeral: X25519PrivateKey | None = None
        self.remote_static = remote_static
        self.remote_ephemeral: bytes | None = None
        self._psks = psks
        self._messages = pattern[2:]
        self._turn = 0
        self._mixes_psk = any("psk" in tokens for tokens in self._messages)
        self._symmetric = SymmetricState(protocol.encode(), cipher, HASHES[hash_name])
        self._symmetric.mix_hash(prologue)
        for is_initiators, tokens in zip((True, False), pattern[:2], strict=True):
            if tokens:
                self._symmetric.mix_hash(self._known_static(own=is_initiators == initiator))
        if len(psks) != sum(tokens.count("psk") for tokens in self._messages):
            raise LocalProtocolError(f"{protocol} does not take {len(psks)} pre-shared keys")

    def __repr__(self) -> str:
        """Show the side and how far it got."""
        side = "initiator" if self._initiator else "responder"
        return f"HandshakeState({side}, message {self._turn} of {len(self._messages)})"

    @property
    def finished(self) -> bool:
        """Whether every message has been written or read."""
        return self._turn == len(self._messages)

    @property
    def handshake_hash(self) -> bytes:
        """32 bytes that stand for this whole conversation and no other; meaningful once finished."""
        return self._symmetric.h

    def write_message(self, payload: bytes) -> bytes:
        """Return the next message, with the payload as secret as the pattern makes it by then.

        Raises:
            LocalProtocolError: It is the other side's turn, or a key is missing.
            RemoteProtocolError: The other side's public key is of low order.
        """
        tokens = self._take_turn(writing=True)
        parts = []
        for symbol in tokens:
            if symbol == "e":
                self._ephemeral = X25519PrivateKey.from_private_bytes(self._entropy(KEY_BYTES))
                parts.append(self._mix_ephemeral(_public(self._ephemeral)))
            elif symbol == "s":
                parts.append(self._symmetric.encrypt_and_hash(self._known_static(own=True)))
            else:
                self._mix(symbol)
        parts.append(self._symmetric.encrypt_and_hash(payload))
        self._turn += 1
        return b"".join(parts)

    def read_message(self, message: bytes) -> bytes:
        """Return the payload of the other side's next message.

        Raises:
            LocalProtocolError: It is our turn.
            RemoteProtocolError: The message is cut, edited, or not meant for us; the state is as before.
        """
        tokens = self._take_turn(writing=False)
        before = self._symmetric, self.remote_static, self.remote_ephemeral
        self._symmetric = self._symmetric.copy()
        try:
            for symbol in tokens:
                message = self._read_symbol(symbol, message)
            payload = self._symmetric.decrypt_and_hash(message)
        except (InvalidTag, RemoteProtocolError) as error:
            self._symmetric, self.remote_static, self.remote_ephemeral = before
            raise RemoteProtocolError("a handshake message does not authenticate") from error
        self._turn += 1
        return payload

    def split(self) -> tuple[bytes, bytes]:
        """Return the keys of both directions: what the initiator sends under, what the responder sends under."""
        if not self.finished:
            raise LocalProtocolError(f"no keys yet: {self!r}")
        first, second = self._symmetric.hkdf(b"", 2)
        return first, second

    def _read_symbol(self, symbol: str, message: bytes) -> bytes:
        """Handle one token of the pattern; return the rest of the message."""
        if symbol == "e":
            self.remote_ephemeral, rest = _take(message, KEY_BYTES)
            self._mix_ephemeral(self.remote_ephemeral)
            return rest
        if symbol == "s":
            encrypted, rest = _take(message, KEY_BYTES + (TAG_BYTES if self._symmetric.has_key else 0))
            self.remote_static = self._symmetric.decrypt_and_hash(encrypted)
            return rest
        self._mix(symbol)
        return message

    def _take_turn(self, *, writing: bool) -> list[str]:
        ours = self._turn % 2 == (0 if self._initiator else 1)
        if self.finished or ours is not writing:
            raise LocalProtocolError(f"cannot {'write' if writing else 'read'} now: {self!r}")
        return self._messages[self._turn].split()

    def _mix_ephemeral(self, public: bytes) -> bytes:
        """Mix in an ephemeral key as it is sent; with a psk it also feeds the key (section 9.2)."""
        self._symmetric.mix_hash(public)
        if self._mixes_psk:
            self._symmetric.mix_key(public)
        return public

    def _mix(self, symbol: str) -> None:
        """Mix in a shared secret: a psk, or a Diffie-Hellman named initiator's key first."""
        if symbol == "psk":
            self._symmetric.mix_key_and_hash(self._psks[self._symmetric.psks_mixed])
            return
        own, remote = tuple(symbol if self._initiator else reversed(symbol))
        private = self._ephemeral if own == "e" else self._static
        public = self.remote_ephemeral if remote == "e" else self.remote_static
        if private is None or public is None:
            raise LocalProtocolError(f"the key for {symbol} is missing: {self!r}")
        self._symmetric.mix_key(_diffie_hellman(private, public))

    def _known_static(self, *, own: bool) -> bytes:
        if own and self._static is not None:
            return _public(self._static)
        if not own and self.remote_static is not None:
            return self.remote_static
        raise LocalProtocolError(f"the pattern needs {'our' if own else 'the other'} side's static key")


class SymmetricState:
    """The running hash, the chaining key and the current cipher key (sections 5.1 and 5.2 in one)."""

    __slots__ = ("_aead", "_cipher", "_hash", "_nonce", "ck", "h", "psks_mixed")

    def __init__(self, name: bytes, cipher: Cipher, hash_name: str) -> None:
        """Start from the protocol's name."""
        self._cipher = cipher
        self._hash = hash_name
        self._aead: Aead | None = None
        self._nonce = 0
        self.psks_mixed = 0
        self.h = name.ljust(KEY_BYTES, b"\0") if len(name) <= KEY_BYTES else hashlib.new(hash_name, name).digest()
        self.ck = self.h

    def copy(self) -> "SymmetricState":
        """Return a twin, to be thrown away if a message fails."""
        twin = SymmetricState.__new__(SymmetricState)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    @property
    def has_key(self) -> bool:
        """Whether payloads are encrypted by now."""
        return self._aead is not None

    def mix_hash(self, data: bytes) -> None:
        """Bind bytes both sides have seen."""
        self.h = hashlib.new(self._hash, self.h + data).digest()

    def mix_key(self, secret: bytes) -> None:
        """Bind a shared secret, and encrypt under the new key from here on."""
        self.ck, key = self.hkdf(secret, 2)
        self._start_cipher(key)

    def mix_key_and_hash(self, psk: bytes) -> None:
        """Bind a pre-shared key (section 9)."""
        self.ck, bound, key = self.hkdf(psk, 3)
        self.psks_mixed += 1
        self.mix_hash(bound)
        self._start_cipher(key)

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        """Encrypt once there is a key; bind what goes over the wire."""
        data = plaintext
        if self._aead is not None:
            data = self._aead.encrypt(self._next_nonce(), plaintext, self.h)
        self.mix_hash(data)
        return data

    def decrypt_and_hash(self, data: bytes) -> bytes:
        """Undo `encrypt_and_hash`.

        Raises:
            InvalidTag: The bytes are not what the other side sent, or it is not in the same conversation.
        """
        plaintext = data
        if self._aead is not None:
            plaintext = self._aead.decrypt(self._next_nonce(), data, self.h)
        self.mix_hash(data)
        return plaintext

    def hkdf(self, secret: bytes, outputs: int) -> list[bytes]:
        """Derive 32-byte outputs from the chaining key and a secret (section 4.3)."""
        extracted = hmac.digest(self.ck, secret, self._hash)
        results = [b""]
        for counter in range(1, outputs + 1):
            results.append(hmac.digest(extracted, results[-1] + bytes([counter]), self._hash))
        return results[1:]

    def _start_cipher(self, key: bytes) -> None:
        self._aead = self._cipher.aead(key)
        self._nonce = 0

    def _next_nonce(self) -> bytes:
        nonce = self._cipher.pack_nonce(self._nonce)
        self._nonce += 1
        return nonce


def _parse(protocol: str) -> tuple[list[str], Cipher, str]:
    """Split a protocol name into its pattern with the psk modifiers applied, its cipher and its hash."""
    match = _NAME.fullmatch(protocol)
    if match is None or match[1] not in PATTERNS or match[3] not in CIPHERS or match[4] not in HASHES:
        raise LocalProtocolError(f"unknown Noise protocol {protocol!r}")
    pattern = list(PATTERNS[match[1]])
    for place in map(int, re.findall(r"\d", match[2])):
        if place == 0:
            pattern[2] = f"psk {pattern[2]}"
        else:
            pattern[1 + place] += " psk"
    return pattern, CIPHERS[match[3]], match[4]


def _diffie_hellman(private: X25519PrivateKey, public: bytes) -> bytes:
    """Return the shared secret.

    Raises:
        RemoteProtocolError: The public key is of low order: the secret would be zero, whoever holds whatever key.
    """
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise RemoteProtocolError("a public key of low order") from error


def _public(private: X25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def _take(message: bytes, size: int) -> tuple[bytes, bytes]:
    if len(message) < size:
        raise RemoteProtocolError(f"a handshake message ends after {len(message)} of {size} bytes")
    return message[:size], message[size:]
