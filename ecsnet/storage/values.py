"""Values: what a component's field holds, as a document that people can read, and back again.

What a field is declared as says how it is read back, so the plain form is enough for almost everything: an Enum is its
name, a tuple or set a list. Only what JSON has no form for is marked, by a mapping with one key that begins with "$";
and where nothing is declared (`object`, or a name that only type checkers know), what is not plain is marked as well.
"""

import math
import types
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum, Flag
from typing import Annotated, Union, get_args, get_origin, get_type_hints

__all__ = ["ANYTHING", "NotKeptError", "ValueForm", "value_form"]

MAX_DEPTH = 32  # of lists in lists, and the like: what refers to itself has no end
_INT64 = range(-(1 << 63), 1 << 63)  # what any database can hold
_FREE = (bool, int, float, str, bytes, type(None))


class NotKeptError(ValueError):
    """A value has no form, or a form is no value of the type; the text says which."""


@dataclass(frozen=True, slots=True)
class ValueForm:
    """How the values of one declared type are written and read.

    Attributes:
        write: Returns the document's part for a value; raises NotKeptError.
        read: The reverse; raises NotKeptError.
        is_fixed: Values are never changed in place, so one may be kept as it is and written later.
    """

    write: Callable[[object], object]
    read: Callable[[object], object]
    is_fixed: bool = False


def value_form(declared: object) -> ValueForm:
    """Return the form for what a field is annotated with, resolved; whatever is not known is ANYTHING."""
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is Annotated:
        return value_form(arguments[0])
    if origin is Union or origin is types.UnionType:
        return _optional_form(arguments)
    container = declared if origin is None else origin
    if isinstance(container, Hashable) and container in _CONTAINERS:
        return _CONTAINERS[container](arguments)
    return _class_form(declared) if isinstance(declared, type) else ANYTHING


def _class_form(declared: type) -> ValueForm:
    if issubclass(declared, Enum):
        return _enum_form(declared)
    if declared in _FREE:
        return _plain_form(declared)
    if is_dataclass(declared) or (issubclass(declared, tuple) and hasattr(declared, "_fields")):
        return _parts_form(declared)
    return ANYTHING


# Plain values.


