"""What remote calls and events have in common: where they go, when they are delivered, and what they carry."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, Literal, TypeAlias, get_type_hints

from ecsnet.errors import SchemaError
from ecsnet.fieldcheck import most_bytes
from ecsnet.netfield import NetField, names_entities

__all__ = [
    "CLIENTS",
    "MAX_PARAMETERS",
    "SERVER",
    "Deliver",
    "Destination",
    "Moment",
    "check_size",
    "hints_of",
    "moment_of",
]

MAX_PARAMETERS = 32  # of 1000 B each at most: a reliable message holds all of them eight times
# Of reliable=False. With its head it fits a datagram: in two, both would have to arrive, and none rides with the state.
MAX_CASUAL_BYTES = 1000

Deliver: TypeAlias = Literal["received", "applied", "rendered"]


class Destination(Enum):
    """Where a remote call runs."""

    SERVER = "server"
    CLIENTS = "clients"


SERVER: Final = Destination.SERVER
CLIENTS: Final = Destination.CLIENTS


class Moment(Enum):
    """When a client is given what the server sent."""

    RECEIVED = "received"  # at once
    APPLIED = "applied"  # when its World has the state of that tick, and the entities that are named
    RENDERED = "rendered"  # when, besides, what is drawn of others has reached that tick


def moment_of(place: str, deliver: Deliver | None, fields: Sequence[NetField]) -> Moment:
    """Return when to deliver what has these fields; unless said, what names entities waits for them.

    Raises:
        SchemaError: There is no such moment.
    """
    if deliver is None:
        return Moment.APPLIED if any(map(names_entities, fields)) else Moment.RECEIVED
    try:
        return Moment(deliver)
    except ValueError:
        choices = ", ".join(f'"{moment.value}"' for moment in Moment)
        raise SchemaError(f"{place}: deliver={deliver!r} is none of {choices}") from None


def check_size(place: str, fields: Sequence[NetField], *, reliable: bool) -> None:
    """Refuse what may be longer than a message.

    Raises:
        SchemaError: With the first field that is too much.
    """
    if len(fields) > MAX_PARAMETERS:
        raise SchemaError(f"{place}: has {len(fields)} fields, more than {MAX_PARAMETERS}")
    total = 0
    for field in fields:
        total += most_bytes(field)
        if total > MAX_CASUAL_BYTES and not reliable:
            raise SchemaError(
                f"{place}.{field.name}: with it, it may take {total} B, and what is reliable=False has "
                f"{MAX_CASUAL_BYTES}; lower max_bytes= or max_items=, or leave out reliable=False"
            )


def hints_of(place: str, declared: Callable[..., object] | type) -> dict[str, object]:
    """Return the resolved annotations of a function or class, with extras.

    Raises:
        SchemaError: A name in them means nothing.
    """
    try:
        return get_type_hints(declared, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise SchemaError(
            f"{place}: cannot resolve its types: {error}; they must be at the module's top level"
        ) from error
