"""Session: what a player at a terminal does and hears, without the terminal: lines go in, lines come out."""

from collections.abc import Callable
from typing import TypeVar

from ecsnet import Client, ClientStatus, EcsnetError, Reply
from ecsnet.events import Synced
from ecsnet.samples.knight.battle import attack_random_barbarian
from ecsnet.samples.knight.commands import Mistake, read
from ecsnet.samples.knight.components import BattleResult
from ecsnet.samples.knight.market import buy, heal
from ecsnet.samples.knight.news import News
from ecsnet.samples.knight.refusals import why
from ecsnet.samples.knight.rules import COOLDOWN_SECONDS, Attack, Weapon
from ecsnet.samples.knight.texts import (
    Line,
    help_lines,
    look_lines,
    printable,
    say,
    status_line,
    welcome_lines,
    who_lines,
)
from ecsnet.systems import say as say_aloud
from ecsnet.systems.chat import MAX_TEXT_BYTES
from ecsnet.wire import Tick, advance_tick, tick_difference

__all__ = ["Session"]

T = TypeVar("T")

MAX_UNANSWERED = 16  # commands: of a page that is pasted by mistake the rest is refused
MAX_WAIT_SECONDS = 3600


class Session:
    """One person's game: call `enter` for each line that was typed, and `frame` after each update of the client.

    Attributes:
        attack: The last one, which is repeated.
        has_quit: Whether the person has had enough.
    """

    def __init__(self, client: Client) -> None:
        """Begin before the World has arrived."""
        self.attack = Attack.SLASH
        self.has_quit = False
        self._client = client
        self._lines: list[Line] = []
        self._is_welcome = False
        self._breath_tick = self._wait_tick = client.world.tick
        self._unanswered: list[Callable[[], bool]] = []  # each looks whether its answer is there, and tells it
        self._news = News(client)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to come."""
        return self.has_quit or self._client.disconnected is not None

    @property
    def is_idle(self) -> bool:
        """Whether the next line of a script may come: everything before it is done."""
        return self._is_welcome and not self._unanswered and self._seconds_to(self._wait_tick) <= 0.0

    def take_lines(self) -> list[Line]:
        """Return and forget what there is to show, oldest first."""
        lines, self._lines = self._lines, []
        return [printable(line) for line in lines]

    def note(self, text: str) -> None:
        """Add what is not of the game."""
        self._add("warn", "!", text)

    def status(self, columns: int) -> Line:
        """Return how it stands, in one line."""
        return status_line(self._client, breath_seconds=self._seconds_to(self._breath_tick), columns=columns)

    # What is typed.

    def enter(self, text: str) -> None:
        """Do what a line says."""
        try:
            word, rest = read(text)
            self._do(word, rest)
        except Mistake as mistake:
            self._add("warn", "?", str(mistake))
        except EcsnetError as error:  # the connection has just ended, or carries no more
            self._add("warn", "!", str(error))

    def _do(self, word: str, rest: str) -> None:
        entity = self._client.entity
        if word == "quit":
            self.has_quit = True
        elif not self._is_welcome or entity is None or self._client.status is not ClientStatus.CONNECTED:
            raise Mistake("You are not there; one moment")
        elif word in _LISTS:
            self._lines += _LISTS[word](self._client)
        elif word == "wait":
            self._wait(rest)
        elif len(self._unanswered) >= MAX_UNANSWERED:
            raise Mistake(f"{MAX_UNANSWERED} commands are not answered yet; one moment")
        else:
            self._ask(entity, word, rest)

    def _ask(self, entity: int, word: str, rest: str) -> None:
        """Call what changes something on the server."""
        call = self._client.call
        if word == "attack":
            self.attack = Attack(rest or self.attack)
            self._expect(call(attack_random_barbarian, entity, self.attack.value), self._tell_battle)
        elif word == "heal":
            self._expect(call(heal, entity), lambda points: self._add("win", "+", f"You have {points} health now"))
        elif word == "say":
            self._expect(call(say_aloud, _sayable(rest)), lambda _: None)  # one hears it as everybody does
        else:
            self._expect(call(buy, entity, Weapon(rest)), lambda _: self._add("win", "+", f"The {rest} is yours"))

    def _wait(self, seconds: str) -> None:
        if not seconds.replace(".", "", 1).isdecimal() or float(seconds) > MAX_WAIT_SECONDS:
            raise Mistake(f"{seconds!r} is no time to wait; give seconds, {MAX_WAIT_SECONDS} at most")
        self._wait_tick = self._tick_in(float(seconds))

    # What is heard.

    def frame(self) -> None:
        """Take what the client has heard since the last time."""
        self._unanswered = [is_answered for is_answered in self._unanswered if not is_answered()]
        for event in self._client.events():
            if isinstance(event, Synced):  # also after coming back, perhaps to a server that has begun anew
                self._breath_tick = self._wait_tick = self._client.world.tick
            line = self._news.line_for(event)
            self._lines += [] if line is None else [line]
        if not self._is_welcome and self._client.is_ready:
            self._is_welcome = True
            self._lines += welcome_lines(self._client)

    def _expect(self, reply: Reply[T], tell: Callable[[T], None]) -> None:
        """Have an answer told when it comes."""

        def is_answered() -> bool:
            if reply.ok:
                tell(reply.value)
            elif reply.refusal is not None:
                _, sentence = why(reply.refusal.text)
                self._add("warn", "!", sentence[:1].upper() + sentence[1:])
            return reply.done

        self._unanswered.append(is_answered)

    def _tell_battle(self, result: BattleResult) -> None:
        self._breath_tick = self._tick_in(COOLDOWN_SECONDS)
        self._add("win" if result.won else "loss", "+" if result.won else "-", result.text)

    def _add(self, style: str, mark: str, text: str) -> None:
        self._lines.append(say(style, mark, text))

    # Time, as the game counts it.

    def _tick_in(self, seconds: float) -> Tick:
        world = self._client.world
        return advance_tick(world.tick, round(seconds * world.tick_rate_hz))

    def _seconds_to(self, tick: Tick) -> float:
        return max(0, tick_difference(tick, self._client.world.tick)) * self._client.world.dt


def _sayable(text: str) -> str:
    """Return what can travel of what was typed; a terminal passes on bytes that are no letters."""
    encoded = text.encode(errors="replace")
    if len(encoded) > MAX_TEXT_BYTES:
        raise Mistake(f"Too long, by {len(encoded) - MAX_TEXT_BYTES} letters; say it in two lines")
    return encoded.decode()


_LISTS: dict[str, Callable[[Client], list[Line]]] = {"help": help_lines, "who": who_lines, "look": look_lines}
