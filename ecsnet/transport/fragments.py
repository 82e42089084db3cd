"""Fragments: reliable messages too long for a packet, cut here and put together there."""

from ecsnet.errors import RemoteProtocolError

__all__ = ["Assembly", "cut"]


def cut(message: bytes, part_bytes: int) -> list[bytes]:
    """Return a message in parts of `part_bytes`, the last one shorter."""
    return [message[start : start + part_bytes] for start in range(0, len(message), part_bytes)]


class Assembly:
    """A message of which some parts have arrived. It holds what was received, and nothing for what was announced.

    Attributes:
        held_bytes: What it counts against its channel's limit: the parts and their overhead.
    """

    __slots__ = ("_count", "_overhead_bytes", "_parts", "held_bytes")

    def __init__(self, count: int, overhead_bytes: int) -> None:
        """Wait for `count` parts, each of which counts `overhead_bytes` beside its bytes."""
        self._count = count
        self._overhead_bytes = overhead_bytes
        self._parts: dict[int, bytes] = {}
        self.held_bytes = 0

    def __repr__(self) -> str:
        """Show how far it got."""
        return f"Assembly({len(self._parts)} of {self._count} parts, {self.held_bytes} B)"

    def add(self, index: int, count: int, part: bytes) -> bytes | None:
        """Take a part; return the message when it is whole. A part that is there already changes nothing.

        Raises:
            RemoteProtocolError: Another part said there are more, or fewer.
        """
        if count != self._count:
            raise RemoteProtocolError(f"a message has {self._count} fragments and then {count}")
        parts = self._parts
        if index in parts:
            return None
        parts[index] = part
        self.held_bytes += len(part) + self._overhead_bytes
        if len(parts) < count:
            return None
        return b"".join([parts[i] for i in range(count)])
