"""Messages of a game's channels, right in form and wild in content: state of any entities, calls of anything."""

import random
from collections.abc import Callable, Sequence
from enum import Enum

from ecsnet.fields import FieldKind, NetField
from ecsnet.netfield import flag_mask
from ecsnet.remote import Destination
from ecsnet.replication.checks import MAX_COMPLAINTS, encode_complaints
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.replication.frames import (
    NO_INPUT,
    OwnPart,
    encode_checks,
    encode_full,
    encode_records,
    encode_run,
    encode_state,
    encode_steers,
)
from ecsnet.replication.schema import Record, Schema
from ecsnet.systems.input import pack_inputs
from ecsnet.wire import TICK_MASK, pack_varint

Chance = random.Random
ENTITIES = 12  # so few that the same are meant again and again
MANY = 0xFFFFFFFF


def tick(chance: Chance, near: int) -> int:
    """One like the others, or one far from all."""
    around = near + chance.randrange(-20, 60)
    return (around if chance.random() < 0.9 else chance.choice((0, 1, 1 << 31, TICK_MASK, near + 100_000))) & TICK_MASK


def value(chance: Chance, declared: NetField) -> object:
    """Any value that may travel, the limits more often than chance would have them."""
    if declared.items:
        return inside(chance, declared)
    if declared.kind is FieldKind.FLAG:
        return declared.type(chance.getrandbits(16) & flag_mask(declared.type))
    if declared.kind in ANY:
        return ANY[declared.kind](chance)
    if declared.kind is FieldKind.ENUM:
        assert issubclass(declared.type, Enum)
        return chance.choice(list(declared.type))
    low = -(1 << 31) if declared.low is None else declared.low
    high = (1 << 31) - 1 if declared.high is None else declared.high
    if declared.kind is FieldKind.INT:
        return chance.choice((int(low), int(high), chance.randint(int(low), int(high))))
    return chance.choice((float(low), float(high), chance.uniform(low, high)))


def inside(chance: Chance, declared: NetField) -> object:
    """Any value that holds others."""
    if declared.kind is FieldKind.TUPLE:
        return tuple(value(chance, each) for each in declared.items)
    if declared.kind is FieldKind.OPTIONAL:
        return value(chance, declared.items[0]) if chance.random() < 0.5 else None
    count = range(chance.choice((0, 1, 2, declared.max_items)))
    if declared.kind is FieldKind.DICT:
        pairs = {value(chance, declared.items[0]): value(chance, declared.items[1]) for _ in count}
        return {key: each for key, each in pairs.items() if key or declared.items[0].kind is not FieldKind.ENTITY}
    some = [value(chance, declared.items[0]) for _ in count]
    return some if declared.kind is FieldKind.LIST else tuple(some)


ANY: dict[FieldKind, Callable[[Chance], object]] = {
    FieldKind.BOOL: lambda chance: chance.random() < 0.5,
    FieldKind.ENTITY: lambda chance: chance.randrange(ENTITIES) if chance.random() < 0.9 else MANY,
    FieldKind.STR: lambda chance: chance.choice(("", "a name", "ü" * 8, "\x1b[2J", "\u202e")),
    FieldKind.BYTES: lambda chance: chance.randbytes(chance.choice((0, 1, 8))),
}


def values(chance: Chance, codec: RecordCodec) -> Values:
    return tuple(value(chance, declared) for declared in codec.fields)


