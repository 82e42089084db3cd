"""Why a knight's wish comes to nothing: a word for programs, and a sentence for people."""

from enum import Enum, auto

from ecsnet import Refused

__all__ = ["Why", "refused", "why"]


class Why(Enum):
    """The reasons of the game. That a knight is somebody else's, remote calls say themselves: NOT_OWNER."""

    DEAD = auto()  # the knight lies on the ground
    COOLDOWN = auto()  # the last attack was a moment ago
    BAD_ATTACK = auto()  # there is no such attack
    NOBODY = auto()  # all barbarians lie on the ground
    OVER = auto()  # the race is over, and the next has not begun
    POOR = auto()  # it costs more gold than there is
    NEEDLESS = auto()  # there is nothing to heal, or the weapon is in the hand already


def refused(reason: Why, text: str) -> Refused:
    """Return what a remote call raises: the word, a colon, the sentence."""
    return Refused(f"{reason.name}: {text}")


def why(text: str) -> tuple[Why | None, str]:
    """Split what `refused` made into both; other refusals have no reason of the game."""
    name, colon, sentence = text.partition(": ")
    return (Why[name], sentence) if colon and name in Why.__members__ else (None, text)
