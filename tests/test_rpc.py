"""Declaring remote calls: what is read from a function, what is refused, and the reply."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass
from enum import Enum
from typing import Annotated, cast

import pytest

from ecsnet.errors import LocalProtocolError, Refused, SchemaError
from ecsnet.fields import EntityRef, FieldKind, netvar
from ecsnet.remote import Moment
from ecsnet.rpc import CLIENTS, SERVER, Call, Destination, Refusal, RefusalCode, Reply, Rpc, rpc
from ecsnet.world import World


class Kind(Enum):
    """How to attack."""

    SLASH = 1
    BASH = 2


@dataclass(frozen=True)
class BattleResult:
    """What came of it."""

    barbarian: EntityRef
    won: bool
    gold: int = 0


@dataclass(frozen=True, kw_only=True)
class Named:
    """Made by keywords only."""

    text: str


@dataclass
class Loose:
    """Not frozen."""

    a: int


@dataclass(frozen=True)
class Nothing:
    """Frozen, but empty."""


@rpc(to=SERVER, owner_only=True, rate_hz=2)
def attack(call: Call, kind: Kind, knight: EntityRef, *, times: int = 1) -> BattleResult:
    """Attack a barbarian."""
    if times > 3:
        raise Refused("too often")
    return BattleResult(barbarian=knight + 1, won=kind is Kind.BASH, gold=10 * times + call.sender)


@rpc(to=CLIENTS, reliable=False)
def play_sound(call: Call, name: Annotated[str, netvar("", max_bytes=40)]) -> None:
    """Play a sound."""


@rpc(to=SERVER)
def name_of(call: Call) -> Named:
    """Tell the name."""
    return Named(text=f"client {call.sender}")


def a_call() -> Call:
    """Return a call of client 7."""
    return Call(World(), sender=7, entity=3, tick=100)


def test_a_declaration_is_read_from_the_function() -> None:
    """Names, types and defaults are those of Python; nothing is said twice."""
    assert (attack.name, attack.to, attack.owner_only, attack.rate_hz, attack.reliable) == (
        "attack",
        SERVER,
        True,
        2,
        True,
    )
    assert [(p.name, p.kind) for p in attack.parameters] == [
        ("kind", FieldKind.ENUM),
        ("knight", FieldKind.ENTITY),
        ("times", FieldKind.INT),
    ]
    assert [p.default for p in attack.parameters] == [MISSING, MISSING, 1]
    assert attack.owned_parameter == 1
    assert attack.result_type is BattleResult
    assert [(f.name, f.kind) for f in attack.result_fields] == [
        ("barbarian", FieldKind.ENTITY),
        ("won", FieldKind.BOOL),
        ("gold", FieldKind.INT),
    ]
    assert repr(attack) == "Rpc(attack, to=SERVER)"


def test_a_call_without_answer() -> None:
    """None has no fields; a parameter's options stand in its annotation."""
    assert (play_sound.result, play_sound.result_fields, play_sound.owned_parameter) == (None, (), None)
    assert play_sound.parameters[0].max_bytes == 40
    assert (play_sound.to, play_sound.reliable) == (CLIENTS, False)


def test_when_a_call_runs_is_declared() -> None:
    """In the tick unless said; on clients at once, unless it names entities: then when they are there."""

    @rpc(to=SERVER, answer="arrival")
    def hasty(call: Call) -> None: ...

    @rpc(to=CLIENTS)
    def about(call: Call, who: list[EntityRef]) -> None: ...

    @rpc(to=CLIENTS, deliver="rendered")
    def shown(call: Call) -> None: ...

    assert [each.on_arrival for each in (attack, hasty)] == [False, True]
    assert [each.deliver for each in (play_sound, about, shown)] == [Moment.RECEIVED, Moment.APPLIED, Moment.RENDERED]


def test_a_single_value_as_result() -> None:
    """It needs no class around it."""

    @rpc(to=SERVER)
    def count(call: Call) -> int:
        return call.tick

    assert count.result_type is None
    assert [field.kind for field in count.result_fields] == [FieldKind.INT]
    assert count.make_result(count.result_values(5)) == 5


