"""How one value travels, as source lines that `replication/generate.py` puts together.

In the lines of the value `n`, `vn` is the value itself, `qn` what the struct of fixed-size parts holds of it, and `bn`
the bytes behind the struct, where it has any. `n` is the place of the field; in a tuple, "2_0" is the first of field 2.
"""

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from ecsnet.netfield import MAX_F32, FieldKind, NetField, flag_mask

__all__ = ["F32", "PLANS", "THREE_BYTES", "Plan", "refuse_beyond", "unsigned"]

F32 = struct.Struct("!f")
THREE_BYTES = "BH"  # struct has no such integer: high byte, low half
_FORMATS = {0xFF: "B", 0xFFFF: "H", 0xFFFFFF: THREE_BYTES, 0xFFFFFFFF: "I"}  # by the greatest code they hold


@dataclass(frozen=True, slots=True)
class Plan:
    """Source lines for one value.

    Attributes:
        slots: What it has in the struct, as (n, format); a tuple has those of its elements.
        encode: Make q, and b if there is one, of v; raise one of `UNENCODABLE` if that cannot be.
        decode: Make v of q, and of what lies at `offset`; raise Bad.
        round: Run after `encode`: make of v what decoding would give.
        constants: Names the lines use.
        contents: The n of each b, in their order behind the struct.
    """

    slots: list[tuple[str, str]]
    encode: list[str]
    decode: list[str]
    round: list[str] = field(default_factory=list)
    constants: Mapping[str, object] = field(default_factory=dict)
    contents: list[str] = field(default_factory=list)


def unsigned(top: int) -> str:
    """Return the struct format of the smallest unsigned that holds `top`."""
    return next(code for greatest, code in _FORMATS.items() if top <= greatest)


def refuse_beyond(name: str, top: int, where: str) -> list[str]:
    """Return the line that refuses a code above `top`, if its format can hold one."""
    if top in _FORMATS:
        return []  # every code of the format means something
    return [f"if {name} > {top}: raise Bad('{where}: code {{}} is beyond {top}'.format({name}))"]


def _plan_float(n: str, declared: NetField, where: str) -> Plan:
    """Plan a float of either kind."""
    return _plan_steps(n, declared, where) if declared.step is not None else _plan_f32(n, declared, where)


def _plan_bool(n: str, _declared: NetField, where: str) -> Plan:
    # Whatever has a truth value counts, as in an `if`; but on the wire True is 1, nothing else.
    decode = [*refuse_beyond(f"q{n}", 1, where), f"v{n} = q{n} == 1"]
    return Plan([(n, "?")], [f"q{n} = v{n}"], decode, [f"v{n} = bool(v{n})"])


def _plan_int(n: str, declared: NetField, where: str) -> Plan:
    low, high = declared.low, declared.high
    if low is None or high is None:
        check = f"if not -0x80000000 <= q{n} <= 0x7FFFFFFF: raise ValueError"
        return Plan([(n, "i")], [f"q{n} = index(v{n})", check], [f"v{n} = q{n}"], [f"v{n} = q{n}"])
    top = int(high) - int(low)
    encode = [f"q{n} = index(v{n}) - {low}" if low else f"q{n} = index(v{n})"]
    encode += _bound(f"q{n}", "0", str(top), clamp=declared.clamp)
    decode = [*refuse_beyond(f"q{n}", top, where), f"v{n} = q{n} + {low}"]
    return Plan([(n, unsigned(top))], encode, decode, [f"v{n} = q{n} + {low}"])


def _plan_steps(n: str, declared: NetField, where: str) -> Plan:
    """Plan a quantised float. The bound is checked in steps: half a step beyond `high` still rounds to it."""
    assert declared.low is not None
    assert declared.high is not None
    assert declared.step is not None
    low, span = float(declared.low), float(declared.high) - float(declared.low)
    codes = round(span / declared.step)
    # A full turn needs no code for its end: an angle never leaves its range, it comes round.
    turns = declared.angle and math.isclose(span, math.tau, rel_tol=1e-3)
    top = codes - 1 if turns else codes
    value = f"v{n} = {low!r} + q{n} * {declared.step!r}"
    encode = _bound(f"v{n}", repr(low), repr(float(declared.high)), clamp=True) if declared.clamp else []
    encode.append(f"q{n} = floor((v{n} - {low!r}) * {1 / declared.step!r} + 0.5)")
    encode += [f"q{n} %= {codes}"] if turns else _bound(f"q{n}", "0", str(top), clamp=declared.clamp)
    return Plan([(n, unsigned(top))], encode, [*refuse_beyond(f"q{n}", top, where), value], [value])


