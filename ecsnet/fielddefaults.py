"""The check of the default of a value that travels; see `fieldcheck`."""

from enum import Flag

from ecsnet.errors import SchemaError
from ecsnet.netfield import MAX_F32, FieldKind, NetField, flag_mask

__all__ = ["checked_default"]


def checked_default(where: str, declared: NetField, default: object) -> object:
    """Return the default in the field's own type."""
    kind = declared.kind
    if kind is FieldKind.OPTIONAL:
        return None if default is None else checked_default(where, declared.items[0], default)
    if kind is FieldKind.INT or kind is FieldKind.FLOAT:
        return _checked_number(where, declared, default)
    if kind is FieldKind.ENTITY:
        if type(default) is not int or default != 0:
            raise SchemaError(f"{where}: default {default!r} is no entity yet; begin with 0, which is nobody")
        return 0
    if kind is FieldKind.CODEC:
        return _checked_custom(where, declared, default)
    if not isinstance(default, declared.type):
        expected = declared.type.__name__
        raise SchemaError(f"{where}: default {default!r} is no {expected}; give one, or change the annotation")
    if isinstance(default, Flag) and default.value & ~flag_mask(declared.type):
        raise SchemaError(f"{where}: default {default!r} has bits that no member declares; give them one")
    if isinstance(default, str | bytes) and kind in (FieldKind.STR, FieldKind.BYTES):
        size = len(default.encode()) if isinstance(default, str) else len(default)
        if size > declared.max_bytes:
            raise SchemaError(f"{where}: the default has {size} B, more than max_bytes={declared.max_bytes}; raise it")
    return _checked_items(where, declared, default) if declared.items else default


def _checked_items(where: str, declared: NetField, default: object) -> object:
    """Return a container anew, each element checked: the author's own object stays out of the components."""
    assert isinstance(default, tuple | list | dict)
    if declared.kind is FieldKind.TUPLE:
        if len(default) != len(declared.items):
            raise SchemaError(f"{where}: default {default!r} has not {len(declared.items)} elements")
    elif len(default) > declared.max_items:
        raise SchemaError(f"{where}: the default has {len(default)} items, more than max_items={declared.max_items}")
    if isinstance(default, dict):
        key, value = declared.items
        if key.kind is FieldKind.ENTITY and default:
            raise SchemaError(f"{where}: default {default!r} names entities, and there are none yet; begin with {{}}")
        return {checked_default(where, key, each): checked_default(where, value, default[each]) for each in default}
    fields = declared.items if declared.kind is FieldKind.TUPLE else declared.items * len(default)
    checked = [checked_default(where, field, each) for field, each in zip(fields, default, strict=True)]
    return checked if declared.kind is FieldKind.LIST else tuple(checked)


def _checked_custom(where: str, declared: NetField, default: object) -> object:
    codec = declared.codec
    assert codec is not None
    try:
        hash(default)
    except TypeError as error:
        raise SchemaError(
            f"{where}: default {default!r} can be changed in place, which nobody would notice; make its class "
            "hashable, as @dataclass(frozen=True) does, and replace values"
        ) from error
    try:
        packed = codec.pack(default)
        again = codec.unpack(packed)
        same = codec.pack(again) == packed and isinstance(packed, bytes)
    except Exception as error:  # whatever the game's own class does
        raise SchemaError(f"{where}: codec {codec.name} cannot pack default {default!r}: {error!r}") from error
    if not same or len(packed) > codec.max_bytes:
        raise SchemaError(
            f"{where}: codec {codec.name} makes {packed!r} of default {default!r} and {again!r} of that; "
            f"it needs bytes, at most max_bytes={codec.max_bytes}, that become the same bytes again"
        )
    return default


def _checked_number(where: str, declared: NetField, default: object) -> int | float:
    kind, low, high = declared.kind, declared.low, declared.high
    numbers = int if kind is FieldKind.INT else int | float
    if isinstance(default, bool) or not isinstance(default, numbers):
        raise SchemaError(f"{where}: default {default!r} is no {kind.value}; give one, or change the annotation")
    if low is None or high is None:
        if kind is FieldKind.INT and not -(1 << 31) <= default < 1 << 31:
            raise SchemaError(f"{where}: default {default} does not fit 32 signed bits; give low= and high=")
        if not abs(default) <= MAX_F32:
            raise SchemaError(f"{where}: default {default} is no finite 32-bit float; give another")
    elif not low <= default <= high:
        raise SchemaError(
            f"{where}: default {default} is outside low={low}..high={high}; give a default in the range or widen it"
        )
    return int(default) if kind is FieldKind.INT else float(default)