def test_arguments_travel_in_the_order_of_the_declaration() -> None:
    """However they were given; defaults are filled in by the caller, so both sides agree on them."""
    assert attack.bind(Kind.SLASH, 3) == (Kind.SLASH, 3, 1)
    assert attack.bind(times=2, knight=3, kind=Kind.BASH) == (Kind.BASH, 3, 2)
    with pytest.raises(TypeError, match="attack: missing a required argument: 'knight'"):
        attack.bind(Kind.SLASH)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="attack: got an unexpected keyword argument 'when'"):
        attack.bind(Kind.SLASH, 3, when=3)  # type: ignore[call-arg]


def test_the_handler_runs_with_what_arrived() -> None:
    """`invoke` for the transport, a plain call for tests; results come back as they were."""
    result = attack.invoke(a_call(), (Kind.BASH, 3, 2))

    assert result == attack(a_call(), Kind.BASH, 3, times=2) == BattleResult(4, True, 27)
    assert attack.make_result(attack.result_values(result)) == result
    assert name_of.make_result(name_of.result_values(Named(text="x"))) == Named(text="x")
    assert play_sound.result_values(None) == ()
    play_sound.make_result(())
    with pytest.raises(Refused, match="too often"):
        attack.invoke(a_call(), (Kind.BASH, 3, 4))


def test_a_reply_is_answered_once() -> None:
    """Pending, then a value or a refusal; a repeated answer changes nothing."""
    good, bad = Reply[int](), Reply[int]()

    assert (good.done, good.ok, good.refusal, repr(good)) == (False, False, None, "Reply(pending)")
    with pytest.raises(LocalProtocolError, match=r"no value in Reply\(pending\); ask reply.ok first"):
        _ = good.value
    good.resolve(5)
    good.refuse(RefusalCode.FAILED, "late")
    bad.refuse(RefusalCode.REFUSED, "not your turn")
    bad.resolve(3)
    assert (good.done, good.ok, good.value, good.refusal, repr(good)) == (True, True, 5, None, "Reply(value=5)")
    assert (bad.done, bad.ok, bad.refusal) == (True, False, Refusal(RefusalCode.REFUSED, "not your turn"))
    with pytest.raises(LocalProtocolError, match="not your turn"):
        _ = bad.value


def test_a_name_is_that_of_the_function_with_its_class() -> None:
    """Not that of the function it was declared in, and not its module."""

    class Calls:
        @staticmethod
        @rpc(to=SERVER)
        def heal(call: Call) -> None: ...

    @rpc(to=SERVER)
    def heal(call: Call) -> None: ...

    assert (Calls.heal.name, heal.name) == ("Calls.heal", "heal")


Text = Annotated[str, netvar("", max_bytes=300)]


