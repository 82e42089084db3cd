"""The four handshake datagrams: INIT, CHALLENGE, HELLO, REPLY, and what a REPLY says inside.

Only this file knows their byte layout; "Handshake" in PROTOCOL.md draws it. Unpacking gives None for anything that is
not such a datagram: strangers send these, so it costs no exception.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from ecsnet.config import SUITES
from ecsnet.errors import LocalProtocolError
from ecsnet.transport.noise import KEY_BYTES, TAG_BYTES

__all__ = [
    "APPLICATION_ID_BYTES",
    "ATTEMPT_BYTES",
    "HANDSHAKE_BIT",
    "Acceptance",
    "Challenge",
    "DatagramType",
    "Hello",
    "Init",
    "Pattern",
    "Refusal",
    "Suite",
    "max_credentials_bytes",
    "max_payload_bytes",
    "pack_acceptance",
    "pack_challenge",
    "pack_hello",
    "pack_init",
    "pack_refusal",
    "pack_reply",
    "prologue",
    "protocol_name",
    "unpack_challenge",
    "unpack_hello",
    "unpack_init",
    "unpack_reply",
    "unpack_verdict",
]

HANDSHAKE_BIT = 0x80  # set in the first byte of every handshake datagram, clear in that of every packet


class DatagramType(IntEnum):
    """First byte of a handshake datagram."""

    INIT = 0x81
    CHALLENGE = 0x82
    HELLO = 0x83
    REPLY = 0x84


class Suite(IntEnum):
    """Cipher and hash. The number is the byte in HELLO and the bit in CHALLENGE."""

    AESGCM_SHA256 = 0
    CHACHAPOLY_SHA256 = 1

    @property
    def cipher(self) -> str:
        """Noise's name of the cipher."""
        return ("AESGCM", "ChaChaPoly")[self]

    @staticmethod
    def of(cipher: str) -> "Suite":
        """Return the suite with a cipher, by its name in HandshakeConfig."""
        return Suite(SUITES.index(cipher))


class Pattern(IntEnum):
    """Noise pattern, all of two messages. The number is the byte in HELLO and the bit in CHALLENGE."""

    NK = 0  # the client knows the server's key
    NKPSK0 = 1  # and both know a password
    IK = 2  # as NK, and the client shows a key of its own
    IKPSK0 = 3  # all of it

    @staticmethod
    def of(*, password: bool, player_key: bool) -> "Pattern":
        """Return the pattern for what the two ends have."""
        return Pattern(password | player_key << 1)

    @property
    def has_password(self) -> bool:
        """Whether both ends have to know a password."""
        return bool(self & 1)

    @property
    def message_bytes(self) -> int:
        """Size of the first message without its payload: e and a tag, with IK also s and its tag."""
        return EMPTY_MESSAGE_BYTES + (KEY_BYTES + TAG_BYTES if self & 2 else 0)


def protocol_name(pattern: Pattern, suite: Suite) -> str:
    """Return the full Noise name, which both sides hash."""
    return f"Noise_{pattern.name.replace('PSK', 'psk')}_25519_{suite.cipher}_SHA256"


ATTEMPT_BYTES = 8
APPLICATION_ID_BYTES = 16
EMPTY_MESSAGE_BYTES = KEY_BYTES + TAG_BYTES  # of a Noise message that is `e` and a payload of nothing

_INIT = struct.Struct(">B4sH8s16s")  # type, magic, version, attempt, application
_CHALLENGE = struct.Struct(">B8sI16s32sHHHH")  # type, attempt, issued, cookie, key, lowest, highest, suites, patterns
# type, attempt, issued, cookie, version, suite, pattern, key index, application, length
_HELLO = struct.Struct(">B8sI16sHBBB16sH")
_CHALLENGE_SIZES = (_CHALLENGE.size, _CHALLENGE.size + KEY_BYTES)
_REPLY = struct.Struct(">B8s")  # type, attempt
_ACCEPTANCE = struct.Struct(">BI16s")  # verdict, connection id, reset token
_REFUSAL = struct.Struct(">BHB")  # verdict, code, length of the text

_ACCEPTED, _REFUSED = 1, 2
_MAX_TEXT_BYTES = 255


class Init(NamedTuple):
    """A client knocks."""

    magic: bytes
    version: int
    attempt: bytes
    application_id: bytes