class StateMaker:
    """Makes state messages for one schema."""

    def __init__(self, schema: Schema, near: int) -> None:
        self._records: Sequence[Record] = schema.records
        self._near = near

    def __call__(self, chance: Chance) -> bytes:
        own = None
        if chance.random() < 0.4:
            own = OwnPart(chance.choice((0, 1, 2, 64, 255)), chance.choice((NO_INPUT, -127, 0, 1, 2, 3, 127)))
        gones = [self._id(chance) for _ in range(chance.choice((0, 0, 0, 1, 3)))]
        fulls = [self._full(chance) for _ in range(chance.choice((0, 0, 1, 2)))]
        runs = [self._run(chance) for _ in range(chance.choice((0, 1, 2)))]
        runs += [self._checks(chance) for _ in range(chance.choice((0, 0, 1)))]
        return encode_state(
            tick(chance, self._near),
            own,
            steers=encode_steers([self._id(chance) for _ in range(2)]) if own and chance.random() < 0.5 else b"",
            synced=chance.random() < 0.5,
            joining=chance.choice((0, 0, 1, 1000, 1 << 61)),
            gones=gones,
            leaves=[self._id(chance) for _ in range(chance.choice((0, 0, 0, 1, 3)))],
            fulls=fulls,
            runs=runs,
        )

    def _id(self, chance: Chance) -> bytes:
        return pack_varint(chance.randrange(1, ENTITIES) if chance.random() < 0.95 else chance.randint(1, MANY))

    def _some(self, chance: Chance) -> list[Record]:
        count = chance.randint(1, min(6, len(self._records)))
        return sorted(chance.sample(list(self._records), count), key=lambda record: record.id)

    def _full(self, chance: Chance) -> bytes:
        some = self._some(chance)
        packed = [record.codec.pack(values(chance, record.codec)) for record in some]
        return encode_full(self._id(chance), encode_records([record.id for record in some]), packed)

    def _checks(self, chance: Chance) -> bytes:
        return encode_checks(
            [
                (self._id(chance), encode_records([each.id for each in self._some(chance)[:2]]), chance.getrandbits(32))
                for _ in range(chance.randint(1, 12))
            ]
        )

    def _run(self, chance: Chance) -> bytes:
        some = self._some(chance)[:2]
        entries = [
            self._id(chance) + b"".join([record.codec.pack(values(chance, record.codec)) for record in some])
            for _ in range(chance.randint(1, 4))
        ]
        return encode_run(encode_records([record.id for record in some]), entries)


class ComplaintMaker:
    """Makes complaints of clients: about any entities and records, as of any tick."""

    def __init__(self, near: int) -> None:
        self._near = near

    def __call__(self, chance: Chance) -> bytes:
        return encode_complaints(
            [
                (
                    tick(chance, self._near),
                    chance.randrange(1, ENTITIES) if chance.random() < 0.95 else chance.randint(1, MANY),
                    tuple(sorted(chance.sample(range(256 if chance.random() < 0.1 else 12), chance.randint(1, 4)))),
                )
                for _ in range(chance.randint(1, MAX_COMPLAINTS))
            ]
        )


class CallMaker:
    """Makes calls and events of a game, mostly those for one side, and answers to calls."""

    def __init__(self, schema: Schema, to: Destination) -> None:
        remotes = schema.remotes
        self._arguments = [RecordCodec(remote.parameters, remote.name) for remote in remotes]
        self._results = [RecordCodec(remote.result_fields, remote.name) for remote in remotes]
        self._fitting = [index for index, remote in enumerate(remotes) if remote.to is to]

    def __call__(self, chance: Chance) -> bytes:
        index = chance.choice(self._fitting) if chance.random() < 0.99 else chance.randrange(len(self._arguments))
        call_id = pack_varint(chance.choice((0, 1, 2, 3, 1 << 40)))
        if chance.random() < 0.99:
            codec = self._arguments[index]
            head = b"\x00" + call_id + pack_varint(index) + tick(chance, 20).to_bytes(4, "big")
        else:
            codec, head = self._results[index], b"\x01" + call_id
        return head + codec.pack(values(chance, codec))


class InputMaker:
    """Makes input messages: ticks near and far, values within and beyond their range."""

    def __init__(self, schema: Schema, near: int) -> None:
        self._codec, self._near = schema.input_codec, near

    def __call__(self, chance: Chance) -> bytes:
        count = chance.choice((0, 1, 5, 32, 255))
        packed = [self._codec.pack(values(chance, self._codec)) for _ in range(count)]
        data = pack_inputs(tick(chance, self._near), chance.choice((0, 1, 42, 255)) / 4, packed)
        return (
            data + bytes((chance.choice((0, 1, 200, 255)),)) + packed[0] if packed and chance.random() < 0.1 else data
        )
