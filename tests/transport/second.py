"""A second implementation of the wire, written from PROTOCOL.md alone: small, slow and sharing no line with the first.

It imports nothing from ecsnet, and must not: where the two disagree, PROTOCOL.md says which one is wrong. Everything
here reads strictly and whole; what is left over, cut off or out of range raises `WireError`.

Read it along with PROTOCOL.md, from top to bottom: notation, handshake, keys and protection, frames, a minimal client,
the description of a schema, values, state messages, input messages, calls.
"""

import math
import struct
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2b, blake2s, scrypt, sha256
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
INIT, CHALLENGE, HELLO, REPLY, RESET = 0x81, 0x82, 0x83, 0x84, 0x85
HANDSHAKE_BYTES = 1200
CHALLENGE_BYTES = 69
HELLO_FIELDS_BYTES = 52
EPOCH_PACKETS = 1 << 22
REPLAY_WINDOW = 1024
RESET_TOKEN_BYTES = 16
DATAGRAM_BYTES = 1472  # taken; 1200 are sent
PART_BYTES = 1000  # of a fragment; any size does that fits a datagram with 23 bytes around the frames
BITMAP_BYTES = 128
CREDIT_BYTES, MESSAGE_COST_BYTES, CREDIT_STEP_BYTES = 327_680, 64, 65_473
ASSEMBLIES = 4
MAX_INPUTS = 255
CIPHERS = (AESGCM, ChaCha20Poly1305)  # by the number of the suite
CIPHER_NAMES = ("AESGCM", "ChaChaPoly")

Value: TypeAlias = "bool | int | float | str | bytes | tuple[Value, ...] | None"  # of a dict (all keys, all values)


class WireError(Exception):
    """Bytes that PROTOCOL.md does not allow."""


def expect(condition: bool, what: str) -> None:  # noqa: FBT001  # reads as an assertion
    if not condition:
        raise WireError(what)


# Notation.


class Reader:
    """Takes integers and bytes off the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        expect(count <= self.left, f"{count} bytes wanted at {self.at}, {self.left} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        return self.take(self.left)

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def signed(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big", signed=True)

    def varint(self) -> int:
        expect(self.left > 0, "a varint is missing")
        size = 1 << (self.data[self.at] >> 6)
        return self.unsigned(size) & ((1 << (8 * size - 2)) - 1)

    def size(self) -> int:
        expect(self.left > 0 and self.data[self.at] < 0x80, "a size has one or two bytes")
        return self.varint()

    def end(self) -> None:
        expect(self.left == 0, f"{self.left} bytes left over")


def unsigned(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def varint(value: int) -> bytes:
    for code, size in enumerate((1, 2, 4, 8)):
        if value < 1 << (8 * size - 2):
            return unsigned(value | code << (8 * size - 2), size)
    raise WireError(f"{value} is no varint")


# Handshake.


class Noise:
    """The four patterns under both suites, for whoever knows the initiator's keys; revision 34, sections 5 and 9."""

    def __init__(self, ephemeral: bytes, server_key: bytes, prologue: bytes, haves: "Haves") -> None:
        self.suite = haves.suite
        self._ephemeral = X25519PrivateKey.from_private_bytes(ephemeral)
        self._static = X25519PrivateKey.from_private_bytes(haves.static) if haves.static else None
        self._psk = haves.psk
        self._server_key = server_key
        pattern = f"{'IK' if haves.static else 'NK'}{'psk0' if haves.psk else ''}"
        name = f"Noise_{pattern}_25519_{CIPHER_NAMES[self.suite]}_SHA256"
        encoded = name.encode()
        self._chaining_key = self.hash = encoded.ljust(32, b"\0") if len(encoded) <= 32 else sha256(encoded).digest()
        self._key = b""
        self._mix_hash(prologue)
        self._mix_hash(server_key)

    @property
    def public(self) -> bytes:
        return self._ephemeral.public_key().public_bytes_raw()

    def write_first(self, payload: bytes) -> bytes:
        """Return message 1: psk, e, es, s, ss, without what there is not."""
        self._start()
        message = self.public
        if self._static is not None:
            message += self._seal(self._static.public_key().public_bytes_raw())
            self._mix_key(self._static, self._server_key)
        return message + self._seal(payload)

    def read_first(self, message: bytes) -> bytes:
        """Return the payload of a message 1 that was written with these keys."""
        reader = Reader(message)
        expect(reader.take(32) == self.public, "message 1 of another ephemeral key")
        self._start()
        if self._static is not None:
            shown = self._open(reader.take(48))
            expect(shown == self._static.public_key().public_bytes_raw(), "another static key")
            self._mix_key(self._static, self._server_key)
        return self._open(reader.rest())

    def read_second(self, message: bytes) -> bytes:
        """Return the payload of message 2: e, ee, se."""
        reader = Reader(message)
        remote = reader.take(32)
        self._mix_public(remote)
        self._mix_key(self._ephemeral, remote)
        if self._static is not None:
            self._mix_key(self._static, remote)
        return self._open(reader.rest())

    def split(self) -> tuple[bytes, bytes]:
        """Return the keys from client to server and from server to client."""
        first, second = self._hkdf(b"", 2)
        return first, second

    def _start(self) -> None:
        if self._psk:
            self._chaining_key, bound, self._key = self._hkdf(self._psk, 3)
            self._mix_hash(bound)
        self._mix_public(self.public)
        self._mix_key(self._ephemeral, self._server_key)

    def _mix_public(self, public: bytes) -> None:
        self._mix_hash(public)
        if self._psk:
            self._chaining_key, self._key = self._hkdf(public, 2)

    def _seal(self, payload: bytes) -> bytes:
        sealed = CIPHERS[self.suite](self._key).encrypt(bytes(12), payload, self.hash)
        self._mix_hash(sealed)
        return sealed

    def _open(self, sealed: bytes) -> bytes:
        payload = _decrypt(self.suite, self._key, bytes(12), sealed, self.hash)
        self._mix_hash(sealed)
        return payload

    def _mix_hash(self, data: bytes) -> None:
        self.hash = sha256(self.hash + data).digest()

    def _mix_key(self, own: X25519PrivateKey, remote: bytes) -> None:
        shared = own.exchange(X25519PublicKey.from_public_bytes(remote))
        self._chaining_key, self._key = self._hkdf(shared, 2)

    def _hkdf(self, material: bytes, outputs: int) -> list[bytes]:
        output = HKDF(SHA256(), length=32 * outputs, salt=self._chaining_key, info=b"").derive(material)
        return [output[at : at + 32] for at in range(0, 32 * outputs, 32)]


