"""What is wrong with a value that cannot travel, and the remedy, such as `items[3]: 300 is outside low=0..high=255`."""

from collections.abc import Callable, Iterator

from ecsnet.netfield import FieldKind, NetField

__all__ = ["complaint"]

SHOWN_CHARACTERS = 60  # of a value, in an error text

_NUMBERS = {FieldKind.INT: "an int", FieldKind.FLOAT: "a finite float"}

PackerOf = Callable[[NetField], Callable[[object], bytes]]  # packs one value; raises one of the given exceptions

_REMEDIES = {
    FieldKind.BOOL: "is no bool; assign True or False",
    FieldKind.ENTITY: "is no entity; assign an entity of this world, or 0 for nobody",
    FieldKind.STR: "is no str of at most {max_bytes} B in UTF-8; shorten it or raise max_bytes=",
    FieldKind.BYTES: "is no bytes of at most {max_bytes} B; shorten it or raise max_bytes=",
    FieldKind.ENUM: "is no member of {type}; assign one",
    FieldKind.FLAG: "is no {type}, or has bits that no member declares; assign members joined with |",
    FieldKind.TUPLE: "is no tuple of {count} elements; assign one",
    FieldKind.ARRAY: "is no tuple of at most {max_items} elements; shorten it or raise max_items=",
    FieldKind.LIST: "is no list of at most {max_items} items; shorten it or raise max_items=",
    FieldKind.DICT: "is no dict of at most {max_items} keys; shorten it or raise max_items=",
}


def complaint(
    name: str, declared: NetField, value: object, packer_of: PackerOf, expected: tuple[type[Exception], ...]
) -> str | None:
    """Return where in a field the first value is that cannot travel, what is wrong with it and what to do about it.

    Args:
        packer_of: Returns what packs a value of a field.
        expected: What that raises if it cannot.

    Returns:
        Such as `items[3]: 300 is outside ...`; None if the value can travel.
    """
    try:
        packer_of(declared)(value)
    except expected as error:
        for inner_name, inner, each in _inside(name, declared, value):
            found = complaint(inner_name, inner, each, packer_of, expected)
            if found is not None:
                return found
        return f"{name}: {_fault(declared, value, error)}"
    return None


def _inside(name: str, declared: NetField, value: object) -> Iterator[tuple[str, NetField, object]]:
    """Yield the elements of a value, if it has the right form, each with its place and field."""
    items = declared.items
    if declared.kind is FieldKind.OPTIONAL:
        yield name, items[0], value
    elif not (items and isinstance(value, declared.type)):
        return
    elif isinstance(value, dict) and len(value) <= declared.max_items:
        for key, each in value.items():
            yield f"{name}, key {_shown(key)}", items[0], key
            yield f"{name}[{_shown(key)}]", items[1], each
    elif isinstance(value, list | tuple) and len(value) <= max(declared.max_items, len(items)):
        for at, each in enumerate(value):
            yield f"{name}[{at}]", items[min(at, len(items) - 1)], each


def _fault(declared: NetField, value: object, error: Exception) -> str:
    shown = _shown(value)
    if declared.kind is FieldKind.DICT and isinstance(value, dict) and len(value) <= declared.max_items:
        return f"{shown} has a key that is nobody (0), or two that look alike; take one out"
    if declared.kind is FieldKind.CODEC:
        return f"{shown} cannot travel: {error}"
    if declared.kind in _REMEDIES:
        text = _REMEDIES[declared.kind]
        filled = text.format(
            max_bytes=declared.max_bytes, max_items=declared.max_items, type=declared.type.__name__,
            count=len(declared.items),
        )  # fmt: skip
        return f"{shown} {filled}"
    number = isinstance(value, int) if declared.kind is FieldKind.INT else isinstance(value, int | float)
    if not number or value != value:  # noqa: PLR0124  # NaN alone differs from itself
        return f"{shown} is no {declared.kind.value} that can travel; assign {_NUMBERS[declared.kind]}"
    if declared.low is None:
        limits = "32 signed bits; give it low= and high=" if declared.kind is FieldKind.INT else "a finite 32-bit float"
        return f"{shown} does not fit {limits}"
    return (
        f"{shown} is outside low={declared.low}..high={declared.high}; "
        "keep it inside, widen the range, or declare clamp=True"
    )


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]} ..."