def _plan_f32(n: str, declared: NetField, where: str) -> Plan:
    """Plan a plain float: 32 bits. Its bounds are as wide as 32 bits round them, or a value at the edge would fail."""
    low = -MAX_F32 if declared.low is None else min(float(declared.low), _rounded(declared.low))
    high = MAX_F32 if declared.high is None else max(float(declared.high), _rounded(declared.high))
    encode = [f"q{n} = v{n} + 0.0"]
    if declared.clamp:
        encode += _bound(f"q{n}", repr(low), repr(high), clamp=True)
    encode += _bound(f"q{n}", repr(low), repr(high), clamp=False)  # after clamping, only NaN is left to refuse
    decode = [
        f"if not {low!r} <= q{n} <= {high!r}: raise Bad('{where}: a float beyond its range, or none')",
        f"v{n} = q{n}",
    ]
    return Plan([(n, "f")], encode, decode, [f"v{n}, = unpack_f32(pack_f32(q{n}))"])


def _plan_str(n: str, declared: NetField, where: str) -> Plan:
    plan = _plan_bytes(n, declared, where)
    decode = [line.replace(f"v{n} = data[offset:end]", f"v{n} = data[offset:end].decode()") for line in plan.decode]
    return Plan(plan.slots, [f"b{n} = v{n}.encode()", *plan.encode[2:]], decode, contents=[n])


def _plan_bytes(n: str, declared: NetField, where: str) -> Plan:
    encode = [
        f"b{n} = v{n}",
        f"if type(b{n}) is not bytes: raise TypeError",
        f"q{n} = len(b{n})",
        f"if q{n} > {declared.max_bytes}: raise ValueError",
    ]
    decode = [
        f"end = offset + q{n}",
        f"if q{n} > {declared.max_bytes} or end > len(data): raise Bad('{where}: {{}} B are too long'.format(q{n}))",
        f"v{n} = data[offset:end]",
        "offset = end",
    ]
    return Plan([(n, unsigned(declared.max_bytes))], encode, decode, contents=[n])


def _plan_enum(n: str, declared: NetField, where: str) -> Plan:
    assert issubclass(declared.type, Enum)
    members = list(declared.type)
    constants = {f"members{n}": members, f"index{n}": {member: at for at, member in enumerate(members)}}
    decode = [*refuse_beyond(f"q{n}", len(members) - 1, where), f"v{n} = members{n}[q{n}]"]
    return Plan([(n, "B")], [f"q{n} = index{n}[v{n}]"], decode, [f"v{n} = members{n}[q{n}]"], constants)


def _plan_flag(n: str, declared: NetField, where: str) -> Plan:
    mask = flag_mask(declared.type)
    encode = [
        f"if type(v{n}) is not Flag{n}: raise TypeError",
        f"q{n} = v{n}.value",
        f"if q{n} & {~mask}: raise ValueError",
    ]
    decode = [
        f"if q{n} & {~mask}: raise Bad('{where}: {{:#x}} has bits beyond {mask:#x}'.format(q{n}))",
        f"v{n} = Flag{n}(q{n})",
    ]
    return Plan([(n, unsigned(mask))], encode, decode, constants={f"Flag{n}": declared.type})


def _plan_entity(n: str, _declared: NetField, _where: str) -> Plan:
    encode = [f"q{n} = index(v{n})", *_bound(f"q{n}", "0", str(0xFFFFFFFF), clamp=False)]
    return Plan([(n, "I")], encode, [f"v{n} = q{n}"])


PLANS: dict[FieldKind, Callable[[str, NetField, str], Plan]] = {
    FieldKind.BOOL: _plan_bool,
    FieldKind.INT: _plan_int,
    FieldKind.FLOAT: _plan_float,
    FieldKind.STR: _plan_str,
    FieldKind.BYTES: _plan_bytes,
    FieldKind.ENUM: _plan_enum,
    FieldKind.FLAG: _plan_flag,
    FieldKind.ENTITY: _plan_entity,
}


def _rounded(value: float) -> float:
    rounded: float = F32.unpack(F32.pack(value))[0]
    return rounded


def _bound(name: str, low: str, high: str, *, clamp: bool) -> list[str]:
    if clamp:
        return [f"if {name} < {low}: {name} = {low}", f"elif {name} > {high}: {name} = {high}"]
    return [f"if not {low} <= {name} <= {high}: raise ValueError"]
