"""Chunks: datagram-sized pieces of what an audience is told of one tick, encoded once for all who get them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from ecsnet.replication.frames import encode_records, encode_run, encode_single, run_header_bytes
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.wire import Tick

__all__ = ["Bundle", "Chunk", "cut", "cut_bundles", "ids_of", "join", "make_up", "records_of"]

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
    runs: Sequence[tuple[int, list[Tracked]]] = ()
    parts: "Sequence[Chunk]" = ()
    _lacking_at: Tick | None = None
    _lacking: Sequence[Row] = ()
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
        if self._bits is None:
            self._bits = {}
            for each, bits in self.rows():
                self._bits[each] = self._bits.get(each, 0) | bits
        return self._bits.get(tracked, 0)

    def still_lacking(self, tick: Tick) -> Sequence[Row]:
        """Return what whoever lost this chunk still lacks at `tick`; found once for all who lost it.

        Where everything moves that is nothing: the frames since have said it anew. So a loss costs next to nothing.
        """
        if self.parts:
            return [row for part in self.parts for row in part.still_lacking(tick)]
        if self._lacking_at != tick:
            left = ((tracked, tracked.unchanged_since(bits, self.tick)) for tracked, bits in self.rows())
            self._lacking_at, self._lacking = tick, [row for row in left if row[1]]
        return self._lacking


def cut(groups: Mapping[int, list[Tracked]], tick: Tick, limit: int) -> list[Chunk]:
    """Encode what changed and cut it into chunks of at most `limit` bytes; a single entry may be longer.

    HOT: once per audience per send tick; tests/bench/bench_state.py.

    Args:
        groups: Records as bits, and the entities that changed exactly these.
    """
    if len(groups) == 1:
        [(bits, members)] = groups.items()
        if len(members) == 1:  # on a fine grid the usual case
            return [Chunk(tick, records_of(bits) + b"\x01" + _entry_of(bits)(members[0]), [(bits, members)])]
    chunks, runs, parts, size = list[Chunk](), list[tuple[int, list[Tracked]]](), list[bytes](), 0
    for bits, members in groups.items():
        records, entry_of = records_of(bits), _entry_of(bits)
        header = run_header_bytes(records, len(members))
        entries = [entry_of(tracked) for tracked in members]
        start, size = 0, size + header
        for at, entry in enumerate(entries):
            size += len(entry)
            if size > limit and (runs or at > start):
                if at > start:
                    runs.append((bits, members[start:at]))
                    parts.append(encode_run(records, entries[start:at]))
                chunks.append(Chunk(tick, b"".join(parts), runs))
                runs, parts, start, size = [], [], at, header + len(entry)
        runs.append((bits, members[start:]))
        parts.append(encode_run(records, entries[start:]))
    return [*chunks, Chunk(tick, b"".join(parts), runs)] if runs else chunks


def cut_bundles(bundles: Iterable[Bundle], tick: Tick, limit: int) -> list[Chunk]:
    """Encode what changed of entities with parts; all of a bundle is in one chunk, however long that is then."""
    chunks, runs, parts, size = list[Chunk](), list[tuple[int, list[Tracked]]](), list[bytes](), 0
    for bundle in bundles:
        encoded = [
            encode_single(records_of(bits), tracked.id_bytes, [tracked.packed[i] for i in ids_of(bits)])
            for tracked, bits in bundle
        ]
        length = sum(map(len, encoded))
        if runs and size + length > limit:
            chunks.append(Chunk(tick, b"".join(parts), runs))
            runs, parts, size = [], [], 0
        runs += [(bits, [tracked]) for tracked, bits in bundle]
        parts += encoded
        size += length
    return [*chunks, Chunk(tick, b"".join(parts), runs)] if runs else chunks


def join(chunks: Sequence[Chunk], tick: Tick, limit: int) -> list[Chunk]:
    """Make up as few chunks as there can be of smaller ones, each of at most `limit` bytes.

    HOT: once per view per send tick; tests/bench/bench_state.py.
    """
    data = b"".join([chunk.data for chunk in chunks])
    if len(data) <= limit:
        return [Chunk(tick, data, (), chunks)] if len(chunks) > 1 else list(chunks)
    joined, parts, left = list[Chunk](), list[Chunk](), limit
    for chunk in chain.from_iterable([_pieces(chunk, limit) for chunk in chunks]):
        if parts and len(chunk.data) > left:
            joined.append(make_up(parts, tick))
            parts, left = [], limit
        parts.append(chunk)
        left -= len(chunk.data)
    return [*joined, make_up(parts, tick)]


def make_up(parts: Sequence[Chunk], tick: Tick) -> Chunk:
    """Return one chunk of all of some, however long."""
    return parts[0] if len(parts) == 1 else Chunk(tick, b"".join([part.data for part in parts]), (), parts)


def _pieces(chunk: Chunk, limit: int) -> Sequence[Chunk]:
    return chunk.parts if chunk.parts and len(chunk.data) > limit else (chunk,)


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
