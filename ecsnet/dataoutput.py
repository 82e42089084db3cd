"""Where an answer of `ecsnet data` goes: to the screen or a file, with a line that tells of long work."""

import io
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

import click

from ecsnet.clock import MonotonicClock
from ecsnet.datarows import Columns
from ecsnet.errors import EcsnetError
from ecsnet.tables import Form, Row, write_rows

__all__ = ["Output", "Progress", "refuse_database"]

T = TypeVar("T")

DATABASE = b"SQLite format 3\0"  # how such a file begins
PATIENCE_SECONDS, LOOK_SECONDS = 0.7, 0.1  # without a word, and between two


class Progress:
    """A line on standard error that tells how far long work is; only where somebody watches."""

    def __init__(self, stream: TextIO) -> None:
        """Tell it to a stream, if that is a terminal."""
        self._stream = stream
        self._is_watched = stream.isatty()
        self._clock = MonotonicClock()
        self._next_at = self._clock.now() + PATIENCE_SECONDS
        self._width = 0

    def over(self, items: Iterable[T], what: str) -> Iterator[T]:
        """Return the same items, and tell now and then how many there have been."""
        number = 0
        for number, item in enumerate(items, 1):
            if self._is_watched and self._clock.now() >= self._next_at:
                self._tell(f"{number:,} {what} ...")
            yield item

    def clear(self) -> None:
        """Make room for what is printed."""
        if self._width:
            self._stream.write(f"\r{'':{self._width}}\r")
            self._stream.flush()
            self._width = 0

    def _tell(self, text: str) -> None:
        self._stream.write(f"\r{text:<{self._width}}")
        self._stream.flush()
        self._width = len(text)
        self._next_at = self._clock.now() + LOOK_SECONDS


class Output:
    """Where an answer goes, and as what.

    Attributes:
        form: Table, CSV or JSON.
        path: The file that was asked for; None: standard output.
        progress: What tells of long work until something is printed.
    """

    def __init__(self, form: Form, path: Path | None) -> None:
        """Begin with nothing; a file is opened when there is something to print."""
        self.form = form
        self.path = path
        self.progress = Progress(sys.stderr)
        self._out: TextIO | None = None

    @property
    def is_table(self) -> bool:
        """Whether people are to read it."""
        return self.form is Form.TABLE

    @property
    def width(self) -> int | None:
        """Of the terminal; None: it goes elsewhere, and may be as wide as it is."""
        is_terminal = self.path is None and sys.stdout.isatty()
        return shutil.get_terminal_size().columns if is_terminal else None

    def rows(self, rows: Iterable[Row], columns: Columns) -> int:
        """Print rows; return how many."""
        count = 0

        def counted() -> Iterator[Row]:
            nonlocal count
            for count, row in enumerate(rows, 1):  # noqa: B007  # it is returned
                self.progress.clear()
                yield row

        shown = columns.brief if self.is_table else columns.all
        out = self._stream()
        write_rows(counted(), shown, out, self.form, width=self.width)
        out.flush()  # so that a pipe that nobody reads any more is noticed here
        self.progress.clear()
        return count

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines."""
        self.progress.clear()
        out = self._stream()
        out.writelines(f"{line}\n" for line in lines)
        out.flush()

    def _stream(self) -> TextIO:
        if self._out is None:
            self._out = standard_output() if self.path is None else open_new(self.path)
        return self._out


def standard_output() -> TextIO:
    """Return it; what it cannot show, by its encoding, becomes a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return sys.stdout


def open_new(path: Path) -> TextIO:
    """Open a file for an answer until the command is done; a store is not written over by a slip.

    Raises:
        EcsnetError: It cannot be written, or is a database.
    """
    try:
        refuse_database(path)
        file = path.open("w", encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise EcsnetError(f"cannot write {path}: {error.strerror}") from error
    click.get_current_context().call_on_close(file.close)
    return file


def refuse_database(path: Path) -> None:
    """Look whether a file that will be written anew is worth keeping.

    Raises:
        EcsnetError: It is a database, such as a store.
    """
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(DATABASE)) == DATABASE:
                raise EcsnetError(f"{path} is a database, maybe the store itself: name another file to write to")