@dataclass(frozen=True)
class Challenge:
    attempt: bytes
    issued: int
    cookie: bytes
    server_key: bytes
    lowest: int
    highest: int
    suites: int
    patterns: int
    former_key: bytes


@dataclass(frozen=True)
class Verdict:
    """What a REPLY says: a connection id, or why not."""

    connection_id: int | None
    payload: bytes
    reason: int = 0
    text: str = ""
    reset_token: bytes = b""


def encode_init(attempt: bytes, application_id: bytes, padded_bytes: int = HANDSHAKE_BYTES) -> bytes:
    fields = bytes([INIT]) + b"ecsn" + unsigned(VERSION, 2) + attempt + application_id
    return fields.ljust(padded_bytes, b"\0")


def decode_init(data: bytes, padded_bytes: int = HANDSHAKE_BYTES) -> tuple[int, bytes, bytes]:
    """Return version, attempt and application id."""
    reader = Reader(data)
    expect(len(data) == (padded_bytes or 31) and reader.take(5) == bytes([INIT]) + b"ecsn", "no INIT")
    found = reader.unsigned(2), reader.take(8), reader.take(16)
    expect(not any(reader.rest()), "padding that is not zero")
    return found


def decode_challenge(data: bytes) -> Challenge:
    reader = Reader(data)
    expect(len(data) in (CHALLENGE_BYTES, CHALLENGE_BYTES + 32) and reader.unsigned(1) == CHALLENGE, "no CHALLENGE")
    attempt, issued, cookie, server_key = reader.take(8), reader.unsigned(4), reader.take(16), reader.take(32)
    lowest, highest, suites, patterns = (reader.unsigned(2) for _ in range(4))
    return Challenge(attempt, issued, cookie, server_key, lowest, highest, suites, patterns, reader.rest())


def password_key(password: str, application_id: bytes) -> bytes:
    spelled = unicodedata.normalize("NFC", password).encode()
    return scrypt(spelled, salt=b"ecsnet password" + application_id, n=32768, r=8, p=1, dklen=32, maxmem=1 << 26)


@dataclass(frozen=True)
class Haves:
    """What a client may have besides credentials: pin, static private key, key made of the password, suite."""

    pin: bytes = b""
    static: bytes = b""
    psk: bytes = b""
    suite: int = 0

    @property
    def pattern(self) -> int:
        return 2 * (self.static != b"") + (self.psk != b"")


def encode_hello(
    challenge_data: bytes,
    application_id: bytes,
    credentials: bytes,
    ephemeral: bytes,
    haves: Haves = Haves(),
    padded_bytes: int = HANDSHAKE_BYTES,
) -> tuple[bytes, Noise]:
    """Return HELLO and the handshake it begins: with the server's current key, or the former one if that is pinned."""
    challenge = decode_challenge(challenge_data)
    pin = haves.pin
    key_index = int(pin != b"" and pin == challenge.former_key)
    expect(challenge.lowest <= VERSION <= challenge.highest, "another version")
    expect(challenge.suites & 3 == 3 and challenge.patterns & 5 == 5, "these suites and patterns must be offered")
    expect(bool(challenge.patterns >> haves.pattern & 1), "the server has no password")
    size = 32 + len(credentials) + 16 + (48 if haves.static else 0)
    fields = (
        bytes([HELLO]) + challenge.attempt + unsigned(challenge.issued, 4) + challenge.cookie
        + unsigned(VERSION, 2) + bytes([haves.suite, haves.pattern, key_index]) + application_id + unsigned(size, 2)
    )  # fmt: skip
    padding = bytes(max(0, padded_bytes - HELLO_FIELDS_BYTES - size))
    server_key = challenge.former_key if key_index else challenge.server_key
    noise = Noise(ephemeral, server_key, challenge_data + fields + padding, haves)
    return fields + noise.write_first(credentials) + padding, noise


def decode_hello(
    challenge_data: bytes,
    data: bytes,
    ephemeral_of: Callable[[bytes], bytes],
    haves: Haves = Haves(),
    padded_bytes: int = HANDSHAKE_BYTES,
) -> tuple[bytes, Noise]:
    """Return the credentials of a HELLO that answers a CHALLENGE, and the Noise handshake it began.

    Args:
        ephemeral_of: Gives the private key of an ephemeral public key.
        haves: Those of the client that wrote it.
    """
    challenge = decode_challenge(challenge_data)
    reader = Reader(data)
    expect(len(data) == (padded_bytes or len(data)) and reader.unsigned(1) == HELLO, "no HELLO")
    expect(reader.take(8) == challenge.attempt, "HELLO of another attempt")
    expect((reader.unsigned(4), reader.take(16)) == (challenge.issued, challenge.cookie), "another cookie")
    spoken = reader.unsigned(2), reader.unsigned(1), reader.unsigned(1)
    expect(spoken == (VERSION, haves.suite, haves.pattern), "another version, suite or pattern")
    key_index = reader.unsigned(1)
    expect(key_index == 0 or (key_index == 1 and challenge.former_key != b""), "a key that was not shown")
    server_key = challenge.former_key if key_index else challenge.server_key
    reader.take(16)
    message = reader.take(reader.unsigned(2))
    padding = reader.rest()
    expect(padded_bytes > 0 or padding == b"", "padding over a stream")
    expect(not any(padding), "padding that is not zero")
    prologue = challenge_data + data[:HELLO_FIELDS_BYTES] + padding
    noise = Noise(ephemeral_of(message[:32]), server_key, prologue, haves)
    return noise.read_first(message), noise


