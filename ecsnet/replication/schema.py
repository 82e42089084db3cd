"""What travels in a game: its records and their numbers, and the fingerprint both sides must share.

A client and a server with different declarations would read each other's bytes as nonsense. So both describe what they
declare, line by line, and compare a hash of it before anything else; where it differs, the lines say in what.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, Flag
from hashlib import blake2b
from typing import Any, TypeAlias

from ecsnet import components as builtin
from ecsnet.enginecalls import ENGINE_CALLS
from ecsnet.errors import SchemaError
from ecsnet.fields import RATE_TIERS, Audience, ComponentSpec, FieldKind, NetField, spec_of
from ecsnet.game import Game
from ecsnet.gameevent import EventSpec, event_spec_of
from ecsnet.replication.codec import RecordCodec
from ecsnet.rpc import Rpc
from ecsnet.world import World

__all__ = ["Record", "Remote", "Schema", "difference"]

MAX_RECORDS = 256  # a record's number travels as one byte
HASH_BYTES = 16
MAX_DIFFERENCES = 32  # shown: a screen of them
MAX_LINE_CHARACTERS = 500  # of each
_INSIDE = {
    FieldKind.ARRAY: ["item"],
    FieldKind.LIST: ["item"],
    FieldKind.DICT: ["key", "value"],
    FieldKind.OPTIONAL: ["value"],
}  # of a tuple: item0, item1

Remote: TypeAlias = Rpc[..., Any] | EventSpec  # what travels by the number of its name


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The NetVars of one component of one audience: they travel and apply as a whole.

    Attributes:
        id: Its number on the wire, and its place in `Schema.records`.
        bit: `1 << id`: sets of records are ints.
        fields: Empty for a tag and for the input: only presence travels.
        redundancy: In how many further send ticks a change is sent again unasked.
        is_marked: Whether its component marks itself when written.
        every: In every how many-th send tick changes are looked for.
        phase: In which of these, 0 to `every` - 1.
        once: Whether it never changes after its first send.
    """

    id: int
    bit: int
    cls: type
    name: str
    audience: Audience
    fields: tuple[NetField, ...]
    codec: RecordCodec
    redundancy: int
    is_marked: bool
    every: int
    phase: int
    once: bool

    def __repr__(self) -> str:
        """Show the number and what it stands for."""
        return f"Record({self.id}: {self.name} for {self.audience.name})"


class Schema:
    """All records of a game, built-in components included.

    Attributes:
        game: Whose schema it is.
        records: By number.
        records_of: By component class; a component has at most one record per audience.
        input_codec: Of the game's input; without fields if it has none.
        remotes: The remote calls and events, by number.
        hash: 16 bytes; equal on both sides, or they do not understand each other.
    """

    def __init__(self, game: Game) -> None:
        """Number the records of a game.

        Raises:
            SchemaError: Two components of the same name, a call of the name of an engine's one, or more records than
                can be numbered.
        """
        self.game = game
        specs = _specs(game)
        self.records = tuple(_records(specs))
        self.records_of: dict[type, tuple[Record, ...]] = {
            spec.cls: tuple(record for record in self.records if record.cls is spec.cls) for spec in specs
        }
        inputs = () if game.input is None else spec_of(game.input).fields
        self.input_codec = RecordCodec(inputs, "no input" if game.input is None else game.input.__name__)
        self.remotes = tuple(sorted(_remotes(game), key=lambda remote: remote.name))
        self._lines = list(_describe(game, specs, self.remotes))
        self.hash = blake2b("\n".join(self._lines).encode(), digest_size=HASH_BYTES).digest()

    def __repr__(self) -> str:
        """Show the size and the fingerprint."""
        return f"Schema({self.game.name!r}, {len(self.records)} records, {self.hash.hex()})"

    def describe(self) -> list[str]:
        """Return what is hashed, for people and for `difference`: `key: word option=value ...`, one item a line."""
        return self._lines[:]

    def check(self, component: object) -> None:
        """See that a component's values can travel, before a World has it.

        Raises:
            SchemaError: One cannot; the text names it.
        """
        for record in self.records_of.get(type(component), ()):
            record.codec.pack(component)

    def records_on(self, world: World, entity: int) -> list[tuple[Record, object]]:
        """Return the records of an entity, each with the component that holds its values, in no promised order."""
        return [
            (record, component)
            for component in world.components_for_entity(entity)
            for record in self.records_of.get(type(component), ())
        ]


