"""Game: the manifest of a game (components, input, systems, calls, events, rates), checked whole; `load` finds one."""

import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from types import ModuleType
from typing import Any, TypeAlias

from ecsnet.absence import Absence
from ecsnet.errors import SchemaError
from ecsnet.fields import ComponentSpec, place_of, spec_of
from ecsnet.gameevent import event_spec_of
from ecsnet.rpc import Rpc
from ecsnet.system import System, SystemType
from ecsnet.world import World

__all__ = ["Game", "Migrate", "find_module", "load"]

MAX_TICK_RATE_HZ = 1000
MAX_CLIENTS = 65_535
MAX_NAME_CHARACTERS = 64
USUAL_REWIND_SECONDS = 0.25
ROUNDING = 1e-9  # of one division
Migrate: TypeAlias = Callable[[dict[str, dict[str, object]]], None]

_VERSION = re.compile(r"[A-Za-z0-9._+-]{0,24}")  # it travels in HELLO, where little room is left
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Game:
    """All that makes a game; server, clients and tests are made from it.

    Attributes:
        components: What the author listed, and `input`. The engine adds its own.
    """

    name: str
    version: str
    input: type[object] | None
    components: tuple[type[object], ...]
    systems: tuple[SystemType, ...]
    rpcs: tuple[Rpc[..., Any], ...]
    events: tuple[type[object], ...]
    tick_rate_hz: float
    send_rate_hz: float
    max_clients: int
    absence: Absence
    cell_units: float
    max_rewind_seconds: float
    resume_grace_seconds: float
    help: str
    window: str | None
    terminal: str | None
    bot: str | None
    summary: Callable[[World], Mapping[str, object]] | None
    persistent: tuple[type[object], ...]
    migrate: Migrate | None

    def __init__(  # a manifest: every part is a keyword with a default
        self,
        name: str,
        *,
        version: str = "",
        input: type[object] | None = None,  # noqa: A002  # the game's word for it
        components: Sequence[type[object]] = (),
        systems: Sequence[SystemType] = (),
        rpcs: Sequence[Rpc[..., Any]] = (),
        events: Sequence[type[object]] = (),
        tick_rate_hz: float = 60,
        send_rate_hz: float = 30,
        max_clients: int = 32,
        absence: Absence = Absence.NEUTRAL,
        cell_units: float = 128.0,
        max_rewind_seconds: float = USUAL_REWIND_SECONDS,
        resume_grace_seconds: float = 0.0,
        help: str = "",  # noqa: A002  # what users look for
        window: str | None = None,
        terminal: str | None = None,
        bot: str | None = None,
        summary: Callable[[World], Mapping[str, object]] | None = None,
        persistent: Sequence[type[object]] = (),
        migrate: Migrate | None = None,
    ) -> None:
        """Check and keep the parts.

        Args:
            name: For people, and what tells this game from others on the wire.
            version: As its makers call it, e.g. "1.2": told to a player whose game is another one, and to the server's
                `accept`. Whether two games fit together is found out without it.
            input: The `@player_input` a client fills each tick.
            components: The game's own; those of `ecsnet.components` need not be listed.
            systems: Classes, in the order in which they run; instances are made for each World.
            rpcs: Functions declared with `@rpc`.
            events: Classes declared with `@event`.
            tick_rate_hz: Simulated steps a second.
            send_rate_hz: State messages a second; a whole number of ticks apart.
            max_clients: More are refused.
            absence: What becomes of the entity of a player whose connection is lost, for as long as its place is kept.
            cell_units: Side of the grid's cells that `Near` and `Viewer` go by, world units: about a third of a
                Viewer's radius. Smaller cells show less beyond the radius, and cost the server more.
            max_rewind_seconds: How far back `world.rewind` goes at most, on both sides. Whoever is hit has been behind
                the corner for up to that long, as he sees it, and a client that claims an older picture than it has
                gains no more. A good Wi-Fi needs 0.23, a mobile network 0.4. 0: everything stays in the present.
            resume_grace_seconds: How long the place and the entity of a player are kept whose connection broke off,
                unless the server's owner says otherwise. The game decides what such an entity does, whose
                `Player.status` is LOST. 0: not at all.
            help: What `ecsnet play NAME --help` tells of the game: its keys, its rules. Lines are kept as they are.
            window: `"package.module:function"`, called with the running client, for people to play.
            terminal: `"package.module:function"`, the same for a game that is played by typing. Of both, the
                window goes first where there is a display.
            bot: `"package.module:Class"`, for a client without a person.
            summary: What of a World to print at the end of a match.
            persistent: Components that are kept for good of each entity with `Persistent`, e.g. what a player owns.
            migrate: Given what was kept of an entity before it is made again, `{"Gold": {"amount": 50}}`, to change
                what an earlier version of the game called otherwise.

        Raises:
            SchemaError: The parts do not fit together; the text says which and what to do.
        """
        where = f"Game({name!r})"
        parts: dict[str, object] = {
            "name": name,
            "version": version,
            "input": input,
            "components": _tuple_of(where, "components", components),
            "systems": _tuple_of(where, "systems", systems),
            "rpcs": _tuple_of(where, "rpcs", rpcs),
            "events": _tuple_of(where, "events", events),
            "tick_rate_hz": tick_rate_hz,
            "send_rate_hz": send_rate_hz,
            "max_clients": max_clients,
            "absence": absence,
            "cell_units": cell_units,
            "max_rewind_seconds": max_rewind_seconds,
            "resume_grace_seconds": resume_grace_seconds,
            "help": help,
            "window": window,
            "terminal": terminal,
            "bot": bot,
            "summary": summary,
            "persistent": _tuple_of(where, "persistent", persistent),
            "migrate": migrate,
        }
        for part, value in parts.items():
            object.__setattr__(self, part, value)
        self._check(where)
        if input is not None and input not in self.components:
            object.__setattr__(self, "components", (*self.components, input))

    def __repr__(self) -> str:
        """Show the name and how much there is."""
        counts = f"{len(self.components)} components, {len(self.systems)} systems, {len(self.rpcs)} rpcs"
        return f"Game({self.name!r}: {counts}, {self.tick_rate_hz:g} Hz)"

    @property
    def application_id(self) -> bytes:
        """16 bytes that follow from the name: who plays another game is refused at once."""
        return blake2s(self.name.encode(), digest_size=16).digest()

    def _check(self, where: str) -> None:
        self._check_words(where)
        _check_rates(where, self.tick_rate_hz, self.send_rate_hz)
        if type(self.max_clients) is not int or not 1 <= self.max_clients <= MAX_CLIENTS:
            raise SchemaError(f"{where}: max_clients={self.max_clients!r} is outside 1..{MAX_CLIENTS}")
        if not isinstance(self.absence, Absence):
            raise SchemaError(f"{where}: absence={self.absence!r} is none of {', '.join(map(str, Absence))}")
        if not isinstance(self.cell_units, int | float) or not 0 < self.cell_units < math.inf:
            raise SchemaError(f"{where}: cell_units={self.cell_units!r} must be above 0, world units")
        if not isinstance(self.max_rewind_seconds, int | float) or not 0 <= self.max_rewind_seconds < math.inf:
            raise SchemaError(f"{where}: max_rewind_seconds={self.max_rewind_seconds!r} is no time; 0 switches it off")
        grace_seconds = self.resume_grace_seconds
        if not isinstance(grace_seconds, int | float) or not 0 <= grace_seconds < math.inf:
            raise SchemaError(f"{where}: resume_grace_seconds={grace_seconds!r} is no time; 0 keeps no places")
        _check_components(where, self.components, self.input)
        _check_systems(where, self.systems)
        _check_rpcs(where, self.rpcs)
        _check_events(where, self.events, {rpc.name for rpc in self.rpcs})
        _check_persistent(where, self.persistent)
        for part, reference in (("window", self.window), ("terminal", self.terminal), ("bot", self.bot)):
            if reference is not None and not (isinstance(reference, str) and _REFERENCE.fullmatch(reference)):
                raise SchemaError(f'{where}: {part}={reference!r} must look like "package.module:name"')

    def _check_words(self, where: str) -> None:
        if (
            not isinstance(self.name, str)
            or not 1 <= len(self.name) <= MAX_NAME_CHARACTERS
            or not self.name.isprintable()
        ):
            raise SchemaError(f"{where}: a game's name has 1 to {MAX_NAME_CHARACTERS} printable characters")
        if not isinstance(self.version, str) or not _VERSION.fullmatch(self.version):
            raise SchemaError(f"{where}: version={self.version!r} must be up to 24 letters, digits and ._+-")
        if not isinstance(self.help, str):
            raise SchemaError(f"{where}: help={self.help!r} must be a text")


