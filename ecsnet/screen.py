"""Screen: a terminal that shows one page and shows it anew, and is left as it was found."""

import os
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TextIO

__all__ = ["size", "whole_screen"]

_ENTER = "\x1b[?1049h\x1b[?25l"  # the alternate screen, without a cursor
_LEAVE = "\x1b[?25h\x1b[?1049l"
_TOP, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"


def size() -> os.terminal_size:
    """Return the columns and lines of the terminal, as they are now."""
    return shutil.get_terminal_size()


@contextmanager
def whole_screen(stream: TextIO) -> Generator[Callable[[Sequence[str]], None], None, None]:
    """Take the whole terminal, and give it back however this ends.

    Yields:
        Shows lines, from the top, in the place of those before: nothing flickers, and what scrolled by before the
        program began is there again after it.
    """

    def show(lines: Sequence[str]) -> None:
        stream.write(_TOP + "\r\n".join(line + _REST_OF_LINE for line in lines) + _REST)
        stream.flush()

    stream.write(_ENTER)
    try:
        yield show
    finally:
        stream.write(_LEAVE)
        stream.flush()
