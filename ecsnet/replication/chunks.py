"""Chunks: datagram-sized pieces of what an audience is told of one tick, encoded once for all who get them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from ecsnet.replication.frames import encode_records, encode_run, encode_single, run_header_bytes
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.wire import Tick

__all__ = ["Bundle", "Chunk", "cut", "cut_bundles", "ids_of", "join", "records_of"]

Bundle: TypeAlias = list[Row]  # what changed of an entity and its parts


@dataclass(slots=True, eq=False)
class Chunk:
    """Some runs of one tick. All that an entity changed for the audience is in one chunk: it arrives together.

    Attributes:
        runs: What is inside: the records as bits, and the entities that changed these.
        parts: Smaller chunks of which it is made up, instead of runs.
    """

    tick: Tick
    data: bytes = b""
    runs: list[tuple[int, list[Tracked]]] = field(default_factory=list)
    parts: "Sequence[Chunk]" = ()
    _lacking_at: Tick | None = None
    _lacking: list[Row] = field(default_factory=list)
    _bits: dict[Tracked, int] | None = None

    def rows(self) -> Iterator[Row]:
        """Iterate over the entities inside."""
        for bits, members in self.runs:
            for tracked in members:
                yield tracked, bits
        for part in self.parts:
            yield from part.rows()

    def bits_of(self, tracked: Tracked) -> int:
        """Return which records of an entity are inside; the table is made once for all who ask."""
        if self.parts:
            bits = 0
            for part in self.parts:
                bits |= part.bits_of(tracked)
            return bits
        if self._bits is None:
            self._bits = dict(self.rows())
        return self._bits.get(tracked, 0)

    def still_lacking(self, tick: Tick) -> list[Row]:
        """Return what whoever lost this chunk still lacks at `tick`; found once for all who lost it.

        Where everything moves that is nothing: the frames since have said it anew. So a loss costs next to nothing.
        """
        if self.parts:
            return [row for part in self.parts for row in part.still_lacking(tick)]
        if self._lacking_at != tick:
            left = ((tracked, tracked.unchanged_since(bits, self.tick)) for tracked, bits in self.rows())
            self._lacking_at, self._lacking = tick, [row for row in left if row[1]]
        return self._lacking


def cut(groups: Mapping[int, list[Tracked]], tick: Tick, limit: int) -> Iterator[Chunk]:
    """Encode what changed and cut it into chunks of at most `limit` bytes; a single entry may be longer.

    Args:
        groups: Records as bits, and the entities that changed exactly these.
    """
    if len(groups) == 1:
        [(bits, members)] = groups.items()
        if len(members) == 1:  # on a fine grid the usual case
            yield Chunk(tick, records_of(bits) + b"\x01" + _entry_of(bits)(members[0]), [(bits, members)])
            return
    chunk, parts, size = Chunk(tick), list[bytes](), 0
    for bits, members in groups.items():
        records, entry_of = records_of(bits), _entry_of(bits)
        header = run_header_bytes(records, len(members))
        entries = [entry_of(tracked) for tracked in members]
        start, size = 0, size + header
        for at, entry in enumerate(entries):
            size += len(entry)
            if size > limit and (chunk.runs or at > start):
                if at > start:
                    chunk.runs.append((bits, members[start:at]))
                    parts.append(encode_run(records, entries[start:at]))
                chunk.data = b"".join(parts)
                yield chunk
                chunk, parts, start, size = Chunk(tick), [], at, header + len(entry)
        chunk.runs.append((bits, members[start:]))
        parts.append(encode_run(records, entries[start:]))
    if chunk.runs:
        chunk.data = b"".join(parts)
        yield chunk


def cut_bundles(bundles: Iterable[Bundle], tick: Tick, limit: int) -> Iterator[Chunk]:
    """Encode what changed of entities with parts; all of a bundle is in one chunk, however long that is then."""
    chunk, parts, size = Chunk(tick), list[bytes](), 0
    for bundle in bundles:
        runs = [
            encode_single(records_of(bits), tracked.id_bytes, [tracked.packed[i] for i in ids_of(bits)])
            for tracked, bits in bundle
        ]
        length = sum(map(len, runs))
        if chunk.runs and size + length > limit:
            chunk.data = b"".join(parts)
            yield chunk
            chunk, parts, size = Chunk(tick), [], 0
        chunk.runs += [(bits, [tracked]) for tracked, bits in bundle]
        parts += runs
        size += length
    if chunk.runs:
        chunk.data = b"".join(parts)
        yield chunk


def join(chunks: Sequence[Chunk], tick: Tick, limit: int) -> list[Chunk]:
    """Make up as few chunks as there can be of smaller ones, each of at most `limit` bytes.

    HOT: once per view per send tick; tests/bench/bench_state.py.
    """
    if len(chunks) < 2:  # noqa: PLR2004  # nothing to join
        return list(chunks)
    data = b"".join([chunk.data for chunk in chunks])
    if len(data) <= limit:
        return [Chunk(tick, data, parts=chunks)]
    joined, parts, left = list[Chunk](), list[Chunk](), limit
    for chunk in chunks:
        if parts and len(chunk.data) > left:
            joined.append(_made_up(parts, tick))
            parts, left = [], limit
        parts.append(chunk)
        left -= len(chunk.data)
    return [*joined, _made_up(parts, tick)]


def _made_up(parts: Sequence[Chunk], tick: Tick) -> Chunk:
    return parts[0] if len(parts) == 1 else Chunk(tick, b"".join([part.data for part in parts]), parts=parts)


@lru_cache(maxsize=4096)  # the sets of records that change together in a game: a few dozen
def ids_of(bits: int) -> tuple[int, ...]:
    """Return the record ids in a set of bits, ascending."""
    return tuple([i for i in range(bits.bit_length()) if bits >> i & 1])


@lru_cache(maxsize=4096)  # as above
def records_of(bits: int) -> bytes:
    """Return what a run of these records begins with."""
    return encode_records(ids_of(bits))


@lru_cache(maxsize=4096)  # as above
def _entry_of(bits: int) -> Callable[[Tracked], bytes]:
    """Return what encodes an entity's entry; the usual case, one record, without a loop."""
    ids = ids_of(bits)
    if len(ids) == 1:
        only = ids[0]
        return lambda tracked: tracked.id_bytes + tracked.packed[only]
    return lambda tracked: b"".join([tracked.id_bytes, *[tracked.packed[i] for i in ids]])
