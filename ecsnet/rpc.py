"""Declaring remote calls: plain typed functions, with their destination, limits and result.

    @rpc(to=SERVER, owner_only=True, rate_hz=2)
    def attack(call: Call, knight: EntityRef, kind: str) -> BattleResult: ...

A call is checked by the type checker where it is made, and its arguments by their declaration where it arrives. How it
travels is the business of `ecsnet.systems.rpc`.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import IntEnum
from typing import Concatenate, Generic, Literal, ParamSpec, TypeVar, cast

from ecsnet.errors import LocalProtocolError, SchemaError
from ecsnet.fieldcheck import field_from_annotation
from ecsnet.fields import FieldKind, NetField, place_of
from ecsnet.remote import CLIENTS, SERVER, Deliver, Destination, check_size, hints_of, moment_of
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["CLIENTS", "SERVER", "Call", "Destination", "Refusal", "RefusalCode", "Reply", "Rpc", "refused", "rpc"]

P = ParamSpec("P")
R = TypeVar("R")

MAX_RATE_HZ = 1000.0
_NO_PARAMETER = inspect.Parameter("nothing", inspect.Parameter.POSITIONAL_ONLY)


class RefusalCode(IntEnum):
    """Why a remote call came to nothing. The numbers travel: one is never given another meaning."""

    REFUSED = 1  # the handler raised Refused
    RATE = 2  # called more often than its rate_hz
    NOT_OWNER = 3  # of the entity it is about
    FAILED = 4  # the handler has a bug; its host's log tells
    DISCONNECTED = 5  # there was no connection, or it ended before the answer


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a remote call came to nothing, for the program and for people."""

    code: RefusalCode
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its handler sees it.

    Attributes:
        world: The World of the side it runs on.
        sender: The caller's client id; 0 is the server.
        entity: The sender's player entity; 0 if there is none.
        tick: The sender's tick when it called.
    """

    world: World
    sender: int
    entity: int
    tick: Tick


class Reply(Generic[R]):
    """The answer to a call, to come. Poll `done`; then it is `ok` and has a `value`, or it has a `refusal`."""

    __slots__ = ("_done", "_refusal", "_value")

    def __init__(self) -> None:
        """Start without an answer."""
        self._done = False
        self._value: R | None = None
        self._refusal: Refusal | None = None

    def __repr__(self) -> str:
        """Show how it stands."""
        if not self._done:
            return "Reply(pending)"
        return f"Reply({self._refusal!r})" if self._refusal else f"Reply(value={self._value!r})"

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self._done

    @property
    def ok(self) -> bool:
        """Whether the call ran and returned."""
        return self._done and self._refusal is None

    @property
    def refusal(self) -> Refusal | None:
        """Why it did not; None while pending or if it did."""
        return self._refusal

    @property
    def value(self) -> R:
        """What the handler returned.

        Raises:
            LocalProtocolError: There is no value: pending or refused. Ask `ok` first.
        """
        if not self.ok:
            raise LocalProtocolError(f"no value in {self!r}; ask reply.ok first")
        return cast("R", self._value)

    def resolve(self, value: R) -> None:
        """Give the answer; for the transport of calls. An answer is given once, what comes later is ignored."""
        if not self._done:
            self._done, self._value = True, value

    def refuse(self, code: RefusalCode, text: str) -> None:
        """Give a refusal as the answer; see `resolve`."""
        if not self._done:
            self._done, self._refusal = True, Refusal(code, text)


def refused(code: RefusalCode, text: str) -> Reply[R]:
    """Return a reply that is a refusal already."""
    reply: Reply[R] = Reply()
    reply.refuse(code, text)
    return reply


class Rpc(Generic[P, R]):
    """A declared remote call. Calling it runs the handler here, as tests do; a client calls it by `client.call`.

    Attributes:
        name: Of the function (with its class, without its module); unique in a game.
        handler: The function.
        parameters: What it takes after the Call, in order.
        result: What it returns: None, one value, or the fields of a frozen dataclass.
        result_fields: The result as a tuple of fields, whatever its form: empty for None.
        result_type: That dataclass; None for the others.
        owned_parameter: With owner_only, the position in `parameters` of the entity that must be the sender's.
        rate_hz: Calls a second that one client may make; None: no limit of its own.
        on_arrival: Whether the server runs it as soon as it arrives, between two ticks.
        deliver: When a client runs it.
    """

    __slots__ = (
        "_by_position",
        "_signature",
        "deliver",
        "handler",
        "name",
        "on_arrival",
        "owned_parameter",
        "owner_only",
        "parameters",
        "rate_hz",
        "reliable",
        "result",
        "result_fields",
        "result_type",
        "to",
    )

    def __init__(
        self,
        handler: Callable[Concatenate[Call, P], R],
        *,
        to: Destination,
        owner_only: bool,
        rate_hz: float | None,
        reliable: bool,
        answer: Literal["tick", "arrival"] | None,
        deliver: Deliver | None,
    ) -> None:
        """Check the declaration; `rpc` makes these."""
        place = _checked_place(handler)
        hints = hints_of(place, handler)
        call, *others = [*inspect.signature(handler).parameters.values()] or [_NO_PARAMETER]
        if hints.get(call.name) is not Call:
            raise SchemaError(f"{place}: the first parameter of a remote call is `call: Call`")
        self.handler = handler
        self.name = handler.__qualname__.rpartition("<locals>.")[2]
        self.to = to
        self.owner_only = owner_only
        self.rate_hz = rate_hz
        self.reliable = reliable
        self.on_arrival = answer == "arrival"
        self._signature = inspect.Signature(others)
        self._by_position = all(other.kind is other.POSITIONAL_OR_KEYWORD for other in others)
        self.parameters = _read_parameters(place, others, hints)
        self.result_type, self.result = _read_result(place, hints)
        self.result_fields: tuple[NetField, ...] = (
            self.result if isinstance(self.result, tuple) else () if self.result is None else (self.result,)
        )
        self.owned_parameter = _owned_parameter(place, self.parameters) if owner_only else None
        self.deliver = moment_of(place, deliver, self.parameters)
        check_size(place, self.parameters, reliable=reliable)
        check_size(f"{place}.return", self.result_fields, reliable=True)
        self._check_options(place, answer, deliver)

    def __repr__(self) -> str:
        """Show name and destination."""
        return f"Rpc({self.name}, to={self.to.name})"

    def __call__(self, call: Call, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the handler here."""
        return self.handler(call, *args, **kwargs)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> tuple[object, ...]:
        """Return the arguments in the order of `parameters`, defaults filled in.

        Raises:
            TypeError: They do not fit the function, as in a direct call.
        """
        if self._by_position and not kwargs and len(args) == len(self.parameters):
            return args  # the usual case; a Signature takes 5 us
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def invoke(self, call: Call, values: Sequence[object]) -> R:
        """Run the handler here with decoded arguments, in the order of `parameters`."""
        run = cast("Callable[..., R]", self.handler)  # the values were checked against the declaration
        if self._by_position:
            return run(call, *values)
        return run(call, **{parameter.name: value for parameter, value in zip(self.parameters, values, strict=True)})

    def result_values(self, result: R) -> tuple[object, ...]:
        """Return what the handler returned as the values of `result_fields`."""
        if self.result_type is not None:
            return tuple([getattr(result, found.name) for found in self.result_fields])
        return (result,) if self.result is not None else ()

    def make_result(self, values: Sequence[object]) -> R:
        """Return the handler's result from the values of `result_fields`."""
        if self.result_type is not None:
            named = {found.name: value for found, value in zip(self.result_fields, values, strict=True)}
            return cast("R", self.result_type(**named))
        return cast("R", values[0] if values else None)

    def _check_options(self, place: str, answer: str | None, deliver: str | None) -> None:
        if answer not in (None, "tick", "arrival"):
            raise SchemaError(f'{place}: answer={answer!r} is none of "tick", "arrival"')
        if self.to is CLIENTS and answer is not None:
            raise SchemaError(f"{place}: answer= says when the server runs a call; clients run theirs by deliver=")
        if self.on_arrival and not self.reliable:
            raise SchemaError(
                f'{place}: answer="arrival" hastens an answer, and reliable=False has none; leave one out'
            )
        if self.to is SERVER and deliver is not None:
            raise SchemaError(f"{place}: deliver= says when clients run a call; the server runs its own by answer=")
        if self.rate_hz is not None and not 0 < self.rate_hz <= MAX_RATE_HZ:
            raise SchemaError(f"{place}: rate_hz={self.rate_hz} is outside 0..{MAX_RATE_HZ:g}; None means no limit")
        if self.to is CLIENTS and (self.owner_only or self.rate_hz is not None):
            raise SchemaError(f"{place}: owner_only and rate_hz guard the server; leave them out of a call to clients")
        if self.to is CLIENTS and self.result is not None:
            raise SchemaError(f"{place}: a call to clients has no answer; return None and let clients call the server")
        if not self.reliable and self.result is not None:
            raise SchemaError(f"{place}: reliable=False may get lost, so it cannot promise an answer; return None")