class Challenge(NamedTuple):
    """What the server offers, and the cookie to bring back. Not authentic until HELLO's prologue has made it so."""

    attempt: bytes
    issued: int
    cookie: bytes
    server_key: bytes
    lowest_version: int
    highest_version: int
    suites: int  # bit n: Suite(n)
    patterns: int  # bit n: Pattern(n)
    former_key: bytes = b""  # 32 bytes while it is still honoured, else nothing

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys to choose from, by their index in HELLO."""
        return (self.server_key, self.former_key) if self.former_key else (self.server_key,)


class Hello(NamedTuple):
    """What the client chose, and its first Noise message."""

    attempt: bytes
    issued: int
    cookie: bytes
    version: int
    suite: int
    pattern: int
    key_index: int
    application_id: bytes
    message: bytes
    clear: bytes  # everything but the message: the header and the padding, as it was sent


class Acceptance(NamedTuple):
    """Inside REPLY: come in."""

    connection_id: int
    reset_token: bytes
    payload: bytes


class Refusal(NamedTuple):
    """Inside REPLY: no, and why."""

    code: int
    text: str
    payload: bytes


def pack_init(magic: bytes, version: int, attempt: bytes, application_id: bytes, size: int) -> bytes:
    """Pack INIT, padded with zeros to `size`, so that no answer to it is larger."""
    return _INIT.pack(DatagramType.INIT, magic, version, attempt, application_id).ljust(size, b"\0")


def unpack_init(data: bytes) -> Init | None:
    """Read INIT; the padding may hold anything."""
    if len(data) < _INIT.size or data[0] != DatagramType.INIT:
        return None
    return Init._make(_INIT.unpack_from(data)[1:])


def pack_challenge(challenge: Challenge) -> bytes:
    """Pack CHALLENGE: 69 bytes, or 101 with a former key."""
    *fields, former_key = challenge
    return _CHALLENGE.pack(DatagramType.CHALLENGE, *fields) + former_key


def unpack_challenge(data: bytes) -> Challenge | None:
    """Read CHALLENGE."""
    if len(data) not in _CHALLENGE_SIZES or data[0] != DatagramType.CHALLENGE:
        return None
    return Challenge._make((*_CHALLENGE.unpack_from(data)[1:], data[_CHALLENGE.size :]))


def pack_hello(
    challenge: Challenge, chosen: tuple[int, Suite, Pattern, int], application_id: bytes, length: int
) -> bytes:
    """Pack HELLO's header: everything before the Noise message.

    Args:
        chosen: Version, suite, pattern and the index of the server key.
        length: Bytes the Noise message will have.
    """
    return _HELLO.pack(
        DatagramType.HELLO, challenge.attempt, challenge.issued, challenge.cookie, *chosen, application_id, length
    )


def unpack_hello(data: bytes) -> Hello | None:
    """Read HELLO."""
    if len(data) < _HELLO.size or data[0] != DatagramType.HELLO:
        return None
    *fields, length = _HELLO.unpack_from(data)[1:]
    end = _HELLO.size + length
    if end > len(data):
        return None
    return Hello._make((*fields, data[_HELLO.size : end], data[: _HELLO.size] + data[end:]))


def prologue(challenge: bytes, hello_clear: bytes) -> bytes:
    """Return what both sides hash first: all that travels in the clear, so none of it can be edited."""
    return challenge + hello_clear


def pack_reply(attempt: bytes, message: bytes) -> bytes:
    """Pack REPLY around the second Noise message."""
    return _REPLY.pack(DatagramType.REPLY, attempt) + message


def unpack_reply(data: bytes) -> tuple[bytes, bytes] | None:
    """Read REPLY: the attempt and the Noise message."""
    if len(data) < _REPLY.size or data[0] != DatagramType.REPLY:
        return None
    return data[1 : _REPLY.size], data[_REPLY.size :]


def pack_acceptance(acceptance: Acceptance) -> bytes:
    """Pack the yes."""
    return _ACCEPTANCE.pack(_ACCEPTED, acceptance.connection_id, acceptance.reset_token) + acceptance.payload


def pack_refusal(refusal: Refusal) -> bytes:
    """Pack the no; a text longer than 255 bytes of UTF-8 is cut at a character."""
    text = refusal.text.encode(errors="replace")[:_MAX_TEXT_BYTES].decode(errors="ignore").encode()
    return _REFUSAL.pack(_REFUSED, refusal.code, len(text)) + text + refusal.payload


def unpack_verdict(data: bytes) -> Acceptance | Refusal | None:
    """Read what a REPLY says."""
    if len(data) >= _ACCEPTANCE.size and data[0] == _ACCEPTED:
        _, connection_id, reset_token = _ACCEPTANCE.unpack_from(data)
        return Acceptance(connection_id, reset_token, data[_ACCEPTANCE.size :])
    if len(data) >= _REFUSAL.size and data[0] == _REFUSED:
        _, code, length = _REFUSAL.unpack_from(data)
        end = _REFUSAL.size + length
        if end <= len(data):
            return Refusal(code, data[_REFUSAL.size : end].decode(errors="replace"), data[end:])
    return None


def max_credentials_bytes(datagram_bytes: int, pattern: Pattern = Pattern.NK) -> int:
    """Return how many bytes of credentials fit a HELLO: of 1200, 1100, or 1052 beside a player's key."""
    return datagram_bytes - _HELLO.size - pattern.message_bytes


def max_payload_bytes(datagram_bytes: int) -> int:
    """Return how many bytes of payload fit a REPLY beside the longest refusal: 884 of 1200."""
    return datagram_bytes - _REPLY.size - EMPTY_MESSAGE_BYTES - _REFUSAL.size - _MAX_TEXT_BYTES


def check_application_id(application_id: bytes) -> bytes:
    """Return the application id.

    Raises:
        LocalProtocolError: It does not have 16 bytes.
    """
    if len(application_id) != APPLICATION_ID_BYTES:
        raise LocalProtocolError(f"an application id has {APPLICATION_ID_BYTES} bytes, not {len(application_id)}")
    return application_id


def check_password_key(key: bytes | None) -> bytes | None:
    """Return the key made of a password, or None where there is none.

    Raises:
        LocalProtocolError: It does not have 32 bytes.
    """
    if key is not None and len(key) != KEY_BYTES:
        raise LocalProtocolError(f"a password key has {KEY_BYTES} bytes, not {len(key)}")
    return key


def bitmap(members: Sequence[IntEnum]) -> int:
    """Return the bits of a closed set of numbers, as CHALLENGE carries them."""
    return sum(1 << member for member in members)
