"""Tables: rows for people, spreadsheets and programs; whatever texts they hold."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ecsnet.tables import LOOK_AHEAD_ROWS, Form, Row, cells, clock_text, shown, table_lines, write_rows


def written(rows: Sequence[Row], columns: Sequence[str], form: Form, width: int | None = None) -> str:
    out = io.StringIO()
    write_rows(rows, columns, out, form, width=width)
    return out.getvalue()


def test_a_table_has_heads_numbers_to_the_right_and_no_trailing_blanks() -> None:
    """As people lay out tables."""
    rows = [{"name": "anna", "gold_amount": 5, "note": ""}, {"name": "b", "gold_amount": 12.5, "note": None}]

    assert list(table_lines(rows, ["name", "gold_amount", "note"])) == [
        "NAME  GOLD AMOUNT  NOTE",
        "anna            5",
        "b            12.5",
    ]


@pytest.mark.parametrize("width", [100, 30, 20, 18])
def test_a_table_fits_its_terminal_and_cuts_the_last_columns_first(width: int) -> None:
    """What names a row stands to the left: it is needed whole to be copied."""
    rows = [{"id": "20261130", "text": "a long text that says much", "more": "and even more of it"}]
    lines = list(table_lines(rows, ["id", "text", "more"], width=width))

    assert all(cells(line) <= width for line in lines)
    assert lines[1].startswith("20261130 ")
    assert ("…" in lines[1]) == (width < 59)


def test_a_table_that_cannot_fit_is_wider_than_its_terminal() -> None:
    """A column of a mark alone would say nothing."""
    assert list(table_lines([{"a": "long", "b": "text"}], ["a", "b"], width=2)) == ["A    B", "lo…  te…"]


def test_wide_letters_take_two_cells_and_accents_none() -> None:
    """As terminals show them: the next column must not move."""
    lines = list(table_lines([{"name": "日本", "n": 1}, {"name": "e\u0301", "n": 2}], ["name", "n"], width=40))

    assert [cells(line) for line in lines] == [7, 7, 7]
    assert list(table_lines([{"name": "日本語"}], ["name"], width=5))[1] == "日本…"


def test_a_table_shows_rows_before_it_has_them_all() -> None:
    """Whatever there is of them: so many decide how wide the columns are, and no more are kept."""
    taken = 0

    def rows() -> Iterator[Row]:
        nonlocal taken
        while True:
            taken += 1
            yield {"n": taken}

    lines = table_lines(rows(), ["n"])
    found = [next(lines) for _ in range(1000)]

    assert found[-1] == "999"
    assert taken <= 1000 + LOOK_AHEAD_ROWS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "True"),
        (1 / 3, "0.333333"),
        (1e-9, "1e-09"),
        (12345678.9, "12345679"),
        (timedelta(seconds=3661), "1:01:01"),
        ({"x": 1.5, "bag": {"axe": 2}, "at": [1, 2]}, "x=1.5 bag={axe=2} at=[1, 2]"),
        (["anna", "bert"], "anna, bert"),
        ("two\nlines\tand\x1b[2J\u202e\x9b", r"two\nlines\tand\x1b[2J\u202e\x9b"),
        ({"\x07": ["\x1b"]}, r"\x07=[\x1b]"),
        ("\ud800", r"\ud800"),
    ],
)
def test_people_see_values_on_one_line_without_tricks(value: object, text: str) -> None:
    """Whoever chose the text may want to play with the terminal."""
    assert shown(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (-2, "-0:02"), (360000, "100:00:00")],
)
def test_a_length_of_time_is_shown_as_a_clock(seconds: float, text: str) -> None:
    """Rounded, not cut: 59.6 s is a minute."""
    assert clock_text(seconds) == text


def test_programs_get_dates_in_utc_and_seconds() -> None:
    """In JSON and in CSV alike."""
    row = {"time": datetime(2026, 11, 30, 18, 0, 0, 125_000, UTC), "lasted": timedelta(seconds=1.5), "end": None}

    assert json.loads(written([row], list(row), Form.JSON)) == {
        "time": "2026-11-30T18:00:00.125Z",
        "lasted": 1.5,
        "end": None,
    }
    assert written([row], list(row), Form.CSV) == "time,lasted,end\n2026-11-30T18:00:00.125Z,1.5,\n"


def test_json_has_the_columns_asked_for_and_every_text_as_it_is() -> None:
    """One line a row, in letters that no terminal obeys."""
    text = written([{"a": "\x1b[2J\u202e日", "b": 1, "c": 2}, {"a": "x"}], ["a", "b"], Form.JSON)

    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert [json.loads(line) for line in text.splitlines()] == [{"a": "\x1b[2J\u202e日", "b": 1}, {"a": "x", "b": None}]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"])
def test_no_text_in_a_spreadsheet_is_a_formula(text: str) -> None:
    """A player's name must not calculate, or worse, on the machine of who looks at it."""
    [_, [cell]] = csv.reader(io.StringIO(written([{"name": text}], ["name"], Form.CSV)))

    assert cell.startswith("'")
    assert cell.isprintable()


def test_numbers_below_zero_stay_numbers_in_a_spreadsheet() -> None:
    """They begin as formulas do, and are what people calculate with."""
    row = {"x": -1.5, "n": -3, "both": {"x": -1}, "list": [], "text": 'a,"b"'}

    assert list(csv.reader(io.StringIO(written([row], list(row), Form.CSV)))) == [
        list(row),
        ["-1.5", "-3", '{"x": -1}', "[]", 'a,"b"'],
    ]


@pytest.mark.parametrize(("form", "text"), [(Form.TABLE, "A  B\n"), (Form.CSV, "a,b\n"), (Form.JSON, "")])
def test_without_rows_there_are_heads_at_most(form: Form, text: str) -> None:
    """Nothing found is an answer, too."""
    assert written([], ["a", "b"], form, width=20) == text