def _write_plain(value: object) -> object:
    """Return None, a bool, number, text or bytes as JSON and every database can hold it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value in _INT64 else {"$int": str(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, str):
        return value if _is_text(value) else {"$text": value.encode("utf-8", "surrogatepass").hex()}
    if isinstance(value, bytes | bytearray):
        return {"$bytes": bytes(value).hex()}
    raise NotKeptError(f"a {type(value).__name__} has no form in a store")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_marked(document: Mapping[str, object]) -> object:
    """Return what a mark of `_write_plain` stands for."""
    mark, content = next(iter(document.items()), ("", None))
    if len(document) == 1 and isinstance(content, str):
        try:
            match mark:
                case "$int":
                    return int(content)
                case "$float":
                    return float(content)
                case "$text":
                    return bytes.fromhex(content).decode("utf-8", "surrogatepass")
                case "$bytes":
                    return bytes.fromhex(content)
        except ValueError as error:
            raise NotKeptError(f"{document!r}: {error}") from error
    raise NotKeptError(f"{document!r} is no value")


def _plain_form(declared: type) -> ValueForm:
    allowed = (int, float) if declared is float else (declared,)

    def read(document: object) -> object:
        value = _read_marked(document) if isinstance(document, Mapping) else document
        if not isinstance(value, allowed) or (isinstance(value, bool) and declared is not bool):
            raise NotKeptError(f"{value!r} is no {declared.__name__}")
        return float(value) if declared is float and isinstance(value, int) else value

    return ValueForm(_write_plain, read, is_fixed=True)


def _enum_form(declared: type[Enum]) -> ValueForm:
    def write(value: object) -> object:
        if not isinstance(value, declared):
            raise NotKeptError(f"{value!r} is no {declared.__name__}")
        return _write_plain(value.value) if isinstance(value, Flag) else value.name

    def read(document: object) -> object:
        try:
            return declared(document) if issubclass(declared, Flag) else declared[str(document)]
        except (KeyError, ValueError):
            known = ", ".join(declared.__members__)
            raise NotKeptError(f"{document!r} is no {declared.__name__}; there is {known}") from None

    return ValueForm(write, read, is_fixed=True)


# What holds others.


def _optional_form(choices: tuple[object, ...]) -> ValueForm:
    """Return the form of `T | None`; of other unions nothing says which of them a document is."""
    others = [choice for choice in choices if choice is not type(None)]
    if len(others) != 1 or len(others) == len(choices):
        return ANYTHING
    inner = value_form(others[0])
    return ValueForm(
        lambda value: None if value is None else inner.write(value),
        lambda document: None if document is None else inner.read(document),
        is_fixed=inner.is_fixed,
    )


def _tuple_form(arguments: tuple[object, ...]) -> ValueForm:
    if not arguments:
        return ANYTHING
    if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004  # tuple[T, ...]
        return _collection_form(tuple, arguments[:1])
    forms = tuple(map(value_form, arguments))

    def write(value: object) -> object:
        return [form.write(each) for form, each in zip(forms, _items(value, tuple, len(forms)), strict=True)]

    def read(document: object) -> object:
        items = _items(document, list, len(forms))
        return tuple(form.read(each) for form, each in zip(forms, items, strict=True))

    return ValueForm(write, read, is_fixed=all(form.is_fixed for form in forms))


def _collection_form(made: type, arguments: tuple[object, ...]) -> ValueForm:
    if not arguments:
        return ANYTHING
    inner = value_form(arguments[0])
    is_set = made in (set, frozenset)

    def write(value: object) -> object:
        items = [inner.write(each) for each in _items(value, made)]
        return sorted(items, key=repr) if is_set else items  # sets have no order; a document has the same each time

    def read(document: object) -> object:
        collected: object = made(inner.read(each) for each in _items(document, list))
        return collected

    return ValueForm(write, read, is_fixed=inner.is_fixed and made in (tuple, frozenset))


def _dict_form(arguments: tuple[object, ...]) -> ValueForm:
    if not arguments:
        return ANYTHING
    keys, values = map(value_form, arguments)
    is_named = arguments[0] is str

    def write(value: object) -> object:
        pairs = [(keys.write(key), values.write(each)) for key, each in _mapping(value).items()]
        if is_named and all(isinstance(key, str) and _is_name(key) for key, _ in pairs):
            return {str(key): each for key, each in pairs}
        return {"$dict": [list(pair) for pair in pairs]}

    def read(document: object) -> object:
        mapping = _mapping(document)
        pairs: Iterable[object] = mapping.items()
        if mapping.keys() == {"$dict"}:
            pairs = _items(mapping["$dict"], list)
        return {keys.read(key): values.read(each) for key, each in map(_pair, pairs)}

    return ValueForm(write, read)


def _is_name(key: str) -> bool:
    """Tell whether a text can name a part of a document in any database."""
    return not key.startswith("$") and "\0" not in key


def _parts_form(declared: type) -> ValueForm:
    """Return the form of a dataclass or NamedTuple: its parts by name."""
    names = [each.name for each in fields(declared)] if is_dataclass(declared) else [*getattr(declared, "_fields", ())]
    try:
        hints = get_type_hints(declared, include_extras=True)
    except (NameError, AttributeError, TypeError):
        hints = {}
    forms = {name: _later(hints.get(name, object)) for name in names}

    def write(value: object) -> object:
        if not isinstance(value, declared):
            raise NotKeptError(f"{value!r} is no {declared.__name__}")
        return {name: form().write(getattr(value, name)) for name, form in forms.items()}

    def read(document: object) -> object:
        parts = {str(name): part for name, part in _mapping(document).items()}
        if not parts.keys() <= forms.keys():
            raise NotKeptError(f"{declared.__name__} has no {', '.join(sorted(parts.keys() - forms.keys()))}")
        try:
            made: object = declared(**{name: forms[name]().read(part) for name, part in parts.items()})
        except TypeError as error:
            raise NotKeptError(f"{declared.__name__}: {error}") from error
        return made

    return ValueForm(write, read)


def _later(declared: object) -> Callable[[], ValueForm]:
    """Return what makes a form when it is first needed: a class may hold others of its own kind."""
    made: list[ValueForm] = []

    def form() -> ValueForm:
        if not made:
            made.append(value_form(declared))
        return made[0]

    return form


def _items(value: object, kind: type, length: int | None = None) -> Collection[object]:
    if not isinstance(value, kind) or not isinstance(value, Collection):
        raise NotKeptError(f"{value!r} is no {kind.__name__}")
    if length is not None and len(value) != length:
        raise NotKeptError(f"{value!r} has {len(value)} parts, not {length}")
    return value


def _mapping(value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise NotKeptError(f"{value!r} is no mapping")
    return value


def _pair(pair: object) -> tuple[object, object]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:  # noqa: PLR2004  # a key and a value
        raise NotKeptError(f"{pair!r} is no pair of key and value")
    return pair[0], pair[1]


_CONTAINERS: dict[object, Callable[[tuple[object, ...]], ValueForm]] = {
    tuple: _tuple_form,
    list: lambda arguments: _collection_form(list, arguments),
    set: lambda arguments: _collection_form(set, arguments),
    frozenset: lambda arguments: _collection_form(frozenset, arguments),
    dict: _dict_form,
}


# What nothing is declared of.

_MARKED: dict[type, str] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}
_MADE: dict[str, Callable[[list[object]], object]] = {"$tuple": tuple, "$set": set, "$frozenset": frozenset}


def _write_anything(value: object, depth: int = 0) -> object:
    """Return a form that says itself how it is read."""
    if depth > MAX_DEPTH:
        raise NotKeptError(f"it goes more than {MAX_DEPTH} levels deep")
    if isinstance(value, Enum):
        raise NotKeptError(f"{value!r}: declare the field as {type(value).__name__}, or nothing says how to read it")
    kind = type(value)
    if kind is dict and isinstance(value, dict):
        return {"$dict": [[_write_anything(part, depth + 1) for part in pair] for pair in value.items()]}
    if kind is not list and kind not in _MARKED:
        return _write_plain(value)
    assert isinstance(value, Iterable)
    items = [_write_anything(each, depth + 1) for each in value]
    if kind is list:
        return items
    return {_MARKED[kind]: items if kind is tuple else sorted(items, key=repr)}


def _read_anything(document: object) -> object:
    if isinstance(document, list):
        return [_read_anything(each) for each in document]
    if not isinstance(document, Mapping):
        return document
    mark, content = next(iter(document.items()), ("", None))
    if len(document) == 1 and isinstance(content, list):
        if mark in _MADE:
            return _MADE[mark]([_read_anything(each) for each in content])
        if mark == "$dict":
            return {_read_anything(key): _read_anything(each) for key, each in map(_pair, content)}
    return _read_marked(document)


ANYTHING = ValueForm(_write_anything, _read_anything)
