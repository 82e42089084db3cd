"""Documents as they are read: what a store holds may have been changed by hand, so no shape is taken for granted."""

from collections.abc import Iterator, Mapping

__all__ = ["mapping_in", "number_at", "number_in", "text_in", "texts_of", "value_at"]

LARGEST = 1e300  # of a number: two of them still have a finite difference


def text_in(document: object, name: str) -> str:
    """Return a text of a document; an empty one if there is none."""
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, str) else ""


def number_in(document: object, name: str) -> int | None:
    """Return a whole number of a document, such as an id; None if there is none."""
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping_in(document: object, name: str) -> Mapping[str, object]:
    """Return a document within a document; an empty one if there is none."""
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def value_at(document: object, path: str) -> object:
    """Return what stands at a path such as "Transform2D.x" or "Inventory.items.0"; None if nothing does."""
    for name in path.split("."):
        if isinstance(document, Mapping):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def number_at(document: object, path: str) -> float | None:
    """Return the number at a path; None if there is none to calculate with."""
    value = value_at(document, path)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) <= LARGEST else None  # type: ignore[arg-type,return-value]  # it is one


def texts_of(value: object) -> Iterator[str]:
    """Return each text in a document, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from texts_of(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_of(part)
