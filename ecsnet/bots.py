"""Players without a person: a game's own bot, or one that presses keys at random."""

import random
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar, cast

from ecsnet.errors import SchemaError
from ecsnet.fields import FieldKind, NetField, spec_of
from ecsnet.game import Game, find_module
from ecsnet.netfield import flag_mask
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import Reply, Rpc
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.client import Client

__all__ = ["Bot", "Participant", "Wanderer", "load_reference", "make_bot", "press"]

P = ParamSpec("P")
R = TypeVar("R")

CHANGE_SECONDS = 0.5  # how long a wanderer holds its keys: long enough to get somewhere


class Participant(Protocol):
    """Who takes part in a game, as its bot sees it: a `Client`; or, on the server, what stands in for a lost one."""

    @property
    def world(self) -> World:
        """The World as it sees it; its numbers of entities hold here."""
        ...

    @property
    def client_id(self) -> int:
        """Its number; 0 before the server has granted one."""
        ...

    @property
    def entity(self) -> int | None:
        """Its player entity in `world`; None while there is none."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether all is there to play with."""
        ...

    @property
    def disconnected(self) -> tuple[DisconnectReason, str] | None:
        """Why it takes part no more; None while it does."""
        ...

    def call(self, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Call a function on the server."""
        ...


class Bot(Protocol):
    """Whoever decides what one participant presses."""

    def decide(self, client: Participant) -> object:
        """Return the game's input component, as it should be from now on; in a game without one, act by calls.

        Called before every update.
        """
        ...


class Wanderer:
    """Holds random keys for half a second, then others: enough to see a game without a bot move."""

    def __init__(self, game: Game, seed: int) -> None:
        """Wander in a way of its own, which the seed reproduces."""
        self._random = random.Random(seed)  # noqa: S311  # play, not cryptography
        self._input = game.input
        self._hold_ticks = max(1, round(CHANGE_SECONDS * game.tick_rate_hz))
        self._pressed: object = None
        self._period = -1

    def decide(self, client: Participant) -> object:
        """Press the same as before, or, when it has been long enough, something else."""
        if self._input is None:
            return None
        period = client.world.tick // self._hold_ticks
        if period != self._period:
            self._period = period
            fields = spec_of(self._input).fields
            self._pressed = self._input(**{field.name: self._choose(field) for field in fields})
        return self._pressed

    def _choose(self, field: NetField) -> object:
        """Return any value in the declared range; a player input has one for every field."""
        if field.kind is FieldKind.BOOL:
            return self._random.random() < 0.5  # noqa: PLR2004  # an even chance
        if field.kind is FieldKind.TUPLE:
            return tuple(self._choose(each) for each in field.items)
        if field.kind is FieldKind.FLAG:
            return field.type(self._random.getrandbits(32) & flag_mask(field.type))
        if issubclass(field.type, Enum):
            return self._random.choice(list(field.type))
        low, high = field.low or 0, field.high or 0
        if field.kind is FieldKind.INT:
            return self._random.randint(int(low), int(high))
        return self._random.uniform(low, high)


def make_bot(game: Game, seed: int) -> Bot:
    """Return a new bot: the game's own kind if it has one.

    Raises:
        SchemaError: The game names a bot that does not exist, or cannot decide.
    """
    if game.bot is None:
        return Wanderer(game, seed)
    bot = load_reference(game.bot, "bot")()
    if not callable(getattr(bot, "decide", None)):
        raise SchemaError(f"the game's bot is {game.bot!r}, but a {type(bot).__name__} has no decide(client)")
    return cast("Bot", bot)


def load_reference(reference: str, what: str) -> Callable[..., object]:
    """Import what `"package.module:name"` names.

    Raises:
        SchemaError: There is no such module or it has no such name. What goes wrong inside of the module is raised as
            it is.
    """
    module_name, _, name = reference.partition(":")
    module = find_module(module_name)
    if module is None:
        raise SchemaError(
            f"the game's {what} is {reference!r}, but there is no module {module_name}; "
            "is its folder the current one, or installed?"
        )
    found = getattr(module, name, None)
    if not callable(found):
        raise SchemaError(f"the game's {what} is {reference!r}, but {module_name} has no {name} that could be called")
    return cast("Callable[..., object]", found)


def press(client: "Client", bot: Bot) -> None:
    """Let a bot decide for a client."""
    command = bot.decide(client)
    if client.game.input is not None:
        client.press(command)
