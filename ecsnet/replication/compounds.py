"""How values travel that hold others: tuples, arrays, lists, dicts, optional values; and those of custom codecs.

A tuple of a fixed length is flat: its elements are parts of the record like fields. All others have a count, or the
length of what a codec made, in the struct, and their elements behind it, each complete: its struct, its contents.
"""

from collections.abc import Callable

from ecsnet.errors import RemoteProtocolError
from ecsnet.netfield import FieldKind, NetField, ValueCodec
from ecsnet.replication.plans import PLANS, Plan, refuse_beyond, unsigned

__all__ = ["Functions", "plan"]

Functions = Callable[[list[Plan]], dict[str, Callable[..., object]]]  # pack, unpack and quantise of some values


def plan(n: str, declared: NetField, where: str, functions_of: Functions) -> Plan:
    """Plan any value.

    Args:
        functions_of: Makes the functions that pack what lies behind the struct, element by element.
    """
    if declared.kind in PLANS:
        return PLANS[declared.kind](n, declared, where)
    if declared.kind is FieldKind.TUPLE:
        return _plan_tuple(n, declared, where, functions_of)
    if declared.kind is FieldKind.CODEC:
        return _plan_codec(n, declared, where)
    inside = [functions_of([plan("0", each, where, functions_of)]) for each in declared.items]
    constants = {
        f"{name}{n}_{at}": function for at, functions in enumerate(inside) for name, function in functions.items()
    }
    made = _BEHIND[declared.kind](n, declared, where)
    return Plan([(n, "B")], made.encode, made.decode, made.round, constants, contents=[n])


def _plan_tuple(n: str, declared: NetField, where: str, functions_of: Functions) -> Plan:
    parts = [plan(f"{n}_{at}", each, where, functions_of) for at, each in enumerate(declared.items)]
    whole = f"v{n} = ({''.join(f'v{n}_{at}, ' for at in range(len(parts)))})"
    encode = [f"if not isinstance(v{n}, tuple): raise TypeError", " = ".join(reversed(whole.split(" = ")))]
    return Plan(
        [slot for part in parts for slot in part.slots],
        encode + [line for part in parts for line in part.encode],
        [line for part in parts for line in part.decode] + [whole],
        [line for part in parts for line in part.round] + [whole],
        {name: value for part in parts for name, value in part.constants.items()},
        [content for part in parts for content in part.contents],
    )


def _plan_array(n: str, declared: NetField, where: str) -> Plan:
    """Plan tuple[T, ...] or list[T]: one after the other."""
    make = "tuple" if declared.kind is FieldKind.ARRAY else "list"
    encode = [
        f"if not isinstance(v{n}, {make}): raise TypeError",
        *_count(n, declared),
        f"b{n} = b''.join(map(pack{n}_0, v{n}))",
    ]
    decode = [
        *_refuse_count(n, declared, where),
        f"v{n}, offset = take_items(data, offset, q{n}, unpack{n}_0)",
        *([f"v{n} = tuple(v{n})"] if make == "tuple" else []),
    ]
    return Plan([], encode, decode, [f"v{n} = {make}([item for item, in map(quantise{n}_0, v{n})])"])


def _plan_dict(n: str, declared: NetField, where: str) -> Plan:
    """Plan a dict: all keys, then all values. They keep their order: both sides iterate alike."""
    refused, nobody = f"if len(set(keys)) < q{n}", f"if 0 in v{n}"
    encode = [
        f"if not isinstance(v{n}, dict): raise TypeError",
        *_count(n, declared),
        f"keys = list(map(pack{n}_0, v{n}))",
        f"{refused}: raise ValueError",
        f"b{n} = b''.join([*keys, *map(pack{n}_1, v{n}.values())])",
    ]
    decode = [
        *_refuse_count(n, declared, where),
        f"keys, offset = take_items(data, offset, q{n}, unpack{n}_0)",
        f"{refused}: raise Bad('{where}: a key comes twice')",
        f"values, offset = take_items(data, offset, q{n}, unpack{n}_1)",
        f"v{n} = dict(zip(keys, values))",
    ]
    if declared.items[0].kind is FieldKind.ENTITY:
        encode.append(f"{nobody}: raise ValueError")
        decode.append(f"{nobody}: raise Bad('{where}: a key is nobody')")
    rounded = f"v{n} = {{quantise{n}_0(key)[0]: quantise{n}_1(value)[0] for key, value in v{n}.items()}}"
    return Plan([], encode, decode, [rounded])


def _plan_optional(n: str, _declared: NetField, where: str) -> Plan:
    encode = [
        f"q{n} = 0 if v{n} is None else 1",
        f"b{n} = pack{n}_0(v{n}) if q{n} else b''",
    ]
    decode = [
        *refuse_beyond(f"q{n}", 1, where),
        f"v{n} = None",
        f"if q{n}: (v{n},), offset = unpack{n}_0(data, offset)",
    ]
    return Plan([], encode, decode, [f"if q{n}: v{n}, = quantise{n}_0(v{n})"])


def _plan_codec(n: str, declared: NetField, where: str) -> Plan:
    assert declared.codec is not None
    pack, unpack = _custom(declared.codec, where)
    most = declared.max_bytes
    encode = [
        f"b{n} = pack{n}(v{n})",
        f"q{n} = len(b{n})",
        f"if q{n} > {most}: raise ValueError('{{}} B are more than max_bytes={most}'.format(q{n}))",
    ]
    decode = [
        f"end = offset + q{n}",
        f"if q{n} > {declared.max_bytes} or end > len(data): raise Bad('{where}: {{}} B are too long'.format(q{n}))",
        f"v{n} = unpack{n}(data[offset:end])",
        "offset = end",
    ]
    constants = {f"pack{n}": pack, f"unpack{n}": unpack}
    slots = [(n, unsigned(declared.max_bytes))]
    return Plan(slots, encode, decode, [f"v{n} = unpack{n}(b{n})"], constants, contents=[n])


_BEHIND: dict[FieldKind, Callable[[str, NetField, str], Plan]] = {
    FieldKind.ARRAY: _plan_array,
    FieldKind.LIST: _plan_array,
    FieldKind.DICT: _plan_dict,
    FieldKind.OPTIONAL: _plan_optional,
}


def _count(n: str, declared: NetField) -> list[str]:
    return [f"q{n} = len(v{n})", f"if q{n} > {declared.max_items}: raise ValueError"]


def _refuse_count(n: str, declared: NetField, where: str) -> list[str]:
    most = declared.max_items
    return [f"if q{n} > {most}: raise Bad('{where}: {{}} items are more than {most}'.format(q{n}))"]


def _custom(codec: ValueCodec[object], where: str) -> tuple[Callable[[object], bytes], Callable[[bytes], object]]:
    """Return a codec's functions such that what goes wrong in them is told like any other wrong value."""

    def pack(value: object) -> bytes:
        try:
            data: object = codec.pack(value)
        except Exception as error:  # the game's own class may raise anything at all
            raise ValueError(f"codec {codec.name} raises {error!r}") from error
        if type(data) is not bytes:
            raise ValueError(f"codec {codec.name} makes no bytes, but {data!r}")
        return data

    def unpack(data: bytes) -> object:
        try:
            return codec.unpack(data)
        except Exception as error:  # the game's own class may raise anything at all
            raise RemoteProtocolError(f"{where}: codec {codec.name} raises {error!r}") from error

    return pack, unpack
