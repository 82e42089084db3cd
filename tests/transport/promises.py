"""What the channels promise, as a model: what one end sent against what the other end and the reports then show."""

import gc
import random
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from ecsnet.config import HandshakeConfig, TransportConfig
from ecsnet.errors import SendQueueFull
from ecsnet.transport.connection import Connection
from tests.transport.pair import CHANNELS, ORDERED, SEQUENCED, UNORDERED, UNRELIABLE

__all__ = ["Promises", "held_bytes", "held_objects"]

SERIAL_BYTES = 8
_PATTERN = random.Random(0).randbytes(1 << 16) * 5  # no part of it looks like another


class Promises:
    """One direction of a connection: everything sent there is a numbered message, and checked against the promises.

    Attributes:
        sent: Messages sent, by channel.
        delivered: Messages delivered, by channel.
        refused: Messages a full queue did not take.
    """

    def __init__(self, sender: Connection, receiver: Connection) -> None:
        self.sender = sender
        self.receiver = receiver
        self.sent = [0] * len(CHANNELS)
        self.delivered = [0] * len(CHANNELS)
        self.refused = 0
        self._sizes: dict[tuple[int, int], int] = {}  # by channel and serial: sent, not delivered
        self._newest = -1  # delivered on the sequenced channel
        self._tokens: dict[int, tuple[int, int]] = {}  # channel and serial by token, not reported
        self._next_token = 0

    def __repr__(self) -> str:
        return f"Promises(sent {self.sent}, delivered {self.delivered}, {len(self._tokens)} tokens open)"

    def send(self, channel: int, size: int, *, with_token: bool = False) -> None:
        """Send a message of at least SERIAL_BYTES, unless a full queue refuses it."""
        serial, token = self.sent[channel], None
        if with_token and channel in (UNRELIABLE, SEQUENCED):
            token = self._next_token
        message = _message(channel, serial, size)
        try:
            self.sender.send(channel, message, token=token)
        except SendQueueFull:
            self.refused += 1
            return
        self.sent[channel] += 1
        self._sizes[channel, serial] = len(message)
        if token is not None:
            self._next_token += 1
            self._tokens[token] = channel, serial

    def check(self) -> None:
        """Take what arrived and what was reported, and hold it against the promises."""
        for channel, message in self.receiver.take_messages():
            self._check_message(channel, message)
        for token, arrived in self.sender.take_reports():
            assert token in self._tokens, f"token {token} was reported before, or never given"
            channel, serial = self._tokens.pop(token)
            if arrived and channel == UNRELIABLE:
                assert (channel, serial) not in self._sizes, f"{serial} is acknowledged and was not delivered"

    def _check_message(self, channel: int, message: bytes) -> None:
        serial = int.from_bytes(message[:SERIAL_BYTES], "big")
        name = f"message {serial} of channel {CHANNELS[channel].name}"
        size = self._sizes.pop((channel, serial), None)
        assert size is not None, f"{name} came twice, or was never sent"
        assert message == _message(channel, serial, size), f"{name} is not what was sent"
        if channel == ORDERED:
            assert serial == self.delivered[ORDERED], f"{name} comes before {self.delivered[ORDERED]}"
        if channel == SEQUENCED:
            assert serial > self._newest, f"{name} comes after {self._newest}"
            self._newest = serial
        self.delivered[channel] += 1

    @property
    def is_kept(self) -> bool:
        """Whether all that must arrive has arrived, and all that must be reported is."""
        return not self._tokens and all(self.delivered[c] == self.sent[c] for c in (UNORDERED, ORDERED))

    def forget_strays(self, older_than: int) -> None:
        """Let go of unreliable messages so old that they are lost; a long run must not fill its own memory."""
        for channel in (UNRELIABLE, SEQUENCED):
            limit = self.sent[channel] - older_than
            for key in [key for key in self._sizes if key[0] == channel and key[1] < limit]:
                del self._sizes[key]


def _message(channel: int, serial: int, size: int) -> bytes:
    start = (serial * 7919 + channel) & 0xFFFF
    return serial.to_bytes(SERIAL_BYTES, "big") + _PATTERN[start : start + max(0, size - SERIAL_BYTES)]


# What is not the connection's own: shared, or of a size that nothing a peer does can change.
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, HandshakeConfig, TransportConfig)
_SEALED = (AESGCM, ChaCha20Poly1305)


def held_bytes(connection: Connection) -> int:
    """Return how much memory a connection holds: every object reachable from it, whatever it is called.

    It knows no field by name, so a queue added tomorrow is counted tomorrow.
    """
    return sum(sys.getsizeof(each) for each in _reachable(connection))


def held_objects(connection: Connection) -> int:
    """Count these objects. Unlike bytes it goes back to what it was: an emptied dict keeps its room."""
    return sum(1 for _ in _reachable(connection))


def _reachable(root: object) -> Iterator[object]:
    seen, waiting = {id(root)}, [root]
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each, (bytes, str, int, float, *_SEALED)):
            continue
        for child in gc.get_referents(each):
            if id(child) not in seen and not isinstance(child, _SHARED):
                seen.add(id(child))
                waiting.append(child)
