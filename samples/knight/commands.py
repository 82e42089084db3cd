"""What one can type: the table of commands, and how a line is understood."""

from collections.abc import Sequence
from dataclasses import dataclass

from ecsnet.samples.knight.rules import HEAL_GOLD, HEAL_HEALTH, WEAPON_GOLD, Attack, Weapon

__all__ = ["COMMANDS", "RULES", "Command", "Mistake", "completions", "manual", "read"]


RULES = """\
Knights beat barbarians for gold. A win costs a barbarian 10 health per
level; who fells one gets 10 gold per level more. An axe wins more often, with
a lance a win brings more. Who falls loses half of his gold, and lies there
for five seconds. The first with 200 gold has won; knight:endless goes on for
ever. Commands may be cut short: a s, b axe."""


class Mistake(ValueError):  # noqa: N818  # what whoever typed has made; the text says what would be right
    """A line that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Command:
    """One of the words a line may begin with.

    Attributes:
        text: What it does.
        choices: Words of which one may follow.
        takes: What else may follow, for people.
        is_complete: Whether it may also stand alone.
    """

    word: str
    text: str
    choices: tuple[str, ...] = ()
    takes: str = ""
    is_complete: bool = True

    @property
    def usage(self) -> str:
        """The word and what follows it."""
        return " ".join(filter(None, (self.word, "|".join(self.choices), self.takes)))


COMMANDS = (
    Command("attack", "a barbarian; without a word after it: as before", tuple(attack.value for attack in Attack)),
    Command("heal", f"{HEAL_HEALTH} health for {HEAL_GOLD} gold"),
    Command("buy", f"{WEAPON_GOLD} gold", tuple(weapon.value for weapon in Weapon), is_complete=False),
    Command("who", "the knights"),
    Command("look", "the barbarians"),
    Command("say", "to all", takes="TEXT", is_complete=False),
    Command("wait", "do nothing for a while; for scripts", takes="SECONDS", is_complete=False),
    Command("help", "this list"),
    Command("quit", "leave; so do Ctrl-C and Ctrl-D"),
)
_BY_WORD = {command.word: command for command in COMMANDS}


def manual() -> str:
    """Return the rules and the commands as text, as `ecsnet play knight --help` shows it."""
    width = max(len(command.usage) for command in COMMANDS)
    return "\n".join((RULES, "", *(f"{command.usage:<{width}}  {command.text}" for command in COMMANDS)))


def read(line: str) -> tuple[str, str]:
    """Return the command's word and what follows it. Words may be cut short, as long as it is clear which one is meant.

    Raises:
        Mistake: There is no such command, or what follows does not fit.
    """
    word, _, rest = line.strip().partition(" ")
    command, rest = _BY_WORD[_find(word, tuple(_BY_WORD))], rest.strip()
    if rest and not command.choices and not command.takes:
        raise Mistake(f"{command.word} stands alone, without {rest!r}")
    if not rest and not command.is_complete:
        raise Mistake(f"{command.word} what? Type {command.usage}")
    return command.word, _find(rest, command.choices) if rest and command.choices else rest


def completions(typed: str) -> list[str]:
    """Return what the last word of a line may become; a space follows where more is to come."""
    word, space, rest = typed.lstrip().partition(" ")
    if not space:
        fitting = [command for command in COMMANDS if command.word.startswith(word.lower())]
        return [command.word + " " * bool(command.choices or command.takes) for command in fitting]
    try:
        choices = _BY_WORD[_find(word, tuple(_BY_WORD))].choices
    except Mistake:
        return []
    return [choice for choice in choices if choice.startswith(rest.lstrip().lower())]


def _find(word: str, words: Sequence[str]) -> str:
    fitting = [each for each in words if each.startswith(word.lower())]
    if len(fitting) == 1:
        return fitting[0]
    raise Mistake(f"{word!r} may be {' or '.join(fitting)}" if fitting else f"{word!r} is none of {', '.join(words)}")
