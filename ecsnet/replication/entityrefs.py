"""Entities named inside values: how to collect them, and how to put others in their place, as generated functions."""

from collections.abc import Callable, Sequence

from ecsnet.netfield import FieldKind, NetField, names_entities
from ecsnet.replication.generate import compiled

__all__ = ["reference_functions"]


def reference_functions(
    fields: Sequence[NetField],
) -> tuple[
    Callable[[tuple[object, ...]], list[object]],
    Callable[[tuple[object, ...], Callable[[object], object]], tuple[object, ...]],
]:
    """Generate how to collect the entities among values, and how to put others in their place."""
    listed = "".join(_listed(each, f"values[{i}]") for i, each in enumerate(fields))
    mapped = "".join(f"{_mapped(each, f'values[{i}]')}, " for i, each in enumerate(fields))
    source = f"def refs(values):\n    return [{listed}]\ndef map_refs(values, mapped):\n    return ({mapped})\n"
    made = compiled(source, {})
    return made["refs"], made["map_refs"]


def _listed(declared: NetField, value: str) -> str:
    """Return the elements of a list display that are the entities in a value."""
    if not names_entities(declared):
        return ""
    if declared.kind is FieldKind.ENTITY:
        return f"{value}, "
    if declared.kind is FieldKind.TUPLE:
        return "".join(_listed(each, f"{value}[{i}]") for i, each in enumerate(declared.items))
    if declared.kind is FieldKind.OPTIONAL:
        return f"*([] if {value} is None else [{_listed(declared.items[0], value)}]), "
    if declared.kind is FieldKind.DICT:
        keys, values = declared.items
        source = f"for key, value in {value}.items()"
        return f"*[each {source} for each in [{_listed(keys, 'key')}{_listed(values, 'value')}]], "
    return f"*[each for item in {value} for each in [{_listed(declared.items[0], 'item')}]], "


def _mapped(declared: NetField, value: str) -> str:
    """Return the expression of a value with other entities."""
    if not names_entities(declared):
        return value
    if declared.kind is FieldKind.ENTITY:
        return f"mapped({value})"
    if declared.kind is FieldKind.TUPLE:
        parts = [_mapped(each, f"{value}[{i}]") for i, each in enumerate(declared.items)]
        return f"({', '.join(parts)},)"
    if declared.kind is FieldKind.OPTIONAL:
        return f"(None if {value} is None else {_mapped(declared.items[0], value)})"
    if declared.kind is FieldKind.DICT:
        keys, values = declared.items
        pair = f"key: {_mapped(values, 'value')}"
        among = f"for old, value in {value}.items() for key in [{_mapped(keys, 'old')}]"
        return f"{{{pair} {among}{' if key' if keys.kind is FieldKind.ENTITY else ''}}}"
    items = f"[{_mapped(declared.items[0], 'item')} for item in {value}]"
    return f"tuple({items})" if declared.kind is FieldKind.ARRAY else items
