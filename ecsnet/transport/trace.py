"""Trace: every packet of a connection in words, one JSON object a line, for finding out what happened.

Set `TransportConfig.trace`, or say `--trace FILE` on the command line. Nothing is decoded while nobody listens.
"""

import json
import logging
from collections.abc import Callable
from typing import Protocol

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport import packet

__all__ = ["Trace", "TraceWriter", "describe"]

logger = logging.getLogger(__name__)

MAX_TRACE_BYTES = 1 << 30  # an hour of a hundred players; a forgotten trace must not fill the disk


class Trace(Protocol):
    """Who wants to know of packets."""

    def __call__(self, now: float, connection_id: int, what: str, number: int, frames: bytes, kinds: bytes) -> None:
        """Take note of one packet.

        Args:
            what: "sent" or "received"; what cannot be opened is only counted.
            frames: What was inside.
            kinds: By channel, its Delivery.
        """
        ...


class TraceWriter:
    """Writes JSON lines: time, connection, what, packet, bytes, frames."""

    def __init__(self, write: Callable[[str], object], *, side: str = "", limit_bytes: int = MAX_TRACE_BYTES) -> None:
        """Write to a file's `write`, at most `limit_bytes`; `side` tells the traces of two programs apart."""
        self._write = write
        self._side = side
        self._left = limit_bytes

    def __call__(self, now: float, connection_id: int, what: str, number: int, frames: bytes, kinds: bytes) -> None:
        """Write one line."""
        if self._left <= 0:
            return
        record: dict[str, object] = {"time": round(now, 6), "connection": f"{connection_id:08x}", "what": what}
        if self._side:
            record["side"] = self._side
        record |= {"packet": number, "bytes": len(frames), "frames": describe(frames, kinds)}
        line = json.dumps(record) + "\n"
        self._left -= len(line)
        last = json.dumps({"what": "the trace ends here: it is long enough"}) + "\n"
        try:
            self._write(line if self._left > 0 else last)
        except (OSError, ValueError) as error:  # a full disk, a closed file: the game is worth more than its trace
            self._left = 0
            logger.warning("the trace ends here: %s", error)


def describe(frames: bytes, kinds: bytes) -> list[str]:
    """Return a packet's frames in words: sizes and numbers, never the contents of messages."""
    try:
        messages, numbered, fragments, ack, close, eliciting, controls = packet.parse(frames, kinds, 1 << 62, 1 << 62)
    except RemoteProtocolError as error:
        return [f"unreadable: {error}"]
    words = []
    if ack is not None:
        largest, delay, bitmap = ack
        words.append(f"ACK {largest} and {bitmap.bit_count()} before it, after {1000 * delay:.1f} ms")
    if close is not None:
        words.append(f"CLOSE {close[0]} {close[1]!r}")
    names = {packet.PATH_CHALLENGE: "PATH_CHALLENGE", packet.PATH_RESPONSE: "PATH_RESPONSE", packet.CREDIT: "CREDIT"}
    words += [f"{names[kind]} {value}" for kind, value in controls]
    words += [f"MESSAGE channel {channel}, {len(message)} B" for channel, message in messages]
    words += [f"MESSAGE channel {channel}, number {number}, {len(message)} B" for channel, number, message in numbered]
    words += [
        f"FRAGMENT channel {channel}, number {number}, {index + 1} of {count}, {len(part)} B"
        for channel, number, index, count, part in fragments
    ]
    return words or (["PING"] if eliciting else [])
