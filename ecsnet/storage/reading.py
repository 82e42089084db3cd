"""What every store makes of what it holds, which people may have changed by hand: then it says so, and nothing else."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from types import NoneType
from typing import TypeAlias, TypeVar

from ecsnet.errors import StoreError
from ecsnet.storage.store import Match, Save, SaveName, Snapshot, StoredEvent

__all__ = ["read_as"]

Kept: TypeAlias = Match | StoredEvent | Snapshot | Save
K = TypeVar("K", Match, StoredEvent, Snapshot, Save)

MAX_SHOWN_CHARACTERS = 120  # of what cannot be read: it begins with what names it
_NUMBER = (int, float)
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("id", "game", "version", "room", "ending", "match", "kind", "player"), str),
    **dict.fromkeys(("number", "tick", "count", "revision"), int),
    **dict.fromkeys(("started", "tick_rate_hz", "time", "seconds"), _NUMBER),
    **dict.fromkeys(("summary", "data", "state", "components"), dict),
    "ended": (*_NUMBER, NoneType),
    "players": (list, tuple),
    "entities": list,
    "name": SaveName,
}


def read_as(make: Callable[..., K], stored: Iterable[object], where: object) -> list[K]:
    """Return what rows or documents of a store say.

    Args:
        make: Makes one of one.
        where: The store, for people.

    Raises:
        StoreError: Something there is not as it is written; people may edit what a store holds.
    """
    made = []
    for one in stored:
        try:
            made.append(_checked(make(one)))
        except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            shown, why = f"{one!r:.{MAX_SHOWN_CHARACTERS}}", f"{type(error).__name__}: {error}"
            raise StoreError(f"cannot read {shown} in {where} ({why}); ecsnet has not written it so") from error
    return made


def _checked(made: K) -> K:
    """Return the same.

    Raises:
        TypeError: It has something of another type.
    """
    for field in fields(made):
        value = getattr(made, field.name)
        if not isinstance(value, _TYPES[field.name]):
            raise TypeError(f"{field.name} is {value!r:.{MAX_SHOWN_CHARACTERS}}")
        if isinstance(value, list | tuple) and not all(isinstance(item, str | dict) for item in value):
            raise TypeError(f"{field.name} has something else than texts and documents")
    return made
