"""Quoting: what somebody else chose, as it may stand in a line of a log or in a message."""

import json
from collections.abc import Iterable

__all__ = ["counted", "cut", "none_of", "printable", "quoted"]

MAX_NAMED = 12  # of what there is, where a name does not exist


def quoted(text: str) -> str:
    """Return a text in quotes, on one line and without tricks: escapes are those of JSON."""
    shown = json.dumps(text, ensure_ascii=False)
    return shown if shown.isprintable() else json.dumps(text)


def printable(text: str) -> str:
    """Return a text without what a terminal might obey: such characters are shown as Python writes them."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def counted(count: int, one: str, several: str) -> str:
    """Return how many there are of something: "1 match", "2 matches"."""
    return f"{count:,} {one if count == 1 else several}"


def none_of(what: str, there: Iterable[object]) -> str:
    """Return that there is nothing of a name, and what there is: some of it."""
    names = list(dict.fromkeys(printable(str(one)) for one in there))
    listed = ", ".join(names[:MAX_NAMED]) + ", ..." * (len(names) > MAX_NAMED)
    return f"there is no {printable(what)}; there {'is' if len(names) == 1 else 'are'} {listed or 'none'}"


def cut(text: str, max_bytes: int) -> str:
    """Return as much of a text as fits, in UTF-8, cut between characters; what has no encoding becomes "?"."""
    return text.encode(errors="replace")[:max_bytes].decode(errors="ignore")
