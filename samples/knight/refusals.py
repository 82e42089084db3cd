"""Why a knight's wish comes to nothing: a word for programs, and a sentence for people."""

from enum import Enum

from ecsnet import Refused

__all__ = ["Why", "refused", "why"]


class Why(Enum):
    """The reasons of the game. That a knight is somebody else's, remote calls say themselves: NOT_OWNER."""

    DEAD = "one lies on the ground"
    COOLDOWN = "the last attack was a moment ago"
    BAD_ATTACK = "there is no such attack"
    NOBODY = "all barbarians lie on the ground"
    OVER = "the race is over, and the next has not begun"
    POOR = "it costs more gold than there is"
    NEEDLESS = "there is nothing to heal, or the weapon is in one's hand already"


def refused(reason: Why, text: str) -> Refused:
    """Return what a remote call raises: the word, a colon, the sentence."""
    return Refused(f"{reason.name}: {text}")


def why(text: str) -> tuple[Why | None, str]:
    """Split what `refused` made into both; other refusals have no reason of the game."""
    name, colon, sentence = text.partition(": ")
    return (Why[name], sentence) if colon and name in Why.__members__ else (None, text)