def decode_reply(data: bytes, attempt: bytes, noise: Noise) -> Verdict:
    reader = Reader(data)
    expect(len(data) <= HANDSHAKE_BYTES and reader.unsigned(1) == REPLY, "no REPLY")
    expect(reader.take(8) == attempt, "REPLY of another attempt")
    reader = Reader(noise.read_second(reader.rest()))
    kind = reader.unsigned(1)
    if kind == 1:
        connection_id, reset_token = reader.unsigned(4), reader.take(RESET_TOKEN_BYTES)
        return Verdict(connection_id, reader.rest(), reset_token=reset_token)
    expect(kind == 2, f"verdict {kind}")
    reason, text = reader.unsigned(2), reader.take(reader.unsigned(1)).decode()
    return Verdict(None, reader.rest(), reason, text)


# Keys and packet protection.


def epoch_key(key: bytes, number: int, suite: int = 0) -> bytes:
    """Return the key of a packet number's epoch, from that of Split()."""
    for _ in range(number // EPOCH_PACKETS):
        key = CIPHERS[suite](key).encrypt(bytes(4) + b"\xff" * 8, bytes(32), None)[:32]
    return key


def seal(key: bytes, number: int, header: bytes, frames: bytes, suite: int = 0) -> bytes:
    return CIPHERS[suite](epoch_key(key, number, suite)).encrypt(_nonce(number, suite), frames, header)


def unseal(key: bytes, number: int, header: bytes, sealed: bytes, suite: int = 0) -> bytes:
    return _decrypt(suite, epoch_key(key, number, suite), _nonce(number, suite), sealed, header)


def _nonce(number: int, suite: int) -> bytes:
    return bytes(4) + number.to_bytes(8, ("big", "little")[suite])


def _decrypt(suite: int, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    try:
        return CIPHERS[suite](key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        raise WireError("does not authenticate") from None


def restore(low: int, largest: int) -> int:
    """Return the full packet number: the one with these low 16 bits nearest to what comes next; RFC 9000, A.3."""
    expected = largest + 1
    candidate = expected & ~0xFFFF | low
    if candidate <= expected - 0x8000:
        return candidate + 0x10000
    if candidate > expected + 0x8000 and candidate >= 0x10000:
        return candidate - 0x10000
    return candidate


class Opening:
    """The receiving end of one direction: opens each packet once."""

    def __init__(self, key: bytes, connection_id: int | None, suite: int = 0) -> None:
        """Open the packets of a client with `connection_id`, or of a server without one."""
        self._key = key
        self._suite = suite
        self._start = b"\0" if connection_id is None else b"\0" + unsigned(connection_id, 4)
        self.accepted: set[int] = set()
        self.largest = -1

    def open(self, data: bytes) -> tuple[int, bytes]:
        """Return the number and the plaintext of a packet."""
        expect(len(data) <= DATAGRAM_BYTES, "too large")
        reader = Reader(data)
        expect(reader.take(len(self._start)) == self._start, "other flags, or another connection")
        number = restore(reader.unsigned(2), self.largest)
        expect(number not in self.accepted and number >= self.largest - REPLAY_WINDOW, "a replay")
        header = data[: reader.at]
        frames = unseal(self._key, number, header, reader.rest(), self._suite)
        expect(frames != b"", "no frames")
        self.accepted.add(number)
        self.largest = max(self.largest, number)
        return number, frames


# Frames.


class Delivery(Enum):
    UNRELIABLE = auto()
    SEQUENCED = auto()
    RELIABLE_UNORDERED = auto()
    RELIABLE_ORDERED = auto()


GAME_CHANNELS = (
    Delivery.UNRELIABLE, Delivery.UNRELIABLE, Delivery.RELIABLE_ORDERED, Delivery.UNRELIABLE, Delivery.UNRELIABLE,
)  # fmt: skip
STATE, INPUT, CALLS, CASUAL_CALLS, CHECKS = range(5)


@dataclass(frozen=True)
class Pad:
    pass


@dataclass(frozen=True)
class Ping:
    pass


@dataclass(frozen=True)
class Ack:
    packets: tuple[int, ...]  # descending
    delay_units: int  # of 1/8 ms


@dataclass(frozen=True)
class Close:
    reason: int
    text: str


@dataclass(frozen=True)
class Message:
    channel: int
    number: int | None
    message: bytes


@dataclass(frozen=True)
class Fragment:
    channel: int
    number: int
    index: int
    count: int
    part: bytes


@dataclass(frozen=True)
class PathChallenge:
    number: int


@dataclass(frozen=True)
class PathResponse:
    number: int


@dataclass(frozen=True)
class Credit:
    total: int


Frame = Pad | Ping | Ack | Close | Message | Fragment | PathChallenge | PathResponse | Credit


def decode_frames(plaintext: bytes, channels: Sequence[Delivery]) -> list[Frame]:
    reader = Reader(plaintext)
    frames: list[Frame] = []
    while reader.left:
        frames.append(_decode_frame(reader, channels))
    expect(sum(not isinstance(each, Pad) for each in frames) <= 255, "too many frames")
    expect(sum(isinstance(each, Ack) for each in frames) <= 1, "two ACKs")
    return frames


def _decode_frame(reader: Reader, channels: Sequence[Delivery]) -> Frame:  # noqa: PLR0911  # one for each type
    kind = reader.unsigned(1)
    if kind == 0x00:
        return Pad()
    if kind == 0x01:
        return Ping()
    if kind == 0x02:
        return _decode_ack(reader)
    if kind == 0x03:
        return Close(reader.unsigned(2), reader.take(reader.unsigned(1)).decode())
    if kind == 0x04:
        return PathChallenge(reader.unsigned(8))
    if kind == 0x05:
        return PathResponse(reader.unsigned(8))
    if kind == 0x06:
        return Credit(reader.varint())
    channel = kind & 0x3F
    expect(kind >= 0x40 and kind < 0xC0 and channel < len(channels), f"frame {kind:#x} is unknown")
    if kind < 0x80:
        number = None if channels[channel] is Delivery.UNRELIABLE else reader.varint()
        return Message(channel, number, reader.take(reader.size()))
    most = 256 if channels[channel] in (Delivery.RELIABLE_ORDERED, Delivery.RELIABLE_UNORDERED) else 16
    number, index, count = reader.varint(), reader.varint(), reader.varint()
    expect(index < count and 2 <= count <= most, f"fragment {index} of {count}")
    return Fragment(channel, number, index, count, reader.take(reader.size()))


def _decode_ack(reader: Reader) -> Ack:
    largest, delay_units, size = reader.varint(), reader.unsigned(2), reader.unsigned(1)
    expect(size <= BITMAP_BYTES, "too large a bitmap")
    bitmap = int.from_bytes(reader.take(size), "little")
    packets = largest, *(largest - 1 - i for i in range(8 * size) if bitmap >> i & 1)
    expect(packets[-1] >= 0, "an ACK below number 0")
    return Ack(packets, delay_units)


def encode_frame(frame: Frame) -> bytes:  # noqa: PLR0911  # one for each type
    match frame:
        case Pad():
            return b"\0"
        case Ping():
            return b"\1"
        case Ack(packets, delay_units):
            bitmap = sum(1 << (packets[0] - 1 - number) for number in packets[1:])
            size = (bitmap.bit_length() + 7) // 8
            start = b"\2" + varint(packets[0]) + unsigned(delay_units, 2)
            return start + bytes([size]) + bitmap.to_bytes(size, "little")
        case Close(reason, text):
            encoded = text.encode()
            return b"\3" + unsigned(reason, 2) + unsigned(len(encoded), 1) + encoded
        case Message(channel, number, message):
            start = bytes([0x40 + channel]) + (b"" if number is None else varint(number))
            return start + varint(len(message)) + message
        case PathChallenge(number):
            return b"\4" + unsigned(number, 8)
        case PathResponse(number):
            return b"\5" + unsigned(number, 8)
        case Credit(total):
            return b"\6" + varint(total)
        case Fragment(channel, number, index, count, part):
            numbers = varint(number) + varint(index) + varint(count)
            return bytes([0x80 + channel]) + numbers + varint(len(part)) + part


# A minimal client: it acknowledges at once and sends everything once, so what it sends must not get lost.


@dataclass
class _Arriving:
    """What a channel holds for order and reassembly."""

    next_number: int = 0
    seen: set[int] = field(default_factory=set)
    parts: dict[int, dict[int, bytes]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    waiting: dict[int, bytes] = field(default_factory=dict)


class MinimalClient:
    """Connects, exchanges messages and closes. Datagrams go in through `receive`, and come out of `take_datagrams`.

    Attributes:
        assembling: Channel and number of the unreliable messages of which parts are missing, oldest first.
        messages: What arrived and was not read yet.
        frames_heard: All of them, in order.
        is_reset: The server has said, and proved, that it knows nothing of the connection any more.
        answers_challenges: Whether it says PATH_RESPONSE.
        credit: What its reliable messages may cost in all; those that would go beyond wait.
    """

    def __init__(
        self,
        channels: Sequence[Delivery],
        application_id: bytes,
        credentials: bytes,
        entropy: Callable[[int], bytes],
        haves: Haves | None = None,
    ) -> None:
        self.channels = channels
        self.application_id = application_id
        self.credentials = credentials
        self.haves = haves or Haves()
        self.attempt, self.ephemeral = entropy(8), entropy(32)
        self.verdict: Verdict | None = None
        self.heard: Close | None = None
        self.messages: list[tuple[int, bytes]] = []
        self.acknowledged: set[int] = set()
        self.frames_heard: list[Frame] = []
        self.next_packet = 0
        self.is_reset = False
        self.answers_challenges = True
        self.acknowledges = True
        self.credit = CREDIT_BYTES
        self.granted = CREDIT_BYTES
        self._spent = self._delivered = self._read = 0
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._noise: Noise | None = None
        self._opening: Opening | None = None
        self._key = self._start = b""
        self._numbers = [0] * len(channels)
        self._arriving = [_Arriving() for _ in channels]
        self.assembling: list[tuple[int, int]] = []
        self._given_up: set[tuple[int, int]] = set()
        self._outgoing = [encode_init(self.attempt, application_id)]
        self._is_closing = False

    @property
    def waiting(self) -> int:
        """How many messages wait for credit."""
        return len(self._waiting)

    def take_datagrams(self) -> list[bytes]:
        taken, self._outgoing = self._outgoing, []
        return taken

    def receive(self, data: bytes) -> None:
        match data[0]:
            case 0x82 if self._noise is None and decode_challenge(data).attempt == self.attempt:
                hello, self._noise = encode_hello(
                    data, self.application_id, self.credentials, self.ephemeral, self.haves
                )
                self._outgoing.append(hello)
            case 0x84 if self._noise is not None and self.verdict is None:
                self.verdict = decode_reply(data, self.attempt, self._noise)
                self._begin(self._noise, self.verdict.connection_id)
            case 0x85 if len(data) == 1 + RESET_TOKEN_BYTES:
                self.is_reset |= self.verdict is not None and data[1:] == self.verdict.reset_token
            case 0x00 if self._opening is not None:
                self._receive_packet(self._opening, data)
            case _:
                raise WireError(f"unexpected datagram {data[0]:#x}")

    def send(self, channel: int, message: bytes) -> None:
        """Send a message, in parts if it is long; a reliable one when there is credit for it."""
        if self._is_reliable(channel):
            self._waiting.append((channel, message))
            self._spend()
        else:
            self._send(channel, message)

    def read(self) -> list[tuple[int, bytes]]:
        """Take what has arrived, and give credit for it."""
        taken, self.messages = self.messages, []
        self._read += sum(len(message) + MESSAGE_COST_BYTES for channel, message in taken if self._is_reliable(channel))
        if self._read + CREDIT_BYTES - self.granted >= CREDIT_STEP_BYTES:
            self.granted = self._read + CREDIT_BYTES
            self.send_frames(Credit(self.granted))
        return taken

    def close(self, reason: int, text: str) -> None:
        self._is_closing = True
        self.send_frames(Close(reason, text))

    def send_frames(self, *frames: Frame) -> None:
        """Send one packet."""
        self.send_bytes(b"".join(map(encode_frame, frames)))

    def send_bytes(self, plaintext: bytes) -> None:
        """Send one packet of what may be no frames."""
        header = self._start + unsigned(self.next_packet & 0xFFFF, 2)
        self._outgoing.append(header + seal(self._key, self.next_packet, header, plaintext, self.haves.suite))
        self.next_packet += 1

    def acknowledge(self) -> None:
        """Name all packets that arrived, as far as an ACK can."""
        assert self._opening is not None
        oldest = self._opening.largest - 8 * BITMAP_BYTES
        known = sorted((number for number in self._opening.accepted if number >= oldest), reverse=True)
        self.send_frames(Ack(tuple(known), 0))

    def _is_reliable(self, channel: int) -> bool:
        return self.channels[channel] in (Delivery.RELIABLE_ORDERED, Delivery.RELIABLE_UNORDERED)

    def _spend(self) -> None:
        while self._waiting:
            cost = len(self._waiting[0][1]) + MESSAGE_COST_BYTES
            if self._spent + cost > self.credit:
                return
            self._spent += cost
            self._send(*self._waiting.popleft())

    def _send(self, channel: int, message: bytes) -> None:
        is_whole, is_unreliable = len(message) <= PART_BYTES, self.channels[channel] is Delivery.UNRELIABLE
        if is_whole and is_unreliable:
            self.send_frames(Message(channel, None, message))
            return
        number = self._numbers[channel]
        self._numbers[channel] += 1
        if is_whole:
            self.send_frames(Message(channel, number, message))
            return
        parts = [message[at : at + PART_BYTES] for at in range(0, len(message), PART_BYTES)]
        for index, part in enumerate(parts):
            self.send_frames(Fragment(channel, number, index, len(parts), part))

    def _begin(self, noise: Noise, connection_id: int | None) -> None:
        if connection_id is None:
            return
        self._key, receiving = noise.split()
        self._start = b"\0" + unsigned(connection_id, 4)
        self._opening = Opening(receiving, None, self.haves.suite)
        self.send_frames(Ping())  # confirms

    def _receive_packet(self, opening: Opening, data: bytes) -> None:
        number, plaintext = opening.open(data)
        frames = decode_frames(plaintext, self.channels)
        self.frames_heard += frames
        for frame in frames:
            if isinstance(frame, Ack):
                expect(frame.packets[0] < self.next_packet, "an ACK of a packet never sent")
                self.acknowledged.update(frame.packets)
        closes = [frame for frame in frames if isinstance(frame, Close)]
        if closes:
            self._hear_close(closes[0])
            return
        for frame in frames:
            if isinstance(frame, Message | Fragment):
                self._deliver(frame)
        if any(isinstance(frame, Fragment) and self._is_given_up(frame) for frame in frames):
            opening.accepted.discard(number)  # not acknowledged; it comes once, so nothing takes it for new
        if not self._is_closing:
            self._answer(frames)

    def _answer(self, frames: list[Frame]) -> None:
        for frame in frames:
            if isinstance(frame, PathChallenge) and self.answers_challenges:
                self.send_frames(PathResponse(frame.number))
            if isinstance(frame, Credit):
                self.credit = max(self.credit, frame.total)
        self._spend()
        if self.acknowledges and not all(isinstance(frame, Pad | Ack | Close) for frame in frames):
            self.acknowledge()

    def _hear_close(self, close: Close) -> None:
        if self.heard is None and not self._is_closing:
            self.send_frames(Close(close.reason, ""))
        self.heard = close

    def _is_given_up(self, frame: Fragment) -> bool:
        return (frame.channel, frame.number) in self._given_up

    def _deliver(self, frame: Message | Fragment) -> None:
        arriving = self._arriving[frame.channel]
        if frame.number is None:
            assert isinstance(frame, Message)
            self._hand_over(frame.channel, frame.message)
            return
        if frame.number in arriving.seen:
            return
        if isinstance(frame, Message):
            message = frame.message
        elif self._collect(frame):
            parts = arriving.parts.pop(frame.number)
            message = b"".join(parts[index] for index in sorted(parts))
        else:
            return
        arriving.seen.add(frame.number)
        self._order(frame.channel, frame.number, message)

    def _collect(self, frame: Fragment) -> bool:
        """Keep a part, and return whether it was the last of its message."""
        name = frame.channel, frame.number
        if name in self._given_up:
            return False
        if not self._is_reliable(frame.channel) and name not in self.assembling:
            self.assembling.append(name)
        if len(self.assembling) > ASSEMBLIES:
            oldest = self.assembling.pop(0)
            self._given_up.add(oldest)
            del self._arriving[oldest[0]].parts[oldest[1]]
        arriving = self._arriving[frame.channel]
        expect(arriving.counts.setdefault(frame.number, frame.count) == frame.count, "parts of different counts")
        parts = arriving.parts.setdefault(frame.number, {})
        parts.setdefault(frame.index, frame.part)
        if len(parts) == frame.count and name in self.assembling:
            self.assembling.remove(name)
        return len(parts) == frame.count

    def _order(self, channel: int, number: int, message: bytes) -> None:
        arriving = self._arriving[channel]
        if self.channels[channel] is Delivery.SEQUENCED:
            if number < arriving.next_number:
                return
            arriving.next_number = number + 1
        if self.channels[channel] is not Delivery.RELIABLE_ORDERED:
            self._hand_over(channel, message)
            return
        arriving.waiting[number] = message
        while arriving.next_number in arriving.waiting:
            self._hand_over(channel, arriving.waiting.pop(arriving.next_number))
            arriving.next_number += 1

    def _hand_over(self, channel: int, message: bytes) -> None:
        if self._is_reliable(channel):
            self._delivered += len(message) + MESSAGE_COST_BYTES
            expect(self._delivered <= self.granted, "more than there was credit for")
        self.messages.append((channel, message))


# The description of a schema.


def application_id(game: str) -> bytes:
    return blake2s(game.encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Field:
    """All that the encoding of a field depends on."""

    kind: str  # bool, int, float, str, bytes, enum, flag, entity, codec, tuple, array, list, dict, optional
    low: float | None = None
    high: float | None = None
    step: float | None = None
    limit: int = 0  # max_bytes of str, bytes and codec, members of an enum, bits of a flag, max_items of the others
    is_angle: bool = False
    audience: str = "EVERYONE"
    items: tuple["Field", ...] = ()  # what is inside of it

    @property
    def is_turn(self) -> bool:
        """Whether it comes round: an angle, and its range a turn within a thousandth."""
        span = (self.high or 0) - (self.low or 0)
        return self.is_angle and abs(span - math.tau) <= max(span, math.tau) / 1000


@dataclass(frozen=True)
class Function:
    arguments: tuple[Field, ...]
    results: tuple[Field, ...]


@dataclass(frozen=True)
class Description:
    """What both ends have to agree on: how records, inputs and calls are laid out."""

    hash: bytes
    records: tuple[tuple[Field, ...], ...]  # by record id
    inputs: tuple[Field, ...]
    functions: tuple[Function, ...]  # by number


def read_description(lines: Sequence[str]) -> Description:
    """Derive all layouts from the lines that the schema hash covers."""
    items = [line.split(": ", 1) for line in lines]
    expect(items[0] == ["items", f"count={len(lines) - 1}"], "lines are missing")
    kinds = {key: rest.split(" ")[0] for key, rest in items}
    fields = {key: _read_field(rest) for key, rest in items if rest.split(" ")[0] in _FIELD_WORDS}
    records: list[tuple[Field, ...]] = []
    for name in sorted(key for key, kind in kinds.items() if kind in ("component", "input") and "." not in key):
        records += _records_of(kinds[name], _starting(fields, f"{name}."))
    [inputs] = [_starting(fields, f"{key}.") for key, rest in items if rest == "input"] or [()]
    calls = sorted(key for key, kind in kinds.items() if kind in ("rpc", "event"))
    arguments = {key: found for key, found in fields.items() if kinds[key] == "argument"}
    functions = [Function(_starting(arguments, key[:-1]), _starting(fields, f"{key}.")) for key in calls]
    digest = blake2b("\n".join(lines).encode(), digest_size=16).digest()
    return Description(digest, tuple(records), inputs, tuple(functions))


_FIELD_WORDS = ("netvar", "input", "argument", "result")


def _starting(fields: dict[str, Field | None], start: str) -> tuple[Field, ...]:
    return tuple(found for key, found in fields.items() if key.startswith(start) and found is not None)


def _records_of(kind: str, fields: tuple[Field, ...]) -> list[tuple[Field, ...]]:
    if kind == "input" or not fields:
        return [()]
    by_audience = [tuple(each for each in fields if each.audience == name) for name in ("EVERYONE", "OWNER", "TEAM")]
    return [found for found in by_audience if found]


def _read_field(rest: str) -> Field | None:
    words = rest.split(" ")[1:]
    if not words:
        return None  # the line of the input itself, not of a field
    return _read_type({key: value for key, _, value in (word.partition("=") for word in words)})


def _read_type(options: dict[str, str]) -> Field:
    kind = options["type"]
    limit = int(options.get("max_bytes", options.get("max_items", 0)))
    if kind.endswith("]") and "=" in kind:
        kind, limit = "flag", _bits(kind)
    elif kind.endswith("]"):
        kind, limit = "enum", kind.count(",") + 1
    low, high, step = [float(options[name]) if name in options else None for name in ("low", "high", "step")]
    audience = options.get("audience", "EVERYONE")
    return Field(kind, low, high, step, limit, "angle" in options, audience, _read_items(options))


def _bits(kind: str) -> int:
    bits = 0
    for member in kind[kind.index("[") + 1 : -1].split(","):
        bits |= int(member.split("=")[1])
    return bits


def _read_items(options: dict[str, str]) -> tuple[Field, ...]:
    inner: dict[str, dict[str, str]] = {}  # in the order of the description: a key before its value
    for key, value in options.items():
        name, _, rest = key.partition(".")
        if rest:
            inner.setdefault(name, {})[rest] = value
    return tuple(_read_type(each) for each in inner.values())


# Values.


def _codes(field: Field) -> tuple[int, int] | None:
    """Return how many bytes a field's code has and the largest code; None where it is not a number of a range."""
    if field.kind in ("bool", "optional"):
        return 1, 1
    if field.kind in ("enum", "array", "list", "dict"):
        return 1, field.limit - (field.kind == "enum")
    if field.kind == "flag":
        return (field.limit.bit_length() + 7) // 8, field.limit
    if field.low is None or field.high is None:
        return None
    if field.kind == "int":
        largest = int(field.high) - int(field.low)
    elif field.step is not None:
        largest = round((field.high - field.low) / field.step) - field.is_turn
    else:
        return None
    return max(1, (largest.bit_length() + 7) // 8), largest


CONTENTS = ("str", "bytes", "codec")


def decode_values(reader: Reader, fields: Sequence[Field]) -> tuple[Value, ...]:
    held = [_decode_fixed(reader, each) for each in fields]
    return tuple(_decode_content(reader, part, each) for part, each in zip(held, fields, strict=True))


def _decode_fixed(reader: Reader, field: Field) -> Value:
    if field.kind == "tuple":
        return tuple(_decode_fixed(reader, each) for each in field.items)
    if field.kind in CONTENTS:
        length = reader.unsigned(1 if field.limit <= 255 else 2)
        expect(length <= field.limit, f"{length} bytes where {field.limit} are allowed")
        return length
    codes = _codes(field)
    if codes is not None:
        return _decode_code(reader.unsigned(codes[0]), codes[1], field)
    if field.kind == "entity":
        return reader.unsigned(4)
    if field.kind == "int":
        return reader.signed(4)
    [number] = struct.unpack(">f", reader.take(4))
    expect(math.isfinite(number), f"a float is {number}")
    return float(number)


def _decode_code(code: int, most: int, field: Field) -> Value:
    expect(code <= most, f"code {code} beyond {most}")
    if field.kind == "flag":
        expect(not code & ~most, f"bits {code:#x} beyond {most:#x}")
    if field.kind == "bool":
        return bool(code)
    start = field.low or 0
    return int(start) + code if field.step is None else start + code * field.step


def _decode_content(reader: Reader, held: Value, field: Field) -> Value:
    """Return the value of a field whose fixed part is `held`."""
    if isinstance(held, tuple):
        return tuple(_decode_content(reader, part, each) for part, each in zip(held, field.items, strict=True))
    if field.kind in CONTENTS:
        assert isinstance(held, int)
        content = reader.take(held)
        return content.decode() if field.kind == "str" else content
    if field.kind not in ("array", "list", "dict", "optional"):
        return held
    assert isinstance(held, int)
    inside = [tuple(decode_values(reader, (item,))[0] for _ in range(held)) for item in field.items]
    if field.kind == "dict":
        expect(len(set(inside[0])) == held, "a key comes twice")
        expect(field.items[0].kind != "entity" or 0 not in inside[0], "a key is nobody")
        return tuple(inside)
    if field.kind == "optional":
        return inside[0][0] if held else None
    return inside[0]


def encode_values(values: Sequence[Value], fields: Sequence[Field]) -> bytes:
    pairs = list(zip(values, fields, strict=True))
    fixed = b"".join(_encode_fixed(value, each) for value, each in pairs)
    return fixed + b"".join(_encode_content(value, each) for value, each in pairs)


def _encode_fixed(value: Value, field: Field) -> bytes:
    if field.kind == "tuple":
        assert isinstance(value, tuple)
        return b"".join(_encode_fixed(part, each) for part, each in zip(value, field.items, strict=True))
    if field.kind == "optional":
        return unsigned(value is not None, 1)
    if isinstance(value, tuple):
        keys = value[0] if field.kind == "dict" else value
        assert isinstance(keys, tuple)
        return unsigned(len(keys), 1)
    if isinstance(value, str | bytes):
        content = value.encode() if isinstance(value, str) else value
        return unsigned(len(content), 1 if field.limit <= 255 else 2)
    assert value is not None
    return _encode_number(value, field)


def _encode_number(value: float, field: Field) -> bytes:
    codes = _codes(field)
    if codes is not None and field.step is not None:
        code = math.floor((value - (field.low or 0)) / field.step + 0.5)
        return unsigned(code % (codes[1] + 1) if field.is_turn else code, codes[0])
    if codes is not None:
        return unsigned(int(value) - int(field.low or 0), codes[0])
    if field.kind == "float":
        return struct.pack(">f", value)
    return int(value).to_bytes(4, "big", signed=field.kind == "int")


def _encode_content(value: Value, field: Field) -> bytes:
    if isinstance(value, str | bytes) and field.kind in CONTENTS:
        return value.encode() if isinstance(value, str) else value
    if field.kind == "optional":
        return b"" if value is None else encode_values((value,), field.items)
    if not isinstance(value, tuple):
        return b""
    if field.kind == "tuple":
        return b"".join(_encode_content(part, each) for part, each in zip(value, field.items, strict=True))
    columns = value if field.kind == "dict" else (value,)
    data = b""
    for column, item in zip(columns, field.items, strict=True):
        assert isinstance(column, tuple)
        data += b"".join(encode_values((each,), (item,)) for each in column)
    return data


# State messages.


@dataclass(frozen=True)
class Own:
    inputs_ahead: int
    margin: int


@dataclass(frozen=True)
class Run:
    """Values of the same records of some entities; a full is one with a single entity."""

    records: tuple[int, ...]
    entities: tuple[tuple[int, tuple[Value, ...]], ...]


@dataclass(frozen=True)
class Check:
    entity: int
    records: tuple[int, ...]
    check: int  # CRC-32; of a complaint the tick


@dataclass(frozen=True)
class State:
    tick: int
    is_synced: bool
    own: Own | None
    gones: tuple[int, ...]
    fulls: tuple[Run, ...]
    runs: tuple[Run | tuple[Check, ...], ...]
    leaves: tuple[int, ...] = ()
    joining: int = 0
    steers: tuple[int, ...] | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(check for run in self.runs if isinstance(run, tuple) for check in run)


def decode_state(message: bytes, description: Description) -> State:
    reader = Reader(message)
    tick, flags = reader.unsigned(4), reader.unsigned(1)
    expect(flags < 128 and flags & 65 != 64, f"flags {flags:#x}")
    own = Own(reader.unsigned(1), reader.signed(1)) if flags & 1 else None
    steers = tuple(_network_id(reader) for _ in range(reader.varint())) if flags & 64 else None
    joining = reader.varint() if flags & 32 else 0
    gones = [_network_id(reader) for _ in range(reader.varint())] if flags & 2 else []
    leaves = [_network_id(reader) for _ in range(reader.varint())] if flags & 16 else []
    fulls = [_decode_full(reader, description) for _ in range(reader.varint())] if flags & 4 else []
    runs: list[Run | tuple[Check, ...]] = []
    while reader.left:
        runs.append(_decode_run(reader, description) if reader.data[reader.at] else _decode_checks(reader, description))
    return State(tick, bool(flags & 8), own, tuple(gones), tuple(fulls), tuple(runs), tuple(leaves), joining, steers)


def _network_id(reader: Reader) -> int:
    found = reader.varint()
    expect(1 <= found < 1 << 32, f"network id {found}")
    return found


def _record_ids(reader: Reader, description: Description) -> tuple[int, ...]:
    ids = tuple(reader.take(reader.unsigned(1)))
    expect(ids != () and list(ids) == sorted(set(ids)), f"records {ids}")
    expect(ids[-1] < len(description.records), f"record {ids[-1]} is unknown")
    return ids


def _values_of(reader: Reader, ids: Iterable[int], description: Description) -> tuple[Value, ...]:
    return tuple(value for id in ids for value in decode_values(reader, description.records[id]))  # noqa: A001


def _decode_full(reader: Reader, description: Description) -> Run:
    entity = _network_id(reader)
    ids = _record_ids(reader, description)
    return Run(ids, ((entity, _values_of(reader, ids, description)),))


def _decode_run(reader: Reader, description: Description) -> Run:
    ids = _record_ids(reader, description)
    count = reader.varint()
    return Run(ids, tuple((_network_id(reader), _values_of(reader, ids, description)) for _ in range(count)))


def _decode_checks(reader: Reader, description: Description) -> tuple[Check, ...]:
    reader.take(1)
    return tuple(
        Check(_network_id(reader), _record_ids(reader, description), reader.unsigned(4)) for _ in range(reader.varint())
    )


def _encode_ids(entities: tuple[int, ...]) -> bytes:
    return varint(len(entities)) + b"".join(map(varint, entities))


def encode_state(state: State, description: Description) -> bytes:
    flags = bool(state.own) + 2 * bool(state.gones) + 4 * bool(state.fulls) + 8 * state.is_synced
    flags += 16 * bool(state.leaves) + 32 * bool(state.joining) + 64 * (state.steers is not None)
    data = unsigned(state.tick, 4) + unsigned(flags, 1)
    if state.own:
        data += unsigned(state.own.inputs_ahead, 1) + state.own.margin.to_bytes(1, "big", signed=True)
    if state.steers is not None:
        data += _encode_ids(state.steers)
    if state.joining:
        data += varint(state.joining)
    data += b"".join(_encode_ids(entities) for entities in (state.gones, state.leaves) if entities)
    if state.fulls:
        data += varint(len(state.fulls))
    for full in state.fulls:
        [(entity, values)] = full.entities
        data += varint(entity) + bytes([len(full.records), *full.records])
        data += _encode_records(full.records, values, description)
    for run in state.runs:
        if isinstance(run, tuple):
            data += b"\0" + varint(len(run)) + b"".join(map(_encode_check, run))
            continue
        data += bytes([len(run.records), *run.records]) + varint(len(run.entities))
        for entity, values in run.entities:
            data += varint(entity) + _encode_records(run.records, values, description)
    return data


def _encode_check(check: Check) -> bytes:
    return varint(check.entity) + bytes([len(check.records), *check.records]) + unsigned(check.check, 4)


def decode_complaints(message: bytes, description: Description) -> tuple[Check, ...]:
    reader = Reader(message)
    complaints: list[Check] = []
    while reader.left or not complaints:
        tick = reader.unsigned(4)
        complaints.append(Check(_network_id(reader), _record_ids(reader, description), tick))
    expect(len(complaints) <= 8, f"{len(complaints)} complaints")
    return tuple(complaints)


def encode_complaints(complaints: Iterable[Check]) -> bytes:
    return b"".join(
        unsigned(each.check, 4) + varint(each.entity) + bytes([len(each.records), *each.records]) for each in complaints
    )


def _encode_records(ids: Iterable[int], values: tuple[Value, ...], description: Description) -> bytes:
    data = b""
    for fields in (description.records[each] for each in ids):
        data += encode_values(values[: len(fields)], fields)
        values = values[len(fields) :]
    return data


# Input messages.


@dataclass(frozen=True)
class Inputs:
    newest_tick: int  # modulo 2**16
    lag: int  # quarters of a tick
    values: tuple[tuple[Value, ...], ...]  # oldest first


def decode_inputs(message: bytes, description: Description) -> Inputs:
    reader = Reader(message)
    newest_tick, lag = reader.unsigned(2), reader.unsigned(1)
    values: list[tuple[Value, ...]] = []
    while reader.left or not values:
        count = reader.unsigned(1)
        expect(count > 0, "a run of no inputs")
        values += [decode_values(reader, description.inputs)] * count
    expect(len(values) <= MAX_INPUTS, f"{len(values)} inputs")
    return Inputs(newest_tick, lag, tuple(values))


def encode_inputs(inputs: Inputs, description: Description) -> bytes:
    data = unsigned(inputs.newest_tick & 0xFFFF, 2) + unsigned(inputs.lag, 1)
    left = list(inputs.values)
    while left:
        count = next((i for i, each in enumerate(left) if each != left[0]), len(left))
        data += bytes([count]) + encode_values(left[0], description.inputs)
        del left[:count]
    return data


# Calls.


@dataclass(frozen=True)
class Call:
    id: int
    function: int
    tick: int
    arguments: tuple[Value, ...]


@dataclass(frozen=True)
class Result:
    id: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Refused:
    id: int
    code: int
    text: str


def decode_call(message: bytes, description: Description, functions: dict[int, int]) -> Call | Result | Refused:
    """Decode what a channel of calls carries.

    Args:
        functions: The function of every call id; a CALL adds its own, a RESULT looks its layout up.
    """
    reader = Reader(message)
    kind, id = reader.unsigned(1), reader.varint()  # noqa: A001
    decoded: Call | Result | Refused
    if kind == 0:
        function, tick = reader.varint(), reader.unsigned(4)
        expect(function < len(description.functions), f"function {function} is unknown")
        functions[id] = function
        decoded = Call(id, function, tick, decode_values(reader, description.functions[function].arguments))
    elif kind == 1:
        expect(id in functions, f"an answer to call {id}")
        decoded = Result(id, decode_values(reader, description.functions[functions[id]].results))
    else:
        expect(kind == 2, f"kind {kind} of call")
        decoded = Refused(id, reader.unsigned(1), reader.rest().decode())
    reader.end()
    return decoded


def encode_call(call: Call | Result | Refused, description: Description, functions: dict[int, int]) -> bytes:
    match call:
        case Call(id, function, tick, arguments):
            start = b"\0" + varint(id) + varint(function) + unsigned(tick, 4)
            return start + encode_values(arguments, description.functions[function].arguments)
        case Result(id, values):
            return b"\1" + varint(id) + encode_values(values, description.functions[functions[id]].results)
        case Refused(id, code, text):
            return b"\2" + varint(id) + unsigned(code, 1) + text.encode()