def difference(mine: Sequence[str], theirs: Sequence[str], *, there: str = "on the server") -> str:
    """Compare two descriptions; return one readable line per differing item, the client's side being "here".

    The server's may be cut off at the end, as it must fit a datagram; then only what both sides have is compared. It
    may also be anything at all: what comes of it is bounded.

    Args:
        there: Where the other side is, for the text.
    """
    if not theirs:
        return "the server sent no description of its own"
    here, other = _by_key(mine), _by_key(theirs)
    whole = other.get("items", ["?"])[-1] == f"count={len(other) - 1}"
    lines = []
    for key in [key for key in here | other if key != "items"]:
        if key not in other and whole:
            lines.append(f"{key}: {here[key][0]} here, missing {there}")
        elif key not in here:
            lines.append(f"{key}: missing here, {other[key][0]} {there}")
        elif key in other and here[key] != other[key]:
            lines.append(f"{key}: {_unshared(here[key], other[key], there)}")
    shown = [line if len(line) <= MAX_LINE_CHARACTERS else f"{line[:MAX_LINE_CHARACTERS]} ..." for line in lines]
    if len(shown) > MAX_DIFFERENCES:
        shown[MAX_DIFFERENCES:] = [f"... and {len(shown) - MAX_DIFFERENCES} more"]
    if not whole:
        shown.append("... and perhaps more: the server's description was cut to fit a datagram")
    return "\n".join(shown)


def _by_key(lines: Iterable[str]) -> dict[str, list[str]]:
    return {key: text.split() for key, _, text in (line.partition(": ") for line in lines) if text.split()}


def _unshared(here: list[str], others: list[str], there: str) -> str:
    """Return in what two descriptions of an item differ; an option one side leaves out shows as `no low`."""
    ours = [word for word in here if word not in others]
    other = [word for word in others if word not in here]
    named = {word.partition("=")[0] for word in ours}, {word.partition("=")[0] for word in other}
    ours += [f"no {name}" for name in sorted(named[1] - named[0])]
    other += [f"no {name}" for name in sorted(named[0] - named[1])]
    kind = "" if here[0] in ours else f"{here[0]} "
    return f"{kind}{' '.join(ours)} here, {' '.join(other)} {there}"


def _specs(game: Game) -> list[ComponentSpec]:
    """Return what is declared of every replicated component, by name."""
    builtins = [getattr(builtin, name) for name in builtin.__all__]
    classes = [*(each for each in builtins if isinstance(each, type) and _is_component(each)), *game.components]
    if game.input is not None:
        classes.append(game.input)
    by_name: dict[str, ComponentSpec] = {}
    for spec in (spec_of(cls) for cls in dict.fromkeys(classes)):
        if spec.replicated:
            other = by_name.setdefault(spec.name, spec)
            if other.cls is not spec.cls:
                raise SchemaError(
                    f"{game.name}: two components are called {spec.name}, in {other.cls.__module__} and "
                    f"{spec.cls.__module__}; rename one, the name is what both sides know it by"
                )
    return [by_name[name] for name in sorted(by_name)]


def _is_component(cls: type) -> bool:
    try:
        spec_of(cls)
    except SchemaError:
        return False  # the package also exports enums and the like
    return True


def _records(specs: Sequence[ComponentSpec]) -> Iterable[Record]:
    numbered = [(spec, audience) for spec in specs for audience in _audiences(spec)]
    if len(numbered) > MAX_RECORDS:
        raise SchemaError(f"{len(numbered)} records, but only {MAX_RECORDS} can be numbered; join components")
    phases = _phases(specs)
    for number, (spec, audience) in enumerate(numbered):
        fields = () if _is_private(spec) else tuple(each for each in spec.fields if each.audience is audience)
        yield Record(
            id=number,
            bit=1 << number,
            cls=spec.cls,
            name=spec.name,
            audience=audience,
            fields=fields,
            codec=RecordCodec(fields, spec.name),
            redundancy=max((each.redundancy for each in fields), default=0),
            is_marked=spec.tracking.track is not None,
            every=spec.tracking.every,
            phase=phases[spec.cls],
            once=spec.tracking.once,
        )


