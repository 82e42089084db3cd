"""Functions made of plans: Python source, compiled once per record.

With every constant in place and no loop over fields, packing a Transform2D costs 0.3 µs instead of 1.1.
"""

import math
import operator
import struct
from collections.abc import Callable, Sequence
from types import FunctionType

from ecsnet.errors import RemoteProtocolError, SchemaError
from ecsnet.replication.plans import F32, THREE_BYTES, Plan

__all__ = ["UNENCODABLE", "Explain", "compiled", "generate", "layout_of"]

Explain = Callable[[tuple[object, ...], Exception], SchemaError]

# What a value of the wrong type or size may raise in the generated code. UnicodeError is a ValueError.
UNENCODABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)


def layout_of(plans: Sequence[Plan]) -> struct.Struct:
    """Return the struct of the fixed-size parts, which comes first."""
    return struct.Struct("!" + "".join(form for plan in plans for _, form in plan.slots))


def generate(plans: Sequence[Plan], explain: Explain | None = None) -> dict[str, FunctionType]:
    """Compile pack, unpack and quantise; each a straight line of statements in one try, which costs nothing.

    Args:
        explain: Makes the error of values that cannot be packed. None: what they raise goes on as it is.
    """
    values = "".join(f"v{i}, " for i in range(len(plans)))
    encode = [line for plan in plans for line in plan.encode]
    rounding = [line for plan in plans for line in plan.round]
    failed = f"except unencodable as error: raise explain(({values}), error) from error" if explain else ""
    broken = "except (broken, UnicodeDecodeError) as error: raise Bad(f'a record is broken: {error}') from error"
    layout = layout_of(plans)
    strict = struct.Struct(layout.format.replace("?", "B"))  # "?" would read any byte but 0 as True
    source = "\n".join(
        [
            f"def pack({values}):",
            *_tried([*encode, f"return {_joined(plans)}"], failed),
            f"def quantise({values}):",
            *_tried([*encode, *rounding, f"return ({values})"], failed),
            "def unpack(data, offset):",
            *_tried([*_taken(plans, layout), f"return ({values}), offset"], broken),
        ]
    )
    namespace: dict[str, object] = {
        "Bad": RemoteProtocolError, "broken": struct.error, "explain": explain, "floor": math.floor,
        "index": operator.index, "pack_f32": F32.pack, "put": layout.pack, "take": strict.unpack_from,
        "take_items": _take_items, "unencodable": UNENCODABLE, "unpack_f32": F32.unpack,
    }  # fmt: skip
    for plan in plans:
        namespace.update(plan.constants)
    made = compiled(source, namespace)
    return {name: made[name] for name in ("pack", "quantise", "unpack")}


def _joined(plans: Sequence[Plan]) -> str:
    slots = [slot for plan in plans for slot in plan.slots]
    put = ", ".join(f"q{n} >> 16, q{n} & 0xFFFF" if form == THREE_BYTES else f"q{n}" for n, form in slots)
    contents = "".join(f" + b{n}" for plan in plans for n in plan.contents)
    return f"put({put}){contents}"


def _taken(plans: Sequence[Plan], layout: struct.Struct) -> list[str]:
    """Return the lines that decode.

    Contents follow the struct, so plain fields are decoded first only in the source: the order changes nothing else.
    """
    slots = [slot for plan in plans for slot in plan.slots]
    if not slots:
        return []
    taken = "".join(f"h{n}, q{n}, " if form == THREE_BYTES else f"q{n}, " for n, form in slots)
    joined = [f"q{n} |= h{n} << 16" for n, form in slots if form == THREE_BYTES]
    decode = [line for plan in plans for line in plan.decode]
    return [f"{taken}= take(data, offset)", f"offset += {layout.size}", *joined, *decode]


def _take_items(
    data: bytes, offset: int, count: int, unpack: Callable[[bytes, int], tuple[tuple[object], int]]
) -> tuple[list[object], int]:
    """Decode `count` elements, each of which takes at least a byte: `data` bounds how many there can be."""
    items = []
    for _ in range(count):
        (item,), offset = unpack(data, offset)
        items.append(item)
    return items, offset


def _tried(lines: list[str], handler: str) -> list[str]:
    body = ["try:", *[f"    {line}" for line in lines], handler] if handler else lines
    return [f"    {line}" for line in body]


def compiled(source: str, namespace: dict[str, object]) -> dict[str, FunctionType]:
    """Run generated source; it holds names and numbers of checked declarations, nothing from the network."""
    exec(compile(source, "<ecsnet record codec>", "exec"), namespace)  # noqa: S102  # our own source, see above
    return {name: made for name, made in namespace.items() if isinstance(made, FunctionType)}