def rpc(
    *,
    to: Destination,
    owner_only: bool = False,
    rate_hz: float | None = None,
    reliable: bool = True,
    answer: Literal["tick", "arrival"] | None = None,
    deliver: Deliver | None = None,
) -> Callable[[Callable[Concatenate[Call, P], R]], Rpc[P, R]]:
    """Declare a remote call.

    Args:
        to: SERVER: a client calls, the server runs it. CLIENTS: the server calls, clients run it.
        owner_only: The call is about its first EntityRef, which the sender must own.
        rate_hz: Calls a second that one client may make on average; more are refused.
        reliable: Arrives once and in order; False: at most once, soon or never.
        answer: When the server runs it: "tick", unless said: with the next tick, in which its systems see what came of
            it; "arrival": at once, between two ticks, which answers sooner. None overtakes another of its client.
        deliver: When clients run it: "received": at once. "applied": when their World has the server's state of that
            tick and the entities that are named, or it is 250 ms and three round trips later; unless said, what names
            entities. "rendered": when, besides, what they draw of others has reached that tick. Of the same moment all
            run in the order in which they were sent.

    Raises:
        SchemaError: The function cannot be called remotely as it is declared; the text says why.
    """
    if not isinstance(to, Destination):
        raise SchemaError(f"@rpc(to={to!r}): a call goes to=SERVER or to=CLIENTS")

    def declare(handler: Callable[Concatenate[Call, P], R]) -> Rpc[P, R]:
        return Rpc(
            handler, to=to, owner_only=owner_only, rate_hz=rate_hz, reliable=reliable, answer=answer, deliver=deliver
        )

    return declare


