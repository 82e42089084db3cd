"""Tables: rows of values printed for people, as CSV or as JSON lines, each as it comes.

Values keep their types until here: a `datetime` is a local date to people and ISO 8601 to programs, a `timedelta` a
clock and seconds. Texts may be anybody's. For people and in CSV, what a terminal might obey is shown instead of sent,
and in CSV no text begins as a formula does, since spreadsheets would calculate it; JSON has every text as it is.
"""

import csv
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import chain, islice
from typing import TextIO, TypeAlias

from ecsnet.quoting import printable

__all__ = ["Form", "Row", "as_plain", "clock_text", "shown", "table_lines", "write_rows"]

Row: TypeAlias = Mapping[str, object]

LOOK_AHEAD_ROWS = 200  # that the widths of a table are chosen by; so much of it is kept
LEAST_CELLS = 3  # of a column that is cut: less says nothing
GAP = "  "
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet calculate, by OWASP's list


class Form(Enum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def write_rows(
    rows: Iterable[Row], columns: Sequence[str], out: TextIO, form: Form, *, width: int | None = None
) -> None:
    """Print rows as they come.

    Args:
        columns: What is printed of each row, in this order.
        width: Of the terminal; None: a table may be as wide as it is.
    """
    if form is Form.JSON:
        for row in rows:
            out.write(json.dumps({column: as_plain(row.get(column)) for column in columns}) + "\n")
    elif form is Form.CSV:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_csv_cell(row.get(column)) for column in columns] for row in rows)
    else:
        out.writelines(f"{line}\n" for line in table_lines(rows, columns, width=width))


def table_lines(rows: Iterable[Row], columns: Sequence[str], *, width: int | None = None) -> Iterator[str]:
    """Return the lines of a table. The first rows decide how wide its columns are, numbers stand to the right."""
    rows = iter(rows)
    first = list(islice(rows, LOOK_AHEAD_ROWS))
    texts = [[shown(row.get(column)) for column in columns] for row in first]
    heads = [column.upper().replace("_", " ") for column in columns]
    widths = [max(map(cells, column)) for column in zip(heads, *texts, strict=True)]
    if width is not None:
        widths = _narrowed(widths, width - len(GAP) * (len(columns) - 1))
    right = [any(_stands_right(row.get(column)) for row in first) for column in columns]
    for line in chain([heads], texts, ([shown(row.get(column)) for column in columns] for row in rows)):
        fitted = line if width is None else [_cut(text, room) for text, room in zip(line, widths, strict=True)]
        padded = [
            " " * (room - cells(text)) + text if to_right else text + " " * (room - cells(text))
            for text, room, to_right in zip(fitted, widths, right, strict=True)
        ]
        yield GAP.join(padded).rstrip()


def shown(value: object) -> str:
    """Return a value for people: on one line, without tricks, documents as `x=1.5 y=2`."""
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        return clock_text(value.total_seconds())
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"  # noqa: PLR2004  # six digits, never an exponent
    if isinstance(value, Mapping):
        return " ".join(f"{printable(str(name))}={_inside(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_inside(part) for part in value)
    return "" if value is None else printable(str(value))


def clock_text(seconds: float) -> str:
    """Return a length of time as a clock shows it: "5:30", "1:05:30", "-0:02"."""
    whole = round(seconds)
    minutes, left = divmod(abs(whole), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
    return f"-{text}" if whole < 0 else text


def as_plain(value: object) -> object:
    """Return a value as JSON has it: dates in ISO 8601 and UTC, lengths of time in seconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(name): as_plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(part) for part in value]
    return value


def cells(text: str) -> int:
    """Return how wide a terminal shows a text."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _inside(value: object) -> str:
    """Return a value within another, in brackets where its end would not be seen."""
    text = shown(value)
    if isinstance(value, Mapping):
        return f"{{{text}}}"
    return f"[{text}]" if isinstance(value, list | tuple) else text


def _csv_cell(value: object) -> object:
    plain = as_plain(value)
    if isinstance(plain, dict | list):
        plain = json.dumps(plain)
    if not isinstance(plain, str):
        return plain  # a number below zero begins with a "-", too, and is none of a formula
    return f"'{printable(plain)}" if plain.startswith(FORMULA) else printable(plain)


def _stands_right(value: object) -> bool:
    return isinstance(value, int | float | timedelta) and not isinstance(value, bool)


def _narrowed(widths: Sequence[int], room: int) -> list[int]:
    """Return widths that fit, if any do. What matters most stands to the left: the last columns are cut first."""
    narrow = list(widths)
    for place in reversed(range(len(narrow))):
        missing = max(0, sum(narrow) - room)
        narrow[place] -= min(missing, max(0, narrow[place] - LEAST_CELLS))
    return narrow


def _cut(text: str, room: int) -> str:
    """Return as much of a text as fits, with a mark where something is missing."""
    if cells(text) <= room:
        return text
    while text and cells(text) > room - 1:
        text = text[:-1]
    return f"{text}…"
