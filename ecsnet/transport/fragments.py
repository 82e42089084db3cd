"""Fragments: messages too long for a packet, cut here and put together there."""

from ecsnet.errors import RemoteProtocolError

__all__ = ["Assembly", "UnreliableAssembler", "cut"]


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


class UnreliableAssembler:
    """Messages of unreliable channels of which some parts have arrived: a few, the oldest given up for a new one.

    Every part is sent once, so of a message that is whole nothing comes any more. What is given up stays so: its other
    parts must not be acknowledged, or the sender would take the message for delivered.
    """

    __slots__ = ("_assemblies", "_given_up", "_limit")

    def __init__(self, limit: int) -> None:
        """Hold at most `limit` incomplete messages, of all channels together."""
        self._limit = limit
        self._assemblies: dict[tuple[int, int], Assembly] = {}  # by channel and number, in order of the first part
        self._given_up: dict[int, int] = {}  # by channel, the largest number

    def __repr__(self) -> str:
        """Show what is incomplete."""
        return f"UnreliableAssembler({self._assemblies})"

    @property
    def held_bytes(self) -> int:
        """What the parts take."""
        return sum(assembly.held_bytes for assembly in self._assemblies.values())

    def gave_up(self, channel: int, number: int) -> bool:
        """Tell whether a part of this message comes too late."""
        return number <= self._given_up.get(channel, -1) and (channel, number) not in self._assemblies

    def add(self, channel: int, number: int, index: int, count: int, part: bytes) -> bytes | None:
        """Take a part; return the message when it is whole.

        Raises:
            RemoteProtocolError: Another part said there are more, or fewer.
        """
        key = channel, number
        assembly = self._assemblies.get(key)
        if assembly is None:
            if len(self._assemblies) >= self._limit:
                self._give_up_oldest()
            assembly = self._assemblies[key] = Assembly(count, 0)
        message = assembly.add(index, count, part)
        if message is not None:
            del self._assemblies[key]
        return message

    def _give_up_oldest(self) -> None:
        channel, number = next(iter(self._assemblies))
        del self._assemblies[channel, number]
        self._given_up[channel] = max(number, self._given_up.get(channel, -1))

    def clear(self) -> None:
        """Let go of what is held."""
        self._assemblies.clear()