def load(path: str) -> Game:
    """Find a game by name.

    Args:
        path: A sample (`"soccer"`), a module whose attribute `game` it is (`"mygame.game"`), or any attribute
            (`"mygame.game:tournament"`).

    Raises:
        SchemaError: There is no such module or it has no such Game; the text says what was looked for.
    """
    name, _, attribute = path.partition(":")
    attribute = attribute or "game"
    if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
        example = name.removesuffix(".py").strip("./").replace("/", ".")
        raise SchemaError(
            f"{path!r} is no module name; give it with dots, without .py, like {example or 'mygame.game'!r}"
        )
    candidates = [name] if "." in name else [f"ecsnet.samples.{name}.game", name]
    for candidate in candidates:
        module = find_module(candidate)
        if module is not None:
            return _game_in(module, attribute, path)
    looked = " or ".join(candidates)
    samples = "" if "." in name else f" Samples are {', '.join(_samples())}."
    raise SchemaError(
        f"there is no game {path!r}: no module {looked}; is its folder the current one, or installed?{samples}"
    )


def _samples() -> list[str]:
    samples = find_module("ecsnet.samples")
    return [] if samples is None else [found.name for found in pkgutil.iter_modules(samples.__path__) if found.ispkg]


def _tuple_of(where: str, part: str, given: Iterable[object]) -> tuple[object, ...]:
    if isinstance(given, str | type) or not isinstance(given, Iterable):
        raise SchemaError(f"{where}: {part}={given!r} must be a list")
    return tuple(given)


