"""Packet protection: seal and open under the packet number, and the keys that renew themselves.

The nonce is the packet number, so a number is never sealed twice under one key: `seal` demands that numbers rise. Every
`EPOCH_PACKETS` numbers the key is replaced by Noise's REKEY, which cannot be undone: whoever steals a key later cannot
read what was sent before. Which key belongs to a packet follows from its number alone, so renewing takes no message, no
flag and no agreement.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from ecsnet.errors import LocalProtocolError
from ecsnet.transport.noise import CIPHERS, TAG_BYTES, rekey

__all__ = ["EPOCH_PACKETS", "PACKET_NUMBER_LIMIT", "TAG_BYTES", "PacketKeys", "SessionKeys"]

# AES-GCM keeps its margin for 2**23 packets per key at any size (RFC 9001, section 6.6); half of that is 19 hours at
# 60 packets a second, and 2**15 of slack for reordering (the reach of a 16-bit packet number) hardly counts.
EPOCH_PACKETS = 1 << 22
PACKET_NUMBER_LIMIT = 1 << 62  # RFC 9000, section 12.3; also far from 2**64 - 1, the nonce REKEY uses


class PacketKeys:
    """The key of one direction: one end seals with it, the other opens."""

    __slots__ = ("_aead", "_cipher", "_end", "_key", "_last", "_pack_nonce", "_previous", "_start")

    def __init__(self, cipher: str, key: bytes) -> None:
        """Start with packet number 0.

        Args:
            cipher: "AESGCM" or "ChaChaPoly".
            key: 32 bytes, fresh for this session and direction.
        """
        self._cipher = CIPHERS[cipher]
        self._pack_nonce = self._cipher.pack_nonce
        self._key = key
        self._aead = self._cipher.aead(key)
        self._previous = self._aead  # opens stragglers from before the last renewal
        self._start, self._end = 0, EPOCH_PACKETS  # the numbers `_aead` is for
        self._last = -1

    def __repr__(self) -> str:
        """Show how far it got, never the key."""
        return f"PacketKeys(last sealed {self._last}, epoch {self._start // EPOCH_PACKETS})"

    def seal(self, number: int, header: bytes, plaintext: bytes) -> bytes:  # HOT: once per packet sent
        """Encrypt and authenticate one packet.

        Args:
            number: Packet number, greater than every one sealed before: it is the nonce.
            header: The packet's clear bytes, authenticated but not encrypted.

        Returns:
            len(plaintext) + 16 bytes.

        Raises:
            LocalProtocolError: The number was used, leaves the current epoch by more than one, or there are no more.
        """
        if number <= self._last or number >= self._end:
            self._renew_to_seal(number)
        self._last = number
        return self._aead.encrypt(self._pack_nonce(number), plaintext, header)

    def open(self, number: int, header: bytes, ciphertext: bytes) -> bytes | None:  # HOT: once per packet received
        """Return the plaintext, or None if the packet is not authentic: dropped, counted, never punished."""
        try:
            if self._start <= number < self._end:
                return self._aead.decrypt(self._pack_nonce(number), ciphertext, header)
            return self._open_outside_epoch(number, header, ciphertext)
        except InvalidTag:
            return None

    def _renew_to_seal(self, number: int) -> None:
        if number <= self._last:
            raise LocalProtocolError(f"packet number {number} may not follow {self._last}: a nonce is used once")
        if number >= min(self._end + EPOCH_PACKETS, PACKET_NUMBER_LIMIT):
            raise LocalProtocolError(f"packet number {number} is too far from {self._last}, or there are no more")
        self._renew()

    def _open_outside_epoch(self, number: int, header: bytes, ciphertext: bytes) -> bytes | None:
        """Open a straggler of the epoch before, or the first packet of the next; only the latter renews the key."""
        if self._start - EPOCH_PACKETS <= number < self._start and number >= 0:
            return self._previous.decrypt(self._pack_nonce(number), ciphertext, header)
        if not self._end <= number < min(self._end + EPOCH_PACKETS, PACKET_NUMBER_LIMIT):
            return None
        candidate = self._cipher.aead(rekey(self._cipher, self._key))
        plaintext = candidate.decrypt(self._pack_nonce(number), ciphertext, header)
        self._renew()
        return plaintext

    def _renew(self) -> None:
        self._key = rekey(self._cipher, self._key)
        self._previous, self._aead = self._aead, self._cipher.aead(self._key)
        self._start, self._end = self._end, self._end + EPOCH_PACKETS


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What a finished handshake leaves: a key for each direction, and 32 bytes that name the session."""

    send: PacketKeys
    receive: PacketKeys
    handshake_hash: bytes
