"""How calls, events and answers look on the wire, and the table by which both sides number them.

Messages on the channels "calls" and "casual-calls"; ids and indexes are varints, entities are the server's:

    CALL     0 | call id (0: no answer wanted) | index of the function or event | sender's tick u32 | arguments
    RESULT   1 | call id | the result's values
    REFUSED  2 | call id | code u8 | text, UTF-8

Arguments and results are packed by a RecordCodec of what is declared; an event's fields are its arguments. The index
counts the game's remote calls and events by name; the schema hash covers them, so both sides have the same table. No
name travels, nothing is looked up on an object. Only this file knows that layout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.quoting import cut
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.replication.schema import Remote
from ecsnet.rpc import RefusalCode, Rpc
from ecsnet.wire import Tick, pack_varint, unpack_varint

__all__ = [
    "CALL",
    "MAX_REFUSAL_BYTES",
    "REFUSED",
    "RESULT",
    "Arrived",
    "CallTable",
    "Entry",
    "pack_call",
    "pack_refusal",
    "pack_result",
    "unpack_head",
    "unpack_refusal",
    "unpack_values",
]

CALL, RESULT, REFUSED = range(3)
MAX_REFUSAL_BYTES = 512


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One line of the table."""

    index: int
    remote: Remote
    arguments: RecordCodec
    result: RecordCodec


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Arrived:
    """A call of the other side, read and not run.

    Attributes:
        call_id: 0: it wants no answer.
        tick: The sender's, when it called.
        values: Of its arguments; entities in them are still the server's.
    """

    call_id: int
    entry: Entry
    tick: Tick
    values: Values

    def __repr__(self) -> str:
        """Show what was called, when and with what."""
        return f"{self.entry.remote.name}{self.values!r} of tick {self.tick}"


class CallTable:
    """A game's remote calls and events, by the numbers both sides give them."""

    def __init__(self, remotes: Sequence[Remote]) -> None:
        """Number them as they stand in the schema."""
        self._entries = [
            Entry(index, each, RecordCodec(each.parameters, each.name), RecordCodec(each.result_fields, each.name))
            for index, each in enumerate(remotes)
        ]
        self._by_remote = {entry.remote: entry for entry in self._entries}
        self._on_arrival = {e.index for e in self._entries if isinstance(e.remote, Rpc) and e.remote.on_arrival}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"CallTable({len(self._entries)} entries)"

    def entry_of(self, remote: Remote) -> Entry:
        """Return the line of a call or event.

        Raises:
            LocalProtocolError: It has none.
        """
        entry = self._by_remote.get(remote)
        if entry is None:
            part = "rpcs" if isinstance(remote, Rpc) else "events"
            raise LocalProtocolError(f"{remote.name} is not among the game's {part}; add it to Game({part}=[...])")
        return entry

    def unpack_call(self, call_id: int, message: bytes, offset: int) -> Arrived:
        """Read a CALL behind its id.

        Raises:
            RemoteProtocolError: It is not what the other side makes.
        """
        index, offset = unpack_varint(message, offset)
        if index >= len(self._entries):
            raise RemoteProtocolError(f"a call of function {index}, and there is none")
        if offset + 4 > len(message):
            raise RemoteProtocolError("a call is cut off before its tick")
        entry = self._entries[index]
        tick = int.from_bytes(message[offset : offset + 4], "big")
        return Arrived(call_id, entry, tick, unpack_values(entry.arguments, message, offset + 4))

    def is_on_arrival(self, message: bytes) -> bool:
        """Tell whether a message is a call that the server answers between two ticks; whatever it is else, it waits.

        HOT: once per call that is answered on arrival, which is read whole a moment later.
        """
        try:
            return message[0] == CALL and unpack_varint(message, unpack_varint(message, 1)[1])[0] in self._on_arrival
        except (IndexError, RemoteProtocolError):
            return False


def pack_call(call_id: int, entry: Entry, tick: Tick, arguments: bytes) -> bytes:
    """Encode a CALL; its arguments are packed already."""
    return b"\x00" + pack_varint(call_id) + pack_varint(entry.index) + tick.to_bytes(4, "big") + arguments


def pack_result(call_id: int, values: bytes) -> bytes:
    """Encode a RESULT; its values are packed already."""
    return b"\x01" + pack_varint(call_id) + values


def pack_refusal(call_id: int, code: RefusalCode, text: str) -> bytes:
    """Encode a REFUSED; a long text is cut between characters."""
    return b"\x02" + pack_varint(call_id) + bytes((code.value,)) + cut(text, MAX_REFUSAL_BYTES).encode()


def unpack_head(message: bytes) -> tuple[int, int, int]:
    """Return a message's kind, its call id, and where the rest begins.

    Raises:
        RemoteProtocolError: There is no such kind, or the message is cut off.
    """
    if not message:
        raise RemoteProtocolError("an empty message on a channel of calls")
    if message[0] > REFUSED:
        raise RemoteProtocolError(f"a message of kind {message[0]} on a channel of calls")
    return message[0], *unpack_varint(message, 1)


def unpack_values(codec: RecordCodec, message: bytes, offset: int) -> Values:
    """Read arguments or a result, to the end of the message.

    Raises:
        RemoteProtocolError: They are not what is declared, or more.
    """
    values, end = codec.unpack(message, offset)
    if end != len(message):
        raise RemoteProtocolError(f"{codec.owner}: {len(message) - end} B too many")
    return values


def unpack_refusal(message: bytes, offset: int) -> tuple[RefusalCode, str]:
    """Read a REFUSED behind its id.

    Raises:
        RemoteProtocolError: There is no such code.
    """
    try:
        return RefusalCode(message[offset]), message[offset + 1 :].decode(errors="replace")
    except (IndexError, ValueError) as error:
        raise RemoteProtocolError(f"a refusal that cannot be read: {error}") from error