def no_call() -> None: ...
def untyped_call(call, a: int) -> None: ...  # type: ignore[no-untyped-def]
def other_first(a: int, call: Call) -> None: ...
def untyped(call: Call, a) -> None: ...  # type: ignore[no-untyped-def]
def stars(call: Call, *a: int) -> None: ...
def named_stars(call: Call, **a: int) -> None: ...
def positional(call: Call, a: int, /) -> None: ...
def sets(call: Call, a: set[int]) -> None: ...
def wrong_default(call: Call, a: int = cast("int", "x")) -> None: ...
def no_return(call: Call): ...  # type: ignore[no-untyped-def]
def set_result(call: Call) -> set[int]: ...  # type: ignore[empty-body]
def loose_result(call: Call) -> Loose: ...  # type: ignore[empty-body]
def empty_result(call: Call) -> Nothing: ...  # type: ignore[empty-body]
def value_result(call: Call) -> int: ...  # type: ignore[empty-body]
def plain(call: Call, a: int) -> None: ...
def perhaps(call: Call, knight: EntityRef | None, target: EntityRef) -> None: ...
def wordy(call: Call, a: Text, b: Text, c: Text, d: Text) -> None: ...
def unknown(call: Call, a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821
async def waits(call: Call) -> None: ...


@pytest.mark.parametrize(
    ("handler", "options", "text"),
    [
        (no_call, {}, "test_rpc.py: no_call: the first parameter of a remote call is `call: Call`"),
        (untyped_call, {}, "the first parameter of a remote call is `call: Call`"),
        (other_first, {}, "the first parameter of a remote call is `call: Call`"),
        (untyped, {}, "untyped.a: has no annotation"),
        (stars, {}, "stars.a: a remote call has named parameters only"),
        (named_stars, {}, "named_stars.a: a remote call has named parameters only"),
        (positional, {}, "positional.a: a remote call has named parameters only"),
        (sets, {}, "test_rpc.py: sets.a: set[int] cannot travel"),
        (wrong_default, {}, "wrong_default.a: default 'x' is no int"),
        (no_return, {}, "no_return: has no return annotation; write -> None"),
        (set_result, {}, "set_result.result: set[int] cannot travel"),
        (loose_result, {}, "loose_result.return: Loose must be frozen"),
        (empty_result, {}, "empty_result.return: Nothing needs fields"),
        (unknown, {}, "unknown: cannot resolve its types: name 'Nowhere' is not defined"),
        (waits, {}, "waits: a remote call runs within one tick; it cannot be async"),
        (Kind, {}, "a remote call is a plain function, not <enum 'Kind'>"),
        (attack, {}, "a remote call is a plain function, not Rpc(attack, to=SERVER)"),
        (plain, {"owner_only": True}, "plain: owner_only=True needs an EntityRef parameter"),
        (perhaps, {"owner_only": True}, "perhaps.knight: owner_only=True is about it, so it cannot be None"),
        (plain, {"rate_hz": 0}, "rate_hz=0 is outside 0..1000"),
        (plain, {"to": CLIENTS, "rate_hz": 1}, "owner_only and rate_hz guard the server"),
        (plain, {"to": "server"}, "@rpc(to='server'): a call goes to=SERVER or to=CLIENTS"),
        (
            wordy,
            {"reliable": False},
            "wordy.d: with it, it may take 1208 B, and what is reliable=False has 1000; lower",
        ),
        (plain, {"answer": "soon"}, 'answer=\'soon\' is none of "tick", "arrival"'),
        (plain, {"to": CLIENTS, "answer": "tick"}, "answer= says when the server runs a call; clients run theirs by"),
        (plain, {"answer": "arrival", "reliable": False}, "hastens an answer, and reliable=False has none"),
        (plain, {"deliver": "applied"}, "deliver= says when clients run a call; the server runs its own by answer="),
        (plain, {"to": CLIENTS, "deliver": "soon"}, 'deliver=\'soon\' is none of "received", "applied", "rendered"'),
        (value_result, {"to": CLIENTS}, "a call to clients has no answer; return None"),
        (value_result, {"reliable": False}, "reliable=False may get lost, so it cannot promise an answer"),
    ],
)
def test_a_function_that_cannot_be_called_remotely_is_told(
    handler: Callable[..., object], options: dict[str, object], text: str
) -> None:
    """Where, why, and what to do."""
    declare = cast("Callable[..., Callable[[Callable[..., object]], Rpc[..., object]]]", rpc)
    with pytest.raises(SchemaError) as caught:
        declare(**{"to": SERVER, **options})(handler)

    assert text in str(caught.value)


def test_too_many_parameters_are_refused() -> None:
    """A named limit, and no call needs it."""
    source = f"def f(call, {', '.join(f'p{i}: int' for i in range(33))}) -> None: ..."
    made: dict[str, Callable[..., None]] = {}
    exec(source, made)  # noqa: S102  # our own source
    made["f"].__annotations__["call"] = Call

    with pytest.raises(SchemaError, match="has 33 fields, more than 32"):
        rpc(to=Destination.SERVER)(made["f"])
