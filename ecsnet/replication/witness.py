"""What a witness is told, from whom nothing is hidden: every record of every entity, whoever may see it besides.

A recording is made of it. It is encoded from what the detector has found anyway, and only where somebody asks. Values
that name entities are told as the game wrote them, also where there is no such entity (yet): the receiver knows by
itself who is there. A fingerprint says what all of it should come to, on both sides.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from ecsnet.replication.chunks import ids_of, records_of
from ecsnet.replication.detect import Frame
from ecsnet.replication.frames import MAX_NETWORK_ID, encode_full, encode_records, encode_run, encode_state
from ecsnet.replication.kinds import Tracked
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.wire import Tick, pack_varint
from ecsnet.world import World

__all__ = ["FINGERPRINT_BYTES", "fingerprint", "fingerprint_of_replica", "news", "whole"]

FINGERPRINT_BYTES = 8  # of states that differ one in 2**64 has the same: it is to find our mistakes


def whole(entities: Mapping[int, Tracked], tick: Tick) -> bytes:
    """Return a state message of all there is."""
    return encode_state(tick, None, fulls=[_full(tracked) for tracked in entities.values()])


def news(frame: Frame, entities: Mapping[int, Tracked]) -> bytes:
    """Return a state message of all that a frame has found.

    HOT: once per send tick of a room that is recorded; tests/bench/bench_recording.py.

    Args:
        entities: All that travel now, by entity.
    """
    groups: dict[int, list[Tracked]] = {}
    for tracked, bits in _changed(frame).items():
        if frame.structured.get(tracked.id) is not tracked:  # else all of it is told
            groups.setdefault(bits, []).append(tracked)
    return encode_state(
        frame.tick,
        None,
        synced=True,
        gones=[pack_varint(entity) for entity in frame.deleted if entity not in entities],
        fulls=[_full(tracked) for tracked in frame.structured.values()],
        runs=[encode_run(records_of(bits), _entries(bits, members)) for bits, members in groups.items()],
    )


def _changed(frame: Frame) -> Mapping[Tracked, int]:
    """Return the records that changed, also those of which only who steers the entity is told at once."""
    if not frame.withheld:
        return frame.changed
    changed = dict(frame.changed)
    for tracked, bits in frame.withheld.items():
        fresh = sum(1 << i for i in ids_of(bits) if tracked.withheld_at.get(i) == frame.tick)
        if fresh:
            changed[tracked] = changed.get(tracked, 0) | fresh
    return changed


def _entries(bits: int, members: Iterable[Tracked]) -> list[bytes]:
    ids = ids_of(bits)
    if len(ids) == 1:  # the usual case where much moves
        [only] = ids
        return [tracked.id_bytes + _packed(tracked, only) for tracked in members]
    return [b"".join([tracked.id_bytes, *[_packed(tracked, i) for i in ids]]) for tracked in members]


def _full(tracked: Tracked) -> bytes:
    ids = list(tracked.packed)
    return encode_full(tracked.id_bytes, encode_records(ids), [_packed(tracked, i) for i in ids])


def _packed(tracked: Tracked, record_id: int) -> bytes:
    """Return a record's bytes, in which entities are named whether they are there or not."""
    values = tracked.referring.get(record_id)
    if values is None:
        return tracked.packed[record_id]
    codec = tracked.kind.codecs[record_id]
    return codec.pack_values(*codec.map_refs(values, _nameable))


def _nameable(entity: int) -> int:
    return entity if 0 < entity <= MAX_NETWORK_ID else 0


# Fingerprints.


def fingerprint(entities: Mapping[int, Tracked]) -> bytes:
    """Return the server's: of every record of every entity as last encoded, by their numbers."""

    def there(entity: int) -> int:
        return entity if entity in entities else 0

    parts = []
    for _, tracked in sorted(entities.items()):
        records = tracked.packed
        if tracked.kind.ref_bits:  # as last encoded they may name somebody who went since
            codecs, named = tracked.kind.codecs, tracked.referring.items()
            mapped = {i: codecs[i].pack_values(*codecs[i].map_refs(values, there)) for i, values in named}
            records = {**records, **mapped}
        parts += [tracked.id_bytes, encode_records(list(records)), *records.values()]
    return blake2b(b"".join(parts), digest_size=FINGERPRINT_BYTES).digest()


def fingerprint_of_replica(receiver: Receiver, schema: Schema, world: World) -> bytes:
    """Return that of a World that was rebuilt by a witness: of its components as they are."""
    parts = []
    for network_id, entity in sorted((receiver.network_id_of(entity), entity) for entity in receiver.confirmed):
        ids = sorted(receiver.confirmed[entity])
        parts += [pack_varint(network_id), encode_records(ids)]
        for record in [schema.records[i] for i in ids]:
            values = record.codec.read(world.component_for_entity(entity, record.cls))
            parts.append(record.codec.pack_values(*record.codec.map_refs(values, receiver.network_id_of)))
    return blake2b(b"".join(parts), digest_size=FINGERPRINT_BYTES).digest()