def _checked_place(handler: Callable[..., object]) -> str:
    """Return where the handler is declared, as error texts begin; refuse what is no plain function."""
    if not inspect.isfunction(handler):
        raise SchemaError(f"@rpc: a remote call is a plain function, not {handler!r}")
    place = place_of(handler)
    if inspect.iscoroutinefunction(handler) or inspect.isgeneratorfunction(handler):
        raise SchemaError(f"{place}: a remote call runs within one tick; it cannot be async or a generator")
    return place


def _read_parameters(
    place: str, parameters: Sequence[inspect.Parameter], hints: dict[str, object]
) -> tuple[NetField, ...]:
    return tuple(_read_parameter(place, parameter, hints) for parameter in parameters)


def _read_parameter(place: str, parameter: inspect.Parameter, hints: dict[str, object]) -> NetField:
    name = parameter.name
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise SchemaError(f"{place}.{name}: a remote call has named parameters only; no *, ** or positional-only ones")
    if name not in hints:
        raise SchemaError(f"{place}.{name}: has no annotation; give the type that travels")
    default = MISSING if parameter.default is parameter.empty else parameter.default
    return field_from_annotation(place, name, hints[name], default)


def _read_result(
    place: str, hints: dict[str, object]
) -> tuple[Callable[..., object] | None, NetField | tuple[NetField, ...] | None]:
    if "return" not in hints:
        raise SchemaError(f"{place}: has no return annotation; write -> None if nothing comes back")
    result = hints["return"]
    if result is type(None):
        return None, None
    if not (isinstance(result, type) and is_dataclass(result)):
        return None, field_from_annotation(place, "result", result)
    if not result.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # set by dataclass, not in its stub
        raise SchemaError(f"{place}.return: {result.__name__} must be frozen: @dataclass(frozen=True)")
    found = hints_of(place_of(result), result)
    names = [declared.name for declared in fields(result) if declared.init]
    if len(names) != len(fields(result)) or not names:
        raise SchemaError(f"{place}.return: {result.__name__} needs fields, all of them given to its constructor")
    return result, tuple(field_from_annotation(place_of(result), name, found[name]) for name in names)


def _owned_parameter(place: str, parameters: Sequence[NetField]) -> int:
    for index, parameter in enumerate(parameters):
        if parameter.kind is FieldKind.ENTITY:
            return index
        if parameter.kind is FieldKind.OPTIONAL and parameter.items[0].kind is FieldKind.ENTITY:
            raise SchemaError(
                f"{place}.{parameter.name}: owner_only=True is about it, so it cannot be None; 0 is nobody"
            )
    raise SchemaError(f"{place}: owner_only=True needs an EntityRef parameter: the entity that must be the sender's")