def _phases(specs: Iterable[ComponentSpec]) -> dict[type, int]:
    """Spread the components over the sends in which they can be looked at, so that no send has them all.

    By component, not by record: what it shows to different audiences is of the same moment.
    """
    load = [0] * max(RATE_TIERS)
    phases = {}
    for spec in specs:
        every = spec.tracking.every
        phase = phases[spec.cls] = min(range(every), key=lambda at: sum(load[at::every]))
        if every > 1:
            for at in range(phase, len(load), every):
                load[at] += 1
    return phases


def _audiences(spec: ComponentSpec) -> list[Audience]:
    if _is_private(spec):
        return [Audience.OWNER]  # that an entity takes input is its owner's business alone
    return sorted({each.audience for each in spec.fields}) or [Audience.EVERYONE]


def _is_private(spec: ComponentSpec) -> bool:
    """Tell whether it is an input that no client is told of, but that it is there."""
    return spec.is_input and not spec.is_shared


def _remotes(game: Game) -> list[Remote]:
    """Return the remote calls and events of a game, and those that every game has."""
    own: list[Remote] = [*game.rpcs, *[spec for spec in map(event_spec_of, game.events) if spec is not None]]
    taken = {remote.name for remote in ENGINE_CALLS}
    for remote in own:
        if remote.name in taken:
            raise SchemaError(f"{game.name}: {remote.name} is the engine's own, every game has it; rename yours")
    return [*own, *ENGINE_CALLS]


def _describe(game: Game, specs: Iterable[ComponentSpec], remotes: Iterable[Remote]) -> Iterable[str]:
    lines = [f"tick_rate: hz={game.tick_rate_hz:g}"]
    # The game's own first: where the description is cut to fit a refusal, what differs is most likely still in it.
    for spec in sorted(specs, key=lambda each: each.cls not in game.components):
        word = "input" if spec.is_input else "netvar"
        lines.append(f"{spec.name}: {'input' if spec.is_input else 'component'}{' shared' if spec.is_shared else ''}")
        lines += [f"{spec.name}.{_item(word, at, each)}" for at, each in enumerate(spec.fields)]
    for remote in remotes:
        lines += _describe_remote(remote)
    return [f"items: count={len(lines)}", *lines]


def _describe_remote(remote: Remote) -> Iterable[str]:
    word = "event" if isinstance(remote, EventSpec) else f"rpc to={remote.to.name}"
    yield f"{remote.name}(): {word} reliable={remote.reliable}"
    for at, each in enumerate(remote.parameters):
        yield f"{remote.name}({_item('argument', at, each, closing=')')}"
    for at, each in enumerate(remote.result_fields):
        yield f"{remote.name}().{_item('result', at, each)}"


def _item(word: str, at: int, declared: NetField, *, closing: str = "") -> str:
    """Describe one field: all that its bytes depend on, and nothing else."""
    options = [f"at={at}", *_type_words(declared, "")]
    if declared.audience is not Audience.EVERYONE:
        options.append(f"audience={declared.audience.name}")
    return f"{declared.name}{closing}: {word} {' '.join(options)}"


def _type_words(declared: NetField, inside: str) -> list[str]:
    """Describe a type. What is inside of it follows: `type=list max_items=16 item.type=int item.low=0 item.high=9`."""
    words = [f"{inside}type={_type_name(declared)}"]
    for name in ("low", "high", "step"):
        value = getattr(declared, name)
        if value is not None:
            words.append(f"{inside}{name}={value!r}")
    if declared.codec is not None:
        words.append(f"{inside}codec={declared.codec.name}")
    if declared.kind in (FieldKind.STR, FieldKind.BYTES, FieldKind.CODEC):
        words.append(f"{inside}max_bytes={declared.max_bytes}")
    if declared.angle:
        words.append(f"{inside}angle")
    if declared.max_items:
        words.append(f"{inside}max_items={declared.max_items}")
    names = _INSIDE.get(declared.kind, [f"item{i}" for i in range(len(declared.items))])
    for name, item in zip(names, declared.items, strict=True):
        words += _type_words(item, f"{inside}{name}.")
    return words


def _type_name(declared: NetField) -> str:
    if issubclass(declared.type, Flag) and declared.kind is FieldKind.FLAG:
        bits = sorted((member.value, name) for name, member in declared.type.__members__.items())
        return f"{declared.type.__name__}[{','.join([f'{name}={value}' for value, name in bits])}]"
    if not issubclass(declared.type, Enum) or declared.kind is not FieldKind.ENUM:
        return declared.kind.value
    members: list[Enum] = list(declared.type)
    return f"{declared.type.__name__}[{','.join([member.name for member in members])}]"
