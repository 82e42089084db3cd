"""Whom a call or an event of the server is for: `world.to(OWNER_OF(knight)).send(Wounded(knight))`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias

from ecsnet.netfield import Audience, TeamMembers

if TYPE_CHECKING:
    from ecsnet.rpc import Rpc  # whose calls know their World, which sends them by this file

__all__ = ["CLIENT", "OBSERVERS_OF", "OWNER_OF", "ClientMail", "Mail", "NoMail", "Recipients", "Target", "check_target"]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class OneClient:
    """The client of a number, if it is connected."""

    client_id: int

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        _check_number("CLIENT", self.client_id, "client's number, as in player.client_id")


@dataclass(frozen=True, slots=True)
class OwnerOf:
    """The client that owns an entity, if one does."""

    entity: int

    def __post_init__(self) -> None:
        """Refuse what is no entity."""
        _check_number("OWNER_OF", self.entity, "entity")


@dataclass(frozen=True, slots=True)
class ObserversOf:
    """The clients that see an entity: anything of it, if only its owner's fields."""

    entity: int

    def __post_init__(self) -> None:
        """Refuse what is no entity."""
        _check_number("OBSERVERS_OF", self.entity, "entity")


CLIENT = OneClient
OWNER_OF = OwnerOf
OBSERVERS_OF = ObserversOf

Target: TypeAlias = Audience | OneClient | OwnerOf | ObserversOf | TeamMembers  # of the audiences EVERYONE alone


class Mail(Protocol):
    """Who carries to clients what a World sends."""

    def call(self, target: Target, rpc: "Rpc[..., Any]", arguments: tuple[object, ...], /) -> None:
        """Let clients run a function."""

    def send(self, target: Target, event: object, /) -> None:
        """Tell clients what happened."""


class NoMail:
    """Of a World that belongs to no server: nobody is there."""

    def call(self, target: Target, rpc: "Rpc[..., Any]", arguments: tuple[object, ...], /) -> None:
        """Reach nobody."""

    def send(self, target: Target, event: object, /) -> None:
        """Reach nobody."""


class ClientMail:
    """Of a client's World: nobody there has anything to tell the other clients."""

    def call(self, _target: Target, rpc: "Rpc[..., Any]", _arguments: tuple[object, ...], /) -> None:
        """Refuse.

        Raises:
            RuntimeError: In any case.
        """
        raise _not_here(f"world.to(...).call({rpc.name}, ...)")

    def send(self, _target: Target, event: object, /) -> None:
        """Refuse, as `call`."""
        raise _not_here(f"world.to(...).send({event!r})")


class Recipients:
    """Those a call or an event is for; `world.to(...)` makes it."""

    __slots__ = ("_mail", "_target")

    def __init__(self, mail: Mail, target: Target) -> None:
        """Address what comes next."""
        self._mail = mail
        self._target = target

    def __repr__(self) -> str:
        """Show who it is for."""
        return f"Recipients({self._target!r})"

    def call(self, rpc: "Rpc[P, Any]", *args: P.args, **kwargs: P.kwargs) -> None:
        """Let the clients run a function declared with `@rpc(to=CLIENTS)`.

        Raises:
            TypeError: The arguments do not fit the function.
            SchemaError: An argument is not of its declared type or range.
            LocalProtocolError: It is not one of the game's for clients.
        """
        self._mail.call(self._target, rpc, rpc.bind(*args, **kwargs))

    def send(self, event: object) -> None:
        """Tell the clients what happened: an instance of a class declared with `@event`.

        Raises:
            SchemaError: A value is not of its declared type or range.
            LocalProtocolError: It is not one of the game's events.
        """
        self._mail.send(self._target, event)


def _check_number(name: str, given: object, what: str) -> None:
    if type(given) is not int:
        raise TypeError(f"{name}({given!r}): takes the {what}, which is an int")


def _not_here(what: str) -> RuntimeError:
    return RuntimeError(
        f"{what} on a client: only the server tells clients; in a predicted system write `if not world.is_predicting:` "
        "before it, in the client's own program `client.call(...)`"
    )


def check_target(target: Target) -> None:
    """Refuse what is nobody: a number, or an audience of fields.

    Raises:
        TypeError: With what there is instead.
    """
    if target is Audience.EVERYONE or isinstance(target, OneClient | OwnerOf | ObserversOf | TeamMembers):
        return
    raise TypeError(
        f"world.to({target!r}): there are EVERYONE, CLIENT(client_id), OWNER_OF(entity), OBSERVERS_OF(entity) and "
        "TEAM(number)"
    )
