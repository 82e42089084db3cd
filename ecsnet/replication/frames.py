"""The layout of a state message. Only this file knows it; encode and decode are twins.

    message  = tick u32 | flags u8 | [own] | [steers] | [joining] | [gones] | [leaves] | [fulls] | run*
    flags    = 1: own part | 2: gones | 4: fulls | 8: synced, all this client may see has arrived
             | 16: leaves | 32: joining | 64: steers                       big-endian; runs fill the rest
    own      = inputs ahead u8 | margin i8                                 -128: no input arrived yet
    steers   = count varint | count x network id varint                    with an own part only: see below
    joining  = count varint                                                entities to arrive before it is synced
    gones    = count varint | count x network id varint                    they are deleted
    leaves   = as gones                                                    they may live on, unseen by this client
    fulls    = count varint | count x (network id varint | records | their values)
    run      = records | count varint | count x (network id varint | their values)
             | 0 u8 | count varint | count x (network id varint | records | check u32)        a run of checks
    records  = count u8, at least 1 | that many record ids u8, ascending
    check    = CRC-32 of the encodings of these records' values, joined
    varint   = QUIC's; values of a record: see codec.py

A full is an entity with all the client may see of it, and replaces what the client had. A run changes the records it
names on entities that have them. It names them itself instead of by the number of a "kind", so no table need be agreed
on while entities come and go, and every message can be read without any other. What entities predicted by the client
look like comes in ordinary runs; `own` says to which of its inputs they belong. A message with `steers` names what the
client steers and holds all of it; one with an own part alone holds what changed, of those named last (steering.py).

The same bytes of a run are in the messages of every client of an audience: that is what makes the server fast.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from ecsnet.errors import RemoteProtocolError
from ecsnet.replication.codec import Values
from ecsnet.wire import Tick, pack_varint, unpack_varint, varint_size

if TYPE_CHECKING:
    from ecsnet.replication.schema import Record

__all__ = [
    "HEADER_BYTES",
    "NO_INPUT",
    "Check",
    "OwnPart",
    "State",
    "Update",
    "decode_records",
    "decode_state",
    "encode_checks",
    "encode_full",
    "encode_head",
    "encode_records",
    "encode_run",
    "encode_single",
    "encode_state",
    "encode_steers",
    "run_header_bytes",
]

NO_INPUT = -128  # the margin before any input arrived
MAX_NETWORK_ID = 0xFFFFFFFF

_HEAD = struct.Struct("!IB")
_HEAD_WITH_OWN = struct.Struct("!IBBb")
_OWN = struct.Struct("!Bb")
_CHECK = struct.Struct("!I")
_HAS_OWN, _HAS_GONES, _HAS_FULLS, _SYNCED, _HAS_LEAVES, _JOINING, _STEERS = 1, 2, 4, 8, 16, 32, 64
_KNOWN_FLAGS = _HAS_OWN | _HAS_GONES | _HAS_FULLS | _SYNCED | _HAS_LEAVES | _JOINING | _STEERS

# What to set aside for all but the items themselves: head, own part, three counts below 2**14 and one of any size.
HEADER_BYTES = _HEAD_WITH_OWN.size + 3 * 2 + 4

# (network id, ((record id, values), ...), bytes it took): one entity's part of a message, as it was at its tick.
Update: TypeAlias = tuple[int, list[tuple[int, Values]], int]
Check: TypeAlias = tuple[int, tuple[int, ...], int]  # network id, record ids, CRC-32 of their values


@dataclass(frozen=True, slots=True)
class OwnPart:
    """How far the server got with this client's inputs.

    Attributes:
        inputs_ahead: How many ticks after the message's the newest is whose input need not be sent again, 0 to 255.
        input_margin: Ticks by which inputs are early, negative when late, -127 to 127; NO_INPUT before the first.
    """

    inputs_ahead: int
    input_margin: int


@dataclass(frozen=True, slots=True)
class State:
    """One state message, read whole.

    Attributes:
        synced: The server knows that everything this client may see has arrived.
        gones: Network ids of entities that were deleted.
        fulls: Entities with all their visible records.
        updates: Entities with some of their records.
        leaves: Network ids of entities this client sees no more.
        joining: How many entities have to arrive before it is synced; None if the message does not say.
        checks: What records that have not changed for a while should hold.
        steers: Network ids of what the client steers; None: as before, and what is not here is as the client has it.
    """

    tick: Tick
    own: OwnPart | None
    synced: bool
    gones: tuple[int, ...] = ()
    fulls: tuple[Update, ...] = ()
    updates: tuple[Update, ...] = ()
    leaves: tuple[int, ...] = ()
    joining: int | None = None
    checks: tuple[Check, ...] = ()
    steers: tuple[int, ...] | None = None


def encode_state(
    tick: Tick,
    own: OwnPart | None,
    *,
    steers: bytes = b"",
    synced: bool = False,
    joining: int = 0,
    gones: Sequence[bytes] = (),
    leaves: Sequence[bytes] = (),
    fulls: Sequence[bytes] = (),
    runs: Sequence[bytes] = (),
) -> bytes:
    """Join one message from parts that are encoded already.

    Args:
        steers: From `encode_steers`, if the client is to be told; only with an own part.
        joining: Entities that have to arrive before the client is synced; 0 is not said.
        gones: Network ids as varints.
        leaves: As `gones`.
        fulls: From `encode_full`.
        runs: From `encode_run`, or several of these joined.
    """
    flags = (_HAS_GONES if gones else 0) | (_HAS_LEAVES if leaves else 0) | (_HAS_FULLS if fulls else 0)
    head = encode_head(tick, own, steers, synced=synced, joining=joining, flags=flags)
    counted = [part for items in (gones, leaves, fulls) if items for part in (pack_varint(len(items)), *items)]
    return b"".join((head, *counted, *runs))


def encode_head(
    tick: Tick, own: OwnPart | None, steers: bytes = b"", *, synced: bool, joining: int = 0, flags: int = 0
) -> bytes:
    """Encode the beginning of a message; without further flags only runs may follow.

    HOT: once per client per send tick; tests/bench/bench_replication.py.
    """
    if synced:
        flags |= _SYNCED
    counted = b""
    if joining:
        flags |= _JOINING
        counted = pack_varint(joining)
    if own is None:
        return _HEAD.pack(tick, flags) + counted
    flags |= _HAS_OWN | _STEERS if steers else _HAS_OWN
    return _HEAD_WITH_OWN.pack(tick, flags, own.inputs_ahead, own.input_margin) + steers + counted


def encode_steers(network_ids: Sequence[bytes]) -> bytes:
    """Encode which entities a client steers; network ids as varints."""
    return b"".join((pack_varint(len(network_ids)), *network_ids))


def encode_records(record_ids: Sequence[int]) -> bytes:
    """Encode the list of records a run or a full begins with; ascending ids."""
    return bytes((len(record_ids), *record_ids))


def encode_run(records: bytes, entries: Sequence[bytes]) -> bytes:
    """Encode entities that change the same records.

    Args:
        records: From `encode_records`.
        entries: Network id as varint, then the values, one entry an entity.
    """
    return b"".join((records, pack_varint(len(entries)), *entries))


def encode_single(records: bytes, network_id: bytes, values: Iterable[bytes]) -> bytes:
    """Encode a run of one entity."""
    return b"".join((records, b"\x01", network_id, *values))


def encode_checks(entries: Sequence[tuple[bytes, bytes, int]]) -> bytes:
    """Encode a run of checks: of each entity the network id, the records from `encode_records`, and the CRC-32."""
    parts = [part for network_id, records, check in entries for part in (network_id, records, _CHECK.pack(check))]
    return b"".join((b"\x00", pack_varint(len(entries)), *parts))


def decode_records(data: bytes, offset: int) -> tuple[bytes, int]:
    """Read what `encode_records` made; return the ids and the offset behind them.

    Raises:
        RemoteProtocolError: There is none, or not all, or not in order.
    """
    count = data[offset] if offset < len(data) else 0
    ids = data[offset + 1 : offset + 1 + count]
    if not count or len(ids) < count:
        raise RemoteProtocolError("a list of records is empty or cut off")
    if any(a >= b for a, b in pairwise(ids)):
        raise RemoteProtocolError(f"records {list(ids)} are unknown or out of order")
    return ids, offset + 1 + count


def run_header_bytes(records: bytes, count: int) -> int:
    """Return how much longer a run is than its entries."""
    return len(records) + varint_size(count)


def encode_full(network_id: bytes, records: bytes, values: Sequence[bytes]) -> bytes:
    """Encode an entity with everything the client may see of it."""
    return b"".join((network_id, records, *values))


def decode_state(message: bytes, records: Sequence["Record"], *, runs: bool = True) -> State:
    """Read a whole message, or nothing of it.

    Everything counted takes at least a byte an item, so the work is bounded by the message's length.

    Args:
        runs: Whether to read what changed, too: most of a message, and nothing to whoever holds no World.

    Raises:
        RemoteProtocolError: The bytes are no state message of these records.
    """
    if len(message) < _HEAD.size:
        raise RemoteProtocolError(f"a state message of {len(message)} B has no header")
    tick, flags = _HEAD.unpack_from(message)
    if flags & ~_KNOWN_FLAGS:
        raise RemoteProtocolError(f"flags {flags:#04x} are not of this version")
    offset = _HEAD.size
    own, steers = None, None
    if flags & (_HAS_OWN | _STEERS):
        own, steers, offset = _decode_own(message, offset, flags)
    joining = None
    if flags & _JOINING:
        joining, offset = unpack_varint(message, offset)
    gones: list[int] = []
    if flags & _HAS_GONES:
        gones, offset = _decode_gones(message, offset)
    leaves: list[int] = []
    if flags & _HAS_LEAVES:
        leaves, offset = _decode_gones(message, offset)
    fulls: list[Update] = []
    if flags & _HAS_FULLS:
        fulls, offset = _decode_fulls(message, offset, records)
    updates: list[Update] = []
    checks: list[Check] = []
    end = len(message) if runs else offset
    while offset < end:
        if message[offset]:
            offset = _decode_run(message, offset, records, updates)
        else:
            offset = _decode_checks(message, offset + 1, records, checks)
    synced = bool(flags & _SYNCED)
    return State(
        tick, own, synced, tuple(gones), tuple(fulls), tuple(updates), tuple(leaves), joining, tuple(checks), steers
    )  # fmt: skip


def _decode_own(data: bytes, offset: int, flags: int) -> tuple[OwnPart, tuple[int, ...] | None, int]:
    if not flags & _HAS_OWN:
        raise RemoteProtocolError("a message names what the client steers, but has no own part")
    if len(data) < offset + _OWN.size:
        raise RemoteProtocolError("the own part is cut off")
    own, offset = OwnPart(*_OWN.unpack_from(data, offset)), offset + _OWN.size
    if not flags & _STEERS:
        return own, None, offset
    steers, offset = _decode_gones(data, offset)
    return own, tuple(steers), offset


def _decode_gones(data: bytes, offset: int) -> tuple[list[int], int]:
    count, offset = unpack_varint(data, offset)
    gones = []
    for _ in range(count):
        network_id, offset = _decode_network_id(data, offset)
        gones.append(network_id)
    return gones, offset


def _decode_fulls(data: bytes, offset: int, records: Sequence["Record"]) -> tuple[list[Update], int]:
    count, offset = unpack_varint(data, offset)
    fulls: list[Update] = []
    for _ in range(count):
        start = offset
        network_id, offset = _decode_network_id(data, offset)
        named, offset = _decode_records(data, offset, records)
        values, offset = _decode_values(data, offset, named)
        fulls.append((network_id, values, offset - start))
    return fulls, offset


def _decode_run(data: bytes, offset: int, records: Sequence["Record"], updates: list[Update]) -> int:
    """Append a run's entities to `updates`; return where it ends.

    HOT: on a client once per changed entity per message; tests/bench/bench_replication.py.
    """
    named, offset = _decode_records(data, offset, records)
    count, offset = unpack_varint(data, offset)
    for _ in range(count):
        start = offset
        network_id, offset = _decode_network_id(data, offset)
        values, offset = _decode_values(data, offset, named)
        updates.append((network_id, values, offset - start))
    return offset


def _decode_checks(data: bytes, offset: int, records: Sequence["Record"], checks: list[Check]) -> int:
    """Append a run's checks to `checks`; return where it ends."""
    count, offset = unpack_varint(data, offset)
    for _ in range(count):
        network_id, offset = _decode_network_id(data, offset)
        named, offset = _decode_records(data, offset, records)
        if len(data) < offset + _CHECK.size:
            raise RemoteProtocolError("a check is cut off")
        checks.append((network_id, tuple(record.id for record in named), _CHECK.unpack_from(data, offset)[0]))
        offset += _CHECK.size
    return offset


def _decode_values(data: bytes, offset: int, named: list["Record"]) -> tuple[list[tuple[int, Values]], int]:
    found = []
    for record in named:
        values, offset = record.codec.unpack(data, offset)
        found.append((record.id, values))
    return found, offset


def _decode_network_id(data: bytes, offset: int) -> tuple[int, int]:
    network_id, offset = unpack_varint(data, offset)
    if not 0 < network_id <= MAX_NETWORK_ID:
        raise RemoteProtocolError(f"{network_id} is no network id")
    return network_id, offset


def _decode_records(data: bytes, offset: int, records: Sequence["Record"]) -> tuple[list["Record"], int]:
    ids, offset = decode_records(data, offset)
    if ids[-1] >= len(records):
        raise RemoteProtocolError(f"records {list(ids)} are unknown or out of order")
    return [records[i] for i in ids], offset