def _check_rates(where: str, tick_rate_hz: float, send_rate_hz: float) -> None:
    for part, rate in (("tick_rate_hz", tick_rate_hz), ("send_rate_hz", send_rate_hz)):
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= MAX_TICK_RATE_HZ:
            raise SchemaError(f"{where}: {part}={rate!r} is outside 0..{MAX_TICK_RATE_HZ}")
    interval = tick_rate_hz / send_rate_hz
    if interval < 1 or abs(interval - round(interval)) > ROUNDING:
        raise SchemaError(
            f"{where}: send_rate_hz={send_rate_hz} does not divide tick_rate_hz={tick_rate_hz}: "
            "state is sent every whole number of ticks"
        )


def _check_components(where: str, components: Sequence[type], player_input: type | None) -> None:
    specs = [_spec(where, "components", listed) for listed in components]
    if player_input is not None:
        if not _spec(where, "input", player_input).is_input:
            raise SchemaError(f"{where}: input={player_input.__name__} is a plain component; declare it @player_input")
        if player_input not in components:
            specs.append(spec_of(player_input))
    seen: dict[str, type] = {}
    for spec in specs:
        if spec.is_input and spec.cls is not player_input:
            raise SchemaError(f"{where}: {spec.name} is a @player_input; give it as input=, there is one of it")
        if spec.name in seen:
            same = seen[spec.name] is spec.cls
            text = (
                f"{spec.name} is listed twice"
                if same
                else f"two components are named {spec.name}, "
                + " and ".join(f"{found.__module__}.{spec.name}" for found in (seen[spec.name], spec.cls))
            )
            raise SchemaError(f"{where}: {text}; names are unique in a game")
        seen[spec.name] = spec.cls


def _check_persistent(where: str, persistent: Sequence[type]) -> None:
    names = [_spec(where, "persistent", listed).name for listed in persistent]
    for name in names:
        if names.count(name) > 1:
            raise SchemaError(f"{where}: persistent= has two components called {name}; they are kept by their names")


def _spec(where: str, part: str, listed: type) -> ComponentSpec:
    try:
        return spec_of(listed)
    except SchemaError as error:
        raise SchemaError(f"{where}: {part}: {error}") from None


def _check_systems(where: str, systems: Sequence[object]) -> None:
    for position, system in enumerate(systems):
        if not isinstance(system, type):
            raise SchemaError(f"{where}: systems lists classes, not {system!r}; leave out the parentheses")
        if getattr(system, "process", None) in (None, System.process):
            raise SchemaError(f"{where}: {place_of(system)}: a system has process(self, world)")
        if system in systems[:position]:
            raise SchemaError(f"{where}: {place_of(system)}: is listed twice; a system runs once a tick")
        try:
            inspect.signature(system).bind()
        except TypeError as error:
            raise SchemaError(
                f"{where}: {place_of(system)}: is made without arguments, but {error}; give them defaults"
            ) from None


def _check_rpcs(where: str, rpcs: Sequence[object]) -> None:
    names: set[str] = set()
    for listed in rpcs:
        if not isinstance(listed, Rpc):
            raise SchemaError(f"{where}: rpcs: {listed!r} is no remote call; declare it with @rpc(to=...)")
        if listed.name in names:
            raise SchemaError(f"{where}: two remote calls are named {listed.name}; names are unique in a game")
        names.add(listed.name)


def _check_events(where: str, events: Sequence[object], names: set[str]) -> None:
    for listed in events:
        spec = event_spec_of(listed) if isinstance(listed, type) else None
        if spec is None:
            raise SchemaError(f"{where}: events: {listed!r} is no event; list classes declared with @event")
        if spec.name in names:
            raise SchemaError(f"{where}: two remote calls or events are named {spec.name}; names are unique in a game")
        names.add(spec.name)


def find_module(name: str) -> ModuleType | None:
    """Import a module; None if it does not exist. What goes wrong inside of it is raised as it is."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            return None
        raise


def _game_in(module: ModuleType, attribute: str, path: str) -> Game:
    found = getattr(module, attribute, None)
    if isinstance(found, Game):
        return found
    others = [name for name, value in vars(module).items() if isinstance(value, Game)]
    inner = f"{module.__name__}.game"
    if not others and hasattr(module, "__path__") and isinstance(getattr(find_module(inner), "game", None), Game):
        raise SchemaError(f"{path!r} is a folder, and its game in {inner}: write {inner}")
    given = path.partition(":")[0]
    hint = f"it has {', '.join(others)}: write {given}:{others[0]}" if others else "write game = Game(...)"
    what = "nothing" if found is None or isinstance(found, ModuleType) else f"a {type(found).__name__}"
    raise SchemaError(f"{path!r}: {module.__name__}.{attribute} is {what}, not a Game; {hint}")
