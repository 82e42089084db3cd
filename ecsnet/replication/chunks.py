"""Chunks: datagram-sized pieces of what an audience is told of one tick, encoded once for all who get them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ecsnet.replication.frames import encode_records, encode_run, encode_single, run_header_bytes
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.wire import Tick

__all__ = ["Bundle", "Chunk", "cut", "cut_bundles", "ids_of"]

Bundle: TypeAlias = list[Row]  # what changed of an entity and its parts


@dataclass(slots=True, eq=False)
class Chunk:
    """Some runs of one tick. All that an entity changed for the audience is in one chunk: it arrives together.

    Attributes:
        runs: What is inside: the records as bits, and the entities that changed these.
    """

    tick: Tick
    data: bytes = b""
    runs: list[tuple[int, list[Tracked]]] = field(default_factory=list)
    _lacking_at: Tick | None = None
    _lacking: list[Row] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Iterate over the entities inside."""
        for bits, members in self.runs:
            for tracked in members:
                yield tracked, bits

    def still_lacking(self, tick: Tick) -> list[Row]:
        """Return what whoever lost this chunk still lacks at `tick`; found once for all who lost it.

        Where everything moves that is nothing: the frames since have said it anew. So a loss costs next to nothing.
        """
        if self._lacking_at != tick:
            left = ((tracked, tracked.unchanged_since(bits, self.tick)) for tracked, bits in self.rows())
            self._lacking_at, self._lacking = tick, [row for row in left if row[1]]
        return self._lacking


def cut(groups: Mapping[int, list[Tracked]], tick: Tick, limit: int) -> Iterator[Chunk]:
    """Encode what changed and cut it into chunks of at most `limit` bytes; a single entry may be longer.

    Args:
        groups: Records as bits, and the entities that changed exactly these.
    """
    chunk, parts, size = Chunk(tick), list[bytes](), 0
    for bits, members in groups.items():
        records, entry_of = encode_records(ids_of(bits)), _entry_of(bits)
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
            encode_single(encode_records(ids_of(bits)), tracked.id_bytes, [tracked.packed[i] for i in ids_of(bits)])
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


def ids_of(bits: int) -> list[int]:
    """Return the record ids in a set of bits, ascending."""
    return [i for i in range(bits.bit_length()) if bits >> i & 1]


def _entry_of(bits: int) -> Callable[[Tracked], bytes]:
    """Return what encodes an entity's entry; the usual case, one record, without a loop."""
    ids = ids_of(bits)
    if len(ids) == 1:
        only = ids[0]
        return lambda tracked: tracked.id_bytes + tracked.packed[only]
    return lambda tracked: b"".join([tracked.id_bytes, *[tracked.packed[i] for i in ids]])
